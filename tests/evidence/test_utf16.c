/* Text in UTF-16: every character, in every place relative to the steps by
 * which it is read, also where bytes are asked for out of order. */
#include "evidence/utf16.h"

#include <stdlib.h>

#include "tests/tap.h"

enum { UNITS = 200000 };

static struct err err;
static struct str in; /* UTF-16 */
static struct buf want;

static void put_unit(struct buf *b, unsigned u, bool big)
{
    buf_putc(b, (char)(big ? u >> 8 : u));
    buf_putc(b, (char)(big ? u : u >> 8));
}

static void put_char(struct buf *utf16, unsigned c, bool big)
{
    char t[4];
    size_t n = 0;
    if (c >= 0x10000) {
        put_unit(utf16, 0xd800 + ((c - 0x10000) >> 10), big);
        put_unit(utf16, 0xdc00 + ((c - 0x10000) & 0x3ff), big);
        t[n++] = (char)(0xf0 | c >> 18);
        t[n++] = (char)(0x80 | (c >> 12 & 63));
    } else {
        put_unit(utf16, c, big);
        if (c >= 0x800)
            t[n++] = (char)(0xe0 | c >> 12);
    }
    if (c >= 0x800)
        t[n++] = (char)(0x80 | (c >> 6 & 63));
    else if (c >= 0x80)
        t[n++] = (char)(0xc0 | c >> 6);
    t[n++] = (char)(c < 0x80 ? c : 0x80 | (c & 63));
    buf_put(&want, (struct str){ t, n });
}

/* A text that begins as a log and goes on with characters of all lengths. */
static void make(struct buf *utf16, bool big, bool bom)
{
    unsigned seed = big ? 7 : 3;
    buf_clear(&want);
    if (bom)
        put_unit(utf16, 0xfeff, big);
    for (unsigned i = 0; i < UNITS; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned c = i < 80 ? (unsigned char)"log \n"[i % 5] : seed >> 8;
        c = c % (i < 80 || seed & 1 ? 0x110000 : seed & 2 ? 0x800 : 0x80);
        if ((c >= 0xd800 && c < 0xe000) || c == 0)
            c = 'x';
        put_char(utf16, c, big);
    }
    in = buf_str(utf16);
}

static void demand_same(void)
{
    struct source *file = source_open_memory(in, &err);
    struct source *s = source_open_utf16(file, &err);
    ck_assert_msg(s != NULL, "%s", err.what);
    ck_assert_uint_eq(s->size, want.n);
    char *got = malloc(want.n);
    size_t n;
    ck_assert_int_eq(source_read(s, 0, got, want.n, &n, &err), 0);
    ck_assert_uint_eq(n, want.n);
    ck_assert_mem_eq(got, want.p, want.n);
    for (size_t off = want.n; off > 1237; off -= 1237) {
        ck_assert_int_eq(source_read(s, off - 1237, got, 1237, &n, &err), 0);
        ck_assert_mem_eq(got, want.p + off - 1237, n);
    }
    ck_assert(!utf16_source_report(s)->odd && !utf16_source_report(s)->lone);
    free(got);
    source_close(s);
    source_close(file);
}

START_TEST(text_comes_whole)
{
    struct buf b = { 0 };
    make(&b, _i & 1, _i & 2);
    ck_assert(utf16_recognise(str_sub(in, 0, 4096)));
    demand_same();
    buf_free(&b);
    buf_free(&want);
}
END_TEST

START_TEST(other_bytes_are_not_taken)
{
    static const struct {
        struct str s;
        bool is;
    } v[] = {
        { STR(""), false },
        { STR("\xff\xfe"), false },
        { STR("\xff\xfe{\0"), true },
        { STR("\xfe\xff\0{"), true },
        { STR("\xff\xfe\x01\0\x02\0"), false },
        { STR("\xff\xfe\0\0{\0\0\0"), false }, /* UTF-32 */
        { STR("{\0\"\0a\0\"\0:\0001\0}\0\n\0"), true },
        { STR("\0{\0\"\0a\0\"\0:\0001\0}\0\n"), true },
        { STR("{\0\"\0a\0"), false }, /* too short to say */
        { STR("{\"a\":1, \"b\": 22222}"), false },
        { STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), false },
        { STR("a\0b\0c\0d\0e\0f\0g\0h\1"), false },
        { STR("\1\0\2\0\3\0\4\0\5\0\6\0\7\0\10\0"), false },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
        ck_assert_msg(utf16_recognise(v[i].s) == v[i].is, "%zu", i);
}
END_TEST

START_TEST(what_is_broken_is_kept_and_told)
{
    in = STR("\xff\xfe"
             "a\0\x00\xd8"
             "b\0\x00\xdc"
             "\x3d\xd8\x00\xde\x00\xd8"
             "z");
    static const char text[] = "a\xed\xa0\x80"
                               "b\xed\xb0\x80"
                               "\xf0\x9f\x98\x80\xed\xa0\x80";
    char got[64];
    size_t n;
    struct source *file = source_open_memory(in, &err);
    struct source *s = source_open_utf16(file, &err);
    ck_assert(s != NULL);
    ck_assert_int_eq(source_read(s, 0, got, sizeof(got), &n, &err), 0);
    ck_assert_uint_eq(n, sizeof(text) - 1);
    ck_assert_mem_eq(got, text, n);
    ck_assert(utf16_source_report(s)->odd);
    ck_assert_uint_eq(utf16_source_report(s)->lone, 3);
    source_close(s);
    source_close(file);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("utf16");
    TCase *t = tcase_create("whole");
    tcase_add_loop_test(t, text_comes_whole, 0, 4);
    suite_add_tcase(s, t);
    tap_case(s, "others", other_bytes_are_not_taken);
    tap_case(s, "broken", what_is_broken_is_kept_and_told);
    return s;
}
