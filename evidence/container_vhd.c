/*
 * VHD ("Virtual Hard Disk Image Format Specification", Microsoft, 2006):
 * fixed (a raw image with a footer) and dynamic (blocks in a table, each with
 * a bitmap of its sectors). Differencing disks are refused.
 *
 * All fields are big-endian; offsets in the table are sectors of 512 bytes.
 */
#include <stdlib.h>

#include "base/text.h"
#include "base/varint.h"
#include "evidence/container_kinds.h"

enum {
    SECTOR = 512,
    FOOTER = 512,
    HEADER = 1024,
    BLOCKS_MAX = 1 << 25,
    BLOCK_MAX = 256 << 20,
    FIXED = 2,
    DYNAMIC = 3,
    DIFFERENCING = 4,
};

static const uint32_t UNUSED = 0xffffffff;

struct vhd {
    struct container c;
    uint32_t block;  /* bytes */
    uint32_t bitmap; /* bytes before each block */
    unsigned char *table;
    uint64_t n;        /* entries of the table that were read */
    uint64_t data;     /* of a fixed one: bytes before the footer */
    uint64_t marks_of; /* block that marks[] belongs to, UINT64_MAX = none */
    bool marks_good;
    unsigned char *marks;
};

static void vhd_free(void *state)
{
    struct vhd *v = state;
    free(v->table);
    free(v->marks);
}

/* Ones' complement of the sum of all bytes but its own four. */
static bool sum_fits(const unsigned char *p, size_t n, size_t at)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        if (i < at || i >= at + 4)
            sum += p[i];
    return ~sum == u32be(p + at);
}

bool vhd_footer_fits(struct str footer)
{
    return str_starts(footer, STR("conectix")) &&
           sum_fits((const unsigned char *)footer.p, FOOTER, 64);
}

/* Sectors that were never written are zeros, whatever lies there. */
static void find_written(struct source *s, uint64_t i, uint64_t at,
                         uint64_t in_block, struct run *r)
{
    struct vhd *v = s->state;
    if (at >= s->below->size) {
        r->kind = RUN_ABSENT;
        return;
    }
    if (v->marks_of != i) {
        v->marks_of = i;
        v->marks_good = container_meta(s->below, at, v->marks, v->bitmap);
    }
    if (!v->marks_good)
        return;
    uint64_t first = in_block / SECTOR, n = v->block / SECTOR, k = first;
    bool written = v->marks[k / 8] >> (7 - k % 8) & 1;
    while (k < n && (bool)(v->marks[k / 8] >> (7 - k % 8) & 1) == written)
        k++;
    r->len = k * SECTOR - in_block;
    r->kind = written ? RUN_DATA : RUN_ZERO;
    r->from = at + v->bitmap + in_block;
}

static void find(struct source *s, uint64_t off, struct run *r)
{
    const struct vhd *v = s->state;
    if (!v->block) {
        *r = (struct run){ .kind = RUN_DATA, .from = off };
        r->len = off < v->data ? v->data - off : s->size - off;
        if (off >= v->data)
            r->kind = RUN_ABSENT;
        return;
    }
    uint64_t i = off / v->block, in_block = off % v->block;
    r->len = v->block - in_block;
    if (i >= v->n)
        return;
    uint32_t sector = u32be(v->table + i * 4);
    if (sector == UNUSED)
        r->kind = RUN_ZERO;
    else
        find_written(s, i, (uint64_t)sector * SECTOR, in_block, r);
}

static const struct container_map map = { "vhd", find, NULL, vhd_free };

/* ---- opening ------------------------------------------------------------ */

static int table_load(struct vhd *v, struct source *s, uint64_t at,
                      uint64_t stated, uint64_t size, struct err *err)
{
    uint64_t need = size / v->block + (size % v->block != 0);
    if (need > BLOCKS_MAX)
        return err_set(err, ERR_EVIDENCE, "VHD: its table is too large");
    if (stated < need)
        container_issue(&v->c.info, true, "vhd-table",
                        "the table covers a part of the medium only");
    uint64_t n = stated < need ? stated : need;
    v->table = calloc(n ? (size_t)n : 1, 4);
    v->marks = calloc(1, v->bitmap);
    if (!v->table || !v->marks)
        return err_set(err, ERR_INTERNAL, "out of memory");
    v->marks_of = UINT64_MAX;
    while (v->n < n) {
        uint64_t step = n - v->n < 4096 ? n - v->n : 4096;
        if (!container_meta(s, at + v->n * 4, v->table + v->n * 4,
                            (size_t)step * 4))
            break;
        v->n += step;
    }
    if (v->n < n)
        container_issue(&v->c.info, true, "vhd-table",
                        "the table is cut or cannot be read");
    return 0;
}

static int dynamic(struct vhd *v, struct source *s, const unsigned char *f,
                   struct err *err)
{
    unsigned char h[HEADER];
    uint64_t at = u64be(f + 16);
    if (!container_meta(s, at, h, sizeof h) || memcmp(h, "cxsparse", 8) != 0)
        return err_set(err, ERR_EVIDENCE,
                       "VHD: the header of the table is missing or damaged");
    if (!sum_fits(h, HEADER, 36))
        container_issue(&v->c.info, true, "vhd-header",
                        "the checksum of the table's header is wrong");
    uint32_t block = u32be(h + 32);
    if (block < SECTOR || block > BLOCK_MAX || (block & (block - 1)))
        return err_set(err, ERR_EVIDENCE, "VHD: blocks of %u bytes", block);
    v->block = block;
    v->bitmap = (block / SECTOR + 8 * SECTOR - 1) / (8 * SECTOR) * SECTOR;
    return table_load(v, s, u64be(h + 16), u32be(h + 28), u64be(f + 48), err);
}

/* The footer, or its copy at the start of a dynamic one. */
static int footer(struct vhd *v, struct source *s, unsigned char *f,
                  struct err *err)
{
    unsigned char first[FOOTER];
    bool end = s->size >= FOOTER &&
               container_meta(s, s->size - FOOTER, f, FOOTER) &&
               vhd_footer_fits((struct str){ (char *)f, FOOTER });
    bool start = container_meta(s, 0, first, FOOTER) &&
                 memcmp(first, "conectix", 8) == 0;
    if (end)
        return 0;
    if (!start)
        return err_set(err, ERR_EVIDENCE, "VHD: the footer is damaged");
    memcpy(f, first, FOOTER);
    container_issue(&v->c.info, true, "vhd-footer",
                    "the footer at the end is missing or damaged: the file "
                    "may be cut; the copy at its start is used");
    if (!vhd_footer_fits((struct str){ (char *)f, FOOTER }))
        container_issue(&v->c.info, true, "vhd-footer",
                        "the checksum of that copy is wrong too");
    return 0;
}

static int differencing(struct source *s, const unsigned char *f,
                        struct err *err)
{
    enum { NAME = 64, UNITS = 60 };
    unsigned char wide[UNITS * 2];
    char name[UNITS];
    size_t n = 0;
    if (container_meta(s, u64be(f + 16) + NAME, wide, sizeof wide))
        for (; n < UNITS && u16be(wide + n * 2); n++)
            name[n] = (char)(wide[n * 2] ? '?' : wide[n * 2 + 1]);
    return err_set(err, ERR_EVIDENCE,
                   "VHD differencing disk over the parent %s, which is not "
                   "read: merge them first",
                   text_line((struct str){ name, n }));
}

static int open_kind(struct vhd *v, struct source *s, const unsigned char *f,
                     struct err *err)
{
    uint32_t kind = u32be(f + 60);
    uint64_t size = u64be(f + 48);
    if (size > INT64_MAX)
        return err_set(err, ERR_EVIDENCE, "VHD: the footer is damaged");
    container_value(&v->c.info, "container", "VHD, %s",
                    kind == FIXED ? "fixed" : "dynamic");
    if (kind == DYNAMIC)
        return dynamic(v, s, f, err);
    if (kind == DIFFERENCING)
        return differencing(s, f, err);
    if (kind != FIXED)
        return err_set(err, ERR_EVIDENCE, "VHD of kind %u is not read", kind);
    v->data = s->size - FOOTER;
    if (v->data > size)
        container_issue(&v->c.info, false, "vhd-size",
                        "%llu bytes behind the medium's end are not part of "
                        "it",
                        (unsigned long long)(v->data - size));
    return 0;
}

struct source *vhd_open(struct source *s, struct err *err)
{
    unsigned char f[FOOTER];
    struct vhd *v = calloc(1, sizeof *v);
    if (!v) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    v->c.map = &map;
    if (footer(v, s, f, err) || open_kind(v, s, f, err)) {
        container_free(&v->c);
        return NULL;
    }
    return container_make(&v->c, u64be(f + 48), s, err);
}
