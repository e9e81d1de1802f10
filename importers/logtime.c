#include "importers/logtime.h"

#include <stdlib.h>

#include "base/text.h"
#include "base/time.h"
#include "base/zone.h"
#include "importers/hosttime.h"

enum {
    DAY = 86400,
    YEAR = 366 * DAY, /* of stamps: each has a 29 February */
    BACK = DAY,       /* a clock is set back by so much at most */
    TURNS_MAX = 1 << 16,
    LEAPS = 32,
    STAMP_MAX = 64,
    STEP = 1 << 20,
};

/* ---- stamps -------------------------------------------------------------- */

static bool digits(const char *p, int n, int lo, int hi, int *out)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (p[i] - '0');
    }
    *out = v;
    return v >= lo && v <= hi;
}

static int month_of(const char *p)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int m = 0; m < 12; m++)
        if (p[0] == names[3 * m] && p[1] == names[3 * m + 1] &&
            p[2] == names[3 * m + 2])
            return m + 1;
    return 0;
}

static bool is_leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* Days before the month, and in it, in a leap year. */
static const int before[] = { 0,   0,   31,  60,  91,  121, 152,
                              182, 213, 244, 274, 305, 335, 366 };

static size_t fraction(struct str s, size_t at, struct stamp *out)
{
    uint32_t unit = 100000000;
    size_t from = at;
    for (; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++) {
        out->ns += (uint32_t)(s.p[at] - '0') * unit;
        unit /= 10;
    }
    out->res = (uint8_t)(at - from > 9 ? 9 : at - from);
    return at;
}

/* HH:MM:SS[.frac] and the blank or ": " after it; 0: none. */
static size_t clock(struct str s, size_t at, struct stamp *out)
{
    int h, m, sec;
    const char *p = s.p + at;
    if (s.n - at < 8 || !digits(p, 2, 0, 23, &h) || p[2] != ':' ||
        !digits(p + 3, 2, 0, 59, &m) || p[5] != ':' ||
        !digits(p + 6, 2, 0, 60, &sec))
        return 0;
    out->second = h * 3600 + m * 60 + sec;
    out->leap = sec == 60;
    at += 8;
    if (at + 1 < s.n && s.p[at] == '.' && s.p[at + 1] >= '0' &&
        s.p[at + 1] <= '9')
        at = fraction(s, at + 1, out);
    if (at == s.n)
        return at;
    if (s.p[at] == ':' && at + 1 < s.n && s.p[at + 1] == ' ')
        return at + 2;
    return s.p[at] == ' ' ? at + 1 : 0;
}

size_t logtime_bsd(struct str s, struct stamp *out)
{
    if (s.n < 14 || s.p[3] != ' ')
        return 0;
    *out = (struct stamp){ .month = month_of(s.p) };
    if (out->month == 0)
        return 0;
    size_t at = s.p[4] == ' ' ? 5 : 4;
    int width = s.p[at + 1] == ' ' ? 1 : 2;
    if (!digits(s.p + at, width, 1, before[out->month + 1] - before[out->month],
                &out->day))
        return 0;
    at += (size_t)width;
    if (s.p[at] != ' ')
        return 0;
    at++;
    if (s.n - at > 5 && s.p[at + 4] == ' ' &&
        digits(s.p + at, 4, 1970, 2199, &out->year))
        at += 5;
    return clock(s, at, out);
}

/* ---- the scan ------------------------------------------------------------ */

struct scan {
    struct logtime *t;
    logtime_reader *read;
    uint64_t stamps; /* without a year */
    int32_t years;   /* since the first line */
    int64_t last;    /* in its year of 366 days */
    int month, day;  /* of the last */
    int32_t leaps[LEAPS];
    size_t n_leaps;
    bool too_many;
};

static bool turn(struct scan *s, uint64_t off)
{
    struct logtime *t = s->t;
    if (t->n_turns == TURNS_MAX) {
        s->too_many = true;
        return true;
    }
    if ((t->n_turns & (t->n_turns - 1)) == 0) {
        size_t cap = t->n_turns ? t->n_turns * 2 : 1;
        void *p = realloc(t->turns, cap * sizeof *t->turns);
        if (!p)
            return false;
        t->turns = p;
    }
    t->turns[t->n_turns++] = (struct logtime_turn){ off, s->years };
    return true;
}

/* One line. False: no memory. */
static bool look(struct scan *s, struct str line, uint64_t off)
{
    struct stamp st;
    while (line.n && line.p[0] == 0) {
        line = str_sub(line, 1, line.n);
        off++;
    }
    if (s->too_many || !s->read(line, &st) || st.year)
        return true;
    int64_t at = (int64_t)(before[st.month] + st.day - 1) * DAY + st.second;
    int turned = s->stamps == 0                 ? 0
                 : at - s->last < -BACK         ? 1
                 : at - s->last - YEAR >= -BACK ? -1
                                                : 0;
    s->stamps++;
    s->years += turned;
    s->last = at;
    s->month = st.month;
    s->day = st.day;
    if (st.month == 2 && st.day == 29 &&
        (s->n_leaps == 0 || s->leaps[(s->n_leaps - 1) % LEAPS] != s->years))
        s->leaps[s->n_leaps++ % LEAPS] = s->years;
    return turned == 0 || turn(s, off);
}

static bool scan_window(struct scan *s, struct str all)
{
    size_t at = 0;
    while (at < all.n) {
        if (!look(s, str_sub(all, at, STAMP_MAX), at))
            return false;
        const char *lf = memchr(all.p + at, '\n', all.n - at);
        if (!lf)
            break;
        at = (size_t)(lf - all.p) + 1;
    }
    return true;
}

/* Members that are not one window are read once more. */
static bool scan_source(struct scan *s, struct source *src)
{
    char *p = malloc(STEP + STAMP_MAX);
    size_t n = 0, got = 0;
    uint64_t base = 0;
    bool good = p != NULL, in_line = false;
    struct err ignored;
    while (good) {
        if (source_read(src, base + n, p + n, STEP, &got, &ignored))
            got = 0;
        n += got;
        size_t at = 0;
        while (at < n) {
            if (!in_line && n - at < STAMP_MAX && got)
                break;
            if (!in_line)
                good &= look(s, str_sub((struct str){ p, n }, at, STAMP_MAX),
                             base + at);
            const char *lf = memchr(p + at, '\n', n - at);
            in_line = !lf;
            at = lf ? (size_t)(lf - p) + 1 : n;
        }
        if (got == 0)
            break;
        memmove(p, p + at, n - at);
        base += at;
        n -= at;
    }
    free(p);
    return good;
}

/* ---- what bounds the years ----------------------------------------------- */

/* -20260315 in the name of a rotated log: the first second after that day. */
static bool rotated(struct str name, int64_t *end)
{
    struct str s = path_base(name);
    int y, m, d;
    for (size_t i = 1; i + 9 <= s.n; i++) {
        const char *p = s.p + i;
        bool ends = i + 9 == s.n || p[9] == '.' || p[9] == '-';
        if (p[0] == '-' && ends && digits(p + 1, 4, 1970, 2199, &y) &&
            digits(p + 5, 2, 1, 12, &m) &&
            digits(p + 7, 2, 1, before[m + 1] - before[m], &d)) {
            *end = (time_days_from_civil(y, m, d) + 1) * DAY;
            return true;
        }
    }
    return false;
}

/* Years outside these are of clocks that were never set. */
static const int64_t earliest = 631152000, latest = 4102444800; /* 1990, 2100 */

struct bound {
    bool known, by_name, has_file_time;
    int64_t s; /* the last line is not after it, but for the zone */
};

static struct bound bound_of(const struct import_job *job)
{
    int64_t name;
    int64_t file = job->modified.s;
    bool has_name = rotated(job->name, &name);
    bool has_file = job->has_modified && file >= earliest && file < latest;
    struct bound b = { .known = has_name || has_file,
                       .by_name = has_name,
                       .has_file_time = job->has_modified };
    /* a copy is younger than the rotation, a clock that was not set older */
    if (has_name && has_file && file <= name + DAY && file > name - YEAR)
        b.by_name = false;
    b.s = b.by_name ? name : file;
    return b;
}

static int64_t in_year(int64_t year, const struct scan *s)
{
    return time_days_from_civil(year, s->month, 1) * DAY +
           (s->day - 1) * (int64_t)DAY + s->last % DAY;
}

static bool leaps_fit(const struct scan *s, int64_t base)
{
    size_t n = s->n_leaps < LEAPS ? s->n_leaps : LEAPS;
    for (size_t i = 0; i < n; i++)
        if (!is_leap(base + s->leaps[i]))
            return false;
    return true;
}

static int say_basis(struct logtime *t, const struct scan *s,
                     const struct bound *b, int moved)
{
    char when[TIME_TEXT_MAX], text[300];
    size_t n = time_format(when, (struct instant){ b->s, 0 }, 0, 0);
    struct buf out = { 0 };
    buf_printf(&out, "the last line, of %lld, is not after %.*s, ",
               (long long)t->base + s->years, (int)n, when);
    buf_putz(&out, b->by_name ? "by the date in the name"
                              : "when the file was last changed");
    if (s->n_leaps)
        buf_putz(&out, "; 29 February is in a leap year");
    n = out.n < sizeof text ? out.n : sizeof text;
    if (n)
        memcpy(text, out.p, n);
    buf_free(&out);
    int rc = sink_fact(t->job->sink, "year basis", (struct str){ text, n });
    if (rc == 0 && moved > 0)
        rc = sink_issue(t->job->sink, ISSUE_WARNING, 0, 0, "year-leap-day",
                        "a 29 February puts the lines %d years before the time "
                        "that the file would have: either nothing was written "
                        "for years, or that time is of a copy",
                        moved);
    if (rc == 0 && moved < 0)
        rc = sink_issue(t->job->sink, ISSUE_WARNING, 0, 0, "year-leap-day",
                        "the 29 Februaries of this log cannot all be in leap "
                        "years: those that are not stay undated");
    return rc;
}

static int settle(struct logtime *t, struct scan *s)
{
    struct bound b = bound_of(t->job);
    int64_t y;
    int m, d, moved = 0;
    if (!b.known)
        return sink_issue(
            t->job->sink, ISSUE_WARNING, 0, 0, "year-unknown",
            "the lines tell no year, and %s: they stay undated",
            b.has_file_time ? "the time of the file is of a clock that was not "
                              "set"
                            : "no time of the file is known");
    time_civil_from_days(b.s / DAY + 1, &y, &m, &d);
    while (in_year(y, s) > b.s + DAY)
        y--;
    y -= s->years;
    while (moved < 8 && !leaps_fit(s, y - moved))
        moved++;
    t->known = true;
    if (moved == 8)
        moved = -1;
    t->base = (int32_t)(y - (moved > 0 ? moved : 0));
    return say_basis(t, s, &b, moved);
}

int logtime_open(struct logtime *t, const struct import_job *job,
                 logtime_reader *read)
{
    struct input *in = job->in;
    struct scan s = { .t = t, .read = read };
    *t = (struct logtime){ .job = job, .day_year = INT64_MIN };
    bool whole = in->base == 0 && in->eof;
    if (!(whole ? scan_window(&s, (struct str){ in->p, in->n })
                : scan_source(&s, in->src)))
        return ERR_INTERNAL;
    if (s.stamps == 0)
        return 0;
    if (s.too_many)
        return sink_issue(job->sink, ISSUE_WARNING, 0, 0, "year-turns",
                          "the dates of the lines go back more than %d times "
                          "by more than a day: they tell no years, the lines "
                          "stay undated",
                          TURNS_MAX);
    return settle(t, &s);
}

void logtime_close(struct logtime *t)
{
    free(t->turns);
    *t = (struct logtime){ 0 };
}

/* ---- lines --------------------------------------------------------------- */

static int64_t year_at(struct logtime *t, uint64_t off)
{
    if (off < t->last)
        t->at = 0;
    t->last = off;
    while (t->at < t->n_turns && t->turns[t->at].off <= off)
        t->at++;
    return t->base + (t->at ? t->turns[t->at - 1].years : 0);
}

void logtime_put(struct logtime *t, const struct stamp *s, uint64_t off,
                 struct record *r)
{
    r->timed = false;
    if (s->year == 0 && !t->known)
        return;
    int64_t y = s->year ? s->year : year_at(t, off);
    if (s->month == 2 && s->day == 29 && !is_leap(y))
        return;
    if (y != t->day_year || s->month != t->day_month || s->day != t->day_day) {
        t->day_year = y;
        t->day_month = s->month;
        t->day_day = s->day;
        t->day_s = time_days_from_civil(y, s->month, s->day) * DAY;
    }
    int64_t local = t->day_s + s->second;
    if (t->job->zone && (local < t->from || local >= t->to)) {
        struct zone_local l = zone_utc(t->job->zone, local);
        t->from = l.from;
        t->to = l.to;
        t->offset = l.offset;
    }
    if (t->job->zone && local >= t->from && local < t->to) {
        r->timed = true;
        r->t = (struct instant){ local - t->offset, s->ns };
        r->t_zone = ZONE_HOST;
    } else {
        record_local(t->job, local, s->ns, r);
    }
    r->t_res = s->res;
    r->flags |=
        (s->year ? 0 : EVENT_YEAR_INFERRED) | (s->leap ? EVENT_LEAP : 0);
}
