#include "importers/stamped.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* ---- times --------------------------------------------------------------- */

/* YYYY-MM-DD and HH:MM:SS, with slashes or dashes. */
static bool looks_dated(struct str s)
{
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    if (s.n < sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        char c = s.p[i];
        bool fits = form[i] == 'd'   ? is_digit(c)
                    : form[i] == '-' ? c == '-' || c == '/'
                    : form[i] == ' ' ? c == ' ' || c == 'T'
                                     : c == form[i];
        if (!fits)
            return false;
    }
    return true;
}

/* " UTC" or another name of a zone, which only UTC's is understood of. */
static size_t zone_name(struct str s, struct time_text *t)
{
    size_t n = 1;
    if (s.n < 3 || s.p[0] != ' ')
        return 0;
    while (n < s.n && is_upper(s.p[n]))
        n++;
    if (n < 4 || n > 6 || !str_starts(str_sub(s, n, s.n), STR(" - ")))
        return 0;
    struct str name = str_sub(s, 1, n - 1);
    if (str_eq(name, STR("UTC")) || str_eq(name, STR("GMT")))
        t->zone = ZONE_EXPLICIT;
    return n;
}

/* A time at the start of s; its length, 0 when there is none. */
static size_t dated(struct str s, struct time_text *t)
{
    enum { TOKEN = 40 };
    char copy[TOKEN];
    size_t n = 19;
    if (!looks_dated(s))
        return 0;
    while (n < s.n && n < TOKEN &&
           (is_digit(s.p[n]) || strchr(".,:+-Z", s.p[n])) && s.p[n])
        n++;
    while (n > 19 && !is_digit(s.p[n - 1]) && s.p[n - 1] != 'Z')
        n--; /* "01:02:03:" */
    memcpy(copy, s.p, n);
    copy[4] = copy[7] = '-';
    if (!time_parse((struct str){ copy, n }, t))
        return 0;
    return n + zone_name(str_sub(s, n, s.n), t);
}

/* The value of a field that is called time in the first of a line. */
static bool field_time(struct str line, struct time_text *t)
{
    static const char *const names[] = { "time=", "time=\"", "\"time\":\"" };
    struct str head = str_sub(line, 0, 64);
    bool fields = str_starts(head, STR("level=")) ||
                  str_starts(head, STR("time=")) ||
                  str_starts(head, STR("{\""));
    for (size_t i = 0; fields && i < sizeof(names) / sizeof(names[0]); i++) {
        size_t at = str_find(head, str_from(names[i]));
        if (at != SIZE_MAX &&
            dated(str_sub(line, at + strlen(names[i]), line.n), t))
            return true;
    }
    return false;
}

bool stamped_time(struct str line, struct time_text *t, size_t *skip)
{
    size_t before = 0;
    *skip = 0;
    if (line.n > 4 && is_upper(line.p[0]) &&
        str_starts(str_sub(line, 1, 3), STR(", [")))
        before = 4; /* Ruby's logger */
    else if (line.n && line.p[0] == '[')
        before = 1;
    size_t n = dated(str_sub(line, before, line.n), t);
    if (n == 0)
        return field_time(line, t);
    *skip = before + n;
    if (before == 4) { /* up to the bracket */
        const char *end = memchr(line.p, ']', line.n < 80 ? line.n : 80);
        *skip = end ? (size_t)(end - line.p) + 1 : *skip;
    } else if (before && *skip < line.n && line.p[*skip] == ']') {
        ++*skip;
    }
    while (*skip < line.n && memchr(" \t:-", line.p[*skip], 4))
        ++*skip;
    return true;
}

bool stamped_any(struct str head)
{
    enum { LINES = 50 };
    struct time_text t;
    size_t skip;
    for (int i = 0; i < LINES && head.n; i++) {
        const char *lf = memchr(head.p, '\n', head.n);
        size_t n = lf ? (size_t)(lf - head.p) : head.n;
        if (stamped_time(str_sub(head, 0, n), &t, &skip))
            return true;
        head = str_sub(head, n + (lf ? 1 : 0), head.n);
    }
    return false;
}

/* ---- levels -------------------------------------------------------------- */

static const struct {
    struct str word;
    unsigned level;
} levels[] = {
#define L(word, level)                                                         \
    {                                                                          \
        { word, sizeof(word) - 1 }, level                                      \
    }
    L("TRACE", 1),   L("DEBUG", 1), L("INFO", 1),     L("NOTICE", 1),
    L("WARNING", 2), L("WARN", 2),  L("ERROR", 3),    L("ERR", 3),
    L("FATAL", 4),   L("PANIC", 4), L("CRITICAL", 4), L("T!", 1),
    L("D!", 1),      L("I!", 1),    L("W!", 2),       L("E!", 3),
#undef L
};

static bool is_word(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' ||
           c == '!';
}

static unsigned level_word(struct str s, size_t *n)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct str w = levels[i].word;
        if (s.n >= w.n && str_ieq(str_sub(s, 0, w.n), w) &&
            (s.n == w.n || !is_word(s.p[w.n]))) {
            *n = w.n;
            return levels[i].level;
        }
    }
    return 0;
}

unsigned stamped_level(struct str text, size_t *n)
{
    static const struct str before[] = {
        { "level=", 6 }, { "{\"level\":\"", 10 }, { "[", 1 }, { "", 0 }
    };
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        if (!str_starts(text, before[i]))
            continue;
        unsigned level = level_word(str_sub(text, before[i].n, text.n), n);
        if (level == 0)
            continue;
        *n += before[i].n;
        if (*n < text.n && text.p[*n] == ']')
            ++*n;
        while (*n < text.n && text.p[*n] == ' ')
            ++*n;
        return level;
    }
    *n = 0;
    return 0;
}

uint8_t stamped_severity(unsigned level)
{
    return level < 2 ? 0 : (uint8_t)(level - 1);
}

/* ---- entries ------------------------------------------------------------- */

void stamped_open(struct stamped *s, struct import_job *job, bool single)
{
    *s = (struct stamped){ .job = job, .single = single };
    lines_open(&s->l, job);
}

/* Does the line that comes next belong to the entry? */
static bool goes_on(struct stamped *s, const struct line *last)
{
    struct time_text t;
    size_t skip;
    if (s->text.n >= STAMPED_MOST || last->cut)
        return false;
    if (last->part)
        return true;
    struct str next = lines_peek(&s->l);
    return !s->single && next.n && !stamped_time(next, &t, &skip);
}

static int take(struct stamped *s, struct line *line)
{
    int rc = lines_next(&s->l, line);
    if (rc)
        return rc;
    struct str text = str_sub(line->text, 0, STAMPED_MOST);
    buf_put(&s->text, text);
    return s->text.failed ? ERR_INTERNAL : 0;
}

int stamped_next(struct stamped *s, struct stamped_entry *out)
{
    struct line line;
    size_t skip;
    int rc;
    do {
        buf_clear(&s->text);
        rc = take(s, &line);
    } while (rc == 0 && str_trim(buf_str(&s->text)).n == 0);
    if (rc)
        return rc;
    *out = (struct stamped_entry){ .off = line.off };
    uint64_t end = line.off + line.text.n;
    skip = 0;
    out->timed = !line.rest && stamped_time(buf_str(&s->text), &out->t, &skip);
    while (goes_on(s, &line)) {
        if (!line.part)
            buf_putc(&s->text, '\n');
        out->flags |= line.part ? 0u : EVENT_CONTINUED;
        rc = take(s, &line);
        if (rc)
            return rc;
        end = line.off + line.text.n;
    }
    out->len =
        end - out->off > UINT32_MAX ? UINT32_MAX : (uint32_t)(end - out->off);
    out->text = str_sub(buf_str(&s->text), skip, s->text.n);
    while (out->text.n && memchr("\n \t", out->text.p[out->text.n - 1], 3))
        out->text.n--;
    return 0;
}

int stamped_end(struct stamped *s, int rc)
{
    buf_free(&s->text);
    return lines_end(&s->l, rc);
}

void stamped_record(const struct stamped *s, const struct stamped_entry *e,
                    struct record *r)
{
    r->off = e->off;
    r->len = e->len;
    r->flags |= e->flags;
    if (e->timed)
        record_time(s->job, &e->t, r);
}

/* ---- other forms of times ------------------------------------------------ */

size_t stamped_rfc2822(struct str s, struct time_text *t)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char form[] = "Www, dd Mmm dddd dd:dd:dd +dddd";
    enum { N = sizeof(form) - 1 };
    char iso[32];
    int month = 0;
    if (s.n < N)
        return 0;
    for (size_t i = 0; i < N; i++) {
        char c = s.p[i];
        bool fits = form[i] == 'd'                     ? is_digit(c)
                    : form[i] == 'W' || form[i] == 'M' ? is_upper(c)
                    : form[i] == 'w' || form[i] == 'm' ? c >= 'a' && c <= 'z'
                    : form[i] == '+'                   ? c == '+' || c == '-'
                                                       : c == form[i];
        if (!fits)
            return 0;
    }
    while (month < 12 && memcmp(months + 3 * month, s.p + 8, 3) != 0)
        month++;
    if (month == 12)
        return 0;
    memcpy(iso, s.p + 12, 4);
    iso[4] = iso[7] = '-';
    iso[5] = (char)('0' + (month + 1) / 10);
    iso[6] = (char)('0' + (month + 1) % 10);
    memcpy(iso + 8, s.p + 5, 2);
    iso[10] = 'T';
    memcpy(iso + 11, s.p + 17, 8);
    memcpy(iso + 19, s.p + 26, 5);
    return time_parse((struct str){ iso, 24 }, t) ? N : 0;
}

bool stamped_epoch(struct str s, struct time_text *t)
{
    uint64_t whole;
    const char *dot = s.n ? memchr(s.p, '.', s.n) : NULL;
    size_t n = dot ? (size_t)(dot - s.p) : s.n;
    struct str frac = str_sub(s, dot ? n + 1 : n, s.n);
    *t = (struct time_text){ .zone = ZONE_EXPLICIT };
    if (n > 12 || !str_u64(str_sub(s, 0, n), &whole))
        return false;
    t->t.s = (int64_t)whole;
    uint32_t scale = 100000000;
    for (size_t i = 0; i < frac.n; i++, scale /= 10) {
        if (!is_digit(frac.p[i]))
            return false;
        t->t.ns += (uint32_t)(frac.p[i] - '0') * scale;
    }
    t->res = (uint8_t)(frac.n > 9 ? 9 : frac.n);
    return !dot || frac.n;
}
