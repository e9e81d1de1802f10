#include "casedb/runs.h"

#include "casedb/db.h"

int case_runs(struct casedb *c, int64_t exhibit,
              int (*fn)(void *ctx, const struct run *r), void *ctx,
              struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT id, exhibit, version, libraries, fences, options, started_s"
        " FROM run WHERE ?1 = 0 OR exhibit = ?1 ORDER BY id",
        err);
    if (st)
        sqlite3_bind_int64(st, 1, exhibit);
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct run run = { .id = sqlite3_column_int64(st, 0),
                           .exhibit = sqlite3_column_int64(st, 1),
                           .version = db_col(st, 2),
                           .libraries = db_col(st, 3),
                           .fences = db_col(st, 4),
                           .options = db_col(st, 5),
                           .started.s = sqlite3_column_int64(st, 6) };
        r = fn(ctx, &run);
    }
    return r;
}
