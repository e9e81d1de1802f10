/* Volumes lie inside the medium, overlaps are told, counts are bounded. */
#include "evidence/volume.h"

#include <stdlib.h>

#include "evidence/fs.h"
#include "tests/fuzz/replay.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct volume *v, const struct source *medium)
{
    must(v->number > 0 && volume_type_name(v, VOLUMES_MBR) != NULL);
    if (v->len == 0)
        return;
    must(v->off < medium->size && v->len <= medium->size - v->off);
    must(v->len == v->stated || v->flags & VOLUME_BEYOND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    struct source *medium = source_open_memory(bytes, NULL);
    struct volume_table t;
    must(medium && volumes_read(medium, &t, NULL) == 0);
    must(t.n <= VOLUMES_MAX && t.n_issues <= VOLUME_ISSUES_MAX);
    for (size_t i = 0; i < t.n; i++) {
        check(&t.volumes[i], medium);
        must(i == 0 || t.volumes[i - 1].number <= t.volumes[i].number);
        must(volume_type_name(&t.volumes[i], t.kind) != NULL);
    }
    for (size_t i = 1; i < t.n; i++) {
        const struct volume *a = &t.volumes[i - 1], *b = &t.volumes[i];
        if (a->len && b->len && a->off < b->off + b->len &&
            b->off < a->off + a->len)
            must(a->flags & b->flags & VOLUME_OVERLAPS);
    }
    must(fs_type_name(fs_recognise(medium)) != NULL);
    must(volumes_recognise(bytes) <= VOLUMES_GPT);
    volumes_free(&t);
    source_close(medium);
    return 0;
}
