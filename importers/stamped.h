/*
 * Entries of logs that programs write to files of their own: a line that
 * begins with a time, and the lines without one that go on with it (dumps,
 * traces). The forms of times are those of the agents and of cloud-init:
 *
 *     2024-05-01 01:02:03.1234 INFO ..    2024-05-01 01:02:03,123 - x.py[..
 *     2024-05-01T01:02:03Z I! ..          2024/05/01 01:02:03 I! ..
 *     2024-05-01 01:02:03 EDT - INFO ..   I, [2024-05-01T01:02:03.1 #7] ..
 *     level=info time=2024-05-01T01:02:03Z msg=".."
 *     {"level":"info","time":"2024-05-01T01:02:03Z","msg":".."}
 */
#pragma once

#include "importers/hosttime.h"
#include "importers/lines.h"

enum { STAMPED_MOST = 64 << 10 }; /* bytes of one entry; more begin a new one */

struct stamped_entry {
    struct str text; /* without its time; until the next stamped_next */
    bool timed;
    struct time_text t;
    uint64_t off;   /* of the first line */
    uint32_t len;   /* up to the end of the last */
    uint32_t flags; /* EVENT_CONTINUED */
};

struct stamped {
    struct lines l;
    struct import_job *job;
    struct buf text;
    bool single; /* lines without a time are entries of their own */
};

/* The time that a line begins with: *skip bytes are it and what parts it
 * from the text (0 for forms that name their fields). */
bool stamped_time(struct str line, struct time_text *t, size_t *skip);

/* Does one of the first lines of a text begin so? For probes: a file may begin
 * within an entry. */
bool stamped_any(struct str head);

void stamped_open(struct stamped *s, struct import_job *job, bool single);
/* As lines_next; blank lines between entries are passed over. */
int stamped_next(struct stamped *s, struct stamped_entry *out) CHECKED;
/* As lines_end; frees. */
int stamped_end(struct stamped *s, int rc) CHECKED;
/* Time, place and flags of an entry into a record. */
void stamped_record(const struct stamped *s, const struct stamped_entry *e,
                    struct record *r);

/* The word for a level at the start of a text ("INFO", "[ERROR]", "E!",
 * "level=error" ..): 0 none, 1 debug and information, 2 warning, 3 error,
 * 4 critical. *n: its length with what stands around it. */
unsigned stamped_level(struct str text, size_t *n);
/* As the severity of a record. */
uint8_t stamped_severity(unsigned level);

/* "Fri, 02 Sep 2016 19:28:07 +0000" at the start of s; its length or 0. */
size_t stamped_rfc2822(struct str s, struct time_text *t);
/* Seconds since 1970 with or without a fraction, the whole of s. */
bool stamped_epoch(struct str s, struct time_text *t);
