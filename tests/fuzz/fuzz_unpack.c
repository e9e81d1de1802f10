/* xz and bzip2: the same bytes in any order of reading, nothing kept or all. */
#include "evidence/unpack.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

enum { OUT_MAX = 8 << 20, PART = 3000, STEPS = 8 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    enum unpack_kind k = unpack_recognise(bytes);
    char head[PART];
    (void)unpack_head(bytes, head, sizeof head);
    if (k == UNPACK_NOT)
        k = size % 2 ? UNPACK_XZ : UNPACK_BZ2;
    struct source *file = source_open_memory(bytes, NULL);
    struct source *all = unpack_open(k, file, OUT_MAX, NULL);
    struct source *none = unpack_open_kept(k, file, OUT_MAX, 0, NULL);
    if (all && none) {
        const struct unpack_report *r = unpack_source_report(all);
        must(all->size == none->size && r->out_size == all->size);
        must(!*unpack_damage_code(k, r->damage) ==
             !*unpack_damage_text(r->damage));
        for (uint64_t i = STEPS; i-- > 0;) {
            char a[PART], b[PART];
            size_t x, y;
            uint64_t off = all->size / STEPS * i;
            must(!source_read(all, off, a, PART, &x, NULL));
            must(!source_read(none, off, b, PART, &y, NULL));
            must(x == y && (x == 0 || memcmp(a, b, x) == 0));
        }
        must(all->n_gaps == 0 && none->n_gaps == 0);
    }
    source_close(all);
    source_close(none);
    source_close(file);
    return 0;
}
