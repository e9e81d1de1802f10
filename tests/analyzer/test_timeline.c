/* analyzer/timeline and describe: pages, counts, words. */
#include "analyzer/timeline.h"

#include "analyzer/describe.h"
#include "analyzer/filter.h"
#include "tests/analyzer/little_case.h"
#include "tests/tap.h"

static struct arena arena;
static struct err err;
static struct casedb *c;
static const struct plan all = { .op = PLAN_ALL };

static void open_case(void)
{
    c = little_case();
}

static void close_case(void)
{
    case_close(c);
    arena_free(&arena);
}

static const int64_t order[LITTLE_EVENTS] = { 10, 9,  1,  2, 3, 4,
                                              5,  11, 12, 6, 7, 8 };

START_TEST(pages_follow_one_another_both_ways)
{
    for (size_t size = 1; size <= LITTLE_EVENTS + 1; size++) {
        struct timeline_page p;
        struct hit anchor;
        size_t n = 0;
        do {
            ck_assert_int_eq(timeline_page(c, &all, n ? &anchor : NULL, false,
                                           size, &arena, &p, &err),
                             0);
            for (size_t i = 0; i < p.n; i++)
                ck_assert_int_eq(p.hits[i].id, order[n++]);
            anchor = p.hits[p.n - 1];
            ck_assert(p.more == (n < LITTLE_EVENTS));
        } while (p.more);
        ck_assert_uint_eq(n, LITTLE_EVENTS);
        bool first = true;
        do {
            ck_assert_int_eq(timeline_page(c, &all, first ? NULL : &anchor,
                                           true, size, &arena, &p, &err),
                             0);
            for (size_t i = p.n; i > 0; i--)
                ck_assert_int_eq(p.hits[i - 1].id, order[--n]);
            anchor = p.hits[0];
            first = false;
            ck_assert(p.more == (n > 0));
        } while (p.more);
    }
}
END_TEST

START_TEST(an_anchor_may_be_a_time)
{
    struct timeline_page p;
    struct instant t;
    ck_assert(time_parse_user(STR("2026-03-11T02:30"), false, &t));
    struct hit at = timeline_anchor(t, false), after = timeline_anchor(t, true);
    struct hit own;
    ck_assert_int_eq(timeline_page(c, &all, &at, false, 1, &arena, &p, &err),
                     0);
    ck_assert_int_eq(p.hits[0].id, 11);
    ck_assert_int_eq(timeline_page(c, &all, &after, false, 1, &arena, &p, &err),
                     0);
    ck_assert_int_eq(p.hits[0].id, 6);
    ck_assert_int_eq(timeline_page(c, &all, &after, true, 1, &arena, &p, &err),
                     0);
    ck_assert_int_eq(p.hits[0].id, 12);
    ck_assert_int_eq(timeline_hit(c, 11, &own, &err), 0);
    ck_assert_int_eq(timeline_page(c, &all, &own, false, 1, &arena, &p, &err),
                     0);
    ck_assert_int_eq(p.hits[0].id, 12);
    ck_assert_int_eq(timeline_hit(c, 99, &own, &err), ERR_USAGE);
}
END_TEST

START_TEST(windows_cut_and_refuse)
{
    static const struct {
        const char *from, *to;
        uint64_t n; /* 99 = refused */
    } v[] = {
        { "", "", 12 },
        { "2026-03-11", "", 11 },
        { "2026-03-11T02:20", "2026-03-11T02:52", 5 },
        { "", "2026-03-11T02", 9 },
        { "2026-03-12", "2026-03-11", 99 },
        { "x", "", 99 },
        { "", "2026-03-11T25", 99 },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct timeline_window w;
        struct scan_total total;
        int rc =
            timeline_window(str_from(v[i].from), str_from(v[i].to), &w, &err);
        ck_assert_int_eq(rc, v[i].n == 99 ? ERR_USAGE : 0);
        if (rc)
            continue;
        const struct plan *p = timeline_within(&all, &w, &arena);
        ck_assert_int_eq(timeline_total(c, p, &total, &err), 0);
        ck_assert_uint_eq(total.n, v[i].n);
    }
}
END_TEST

START_TEST(windows_follow_the_filter)
{
    static const struct {
        const char *filter, *from, *to; /* NULL = open */
    } v[] = {
        { "", NULL, NULL },
        { "action:GetObject", NULL, NULL },
        { "time:2026-03-11T02", "2026-03-11T02", "2026-03-11T03" },
        { "time:2026-03-11T02.. ip:10.0.1.20", "2026-03-11T02", NULL },
        { "time:(2026-03-11T02 or 2026-03-11T05)", "2026-03-11T02",
          "2026-03-11T06" },
        { "time:2026-03-11 time:2026-03-11T02..", "2026-03-11T02",
          "2026-03-12" },
        { "time:2026-03-11T02 or action:GetObject", NULL, NULL },
        { "not time:2026-03-11T02", NULL, NULL },
        { "near:E4/60s kind:call", "2026-03-11T02:19", NULL },
    };
    struct filter_env env = { .c = c };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct filter_plan p;
        struct timeline_window w = { .has_from = false };
        struct instant t;
        ck_assert_int_eq(filter_plan_text(str_from(v[i].filter), &env, &arena,
                                          &p, NULL, &err),
                         0);
        timeline_narrow(p.plan, &w);
        ck_assert_msg(w.has_from == (v[i].from != NULL), "%s", v[i].filter);
        if (v[i].from) {
            ck_assert(time_parse_user(str_from(v[i].from), false, &t));
            ck_assert_int_eq(instant_cmp(w.from, t), 0);
        }
        if (v[i].to) {
            ck_assert(w.has_to);
            ck_assert(time_parse_user(str_from(v[i].to), false, &t));
            ck_assert_int_eq(instant_cmp(w.to, t), 0);
        }
    }
}
END_TEST

START_TEST(both_histograms_count_the_same)
{
    struct timeline_histogram h, g;
    struct instant from, to;
    bool any;
    /* a plan that is all, but does not look like it */
    struct plan none = { .op = PLAN_NONE };
    struct plan p = { .op = PLAN_NOT, .a = &none };
    ck_assert_int_eq(timeline_span(c, &from, &to, &any, &err), 0);
    ck_assert(any);
    ck_assert_int_eq(to.s - from.s, 67 * 60);
    ck_assert_int_eq(
        timeline_histogram(c, NULL, from, to, 67, &arena, &h, &err), 0);
    ck_assert_int_eq(timeline_histogram(c, &p, from, to, 67, &arena, &g, &err),
                     0);
    ck_assert(h.by_minute && !g.by_minute);
    ck_assert_uint_eq(h.n_sources, 3);
    ck_assert(str_eq(h.names[0], STR("cloudtrail")) &&
              str_eq(h.names[1], STR("cloudwatch")) &&
              str_eq(h.names[2], STR("disk")));
    ck_assert_uint_eq(h.n, 11);
    ck_assert_uint_eq(h.most, 2);
    ck_assert_uint_eq(g.n, h.n);
    ck_assert_mem_eq(h.counts, g.counts, 3 * 67 * sizeof(*h.counts));
    ck_assert_mem_eq(h.all, g.all, 67 * sizeof(*h.all));
    ck_assert_uint_eq(h.counts[2 * 67 + 30], 2); /* the file at 02:30 */
}
END_TEST

static const char *coverage_text(const char *from, const char *to,
                                 const char *source, struct buf *b)
{
    struct timeline_window w;
    buf_clear(b);
    ck_assert_int_eq(timeline_window(str_from(from), str_from(to), &w, &err),
                     0);
    ck_assert_int_eq(timeline_coverage(c, &w, str_from(source), b, &err), 0);
    buf_putc(b, 0);
    return b->p;
}

START_TEST(empty_answers_say_what_covers_the_time)
{
    struct buf b = { 0 };
    ck_assert_str_eq(
        coverage_text("2026-03-11T03:10", "2026-03-11T04", "", &b),
        "cloudtrail: 8 events, 2026-03-11T02:00:00Z to 2026-03-11T03:06:00Z; "
        "gaps are not known before `analyze`\n"
        "cloudwatch: 1 events, 2026-03-11T02:13:00Z to 2026-03-11T02:13:00Z; "
        "gaps are not known before `analyze`\n"
        "disk: 3 events, 2026-03-11T02:30:00Z to 2026-03-11T02:30:00Z; "
        "gaps are not known before `analyze`\n");
    ck_assert_str_eq(coverage_text("", "", "flow", &b),
                     "flow: no such source in this case\n");
    struct coverage v = { .source = STR("cloudtrail"),
                          .account = STR("111122223333"),
                          .region = STR("ap-northeast-1"),
                          .from_s = 1773198000, /* 03:00 */
                          .to_s = 1773201600,
                          .state = COVER_UNKNOWN,
                          .basis = STR("selectors changed"),
                          .event = 8 };
    ck_assert_int_eq(case_coverage_replace_begin(c, &err), 0);
    ck_assert_int_eq(case_coverage_add(c, &v, &err), 0);
    ck_assert_int_eq(case_coverage_replace_end(c, &err), 0);
    ck_assert_int_eq(case_set_analyzed(c, 12, &err), 0);
    ck_assert_str_eq(
        coverage_text("2026-03-11T03:10", "", "cloudtrail", &b),
        "cloudtrail 111122223333 ap-northeast-1: not known "
        "2026-03-11T03:00:00Z to 2026-03-11T04:00:00Z (selectors changed)\n");
    ck_assert_str_eq(
        coverage_text("2026-03-11T05", "", "cloudtrail", &b),
        "cloudtrail: 8 events, 2026-03-11T02:00:00Z to 2026-03-11T03:06:00Z; "
        "nothing is known of this time\n");
    buf_free(&b);
}
END_TEST

START_TEST(names_are_short)
{
    static const struct {
        unsigned kind;
        const char *value, *name;
    } v[] = {
        { KIND_PRINCIPAL, "arn:aws:sts::1:assumed-role/app/i-0f", "app/i-0f" },
        { KIND_PRINCIPAL, "arn:aws:iam::1:user/div/alice", "alice" },
        { KIND_PRINCIPAL, "arn:aws:iam::1:root", "root" },
        { KIND_PRINCIPAL, "arn:broken", "arn:broken" },
        { KIND_PRINCIPAL, "", "" },
        { KIND_ROLE, "arn:aws:iam::1:role/aws-service-role/x/R", "R" },
        { KIND_SERVICE, "s3.amazonaws.com", "s3" },
        { KIND_SESSION, "AROAX:name", "name" },
        { KIND_FUNCTION, "arn:aws:lambda:r:1:function:f", "f" },
        { KIND_TRAIL, "corp", "corp" },
        { KIND_OBJECT, "b/k", "b/k" },
        { KIND_IP, "10.0.0.1", "10.0.0.1" },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct str s = describe_short(v[i].kind, str_from(v[i].value));
        ck_assert_msg(str_eq(s, str_from(v[i].name)), "%s: %.*s", v[i].value,
                      (int)s.n, s.p);
    }
}
END_TEST

START_TEST(events_are_told_in_a_line)
{
    static const struct {
        int64_t id;
        const char *line;
    } v[] = {
        { 1, "GET /fetch?url=http://169.254.169.254/ 200" },
        { 2, "ec2 AssumeRole app-server-role" },
        { 4, "app-server-role/i-0f3a9c1d2b4e5f607 ListBuckets, AccessDenied" },
        { 6, "app-server-role/i-0f3a9c1d2b4e5f607 GetObject "
             "corp-reports/customers/a.csv" },
        { 8, "svc-backup PutEventSelectors corp" },
        { 10, "carved ASIAAPPSTOLENEXAMPLE" },
        { 11, "modified /tmp/.x/a*b.sh" },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct event e;
        struct buf b = { 0 };
        ck_assert_int_eq(case_event(c, v[i].id, &arena, &e, &err), 0);
        describe_event(c, &e, 0, &b);
        ck_assert_msg(str_eq(buf_str(&b), str_from(v[i].line)), "E%d: %.*s",
                      (int)v[i].id, (int)b.n, b.p);
        buf_clear(&b);
        describe_event(c, &e, 3, &b);
        ck_assert(v[i].id != 1 || str_eq(buf_str(&b), STR("GET")));
        buf_free(&b);
    }
}
END_TEST

START_TEST(details_name_every_field_once)
{
    static const char *const rows[] = {
        "source=cloudtrail",
        "service=iam.amazonaws.com",
        "action=CreateAccessKey",
        "actor=arn:aws:sts::111122223333:assumed-role/app-server-role/"
        "i-0f3a9c1d2b4e5f607",
        "key=ASIAAPPSTOLENEXAMPLE",
        "target=svc-backup",
        "from=198.51.100.66",
        "region=ap-northeast-1",
        "account=111122223333",
        "event id=10203040-0506-0708-090a-0b0c0d0e0f06",
        "key=AKIASVCBACKUPEXAMPLE",
    };
    struct describe_row *v;
    struct event e;
    struct buf b = { 0 };
    size_t n;
    ck_assert_int_eq(case_event(c, 7, &arena, &e, &err), 0);
    ck_assert_int_eq(describe_detail(c, &e, &arena, &v, &n, &err), 0);
    ck_assert_uint_eq(n, sizeof(rows) / sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        buf_clear(&b);
        buf_printf(&b, "%s=", v[i].label);
        buf_put(&b, v[i].value);
        ck_assert_msg(str_eq(buf_str(&b), str_from(rows[i])), "%zu: %.*s", i,
                      (int)b.n, b.p);
    }
    ck_assert_uint_eq(v[n - 1].role, ROLE_ISSUED);
    ck_assert_int_eq(case_event(c, 6, &arena, &e, &err), 0);
    ck_assert_int_eq(describe_detail(c, &e, &arena, &v, &n, &err), 0);
    buf_clear(&b);
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].label, "flags") == 0 ||
            strcmp(v[i].label, "request id") == 0)
            buf_put(&b, v[i].value);
    ck_assert(
        str_eq(buf_str(&b), STR("read-only, data event79104EXAMPLEB723")));
    buf_free(&b);
}
END_TEST

START_TEST(twins_are_noticed)
{
    struct event a, b;
    ck_assert_int_eq(case_event(c, 6, &arena, &a, &err), 0);
    b = a;
    ck_assert(!timeline_alike(&a, &b)); /* the same record */
    b.member++;
    ck_assert(timeline_alike(&a, &b));
    b.t.ns = 1;
    ck_assert(!timeline_alike(&a, &b));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("timeline");
    const TTest *tests[] = {
        pages_follow_one_another_both_ways,
        an_anchor_may_be_a_time,
        windows_cut_and_refuse,
        windows_follow_the_filter,
        both_histograms_count_the_same,
        empty_answers_say_what_covers_the_time,
        names_are_short,
        events_are_told_in_a_line,
        details_name_every_field_once,
        twins_are_noticed,
    };
    static const char *const names[] = { "pages",  "anchor",     "windows",
                                         "narrow", "histograms", "coverage",
                                         "names",  "lines",      "details",
                                         "twins" };
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        tcase_add_checked_fixture(tap_case(s, names[i], tests[i]), open_case,
                                  close_case);
    return s;
}
