#include "base/hash.h"
#include "base/time.h"
#include "base/varint.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

/* ---- digests ------------------------------------------------------------ */

/* Fetching an algorithm costs more than hashing a short string, so it is done
 * once. The configuration file of the system is not read: results must not
 * depend on it, and a sealed worker could not open it. */
static struct {
    pthread_once_t once;
    pthread_key_t scratch; /* each thread's context for hash_sha256 */
    bool have_scratch;
    EVP_MD *md[HASH_COUNT];
} digests = { .once = PTHREAD_ONCE_INIT };

static void free_scratch(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static void fetch_all(void)
{
    static const char *const names[HASH_COUNT] = {
        [HASH_MD5] = "MD5",
        [HASH_SHA1] = "SHA1",
        [HASH_SHA256] = "SHA256",
    };
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    for (int i = 0; i < HASH_COUNT; i++)
        digests.md[i] = EVP_MD_fetch(NULL, names[i], NULL);
    digests.have_scratch =
        pthread_key_create(&digests.scratch, free_scratch) == 0;
}

bool hash_warm_up(void)
{
    unsigned char out[SHA256_LEN];
    pthread_once(&digests.once, fetch_all);
    for (int i = 0; i < HASH_COUNT; i++)
        if (!digests.md[i])
            return false;
    return hash_sha256(STR(""), out);
}

struct hasher {
    EVP_MD_CTX *ctx[HASH_COUNT];
    bool failed[HASH_COUNT];
};

static void start(struct hasher *h, int a)
{
    if (h->ctx[a])
        h->failed[a] = EVP_DigestInit_ex2(h->ctx[a], digests.md[a], NULL) != 1;
}

struct hasher *hasher_open(unsigned algo_mask)
{
    pthread_once(&digests.once, fetch_all);
    struct hasher *h = calloc(1, sizeof(*h));
    if (!h)
        return NULL;
    for (int a = 0; a < HASH_COUNT; a++) {
        if (!(algo_mask & 1u << a))
            continue;
        h->ctx[a] = digests.md[a] ? EVP_MD_CTX_new() : NULL;
        if (!h->ctx[a]) {
            hasher_close(h);
            return NULL;
        }
        start(h, a);
    }
    return h;
}

void hasher_add(struct hasher *h, const void *p, size_t n)
{
    /* In pieces, so that the second digest finds the bytes in the cache. */
    enum { PIECE = 16 * 1024 };
    const char *c = p;
    while (n) {
        size_t part = n < PIECE ? n : PIECE;
        for (int a = 0; a < HASH_COUNT; a++)
            if (h->ctx[a] && EVP_DigestUpdate(h->ctx[a], c, part) != 1)
                h->failed[a] = true;
        c += part;
        n -= part;
    }
}

size_t hasher_peek(const struct hasher *h, enum hash_algo a,
                   unsigned char out[32])
{
    struct hasher copy = { 0 };
    size_t n = 0;
    if ((unsigned)a >= HASH_COUNT || !h->ctx[a] || h->failed[a])
        return 0;
    copy.ctx[a] = EVP_MD_CTX_new();
    if (copy.ctx[a] && EVP_MD_CTX_copy_ex(copy.ctx[a], h->ctx[a]) == 1)
        n = hasher_end(&copy, a, out);
    EVP_MD_CTX_free(copy.ctx[a]);
    return n;
}

size_t hasher_end(struct hasher *h, enum hash_algo a, unsigned char out[32])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if ((unsigned)a >= HASH_COUNT || !h->ctx[a] || h->failed[a] ||
        EVP_DigestFinal_ex(h->ctx[a], digest, &n) != 1 || n > 32)
        return 0;
    h->failed[a] = true; /* until hasher_reset */
    memcpy(out, digest, n);
    return n;
}

void hasher_reset(struct hasher *h)
{
    for (int a = 0; a < HASH_COUNT; a++)
        start(h, a);
}

void hasher_close(struct hasher *h)
{
    for (int a = 0; h && a < HASH_COUNT; a++)
        EVP_MD_CTX_free(h->ctx[a]);
    free(h);
}

static EVP_MD_CTX *scratch(void)
{
    pthread_once(&digests.once, fetch_all);
    if (!digests.have_scratch || !digests.md[HASH_SHA256])
        return NULL;
    EVP_MD_CTX *ctx = pthread_getspecific(digests.scratch);
    if (!ctx) {
        ctx = EVP_MD_CTX_new();
        if (ctx && pthread_setspecific(digests.scratch, ctx) != 0) {
            EVP_MD_CTX_free(ctx);
            return NULL;
        }
    }
    return ctx;
}

bool hash_sha256(struct str s, unsigned char out[SHA256_LEN])
{
    EVP_MD_CTX *ctx = scratch();
    if (ctx && EVP_DigestInit_ex2(ctx, digests.md[HASH_SHA256], NULL) == 1 &&
        EVP_DigestUpdate(ctx, s.p, s.n) == 1 &&
        EVP_DigestFinal_ex(ctx, out, NULL) == 1)
        return true;
    memset(out, 0, SHA256_LEN);
    return false;
}

bool hash_from_hex(struct str hex, unsigned char *out, size_t n)
{
    if (hex.n / 2 != n || hex.n % 2)
        return false;
    for (size_t i = 0; i < n; i++) {
        int hi = str_hex(hex.p[2 * i]), lo = str_hex(hex.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (unsigned char)(hi << 4 | lo);
    }
    return true;
}

/* ---- keyed 64-bit hash -------------------------------------------------- */

/*
 * A 64x64 -> 128 bit product whose halves are folded together mixes every bit
 * of both factors into the result (the construction of wyhash). The key
 * enters each factor, so that evidence cannot choose one of them to be zero
 * or aim at a bucket without knowing it. Not a cryptographic digest.
 */
static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t m = (__uint128_t)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

#define C0 UINT64_C(0x9e3779b97f4a7c15)
#define C1 UINT64_C(0xd1b54a32d192ed03)
#define C2 UINT64_C(0x8cb92ba72f3d8dd7)

/* Four independent products a round keep the multiplier busy. */
static uint64_t mix_long(const struct hash_key *k, uint64_t seed,
                         const unsigned char **at, size_t *n)
{
    uint64_t k0 = k->k[0], k1 = k->k[1], s0 = seed, s1 = seed ^ C0;
    uint64_t s2 = seed ^ C1, s3 = seed ^ C2;
    const unsigned char *p = *at;
    size_t left = *n;
    for (; left > 64; left -= 64, p += 64) {
        s0 = mix(u64le(p) ^ k0, u64le(p + 8) ^ s0);
        s1 = mix(u64le(p + 16) ^ k1, u64le(p + 24) ^ s1);
        s2 = mix(u64le(p + 32) ^ (k0 ^ C1), u64le(p + 40) ^ s2);
        s3 = mix(u64le(p + 48) ^ (k1 ^ C2), u64le(p + 56) ^ s3);
    }
    *at = p;
    *n = left;
    return mix(s0 ^ k1, s1 ^ C0) ^ mix(s2 ^ k0, s3 ^ C1);
}

uint64_t hash_bytes(const struct hash_key *k, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    size_t len = n;
    uint64_t k0 = k->k[0], k1 = k->k[1], seed = k1 ^ mix(k0 ^ len, C0);
    uint64_t a = 0, b = 0;
    if (n > 64)
        seed = mix_long(k, seed, &p, &n);
    while (n > 16) {
        seed = mix(u64le(p) ^ k1, u64le(p + 8) ^ seed);
        p += 16;
        n -= 16;
    }
    /* The last 0..16 bytes as two words that may overlap. */
    if (n >= 8) {
        a = u64le(p);
        b = u64le(p + n - 8);
    } else if (n >= 4) {
        a = u32le(p);
        b = u32le(p + n - 4);
    } else if (n > 0) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
    }
    uint64_t m = mix(a ^ k1 ^ C1, b ^ seed);
    return mix(m ^ C2 ^ len, k0 ^ C1 ^ seed);
}

void hash_key_random(struct hash_key *k)
{
    const char *fixed = secure_getenv("KANSHIKI_FIXED_HASH_KEY");
    if (fixed && *fixed) {
        *k = (struct hash_key){ { C0, C1 } };
        return;
    }
    if (getrandom(k, sizeof(*k), GRND_NONBLOCK) == (ssize_t)sizeof(*k))
        return;
    /* No entropy yet (early boot): harder to guess than a constant. */
    uint64_t where = (uint64_t)(uintptr_t)k;
    k->k[0] = mix((uint64_t)time_mono_ns() ^ C0, where ^ C1);
    k->k[1] = mix(k->k[0] ^ C2, (uint64_t)time_now().ns ^ C0);
}
