/*
 * Instants and their text forms. Integers only, no time zone database, no
 * libc time functions (they open files, which a sealed worker cannot).
 */
#pragma once

#include "base/str.h"

/* Seconds since 1970-01-01T00:00:00Z (proleptic Gregorian, no leap seconds)
 * and nanoseconds 0..999,999,999. Two integers everywhere: signed 64-bit
 * nanoseconds would end in 2262 and cannot hold 1601. */
struct instant {
    int64_t s;
    uint32_t ns;
};

/* How the zone of a time is known. Stored in event.t_zone. */
enum time_zone_state {
    ZONE_EXPLICIT = 0, /* the record says it (Z, offset, epoch) */
    ZONE_FORMAT = 1,   /* the format defines it (UTC by definition) */
    ZONE_ASSUMED = 2,  /* assumed UTC, nothing says so */
    ZONE_HOST = 3,     /* local time, by the zone that the host was set to */
};

/* What the time says of its object. Stored in event.t_kind; closed list
 * (documented in docs/case-format.md). */
enum time_kind {
    TIME_EVENT = 0,    /* stated by the producer: call, log line */
    TIME_MODIFIED = 1, /* M: content modified */
    TIME_ACCESSED = 2, /* A */
    TIME_CHANGED = 3,  /* C: metadata changed (not creation) */
    TIME_BORN = 4,     /* B */
    TIME_DELETED = 5,
    TIME_START = 6, /* start of a period */
    TIME_END = 7,
    TIME_INGESTED = 8, /* delivered to, ingested by a service */
    TIME_ACQUIRED = 9, /* evidence was acquired */
};
struct str time_kind_name(enum time_kind k); /* "event", "modified", ... */

int instant_cmp(struct instant a, struct instant b);

/* Civil date <-> days since 1970-01-01, valid for years -9999..99999. */
int64_t time_days_from_civil(int64_t y, int m, int d);
void time_civil_from_days(int64_t days, int64_t *y, int *m, int *d);

/* Strict RFC 3339 / ISO 8601 as logs write it, whole of s:
 *   YYYY-MM-DD(T|t|blank)HH:MM:SS[.,frac][Z|z|(+|-)HH[:]MM|(+|-)HH]
 * and the compact YYYYMMDDTHHMMSSZ. Years outside 0..9999 have a sign and 5 to
 * 12 digits. More than nine fraction digits are cut (res says 9). :60 is accepted as the next second with *leap set. 24:00:00,
 * Feb 30, month 13 are refused. Without a zone *zone is ZONE_ASSUMED (UTC).
 * res: number of fraction digits given, i.e. resolution 10^-res s. */
struct time_text {
    struct instant t;
    enum time_zone_state zone;
    int16_t offset_min; /* of the text, minutes east */
    uint8_t res;        /* fraction digits 0..9 */
    bool leap;
};
bool time_parse(struct str s, struct time_text *out);

/* A user's time for --from, --to, filters, @: as time_parse, also cut after
 * any field (2026-03-11, 2026-03-11T02, ...T02:13), meaning its first
 * instant; `end` gives the first instant after the finest field that was given
 * (a fraction's last digit counts). */
bool time_parse_user(struct str s, bool end, struct instant *out);
/* A span 10s 5m 1h 2d 1w 250ms 5us 9ns -> nanoseconds (positive, one unit). */
bool time_parse_span(struct str s, int64_t *ns);
/* --tz: "UTC", "Z", "+09:00", "+0900", "+09", "-3"; minutes east. */
bool time_parse_zone(struct str s, int *offset_min);

enum { TIME_TEXT_MAX = 48 };
/* RFC 3339 with `digits` fraction digits (0, 3, 6, 9; -1 = as many as are
 * not zero, in steps of three), in the zone offset_min: "Z" for 0. Years
 * outside 0..9999 get a sign and more digits. Returns the length. */
size_t time_format(char out[TIME_TEXT_MAX], struct instant t, int digits,
                   int offset_min);

/* Wall clock (for audit and progress only, never for evidence). */
struct instant time_now(void);
/* Monotonic nanoseconds. */
int64_t time_mono_ns(void);
