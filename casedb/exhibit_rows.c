#include "casedb/exhibit_rows.h"

int exhibit_integer(struct casedb *c, const char *sql, int64_t *out,
                    struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, sql, err);
    if (!st)
        return err->code;
    int rc = db_step(c, st, err);
    if (rc < 0)
        return rc;
    *out = rc == 1 ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_reset(st);
    return 0;
}

int exhibit_find(struct casedb *c, struct str path, int64_t *no, bool *open,
                 struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT no, (SELECT 1 FROM exhibit_end WHERE exhibit=no) FROM exhibit"
        " WHERE path=?1 ORDER BY no DESC LIMIT 1",
        err);
    if (!st)
        return err->code;
    db_bind_str(st, 1, path);
    int rc = db_step(c, st, err);
    *no = rc == 1 ? sqlite3_column_int64(st, 0) : 0;
    *open = rc == 1 && sqlite3_column_type(st, 1) == SQLITE_NULL;
    sqlite3_reset(st);
    return rc < 0 ? rc : 0;
}

int exhibit_unfinished(struct casedb *c, int64_t but, int64_t *no,
                       struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c,
                   "SELECT no FROM exhibit WHERE no<>?1 AND no NOT IN"
                   " (SELECT exhibit FROM exhibit_end)",
                   err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, but);
    return db_integer(c, st, 0, no, err);
}

int exhibit_insert(struct casedb *c, const struct intake_options *o,
                   int64_t *no, struct err *err)
{
    int64_t last = 0;
    int rc = exhibit_integer(c, "SELECT max(no) FROM exhibit", &last, err);
    if (rc)
        return rc;
    *no = last + 1;
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO exhibit(no, path, note, supplement_of, imported_s, embed)"
        " VALUES(?1, ?2, ?3, ?6, ?4, ?5)",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, *no);
    db_bind_str(st, 2, o->path);
    db_bind_text(st, 3, o->note);
    sqlite3_bind_int64(st, 4, time_now().s);
    sqlite3_bind_int64(st, 5, o->embed);
    sqlite3_bind_int64(st, 6, o->supplement_of);
    return db_run(c, st, err);
}

int exhibit_run(struct casedb *c, int64_t no, const struct intake_options *o,
                struct str fences, int64_t started_s, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO run(exhibit, version, libraries, fences, options,"
        " started_s) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, no);
    db_bind_text(st, 2, o->version);
    db_bind_text(st, 3, o->libraries);
    db_bind_text(st, 4, fences);
    db_bind_text(st, 5, o->options);
    sqlite3_bind_int64(st, 6, started_s);
    return db_run(c, st, err);
}

int exhibit_end(struct casedb *c, int64_t no, const struct intake_totals *t,
                uint64_t first_event, struct str kind, uint64_t n_files,
                uint64_t size, struct str sha256, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO exhibit_end(exhibit, kind, n_files, size, sha256,"
        " n_read, n_stored, n_dup, n_rejected, n_issues, n_members,"
        " first_event, n_events)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        err);
    if (!st)
        return err->code;
    const uint64_t v[] = { t->read,   t->stored,  t->dup,      t->rejected,
                           t->issues, t->members, first_event, t->events };
    sqlite3_bind_int64(st, 1, no);
    db_bind_text(st, 2, kind);
    sqlite3_bind_int64(st, 3, (int64_t)n_files);
    sqlite3_bind_int64(st, 4, (int64_t)size);
    db_bind_str(st, 5, sha256);
    for (int i = 0; i < 8; i++)
        sqlite3_bind_int64(st, 6 + i, (int64_t)v[i]);
    return db_run(c, st, err);
}

int exhibit_drop_checkpoint(struct casedb *c, int64_t no, struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c, "DELETE FROM checkpoint WHERE exhibit=?1", err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, no);
    return db_run(c, st, err);
}
