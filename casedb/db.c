#include "casedb/db.h"

#include "base/text.h"
#include "casedb/vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
    BUSY_MS = 5000,
    CHECKPOINT_BUSY_MS = 500, /* a reader's long query must not hold import */
    LOG_PAGES = 64 << 20 >> 13, /* 64 MiB of log are moved into the case */
    STATEMENTS_MAX = 1024,    /* more means loops that are not reset */
};

/* ---- errors -------------------------------------------------------------- */

static bool no_space(int errnum)
{
    return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
}

static int class_of(int rc, int errnum)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_WRITE;
    case SQLITE_IOERR:
        return rc == SQLITE_IOERR_CORRUPTFS ? ERR_CASE : ERR_WRITE;
    case SQLITE_CANTOPEN:
        return no_space(errnum) ? ERR_WRITE : ERR_CASE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        return ERR_CASE;
    case SQLITE_INTERRUPT:
        return ERR_STOPPED;
    default:
        return ERR_INTERNAL;
    }
}

/* "-wal", or "" for the case itself: which of its files did not grow. */
static const char *which_file(const struct casedb *c)
{
    const char *name = c->vfs->names[VFS_DB];
    size_t n = strlen(name);
    const char *of = c->vfs->need ? c->vfs->need_of : name;
    return strncmp(of, name, n) == 0 ? of + n : "";
}

static int full_error(struct casedb *c, struct err *err, const char *doing)
{
    struct statvfs fs;
    const char *path = text_line(str_from(c->path));
    int r;
    if (c->vfs && statvfs(c->vfs->names[VFS_DB], &fs) == 0)
        r = err_set(err, ERR_WRITE,
                    "%s%s: %s: disk full: %llu bytes needed, %llu free", path,
                    which_file(c), doing, (unsigned long long)c->vfs->need,
                    (unsigned long long)fs.f_bavail * fs.f_frsize);
    else
        r = err_set(err, ERR_WRITE, "%s: %s: disk full", path, doing);
    err_hint(err, "What was confirmed before is in the case. Make room and "
                  "give the same command again.");
    return r;
}

int db_error(struct casedb *c, struct err *err, const char *doing)
{
    int rc = sqlite3_extended_errcode(c->db);
    int errnum = sqlite3_system_errno(c->db);
    int class = class_of(rc, errnum);
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC) {
        c->sync_failed = true;
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                          (int *)NULL);
    }
    if ((rc & 0xff) == SQLITE_FULL || (class == ERR_WRITE && no_space(errnum)))
        return full_error(c, err, doing);
    if (class == ERR_STOPPED)
        return err_set(err, class, "%s: stopped", doing);
    return err_set(err, class, "%s: %s: %s (SQLite %d%s%s)",
                   text_line(str_from(c->path)), doing,
                   text_line(str_from(sqlite3_errmsg(c->db))), rc,
                   class == ERR_WRITE && errnum ? ", " : "",
                   class == ERR_WRITE && errnum ? strerror(errnum) : "");
}

/* ---- statements ---------------------------------------------------------- */

static bool grow(struct casedb *c)
{
    if (c->n_statements < c->cap_statements)
        return true;
    size_t cap = c->cap_statements ? c->cap_statements * 2 : 64;
    struct db_statement *p =
        cap > STATEMENTS_MAX ? NULL : realloc(c->statements, cap * sizeof(*p));
    if (!p)
        return false;
    c->statements = p;
    c->cap_statements = cap;
    return true;
}

sqlite3_stmt *db_prepare(struct casedb *c, const char *sql, struct err *err)
{
    for (size_t i = 0; i < c->n_statements; i++) {
        struct db_statement *s = &c->statements[i];
        if (s->sql == sql && !sqlite3_stmt_busy(s->st)) {
            sqlite3_reset(s->st);
            sqlite3_clear_bindings(s->st);
            return s->st;
        }
    }
    sqlite3_stmt *st = NULL;
    if (!grow(c)) {
        err_set(err, ERR_INTERNAL, "too many statements at one time");
        return NULL;
    }
    if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st,
                           NULL) != SQLITE_OK) {
        db_error(c, err, "preparing a query");
        return NULL;
    }
    c->statements[c->n_statements++] = (struct db_statement){ sql, st };
    return st;
}

void db_bind_str(sqlite3_stmt *st, int i, struct str s)
{
    sqlite3_bind_blob64(st, i, s.n ? s.p : "", s.n, SQLITE_STATIC);
}

void db_bind_text(sqlite3_stmt *st, int i, struct str s)
{
    sqlite3_bind_text64(st, i, s.n ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_any(sqlite3_stmt *st, int i, struct str s)
{
    if (text_utf8_valid(s) && (s.n == 0 || !memchr(s.p, 0, s.n)))
        db_bind_text(st, i, s);
    else
        db_bind_str(st, i, s);
}

struct str db_col(sqlite3_stmt *st, int i)
{
    /* The pointer first: it may convert, which changes the length. */
    const char *p = sqlite3_column_blob(st, i);
    int n = sqlite3_column_bytes(st, i);
    return (struct str){ p, p ? (size_t)n : 0 };
}

int db_step(struct casedb *c, sqlite3_stmt *st, struct err *err)
{
    /* SQLite takes a whole transaction back by itself when the disk is full;
     * what follows would be written outside of any. */
    if (c->depth > 0 && sqlite3_get_autocommit(c->db)) {
        sqlite3_reset(st);
        return err_set(err, ERR_WRITE,
                       "%s: the transaction was taken back by an earlier "
                       "failure",
                       text_line(str_from(c->path)));
    }
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return 1;
    /* Not sqlite3_stmt_readonly: to SQLite that is COMMIT too. */
    bool reads = sqlite3_column_count(st) > 0;
    int r =
        rc == SQLITE_DONE ? 0 : db_error(c, err, reads ? "reading" : "writing");
    sqlite3_reset(st);
    return r;
}

int db_run(struct casedb *c, sqlite3_stmt *st, struct err *err)
{
    int r = db_step(c, st, err);
    if (r <= 0)
        return r;
    sqlite3_reset(st);
    return err_set(err, ERR_INTERNAL, "a statement gave a row");
}

bool db_next(struct casedb *c, sqlite3_stmt *st, int *r, struct err *err)
{
    if (!st) {
        *r = err ? err->code : ERR_INTERNAL;
        return false;
    }
    if (*r) {
        sqlite3_reset(st);
        return false;
    }
    *r = db_step(c, st, err);
    if (*r <= 0)
        return false;
    *r = 0;
    return true;
}

int db_integer(struct casedb *c, sqlite3_stmt *st, int64_t none, int64_t *out,
               struct err *err)
{
    *out = none;
    int r = db_step(c, st, err);
    if (r <= 0)
        return r;
    if (sqlite3_column_type(st, 0) != SQLITE_NULL)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return 0;
}

static int run_literal(struct casedb *c, const char *sql, struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, sql, err);
    return st ? db_run(c, st, err) : (err ? err->code : ERR_INTERNAL);
}

/* ---- transactions -------------------------------------------------------- */

static int may_begin(const struct casedb *c, struct err *err)
{
    if (c->mode != CASE_WRITE || !c->sync_failed)
        return 0;
    err_set(err, ERR_WRITE,
            "%s: writing has ended because the disk did not confirm a write",
            text_line(str_from(c->path)));
    err_hint(err, "Check the disk, then open the case again.");
    return ERR_WRITE;
}

int db_begin(struct casedb *c, struct err *err)
{
    if (c->depth > 0) {
        c->depth++;
        return 0;
    }
    int r = may_begin(c, err);
    if (r)
        return r;
    r = run_literal(c, c->mode == CASE_WRITE ? "BEGIN IMMEDIATE" : "BEGIN",
                    err);
    if (r)
        return r;
    c->doomed = false;
    c->depth = 1;
    return 0;
}

static void take_back(struct casedb *c)
{
    c->depth = 0;
    c->doomed = false;
    /* After FULL or IOERR SQLite may have done it already. */
    if (!sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    /* Values read within the transaction may not exist any more. */
    if (c->cache)
        case_cache_drop(c);
}

/* What was committed is safe in the log, so a failure here takes nothing
 * back: a full disk shows when the log cannot grow either, and after a failed
 * sync db_begin ends the writing. */
static void move_long_log(struct casedb *c)
{
    struct err ignored;
    if (c->log_pages < LOG_PAGES)
        return;
    c->log_pages = 0;
    (void)!db_checkpoint(c, false, &ignored);
}

int db_commit(struct casedb *c, struct err *err)
{
    if (c->depth > 1) {
        c->depth--;
        return 0;
    }
    if (c->depth == 0)
        return err_set(err, ERR_INTERNAL, "commit without a transaction");
    if (c->doomed) {
        take_back(c);
        return err_set(err, ERR_INTERNAL,
                       "a step of the transaction was taken back");
    }
    int r = run_literal(c, "COMMIT", err);
    if (r)
        take_back(c);
    c->depth = 0;
    if (r == 0 && c->mode == CASE_WRITE)
        move_long_log(c);
    return r;
}

void db_rollback(struct casedb *c)
{
    if (c->depth > 1) {
        c->depth--;
        c->doomed = true;
    } else if (c->depth == 1) {
        take_back(c);
    }
}

int case_begin(struct casedb *c, struct err *err)
{
    return db_begin(c, err);
}

int case_commit(struct casedb *c, struct err *err)
{
    return db_commit(c, err);
}

void case_rollback(struct casedb *c)
{
    db_rollback(c);
}

/* ---- durability ---------------------------------------------------------- */

int db_checkpoint(struct casedb *c, bool truncate, struct err *err)
{
    if (c->mode != CASE_WRITE || c->depth > 0)
        return err_set(err, ERR_INTERNAL,
                       "checkpoint by a reader or within "
                       "a transaction");
    int r = may_begin(c, err);
    if (r)
        return r;
    sqlite3_busy_timeout(c->db, CHECKPOINT_BUSY_MS);
    int rc = sqlite3_wal_checkpoint_v2(c->db, "main",
                                       truncate ? SQLITE_CHECKPOINT_TRUNCATE
                                                : SQLITE_CHECKPOINT_PASSIVE,
                                       NULL, NULL);
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
        r = db_error(c, err, "moving the log into the case");
    sqlite3_busy_timeout(c->db, BUSY_MS);
    return r;
}

int case_bulk(struct casedb *c, bool on, struct err *err)
{
    if (c->depth > 0)
        return err_set(err, ERR_INTERNAL, "case_bulk within a transaction");
    int r = run_literal(
        c, on ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", err);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, !on, (int *)NULL);
    return r || on ? r : db_checkpoint(c, true, err);
}
