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

/* Several rows a statement: starting and ending one costs as much as a row.
 * OR FAIL spares the copies of pages that a partial undo would need: what
 * fails here is rolled back with the whole batch. */
enum { EVENT_COLUMNS = 28, EVENT_ROWS = 16, ENTITY_ROWS = 16 };

#define TWICE(row)    row "," row
#define ENTITY_ROW    "(?,?)"
#define EVENT_ROW     "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
#define ENTITY_INSERT "INSERT OR FAIL INTO entity(id, value) VALUES"
#define EVENT_INSERT                                                           \
    "INSERT OR FAIL INTO event(id, t_s, t_ns, t_kind, t_zone, t_res, member,"  \
    " off, len, sub, severity, flags, source, action, actor, target,"          \
    " outcome, ip, key, agent, region, account, service, uid, request, text,"  \
    " refs, body) VALUES"

static const char entity_sql[] = ENTITY_INSERT ENTITY_ROW;
static const char entities_sql[] =
    ENTITY_INSERT TWICE(TWICE(TWICE(TWICE(ENTITY_ROW))));
static const char event_sql[] = EVENT_INSERT EVENT_ROW;
static const char events_sql[] =
    EVENT_INSERT TWICE(TWICE(TWICE(TWICE(EVENT_ROW))));

static int step_rows(struct casedb *c, sqlite3_stmt *st, const char *what,
                     struct err *err)
{
    bool done = sqlite3_step(st) == SQLITE_DONE;
    sqlite3_reset(st);
    return done ? 0 : db_error(c, err, what);
}

static int write_entities(struct casedb *c, struct batch *b, struct err *err)
{
    sqlite3_stmt *many = db_prepare(c, entities_sql, err);
    sqlite3_stmt *one = many ? db_prepare(c, entity_sql, err) : NULL;
    uint64_t *order = malloc((b->n_entities * 2 + 1) * sizeof(*order));
    int rc = !one ? err->code : order ? 0 : no_memory(err);
    /* ids of one kind are one range: ascending ids append */
    for (size_t i = 0; i < b->n_entities && rc == 0; i++)
        order[i] = (uint64_t)b->entities[i].id << 32 | i;
    if (rc == 0)
        sort_u64(order, order + b->n_entities, b->n_entities, 32);
    for (size_t i = 0, n; i < b->n_entities && rc == 0; i += n) {
        n = b->n_entities - i < ENTITY_ROWS ? 1 : ENTITY_ROWS;
        sqlite3_stmt *st = n == 1 ? one : many;
        for (size_t k = 0; k < n; k++) {
            const struct batch_entity *e = &b->entities[(uint32_t)order[i + k]];
            sqlite3_bind_int64(st, (int)k * 2 + 1, e->id);
            db_bind_any(st, (int)k * 2 + 2, e->value);
        }
        rc = step_rows(c, st, "writing entities", err);
    }
    free(order);
    return rc;
}

/* Most columns of a row equal those of the row before at the same place:
 * binding only what changes saves a tenth of the whole insert. */
struct bound {
    int64_t v[EVENT_COLUMNS];
    uint32_t set;
};

/* The statement and the place of one row in it. */
struct row_slot {
    sqlite3_stmt *st;
    struct bound *last;
    int base;
};

static void bind_int(const struct row_slot *s, int i, int64_t v)
{
    if (s->last->set >> i & 1 && s->last->v[i] == v)
        return;
    s->last->set |= 1u << i;
    s->last->v[i] = v;
    sqlite3_bind_int64(s->st, s->base + i, v);
}

static void bind_id(const struct row_slot *s, int i, uint32_t id)
{
    if (s->last->set >> i & 1 && s->last->v[i] == id)
        return;
    s->last->set |= 1u << i;
    s->last->v[i] = id;
    if (id)
        sqlite3_bind_int64(s->st, s->base + i, id);
    else
        sqlite3_bind_null(s->st, s->base + i);
}

static void bind_bytes(const struct row_slot *s, int i, const char *p, size_t n)
{
    if (n)
        sqlite3_bind_blob(s->st, s->base + i, p, (int)n, SQLITE_STATIC);
    else
        sqlite3_bind_null(s->st, s->base + i);
}

/* The id is given for a batch's first row alone: SQLite appends the next
 * without searching for their place. */
static void bind_event(const struct row_slot *s, const struct batch *b,
                       size_t i)
{
    const struct batch_row *r = &b->rows[i];
    const char *p = b->heap.p + r->heap;
    bind_id(s, 0, 0);
    if (i == 0) {
        s->last->set &= ~1u;
        sqlite3_bind_int64(s->st, s->base, b->first_event);
    }
    if (r->timed) {
        bind_int(s, 1, r->t_s);
        bind_int(s, 2, r->t_ns);
    } else {
        s->last->set &= ~6u;
        sqlite3_bind_null(s->st, s->base + 1);
        sqlite3_bind_null(s->st, s->base + 2);
    }
    bind_int(s, 3, r->t_kind);
    bind_int(s, 4, r->t_zone);
    bind_int(s, 5, r->t_res);
    bind_int(s, 6, r->member);
    bind_int(s, 7, (int64_t)r->off);
    bind_int(s, 8, r->len);
    bind_int(s, 9, r->sub);
    bind_int(s, 10, r->severity);
    bind_int(s, 11, r->flags);
    for (int k = 0; k < INTAKE_COLUMNS; k++)
        bind_id(s, 12 + k, column_stored(k, r->col[k]));
    bind_bytes(s, 23, p, r->uid_n);
    p += r->uid_n;
    bind_bytes(s, 24, p, r->request_n);
    p += r->request_n;
    bind_bytes(s, 26, p, r->refs_n);
    p += r->refs_n;
    if (r->text_n)
        db_bind_any(s->st, s->base + 25, (struct str){ p, r->text_n });
    else
        sqlite3_bind_null(s->st, s->base + 25);
    bind_id(s, 27, r->body);
}

static int write_events(struct casedb *c, const struct batch *b,
                        struct err *err)
{
    struct bound last[EVENT_ROWS] = { 0 }, last_one = { 0 };
    sqlite3_stmt *many = db_prepare(c, events_sql, err);
    sqlite3_stmt *one = many ? db_prepare(c, event_sql, err) : NULL;
    int rc = one ? 0 : err->code;
    for (size_t i = 0, n; i < b->n && rc == 0; i += n) {
        n = b->n - i < EVENT_ROWS ? 1 : EVENT_ROWS;
        struct row_slot s = { n == 1 ? one : many, &last_one, 1 };
        for (size_t k = 0; k < n; k++, s.base += EVENT_COLUMNS) {
            if (n > 1)
                s.last = &last[k];
            bind_event(&s, b, i + k);
        }
        rc = step_rows(c, s.st, "writing events", err);
    }
    if (rc == 0 && b->n &&
        sqlite3_last_insert_rowid(c->db) != b->first_event + (int64_t)b->n - 1)
        rc = err_set(err, ERR_INTERNAL, "writing events: the numbers differ");
    if (one)
        sqlite3_clear_bindings(one);
    if (many)
        sqlite3_clear_bindings(many);
    return rc;
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
        if (m->sha256.n)
            db_bind_str(st, 7, m->sha256);
        else
            sqlite3_bind_null(st, 7);
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

static void bind_time(sqlite3_stmt *st, int i, bool known, struct instant t)
{
    if (known) {
        sqlite3_bind_int64(st, i, t.s);
        sqlite3_bind_int64(st, i + 1, t.ns);
    } else {
        sqlite3_bind_null(st, i);
        sqlite3_bind_null(st, i + 1);
    }
}

static void bind_or_null(sqlite3_stmt *st, int i, struct str s)
{
    if (s.n)
        db_bind_str(st, i, s);
    else
        sqlite3_bind_null(st, i);
}

/* enum file_flag's FILE_NO_TIME bits, M A C B D from bit 4 */
static int write_file(struct casedb *c, sqlite3_stmt *st,
                      const struct batch_file *b, struct err *err)
{
    const struct intake_file *f = &b->f;
    const struct instant *t[] = { &f->m, &f->a, &f->c, &f->b, &f->d };
    const int64_t v[] = { (int64_t)f->inode,
                          (int64_t)f->parent_inode,
                          f->type,
                          f->mode,
                          f->uid,
                          f->gid,
                          f->links,
                          (int64_t)f->size,
                          f->flags & (15u | FILE_RECORDS),
                          f->t_res };
    const int64_t w[] = { f->view,       f->found,
                          f->confidence, (int64_t)f->free_bytes,
                          f->device,     b->first_event };
    const struct str s[] = { f->link_target, f->sha256, f->sha1, f->md5 };
    sqlite3_bind_int64(st, 1, b->member);
    db_bind_text(st, 2, f->volume);
    sqlite3_bind_int64(st, 3, f->path);
    for (int i = 0; i < 10; i++)
        sqlite3_bind_int64(st, 4 + i, v[i]);
    for (int i = 0; i < 5; i++)
        bind_time(st, 14 + 2 * i, !(f->flags >> (4 + i) & 1), *t[i]);
    for (int i = 0; i < 4; i++)
        bind_or_null(st, 24 + i, s[i]);
    for (int i = 0; i < 6; i++)
        sqlite3_bind_int64(st, 28 + i, w[i]);
    if (f->content_type.n)
        db_bind_text(st, 34, f->content_type);
    else
        sqlite3_bind_null(st, 34);
    sqlite3_bind_int64(st, 35, b->id);
    if (f->folder)
        sqlite3_bind_int64(st, 36, f->folder);
    else
        sqlite3_bind_null(st, 36);
    return db_run(c, st, err);
}

static int write_files(struct casedb *c, const struct batch *b, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO file(member, volume, path, inode, parent_inode, type,"
        " mode, uid, gid, links, size, flags, t_res, m_s, m_ns, a_s, a_ns,"
        " c_s, c_ns, b_s, b_ns, d_s, d_ns, link_target, sha256, sha1, md5,"
        " view, found, confidence, free_bytes, device, first_event,"
        " content_type, id, folder)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,"
        "?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,?34,"
        "?35,?36)",
        err);
    int rc = st ? 0 : err->code;
    for (size_t i = 0; i < b->n_files && rc == 0; i++)
        rc = write_file(c, st, &b->files[i], err);
    return rc;
}

static int write_xattrs(struct casedb *c, const struct batch *b,
                        struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "INSERT INTO xattr(file, name, value) VALUES(?1,?2,?3)", err);
    int rc = st ? 0 : err->code;
    for (size_t i = 0; i < b->n_xattrs && rc == 0; i++) {
        sqlite3_bind_int64(st, 1, b->xattrs[i].file);
        db_bind_any(st, 2, b->xattrs[i].name);
        db_bind_str(st, 3, b->xattrs[i].value);
        rc = db_run(c, st, err);
    }
    return rc;
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

/* LSD radix sort on the low `bytes` bytes of key - base, stable, so equal
 * times stay in index order. For batches whose nanoseconds are all zero. */
static void radix(struct order *v, struct order *tmp, size_t n, uint64_t base,
                  uint64_t span)
{
    for (unsigned shift = 0; shift < 64 && span >> shift; shift += 11) {
        size_t count[2049] = { 0 };
        for (size_t i = 0; i < n; i++)
            count[((v[i].key - base) >> shift & 2047) + 1]++;
        for (size_t i = 0; i < 2048; i++)
            count[i + 1] += count[i];
        for (size_t i = 0; i < n; i++)
            tmp[count[(v[i].key - base) >> shift & 2047]++] = v[i];
        memcpy(v, tmp, n * sizeof(*v));
    }
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
    if (*has_ns || top - base > (uint64_t)1 << 44)
        qsort(v, b->n, sizeof(*v), by_order);
    else
        radix(v, v + b->n, b->n, base, top - base);
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
    rc = write_entities(c, b, err);
    if (rc == 0)
        rc = write_events(c, b, err);
    if (rc == 0)
        rc = write_members(c, b, err);
    if (rc == 0)
        rc = write_issues(c, b, err);
    if (rc == 0)
        rc = write_sightings(c, b, err);
    if (rc == 0)
        rc = write_blobs(c, b, err);
    if (rc == 0)
        rc = write_files(c, b, err);
    if (rc == 0)
        rc = write_xattrs(c, b, err);
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
