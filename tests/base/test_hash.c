#include "base/hash.h"

#include "base/crc32c.h"
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    enum hash_algo algo;
    const char *text, *hex;
} vectors[] = {
    { HASH_MD5, "", "d41d8cd98f00b204e9800998ecf8427e" },
    { HASH_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72" },
    { HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
    { HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { HASH_SHA256, "",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { HASH_SHA256, "abc",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { HASH_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

START_TEST(known_digests_come_out)
{
    ck_assert(hash_warm_up());
    struct hasher *h =
        hasher_open(1u << HASH_MD5 | 1u << HASH_SHA1 | 1u << HASH_SHA256);
    ck_assert_ptr_nonnull(h);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        unsigned char out[32], want[32];
        struct str hex = str_from(vectors[i].hex);
        hasher_reset(h);
        for (const char *p = vectors[i].text; *p; p++)
            hasher_add(h, p, 1);
        size_t n = hasher_end(h, vectors[i].algo, out);
        ck_assert_uint_eq(n, hex.n / 2);
        ck_assert(hash_from_hex(hex, want, n));
        ck_assert_mem_eq(out, want, n);
        ck_assert_uint_eq(hasher_end(h, vectors[i].algo, out), 0);
    }
    hasher_close(h);
}
END_TEST

START_TEST(one_shot_and_stream_agree_at_every_piece_size)
{
    static unsigned char data[40000];
    unsigned char whole[32], parts[32];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 31 + i / 256);
    struct hasher *h = hasher_open(1u << HASH_SHA256);
    ck_assert(hash_sha256((struct str){ (char *)data, sizeof(data) }, whole));
    for (size_t piece = 1; piece < sizeof(data); piece = piece * 3 + 1) {
        hasher_reset(h);
        for (size_t at = 0; at < sizeof(data); at += piece) {
            size_t left = sizeof(data) - at;
            hasher_add(h, data + at, left < piece ? left : piece);
        }
        ck_assert_uint_eq(hasher_end(h, HASH_SHA256, parts), 32);
        ck_assert_mem_eq(whole, parts, 32);
    }
    ck_assert_uint_eq(hasher_end(h, HASH_MD5, parts), 0);
    hasher_close(h);
    hasher_close(NULL);
}
END_TEST

START_TEST(hex_is_exact)
{
    unsigned char out[2];
    ck_assert(hash_from_hex(STR("aBf0"), out, 2));
    ck_assert_uint_eq(out[0], 0xab);
    ck_assert_uint_eq(out[1], 0xf0);
    ck_assert(!hash_from_hex(STR("abf"), out, 2));
    ck_assert(!hash_from_hex(STR("abf00"), out, 2));
    ck_assert(!hash_from_hex(STR("abg0"), out, 2));
    ck_assert(!hash_from_hex(STR(""), out, 2));
    ck_assert(hash_from_hex(STR(""), out, 0));
}
END_TEST

START_TEST(every_bit_of_a_key_moves_half_of_the_hash)
{
    struct hash_key k = { { 0x0123456789abcdef, 0xfedcba9876543210 } };
    unsigned char data[200];
    for (size_t n = 1; n <= sizeof(data); n++) {
        uint64_t flips = 0;
        memset(data, 0, sizeof(data));
        uint64_t base = hash_bytes(&k, data, n);
        for (size_t bit = 0; bit < n * 8; bit++) {
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            uint64_t d = base ^ hash_bytes(&k, data, n);
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            flips += (uint64_t)__builtin_popcountll(d);
            if (__builtin_popcountll(d) < 10)
                ck_abort_msg("length %zu bit %zu", n, bit);
        }
        uint64_t mean = flips / (n * 8);
        ck_assert_msg(mean >= 28 && mean <= 36, "length %zu: %u", n,
                      (unsigned)mean);
    }
}
END_TEST

/* Keys as evidence has them, in a table of twice as many buckets. */
START_TEST(similar_keys_spread_over_a_table)
{
    enum { KEYS = 100000, BUCKETS = 1 << 18 };
    struct hash_key k = { { 7, 9 } };
    static uint8_t low[BUCKETS], high[BUCKETS];
    unsigned worst = 0, used_low = 0, used_high = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        char text[32];
        int n = snprintf(text, sizeof(text), "i-%017x", i);
        uint64_t h = hash_bytes(&k, text, (size_t)n);
        used_low += low[h % BUCKETS]++ == 0;
        used_high += high[h >> 46]++ == 0;
        if (low[h % BUCKETS] > worst)
            worst = low[h % BUCKETS];
    }
    /* a random function fills 83,100 of the buckets, give or take 130 */
    ck_assert_uint_gt(used_low, 82400);
    ck_assert_uint_gt(used_high, 82400);
    ck_assert_uint_lt(worst, 12);
}
END_TEST

START_TEST(lengths_and_keys_count)
{
    static const char zeros[300];
    struct hash_key a = { { 1, 2 } }, b = { { 1, 3 } }, c = { { 2, 2 } };
    for (size_t n = 0; n < 299; n++) {
        ck_assert(hash_bytes(&a, zeros, n) != hash_bytes(&a, zeros, n + 1));
        ck_assert(hash_bytes(&a, zeros, n) != hash_bytes(&b, zeros, n));
        ck_assert(hash_bytes(&a, zeros, n) != hash_bytes(&c, zeros, n));
    }
}
END_TEST

START_TEST(keys_are_random_unless_fixed)
{
    struct hash_key a, b;
    unsetenv("KANSHIKI_FIXED_HASH_KEY");
    hash_key_random(&a);
    hash_key_random(&b);
    ck_assert(a.k[0] != b.k[0] && a.k[1] != b.k[1]);
    setenv("KANSHIKI_FIXED_HASH_KEY", "1", 1);
    hash_key_random(&a);
    hash_key_random(&b);
    ck_assert(a.k[0] == b.k[0] && a.k[1] == b.k[1]);
}
END_TEST

/* Bit by bit, as the polynomial is written. */
static uint32_t slow_crc32c(uint32_t crc, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    return crc;
}

START_TEST(crc32c_is_the_polynomial_at_every_length)
{
    unsigned char p[64];
    for (size_t i = 0; i < sizeof p; i++)
        p[i] = (unsigned char)(i * 37 + 11);
    ck_assert_uint_eq(~crc32c(~0u, "123456789", 9), 0xe3069283);
    for (size_t n = 0; n < 40; n++)
        for (size_t at = 0; at < 9; at++)
            ck_assert_uint_eq(crc32c(0x1234567u, p + at, n),
                              slow_crc32c(0x1234567u, p + at, n));
}
END_TEST

/* Long ones are taken in parts side by side. */
START_TEST(crc32c_is_the_same_for_long_parts)
{
    enum { MOST = 7000 };
    static unsigned char p[MOST + 9];
    uint32_t slow[9];
    for (size_t i = 0; i < sizeof p; i++)
        p[i] = (unsigned char)(i * i * 37 + i / 256 + 11);
    for (size_t at = 0; at < 9; at++)
        slow[at] = 0x89abcdefu;
    for (size_t n = 0; n <= MOST; n++)
        for (size_t at = 0; at < 9; at += 4) {
            ck_assert_uint_eq(crc32c(0x89abcdefu, p + at, n), slow[at]);
            if (n % 97 == 0)
                ck_assert_uint_eq(crc32c_portable(0x89abcdefu, p + at, n),
                                  slow[at]);
            slow[at] = slow_crc32c(slow[at], p + at + n, 1);
        }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("hash");
    tap_case(s, "digests", known_digests_come_out);
    tap_case(s, "stream", one_shot_and_stream_agree_at_every_piece_size);
    tap_case(s, "hex", hex_is_exact);
    tap_case(s, "avalanche", every_bit_of_a_key_moves_half_of_the_hash);
    tap_case(s, "spread", similar_keys_spread_over_a_table);
    tap_case(s, "lengths", lengths_and_keys_count);
    tap_case(s, "keys", keys_are_random_unless_fixed);
    tap_case(s, "crc32c", crc32c_is_the_polynomial_at_every_length);
    tap_case(s, "crc32c-long", crc32c_is_the_same_for_long_parts);
    return s;
}
