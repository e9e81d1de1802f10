/* Time zones from bytes; tests/base/zone.t compares them with the system's. */
#include "base/zone.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *rule;
    int64_t local, utc;
    int32_t offset;
    unsigned flags;
} meant[] = {
    /* 2026-03-11T02:13:02 */
    { "UTC0", 1773195182, 1773195182, 0, 0 },
    { "JST-9", 1773195182, 1773162782, 32400, 0 },
    { "<+0530>-5:30", 1773195182, 1773175382, 19800, 0 },
    /* New York 2026: skipped 8 March 02:00, repeated 1 November 01:00 */
    { "EST5EDT,M3.2.0,M11.1.0", 1772935199, 1772953199, -18000, 0 },
    { "EST5EDT,M3.2.0,M11.1.0", 1772935200, 1772953200, -18000, LOCAL_SKIPPED },
    { "EST5EDT,M3.2.0,M11.1.0", 1772938800, 1772953200, -14400, 0 },
    { "EST5EDT,M3.2.0,M11.1.0", 1793494799, 1793509199, -14400, 0 },
    { "EST5EDT,M3.2.0,M11.1.0", 1793494800, 1793509200, -14400, LOCAL_TWICE },
    { "EST5EDT,M3.2.0,M11.1.0", 1793498399, 1793512799, -14400, LOCAL_TWICE },
    { "EST5EDT,M3.2.0,M11.1.0", 1793498400, 1793516400, -18000, 0 },
    /* all year in summer time, RFC 8536 3.3.1 */
    { "EST5EDT,0/0,J365/25", 1767225600, 1767240000, -14400, 0 },
    { "XXX3EDT4,0/0,J365/23", 1767225599, 1767239999, -14400, 0 },
    { "XXX3EDT4,0/0,J365/23", 1767225600, 1767240000, -14400, 0 },
    /* the ends of what an instant can be */
    { "JST-9", INT64_MIN, INT64_MIN, 32400, 0 },
    { "EST5", INT64_MAX, INT64_MAX, -18000, 0 },
};

START_TEST(rules)
{
    struct err err;
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
        struct zone *z = zone_open_rule(str_from(meant[i].rule), &err);
        ck_assert_ptr_nonnull(z);
        struct zone_local l = zone_utc(z, meant[i].local);
        ck_assert_msg(l.utc == meant[i].utc && l.offset == meant[i].offset &&
                          l.flags == meant[i].flags,
                      "%s %lld: %lld, %d, %u", meant[i].rule,
                      (long long)meant[i].local, (long long)l.utc, l.offset,
                      l.flags);
        zone_close(z);
    }
}
END_TEST

START_TEST(no_rules)
{
    static const char *const bad[] = {
        "",
        "U",
        "UTC",
        "UT0",
        "UTC25",
        "UTC0:60",
        "<UT>0",
        "<UTC0",
        "UTC0 ",
        "CET-1CE",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "A1BCD",
        "CET-1CEST,M3.5.0,M13.5.0",
        "CET-1CEST,M3.0.0,M1.1.1",
        "CET-1CEST,M3.5.7,M1.1.1",
        "CET-1CEST,J0,J1",
        "CET-1CEST,366,J1",
        "CET-1CEST,J1,J2/168",
        "CET-1CEST,J1,J2,J3",
        "UTC99999999999999999999",
    };
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!zone_open_rule(str_from(bad[i]), &err), "%s", bad[i]);
}
END_TEST

static void put32(struct buf *b, uint32_t v)
{
    for (int i = 24; i >= 0; i -= 8)
        buf_putc(b, (char)(v >> i & 0xff));
}

static void header(struct buf *b, uint32_t times, uint32_t types)
{
    buf_putz(b, "TZif2");
    for (int i = 0; i < 15; i++)
        buf_putc(b, 0);
    for (int i = 0; i < 3; i++)
        put32(b, 0); /* isut, isstd, leaps */
    put32(b, times);
    put32(b, types);
    put32(b, 4);
}

/* A TZif file as RFC 8536 lays it out: summer time from 3600 to 7200. */
static struct str made(struct buf *b)
{
    buf_clear(b);
    header(b, 0, 1);
    buf_put(b, STR("\0\0\0\0\0\0UTC"));
    buf_putc(b, 0);
    header(b, 2, 2);
    for (uint32_t t = 3600; t <= 7200; t += 3600) {
        put32(b, 0);
        put32(b, t);
    }
    buf_put(b, STR("\1\0\0\0\0\0\0\0"));
    put32(b, 3600);
    buf_put(b, STR("\1\0ABC\0\nABC0\n"));
    return buf_str(b);
}

START_TEST(cut)
{
    struct buf b = { 0 };
    struct err err;
    struct str s = made(&b);
    struct zone *z = zone_open(s, &err);
    ck_assert_ptr_nonnull(z);
    ck_assert_int_eq(zone_offset(z, 3599), 0);
    ck_assert_int_eq(zone_offset(z, 3600), 3600);
    ck_assert_int_eq(zone_offset(z, 7200), 0);
    ck_assert_int_eq(zone_utc(z, 3600).flags, LOCAL_SKIPPED);
    ck_assert_int_eq(zone_utc(z, 7200).flags, LOCAL_TWICE);
    zone_close(z);
    for (size_t n = 0; n < s.n; n++) {
        char *p = malloc(n + 1);
        ck_assert_ptr_nonnull(p);
        memcpy(p + 1, s.p, n);
        ck_assert_msg(!zone_open((struct str){ p + 1, n }, &err), "%zu", n);
        free(p);
    }
    for (size_t i = 0; i < s.n * 8; i++) {
        b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
        z = zone_open(buf_str(&b), &err);
        if (z)
            zone_utc(z, 7200);
        zone_close(z);
        b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
    }
    buf_free(&b);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("zone");
    tap_case(s, "rules", rules);
    tap_case(s, "no_rules", no_rules);
    tap_case(s, "cut", cut);
    return s;
}
