#include "tests/tap.h"

#include "importers/carve.h"

#include <stdlib.h>

enum { SIZE = 3 * 4096, HITS = 64 };

static struct {
    enum carve_what what;
    unsigned kind;
    uint64_t at;
    uint32_t len;
    char value[600];
} hits[HITS];
static size_t n_hits;
static char *room, *p; /* CARVE_BEFORE, then SIZE bytes, then the pad */

static int take(void *ctx, const struct carve_hit *h)
{
    (void)ctx;
    ck_assert_uint_lt(n_hits, HITS);
    hits[n_hits].what = h->what;
    hits[n_hits].kind = h->kind;
    hits[n_hits].at = h->at;
    hits[n_hits].len = h->len;
    ck_assert_uint_lt(h->value.n, sizeof hits->value);
    memcpy(hits[n_hits].value, h->value.p, h->value.n);
    hits[n_hits++].value[h->value.n] = 0;
    return 0;
}

static void setup(void)
{
    room = calloc(1, CARVE_BEFORE + SIZE + CARVE_PAD);
    ck_assert_ptr_nonnull(room);
    p = room + CARVE_BEFORE;
}

static void teardown(void)
{
    free(room);
}

static void clear(void)
{
    memset(p, 0, SIZE);
}

static void run(void)
{
    struct carver c = { .hit = take };
    n_hits = 0;
    ck_assert_int_eq(carve(&c, p, SIZE, SIZE, 0x10000), 0);
}

/* Text and what is found in it, in order; "" ends. */
static const struct {
    const char *text;
    unsigned kind[4];
    const char *value[4];
} cases[] = {
    { "AKIAABCDEFGHIJKLMNOP", { KIND_KEY }, { "AKIAABCDEFGHIJKLMNOP" } },
    { "x=ASIAABCDEFGHIJKLMNOP&", { KIND_KEY }, { "ASIAABCDEFGHIJKLMNOP" } },
    { "%3DASIAABCDEFGHIJKLMNOP%2F", { KIND_KEY }, { "ASIAABCDEFGHIJKLMNOP" } },
    { "xASIAABCDEFGHIJKLMNOP", { 0 }, { 0 } },
    { "ASIAABCDEFGHIJKLMNOPQ", { 0 }, { 0 } },
    { "ASIAABCDEFGHIJKLMNOp", { 0 }, { 0 } },
    { "AROAABCDEFGHIJKLMNOPQ:x",
      { KIND_UNIQUE_ID },
      { "AROAABCDEFGHIJKLMNOPQ" } },
    { "arn:aws:iam::111122223333:role/app \"",
      { KIND_ROLE },
      { "arn:aws:iam::111122223333:role/app" } },
    { "arn:aws:s3:::bucket/key/x\"", { KIND_OBJECT }, { "bucket/key/x" } },
    { "arn:aws-cn:s3:::bucket.", { KIND_BUCKET }, { "bucket" } },
    { "arn:aws:iam::%s:role/app", { 0 }, { 0 } },
    { "arn:aws:s3:::${bucket}", { 0 }, { 0 } },
    { "arn:aws:iam::12345:role/app", { 0 }, { 0 } },
    { "i-0123456789abcdef0", { KIND_INSTANCE }, { "i-0123456789abcdef0" } },
    { "(eipalloc-0123456789abcdef0)",
      { KIND_RESOURCE },
      { "eipalloc-0123456789abcdef0" } },
    { "vol-0123456789abcdef0a", { 0 }, { 0 } },
    { "vol-0123456789abcdef", { 0 }, { 0 } },
    { "xvol-0123456789abcdef0", { 0 }, { 0 } },
    { "10.0.1.20", { KIND_IP }, { "10.0.1.20" } },
    { "[203.0.113.20]:443", { KIND_IP }, { "203.0.113.20" } },
    { "203.0.113.20.", { KIND_IP }, { "203.0.113.20" } },
    { "v1.2.3.4", { 0 }, { 0 } },
    { "1.2.3.4.5", { 0 }, { 0 } },
    { "1.2.3.04", { 0 }, { 0 } },
    { "1.2.3.256", { 0 }, { 0 } },
    { "127.0.0.1 0.0.0.0 255.255.255.255 224.0.0.1", { 0 }, { 0 } },
    { "http://a.example/b?c=http://d.example/",
      { KIND_URL },
      { "http://a.example/b?c=http://d.example/" } },
    { "https://10.0.1.20:8443/x.",
      { KIND_URL, KIND_IP },
      { "https://10.0.1.20:8443/x", "10.0.1.20" } },
    { "http://%s/x", { 0 }, { 0 } },
};

static void demand_case(size_t i, size_t at)
{
    size_t n = strlen(cases[i].text), k = 0;
    clear();
    memcpy(p + at, cases[i].text, n);
    run();
    for (; k < 4 && cases[i].value[k]; k++) {
        ck_assert_msg(k < n_hits, "%s at %zu", cases[i].text, at);
        ck_assert_uint_eq(hits[k].kind, cases[i].kind[k]);
        ck_assert_str_eq(hits[k].value, cases[i].value[k]);
        ck_assert_uint_ge(hits[k].at, 0x10000 + at);
        if (hits[k].len == strlen(hits[k].value))
            ck_assert_mem_eq(p + (hits[k].at - 0x10000), hits[k].value,
                             hits[k].len);
    }
    ck_assert_msg(k == n_hits, "%s: also %s", cases[i].text,
                  n_hits ? hits[n_hits - 1].value : "");
}

START_TEST(each_shape_is_found_anywhere)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].text);
        demand_case(i, 0);
        demand_case(i, SIZE - n);
        for (size_t at = 4096 - n - 20; at < 4096 + 20; at++)
            demand_case(i, at);
    }
}
END_TEST

START_TEST(keys_of_two_bytes_a_character)
{
    static const char key[] = "AKIAABCDEFGHIJKLMNOP";
    for (size_t at = 4096 - 60; at < 4096 + 20; at++) {
        clear();
        for (size_t i = 0; i < 20; i++)
            p[at + 2 * i] = key[i];
        run();
        ck_assert_uint_eq(n_hits, 1);
        ck_assert_uint_eq(hits[0].at, 0x10000 + at);
        ck_assert_uint_eq(hits[0].len, 40);
        ck_assert_str_eq(hits[0].value, key);
        p[at + 40] = 'Q'; /* longer than a key */
        run();
        ck_assert_uint_eq(n_hits, 0);
    }
}
END_TEST

START_TEST(the_running_system)
{
    memcpy(p + 4090, "Linux version 6.1.0 (a@b) (gcc) #1 SMP 2026\n", 44);
    memcpy(p + 5000, "Linux", 5);
    memcpy(p + 5065, "app-01", 6);
    memcpy(p + 5130, "6.1.0", 5);
    memcpy(p + 5195, "#1 SMP", 6);
    memcpy(p + 5260, "x86_64", 6);
    run();
    ck_assert_uint_eq(n_hits, 2);
    ck_assert_int_eq(hits[0].what, CARVE_BANNER);
    ck_assert_str_eq(hits[0].value, "Linux version 6.1.0 (a@b) (gcc) #1 SMP "
                                    "2026");
    ck_assert_int_eq(hits[1].what, CARVE_HOST);
    ck_assert_str_eq(hits[1].value, "app-01");
    memcpy(p + 5065, "(none)", 6);
    run();
    ck_assert_uint_eq(n_hits, 1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("carve");
    tcase_add_unchecked_fixture(
        tap_case(s, "shapes", each_shape_is_found_anywhere), setup, teardown);
    tcase_add_unchecked_fixture(
        tap_case(s, "wide", keys_of_two_bytes_a_character), setup, teardown);
    tcase_add_unchecked_fixture(tap_case(s, "system", the_running_system),
                                setup, teardown);
    return s;
}
