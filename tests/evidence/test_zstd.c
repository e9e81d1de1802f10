/* zstd: any range reads the same, whatever is kept and however many frames;
 * damage is named and what came before it is the content. */
#include "evidence/zstd.h"

#include <stdlib.h>
#include <zstd.h>

#include "tests/tap.h"

enum { SIZE = 9 * (1 << 20) + 12345, FRAMES = 3, PACKED = SIZE + (1 << 20) };

static unsigned char *content, *packed;

/* Text, noise and zeros. */
static void setup(void)
{
    unsigned seed = 7;
    content = calloc(1, SIZE);
    packed = malloc(PACKED);
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 1103515245u + 12345u;
        if (i % (4 << 20) < (2 << 20))
            content[i] = (unsigned char)("abcdefgh"[seed >> 16 & 7]);
        else if (i % (4 << 20) < (5 << 19))
            content[i] = (unsigned char)(seed >> 16);
    }
}

static void teardown(void)
{
    free(content);
    free(packed);
}

/* All of the content in so many frames. */
static size_t pack(size_t frames)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < frames; i++) {
        size_t end = SIZE / frames * (i + 1);
        if (i + 1 == frames)
            end = SIZE;
        n += ZSTD_compress(packed + n, PACKED - n, content + at, end - at, 3);
        at = end;
    }
    return n;
}

static void check_reads(struct source *s)
{
    static const size_t lens[] = { 1, 4096, 70000, 1 << 20, 3000000 };
    unsigned char *got_bytes = malloc(4 << 20);
    unsigned seed = 3;
    for (int i = 0; i < 60; i++) {
        seed = seed * 1103515245u + 12345u;
        uint64_t off = seed % SIZE;
        size_t want = lens[i % 5], got;
        ck_assert_int_eq(source_read(s, off, got_bytes, want, &got, NULL), 0);
        ck_assert_uint_eq(got, off + want > SIZE ? SIZE - off : want);
        ck_assert(memcmp(got_bytes, content + off, got) == 0);
    }
    free(got_bytes);
}

START_TEST(any_range_reads_the_same)
{
    static const uint64_t kept[] = { UINT64_MAX, 1 << 20, 0 };
    setup();
    for (size_t frames = 1; frames <= FRAMES; frames++) {
        struct str bytes = { (char *)packed, pack(frames) };
        for (size_t k = 0; k < 3; k++) {
            struct source *file = source_open_memory(bytes, NULL);
            struct source *s = zstd_open_kept(file, UINT64_MAX, kept[k], NULL);
            const struct zstd_report *r = zstd_source_report(s);
            ck_assert_uint_eq(s->size, SIZE);
            ck_assert_uint_eq(r->frames, frames);
            ck_assert_int_eq(r->damage, ZSTD_OK);
            ck_assert_int_eq(r->again > 0, kept[k] != UINT64_MAX);
            check_reads(s);
            ck_assert_uint_eq(s->n_gaps, 0);
            source_close(s);
            source_close(file);
        }
    }
    teardown();
}
END_TEST

START_TEST(damage_is_named)
{
    setup();
    size_t n = pack(2), first = ZSTD_findFrameCompressedSize(packed, n);
    static const enum zstd_damage want[] = { ZSTD_CUT, ZSTD_BAD_DATA, ZSTD_OK,
                                             ZSTD_NO_FRAME };
    for (int i = 0; i < 4; i++) {
        struct str bytes = { (char *)packed, n };
        pack(2);
        if (i == 0)
            bytes.n = first + (n - first) / 2;
        if (i == 1)
            memset(packed + first + (n - first) / 2, 0xff, 100000);
        if (i == 2)
            bytes.n = first;
        if (i == 3)
            bytes.n = 0;
        struct source *file = source_open_memory(bytes, NULL);
        struct source *s = source_open_zstd(file, UINT64_MAX, NULL);
        const struct zstd_report *r = zstd_source_report(s);
        ck_assert_int_eq(r->damage, want[i]);
        ck_assert_uint_eq(r->out_size, s->size);
        if (i < 3)
            ck_assert_uint_ge(s->size, SIZE / 2);
        ck_assert_uint_lt(s->size, SIZE);
        char last[100];
        size_t got = 0, at = s->size > 100 ? (size_t)s->size - 100 : 0;
        ck_assert_int_eq(source_read(s, at, last, 100, &got, NULL), 0);
        if (i != 1)
            ck_assert(memcmp(last, content + at, got) == 0);
        source_close(s);
        source_close(file);
    }
    teardown();
}
END_TEST

START_TEST(more_than_asked_for_is_left_out)
{
    setup();
    struct str bytes = { (char *)packed, pack(1) };
    struct source *file = source_open_memory(bytes, NULL);
    struct source *s = source_open_zstd(file, 3 << 20, NULL);
    ck_assert_int_eq(zstd_source_report(s)->damage, ZSTD_TOO_LARGE);
    ck_assert_uint_ge(s->size, 3 << 20);
    ck_assert_uint_lt(s->size, 5 << 20);
    source_close(s);
    source_close(file);
    char head[1000];
    ck_assert_uint_eq(zstd_head(bytes, head, sizeof head), sizeof head);
    ck_assert(memcmp(head, content, sizeof head) == 0);
    teardown();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("zstd");
    tap_case(s, "access", any_range_reads_the_same);
    tap_case(s, "damage", damage_is_named);
    tap_case(s, "limit", more_than_asked_for_is_left_out);
    return s;
}
