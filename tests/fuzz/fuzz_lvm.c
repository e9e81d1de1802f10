/*
 * LVM2 metadata. An input is a medium that is one physical volume, from TWO
 * bytes on one in each half; labels, area headers and present texts get the
 * checksums that they need, so that changes reach what is behind them. Volumes
 * read no byte outside of the medium, sizes are sums of their parts, places map
 * as reads do; and text that parses has nodes inside of their parents.
 */
#include "evidence/lvm.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/varint.h"
#include "evidence/lvm_text.h"
#include "tests/evidence/zeros.h"
#include "tests/fuzz/replay.h"

enum { CRC_START = 0xf597a6cfu, LVS = 40, PART = 4096, TWO = 40960 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void fix(unsigned char *to, const unsigned char *p, size_t n)
{
    put_u32le(to, ~(uint32_t)crc32_z(~CRC_START, p, n));
}

static void checksums(unsigned char *p, size_t n)
{
    if (n < 8192)
        return;
    fix(p + 512 + 16, p + 512 + 20, 512 - 20);
    uint64_t off = u64le(p + 4096 + 40), size = u64le(p + 4096 + 48);
    if (off < n - 4096 && size <= n - 4096 - off)
        fix(p + 4096 + 56, p + 4096 + off, (size_t)size);
    fix(p + 4096, p + 4100, 508);
}

static void check_text(struct str s)
{
    struct lvm_text t = { 0 };
    if (lvm_text_parse(&t, s))
        for (size_t i = 0; i < t.n; i++) {
            must(t.nodes[i].end > i && t.nodes[i].end <= t.n);
            for (size_t k = lvm_first(&t, i); k != SIZE_MAX;
                 k = lvm_next(&t, i, k))
                must(t.nodes[k].end <= t.nodes[i].end);
        }
    else
        must(t.wrong || t.n == 0);
    lvm_text_free(&t);
}

static void check_volume(struct lvm *l, const struct lvm_vg *vg,
                         const struct lvm_lv *lv)
{
    char a[PART], b[PART];
    size_t got;
    struct source *s = lvm_volume(l, vg, lv, NULL);
    must(lv->refused ? !s : s && s->size == lv->size);
    for (uint64_t i = 0; s && i < 16; i++) {
        uint64_t off = s->size / 16 * i, at;
        must(!source_read(s, off, a, PART, &got, NULL));
        if (got && lvm_place_of(s, off, got, &at)) {
            size_t n;
            must(at < l->media->size && got <= l->media->size - at);
            must(!source_read(l->media, at, b, got, &n, NULL) && n == got);
            must(memcmp(a, b, got) == 0);
        }
    }
    must(!s || zeros_told(s, 1 << 20) != UINT64_MAX);
    source_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *p = malloc(size + 1);
    must(p != NULL);
    if (size)
        memcpy(p, data, size);
    check_text((struct str){ (const char *)data, size });
    size_t half = size >= TWO ? size / 2 : 0;
    checksums(p, half ? half : size);
    if (half)
        checksums(p + half, size - half);
    struct source *m =
        source_open_memory((struct str){ (const char *)p, size }, NULL);
    const struct lvm_place places[] = { { 0, half ? half : size, "p1" },
                                        { half, size - half, "p2" } };
    struct lvm *l = lvm_open(m, places, half ? 2 : 1, NULL);
    must(l && l->n_pvs <= 2 && l->n_issues <= LVM_ISSUES_MAX);
    for (size_t i = 0; i < l->n_vgs; i++)
        for (size_t k = 0; k < l->vgs[i].n_lvs && k < LVS; k++)
            check_volume(l, &l->vgs[i], &l->vgs[i].lvs[k]);
    for (size_t i = 0; i < l->n_copies; i++)
        must(l->copies[i].off < size);
    lvm_close(l);
    source_close(lvm_volume_open(m, STR("vg0/root"), NULL));
    source_close(m);
    free(p);
    return 0;
}
