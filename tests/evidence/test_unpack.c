/* xz and bzip2: any range reads the same, whatever is kept and however many
 * streams and blocks; damage is named and what came before it is the content.
 * Packed by the libraries' own encoders. */
#include "evidence/unpack.h"

#include <bzlib.h>
#include <lzma.h>
#include <stdlib.h>

#include "tests/tap.h"

enum {
    SIZE = 3 * (1 << 20) + 12345,
    PACKED = SIZE + (2 << 20),
    STREAMS = 2,
    SMALL = 6000,
};

static unsigned char *content, *packed;

/* Text, noise and zeros. */
static void setup(void)
{
    unsigned seed = 7;
    content = calloc(1, SIZE);
    packed = calloc(1, PACKED);
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 1103515245u + 12345u;
        if (i % (2 << 20) < (1 << 20))
            content[i] = (unsigned char)("abcdefgh"[seed >> 16 & 7]);
        else if (i % (2 << 20) < (5 << 18))
            content[i] = (unsigned char)(seed >> 16);
    }
}

static void teardown(void)
{
    free(content);
    free(packed);
}

static size_t pack_xz(unsigned char *out, const unsigned char *in, size_t n)
{
    size_t at = 0;
    lzma_ret rc = lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, in, n, out,
                                          &at, PACKED);
    ck_assert_int_eq(rc, LZMA_OK);
    return at;
}

/* One stream of blocks of half a MiB each. */
static size_t pack_blocks(unsigned char *out, const unsigned char *in, size_t n)
{
    lzma_stream s = LZMA_STREAM_INIT;
    ck_assert_int_eq(lzma_easy_encoder(&s, 0, LZMA_CHECK_CRC32), LZMA_OK);
    s.next_out = out;
    s.avail_out = PACKED;
    for (size_t at = 0; at < n;) {
        size_t k = n - at < 1 << 19 ? n - at : 1 << 19;
        s.next_in = in + at;
        s.avail_in = k;
        while (lzma_code(&s, LZMA_FULL_FLUSH) == LZMA_OK)
            ;
        at += k;
    }
    while (lzma_code(&s, LZMA_FINISH) == LZMA_OK)
        ;
    size_t got = (size_t)s.total_out;
    lzma_end(&s);
    return got;
}

static size_t pack_bz2(unsigned char *out, unsigned char *in, size_t n)
{
    unsigned got = PACKED;
    ck_assert_int_eq(BZ2_bzBuffToBuffCompress((char *)out, &got, (char *)in,
                                              (unsigned)n, 1, 0, 0),
                     BZ_OK);
    return got;
}

static size_t pack_one(enum unpack_kind k, unsigned char *out,
                       unsigned char *in, size_t n)
{
    return k == UNPACK_XZ ? pack_xz(out, in, n) : pack_bz2(out, in, n);
}

/* All of the content in so many streams. */
static size_t pack(enum unpack_kind k, size_t streams)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < streams; i++) {
        size_t end = i + 1 == streams ? SIZE : SIZE / streams * (i + 1);
        n += pack_one(k, packed + n, content + at, end - at);
        at = end;
    }
    return n;
}

static void check_reads(struct source *s)
{
    static const size_t lens[] = { 1, 4096, 70000, 1 << 20, 3000000 };
    unsigned char *bytes = malloc(4 << 20);
    unsigned seed = 3;
    for (int i = 0; i < 6; i++) {
        seed = seed * 1103515245u + 12345u;
        uint64_t off = seed % SIZE;
        size_t want = lens[i % 5], got;
        ck_assert_int_eq(source_read(s, off, bytes, want, &got, NULL), 0);
        ck_assert_uint_eq(got, off + want > SIZE ? SIZE - off : want);
        ck_assert(memcmp(bytes, content + off, got) == 0);
    }
    free(bytes);
}

static void check_file(enum unpack_kind k, size_t n, size_t streams,
                       size_t least_points)
{
    static const uint64_t kept[] = { UINT64_MAX, 1 << 20, 0 };
    struct str bytes = { (char *)packed, n };
    ck_assert_int_eq(unpack_recognise(bytes), k);
    for (size_t i = 0; i < 3; i++) {
        struct source *file = source_open_memory(bytes, NULL);
        struct source *s = unpack_open_kept(k, file, UINT64_MAX, kept[i], NULL);
        const struct unpack_report *r = unpack_source_report(s);
        ck_assert_uint_eq(s->size, SIZE);
        ck_assert_uint_eq(r->streams, streams);
        ck_assert_uint_ge(r->points, least_points);
        ck_assert_int_eq(r->damage, UNPACK_OK);
        ck_assert_int_eq(r->again > 0, kept[i] != UINT64_MAX);
        check_reads(s);
        ck_assert_uint_eq(s->n_gaps, 0);
        source_close(s);
        source_close(file);
    }
}

START_TEST(any_range_reads_the_same)
{
    setup();
    for (size_t streams = 1; streams <= STREAMS; streams++)
        for (enum unpack_kind k = UNPACK_XZ; k <= UNPACK_BZ2; k++)
            check_file(k, pack(k, streams), streams, streams);
    /* from blocks of one stream over its index into the next one */
    size_t n = pack_blocks(packed, content, 2 << 20);
    memset(packed + n, 0, 8);
    n += 8;
    n += pack_blocks(packed + n, content + (2 << 20), SIZE - (2 << 20));
    check_file(UNPACK_XZ, n, 2, 4);
    teardown();
}
END_TEST

/* A cut at every byte gives the front of the content and is named. */
START_TEST(cut_anywhere)
{
    setup();
    for (enum unpack_kind k = UNPACK_XZ; k <= UNPACK_BZ2; k++) {
        size_t n = pack_one(k, packed, content, SMALL);
        for (size_t cut = 0; cut < n; cut += cut + 40 < n ? 31 : 1) {
            unsigned char *copy = malloc(cut + 1);
            memcpy(copy, packed, cut);
            struct str bytes = { (char *)copy, cut };
            struct source *file = source_open_memory(bytes, NULL);
            struct source *s = unpack_open(k, file, UINT64_MAX, NULL);
            const struct unpack_report *r = unpack_source_report(s);
            char got[SMALL];
            size_t have;
            ck_assert_msg(r->damage == (cut ? UNPACK_CUT : UNPACK_NONE),
                          "cut at %zu: %d", cut, r->damage);
            ck_assert_uint_le(s->size, SMALL);
            ck_assert_uint_eq(r->out_off, s->size);
            ck_assert_uint_eq(r->in_off, cut);
            ck_assert_int_eq(source_read(s, 0, got, SMALL, &have, NULL), 0);
            ck_assert(have == 0 || memcmp(got, content, have) == 0);
            source_close(s);
            source_close(file);
            free(copy);
        }
    }
    teardown();
}
END_TEST

static enum unpack_damage damage_of(enum unpack_kind k, size_t n,
                                    uint64_t *size, uint64_t *at)
{
    struct str bytes = { (char *)packed, n };
    struct source *file = source_open_memory(bytes, NULL);
    struct source *s = unpack_open(k, file, UINT64_MAX, NULL);
    enum unpack_damage d = unpack_source_report(s)->damage;
    *size = s->size;
    *at = unpack_source_report(s)->in_off;
    ck_assert(d == UNPACK_OK || *unpack_damage_code(k, d));
    source_close(s);
    source_close(file);
    return d;
}

START_TEST(damage_is_named)
{
    uint64_t size, at;
    setup();
    for (enum unpack_kind k = UNPACK_XZ; k <= UNPACK_BZ2; k++) {
        size_t first = pack_one(k, packed, content, SIZE / 2);
        size_t n = first + pack_one(k, packed + first, content, SIZE / 2);
        ck_assert_int_eq(damage_of(k, n, &size, &at), UNPACK_OK);
        ck_assert_uint_eq(size, SIZE / 2 * 2);
        memset(packed + first + (n - first) / 2, 0x5a, 1000);
        ck_assert_int_eq(damage_of(k, n, &size, &at), UNPACK_BAD_DATA);
        ck_assert_uint_ge(size, SIZE / 2);
        ck_assert_uint_lt(size, SIZE / 2 * 2);
        ck_assert_uint_gt(at, first);
        memset(packed + first, 'x', 100);
        ck_assert_int_eq(damage_of(k, first + 100, &size, &at),
                         UNPACK_TRAILING);
        ck_assert_uint_eq(size, SIZE / 2);
        ck_assert_uint_ge(at, first);
        ck_assert_int_eq(damage_of(k, first + 2, &size, &at), UNPACK_TRAILING);
        packed[0] = 'x';
        ck_assert_int_eq(damage_of(k, first, &size, &at), UNPACK_NONE);
    }
    /* the index of xz is compared with its blocks */
    size_t n = pack_xz(packed, content, SMALL);
    packed[n - 12 - 8] ^= 1;
    ck_assert_int_eq(damage_of(UNPACK_XZ, n, &size, &at), UNPACK_BAD_DATA);
    ck_assert_uint_eq(size, SMALL);
    teardown();
}
END_TEST

START_TEST(more_than_asked_for_is_left_out)
{
    setup();
    for (enum unpack_kind k = UNPACK_XZ; k <= UNPACK_BZ2; k++) {
        struct str bytes = { (char *)packed, pack(k, 1) };
        struct source *file = source_open_memory(bytes, NULL);
        struct source *s = unpack_open(k, file, 1 << 20, NULL);
        ck_assert_int_eq(unpack_source_report(s)->damage, UNPACK_TOO_LARGE);
        ck_assert_uint_ge(s->size, 1 << 20);
        ck_assert_uint_lt(s->size, 3 << 20);
        source_close(s);
        source_close(file);
        char head[1000];
        ck_assert_uint_eq(unpack_head(bytes, head, sizeof head), sizeof head);
        ck_assert(memcmp(head, content, sizeof head) == 0);
        ck_assert_uint_eq(unpack_head(str_sub(bytes, 0, 3), head, 9), 0);
    }
    teardown();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("unpack");
    tcase_set_timeout(tap_case(s, "access", any_range_reads_the_same), 120);
    tcase_set_timeout(tap_case(s, "cut", cut_anywhere), 120);
    tcase_set_timeout(tap_case(s, "damage", damage_is_named), 120);
    tcase_set_timeout(tap_case(s, "limit", more_than_asked_for_is_left_out),
                      120);
    return s;
}
