/* analyzer/filter: what is a filter, what is not and where, its one form. */
#include "analyzer/filter.h"

#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *text, *form; /* NULL = as the text */
} good[] = {
    { "", NULL },
    { "  \t\n ", "" },
    /* words and strings */
    { "curl", NULL },
    { "\"two words\"", NULL },
    { "~/.ssh/authorized_keys", NULL },
    { "2001:db8::1", NULL },
    { "10.0.0.1", NULL },
    { "a*b", NULL },
    { "orange", NULL },
    { "Order", NULL },
    { "notable android", NULL },
    { "\"or\"", NULL },
    { "\"say \\\"hi\\\"\"", NULL },
    { "\"back\\\\slash\"", NULL },
    { "\"\\x41\\x00\\u{263A}\"", "\"A\\x00\xe2\x98\xba\"" },
    { "\"\\u{202E}\"", NULL },
    { "\"\\q\"", "\"\\\\q\"" },
    { "a\\b", NULL },
    { "\xe3\x81\x82", NULL },
    /* fields */
    { "action:PutObject", NULL },
    { "ACTION:PutObject", "action:PutObject" },
    { "eventName:PutObject", "action:PutObject" },
    { "sourceIPAddress:198.51.100.66", "ip:198.51.100.66" },
    { "accessKeyId:AKIASVCBACKUPEXAMPLE", "key:AKIASVCBACKUPEXAMPLE" },
    { "userAgent:*curl*", "agent:*curl*" },
    { "principal:arn:aws:iam::111122223333:user/alice", NULL },
    { "entity:i-0f3a9c1d2b4e5f607", NULL },
    { "entity:key:AKIAX", NULL },
    { "agent:\"aws-cli/2 (x; y)\"", NULL },
    { "agent:Mozilla/5.0", NULL },
    { "path:/a(b", NULL },
    { "action:or", NULL },
    { "action:not", NULL },
    { "object:a..b", NULL },
    { "object:a\\*b*", NULL },
    { "ip:198.51.100.0/24", NULL },
    { "ip:2001:db8::/32", NULL },
    { "ip:2001:DB8::1", NULL },
    { "ip:198.51.*", NULL },
    { "ip:(10.0.0.1 or 10.0.0.2)", NULL },
    { "action:(Create* or Put*)", NULL },
    { "action:( Create*  OR\tPut* )", "action:(Create* or Put*)" },
    { "action:(PutObject)", "action:PutObject" },
    { "action:(\"or\" or \"a b\")", NULL },
    { "outcome:denied", NULL },
    { "log-group:/aws/lambda/x", NULL },
    { "logGroupName:x", "log-group:x" },
    { "file:/etc/passwd", "path:/etc/passwd" },
    /* the rest of the row */
    { "kind:file", NULL },
    { "kind:FILE", "kind:file" },
    { "kind:(call or log)", NULL },
    { "timekind:born", NULL },
    { "severity:high", NULL },
    { "severity:Medium..", "severity:medium.." },
    { "severity:..low", NULL },
    { "severity:low..high", NULL },
    { "flag:(deleted or carved)", NULL },
    { "undated:", "undated:yes" },
    { "undated:no", NULL },
    { "undated:TRUE", "undated:yes" },
    { "undated: ip:10.0.0.1", "undated:yes ip:10.0.0.1" },
    { "read-only:no", NULL },
    { "readOnly:false", "read-only:no" },
    { "new: finding:high", "new:yes finding:high" },
    { "text:\"GET /\"", NULL },
    { "uid:10203040-0506-0708-090a-0b0c0d0e0f00", NULL },
    { "id:5", "id:E5" },
    { "id:e5", "id:E5" },
    { "id:E1..E9", NULL },
    { "id:(E1 or 5..)", "id:(E1 or E5..)" },
    { "id:..9", "id:..E9" },
    { "exhibit:x2", "exhibit:X2" },
    { "member:*.json.gz", NULL },
    { "tag:persistence", NULL },
    { "mark:any", NULL },
    { "class:exact", NULL },
    { "rule:C1", "link:C1" },
    /* time */
    { "time:2026-03-11", NULL },
    { "eventTime:2026-03-11T02", "time:2026-03-11T02" },
    { "time:2026-03-11T02:00Z..03:30Z",
      "time:2026-03-11T02:00Z..2026-03-11T03:30Z" },
    { "time:2026-03-11T11:00+09:00..12:30",
      "time:2026-03-11T11:00+09:00..2026-03-11T12:30+09:00" },
    { "time:2026-03-11..", NULL },
    { "time:..2026-03-11T02:13:05.5Z", NULL },
    { "time:\"2026-03-11 02:13\"", NULL },
    { "time:(2026-03-11 or 2026-03-13)", NULL },
    { "near:E48017/5m", NULL },
    { "near:2026-03-11T02:13Z/30s", NULL },
    { "near:X1/a/b@5+6/1h", NULL },
    /* patterns */
    { "path~\"/tmp/.*\\.sh$\"", NULL },
    { "path~\"a\\\"b\"", NULL },
    { "path~\"a\\\\\"", NULL },
    { "agent~\"(?i)CURL\"", NULL },
    { "text~\"[\\x00-\\x1f]\"", NULL },
    { "requestParameters.bucketName~\"^corp\"",
      "raw.requestParameters.bucketName~\"^corp\"" },
    /* records */
    { "requestParameters.bucketName:corp-reports",
      "raw.requestParameters.bucketName:corp-reports" },
    { "raw.userIdentity.type:Root", NULL },
    { "raw.detail-type:x", NULL },
    { "raw.raw.x:y", NULL },
    { "errorMessage:*denied*", "error-message:*denied*" },
    { "has:ip", NULL },
    { "has:sourceIPAddress", "has:ip" },
    { "has:requestParameters.key", "has:raw.requestParameters.key" },
    /* joins */
    { "a b", NULL },
    { "a and b", "a b" },
    { "a AND b", "a b" },
    { "a or b", NULL },
    { "a or b c", NULL },
    { "(a or b) c", NULL },
    { "((a))", "a" },
    { "(a b) c", "a b c" },
    { "a or (b or c)", "a or b or c" },
    { "a (b or (c d))", "a (b or c d)" },
    { "not a", NULL },
    { "not (a b)", NULL },
    { "not (not a)", NULL },
    { "a not b", NULL },
    { "a and not b", "a not b" },
    { "not a or not b", NULL },
    { "a not(b or c)", "a not (b or c)" },
    { "key:AKIASVCBACKUPEXAMPLE action:(Create* or Put*)", NULL },
    { "ip:198.51.100.0/24 not outcome:denied", NULL },
    { "time:2026-03-11T02:00Z..03:30Z source:journal",
      "time:2026-03-11T02:00Z..2026-03-11T03:30Z source:journal" },
};

static const struct {
    const char *text;
    unsigned column;
    const char *says; /* within the message or the hint */
} bad[] = {
    { "acton:PutObject", 1, "no field \"acton\"" },
    { "acton:PutObject", 1, "Did you mean action?" },
    { "ip:10.0.0.1 evntName:x", 13, "Did you mean action?" },
    { "zzzzzz:1", 1, "raw.zzzzzz" },
    { "arn:aws:iam::1:user/x", 1, "entity:arn" },
    { "http://example/", 1, "quotes search for text" },
    { "\xe3\x81\x82 acton:x", 3, "no field" },
    { "action:", 1, "the value is missing" },
    { "action: x", 1, "the value is missing" },
    { "(action:)", 2, "the value is missing" },
    { "action:()", 9, "a value is missing" },
    { "action:(a or )", 14, "a value is missing" },
    { "action:(or b)", 9, "a value is missing" },
    { "action:(a b)", 11, "\"or\" is missing" },
    { "action:(a", 8, "bracket is not closed" },
    { "action:(a or", 8, "bracket is not closed" },
    { "action:\"\"", 8, "the value is empty" },
    { "action:\"x", 8, "quote is not closed" },
    { "action:\"x\"y", 11, "a blank is missing" },
    { "action:x\"y\"", 9, "a quote within a word" },
    { "\"x", 1, "quote is not closed" },
    { "\"\"", 1, "the text is empty" },
    { "ip:10.0.0.300", 4, "not an address" },
    { "ip:host", 4, "not an address" },
    { "ip:10.0.0.0/33", 4, "not a network" },
    { "ip:10.0.0.0/x", 4, "not a network" },
    { "ip:2001:db8::/129", 4, "not a network" },
    { "ip:(10.0.0.1 or x)", 17, "not an address" },
    { "time:yesterday", 6, "not a time" },
    { "time:2026-13-01", 6, "not a time" },
    { "time:2026-03-11T02..x", 6, "not a time" },
    { "time:2026-03-12..2026-03-11", 6, "ends before it begins" },
    { "kind:fiel", 6, "Did you mean kind:file?" },
    { "kind:*", 6, "not one of" },
    { "severity:highest..", 10, "not one of" },
    { "flag:deletd", 6, "Did you mean flag:deleted?" },
    { "undated:maybe", 9, "yes or no" },
    { "id:abc", 4, "not an event number" },
    { "id:E0", 4, "not an event number" },
    { "id:E9..E1", 4, "ends before it begins" },
    { "id:1..x", 4, "not a range of event numbers" },
    { "exhibit:2", 9, "not an exhibit" },
    { "uid:abc*", 5, "no wildcard" },
    { "near:E5", 6, "near:E123/5m" },
    { "near:/5m", 6, "near:E123/5m" },
    { "near:E5/5x", 9, "not a span" },
    { "near:E5/", 9, "not a span" },
    { "has:", 1, "the field is missing" },
    { "has:colour", 5, "no field" },
    { "path~\"(\"", 8, "the pattern is wrong" },
    { "path~\"\"", 6, "the pattern is empty" },
    { "path~x", 6, "in quotes" },
    { "time~\"x\"", 1, "takes no pattern" },
    { "acton~\"x\"", 1, "no field" },
    { "raw.:x", 1, "not a path" },
    { "raw.a..b:x", 1, "not a path" },
    { ".a:x (", 7, "a term is missing at the end" },
    { "(a", 1, "bracket is not closed" },
    { "a)", 2, "was not opened" },
    { ")", 1, "a term is missing" },
    { "()", 2, "a term is missing" },
    { "a or", 5, "a term is missing at the end" },
    { "a and", 6, "a term is missing at the end" },
    { "or a", 1, "a term is missing" },
    { "a or or b", 6, "a term is missing" },
    { "not", 4, "a term is missing at the end" },
    { "not not a", 5, "a term is missing" },
    { "a or and b", 6, "a term is missing" },
    { "((((((((((((((((( a )))))))))))))))))", 17, "too many brackets" },
};

static struct arena arena;
static struct err err;

static struct str form_of(const char *text, struct buf *b)
{
    struct filter *f;
    struct filter_place place;
    int rc = filter_parse(str_from(text), &arena, &f, &place, &err);
    ck_assert_msg(rc == 0, "%s: %s", text, err.what);
    filter_put(f, b);
    buf_putc(b, 0);
    return (struct str){ b->p, b->n - 1 };
}

START_TEST(filters_have_one_form)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct buf b = { 0 }, again = { 0 };
        const char *want = good[i].form ? good[i].form : good[i].text;
        struct str form = form_of(good[i].text, &b);
        ck_assert_msg(str_eq(form, str_from(want)), "%s: %s, not %s",
                      good[i].text, form.p, want);
        struct str twice = form_of(form.p, &again);
        ck_assert_msg(str_eq(form, twice), "%s: %s, then %s", good[i].text,
                      form.p, twice.p);
        buf_free(&b);
        buf_free(&again);
        arena_reset(&arena);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(errors_point_at_the_column)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct filter *f;
        struct filter_place place = { 0, 0 };
        char at[32];
        err = (struct err){ 0 };
        int rc = filter_parse(str_from(bad[i].text), &arena, &f, &place, &err);
        ck_assert_msg(rc == ERR_USAGE, "%s: is taken", bad[i].text);
        snprintf(at, sizeof(at), "column %u: ", bad[i].column);
        ck_assert_msg(strncmp(err.what, at, strlen(at)) == 0,
                      "%s: %s, not at %s", bad[i].text, err.what, at);
        ck_assert_msg(strstr(err.what, bad[i].says) ||
                          strstr(err.hint, bad[i].says),
                      "%s: %s / %s: not \"%s\"", bad[i].text, err.what,
                      err.hint, bad[i].says);
        ck_assert_uint_le(place.at + place.n, strlen(bad[i].text));
        arena_reset(&arena);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(long_filters_are_refused_or_taken_whole)
{
    struct buf b = { 0 }, out = { 0 };
    struct filter *f;
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%sw%d", i ? " or " : "", i);
    ck_assert_int_eq(filter_parse(buf_str(&b), &arena, &f, NULL, &err), 0);
    filter_put(f, &out);
    ck_assert(str_eq(buf_str(&out), buf_str(&b)));
    buf_putz(&b, " x y");
    ck_assert_int_eq(filter_parse(buf_str(&b), &arena, &f, NULL, &err),
                     ERR_USAGE);
    buf_clear(&b);
    for (int i = 0; i < 66000; i++)
        buf_putc(&b, 'a');
    ck_assert_int_eq(filter_parse(buf_str(&b), &arena, &f, NULL, &err),
                     ERR_USAGE);
    buf_free(&b);
    buf_free(&out);
    arena_free(&arena);
}
END_TEST

START_TEST(parts_are_what_and_joins)
{
    struct filter *f;
    const char *text = "ip:10.0.0.1 (a or b) not c";
    static const char *const parts[] = { "ip:10.0.0.1", "(a or b)", "not c" };
    ck_assert_int_eq(filter_parse(str_from(text), &arena, &f, NULL, &err), 0);
    ck_assert_uint_eq(filter_parts(f), 3);
    for (size_t i = 0; i < 3; i++) {
        struct filter_place p = filter_part(f, i);
        ck_assert(
            str_eq(str_sub(str_from(text), p.at, p.n), str_from(parts[i])));
    }
    ck_assert_uint_eq(filter_part(f, 3).n, 0);
    ck_assert_int_eq(filter_parse(STR("a or b"), &arena, &f, NULL, &err), 0);
    ck_assert_uint_eq(filter_parts(f), 1);
    ck_assert_uint_eq(filter_part(f, 0).n, 6);
    ck_assert_int_eq(filter_parse(STR(" "), &arena, &f, NULL, &err), 0);
    ck_assert_uint_eq(filter_parts(f), 0);
    ck_assert(filter_is_all(f));
    arena_free(&arena);
}
END_TEST

START_TEST(values_written_for_a_filter_mean_themselves)
{
    static const struct {
        struct str value;
        const char *written;
    } v[] = {
        { STR("198.51.100.66"), "198.51.100.66" },
        { STR("a*b"), "\"a*b\"" },
        { STR("two words"), "\"two words\"" },
        { STR("ok"), "\"ok\"" },
        { STR("E12"), "\"E12\"" },
        { STR("file:///x"), "\"file:///x\"" },
        { STR("a\"b\\c"), "\"a\\\"b\\\\c\"" },
        { STR("\xff\n\0x"), "\"\\xFF\\x0A\\x00x\"" },
        { STR("\xe2\x80\xae"), "\"\\u{202E}\"" },
        { STR(""), "\"\"" },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct buf b = { 0 };
        filter_put_value(&b, v[i].value);
        ck_assert_msg(str_eq(buf_str(&b), str_from(v[i].written)), "%zu: %.*s",
                      i, (int)b.n, b.p);
        buf_free(&b);
    }
}
END_TEST

START_TEST(fields_and_their_aliases_are_unique)
{
    for (size_t i = 0; i < filter_n_fields; i++) {
        const struct filter_field *f = &filter_fields[i];
        ck_assert_ptr_eq(filter_field_find(str_from(f->name)), f);
        for (const char *a = f->aliases; *a; a += strspn(a, " ")) {
            size_t n = strcspn(a, " ");
            ck_assert_msg(filter_field_find((struct str){ a, n }) == f,
                          "%s: %.*s", f->name, (int)n, a);
            a += n;
        }
    }
    for (unsigned k = 1; k <= KIND_MAX; k++)
        if (kind_name(k).n)
            ck_assert_msg(filter_field_find(kind_name(k)) ||
                              str_eq(filter_field_of_kind(k), STR("entity")),
                          "%s", kind_name(k).p);
    ck_assert(str_eq(filter_field_of_kind(KIND_IP), STR("ip")));
    ck_assert(str_eq(filter_field_of_kind(KIND_FILE), STR("path")));
    ck_assert_str_eq(filter_field_nearest(STR("acount")), "account");
    ck_assert_str_eq(filter_field_nearest(STR("xxxxxxxxxxxxxxx")), "");
}
END_TEST

START_TEST(examples_are_filters)
{
    for (size_t i = 0; i < filter_n_fields; i++) {
        struct filter *f;
        int rc = filter_parse(str_from(filter_fields[i].example), &arena, &f,
                              NULL, &err);
        ck_assert_msg(rc == 0, "%s: %s", filter_fields[i].name, err.what);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(the_page_is_made_from_the_table)
{
    struct buf b = { 0 };
    static char page[1 << 16];
    FILE *f = fopen(tap_path("docs/filter.md"), "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(page, 1, sizeof(page), f);
    fclose(f);
    filter_doc(&b);
    if (!str_eq(buf_str(&b), (struct str){ page, n })) {
        char path[512];
        snprintf(path, sizeof(path), "%s/filter.md", tap_dir());
        if (getenv("UPDATE_GOLDENS"))
            snprintf(path, sizeof(path), "%s", tap_path("docs/filter.md"));
        FILE *out = fopen(path, "w");
        ck_assert_ptr_nonnull(out);
        fwrite(b.p, 1, b.n, out);
        fclose(out);
        ck_abort_msg("docs/filter.md differs: make update-goldens");
    }
    buf_free(&b);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("filter");
    tap_case(s, "form", filters_have_one_form);
    tap_case(s, "errors", errors_point_at_the_column);
    tap_case(s, "long", long_filters_are_refused_or_taken_whole);
    tap_case(s, "parts", parts_are_what_and_joins);
    tap_case(s, "values", values_written_for_a_filter_mean_themselves);
    tap_case(s, "fields", fields_and_their_aliases_are_unique);
    tap_case(s, "examples", examples_are_filters);
    tap_case(s, "page", the_page_is_made_from_the_table);
    return s;
}
