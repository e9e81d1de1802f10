/*
 * The answer of describe-export-tasks (CloudWatch Logs API): which log group
 * was exported, of which time, and how that ended. The files of an export do
 * not say from which group they are, nor which times were asked for.
 *
 *   {"exportTasks":[{"taskId","taskName","logGroupName","from":ms,"to":ms,
 *     "destination":bucket,"destinationPrefix",
 *     "status":{"code","message"},
 *     "executionInfo":{"creationTime":ms,"completionTime":ms}}]}
 *
 * Each task is an event at its creation and a fact "export task", the object
 * as it stands: analyzer/coverage_exports.c reads it.
 */
#include "base/json.h"
#include "importers/identify.h"
#include "importers/window.h"

enum { ANSWER_MAX = 16 << 20, TASK_MAX = 16 << 10 };

static struct str text_of(struct import_job *job, struct str o,
                          const char *path)
{
    struct str v;
    unsigned flags;
    enum json_type t = json_path(o, str_from(path), &v, &flags);
    if (t == JSON_STRING && json_decode(v, job->arena, &v))
        return v;
    return t == JSON_NUMBER ? v : STR("");
}

static bool from_ms(struct str number, struct instant *t)
{
    int64_t ms;
    if (!json_i64(number, &ms))
        return false;
    t->s = ms / 1000 - (ms % 1000 < 0);
    t->ns = (uint32_t)(ms - t->s * 1000) * 1000000u;
    return true;
}

static void put_time(struct buf *b, struct str number)
{
    char text[TIME_TEXT_MAX];
    struct instant t;
    if (from_ms(number, &t))
        buf_put(b, (struct str){ text, time_format(text, t, 3, 0) });
    else
        buf_putz(b, "an unknown time");
}

static int task(struct import_job *job, struct str o, uint64_t off)
{
    struct refs refs = { 0 };
    struct buf b = { 0 };
    struct str group = text_of(job, o, "logGroupName");
    struct str code = text_of(job, o, "status.code");
    if (group.n == 0 || code.n == 0)
        return sink_reject(job->sink, off, o.n, "not-an-export-task",
                           "an entry without log group or status");
    buf_put(&b, group);
    buf_putz(&b, " from ");
    put_time(&b, text_of(job, o, "from"));
    buf_putz(&b, " to ");
    put_time(&b, text_of(job, o, "to"));
    buf_putz(&b, ": ");
    buf_put(&b, code);
    struct str why = text_of(job, o, "status.message");
    if (why.n) {
        buf_putz(&b, " (");
        buf_put(&b, why);
        buf_putz(&b, ")");
    }
    struct record r = {
        .off = off,
        .len = (uint32_t)o.n,
        .t_zone = ZONE_EXPLICIT,
        .t_res = 3,
        .action = STR("export task"),
        .target = group,
        .target_kind = KIND_LOG_GROUP,
        .outcome = str_eq(code, STR("COMPLETED")) ? STR("") : code,
        .text = buf_to_arena(&b, job->arena),
    };
    r.timed = from_ms(text_of(job, o, "executionInfo.creationTime"), &r.t);
    refs_add(&refs, KIND_BUCKET, ROLE_TARGET, text_of(job, o, "destination"));
    r.refs = refs.v;
    r.n_refs = refs.n;
    if (!r.text.p)
        return ERR_INTERNAL;
    int rc = sink_record(job->sink, &r);
    return rc || o.n > TASK_MAX ? rc : sink_fact(job->sink, "export task", o);
}

static int tasks(struct import_job *job, struct str list, uint64_t base)
{
    struct json j;
    int rc = 0;
    json_open(&j, list);
    json_next(&j);
    while (rc == 0) {
        enum json_type t = json_next(&j);
        if (t == JSON_ARRAY_END || t == JSON_END || t == JSON_ERROR)
            break;
        size_t start = j.start;
        if ((t == JSON_OBJECT || t == JSON_ARRAY) && !json_skip(&j))
            break;
        struct str o = str_sub(list, start, (size_t)(j.p - j.base) - start);
        arena_reset(job->arena);
        rc = t == JSON_OBJECT ? task(job, o, base + start)
                              : sink_reject(job->sink, base + start, o.n,
                                            "not-an-export-task",
                                            "an entry of another "
                                            "type");
    }
    return rc;
}

static int answer(struct import_job *job, struct str s, uint64_t base)
{
    struct str v;
    unsigned flags;
    const char *why;
    size_t at;
    if (!json_valid(s, &at, &why))
        return sink_reject(job->sink, base, s.n, "json-syntax",
                           "%s at byte %llu", why,
                           (unsigned long long)(base + at));
    if (json_get(s, STR("exportTasks"), &v, &flags) != JSON_ARRAY)
        return sink_reject(job->sink, base, s.n, "not-an-export-task",
                           "no list of tasks");
    int rc = tasks(job, v, base + (uint64_t)(v.p - s.p));
    if (rc == 0 && json_get(s, STR("nextToken"), &v, &flags) == JSON_STRING &&
        v.n)
        rc = sink_issue(job->sink, ISSUE_WARNING, base, s.n, "next-token",
                        "the answer has a nextToken: the collection stopped "
                        "before the last page");
    return rc;
}

static int import(struct import_job *job, struct err *err)
{
    struct window w = { job->in, job->sink, 0 };
    int rc = 0;
    while (rc == 0 && !w.in->eof && w.in->n < ANSWER_MAX)
        rc = window_more(&w);
    w.at = window_rest(&w).n - window_text(window_rest(&w)).n;
    (void)window_peek(&w);
    if (rc == 0)
        rc = answer(job, str_trim(window_rest(&w)), window_offset(&w));
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static int probe(struct probe *p)
{
    struct str head = str_trim(p->head);
    p->reason = "an answer with exportTasks and log groups";
    return head.n && head.p[0] == '{' && window_has(head, "\"exportTasks\"") &&
                   (window_has(head, "\"logGroupName\"") || p->size < 256)
               ? 95
               : 0;
}

const struct importer importers_cloudwatch_exports = {
    .name = "cloudwatch-exports",
    .title = "CloudWatch export tasks",
    .reads = "describe-export-tasks: log groups, times and status",
    .probe = probe,
    .import = import,
};
