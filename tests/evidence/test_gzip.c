/* gzip: damage is named with its place, both ways to inflate agree. */
#include "evidence/gzip.h"

#include <stdlib.h>
#include <zlib.h>

#include "tests/tap.h"

static unsigned char text[300000];

static void fill(void)
{
    unsigned seed = 1;
    for (size_t i = 0; i < sizeof text; i++) {
        seed = seed * 1103515245u + 12345u;
        text[i] = (unsigned char)("abcdefgh \n"[seed >> 16 & 7]);
    }
}

/* One member with n bytes of text. */
static void member(struct buf *out, size_t n)
{
    z_stream z = { 0 };
    ck_assert(buf_reserve(out, n + 1000));
    deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    z.next_in = text;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)out->p + out->n;
    z.avail_out = (uInt)(out->cap - out->n);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n += z.total_out;
    deflateEnd(&z);
}

static void both(struct str gz, uint64_t max, struct gzip_report *r)
{
    struct gzip_inflater *g = gzip_inflater_open();
    struct buf all = { 0 };
    ck_assert_int_eq(gzip_inflate_all(g, gz, &all, max, r), 0);
    struct source *file = source_open_memory(gz, NULL);
    struct source *s = source_open_gzip(file, max, NULL);
    const struct gzip_report *q = gzip_source_report(s);
    ck_assert_uint_eq(q->damage, r->damage);
    ck_assert_uint_eq(q->in_off, r->in_off);
    ck_assert_uint_eq(q->out_off, r->out_off);
    ck_assert_uint_eq(q->members, r->members);
    ck_assert_uint_eq(q->zeros, r->zeros);
    ck_assert_uint_eq(s->size, all.n);
    char *copy = malloc(all.n + 1);
    size_t got;
    ck_assert_int_eq(source_read(s, 0, copy, all.n, &got, NULL), 0);
    ck_assert_mem_eq(copy, all.p, all.n);
    for (size_t i = 0; i < 64; i++)
        ck_assert_int_eq(all.p[all.n + i], 0);
    free(copy);
    source_close(s);
    source_close(file);
    buf_free(&all);
    gzip_inflater_close(g);
}

static void expect(struct buf *gz, enum gzip_damage d, uint64_t members,
                   uint64_t out)
{
    struct gzip_report r;
    both(buf_str(gz), 1 << 30, &r);
    ck_assert_int_eq(r.damage, d);
    ck_assert_uint_eq(r.members, members);
    if (out != UINT64_MAX)
        ck_assert_uint_eq(r.out_size, out);
    if (d != GZIP_OK)
        ck_assert(gzip_damage_code(r.damage)[0]);
    buf_free(gz);
}

START_TEST(whole_members_are_joined)
{
    struct buf b = { 0 };
    fill();
    member(&b, 1000);
    member(&b, 0);
    member(&b, sizeof text);
    expect(&b, GZIP_OK, 3, sizeof text + 1000);
    expect(&b, GZIP_EMPTY, 0, 0);
}
END_TEST

START_TEST(padding_is_fine_garbage_is_told)
{
    struct buf b = { 0 };
    fill();
    member(&b, 1000);
    ck_assert(buf_reserve(&b, 600));
    memset(b.p + b.n, 0, 512);
    b.n += 512;
    expect(&b, GZIP_OK, 1, 1000);
    member(&b, 1000);
    buf_putz(&b, "garbage");
    expect(&b, GZIP_TRAILING, 1, 1000);
    buf_putz(&b, "{\"a\": 1}");
    expect(&b, GZIP_NOT_GZIP, 0, 0);
}
END_TEST

START_TEST(wrong_trailers_keep_the_content)
{
    struct buf b = { 0 };
    fill();
    member(&b, 5000);
    b.p[b.n - 8] = (char)(b.p[b.n - 8] ^ 1);
    expect(&b, GZIP_CHECKSUM, 1, 5000);
    member(&b, 5000);
    b.p[b.n - 1] = (char)(b.p[b.n - 1] ^ 1);
    member(&b, 7);
    expect(&b, GZIP_LENGTH, 2, 5007);
}
END_TEST

START_TEST(every_truncation_is_named)
{
    struct buf b = { 0 };
    fill();
    member(&b, 600);
    for (size_t n = 1; n < b.n; n++) {
        struct gzip_report r;
        char *exact = malloc(n); /* a read beyond is seen by sanitizers */
        memcpy(exact, b.p, n);
        both((struct str){ exact, n }, 1 << 20, &r);
        ck_assert_int_eq(r.damage, GZIP_CUT);
        ck_assert_uint_eq(r.members, 0);
        free(exact);
    }
    buf_free(&b);
}
END_TEST

START_TEST(limit_is_exact)
{
    struct buf b = { 0 };
    struct gzip_report r;
    fill();
    member(&b, 10000);
    both(buf_str(&b), 10000, &r);
    ck_assert_int_eq(r.damage, GZIP_OK);
    both(buf_str(&b), 9999, &r);
    ck_assert_int_eq(r.damage, GZIP_TOO_LARGE);
    ck_assert_uint_eq(r.out_size, 9999);
    buf_free(&b);
}
END_TEST

/* 40 MiB that hardly compress: several restart points, read backwards. */
START_TEST(random_access_across_restart_points)
{
    enum { SIZE = 40 << 20, STEP = 1 << 20 };
    unsigned char *big = malloc(SIZE);
    uLongf n = compressBound(SIZE) + 64;
    Bytef *gz = malloc(n);
    z_stream z = { 0 };
    unsigned seed = 3;
    size_t got;
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 1103515245u + 12345u;
        big[i] = (unsigned char)(seed >> 24 & 63);
    }
    deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    z.next_in = big;
    z.avail_in = SIZE;
    z.next_out = gz;
    z.avail_out = (uInt)n;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    struct str packed = { (const char *)gz, z.total_out };
    deflateEnd(&z);
    struct source *file = source_open_memory(packed, NULL);
    struct source *s = source_open_gzip(file, UINT64_MAX, NULL);
    ck_assert_uint_eq(s->size, SIZE);
    char *part = malloc(STEP);
    for (size_t off = SIZE; off > 0; off -= STEP) {
        ck_assert_int_eq(source_read(s, off - STEP, part, STEP, &got, NULL), 0);
        ck_assert_uint_eq(got, STEP);
        ck_assert(memcmp(part, big + off - STEP, STEP) == 0);
    }
    source_close(s);
    source_close(file);
    free(part);
    free(gz);
    free(big);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("gzip");
    tap_case(s, "members", whole_members_are_joined);
    tap_case(s, "after", padding_is_fine_garbage_is_told);
    tap_case(s, "trailers", wrong_trailers_keep_the_content);
    tap_case(s, "cut", every_truncation_is_named);
    tap_case(s, "limit", limit_is_exact);
    tap_case(s, "access", random_access_across_restart_points);
    return s;
}
