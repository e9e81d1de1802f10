/* LVM2: what a text of metadata says of a group. */
#include <stdio.h>

#include "evidence/lvm_inside.h"

enum {
    LVS_MAX = 1 << 14,
    SEGMENTS_MAX = 1 << 16,
    STRIPES_MAX = 1024,
    SECTOR = 512,
    LAYOUT_MAX = 400,
};

/* The text of one group while it is decoded. */
struct group {
    struct lvm *l;
    struct lvm_text t;
    size_t top;
    struct lvm_vg *vg;
    size_t n_segments;
};

static size_t count(const struct lvm_text *t, size_t top)
{
    size_t n = 0;
    if (top == SIZE_MAX)
        return 0;
    for (size_t i = lvm_first(t, top); i != SIZE_MAX; i = lvm_next(t, top, i))
        n += t->nodes[i].kind == LVM_SECTION;
    return n;
}

static bool made_at(const struct lvm_text *t, size_t top, struct instant *when)
{
    uint64_t s = lvm_number(t, top, "creation_time", 0);
    *when =
        (struct instant){ s <= INT32_MAX * UINT64_C(4) ? (int64_t)s : 0, 0 };
    return when->s != 0;
}

/* ---- members ------------------------------------------------------------ */

static const struct lvm_pv *pv_by_id(const struct lvm *l, const char *uuid)
{
    for (size_t i = 0; i < l->n_pvs; i++)
        if (memcmp(l->pvs[i].uuid, uuid, LVM_UUID) == 0)
            return &l->pvs[i];
    return NULL;
}

static bool members(struct group *g)
{
    const struct lvm_text *t = &g->t;
    size_t list = lvm_child(t, g->top, "physical_volumes", LVM_SECTION);
    size_t n = count(t, list);
    if (n == 0 || n > LVM_PVS_MAX)
        return false;
    g->vg->members = arena_array(&g->l->arena, n, sizeof *g->vg->members);
    if (!g->vg->members)
        return false;
    for (size_t i = lvm_first(t, list); i != SIZE_MAX;
         i = lvm_next(t, list, i)) {
        if (t->nodes[i].kind != LVM_SECTION)
            continue;
        struct lvm_member *m = &g->vg->members[g->vg->n_members++];
        lvm_uuid(m->uuid, lvm_string(t, i, "id"));
        m->device = lvm_string(t, i, "device");
        m->extents = lvm_number(t, i, "pe_count", 0);
        if (__builtin_mul_overflow(lvm_number(t, i, "pe_start", 0),
                                   (uint64_t)SECTOR, &m->start) ||
            __builtin_mul_overflow(lvm_number(t, i, "dev_size", 0),
                                   (uint64_t)SECTOR, &m->size))
            return false;
        m->pv = m->uuid[0] ? pv_by_id(g->l, m->uuid) : NULL;
    }
    return true;
}

/* Index of the member that the text calls `name` ("pv0"). */
static uint32_t member_of(const struct group *g, struct str name)
{
    const struct lvm_text *t = &g->t;
    size_t list = lvm_child(t, g->top, "physical_volumes", LVM_SECTION);
    uint32_t at = 0;
    for (size_t i = lvm_first(t, list); i != SIZE_MAX;
         i = lvm_next(t, list, i)) {
        if (t->nodes[i].kind != LVM_SECTION)
            continue;
        if (str_eq(t->nodes[i].key, name))
            return at;
        at++;
    }
    return UINT32_MAX;
}

/* ---- logical volumes ---------------------------------------------------- */

static bool segment(struct group *g, struct lvm_lv *lv, size_t node)
{
    const struct lvm_text *t = &g->t;
    struct lvm_segment *s = &lv->segments[lv->n];
    struct str type = lvm_string(t, node, "type");
    s->start = lvm_number(t, node, "start_extent", UINT64_MAX);
    s->count = lvm_number(t, node, "extent_count", 0);
    uint64_t n = lvm_number(t, node, "stripe_count", 0);
    uint64_t before = lv->n ? s[-1].start + s[-1].count : 0;
    uint64_t bytes;
    if (!str_eq(type, STR("striped"))) {
        static const char *const kinds[] = {
            "raid0",    "raid0_meta", "raid1",      "raid10",    "raid4",
            "raid5",    "raid6",      "mirror",     "thin-pool", "thin",
            "cache",    "cache-pool", "writecache", "snapshot",  "vdo",
            "vdo-pool", "error",      "zero",       "integrity",
        };
        lv->refused = "of an unknown kind";
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (str_starts(type, str_from(kinds[i])) &&
                (str_eq(type, str_from(kinds[i])) || i == 5 || i == 6))
                lv->refused = kinds[i];
        return true;
    }
    size_t list = lvm_child(t, node, "stripes", LVM_LIST);
    if (s->start != before || s->count == 0 || n == 0 || n > STRIPES_MAX ||
        list == SIZE_MAX || s->count % n ||
        __builtin_mul_overflow(s->count, g->vg->extent, &bytes) ||
        __builtin_add_overflow(lv->size, bytes, &lv->size) ||
        lv->size > INT64_MAX)
        return false;
    s->stripe_size = lvm_number(t, node, "stripe_size", 0);
    if (n == 1)
        s->stripe_size = g->vg->extent / SECTOR;
    if (s->stripe_size == 0 || s->stripe_size > g->vg->extent / SECTOR)
        return false;
    s->stripe_size *= SECTOR;
    s->stripes = arena_array(&g->l->arena, (size_t)n, sizeof *s->stripes);
    if (!s->stripes)
        return false;
    size_t i = lvm_first(t, list);
    for (; i != SIZE_MAX && s->n < n; s->n++) {
        size_t number = lvm_next(t, list, i);
        if (number == SIZE_MAX)
            return false;
        struct lvm_stripe *st = &s->stripes[s->n];
        st->member = member_of(g, t->nodes[i].text);
        st->extent = t->nodes[number].number;
        lv->incomplete |=
            st->member == UINT32_MAX || !g->vg->members[st->member].pv;
        i = lvm_next(t, list, number);
    }
    lv->n++;
    return s->n == n;
}

static void logical_volume(struct group *g, size_t node)
{
    const struct lvm_text *t = &g->t;
    struct lvm_lv *lv = &g->vg->lvs[g->vg->n_lvs];
    lv->name = t->nodes[node].key;
    if (!lvm_name_ok(lv->name)) {
        lvm_issue(g->l, "lvm-name", g->vg->off, g->vg->len,
                  "a logical volume has an impossible name");
        return;
    }
    g->vg->n_lvs++;
    lvm_uuid(lv->uuid, lvm_string(t, node, "id"));
    lv->visible = lvm_has_word(t, node, "status", "VISIBLE");
    lv->has_made = made_at(t, node, &lv->made);
    lv->host = lvm_string(t, node, "creation_host");
    size_t n = count(t, node);
    if (n > SEGMENTS_MAX - g->n_segments) {
        lv->refused = "of too many parts";
        return;
    }
    g->n_segments += n;
    lv->segments = arena_array(&g->l->arena, n ? n : 1, sizeof *lv->segments);
    bool ok = lv->segments && n > 0;
    for (size_t i = lvm_first(t, node); i != SIZE_MAX && ok;
         i = lvm_next(t, node, i))
        if (t->nodes[i].kind == LVM_SECTION)
            ok = segment(g, lv, i);
    if (!ok)
        lv->refused = "damaged in its description";
}

/* A snapshot's store of changed blocks is a volume like others in the text;
 * another one, hidden and of the kind "snapshot", names it. */
static void refuse_stores(struct group *g, size_t list)
{
    const struct lvm_text *t = &g->t;
    for (size_t i = lvm_first(t, list); i != SIZE_MAX; i = lvm_next(t, list, i))
        for (size_t k = lvm_first(t, i); k != SIZE_MAX; k = lvm_next(t, i, k)) {
            if (t->nodes[k].kind != LVM_SECTION)
                continue;
            struct str store = lvm_string(t, k, "cow_store");
            for (size_t v = 0; store.n && v < g->vg->n_lvs; v++)
                if (str_eq(g->vg->lvs[v].name, store))
                    g->vg->lvs[v].refused = "snapshot";
        }
}

static bool logical_volumes(struct group *g)
{
    const struct lvm_text *t = &g->t;
    size_t list = lvm_child(t, g->top, "logical_volumes", LVM_SECTION);
    size_t n = count(t, list);
    if (n == 0)
        return true;
    if (n > LVS_MAX) {
        lvm_issue(g->l, "lvm-count", g->vg->off, g->vg->len,
                  "%zu logical volumes: more than are read", n);
        return false;
    }
    g->vg->lvs = arena_array(&g->l->arena, n, sizeof *g->vg->lvs);
    if (!g->vg->lvs)
        return false;
    for (size_t i = lvm_first(t, list); i != SIZE_MAX; i = lvm_next(t, list, i))
        if (t->nodes[i].kind == LVM_SECTION)
            logical_volume(g, i);
    refuse_stores(g, list);
    return true;
}

/* ---- texts -------------------------------------------------------------- */

static bool group_open(struct group *g, struct lvm *l,
                       const struct lvm_found *f)
{
    *g = (struct group){ .l = l };
    if (lvm_text_parse(&g->t, f->text))
        g->top = lvm_group_node(&g->t);
    return g->t.n && !g->t.wrong && g->top != SIZE_MAX;
}

bool lvm_decode_group(struct lvm *l, const struct lvm_found *f,
                      struct lvm_vg *vg)
{
    struct group g;
    bool ok = group_open(&g, l, f);
    *vg = (struct lvm_vg){ .off = f->off, .len = (uint32_t)f->text.n };
    g.vg = vg;
    if (ok) {
        const struct lvm_text *t = &g.t;
        uint64_t extent = lvm_number(t, g.top, "extent_size", 0);
        vg->name = t->nodes[g.top].key;
        memcpy(vg->uuid, f->vg_id, sizeof vg->uuid);
        vg->seqno = f->seqno;
        vg->has_written = made_at(t, SIZE_MAX, &vg->written);
        vg->host = lvm_string(t, SIZE_MAX, "creation_host");
        vg->description = lvm_string(t, SIZE_MAX, "description");
        ok = lvm_name_ok(vg->name) && extent && extent <= UINT32_MAX;
        vg->extent = extent * SECTOR;
        ok = ok && members(&g) && logical_volumes(&g);
    }
    if (!ok)
        lvm_issue(l, "lvm-metadata", f->off, f->text.n,
                  "the description of a volume group is damaged");
    lvm_text_free(&g.t);
    return ok;
}

void lvm_decode_copy(struct lvm *l, const struct lvm_found *f,
                     struct lvm_copy *c)
{
    struct group g;
    struct buf b = { 0 };
    *c = (struct lvm_copy){ .seqno = f->seqno,
                            .off = f->off,
                            .len = (uint32_t)f->text.n };
    memcpy(c->vg_uuid, f->vg_id, sizeof c->vg_uuid);
    if (group_open(&g, l, f)) {
        const struct lvm_text *t = &g.t;
        size_t list = lvm_child(t, g.top, "logical_volumes", LVM_SECTION);
        c->vg = t->nodes[g.top].key;
        c->has_written = made_at(t, SIZE_MAX, &c->written);
        c->host = lvm_string(t, SIZE_MAX, "creation_host");
        c->description = lvm_string(t, SIZE_MAX, "description");
        for (size_t i = list == SIZE_MAX ? SIZE_MAX : lvm_first(t, list);
             i != SIZE_MAX && b.n < LAYOUT_MAX; i = lvm_next(t, list, i)) {
            uint64_t extents = 0;
            for (size_t k = lvm_first(t, i); k != SIZE_MAX;
                 k = lvm_next(t, i, k))
                if (t->nodes[k].kind == LVM_SECTION)
                    extents += lvm_number(t, k, "extent_count", 0);
            if (!lvm_name_ok(t->nodes[i].key))
                continue;
            buf_putz(&b, b.n ? ", " : "");
            buf_put(&b, t->nodes[i].key);
            buf_printf(&b, " of %llu extents", (unsigned long long)extents);
        }
    }
    c->layout = buf_to_arena(&b, &l->arena);
    lvm_text_free(&g.t);
}
