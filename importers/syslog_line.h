/*
 * One line of syslog, in any of the forms that files have: RFC 3164 and 5424,
 * with and without <PRI>, stamps of ISO 8601 (rsyslog's own template).
 */
#pragma once

#include "base/time.h"
#include "importers/logtime.h"

struct syslog_line {
    bool bsd;           /* the time is in stamp, else in time */
    bool timed;         /* RFC 5424 allows none */
    bool plain;         /* neither host nor program: repeated messages */
    struct stamp stamp; /* without zone, most often without year */
    struct time_text time;
    int priority;     /* 0..191, -1: not told */
    uint8_t severity; /* of record.h */
    struct str host, program, pid, message;
};

/* The day asked before: most lines are of the same one. */
struct syslog_day {
    char text[10];
    int64_t s;
    bool known;
};

/* False: the line has no header. */
bool syslog_parse(struct str line, struct syslog_day *day,
                  struct syslog_line *out);
/* logtime_reader for lines that may have a <PRI> */
size_t syslog_stamp(struct str line, struct stamp *out);
