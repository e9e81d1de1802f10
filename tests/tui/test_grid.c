/* The grid: whatever is written, wherever, stays in its area, and only
 * characters that a terminal may get are in its cells. */
#include "tests/tap.h"

#include "base/text.h"
#include "tui/grid.h"

#include <stdio.h>
#include <stdlib.h>

static struct grid g;

static void make(int w, int h)
{
    grid_free(&g);
    g = (struct grid){ 0 };
    ck_assert(grid_resize(&g, w, h));
}

/* A deterministic sequence. */
static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static int between(uint32_t *seed, int low, int high)
{
    return low + (int)(next(seed) % (uint32_t)(high - low + 1));
}

static void check_cell(const struct cell *c, int x, int y)
{
    struct str s = { c->bytes, c->n };
    uint32_t cp;
    ck_assert_uint_le(c->n, CELL_BYTES);
    ck_assert_uint_lt(c->style & ~(unsigned)STYLE_CURSOR, STYLE_COUNT);
    if (c->width == 2) {
        ck_assert_int_lt(x + 1, g.w);
        ck_assert_uint_eq(grid_cell(&g, x + 1, y)->width, 0);
    }
    if (c->width == 0) {
        ck_assert_int_gt(x, 0);
        ck_assert_uint_eq(grid_cell(&g, x - 1, y)->width, 2);
        ck_assert_uint_eq(c->n, 0);
    }
    while (s.n) {
        unsigned n = text_utf8(s, &cp);
        ck_assert_uint_gt(n, 0);
        ck_assert(cp >= 0x20 && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0));
        s = str_sub(s, n, s.n);
    }
    if (c->n)
        ck_assert_uint_eq(text_width((struct str){ c->bytes, c->n }), c->width);
}

static void check_all(void)
{
    for (int y = 0; y < g.h; y++)
        for (int x = 0; x < g.w; x++)
            check_cell(grid_cell(&g, x, y), x, y);
}

static const char *const nasty[] = {
    "\x1b[31mred\x1b]0;title\x07",
    "a\rb\nc\td",
    "\xe3\x81\x8b\xe3\x82\x99",
    "\xe2\x80\xae evil",
    "\xff\xfe\xc0\x80",
    "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97",
    "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9",
    "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
    "\xc2\x85\xc2\x9b",
    "plain words that are rather long and have to be cut somewhere",
    "\\x41\\u{42}",
    "",
};

static void write_something(uint32_t *seed)
{
    struct area a =
        area_sub(grid_area(&g), between(seed, -5, 44), between(seed, -1, 6),
                 between(seed, -5, 44), between(seed, -1, 6));
    struct pen p = pen_at(a, between(seed, -5, 44), between(seed, -1, 6),
                          (enum style)(next(seed) % STYLE_COUNT));
    struct str s =
        str_from(nasty[next(seed) % (sizeof(nasty) / sizeof(nasty[0]))]);
    switch (next(seed) % 5) {
    case 0:
        pen_z(&p, "own words");
        break;
    case 1:
        pen_wrap(&p, s, 0);
        break;
    case 2:
        pen_count(&p, next(seed));
        break;
    case 3:
        pen_height(&p, next(seed) % 9, 8);
        area_highlight(a, 0);
        break;
    default:
        pen_text(&p, s, between(seed, -1, 28));
        break;
    }
}

START_TEST(writes_stay_inside)
{
    uint32_t seed = 1;
    for (int round = 0; round < 3000; round++) {
        make(between(&seed, 1, 40), between(&seed, 1, 6));
        g.ascii = next(&seed) & 1;
        g.text_flags = next(&seed) & 1 ? TEXT_ASCII : TEXT_NO_RTL;
        for (int i = 0; i < 8; i++)
            write_something(&seed);
        check_all();
    }
    grid_free(&g);
}
END_TEST

/* base64, for tests/data/naughty.txt. */
static size_t decode(const char *line, char *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned n = 0;
    size_t len = 0;
    for (; *line && *line != '\n' && *line != '='; line++) {
        const char *d = strchr(digits, *line);
        if (!d)
            return 0;
        bits = bits << 6 | (uint32_t)(d - digits);
        n += 6;
        if (n >= 8) {
            n -= 8;
            out[len++] = (char)(bits >> n & 0xff);
        }
    }
    return len;
}

static void show_at(struct str s, int w)
{
    size_t at = 0;
    make(w, 4);
    g.text_flags = w & 8 ? TEXT_NO_RTL : 0;
    struct pen p = pen_at(grid_area(&g), 0, 0, STYLE_PLAIN);
    ck_assert_int_le(pen_text(&p, s, -1), w);
    for (int y = 1; y < 4 && at < s.n; y++) {
        p = pen_at(grid_area(&g), 0, y, STYLE_PLAIN);
        size_t to = pen_wrap(&p, s, at);
        ck_assert_uint_gt(to, at);
        at = to;
    }
    check_all();
}

START_TEST(naughty_strings_are_cells)
{
    FILE *f = fopen(tap_path("tests/data/naughty.txt"), "r");
    ck_assert_ptr_nonnull(f);
    static char line[65536], bytes[65536];
    int n = 0;
    while (fgets(line, sizeof(line), f)) {
        if (line[0] == '#')
            continue;
        struct str s = { bytes, decode(line, bytes) };
        for (int w = 1; w <= 41; w += 8)
            show_at(s, w);
        n++;
    }
    fclose(f);
    ck_assert_int_gt(n, 400);
    grid_free(&g);
}
END_TEST

static void row_text(char *out)
{
    for (int x = 0; x < g.w; x++) {
        const struct cell *c = grid_cell(&g, x, 0);
        for (int i = 0; i < c->n; i++)
            *out++ = c->bytes[i];
        if (c->n == 0 && c->width)
            *out++ = ' ';
    }
    *out = '\0';
}

START_TEST(a_cut_says_how_much)
{
    char text[200];
    make(12, 1);
    struct pen p = pen_at(grid_area(&g), 0, 0, STYLE_PLAIN);
    pen_text(&p, STR("abcdefghijklmnopqrstuvwxyz"), -1);
    row_text(text);
    ck_assert_str_eq(text, "abcdefgh\u2026+18");
    make(12, 1);
    p = pen_at(grid_area(&g), 0, 0, STYLE_PLAIN);
    pen_text(&p, STR("abcdefghijkl"), -1);
    row_text(text);
    ck_assert_str_eq(text, "abcdefghijkl");
    grid_free(&g);
}
END_TEST

START_TEST(wide_characters_are_never_halved)
{
    char text[200];
    make(3, 1);
    struct pen p = pen_at(grid_area(&g), 0, 0, STYLE_PLAIN);
    pen_text(&p, STR("\xe6\xbc\xa2"), -1);
    p = pen_at(grid_area(&g), 1, 0, STYLE_PLAIN);
    pen_z(&p, "x");
    row_text(text);
    ck_assert_str_eq(text, " x ");
    make(1, 1);
    p = pen_at(grid_area(&g), 0, 0, STYLE_PLAIN);
    pen_text(&p, STR("\xe6\xbc\xa2"), -1);
    check_all();
    grid_free(&g);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("grid");
    tap_case(s, "inside", writes_stay_inside);
    tap_case(s, "naughty", naughty_strings_are_cells);
    tap_case(s, "cut", a_cut_says_how_much);
    tap_case(s, "wide", wide_characters_are_never_halved);
    return s;
}
