#include "casedb/identity.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/varint.h"
#include "casedb/batch.h"

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "import: out of memory");
}

/* ---- values
 * ------------------------------------------------------------------ */

/* Large tables that are hit at random: fewer, larger pages. */
static void *table_alloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (p && n * size >= 4u << 20) {
        uintptr_t from = ((uintptr_t)p + 4095) & ~(uintptr_t)4095;
        madvise((void *)from, n * size - 4096, MADV_HUGEPAGE);
    }
    return p;
}

static bool grow(struct identity *d)
{
    size_t cap = d->cap ? d->cap * 2 : 1 << 16;
    struct intern_slot *slots = table_alloc(cap, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; i < d->cap; i++) {
        if (!d->slots[i].id)
            continue;
        size_t at = d->slots[i].hash & (cap - 1);
        while (slots[at].id)
            at = (at + 1) & (cap - 1);
        slots[at] = d->slots[i];
    }
    free(d->slots);
    d->slots = slots;
    d->cap = cap;
    return true;
}

/* The slot of a value: its own or the free one where it belongs. */
static struct intern_slot *find(struct identity *d, uint64_t h, uint32_t h2)
{
    size_t at = h & (d->cap - 1);
    while (d->slots[at].id &&
           (d->slots[at].hash != h || d->slots[at].hash2 != h2))
        at = (at + 1) & (d->cap - 1);
    return &d->slots[at];
}

enum identity_found identity_value(struct identity *d, unsigned kind,
                                   struct str value, uint32_t *id,
                                   uint64_t *hash)
{
    uint32_t h2;
    uint64_t h = case_value_hash(&d->keys, kind, value, &h2);
    *id = 0;
    if (d->n * 8 >= d->cap * 5 && !grow(d))
        return IDENTITY_FULL;
    struct intern_slot *slot = find(d, h, h2);
    *hash = h;
    *id = slot->id;
    if (slot->id)
        return IDENTITY_OLD;
    if (d->next_index[kind] > KIND_INDEX_MAX)
        return IDENTITY_FULL;
    *id = (uint32_t)kind << KIND_SHIFT | d->next_index[kind]++;
    *slot = (struct intern_slot){ h, h2, *id };
    d->n++;
    return IDENTITY_NEW;
}

int identity_load(struct identity *d, struct casedb *c, struct err *err)
{
    case_keys(c, &d->keys);
    for (unsigned k = 0; k <= KIND_MAX; k++)
        d->next_index[k] = 1;
    sqlite3_stmt *st = db_prepare(c, "SELECT id, value FROM entity", err);
    if (!st)
        return err->code;
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        uint32_t id = (uint32_t)sqlite3_column_int64(st, 0), h2;
        unsigned kind = id >> KIND_SHIFT & 63;
        if (d->n * 8 >= d->cap * 5 && !grow(d)) {
            sqlite3_reset(st);
            return no_memory(err);
        }
        uint64_t h = case_value_hash(&d->keys, kind, db_col(st, 1), &h2);
        *find(d, h, h2) = (struct intern_slot){ h, h2, id };
        d->n++;
        if ((id & KIND_INDEX_MAX) >= d->next_index[kind])
            d->next_index[kind] = (id & KIND_INDEX_MAX) + 1;
    }
    return rc;
}

void identity_free(struct identity *d)
{
    free(d->slots);
    free(d->uids);
    *d = (struct identity){ 0 };
}

/* ---- source ids
 * ---------------------------------------------------------------- */

/* The hash bits that uid_index keeps: the low ones choose the slot, the
 * upper 24 are the tag. */
enum { EVENT_BITS = 40, TAG_SHIFT = UID_HASH_BITS - 24 };

void identity_uid_put(struct identity *d, uint64_t hash, int64_t event)
{
    size_t at = hash & (d->cap_uids - 1);
    while (d->uids[at])
        at = (at + 1) & (d->cap_uids - 1);
    d->uids[at] = hash >> TAG_SHIFT << EVENT_BITS | (uint64_t)event;
    d->n_uids++;
}

bool identity_uids_full(const struct identity *d)
{
    return d->n_uids * 3 >= d->cap_uids * 2;
}

int64_t identity_uid_next(const struct identity *d, uint64_t hash, size_t *at)
{
    size_t i = *at == SIZE_MAX ? hash & (d->cap_uids - 1)
                               : (*at + 1) & (d->cap_uids - 1);
    for (; d->uids[i]; i = (i + 1) & (d->cap_uids - 1))
        if (d->uids[i] >> EVENT_BITS == hash >> TAG_SHIFT) {
            *at = i;
            return (int64_t)(d->uids[i] & ((1ull << EVENT_BITS) - 1));
        }
    return 0;
}

static void load_row(struct identity *d, int64_t first_event, struct str data)
{
    struct index_reader r = index_open(data);
    while (index_next(&r))
        if (!(r.v >> 17 & 1))
            identity_uid_put(d, r.v >> UID_SHIFT,
                             first_event + (int64_t)(r.v & 0x1ffff));
}

int identity_uids_load(struct identity *d, struct casedb *c, uint64_t n,
                       struct err *err)
{
    size_t cap = 1 << 16;
    while (cap / 2 < n)
        cap *= 2;
    uint64_t *slots = table_alloc(cap, sizeof(*slots));
    if (!slots)
        return no_memory(err);
    free(d->uids);
    d->uids = slots;
    d->cap_uids = cap;
    d->n_uids = 0;
    sqlite3_stmt *st =
        db_prepare(c,
                   "SELECT first_event, data FROM uid_index"
                   " JOIN batch ON batch.id = uid_index.id >> 39",
                   err);
    if (!st)
        return err->code;
    int rc;
    while ((rc = db_step(c, st, err)) == 1)
        load_row(d, sqlite3_column_int64(st, 0), db_col(st, 1));
    return rc;
}
