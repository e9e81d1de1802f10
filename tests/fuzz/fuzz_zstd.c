/* zstd: the same bytes in any order of reading, nothing kept or all. */
#include "evidence/zstd.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

enum { OUT_MAX = 8 << 20, PART = 3000, STEPS = 16 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* What is shown of it first is how it begins; the same is told of both. */
static void same_told(struct str packed, struct source *all,
                      struct source *none)
{
    const struct zstd_report *r = zstd_source_report(all);
    char head[700], first[sizeof head];
    size_t got, n = zstd_head(packed, head, sizeof head);
    must(n <= sizeof head);
    must(!source_read(all, 0, first, sizeof first, &got, NULL));
    n = n < got ? n : got;
    must(n == 0 || memcmp(head, first, n) == 0);
    must(r->damage == zstd_source_report(none)->damage);
    if (r->damage)
        must(zstd_damage_code(r->damage)[0] && zstd_damage_text(r->damage)[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    struct source *file = source_open_memory(bytes, NULL);
    struct source *all = zstd_open_kept(file, OUT_MAX, UINT64_MAX, NULL);
    struct source *none = zstd_open_kept(file, OUT_MAX, 0, NULL);
    if (all && none) {
        must(all->size == none->size);
        same_told(bytes, all, none);
        for (uint64_t i = STEPS; i-- > 0;) {
            char a[PART], b[PART];
            size_t x, y;
            uint64_t off = all->size / STEPS * i;
            must(!source_read(all, off, a, PART, &x, NULL));
            must(!source_read(none, off, b, PART, &y, NULL));
            must(x == y && memcmp(a, b, x) == 0);
        }
        must(all->n_gaps == 0 && none->n_gaps == 0);
    }
    source_close(all);
    source_close(none);
    source_close(file);
    return 0;
}
