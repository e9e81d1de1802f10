#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"

#include "base/text.h"
#include "casedb/examiner.h"

static const struct command_option options[] = {
    { "--action", "TEXT", "what happened: collected, received, returned, ..",
      0 },
    { "--from", "NAME", "who gave it", 0 },
    { "--to", "NAME", "who took it", 0 },
    { "--place", "TEXT", "where", 0 },
    { "--purpose", "TEXT", "what for", 0 },
    { "--at", "TIME", "when; default: now", 0 },
    { "--corrects", "N", "the entry that this one corrects", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "custody incident.kan X1 --action received --from ir-lead --to "
      "\"A. Examiner\" --place \"Lab 2\" --purpose analysis --at "
      "2026-03-16T09:00+09:00",
      "Enters a hand-over." },
    { "custody incident.kan", "Lists all entries." },
    { 0 },
};

static const struct table_column columns[] = {
    { "id", "NO", true, 0 },
    { "exhibit", "EXHIBIT", false, 0 },
    { "at", "AT", false, 0 },
    { "action", "ACTION", false, 0 },
    { "from", "FROM", false, 0 },
    { "to", "TO", false, 0 },
    { "place", "PLACE", false, 0 },
    { "purpose", "PURPOSE", false, 0 },
    { "corrects", "CORRECTS", true, 0 },
    { "entered", "ENTERED", false, 0 },
    { "entered_by", "BY", false, 0 },
};

struct listing {
    struct cli *cli;
    struct table *t;
};

static int put_entry(void *ctx, const struct custody *e)
{
    struct listing *l = ctx;
    table_i64(l->t, e->id);
    table_str(l->t, name_exhibit(e->exhibit));
    table_time(l->t, l->cli, true, e->at, 0);
    table_str(l->t, e->action);
    table_str(l->t, e->from);
    table_str(l->t, e->to);
    table_str(l->t, e->place);
    table_str(l->t, e->purpose);
    if (e->corrects)
        table_i64(l->t, e->corrects);
    else
        table_null(l->t);
    table_time(l->t, l->cli, true, e->entered, 0);
    table_str(l->t, e->entered_by);
    return 0;
}

static int list(struct cli *cli, int64_t exhibit, struct err *err)
{
    struct listing l = { cli, NULL };
    struct casedb *c;
    int rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    l.t = out_table(cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    rc = l.t ? case_custody(c, exhibit, put_entry, &l, err) : err->code;
    case_close(c);
    struct err close_err = { 0 };
    int closed = l.t ? table_close(l.t, rc ? &close_err : err) : 0;
    return rc ? rc : closed;
}

static int add(struct cli *cli, int64_t exhibit, struct err *err)
{
    struct custody e = {
        .exhibit = exhibit,
        .action = arg_str(cli, "--action"),
        .from = arg_str(cli, "--from"),
        .to = arg_str(cli, "--to"),
        .place = arg_str(cli, "--place"),
        .purpose = arg_str(cli, "--purpose"),
        .at_text = arg_str(cli, "--at"),
        .at = time_now(),
    };
    struct casedb *c;
    uint64_t corrects = 0;
    int rc = arg_u64(cli, "--corrects", &corrects, err);
    if (rc)
        return rc;
    e.corrects = (int64_t)corrects;
    if (exhibit == 0)
        return err_set(err, ERR_USAGE, "custody: of which exhibit? (X1, ..)");
    if (e.at_text.p && !time_parse_user(e.at_text, false, &e.at))
        return err_set(err, ERR_USAGE, "--at: %s: not a time",
                       text_line(e.at_text));
    rc = cli_open(cli, CASE_WRITE, &c, err);
    if (rc)
        return rc;
    rc = case_custody_add(c, &e, err);
    case_close(c);
    return rc ? rc : list(cli, exhibit, err);
}

static int run(struct cli *cli, struct err *err)
{
    int64_t exhibit = 0;
    int rc =
        cli->n_words > 1 ? arg_exhibit(arg_word(cli, 1), &exhibit, err) : 0;
    if (rc)
        return rc;
    if (arg_has(cli, "--action"))
        return add(cli, exhibit, err);
    for (const struct command_option *o = options; o->name; o++)
        if (arg_has(cli, o->name))
            return err_set(err, ERR_USAGE, "%s: only with --action", o->name);
    return list(cli, exhibit, err);
}

const struct command cmd_custody = {
    .name = "custody",
    .group = GROUP_CASE,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE [X1]",
    .summary = "Keep and list the chain of custody",
    .text =
        "With --action a new entry is made; nothing is ever changed or "
        "removed, a mistake is corrected by an entry that names the wrong one.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 2,
    .run = run,
};
