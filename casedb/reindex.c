/*
 * The index tables from intake: rebuilt, and compared with what is there.
 * Both read events in batches of the sizes that the import committed.
 */
#include <stdlib.h>

#include "casedb/batch.h"
#include "casedb/cache.h"
#include "casedb/keys.h"
#include "casedb/query.h"

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "index: out of memory");
}

/* Fills a row of the batch from the event table. */
static void read_row(struct batch *b, sqlite3_stmt *st,
                     const struct case_keys *keys)
{
    struct batch_row *r = &b->rows[b->n++];
    struct str uid = db_col(st, 14), request = db_col(st, 15);
    struct str refs = db_col(st, 16);
    *r = (struct batch_row){
        .timed = sqlite3_column_type(st, 1) != SQLITE_NULL,
        .t_s = sqlite3_column_int64(st, 1),
        .t_ns = (uint32_t)sqlite3_column_int64(st, 2),
        .heap = b->heap.n,
        .uid_n = (uint8_t)uid.n,
        .request_n = (uint8_t)request.n,
        .refs_n = (uint16_t)refs.n,
    };
    for (int k = 0; k < INTAKE_COLUMNS; k++)
        r->col[k] = column_entity(k, (uint32_t)sqlite3_column_int64(st, 3 + k));
    if (uid.n)
        r->uid_hash = case_uid_hash(keys, uid);
    if (request.n)
        r->request_hash = case_uid_hash(keys, request);
    buf_put(&b->heap, uid);
    buf_put(&b->heap, request);
    buf_put(&b->heap, refs);
}

static int read_events(struct casedb *c, struct batch *b,
                       const struct posting_batch *p,
                       const struct case_keys *keys, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT id, t_s, t_ns, source, action, actor, target, outcome, ip,"
        " key, agent, region, account, service, uid, request, refs FROM event"
        " WHERE id>=?1 AND id<?2 ORDER BY id",
        err);
    if (!st)
        return err->code;
    b->id = p->id;
    b->first_event = p->first_event;
    b->rows = calloc(p->n, sizeof(*b->rows));
    if (!b->rows)
        return no_memory(err);
    sqlite3_bind_int64(st, 1, p->first_event);
    sqlite3_bind_int64(st, 2, p->first_event + p->n);
    int rc;
    while ((rc = db_step(c, st, err)) == 1 && b->n < p->n)
        read_row(b, st, keys);
    sqlite3_reset(st);
    if (rc >= 0 && b->n != p->n)
        rc = err_set(err, ERR_CASE, "batch %u: events are missing", p->id);
    return rc < 0 ? rc : b->heap.failed ? no_memory(err) : 0;
}

static int clear_index(struct casedb *c, struct err *err)
{
    static const char *const clear[] = {
        "DELETE FROM posting", "DELETE FROM value_index",
        "DELETE FROM uid_index", "DELETE FROM minute", "DELETE FROM batch"
    };
    for (size_t i = 0; i < sizeof(clear) / sizeof(*clear); i++) {
        sqlite3_stmt *st = db_prepare(c, clear[i], err);
        int rc = st ? db_run(c, st, err) : err->code;
        if (rc)
            return rc;
    }
    return 0;
}

/* Every value of the case belongs to the first batch's value index. */
static int read_values(struct casedb *c, struct batch *b,
                       const struct case_keys *keys, struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, "SELECT id, value FROM entity", err);
    size_t cap = 0;
    int rc = st ? 0 : err->code;
    while (st && (rc = db_step(c, st, err)) == 1) {
        if (b->n_entities == cap) {
            cap = cap ? cap * 2 : 4096;
            void *p = realloc(b->entities, cap * sizeof(*b->entities));
            if (!p) {
                sqlite3_reset(st);
                return no_memory(err);
            }
            b->entities = p;
        }
        uint32_t id = (uint32_t)sqlite3_column_int64(st, 0), more;
        b->entities[b->n_entities++] =
            (struct batch_entity){ id, STR_NONE,
                                   case_value_hash(keys, id >> KIND_SHIFT,
                                                   db_col(st, 1), &more) };
    }
    return rc;
}

/* A case without events may have values all the same. */
static int index_values(struct casedb *c, const struct case_keys *keys,
                        struct err *err)
{
    struct batch b = { .id = 1 };
    int rc = read_values(c, &b, keys, err);
    if (rc == 0)
        rc = batch_write_index(c, &b, err);
    batch_free(&b);
    return rc;
}

int case_reindex(struct casedb *c, struct err *err)
{
    struct posting_batch *old, *batches = NULL;
    struct case_keys keys;
    size_t n;
    case_keys(c, &keys);
    int rc = case_batches(c, &old, &n, err);
    if (rc == 0) {
        batches = malloc(n * sizeof(*batches) + 1);
        rc = batches ? db_begin(c, err) : no_memory(err);
    }
    if (rc) {
        free(batches);
        return rc;
    }
    if (n)
        memcpy(batches, old, n * sizeof(*batches));
    rc = clear_index(c, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct batch b = { 0 };
        rc = read_events(c, &b, &batches[i], &keys, err);
        if (rc == 0 && i == 0)
            rc = read_values(c, &b, &keys, err);
        if (rc == 0)
            rc = batch_write_index(c, &b, err);
        batch_free(&b);
    }
    if (rc == 0 && n == 0)
        rc = index_values(c, &keys, err);
    free(batches);
    if (rc == 0)
        rc = case_audit(c, STR("reindex"), STR(""), STR("{}"), err);
    if (rc == 0)
        rc = db_commit(c, err);
    else
        db_rollback(c);
    case_cache_drop(c);
    return rc;
}

/* ---- verify
 * ------------------------------------------------------------------ */

struct tally {
    uint64_t lists; /* links that the posting lists of a batch hold */
};

static int add_count(void *ctx, uint32_t entity, uint8_t role, uint64_t n)
{
    struct tally *t = ctx;
    (void)entity;
    if (role != POSTING_TWICE)
        t->lists += n;
    return 0;
}

/* Distinct (entity, role) links of a row, as the lists keep them. */
static uint64_t links_of(const struct batch *b, const struct batch_row *r)
{
    UNINITIALIZED uint32_t seen[BATCH_LINKS_MAX];
    UNINITIALIZED uint8_t roles[BATCH_LINKS_MAX];
    size_t n = batch_links(b, r, seen, roles);
    uint64_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && !(seen[k] == seen[i] && roles[k] == roles[i]))
            k++;
        distinct += k == i;
    }
    return distinct;
}

static int check_axis(struct casedb *c, struct posting_batch *p,
                      const struct batch *b, struct err *err)
{
    struct posting_time axis[POSTING_AXIS_PART], last = { 0 };
    for (uint32_t k = 0; k * POSTING_AXIS_PART < p->n; k++) {
        uint32_t n;
        int rc = posting_axis(c, p, k, axis, &n, err);
        if (rc)
            return rc;
        for (uint32_t i = 0; i < n; i++) {
            const struct batch_row *r = &b->rows[axis[i].index];
            struct instant t = { r->t_s, r->t_ns };
            if (r->timed != axis[i].timed ||
                (r->timed && (instant_cmp(t, axis[i].t) != 0 ||
                              (last.timed && instant_cmp(t, last.t) < 0))))
                return err_set(err, ERR_VERIFY,
                               "index: event E%lld has another time than its "
                               "row",
                               (long long)(p->first_event + axis[i].index));
            last = axis[i];
        }
    }
    return 0;
}

static int verify_batch(struct casedb *c, struct posting_batch *p,
                        const struct case_keys *keys, struct err *err)
{
    struct batch b = { 0 };
    struct tally t = { 0 };
    uint64_t rows = 0;
    int rc = read_events(c, &b, p, keys, err);
    if (rc == 0)
        rc = check_axis(c, p, &b, err);
    for (unsigned kind = 1; kind <= KIND_MAX && rc == 0; kind++)
        if (kind_name(kind).n)
            rc = posting_counts(c, p, kind, add_count, &t, err);
    for (size_t i = 0; i < b.n; i++)
        rows += links_of(&b, &b.rows[i]);
    if (rc == 0 && rows != t.lists)
        rc = err_set(err, ERR_VERIFY,
                     "index: batch %u holds %llu links, its events %llu; run "
                     "reindex",
                     p->id, (unsigned long long)t.lists,
                     (unsigned long long)rows);
    batch_free(&b);
    return rc;
}

int case_verify_index(struct casedb *c, struct err *err)
{
    struct posting_batch *batches;
    struct case_keys keys;
    size_t n;
    case_keys(c, &keys);
    int rc = case_batches(c, &batches, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = verify_batch(c, &batches[i], &keys, err);
    return rc;
}
