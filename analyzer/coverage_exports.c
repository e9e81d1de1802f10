/* What export tasks say of log groups: the fact "export task" that
 * importers/cloudwatch_exports.c keeps. */
#include "analyzer/coverage_rows.h"

#include "base/json.h"
#include "base/text.h"

struct exports {
    struct coverage_run *r;
    struct err *err;
};

static bool ms(struct str task, const char *key, int64_t *s)
{
    struct str v;
    unsigned flags;
    if (json_get(task, str_from(key), &v, &flags) != JSON_NUMBER ||
        !json_i64(v, s))
        return false;
    *s = *s / 1000 - (*s % 1000 < 0);
    return true;
}

static struct str text_of(struct arena *a, struct str task, const char *path)
{
    struct str v;
    unsigned flags;
    return json_path(task, str_from(path), &v, &flags) == JSON_STRING &&
                   json_decode(v, a, &v)
               ? v
               : STR("");
}

static int take_task(void *ctx, int64_t member, struct str name,
                     struct str task)
{
    struct exports *x = ctx;
    struct arena *a = &x->r->arena;
    struct coverage v = { .source = STR("cloudwatch") };
    struct buf b = { 0 };
    (void)member;
    if (!str_eq(name, STR("export task")) || !ms(task, "from", &v.from_s) ||
        !ms(task, "to", &v.to_s) || v.to_s < v.from_s)
        return 0;
    struct str code = text_of(a, task, "status.code");
    bool whole = str_eq(code, STR("COMPLETED"));
    v.state = whole ? COVER_PRESENT : COVER_UNKNOWN;
    buf_printf(&b, "log group %s: export task ",
               text_line(text_of(a, task, "logGroupName")));
    buf_printf(&b, "%s ", text_line(text_of(a, task, "taskId")));
    buf_putz(&b, whole ? "wrote this time in full; whether all its files were "
                         "collected is not known from it"
                       : "did not end well: parts of this time may be "
                         "missing; its status is ");
    if (!whole)
        buf_putz(&b, text_line(code));
    return coverage_put_buf(x->r, &v, &b, x->err);
}

int coverage_exports(struct coverage_run *r, struct err *err)
{
    struct exports x = { r, err };
    return case_facts(r->c, 0, take_task, &x, err);
}
