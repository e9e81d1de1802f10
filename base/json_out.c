#include "base/json.h"
#include "base/text.h"
#include "base/text_table.h"

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

static void put_escape(struct buf *b, uint32_t cp)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *hit = cp && cp < 0x80 ? strchr(from, (int)cp) : NULL;
    if (hit) {
        buf_putc(b, '\\');
        buf_putc(b, to[hit - from]);
    } else if (cp < 0x10000) {
        put_unit(b, cp);
    } else {
        put_unit(b, 0xd800 + ((cp - 0x10000) >> 10));
        put_unit(b, 0xdc00 + (cp & 0x3ff));
    }
}

/* Length of the character at the start of s; *plain when it stays as it is.
 * What a terminal or a page could obey or hide is escaped, which is still the
 * same JSON string. */
static unsigned look(struct str s, uint32_t *cp, bool *plain)
{
    unsigned char c = (unsigned char)s.p[0];
    *cp = c;
    *plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<';
    if (c < 0x80)
        return 1;
    unsigned n = text_utf8(str_sub(s, 0, 4), cp);
    *plain = text_point(*cp).class != TEXT_ESCAPE;
    return n ? n : 1;
}

/* s is valid UTF-8; `shown` when it has passed text_show already. */
static void put_quoted(struct buf *b, struct str s, bool shown)
{
    size_t from = 0;
    buf_putc(b, '"');
    for (size_t at = 0; at < s.n;) {
        uint32_t cp;
        bool plain;
        unsigned n = look(str_sub(s, at, s.n), &cp, &plain);
        if (!plain && !(shown && cp >= 0x80)) {
            buf_put(b, str_sub(s, from, at - from));
            put_escape(b, cp);
            from = at + n;
        }
        at += n;
    }
    buf_put(b, str_sub(s, from, s.n));
    buf_putc(b, '"');
}

static void put_shown(struct buf *b, struct str s)
{
    struct buf shown = { 0 };
    text_show(&shown, s, 0);
    put_quoted(b, buf_str(&shown), true);
    b->failed |= shown.failed;
    buf_free(&shown);
}

void json_put_key(struct json_out *o, struct str key)
{
    comma(o);
    if (text_utf8_valid(key))
        put_quoted(o->b, key, false);
    else
        put_shown(o->b, key);
    buf_putc(o->b, ':');
    o->comma = false;
}

void json_put_str(struct json_out *o, struct str s)
{
    comma(o);
    if (text_utf8_valid(s)) {
        put_quoted(o->b, s, false);
        return;
    }
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
