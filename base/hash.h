/* SHA-256 (and the digests that containers declare) over OpenSSL's EVP, and
 * a keyed 64-bit hash for tables whose keys an attacker chooses. */
#pragma once

#include "base/str.h"

enum { SHA256_LEN = 32 };

enum hash_algo { HASH_MD5 = 0, HASH_SHA1 = 1, HASH_SHA256 = 2, HASH_COUNT };

/* Before a worker is sealed: fetches the algorithms, so that no call below
 * opens a file later. False: the library lacks one of them. */
bool hash_warm_up(void);

struct hasher; /* opaque: any set of digests over one stream */
/* algo_mask: bits 1u << hash_algo. NULL when out of memory or not offered. */
struct hasher *hasher_open(unsigned algo_mask);
void hasher_add(struct hasher *h, const void *p, size_t n);
/* Finishes algorithm a, once until hasher_reset; returns its length, 0 when
 * it was not asked for or failed. */
size_t hasher_end(struct hasher *h, enum hash_algo a, unsigned char out[32]);
/* As hasher_end, of what was added so far; more may be added. */
size_t hasher_peek(const struct hasher *h, enum hash_algo a,
                   unsigned char out[32]);
void hasher_reset(struct hasher *h);
void hasher_close(struct hasher *h);

/* False (and zeros) only when out of memory. */
bool hash_sha256(struct str s, unsigned char out[SHA256_LEN]);
/* "ab12.." -> bytes; false unless exactly 2*n hex digits. */
bool hash_from_hex(struct str hex, unsigned char *out, size_t n);

struct hash_key {
    uint64_t k[2];
};
/* Random, or fixed when KANSHIKI_FIXED_HASH_KEY is set (tests). Nothing that
 * is written may depend on it. */
void hash_key_random(struct hash_key *k);
uint64_t hash_bytes(const struct hash_key *k, const void *p, size_t n);
