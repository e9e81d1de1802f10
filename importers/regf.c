#include "importers/regf.h"

#include "base/varint.h"

enum {
    KEY_HEAD = 76,
    VALUE_HEAD = 20,
    NARROW_KEY = 0x20,
    NARROW_VALUE = 1,
    PIECE = 16344,
};
#define IN_PLACE 0x80000000u

bool regf_open(struct regf *h, struct str bytes)
{
    *h = (struct regf){ .bytes = bytes, .root = REGF_NONE };
    if (bytes.n < REGF_HEAD || !str_starts(bytes, STR("regf")))
        return false;
    h->root = u32le(bytes.p + 36);
    return true;
}

bool regf_cell(const struct regf *h, uint32_t at, struct regf_cell *out)
{
    uint64_t off = (uint64_t)at + REGF_HEAD;
    if (at == REGF_NONE || h->bytes.n < 4 || off > h->bytes.n - 4)
        return false;
    int64_t n = (int32_t)u32le(h->bytes.p + off);
    out->free = n > 0;
    uint64_t len = (uint64_t)(n > 0 ? n : -n);
    if (len < 4 || len > h->bytes.n - off)
        return false;
    out->off = off;
    out->data = str_sub(h->bytes, off + 4, len - 4);
    return true;
}

static bool is(struct str data, const char *two)
{
    return data.n >= 4 && data.p[0] == two[0] && data.p[1] == two[1];
}

bool regf_key(const struct regf *h, uint32_t at, struct regf_key *out)
{
    struct regf_cell c;
    if (!regf_cell(h, at, &c) || !is(c.data, "nk") || c.data.n < KEY_HEAD)
        return false;
    const char *p = c.data.p;
    size_t n = u16le(p + 72);
    if (n > c.data.n - KEY_HEAD)
        return false;
    *out = (struct regf_key){ .cell = c,
                              .at = at,
                              .flags = u16le(p + 2),
                              .written = u64le(p + 4),
                              .parent = u32le(p + 16),
                              .n_subkeys = u32le(p + 20),
                              .subkeys = u32le(p + 28),
                              .n_values = u32le(p + 36),
                              .values = u32le(p + 40),
                              .name = str_sub(c.data, KEY_HEAD, n) };
    out->narrow = out->flags & NARROW_KEY;
    return true;
}

bool regf_value(const struct regf *h, const struct regf_key *k, uint32_t i,
                struct regf_value *out)
{
    struct regf_cell list, c, data;
    if (i >= k->n_values || !regf_cell(h, k->values, &list) ||
        (uint64_t)i * 4 + 4 > list.data.n)
        return false;
    if (!regf_cell(h, u32le(list.data.p + (size_t)i * 4), &c) ||
        !is(c.data, "vk") || c.data.n < VALUE_HEAD)
        return false;
    const char *p = c.data.p;
    size_t n = u16le(p + 2);
    if (n > c.data.n - VALUE_HEAD)
        return false;
    uint32_t size = u32le(p + 4);
    *out = (struct regf_value){ .cell = c,
                                .name = str_sub(c.data, VALUE_HEAD, n),
                                .narrow = u16le(p + 16) & NARROW_VALUE,
                                .type = u32le(p + 12),
                                .size = size & ~IN_PLACE,
                                .big = REGF_NONE };
    if (size & IN_PLACE) {
        out->data = str_sub(c.data, 8, out->size < 4 ? out->size : 4);
    } else if (size && regf_cell(h, u32le(p + 8), &data)) {
        if (size > PIECE && is(data.data, "db") && data.data.n >= 8)
            out->big = u32le(p + 8);
        else
            out->data = str_sub(data.data, 0, size);
    }
    return true;
}

struct str regf_big(const struct regf *h, const struct regf_value *v,
                    struct arena *a, size_t most)
{
    struct regf_cell head, list, piece;
    size_t n = 0, want = v->size < most ? v->size : most;
    if (!regf_cell(h, v->big, &head) || head.data.n < 8)
        return STR_NONE;
    unsigned pieces = u16le(head.data.p + 2);
    if (!regf_cell(h, u32le(head.data.p + 4), &list))
        return STR_NONE;
    char *p = arena_alloc(a, want + 1);
    for (unsigned i = 0; p && i < pieces && n < want; i++) {
        if ((size_t)i * 4 + 4 > list.data.n ||
            !regf_cell(h, u32le(list.data.p + (size_t)i * 4), &piece))
            break;
        struct str part = str_sub(piece.data, 0, PIECE);
        part = str_sub(part, 0, want - n);
        if (part.n)
            memcpy(p + n, part.p, part.n);
        n += part.n;
    }
    return (struct str){ p, p ? n : 0 };
}

/* ---- lists of subkeys ---------------------------------------------------- */

/* Opens a list of keys: entries of eight bytes (lf, lh) or four (li). */
static bool inner_open(const struct regf *h, struct regf_list *l, uint32_t at)
{
    struct regf_cell c;
    if (!regf_cell(h, at, &c) ||
        (!is(c.data, "lf") && !is(c.data, "lh") && !is(c.data, "li"))) {
        l->damaged = true;
        return false;
    }
    l->inner = at;
    l->n_inner = u16le(c.data.p + 2);
    l->i_inner = 0;
    return true;
}

void regf_list_open(const struct regf *h, const struct regf_key *k,
                    struct regf_list *l)
{
    struct regf_cell c;
    *l = (struct regf_list){ .outer = REGF_NONE, .inner = REGF_NONE };
    if (k->n_subkeys == 0 || k->subkeys == REGF_NONE)
        return;
    if (regf_cell(h, k->subkeys, &c) && is(c.data, "ri")) {
        l->outer = k->subkeys;
        l->n_outer = u16le(c.data.p + 2);
        return;
    }
    if (inner_open(h, l, k->subkeys) && l->n_inner != k->n_subkeys)
        l->damaged = true;
}

static bool entry(const struct regf *h, uint32_t list, uint32_t i,
                  uint32_t *out)
{
    struct regf_cell c;
    if (!regf_cell(h, list, &c))
        return false;
    size_t step = is(c.data, "lf") || is(c.data, "lh") ? 8 : 4;
    size_t at = 4 + (size_t)i * step;
    if (at + 4 > c.data.n)
        return false;
    *out = u32le(c.data.p + at);
    return true;
}

bool regf_list_next(const struct regf *h, struct regf_list *l, uint32_t *at)
{
    for (;;) {
        if (l->inner != REGF_NONE && l->i_inner < l->n_inner) {
            if (entry(h, l->inner, l->i_inner++, at))
                return true;
            l->damaged = true;
            l->i_inner = l->n_inner;
            continue;
        }
        uint32_t next;
        if (l->outer == REGF_NONE || l->i_outer >= l->n_outer)
            return false;
        l->inner = REGF_NONE;
        if (!entry(h, l->outer, l->i_outer++, &next))
            l->damaged = true;
        else
            inner_open(h, l, next);
    }
}
