#include "base/time.h"
#include "tests/tap.h"

static const struct {
    const char *text;
    int64_t s;
    uint32_t ns;
    enum time_zone_state zone;
    int offset, res;
} good[] = {
    { "1970-01-01T00:00:00Z", 0, 0, ZONE_EXPLICIT, 0, 0 },
    { "2026-03-11T02:13:04Z", 1773195184, 0, ZONE_EXPLICIT, 0, 0 },
    { "2026-03-11t02:13:04z", 1773195184, 0, ZONE_EXPLICIT, 0, 0 },
    { "2026-03-11 02:13:04", 1773195184, 0, ZONE_ASSUMED, 0, 0 },
    { "20260311T021304Z", 1773195184, 0, ZONE_EXPLICIT, 0, 0 },
    { "2026-03-11T11:13:04+09:00", 1773195184, 0, ZONE_EXPLICIT, 540, 0 },
    { "2026-03-11T11:13:04+0900", 1773195184, 0, ZONE_EXPLICIT, 540, 0 },
    { "2026-03-10T21:13:04-05", 1773195184, 0, ZONE_EXPLICIT, -300, 0 },
    { "1970-01-01T14:59:00+14:59", 0, 0, ZONE_EXPLICIT, 899, 0 },
    { "1970-01-01T00:00:00-00:00", 0, 0, ZONE_EXPLICIT, 0, 0 },
    { "2026-03-11T02:13:04.5Z", 1773195184, 500000000, ZONE_EXPLICIT, 0, 1 },
    { "2026-03-11T02:13:04,123Z", 1773195184, 123000000, 0, 0, 3 },
    { "2026-03-11T02:13:04.123456789Z", 1773195184, 123456789, 0, 0, 9 },
    { "2026-03-11T02:13:04.1234567899Z", 1773195184, 123456789, 0, 0, 9 },
    { "1969-12-31T23:59:59.25Z", -1, 250000000, ZONE_EXPLICIT, 0, 2 },
    { "0000-01-01T00:00:00Z", -62167219200, 0, ZONE_EXPLICIT, 0, 0 },
    { "0000-02-29T00:00:00Z", -62162121600, 0, ZONE_EXPLICIT, 0, 0 },
    { "1601-01-01T00:00:00Z", -11644473600, 0, ZONE_EXPLICIT, 0, 0 },
    { "2000-02-29T00:00:00Z", 951782400, 0, ZONE_EXPLICIT, 0, 0 },
    { "2486-07-02T00:00:00Z", 16299187200, 0, ZONE_EXPLICIT, 0, 0 },
    { "9999-12-31T23:59:59Z", 253402300799, 0, ZONE_EXPLICIT, 0, 0 },
    { "+10000-01-01T00:00:00Z", 253402300800, 0, ZONE_EXPLICIT, 0, 0 },
    { "-00001-12-31T23:59:59Z", -62167219201, 0, ZONE_EXPLICIT, 0, 0 },
};

static const char *const bad[] = {
    "",
    "2026",
    "2026-03-11",
    "2026-03-11T02:13",
    "10000-01-01T00:00:00Z",
    "+9999-01-01T00:00:00Z",
    "-00000-01-01T00:00:00Z",
    "+9999999999999-01-01T00:00:00Z",
    "+999999999999-01-01T00:00:00Z",
    "-999999999999-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-03-11T24:00:00Z",
    "2026-03-11T02:60:00Z",
    "2026-03-11T02:13:61Z",
    "2026-03-11T02:13:04.Z",
    "2026-03-11T02:13:04 Z",
    "2026-03-11T02:13:04Z ",
    " 2026-03-11T02:13:04Z",
    "2026-03-11T02:13:04ZZ",
    "2026-03-11T02:13:04UTC",
    "2026-03-11  02:13:04Z",
    "2026-03-11T02:13:04+24:00",
    "2026-03-11T02:13:04+09:60",
    "2026-03-11T02:13:04+09:",
    "2026-03-11T02:13:04+9",
    "2026-03-11T02:13:04+090",
    "2026-03-11T02:13:04+09:000",
    "2026-3-11T02:13:04Z",
    "2026-03-11T2:13:04Z",
    "20260311T021304",
    "20260311021304",
    "20260311T021304z",
    "20260230T021304Z",
    "2026-03-11T02:13:-4Z",
    "2026-03-11T02:13:04\xd9\xa3Z",
    "1773195184",
    "1773195184000000000",
    "-1",
};

START_TEST(good_texts_give_their_instants)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct time_text t;
        ck_assert_msg(time_parse(str_from(good[i].text), &t), "%s",
                      good[i].text);
        ck_assert_msg(t.t.s == good[i].s && t.t.ns == good[i].ns, "%s: %lld",
                      good[i].text, (long long)t.t.s);
        ck_assert_msg(t.zone == good[i].zone && t.res == good[i].res &&
                          t.offset_min == good[i].offset && !t.leap,
                      "%s", good[i].text);
    }
}
END_TEST

START_TEST(bad_texts_are_refused)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct time_text t;
        ck_assert_msg(!time_parse(str_from(bad[i]), &t), "%s", bad[i]);
    }
    struct time_text t;
    ck_assert(!time_parse((struct str){ "2026-03-11T02:13:04\0Z", 21 }, &t));
    ck_assert(!time_parse(STR_NONE, &t));
}
END_TEST

START_TEST(every_cut_of_a_good_text_is_refused_or_good)
{
    struct str whole = STR("2026-03-11T02:13:04.123+09:00");
    for (size_t n = 0; n <= whole.n; n++) {
        struct time_text t;
        bool ok = time_parse(str_sub(whole, 0, n), &t);
        /* whole seconds, fractions, +09 and +09:00 */
        bool expected = n == 19 || (n >= 21 && n <= 23) || n == 26 || n == 29;
        ck_assert_msg(ok == expected, "%zu", n);
    }
}
END_TEST

START_TEST(leap_seconds_are_the_next_second)
{
    struct time_text t;
    ck_assert(time_parse(STR("2016-12-31T23:59:60.5Z"), &t));
    ck_assert(t.leap);
    ck_assert_int_eq(t.t.s, 1483228800);
    ck_assert_uint_eq(t.t.ns, 500000000);
}
END_TEST

START_TEST(civil_days_round_trip)
{
    int64_t day = time_days_from_civil(-9999, 1, 1);
    int64_t last = time_days_from_civil(99999, 12, 31);
    ck_assert_int_eq(time_days_from_civil(1970, 1, 1), 0);
    /* every day near the edges and the century rules, else one in 97 */
    for (; day <= last; day += day % 36524 < 800 ? 1 : 97) {
        int64_t y;
        int m, d;
        time_civil_from_days(day, &y, &m, &d);
        /* ck_assert is too slow to be asked millions of times */
        if (time_days_from_civil(y, m, d) != day || m < 1 || m > 12 || d < 1 ||
            d > 31)
            ck_abort_msg("%lld", (long long)day);
    }
}
END_TEST

static void round_trip(struct instant t, int digits, int offset)
{
    char text[TIME_TEXT_MAX];
    struct time_text back;
    size_t n = time_format(text, t, digits, offset);
    ck_assert_uint_lt(n, TIME_TEXT_MAX);
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_msg(time_parse((struct str){ text, n }, &back), "%s", text);
    ck_assert_msg(instant_cmp(back.t, t) == 0, "%s", text);
    ck_assert_int_eq(back.offset_min, offset);
}

START_TEST(formatted_times_read_back)
{
    static const int offsets[] = { 0, 540, -300, 345, -1, 899, 1439, -1439 };
    int64_t from = time_days_from_civil(-9999, 1, 1) * 86400;
    int64_t to = time_days_from_civil(99999, 12, 31) * 86400;
    unsigned k = 0;
    for (int64_t s = from; s < to; s += 12345677, k++) {
        uint32_t ns = k % 4 == 0   ? 0
                      : k % 4 == 1 ? 500000000
                      : k % 4 == 2 ? 123456000
                                   : 999999999;
        round_trip((struct instant){ s, ns }, k % 8 < 4 ? -1 : 9,
                   offsets[k % 8]);
    }
}
END_TEST

START_TEST(formats_are_as_written_in_the_manual)
{
    char t[TIME_TEXT_MAX];
    struct instant i = { 1773195184, 120000000 };
    time_format(t, i, 0, 0);
    ck_assert_str_eq(t, "2026-03-11T02:13:04Z");
    time_format(t, i, -1, 0);
    ck_assert_str_eq(t, "2026-03-11T02:13:04.120Z");
    time_format(t, i, 6, 540);
    ck_assert_str_eq(t, "2026-03-11T11:13:04.120000+09:00");
    time_format(t, i, 9, -210);
    ck_assert_str_eq(t, "2026-03-10T22:43:04.120000000-03:30");
    time_format(t, (struct instant){ -1, 999999999 }, -1, 0);
    ck_assert_str_eq(t, "1969-12-31T23:59:59.999999999Z");
    time_format(t, (struct instant){ 253402300800, 0 }, 0, 0);
    ck_assert_str_eq(t, "+10000-01-01T00:00:00Z");
    time_format(t, (struct instant){ -62167219201, 0 }, 0, 0);
    ck_assert_str_eq(t, "-00001-12-31T23:59:59Z");
}
END_TEST

START_TEST(the_ends_of_the_range_do_not_overflow)
{
    round_trip((struct instant){ INT64_MAX, 999999999 }, 9, 0);
    round_trip((struct instant){ INT64_MIN, 0 }, 9, 0);
    round_trip((struct instant){ INT64_MAX, 0 }, -1, 1439);
    round_trip((struct instant){ INT64_MIN, 0 }, -1, -1439);
}
END_TEST

static void user(const char *text, bool end, int64_t s, uint32_t ns)
{
    struct instant t;
    ck_assert_msg(time_parse_user(str_from(text), end, &t), "%s", text);
    ck_assert_msg(t.s == s && t.ns == ns, "%s: %lld", text, (long long)t.s);
}

START_TEST(users_may_cut_a_time_after_any_field)
{
    user("2026", false, 1767225600, 0);
    user("2026", true, 1798761600, 0);
    user("2026-12", true, 1798761600, 0);
    user("2024-02", true, 1709251200, 0);
    user("2026-03-11", false, 1773187200, 0);
    user("2026-03-11", true, 1773273600, 0);
    user("2026-03-11T02", false, 1773194400, 0);
    user("2026-03-11T02", true, 1773198000, 0);
    user("2026-03-11 02:13", false, 1773195180, 0);
    user("2026-03-11T11:13+09:00", true, 1773195240, 0);
    user("2026-03-11T02:13:04", false, 1773195184, 0);
    user("2026-03-11T02:13:04Z", true, 1773195185, 0);
    user("2026-03-11T02:13:04.999Z", false, 1773195184, 999000000);
    user("2026-03-11T02:13:04.999Z", true, 1773195185, 0);
    user("20260311T021304Z", true, 1773195185, 0);
    struct instant t;
    ck_assert(!time_parse_user(STR(""), false, &t));
    ck_assert(!time_parse_user(STR("2026-"), false, &t));
    ck_assert(!time_parse_user(STR("2026-3"), false, &t));
    ck_assert(!time_parse_user(STR("2026-03-11T"), false, &t));
    ck_assert(!time_parse_user(STR("2026-03-11T02:"), false, &t));
    ck_assert(!time_parse_user(STR("2026-02-30"), false, &t));
    ck_assert(!time_parse_user(STR("today"), false, &t));
}
END_TEST

START_TEST(spans_need_a_number_and_a_unit)
{
    static const struct {
        const char *text;
        int64_t ns; /* 0: refused */
    } spans[] = {
        { "10s", 10000000000 },
        { "5m", 300000000000 },
        { "1h", 3600000000000 },
        { "2d", 172800000000000 },
        { "250ms", 250000000 },
        { "7us", 7000 },
        { "9ns", 9 },
        { "1w", 604800000000000 },
        { "106751d", 9223286400000000000 },
        { "106752d", 0 },
        { "", 0 },
        { "s", 0 },
        { "10", 0 },
        { "0s", 0 },
        { "-5m", 0 },
        { "1.5h", 0 },
        { "5 m", 0 },
        { "5min", 0 },
        { "99999999999999999999s", 0 },
    };
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        int64_t ns = 0;
        bool ok = time_parse_span(str_from(spans[i].text), &ns);
        ck_assert_msg(ok == (spans[i].ns != 0), "%s", spans[i].text);
        if (ok)
            ck_assert_msg(ns == spans[i].ns, "%s", spans[i].text);
    }
}
END_TEST

START_TEST(zones_are_offsets_or_utc)
{
    static const struct {
        const char *text;
        int min; /* 9999: refused */
    } zones[] = {
        { "UTC", 0 },        { "utc", 0 },      { "Z", 0 },
        { "+09:00", 540 },   { "+0900", 540 },  { "+09", 540 },
        { "-3", -180 },      { "+9", 540 },     { "-03:30", -210 },
        { "9", 9999 },       { "", 9999 },      { "+", 9999 },
        { "+24", 9999 },     { "+1:30", 9999 }, { "Asia/Tokyo", 9999 },
        { "+09:00x", 9999 },
    };
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        int min = -1;
        bool ok = time_parse_zone(str_from(zones[i].text), &min);
        ck_assert_msg(ok == (zones[i].min != 9999), "%s", zones[i].text);
        ck_assert_msg(min == (ok ? zones[i].min : 0), "%s", zones[i].text);
    }
}
END_TEST

START_TEST(kinds_have_names)
{
    for (int k = TIME_EVENT; k <= TIME_ACQUIRED; k++)
        ck_assert(!str_eq(time_kind_name((enum time_kind)k), STR("unknown")));
    ck_assert(str_eq(time_kind_name((enum time_kind)99), STR("unknown")));
}
END_TEST

START_TEST(clocks_run)
{
    int64_t a = time_mono_ns();
    ck_assert_int_ge(time_mono_ns(), a);
    ck_assert_int_gt(time_now().s, 1600000000);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("time");
    tap_case(s, "good", good_texts_give_their_instants);
    tap_case(s, "bad", bad_texts_are_refused);
    tap_case(s, "cut", every_cut_of_a_good_text_is_refused_or_good);
    tap_case(s, "leap", leap_seconds_are_the_next_second);
    tap_case(s, "civil", civil_days_round_trip);
    tap_case(s, "round trip", formatted_times_read_back);
    tap_case(s, "format", formats_are_as_written_in_the_manual);
    tap_case(s, "ends", the_ends_of_the_range_do_not_overflow);
    tap_case(s, "user", users_may_cut_a_time_after_any_field);
    tap_case(s, "spans", spans_need_a_number_and_a_unit);
    tap_case(s, "zones", zones_are_offsets_or_utc);
    tap_case(s, "kinds", kinds_have_names);
    tap_case(s, "clocks", clocks_run);
    return s;
}
