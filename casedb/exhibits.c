/*
 * Reading what intake wrote about the evidence: exhibits, members, issues,
 * facts, embedded bytes; and what is added to an exhibit afterwards: digests
 * and where its files are now.
 */
#include "casedb/db.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>

static uint64_t col_u64(sqlite3_stmt *st, int i)
{
    return (uint64_t)sqlite3_column_int64(st, i);
}

/* A copy in the arena of each of n strings. */
static int keep(struct arena *a, struct str *const *s, size_t n,
                struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        *s[i] = arena_copy(a, *s[i]);
        if (!s[i]->p)
            return err_set(err, ERR_INTERNAL, "out of memory");
    }
    return 0;
}

static int missing(struct casedb *c, struct err *err, const char *what,
                   int64_t no)
{
    return err_set(err, ERR_USAGE, "%s: no %s%lld in this case",
                   text_line(str_from(c->path)), what, (long long)no);
}

/* ---- exhibits ------------------------------------------------------------ */

/* Of an exhibit that is not closed yet, what is committed so far. */
#define EXHIBIT_COLUMNS                                                        \
    "SELECT x.no, x.path, coalesce(e.kind, ''), x.note, x.imported_s,"         \
    " x.supplement_of, e.exhibit IS NOT NULL, coalesce(e.sha256, x''),"        \
    " coalesce(e.n_files, 0), coalesce(e.size, 0),"                            \
    " coalesce(e.n_read, (SELECT sum(n_read) FROM member m"                    \
    "  WHERE m.exhibit=x.no), 0),"                                             \
    " coalesce(e.n_stored, (SELECT sum(n_stored) FROM member m"                \
    "  WHERE m.exhibit=x.no), 0),"                                             \
    " coalesce(e.n_dup, (SELECT sum(n_dup) FROM member m"                      \
    "  WHERE m.exhibit=x.no), 0),"                                             \
    " coalesce(e.n_rejected, (SELECT sum(n_rejected) FROM member m"            \
    "  WHERE m.exhibit=x.no), 0),"                                             \
    " coalesce(e.n_issues, (SELECT count(*) FROM issue i"                      \
    "  WHERE i.exhibit=x.no)),"                                                \
    " coalesce(e.n_members, (SELECT count(*) FROM member m"                    \
    "  WHERE m.exhibit=x.no)),"                                                \
    " coalesce(e.first_event, (SELECT min(first_event) FROM member m"          \
    "  WHERE m.exhibit=x.no AND m.n_events>0), 0),"                            \
    " coalesce(e.n_events, (SELECT sum(n_events) FROM member m"                \
    "  WHERE m.exhibit=x.no), 0)"                                              \
    " FROM exhibit x LEFT JOIN exhibit_end e ON e.exhibit=x.no"

static struct exhibit exhibit_of(sqlite3_stmt *st)
{
    return (struct exhibit){
        .no = sqlite3_column_int64(st, 0),
        .path = db_col(st, 1),
        .kind = db_col(st, 2),
        .note = db_col(st, 3),
        .imported = { .s = sqlite3_column_int64(st, 4) },
        .supplement_of = sqlite3_column_int64(st, 5),
        .state = sqlite3_column_int(st, 6) ? EXHIBIT_CLOSED : EXHIBIT_OPEN,
        .sha256 = db_col(st, 7),
        .n_files = col_u64(st, 8),
        .size = col_u64(st, 9),
        .n_read = col_u64(st, 10),
        .n_stored = col_u64(st, 11),
        .n_dup = col_u64(st, 12),
        .n_rejected = col_u64(st, 13),
        .n_issues = col_u64(st, 14),
        .n_members = col_u64(st, 15),
        .first_event = col_u64(st, 16),
        .n_events = col_u64(st, 17),
    };
}

int case_exhibits(struct casedb *c, exhibit_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, EXHIBIT_COLUMNS " ORDER BY x.no", err);
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct exhibit e = exhibit_of(st);
        r = fn(ctx, &e);
    }
    return r;
}

int case_exhibit(struct casedb *c, int64_t no, struct arena *a,
                 struct exhibit *out, struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, EXHIBIT_COLUMNS " WHERE x.no=?1", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, no);
    int r = db_step(c, st, err);
    if (r == 0)
        return missing(c, err, "exhibit X", no);
    if (r > 0) {
        *out = exhibit_of(st);
        struct str *const s[] = { &out->path, &out->kind, &out->note,
                                  &out->sha256 };
        r = keep(a, s, sizeof(s) / sizeof(s[0]), err);
    }
    sqlite3_reset(st);
    return r;
}

/* ---- members ------------------------------------------------------------- */

#define MEMBER_COLUMNS                                                         \
    "SELECT id, exhibit, path, layers, format, size, sha256, n_read,"          \
    " n_stored, n_dup, n_rejected, first_event, n_events FROM member"

static struct member member_of(sqlite3_stmt *st)
{
    return (struct member){
        .id = sqlite3_column_int64(st, 0),
        .exhibit = sqlite3_column_int64(st, 1),
        .path = db_col(st, 2),
        .layers = db_col(st, 3),
        .format = db_col(st, 4),
        .size = col_u64(st, 5),
        .sha256 = db_col(st, 6),
        .n_read = col_u64(st, 7),
        .n_stored = col_u64(st, 8),
        .n_dup = col_u64(st, 9),
        .n_rejected = col_u64(st, 10),
        .first_event = col_u64(st, 11),
        .n_events = col_u64(st, 12),
    };
}

int case_members(struct casedb *c, int64_t exhibit, member_fn fn, void *ctx,
                 struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, MEMBER_COLUMNS " WHERE ?1=0 OR exhibit=?1 ORDER BY id", err);
    if (st)
        sqlite3_bind_int64(st, 1, exhibit);
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct member m = member_of(st);
        r = fn(ctx, &m);
    }
    return r;
}

int case_member(struct casedb *c, int64_t id, struct arena *a,
                struct member *out, struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, MEMBER_COLUMNS " WHERE id=?1", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, id);
    int r = db_step(c, st, err);
    if (r == 0)
        return missing(c, err, "member ", id);
    if (r > 0) {
        *out = member_of(st);
        struct str *const s[] = { &out->path, &out->layers, &out->format,
                                  &out->sha256 };
        r = keep(a, s, sizeof(s) / sizeof(s[0]), err);
    }
    sqlite3_reset(st);
    return r;
}

/* ---- issues and facts ---------------------------------------------------- */

int case_issues(struct casedb *c, int64_t exhibit, issue_fn fn, void *ctx,
                struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT id, exhibit, member, severity, off, len, code, detail"
        " FROM issue WHERE ?1=0 OR exhibit=?1 ORDER BY id",
        err);
    if (st)
        sqlite3_bind_int64(st, 1, exhibit);
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct issue i = {
            .id = sqlite3_column_int64(st, 0),
            .exhibit = sqlite3_column_int64(st, 1),
            .member = sqlite3_column_int64(st, 2),
            .severity = sqlite3_column_int(st, 3),
            .off = col_u64(st, 4),
            .len = col_u64(st, 5),
            .code = db_col(st, 6),
            .detail = db_col(st, 7),
        };
        r = fn(ctx, &i);
    }
    return r;
}

int case_facts(struct casedb *c, int64_t exhibit, fact_fn fn, void *ctx,
               struct err *err)
{
    sqlite3_stmt *st = db_prepare(c,
                                  "SELECT member, name, value FROM fact"
                                  " WHERE ?1=0 OR exhibit=?1 ORDER BY id",
                                  err);
    if (st)
        sqlite3_bind_int64(st, 1, exhibit);
    int r = 0;
    while (db_next(c, st, &r, err))
        r = fn(ctx, sqlite3_column_int64(st, 0), db_col(st, 1), db_col(st, 2));
    return r;
}

/* ---- where the bytes are ------------------------------------------------- */

int case_exhibit_path(struct casedb *c, int64_t no, struct arena *a,
                      struct str *out, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT coalesce((SELECT path FROM attachment WHERE exhibit=?1"
        " ORDER BY id DESC LIMIT 1), path) FROM exhibit WHERE no=?1",
        err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, no);
    int r = db_step(c, st, err);
    if (r == 0)
        return missing(c, err, "exhibit X", no);
    if (r > 0) {
        *out = db_col(st, 0);
        struct str *const s[] = { out };
        r = keep(a, s, 1, err);
    }
    sqlite3_reset(st);
    return r;
}

static int insert_attachment(struct casedb *c, int64_t no, struct str path,
                             struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "INSERT INTO attachment(exhibit, path, at_s) VALUES(?1, ?2, ?3)",
        err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, no);
    db_bind_str(st, 2, path);
    sqlite3_bind_int64(st, 3, time_now().s);
    return db_run(c, st, err);
}

static int audit_attachment(struct casedb *c, int64_t no, struct str path,
                            struct err *err)
{
    char object[32];
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    json_put_open(&o, '{');
    json_put_kstr(&o, "path", path);
    json_put_close(&o, '}');
    snprintf(object, sizeof(object), "X%lld", (long long)no);
    int r = b.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                     : case_audit(c, STR("evidence.attach"), str_from(object),
                                  buf_str(&b), err);
    buf_free(&b);
    return r;
}

int case_attach(struct casedb *c, int64_t no, struct str path, struct err *err)
{
    struct arena a = { 0 };
    struct str now;
    int r = case_exhibit_path(c, no, &a, &now, err);
    arena_free(&a);
    if (r == 0)
        r = db_begin(c, err);
    if (r)
        return r;
    r = insert_attachment(c, no, path, err);
    if (r == 0)
        r = audit_attachment(c, no, path, err);
    if (r)
        db_rollback(c);
    return r ? r : db_commit(c, err);
}

int case_embedded(struct casedb *c, int64_t member, struct arena *a,
                  struct str *out, bool *found, struct err *err)
{
    *found = false;
    sqlite3_stmt *st =
        db_prepare(c, "SELECT data FROM embedded WHERE member=?1", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, member);
    int r = db_step(c, st, err);
    if (r > 0) {
        *out = db_col(st, 0);
        struct str *const s[] = { out };
        r = keep(a, s, 1, err);
        *found = r == 0;
    }
    sqlite3_reset(st);
    return r;
}

/* ---- digests ------------------------------------------------------------- */

int case_digest_add(struct casedb *c, const struct digest *d, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO digest(exhibit, path, scope, algo, value, outcome, at_s,"
        " note) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, d->exhibit);
    db_bind_str(st, 2, d->path);
    db_bind_text(st, 3, d->scope);
    db_bind_text(st, 4, d->algo);
    db_bind_str(st, 5, d->value);
    db_bind_text(st, 6, d->outcome);
    sqlite3_bind_int64(st, 7, d->at.s ? d->at.s : time_now().s);
    db_bind_text(st, 8, d->note);
    return db_run(c, st, err);
}

int case_digests(struct casedb *c, int64_t exhibit,
                 int (*fn)(void *ctx, const struct digest *d), void *ctx,
                 struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT exhibit, path, scope, algo, value, outcome, at_s, note"
        " FROM digest WHERE ?1=0 OR exhibit=?1 ORDER BY rowid",
        err);
    if (st)
        sqlite3_bind_int64(st, 1, exhibit);
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct digest d = {
            .exhibit = sqlite3_column_int64(st, 0),
            .path = db_col(st, 1),
            .scope = db_col(st, 2),
            .algo = db_col(st, 3),
            .value = db_col(st, 4),
            .outcome = db_col(st, 5),
            .at = { .s = sqlite3_column_int64(st, 6) },
            .note = db_col(st, 7),
        };
        r = fn(ctx, &d);
    }
    return r;
}
