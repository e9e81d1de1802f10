/* Where an event's record stands: its citation. */
#pragma once

#include "casedb/query.h"

/* "X1/a.json.gz!gz@4711+1312#2", in the arena. */
int place_of_event(struct casedb *c, const struct event *e, struct arena *a,
                   struct str *out, struct err *err) CHECKED;
/* The same when the member is at hand. */
int place_put(struct arena *a, const struct member *m, const struct event *e,
              struct str *out, struct err *err) CHECKED;
/* In two steps, for many events of one member: "X1/a.json.gz!gz", in the
 * arena, and "@4711+1312#2". */
int place_begin(struct arena *a, const struct member *m, struct str *out,
                struct err *err) CHECKED;
void place_end(struct buf *b, const struct event *e);
