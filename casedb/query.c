/*
 * Rows, entity values, counts. Values are cached: screens ask for the same
 * few thousand again and again.
 */
#include "casedb/query.h"

#include <stdlib.h>

#include "base/varint.h"
#include "casedb/batch.h"
#include "casedb/cache.h"
#include "casedb/keys.h"
#include "casedb/posting.h"

/* ---- cache
 * -------------------------------------------------------------------- */

struct case_cache *case_cache(struct casedb *c)
{
    if (!c->cache)
        c->cache = calloc(1, sizeof(*c->cache));
    return c->cache;
}

static void drop_batches(struct case_cache *k)
{
    for (size_t i = 0; i < k->n_batches; i++)
        free(k->batches[i].starts);
    free(k->batches);
    k->batches = NULL;
    k->n_batches = 0;
    k->loaded = false;
}

void case_cache_drop(struct casedb *c)
{
    if (!c->cache)
        return;
    drop_batches(c->cache);
    for (size_t i = 0; i < CACHE_VALUES; i++)
        free(c->cache->values[i].text);
    free(c->cache);
    c->cache = NULL;
}

/* False when its numbers cannot be those of a batch. */
static bool read_batch(sqlite3_stmt *st, struct posting_batch *b)
{
    int64_t id = sqlite3_column_int64(st, 0);
    int64_t first = sqlite3_column_int64(st, 1);
    int64_t n = sqlite3_column_int64(st, 2);
    int64_t undated = sqlite3_column_int64(st, 3);
    *b = (struct posting_batch){
        .id = (uint32_t)id,
        .first_event = first,
        .n = (uint32_t)n,
        .n_undated = (uint32_t)undated,
        .min_s = sqlite3_column_int64(st, 4),
        .max_s = sqlite3_column_int64(st, 5),
    };
    return id > 0 && id <= POSTING_BATCH_MAX && first > 0 &&
           first < INT64_MAX - n && n <= POSTING_RANK_MAX + 1 && undated >= 0 &&
           undated <= n;
}

static int load_batches(struct casedb *c, struct case_cache *k, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT id, first_event, n_events, n_undated, min_s, max_s FROM batch"
        " WHERE n_events>0 ORDER BY id",
        err);
    if (!st)
        return err->code;
    int rc;
    size_t cap = 0;
    while ((rc = db_step(c, st, err)) == 1) {
        if (k->n_batches == cap) {
            cap = cap ? cap * 2 : 16;
            void *grown = realloc(k->batches, cap * sizeof(*k->batches));
            if (!grown) {
                sqlite3_reset(st);
                return err_set(err, ERR_INTERNAL, "out of memory");
            }
            k->batches = grown;
        }
        if (!read_batch(st, &k->batches[k->n_batches++])) {
            sqlite3_reset(st);
            return err_set(err, ERR_CASE,
                           "the case's index is damaged (batch)");
        }
    }
    return rc;
}

/* Batches only grow; the list is read again when another one was committed. */
int case_batches(struct casedb *c, struct posting_batch **out, size_t *n,
                 struct err *err)
{
    struct case_cache *k = case_cache(c);
    if (!k)
        return err_set(err, ERR_INTERNAL, "out of memory");
    sqlite3_stmt *st = db_prepare(c, "SELECT max(id) FROM batch", err);
    if (!st)
        return err->code;
    int rc = db_step(c, st, err);
    if (rc < 0)
        return rc;
    int64_t last = rc == 1 ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_reset(st);
    if (!k->loaded || k->last_batch != last) {
        drop_batches(k);
        rc = load_batches(c, k, err);
        if (rc)
            return rc;
        k->loaded = true;
        k->last_batch = last;
    }
    *out = k->batches;
    *n = k->n_batches;
    return 0;
}

/* ---- values
 * ---------------------------------------------------------------------- */

struct str case_text(struct casedb *c, uint32_t id)
{
    struct case_cache *k = case_cache(c);
    if (!id || !k)
        return STR("");
    struct cache_value *v =
        &k->values[(id * 0x9e3779b1u) >> (32 - CACHE_VALUE_BITS)];
    if (v->id == id)
        return (struct str){ v->text, v->n };
    struct err err;
    sqlite3_stmt *st =
        db_prepare(c, "SELECT value FROM entity WHERE id=?1", &err);
    if (!st)
        return STR("");
    sqlite3_bind_int64(st, 1, id);
    struct str s = STR("");
    if (db_step(c, st, &err) == 1)
        s = db_col(st, 0);
    char *copy = malloc(s.n + 1);
    if (copy) {
        memcpy(copy, s.p, s.n);
        copy[s.n] = 0;
        free(v->text);
        *v = (struct cache_value){ id, copy, s.n };
        s.p = copy;
    } else {
        s = STR("");
    }
    sqlite3_reset(st);
    return s;
}

static bool value_is(struct casedb *c, uint32_t id, struct str value)
{
    return str_eq(case_text(c, id), value);
}

/* Entries of one index row whose hash is h. */
static uint32_t match_row(struct casedb *c, struct str data, uint64_t h,
                          unsigned kind, struct str value)
{
    uint32_t ids[64];
    size_t n = 0;
    struct index_reader r = index_open(data);
    while (index_next(&r) && r.v >> VALUE_SHIFT <= h) {
        uint32_t id = (uint32_t)r.v & 0x7fffffff;
        if (r.v >> VALUE_SHIFT == h && id >> KIND_SHIFT == kind && n < 64)
            ids[n++] = id;
    }
    for (size_t i = 0; i < n; i++)
        if (value_is(c, ids[i], value))
            return ids[i];
    return 0;
}

uint32_t case_find(struct casedb *c, unsigned kind, struct str value)
{
    struct case_keys keys;
    struct err err;
    uint32_t more;
    case_keys(c, &keys);
    uint64_t h =
        case_value_hash(&keys, kind, value, &more) >> (64 - VALUE_HASH_BITS);
    /* one row per batch may hold it; batches without entities have none */
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT (SELECT data FROM value_index WHERE id<=(batch.id<<26|?1)"
        " AND id>=batch.id<<26 ORDER BY id DESC LIMIT 1) FROM batch",
        &err);
    if (!st)
        return 0;
    sqlite3_bind_int64(st, 1, (int64_t)h);
    uint32_t id = 0;
    while (!id && db_step(c, st, &err) == 1)
        id = match_row(c, db_col(st, 0), h, kind, value);
    sqlite3_reset(st);
    return id;
}

int case_find_glob(struct casedb *c, unsigned kind, struct str glob,
                   int (*fn)(void *, uint32_t, struct str), void *ctx,
                   struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "SELECT id, value FROM entity WHERE id>=?1 AND id<?2", err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, (int64_t)kind << KIND_SHIFT);
    sqlite3_bind_int64(st, 2, (int64_t)(kind + 1) << KIND_SHIFT);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        struct str v = db_col(st, 1);
        if (!str_glob(glob, v, true))
            continue;
        rc = fn(ctx, (uint32_t)sqlite3_column_int64(st, 0), v);
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

/* An event that has it as uid and as request is told once, as uid. */
static int check_uid(struct casedb *c, struct str uid, int64_t event,
                     bool request, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "SELECT uid IS ?2, request IS ?2 FROM event WHERE id=?1", err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, event);
    db_bind_str(st, 2, uid);
    int rc = db_step(c, st, err);
    if (rc == 1) {
        bool is_uid = sqlite3_column_int(st, 0);
        rc = request ? !is_uid && sqlite3_column_int(st, 1) : is_uid;
    }
    sqlite3_reset(st);
    return rc;
}

/* The matches of one index row. */
static int match_uids(struct casedb *c, struct str data, uint64_t h,
                      struct str uid, int64_t first, int (*fn)(void *, int64_t),
                      void *ctx, struct err *err)
{
    struct index_reader r = index_open(data);
    int rc = 0;
    while (rc == 0 && index_next(&r) && r.v >> UID_SHIFT <= h) {
        if (r.v >> UID_SHIFT != h)
            continue;
        int64_t event = first + (int64_t)(r.v & 0x1ffff);
        rc = check_uid(c, uid, event, r.v >> 17 & 1, err);
        if (rc == 1)
            rc = fn(ctx, event);
    }
    return rc;
}

int case_find_uid(struct casedb *c, struct str uid, int (*fn)(void *, int64_t),
                  void *ctx, struct err *err)
{
    struct case_keys keys;
    case_keys(c, &keys);
    uint64_t h = case_uid_hash(&keys, uid);
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT first_event, (SELECT data FROM uid_index WHERE"
        " id<=(batch.id<<39|?1) AND id>=batch.id<<39 ORDER BY id DESC LIMIT 1)"
        " FROM batch WHERE n_events>0 AND first_event BETWEEN 0 AND 1<<62",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, (int64_t)h);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        rc = match_uids(c, db_col(st, 1), h, uid, sqlite3_column_int64(st, 0),
                        fn, ctx, err);
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

/* ---- rows
 * ---------------------------------------------------------------------------
 */

static void read_event(sqlite3_stmt *st, struct event *e)
{
    uint32_t *col[] = { &e->source,  &e->action,  &e->actor,  &e->target,
                        &e->outcome, &e->ip,      &e->key,    &e->agent,
                        &e->region,  &e->account, &e->service };
    e->id = sqlite3_column_int64(st, 0);
    e->timed = sqlite3_column_type(st, 1) != SQLITE_NULL;
    e->t.s = sqlite3_column_int64(st, 1);
    e->t.ns = (uint32_t)sqlite3_column_int64(st, 2);
    e->t_kind = (uint8_t)sqlite3_column_int(st, 3);
    e->t_zone = (uint8_t)sqlite3_column_int(st, 4);
    e->t_res = (uint8_t)sqlite3_column_int(st, 5);
    e->member = sqlite3_column_int64(st, 6);
    e->off = (uint64_t)sqlite3_column_int64(st, 7);
    e->len = (uint32_t)sqlite3_column_int64(st, 8);
    e->sub = (uint16_t)sqlite3_column_int(st, 9);
    e->severity = (uint8_t)sqlite3_column_int(st, 10);
    e->flags = (uint32_t)sqlite3_column_int64(st, 11);
    for (size_t i = 0; i < sizeof(col) / sizeof(*col); i++)
        *col[i] = column_entity(
            (int)i, (uint32_t)sqlite3_column_int64(st, 12 + (int)i));
    e->uid = db_col(st, 23);
    e->request = db_col(st, 24);
    e->text = db_col(st, 25);
}

/* Row `id` of one of the two statements below. */
static int event_row(struct casedb *c, const char *sql, int64_t id,
                     sqlite3_stmt **st, struct event *out, struct arena *a,
                     struct err *err)
{
    *st = db_prepare(c, sql, err);
    if (!*st)
        return err->code;
    sqlite3_bind_int64(*st, 1, id);
    int rc = db_step(c, *st, err);
    if (rc <= 0)
        return rc ? rc
                  : err_set(err, ERR_USAGE, "no event E%lld in this case",
                            (long long)id);
    read_event(*st, out);
    out->uid = arena_copy(a, out->uid);
    out->request = arena_copy(a, out->request);
    out->text = arena_copy(a, out->text);
    return 0;
}

#define EVENT_COLUMNS                                                          \
    "id, t_s, t_ns, t_kind, t_zone, t_res, member, off, len, sub, severity,"   \
    " flags, source, action, actor, target, outcome, ip, key, agent, region,"  \
    " account, service, uid, request, text"

int case_event(struct casedb *c, int64_t id, struct arena *a, struct event *out,
               struct err *err)
{
    sqlite3_stmt *st;
    int rc = event_row(c, "SELECT " EVENT_COLUMNS " FROM event WHERE id=?1", id,
                       &st, out, a, err);
    if (rc == 0)
        sqlite3_reset(st);
    return rc;
}

int case_event_whole(struct casedb *c, int64_t id, struct arena *a,
                     struct event *e, struct event_ref **out, size_t *n,
                     struct err *err)
{
    enum { REFS = 26 };
    sqlite3_stmt *st;
    int rc =
        event_row(c, "SELECT " EVENT_COLUMNS ", refs FROM event WHERE id=?1",
                  id, &st, e, a, err);
    if (rc)
        return rc;
    const uint32_t col[INTAKE_COLUMNS] = { e->source,  e->action,  e->actor,
                                           e->target,  e->outcome, e->ip,
                                           e->key,     e->agent,   e->region,
                                           e->account, e->service };
    struct str refs = db_col(st, REFS);
    struct event_ref *v = arena_array(a, INTAKE_COLUMNS + refs.n, sizeof(*v));
    size_t k = 0;
    for (int i = 0; v && i < INTAKE_COLUMNS; i++)
        if (col[i])
            v[k++] = (struct event_ref){ col[i], column_role(i) };
    struct cursor cur = cursor_of(refs.p, refs.n);
    while (v && ref_get(&cur, &v[k].id, &v[k].role))
        k++;
    sqlite3_reset(st);
    *out = v;
    *n = k;
    return v ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

int case_event_refs(struct casedb *c, int64_t event, struct arena *a,
                    struct event_ref **out, size_t *n, struct err *err)
{
    struct event e;
    return case_event_whole(c, event, a, &e, out, n, err);
}

int case_sightings(struct casedb *c, int64_t event,
                   int (*fn)(void *, int64_t, uint64_t, uint32_t), void *ctx,
                   struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c,
                   "SELECT member, off, len FROM sighting WHERE event=?1"
                   " ORDER BY member, off",
                   err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, event);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        rc = fn(ctx, sqlite3_column_int64(st, 0),
                (uint64_t)sqlite3_column_int64(st, 1),
                (uint32_t)sqlite3_column_int64(st, 2));
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

/* ---- counts
 * ----------------------------------------------------------------------------
 */

struct tally {
    unsigned kind;
    uint64_t *n; /* per index of the kind */
    uint8_t *roles;
    uint32_t cap;
};

static int tally_add(void *ctx, uint32_t entity, uint8_t role, uint64_t n)
{
    struct tally *t = ctx;
    uint32_t i = entity & KIND_INDEX_MAX;
    if (i < t->cap && role == POSTING_TWICE) {
        t->n[i] -= n;
    } else if (i < t->cap) {
        t->n[i] += n;
        t->roles[i] |= (uint8_t)(1u << (role & 7));
    }
    return 0;
}

static int max_index(struct casedb *c, unsigned kind, uint32_t *out,
                     struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c, "SELECT max(id) FROM entity WHERE id>=?1 AND id<?2", err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, (int64_t)kind << KIND_SHIFT);
    sqlite3_bind_int64(st, 2, (int64_t)(kind + 1) << KIND_SHIFT);
    int rc = db_step(c, st, err);
    if (rc < 0)
        return rc;
    *out = rc == 1 ? (uint32_t)sqlite3_column_int64(st, 0) & KIND_INDEX_MAX : 0;
    sqlite3_reset(st);
    return 0;
}

int case_kind_counts(struct casedb *c, uint64_t *out, struct err *err)
{
    for (unsigned k = 0; k <= KIND_MAX; k++) {
        uint32_t n = 0;
        int rc = max_index(c, k, &n, err);
        if (rc)
            return rc;
        out[k] = n; /* ids of a kind count from 1 without holes */
    }
    return 0;
}

static int tally_kind(struct casedb *c, struct tally *t, struct err *err)
{
    struct posting_batch *b;
    size_t n;
    int rc = max_index(c, t->kind, &t->cap, err);
    if (rc == 0)
        rc = case_batches(c, &b, &n, err);
    if (rc)
        return rc;
    t->cap++;
    t->n = calloc(t->cap, sizeof(*t->n));
    t->roles = calloc(t->cap, 1);
    if (!t->n || !t->roles)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = posting_counts(c, &b[i], t->kind, tally_add, t, err);
    return rc;
}

static int more_first(const void *a, const void *b)
{
    const struct entity_count *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* First and last dated event. An entity in two roles is counted once. */
static int span_of(struct casedb *c, struct entity_count *e, struct err *err)
{
    struct plan p = { .op = PLAN_ANY_OF, .ids = &e->id, .n = 1 };
    struct scan_total total;
    int rc = scan_count(c, &p, (struct instant){ 0, 0 },
                        (struct instant){ 0, 0 }, NULL, 0, &total, err);
    e->first = total.first;
    e->last = total.last;
    e->n = total.n;
    return rc;
}

int case_entities_top(struct casedb *c, unsigned kind, size_t n,
                      struct arena *a, struct entity_count **out, size_t *n_out,
                      struct err *err)
{
    struct tally t = { .kind = kind };
    int rc = tally_kind(c, &t, err);
    size_t found = 0;
    struct entity_count *v = NULL;
    if (rc == 0) {
        v = malloc(t.cap * sizeof(*v) + 1);
        if (!v)
            rc = err_set(err, ERR_INTERNAL, "out of memory");
    }
    for (uint32_t i = 1; rc == 0 && i < t.cap; i++)
        if (t.n[i])
            v[found++] = (struct entity_count){
                .id = (uint32_t)kind << KIND_SHIFT | i,
                .n = t.n[i],
                .roles = t.roles[i],
            };
    if (rc == 0) {
        if (found)
            qsort(v, found, sizeof(*v), more_first);
        *n_out = n && n < found ? n : found;
        *out = arena_array(a, *n_out ? *n_out : 1, sizeof(**out));
        if (!*out)
            rc = err_set(err, ERR_INTERNAL, "out of memory");
        for (size_t i = 0; rc == 0 && i < *n_out; i++) {
            (*out)[i] = v[i];
            if (n)
                rc = span_of(c, &(*out)[i], err);
        }
    }
    free(v);
    free(t.n);
    free(t.roles);
    return rc;
}

int case_entity(struct casedb *c, uint32_t id, struct entity_count *out,
                struct err *err)
{
    *out = (struct entity_count){ .id = id };
    struct posting_batch *b;
    size_t n;
    int rc = case_batches(c, &b, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct posting_cursor k;
        rc = posting_open(c, b[i].id, id, 0, &k, err);
        out->roles |= k.roles;
        posting_close(&k);
    }
    return rc ? rc : span_of(c, out, err);
}

int case_minutes(struct casedb *c, int64_t from_s, int64_t to_s,
                 int (*fn)(void *, int64_t, uint32_t, uint64_t), void *ctx,
                 struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT minute, source, n FROM minute WHERE minute>=?1 AND minute<=?2"
        " ORDER BY minute, source",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, from_s / 60 - (from_s % 60 < 0));
    sqlite3_bind_int64(st, 2, to_s / 60);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        rc = fn(ctx, sqlite3_column_int64(st, 0),
                (uint32_t)sqlite3_column_int64(st, 1),
                (uint64_t)sqlite3_column_int64(st, 2));
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}
