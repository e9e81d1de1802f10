/* analyzer/cite: citations lead to what they name, from hostile names too. */
#include "analyzer/cite.h"

#include "tests/analyzer/little_case.h"
#include "tests/tap.h"

static struct arena arena;
static struct err err;

START_TEST(forms_are_told_apart)
{
    static const struct {
        const char *text, *written; /* NULL = as the text */
        enum cite_form form;
    } v[] = {
        { "E123", NULL, CITE_EVENT },
        { "e7", "E7", CITE_EVENT },
        { "X1", NULL, CITE_EXHIBIT },
        { "x2", "X2", CITE_EXHIBIT },
        { "X1/a/b.json.gz!gz@4711+1312", NULL, CITE_PLACE },
        { "X1/a@0+1#3", NULL, CITE_PLACE },
        { "X1/a%20b", NULL, CITE_PLACE },
        { "X1/%61", "X1/a", CITE_PLACE },
        { "X1/d.E01!ewf!p1!fs/etc/passwd@0+10", NULL, CITE_PLACE },
        { "ip:198.51.100.66", NULL, CITE_ENTITY },
        { "IP:198.51.100.66", "ip:198.51.100.66", CITE_ENTITY },
        { "198.51.100.66", NULL, CITE_ENTITY },
        { "file:/etc/E1", NULL, CITE_ENTITY },
        { "E0", NULL, CITE_ENTITY },
        { "E99999999999999999999", NULL, CITE_ENTITY },
        { "Xylophone/a", NULL, CITE_ENTITY },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct cite c;
        struct buf b = { 0 };
        ck_assert_int_eq(cite_parse(str_from(v[i].text), &arena, &c, &err), 0);
        ck_assert_int_eq(c.form, v[i].form);
        cite_put(&b, &c);
        ck_assert_msg(str_eq(buf_str(&b),
                             str_from(v[i].written ? v[i].written : v[i].text)),
                      "%s: %.*s", v[i].text, (int)b.n, b.p);
        buf_free(&b);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(malformed_places_are_refused)
{
    static const char *const v[] = {
        "",
        "X1/a@1",
        "X1/a@1+",
        "X1/a@+2",
        "X1/a@x+2",
        "X1/%zz",
        "X1/a@1+2#x",
        "X1/a@1+2#",
        "X1/%",
        "X1/a@1+2#70000",
        "X1/a@9223372036854775808+1",
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct cite c;
        ck_assert_msg(cite_parse(str_from(v[i]), &arena, &c, &err) == ERR_USAGE,
                      "%s", v[i]);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(hostile_names_come_back)
{
    static const struct str v[] = {
        STR("a@1+2#3"),
        STR("../../etc/passwd"),
        STR("a!gz"),
        STR("100% \xff\n"),
        STR("\xe2\x80\xaegpj"),
        STR("x\0y"),
        STR("a b/c d"),
        STR("-rf"),
        STR("E1"),
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct member m = { .exhibit = 3,
                            .path = v[i],
                            .layers = STR("!ewf!p1") };
        struct buf b = { 0 };
        struct cite c;
        cite_put_place(&b, &m, INT64_MAX, 0, 65535);
        ck_assert_int_eq(cite_parse(buf_str(&b), &arena, &c, &err), 0);
        ck_assert(c.form == CITE_PLACE && c.exhibit == 3);
        ck_assert(str_eq(c.path, v[i]) && str_eq(c.layers, m.layers));
        ck_assert(c.off == INT64_MAX && c.len == 0 && c.sub == 65535);
        for (size_t k = 0; k < b.n; k++)
            ck_assert(b.p[k] > ' ' && b.p[k] < 0x7f);
        buf_free(&b);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(every_event_is_found_by_its_citation)
{
    struct casedb *c = little_case();
    for (int64_t id = 1; id <= LITTLE_EVENTS; id++) {
        struct event e;
        struct str cite;
        struct cite_found f;
        ck_assert_int_eq(case_event(c, id, &arena, &e, &err), 0);
        ck_assert_int_eq(cite_event(c, &e, &arena, &cite, &err), 0);
        ck_assert_int_eq(cite_find(c, cite, &arena, &f, &err), 0);
        ck_assert_int_eq(f.event, id);
        ck_assert(f.member.id == e.member && f.off == e.off && f.len == e.len);
    }
    arena_free(&arena);
    case_close(c);
}
END_TEST

START_TEST(references_are_found_or_explained)
{
    static const struct {
        const char *text;
        int64_t event; /* -1: an entity; 0: another thing */
        const char *says;
    } v[] = {
        { "E5", 5, NULL },
        { "X2", 0, NULL },
        { "X2/AWSLogs/a_20260311T0220Z.json.gz!gz@3000+900", 4, NULL },
        { "X2/AWSLogs/a_20260311T0220Z.json.gz!gz@3001+9", 0, NULL },
        { "X2/AWSLogs/a_20260311T0220Z.json.gz!gz", 0, NULL },
        { "X2/AWSLogs/b%20100%25_20260311T0310Z.json.gz!gz@6000+900", 7, NULL },
        { "X2/AWSLogs/a_20260311T0220Z.json.gz!gzx@0+9", 0, "no such file" },
        { "key:ASIAAPPSTOLENEXAMPLE", -1, NULL },
        { "ASIAAPPSTOLENEXAMPLE", -1, NULL },
        { "file:/tmp/.x/a*b.sh", -1, NULL },
        { "E99", 0, "no event E99" },
        { "X9", 0, "X9" },
        { "X2/none@0+1", 0, "no such file" },
        { "X2/AWSLogs/a_20260311T0220Z.json.gz@3000+900", 0, NULL },
        { "ip:192.0.2.1", 0, "no such entity" },
        { "ec2.amazonaws.com", -1, NULL },
    };
    struct casedb *c = little_case();
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        struct cite_found f;
        int rc = cite_find(c, str_from(v[i].text), &arena, &f, &err);
        if (v[i].says) {
            ck_assert_int_eq(rc, ERR_USAGE);
            ck_assert_msg(strstr(err.what, v[i].says), "%s", err.what);
            continue;
        }
        ck_assert_msg(rc == 0, "%s: %s", v[i].text, err.what);
        ck_assert_int_eq(f.event, v[i].event < 0 ? 0 : v[i].event);
        ck_assert_msg((f.entity != 0) == (v[i].event < 0), "%s", v[i].text);
    }
    struct event e;
    struct cite_found f;
    int64_t at;
    ck_assert_int_eq(cite_find(c, STR("X2/AWSLogs/a_20260311T0220Z.json.gz!gz"),
                               &arena, &f, &err),
                     0);
    ck_assert_int_eq(cite_event_at(c, &f.member, 3899, 0, false, &at, &err), 0);
    ck_assert_int_eq(at, 4);
    ck_assert_int_eq(cite_event_at(c, &f.member, 3900, 0, false, &at, &err), 0);
    ck_assert_int_eq(at, 0); /* between two records */
    ck_assert_int_eq(case_event(c, 3, &arena, &e, &err), 0);
    struct str s;
    ck_assert_int_eq(cite_entity(c, e.key, &arena, &s, &err), 0);
    ck_assert(str_eq(s, STR("key:ASIAAPPSTOLENEXAMPLE")));
    arena_free(&arena);
    case_close(c);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("cite");
    tap_case(s, "forms", forms_are_told_apart);
    tap_case(s, "malformed", malformed_places_are_refused);
    tap_case(s, "hostile", hostile_names_come_back);
    tap_case(s, "events", every_event_is_found_by_its_citation);
    tap_case(s, "found", references_are_found_or_explained);
    return s;
}
