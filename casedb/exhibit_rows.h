/* Rows about an exhibit that the intake writes (private to casedb/). */
#pragma once

#include "casedb/db.h"
#include "casedb/intake.h"

/* An exhibit with this path: *no (0 none), *open. The latest counts. */
int exhibit_find(struct casedb *c, struct str path, int64_t *no, bool *open,
                 struct err *err) CHECKED;
/* Another exhibit whose import has not ended: 0 = none. */
int exhibit_unfinished(struct casedb *c, int64_t but, int64_t *no,
                       struct err *err) CHECKED;
int exhibit_insert(struct casedb *c, const struct intake_options *o,
                   int64_t *no, struct err *err) CHECKED;
int exhibit_run(struct casedb *c, int64_t no, const struct intake_options *o,
                struct str fences, int64_t started_s, struct err *err) CHECKED;
int exhibit_end(struct casedb *c, int64_t no, const struct intake_totals *t,
                uint64_t first_event, struct str kind, uint64_t n_files,
                uint64_t size, struct str sha256, struct err *err) CHECKED;
int exhibit_drop_checkpoint(struct casedb *c, int64_t no,
                            struct err *err) CHECKED;
/* The one integer of a query, 0 for none. */
int exhibit_integer(struct casedb *c, const char *sql, int64_t *out,
                    struct err *err) CHECKED;
