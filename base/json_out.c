#include "base/json.h"
#include "base/text.h"
#include "base/text_table.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static void comma(struct json_out *o)
{
    if (o->comma)
        buf_putc(o->b, ',');
    o->comma = true;
}

void json_put_open(struct json_out *o, char bracket)
{
    comma(o);
    buf_putc(o->b, bracket);
    o->comma = false;
}

/* Takes either bracket of the pair. */
void json_put_close(struct json_out *o, char bracket)
{
    buf_putc(o->b, bracket == '{' || bracket == '}' ? '}' : ']');
    o->comma = true;
}

/* ---- strings ------------------------------------------------------------ */

static void put_unit(struct buf *b, uint32_t unit)
{
    static const char digit[] = "0123456789abcdef";
    char text[6] = { '\\', 'u' };
    for (int i = 0; i < 4; i++)
        text[2 + i] = digit[unit >> (12 - 4 * i) & 15];
    buf_put(b, (struct str){ text, sizeof(text) });
}

/* Beyond ASCII. */
static void put_escape(struct buf *b, uint32_t cp)
{
    if (cp < 0x10000) {
        put_unit(b, cp);
    } else {
        put_unit(b, 0xd800 + ((cp - 0x10000) >> 10));
        put_unit(b, 0xdc00 + (cp & 0x3ff));
    }
}

/* What becomes of an ASCII character in a string: 0 nothing, 'u' its number,
 * else the letter after a backslash. */
static char escape_of(unsigned char c)
{
    static const char escapes[128] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n',
        ['\r'] = 'r', ['\t'] = 't',  ['<'] = 'u',  [0x7f] = 'u',
    };
    return c < 0x20 && !escapes[c] ? 'u' : escapes[c];
}

enum { BLOCK = 16 };

/* How many of the BLOCK bytes at p stay as they are; copies all of them. */
static unsigned copy_plain(char *out, const char *p)
{
#if defined(__SSE2__)
    const __m128i v = _mm_loadu_si128((const void *)p);
    _mm_storeu_si128((void *)out, v);
    /* below a blank, as signed bytes: also what is beyond ASCII */
    __m128i hit = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('<')));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    unsigned mask = (unsigned)_mm_movemask_epi8(hit);
    return mask ? (unsigned)__builtin_ctz(mask) : BLOCK;
#else
    unsigned n = 0;
    for (; n < BLOCK && (unsigned char)p[n] < 0x80 &&
           escape_of((unsigned char)p[n]) == 0;
         n++)
        out[n] = p[n];
    return n;
#endif
}

/* The same for n < BLOCK bytes; keys and most values are short. */
static unsigned copy_short(char *out, const char *p, size_t n)
{
    char block[BLOCK];
    memset(block, ' ', sizeof(block));
    memcpy(block, p, n);
    unsigned plain = copy_plain(out, block);
    return plain < n ? plain : (unsigned)n;
}

/* ASCII at the start of s, written; how many bytes that was. */
static size_t put_ascii(struct buf *b, struct str s)
{
    enum { PIECE = 4096, LONGEST = 6 };
    size_t at = 0;
    while (at < s.n && (unsigned char)s.p[at] < 0x80) {
        size_t end = s.n - at < PIECE ? s.n : at + PIECE;
        if (!buf_reserve(b, (end - at) * LONGEST + BLOCK))
            return s.n;
        char *out = b->p + b->n;
        while (at < end) {
            size_t left = end - at;
            unsigned n = left >= BLOCK ? copy_plain(out, s.p + at)
                                       : copy_short(out, s.p + at, left);
            out += n;
            at += n;
            if (n == BLOCK || at == end)
                continue;
            unsigned char c = (unsigned char)s.p[at];
            if (c >= 0x80)
                break;
            at++;
            char e = escape_of(c);
            if (e == 0) {
                *out++ = (char)c;
            } else if (e != 'u') {
                *out++ = '\\';
                *out++ = e;
            } else {
                b->n = (size_t)(out - b->p);
                put_unit(b, c);
                out = b->p + b->n;
            }
        }
        b->n = (size_t)(out - b->p);
    }
    return at;
}

/* Length of the character beyond ASCII at the start of s; *plain when it stays
 * as it is. What a terminal or a page could obey or hide is escaped, which is
 * still the same JSON string. */
static unsigned look(struct str s, uint32_t *cp, bool *plain)
{
    *cp = (unsigned char)s.p[0];
    unsigned n = text_utf8(str_sub(s, 0, 4), cp);
    *plain = text_point(*cp).class != TEXT_ESCAPE;
    return n ? n : 1;
}

/* The rest of s from `at` and the end of the string. It is valid UTF-8;
 * `shown` when it has passed text_show already. */
static void put_rest(struct buf *b, struct str s, size_t at, bool shown)
{
    while (at < s.n) {
        uint32_t cp;
        bool plain;
        unsigned n = look(str_sub(s, at, s.n), &cp, &plain);
        if (plain || shown)
            buf_put(b, str_sub(s, at, n));
        else
            put_escape(b, cp);
        at += n;
        at += put_ascii(b, str_sub(s, at, s.n));
    }
    buf_putc(b, '"');
}

/* False, and nothing written, when s is not valid UTF-8. */
static bool put_quoted(struct buf *b, struct str s)
{
    size_t mark = b->n;
    buf_putc(b, '"');
    size_t at = put_ascii(b, s);
    if (at < s.n && !text_utf8_valid(str_sub(s, at, s.n))) {
        b->n = mark;
        return false;
    }
    put_rest(b, s, at, false);
    return true;
}

static void put_shown(struct buf *b, struct str s)
{
    struct buf shown = { 0 };
    text_show(&shown, s, 0);
    buf_putc(b, '"');
    put_rest(b, buf_str(&shown), put_ascii(b, buf_str(&shown)), true);
    b->failed |= shown.failed;
    buf_free(&shown);
}

void json_put_key(struct json_out *o, struct str key)
{
    comma(o);
    if (!put_quoted(o->b, key))
        put_shown(o->b, key);
    buf_putc(o->b, ':');
    o->comma = false;
}

void json_put_str(struct json_out *o, struct str s)
{
    comma(o);
    if (put_quoted(o->b, s))
        return;
    buf_putz(o->b, "{\"text\":");
    put_shown(o->b, s);
    buf_putz(o->b, ",\"bytes_hex\":\"");
    buf_put_hex(o->b, s.p, s.n);
    buf_putz(o->b, "\"}");
}

/* ---- the rest ----------------------------------------------------------- */

void json_put_i64(struct json_out *o, int64_t v)
{
    comma(o);
    buf_put_i64(o->b, v);
}

void json_put_u64(struct json_out *o, uint64_t v)
{
    comma(o);
    buf_put_u64(o->b, v);
}

void json_put_bool(struct json_out *o, bool v)
{
    comma(o);
    buf_putz(o->b, v ? "true" : "false");
}

void json_put_null(struct json_out *o)
{
    comma(o);
    buf_putz(o->b, "null");
}

void json_put_raw(struct json_out *o, struct str json)
{
    comma(o);
    buf_put(o->b, json);
}

void json_put_kstr(struct json_out *o, const char *key, struct str v)
{
    json_put_key(o, str_from(key));
    json_put_str(o, v);
}

void json_put_ki64(struct json_out *o, const char *key, int64_t v)
{
    json_put_key(o, str_from(key));
    json_put_i64(o, v);
}

void json_put_kbool(struct json_out *o, const char *key, bool v)
{
    json_put_key(o, str_from(key));
    json_put_bool(o, v);
}
