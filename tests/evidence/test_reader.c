#include "tests/tap.h"

#include "base/hash.h"
#include "evidence/reader.h"

#include "tests/evidence/worker_start.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static const struct worker_handler worker_test_handlers[WORKER_KINDS];

enum { SIZE = (2 << 20) + 12345 };

static char *content;
static int plain, gz;
static struct reader *r;
static struct arena arena;
static struct reader_got got;
static struct err err;
static struct reader_hit hits[8];
static size_t n_hits;

static int make_file(const char *name, const void *p, size_t n)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", tap_dir(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(fd, p, n), (ssize_t)n);
    close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static int make_gz(void)
{
    static unsigned char out[SIZE + 1000];
    z_stream z = { .next_in = (unsigned char *)content,
                   .avail_in = SIZE,
                   .next_out = out,
                   .avail_out = sizeof out };
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = z.total_out;
    deflateEnd(&z);
    return make_file("a.gz", out, n);
}

static void setup(void)
{
    n_hits = 0;
    content = malloc(SIZE);
    ck_assert_ptr_nonnull(content);
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (char)('a' + i * i % 23);
    memcpy(content + 777, "Needle", 6);
    memcpy(content + (1 << 20) - 3, "needle", 6);
    plain = make_file("a", content, SIZE);
    gz = make_gz();
    r = reader_open(NULL, &err);
    ck_assert_ptr_nonnull(r);
}

static void teardown(void)
{
    reader_close(r);
    close(plain);
    close(gz);
    free(content);
    arena_free(&arena);
}

static struct reader_place place(const int *fd, const char *layers,
                                 uint64_t off, uint64_t len)
{
    return (struct reader_place){ fd, 1, str_from(layers), off, len };
}

static void read_and_compare(const int *fd, const char *layers, uint64_t off,
                             uint64_t len)
{
    struct reader_place p = place(fd, layers, off, len);
    int rc = reader_read(r, &p, &arena, &got, &err);
    ck_assert_msg(rc == 0, "%s", err.what);
    uint64_t have = off < SIZE ? SIZE - off : 0;
    ck_assert_uint_eq(got.size, SIZE);
    ck_assert_uint_eq(got.bytes.n, len < have ? len : have);
    ck_assert_int_eq(
        memcmp(got.bytes.p, content + (off < SIZE ? off : 0), got.bytes.n), 0);
    ck_assert_uint_eq(got.n_gaps, 0);
}

START_TEST(reads_come_exact)
{
    for (int round = 0; round < 2; round++) {
        read_and_compare(&plain, "", 0, SIZE);
        read_and_compare(&gz, "!gz", 0, SIZE + 5);
        read_and_compare(&gz, "!gz", (1 << 20) - 1, 3);
        read_and_compare(&gz, "!gz", SIZE - 1, 100);
        read_and_compare(&gz, "!gz", SIZE, 100);
        read_and_compare(&gz, "!gz", UINT64_MAX - 5, 100);
        read_and_compare(&gz, "!gz", 5, 0);
    }
}
END_TEST

START_TEST(split_files_are_one)
{
    int fds[2] = { plain, plain };
    struct reader_place p = { fds, 2, STR(""), SIZE - 10, 20 };
    ck_assert_int_eq(reader_read(r, &p, &arena, &got, &err), 0);
    ck_assert_uint_eq(got.size, 2 * SIZE);
    ck_assert_int_eq(memcmp(got.bytes.p, content + SIZE - 10, 10), 0);
    ck_assert_int_eq(memcmp(got.bytes.p + 10, content, 10), 0);
}
END_TEST

START_TEST(digests_are_those_of_the_bytes)
{
    unsigned char expected[32], sha[32];
    struct reader_place p = place(&gz, "!gz", 100, UINT64_MAX);
    hash_sha256((struct str){ content + 100, SIZE - 100 }, expected);
    ck_assert_int_eq(reader_hash(r, &p, NULL, sha, &got, &err), 0);
    ck_assert_int_eq(memcmp(sha, expected, 32), 0);
    ck_assert_uint_eq(got.size, SIZE);
    ck_assert(!got.more_gaps);
}
END_TEST

START_TEST(a_cut_file_gives_what_it_has)
{
    unsigned char sha[32], expected[32];
    char half[3000];
    ck_assert_int_eq((int)pread(gz, half, sizeof half, 0), sizeof half);
    int cut = make_file("cut.gz", half, sizeof half);
    struct reader_place p = place(&cut, "!gz", 0, SIZE);
    int rc = reader_read(r, &p, &arena, &got, &err);
    ck_assert_msg(rc == 0, "%s", err.what);
    ck_assert_uint_gt(got.bytes.n, 0);
    ck_assert_uint_lt(got.bytes.n, SIZE);
    ck_assert_int_eq(memcmp(got.bytes.p, content, got.bytes.n), 0);
    hash_sha256(got.bytes, expected);
    ck_assert_int_eq(reader_hash(r, &p, &arena, sha, &got, &err), 0);
    ck_assert_int_eq(memcmp(sha, expected, 32), 0);
    close(cut);
}
END_TEST

static int take_hit(void *ctx, const struct reader_hit *h)
{
    (void)ctx;
    ck_assert_uint_lt(n_hits, 8);
    hits[n_hits++] = *h;
    return ctx ? *(int *)ctx : 0;
}

START_TEST(searches_find)
{
    uint64_t scanned;
    struct reader_place p = place(&gz, "!gz", 0, UINT64_MAX);
    struct reader_needles n = { &STR("NEEDLE"), 1, SCAN_FOLD, 0 };
    int rc = reader_scan(r, &p, &n, take_hit, NULL, &scanned, &err);
    ck_assert_msg(rc == 0, "%s", err.what);
    ck_assert_uint_eq(n_hits, 2);
    ck_assert_uint_eq(hits[0].off, 777);
    ck_assert_uint_eq(hits[1].off, (1 << 20) - 3);
    ck_assert_uint_eq(hits[1].len, 6);
    ck_assert_uint_eq(scanned, SIZE);
    n = (struct reader_needles){ &STR("n[e]{2}dle"), 1, SCAN_REGEX, 0 };
    n_hits = 0;
    ck_assert_int_eq(reader_scan(r, &p, &n, take_hit, NULL, &scanned, &err), 0);
    ck_assert_uint_eq(n_hits, 1);
}
END_TEST

START_TEST(searches_stop_when_told)
{
    uint64_t scanned;
    int stop = 5;
    struct reader_place p = place(&plain, "", 0, SIZE);
    struct reader_needles n = { &STR("needle"), 1, SCAN_FOLD, 0 };
    ck_assert_int_eq(reader_scan(r, &p, &n, take_hit, &stop, &scanned, &err),
                     5);
    ck_assert_uint_eq(n_hits, 1);
    read_and_compare(&plain, "", 7, 7);
}
END_TEST

START_TEST(bad_patterns_are_refused_before_a_worker_starts)
{
    uint64_t scanned;
    struct reader_place p = place(&plain, "", 0, SIZE);
    struct reader_needles n = { &STR("("), 1, SCAN_REGEX, 0 };
    ck_assert_int_eq(reader_scan(r, &p, &n, take_hit, NULL, &scanned, &err),
                     ERR_USAGE);
}
END_TEST

START_TEST(an_error_does_not_last)
{
    struct reader_place p = place(&plain, "!nonsense", 0, 10);
    read_and_compare(&plain, "", 0, 10);
    ck_assert_int_ne(reader_read(r, &p, &arena, &got, &err), 0);
    ck_assert_int_ne(err.what[0], 0);
    ck_assert_int_ne(reader_read(r, &p, &arena, &got, &err), 0);
    read_and_compare(&plain, "", 0, 10);
}
END_TEST

static int stream_piece(void *ctx, uint64_t off, struct str bytes)
{
    uint64_t *at = ctx;
    ck_assert_uint_eq(off, *at);
    ck_assert_int_eq(memcmp(bytes.p, content + off, bytes.n), 0);
    *at += bytes.n;
    return 0;
}

START_TEST(streams_come_in_order)
{
    uint64_t at = 1000;
    struct reader_place p = place(&gz, "!gz", at, UINT64_MAX);
    ck_assert_int_eq(reader_stream(r, &p, stream_piece, &at, NULL, &got, &err),
                     0);
    ck_assert_uint_eq(at, SIZE);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {
        reads_come_exact,
        split_files_are_one,
        digests_are_those_of_the_bytes,
        a_cut_file_gives_what_it_has,
        searches_find,
        searches_stop_when_told,
        bad_patterns_are_refused_before_a_worker_starts,
        an_error_does_not_last,
        streams_come_in_order,
    };
    Suite *s = suite_create("reader");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        TCase *c = tap_case(s, tests[i]->name, tests[i]);
        tcase_add_checked_fixture(c, setup, teardown);
    }
    return s;
}
