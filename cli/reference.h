/*
 * What a user may name: an event (E12), bytes by citation
 * (X1/path!gz@4711+1312), an exhibit (X1), an entity (ip:192.0.2.10, or the
 * value alone when it is of one kind only).
 */
#pragma once

#include "casedb/query.h"

enum reference_kind { REF_EVENT, REF_PLACE, REF_EXHIBIT, REF_ENTITY };

struct reference {
    enum reference_kind kind;
    int64_t event; /* EVENT; PLACE: the event there, 0 = none */
    int64_t exhibit;
    struct member member; /* EVENT, PLACE; in the arena */
    uint64_t off, len;    /* EVENT, PLACE: of the record or the citation */
    uint32_t entity;
};

/* ERR_USAGE when there is no such thing in the case. */
int reference_find(struct casedb *c, struct str word, struct arena *a,
                   struct reference *out, struct err *err) CHECKED;
/* The citation of an event; in the arena. */
int reference_cite(struct casedb *c, const struct event *e, struct arena *a,
                   struct str *out, struct err *err) CHECKED;
/* Of any bytes of a member; sub 0 = none. Empty p: out of memory. */
struct str reference_cite_bytes(const struct member *m, uint64_t off,
                                uint64_t len, unsigned sub, struct arena *a);
/* The event whose record holds the byte at off (exact: begins there, with
 * this sub); 0 = none. */
int reference_event_at(struct casedb *c, const struct member *m, uint64_t off,
                       unsigned sub, bool exact, int64_t *event,
                       struct err *err) CHECKED;
