/* E01 sets whose segments do not belong together: what tells a foreign one,
 * and that its bytes count as absent. The sets are written here; whole ones
 * of ewfacquire are read by tests/importers/disk.t. */
#include "evidence/ewf.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/varint.h"
#include "tests/tap.h"

enum { SECTORS = 8, CHUNK = SECTORS * 512, PER = 2, SEGMENTS = 3 };

/* One segment to be written. */
struct spec {
    unsigned number;
    uint8_t guid;         /* 0 = none */
    unsigned total;       /* chunks of the medium as it says */
    unsigned chunks;      /* that it holds */
    unsigned per_chunk;   /* sectors */
    const char *header;   /* NULL = no header */
    const char *end;      /* type of its last section */
    bool bad_description; /* checksum of the description is wrong */
    bool silent;          /* no description at all */
};

static const struct spec whole[SEGMENTS] = {
    { 1, 7, 6, PER, SECTORS, "case a", "next", false, false },
    { 2, 7, 6, PER, SECTORS, NULL, "next", false, false },
    { 3, 7, 6, PER, SECTORS, NULL, "done", false, false },
};

/* A section; next points behind it, or to itself for the last. */
static void section(struct buf *b, const char *type, struct str data, bool last)
{
    unsigned char d[76] = { 0 };
    memcpy(d, type, strlen(type));
    uint64_t at = b->n, next = last ? at : at + sizeof d + data.n;
    put_u32le(d + 16, (uint32_t)next);
    put_u32le(d + 24, (uint32_t)(sizeof d + data.n));
    put_u32le(d + 72, (uint32_t)adler32(1, d, 72));
    buf_put(b, (struct str){ (char *)d, sizeof d });
    buf_put(b, data);
}

static void put_header(struct buf *b, const char *text)
{
    unsigned char packed[256];
    uLongf n = sizeof packed;
    ck_assert_int_eq(
        compress(packed, &n, (const unsigned char *)text, strlen(text)), Z_OK);
    section(b, "header", (struct str){ (char *)packed, n }, false);
}

static void put_description(struct buf *b, const struct spec *s)
{
    unsigned char v[1052] = { 1 };
    put_u32le(v + 4, s->total);
    put_u32le(v + 8, s->per_chunk);
    put_u32le(v + 12, 512);
    put_u32le(v + 16, s->total * s->per_chunk);
    memset(v + 64, s->guid, 16);
    put_u32le(v + 1048, (uint32_t)adler32(1, v, 1048) + s->bad_description);
    section(b, s->number == 1 ? "volume" : "data",
            (struct str){ (char *)v, sizeof v }, false);
}

static void put_chunks(struct buf *b, const struct spec *s)
{
    struct buf data = { 0 }, table = { 0 };
    unsigned char h[24] = { 0 }, c[CHUNK], four[4];
    size_t at = b->n + 76;
    put_u32le(h, s->chunks);
    put_u32le(h + 20, (uint32_t)adler32(1, h, 20));
    buf_put(&table, (struct str){ (char *)h, sizeof h });
    for (unsigned i = 0; i < s->chunks; i++) {
        put_u32le(four, (uint32_t)(at + data.n));
        buf_put(&table, (struct str){ (char *)four, 4 });
        memset(c, (int)(s->number * 16 + i), sizeof c);
        buf_put(&data, (struct str){ (char *)c, sizeof c });
        put_u32le(four, (uint32_t)adler32(1, c, sizeof c));
        buf_put(&data, (struct str){ (char *)four, 4 });
    }
    put_u32le(four, (uint32_t)adler32_z(1, (unsigned char *)table.p + 24,
                                        table.n - 24));
    buf_put(&table, (struct str){ (char *)four, 4 });
    section(b, "sectors", buf_str(&data), false);
    section(b, "table", buf_str(&table), false);
    buf_free(&data);
    buf_free(&table);
}

static int write_segment(const struct spec *s)
{
    struct buf b = { 0 };
    unsigned char head[13] = "EVF\x09\x0d\x0a\xff\0\1";
    head[9] = (unsigned char)s->number;
    buf_put(&b, (struct str){ (char *)head, sizeof head });
    if (s->header)
        put_header(&b, s->header);
    if (!s->silent)
        put_description(&b, s);
    put_chunks(&b, s);
    section(&b, s->end, STR_NONE, true);
    int fd = memfd_create("segment", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, b.p, b.n), (ssize_t)b.n);
    buf_free(&b);
    return fd;
}

struct set {
    int fds[4];
    size_t n;
    struct source *file, *ewf;
    struct err err;
};

static void set_open(struct set *set, const struct spec *specs, size_t n)
{
    *set = (struct set){ .n = n };
    for (size_t i = 0; i < n; i++)
        set->fds[i] = write_segment(&specs[i]);
    set->file = source_open_split(set->fds, n, &set->err);
    ck_assert_ptr_nonnull(set->file);
    set->ewf = ewf_source_open(set->file, &set->err);
}

static void set_close(struct set *set)
{
    source_close(set->ewf);
    source_close(set->file);
    for (size_t i = 0; i < set->n; i++)
        close(set->fds[i]);
}

/* The medium: `good` chunks are there, the rest is absent. */
static void check_bytes(struct source *s, unsigned good, unsigned total)
{
    unsigned char c[CHUNK];
    size_t got;
    ck_assert_uint_eq(s->size, (uint64_t)total * CHUNK);
    for (unsigned i = 0; i < total; i++) {
        ck_assert_int_eq(
            source_read(s, (uint64_t)i * CHUNK, c, CHUNK, &got, NULL), 0);
        ck_assert_uint_eq(got, CHUNK);
        const struct gap *g = source_gap_in(s, (uint64_t)i * CHUNK, CHUNK);
        if (i < good) {
            ck_assert_ptr_null(g);
            ck_assert_uint_eq(c[9], (i / PER + 1) * 16 + i % PER);
        } else {
            ck_assert_ptr_nonnull(g);
            ck_assert_int_eq(g->kind, GAP_ABSENT);
            ck_assert_uint_eq(g->off, (uint64_t)good * CHUNK);
            ck_assert_uint_eq(g->len, (uint64_t)(total - good) * CHUNK);
            ck_assert_uint_eq(c[9], 0);
        }
    }
}

START_TEST(a_whole_set)
{
    struct set set;
    set_open(&set, whole, SEGMENTS);
    ck_assert_ptr_nonnull(set.ewf);
    const struct ewf_info *in = ewf_source_info(set.ewf);
    ck_assert(!in->incomplete && !in->foreign && !in->missing);
    ck_assert_uint_eq(in->bad_sections, 0);
    check_bytes(set.ewf, 6, 6);
    set_close(&set);
}
END_TEST

static const struct {
    const char *why;
    unsigned at; /* segment that is replaced */
    struct spec by;
    unsigned good; /* chunks before it */
} foreigners[] = {
    { "another set identifier",
      2,
      { 2, 8, 6, PER, SECTORS, NULL, "next", false, false },
      2 },
    { "another set identifier",
      3,
      { 3, 8, 6, PER, SECTORS, NULL, "done", false, false },
      4 },
    { "another count of chunks",
      2,
      { 2, 7, 9, PER, SECTORS, NULL, "next", false, false },
      2 },
    { "another size of the medium",
      2,
      { 2, 0, 6, PER, SECTORS / 2, NULL, "next", false, false },
      2 },
    { "another header",
      2,
      { 2, 7, 6, PER, SECTORS, "case b", "next", false, false },
      2 },
    { "more chunks than the medium has",
      3,
      { 3, 7, 6, 5, SECTORS, NULL, "done", false, true },
      4 },
    { "it ends a set before this one is whole",
      2,
      { 2, 7, 6, PER, SECTORS, NULL, "done", false, true },
      2 },
};

static void check_foreigner(size_t i)
{
    struct spec specs[SEGMENTS];
    struct set set;
    memcpy(specs, whole, sizeof specs);
    specs[foreigners[i].at - 1] = foreigners[i].by;
    set_open(&set, specs, SEGMENTS);
    ck_assert_ptr_nonnull(set.ewf);
    const struct ewf_info *in = ewf_source_info(set.ewf);
    ck_assert_uint_eq(in->foreign, foreigners[i].at);
    ck_assert_str_eq(in->foreign_why, foreigners[i].why);
    ck_assert(in->incomplete);
    check_bytes(set.ewf, foreigners[i].good, 6);
    set_close(&set);
}

START_TEST(a_foreign_segment)
{
    for (size_t i = 0; i < sizeof foreigners / sizeof *foreigners; i++)
        check_foreigner(i);
}
END_TEST

START_TEST(a_segment_too_many)
{
    struct spec specs[SEGMENTS + 1];
    struct set set;
    memcpy(specs, whole, sizeof whole);
    specs[SEGMENTS] = whole[2];
    specs[SEGMENTS].number = 4;
    set_open(&set, specs, SEGMENTS + 1);
    ck_assert_ptr_nonnull(set.ewf);
    const struct ewf_info *in = ewf_source_info(set.ewf);
    ck_assert_uint_eq(in->foreign, 4);
    ck_assert_str_eq(in->foreign_why, "the set has ended before it");
    check_bytes(set.ewf, 6, 6);
    set_close(&set);
}
END_TEST

/* The same header again is no contradiction. */
START_TEST(headers_that_are_equal)
{
    struct spec specs[SEGMENTS];
    struct set set;
    memcpy(specs, whole, sizeof specs);
    specs[1].header = whole[0].header;
    set_open(&set, specs, SEGMENTS);
    ck_assert_ptr_nonnull(set.ewf);
    ck_assert_uint_eq(ewf_source_info(set.ewf)->foreign, 0);
    check_bytes(set.ewf, 6, 6);
    set_close(&set);
}
END_TEST

/* A description that differs from its checksum says nothing while another
 * one is sound, and is used when there is none. */
START_TEST(a_damaged_description)
{
    struct spec specs[SEGMENTS];
    struct set set;
    memcpy(specs, whole, sizeof specs);
    specs[0].bad_description = true;
    specs[0].total = 9;
    set_open(&set, specs, SEGMENTS);
    ck_assert_ptr_nonnull(set.ewf);
    const struct ewf_info *in = ewf_source_info(set.ewf);
    ck_assert(!in->foreign && !in->incomplete);
    ck_assert_uint_eq(in->bad_sections, 1);
    check_bytes(set.ewf, 6, 6);
    set_close(&set);
    specs[0].total = 6;
    for (size_t i = 0; i < SEGMENTS; i++)
        specs[i].bad_description = true;
    set_open(&set, specs, SEGMENTS);
    ck_assert_ptr_nonnull(set.ewf);
    ck_assert_uint_eq(ewf_source_info(set.ewf)->bad_sections, SEGMENTS);
    check_bytes(set.ewf, 6, 6);
    set_close(&set);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("ewf");
    tap_case(s, "whole", a_whole_set);
    tap_case(s, "foreign", a_foreign_segment);
    tap_case(s, "surplus", a_segment_too_many);
    tap_case(s, "headers", headers_that_are_equal);
    tap_case(s, "description", a_damaged_description);
    return s;
}
