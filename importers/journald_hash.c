#include "importers/journald_hash.h"

#include "base/varint.h"

static uint64_t left64(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = left64(v[1], 13) ^ v[0];
    v[0] = left64(v[0], 32);
    v[2] += v[3];
    v[3] = left64(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = left64(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = left64(v[1], 17) ^ v[2];
    v[2] = left64(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t m)
{
    v[3] ^= m;
    sip_round(v);
    sip_round(v);
    v[0] ^= m;
}

uint64_t journald_siphash(struct str s, const unsigned char key[16])
{
    uint64_t k0 = u64le(key), k1 = u64le(key + 8);
    uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
                      k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
    uint64_t last = (uint64_t)s.n << 56;
    size_t at = 0;
    for (; s.n - at >= 8; at += 8)
        sip_word(v, u64le(s.p + at));
    for (size_t i = 0; at + i < s.n; i++)
        last |= (uint64_t)(unsigned char)s.p[at + i] << 8 * i;
    sip_word(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t left32(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static void jenkins_mix(uint32_t *a, uint32_t *b, uint32_t *c)
{
    *a = (*a - *c) ^ left32(*c, 4);
    *c += *b;
    *b = (*b - *a) ^ left32(*a, 6);
    *a += *c;
    *c = (*c - *b) ^ left32(*b, 8);
    *b += *a;
    *a = (*a - *c) ^ left32(*c, 16);
    *c += *b;
    *b = (*b - *a) ^ left32(*a, 19);
    *a += *c;
    *c = (*c - *b) ^ left32(*b, 4);
    *b += *a;
}

static void jenkins_final(uint32_t *a, uint32_t *b, uint32_t *c)
{
    *c = (*c ^ *b) - left32(*b, 14);
    *a = (*a ^ *c) - left32(*c, 11);
    *b = (*b ^ *a) - left32(*a, 25);
    *c = (*c ^ *b) - left32(*b, 16);
    *a = (*a ^ *c) - left32(*c, 4);
    *b = (*b ^ *a) - left32(*a, 14);
    *c = (*c ^ *b) - left32(*b, 24);
}

uint64_t journald_jenkins(struct str s)
{
    uint32_t a, b, c;
    unsigned char last[12] = { 0 };
    size_t at = 0;
    a = b = c = 0xdeadbeefu + (uint32_t)s.n;
    for (; s.n - at > 12; at += 12) {
        a += u32le(s.p + at);
        b += u32le(s.p + at + 4);
        c += u32le(s.p + at + 8);
        jenkins_mix(&a, &b, &c);
    }
    if (s.n) {
        memcpy(last, s.p + at, s.n - at);
        a += u32le(last);
        b += u32le(last + 4);
        c += u32le(last + 8);
        jenkins_final(&a, &b, &c);
    }
    return (uint64_t)c << 32 | b;
}
