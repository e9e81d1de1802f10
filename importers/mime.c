#include "importers/mime.h"

#include "base/base64.h"

enum { HEADER_LINES = 200, LINE_LOOK = 4096 };

struct header {
    struct str type, boundary, name;
    enum mime_encoding encoding;
    bool multipart;
};

/* The line at `at` without its ending; *next: where the following begins. */
static struct str line_at(struct str s, size_t at, size_t *next)
{
    struct str rest = str_sub(s, at, s.n);
    const char *lf = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
    size_t n = lf ? (size_t)(lf - rest.p) : rest.n;
    *next = at + n + (lf ? 1 : 0);
    if (n && rest.p[n - 1] == '\r')
        n--;
    return str_sub(rest, 0, n);
}

/* ---- headers ------------------------------------------------------------- */

static bool is_named(struct str line, struct str name, struct str *value)
{
    if (line.n <= name.n || line.p[name.n] != ':' ||
        !str_ieq(str_sub(line, 0, name.n), name))
        return false;
    *value = str_trim(str_sub(line, name.n + 1, line.n));
    return true;
}

/* NAME=value or NAME="value" among the parameters. */
static struct str parameter(struct str value, struct str name)
{
    for (size_t at = 0; at < value.n;) {
        size_t k = str_ifind(str_sub(value, at, value.n), name);
        if (k == SIZE_MAX)
            return STR_NONE;
        at += k;
        char before = at ? value.p[at - 1] : ' ';
        struct str rest = str_sub(value, at + name.n, value.n);
        at += name.n;
        if ((before != ' ' && before != ';' && before != '\t' &&
             before != '\n') ||
            rest.n < 2 || rest.p[0] != '=')
            continue;
        bool quoted = rest.p[1] == '"';
        rest = str_sub(rest, quoted ? 2 : 1, rest.n);
        size_t n = 0;
        while (n < rest.n &&
               (quoted ? rest.p[n] != '"' : !memchr("; \t\r\n", rest.p[n], 5)))
            n++;
        return str_sub(rest, 0, n);
    }
    return STR_NONE;
}

static void take_type(struct header *h, struct str v)
{
    size_t n = 0;
    while (n < v.n && !memchr("; \t\r\n", v.p[n], 5))
        n++;
    h->type = str_sub(v, 0, n);
    h->multipart = n > 10 && str_ieq(str_sub(v, 0, 10), STR("multipart/"));
    h->boundary = parameter(v, STR("boundary"));
    if (h->name.n == 0)
        h->name = parameter(v, STR("name"));
}

static void take_header(struct header *h, struct str line)
{
    struct str v;
    if (is_named(line, STR("Content-Type"), &v)) {
        take_type(h, v);
    } else if (is_named(line, STR("Content-Disposition"), &v)) {
        struct str name = parameter(v, STR("filename"));
        h->name = name.n ? name : h->name;
    } else if (is_named(line, STR("Content-Transfer-Encoding"), &v)) {
        h->encoding = str_ieq(v, STR("base64"))             ? MIME_BASE64
                      : str_ieq(v, STR("quoted-printable")) ? MIME_QUOTED
                                                            : MIME_PLAIN;
    }
}

/* Header lines from `at` up to and with the empty one; where the body begins.
 * A header with the lines that continue it is one span. */
static size_t headers(struct str s, size_t at, struct header *h)
{
    size_t next, start = at, end = at;
    *h = (struct header){ .encoding = MIME_PLAIN };
    for (int i = 0; i < HEADER_LINES && at < s.n; i++) {
        struct str line = line_at(s, at, &next);
        bool goes_on = line.n && (line.p[0] == ' ' || line.p[0] == '\t');
        if (!goes_on) {
            take_header(h, str_sub(s, start, end - start));
            start = at;
        }
        end = at + line.n;
        at = next;
        if (line.n == 0)
            return at;
    }
    take_header(h, str_sub(s, start, end - start));
    return at;
}

bool mime_is(struct str s)
{
    struct header h;
    struct str line;
    size_t at = 0, next;
    if (str_starts(s, STR("From "))) /* an mbox line before the headers */
        line_at(s, 0, &at);
    bool named = false;
    for (int i = 0; i < HEADER_LINES && at < s.n; i++, at = next) {
        struct str v;
        line = line_at(s, at, &next);
        if (line.n == 0)
            break;
        bool goes_on = line.p[0] == ' ' || line.p[0] == '\t';
        size_t n = 0;
        while (n < line.n && n < 64 &&
               (((line.p[n] | 0x20) >= 'a' && (line.p[n] | 0x20) <= 'z') ||
                line.p[n] == '-'))
            n++;
        if (!goes_on && (n == 0 || n >= line.n || line.p[n] != ':'))
            return false;
        named |= is_named(line, STR("Content-Type"), &v) ||
                 is_named(line, STR("MIME-Version"), &v);
    }
    if (!named)
        return false;
    headers(s, 0, &h);
    return h.type.n > 0;
}

/* ---- parts --------------------------------------------------------------- */

void mime_open(struct mime *m, struct str s)
{
    *m = (struct mime){ .s = s };
    if (str_starts(s, STR("From ")))
        line_at(s, 0, &m->at);
}

/* Which open boundary is this line, from the inside out? *last: its end. */
static bool delimits(const struct mime *m, struct str line, unsigned *level,
                     bool *last)
{
    if (line.n < 3 || line.p[0] != '-' || line.p[1] != '-')
        return false;
    line = str_trim(str_sub(line, 2, LINE_LOOK));
    for (unsigned i = m->depth; i-- > 0;) {
        struct str b = m->boundary[i];
        if (!str_starts(line, b))
            continue;
        struct str rest = str_sub(line, b.n, line.n);
        *last = str_eq(rest, STR("--"));
        *level = i;
        if (rest.n == 0 || *last)
            return true;
    }
    return false;
}

/* From m->at to before the next delimiter line, which is taken; *ended: there
 * is none. */
static struct str body(struct mime *m, bool *last, bool *ended)
{
    size_t start = m->at, end = m->at, next;
    unsigned level;
    *ended = false;
    while (m->at < m->s.n) {
        struct str line = line_at(m->s, m->at, &next);
        if (delimits(m, line, &level, last)) {
            m->depth = *last ? level : level + 1;
            end = m->at;
            m->at = next;
            /* the line break belongs to the delimiter */
            if (end > start && m->s.p[end - 1] == '\n')
                end--;
            if (end > start && m->s.p[end - 1] == '\r')
                end--;
            return str_sub(m->s, start, end - start);
        }
        m->at = next;
    }
    *ended = true;
    return str_sub(m->s, start, m->at - start);
}

bool mime_next(struct mime *m, struct mime_part *out)
{
    bool last = false, ended;
    while (m->at < m->s.n) {
        struct header h;
        if (m->depth == 0 && m->started)
            return false; /* what follows the last boundary */
        m->started = true;
        m->at = headers(m->s, m->at, &h);
        bool open = h.multipart && h.boundary.n && m->depth < MIME_DEPTH;
        m->deep |= h.multipart && h.boundary.n && !open;
        if (open) {
            m->boundary[m->depth++] = h.boundary;
            do /* preamble, and what stands between parts */
                body(m, &last, &ended);
            while (!ended && last && m->depth);
            continue;
        }
        unsigned depth = m->depth;
        struct str b = body(m, &last, &ended);
        *out = (struct mime_part){ h.type, h.name, h.encoding, b,
                                   ended && depth > 0 };
        while (!ended && last && m->depth)
            body(m, &last, &ended);
        if (m->parts++ < MIME_PARTS)
            return true;
        m->more = true;
        return false;
    }
    return false;
}

/* ---- encodings ----------------------------------------------------------- */

static bool quoted(struct str s, struct buf *out)
{
    bool clean = true;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '=') {
            buf_putc(out, s.p[i]);
            continue;
        }
        struct str rest = str_sub(s, i + 1, s.n);
        int hi = rest.n > 1 ? str_hex(rest.p[0]) : -1;
        int lo = rest.n > 1 ? str_hex(rest.p[1]) : -1;
        if (hi >= 0 && lo >= 0) {
            buf_putc(out, (char)(hi << 4 | lo));
            i += 2;
        } else if (rest.n && rest.p[0] == '\n') {
            i += 1;
        } else if (rest.n > 1 && rest.p[0] == '\r' && rest.p[1] == '\n') {
            i += 2;
        } else {
            clean = false;
            buf_putc(out, '=');
        }
    }
    return clean;
}

bool mime_decode(const struct mime_part *p, struct buf *out)
{
    switch (p->encoding) {
    case MIME_BASE64:
        return base64_decode(p->body, BASE64_BREAKS | BASE64_NOISE, out);
    case MIME_QUOTED:
        return quoted(p->body, out);
    case MIME_PLAIN:
        break;
    }
    buf_put(out, p->body);
    return true;
}
