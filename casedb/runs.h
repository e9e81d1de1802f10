/* Runs of import: with what program, under which protection, by which
 * command an exhibit was read. */
#pragma once

#include "casedb/casedb.h"

struct run {
    int64_t id, exhibit;
    struct str version, libraries; /* of the program */
    struct str fences;             /* what the workers obtained, in words */
    struct str options;            /* the command as given */
    struct instant started;
};
/* exhibit 0 = all; in order. Rows are borrowed; nonzero stops. */
int case_runs(struct casedb *c, int64_t exhibit,
              int (*fn)(void *ctx, const struct run *r), void *ctx,
              struct err *err) CHECKED;
