#include "importers/syslog_line.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct str rest_of(struct str s, size_t from)
{
    return str_sub(s, from, s.n);
}

static struct str word(struct str *s)
{
    const char *blank = s->n ? memchr(s->p, ' ', s->n) : NULL;
    struct str w = str_sub(*s, 0, blank ? (size_t)(blank - s->p) : s->n);
    *s = rest_of(*s, w.n + 1);
    return w;
}

static struct str without_blanks(struct str s)
{
    while (s.n && s.p[0] == ' ')
        s = rest_of(s, 1);
    return s;
}

/* <13>; the bytes it takes. */
static size_t priority(struct str s, int *out)
{
    int v = 0;
    size_t at = 1;
    *out = -1;
    if (s.n < 3 || s.p[0] != '<')
        return 0;
    for (; at < s.n && at < 4 && is_digit(s.p[at]); at++)
        v = v * 10 + (s.p[at] - '0');
    if (at == 1 || at == s.n || s.p[at] != '>' || v > 191)
        return 0;
    *out = v;
    return at + 1;
}

size_t syslog_stamp(struct str line, struct stamp *out)
{
    int ignored;
    size_t n = priority(line, &ignored);
    size_t len = logtime_bsd(rest_of(line, n), out);
    return len ? n + len : 0;
}

/* Of a priority or a word for one, on the scale of record.h. */
static uint8_t severity_of(int priority)
{
    static const uint8_t of[] = { 4, 4, 4, 3, 2, 1, 1, 0 };
    return priority < 0 ? 0 : of[priority & 7];
}

static bool severity_word(struct str w, uint8_t *out)
{
    static const struct {
        const char *word;
        uint8_t severity;
    } words[] = { { "EMERG", 4 }, { "ALERT", 4 },   { "CRIT", 4 },
                  { "ERR", 3 },   { "ERROR", 3 },   { "WARNING", 2 },
                  { "WARN", 2 },  { "NOTICE", 1 },  { "INFO", 1 },
                  { "DEBUG", 0 }, { "CRITICAL", 4 } };
    if (w.n < 3 || w.n > 8 || w.p[0] < 'A' || w.p[0] > 'W')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_ieq(w, str_from(words[i].word))) {
            *out = words[i].severity;
            return true;
        }
    return false;
}

static bool two(const char *p, int max, int *out)
{
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return is_digit(p[0]) && is_digit(p[1]) && *out <= max;
}

/* +09:00, +0900 or Z */
static bool offset_of(struct str s, int *minutes)
{
    int h, m;
    *minutes = 0;
    if (s.n == 1 && s.p[0] == 'Z')
        return true;
    if (s.n < 5 || (s.p[0] != '+' && s.p[0] != '-'))
        return false;
    size_t at = s.p[3] == ':' ? 4 : 3;
    if (s.n != at + 2 || !two(s.p + 1, 23, &h) || !two(s.p + at, 59, &m))
        return false;
    *minutes = (s.p[0] == '-' ? -1 : 1) * (h * 60 + m);
    return true;
}

/* The common shape by the day that is known; anything else by time_parse. */
static bool iso_word(struct str w, struct syslog_day *day,
                     struct time_text *out)
{
    int h, m, sec, minutes;
    size_t at = 19;
    uint32_t unit = 100000000;
    if (!day->known || memcmp(w.p, day->text, 10) != 0) {
        if (!time_parse(w, out))
            return false;
        memcpy(day->text, w.p, 10);
        int64_t local = out->t.s + (int64_t)out->offset_min * 60;
        /* :60 of the last minute is of the next day */
        day->known = !out->leap;
        day->s = local - (local % 86400 + 86400) % 86400;
        return true;
    }
    if (!two(w.p + 11, 23, &h) || w.p[13] != ':' || !two(w.p + 14, 59, &m) ||
        w.p[16] != ':' || !two(w.p + 17, 59, &sec))
        return time_parse(w, out);
    *out = (struct time_text){ .zone = ZONE_EXPLICIT };
    if (w.p[at] == '.')
        for (at++; at < w.n && is_digit(w.p[at]) && out->res < 9; at++) {
            out->t.ns += (uint32_t)(w.p[at] - '0') * unit;
            unit /= 10;
            out->res++;
        }
    if (!offset_of(rest_of(w, at), &minutes))
        return time_parse(w, out);
    out->offset_min = (int16_t)minutes;
    out->t.s = day->s + h * 3600 + m * 60 + sec - (int64_t)minutes * 60;
    return true;
}

/* 2026-03-11T02:13:02.123456+09:00; the bytes it takes with a blank after. */
static size_t iso(struct str s, struct syslog_day *day, struct time_text *out)
{
    if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' || s.p[10] != 'T' ||
        !is_digit(s.p[0]))
        return 0;
    const char *blank = memchr(s.p, ' ', s.n < 40 ? s.n : 40);
    struct str w = str_sub(s, 0, blank ? (size_t)(blank - s.p) : s.n);
    if (w.n < 20 || w.n > 36 || !iso_word(w, day, out))
        return 0;
    return blank ? w.n + 1 : w.n;
}

/* name[pid]: or name: at the front, else no program is told. */
static void tag(struct str s, struct syslog_line *out)
{
    size_t n = 0;
    out->message = s;
    while (n < s.n && n < 256 && s.p[n] != ' ') {
        bool ends = n + 1 == s.n || s.p[n + 1] == ' ' || s.p[n + 1] == '[' ||
                    (n && s.p[n - 1] == ']');
        if (s.p[n] == ':' && ends)
            break;
        n++;
    }
    if (n == 0 || n == s.n)
        return;
    struct str name = str_sub(s, 0, n), rest = rest_of(s, n + 1);
    if (s.p[n] != ':') { /* macOS: name[pid] <Level>: */
        struct str level = rest;
        const char *end =
            n > 2 && s.p[n - 1] == ']' && level.n > 3 && level.p[0] == '<'
                ? memchr(level.p, '>', level.n)
                : NULL;
        size_t len = end ? (size_t)(end - level.p) : 0;
        if (len == 0 || len + 1 >= level.n || level.p[len + 1] != ':')
            return;
        severity_word(str_sub(level, 1, len - 1), &out->severity);
        rest = rest_of(level, len + 2);
    }
    if (name.p[name.n - 1] == ']') {
        size_t open = name.n - 1;
        while (open && is_digit(name.p[open - 1]))
            open--;
        if (open > 1 && name.p[open - 1] == '[' && open < name.n - 1) {
            out->pid = str_sub(name, open, name.n - 1 - open);
            name.n = open - 1;
        }
    }
    out->program = name;
    out->message = without_blanks(rest);
}

static void host_and_tag(struct str s, struct syslog_line *out)
{
    struct str host = word(&s);
    if (!severity_word(host, &out->severity))
        out->host = host;
    tag(without_blanks(s), out);
}

static struct str nil(struct str s)
{
    return str_eq(s, STR("-")) ? STR("") : s;
}

/* [id name="value" ..]..; the bytes it takes. */
static size_t structured(struct str s)
{
    size_t at = 0;
    if (s.n && s.p[0] == '-')
        return 1;
    while (at < s.n && s.p[at] == '[') {
        bool quoted = false;
        for (at++; at < s.n && (quoted || s.p[at] != ']'); at++) {
            if (quoted && s.p[at] == '\\')
                at++;
            else if (s.p[at] == '"')
                quoted = !quoted;
        }
        at++;
    }
    return at < s.n ? at : s.n;
}

/* After the version: TIME HOST PROGRAM PID ID DATA MESSAGE, "-" for none. */
static bool rfc5424(struct str s, struct syslog_day *day,
                    struct syslog_line *out)
{
    size_t n = iso(s, day, &out->time);
    out->timed = n != 0;
    if (n == 0 && !str_starts(s, STR("- ")))
        return false;
    s = rest_of(s, n ? n : 2);
    out->host = nil(word(&s));
    out->program = nil(word(&s));
    out->pid = nil(word(&s));
    word(&s);
    s = without_blanks(rest_of(s, structured(s)));
    out->message = str_starts(s, STR("\xef\xbb\xbf")) ? rest_of(s, 3) : s;
    return true;
}

bool syslog_parse(struct str line, struct syslog_day *day,
                  struct syslog_line *out)
{
    size_t pri = priority(line, &out->priority);
    struct str s = rest_of(line, pri);
    out->severity = severity_of(out->priority);
    out->host = out->program = out->pid = out->message = STR("");
    out->bsd = out->plain = false;
    out->timed = true;
    if (s.n > 2 && is_digit(s.p[0]) && s.p[1] == ' ' &&
        rfc5424(rest_of(s, 2), day, out))
        return true;
    size_t n = logtime_bsd(s, &out->stamp);
    out->bsd = n != 0;
    if (n == 0 && (n = iso(s, day, &out->time)) == 0)
        return false;
    out->plain = n > 1 && s.p[n - 2] == ':' && s.p[n - 1] == ' ';
    s = rest_of(s, n);
    if (out->plain)
        out->message = without_blanks(s);
    else
        host_and_tag(without_blanks(s), out);
    return true;
}
