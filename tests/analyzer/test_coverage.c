/* Delivery names, silences and questions, apart from any case. */
#include "analyzer/coverage.h"
#include "tests/tap.h"

enum { MIN = 60, HOUR = 3600, DAY = 86400 };

START_TEST(names_of_deliveries)
{
    struct coverage_delivery d;
    ck_assert(coverage_delivery(
        STR("a/b/111122223333_CloudTrail_us-gov-east-1_20260312T0535Z_"
            "aBcD.json.gz"),
        &d));
    ck_assert(str_eq(d.account, STR("111122223333")));
    ck_assert(str_eq(d.region, STR("us-gov-east-1")));
    ck_assert_int_eq(d.t_s, 1773293700);
    static const char *const others[] = {
        "",
        "111122223333",
        "111122223333_CloudTrail_us-east-1",
        "111122223333_CloudTrail_us-east-1_",
        "111122223333_CloudTrail__20260312T0535Z_x.json.gz",
        "11112222333_CloudTrail_us-east-1_20260312T0535Z_x.json.gz",
        "1111222233334_CloudTrail_us-east-1_20260312T0535Z_x.json.gz",
        "11112222333a_CloudTrail_us-east-1_20260312T0535Z_x.json.gz",
        "111122223333_CloudTrail-Digest_us-east-1_t_20260312T053500Z.json.gz",
        "111122223333_CloudTrail_us-east-1_20261312T0535Z_x.json.gz",
        "111122223333_CloudTrail_us-east-1_20260312T2435Z_x.json.gz",
        "111122223333_CloudTrail_us-east-1_20260312T05350_x.json.gz",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!coverage_delivery(str_from(others[i]), &d), "%s",
                      others[i]);
}
END_TEST

/* ---- silences ------------------------------------------------------------ */

static int64_t t[4000];
static size_t n;

static void deliver(int64_t from, int64_t to, int64_t every)
{
    for (; from < to && n < 4000; from += every)
        t[n++] = from;
}

static size_t gaps(struct coverage_gap *g)
{
    return coverage_gaps(t, n, g, 4);
}

START_TEST(a_silence_that_stands_out)
{
    struct coverage_gap g[4];
    n = 0;
    deliver(0, 10 * HOUR, 5 * MIN);
    size_t last = n - 1;
    deliver(13 * HOUR, 24 * HOUR, 5 * MIN);
    ck_assert_uint_eq(gaps(g), 1);
    ck_assert_uint_eq(g[0].i, last);
    ck_assert_int_eq(g[0].usual_s, 5 * MIN);
    /* no more than asked for is written, all are counted */
    ck_assert_uint_eq(coverage_gaps(t, n, g, 0), 1);
}
END_TEST

START_TEST(quiet_regions_have_no_gaps)
{
    struct coverage_gap g[4];
    n = 0; /* a file every two hours, then two within ten minutes */
    for (int i = 0; i < 100; i++)
        deliver(i * 2 * HOUR, i * 2 * HOUR + 10 * MIN, i % 7 ? DAY : 5 * MIN);
    ck_assert_uint_eq(gaps(g), 0);
    n = 0; /* busy days, quiet nights: the night's first silence */
    for (int i = 0; i < 10; i++) {
        deliver(i * DAY + 9 * HOUR, i * DAY + 18 * HOUR, 5 * MIN);
        deliver(i * DAY + 18 * HOUR, i * DAY + 33 * HOUR, HOUR);
    }
    ck_assert_uint_eq(gaps(g), 0);
}
END_TEST

START_TEST(a_habit_is_no_gap)
{
    struct coverage_gap g[4];
    n = 0; /* nothing at all at night */
    for (int i = 0; i < 10; i++)
        deliver(i * DAY + 9 * HOUR, i * DAY + 18 * HOUR, 5 * MIN);
    ck_assert_uint_eq(gaps(g), 0);
    n = 0; /* nor at the weekend */
    for (int i = 0; i < 21; i++)
        if (i % 7 < 5)
            deliver(i * DAY, i * DAY + DAY, 10 * MIN);
    ck_assert_uint_eq(gaps(g), 0);
    n = 0; /* but one night of many without interruption is one */
    deliver(0, 4 * DAY, 10 * MIN);
    deliver(4 * DAY + 9 * HOUR, 9 * DAY, 10 * MIN);
    ck_assert_uint_eq(gaps(g), 1);
}
END_TEST

START_TEST(too_little_to_say)
{
    struct coverage_gap g[4];
    n = 0;
    ck_assert_uint_eq(gaps(g), 0);
    deliver(0, 20 * MIN, 5 * MIN);
    deliver(DAY, DAY + 20 * MIN, 5 * MIN);
    ck_assert_uint_eq(gaps(g), 0); /* four on either side */
    n = 0;
    deliver(0, 5 * HOUR, 60); /* dense, but less than half an hour is none */
    deliver(5 * HOUR + 25 * MIN, 10 * HOUR, 60);
    ck_assert_uint_eq(gaps(g), 0);
}
END_TEST

/* ---- questions ----------------------------------------------------------- */

START_TEST(questions_are_answered)
{
    const struct coverage rows[] = {
        { .source = STR("a"), .from_s = 0, .to_s = 100 },
        { .source = STR("a"), .from_s = 40, .to_s = 60, .state = COVER_ABSENT },
        { .source = STR("a"),
          .from_s = 55,
          .to_s = 70,
          .state = COVER_DAMAGED },
        { .source = STR("b"),
          .from_s = 0,
          .to_s = 1000,
          .state = COVER_ABSENT },
    };
    struct coverage_answer a;
    coverage_ask(rows, 4, STR("a"), -10, 110, &a);
    ck_assert(a.known && a.has_worst);
    ck_assert_int_eq(a.present_s, 70);
    ck_assert_int_eq(a.absent_s, 20);
    ck_assert_int_eq(a.damaged_s, 10);
    ck_assert_int_eq(a.unknown_s, 20); /* before and after all rows */
    ck_assert_int_eq(a.worst.from_s, 40);
    coverage_ask(rows, 4, STR("a"), 58, 62, &a);
    ck_assert_int_eq(a.absent_s, 2);
    ck_assert_int_eq(a.damaged_s, 2);
    coverage_ask(rows, 4, STR("a"), 10, 20, &a);
    ck_assert(a.known && !a.has_worst);
    ck_assert_int_eq(a.present_s, 10);
    coverage_ask(rows, 4, STR("c"), 10, 20, &a);
    ck_assert(!a.known && !a.has_worst);
    ck_assert_int_eq(a.unknown_s, 10);
    coverage_ask(rows, 4, STR("a"), 20, 20, &a);
    ck_assert(a.known);
    ck_assert_int_eq(a.present_s + a.absent_s + a.unknown_s + a.damaged_s, 0);
    coverage_ask(NULL, 0, STR("a"), 0, 5, &a);
    ck_assert_int_eq(a.unknown_s, 5);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("coverage");
    tap_case(s, "names", names_of_deliveries);
    tap_case(s, "gap", a_silence_that_stands_out);
    tap_case(s, "quiet", quiet_regions_have_no_gaps);
    tap_case(s, "habit", a_habit_is_no_gap);
    tap_case(s, "little", too_little_to_say);
    tap_case(s, "ask", questions_are_answered);
    return s;
}
