/*
 * Text to tree. The lexer is part of the parser, since what a value may hold
 * depends on its field. All checks that need no case are made here, so that a
 * wrong filter is refused before anything is opened.
 */
#include "analyzer/filter_tree.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct parser {
    struct str text;
    size_t at;
    unsigned depth;
    size_t n_terms;
    struct arena *a;
    struct filter_place *place;
    struct err *err;
};

/* ---- errors -------------------------------------------------------------- */

size_t filter_column(struct str text, size_t at)
{
    size_t column = 1;
    for (size_t i = 0; i < at && i < text.n; i++)
        column += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return column;
}

int filter_fail(struct str text, struct filter_place at,
                struct filter_place *place, struct err *err, const char *fmt,
                ...)
{
    char why[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    at.at = at.at < text.n ? at.at : text.n;
    at.n = at.n < text.n - at.at ? at.n : text.n - at.at;
    if (place)
        *place = at;
    return err_set(err, ERR_USAGE, "column %zu: %s", filter_column(text, at.at),
                   why);
}

#define FAIL(p, from, to, ...)                                                 \
    filter_fail((p)->text, (struct filter_place){ from, (to) - (from) },       \
                (p)->place, (p)->err, __VA_ARGS__)

static int no_memory(struct parser *p)
{
    return err_set(p->err, ERR_INTERNAL, "the filter: out of memory");
}

/* ---- characters ---------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_word(char c)
{
    return is_blank(c) || c == ')';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '@' || c == '$';
}

static bool is_name(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static char here(const struct parser *p)
{
    return p->at < p->text.n ? p->text.p[p->at] : 0;
}

static bool at_end(const struct parser *p)
{
    return p->at >= p->text.n;
}

static void skip_blanks(struct parser *p)
{
    while (!at_end(p) && is_blank(here(p)))
        p->at++;
}

/* The keyword at p, whole. */
static bool at_keyword(const struct parser *p, struct str word)
{
    size_t end = p->at + word.n;
    if (!str_ieq(str_sub(p->text, p->at, word.n), word))
        return false;
    return end >= p->text.n || is_blank(p->text.p[end]) ||
           p->text.p[end] == '(' || p->text.p[end] == ')';
}

static bool take_keyword(struct parser *p, struct str word)
{
    skip_blanks(p);
    if (!at_keyword(p, word))
        return false;
    p->at += word.n;
    return true;
}

/* ---- strings and words --------------------------------------------------- */

/* "..": the text between the quotes, escapes as they are. */
static int take_quoted(struct parser *p, struct str *out)
{
    size_t from = p->at++;
    while (!at_end(p) && here(p) != '"')
        p->at += here(p) == '\\' && p->at + 1 < p->text.n ? 2 : 1;
    if (at_end(p))
        return FAIL(p, from, p->text.n, "the quote is not closed");
    *out = str_sub(p->text, from + 1, p->at - from - 1);
    p->at++;
    if (!at_end(p) && !ends_word(here(p)))
        return FAIL(p, p->at, p->at + 1,
                    "a blank is missing after the closing quote");
    return 0;
}

static int unhex(struct str s)
{
    int hi = s.n > 0 ? str_hex(s.p[0]) : -1;
    int lo = s.n > 1 ? str_hex(s.p[1]) : -1;
    return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

/* \u{HEX}: its length, 0 when it is none. */
static size_t code_point(struct str s, uint32_t *cp)
{
    size_t i = 3;
    if (!str_starts(s, STR("\\u{")))
        return 0;
    for (*cp = 0; i < s.n && i < 9 && str_hex(s.p[i]) >= 0; i++)
        *cp = *cp << 4 | (uint32_t)str_hex(s.p[i]);
    bool good = i > 3 && i < s.n && s.p[i] == '}' && *cp <= 0x10ffff;
    return good ? i + 1 : 0;
}

/* Bytes that a string means: \" \\ \xHH \u{HEX}; other backslashes stay. */
static int unescape(struct parser *p, struct str s, struct str *out)
{
    char *q = arena_alloc(p->a, s.n + 1);
    size_t n = 0, len;
    uint32_t cp;
    if (!q)
        return no_memory(p);
    for (size_t i = 0; i < s.n;) {
        struct str left = str_sub(s, i, s.n);
        if (left.p[0] != '\\' || left.n == 1) {
            q[n++] = s.p[i++];
        } else if (left.p[1] == '"' || left.p[1] == '\\') {
            q[n++] = left.p[1];
            i += 2;
        } else if (left.p[1] == 'x' && unhex(str_sub(left, 2, 2)) >= 0) {
            q[n++] = (char)unhex(str_sub(left, 2, 2));
            i += 4;
        } else if ((len = code_point(left, &cp)) > 0) {
            n += text_utf8_put(q + n, cp); /* never longer than its escape */
            i += len;
        } else {
            q[n++] = s.p[i++];
        }
    }
    *out = (struct str){ q, n };
    return 0;
}

/* In a pattern only \" is ours; the rest is for the pattern. */
static int unquote_pattern(struct parser *p, struct str s, struct str *out)
{
    char *q = arena_alloc(p->a, s.n + 1);
    size_t n = 0;
    if (!q)
        return no_memory(p);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n) {
            if (s.p[i + 1] != '"')
                q[n++] = '\\';
            i++;
        }
        q[n++] = s.p[i];
    }
    *out = (struct str){ q, n };
    return 0;
}

/* Up to a blank or ")". */
static int take_word(struct parser *p, struct str *out)
{
    size_t from = p->at;
    while (!at_end(p) && !ends_word(here(p))) {
        if (here(p) == '"') {
            int rc = FAIL(p, p->at, p->at + 1, "a quote within a word");
            err_hint(p->err, "Put all of it in quotes, with \\\" for a quote.");
            return rc;
        }
        p->at++;
    }
    *out = str_sub(p->text, from, p->at - from);
    return 0;
}

static bool has_wildcard(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '*')
            i++;
        else if (s.p[i] == '*')
            return true;
    }
    return false;
}

struct str filter_literal(struct str typed, struct arena *a)
{
    char *q = arena_alloc(a, typed.n + 1);
    size_t n = 0;
    for (size_t i = 0; q && i < typed.n; i++) {
        if (typed.p[i] == '\\' && i + 1 < typed.n && typed.p[i + 1] == '*')
            i++;
        q[n++] = typed.p[i];
    }
    return (struct str){ q, n };
}

struct str filter_escape(struct str bytes, struct arena *a)
{
    char *q = arena_alloc(a, 2 * bytes.n + 1);
    size_t n = 0;
    for (size_t i = 0; q && i < bytes.n; i++) {
        if (bytes.p[i] == '*')
            q[n++] = '\\';
        q[n++] = bytes.p[i];
    }
    return (struct str){ q, n };
}

/* ---- values by type ------------------------------------------------------ */

static int bad_item(struct parser *p, const struct filter_item *i,
                    const char *what)
{
    return FAIL(p, i->place.at, i->place.at + i->place.n, "%s: not %s",
                text_line(i->text), what);
}

/* The second bound of 2026-03-11T02:00Z..03:30Z: a time of the same day, and
 * of the same zone unless it has one. */
static struct str whole_bound(struct parser *p, struct str lo, struct str hi)
{
    size_t t = str_find(lo, STR("T"));
    bool short_form = hi.n >= 5 && hi.p[2] == ':' && hi.p[0] >= '0' &&
                      hi.p[0] <= '9' && t != SIZE_MAX;
    if (!short_form)
        return hi;
    struct str zone = STR("");
    for (size_t i = t; i < lo.n && zone.n == 0; i++)
        if (lo.p[i] == 'Z' || lo.p[i] == '+' || lo.p[i] == '-')
            zone = str_sub(lo, i, lo.n);
    for (size_t i = 0; i < hi.n; i++)
        if (hi.p[i] == 'Z' || hi.p[i] == '+' || hi.p[i] == '-')
            zone = STR("");
    struct buf b = { 0 };
    buf_put(&b, str_sub(lo, 0, t + 1));
    buf_put(&b, hi);
    buf_put(&b, zone);
    return buf_to_arena(&b, p->a);
}

static int check_time(struct parser *p, struct filter_item *i)
{
    static const char form[] =
        "a time (2026-03-11, 2026-03-11T02:13, ..T11:13+09:00)";
    i->from = (struct instant){ INT64_MIN, 0 };
    i->to = (struct instant){ INT64_MAX, 0 };
    if (!i->range) {
        if (!time_parse_user(i->text, false, &i->from) ||
            !time_parse_user(i->text, true, &i->to))
            return bad_item(p, i, form);
        return 0;
    }
    i->hi = whole_bound(p, i->lo, i->hi);
    if ((i->lo.n && !time_parse_user(i->lo, false, &i->from)) ||
        (i->hi.n && !time_parse_user(i->hi, true, &i->to)))
        return bad_item(p, i, form);
    if (instant_cmp(i->from, i->to) >= 0)
        return FAIL(p, i->place.at, i->place.at + i->place.n,
                    "the range ends before it begins");
    return 0;
}

static bool event_number(struct str s, int64_t *out)
{
    uint64_t v;
    if (s.n && (s.p[0] == 'E' || s.p[0] == 'e'))
        s = str_sub(s, 1, s.n);
    if (!str_u64(s, &v) || v == 0 || v > INT64_MAX)
        return false;
    *out = (int64_t)v;
    return true;
}

static int check_id(struct parser *p, struct filter_item *i)
{
    i->lo_n = 1;
    i->hi_n = INT64_MAX;
    if (!i->range) {
        if (!event_number(i->text, &i->lo_n))
            return bad_item(p, i, "an event number (E123)");
        i->hi_n = i->lo_n;
        return 0;
    }
    if ((i->lo.n && !event_number(i->lo, &i->lo_n)) ||
        (i->hi.n && !event_number(i->hi, &i->hi_n)))
        return bad_item(p, i, "a range of event numbers (E1..E9)");
    if (i->lo_n > i->hi_n)
        return FAIL(p, i->place.at, i->place.at + i->place.n,
                    "the range ends before it begins");
    return 0;
}

static int check_word(struct parser *p, const struct filter_term *t,
                      const struct filter_item *i, struct str word,
                      int64_t *index)
{
    int k = filter_word_find(t->field->words, word);
    if (k >= 0) {
        *index = k;
        return 0;
    }
    struct str near = filter_word_nearest(t->field->words, word);
    int rc =
        FAIL(p, i->place.at, i->place.at + i->place.n, "%s:%s: not one of: %s",
             t->field->name, text_line(word), t->field->words);
    if (near.n)
        err_hint(p->err, "Did you mean %s:%.*s?", t->field->name,
                 STR_ARG(near));
    return rc;
}

static int check_scale(struct parser *p, const struct filter_term *t,
                       struct filter_item *i)
{
    int rc = 0;
    i->lo_n = 0;
    i->hi_n = INT64_MAX;
    if (!i->range) {
        rc = check_word(p, t, i, i->text, &i->lo_n);
        i->hi_n = i->lo_n;
        return rc;
    }
    if (i->lo.n)
        rc = check_word(p, t, i, i->lo, &i->lo_n);
    if (rc == 0 && i->hi.n)
        rc = check_word(p, t, i, i->hi, &i->hi_n);
    return rc;
}

static bool is_ip(struct str s)
{
    char z[64];
    unsigned char bytes[16];
    if (s.n >= sizeof(z) || memchr(s.p, 0, s.n))
        return false;
    memcpy(z, s.p, s.n);
    z[s.n] = 0;
    return inet_pton(AF_INET, z, bytes) == 1 ||
           inet_pton(AF_INET6, z, bytes) == 1;
}

static int check_ip(struct parser *p, const struct filter_item *i)
{
    if (i->quoted || i->glob)
        return 0;
    const char *slash = memchr(i->text.p, '/', i->text.n);
    struct str host =
        str_sub(i->text, 0, slash ? (size_t)(slash - i->text.p) : i->text.n);
    if (!is_ip(host))
        return bad_item(p, i, "an address or a network (198.51.100.0/24)");
    uint64_t bits;
    if (slash && (!str_u64(str_sub(i->text, host.n + 1, i->text.n), &bits) ||
                  bits > (memchr(host.p, ':', host.n) ? 128u : 32u)))
        return bad_item(p, i, "a network (198.51.100.0/24)");
    return 0;
}

static int check_item(struct parser *p, const struct filter_term *t,
                      struct filter_item *i)
{
    int64_t index;
    uint64_t no;
    if (i->text.n == 0 && !i->range)
        return FAIL(p, i->place.at, i->place.at + i->place.n,
                    "the value is empty");
    switch (t->field->type) {
    case FILTER_TIME:
        return check_time(p, i);
    case FILTER_ID:
        return check_id(p, i);
    case FILTER_WORD:
        return check_word(p, t, i, i->text, &index);
    case FILTER_SCALE:
        return check_scale(p, t, i);
    case FILTER_IP:
        return check_ip(p, i);
    case FILTER_FLAG:
        if (filter_word_find("yes no true false", i->text) < 0)
            return bad_item(p, i, "yes or no");
        return 0;
    case FILTER_PLACE:
        if (t->field->what == WHAT_EXHIBIT &&
            !((i->text.p[0] == 'X' || i->text.p[0] == 'x') &&
              str_u64(str_sub(i->text, 1, i->text.n), &no) && no &&
              no <= INT64_MAX))
            return bad_item(p, i, "an exhibit (X1)");
        return 0;
    case FILTER_UID:
        if (i->glob)
            return bad_item(p, i, "a whole id (it takes no wildcard)");
        return 0;
    case FILTER_ENTITY:
    case FILTER_TEXT:
    case FILTER_MARK:
    case FILTER_RAW:
        break;
    }
    return 0;
}

/* Are `..` bounds in values of this type? Elsewhere they are two dots. */
static bool has_ranges(enum filter_type type)
{
    return type == FILTER_TIME || type == FILTER_ID || type == FILTER_SCALE;
}

static int take_item(struct parser *p, const struct filter_term *t,
                     struct filter_item *i)
{
    struct str s;
    size_t from = p->at;
    *i = (struct filter_item){ .quoted = here(p) == '"' };
    int rc = i->quoted ? take_quoted(p, &s) : take_word(p, &s);
    if (rc == 0 && i->quoted)
        rc = unescape(p, s, &s);
    if (rc)
        return rc;
    i->place = (struct filter_place){ from, p->at - from };
    i->text = s;
    i->glob = !i->quoted && has_wildcard(s);
    size_t dots = i->quoted ? SIZE_MAX : str_find(s, STR(".."));
    if (dots != SIZE_MAX && has_ranges(t->field->type)) {
        i->range = true;
        i->lo = str_sub(s, 0, dots);
        i->hi = str_sub(s, dots + 2, s.n);
    }
    return check_item(p, t, i);
}

/* ( item or item .. ); p is after the bracket. */
static int take_list(struct parser *p, struct filter_term *t, size_t open)
{
    enum { FIRST = 8 };
    size_t cap = 0;
    for (;;) {
        skip_blanks(p);
        if (at_end(p))
            return FAIL(p, open, open + 1, "the bracket is not closed");
        if (here(p) == ')' || here(p) == '(' || at_keyword(p, STR("or")))
            return FAIL(p, p->at, p->at + 1, "a value is missing");
        if (t->n == cap) {
            cap = cap ? 2 * cap : FIRST;
            struct filter_item *more = arena_array(p->a, cap, sizeof(*more));
            if (!more)
                return no_memory(p);
            if (t->n)
                memcpy(more, t->items, t->n * sizeof(*more));
            t->items = more;
        }
        int rc = take_item(p, t, &t->items[t->n]);
        if (rc)
            return rc;
        t->n++;
        if (take_keyword(p, STR("or")))
            continue;
        if (at_end(p))
            return FAIL(p, open, open + 1, "the bracket is not closed");
        if (here(p) != ')')
            return FAIL(p, p->at, p->at + 1,
                        "\"or\" is missing between values");
        p->at++;
        return 0;
    }
}

static int take_values(struct parser *p, struct filter_term *t)
{
    size_t at = p->at;
    if (here(p) == '(') {
        p->at++;
        return take_list(p, t, at);
    }
    t->items = arena_array(p->a, 1, sizeof(*t->items));
    if (!t->items)
        return no_memory(p);
    t->n = 1;
    if (at_end(p) || ends_word(here(p))) {
        if (t->field->type != FILTER_FLAG)
            return FAIL(p, t->place.at, p->at, "%s: the value is missing",
                        t->field->name);
        t->items[0] =
            (struct filter_item){ .text = STR("yes"), .place = t->place };
        return 0;
    }
    return take_item(p, t, &t->items[0]);
}

/* ---- fields -------------------------------------------------------------- */

static int unknown_field(struct parser *p, size_t from, struct str name)
{
    const char *near = filter_field_nearest(name);
    int rc = FAIL(p, from, from + name.n, "no field \"%s\"", text_line(name));
    if (str_ieq(name, STR("arn")))
        err_hint(p->err, "entity:arn:.. asks for an ARN.");
    else if (near[0])
        err_hint(p->err,
                 "Did you mean %s? Quotes search for text with a "
                 "colon.",
                 near);
    else
        err_hint(p->err,
                 "raw.%.*s asks for a member of the record; quotes "
                 "search for text with a colon.",
                 name.n < 60 && text_utf8_valid(name) ? (int)name.n : 0,
                 name.p);
    return rc;
}

static bool good_path(struct str path)
{
    size_t parts = 1;
    for (size_t i = 0; i < path.n; i++)
        parts += path.p[i] == '.';
    return path.n && path.p[0] != '.' && path.p[path.n - 1] != '.' &&
           str_find(path, STR("..")) == SIZE_MAX && parts <= FILTER_PATH_MAX;
}

/* The field at [from, from + name.n); a path with a dot is of the record. */
static int find_field(struct parser *p, size_t from, struct str name,
                      struct filter_term *t)
{
    t->field = filter_field_find(name);
    if (t->field) {
        t->path = str_from(t->field->path);
        return 0;
    }
    if (!memchr(name.p, '.', name.n))
        return unknown_field(p, from, name);
    t->field = &filter_raw_field;
    bool raw = str_ieq(str_sub(name, 0, 4), STR("raw."));
    t->path = raw ? str_sub(name, 4, name.n) : name;
    if (!good_path(t->path))
        return FAIL(p, from, from + name.n, "%s: not a path (a.b.c)",
                    text_line(name));
    return 0;
}

static int take_has(struct parser *p, struct filter_term *t)
{
    struct str name;
    size_t from = p->at;
    t->form = FORM_HAS;
    int rc = take_word(p, &name);
    if (rc)
        return rc;
    if (name.n == 0)
        return FAIL(p, t->place.at, p->at, "has: the field is missing");
    return find_field(p, from, name, t);
}

static int take_near(struct parser *p, struct filter_term *t)
{
    struct str word;
    size_t from = p->at;
    t->form = FORM_NEAR;
    int rc = take_word(p, &word);
    if (rc)
        return rc;
    const char *slash = word.n ? memrchr(word.p, '/', word.n) : NULL;
    if (!slash || slash == word.p)
        return FAIL(p, from, p->at,
                    "near: an event or time, a slash and a "
                    "span are wanted (near:E123/5m)");
    t->text = str_sub(word, 0, (size_t)(slash - word.p));
    t->span = str_sub(word, t->text.n + 1, word.n);
    if (!time_parse_span(t->span, &t->span_ns))
        return FAIL(p, from + t->text.n + 1, p->at,
                    "%s: not a span (30s, 5m, 2h, 1d)", text_line(t->span));
    return 0;
}

static bool takes_patterns(const struct filter_field *f)
{
    switch (f->type) {
    case FILTER_ENTITY:
    case FILTER_IP:
    case FILTER_TEXT:
    case FILTER_RAW:
        return true;
    case FILTER_PLACE:
        return f->what == WHAT_MEMBER;
    case FILTER_MARK:
        return f->what == WHAT_TAG || f->what == WHAT_NOTE ||
               f->what == WHAT_VERDICT;
    default:
        return false;
    }
}

static int check_pattern(struct parser *p, size_t from, struct str pattern)
{
    int code;
    size_t at;
    unsigned char why[120];
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
                                   PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (re) {
        pcre2_code_free(re);
        return 0;
    }
    if (pcre2_get_error_message(code, why, sizeof(why)) < 0)
        why[0] = 0;
    from += 1 + (at < pattern.n ? at : pattern.n);
    return FAIL(p, from, from + 1, "the pattern is wrong: %s", (char *)why);
}

static int take_pattern(struct parser *p, struct filter_term *t)
{
    size_t from = p->at;
    struct str s;
    t->form = FORM_MATCH;
    if (!takes_patterns(t->field))
        return FAIL(p, t->place.at, p->at, "%s: takes no pattern",
                    t->field->name);
    if (here(p) != '"') {
        return FAIL(p, p->at, p->at + 1,
                    "a pattern in quotes is wanted (%s~\"..\")",
                    t->field->name);
    }
    int rc = take_quoted(p, &s);
    if (rc == 0)
        rc = unquote_pattern(p, s, &t->text);
    if (rc == 0 && t->text.n == 0)
        rc = FAIL(p, from, p->at, "the pattern is empty");
    return rc ? rc : check_pattern(p, from, t->text);
}

/* ---- terms --------------------------------------------------------------- */

/* The name before ':' or '~' at p; empty when a word begins here. A tilde in
 * a word is common (~/.ssh), so it makes a field only of a known one. */
static struct str name_here(const struct parser *p)
{
    size_t n = 0;
    struct str left = str_sub(p->text, p->at, p->text.n);
    if (left.n == 0 || !is_name_start(left.p[0]))
        return STR("");
    while (n < left.n && is_name(left.p[n]))
        n++;
    if (n == left.n || (left.p[n] != ':' && left.p[n] != '~'))
        return STR("");
    struct str name = str_sub(left, 0, n);
    bool quote = n + 1 < left.n && left.p[n + 1] == '"';
    if (left.p[n] == '~' && !quote && !filter_field_find(name))
        return STR("");
    return name;
}

static int take_field(struct parser *p, struct str name, struct filter_term *t)
{
    size_t from = p->at;
    char sign = p->text.p[from + name.n];
    p->at += name.n + 1;
    if (sign == ':' && str_ieq(name, STR("has")))
        return take_has(p, t);
    if (sign == ':' && str_ieq(name, STR("near")))
        return take_near(p, t);
    int rc = find_field(p, from, name, t);
    if (rc)
        return rc;
    return sign == '~' ? take_pattern(p, t) : take_values(p, t);
}

static int take_text(struct parser *p, struct filter_term *t)
{
    struct str s;
    size_t from = p->at;
    t->form = FORM_WORD;
    t->quoted = here(p) == '"';
    int rc = t->quoted ? take_quoted(p, &s) : take_word(p, &s);
    if (rc == 0 && t->quoted)
        rc = unescape(p, s, &s);
    t->text = s;
    if (rc == 0 && s.n == 0)
        rc = FAIL(p, from, p->at, "the text is empty");
    return rc;
}

static struct filter_node *new_node(struct parser *p, enum filter_op op,
                                    size_t from)
{
    struct filter_node *n = arena_alloc(p->a, sizeof(*n));
    if (n) {
        n->op = op;
        n->place.at = from;
    }
    return n;
}

static int take_or(struct parser *p, struct filter_node **out);

static int take_brackets(struct parser *p, struct filter_node **out)
{
    size_t open = p->at++;
    if (++p->depth > FILTER_DEPTH_MAX)
        return FAIL(p, open, open + 1, "too many brackets within brackets");
    int rc = take_or(p, out);
    if (rc)
        return rc;
    if (here(p) != ')')
        return FAIL(p, open, open + 1, "the bracket is not closed");
    p->at++;
    p->depth--;
    (*out)->place = (struct filter_place){ open, p->at - open };
    return 0;
}

static int take_term(struct parser *p, struct filter_node **out)
{
    skip_blanks(p);
    size_t from = p->at;
    if (at_end(p))
        return FAIL(p, from, from, "a term is missing at the end");
    if (here(p) == ')' || at_keyword(p, STR("or")) ||
        at_keyword(p, STR("and")) || at_keyword(p, STR("not")))
        return FAIL(p, from, from + 1, "a term is missing here");
    if (here(p) == '(')
        return take_brackets(p, out);
    if (++p->n_terms > FILTER_TERMS_MAX)
        return FAIL(p, from, from + 1, "too many terms");
    *out = new_node(p, OP_TERM, from);
    struct filter_term *t = arena_alloc(p->a, sizeof(*t));
    if (!*out || !t)
        return no_memory(p);
    (*out)->term = t;
    struct str name = name_here(p);
    t->place = (struct filter_place){ from, name.n };
    int rc = name.n ? take_field(p, name, t) : take_text(p, t);
    t->place.n = p->at - from;
    (*out)->place = t->place;
    return rc;
}

static int take_not(struct parser *p, struct filter_node **out)
{
    skip_blanks(p);
    size_t from = p->at;
    if (!take_keyword(p, STR("not")))
        return take_term(p, out);
    struct filter_node *n = new_node(p, OP_NOT, from);
    struct filter_node **kids =
        arena_array(p->a, 1, sizeof(struct filter_node *));
    if (!n || !kids)
        return no_memory(p);
    n->kids = kids;
    n->n = 1;
    int rc = take_term(p, &kids[0]);
    n->place.n = p->at - from;
    *out = n;
    return rc;
}

/* One kid is itself; kids of the same kind are taken in. */
static int join(struct parser *p, enum filter_op op, struct filter_node **list,
                size_t n, struct filter_node **out)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += list[i]->op == op ? list[i]->n : 1;
    if (n == 1) {
        *out = list[0];
        return 0;
    }
    struct filter_node *node = new_node(p, op, list[0]->place.at);
    struct filter_node **kids =
        arena_array(p->a, all, sizeof(struct filter_node *));
    if (!node || !kids)
        return no_memory(p);
    for (size_t i = 0; i < n; i++) {
        if (list[i]->op == op) {
            memcpy(kids + node->n, list[i]->kids,
                   list[i]->n * sizeof(struct filter_node *));
            node->n += list[i]->n;
        } else {
            kids[node->n++] = list[i];
        }
    }
    node->kids = kids;
    node->place.n = p->at - node->place.at;
    *out = node;
    return 0;
}

/* A growing list of nodes in the arena. */
struct nodes {
    struct filter_node **v;
    size_t n, cap;
};

static int nodes_add(struct parser *p, struct nodes *l, struct filter_node *n)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 4;
        struct filter_node **more =
            arena_array(p->a, cap, sizeof(struct filter_node *));
        if (!more)
            return no_memory(p);
        if (l->n)
            memcpy(more, l->v, l->n * sizeof(struct filter_node *));
        l->v = more;
        l->cap = cap;
    }
    l->v[l->n++] = n;
    return 0;
}

static int take_and(struct parser *p, struct filter_node **out)
{
    struct nodes l = { 0 };
    for (;;) {
        struct filter_node *n;
        int rc = take_not(p, &n);
        if (rc == 0)
            rc = nodes_add(p, &l, n);
        if (rc)
            return rc;
        skip_blanks(p);
        if (take_keyword(p, STR("and")))
            continue;
        if (at_end(p) || here(p) == ')' || at_keyword(p, STR("or")))
            return join(p, OP_AND, l.v, l.n, out);
    }
}

static int take_or(struct parser *p, struct filter_node **out)
{
    struct nodes l = { 0 };
    for (;;) {
        struct filter_node *n;
        int rc = take_and(p, &n);
        if (rc == 0)
            rc = nodes_add(p, &l, n);
        if (rc)
            return rc;
        if (!take_keyword(p, STR("or")))
            return join(p, OP_OR, l.v, l.n, out);
    }
}

int filter_parse(struct str text, struct arena *a, struct filter **out,
                 struct filter_place *place, struct err *err)
{
    struct filter *f = arena_alloc(a, sizeof(*f));
    struct parser p = { .a = a, .place = place, .err = err };
    *out = f;
    if (f)
        p.text = f->text = arena_copy(a, text);
    if (!f || !f->text.p)
        return no_memory(&p);
    if (text.n > FILTER_TEXT_MAX)
        return FAIL(&p, FILTER_TEXT_MAX, text.n, "the filter is too long");
    skip_blanks(&p);
    if (at_end(&p))
        return 0;
    int rc = take_or(&p, &f->root);
    if (rc == 0 && !at_end(&p))
        rc = FAIL(&p, p.at, p.at + 1,
                  "a bracket is closed that was not "
                  "opened");
    return rc;
}
