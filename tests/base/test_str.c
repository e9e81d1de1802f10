/* base/str: views are clipped, never read beyond, and compare bytewise. */
#include "base/str.h"

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

Suite *suite(void)
{
    Suite *s = suite_create("str");
    tap_case(s, "sub", sub_is_clipped);
    tap_case(s, "order", order_is_bytewise);
    return s;
}
