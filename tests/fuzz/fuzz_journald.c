/*
 * Journal files of systemd: as a worker reads them, and then the same entries
 * and fields from memory and through the cache of blocks.
 */
#include "importers/journald_scan.h"
#include "tests/fuzz/importer.h"

/* What is found, as one number. */
static uint64_t seen(struct str bytes, bool blocks)
{
    struct err err = { 0 };
    struct source *src = source_open_memory(bytes, &err);
    struct input in = { .src = src };
    struct journald_file f;
    struct journald_scan s = { 0 };
    struct journald_found found = { .kind = FOUND_DAMAGE };
    struct journald_data d;
    struct arena a = { 0 };
    uint64_t sum = 0, off;
    if (!src)
        abort();
    if (!blocks)
        in = (struct input){ bytes.p, bytes.n, 0, true, src };
    int rc = journald_open(&f, &in, &err);
    if (rc == 0)
        rc = journald_scan_open(&s, &f, &err);
    while (rc == 0 && found.kind != FOUND_END) {
        rc = journald_scan_next(&s, &found);
        if (found.off > bytes.n || found.len > bytes.n - found.off)
            abort();
        sum = sum * 31 + found.off * 8 + found.kind;
        for (uint64_t i = 0; found.kind == FOUND_ENTRY && i < 40 &&
                             journald_items(&f, &found.entry, i, &off, 1) == 1;
             i++) {
            arena_reset(&a);
            journald_data(&f, off, &a, NULL, &d);
            if (f.unpack_left > (uint64_t)32 << 20)
                sum = sum * 31 + d.damage + d.name.n + 7 * d.value.n;
        }
    }
    if (f.err.code)
        abort();
    journald_scan_close(&s);
    journald_close(&f);
    arena_free(&a);
    source_close(src);
    return sum;
}

static int worker(const uint8_t *data, size_t size)
{
    struct collected c = { 0 };
    collect(&c, (struct str){ (const char *)data, size },
            STR("var/log/journal/0/system.journal"), STR("journald"),
            COLLECT_COUNT);
    int failed = c.failed;
    collect_free(&c);
    return failed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    if (worker(data, size) || seen(bytes, false) != seen(bytes, true))
        abort();
    return 0;
}
