/*
 * Events as rows of a list: read once, by a job, into its arena. What a row
 * shows stays the bytes of the evidence; the pen makes them visible.
 */
#pragma once

#include "tui/screen.h"

struct host_row;

/* The columns whose value can be under the cursor. */
enum field {
    FIELD_SOURCE,
    FIELD_ACTOR,
    FIELD_ACTION,
    FIELD_TARGET,
    FIELD_OUTCOME,
    FIELD_IP,
    FIELD_KEY,
    FIELD_AGENT,
    FIELD_REGION,
    FIELD_ACCOUNT,
    FIELD_SERVICE,
    FIELDS
};
extern const char *const field_names[FIELDS]; /* of the filter language */

struct row {
    struct event e; /* its texts in the arena */
    struct str value[FIELDS];
    const struct host_row *host; /* of lists of a view, else NULL */
};

static inline uint32_t row_id(const struct row *r, enum field f)
{
    const uint32_t ids[FIELDS] = {
        r->e.source,  r->e.actor,   r->e.action,  r->e.target,
        r->e.outcome, r->e.ip,      r->e.key,     r->e.agent,
        r->e.region,  r->e.account, r->e.service,
    };
    return ids[f];
}
static inline struct hit row_hit(const struct row *r)
{
    return (struct hit){ r->e.timed, r->e.t, r->e.id };
}
static inline unsigned kind_of_id(uint32_t id)
{
    return id >> KIND_SHIFT;
}

int row_read(struct casedb *c, int64_t event, struct arena *a, struct row *out,
             struct err *err) CHECKED;
/* A letter and a colour for the importer of an event. */
char lane_letter(struct str source);
enum style lane_style(struct str source);

/* "03-11 02:13:02.117": `year` adds it, digits as the source gave them (at
 * most 3, or all when `all`). */
void pen_time(struct pen *p, const struct event *e, bool year, bool all);
/* The same in another zone, without naming it; nothing for the undated. */
void pen_time_zone(struct pen *p, const struct event *e, bool year,
                   int zone_min);
void pen_instant(struct pen *p, struct instant t, int digits);
/* "+1m27s", "-3d04h" */
void pen_delta(struct pen *p, struct instant from, struct instant to);
/* "1m27s" of a span in seconds. */
void span_text(char out[24], int64_t seconds);
/* How many seconds b is after a, clipped. */
int64_t seconds_between(struct instant a, struct instant b);
