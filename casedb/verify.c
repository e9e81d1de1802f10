/*
 * case_verify: is this case whole? Pages and references (SQLite's checks),
 * the tables' form, the audit chain, and the accounting: nothing that was read
 * is lost between read, stored, duplicate and rejected, every event belongs
 * to exactly one member, ids have no gaps. The first failure is named.
 */
#include "casedb/connection.h"

#include "base/text.h"

#include <stdio.h>

static int failed(struct casedb *c, struct err *err, const char *what)
{
    return err_set(err, ERR_VERIFY, "%s: %s", text_line(str_from(c->path)),
                   what);
}

/* ---- pages --------------------------------------------------------------- */

int case_check_pages(struct casedb *c, struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, "PRAGMA integrity_check(1)", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    int r = db_step(c, st, err);
    if (r == ERR_CASE)
        r = err_wrap(err, "integrity check");
    if (r > 0)
        r = str_eq(db_col(st, 0), STR("ok"))
                ? 0
                : failed(c, err, text_line(db_col(st, 0)));
    sqlite3_reset(st);
    return r;
}

/* ---- rules that hold for all rows ---------------------------------------- */

/* Each query gives the first row that breaks the rule, as one number. */
static const struct {
    const char *query;
    const char *what;
} rules[] = {
    { "SELECT rowid FROM pragma_foreign_key_check LIMIT 1",
      "a row refers to a row that does not exist: number" },
    { "SELECT id FROM member WHERE n_read<>n_stored+n_dup+n_rejected"
      " OR n_read<0 OR n_stored<0 OR n_dup<0 OR n_rejected<0"
      " OR n_events<0 LIMIT 1",
      "read is not stored + duplicate + rejected in member" },
    { "SELECT exhibit FROM exhibit_end WHERE"
      " n_read<>n_stored+n_dup+n_rejected LIMIT 1",
      "read is not stored + duplicate + rejected in exhibit" },
    { "SELECT e.exhibit FROM exhibit_end e LEFT JOIN"
      " (SELECT exhibit, count(*) AS n, sum(n_read) AS r,"
      "  sum(n_stored) AS s, sum(n_dup) AS d, sum(n_rejected) AS j,"
      "  sum(n_events) AS v FROM member GROUP BY exhibit) m"
      " ON m.exhibit=e.exhibit WHERE e.n_members<>ifnull(m.n,0)"
      " OR e.n_read<>ifnull(m.r,0) OR e.n_stored<>ifnull(m.s,0)"
      " OR e.n_dup<>ifnull(m.d,0) OR e.n_rejected<>ifnull(m.j,0)"
      " OR e.n_events<>ifnull(m.v,0) LIMIT 1",
      "the sums of the members are not those of exhibit" },
    { "SELECT e.exhibit FROM exhibit_end e LEFT JOIN"
      " (SELECT exhibit, count(*) AS n FROM issue GROUP BY exhibit) i"
      " ON i.exhibit=e.exhibit WHERE e.n_issues<>ifnull(i.n,0) LIMIT 1",
      "the number of issues is not that of exhibit" },
    { "SELECT m.id FROM member m JOIN exhibit_end USING(exhibit) JOIN"
      " (SELECT member, count(*) AS n FROM (SELECT member FROM file UNION ALL"
      " SELECT member FROM package_file) GROUP BY member) f"
      " ON f.member=m.id WHERE m.n_stored<>m.n_events+f.n LIMIT 1",
      "stored is not events + files in member" },
    { "SELECT id FROM package p WHERE manager<1 OR manager>2 OR NOT EXISTS"
      " (SELECT 1 FROM entity e WHERE e.id=p.name) LIMIT 1",
      "a package without a name or of an unknown kind:" },
    { "SELECT member FROM file f WHERE NOT EXISTS"
      " (SELECT 1 FROM member m WHERE m.id=f.member) AND NOT EXISTS"
      " (SELECT 1 FROM exhibit WHERE no NOT IN"
      "  (SELECT exhibit FROM exhibit_end)) LIMIT 1",
      "files of a member that does not exist:" },
    { "SELECT id FROM xattr x WHERE NOT EXISTS"
      " (SELECT 1 FROM file f WHERE f.id=x.file) LIMIT 1",
      "an extended attribute of a file that does not exist:" },
    { "SELECT id FROM file WHERE view<0 OR view>2 OR found<0 OR found>4"
      " OR confidence<0 OR confidence>2 OR free_bytes<0 OR free_bytes>size"
      " LIMIT 1",
      "a file with a state that does not exist:" },
    { "SELECT event FROM sighting s WHERE NOT EXISTS"
      " (SELECT 1 FROM event e WHERE e.id=s.event) LIMIT 1",
      "a duplicate of an event that does not exist:" },
    { "SELECT member FROM embedded m WHERE NOT EXISTS"
      " (SELECT 1 FROM member WHERE id=m.member) LIMIT 1",
      "embedded bytes of a member that does not exist:" },
    { "SELECT id FROM issue i WHERE NOT EXISTS"
      " (SELECT 1 FROM exhibit WHERE no=i.exhibit) LIMIT 1",
      "an issue of an exhibit that does not exist:" },
    { "SELECT id FROM mark m WHERE undoes<>0 AND NOT EXISTS"
      " (SELECT 1 FROM mark o WHERE o.id=m.undoes AND o.id<m.id) LIMIT 1",
      "an undo of a mark that does not exist:" },
    { "SELECT no FROM exhibit WHERE no>(SELECT count(*) FROM exhibit)"
      " OR no<1 LIMIT 1",
      "exhibits are not numbered without gaps: X" },
};

static int check_rules(struct casedb *c, struct err *err)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        sqlite3_stmt *st = db_prepare(c, rules[i].query, err);
        if (!st)
            return err ? err->code : ERR_INTERNAL;
        int r = db_step(c, st, err);
        if (r > 0)
            r = err_set(err, ERR_VERIFY, "%s: %s %lld",
                        text_line(str_from(c->path)), rules[i].what,
                        (long long)sqlite3_column_int64(st, 0));
        sqlite3_reset(st);
        if (r)
            return r;
    }
    return 0;
}

/* ---- events -------------------------------------------------------------- */

struct runs {
    int64_t id;     /* of the event before */
    int64_t member; /* of the run, 0 before the first */
    int64_t first;
    uint64_t matched; /* runs that are exactly a member's events */
    uint64_t loose;   /* runs without a member row */
};

static int bad_event(struct casedb *c, struct err *err, int64_t id,
                     const char *what)
{
    return err_set(err, ERR_VERIFY, "%s: event E%lld %s",
                   text_line(str_from(c->path)), (long long)id, what);
}

/* A run of events of one member ends: it must be all of that member's. */
static int end_run(struct casedb *c, struct runs *u, struct err *err)
{
    if (u->member == 0)
        return 0;
    sqlite3_stmt *st = db_prepare(
        c, "SELECT first_event, n_events FROM member WHERE id=?1", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, u->member);
    int r = db_step(c, st, err);
    if (r == 0)
        u->loose++;
    if (r <= 0)
        return r;
    bool same = sqlite3_column_int64(st, 0) == u->first &&
                sqlite3_column_int64(st, 1) == u->id - u->first + 1;
    sqlite3_reset(st);
    u->matched++;
    return same ? 0
                : bad_event(c, err, u->first,
                            "begins a run that is not its member's");
}

static int one_event(struct casedb *c, struct runs *u, int64_t id,
                     int64_t member, struct err *err)
{
    if (id != u->id + 1)
        return bad_event(c, err, u->id + 1, "is missing");
    if (member <= 0)
        return bad_event(c, err, id, "belongs to no member");
    if (member != u->member) {
        int r = end_run(c, u, err);
        if (r)
            return r;
        u->member = member;
        u->first = id;
    }
    u->id = id;
    return 0;
}

static int one_number(struct casedb *c, const char *sql, int64_t *out,
                      struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, sql, err);
    return st ? db_integer(c, st, 0, out, err)
              : (err ? err->code : ERR_INTERNAL);
}

/* Only an import that is not finished may have events whose member has no
 * row yet, and each open exhibit at most one such. */
static int check_runs(struct casedb *c, const struct runs *u, struct err *err)
{
    int64_t members, open;
    int r = one_number(c, "SELECT count(*) FROM member WHERE n_events>0",
                       &members, err);
    if (r == 0)
        r = one_number(c,
                       "SELECT count(*) FROM exhibit WHERE no NOT IN"
                       " (SELECT exhibit FROM exhibit_end)",
                       &open, err);
    if (r)
        return r;
    if (u->loose > (uint64_t)open)
        return failed(c, err, "events of a member that does not exist");
    if (u->matched != (uint64_t)members)
        return failed(c, err, "a member's events are missing or torn apart");
    return 0;
}

static int check_events(struct casedb *c, struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c, "SELECT id, member FROM event ORDER BY id", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    struct runs u = { 0 };
    int r;
    while ((r = db_step(c, st, err)) > 0) {
        r = one_event(c, &u, sqlite3_column_int64(st, 0),
                      sqlite3_column_int64(st, 1), err);
        if (r)
            break;
    }
    sqlite3_reset(st);
    if (r == 0)
        r = end_run(c, &u, err);
    return r ? r : check_runs(c, &u, err);
}

/* ---- entities ------------------------------------------------------------ */

/* Ids are kind << KIND_SHIFT | n: one look per kind that occurs. */
static int check_entities(struct casedb *c, struct err *err)
{
    int64_t from = INT64_MIN, id;
    for (;;) {
        sqlite3_stmt *st = db_prepare(
            c, "SELECT id FROM entity WHERE id>=?1 ORDER BY id LIMIT 1", err);
        if (!st)
            return err ? err->code : ERR_INTERNAL;
        sqlite3_bind_int64(st, 1, from);
        int r = db_integer(c, st, INT64_MAX, &id, err);
        if (r || id == INT64_MAX)
            return r;
        int64_t kind = id >> KIND_SHIFT;
        if (kind < 1 || kind > KIND_MAX || kind_name((unsigned)kind).n == 0)
            return err_set(err, ERR_VERIFY, "%s: entity %lld is of no kind",
                           text_line(str_from(c->path)), (long long)id);
        from = (kind + 1) << KIND_SHIFT;
    }
}

/* ---- all ----------------------------------------------------------------- */

int case_verify(struct casedb *c, struct err *err)
{
    struct err own = { 0 };
    if (!err)
        err = &own;
    int r = case_check_pages(c, err);
    if (r == 0)
        r = connection_check(c, err);
    if (r == 0)
        r = case_audit_verify(c, NULL, NULL, NULL, err);
    if (r == 0)
        r = check_rules(c, err);
    if (r == 0)
        r = check_events(c, err);
    if (r == 0)
        r = check_entities(c, err);
    if (r == 0)
        r = case_verify_index(c, err);
    /* Damage that SQLite stumbles over is the answer, not an error. */
    if (r == ERR_CASE)
        r = err->code = ERR_VERIFY;
    return r;
}
