#include "base/str.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n ? memcmp(a.p, b.p, n) : 0;
    if (d)
        return d;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

/* Where the needle cannot begin, up to where the search has to go on byte by
 * byte. Looks at two bytes of the needle at 16 places at once: its first one,
 * and one from its middle, since many needles here begin and end with a quote.
 * Several times as fast as memmem on text without a hit, which is what the
 * probes of importers see most. */
static size_t skip_misses(struct str s, struct str needle, bool *hit)
{
    size_t at = 0;
    *hit = false;
#if defined(__SSE2__)
    size_t mid = needle.n / 2;
    __m128i first = _mm_set1_epi8(needle.p[0]);
    __m128i middle = _mm_set1_epi8(needle.p[mid]);
    for (; at + needle.n + 16 <= s.n; at += 16) {
        const char *p = s.p + at;
        __m128i a = _mm_loadu_si128((const void *)p);
        __m128i b = _mm_loadu_si128((const void *)(p + mid));
        unsigned may = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, middle)));
        for (; may; may &= may - 1) {
            size_t i = (size_t)__builtin_ctz(may);
            if (str_same(p + i, needle.p, needle.n)) {
                *hit = true;
                return at + i;
            }
        }
    }
#endif
    return at;
}

size_t str_find(struct str s, struct str needle)
{
    bool found;
    if (needle.n == 0)
        return 0;
    if (needle.n > s.n)
        return SIZE_MAX;
    size_t at = skip_misses(s, needle, &found);
    if (found)
        return at;
    const char *hit = memmem(s.p + at, s.n - at, needle.p, needle.n);
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

size_t str_ifind(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    for (size_t i = 0; i + needle.n <= s.n; i++)
        if (lower(s.p[i]) == lower(needle.p[0]) &&
            str_ieq(str_sub(s, i, needle.n), needle))
            return i;
    return SIZE_MAX;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n && is_blank(s.p[0]))
        s = str_sub(s, 1, s.n);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_u64(struct str s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    *out = v;
    return true;
}

bool str_glob(struct str pattern, struct str s, bool fold)
{
    size_t pi = 0, si = 0, star = SIZE_MAX, mark = 0;
    while (si < s.n) {
        size_t next = pi + 1;
        bool literal = pi < pattern.n;
        char c = literal ? pattern.p[pi] : 0;
        if (literal && c == '*') {
            star = pi++;
            mark = si;
            continue;
        }
        if (literal && c == '\\' && next < pattern.n &&
            pattern.p[next] == '*') {
            c = '*';
            next++;
        }
        if (literal && (c == s.p[si] || (fold && lower(c) == lower(s.p[si])))) {
            pi = next;
            si++;
        } else if (star != SIZE_MAX) {
            pi = star + 1;
            si = ++mark;
        } else {
            return false;
        }
    }
    while (pi < pattern.n && pattern.p[pi] == '*')
        pi++;
    return pi == pattern.n;
}

/* ---- arena -------------------------------------------------------------- */

struct arena_block {
    struct arena_block *next;
    size_t cap, at;
    _Alignas(16) char bytes[];
};

enum { ARENA_BLOCK = 64 * 1024 };

void *arena_alloc(struct arena *a, size_t n)
{
    size_t need;
    if (__builtin_add_overflow(n, (size_t)15, &need))
        return NULL;
    need &= ~(size_t)15;
    if (need == 0)
        need = 16;
    if (a->limit && (need > a->limit || a->used > a->limit - need))
        return NULL;
    struct arena_block *b = a->head;
    if (!b || b->cap - b->at < need) {
        size_t cap = need > ARENA_BLOCK ? need : ARENA_BLOCK;
        size_t total;
        if (__builtin_add_overflow(cap, sizeof(*b), &total))
            return NULL;
        b = malloc(total);
        if (!b)
            return NULL;
        b->cap = cap;
        b->at = 0;
        b->next = a->head;
        a->head = b;
    }
    void *p = b->bytes + b->at;
    b->at += need;
    a->used += need;
    memset(p, 0, need);
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        return NULL;
    return arena_alloc(a, n);
}

struct str arena_copy(struct arena *a, struct str s)
{
    if (s.n == SIZE_MAX)
        return STR_NONE;
    char *p = arena_alloc(a, s.n + 1);
    if (!p)
        return STR_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){ p, s.n };
}

void arena_reset(struct arena *a)
{
    struct arena_block *b = a->head;
    while (b && b->next) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    if (b && b->cap > (size_t)ARENA_BLOCK) {
        free(b);
        b = NULL;
    }
    if (b)
        b->at = 0;
    a->head = b;
    a->used = 0;
}

void arena_free(struct arena *a)
{
    while (a->head) {
        struct arena_block *next = a->head->next;
        free(a->head);
        a->head = next;
    }
    a->used = 0;
}

/* ---- buf ---------------------------------------------------------------- */

bool buf_reserve(struct buf *b, size_t n)
{
    size_t need;
    if (__builtin_add_overflow(b->n, n, &need)) {
        b->failed = true;
        return false;
    }
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    char *p = realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_put(struct buf *b, struct str s)
{
    if (s.n && buf_reserve(b, s.n)) {
        memcpy(b->p + b->n, s.p, s.n);
        b->n += s.n;
    }
}

void buf_putz(struct buf *b, const char *z)
{
    buf_put(b, str_from(z));
}

void buf_put_u64(struct buf *b, uint64_t v)
{
    char tmp[20];
    size_t at = sizeof(tmp);
    do
        tmp[--at] = (char)('0' + v % 10);
    while (v /= 10);
    buf_put(b, (struct str){ tmp + at, sizeof(tmp) - at });
}

void buf_put_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_putc(b, '-');
    buf_put_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_put_hex(struct buf *b, const void *p, size_t n)
{
    static const char digit[] = "0123456789abcdef";
    const unsigned char *c = p;
    if (n > SIZE_MAX / 2 || !buf_reserve(b, 2 * n)) {
        b->failed = true;
        return;
    }
    char *out = b->p + b->n;
    for (size_t i = 0; i < n; i++) {
        *out++ = digit[c[i] >> 4];
        *out++ = digit[c[i] & 15];
    }
    b->n += 2 * n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !buf_reserve(b, (size_t)n + 1))
        return;
    va_start(ap, fmt);
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){ 0 };
}

struct str buf_to_arena(struct buf *b, struct arena *a)
{
    struct str s = arena_copy(a, buf_str(b));
    buf_free(b);
    return s;
}
