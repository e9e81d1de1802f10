/* base/str: views are clipped, never read beyond, and compare bytewise. */
#include "base/str.h"

#include <stdlib.h>

#include "tests/tap.h"

START_TEST(sub_is_clipped)
{
    struct str s = STR("kanshiki");
    ck_assert(str_eq(str_sub(s, 3, 5), STR("shiki")));
    ck_assert(str_eq(str_sub(s, 3, SIZE_MAX), STR("shiki")));
    ck_assert_uint_eq(str_sub(s, 9, 1).n, 0);
    ck_assert_uint_eq(str_sub(s, SIZE_MAX, SIZE_MAX).n, 0);
}
END_TEST

START_TEST(order_is_bytewise)
{
    ck_assert_int_lt(str_cmp(STR("a"), STR("ab")), 0);
    ck_assert_int_gt(str_cmp(STR("\xff"), STR("a")), 0);
    ck_assert_int_eq(str_cmp(STR_NONE, STR("")), 0);
}
END_TEST

/* Each length and place of a needle in text of two letters, so that there are
 * many near misses; the buffer ends where the text ends. */
START_TEST(find_is_the_first_occurrence)
{
    uint32_t seed = 20260311;
    for (size_t n = 0; n < 90; n++)
        for (size_t m = 1; m < 24; m++) {
            char *hay = malloc(n + 1), needle[24];
            for (size_t i = 0; i < n; i++)
                hay[i] = (seed = seed * 1664525 + 1013904223) >> 30 ? 'a' : 'b';
            for (size_t i = 0; i < m; i++)
                needle[i] =
                    (seed = seed * 1664525 + 1013904223) >> 30 ? 'a' : 'b';
            size_t want = SIZE_MAX;
            for (size_t i = 0; i + m <= n && want == SIZE_MAX; i++)
                if (memcmp(hay + i, needle, m) == 0)
                    want = i;
            ck_assert_uint_eq(
                str_find((struct str){ hay, n }, (struct str){ needle, m }),
                want);
            free(hay);
        }
    ck_assert_uint_eq(str_find(STR_NONE, STR("a")), SIZE_MAX);
    ck_assert_uint_eq(str_find(STR("a"), STR("")), 0);
}
END_TEST

START_TEST(equality_at_each_length)
{
    char a[40], b[40];
    memset(a, 'x', sizeof a);
    for (size_t n = 0; n <= sizeof a; n++) {
        memcpy(b, a, sizeof a);
        ck_assert(str_eq((struct str){ a, n }, (struct str){ b, n }));
        for (size_t i = 0; i < sizeof a; i++) {
            b[i] = 'y';
            ck_assert(str_eq((struct str){ a, n }, (struct str){ b, n }) ==
                      (i >= n));
            b[i] = 'x';
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("str");
    tap_case(s, "sub", sub_is_clipped);
    tap_case(s, "order", order_is_bytewise);
    tap_case(s, "find", find_is_the_first_occurrence);
    tap_case(s, "equality", equality_at_each_length);
    return s;
}
