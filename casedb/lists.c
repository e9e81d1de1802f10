/*
 * Which ranks carry which entity. The rows are read once, in their own order;
 * entities get dense numbers in a hash table, ranks are distributed by
 * counting, so nothing of the size of the links is sorted.
 */
#include "casedb/lists.h"

#include <stdlib.h>

#include "base/varint.h"

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "index: out of memory");
}

/* ---- entities of a row
 * --------------------------------------------------------- */

static const struct {
    uint8_t role, kind; /* kind 0: the value says it */
} columns[INTAKE_COLUMNS] = {
    [COL_SOURCE] = { ROLE_FACET, KIND_SOURCE },
    [COL_ACTION] = { ROLE_FACET, KIND_ACTION },
    [COL_ACTOR] = { ROLE_ACTOR, 0 },
    [COL_TARGET] = { ROLE_TARGET, 0 },
    [COL_OUTCOME] = { ROLE_FACET, KIND_OUTCOME },
    [COL_IP] = { ROLE_FROM, KIND_IP },
    [COL_KEY] = { ROLE_ACTOR, KIND_KEY },
    [COL_AGENT] = { ROLE_FROM, KIND_AGENT },
    [COL_REGION] = { ROLE_WHERE, KIND_REGION },
    [COL_ACCOUNT] = { ROLE_WHERE, KIND_ACCOUNT },
    [COL_SERVICE] = { ROLE_FACET, KIND_SERVICE },
};

uint32_t column_stored(int column, uint32_t id)
{
    return columns[column].kind ? id & KIND_INDEX_MAX : id;
}

uint32_t column_entity(int column, uint32_t stored)
{
    return stored && columns[column].kind
               ? (uint32_t)columns[column].kind << KIND_SHIFT | stored
               : stored;
}

uint8_t column_role(int column)
{
    return columns[column].role;
}

unsigned char *ref_put(unsigned char *p, uint32_t id, uint8_t role)
{
    return varint_put(p, (uint64_t)(id & KIND_INDEX_MAX) << 9 |
                             (uint64_t)(id >> KIND_SHIFT) << 3 | role);
}

bool ref_get(struct cursor *k, uint32_t *id, uint8_t *role)
{
    if (cursor_left(k) == 0)
        return false;
    uint64_t v = cursor_varint(k);
    *role = v & 7;
    *id = (uint32_t)(v >> 3 & 63) << KIND_SHIFT |
          (uint32_t)(v >> 9 & KIND_INDEX_MAX);
    return !k->failed;
}

size_t batch_links(const struct batch *b, const struct batch_row *r,
                   uint32_t *id, uint8_t *role)
{
    size_t n = 0;
    for (int k = 0; k < INTAKE_COLUMNS; k++)
        if (r->col[k]) {
            id[n] = r->col[k];
            role[n++] = columns[k].role;
        }
    struct cursor k =
        cursor_of(b->heap.p + r->heap + r->uid_n + r->request_n, r->refs_n);
    while (n < BATCH_LINKS_MAX && ref_get(&k, &id[n], &role[n]))
        n++;
    return n;
}

/* ---- dense numbers
 * --------------------------------------------------------------- */

struct dense {
    struct dense_slot {
        uint32_t entity, number; /* entity 0 = free */
    } * slots;
    size_t cap, n, cap_ids;
    uint32_t *ids;   /* number -> entity */
    uint32_t *count; /* number -> links */
};

static bool dense_grow(struct dense *d)
{
    size_t cap = d->cap ? d->cap * 2 : 1 << 14;
    struct dense_slot *slots = calloc(cap, sizeof(*slots));
    uint32_t *ids = realloc(d->ids, cap / 2 * sizeof(*ids));
    if (ids)
        d->ids = ids;
    uint32_t *count = realloc(d->count, cap / 2 * sizeof(*count));
    if (count)
        d->count = count;
    if (!slots || !ids || !count) {
        free(slots);
        return false;
    }
    free(d->slots);
    d->slots = slots;
    d->cap = cap;
    for (uint32_t k = 0; k < d->n; k++) {
        size_t at = d->ids[k] * 0x9e3779b1u & (cap - 1);
        while (slots[at].entity)
            at = (at + 1) & (cap - 1);
        slots[at] = (struct dense_slot){ d->ids[k], k };
    }
    return true;
}

/* UINT32_MAX: out of memory. */
static uint32_t dense_of(struct dense *d, uint32_t entity)
{
    if (d->n * 2 >= d->cap && !dense_grow(d))
        return UINT32_MAX;
    size_t at = entity * 0x9e3779b1u & (d->cap - 1);
    while (d->slots[at].entity && d->slots[at].entity != entity)
        at = (at + 1) & (d->cap - 1);
    if (!d->slots[at].entity) {
        d->slots[at] = (struct dense_slot){ entity, (uint32_t)d->n };
        d->ids[d->n] = entity;
        d->count[d->n++] = 0;
    }
    return d->slots[at].number;
}

/* ---- grouping
 * --------------------------------------------------------------------- */

struct lister {
    const struct batch *b;
    struct dense d;
    uint32_t *first; /* per event: its first link */
    uint32_t *links; /* dense number << 3 | role, event after event */
    size_t n_links, cap_links;
    uint32_t *start;  /* per dense number: where its list begins */
    uint32_t *placed; /* rank << 3 | role, list after list */
};

static void lister_free(struct lister *l)
{
    free(l->d.slots);
    free(l->d.ids);
    free(l->d.count);
    free(l->first);
    free(l->links);
    free(l->start);
    free(l->placed);
}

static bool room_for(struct lister *l, size_t n)
{
    if (l->n_links + n <= l->cap_links)
        return true;
    size_t cap = l->cap_links ? l->cap_links * 2 : l->b->n * 16 + n;
    uint32_t *p = realloc(l->links, cap * sizeof(*p));
    if (!p)
        return false;
    l->links = p;
    l->cap_links = cap;
    return true;
}

static int collect(struct lister *l, struct err *err)
{
    UNINITIALIZED uint32_t id[BATCH_LINKS_MAX];
    UNINITIALIZED uint8_t role[BATCH_LINKS_MAX];
    l->first = malloc((l->b->n + 1) * sizeof(*l->first));
    if (!l->first)
        return no_memory(err);
    for (size_t i = 0; i < l->b->n; i++) {
        size_t n = batch_links(l->b, &l->b->rows[i], id, role);
        l->first[i] = (uint32_t)l->n_links;
        if (!room_for(l, n))
            return no_memory(err);
        for (size_t k = 0; k < n; k++) {
            uint32_t dense = dense_of(&l->d, id[k]);
            if (dense == UINT32_MAX)
                return no_memory(err);
            l->links[l->n_links++] = dense << 3 | role[k];
            l->d.count[dense]++;
        }
    }
    l->first[l->b->n] = (uint32_t)l->n_links;
    return 0;
}

static int distribute(struct lister *l, const struct posting_time *axis,
                      struct err *err)
{
    l->start = malloc((l->d.n + 1) * sizeof(*l->start));
    l->placed = malloc(l->n_links * sizeof(*l->placed) + 4);
    if (!l->start || !l->placed)
        return no_memory(err);
    uint32_t sum = 0;
    for (size_t k = 0; k < l->d.n; k++) {
        l->start[k] = sum;
        sum += l->d.count[k];
        l->d.count[k] = 0;
    }
    for (size_t rank = 0; rank < l->b->n; rank++) {
        uint32_t i = axis[rank].index;
        for (uint32_t k = l->first[i]; k < l->first[i + 1]; k++) {
            uint32_t dense = l->links[k] >> 3;
            uint32_t to = l->start[dense] + l->d.count[dense]++;
            l->placed[to] = (uint32_t)rank << 3 | (l->links[k] & 7);
        }
    }
    return 0;
}

/* The lists of one entity, split by role, without doubles. */
static int put_entity(struct posting_writer *w, const struct lister *l,
                      uint32_t dense, uint32_t *scratch, struct err *err)
{
    const uint32_t *v = l->placed + l->start[dense];
    size_t n = l->d.count[dense], used = 0;
    unsigned mask = 0;
    for (size_t i = 0; i < n; i++)
        mask |= 1u << (v[i] & 7);
    for (uint8_t role = 0; role < ROLE_COUNT; role++) {
        if (!(mask >> role & 1))
            continue;
        uint32_t *out = scratch + used;
        size_t m = 0;
        for (size_t i = 0; i < n; i++)
            if ((v[i] & 7) == role && (m == 0 || out[m - 1] != v[i] >> 3))
                out[m++] = v[i] >> 3;
        used += m;
        struct posting_list list = { l->d.ids[dense], role, out, m };
        int rc = posting_put(w, &list, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int write_lists(struct casedb *c, struct lister *l, struct err *err)
{
    struct posting_writer w = { .c = c, .batch = l->b->id };
    uint64_t *order = malloc(l->d.n * 2 * sizeof(*order) + 8);
    size_t longest = 0;
    for (size_t k = 0; k < l->d.n; k++)
        if (l->d.count[k] > longest)
            longest = l->d.count[k];
    /* two entities' lists can be pending at once */
    uint32_t *scratch = malloc((longest + 1) * 2 * sizeof(*scratch));
    int rc = order && scratch ? 0 : no_memory(err);
    for (size_t k = 0; k < l->d.n && rc == 0; k++)
        order[k] = (uint64_t)l->d.ids[k] << 32 | k;
    if (rc == 0)
        sort_u64(order, order + l->d.n, l->d.n, 32);
    for (size_t k = 0; k < l->d.n && rc == 0; k++)
        rc = put_entity(&w, l, (uint32_t)order[k],
                        scratch + (k & 1) * (longest + 1), err);
    int end = posting_end(&w, rc ? NULL : err);
    free(order);
    free(scratch);
    return rc ? rc : end;
}

int lists_write(struct casedb *c, const struct batch *b,
                const struct posting_time *axis, struct err *err)
{
    struct lister l = { .b = b };
    int rc = collect(&l, err);
    if (rc == 0)
        rc = distribute(&l, axis, err);
    if (rc == 0)
        rc = write_lists(c, &l, err);
    lister_free(&l);
    return rc;
}
