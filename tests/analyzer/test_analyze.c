/*
 * Rules and coverage over small cases: for each rule a true pair, a near miss
 * and a decoy.
 */
#include "analyzer/analyze.h"
#include "analyzer/lineage.h"
#include "casedb/intake.h"
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>

static struct err err;
static struct casedb *c;
static struct intake *in;
static uint64_t records;

static void good(int rc)
{
    ck_assert_msg(rc == 0, "%s", err.what);
}

static void start(void)
{
    char path[4400];
    const struct case_info info = { .examiner = STR("alice") };
    snprintf(path, sizeof(path), "%s/XXXXXX", tap_dir());
    ck_assert(mkdtemp(path) != NULL);
    snprintf(path + strlen(path), 10, "/a.kan");
    memset(&err, 0, sizeof(err));
    good(case_create(path, &info, &err));
    good(case_open(path, CASE_WRITE, &c, &err));
}

static void begin(const char *path, const char *note)
{
    uint64_t done;
    const struct intake_options o = { .path = str_from(path),
                                      .note = str_from(note),
                                      .version = STR("1") };
    good(intake_open(c, &o, &in, &done, &err));
    records = 0;
}

static void member(const char *path, const char *format)
{
    good(intake_member(in, str_from(path), STR(""), str_from(format), 1, &err));
}

static void member_end(void)
{
    good(intake_member_end(in, STR_NONE, &err));
    good(intake_file_done(in, &err));
}

static void finish(const char *kind)
{
    static const char sha[33] = "0123456789abcdef0123456789abcdef";
    good(
        intake_finish(in, str_from(kind), 1, 1, (struct str){ sha, 32 }, &err));
    intake_close(in);
}

struct what {
    int64_t s;
    const char *source, *action, *key, *ip, *account, *trail, *outcome;
    struct {
        unsigned kind;
        uint8_t role;
        const char *value;
    } refs[3];
};

static uint32_t id(unsigned kind, const char *value)
{
    return value ? intake_entity(in, kind, str_from(value)) : 0;
}

static void event(struct what w)
{
    struct intake_ref refs[3];
    struct intake_event e = { .timed = true,
                              .t = { 1773187200 + w.s, 0 },
                              .off = records++ * 10,
                              .len = 9,
                              .refs = refs };
    e.col[COL_SOURCE] = id(KIND_SOURCE, w.source ? w.source : "cloudtrail");
    e.col[COL_ACTION] = id(KIND_ACTION, w.action);
    e.col[COL_KEY] = id(KIND_KEY, w.key);
    e.col[COL_IP] = id(KIND_IP, w.ip);
    e.col[COL_ACCOUNT] =
        id(KIND_ACCOUNT, w.account ? w.account : "111122223333");
    e.col[COL_TARGET] = id(KIND_TRAIL, w.trail);
    e.col[COL_OUTCOME] = id(KIND_OUTCOME, w.outcome);
    if (w.trail)
        e.col[COL_SERVICE] = id(KIND_SERVICE, "cloudtrail.amazonaws.com");
    for (; e.n_refs < 3 && w.refs[e.n_refs].value; e.n_refs++)
        refs[e.n_refs] = (struct intake_ref){ id(w.refs[e.n_refs].kind,
                                                 w.refs[e.n_refs].value),
                                              w.refs[e.n_refs].role };
    good(intake_event(in, &e, &err));
}

#define EVENT(...) event((struct what){ __VA_ARGS__ })

/* ---- what came of it ----------------------------------------------------- */

struct got {
    struct link list[128];
    size_t n;
    struct arena a;
};

static int take_link(void *ctx, const struct link *l)
{
    struct got *g = ctx;
    ck_assert_uint_lt(g->n, 128);
    g->list[g->n] = *l;
    g->list[g->n].rule = arena_copy(&g->a, l->rule);
    g->list[g->n++].reason = arena_copy(&g->a, l->reason);
    return 0;
}

static void links(struct got *g)
{
    struct analyze_result r;
    *g = (struct got){ 0 };
    good(analyze_run(c, NULL, NULL, &r, &err));
    good(case_links(c, 0, take_link, g, &err));
    ck_assert_uint_eq(r.links.links, g->n);
}

static void is_link(const struct link *l, const char *rule, int64_t a,
                    int64_t b, uint64_t n, const char *words)
{
    ck_assert(str_eq(l->rule, str_from(rule)));
    ck_assert_int_eq(l->a, a);
    ck_assert_int_eq(l->b, b);
    ck_assert_uint_eq(l->n, n);
    ck_assert_msg(str_find(l->reason, str_from(words)) != SIZE_MAX,
                  "%.*s: no %s", STR_ARG(l->reason), words);
}

static void end(struct got *g)
{
    if (g)
        arena_free(&g->a);
    case_close(c);
}

/* ---- keys ---------------------------------------------------------------- */

START_TEST(keys_issued_and_used)
{
    struct got g;
    start();
    begin("/logs", "");
    member("a.json", "cloudtrail");
    EVENT(.s = 10, .action = "AssumeRole",
          .refs = { { KIND_KEY, ROLE_ISSUED, "ASIAONE" } });
    EVENT(.s = 20, .action = "GetObject", .key = "ASIAONE", .ip = "10.0.0.1");
    EVENT(.s = 30, .action = "ListBuckets", .key = "ASIAONE",
          .refs = { { KIND_DOMAIN, ROLE_FROM, "ssm.amazonaws.com" } });
    EVENT(.s = 31, .action = "ListBuckets", .key = "ASIAONE"); /* nowhere */
    EVENT(.s = 40, .action = "GetObject", .key = "ASIAONE", .ip = "192.0.2.6");
    EVENT(.s = 50, .action = "GetObject", .key = "ASIAONE", .ip = "192.0.2.6");
    /* made by a user */
    EVENT(.s = 60, .action = "CreateAccessKey",
          .refs = { { KIND_KEY, ROLE_ISSUED, "AKIATWO" } });
    EVENT(.s = 59, .action = "GetObject", .key = "AKIATWO", .ip = "10.0.0.1");
    /* near misses: issued and never used, used and issued by no one */
    EVENT(.s = 70, .action = "AssumeRole",
          .refs = { { KIND_KEY, ROLE_ISSUED, "ASIATHREE" } });
    EVENT(.s = 80, .action = "GetObject", .key = "AKIAFOUR", .ip = "10.0.0.1");
    member_end();
    finish("log");
    links(&g);
    ck_assert_uint_eq(g.n, 5);
    is_link(&g.list[0], "C1", 1, 2, 1, "from 10.0.0.1");
    is_link(&g.list[1], "C1", 1, 3, 1, "from ssm.amazonaws.com");
    is_link(&g.list[2], "C1", 1, 5, 2, "from 192.0.2.6, first ");
    ck_assert(str_find(g.list[2].reason, STR("its first use was from "
                                             "10.0.0.1")) != SIZE_MAX);
    is_link(&g.list[3], "C1", 1, 4, 1, "without an address");
    is_link(&g.list[4], "C2", 7, 8, 1, "time-conflict");
    end(&g);
}
END_TEST

/* Keys with many uses are looked at in another way. */
START_TEST(busy_keys)
{
    enum { USES = 2100, ADDRESSES = 34 };
    struct got g;
    char ip[20];
    start();
    begin("/logs", "");
    member("a.json", "cloudtrail");
    EVENT(.s = 0, .action = "AssumeRole",
          .refs = { { KIND_KEY, ROLE_ISSUED, "ASIABUSY" } });
    EVENT(.s = 1, .action = "GetObject", .key = "ASIABUSY");
    for (int i = 0; i < USES; i++) {
        snprintf(ip, sizeof(ip), "10.0.0.%d", i % 2);
        EVENT(.s = 2 + i, .action = "GetObject", .key = "ASIABUSY", .ip = ip);
    }
    for (int few = 0; few < 2; few++)
        for (int i = 0; i < ADDRESSES; i++) {
            const char *key = few ? "ASIAFEW" : "ASIAMANY";
            snprintf(ip, sizeof(ip), "10.0.1.%d", i);
            if (i == 0)
                EVENT(.s = 9000, .action = "AssumeRole",
                      .refs = { { KIND_KEY, ROLE_ISSUED, key } });
            for (int k = 0; k < (few ? 1 : 70); k++)
                EVENT(.s = 9001 + i, .action = "GetObject", .key = key,
                      .ip = ip);
        }
    member_end();
    finish("log");
    links(&g);
    ck_assert_uint_eq(g.n, 3 + 33 + 33);
    is_link(&g.list[0], "C1", 1, 3, USES / 2, "from 10.0.0.0, first");
    is_link(&g.list[1], "C1", 1, 4, USES / 2, "first use was from 10.0.0.0");
    is_link(&g.list[2], "C1", 1, 2, 1, "without an address");
    is_link(&g.list[35], "C1", 2103, 2103 + 1 + 32 * 70, 140,
            "from further addresses");
    is_link(&g.list[68], "C1", 4484, 4484 + 1 + 32, 2,
            "from further addresses");
    end(&g);
}
END_TEST

START_TEST(keys_found)
{
    struct got g;
    start();
    begin("/logs", "");
    member("a.json", "cloudtrail");
    EVENT(.s = 1, .action = "GetObject", .key = "ASIAONE", .ip = "10.0.0.1");
    EVENT(.s = 2, .action = "AssumeRole",
          .refs = { { KIND_KEY, ROLE_ISSUED, "ASIATWO" } });
    EVENT(.s = 3, .action = "UpdateAccessKey", .key = "ASIAONE",
          .refs = { { KIND_KEY, ROLE_TARGET, "AKIATHREE" } });
    member_end();
    finish("log");
    begin("/dump", "");
    member("mem", "memory");
    static const char *const found[] = { "ASIAONE", "ASIAONE", "ASIATWO",
                                         "AKIATHREE", "AKIANOWHERE" };
    for (size_t i = 0; i < 5; i++)
        EVENT(.source = "memory", .action = "carved",
              .refs = { { KIND_KEY, ROLE_TARGET, found[i] } });
    member_end();
    finish("memory");
    links(&g);
    ck_assert_uint_eq(g.n, 2);
    is_link(&g.list[0], "C22", 4, 1, 2, "presence is not use");
    is_link(&g.list[1], "C22", 6, 2, 1, "no call signed with it");
    ck_assert_int_eq(g.list[0].cls, LINK_EXACT);
    end(&g);
}
END_TEST

START_TEST(two_sides_of_one_call)
{
    struct got g;
    start();
    begin("/logs", "");
    member("a.json", "cloudtrail");
    static const char *const sides[][2] = {
        { "111122223333", "e1" }, { "444455556666", "e1" },
        { "111122223333", "e2" }, { "111122223333", "e2" },
        { "111122223333", "e3" },
    };
    for (size_t i = 0; i < 5; i++)
        EVENT(.s = (int64_t)i, .action = "PutObject", .account = sides[i][0],
              .refs = { { KIND_SHARED_EVENT, ROLE_MENTIONED, sides[i][1] } });
    member_end();
    finish("log");
    links(&g);
    ck_assert_uint_eq(g.n, 1);
    is_link(&g.list[0], "C3", 1, 2, 1, "111122223333 and 444455556666");
    end(&g);
}
END_TEST

/* ---- resources ----------------------------------------------------------- */

#define VOL   "vol-0123456789abcdef0"
#define OTHER "vol-0123456789abcdef1"

static void volume_logs(void)
{
    begin("/logs", "");
    member("a.json", "cloudtrail");
    EVENT(.s = 1, .action = "CreateVolume",
          .refs = { { KIND_VOLUME, ROLE_ISSUED, VOL } });
    EVENT(.s = 2, .action = "AttachVolume",
          .refs = { { KIND_VOLUME, ROLE_TARGET, VOL },
                    { KIND_INSTANCE, ROLE_TARGET, "i-0123456789abcdef0" } });
    EVENT(.s = 3, .action = "AttachVolume", .outcome = "AccessDenied",
          .refs = { { KIND_VOLUME, ROLE_TARGET, VOL } });
    EVENT(.s = 4, .action = "DescribeVolumes",
          .refs = { { KIND_VOLUME, ROLE_TARGET, VOL },
                    { KIND_VOLUME, ROLE_TARGET, OTHER } });
    member_end();
    finish("log");
}

START_TEST(resources_and_exhibits)
{
    struct got g;
    start();
    volume_logs();
    begin("/evidence/copy-of-" OTHER ".raw", "image of " VOL ".");
    member("x.raw", "disk");
    good(intake_fact(in, STR("volume label"), STR("was " OTHER), &err));
    good(intake_fact(in, STR("notes"), STR("vol-ffffffff x" VOL), &err));
    EVENT(.s = 9, .source = "disk", .action = "modified",
          .refs = { { KIND_INSTANCE, ROLE_MENTIONED, "i-0123456789abcdef0" } });
    EVENT(.s = 9, .source = "disk", .action = "modified",
          .refs = { { KIND_INSTANCE, ROLE_MENTIONED, "i-00000000" } });
    member_end();
    finish("disk");
    const struct custody k = { .exhibit = 2,
                               .action = STR("acquired from "
                                             "i-0123456789abcdef0") };
    good(case_custody_add(c, &k, &err));
    links(&g);
    ck_assert_uint_eq(g.n, 5);
    is_link(&g.list[0], "C7", 1, 2, 1, "AttachVolume names the same id");
    is_link(&g.list[1], "C8", 2, 2, 1, "the custody entries of X2");
    is_link(&g.list[2], "C8", 1, 2, 4, "the examiner's note of X2");
    is_link(&g.list[3], "C9", 4, 2, 1, "(X2) holds the id");
    is_link(&g.list[4], "C9", 2, 2, 1, "1 event of X2 (disk) holds");
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(g.list[i].b_kind, i > 0);
        ck_assert_int_eq(g.list[i].cls, i < 3 ? LINK_EXACT : LINK_CANDIDATE);
    }
    end(&g);
}
END_TEST

START_TEST(twice_is_the_same)
{
    struct got a, b;
    struct audit_head before, after;
    uint64_t stale;
    start();
    volume_logs();
    good(analyze_stale(c, &stale, &err));
    ck_assert_uint_eq(stale, 4);
    links(&a);
    good(analyze_stale(c, &stale, &err));
    ck_assert_uint_eq(stale, 0);
    good(case_audit_head(c, &before, &err));
    links(&b);
    good(case_audit_head(c, &after, &err));
    ck_assert_uint_eq(after.seq, before.seq + 1);
    ck_assert_uint_eq(a.n, b.n);
    for (size_t i = 0; i < a.n; i++)
        ck_assert(a.list[i].a == b.list[i].a && a.list[i].b == b.list[i].b &&
                  str_eq(a.list[i].reason, b.list[i].reason));
    arena_free(&a.a);
    end(&b);
}
END_TEST

static int stop_at(void *ctx, const char *what, uint64_t done, uint64_t all)
{
    (void)what;
    (void)done;
    (void)all;
    return --*(int *)ctx < 0;
}

START_TEST(stopped_anywhere)
{
    start();
    volume_logs();
    int rc = ERR_STOPPED;
    for (int at = 0; rc == ERR_STOPPED; at++) {
        struct analyze_result r;
        int left = at;
        const struct analyzer_ticker t = { &left, stop_at };
        ck_assert_int_lt(at, 100);
        rc = analyze_run(c, NULL, &t, &r, &err);
    }
    good(rc);
    good(case_verify(c, &err));
    end(NULL);
}
END_TEST

/* ---- coverage ------------------------------------------------------------ */

struct rows {
    struct coverage list[32];
    size_t n;
    struct arena a;
};

static int take_row(void *ctx, const struct coverage *v)
{
    struct rows *r = ctx;
    if (!str_eq(v->source, STR("cloudtrail data events")) &&
        v->state == COVER_PRESENT)
        return 0;
    ck_assert_uint_lt(r->n, 32);
    r->list[r->n] = *v;
    r->list[r->n].source = arena_copy(&r->a, v->source);
    r->list[r->n++].basis = arena_copy(&r->a, v->basis);
    return 0;
}

static const char *const selectors[] = {
    "{\"requestParameters\":{\"trailName\":\"t\",\"eventSelectors\":[{"
    "\"includeManagementEvents\":true,\"dataResources\":[{\"type\":"
    "\"AWS::S3::Object\",\"values\":[\"arn:aws:s3\"]}]}]}}",
    "{\"requestParameters\":{\"advancedEventSelectors\":[{\"fieldSelectors\":"
    "[{\"field\":\"eventCategory\",\"equals\":[\"Data\"]},{\"field\":"
    "\"resources.type\",\"equals\":[\"AWS::Lambda::Function\"]}]}]}}",
    "{\"requestParameters\":{\"eventSelectors\":[{\"dataResources\":[]}]}}",
    "not JSON",
};

/* The record of event n + 1 is selectors[n]; others are not at hand. */
static int read_record(void *ctx, const struct event *e, struct arena *a,
                       struct str *raw, struct err *error)
{
    (void)ctx;
    (void)a;
    if (e->id > 4)
        return err_set(error, ERR_EVIDENCE, "not here");
    *raw = str_from(selectors[e->id - 1]);
    return 0;
}

START_TEST(data_events_on_and_off)
{
    /* before, buckets, functions, these without management, off, ? */
    static const enum coverage_state states[] = {
        COVER_UNKNOWN, COVER_PRESENT, COVER_PRESENT,
        COVER_ABSENT,  COVER_ABSENT,  COVER_UNKNOWN,
    };
    struct raw_reader raw = { .read = read_record };
    struct coverage_result result;
    struct rows r = { 0 };
    start();
    begin("/logs", "");
    member("a/111122223333_CloudTrail_us-east-1_20260311T0005Z_x.json.gz",
           "cloudtrail");
    for (int i = 1; i < 5; i++)
        EVENT(.s = i * 10, .action = "PutEventSelectors", .trail = "t");
    EVENT(.s = 15, .action = "PutEventSelectors", .trail = "t",
          .outcome = "AccessDenied");
    EVENT(.s = 16, .action = "StopLogging", .trail = "t",
          .outcome = "AccessDenied");
    member_end();
    finish("log");
    good(coverage_make(c, &raw, NULL, &result, &err));
    good(case_coverage(c, take_row, &r, &err));
    ck_assert_uint_eq(r.n, 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_msg(r.list[i].state == states[i], "%zu: %.*s", i,
                      STR_ARG(r.list[i].basis));
    ck_assert(str_find(r.list[1].basis, STR("arn:aws:s3 only")) != SIZE_MAX);
    ck_assert(str_find(r.list[2].basis, STR("AWS::Lambda::Function only")) !=
              SIZE_MAX);
    ck_assert(str_eq(r.list[3].source, STR("cloudtrail management events")));
    ck_assert_int_eq(r.list[4].from_s, 1773187200 + 30);
    ck_assert_int_eq(r.list[4].to_s, 1773187200 + 40);
    arena_free(&r.a);
    end(NULL);
}
END_TEST

START_TEST(trails_stopped)
{
    struct coverage_result result;
    struct rows r = { 0 };
    start();
    begin("/logs", "");
    member("a.json", "cloudtrail");
    EVENT(.s = 10, .action = "StopLogging",
          .trail = "arn:aws:cloudtrail:us-east-1:111122223333:trail/t");
    EVENT(.s = 20, .action = "StartLogging", .trail = "other");
    EVENT(.s = 30, .action = "StartLogging", .trail = "t");
    EVENT(.s = 40, .action = "DeleteTrail", .trail = "t",
          .outcome = "AccessDenied");
    EVENT(.s = 90, .action = "GetTrail");
    member_end();
    finish("log");
    good(coverage_make(c, NULL, NULL, &result, &err));
    good(case_coverage(c, take_row, &r, &err));
    ck_assert_uint_eq(r.n, 2);
    ck_assert_int_eq(r.list[0].state, COVER_ABSENT);
    ck_assert_int_eq(r.list[0].from_s, 1773187200 + 10);
    ck_assert_int_eq(r.list[0].to_s, 1773187200 + 30);
    ck_assert_int_eq(r.list[0].event, 1);
    ck_assert_int_eq(r.list[1].state, COVER_UNKNOWN);
    arena_free(&r.a);
    end(NULL);
}
END_TEST

/* ---- expiry and lineage -------------------------------------------------- */

START_TEST(expiries_as_they_are_written)
{
    static const struct {
        const char *text;
        int64_t s; /* -1: refused */
    } v[] = {
        { "Mar 11, 2026 8:14:00 AM", 1773216840 },
        { "Mar 11, 2026, 8:14:00 AM", 1773216840 },
        { "Mar 11, 2026, 8:14:00\xe2\x80\xaf"
          "AM",
          1773216840 },
        { "Mar 11, 2026, 8:14:00 PM", 1773260040 },
        { "Mar 11, 2026, 12:00:00 AM", 1773187200 },
        { "Mar 11, 2026, 12:00:00 PM", 1773230400 },
        { "2026-03-11T08:14:00Z", 1773216840 },
        { "Feb 29, 2028, 1:00:00 AM", 1835398800 },
        { "Feb 29, 2027, 1:00:00 AM", -1 },
        { "Mar 11, 2026, 13:00:00 PM", -1 },
        { "Mar 11, 2026, 0:00:00 AM", -1 },
        { "Mar 11, 2026, 8:14:00", -1 },
        { "Mar 11, 2026, 8:14:00 AM ", -1 },
        { "Mar 11, 12026, 8:14:00 AM", -1 },
        { "Foo 11, 2026, 8:14:00 AM", -1 },
        { "Mar 11, 2026, 8:14:60 AM", -1 },
        { "", -1 },
        { "Mar", -1 },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct instant t = { -1, 0 };
        bool read = expiry_parse(str_from(v[i].text), &t);
        ck_assert_msg(read == (v[i].s >= 0), "%s", v[i].text);
        ck_assert_msg(!read || t.s == v[i].s, "%s: %lld", v[i].text,
                      (long long)t.s);
    }
}
END_TEST

/* The record of E1 says when its key ends; others are not at hand. */
static int read_expiry(void *ctx, const struct event *e, struct arena *a,
                       struct str *raw, struct err *error)
{
    (void)ctx;
    (void)a;
    if (e->id != 1)
        return err_set(error, ERR_EVIDENCE, "not here");
    *raw = STR("{\"responseElements\":{\"credentials\":{\"expiration\":"
               "\"Mar 11, 2026, 1:00:00 AM\"}}}");
    return 0;
}

#define ISSUES(k) .refs = { { KIND_KEY, ROLE_ISSUED, k } }

static void expiring_keys(void)
{
    start();
    begin("/logs", "");
    member("a", "cloudtrail");
    EVENT(.s = 0, .action = "AssumeRole", ISSUES("ASIAONEEXAMPLE"));
    EVENT(.s = 0, .action = "AssumeRole", ISSUES("ASIATWOEXAMPLE"));
    EVENT(.s = 0, .action = "CreateAccessKey", ISSUES("AKIAONEEXAMPLE"));
    EVENT(.s = 1800, .action = "A", .key = "ASIAONEEXAMPLE", .ip = "192.0.2.1");
    EVENT(.s = 3600, .action = "A", .key = "ASIAONEEXAMPLE", .ip = "192.0.2.1");
    EVENT(.s = 4000, .action = "A", .key = "ASIAONEEXAMPLE", .ip = "192.0.2.1");
    EVENT(.s = 3599, .action = "A", .key = "ASIAONEEXAMPLE", .ip = "192.0.2.2");
    EVENT(.s = 90000, .action = "A", .key = "ASIATWOEXAMPLE",
          .ip = "192.0.2.1");
    EVENT(.s = 130000, .action = "A", .key = "ASIATWOEXAMPLE",
          .ip = "192.0.2.3");
    EVENT(.s = 900000, .action = "A", .key = "AKIAONEEXAMPLE",
          .ip = "192.0.2.1");
    member_end();
    finish("log");
}

START_TEST(uses_after_the_expiry_are_named)
{
    static const char word[] = "expired";
    struct raw_reader raw = { .read = read_expiry };
    struct analyze_result r;
    struct got g = { 0 };
    expiring_keys();
    good(analyze_run(c, &raw, NULL, &r, &err));
    good(case_links(c, 0, take_link, &g, &err));
    ck_assert_uint_eq(g.n, 5);
    is_link(&g.list[0], "C1", 1, 4, 3,
            "; expired: 2 calls are after the expiry that the answer states, "
            "2026-03-11T01:00:00Z, first 2026-03-11T01:00:00Z");
    is_link(&g.list[1], "C1", 1, 7, 1, "signed 1 call from 192.0.2.2");
    ck_assert(str_find(g.list[1].reason, str_from(word)) == SIZE_MAX);
    ck_assert(str_find(g.list[2].reason, str_from(word)) == SIZE_MAX);
    is_link(&g.list[3], "C1", 2, 9, 1,
            "; expired: 1 call is after the longest life of such a key (36 "
            "hours), 2026-03-12T12:00:00Z: 2026-03-12T12:06:40Z");
    is_link(&g.list[4], "C2", 3, 10, 1, "signed 1 call");
    ck_assert(str_find(g.list[4].reason, str_from(word)) == SIZE_MAX);
    end(&g);
}
END_TEST

static void follow(unsigned kind, const char *value, struct arena *a,
                   struct lineage *out)
{
    struct raw_reader raw = { .read = read_expiry };
    uint32_t entity = case_find(c, kind, str_from(value));
    ck_assert_uint_ne(entity, 0);
    good(lineage_make(c, entity, &raw, NULL, a, out, &err));
}

static bool is_key(const struct lineage_node *n, const char *key,
                   unsigned depth)
{
    return str_eq(case_text(c, n->key), str_from(key)) && n->depth == depth;
}

START_TEST(lineage_states_late_and_early_uses)
{
    struct arena a = { 0 };
    struct buf b = { 0 };
    struct lineage l;
    expiring_keys();
    follow(KIND_KEY, "ASIAONEEXAMPLE", &a, &l);
    ck_assert_uint_eq(l.n, 1);
    ck_assert_int_eq(l.nodes[0].issue, 1);
    ck_assert_uint_eq(l.nodes[0].n, 4);
    ck_assert_int_eq(l.nodes[0].first_event, 4);
    ck_assert_uint_eq(l.nodes[0].n_addresses, 2);
    ck_assert_uint_eq(l.nodes[0].addresses[0].n, 3);
    ck_assert_uint_eq(l.nodes[0].addresses[1].n, 1);
    ck_assert_uint_eq(l.nodes[0].elsewhere, 0);
    ck_assert_uint_eq(l.nodes[0].late, 2);
    ck_assert(!l.analyzed);
    lineage_put_remarks(&l.nodes[0], &b);
    ck_assert(str_eq(buf_str(&b),
                     STR("2 calls after its expiry, 2026-03-11T01:00:00Z")));
    buf_free(&b);
    arena_free(&a);
    end(NULL);
}
END_TEST

START_TEST(lineage_goes_up_down_and_not_around)
{
    struct arena a = { 0 };
    struct lineage l;
    start();
    begin("/logs", "");
    member("a", "cloudtrail");
    EVENT(.s = 0, .action = "AssumeRole", .key = "ASIARINGTWOEXAMPLE",
          ISSUES("ASIARINGONEEXAMPLE"));
    EVENT(.s = 1, .action = "AssumeRole", .key = "ASIARINGONEEXAMPLE",
          ISSUES("ASIARINGTWOEXAMPLE"));
    EVENT(.s = 2, .action = "AssumeRole", .key = "AKIAROOTEXAMPLE",
          .refs = { { KIND_KEY, ROLE_ISSUED, "ASIACHILDEXAMPLE" },
                    { KIND_ROLE, ROLE_TARGET, "r" } });
    EVENT(.s = 3, .action = "AssumeRole", .key = "ASIACHILDEXAMPLE",
          ISSUES("ASIAGRANDEXAMPLE"));
    EVENT(.s = 1, .action = "A", .key = "ASIACHILDEXAMPLE");
    EVENT(.s = 9, .action = "CreateAccessKey", .key = "AKIAROOTEXAMPLE",
          .refs = { { KIND_KEY, ROLE_ISSUED, "AKIANEWEXAMPLE" } });
    member_end();
    finish("log");
    /* from the middle: the whole tree, in the order of issue */
    follow(KIND_KEY, "ASIACHILDEXAMPLE", &a, &l);
    ck_assert_uint_eq(l.n, 4);
    ck_assert(is_key(&l.nodes[0], "AKIAROOTEXAMPLE", 0));
    ck_assert_int_eq(l.nodes[0].issue, 0);
    ck_assert(is_key(&l.nodes[1], "ASIACHILDEXAMPLE", 1));
    ck_assert_uint_eq(l.nodes[1].parent, l.nodes[0].key);
    ck_assert(l.nodes[1].early);
    ck_assert_uint_eq(l.nodes[1].elsewhere, 2);
    ck_assert(is_key(&l.nodes[2], "ASIAGRANDEXAMPLE", 2));
    ck_assert_uint_eq(l.nodes[2].n, 0);
    ck_assert(is_key(&l.nodes[3], "AKIANEWEXAMPLE", 1));
    /* the role that was assumed leads to the same */
    follow(KIND_ROLE, "r", &a, &l);
    ck_assert_uint_eq(l.n, 4);
    ck_assert(is_key(&l.nodes[0], "AKIAROOTEXAMPLE", 0));
    /* two keys that issued each other */
    follow(KIND_KEY, "ASIARINGONEEXAMPLE", &a, &l);
    ck_assert_uint_eq(l.n, 3);
    ck_assert(is_key(&l.nodes[0], "ASIARINGTWOEXAMPLE", 0));
    ck_assert(is_key(&l.nodes[1], "ASIARINGONEEXAMPLE", 1));
    ck_assert(is_key(&l.nodes[2], "ASIARINGTWOEXAMPLE", 2));
    ck_assert(l.nodes[2].again && !l.nodes[1].again);
    ck_assert(!l.cut);
    arena_free(&a);
    end(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("analyze");
    tap_case(s, "expiry", expiries_as_they_are_written);
    tap_case(s, "expired", uses_after_the_expiry_are_named);
    tap_case(s, "late", lineage_states_late_and_early_uses);
    tap_case(s, "lineage", lineage_goes_up_down_and_not_around);
    tap_case(s, "C1 C2", keys_issued_and_used);
    tap_case(s, "busy", busy_keys);
    tap_case(s, "C22", keys_found);
    tap_case(s, "C3", two_sides_of_one_call);
    tap_case(s, "C7 C8 C9", resources_and_exhibits);
    tap_case(s, "twice", twice_is_the_same);
    tap_case(s, "stopped", stopped_anywhere);
    tap_case(s, "data events", data_events_on_and_off);
    tap_case(s, "stopped trails", trails_stopped);
    return s;
}
