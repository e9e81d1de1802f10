/*
 * Writes a batch: rows in the order of their keys, then its index, then the
 * checkpoint, in one transaction.
 */
#include <stdlib.h>

#include "base/varint.h"
#include "casedb/batch.h"
#include "casedb/lists.h"
#include "casedb/posting.h"

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "import: out of memory");
}

/* ---- rows -------------------------------------------------------------------
 */

static void bind_or_null(sqlite3_stmt *st, int i, struct str s)
{
    if (s.n)
        db_bind_str(st, i, s);
    else
        sqlite3_bind_null(st, i);
}

static int write_members(struct casedb *c, const struct batch *b,
                         struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO member(id, exhibit, path, layers, format, size, sha256,"
        " n_read, n_stored, n_dup, n_rejected, first_event, n_events)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
        err);
    if (!st)
        return err->code;
    for (size_t i = 0; i < b->n_members; i++) {
        const struct batch_member *m = &b->members[i];
        const uint64_t v[] = { m->n_read,     m->n_stored,    m->n_dup,
                               m->n_rejected, m->first_event, m->n_events };
        sqlite3_bind_int64(st, 1, m->id);
        sqlite3_bind_int64(st, 2, b->exhibit);
        db_bind_str(st, 3, m->path);
        db_bind_str(st, 4, m->layers);
        db_bind_text(st, 5, m->format);
        sqlite3_bind_int64(st, 6, (int64_t)m->size);
        bind_or_null(st, 7, m->sha256);
        for (int k = 0; k < 6; k++)
            sqlite3_bind_int64(st, 8 + k, (int64_t)v[k]);
        int rc = db_run(c, st, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int write_issues(struct casedb *c, const struct batch *b,
                        struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO issue(exhibit, member, severity, off, len, code, detail)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7)",
        err);
    if (!st)
        return err->code;
    for (size_t i = 0; i < b->n_issues; i++) {
        const struct batch_issue *s = &b->issues[i];
        sqlite3_bind_int64(st, 1, b->exhibit);
        sqlite3_bind_int64(st, 2, s->member);
        sqlite3_bind_int64(st, 3, s->severity);
        sqlite3_bind_int64(st, 4, (int64_t)s->off);
        sqlite3_bind_int64(st, 5, (int64_t)s->len);
        db_bind_text(st, 6, s->code);
        db_bind_text(st, 7, s->detail);
        int rc = db_run(c, st, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int write_sightings(struct casedb *c, const struct batch *b,
                           struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "INSERT INTO sighting(event, member, off, len) VALUES(?1,?2,?3,?4)",
        err);
    if (!st)
        return err->code;
    for (size_t i = 0; i < b->n_sightings; i++) {
        const struct batch_sighting *s = &b->sightings[i];
        sqlite3_bind_int64(st, 1, s->event);
        sqlite3_bind_int64(st, 2, s->member);
        sqlite3_bind_int64(st, 3, (int64_t)s->off);
        sqlite3_bind_int64(st, 4, s->len);
        int rc = db_run(c, st, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int write_blobs(struct casedb *c, const struct batch *b, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "INSERT INTO fact(exhibit, member, name, value) VALUES(?1,?2,?3,?4)",
        err);
    if (!st)
        return err->code;
    for (size_t i = 0; i < b->n_facts; i++) {
        sqlite3_bind_int64(st, 1, b->exhibit);
        sqlite3_bind_int64(st, 2, b->facts[i].member);
        db_bind_text(st, 3, b->facts[i].name);
        db_bind_any(st, 4, b->facts[i].value);
        int rc = db_run(c, st, err);
        if (rc)
            return rc;
    }
    st = db_prepare(c, "INSERT INTO embedded(member, data) VALUES(?1,?2)", err);
    if (!st)
        return err->code;
    for (size_t i = 0; i < b->n_embedded; i++) {
        sqlite3_bind_int64(st, 1, b->embedded[i].member);
        db_bind_str(st, 2, b->embedded[i].value);
        int rc = db_run(c, st, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int write_checkpoint(struct casedb *c, const struct batch *b,
                            struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "INSERT OR REPLACE INTO checkpoint(exhibit, state) VALUES(?1,?2)",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, b->exhibit);
    db_bind_str(st, 2, b->checkpoint);
    return db_run(c, st, err);
}

/* ---- index
 * ------------------------------------------------------------------- */

void sort_u64(uint64_t *v, uint64_t *tmp, size_t n, unsigned skip)
{
    uint64_t top = 0;
    for (size_t i = 0; i < n; i++)
        top |= v[i];
    for (unsigned shift = skip; shift < 64 && top >> shift; shift += 11) {
        size_t count[2049] = { 0 };
        for (size_t i = 0; i < n; i++)
            count[(v[i] >> shift & 2047) + 1]++;
        for (size_t i = 0; i < 2048; i++)
            count[i + 1] += count[i];
        for (size_t i = 0; i < n; i++)
            tmp[count[v[i] >> shift & 2047]++] = v[i];
        memcpy(v, tmp, n * sizeof(*v));
    }
}

static int write_index_row(struct casedb *c, sqlite3_stmt *st, int64_t id,
                           const uint64_t *v, size_t n, struct buf *row,
                           struct err *err)
{
    buf_clear(row);
    if (!buf_reserve(row, n * 10 + 8))
        return no_memory(err);
    unsigned char *p = (unsigned char *)row->p + 8;
    put_u64le(row->p, v[0]);
    for (size_t i = 1; i < n; i++)
        p = varint_put(p, v[i] - v[i - 1]);
    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_blob(st, 2, row->p, (int)((char *)p - row->p), SQLITE_STATIC);
    return db_run(c, st, err);
}

/* Entries of one hash stay in one row, however many: a request id may be the
 * same for thousands of events. */
static int write_index(struct casedb *c, const char *sql, uint32_t batch,
                       int bits, int shift, uint64_t *v, size_t n,
                       struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, sql, err);
    if (!st)
        return err->code;
    sort_u64(v, v + n, n, 0);
    struct buf row = { 0 };
    int rc = 0;
    for (size_t i = 0, k; i < n && rc == 0; i = k) {
        k = i + INDEX_ROW < n ? i + INDEX_ROW : n;
        while (k < n && v[k] >> shift == v[k - 1] >> shift)
            k++;
        int64_t id = (int64_t)((uint64_t)batch << bits | v[i] >> shift);
        rc = write_index_row(c, st, id, v + i, k - i, &row, err);
    }
    buf_free(&row);
    return rc;
}

struct index_reader index_open(struct str row)
{
    return (struct index_reader){ .k = cursor_of(row.p, row.n) };
}

bool index_next(struct index_reader *r)
{
    if (cursor_left(&r->k) == 0)
        return false;
    r->v = r->begun ? r->v + cursor_varint(&r->k) : cursor_u64(&r->k);
    r->begun = true;
    return !r->k.failed;
}

static int write_value_index(struct casedb *c, const struct batch *b,
                             struct err *err)
{
    uint64_t *v = malloc((b->n_entities * 2 + 1) * sizeof(*v));
    if (!v)
        return no_memory(err);
    for (size_t i = 0; i < b->n_entities; i++)
        v[i] = b->entities[i].hash >> (64 - VALUE_HASH_BITS) << VALUE_SHIFT |
               b->entities[i].id;
    int rc =
        write_index(c, "INSERT INTO value_index(id, data) VALUES(?1,?2)", b->id,
                    VALUE_HASH_BITS, VALUE_SHIFT, v, b->n_entities, err);
    free(v);
    return rc;
}

static int write_uid_index(struct casedb *c, const struct batch *b,
                           struct err *err)
{
    uint64_t *v = malloc((b->n * 4 + 1) * sizeof(*v));
    if (!v)
        return no_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->rows[i].uid_n)
            v[n++] = b->rows[i].uid_hash << UID_SHIFT | i;
        if (b->rows[i].request_n)
            v[n++] = b->rows[i].request_hash << UID_SHIFT | 1u << 17 | i;
    }
    int rc = write_index(c, "INSERT INTO uid_index(id, data) VALUES(?1,?2)",
                         b->id, UID_HASH_BITS, UID_SHIFT, v, n, err);
    free(v);
    return rc;
}

struct order {
    uint64_t key; /* time, made unsigned and comparable */
    uint32_t ns, index;
};

static int by_order(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* One step of a stable sort: by 11 bits of the nanoseconds, or of key - base.
 */
static void radix_step(struct order *v, struct order *tmp, size_t n,
                       uint64_t base, unsigned shift, bool by_ns)
{
    size_t count[2049] = { 0 };
    for (size_t i = 0; i < n; i++)
        count[((by_ns ? v[i].ns : v[i].key - base) >> shift & 2047) + 1]++;
    for (size_t i = 0; i < 2048; i++)
        count[i + 1] += count[i];
    for (size_t i = 0; i < n; i++)
        tmp[count[(by_ns ? v[i].ns : v[i].key - base) >> shift & 2047]++] =
            v[i];
    memcpy(v, tmp, n * sizeof(*v));
}

/* By key, then nanoseconds; equal times stay in index order. */
static void radix(struct order *v, struct order *tmp, size_t n, uint64_t base,
                  uint64_t span, bool has_ns)
{
    for (unsigned shift = 0; has_ns && shift < 30; shift += 11)
        radix_step(v, tmp, n, base, shift, true);
    for (unsigned shift = 0; shift < 64 && span >> shift; shift += 11)
        radix_step(v, tmp, n, base, shift, false);
}

/* Orders the batch's events by time; undated first. */
static int make_axis(const struct batch *b, struct posting_time *axis,
                     bool *has_ns, struct err *err)
{
    struct order *v = malloc(b->n * 2 * sizeof(*v) + 1);
    if (!v)
        return no_memory(err);
    uint64_t base = UINT64_MAX, top = 0;
    *has_ns = false;
    for (size_t i = 0; i < b->n; i++) {
        const struct batch_row *r = &b->rows[i];
        uint64_t key = r->timed ? ((uint64_t)r->t_s ^ 1ull << 63) : 0;
        v[i] = (struct order){ key, r->timed ? r->t_ns : 0, (uint32_t)i };
        *has_ns |= v[i].ns != 0;
        base = key < base ? key : base;
        top = key > top ? key : top;
    }
    if (top - base > (uint64_t)1 << 44)
        qsort(v, b->n, sizeof(*v), by_order);
    else
        radix(v, v + b->n, b->n, base, top - base, *has_ns);
    for (size_t i = 0; i < b->n; i++) {
        const struct batch_row *r = &b->rows[v[i].index];
        axis[i] =
            (struct posting_time){ r->timed, { r->t_s, r->t_ns }, v[i].index };
    }
    free(v);
    return 0;
}

/* Events per minute and source, from the time order. */
static int add_minute(struct casedb *c, int64_t minute, uint32_t source,
                      uint64_t n, struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c,
                   "INSERT INTO minute(minute, source, n) VALUES(?1,?2,?3)"
                   " ON CONFLICT(minute, source) DO UPDATE SET n=n+excluded.n",
                   err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, minute);
    sqlite3_bind_int64(st, 2, source);
    sqlite3_bind_int64(st, 3, (int64_t)n);
    return db_run(c, st, err);
}

static int64_t minute_of(int64_t s)
{
    return s / 60 - (s % 60 < 0);
}

static int write_minutes(struct casedb *c, const struct batch *b,
                         const struct posting_time *axis, struct err *err)
{
    enum { SOURCES = 64 };
    uint32_t source[SOURCES];
    uint64_t n[SOURCES];
    size_t used = 0;
    int rc = 0;
    for (size_t i = 0; i <= b->n && rc == 0; i++) {
        bool end =
            i == b->n || (i > 0 && axis[i - 1].timed &&
                          minute_of(axis[i].t.s) != minute_of(axis[i - 1].t.s));
        for (size_t k = 0; end && k < used && rc == 0; k++)
            rc =
                add_minute(c, minute_of(axis[i - 1].t.s), source[k], n[k], err);
        if (end)
            used = 0;
        if (i == b->n || !axis[i].timed)
            continue;
        uint32_t s = b->rows[axis[i].index].col[COL_SOURCE];
        size_t k = 0;
        while (k < used && source[k] != s)
            k++;
        if (k == SOURCES)
            continue;
        if (k == used) {
            source[used] = s;
            n[used++] = 0;
        }
        n[k]++;
    }
    return rc;
}

static int write_batch_row(struct casedb *c, const struct batch *b,
                           const struct posting_time *axis, struct err *err)
{
    size_t undated = 0;
    while (undated < b->n && !axis[undated].timed)
        undated++;
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO batch(id, first_event, n_events, n_undated, min_s, max_s)"
        " VALUES(?1,?2,?3,?4,?5,?6)",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, b->id);
    sqlite3_bind_int64(st, 2, b->first_event);
    sqlite3_bind_int64(st, 3, (int64_t)b->n);
    sqlite3_bind_int64(st, 4, (int64_t)undated);
    if (undated < b->n) {
        sqlite3_bind_int64(st, 5, axis[undated].t.s);
        sqlite3_bind_int64(st, 6, axis[b->n - 1].t.s);
    }
    return db_run(c, st, err);
}

static int write_time_index(struct casedb *c, const struct batch *b,
                            struct err *err)
{
    /* a batch of values alone has its row too: case_find asks per batch */
    if (b->n == 0)
        return b->n_entities ? write_batch_row(c, b, NULL, err) : 0;
    bool has_ns = false;
    struct posting_time *axis = malloc(b->n * sizeof(*axis));
    int rc = axis ? make_axis(b, axis, &has_ns, err) : no_memory(err);
    if (rc == 0)
        rc = write_batch_row(c, b, axis, err);
    if (rc == 0)
        rc = posting_put_axis(c, b->id, axis, b->n, has_ns, err);
    if (rc == 0)
        rc = lists_write(c, b, axis, err);
    if (rc == 0)
        rc = write_minutes(c, b, axis, err);
    free(axis);
    return rc;
}

int batch_write_index(struct casedb *c, const struct batch *b, struct err *err)
{
    int rc = write_value_index(c, b, err);
    if (rc == 0 && b->n)
        rc = write_uid_index(c, b, err);
    return rc ? rc : write_time_index(c, b, err);
}

int batch_write(struct casedb *c, struct batch *b, struct err *err)
{
    int rc = db_begin(c, err);
    if (rc)
        return rc;
    rc = rows_write(c, b, err);
    if (rc == 0)
        rc = write_members(c, b, err);
    if (rc == 0)
        rc = write_issues(c, b, err);
    if (rc == 0)
        rc = write_sightings(c, b, err);
    if (rc == 0)
        rc = write_blobs(c, b, err);
    if (rc == 0)
        rc = batch_write_packages(c, b, err);
    if (rc == 0)
        rc = batch_write_index(c, b, err);
    if (rc == 0)
        rc = write_checkpoint(c, b, err);
    if (rc == 0)
        rc = db_commit(c, err);
    else
        db_rollback(c);
    return rc;
}
