/* An E01 segment: what is read twice is the same, gaps read as zeros. */
#include "evidence/ewf.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

enum { READ_MAX = 1 << 20, PART = 5000 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void read_part(struct source *s, uint64_t off)
{
    char a[PART], b[PART];
    size_t got, again;
    must(!source_read(s, off, a, PART, &got, NULL));
    must(!source_read(s, off, b, PART, &again, NULL));
    must(got == again && memcmp(a, b, got) == 0);
    for (size_t i = 0; i < got; i++)
        if (source_gap_in(s, off + i, 1) && a[i])
            must(s->gaps_complete); /* unread sectors of an acquisition */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    struct source *file = source_open_memory(bytes, NULL);
    struct source *s = file ? ewf_source_open(file, NULL) : NULL;
    if (s) {
        const struct ewf_info *in = ewf_source_info(s);
        must(in->chunk_size > 0 && in->n_values <= EWF_VALUES_MAX);
        must(in->incomplete || source_gap_bytes(s) < s->size || s->size == 0 ||
             in->bad_sections || in->acquiry_errors);
        for (uint64_t off = 0; off < s->size && off < READ_MAX; off += PART)
            if (!in->acquiry_errors)
                read_part(s, off);
    }
    source_close(s);
    source_close(file);
    return 0;
}
