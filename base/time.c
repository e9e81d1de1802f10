#include "base/time.h"

#include <stdio.h>
#include <time.h>

enum { DAY = 86400 };

static const char *const kind_names[] = {
    [TIME_EVENT] = "event",       [TIME_MODIFIED] = "modified",
    [TIME_ACCESSED] = "accessed", [TIME_CHANGED] = "changed",
    [TIME_BORN] = "born",         [TIME_DELETED] = "deleted",
    [TIME_START] = "start",       [TIME_END] = "end",
    [TIME_INGESTED] = "ingested", [TIME_ACQUIRED] = "acquired",
};

struct str time_kind_name(enum time_kind k)
{
    size_t n = sizeof(kind_names) / sizeof(kind_names[0]);
    return (size_t)k < n ? str_from(kind_names[k]) : STR("unknown");
}

int instant_cmp(struct instant a, struct instant b)
{
    if (a.s != b.s)
        return a.s < b.s ? -1 : 1;
    return a.ns < b.ns ? -1 : a.ns > b.ns;
}

/* ---- calendar ----------------------------------------------------------- */

/* Both directions count in eras of 400 years (146,097 days) that begin on
 * 1 March, so that the leap day is the last of its year. */
int64_t time_days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    int64_t day = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + day - 719468;
}

void time_civil_from_days(int64_t days, int64_t *y, int *m, int *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day = days - era * 146097;
    int64_t of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    int month = (int)((5 * of_year + 2) / 153);
    *d = (int)(of_year - (153 * month + 2) / 5 + 1);
    *m = month < 10 ? month + 3 : month - 9;
    *y = of_era + era * 400 + (*m <= 2);
}

static int days_in_month(int64_t y, int m)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30,
                                    31, 31, 30, 31, 30, 31 };
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    return days[m - 1] + (m == 2 && leap);
}

/* ---- reading ------------------------------------------------------------ */

/* The fields that a text gave; `last` is the finest of them. */
enum field { YEAR, MONTH, DATE, HOUR, MINUTE, SECOND };

struct fields {
    int64_t year;
    int month, day, hour, minute, second;
    uint32_t ns;
    uint8_t res;
    enum field last;
    bool zoned;
    int offset; /* minutes east */
};

struct reader {
    const char *p, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* Exactly n digits with a value of lo..hi. */
static bool take_num(struct reader *r, int n, int lo, int hi, int *out)
{
    int v = 0;
    if (r->end - r->p < n)
        return false;
    for (int i = 0; i < n; i++) {
        if (!is_digit(r->p[i]))
            return false;
        v = v * 10 + (r->p[i] - '0');
    }
    if (v < lo || v > hi)
        return false;
    r->p += n;
    *out = v;
    return true;
}

/* Four digits, or (ISO 8601 expanded form, as time_format writes years that
 * do not fit) a sign and 5 to 12 digits. */
static bool take_year(struct reader *r, int64_t *year)
{
    int four;
    bool minus = take(r, '-');
    if (!minus && !take(r, '+')) {
        if (!take_num(r, 4, 0, 9999, &four))
            return false;
        *year = four;
        return true;
    }
    const char *from = r->p;
    int64_t v = 0;
    while (r->p < r->end && is_digit(*r->p) && r->p - from < 12)
        v = v * 10 + (*r->p++ - '0');
    if (r->p - from < 5 || (minus && v == 0))
        return false;
    *year = minus ? -v : v;
    return true;
}

static bool take_fraction(struct reader *r, struct fields *f)
{
    if (!take(r, '.') && !take(r, ','))
        return true;
    const char *from = r->p;
    uint32_t unit = 100000000;
    for (; r->p < r->end && is_digit(*r->p); r->p++) {
        f->ns += (uint32_t)(*r->p - '0') * unit;
        unit /= 10;
    }
    ptrdiff_t n = r->p - from;
    f->res = (uint8_t)(n > 9 ? 9 : n);
    return n > 0;
}

/* (+|-)HH, (+|-)HHMM or (+|-)HH:MM */
static bool take_offset(struct reader *r, int *minutes)
{
    int h, m = 0;
    bool minus = take(r, '-');
    if (!minus && !take(r, '+'))
        return false;
    if (!take_num(r, 2, 0, 23, &h))
        return false;
    if ((take(r, ':') || r->p < r->end) && !take_num(r, 2, 0, 59, &m))
        return false;
    *minutes = minus ? -(h * 60 + m) : h * 60 + m;
    return true;
}

static bool take_zone(struct reader *r, struct fields *f)
{
    if (r->p == r->end)
        return true;
    f->zoned = true;
    return take(r, 'Z') || take(r, 'z') || take_offset(r, &f->offset);
}

/* HH:MM:SS[.frac] or, when `cut` allows it, the first fields only. */
static bool take_clock(struct reader *r, bool cut, struct fields *f)
{
    f->last = HOUR;
    if (!take_num(r, 2, 0, 23, &f->hour))
        return false;
    if (!take(r, ':'))
        return cut;
    f->last = MINUTE;
    if (!take_num(r, 2, 0, 59, &f->minute))
        return false;
    if (!take(r, ':'))
        return cut;
    f->last = SECOND;
    return take_num(r, 2, 0, 60, &f->second) && take_fraction(r, f);
}

/* YYYYMMDDTHHMMSSZ, nothing optional: shorter forms would be mere numbers. */
static bool read_compact(struct reader *r, struct fields *f)
{
    int year;
    f->last = SECOND;
    f->zoned = true;
    bool ok =
        take_num(r, 4, 0, 9999, &year) && take_num(r, 2, 1, 12, &f->month) &&
        take_num(r, 2, 1, 31, &f->day) && take(r, 'T') &&
        take_num(r, 2, 0, 23, &f->hour) && take_num(r, 2, 0, 59, &f->minute) &&
        take_num(r, 2, 0, 60, &f->second) && take(r, 'Z');
    f->year = ok ? year : 0;
    return ok;
}

static bool read_extended(struct reader *r, bool cut, struct fields *f)
{
    if (!take_year(r, &f->year))
        return false;
    if (cut && r->p == r->end)
        return true;
    f->last = MONTH;
    if (!take(r, '-') || !take_num(r, 2, 1, 12, &f->month))
        return false;
    if (cut && r->p == r->end)
        return true;
    f->last = DATE;
    if (!take(r, '-') || !take_num(r, 2, 1, 31, &f->day))
        return false;
    if (cut && r->p == r->end)
        return true;
    if (!take(r, 'T') && !take(r, 't') && !take(r, ' '))
        return false;
    return take_clock(r, cut, f) && take_zone(r, f);
}

static bool read_fields(struct str s, bool cut, struct fields *f)
{
    struct reader r = { s.p, s.p + s.n };
    *f = (struct fields){ .month = 1, .day = 1 };
    bool compact = s.n == 16 && is_digit(s.p[4]) && s.p[8] == 'T';
    bool ok = compact ? read_compact(&r, f) : read_extended(&r, cut, f);
    return ok && r.p == r.end && f->day <= days_in_month(f->year, f->month);
}

static bool fields_instant(const struct fields *f, struct instant *out)
{
    int64_t days = time_days_from_civil(f->year, f->month, f->day);
    int64_t clock = (int64_t)f->hour * 3600 + f->minute * 60 + f->second -
                    (int64_t)f->offset * 60;
    /* Near the ends of the range only the sum fits into 64 bits. */
    __int128 s = (__int128)days * DAY + clock;
    if (s < INT64_MIN || s > INT64_MAX)
        return false;
    *out = (struct instant){ (int64_t)s, f->ns };
    return true;
}

bool time_parse(struct str s, struct time_text *out)
{
    struct fields f;
    *out = (struct time_text){ 0 };
    if (!read_fields(s, false, &f) || !fields_instant(&f, &out->t))
        return false;
    out->zone = f.zoned ? ZONE_EXPLICIT : ZONE_ASSUMED;
    out->offset_min = (int16_t)f.offset;
    out->res = f.res;
    out->leap = f.second == 60;
    return true;
}

/* To the first instant after the finest field that was given. */
static bool pass_field(struct fields *f, struct instant *t)
{
    static const int length[] = {
        [DATE] = DAY, [HOUR] = 3600, [MINUTE] = 60, [SECOND] = 1
    };
    uint32_t step = 1000000000;
    if (f->last == YEAR) {
        f->year++;
        return fields_instant(f, t);
    }
    if (f->last == MONTH) {
        f->year += f->month == 12;
        f->month = f->month % 12 + 1;
        return fields_instant(f, t);
    }
    if (f->last != SECOND || f->res == 0)
        return !__builtin_add_overflow(t->s, length[f->last], &t->s);
    for (int i = 0; i < f->res; i++)
        step /= 10;
    t->ns += step;
    bool carry = t->ns >= 1000000000;
    t->ns -= carry ? 1000000000 : 0;
    return !__builtin_add_overflow(t->s, carry, &t->s);
}

bool time_parse_user(struct str s, bool end, struct instant *out)
{
    struct fields f;
    *out = (struct instant){ 0 };
    if (!read_fields(s, true, &f) || !fields_instant(&f, out))
        return false;
    return !end || pass_field(&f, out);
}

bool time_parse_span(struct str s, int64_t *ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        { "w", 7 * INT64_C(86400000000000) },
        { "d", INT64_C(86400000000000) },
        { "h", INT64_C(3600000000000) },
        { "m", INT64_C(60000000000) },
        { "s", 1000000000 },
        { "ms", 1000000 },
        { "us", 1000 },
        { "ns", 1 },
    };
    size_t digits = 0;
    uint64_t v;
    while (digits < s.n && is_digit(s.p[digits]))
        digits++;
    if (!str_u64(str_sub(s, 0, digits), &v) || v == 0)
        return false;
    struct str unit = str_sub(s, digits, s.n);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (str_eq(unit, str_from(units[i].name)))
            return !__builtin_mul_overflow(v, units[i].ns, ns);
    return false;
}

bool time_parse_zone(struct str s, int *offset_min)
{
    *offset_min = 0;
    if (str_ieq(s, STR("UTC")) || str_ieq(s, STR("Z")))
        return true;
    struct reader r = { s.p, s.p + s.n };
    if (take_offset(&r, offset_min) && r.p == r.end)
        return true;
    *offset_min = 0;
    bool one = s.n == 2 && (s.p[0] == '+' || s.p[0] == '-') && is_digit(s.p[1]);
    if (one)
        *offset_min = (s.p[1] - '0') * (s.p[0] == '-' ? -60 : 60);
    return one;
}

/* ---- writing ------------------------------------------------------------ */

/* v as decimal with at least `width` digits; returns the end. */
static char *put_num(char *p, uint64_t v, int width)
{
    char tmp[20];
    int n = 0;
    do
        tmp[n++] = (char)('0' + v % 10);
    while ((v /= 10) || n < width);
    while (n)
        *p++ = tmp[--n];
    return p;
}

static char *put_date(char *p, int64_t days)
{
    int64_t y;
    int m, d;
    time_civil_from_days(days, &y, &m, &d);
    bool plain = y >= 0 && y <= 9999;
    if (!plain)
        *p++ = y < 0 ? '-' : '+';
    p = put_num(p, (uint64_t)(y < 0 ? -y : y), plain ? 4 : 5);
    *p++ = '-';
    p = put_num(p, (uint64_t)m, 2);
    *p++ = '-';
    return put_num(p, (uint64_t)d, 2);
}

static char *put_fraction(char *p, uint32_t ns, int digits)
{
    if (digits < 0)
        digits = ns == 0 ? 0 : ns % 1000000 == 0 ? 3 : ns % 1000 == 0 ? 6 : 9;
    if (digits == 0)
        return p;
    for (int i = digits; i < 9; i++)
        ns /= 10;
    *p++ = '.';
    return put_num(p, ns, digits);
}

static char *put_zone(char *p, int offset_min)
{
    if (offset_min == 0) {
        *p++ = 'Z';
        return p;
    }
    unsigned v = (unsigned)(offset_min < 0 ? -offset_min : offset_min);
    *p++ = offset_min < 0 ? '-' : '+';
    p = put_num(p, v / 60, 2);
    *p++ = ':';
    return put_num(p, v % 60, 2);
}

size_t time_format(char out[TIME_TEXT_MAX], struct instant t, int digits,
                   int offset_min)
{
    int64_t days = t.s / DAY, clock = t.s % DAY;
    offset_min %= 1440;
    /* The offset joins after the division, so nothing can overflow. */
    clock += (int64_t)offset_min * 60;
    while (clock < 0) {
        clock += DAY;
        days--;
    }
    while (clock >= DAY) {
        clock -= DAY;
        days++;
    }
    char *p = put_date(out, days);
    *p++ = 'T';
    p = put_num(p, (uint64_t)clock / 3600, 2);
    *p++ = ':';
    p = put_num(p, (uint64_t)clock / 60 % 60, 2);
    *p++ = ':';
    p = put_num(p, (uint64_t)clock % 60, 2);
    p = put_fraction(p, t.ns, digits > 9 ? 9 : digits);
    p = put_zone(p, offset_min);
    *p = 0;
    return (size_t)(p - out);
}

/* ---- clocks ------------------------------------------------------------- */

struct instant time_now(void)
{
    struct timespec ts = { 0 };
    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct instant){ ts.tv_sec, (uint32_t)ts.tv_nsec };
}

int64_t time_mono_ns(void)
{
    struct timespec ts = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
