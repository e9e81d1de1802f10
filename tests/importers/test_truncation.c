/*
 * A log file cut at every byte, and with every byte damaged: what is whole is
 * kept, the rest is one reject or one issue, and nothing else happens.
 */
#include "tests/importers/collect.h"
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { EVENTS = 9 };

static struct buf text, gz;
static size_t event_end[EVENTS]; /* in text */

static void make_text(bool lines)
{
    buf_clear(&text);
    if (!lines)
        buf_putz(&text, "{\"Records\":[");
    for (int i = 0; i < EVENTS; i++) {
        if (i && !lines)
            buf_putc(&text, ',');
        buf_printf(
            &text,
            "{\"eventVersion\":\"1.08\",\"userIdentity\":{\"type\":\"Root\","
            "\"accountId\":\"111122223333\"},\"eventTime\":"
            "\"2026-03-11T02:%02d:00Z\",\"eventSource\":\"s3.amazonaws.com\","
            "\"eventName\":\"GetObject\",\"sourceIPAddress\":\"192.0.2.%d\","
            "\"requestParameters\":{\"bucketName\":\"b\",\"key\":\"k/%x\"},"
            "\"eventID\":\"%08d-1111-2222-3333-444444444444\"}",
            i * 7 % 60, i * 31 % 250, (unsigned)i * 2654435761u, i);
        event_end[i] = text.n;
        if (lines)
            buf_putc(&text, '\n');
    }
    if (!lines)
        buf_putz(&text, "]}");
    ck_assert(!text.failed && text.n < 6000);
}

static void make_gz(void)
{
    z_stream z = { 0 };
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
    buf_clear(&gz);
    ck_assert(buf_reserve(&gz, text.n + 100));
    z.next_in = (unsigned char *)text.p;
    z.avail_in = (unsigned)text.n;
    z.next_out = (unsigned char *)gz.p;
    z.avail_out = (unsigned)text.n + 100;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    gz.n = z.total_out;
    deflateEnd(&z);
}

/* Bytes that zlib gets out of the first n. */
static size_t inflated(size_t n)
{
    static unsigned char out[8192];
    z_stream z = { 0 };
    ck_assert_int_eq(inflateInit2(&z, 31), Z_OK);
    z.next_in = (unsigned char *)gz.p;
    z.avail_in = (unsigned)n;
    z.next_out = out;
    z.avail_out = sizeof(out);
    inflate(&z, Z_SYNC_FLUSH);
    size_t got = z.total_out;
    inflateEnd(&z);
    return got;
}

static unsigned whole_events(size_t n)
{
    unsigned i = 0;
    while (i < EVENTS && event_end[i] <= n)
        i++;
    return i;
}

/* The bytes in a block of exactly their size, for the sanitizers. */
static void run(struct collected *c, const char *p, size_t n)
{
    char *copy = malloc(n ? n : 1);
    ck_assert(copy != NULL);
    memcpy(copy, p, n);
    collect(c, (struct str){ copy, n }, STR("a.json"), STR(""), 0);
    free(copy);
    ck_assert_msg(!c->failed, "%s", c->err.what);
    ck_assert_uint_eq(c->members, 1);
}

static void cut_text(bool lines)
{
    struct collected c = { 0 };
    make_text(lines);
    for (size_t n = 0; n < text.n; n++) {
        unsigned whole = whole_events(n);
        run(&c, text.p, n);
        ck_assert_msg(c.records == whole, "cut at %zu: %llu records, not %u", n,
                      (unsigned long long)c.records, whole);
        ck_assert_uint_le(c.rejects + c.issues, 1);
        /* only between two lines nothing is missing */
        bool clean =
            lines && n >= event_end[0] && n - event_end[whole - 1] <= 1;
        ck_assert_msg(clean == (c.rejects + c.issues == 0), "cut at %zu", n);
    }
    collect_free(&c);
}

START_TEST(a_cut_file_keeps_what_is_whole)
{
    cut_text(false);
}
END_TEST

START_TEST(cut_lines_keep_what_is_whole)
{
    cut_text(true);
}
END_TEST

START_TEST(cut_gzip_keeps_what_inflates)
{
    struct collected c = { 0 };
    make_text(false);
    make_gz();
    for (size_t n = 0; n < gz.n; n++) {
        unsigned whole = n < 18 ? 0 : whole_events(inflated(n));
        run(&c, gz.p, n);
        ck_assert_msg(c.records == whole, "cut at %zu: %llu records, not %u", n,
                      (unsigned long long)c.records, whole);
        ck_assert_uint_ge(c.issues + c.rejects, 1);
        ck_assert_uint_le(c.rejects, 1);
    }
    collect_free(&c);
}
END_TEST

/* No sum to compare with: it must end, and tell that something is wrong. */
START_TEST(a_damaged_byte_is_told)
{
    struct collected c = { 0 };
    make_text(false);
    make_gz();
    for (size_t i = 10; i < gz.n; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            gz.p[i] ^= (char)(1 << bit);
            run(&c, gz.p, gz.n);
            ck_assert_uint_le(c.records, EVENTS);
            /* the last byte before the trailer ends in padding */
            ck_assert_msg(c.issues + c.rejects > 0 || i == gz.n - 9,
                          "gzip byte %zu of %zu", i, gz.n);
            gz.p[i] ^= (char)(1 << bit);
        }
    for (size_t i = 0; i < text.n; i++) {
        char old = text.p[i];
        text.p[i] = '\0';
        run(&c, text.p, text.n);
        ck_assert_uint_le(c.records, EVENTS);
        ck_assert_msg(c.issues + c.rejects > 0, "byte %zu", i);
        text.p[i] = old;
    }
    collect_free(&c);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("truncation");
    tap_case(s, "text", a_cut_file_keeps_what_is_whole);
    tap_case(s, "lines", cut_lines_keep_what_is_whole);
    tap_case(s, "gzip", cut_gzip_keeps_what_inflates);
    tap_case(s, "damage", a_damaged_byte_is_told);
    return s;
}
