/*
 * JSON: a pull scanner over bytes in memory (RFC 8259 grammar, strict), and
 * a small writer. The scanner copies nothing and does not recurse; strings
 * come as the bytes between the quotes, undecoded.
 *
 * Strict grammar and tolerance of bytes do not conflict: bytes in strings
 * that are not UTF-8, lone surrogate escapes and numbers out of range are
 * accepted and flagged; everything that RFC 8259 forbids is refused with the
 * offset. Depth is limited to JSON_DEPTH.
 */
#pragma once

#include "base/str.h"

enum { JSON_DEPTH = 256 };

enum json_type {
    JSON_ERROR = 0, /* json.error says what, json.at where */
    JSON_END,       /* end of the value / of the input */
    JSON_OBJECT,    /* '{' */
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY, /* text = bytes of the key; the value follows */
    JSON_STRING,
    JSON_NUMBER, /* text = its characters */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

enum json_flag {
    JSON_ESCAPED = 1,  /* this string has backslash escapes */
    JSON_BAD_UTF8 = 2, /* this string has bytes that are not UTF-8 */
    JSON_SURROGATE = 4 /* a lone or inverted \uD800..DFFF escape */
};

struct json {
    const char *base; /* start of the input */
    const char *p;    /* next byte */
    const char *end;
    struct str text;   /* of the current token */
    struct str key;    /* json_member: of the value; else not set */
    size_t start;      /* offset of the current token's first byte */
    unsigned flags;    /* of the current token */
    unsigned key_flags;
    unsigned depth;    /* open containers */
    const char *error; /* NULL or our words */
    size_t at;         /* offset of the error */
    uint8_t state;     /* what may come next */
    uint8_t stack[JSON_DEPTH];
};

/* Start at the value at s.p (white space before it is skipped, a byte order
 * mark is not). One value is read; then JSON_END. Bytes after it are not
 * looked at: json_rest. An error whose `at` is the length of s means that the
 * text was cut off. */
void json_open(struct json *j, struct str s);
enum json_type json_next(struct json *j);
/* json_next, but a key comes together with its value: in `key` and
 * `key_flags`. All else (and the values of arrays) has a NULL key. */
enum json_type json_member(struct json *j);
/* After JSON_OBJECT or JSON_ARRAY: skip to after its end. After JSON_KEY:
 * skip its value. Else nothing. False on a syntax error. Fast path. */
bool json_skip(struct json *j);
/* json_next and json_skip in one: containers whole (from bracket to bracket),
 * all else as json_next. */
enum json_type json_take(struct json *j, struct str *out, unsigned *flags);
/* Offset of the first byte after what has been read, white space skipped. */
size_t json_rest(struct json *j);
/* The whole of s is exactly one JSON value (what JSONTestSuite asks). */
bool json_valid(struct str s, size_t *error_at, const char **error);

/* Decode the escapes of a string's bytes into the arena; without a backslash
 * the bytes themselves are returned. A lone surrogate becomes its WTF-8
 * (three-byte) form, \u0000 a NUL byte. False only when out of memory. */
bool json_decode(struct str raw, struct arena *a, struct str *out);
/* Does the raw key/string, after decoding, equal `text`? No allocation. */
bool json_text_is(struct str raw, unsigned flags, struct str text);
/* Integer value of a number token; false when it has a fraction, an exponent
 * or does not fit. */
bool json_i64(struct str number, int64_t *out);

/* Find a direct member of the object whose bytes are `object` ('{'..'}');
 * returns type and raw text (strings without quotes, containers whole).
 * JSON_END when absent. The last of duplicate keys wins. For cold paths. */
enum json_type json_get(struct str object, struct str key, struct str *out,
                        unsigned *flags);
/* Same with a path "a.b.c" through nested objects (array: decimal index). */
enum json_type json_path(struct str object, struct str path, struct str *out,
                         unsigned *flags);

/* ---- writer ------------------------------------------------------------- */

/* Builds one JSON text in buf; commas are put by itself. */
struct json_out {
    struct buf *b;
    bool comma; /* the next item needs one */
};

void json_put_open(struct json_out *o, char bracket); /* '{' or '[' */
void json_put_close(struct json_out *o, char bracket);
void json_put_key(struct json_out *o, struct str key);
/* Bytes from evidence or us. Valid UTF-8: a string, in which quotes,
 * backslash, C0, DEL, '<' and all that text_show() would write as \u{HEX} for
 * its own sake (C1, bidi, U+2028, unassigned...) are escaped. Else the object
 * {"text": display form, "bytes_hex": "..."}; so nothing is lost and the
 * output is valid. A key that is not UTF-8 becomes its display form. */
void json_put_str(struct json_out *o, struct str s);
void json_put_i64(struct json_out *o, int64_t v);
void json_put_u64(struct json_out *o, uint64_t v);
void json_put_bool(struct json_out *o, bool v);
void json_put_null(struct json_out *o);
/* Text that is JSON already (checked by the caller). */
void json_put_raw(struct json_out *o, struct str json);
/* shorthand: key and value */
void json_put_kstr(struct json_out *o, const char *key, struct str v);
void json_put_ki64(struct json_out *o, const char *key, int64_t v);
void json_put_kbool(struct json_out *o, const char *key, bool v);
