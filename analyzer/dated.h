/*
 * Events in the order of time with those that have no time last, for lists
 * about hosts: a setting without a date is worth reading, but not before what
 * happened. Scans of the case itself give them first (casedb/query.h).
 */
#pragma once

#include "casedb/query.h"

struct dated;
/* As scan_open; the plan must live as long. */
int dated_open(struct casedb *c, const struct plan *p, const struct hit *anchor,
               bool back, struct dated **out, struct err *err) CHECKED;
/* 1 = *out filled, 0 = end, <0 error. */
int dated_next(struct dated *d, struct hit *out, struct err *err);
/* The scan at work, for scan_progress. */
const struct scan *dated_scan(const struct dated *d);
void dated_close(struct dated *d);
