/*
 * A unit test file defines suite() and nothing else that is external; main
 * comes from libtest.a and prints TAP for automake's driver.
 *
 *     START_TEST(empty_string_has_no_bytes)
 *     {
 *         ck_assert_uint_eq(STR("").n, 0);
 *     }
 *     END_TEST
 *
 *     Suite *suite(void)
 *     {
 *         Suite *s = suite_create("str");
 *         tap_case(s, "views", empty_string_has_no_bytes);
 *         return s;
 *     }
 *
 * Files: tap_path("tests/data/x") is a path in the sources, read-only;
 * tap_dir() a fresh folder of this process, removed at the end.
 */
#pragma once

#include <check.h>

/* Each test file's own. */
Suite *suite(void);

/* Add one test to the suite under its own name, and return its test case so
 * that a fixture, a time limit or more tests can be added. */
TCase *tap_case(Suite *s, const char *name, const TTest *test);

/* A path below the source folder; valid until the third call after. */
const char *tap_path(const char *below_source_dir);

/* An empty folder to write into. */
const char *tap_dir(void);
