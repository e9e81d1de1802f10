#include "base/text.h"
#include "base/text_table.h"

#include <stdio.h>
#include <wchar.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* ---- UTF-8 -------------------------------------------------------------- */

/* The second byte decides over overlong forms, surrogates and values above
 * U+10FFFF (Unicode, table 3-7). */
unsigned text_utf8(struct str s, uint32_t *cp)
{
    const unsigned char *c = (const unsigned char *)s.p;
    if (s.n == 0)
        return 0;
    uint32_t lead = c[0];
    if (lead < 0x80) {
        *cp = lead;
        return 1;
    }
    unsigned n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || s.n < n)
        return 0;
    unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (c[1] < low || c[1] > high)
        return 0;
    uint32_t v = lead & (0x7fu >> n);
    for (unsigned i = 1; i < n; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (c[i] & 0x3f);
    }
    *cp = v;
    return n;
}

unsigned text_utf8_put(char out[4], uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    unsigned n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (unsigned i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 0x3f));
        cp >>= 6;
    }
    out[0] = (char)(0xf00u >> n | cp);
    return n;
}

static size_t ascii_run(struct str s, size_t at)
{
#if defined(__SSE2__)
    for (; s.n - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const void *)(s.p + at));
        int high = _mm_movemask_epi8(v);
        if (high)
            return at + (size_t)__builtin_ctz((unsigned)high);
    }
#endif
    while (at < s.n && (unsigned char)s.p[at] < 0x80)
        at++;
    return at;
}

bool text_utf8_valid(struct str s)
{
    uint32_t cp;
    for (size_t at = ascii_run(s, 0); at < s.n;) {
        unsigned n = text_utf8(str_sub(s, at, 4), &cp);
        if (n == 0)
            return false;
        at += n;
        if (at < s.n && (unsigned char)s.p[at] < 0x80)
            at = ascii_run(s, at);
    }
    return true;
}

/* ---- the display form --------------------------------------------------- */

enum { MARKS = 3 }; /* marks that one character may carry */

/* The display form of one source character or byte. */
struct unit {
    char text[12];
    uint8_t n;
    uint8_t width;
    uint8_t used; /* source bytes */
    bool escape;  /* a mark of ours: picture, \xHH, \u{HEX} */
    bool joins;   /* belongs to the cell before */
};

/* Does s, which begins with a backslash, go on as an escape of ours? Its
 * length, or 0. Writer and reader ask the same question, which makes the form
 * reversible. */
static size_t escape_length(struct str s, uint32_t *value, bool *byte)
{
    uint32_t v = 0;
    size_t at = 3;
    if (s.n >= 4 && s.p[1] == 'x') {
        int hi = str_hex(s.p[2]), lo = str_hex(s.p[3]);
        *byte = true;
        *value = hi < 0 || lo < 0 ? 0 : (uint32_t)(hi << 4 | lo);
        return hi < 0 || lo < 0 ? 0 : 4;
    }
    if (s.n < 5 || s.p[1] != 'u' || s.p[2] != '{')
        return 0;
    for (; at < s.n && at < 9 && str_hex(s.p[at]) >= 0; at++)
        v = v << 4 | (uint32_t)str_hex(s.p[at]);
    if (at == 3 || at == s.n || s.p[at] != '}' || v > 0x10ffff ||
        (v >= 0xd800 && v <= 0xdfff))
        return 0;
    *value = v;
    *byte = false;
    return at + 1;
}

static const char hex_digits[] = "0123456789ABCDEF";

static void put_byte_escape(struct unit *u, unsigned char c)
{
    char text[] = { '\\', 'x', hex_digits[c >> 4], hex_digits[c & 15] };
    memcpy(u->text, text, sizeof(text));
    u->n = u->width = sizeof(text);
    u->escape = true;
}

static void put_point_escape(struct unit *u, uint32_t cp)
{
    unsigned n = 3, digits = 1;
    while (digits < 6 && cp >> 4 * digits)
        digits++;
    memcpy(u->text, "\\u{", 3);
    while (digits--)
        u->text[n++] = hex_digits[cp >> 4 * digits & 15];
    u->text[n++] = '}';
    u->n = u->width = (uint8_t)n;
    u->escape = true;
}

static void put_picture(struct unit *u, uint32_t cp)
{
    u->n = (uint8_t)text_utf8_put(u->text, cp == 0x7f ? 0x2421 : 0x2400 + cp);
    u->width = 1;
    u->escape = true;
}

static enum text_class class_of(uint32_t cp, unsigned flags, unsigned room,
                                uint8_t *width)
{
    struct text_point point = text_point(cp);
    enum text_class class = point.class;
    *width = point.width;
    if (class == TEXT_PICTURE || class == TEXT_ESCAPE)
        return class;
    if ((flags & TEXT_ASCII) && cp >= 0x80)
        return TEXT_ESCAPE;
    if (class == TEXT_RTL)
        class = flags & TEXT_NO_RTL ? TEXT_ESCAPE : TEXT_PLAIN;
    if (class == TEXT_MARK && room == 0)
        return TEXT_ESCAPE;
    if ((flags & TEXT_TERM) && cp >= 0x80 && wcwidth((wchar_t)cp) != *width)
        return TEXT_ESCAPE;
    return class;
}

/* The character at the start of s (not empty). */
static struct unit unit_at(struct str s, unsigned flags, uint8_t *room)
{
    struct unit u = { .used = 1 };
    uint32_t cp, value;
    bool byte;
    unsigned n = text_utf8(str_sub(s, 0, 4), &cp);
    unsigned before = *room;
    *room = 0;
    if (n == 0) {
        put_byte_escape(&u, (unsigned char)s.p[0]);
        return u;
    }
    u.used = (uint8_t)n;
    if (cp == '\n' && (flags & TEXT_KEEP_LF)) {
        u.text[0] = '\n';
        u.n = 1;
        return u;
    }
    if (cp == '\\' && escape_length(s, &value, &byte)) {
        put_point_escape(&u, cp);
        return u;
    }
    switch (class_of(cp, flags, before, &u.width)) {
    case TEXT_PICTURE:
        if (flags & TEXT_ASCII)
            put_byte_escape(&u, (unsigned char)cp);
        else
            put_picture(&u, cp);
        return u;
    case TEXT_ESCAPE:
        put_point_escape(&u, cp);
        return u;
    case TEXT_MARK:
        u.joins = true;
        *room = (uint8_t)(before - 1);
        break;
    default:
        /* A mark on a blank would look like a character of its own. */
        *room = cp == ' ' || cp == 0x3000 ? 0 : MARKS;
        break;
    }
    memcpy(u.text, s.p, n);
    u.n = (uint8_t)n;
    return u;
}

/* Bytes from `at` that are their own display form: printable ASCII but the
 * backslash. */
static size_t plain_run(struct str s, size_t at)
{
#if defined(__SSE2__)
    for (; s.n - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const void *)(s.p + at));
        /* signed: bytes >= 0x80 are below 0x20 too */
        __m128i odd = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
                                   _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        int mask = _mm_movemask_epi8(odd);
        if (mask)
            return at + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (at < s.n && s.p[at] >= 0x20 && s.p[at] < 0x7f && s.p[at] != '\\')
        at++;
    return at;
}

void text_show(struct buf *out, struct str s, unsigned flags)
{
    uint8_t room = 0;
    for (size_t at = 0; at < s.n;) {
        size_t run = plain_run(s, at);
        if (run > at) {
            buf_put(out, str_sub(s, at, run - at));
            room = s.p[run - 1] == ' ' ? 0 : MARKS;
            at = run;
            continue;
        }
        struct unit u = unit_at(str_sub(s, at, s.n), flags, &room);
        buf_put(out, (struct str){ u.text, u.n });
        at += u.used;
    }
}

/* One step of the way back. Source bytes go to c, their number to *n; returns
 * the length of their display form, 0 when it cannot be one. */
static size_t parse_one(struct str s, char c[4], unsigned *n)
{
    uint32_t cp, value;
    bool byte;
    size_t length = text_utf8(str_sub(s, 0, 4), &cp);
    if (length == 0 || (cp < 0x20 && cp != '\n') || cp == 0x7f)
        return 0;
    if (cp == '\\') {
        size_t escape = escape_length(s, &value, &byte);
        cp = escape ? value : cp;
        if (escape && byte) {
            c[0] = (char)value;
            *n = 1;
            return escape;
        }
        length = escape ? escape : 1;
    } else if (cp >= 0x2400 && cp <= 0x241f) {
        cp -= 0x2400;
    } else if (cp == 0x2421) {
        cp = 0x7f;
    }
    *n = text_utf8_put(c, cp);
    return length;
}

bool text_parse(struct buf *out, struct str shown)
{
    size_t before = out->n;
    for (size_t at = 0; at < shown.n;) {
        char c[4];
        unsigned n;
        size_t run = plain_run(shown, at);
        buf_put(out, str_sub(shown, at, run - at));
        at = run;
        if (at == shown.n)
            break;
        size_t length = parse_one(str_sub(shown, at, shown.n), c, &n);
        if (length == 0) {
            out->n = before;
            return false;
        }
        buf_put(out, (struct str){ c, n });
        at += length;
    }
    return true;
}

size_t text_width(struct str shown)
{
    size_t width = 0;
    for (size_t at = 0; at < shown.n;) {
        uint32_t cp;
        size_t run = plain_run(shown, at);
        width += run - at;
        at = run;
        if (at == shown.n)
            break;
        unsigned n = text_utf8(str_sub(shown, at, 4), &cp);
        struct text_point point = text_point(n ? cp : 0);
        bool zero = n && (cp == '\n' || point.class == TEXT_MARK);
        width += zero ? 0 : point.width ? point.width : 1;
        at += n ? n : 1;
    }
    return width;
}

/* ---- cells -------------------------------------------------------------- */

void text_iter_open(struct text_iter *it, struct str s, unsigned flags)
{
    *it = (struct text_iter){ .s = s, .flags = flags };
}

/* The next cell of the escape in tmp. */
static void escape_cell(struct text_iter *it, struct text_cell *cell)
{
    uint32_t cp;
    const char *p = it->tmp + it->tmp_at;
    unsigned n = text_utf8((struct str){ p, it->tmp_n - it->tmp_at }, &cp);
    *cell = (struct text_cell){ { p, n }, 1, true };
    it->tmp_at = (uint8_t)(it->tmp_at + n);
}

bool text_iter_next(struct text_iter *it, struct text_cell *cell)
{
    if (it->tmp_at < it->tmp_n) {
        escape_cell(it, cell);
        return true;
    }
    if (it->at >= it->s.n)
        return false;
    struct unit u = unit_at(str_sub(it->s, it->at, 16), it->flags, &it->room);
    it->at += u.used;
    memcpy(it->tmp, u.text, u.n);
    it->tmp_at = 0;
    it->tmp_n = u.n;
    if (u.escape) {
        escape_cell(it, cell);
        return true;
    }
    unsigned n = u.n;
    while (it->room && it->at < it->s.n && (it->s.p[it->at] & 0x80)) {
        uint8_t room = it->room;
        struct unit mark =
            unit_at(str_sub(it->s, it->at, 16), it->flags, &room);
        if (!mark.joins)
            break;
        memcpy(it->tmp + n, mark.text, mark.n);
        n += mark.n;
        it->at += mark.used;
        it->room = room;
    }
    it->tmp_n = 0; /* nothing is left to come */
    *cell = (struct text_cell){ { it->tmp, n }, u.width, false };
    return true;
}

static unsigned digits_of(size_t v)
{
    unsigned n = 1;
    while (v /= 10)
        n++;
    return n;
}

/* A place where the text may end and the sign of the cut still fits. */
struct cut {
    size_t at;  /* in the source */
    size_t out; /* in the output */
    size_t used;
    bool found;
};

static bool cut_fits(size_t left, size_t used, size_t cells)
{
    return used + 2 + digits_of(left) <= cells;
}

/* Plain ASCII at it->at goes through in one piece, but its last character
 * when that may carry marks. Returns the cells used. */
static size_t clip_run(struct buf *out, struct text_iter *it, size_t used,
                       size_t cells, struct cut *cut)
{
    struct str near = str_sub(it->s, it->at, cells - used + 1);
    size_t n = plain_run(near, 0), keep;
    if (n && n < near.n && (near.p[n] & 0x80))
        n--;
    if (n == 0)
        return 0;
    for (keep = n; keep; keep--)
        if (cut_fits(it->s.n - it->at - keep, used + keep, cells))
            break;
    if (keep)
        *cut = (struct cut){ it->at + keep, out->n + keep, used + keep, true };
    buf_put(out, str_sub(near, 0, n));
    it->at += n;
    it->room = near.p[n - 1] == ' ' ? 0 : MARKS;
    return n;
}

/* Appends until s ends (true) or is too wide (false). */
static bool clip_cells(struct buf *out, struct text_iter *it, size_t cells,
                       size_t *used, struct cut *cut)
{
    struct text_cell cell;
    for (;;) {
        bool inside = it->tmp_at < it->tmp_n; /* an escape */
        size_t n = inside ? 0 : clip_run(out, it, *used, cells, cut);
        if (n == 0) {
            if (!text_iter_next(it, &cell))
                return true;
            buf_put(out, cell.bytes);
            n = cell.width;
        }
        *used += n;
        if (*used > cells)
            return false;
        if (it->tmp_at == it->tmp_n && cut_fits(it->s.n - it->at, *used, cells))
            *cut = (struct cut){ it->at, out->n, *used, true };
    }
}

size_t text_clip(struct buf *out, struct str s, size_t cells, unsigned flags)
{
    struct text_iter it;
    size_t used = 0;
    struct cut cut = { 0, out->n, 0, cut_fits(s.n, 0, cells) };
    text_iter_open(&it, s, flags & ~(unsigned)TEXT_KEEP_LF);
    if (clip_cells(out, &it, cells, &used, &cut))
        return used;
    out->n = cut.out;
    if (cells == 0 || out->failed)
        return cut.used;
    buf_putz(out, flags & TEXT_ASCII ? "~" : "…");
    if (!cut.found)
        return 1;
    buf_putc(out, '+');
    buf_put_u64(out, s.n - cut.at);
    return cut.used + 2 + digits_of(s.n - cut.at);
}

/* ---- messages ----------------------------------------------------------- */

enum { LINE = 160, LINES = 8, LINE_TAIL = 25 /* "…+N" and NUL */ };

const char *text_line(struct str s)
{
    static _Thread_local char ring[LINES][LINE];
    static _Thread_local unsigned turn;
    char *line = ring[turn++ % LINES];
    size_t n = 0, keep = 0, at = 0; /* keep, at: where a cut may be */
    uint8_t room = 0;
    for (size_t from = 0; from < s.n;) {
        struct unit u = unit_at(str_sub(s, from, 16), TEXT_NO_RTL, &room);
        if (n + u.n >= LINE) {
            snprintf(line + keep, LINE - keep, "…+%zu", s.n - at);
            return line;
        }
        if (n <= LINE - LINE_TAIL && !u.joins) {
            keep = n;
            at = from;
        }
        memcpy(line + n, u.text, u.n);
        n += u.n;
        from += u.used;
    }
    line[n] = 0;
    return line;
}
