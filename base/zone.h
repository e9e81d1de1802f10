/*
 * Time zones from bytes: a TZif file (RFC 8536, versions 1 to 4, with the
 * rule in its footer) or a POSIX TZ string. Nothing is opened, so a sealed
 * worker can use the zone of the host that it reads.
 */
#pragma once

#include "base/err.h"

struct zone;

/* The content of /etc/localtime or of a file below /usr/share/zoneinfo. NULL:
 * not one, damaged, or it counts leap seconds ("right/"). */
struct zone *zone_open(struct str tzif, struct err *err) CHECKED;
/* "CET-1CEST,M3.5.0,M10.5.0/3" */
struct zone *zone_open_rule(struct str tz, struct err *err) CHECKED;
void zone_close(struct zone *z);

/* Seconds east of UTC at an instant. */
int32_t zone_offset(const struct zone *z, int64_t utc);

enum zone_local_flag {
    LOCAL_TWICE = 1,   /* the clock showed it twice: the earlier one */
    LOCAL_SKIPPED = 2, /* the clock never showed it: as if it had not jumped */
};

struct zone_local {
    int64_t utc;
    int32_t offset;
    unsigned flags;
    /* For local times in from..to-1 the offset is the same and there are no
     * flags; empty when there is no such range. */
    int64_t from, to;
};
/* What the clock on the wall meant: seconds since 1970 in local time. */
struct zone_local zone_utc(const struct zone *z, int64_t local);
