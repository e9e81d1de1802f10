/* Lists of digests in the forms that tools write. */
#include "base/sums.h"

#include <stdlib.h>

#include "tests/tap.h"

#define MD5  "d41d8cd98f00b204e9800998ecf8427e"
#define SHA1 "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define SHA256                                                                 \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct arena arena;
static struct err err;

START_TEST(forms)
{
    static const struct {
        const char *text, *path; /* path NULL: refused */
        enum hash_algo algo;
    } v[] = {
        { MD5 "  a b", "a b", HASH_MD5 },
        { SHA1 " *a", "a", HASH_SHA1 },
        { SHA256 "  ./a/b", "./a/b", HASH_SHA256 },
        { SHA256 "   a", " a", HASH_SHA256 },
        { "\\" SHA256 "  a\\nb\\\\c\\r", "a\nb\\c\r", HASH_SHA256 },
        { "MD5 (a (1) = x) = " MD5, "a (1) = x", HASH_MD5 },
        { "SHA256 (a) = " SHA256, "a", HASH_SHA256 },
        { "SHA2-256(a)= " SHA256, "a", HASH_SHA256 },
        { "SHA1(a)= " SHA1 "\r", "a", HASH_SHA1 },
        { "# no\n\n; no\n" MD5 "  a", "a", HASH_MD5 },
        { "\xef\xbb\xbf" MD5 "  a", "a", HASH_MD5 },
        { MD5, NULL, 0 },
        { MD5 "  ", NULL, 0 },
        { MD5 " a", NULL, 0 },
        { MD5 "0  a", NULL, 0 },
        { "SHA256 (a) = " MD5, NULL, 0 },
        { "SHA512 (a) = " SHA256, NULL, 0 },
        { "SHA256 () = " SHA256, NULL, 0 },
        { "\\" MD5 "  a\\x", NULL, 0 },
        { "\\" MD5 "  a\\", NULL, 0 },
        { "words", NULL, 0 },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        struct sums_line *l;
        unsigned char want[32];
        size_t n;
        int rc = sums_parse(str_from(v[i].text), &arena, &l, &n, &err);
        ck_assert_msg(rc == (v[i].path ? 0 : ERR_USAGE), "%s", v[i].text);
        if (v[i].path) {
            ck_assert_uint_eq(n, 1);
            ck_assert_msg(str_eq(l->path, str_from(v[i].path)), "%s",
                          v[i].text);
            ck_assert_int_eq(l->algo, v[i].algo);
            (void)hash_from_hex(str_from(l->algo == HASH_MD5    ? MD5
                                         : l->algo == HASH_SHA1 ? SHA1
                                                                : SHA256),
                                want, hash_len(l->algo));
            ck_assert_mem_eq(l->value, want, hash_len(l->algo));
        }
        free(l);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(the_place_is_named)
{
    struct sums_line *l;
    size_t n;
    ck_assert_int_eq(
        sums_parse(STR(MD5 "  a\n\n" MD5 "  b\nx"), &arena, &l, &n, &err),
        ERR_USAGE);
    ck_assert_str_eq(err.what, "line 4 is no digest with a name");
    free(l);
    arena_free(&arena);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sums");
    tap_case(s, "forms", forms);
    tap_case(s, "place", the_place_is_named);
    return s;
}
