#include "tests/tap.h"

#include "evidence/scan.h"

#include <stdlib.h>

enum { SIZE = 3 << 20, HITS = 4096, PIECE = 1 << 20 };

struct found {
    struct reader_hit hits[HITS];
    size_t n;
    int stop_at; /* nonzero: stop after so many */
};

static char *bytes;

static int take(void *ctx, const struct reader_hit *h)
{
    struct found *f = ctx;
    ck_assert_uint_lt(f->n, HITS);
    f->hits[f->n++] = *h;
    return f->stop_at && f->n == (size_t)f->stop_at ? 77 : 0;
}

static int go_on(void *ctx, uint64_t done)
{
    (void)ctx;
    ck_assert_uint_le(done, SIZE);
    return 0;
}

static int scan(struct str in, uint64_t off, uint64_t len,
                const struct reader_needles *n, struct found *f,
                struct err *err)
{
    const struct scan_sink sink = { take, go_on, f };
    struct source *src = source_open_memory(in, err);
    ck_assert_ptr_nonnull(src);
    f->n = 0;
    *err = (struct err){ .code = 0 };
    int rc = scan_source(src, off, len, n, &sink, err);
    source_close(src);
    return rc;
}

static void fill(void)
{
    bytes = malloc(SIZE);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, '.', SIZE);
}

static void put(size_t at, const char *text)
{
    memcpy(bytes + at, text, strlen(text));
}

static bool matches(struct str in, size_t at, struct str needle, bool fold)
{
    struct str here = str_sub(in, at, needle.n);
    return fold ? str_ieq(here, needle) : str_eq(here, needle);
}

/* The plain way: every needle at every offset. */
static size_t naive(struct str in, uint64_t off, uint64_t len,
                    const struct reader_needles *n, struct reader_hit *hits)
{
    size_t count = 0;
    uint64_t end = len < in.n - off ? off + len : in.n;
    struct str range = { in.p, end };
    for (size_t at = off; at < end; at++)
        for (unsigned i = 0; i < n->n; i++)
            if (matches(range, at, n->needles[i], n->flags & SCAN_FOLD))
                hits[count++] = (struct reader_hit){ at, n->needles[i].n, i };
    return count;
}

static void compare(const struct reader_needles *n, uint64_t off, uint64_t len)
{
    static struct found f;
    static struct reader_hit expected[HITS];
    struct err err;
    struct str in = { bytes, SIZE };
    ck_assert_int_eq(scan(in, off, len, n, &f, &err), 0);
    size_t count = naive(in, off, len, n, expected);
    ck_assert_uint_eq(f.n, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(f.hits[i].off, expected[i].off);
        ck_assert_uint_eq(f.hits[i].len, expected[i].len);
    }
}

START_TEST(literal_hits_are_those_of_the_plain_way)
{
    static const struct str texts[] = {
        { "needle", 6 }, { "NEED", 4 }, { "edle", 4 }, { "n\0d", 3 }
    };
    fill();
    /* Around every place where one piece of the window may end. */
    for (size_t edge = PIECE - 66000; edge < SIZE - 8; edge += 66013)
        put(edge, edge % 2 ? "needle" : "NeEdLeneedle");
    for (size_t edge = PIECE; edge < SIZE; edge += PIECE)
        for (size_t d = 0; d < 24; d += 8)
            put(edge - d - 4, "needle");
    memcpy(bytes + 5000, "n\0d", 3);
    put(SIZE - 6, "needle");
    put(0, "needle");
    for (unsigned flags = 0; flags <= SCAN_FOLD; flags += SCAN_FOLD) {
        struct reader_needles n = { texts, 4, flags, 0 };
        compare(&n, 0, UINT64_MAX);
        compare(&n, 0, SIZE - 1); /* the last one is cut */
        compare(&n, 1, SIZE);
        compare(&n, PIECE - 2, 100);
        compare(&n, SIZE, 10);
    }
    free(bytes);
}
END_TEST

/* As above, of many texts over few letters and runs of zeros. */
START_TEST(many_texts_are_found_as_by_the_plain_way)
{
    enum { MANY = 40 };
    static const char letters[] = { 'a', 'b', 0, 'A' };
    static char text[MANY][8];
    struct str needles[MANY];
    uint32_t seed = 7;
    fill();
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = i / 4096 % 3 == 0 ? letters[seed >> 30] : 0;
    }
    for (unsigned k = 0; k < MANY; k++) {
        size_t n = 3 + k % 6;
        seed = seed * 1664525u + 1013904223u;
        memcpy(text[k], bytes + (k * 12288 + seed % 4000) % SIZE, n);
        needles[k] = (struct str){ text[k], n };
        if (k >= 30) /* not all of zeros, else there are too many hits */
            text[k][0] = 'b';
        for (size_t i = n; text[k][0] == 0 && i-- > 0;)
            text[k][i] = 'a';
    }
    for (unsigned fold = 0; fold < 2; fold++) {
        struct reader_needles n = { needles, MANY, fold ? SCAN_FOLD : 0, 3000 };
        for (uint64_t at = 0; at < SIZE; at += PIECE / 2)
            compare(&n, at, 700);
        compare(&n, PIECE - 300, 600);
        compare(&n, SIZE - 20, 20);
    }
    free(bytes);
}
END_TEST

START_TEST(hits_overlap)
{
    struct found f;
    struct err err;
    const struct reader_needles n = { &STR("aa"), 1, 0, 0 };
    ck_assert_int_eq(scan(STR("aaaa"), 0, 4, &n, &f, &err), 0);
    ck_assert_uint_eq(f.n, 3);
}
END_TEST

START_TEST(ascii_letters_fold_and_nothing_else)
{
    struct err err;
    for (unsigned a = 0; a < 256; a++) {
        /* At each place of a word of eight, and in its rest. */
        char in[11];
        memset(in, (char)a, sizeof in);
        for (unsigned b = 0; b < 256; b++) {
            struct found f;
            char c = (char)b;
            struct str text = { &c, 1 };
            const struct reader_needles n = { &text, 1, SCAN_FOLD, 0 };
            ck_assert_int_eq(
                scan((struct str){ in, sizeof in }, 0, 99, &n, &f, &err), 0);
            bool same = str_ieq(text, (struct str){ in, 1 });
            ck_assert_uint_eq(f.n, same ? sizeof in : 0);
        }
    }
}
END_TEST

START_TEST(one_hit_a_line)
{
    struct found f;
    struct err err;
    fill();
    put(10, "aa\naba\n\na");
    bytes[100] = '\n';
    put(200, "a");
    put(PIECE + 300000, "a"); /* the same line, in another window */
    bytes[2 * PIECE] = '\n';
    put(2 * PIECE + 1, "a");
    const struct reader_needles n[] = {
        { &STR("a"), 1, SCAN_LINES, 0 },
        { &STR("a"), 1, SCAN_LINES | SCAN_REGEX, 0 },
    };
    static const uint64_t expected[] = { 10, 13, 18, 200, 2 * PIECE + 1 };
    for (size_t i = 0; i < 2; i++) {
        struct str in = { bytes, SIZE };
        ck_assert_int_eq(scan(in, 0, SIZE, &n[i], &f, &err), 0);
        ck_assert_uint_eq(f.n, 5);
        for (size_t k = 0; k < 5; k++)
            ck_assert_uint_eq(f.hits[k].off, expected[k]);
    }
    free(bytes);
}
END_TEST

START_TEST(hits_can_be_limited_and_stopped)
{
    struct found f = { .stop_at = 0 };
    struct err err;
    struct reader_needles n = { &STR("a"), 1, 0, 2 };
    ck_assert_int_eq(scan(STR("aaaa"), 0, 4, &n, &f, &err), 0);
    ck_assert_uint_eq(f.n, 2);
    n.max_hits = 0;
    f.stop_at = 3;
    ck_assert_int_eq(scan(STR("aaaa"), 0, 4, &n, &f, &err), 77);
    ck_assert_uint_eq(f.n, 3);
}
END_TEST

static const struct {
    const char *pattern, *in;
    unsigned flags;
    size_t n;
    uint64_t off, len; /* of the first */
} patterns[] = {
    { "a+", "..aaa.a", 0, 2, 2, 3 },
    { "^x", "x\nax\nx", 0, 2, 0, 1 },
    { "x$", "ax\nxa\nx", 0, 2, 1, 1 },
    { "AKIA[A-Z0-9]{16}", "key AKIASVCBACKUPEXAMPLE;", 0, 1, 4, 20 },
    { "akia", "AKIA", SCAN_FOLD, 1, 0, 4 },
    { "akia", "AKIA", 0, 0, 0, 0 },
    { "\\xff\\x00", "a\377", 0, 0, 0, 0 },
    { "\\xff", "a\377b", 0, 1, 1, 1 },
    { "b*", "ab", 0, 1, 1, 1 }, /* empty matches are none */
    { "\\bcat\\b", "concat cat", 0, 1, 7, 3 },
    { "(?<=x)y", "yxy", 0, 1, 2, 1 },
};

START_TEST(patterns_match_bytes)
{
    struct found f;
    struct err err;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct str p = str_from(patterns[i].pattern);
        const struct reader_needles n = { &p, 1, patterns[i].flags | SCAN_REGEX,
                                          0 };
        int rc = scan(str_from(patterns[i].in), 0, UINT64_MAX, &n, &f, &err);
        ck_assert_msg(rc == 0, "%s: %s", patterns[i].pattern, err.what);
        ck_assert_msg(f.n == patterns[i].n, "%s: %zu", patterns[i].pattern,
                      f.n);
        if (f.n == 0)
            continue;
        ck_assert_uint_eq(f.hits[0].off, patterns[i].off);
        ck_assert_uint_eq(f.hits[0].len, patterns[i].len);
    }
}
END_TEST

START_TEST(patterns_match_across_pieces)
{
    static struct found f;
    struct err err;
    const struct reader_needles n = { &STR("\\bk[0-9]{30}\\b"), 1, SCAN_REGEX,
                                      0 };
    fill();
    for (size_t at = PIECE - 70000; at < SIZE - 31; at += 41)
        put(at, "k012345678901234567890123456789");
    put(SIZE - 31, "k012345678901234567890123456789");
    struct str in = { bytes, SIZE };
    /* Far more hits than the list holds: the first ones. */
    const struct reader_needles some = { n.needles, 1, SCAN_REGEX, HITS - 1 };
    ck_assert_int_eq(scan(in, 0, SIZE, &some, &f, &err), 0);
    ck_assert_uint_eq(f.n, HITS - 1);
    for (size_t i = 0; i < f.n; i++)
        ck_assert_uint_eq(f.hits[i].off, PIECE - 70000 + i * 41);
    /* And the edges of the others. */
    ck_assert_int_eq(scan(in, 2 * PIECE - 70001, 140000, &n, &f, &err), 0);
    uint64_t first = (PIECE - 1 + 40) / 41 * 41 + PIECE - 70000;
    ck_assert_uint_eq(f.hits[0].off, first);
    ck_assert_uint_eq(f.n, 140000 / 41);
    free(bytes);
}
END_TEST

START_TEST(costly_patterns_stop_with_a_place)
{
    struct found f;
    struct err err;
    const struct reader_needles n = { &STR("(a+)+[0-9]"), 1, SCAN_REGEX, 0 };
    int rc = scan(STR("....aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), 0,
                  UINT64_MAX, &n, &f, &err);
    ck_assert_int_eq(rc, ERR_EVIDENCE);
    ck_assert_ptr_nonnull(strstr(err.what, "offset"));
}
END_TEST

START_TEST(bad_searches_are_refused)
{
    struct err err;
    static char big[5000];
    struct str many[17], none = STR(""), huge = { big, sizeof big };
    for (size_t i = 0; i < 17; i++)
        many[i] = STR("x");
    const struct reader_needles wrong[] = {
        { many, 0, 0, 0 },
        { many, 17, 0, 0 },
        { many, 2, SCAN_REGEX, 0 },
        { &none, 1, 0, 0 },
        { &huge, 1, 0, 0 },
        { &STR("a("), 1, SCAN_REGEX, 0 },
        { &STR("\\C"), 1, SCAN_REGEX, 0 },
        { &STR("(*UTF)x"), 1, SCAN_REGEX, 0 },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(scan_check(&wrong[i], &err), ERR_USAGE);
    ck_assert_int_eq(scan_check(&wrong[5], &err), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err.what, "column 3"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("scan");
    tap_case(s, "literal", literal_hits_are_those_of_the_plain_way);
    tap_case(s, "many", many_texts_are_found_as_by_the_plain_way);
    tap_case(s, "overlap", hits_overlap);
    tap_case(s, "fold", ascii_letters_fold_and_nothing_else);
    tap_case(s, "lines", one_hit_a_line);
    tap_case(s, "limits", hits_can_be_limited_and_stopped);
    tap_case(s, "patterns", patterns_match_bytes);
    tap_case(s, "pieces", patterns_match_across_pieces);
    tap_case(s, "cost", costly_patterns_stop_with_a_place);
    tap_case(s, "refused", bad_searches_are_refused);
    return s;
}
