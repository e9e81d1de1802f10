/* LVM2: labels, headers and metadata areas; see lvm.h for the layouts. */
#include "evidence/lvm_inside.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/varint.h"

enum {
    SECTOR = 512,
    LABEL_SECTORS = 4,
    CRC_START = 0xf597a6cfu,
    AREAS_MAX = 16, /* lvm writes one or two */
    MDA_HEADER = 512,
    RAW_AT = 40, /* first raw location in an area's header */
    RAW_SIZE = 24,
    FLAG_IGNORED = 1,
};

static const char mda_magic[16] = { ' ', 'L', 'V', 'M', '2', ' ', 'x', '[',
                                    '5', 'A', '%', 'r', '0', 'N', '*', '>' };

struct area {
    uint64_t off, len; /* on the medium */
};

/* zlib inverts at both ends; LVM does neither. */
static uint32_t checksum(const void *p, size_t n)
{
    return ~(uint32_t)crc32_z(~CRC_START, p, n);
}

static bool read_exact(struct source *s, uint64_t off, void *buf, size_t n)
{
    size_t got;
    return !source_read(s, off, buf, n, &got, NULL) && got == n;
}

bool lvm_uuid(char out[LVM_UUID], struct str id)
{
    size_t letters = 0, at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (c == '-')
            continue;
        if (letters == 32 ||
            !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9')))
            return false;
        /* groups of 6, 4, 4, 4, 4, 4, 6 */
        if (letters >= 6 && letters <= 26 && (letters - 6) % 4 == 0)
            out[at++] = '-';
        out[at++] = c;
        letters++;
    }
    out[letters == 32 ? at : 0] = '\0';
    return letters == 32;
}

bool lvm_name_ok(struct str name)
{
    if (name.n == 0 || name.n >= LVM_NAME || name.p[0] == '-' ||
        str_eq(name, STR(".")) || str_eq(name, STR("..")))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' ||
              c == '.'))
            return false;
    }
    return true;
}

size_t lvm_group_node(const struct lvm_text *t)
{
    char id[LVM_UUID];
    for (size_t i = lvm_first(t, SIZE_MAX); i != SIZE_MAX;
         i = lvm_next(t, SIZE_MAX, i))
        if (t->nodes[i].kind == LVM_SECTION &&
            lvm_uuid(id, lvm_string(t, i, "id")))
            return i;
    return SIZE_MAX;
}

/* ---- texts -------------------------------------------------------------- */

static void found_add(struct lvm_finds *f, struct lvm_found item)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 64;
        struct lvm_found *p = realloc(f->items, cap * sizeof *p);
        if (!p) {
            f->no_memory = true;
            return;
        }
        f->items = p;
        f->cap = cap;
    }
    f->items[f->n++] = item;
}

/* A text that parses and names a group is kept; false otherwise. */
static bool text_take(struct lvm *l, struct lvm_finds *finds, struct str text,
                      struct lvm_found f)
{
    struct lvm_text t = { 0 };
    bool ok = lvm_text_parse(&t, text);
    size_t vg = ok ? lvm_group_node(&t) : SIZE_MAX;
    if (vg != SIZE_MAX) {
        lvm_uuid(f.vg_id, lvm_string(&t, vg, "id"));
        f.seqno = lvm_number(&t, vg, "seqno", 0);
        f.text = arena_copy(&l->arena, text);
        if (f.text.p)
            found_add(finds, f);
        else
            finds->no_memory = true;
    }
    lvm_text_free(&t);
    return vg != SIZE_MAX;
}

/* The ring of an area, read whole: `bytes` starts behind its header. */
struct ring {
    struct area area;
    struct str bytes;
    struct buf line; /* one text, unrolled */
};

/* n bytes of the ring from `at` on, over its end to its start. */
static struct str unroll(struct ring *r, size_t at, size_t n)
{
    size_t first = r->bytes.n - at;
    if (n <= first)
        return str_sub(r->bytes, at, n);
    buf_clear(&r->line);
    buf_put(&r->line, str_sub(r->bytes, at, first));
    buf_put(&r->line, str_sub(r->bytes, 0, n - first));
    return r->line.failed ? STR_NONE : buf_str(&r->line);
}

static void present_text(struct lvm *l, const unsigned char *h, struct ring *r,
                         struct lvm_finds *finds)
{
    uint64_t off = u64le(h + RAW_AT), size = u64le(h + RAW_AT + 8);
    if (off == 0 || size == 0)
        return; /* a physical volume without a group */
    if (u32le(h + RAW_AT + 20) & FLAG_IGNORED)
        return; /* lvm keeps the text in other areas */
    if (off < MDA_HEADER || off - MDA_HEADER >= r->bytes.n ||
        size > r->bytes.n || size > LVM_TEXT_MAX) {
        lvm_issue(l, "lvm-metadata", r->area.off, MDA_HEADER,
                  "a metadata area points outside of itself");
        return;
    }
    size_t at = (size_t)(off - MDA_HEADER);
    struct str text = unroll(r, at, (size_t)size);
    struct lvm_found f = { .off = r->area.off + off, .present = true };
    f.verified = checksum(text.p, text.n) == u32le(h + RAW_AT + 16);
    if (!f.verified)
        lvm_issue(l, "lvm-checksum", f.off, size,
                  "the metadata differs from its checksum");
    struct str whole = text;
    while (whole.n && whole.p[whole.n - 1] == '\0')
        whole.n--;
    if (!text_take(l, finds, whole, f))
        lvm_issue(l, "lvm-metadata", f.off, size,
                  "the metadata cannot be understood");
}

/* Every sector of the ring where a text may begin. */
static void older_texts(struct lvm *l, struct ring *r, struct lvm_finds *finds)
{
    size_t torn = 0;
    for (size_t at = 0; at + SECTOR <= r->bytes.n; at += SECTOR) {
        struct str head = str_sub(r->bytes, at, LVM_NAME + 8);
        size_t brace = str_find(head, STR(" {\nid = \""));
        if (brace == SIZE_MAX || !lvm_name_ok(str_sub(head, 0, brace)))
            continue;
        size_t max = r->bytes.n < LVM_TEXT_MAX ? r->bytes.n : LVM_TEXT_MAX;
        struct str text = unroll(r, at, max);
        size_t end = str_find(text, (struct str){ "", 1 });
        struct lvm_found f = { .off = r->area.off + MDA_HEADER + at };
        torn += !text_take(l, finds, str_sub(text, 0, end), f);
    }
    if (torn)
        lvm_issue(l, "lvm-remnant", r->area.off, r->area.len,
                  "%zu older texts of metadata are overwritten in part", torn);
}

static void read_area(struct lvm *l, const struct lvm_place *place,
                      struct area a, struct lvm_finds *finds)
{
    unsigned char h[MDA_HEADER];
    if (a.off > place->len || a.len > place->len - a.off ||
        a.len <= MDA_HEADER) {
        lvm_issue(l, "lvm-metadata", place->off, place->len,
                  "a metadata area lies outside of its physical volume");
        return;
    }
    a.off += place->off;
    struct ring r = { .area = a };
    bool ok = read_exact(l->media, a.off, h, sizeof h) &&
              memcmp(h + 4, mda_magic, sizeof mda_magic) == 0;
    if (!ok || checksum(h + 4, sizeof h - 4) != u32le(h))
        lvm_issue(l, "lvm-checksum", a.off, sizeof h,
                  "the header of a metadata area is %s",
                  ok ? "damaged (checksum)" : "not where it should be");
    uint64_t n = a.len - MDA_HEADER;
    if (n > LVM_AREA_MAX) {
        lvm_issue(l, "lvm-area", a.off, a.len,
                  "a metadata area of %llu bytes: its first %d are read",
                  (unsigned long long)a.len, LVM_AREA_MAX);
        n = LVM_AREA_MAX;
    }
    char *p = malloc((size_t)n);
    size_t got = 0;
    if (!p) {
        finds->no_memory = true;
        return;
    }
    if (source_read(l->media, a.off + MDA_HEADER, p, (size_t)n, &got, NULL))
        got = 0;
    r.bytes = (struct str){ p, got };
    if (ok)
        present_text(l, h, &r, finds);
    older_texts(l, &r, finds);
    buf_free(&r.line);
    free(p);
}

/* ---- physical volumes --------------------------------------------------- */

/* Its header: uuid, size, data areas, metadata areas. */
static void read_header(struct lvm *l, const struct lvm_place *place,
                        const unsigned char *p, size_t n,
                        struct lvm_finds *finds)
{
    struct area areas[AREAS_MAX];
    size_t n_areas = 0, lists = 0;
    struct lvm_pv pv = { .place = *place };
    if (n < 40 || !lvm_uuid(pv.uuid, (struct str){ (const char *)p, 32 })) {
        lvm_issue(l, "lvm-header", place->off, SECTOR,
                  "the header of a physical volume is damaged");
        return;
    }
    pv.size = u64le(p + 32);
    for (size_t at = 40; at + 16 <= n && lists < 2; at += 16) {
        struct area a = { u64le(p + at), u64le(p + at + 8) };
        if (a.off == 0 && a.len == 0)
            lists++;
        else if (lists == 1 && n_areas < AREAS_MAX)
            areas[n_areas++] = a;
    }
    for (size_t i = 0; i < l->n_pvs; i++)
        if (memcmp(l->pvs[i].uuid, pv.uuid, sizeof pv.uuid) == 0)
            lvm_issue(l, "lvm-duplicate", place->off, SECTOR,
                      "a physical volume with the id of another one (%s): the "
                      "first one is used",
                      pv.uuid);
    if (pv.size > place->len)
        lvm_issue(l, "lvm-cut", place->off, place->len,
                  "physical volume %s states %llu bytes; here are %llu",
                  pv.uuid, (unsigned long long)pv.size,
                  (unsigned long long)place->len);
    if (l->n_pvs == LVM_PVS_MAX)
        return;
    l->pvs[l->n_pvs++] = pv;
    for (size_t i = 0; i < n_areas; i++)
        read_area(l, place, areas[i], finds);
}

void lvm_read_place(struct lvm *l, const struct lvm_place *place,
                    struct lvm_finds *finds)
{
    unsigned char s[SECTOR];
    for (uint64_t i = 0; i < LABEL_SECTORS; i++) {
        if (place->len < (i + 1) * SECTOR ||
            !read_exact(l->media, place->off + i * SECTOR, s, sizeof s) ||
            memcmp(s, "LABELONE", 8) != 0 || memcmp(s + 24, "LVM2 001", 8) != 0)
            continue;
        uint32_t at = u32le(s + 20);
        if (u64le(s + 8) != i ||
            checksum(s + 20, sizeof s - 20) != u32le(s + 16))
            lvm_issue(l, "lvm-checksum", place->off + i * SECTOR, SECTOR,
                      "the label of a physical volume is damaged (checksum)");
        if (at < 32 || at > SECTOR - 40)
            lvm_issue(l, "lvm-header", place->off + i * SECTOR, SECTOR,
                      "the label of a physical volume points outside of its "
                      "sector");
        else
            read_header(l, place, s + at, SECTOR - at, finds);
        return;
    }
}
