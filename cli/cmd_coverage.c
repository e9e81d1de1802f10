/* For which time each source recorded, and for which it did not. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"

#include "analyzer/analyze.h"

static const struct command_option options[] = {
    { "--gaps", NULL, "only what is missing, damaged or not known", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "coverage incident.kan --gaps", "Where no events says nothing." },
    { 0 },
};

static const struct table_column columns[] = {
    { "source", "SOURCE", false, 0 }, { "account", "ACCOUNT", false, 0 },
    { "region", "REGION", false, 0 }, { "from", "FROM", false, 0 },
    { "to", "TO", false, 0 },         { "state", "STATE", false, 0 },
    { "event", "EVENT", false, 0 },   { "basis", "BASIS", false, 0 },
};

struct listing {
    struct cli *cli;
    struct table *t;
    bool gaps;
};

static int put_row(void *ctx, const struct coverage *v)
{
    struct listing *l = ctx;
    if (l->gaps && v->state == COVER_PRESENT)
        return 0;
    table_str(l->t, v->source);
    table_str(l->t, v->account);
    table_str(l->t, v->region);
    table_time(l->t, l->cli, true, (struct instant){ v->from_s, 0 }, 0);
    table_time(l->t, l->cli, true, (struct instant){ v->to_s, 0 }, 0);
    table_str(l->t, str_from(coverage_state_name(v->state)));
    if (v->event)
        table_str(l->t, name_event(v->event));
    else
        table_null(l->t);
    table_str(l->t, v->basis);
    return 0;
}

static int list(struct cli *cli, struct casedb *c, struct err *err)
{
    struct listing l = { .cli = cli, .gaps = arg_has(cli, "--gaps") };
    int rc = cli_tell_analyzed(c, err);
    if (rc)
        return rc;
    l.t = out_table(cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    if (!l.t)
        return err->code;
    rc = case_coverage(c, put_row, &l, err);
    struct err close_err = { 0 };
    int closed = table_close(l.t, rc ? &close_err : err);
    return rc ? rc : closed;
}

static int run(struct cli *cli, struct err *err)
{
    struct casedb *c;
    int rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    rc = list(cli, c, err);
    case_close(c);
    return rc;
}

const struct command cmd_coverage = {
    .name = "coverage",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST,
    .words = "CASE",
    .summary = "List the times that the sources cover, and the gaps",
    .text =
        "Each line is a period of one source with its state and why we say "
        "so: present, absent (nothing was recorded, or it is not in the "
        "evidence), damaged, unknown. A time without events is not taken for "
        "a gap by that alone. Made by analyze.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 1,
    .run = run,
};
