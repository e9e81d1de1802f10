/* analyzer/filter: what a filter finds in a case whose events are known. */
#include "analyzer/filter.h"

#include "casedb/examiner.h"
#include "tests/analyzer/little_case.h"
#include "tests/tap.h"

#include <stdlib.h>

static struct arena arena;
static struct err err;
static struct casedb *c;

static void open_case(void)
{
    c = little_case();
}

static void close_case(void)
{
    case_close(c);
    arena_free(&arena);
}

/* Events in time order: 10 (no time) 9 1 2 3 4 5 11 12 6 7 8 */
#define ALL "10 9 1 2 3 4 5 11 12 6 7 8"
static const struct {
    const char *text, *events;
    const char *note; /* within one of the notes, NULL = there is none */
} found[] = {
    { "", ALL, NULL },
    /* identifiers */
    { "action:GetObject", "9 6", NULL },
    { "action:getobject", "9 6", NULL },
    { "action:\"getobject\"", "", "no action of this case is getobject" },
    { "action:Get*", "9 3 6", NULL },
    { "action:(GetObject or RunInstances)", "9 5 6", NULL },
    { "action:GetObjects", "", "near: GetObject" },
    { "not action:Get*", "10 1 2 4 5 11 12 7 8", NULL },
    { "key:ASIAAPPSTOLENEXAMPLE", "10 2 3 4 5 6 7", NULL },
    { "issued:ASIAAPPSTOLENEXAMPLE", "2", NULL },
    { "target:ASIAAPPSTOLENEXAMPLE", "10", NULL },
    { "actor:*svc-backup", "9 8", NULL },
    { "user:svc-backup", "7", NULL },
    { "entity:svc-backup", "7", NULL },
    { "entity:user:svc-backup", "7", NULL },
    { "entity:ip:198.51.100.66", "1 3 4 6 7", NULL },
    { "entity:E5", "5", NULL },
    { "entity:X3", "10 11 12", NULL },
    { "entity:(E5 or ASIAAPPSTOLENEXAMPLE)", "10 2 3 4 5 6 7", NULL },
    { "service:s3", "9 4 6", NULL },
    { "service:s3.amazonaws.com", "9 4 6", NULL },
    { "source:(disk or cloudwatch)", "10 1 11 12", NULL },
    { "source:clodtrail", "", "near: cloudtrail" },
    { "path:/tmp/.x/a\\*b.sh", "11 12", NULL },
    { "path:/tmp/*", "11 12", NULL },
    { "path:\"/tmp/.x/a*b.sh\"", "11 12", NULL },
    { "path:/tmp/.x/a\\*", "", "no path of this case is" },
    { "path~\"/tmp/.*\\.sh$\"", "11 12", NULL },
    { "path~\"^/var\"", "", "like this" },
    { "agent~\"curl\"", "", "like this" },
    /* addresses */
    { "ip:198.51.100.66", "1 3 4 6 7", NULL },
    { "ip:198.51.100.0/24", "1 3 4 5 6 7", NULL },
    { "ip:198.51.100.66/31", "1 3 4 5 6 7", NULL },
    { "ip:198.51.100.66/32", "1 3 4 6 7", NULL },
    { "ip:0.0.0.0/0", "9 1 3 4 5 6 7", NULL },
    { "ip:2001:DB8:0::1", "8", NULL },
    { "ip:2001:db8::/32", "8", NULL },
    { "ip:::/0", "8", NULL },
    { "ip:::ffff:10.0.1.20", "9", NULL },
    { "ip:198.51.*", "1 3 4 5 6 7", NULL },
    { "ip:192.0.2.1", "", "no ip of this case is 192.0.2.1" },
    { "ip:192.0.2.0/24 or action:AssumeRole", "2", "192.0.2.0/24" },
    /* outcomes, kinds, flags */
    { "outcome:denied", "4 5", NULL },
    { "outcome:failed", "4 5", NULL },
    { "outcome:ok", "9 2 3 6 7 8", NULL },
    { "outcome:AccessDenied", "4", NULL },
    { "ip:198.51.100.0/24 not outcome:denied", "1 3 6 7", NULL },
    { "kind:call", "9 2 3 4 5 6 7 8", NULL },
    { "kind:(file or log)", "10 1 11 12", NULL },
    { "kind:memory", "", "no source of this kind" },
    { "flag:deleted", "11 12", NULL },
    { "flag:(carved or data)", "10 6", NULL },
    { "read-only:", "3 4 6", NULL },
    { "read-only:no kind:call", "9 2 5 7 8", NULL },
    { "timekind:born", "12", NULL },
    { "timekind:(born or modified)", "11 12", NULL },
    { "severity:medium", "1", NULL },
    { "severity:low..", "1", NULL },
    { "severity:high..", "", NULL },
    { "text:fetch", "1", NULL },
    { "text:FETCH", "1", NULL },
    { "text:\"FETCH\"", "", NULL },
    { "text:get*200", "1", NULL },
    { "text~\"url=http://169\\.254\"", "1", NULL },
    /* has */
    { "has:ip", "9 1 3 4 5 6 7 8", NULL },
    { "has:issued", "2 7", NULL },
    { "has:outcome", "4 5", NULL },
    { "has:text", "1", NULL },
    { "has:time", "9 1 2 3 4 5 11 12 6 7 8", NULL },
    { "has:uid undated:", "10", NULL },
    { "has:request", "6", NULL },
    { "has:severity", "1", NULL },
    { "has:flag", "10 3 4 11 12 6", NULL },
    { "has:id", ALL, NULL },
    /* ids */
    { "uid:10203040-0506-0708-090a-0b0c0d0e0f03", "4", NULL },
    { "eventID:10203040-0506-0708-090A-0B0C0D0E0F03", "4", NULL },
    { "uid:10203040-0506-0708-090a-0b0c0d0e0fff", "", "has this id" },
    { "request:79104EXAMPLEB723", "6", NULL },
    { "uid:79104EXAMPLEB723", "", "has this id" },
    { "id:E3..E5", "3 4 5", NULL },
    { "id:(1 or E12..)", "1 12", NULL },
    { "id:..2", "1 2", NULL },
    { "id:E99", "", NULL },
    { "id:E1..", ALL, NULL },
    { "exhibit:X2", "9 2 3 4 5 6 7 8", NULL },
    { "exhibit:(X1 or X3)", "10 1 11 12", NULL },
    { "member:*0310*", "9 7 8", NULL },
    { "member:disk.E01", "10 11 12", NULL },
    { "member:000000.gz", "1", NULL },
    { "member:X2/*", "9 2 3 4 5 6 7 8", NULL },
    { "member:*none*", "", "no file of this case" },
    /* time */
    { "time:2026-03-11", "9 1 2 3 4 5 11 12 6 7 8", NULL },
    { "time:2026-03-11T02:20", "4", NULL },
    { "time:2026-03-11T02:13Z..02:19", "1 2 3", NULL },
    { "time:2026-03-11T03..", "7 8", NULL },
    { "time:..2026-03-11T02:13:00Z", "9 1", NULL },
    { "time:(2026-03-11T02:20 or 2026-03-11T03:06)", "4 8", NULL },
    { "time:2026-03-12", "", NULL },
    { "undated:", "10", NULL },
    { "undated:no action:carved", "", NULL },
    { "near:E4/60s", "3 4 5", NULL },
    { "near:E4/59s", "4", NULL },
    { "near:2026-03-11T03:05Z/1m", "7 8", NULL },
    { "near:X2/AWSLogs/a_20260311T0220Z.json.gz!gz@3000+900/0s", NULL, NULL },
    { "near:X2/AWSLogs/a_20260311T0220Z.json.gz!gz@3000+900/1s", "4", NULL },
    /* records */
    { "requestParameters.bucketName:corp-reports", "6", NULL },
    { "requestParameters.bucketName:corp*", "6", NULL },
    { "requestParameters.bucketName~\"^corp\"", "6", NULL },
    { "additionalEventData.bytesTransferredOut:634", "6", NULL },
    { "raw.readOnly:true", "3", NULL },
    { "resources.ARN:arn:other", "2", NULL },
    { "resources.type:*Role", "2", NULL },
    { "errorMessage:\"no access\"", "4", NULL },
    { "has:requestParameters.eventSelectors", "8", NULL },
    { "has:raw.requestParameters", "2 6 8", NULL },
    { "raw.nothing:x", "", NULL },
    /* words */
    { "RunInstances", "5", NULL },
    { "runinstances", "5", NULL },
    { "\"runinstances\"", "", NULL },
    { "169.254.169.254", "1", NULL },
    { "\"169.254\" or action:born", "1 12", NULL },
    { "not eventName", "10 9 1 11 12", NULL },
    { "corp-reports", "9 6", NULL }, /* E9 by its value: no record */
    { "a*b.sh", "11 12", NULL },
    { "bytesTransferredOut service:s3", "6", NULL },
    { "bytesTransferredOut service:sts", "", NULL },
    /* what is not recorded yet */
    { "finding:high", "", "nothing is recorded yet" },
    { "new:", "", "nothing is recorded yet" },
    { "tag:x", "", "no event has such a tag" },
    { "bookmark:", "", "no event has such a bookmark" },
    { "link:C1", "", "no links yet" },
    { "class:exact", "", "no links yet" },
    /* joins */
    { "action:GetObject or action:born or undated:", "10 9 12 6", NULL },
    { "(action:GetObject or action:AssumeRole) ip:198.51.100.66", "6", NULL },
    { "not (kind:call or kind:file)", "1", NULL },
    { "key:ASIAAPPSTOLENEXAMPLE not (ip:198.51.100.66 or undated:)", "2 5",
      NULL },
};

static const char *notes_of(const struct filter_plan *p, struct buf *b)
{
    for (size_t i = 0; i < p->n_notes; i++) {
        buf_put(b, p->notes[i].text);
        buf_putc(b, '\n');
    }
    buf_putc(b, 0);
    return b->p;
}

static void list_events(const struct plan *p, struct buf *b)
{
    struct scan *s;
    struct hit h;
    int rc;
    ck_assert_int_eq(scan_open(c, p, NULL, false, &s, &err), 0);
    while ((rc = scan_next(s, &h, &err)) == 1)
        buf_printf(b, "%s%lld", b->n ? " " : "", (long long)h.id);
    ck_assert_msg(rc == 0, "%s", err.what);
    scan_close(s);
    buf_putc(b, 0);
}

static void check(size_t i, const struct raw_reader *raw)
{
    struct filter_env env = { .c = c, .raw = raw };
    struct filter_plan p;
    struct buf ids = { 0 }, notes = { 0 };
    int rc =
        filter_plan_text(str_from(found[i].text), &env, &arena, &p, NULL, &err);
    if (!found[i].events) {
        ck_assert_int_eq(rc, ERR_USAGE);
        return;
    }
    ck_assert_msg(rc == 0, "%s: %s", found[i].text, err.what);
    list_events(p.plan, &ids);
    ck_assert_msg(strcmp(ids.p, found[i].events) == 0, "%s: %s, not %s",
                  found[i].text, ids.p, found[i].events);
    notes_of(&p, &notes);
    ck_assert_msg(found[i].note ? strstr(notes.p, found[i].note) != NULL
                                : notes.p[0] == 0,
                  "%s: notes: %s", found[i].text, notes.p);
    buf_free(&ids);
    buf_free(&notes);
    arena_reset(&arena);
}

START_TEST(filters_find_the_known_events)
{
    for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++)
        check(i, &little_raw);
}
END_TEST

START_TEST(words_find_the_same_without_a_search)
{
    for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++)
        check(i, &little_raw_slow);
}
END_TEST

START_TEST(records_are_asked_only_when_at_hand)
{
    static const char *const texts[] = { "curl", "raw.x:y", "has:a.b" };
    struct filter_env env = { .c = c };
    struct filter_plan p;
    struct filter_place place;
    for (size_t i = 0; i < 3; i++) {
        int rc = filter_plan_text(str_from(texts[i]), &env, &arena, &p, &place,
                                  &err);
        ck_assert_int_eq(rc, ERR_EVIDENCE);
        ck_assert_int_eq(err.code, ERR_EVIDENCE);
        ck_assert_ptr_nonnull(strstr(err.what, "not at hand"));
    }
}
END_TEST

START_TEST(what_was_not_matched_is_counted)
{
    struct filter_env env = { .c = c, .raw = &little_raw };
    struct filter_plan p;
    struct buf b = { 0 };
    ck_assert_int_eq(filter_plan_text(STR("raw.colour:x kind:call"), &env,
                                      &arena, &p, NULL, &err),
                     0);
    ck_assert(p.reads_raw);
    list_events(p.plan, &b);
    ck_assert_uint_eq(p.tally->read, 8);
    ck_assert_uint_eq(p.tally->unread, 1);
    ck_assert_uint_eq(p.tally->found, 0);
    buf_clear(&b);
    filter_tally_put(&p, &b);
    buf_putc(&b, 0);
    ck_assert_str_eq(b.p, "no record that was read has a field colour\n"
                          "1 record was not at hand and is taken as not "
                          "matching\n");
    buf_clear(&b);
    ck_assert_int_eq(filter_plan_text(STR("text~\"(.*)*(.*)*(.*)*x\\b!\""),
                                      &env, &arena, &p, NULL, &err),
                     0);
    list_events(p.plan, &b);
    ck_assert_str_eq(b.p, "");
    buf_free(&b);
}
END_TEST

START_TEST(errors_of_the_case_have_a_place)
{
    static const struct {
        const char *text, *says;
    } v[] = {
        { "near:E99/5m", "column 1: near: E99: no event" },
        { "a near:E10/5m", "column 3: near: E10 has no time" },
        { "exhibit:X9", "column 9: no exhibit X9" },
        { "entity:X9", "column 8: no exhibit X9" },
    };
    struct filter_env env = { .c = c, .raw = &little_raw };
    struct filter_plan p;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(
            filter_plan_text(str_from(v[i].text), &env, &arena, &p, NULL, &err),
            ERR_USAGE);
        ck_assert_msg(strstr(err.what, v[i].says), "%s: %s", v[i].text,
                      err.what);
    }
}
END_TEST

static void mark(enum mark_kind kind, int64_t event, const char *cite,
                 const char *body)
{
    struct mark m = { .kind = kind,
                      .event = event,
                      .cite = str_from(cite),
                      .body = str_from(body) };
    int64_t id;
    ck_assert_int_eq(case_mark_add(c, &m, &id, &err), 0);
}

START_TEST(marks_and_links_are_found)
{
    static const struct {
        const char *text, *events;
    } v[] = {
        { "tag:persistence", "8" },
        { "tag:*", "4 8" },
        { "note:theft", "3" },
        { "note:\"Theft\"", "" },
        { "bookmark:", "6" },
        { "mark:any", "3 4 6 8" },
        { "mark:(note or tag)", "3 4 8" },
        { "has:tag", "4 8" },
        { "not bookmark: action:GetObject", "9" },
        { "tag~\"^p\"", "8" },
        { "link:C1", "2 3" },
        { "link:C*", "2 3 4" },
        { "class:exact", "2 3" },
        { "class:candidate", "4" },
        { "has:link", "2 3 4" },
    };
    struct filter_env env = { .c = c };
    struct filter_plan p;
    mark(MARK_TAG, 8, "X2/b@0+1", "persistence");
    mark(MARK_TAG, 4, "X2/a@0+1", "recon");
    mark(MARK_TAG, 0, "ip:198.51.100.66", "attacker");
    mark(MARK_NOTE, 3, "X2/a@0+1", "First sign of theft.");
    mark(MARK_BOOKMARK, 6, "X2/a@0+1", "");
    struct link l = { .rule_version = 1, .a = 2, .b = 3, .reason = STR("r") };
    ck_assert_int_eq(case_links_begin(c, STR("C1"), &err), 0);
    ck_assert_int_eq(case_link_add(c, (l.rule = STR("C1"), &l), &err), 0);
    ck_assert_int_eq(case_links_end(c, &err), 0);
    l = (struct link){ .rule = STR("C9"),
                       .rule_version = 1,
                       .cls = LINK_CANDIDATE,
                       .a_kind = LINK_EXHIBIT,
                       .a = 1,
                       .b = 4,
                       .reason = STR("r") };
    ck_assert_int_eq(case_links_begin(c, STR("C9"), &err), 0);
    ck_assert_int_eq(case_link_add(c, &l, &err), 0);
    ck_assert_int_eq(case_links_end(c, &err), 0);
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct buf b = { 0 };
        int rc =
            filter_plan_text(str_from(v[i].text), &env, &arena, &p, NULL, &err);
        ck_assert_msg(rc == 0, "%s: %s", v[i].text, err.what);
        list_events(p.plan, &b);
        ck_assert_msg(strcmp(b.p, v[i].events) == 0, "%s: %s, not %s",
                      v[i].text, b.p, v[i].events);
        buf_free(&b);
    }
}
END_TEST

static int stop(void *ctx, const char *what, uint64_t done, uint64_t all)
{
    (void)what;
    (void)done;
    (void)all;
    return ++*(int *)ctx;
}

START_TEST(reading_records_can_be_stopped)
{
    int told = 0;
    struct analyzer_ticker ticker = { &told, stop };
    struct filter_env env = { .c = c, .raw = &little_raw, .ticker = &ticker };
    struct filter_plan p;
    struct scan *s;
    struct hit h;
    ck_assert_int_eq(
        filter_plan_text(STR("raw.x:y"), &env, &arena, &p, NULL, &err), 0);
    ck_assert_int_eq(scan_open(c, p.plan, NULL, false, &s, &err), 0);
    ck_assert_int_eq(scan_next(s, &h, &err), ERR_STOPPED);
    ck_assert_int_eq(told, 1);
    scan_close(s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("plan");
    const TTest *tests[] = {
        filters_find_the_known_events,
        words_find_the_same_without_a_search,
        records_are_asked_only_when_at_hand,
        what_was_not_matched_is_counted,
        errors_of_the_case_have_a_place,
        marks_and_links_are_found,
        reading_records_can_be_stopped,
    };
    static const char *const names[] = { "found",  "slow",  "hand", "counted",
                                         "errors", "marks", "stop" };
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        tcase_add_checked_fixture(tap_case(s, names[i], tests[i]), open_case,
                                  close_case);
    return s;
}
