/* LEB128 varints, zigzag, and little/big-endian loads: the only way bytes
 * become integers. A cursor's reads after the end give 0 and set `failed`. */
#pragma once

#include "base/str.h"

static inline uint16_t u16le(const void *p)
{
    const unsigned char *c = p;
    return (uint16_t)(c[0] | c[1] << 8);
}
static inline uint32_t u32le(const void *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}
static inline uint64_t u64le(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}
static inline uint16_t u16be(const void *p)
{
    return __builtin_bswap16(u16le(p));
}
static inline uint32_t u32be(const void *p)
{
    return __builtin_bswap32(u32le(p));
}
static inline uint64_t u64be(const void *p)
{
    return __builtin_bswap64(u64le(p));
}
static inline void put_u32le(void *p, uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    memcpy(p, &v, 4);
}
static inline void put_u64le(void *p, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(p, &v, 8);
}

static inline uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}
static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Writes 1..10 bytes, returns the end. */
static inline unsigned char *varint_put(unsigned char *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (unsigned char)(v | 0x80);
        v >>= 7;
    }
    *p++ = (unsigned char)v;
    return p;
}

struct cursor {
    const unsigned char *p, *end;
    bool failed;
};

static inline struct cursor cursor_of(const void *p, size_t n)
{
    return (struct cursor){ p, (const unsigned char *)p + n, false };
}
static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->p);
}
static inline const unsigned char *cursor_take(struct cursor *c, size_t n)
{
    if (n > cursor_left(c)) {
        c->failed = true;
        return NULL;
    }
    const unsigned char *p = c->p;
    c->p += n;
    return p;
}
static inline uint8_t cursor_u8(struct cursor *c)
{
    const unsigned char *p = cursor_take(c, 1);
    return p ? *p : 0;
}
static inline uint16_t cursor_u16(struct cursor *c)
{
    const unsigned char *p = cursor_take(c, 2);
    return p ? u16le(p) : 0;
}
static inline uint32_t cursor_u32(struct cursor *c)
{
    const unsigned char *p = cursor_take(c, 4);
    return p ? u32le(p) : 0;
}
static inline uint64_t cursor_u64(struct cursor *c)
{
    const unsigned char *p = cursor_take(c, 8);
    return p ? u64le(p) : 0;
}
static inline struct str cursor_str(struct cursor *c, size_t n)
{
    const unsigned char *p = cursor_take(c, n);
    return (struct str){ (const char *)p, p ? n : 0 };
}
static inline uint64_t cursor_varint(struct cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; c->p < c->end && shift < 64; shift += 7) {
        unsigned char b = *c->p++;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return v;
    }
    c->failed = true;
    return 0;
}
