/*
 * The rows of a batch that there are many of: entities, events, files and
 * their attributes. Starting and ending a statement costs as much as a row, so
 * each writes several; what SQLite need not search for (the next number) or
 * load (columns that are NULL in all of its rows) it is not told.
 */
#include <stdlib.h>

#include "casedb/batch.h"

enum { ROWS = 16, COLUMNS_MAX = 35 };

/* OR FAIL spares the copies of pages that a partial undo would need: what
 * fails here is rolled back with the whole batch. */
#define INSERT   "INSERT OR FAIL INTO "
#define TWICE(s) s "," s
#define MANY(s)  TWICE(TWICE(TWICE(TWICE(s)))) /* ROWS of them */
#define MARKS_4  "?,?,?,?"
#define MARKS_14 MARKS_4 "," MARKS_4 "," MARKS_4 ",?,?"

/* ---- binding ------------------------------------------------------------ */

/* Most columns of a row equal those of the row before at the same place:
 * binding only what changes saves a tenth of the whole insert. */
struct bound {
    int64_t v[COLUMNS_MAX];
    uint64_t number, null; /* bit set: v is bound, NULL is */
};

/* The statement and the place of one row in it. */
struct slot {
    sqlite3_stmt *st;
    struct bound *last;
    int base;
};

static void bind_int(const struct slot *s, int i, int64_t v)
{
    uint64_t bit = UINT64_C(1) << i;
    if (s->last->number & bit && s->last->v[i] == v)
        return;
    s->last->number |= bit;
    s->last->null &= ~bit;
    s->last->v[i] = v;
    sqlite3_bind_int64(s->st, s->base + i, v);
}

static void bind_null(const struct slot *s, int i)
{
    uint64_t bit = UINT64_C(1) << i;
    if (s->last->null & bit)
        return;
    s->last->null |= bit;
    s->last->number &= ~bit;
    sqlite3_bind_null(s->st, s->base + i);
}

static void bind_id(const struct slot *s, int i, uint32_t id)
{
    if (id)
        bind_int(s, i, id);
    else
        bind_null(s, i);
}

/* The parameter of column i, for bytes, which are bound each time. */
static int fresh(const struct slot *s, int i)
{
    uint64_t bit = UINT64_C(1) << i;
    s->last->number &= ~bit;
    s->last->null &= ~bit;
    return s->base + i;
}

static void bind_bytes(const struct slot *s, int i, struct str v)
{
    if (v.n)
        db_bind_str(s->st, fresh(s, i), v);
    else
        bind_null(s, i);
}

static void bind_any(const struct slot *s, int i, struct str v)
{
    if (v.n)
        db_bind_any(s->st, fresh(s, i), v);
    else
        bind_null(s, i);
}

static void bind_time(const struct slot *s, int i, bool known, struct instant t)
{
    if (known) {
        bind_int(s, i, t.s);
        bind_int(s, i + 1, t.ns);
    } else {
        bind_null(s, i);
        bind_null(s, i + 1);
    }
}

/* ---- several rows a statement ------------------------------------------- */

struct form {
    const char *one, *many; /* rows without their number */
    int columns;
    void (*bind)(const struct slot *, const struct batch *, size_t);
};

struct rows {
    const struct form *form;
    sqlite3_stmt *one, *many;
    struct bound last_one, last[ROWS];
};

static int rows_open(struct rows *r, struct casedb *c, const struct form *f,
                     struct err *err)
{
    r->form = f;
    r->last_one = (struct bound){ .number = 0 };
    for (size_t k = 0; k < ROWS; k++)
        r->last[k] = (struct bound){ .number = 0 };
    r->many = db_prepare(c, f->many, err);
    r->one = r->many ? db_prepare(c, f->one, err) : NULL;
    return r->one ? 0 : err->code;
}

/* What was bound is the caller's, and goes. */
static void rows_close(struct rows *r)
{
    if (r->many)
        sqlite3_clear_bindings(r->many);
    if (r->one)
        sqlite3_clear_bindings(r->one);
}

static int step(struct casedb *c, sqlite3_stmt *st, const char *what,
                struct err *err)
{
    bool done = sqlite3_step(st) == SQLITE_DONE;
    sqlite3_reset(st);
    return done ? 0 : db_error(c, err, what);
}

/* How many rows the next statement takes of `left`. */
static size_t next_rows(size_t left)
{
    return left < ROWS ? 1 : ROWS;
}

static int rows_put(struct rows *r, struct casedb *c, const struct batch *b,
                    size_t i, size_t n, const char *what, struct err *err)
{
    struct slot s = { n == 1 ? r->one : r->many, &r->last_one, 1 };
    for (size_t k = 0; k < n; k++, s.base += r->form->columns) {
        if (n > 1)
            s.last = &r->last[k];
        r->form->bind(&s, b, i + k);
    }
    return step(c, s.st, what, err);
}

/* The first row with its number; those that follow have the next ones, for
 * which SQLite appends without a search. */
static int put_first(struct casedb *c, const char *sql, const struct form *f,
                     const struct batch *b, int64_t id, const char *what,
                     struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, sql, err);
    if (!st)
        return err->code;
    struct bound none = { .number = 0 };
    const struct slot s = { st, &none, 2 };
    sqlite3_bind_int64(st, 1, id);
    f->bind(&s, b, 0);
    int rc = step(c, st, what, err);
    sqlite3_clear_bindings(st);
    return rc;
}

static int check_last(struct casedb *c, int64_t id, const char *what,
                      struct err *err)
{
    return sqlite3_last_insert_rowid(c->db) == id
               ? 0
               : err_set(err, ERR_INTERNAL, "%s: the numbers differ", what);
}

/* ---- entities ----------------------------------------------------------- */

#define ENTITY_INSERT INSERT "entity(id, value) VALUES"

static const char entity_sql[] = ENTITY_INSERT "(?,?)";
static const char entities_sql[] = ENTITY_INSERT MANY("(?,?)");

static int write_entities(struct casedb *c, const struct batch *b,
                          struct err *err)
{
    sqlite3_stmt *many = db_prepare(c, entities_sql, err);
    sqlite3_stmt *one = many ? db_prepare(c, entity_sql, err) : NULL;
    uint64_t *order = malloc((b->n_entities * 2 + 1) * sizeof(*order));
    int rc = !one    ? err->code
             : order ? 0
                     : err_set(err, ERR_INTERNAL, "import: out of memory");
    /* ids of one kind are one range: ascending ids append */
    for (size_t i = 0; i < b->n_entities && rc == 0; i++)
        order[i] = (uint64_t)b->entities[i].id << 32 | i;
    if (rc == 0)
        sort_u64(order, order + b->n_entities, b->n_entities, 32);
    for (size_t i = 0, n; i < b->n_entities && rc == 0; i += n) {
        n = next_rows(b->n_entities - i);
        sqlite3_stmt *st = n == 1 ? one : many;
        for (size_t k = 0; k < n; k++) {
            const struct batch_entity *e = &b->entities[(uint32_t)order[i + k]];
            sqlite3_bind_int64(st, (int)k * 2 + 1, e->id);
            db_bind_any(st, (int)k * 2 + 2, e->value);
        }
        rc = step(c, st, "writing entities", err);
    }
    free(order);
    return rc;
}

/* ---- events ------------------------------------------------------------- */

/* A narrow row leaves NULL all but what it lists: so are the events of files,
 * of which there are most. */
#define NARROW                                                                 \
    "t_s, t_ns, t_kind, t_zone, t_res, member, off, len, sub, severity,"       \
    " flags, source, action, target"
#define WIDE                                                                   \
    NARROW ", actor, outcome, ip, key, agent, region, account, service, uid,"  \
           " request, text, refs, body"
#define NARROW_ROW "(" MARKS_14 ")"
#define WIDE_MARKS MARKS_14 "," MARKS_4 "," MARKS_4 "," MARKS_4 ",?"

static const char first_event_sql[] =
    INSERT "event(id, " WIDE ") VALUES(?," WIDE_MARKS ")";

static const struct {
    uint8_t column, at;
} wide_ids[] = {
    { COL_ACTOR, 14 },   { COL_OUTCOME, 15 }, { COL_IP, 16 },
    { COL_KEY, 17 },     { COL_AGENT, 18 },   { COL_REGION, 19 },
    { COL_ACCOUNT, 20 }, { COL_SERVICE, 21 },
};
enum { N_WIDE_IDS = sizeof wide_ids / sizeof *wide_ids };

static void bind_narrow(const struct slot *s, const struct batch *b, size_t i)
{
    const struct batch_row *r = &b->rows[i];
    bind_time(s, 0, r->timed, (struct instant){ r->t_s, r->t_ns });
    bind_int(s, 2, r->t_kind);
    bind_int(s, 3, r->t_zone);
    bind_int(s, 4, r->t_res);
    bind_int(s, 5, r->member);
    bind_int(s, 6, (int64_t)r->off);
    bind_int(s, 7, r->len);
    bind_int(s, 8, r->sub);
    bind_int(s, 9, r->severity);
    bind_int(s, 10, r->flags);
    bind_id(s, 11, column_stored(COL_SOURCE, r->col[COL_SOURCE]));
    bind_id(s, 12, column_stored(COL_ACTION, r->col[COL_ACTION]));
    bind_id(s, 13, column_stored(COL_TARGET, r->col[COL_TARGET]));
}

static void bind_wide(const struct slot *s, const struct batch *b, size_t i)
{
    const struct batch_row *r = &b->rows[i];
    const char *p = b->heap.p + r->heap;
    bind_narrow(s, b, i);
    for (size_t k = 0; k < N_WIDE_IDS; k++) {
        int column = wide_ids[k].column;
        bind_id(s, wide_ids[k].at, column_stored(column, r->col[column]));
    }
    bind_bytes(s, 22, (struct str){ p, r->uid_n });
    p += r->uid_n;
    bind_bytes(s, 23, (struct str){ p, r->request_n });
    p += r->request_n;
    bind_bytes(s, 25, (struct str){ p, r->refs_n });
    p += r->refs_n;
    bind_any(s, 24, (struct str){ p, r->text_n });
    bind_id(s, 26, r->body);
}

static const struct form wide_events = {
    .one = INSERT "event(" WIDE ") VALUES(" WIDE_MARKS ")",
    .many = INSERT "event(" WIDE ") VALUES" MANY("(" WIDE_MARKS ")"),
    .columns = 27,
    .bind = bind_wide,
};
static const struct form narrow_events = {
    .one = INSERT "event(" NARROW ") VALUES" NARROW_ROW,
    .many = INSERT "event(" NARROW ") VALUES" MANY(NARROW_ROW),
    .columns = 14,
    .bind = bind_narrow,
};

static bool all_narrow(const struct batch *b, size_t i, size_t n)
{
    uint32_t any = 0;
    for (const struct batch_row *r = &b->rows[i]; n; n--, r++) {
        any |= r->uid_n | r->request_n | r->refs_n | r->text_n | r->body;
        for (size_t k = 0; k < N_WIDE_IDS; k++)
            any |= r->col[wide_ids[k].column];
    }
    return any == 0;
}

static int write_events(struct casedb *c, const struct batch *b,
                        struct err *err)
{
    static const char what[] = "writing events";
    UNINITIALIZED struct rows wide, narrow;
    if (b->n == 0)
        return 0;
    int rc = rows_open(&wide, c, &wide_events, err);
    if (rc == 0)
        rc = rows_open(&narrow, c, &narrow_events, err);
    if (rc)
        return rc;
    rc = put_first(c, first_event_sql, &wide_events, b, b->first_event, what,
                   err);
    for (size_t i = 1, n; i < b->n && rc == 0; i += n) {
        n = next_rows(b->n - i);
        rc = rows_put(all_narrow(b, i, n) ? &narrow : &wide, c, b, i, n, what,
                      err);
    }
    rows_close(&wide);
    rows_close(&narrow);
    return rc ? rc
              : check_last(c, b->first_event + (int64_t)b->n - 1, what, err);
}

/* ---- files -------------------------------------------------------------- */

#define FILE_COLUMNS                                                           \
    "member, volume, path, folder, inode, parent_inode, type, mode, uid, gid," \
    " links, size, flags, t_res, m_s, m_ns, a_s, a_ns, c_s, c_ns, b_s, b_ns,"  \
    " d_s, d_ns, link_target, sha256, sha1, md5, view, found, confidence,"     \
    " free_bytes, device, first_event, content_type"
#define FILE_MARKS MARKS_14 "," MARKS_14 "," MARKS_4 ",?,?,?"

static const char first_file_sql[] =
    INSERT "file(id, " FILE_COLUMNS ") VALUES(?," FILE_MARKS ")";

/* enum file_flag's FILE_NO_TIME bits, M A C B D from bit 4 */
static void bind_file(const struct slot *s, const struct batch *b, size_t i)
{
    const struct batch_file *row = &b->files[i];
    const struct intake_file *f = &row->f;
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
                          f->device,     row->first_event };
    bind_int(s, 0, row->member);
    db_bind_text(s->st, s->base + 1, f->volume);
    bind_int(s, 2, f->path);
    bind_id(s, 3, f->folder);
    for (int k = 0; k < 10; k++)
        bind_int(s, 4 + k, v[k]);
    for (int k = 0; k < 5; k++)
        bind_time(s, 14 + 2 * k, !(f->flags >> (4 + k) & 1), *t[k]);
    bind_bytes(s, 24, f->link_target);
    bind_bytes(s, 25, f->sha256);
    bind_bytes(s, 26, f->sha1);
    bind_bytes(s, 27, f->md5);
    for (int k = 0; k < 6; k++)
        bind_int(s, 28 + k, w[k]);
    if (f->content_type.n)
        db_bind_text(s->st, fresh(s, 34), f->content_type);
    else
        bind_null(s, 34);
}

static const struct form file_rows = {
    .one = INSERT "file(" FILE_COLUMNS ") VALUES(" FILE_MARKS ")",
    .many = INSERT "file(" FILE_COLUMNS ") VALUES" MANY("(" FILE_MARKS ")"),
    .columns = 35,
    .bind = bind_file,
};

static int write_files(struct casedb *c, const struct batch *b, struct err *err)
{
    static const char what[] = "writing files";
    UNINITIALIZED struct rows rows;
    if (b->n_files == 0)
        return 0;
    int rc = rows_open(&rows, c, &file_rows, err);
    if (rc)
        return rc;
    rc = put_first(c, first_file_sql, &file_rows, b, b->files[0].id, what, err);
    for (size_t i = 1, n; i < b->n_files && rc == 0; i += n) {
        n = next_rows(b->n_files - i);
        rc = rows_put(&rows, c, b, i, n, what, err);
    }
    rows_close(&rows);
    return rc ? rc : check_last(c, b->files[b->n_files - 1].id, what, err);
}

static void bind_xattr(const struct slot *s, const struct batch *b, size_t i)
{
    bind_int(s, 0, b->xattrs[i].file);
    db_bind_any(s->st, s->base + 1, b->xattrs[i].name);
    db_bind_str(s->st, s->base + 2, b->xattrs[i].value);
}

static const struct form xattr_rows = {
    .one = INSERT "xattr(file, name, value) VALUES(?,?,?)",
    .many = INSERT "xattr(file, name, value) VALUES" MANY("(?,?,?)"),
    .columns = 3,
    .bind = bind_xattr,
};

static int write_xattrs(struct casedb *c, const struct batch *b,
                        struct err *err)
{
    UNINITIALIZED struct rows rows;
    if (b->n_xattrs == 0)
        return 0;
    int rc = rows_open(&rows, c, &xattr_rows, err);
    if (rc)
        return rc;
    for (size_t i = 0, n; i < b->n_xattrs && rc == 0; i += n) {
        n = next_rows(b->n_xattrs - i);
        rc = rows_put(&rows, c, b, i, n, "writing attributes", err);
    }
    rows_close(&rows);
    return rc;
}

int rows_write(struct casedb *c, const struct batch *b, struct err *err)
{
    int rc = write_entities(c, b, err);
    if (rc == 0)
        rc = write_events(c, b, err);
    if (rc == 0)
        rc = write_files(c, b, err);
    return rc ? rc : write_xattrs(c, b, err);
}
