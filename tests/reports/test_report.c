/* The HTML report: the same bytes anywhere, the same elements whatever the
 * evidence says. */
#include "tests/tap.h"

#include "analyzer/raw.h"
#include "reports/report.h"
#include "tests/reports/small_case.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAUGHTY_MAX = 600 };

static struct arena arena;

static struct buf report(const char *path, const char *dir,
                         const struct report_options *given)
{
    static const struct plan all = { .op = PLAN_ALL };
    struct report_options o = { .plan = &all, .filter = STR("<all> & \"") };
    struct report_result out;
    struct casedb *c;
    struct err err = { 0 };
    if (given)
        o = *given;
    o.dir = dir;
    ck_assert_msg(case_open(path, o.audit ? CASE_WRITE : CASE_READ, &c, &err) ==
                      0,
                  "%s", err.what);
    int rc = report_write(c, &o, &out, &err);
    case_close(c);
    ck_assert_msg(rc == 0, "%s", err.what);
    return small_case_read(out.path);
}

/* Names of the elements in order, open and closed. */
static struct buf elements(struct str html)
{
    struct buf b = { 0 };
    for (size_t i = 0; i < html.n; i++) {
        if (html.p[i] != '<')
            continue;
        for (; i < html.n && html.p[i] != ' ' && html.p[i] != '>'; i++)
            buf_putc(&b, html.p[i]);
    }
    return b;
}

START_TEST(elements_do_not_depend_on_evidence)
{
    static struct str naughty[NAUGHTY_MAX], plain[NAUGHTY_MAX];
    size_t n = small_case_naughty(&arena, naughty, NAUGHTY_MAX);
    ck_assert_uint_gt(n, 500);
    for (size_t i = 0; i < n; i++)
        plain[i] = STR("plain");
    small_case_make(small_case_path("naughty.kan"), naughty, n);
    small_case_make(small_case_path("plain.kan"), plain, n);
    struct buf a =
        report(small_case_path("naughty.kan"), small_case_path("a"), NULL);
    struct buf b =
        report(small_case_path("plain.kan"), small_case_path("b"), NULL);
    struct buf tags_a = elements(buf_str(&a)), tags_b = elements(buf_str(&b));
    ck_assert_uint_gt(tags_a.n, 10000);
    ck_assert(str_eq(buf_str(&tags_a), buf_str(&tags_b)));
    ck_assert(str_find(buf_str(&a), STR("<script")) == SIZE_MAX);
    ck_assert(str_find(buf_str(&b), STR(" style=")) == SIZE_MAX);
    for (size_t i = 0; i < a.n; i++)
        ck_assert_msg((unsigned char)a.p[i] >= 0x20 || a.p[i] == '\n',
                      "byte %02x at %zu", (unsigned char)a.p[i], i);
    buf_free(&a);
    buf_free(&b);
    buf_free(&tags_a);
    buf_free(&tags_b);
}
END_TEST

START_TEST(same_case_gives_same_bytes)
{
    static const struct str texts[] = { { "one", 3 },
                                        { "two", 3 },
                                        { "three", 5 } };
    small_case_make(small_case_path("c.kan"), texts, 3);
    const struct report_options ja = { .lang = REPORT_JA, .audit = true };
    struct buf a = report(small_case_path("c.kan"), small_case_path("a"), &ja);
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        setlocale(LC_ALL, "C.UTF-8");
    struct buf b = report(small_case_path("c.kan"), small_case_path("b"), &ja);
    ck_assert(str_eq(buf_str(&a), buf_str(&b)));
    ck_assert(str_find(buf_str(&a), STR("<html lang=\"ja\">")) != SIZE_MAX);
    /* the gap in custody is told */
    ck_assert(str_find(buf_str(&a), STR("保管に空白")) != SIZE_MAX);
    ck_assert(str_find(buf_str(&a), STR("該当なし")) != SIZE_MAX);
    buf_free(&a);
    buf_free(&b);
}
END_TEST

START_TEST(policy_permits_only_its_own_style)
{
    static const struct str texts[] = { { "one", 3 } };
    small_case_make(small_case_path("c.kan"), texts, 1);
    struct buf a = report(small_case_path("c.kan"), small_case_path("a"), NULL);
    struct str html = buf_str(&a);
    size_t charset = str_find(html, STR("<meta charset=\"utf-8\">\n"));
    size_t policy =
        str_find(html, STR("<meta http-equiv=\"Content-Security-Policy\""));
    ck_assert_uint_eq(policy, charset + strlen("<meta charset=\"utf-8\">\n"));
    ck_assert(str_find(html, STR("default-src 'none'")) != SIZE_MAX);
    /* no address but the name space of SVG and links within the page */
    for (size_t at = 0; at < html.n;) {
        struct str rest = str_sub(html, at, html.n);
        size_t next = str_find(rest, STR("http"));
        if (next == SIZE_MAX)
            break;
        rest = str_sub(rest, next, rest.n);
        ck_assert(str_starts(rest, STR("http-equiv")) ||
                  str_starts(rest, STR("http://www.w3.org/2000/svg")));
        at += next + 4;
    }
    buf_free(&a);
}
END_TEST

static int read_raw(void *ctx, const struct event *e, struct arena *a,
                    struct str *raw, struct err *err)
{
    (void)ctx;
    (void)a;
    if (e->id == 1)
        return err_set(err, ERR_EVIDENCE, "not at hand");
    *raw = STR("abc");
    return 0;
}

START_TEST(records_are_hashed_when_listed)
{
    static const struct str texts[] = { { "one", 3 }, { "two", 3 } };
    static const struct plan all = { .op = PLAN_ALL };
    static const struct raw_reader raw = { .read = read_raw };
    const struct report_options o = { .plan = &all, .raw = &raw };
    small_case_make(small_case_path("c.kan"), texts, 2);
    struct buf a = report(small_case_path("c.kan"), small_case_path("a"), &o);
    ck_assert(str_find(buf_str(&a), STR("ba7816bf8f01cfea414140de5dae2223"
                                        "b00361a396177a9cb410ff61f20015ad")) !=
              SIZE_MAX);
    ck_assert(str_find(buf_str(&a), STR("were not at hand")) != SIZE_MAX);
    buf_free(&a);
}
END_TEST

START_TEST(existing_report_stays)
{
    static const struct str texts[] = { { "one", 3 } };
    struct report_result out;
    struct casedb *c;
    struct err err = { 0 };
    struct stat st;
    small_case_make(small_case_path("c.kan"), texts, 1);
    struct report_options o = { .dir = small_case_path("r") };
    ck_assert_int_eq(mkdir(o.dir, 0700), 0);
    ck_assert_int_eq(symlink("/etc/passwd", small_case_path("r/report.html")),
                     0);
    ck_assert_int_eq(case_open(small_case_path("c.kan"), CASE_READ, &c, &err),
                     0);
    ck_assert_int_eq(report_write(c, &o, &out, &err), ERR_USAGE);
    o.force = true;
    ck_assert_int_eq(report_write(c, &o, &out, &err), ERR_USAGE);
    unlink(small_case_path("r/report.html"));
    ck_assert_int_eq(report_write(c, &o, &out, &err), 0);
    o.force = false;
    ck_assert_int_eq(report_write(c, &o, &out, &err), ERR_USAGE);
    o.dir = small_case_path("l");
    ck_assert_int_eq(symlink(small_case_path("r"), o.dir), 0);
    ck_assert_int_eq(report_write(c, &o, &out, &err), ERR_USAGE);
    ck_assert_int_eq(lstat(small_case_path("r/report.html"), &st), 0);
    case_close(c);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("report");
    const struct {
        const char *name;
        const TTest *test;
    } tests[] = {
        { "hostile", elements_do_not_depend_on_evidence },
        { "repeat", same_case_gives_same_bytes },
        { "policy", policy_permits_only_its_own_style },
        { "output", existing_report_stays },
        { "digests", records_are_hashed_when_listed },
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        TCase *t = tap_case(s, tests[i].name, tests[i].test);
        tcase_add_checked_fixture(t, small_case_fresh, NULL);
        tcase_set_timeout(t, 120);
    }
    return s;
}
