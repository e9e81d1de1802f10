/*
 * RFC 8536: a header of 44 bytes, for version 1 with times of four bytes; from
 * version 2 on it comes again with times of eight bytes, and a footer has the
 * rule for what is after the last transition.
 */
#include "base/zone.h"

#include <stdlib.h>

#include "base/time.h"
#include "base/varint.h"

enum {
    DAY = 86400,
    HEADER = 44,
    TYPE = 6,            /* i32 offset, u8 is summer, u8 name */
    TIMES_MAX = 1 << 16, /* the longest of today has 236 */
    OFFSET_MAX = 26 * 3600 - 1,
    WINDOW = 2 * (OFFSET_MAX + 1), /* no offset reaches over it twice */
};

/* Beyond these rules are not followed: +-34,000 years. */
static const int64_t rule_range = (int64_t)1 << 40;

struct day_rule {
    char kind; /* M, J, or 0 for days counted from 0 with Feb 29 */
    int month, week, day;
    int32_t time; /* seconds after midnight, may be negative */
};

struct zone {
    int64_t *at; /* transitions, ascending */
    int32_t *to; /* offset from then on */
    size_t n;
    int32_t first; /* offset before the first transition */
    bool has_rule, has_summer;
    int32_t standard, summer;
    struct day_rule start, end;
};

/* ---- POSIX TZ ------------------------------------------------------------ */

struct reader {
    const char *p, *end;
};

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static bool number(struct reader *r, int max, int *out)
{
    const char *from = r->p;
    int v = 0;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9' && v <= max)
        v = v * 10 + (*r->p++ - '0');
    *out = v;
    return r->p > from && v <= max;
}

/* At least three letters, or anything in <>. */
static bool zone_name(struct reader *r)
{
    const char *from = r->p;
    if (take(r, '<')) {
        while (r->p < r->end && *r->p != '>')
            r->p++;
        return take(r, '>') && r->p - from >= 5;
    }
    while (r->p < r->end && (*r->p | 0x20) >= 'a' && (*r->p | 0x20) <= 'z')
        r->p++;
    return r->p - from >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool clock_time(struct reader *r, int hours, int32_t *out)
{
    int h, m = 0, s = 0;
    bool minus = take(r, '-');
    if (!minus)
        take(r, '+');
    if (!number(r, hours, &h) || (take(r, ':') && !number(r, 59, &m)))
        return false;
    if (take(r, ':') && !number(r, 59, &s))
        return false;
    *out = (minus ? -1 : 1) * (h * 3600 + m * 60 + s);
    return true;
}

static bool day_of_rule(struct reader *r, struct day_rule *d)
{
    *d = (struct day_rule){ .time = 2 * 3600 };
    if (!take(r, ','))
        return false;
    if (take(r, 'M')) {
        d->kind = 'M';
        if (!number(r, 12, &d->month) || !take(r, '.') ||
            !number(r, 5, &d->week) || !take(r, '.') ||
            !number(r, 6, &d->day) || d->month < 1 || d->week < 1)
            return false;
    } else {
        d->kind = take(r, 'J') ? 'J' : 0;
        if (!number(r, 365, &d->day) || (d->kind == 'J' && d->day < 1))
            return false;
    }
    return !take(r, '/') || clock_time(r, 167, &d->time);
}

static bool read_rule(struct str tz, struct zone *z)
{
    struct reader r = { tz.p, tz.p + tz.n };
    int32_t west;
    if (tz.n == 0 || !zone_name(&r) || !clock_time(&r, 24, &west))
        return false;
    z->has_rule = true;
    z->standard = -west;
    if (r.p == r.end)
        return true;
    if (!zone_name(&r))
        return false;
    z->has_summer = true;
    z->summer = z->standard + 3600;
    if (r.p < r.end && *r.p != ',') {
        if (!clock_time(&r, 24, &west))
            return false;
        z->summer = -west;
    }
    if (r.p == r.end) { /* what the C library does without a rule */
        z->start = (struct day_rule){ 'M', 3, 2, 0, 2 * 3600 };
        z->end = (struct day_rule){ 'M', 11, 1, 0, 2 * 3600 };
        return true;
    }
    return day_of_rule(&r, &z->start) && day_of_rule(&r, &z->end) &&
           r.p == r.end;
}

static bool is_leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* Days since 1970 of a rule's day in a year. */
static int64_t rule_day(const struct day_rule *d, int64_t y)
{
    int64_t first = time_days_from_civil(y, 1, 1);
    if (d->kind == 0)
        return first + d->day;
    if (d->kind == 'J')
        return first + d->day - 1 + (is_leap(y) && d->day >= 60);
    int64_t month = time_days_from_civil(y, d->month, 1);
    int64_t next = d->month == 12 ? time_days_from_civil(y + 1, 1, 1)
                                  : time_days_from_civil(y, d->month + 1, 1);
    int weekday = (int)(((month + 4) % 7 + 7) % 7); /* 1970-01-01: Thursday */
    int64_t day = month + (d->day - weekday + 7) % 7 + 7 * (d->week - 1);
    return day >= next ? day - 7 : day;
}

/* ---- which offset is in force -------------------------------------------- */

struct segment {
    int64_t from, to; /* utc, from..to-1 */
    int32_t offset;
};

static struct segment by_rule(const struct zone *z, int64_t utc)
{
    struct segment s = { INT64_MIN, INT64_MAX, z->standard };
    int64_t y;
    int m, d;
    if (!z->has_summer || utc < -rule_range || utc > rule_range)
        return s;
    time_civil_from_days((utc - (((utc % DAY) + DAY) % DAY)) / DAY, &y, &m, &d);
    /* All year in summer time ends and starts it in the same moment: the
     * start counts. */
    for (int64_t year = y - 2; year <= y + 2; year++) {
        int64_t change[2] = {
            rule_day(&z->end, year) * DAY + z->end.time - z->summer,
            rule_day(&z->start, year) * DAY + z->start.time - z->standard,
        };
        for (int i = 0; i < 2; i++) {
            if (change[i] > utc && change[i] < s.to)
                s.to = change[i];
            if (change[i] <= utc && change[i] >= s.from) {
                /* before it, in the same moment, the other one? */
                if (change[i] == s.from && i == 0)
                    continue;
                s.from = change[i];
                s.offset = i ? z->summer : z->standard;
            }
        }
    }
    return s;
}

static struct segment segment_at(const struct zone *z, int64_t utc)
{
    size_t lo = 0, hi = z->n; /* first transition after utc */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (z->at[mid] <= utc)
            lo = mid + 1;
        else
            hi = mid;
    }
    struct segment s = { lo ? z->at[lo - 1] : INT64_MIN,
                         lo < z->n ? z->at[lo] : INT64_MAX,
                         lo ? z->to[lo - 1] : z->first };
    if (lo < z->n || !z->has_rule)
        return s;
    struct segment rule = by_rule(z, utc);
    if (rule.from < s.from)
        rule.from = s.from;
    return rule;
}

int32_t zone_offset(const struct zone *z, int64_t utc)
{
    return segment_at(z, utc).offset;
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return b < 0 ? INT64_MIN : INT64_MAX;
}

struct zone_local zone_utc(const struct zone *z, int64_t local)
{
    struct zone_local out = { 0 };
    struct segment s = segment_at(z, plus(local, -WINDOW / 2)), before = s;
    unsigned found = 0;
    for (int i = 0; i < 64; i++) {
        int64_t utc = plus(local, -(int64_t)s.offset);
        if (utc >= s.from && (utc < s.to || s.to == INT64_MAX)) {
            if (found++ == 0) {
                out = (struct zone_local){ .utc = utc, .offset = s.offset };
                out.from = plus(s.from, WINDOW);
                out.to = plus(s.to, -WINDOW);
            }
        } else if (utc >= s.to) {
            before = s; /* ended before the clock could show it */
        }
        if (s.to == INT64_MAX || s.to > plus(local, WINDOW / 2))
            break;
        s = segment_at(z, s.to);
    }
    if (found == 0) {
        out.offset = before.offset;
        out.utc = plus(local, -(int64_t)before.offset);
        out.flags = LOCAL_SKIPPED;
    } else if (found > 1) {
        out.flags = LOCAL_TWICE;
    }
    if (out.flags)
        out.from = out.to = 0;
    return out;
}

/* ---- TZif ---------------------------------------------------------------- */

struct header {
    unsigned version;
    uint32_t is_ut, is_std, leaps, times, types, chars;
};

static bool read_header(struct cursor *c, struct header *h)
{
    const unsigned char *p = cursor_take(c, HEADER);
    if (!p || memcmp(p, "TZif", 4) != 0)
        return false;
    *h = (struct header){ p[4],          u32be(p + 20), u32be(p + 24),
                          u32be(p + 28), u32be(p + 32), u32be(p + 36),
                          u32be(p + 40) };
    return h->times <= TIMES_MAX && h->types >= 1 && h->types <= 256 &&
           h->chars <= TIMES_MAX && h->leaps <= TIMES_MAX && h->is_ut <= 256 &&
           h->is_std <= 256;
}

static bool skip_block(struct cursor *c, const struct header *h, size_t wide)
{
    return cursor_take(c, h->times * (wide + 1) + h->types * TYPE + h->chars +
                              h->leaps * (wide + 4) + h->is_std + h->is_ut);
}

static bool offset_of(const unsigned char *types, uint32_t i, int32_t *out)
{
    *out = (int32_t)u32be(types + i * TYPE);
    return *out >= -OFFSET_MAX && *out <= OFFSET_MAX;
}

static bool read_block(struct cursor *c, const struct header *h, size_t wide,
                       struct zone *z)
{
    const unsigned char *times = cursor_take(c, h->times * wide);
    const unsigned char *indexes = cursor_take(c, h->times);
    const unsigned char *types = cursor_take(c, h->types * TYPE);
    if (c->failed || !offset_of(types, 0, &z->first) ||
        !cursor_take(c,
                     h->chars + h->leaps * (wide + 4) + h->is_std + h->is_ut))
        return false;
    z->at = calloc(h->times + 1, sizeof *z->at);
    z->to = calloc(h->times + 1, sizeof *z->to);
    if (!z->at || !z->to)
        return false;
    for (z->n = 0; z->n < h->times; z->n++) {
        const unsigned char *t = times + z->n * wide;
        z->at[z->n] =
            wide == 8 ? (int64_t)u64be(t) : (int64_t)(int32_t)u32be(t);
        if ((z->n && z->at[z->n] <= z->at[z->n - 1]) ||
            indexes[z->n] >= h->types ||
            !offset_of(types, indexes[z->n], &z->to[z->n]))
            return false;
    }
    return true;
}

static bool read_footer(struct cursor *c, struct zone *z)
{
    struct str rest = cursor_str(c, cursor_left(c));
    if (rest.n < 2 || rest.p[0] != '\n')
        return false;
    const char *end = memchr(rest.p + 1, '\n', rest.n - 1);
    if (!end)
        return false;
    struct str tz = { rest.p + 1, (size_t)(end - rest.p) - 1 };
    return tz.n == 0 || read_rule(tz, z);
}

static bool read_tzif(struct str tzif, struct zone *z, const char **why)
{
    struct cursor c = cursor_of(tzif.p, tzif.n);
    struct header h;
    *why = "no TZif file";
    if (!read_header(&c, &h))
        return false;
    *why = "it counts leap seconds, as clocks do not";
    if (h.leaps)
        return false;
    *why = "a damaged TZif file";
    if (h.version < '2')
        return read_block(&c, &h, 4, z);
    return skip_block(&c, &h, 4) && read_header(&c, &h) && h.leaps == 0 &&
           read_block(&c, &h, 8, z) && read_footer(&c, z);
}

struct zone *zone_open(struct str tzif, struct err *err)
{
    struct zone *z = calloc(1, sizeof *z);
    const char *why = "no memory";
    if (z && read_tzif(tzif, z, &why))
        return z;
    zone_close(z);
    err_set(err, z ? ERR_EVIDENCE : ERR_INTERNAL, "time zone: %s", why);
    return NULL;
}

struct zone *zone_open_rule(struct str tz, struct err *err)
{
    struct zone *z = calloc(1, sizeof *z);
    if (z && read_rule(tz, z)) {
        z->first = z->standard;
        return z;
    }
    zone_close(z);
    err_set(err, z ? ERR_EVIDENCE : ERR_INTERNAL,
            "time zone: no rule as POSIX has them");
    return NULL;
}

void zone_close(struct zone *z)
{
    if (!z)
        return;
    free(z->at);
    free(z->to);
    free(z);
}
