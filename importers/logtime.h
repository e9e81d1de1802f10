/*
 * Times of logs whose lines tell no year: syslog (RFC 3164), yum.log and the
 * like. The member is scanned once for the stamps of its lines; then the year
 * of each is known without having to decode backwards.
 *
 *     struct logtime t;
 *     rc = logtime_open(&t, job, logtime_bsd);
 *     ... for each line:
 *         struct stamp s;
 *         size_t n = logtime_bsd(line.text, &s);
 *         if (n)
 *             logtime_put(&t, &s, line.off, &record);
 *     logtime_close(&t);
 *
 * How years are found (docs/formats/host.md, "Years that are not written"):
 * the last line is not later than the log was written to, which the file
 * system says (job->modified) or a rotation's -YYYYMMDD in the name; from line
 * to line the clock does not go back by more than a day, else a year has
 * passed; a 29 February is in a leap year. The clock of the examiner's machine
 * is never asked. Where nothing bounds the years, records stay undated and an
 * issue says so.
 */
#pragma once

#include "importers/importer.h"

/* A time as a line has it. year 0: not told. */
struct stamp {
    int year, month, day;
    int32_t second; /* of the day */
    uint32_t ns;
    uint8_t res; /* fraction digits */
    bool leap;   /* :60 in the text */
};

/* Bytes that the stamp at the front of a line takes, with the blank or colon
 * and blank after it; 0: none there. */
typedef size_t logtime_reader(struct str line, struct stamp *out);
/* "Mar 11 02:13:02 ", also "Mar  1", "Mar 1", "Mar 01", a year before or after
 * the time, a fraction. */
size_t logtime_bsd(struct str line, struct stamp *out);

struct logtime {
    const struct import_job *job;
    struct logtime_turn { /* lines from off on are this many years on */
        uint64_t off;
        int32_t years;
    } * turns;
    size_t n_turns, at;
    int32_t base;  /* year of years == 0 */
    bool known;    /* base is */
    uint64_t last; /* offset asked before: turns are walked, not searched */
    /* the day asked before, and what it is in UTC */
    int64_t day_year, day_month, day_day, day_s;
    int64_t from, to, offset; /* local times of one offset */
};

/* Scans the member by `read` and gives the fact "year basis", or an issue
 * where years are not known. Gives neither when no line lacks its year.
 * Nonzero: stop. */
int logtime_open(struct logtime *t, const struct import_job *job,
                 logtime_reader *read) CHECKED;
void logtime_close(struct logtime *t);
/* Sets the time of a record whose line begins at off in the member: in the
 * zone of the host when that is known. Without a year the record stays
 * undated. */
void logtime_put(struct logtime *t, const struct stamp *s, uint64_t off,
                 struct record *r);
