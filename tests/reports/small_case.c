#include "tests/reports/small_case.h"

#include "tests/tap.h"

#include "base/text.h"
#include "casedb/examiner.h"
#include "casedb/intake.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static struct err err;
static char folder[4200];

void small_case_fresh(void)
{
    snprintf(folder, sizeof(folder), "%s/XXXXXX", tap_dir());
    ck_assert(mkdtemp(folder) != NULL);
}

const char *small_case_path(const char *name)
{
    static char ring[64][4400];
    static unsigned turn;
    char *p = ring[turn++ % 64];
    snprintf(p, sizeof(ring[0]), "%s/%s", folder, name);
    return p;
}

static void good(int rc)
{
    ck_assert_msg(rc == 0, "%s", err.what);
}

/* The text with a number behind it, so that each is a value of its own. */
static struct str numbered(struct arena *a, struct str text, size_t i)
{
    struct buf b = { 0 };
    buf_put(&b, text);
    buf_printf(&b, " %zu", i);
    return buf_to_arena(&b, a);
}

static void put_event(struct intake *in, struct arena *a, struct str text,
                      size_t i)
{
    static const struct {
        int column;
        unsigned kind;
    } columns[] = {
        { COL_ACTION, KIND_ACTION },   { COL_ACTOR, KIND_PRINCIPAL },
        { COL_TARGET, KIND_RESOURCE }, { COL_OUTCOME, KIND_OUTCOME },
        { COL_IP, KIND_IP },           { COL_KEY, KIND_KEY },
        { COL_AGENT, KIND_AGENT },     { COL_REGION, KIND_REGION },
        { COL_ACCOUNT, KIND_ACCOUNT }, { COL_SERVICE, KIND_SERVICE },
    };
    struct str value = numbered(a, text, i);
    /* the first is undated, the second before 1700 */
    static const int64_t odd[] = { 0, -9000000000 };
    struct intake_event e = { .timed = i > 0,
                              .t = { i < 2 ? odd[i] : 1773194400 + (int64_t)i,
                                     i < 2 ? 0 : 123456789 },
                              .t_res = 9,
                              .off = i * 100,
                              .len = 90,
                              .uid = numbered(a, STR("id"), i),
                              .text = value };
    e.col[COL_SOURCE] = intake_entity(in, KIND_SOURCE, STR("test"));
    for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++)
        e.col[columns[k].column] = intake_entity(in, columns[k].kind, value);
    good(intake_event(in, &e, &err));
}

static void put_marks(struct casedb *c, struct arena *a,
                      const struct str *texts, size_t n)
{
    for (size_t i = 0; i < n; i += 5) {
        struct buf shown = { 0 };
        text_show(&shown, texts[i], 0);
        struct str body = buf_to_arena(&shown, a);
        char cite[64];
        int len = snprintf(cite, sizeof(cite), "X1/m@%zu+90", i * 100);
        struct mark m = { .kind = MARK_BOOKMARK,
                          .event = (int64_t)i + 1,
                          .cite = { cite, (size_t)len },
                          .body = body };
        good(case_mark_add(c, &m, NULL, &err));
        m.kind = MARK_NOTE;
        good(case_mark_add(c, &m, NULL, &err));
    }
}

static void import(struct casedb *c, struct arena *a, const struct str *texts,
                   size_t n)
{
    struct intake *in;
    uint64_t done;
    static const char sha[33] = "0123456789abcdef0123456789abcdef";
    const struct intake_options o = { .path = STR("/evidence"),
                                      .note = texts[0],
                                      .version = STR("1"),
                                      .libraries = STR("none") };
    good(intake_open(c, &o, &in, &done, &err));
    good(intake_member(in, texts[0], STR("!gz"), STR("test"), n * 100, &err));
    for (size_t i = 0; i < n; i++)
        put_event(in, a, texts[i], i);
    good(intake_fact(in, STR("account"), texts[0], &err));
    good(intake_issue(in, 1, 0, 0, STR("test-issue"), STR("detail"), &err));
    good(intake_member_end(in, (struct str){ sha, 32 }, &err));
    good(intake_file_done(in, &err));
    good(intake_finish(in, STR("log"), 1, n * 100, (struct str){ sha, 32 },
                       &err));
    intake_close(in);
}

static void put_derived(struct casedb *c, struct str text)
{
    static const enum coverage_state states[] = { COVER_PRESENT, COVER_ABSENT,
                                                  COVER_UNKNOWN,
                                                  COVER_DAMAGED };
    good(case_coverage_replace_begin(c, &err));
    for (size_t i = 0; i < 8; i++) {
        const struct coverage v = {
            .source = i < 4 ? STR("cloudtrail") : text,
            .account = text,
            .region = text,
            .from_s = 1773194400 + (int64_t)i * 3600,
            .to_s = 1773194400 + (int64_t)i * 3600 + 3000,
            .state = states[i % 4],
            .basis = text,
            .event = 1,
        };
        good(case_coverage_add(c, &v, &err));
    }
    good(case_coverage_replace_end(c, &err));
    good(case_links_begin(c, STR("C1"), &err));
    const struct link l = { .rule = STR("C1"),
                            .rule_version = 1,
                            .a = 1,
                            .b = 1,
                            .n = 1,
                            .reason = text };
    good(case_link_add(c, &l, &err));
    good(case_links_end(c, &err));
}

void small_case_make(const char *path, const struct str *texts, size_t n)
{
    struct arena a = { 0 };
    struct casedb *c;
    struct buf shown = { 0 };
    text_show(&shown, texts[0], 0);
    const struct case_info info = { .title = buf_str(&shown),
                                    .examiner = STR("tester"),
                                    .number = STR("T-1") };
    good(case_create(path, &info, &err));
    good(case_open(path, CASE_WRITE, &c, &err));
    import(c, &a, texts, n);
    put_marks(c, &a, texts, n);
    good(case_query_add(c, STR("search"), buf_str(&shown), 0, &err));
    put_derived(c, buf_str(&shown));
    const struct custody custody[] = {
        { .exhibit = 1, .action = STR("seize"), .to = STR("A") },
        { .exhibit = 1,
          .action = STR("transfer"),
          .from = STR("B"),
          .to = STR("C"),
          .at = { 1, 0 } },
    };
    for (size_t i = 0; i < 2; i++)
        good(case_custody_add(c, &custody[i], &err));
    case_close(c);
    buf_free(&shown);
    arena_free(&a);
}

struct buf small_case_read(const char *path)
{
    struct buf b = { 0 };
    FILE *f = fopen(path, "rb");
    size_t n;
    ck_assert_msg(f != NULL, "%s", path);
    do {
        ck_assert(buf_reserve(&b, 65536));
        n = fread(b.p + b.n, 1, 65536, f);
        b.n += n;
    } while (n);
    fclose(f);
    return b;
}

size_t small_case_naughty(struct arena *a, struct str *out, size_t n_max)
{
    struct buf file = small_case_read(tap_path("tests/data/naughty.txt"));
    struct str rest = buf_str(&file);
    size_t n = 0;
    while (rest.n && n < n_max) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        size_t len = lf ? (size_t)(lf - rest.p) : rest.n;
        struct str line = str_sub(rest, 0, len);
        rest = str_sub(rest, len + 1, rest.n);
        if (line.n < 4 || line.p[0] == '#' || line.n % 4)
            continue;
        char *bytes = arena_alloc(a, line.n + 4);
        int got = EVP_DecodeBlock((unsigned char *)bytes,
                                  (const unsigned char *)line.p, (int)line.n);
        got -= (line.p[line.n - 1] == '=') + (line.p[line.n - 2] == '=');
        if (got > 0 && !memchr(bytes, '\n', (size_t)got))
            out[n++] = (struct str){ bytes, (size_t)got };
    }
    buf_free(&file);
    return n;
}
