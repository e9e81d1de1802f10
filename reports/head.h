/*
 * The audit log as reports, exports and seals quote it: entries that only
 * tell of reports and exports are not counted, so that making one does not
 * change the next.
 */
#pragma once

#include "casedb/casedb.h"

struct head {
    struct audit_head audit;
    struct instant at; /* of that entry */
    uint64_t seals;    /* seals made before */
    char previous[65]; /* what the last one's end entry names, or "" */
    char broken[256];  /* the log does not verify: why; else "" */
};
/* A log that does not verify is no error here; head is then that of the last
 * good entry. */
int head_find(struct casedb *c, struct head *out, struct err *err) CHECKED;

/* The n-th field (0..6) of an audit line, after its hash and blank: number,
 * hash before, time, actor, action, object, detail. */
struct str head_field(struct str line, unsigned n);
/* Does this action only disclose? */
bool head_is_disclosure(struct str action);
