#include "base/json.h"
#include "base/text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* What may come next. */
enum state {
    START,       /* the value */
    MEMBER,      /* the value of a key */
    FIRST_VALUE, /* a value or ']' */
    FIRST_KEY,   /* a key or '}' */
    AFTER,       /* ',' or the end of the container */
    DONE,
    FAILED,
};

enum { IN_ARRAY = 0, IN_OBJECT = 1 };

#define INLINE static inline __attribute__((always_inline))
#define COLD   __attribute__((cold, noinline))

void json_open(struct json *j, struct str s)
{
    *j = (struct json){ .base = s.p, .p = s.p, .end = s.p + s.n };
}

/* An error at the end of the input means that the text was cut off. */
COLD static enum json_type fail(struct json *j, const char *at,
                                const char *words)
{
    j->state = FAILED;
    j->p = at;
    j->at = (size_t)(at - j->base);
    j->error = at == j->end ? "the text ends too early" : words;
    j->text = STR_NONE;
    return JSON_ERROR;
}

/* ---- lexical parts ------------------------------------------------------ */

INLINE bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

INLINE const char *skip_blank(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

INLINE bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

#if defined(__SSE2__)
/* Bits for those of 16 bytes that may end a run of plain characters in a
 * string: quote, backslash, control. */
INLINE unsigned stops_of(__m128i v)
{
    __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    __m128i low = _mm_min_epu8(v, _mm_set1_epi8(31));
    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(low, v));
    return (unsigned)_mm_movemask_epi8(stop);
}
#endif

/* The first quote, backslash or control character, or end. *high gets bits
 * when a byte >= 0x80 lies before it. */
INLINE const char *plain_end(const char *p, const char *end, unsigned *high)
{
#if defined(__SSE2__)
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const void *)p);
        unsigned at = stops_of(v), top = (unsigned)_mm_movemask_epi8(v);
        if (at) {
            *high |= top & ((at & -at) - 1);
            return p + __builtin_ctz(at);
        }
        *high |= top;
    }
#endif
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20)
            break;
        *high |= c & 0x80;
    }
    return p;
}

/* Value of four hex digits, or -1. */
static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = str_hex(p[i]);
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

static bool is_high(int u)
{
    return u >= 0xd800 && u <= 0xdbff;
}

static bool is_low(int u)
{
    return u >= 0xdc00 && u <= 0xdfff;
}

/* p is at a backslash: the end of the escape (of both escapes, when they are
 * a surrogate pair), or NULL and the failure is set. */
__attribute__((noinline)) static const char *
escape_end(struct json *j, const char *p, unsigned *flags)
{
    const char *end = j->end;
    *flags |= JSON_ESCAPED;
    if (end - p < 2) {
        fail(j, end, "");
        return NULL;
    }
    if (p[1] != 'u') {
        if (p[1] && strchr("\"\\/bfnrt", p[1]))
            return p + 2;
        fail(j, p + 1, "no such escape in a string");
        return NULL;
    }
    int u = hex4(p + 2, end);
    if (u < 0) {
        for (p += 2; p < end && str_hex(*p) >= 0;)
            p++;
        fail(j, p, "\\u without four hex digits");
        return NULL;
    }
    p += 6;
    if (is_high(u) && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
        is_low(hex4(p + 2, end)))
        return p + 6;
    if (is_high(u) || is_low(u))
        *flags |= JSON_SURROGATE;
    return p;
}

/* p is at what ended a run of plain characters: the place where the string
 * goes on, the closing quote itself, or NULL and the failure is set. */
INLINE const char *pass_stop(struct json *j, const char *p, unsigned *flags)
{
    if (p < j->end && *p == '"')
        return p;
    if (p < j->end && *p == '\\')
        return escape_end(j, p, flags);
    fail(j, p, "control character in a string");
    return NULL;
}

/* p is after the opening quote: the closing quote, or NULL and the failure is
 * set. */
INLINE const char *string_end(struct json *j, const char *p, unsigned *flags,
                              unsigned *high)
{
    for (;;) {
        const char *stop = plain_end(p, j->end, high);
        p = pass_stop(j, stop, flags);
        if (p == stop || !p)
            return p;
    }
}

INLINE const char *digits_end(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

/* p is at '-' or a digit: the end of the number, or NULL and the failure is
 * set. */
INLINE const char *number_end(struct json *j, const char *p)
{
    const char *end = j->end;
    p += *p == '-';
    const char *whole = p;
    p = p < end && *p == '0' ? p + 1 : digits_end(p, end);
    if (p == whole)
        goto bad;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = digits_end(p, end);
        if (p == fraction)
            goto bad;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        const char *exponent = p;
        p = digits_end(p, end);
        if (p == exponent)
            goto bad;
    }
    return p;
bad:
    fail(j, p, "a digit is missing in a number");
    return NULL;
}

/* p is at the first letter: the end of true, false or null, or NULL and the
 * failure is set. */
INLINE const char *word_end(struct json *j, const char *p, enum json_type *type)
{
    const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
    *type = *p == 't' ? JSON_TRUE : *p == 'f' ? JSON_FALSE : JSON_NULL;
    size_t n = *p == 'f' ? 5 : 4;
    if ((size_t)(j->end - p) >= n && memcmp(p, word, n) == 0)
        return p + n;
    while (p < j->end && *p == *word) {
        p++;
        word++;
    }
    fail(j, p, "not a value");
    return NULL;
}

/* ---- token by token ----------------------------------------------------- */

INLINE void after_value(struct json *j, const char *p)
{
    j->p = p;
    j->state = j->depth ? AFTER : DONE;
}

INLINE enum json_type open_container(struct json *j, const char *p)
{
    bool object = *p == '{';
    if (j->depth == JSON_DEPTH)
        return fail(j, p, "nested deeper than 256");
    j->stack[j->depth++] = object ? IN_OBJECT : IN_ARRAY;
    j->state = object ? FIRST_KEY : FIRST_VALUE;
    j->text = (struct str){ p, 1 };
    j->p = p + 1;
    return object ? JSON_OBJECT : JSON_ARRAY;
}

INLINE enum json_type close_container(struct json *j, const char *p)
{
    bool object = j->stack[j->depth - 1] == IN_OBJECT;
    if (p == j->end || *p != (object ? '}' : ']'))
        return fail(j, p,
                    object ? "',' or '}' expected" : "',' or ']' expected");
    j->depth--;
    j->text = (struct str){ p, 1 };
    j->start = (size_t)(p - j->base);
    after_value(j, p + 1);
    return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

/* p is after the opening quote. Fills text and flags, returns the place after
 * the closing quote. */
INLINE const char *read_string(struct json *j, const char *p)
{
    unsigned flags = 0, high = 0;
    const char *close = string_end(j, p, &flags, &high);
    if (!close)
        return NULL;
    j->text = (struct str){ p, (size_t)(close - p) };
    if (high && !text_utf8_valid(j->text))
        flags |= JSON_BAD_UTF8;
    j->flags = flags;
    return close + 1;
}

INLINE enum json_type next_key(struct json *j, const char *p)
{
    if (p == j->end || *p != '"')
        return fail(j, p, "a key in quotes expected");
    j->start = (size_t)(p - j->base);
    p = read_string(j, p + 1);
    if (!p)
        return JSON_ERROR;
    p = skip_blank(p, j->end);
    if (p == j->end || *p != ':')
        return fail(j, p, "':' expected");
    j->p = p + 1;
    j->state = MEMBER;
    return JSON_KEY;
}

INLINE enum json_type next_value(struct json *j, const char *p)
{
    if (p == j->end)
        return fail(j, p, "");
    enum json_type type;
    const char *stop;
    j->start = (size_t)(p - j->base);
    switch (*p) {
    case '"':
        stop = read_string(j, p + 1);
        if (!stop)
            return JSON_ERROR;
        after_value(j, stop);
        return JSON_STRING;
    case '{':
    case '[':
        return open_container(j, p);
    case 't':
    case 'f':
    case 'n':
        stop = word_end(j, p, &type);
        break;
    default:
        if (*p != '-' && !is_digit(*p))
            return fail(j, p, "not a value");
        stop = number_end(j, p);
        type = JSON_NUMBER;
        break;
    }
    if (!stop)
        return JSON_ERROR;
    j->text = (struct str){ p, (size_t)(stop - p) };
    after_value(j, stop);
    return type;
}

INLINE enum json_type step(struct json *j)
{
    const char *p = skip_blank(j->p, j->end);
    j->flags = 0;
    switch ((enum state)j->state) {
    case AFTER:
        if (p == j->end || *p != ',')
            return close_container(j, p);
        p = skip_blank(p + 1, j->end);
        return j->stack[j->depth - 1] == IN_OBJECT ? next_key(j, p)
                                                   : next_value(j, p);
    case FIRST_KEY:
        return p < j->end && *p == '}' ? close_container(j, p) : next_key(j, p);
    case FIRST_VALUE:
        return p < j->end && *p == ']' ? close_container(j, p)
                                       : next_value(j, p);
    case START:
    case MEMBER:
        return next_value(j, p);
    case DONE:
        j->text = STR_NONE;
        j->start = (size_t)(j->p - j->base);
        return JSON_END;
    case FAILED:
        break;
    }
    return JSON_ERROR;
}

enum json_type json_next(struct json *j)
{
    return step(j);
}

enum json_type json_member(struct json *j)
{
    enum json_type type = step(j);
    j->key = STR_NONE;
    if (type != JSON_KEY)
        return type;
    j->key = j->text;
    j->key_flags = j->flags;
    j->flags = 0;
    return next_value(j, skip_blank(j->p, j->end));
}

size_t json_rest(struct json *j)
{
    return (size_t)(skip_blank(j->p, j->end) - j->base);
}

bool json_valid(struct str s, size_t *error_at, const char **error)
{
    struct json j;
    json_open(&j, s);
    enum json_type type = json_next(&j);
    if ((type == JSON_OBJECT || type == JSON_ARRAY) && !json_skip(&j))
        type = JSON_ERROR;
    if (type != JSON_ERROR && json_rest(&j) != s.n)
        fail(&j, s.p + json_rest(&j), "bytes after the value");
    if (error_at)
        *error_at = j.at;
    if (error)
        *error = j.error;
    return j.error == NULL;
}

/* ---- skipping ----------------------------------------------------------- */

/* 64 bytes that were looked at once. Where a string ends is then known
 * without waiting for memory again, which makes skipping a third faster.
 * (Token by token it gains nothing.) */
struct block {
    const char *at;
    uint64_t stops;
};

enum { BLOCK = 64 };

INLINE const char *block_stop(struct block *b, const char *p, const char *end)
{
    unsigned high = 0;
#if defined(__SSE2__)
    size_t in = (size_t)((uintptr_t)p - (uintptr_t)b->at);
    if (in < BLOCK) {
        uint64_t stops = b->stops >> in;
        if (stops)
            return p + __builtin_ctzll(stops);
        p += BLOCK - in;
    }
    for (; end - p >= BLOCK; p += BLOCK) {
        b->at = p;
        b->stops = 0;
        for (int i = 0; i < BLOCK; i += 16)
            b->stops |=
                (uint64_t)stops_of(_mm_loadu_si128((const void *)(p + i))) << i;
        if (b->stops)
            return p + __builtin_ctzll(b->stops);
    }
#else
    (void)b;
#endif
    return plain_end(p, end, &high);
}

/* As string_end. */
INLINE const char *skip_string(struct json *j, const char *p, struct block *b)
{
    unsigned flags = 0;
    for (;;) {
        const char *stop = block_stop(b, p, j->end);
        p = pass_stop(j, stop, &flags);
        if (p == stop || !p)
            return p;
    }
}

/* p is where a key must be: the place of its value, or NULL. */
INLINE const char *skip_key(struct json *j, const char *p, struct block *b)
{
    if (p == j->end || *p != '"') {
        fail(j, p, "a key in quotes expected");
        return NULL;
    }
    p = skip_string(j, p + 1, b);
    if (!p)
        return NULL;
    p = skip_blank(p + 1, j->end);
    if (p == j->end || *p != ':') {
        fail(j, p, "':' expected");
        return NULL;
    }
    return skip_blank(p + 1, j->end);
}

INLINE const char *skip_scalar(struct json *j, const char *p, struct block *b)
{
    enum json_type type;
    if (p == j->end) {
        fail(j, p, "");
        return NULL;
    }
    if (*p == '-' || is_digit(*p))
        return number_end(j, p);
    if (*p != '"')
        return word_end(j, p, &type);
    p = skip_string(j, p + 1, b);
    return p ? p + 1 : NULL;
}

/* p is at '{' or '[' of a new container: the place of its first value, or of
 * its end when it is empty, or NULL. */
INLINE const char *skip_open(struct json *j, const char *p, struct block *b,
                             bool *empty)
{
    bool object = *p == '{';
    if (j->depth == JSON_DEPTH) {
        fail(j, p, "nested deeper than 256");
        return NULL;
    }
    j->stack[j->depth++] = object ? IN_OBJECT : IN_ARRAY;
    p = skip_blank(p + 1, j->end);
    *empty = p < j->end && *p == (object ? '}' : ']');
    return object && !*empty ? skip_key(j, p, b) : p;
}

/* p is after a value: closes what ends here; the place of the next value, or
 * of the byte after the last container (depth is `floor` then), or NULL. */
INLINE const char *skip_after(struct json *j, const char *p, struct block *b,
                              unsigned floor)
{
    while (j->depth > floor) {
        bool object = j->stack[j->depth - 1] == IN_OBJECT;
        p = skip_blank(p, j->end);
        if (p < j->end && *p == ',') {
            p = skip_blank(p + 1, j->end);
            return object ? skip_key(j, p, b) : p;
        }
        if (close_container(j, p) == JSON_ERROR)
            return NULL;
        p++;
    }
    return p;
}

/* The same grammar as above without tokens: one value at p, in a container
 * of depth `floor`. */
static bool skip_value(struct json *j, const char *p)
{
    unsigned floor = j->depth;
    struct block b = { 0 };
    do {
        if (p < j->end && (*p == '{' || *p == '[')) {
            bool empty;
            p = skip_open(j, p, &b, &empty);
            if (p && !empty)
                continue;
        } else {
            p = skip_scalar(j, p, &b);
        }
        if (!p)
            return false;
        p = skip_after(j, p, &b, floor);
        if (!p)
            return false;
    } while (j->depth > floor);
    after_value(j, p);
    return true;
}

bool json_skip(struct json *j)
{
    switch ((enum state)j->state) {
    case FIRST_KEY:
    case FIRST_VALUE:
        /* The bracket is the byte before; take the container as a whole. */
        j->depth--;
        return skip_value(j, j->p - 1);
    case MEMBER:
        return skip_value(j, skip_blank(j->p, j->end));
    default:
        return j->state != FAILED;
    }
}

/* ---- values ------------------------------------------------------------- */

enum json_type json_take(struct json *j, struct str *out, unsigned *flags)
{
    enum json_type type = json_next(j);
    const char *from = j->base + j->start;
    *out = j->text;
    if (flags)
        *flags = j->flags;
    if (type != JSON_OBJECT && type != JSON_ARRAY)
        return type;
    if (!json_skip(j))
        return JSON_ERROR;
    *out = (struct str){ from, (size_t)(j->p - from) };
    return type;
}

/* One character of a string's bytes at *at: an escape (or pair of them)
 * decoded into out, or one byte as it is. Returns its length. */
static unsigned unescape(struct str raw, size_t *at, char out[4])
{
    const char *p = raw.p + *at, *end = raw.p + raw.n;
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    if (*p != '\\' || end - p < 2) {
        out[0] = *p;
        *at += 1;
        return 1;
    }
    int u = p[1] == 'u' ? hex4(p + 2, end) : -1;
    if (u < 0) {
        const char *hit = p[1] ? strchr(from, p[1]) : NULL;
        out[0] = hit ? to[hit - from] : p[1];
        *at += 2;
        return 1;
    }
    *at += 6;
    uint32_t cp = (uint32_t)u;
    if (is_high(u) && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        int low = hex4(p + 8, end);
        if (is_low(low)) {
            cp = 0x10000 + ((cp - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
            *at += 6;
        }
    }
    return text_utf8_put(out, cp);
}

bool json_decode(struct str raw, struct arena *a, struct str *out)
{
    *out = raw;
    if (raw.n == 0 || !memchr(raw.p, '\\', raw.n))
        return true;
    /* Decoding never makes a text longer; 4 spare bytes let the decoder
     * write before it counts. */
    char *p = raw.n < SIZE_MAX - 4 ? arena_alloc(a, raw.n + 4) : NULL;
    if (!p)
        return false;
    size_t n = 0;
    for (size_t at = 0; at < raw.n;)
        n += unescape(raw, &at, p + n);
    *out = (struct str){ p, n };
    return true;
}

bool json_text_is(struct str raw, unsigned flags, struct str text)
{
    if (!(flags & JSON_ESCAPED))
        return str_eq(raw, text);
    char c[4];
    size_t done = 0;
    for (size_t at = 0; at < raw.n;) {
        unsigned n = unescape(raw, &at, c);
        if (n > text.n - done || memcmp(text.p + done, c, n) != 0)
            return false;
        done += n;
    }
    return done == text.n;
}

bool json_i64(struct str number, int64_t *out)
{
    uint64_t v;
    bool minus = number.n && number.p[0] == '-';
    if (!str_u64(str_sub(number, minus, number.n), &v) ||
        v > (uint64_t)INT64_MAX + minus)
        return false;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

enum json_type json_get(struct str object, struct str key, struct str *out,
                        unsigned *flags)
{
    struct json j;
    struct str value;
    unsigned value_flags;
    enum json_type found = JSON_END, type;
    json_open(&j, object);
    *out = STR_NONE;
    if (json_next(&j) != JSON_OBJECT)
        return j.error ? JSON_ERROR : JSON_END;
    while ((type = json_next(&j)) == JSON_KEY) {
        bool hit = json_text_is(j.text, j.flags, key);
        type = json_take(&j, &value, &value_flags);
        if (type == JSON_ERROR)
            return JSON_ERROR;
        if (!hit)
            continue;
        found = type;
        *out = value;
        if (flags)
            *flags = value_flags;
    }
    return type == JSON_ERROR ? JSON_ERROR : found;
}

static enum json_type element(struct str array, uint64_t index, struct str *out,
                              unsigned *flags)
{
    struct json j;
    enum json_type type;
    json_open(&j, array);
    json_next(&j);
    do
        type = json_take(&j, out, flags);
    while (type != JSON_ERROR && type != JSON_ARRAY_END && index--);
    if (type != JSON_ARRAY_END)
        return type;
    *out = STR_NONE;
    return JSON_END;
}

enum json_type json_path(struct str object, struct str path, struct str *out,
                         unsigned *flags)
{
    enum json_type type = JSON_OBJECT;
    *out = object;
    while (path.n) {
        const char *dot = memchr(path.p, '.', path.n);
        size_t n = dot ? (size_t)(dot - path.p) : path.n;
        struct str step = str_sub(path, 0, n), inside = str_trim(*out);
        uint64_t index;
        path = str_sub(path, n + 1, path.n);
        if (type != JSON_OBJECT && type != JSON_ARRAY)
            type = JSON_END;
        else if (inside.n == 0 || inside.p[0] != '[')
            type = json_get(inside, step, out, flags);
        else if (str_u64(step, &index))
            type = element(inside, index, out, flags);
        else
            type = JSON_END;
        if (type == JSON_END)
            *out = STR_NONE;
        if (type == JSON_END || type == JSON_ERROR)
            break;
    }
    return type;
}
