/* Years of logs that do not tell them: what comes out, read from one window
 * and in steps alike. */
#include "importers/logtime.h"
#include "tests/tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "base/zone.h"
#include "evidence/source.h"

static struct buf said; /* codes of issues and facts */

int sink_issue(struct sink *s, enum issue_severity severity, uint64_t off,
               uint64_t len, const char *code, const char *fmt, ...)
{
    (void)s, (void)severity, (void)off, (void)len, (void)fmt;
    buf_printf(&said, "%s ", code);
    return 0;
}

int sink_fact(struct sink *s, const char *name, struct str value)
{
    (void)s;
    ck_assert_str_eq(name, "year basis");
    buf_putz(&said, str_find(value, STR("in the name")) != SIZE_MAX ? "name "
                                                                    : "file ");
    return 0;
}

struct expected {
    const char *what;
    const char *name;     /* of the file */
    const char *modified; /* NULL: not known */
    const char *log;      /* "|" ends a line */
    const char *years;    /* of each line with a stamp; - undated */
    const char *said;
};

static const struct expected cases[] = {
    { "one year", "messages", "2026-03-13T00:00:00Z",
      "Mar 10 01:00:00 a|Mar 11 02:13:02 b", "2026 2026", "file " },
    { "New Year", "messages", "2026-01-02T00:00:00Z",
      "Dec 30 00:00:00 a|Dec 31 23:59:59 b|Jan  1 00:00:00 c|Jan  1 09:00:00 d",
      "2025 2025 2026 2026", "file " },
    { "several years", "yum.log", "2026-03-13T00:00:00Z",
      "Jun 01 01:00:00 a|Mar 01 01:00:00 b|Jul 01 01:00:00 c|Feb 03 01:00:00 d|"
      "Feb 01 02:00:00 e|Jan 01 01:00:00 f",
      "2022 2023 2023 2024 2025 2026", "file " },
    { "the last line is later in its year than the file", "messages",
      "2026-03-13T00:00:00Z", "Apr  1 00:00:00 a|May  1 00:00:00 b",
      "2025 2025", "file " },
    { "a leap day within the bound", "messages", "2024-04-01T00:00:00Z",
      "Feb 28 23:00:00 a|Feb 29 00:00:00 b|Mar  1 00:00:00 c", "2024 2024 2024",
      "file " },
    { "a leap day decides", "messages", "2026-04-01T00:00:00Z",
      "Feb 28 23:00:00 a|Feb 29 00:00:00 b|Mar  1 00:00:00 c|Jan 1 00:00:00 d",
      "2024 2024 2024 2025", "file year-leap-day " },
    { "the last line is a leap day", "messages", "2026-04-01T00:00:00Z",
      "Feb 29 12:00:00 a", "2024", "file year-leap-day " },
    { "leap days in two years running", "messages", "2025-04-01T00:00:00Z",
      "Feb 29 12:00:00 a|Mar 5 00:00:00 b|Feb 29 12:00:00 c|Mar 5 00:00:00 d",
      "2024 2024 - 2025", "file year-leap-day " },
    { "the clock is set back by seconds", "messages", "2026-03-13T00:00:00Z",
      "Mar 10 01:00:09 a|Mar 10 01:00:05 b|Mar 10 01:00:12 c", "2026 2026 2026",
      "file " },
    { "and by hours", "messages", "2026-03-13T00:00:00Z",
      "Mar 10 20:00:09 a|Mar 10 01:00:05 b|Mar 10 23:00:12 c", "2026 2026 2026",
      "file " },
    { "and over New Year", "messages", "2026-03-13T00:00:00Z",
      "Dec 31 23:59:50 a|Jan  1 00:00:03 b|Dec 31 23:59:58 c|Jan  1 00:00:01 d",
      "2025 2026 2025 2026", "file " },
    { "rotated", "var/log/messages-20251231", "2026-01-01T03:00:00Z",
      "Dec 28 23:59:50 a|Dec 31 00:00:03 b", "2025 2025", "file " },
    { "a copy of a rotated log", "messages-20240106.gz", "2026-03-13T00:00:00Z",
      "Dec 28 23:59:50 a|Jan  6 00:00:03 b", "2023 2024", "name " },
    { "rotated, and the clock was not set then", "messages-20240106-1704500000",
      "1970-01-01T00:00:20Z", "Jan  6 00:00:03 b", "2024", "name " },
    { "no date", "messages-20241306", "2026-03-13T00:00:00Z",
      "Jan  6 00:00:03 b", "2026", "file " },
    { "a file of 1970", "messages", "1970-01-01T00:00:20Z",
      "Jan  6 00:00:03 b|Jan  7 00:00:03 b", "- -", "year-unknown " },
    { "a file of the far future", "messages", "2900-01-01T00:00:00Z",
      "Jan  6 00:00:03 b", "-", "year-unknown " },
    { "no time of the file", "messages", NULL, "Jan  6 00:00:03 b", "-",
      "year-unknown " },
    { "a day ahead of the file: a zone in the east", "messages",
      "2025-12-31T20:00:00Z", "Jan  1 05:00:00 b", "2026", "file " },
    { "a year of its own", "messages", NULL,
      "Jan  6 2021 00:00:03 b|Jan 06 2019 00:00:03.25 b", "2021 2019", "" },
    { "no stamps", "messages", NULL,
      "Foo  6 00:00:03 b|Jan 32 00:00:03 a|Jan 3 24:00:00 c|Feb 30 01:01:01 d|"
      "Jan 3 01:61:00 a|Jan 3 01:01:61 a|Jan3 01:01:01 a|Jan 3 01:01:01x|Jan",
      "", "" },
    { "lines between", "messages", "2026-01-02T00:00:00Z",
      "Dec 30 00:00:00 a|  more|Jan  1 00:00:00 c", "2025 2026", "file " },
};

static void run(const struct expected *c, const struct import_job *job,
                struct str log)
{
    struct logtime t;
    struct buf years = { 0 };
    buf_clear(&said);
    ck_assert(logtime_open(&t, job, logtime_bsd) == 0);
    for (size_t at = 0; at < log.n;) {
        const char *lf = memchr(log.p + at, '\n', log.n - at);
        size_t n = lf ? (size_t)(lf - log.p) - at : log.n - at;
        struct stamp s;
        struct record r = { 0 };
        char text[TIME_TEXT_MAX];
        if (logtime_bsd(str_sub(log, at, n), &s)) {
            logtime_put(&t, &s, at, &r);
            time_format(text, r.t, 0, 0);
            buf_put(&years, years.n ? STR(" ") : STR(""));
            buf_put(&years, r.timed ? (struct str){ text, 4 } : STR("-"));
            ck_assert(!r.timed ||
                      !!(r.flags & EVENT_YEAR_INFERRED) == (s.year == 0));
        }
        at += n + 1;
    }
    ck_assert_msg(str_eq(buf_str(&years), str_from(c->years)), "%s: %.*s",
                  c->what, STR_ARG(buf_str(&years)));
    ck_assert_msg(str_eq(buf_str(&said), str_from(c->said)), "%s says %.*s",
                  c->what, STR_ARG(buf_str(&said)));
    logtime_close(&t);
    buf_free(&years);
}

START_TEST(years)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct expected *c = &cases[i];
        struct time_text mtime = { 0 };
        struct err err;
        struct str log = str_from(c->log);
        char *lines = malloc(log.n);
        ck_assert(lines &&
                  (!c->modified || time_parse(str_from(c->modified), &mtime)));
        for (size_t k = 0; k < log.n; k++)
            lines[k] = log.p[k] == '|' ? '\n' : log.p[k];
        log.p = lines;
        struct source *src = source_open_memory(log, &err);
        struct input in = { .p = log.p, .n = log.n, .eof = true, .src = src };
        struct import_job job = { .in = &in,
                                  .name = str_from(c->name),
                                  .has_modified = c->modified != NULL,
                                  .modified = mtime.t };
        run(c, &job, log);
        in.eof = false;
        in.n = log.n < 5 ? log.n : 5;
        run(c, &job, log);
        source_close(src);
        free(lines);
    }
    buf_free(&said);
}
END_TEST

/* A log larger than what is read at once, with stamps across the edges. */
START_TEST(long_log)
{
    struct buf log = { 0 };
    struct err err;
    unsigned lines = 0;
    for (int year = 0; year < 3; year++)
        for (int i = 0; i < 30000; i++, lines++)
            buf_printf(&log, "%s %2d 02:13:%02d host x: %0*d\n",
                       i < 20000 ? "Mar" : "Nov", 1 + i % 20000 / 1000, i % 60,
                       i % 37, i);
    buf_printf(&log, "Jan  1 00:00:00 %0*d\nJan  2 00:00:00 end", 3 << 20, 1);
    struct source *src = source_open_memory(buf_str(&log), &err);
    struct input in = { .p = log.p, .n = 9, .src = src };
    struct import_job job = { .in = &in,
                              .has_modified = true,
                              .modified = { 1773360000, 0 } };
    struct logtime t;
    ck_assert(logtime_open(&t, &job, logtime_bsd) == 0);
    ck_assert_uint_eq(t.n_turns, 3);
    ck_assert_int_eq(t.base, 2023);
    ck_assert_int_eq(t.turns[2].years, 3);
    ck_assert(log.n > 5 << 20 && t.turns[2].off < log.n - (3 << 20));
    logtime_close(&t);
    source_close(src);
    buf_free(&log);
    buf_free(&said);
}
END_TEST

/* Dates that go back all the time tell nothing. */
START_TEST(too_many_turns)
{
    struct buf log = { 0 };
    for (int i = 0; i < 70000; i++)
        buf_putz(&log, "Mar 11 00:00:00 a\nMar  9 00:00:00 b\n");
    struct input in = { .p = log.p, .n = log.n, .eof = true };
    struct import_job job = { .in = &in,
                              .has_modified = true,
                              .modified = { 1773360000, 0 } };
    struct logtime t;
    ck_assert(logtime_open(&t, &job, logtime_bsd) == 0);
    ck_assert(!t.known && str_eq(buf_str(&said), STR("year-turns ")));
    logtime_close(&t);
    buf_free(&log);
    buf_free(&said);
}
END_TEST

START_TEST(zones)
{
    static const struct {
        const char *line;
        int64_t utc;
        uint32_t flags;
    } lines[] = {
        { "Nov  1 00:59:59 a", 1793509199, 0 },
        { "Nov  1 01:30:00 b", 1793511000, EVENT_HOUR_TWICE },
        { "Nov  1 02:00:00.5 c", 1793516400, 0 },
        { "Nov  1 02:00:60 d", 1793516460, EVENT_LEAP },
    };
    struct err err;
    struct zone *z = zone_open_rule(STR("EST5EDT,M3.2.0,M11.1.0"), &err);
    struct buf log = { 0 };
    for (size_t i = 0; i < 4; i++) {
        buf_putz(&log, lines[i].line);
        buf_putc(&log, '\n');
    }
    struct input in = { .p = log.p, .n = log.n, .eof = true };
    struct import_job job = { .in = &in,
                              .has_modified = true,
                              .modified = { 1793600000, 0 },
                              .zone = z };
    struct logtime t;
    ck_assert(logtime_open(&t, &job, logtime_bsd) == 0);
    for (size_t i = 0; i < 4; i++) {
        struct stamp s;
        struct record r = { 0 };
        ck_assert(logtime_bsd(str_from(lines[i].line), &s));
        logtime_put(&t, &s, 0, &r);
        ck_assert_int_eq(r.t.s, lines[i].utc);
        ck_assert_uint_eq(r.flags, lines[i].flags | EVENT_YEAR_INFERRED);
        ck_assert_uint_eq(r.t_zone, ZONE_HOST);
        ck_assert_uint_eq(r.t.ns, i == 2 ? 500000000 : 0);
    }
    logtime_close(&t);
    zone_close(z);
    buf_free(&log);
    buf_free(&said);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("logtime");
    tap_case(s, "years", years);
    tap_case(s, "long_log", long_log);
    tap_case(s, "too_many_turns", too_many_turns);
    tap_case(s, "zones", zones);
    return s;
}
