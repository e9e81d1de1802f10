#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"
#include "cli/question.h"
#include "cli/stop.h"

#include "analyzer/describe.h"
#include "analyzer/timeline.h"
#include "base/text.h"

static const struct command_option options[] = {
    { "--from", "TIME", "events from this time on; 2026-03-11T02 is enough",
      0 },
    { "--to", "TIME", "events up to the end of this time", 0 },
    { "--limit", "N", "at most N events", 0 },
    { "--reverse", NULL, "latest first", 0 },
    { "--count", NULL, "only count", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "timeline incident.kan --from 2026-03-11T02:13 --to 2026-03-11T03",
      "The events of that time." },
    { "timeline incident.kan 'ip:198.51.100.66 not action:GetObject'",
      "What else was done from an address." },
    { "timeline incident.kan --reverse --limit 20", "The last twenty." },
    { 0 },
};

static const struct table_column columns[] = {
    { "event", "EVENT", false, 0 },      { "time", "TIME", false, 0 },
    { "source", "SOURCE", false, 12 },   { "action", "ACTION", false, 28 },
    { "actor", "ACTOR", false, 44 },     { "target", "TARGET", false, 44 },
    { "outcome", "OUTCOME", false, 20 }, { "ip", "IP", false, 39 },
    { "text", "TEXT", false, 0 },
};

struct timeline {
    struct cli *cli;
    struct casedb *c;
    struct table *t;
    struct question q;
    uint64_t limit, n;
};

/* ---- rows ---------------------------------------------------------------- */

static void put_row(struct timeline *l, const struct event *e)
{
    const uint32_t ids[] = { e->source, e->action,  e->actor,
                             e->target, e->outcome, e->ip };
    table_str(l->t, name_event(e->id));
    table_time(l->t, l->cli, e->timed, e->t, e->t_res ? -1 : 0);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (ids[i])
            table_str(l->t, case_text(l->c, ids[i]));
        else
            table_null(l->t);
    table_str(l->t, e->text);
}

static int put_rows(struct timeline *l, struct err *err)
{
    struct arena a = { 0 };
    struct scan *scan;
    struct hit hit;
    struct event e;
    int rc = scan_open(l->c, l->q.plan, NULL, arg_has(l->cli, "--reverse"),
                       &scan, err);
    if (rc)
        return rc;
    while (l->limit == 0 || l->n < l->limit) {
        rc = scan_next(scan, &hit, err);
        if (rc <= 0)
            break;
        arena_reset(&a);
        rc = case_event(l->c, hit.id, &a, &e, err);
        if (rc == 0 && question_tell(&l->q, scan, l->n))
            rc = err_set(err, ERR_STOPPED, "timeline: interrupted");
        if (rc || (l->n % 256 == 0 && out_closed()))
            break;
        put_row(l, &e);
        l->n++;
    }
    scan_close(scan);
    arena_free(&a);
    return rc < 0 ? rc : 0;
}

static int count(struct timeline *l, struct err *err)
{
    static const struct table_column count_columns[] = {
        { "events", "EVENTS", true, 0 },
        { "undated", "UNDATED", true, 0 },
        { "first", "FIRST", false, 0 },
        { "last", "LAST", false, 0 },
    };
    struct scan_total total;
    int rc = scan_count(l->c, l->q.plan, (struct instant){ 0, 0 },
                        (struct instant){ 0, 0 }, NULL, 0, &total, err);
    if (rc)
        return rc;
    l->t = out_table(l->cli, count_columns, 4, err);
    if (!l->t)
        return err->code;
    bool dated = total.n > total.undated;
    l->n = total.n;
    table_u64(l->t, total.n);
    table_u64(l->t, total.undated);
    table_time(l->t, l->cli, dated, total.first, -1);
    table_time(l->t, l->cli, dated, total.last, -1);
    return 0;
}

static int list(struct timeline *l, struct err *err)
{
    l->t =
        out_table(l->cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    return l->t ? put_rows(l, err) : err->code;
}

/* An empty view says what it can be trusted with. */
static int tell_empty(struct timeline *l, struct err *err)
{
    struct buf b = { 0 };
    struct timeline_window w = l->q.window;
    timeline_narrow(l->q.plan, &w);
    int rc = timeline_coverage(l->c, &w, STR(""), &b, err);
    message("no event matches; what is recorded of that time:");
    if (rc == 0)
        message_lines("  ", buf_str(&b));
    buf_free(&b);
    return rc;
}

static int ask(struct timeline *l, struct err *err)
{
    int rc = question_open(&l->q, l->cli, l->c, 1, err);
    if (rc == 0)
        rc = arg_has(l->cli, "--count") ? count(l, err) : list(l, err);
    question_close(&l->q, rc == 0);
    struct err close_err = { 0 };
    int closed = l->t ? table_close(l->t, rc ? &close_err : err) : 0;
    rc = rc ? rc : closed;
    return rc == 0 && l->n == 0 ? tell_empty(l, err) : rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct timeline l = { .cli = cli };
    int rc = arg_u64(cli, "--limit", &l.limit, err);
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &l.c, err);
    if (rc)
        return rc;
    rc = ask(&l, err);
    case_close(l.c);
    bool cut = l.limit && l.n >= l.limit && !arg_has(cli, "--count");
    return rc ? rc
              : question_log(&l.q, cut || out_closed() ? -1 : (int64_t)l.n,
                             err);
}

const struct command cmd_timeline = {
    .name = "timeline",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ASKS,
    .words = "CASE [FILTER...]",
    .summary = "List events in the order of time",
    .text = "Events of equal time come in the order of their numbers; those "
            "without a time come first, and only when no range is given. "
            "Times are UTC unless --tz says otherwise, which only changes how "
            "they are shown.\n\n"
            "A view without events says which sources cover that time: that "
            "nothing is recorded is not that nothing happened. FILTER is "
            "explained in kanshiki help filter.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = WORDS_ANY,
    .run = run,
};
