/*
 * Any bytes as a memory dump: what is opened has ranges in order that are
 * inside it and agree with the gaps, and reading it in pieces or at once gives
 * the same bytes.
 */
#include "evidence/memory.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

enum { LOOK = 1 << 18 };

static void demand(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check_ranges(const struct source *s, const struct memory_info *in)
{
    uint64_t end = 0, sum = 0;
    for (size_t i = 0; i < in->n_ranges; i++) {
        demand(in->ranges[i].len > 0);
        demand(i == 0 || in->ranges[i].start > end);
        end = in->ranges[i].start + in->ranges[i].len;
        sum += in->ranges[i].len;
    }
    demand(end <= s->size && s->size <= MEMORY_ADDRESS_END);
    demand(sum == in->present);
    if (s->n_gaps < 1000)
        demand(source_gap_bytes(s) + sum == s->size);
}

static void read_twice(struct source *s, uint64_t at)
{
    static char once[LOOK], pieces[LOOK];
    size_t n = s->size - at < LOOK ? (size_t)(s->size - at) : LOOK, got;
    demand(source_read(s, at, once, n, &got, NULL) == 0 && got == n);
    for (size_t i = 0, step; i < n; i += step) {
        step = n - i < 1000 ? n - i : 1000;
        demand(source_read(s, at + i, pieces + i, step, &got, NULL) == 0);
        demand(got == step);
    }
    demand(memcmp(once, pieces, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    struct source *file =
        source_open_memory((struct str){ (const char *)data, size }, &err);
    struct source *s = file ? memory_open(file, &err) : NULL;
    if (s) {
        const struct memory_info *in = memory_source_info(s);
        check_ranges(s, in);
        read_twice(s, in->ranges[0].start);
        read_twice(s, in->ranges[in->n_ranges - 1].start);
    } else {
        demand(err.code != 0 && err.what[0]);
    }
    source_close(s);
    source_close(file);
    return 0;
}
