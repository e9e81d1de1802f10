/*
 * One event of a Windows event log as its fields: what stands in System, and
 * the names and values of EventData or UserData.
 */
#pragma once

#include "importers/binxml.h"

enum { EVTX_FIELDS = 200 };

struct evtx_field {
    struct str name, value; /* without a name: "1", "2", .. */
};

struct evtx_event {
    struct str provider, channel, computer, user_sid, activity;
    unsigned id, level;
    bool has_time;
    uint64_t filetime;
    struct evtx_field field[EVTX_FIELDS];
    size_t n;
    bool cut; /* more fields than that */
};

/* False: these parts are no event. */
bool evtx_event_read(struct evtx_event *e, const struct binxml *x);
/* Empty when there is none; name NULL: none. */
struct str evtx_event_field(const struct evtx_event *e, const char *name);
