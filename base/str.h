/*
 * Byte strings, growing buffers and arenas.
 *
 * A struct str is a view: pointer and length, bytes (not necessarily UTF-8,
 * may hold NUL), never owned, never assumed to end in NUL.
 *
 * Ownership in one sentence: what a function returns lives in the arena it
 * was given, what an _open function returns is closed by the caller, all else
 * is borrowed for the call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* For large local arrays on hot paths: the build zeroes locals otherwise
 * (-ftrivial-auto-var-init), which costs more than filling them. */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#else
#define UNINITIALIZED
#endif

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_NONE     ((struct str){ NULL, 0 })
/* for printf("%.*s"): text of our own only, never evidence */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_from(const char *z)
{
    return (struct str){ z, z ? strlen(z) : 0 };
}

/* memcmp(a, b, n) == 0. Most texts are short, and for them a call costs more
 * than the comparison. */
static inline bool str_same(const char *a, const char *b, size_t n)
{
    uint64_t a0, b0, a1, b1;
    if (n < 8 || n > 16) {
        if (n > 16)
            return memcmp(a, b, n) == 0;
        for (size_t i = 0; i < n; i++)
            if (a[i] != b[i])
                return false;
        return true;
    }
    memcpy(&a0, a, 8);
    memcpy(&b0, b, 8);
    memcpy(&a1, a + n - 8, 8);
    memcpy(&b1, b + n - 8, 8);
    return ((a0 ^ b0) | (a1 ^ b1)) == 0;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && str_same(a.p, b.p, a.n);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n &&
           (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 ||
            memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* Part of s from `from` on, at most n bytes; clipped, never outside s. */
static inline struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from > s.n)
        from = s.n;
    if (n > s.n - from)
        n = s.n - from;
    return (struct str){ from ? s.p + from : s.p, n }; /* p may be NULL */
}

/* Bytewise order, a prefix sorts first. */
int str_cmp(struct str a, struct str b);
/* Equality and search that fold ASCII letters only. */
bool str_ieq(struct str a, struct str b);
/* Offset of the first occurrence of needle in s, or SIZE_MAX. */
size_t str_find(struct str s, struct str needle);
size_t str_ifind(struct str s, struct str needle);
/* Without ASCII blanks (space, TAB, CR, LF) at both ends. */
struct str str_trim(struct str s);
/* Unsigned decimal of the whole of s; false when empty, other characters
 * occur, or it does not fit. */
bool str_u64(struct str s, uint64_t *out);
/* Value of a hex digit, -1 when it is none. */
static inline int str_hex(char c)
{
    char low = (char)(c | 0x20);
    if (c >= '0' && c <= '9')
        return c - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}
/* Shell-style match with `*` only; `\*` is a literal star; ASCII case folded
 * when `fold`. Linear time. */
bool str_glob(struct str pattern, struct str s, bool fold);

/* ---- arena: bump allocation, freed whole ------------------------------- */

struct arena {
    struct arena_block *head;
    size_t used;  /* bytes handed out since the last reset */
    size_t limit; /* 0 = none; above it allocation fails */
};

/* Memory is zeroed and aligned to 16. NULL when out of memory or above the
 * limit: an error to report, never an abort. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_array(struct arena *a, size_t count, size_t size);
/* A copy that also ends in NUL (not counted); p is NULL on failure. */
struct str arena_copy(struct arena *a, struct str s);
/* Forget everything, keep one block for reuse. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

/* ---- buf: a growing byte buffer ---------------------------------------- */

struct buf {
    char *p;
    size_t n;
    size_t cap;
    bool failed; /* sticky: an append did not fit in memory */
};

/* Room for n more bytes; false (and failed set) when out of memory. */
bool buf_reserve(struct buf *b, size_t n);
void buf_put(struct buf *b, struct str s);
void buf_putz(struct buf *b, const char *z);
static inline void buf_putc(struct buf *b, char c)
{
    if (b->n < b->cap || buf_reserve(b, 1))
        b->p[b->n++] = c;
}
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_i64(struct buf *b, int64_t v);
void buf_put_hex(struct buf *b, const void *p, size_t n);
/* printf for our own values; evidence goes through base/text.h. */
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){ b->p, b->n };
}
static inline void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}
void buf_free(struct buf *b);
/* Gives the bytes to an arena and empties the buffer. */
struct str buf_to_arena(struct buf *b, struct arena *a);
