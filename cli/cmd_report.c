#include "cli/command.h"
#include "cli/commands.h"
#include "cli/deliver.h"
#include "cli/question.h"

#include "base/text.h"
#include "reports/report.h"

static const struct command_option options[] = {
    { "-o", "DIR", "folder of the report, made when missing", OPTION_OUTPUT },
    { "--template", "NAME", "which chapters; --template list prints all", 0 },
    { "--lang", "LANG", "en (default) or ja", 0 },
    { "--time", "TIME",
      "time of the report; default: that of the last entry "
      "in the audit log",
      0 },
    { "--force", NULL, "replace an existing report", 0 },
    { "--progress", "FORM", "auto (default), jsonl or none", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "report incident.kan -o report", "Writes report/report.html." },
    { "report incident.kan -o report --lang ja 'tag:attacker'",
      "In Japanese; lists the tagged events besides the bookmarked ones." },
    { 0 },
};

static const struct table_column template_columns[] = {
    { "name", "TEMPLATE", false, 0 },
    { "title", "TITLE", false, 0 },
};

static int list_templates(struct cli *cli, struct err *err)
{
    struct table *t = out_table(cli, template_columns, 2, err);
    if (!t)
        return err->code;
    for (const struct report_template *r = report_templates; r->name; r++) {
        table_str(t, str_from(r->name));
        table_str(t, str_from(r->title));
    }
    return table_close(t, err);
}

static int take_options(const struct cli *cli, struct report_options *o,
                        struct err *err)
{
    struct str name = arg_str(cli, "--template");
    o->dir = arg_value(cli, "-o");
    o->force = arg_has(cli, "--force");
    o->audit = true;
    if (!o->dir)
        return err_set(err, ERR_USAGE, "report: -o DIR is missing");
    if (name.p && !(o->template = report_template_find(name)))
        return err_set(err, ERR_USAGE, "--template: %s: no such template",
                       text_line(name));
    int rc = deliver_lang(cli, &o->lang, err);
    return rc ? rc : deliver_time(cli, &o->timed, &o->time, err);
}

static int report(struct cli *cli, struct casedb *c, struct report_options *o,
                  struct report_result *r, struct err *err)
{
    struct question q;
    struct deliver d;
    int rc = question_open(&q, cli, c, 1, err);
    if (rc == 0)
        rc = deliver_open(&d, cli, "writing the report", "events", &o->ticker,
                          err);
    if (rc == 0) {
        /* without a filter: the bookmarked events alone */
        o->plan = q.all ? NULL : q.plan;
        o->filter = q.text;
        o->raw = &q.reader;
        rc = report_write(c, o, r, err);
        progress_end(&d.progress);
    }
    question_close(&q, rc == 0);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct report_options o = { .lang = REPORT_EN };
    struct report_result *r = arena_alloc(&cli->arena, sizeof(*r));
    struct casedb *c;
    if (!r)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (str_eq(arg_str(cli, "--template"), STR("list")))
        return list_templates(cli, err);
    int rc = take_options(cli, &o, err);
    if (rc == 0)
        rc = cli_open(cli, CASE_WRITE, &c, err);
    if (rc)
        return rc;
    rc = report(cli, c, &o, r, err);
    case_close(c);
    if (rc)
        return rc;
    out_field(cli, "report", str_from(r->path));
    out_printf(cli, "events        %llu\nsha256        %s\n",
               (unsigned long long)r->events, r->sha256);
    out_printf(cli, "audit head    %llu:%s\n", (unsigned long long)r->head.seq,
               r->head.hex);
    return 0;
}

const struct command cmd_report = {
    .name = "report",
    .group = GROUP_EXAMINER,
    .flags = COMMAND_CASE | COMMAND_ACTS,
    .words = "CASE -o DIR [FILTER...]",
    .summary = "Write the report",
    .text = "One HTML file that needs nothing else: what was examined, with "
            "which digests, what was found and what is not known, every "
            "statement with its citation. It lists the bookmarked events, and "
            "those of FILTER. The same case gives the same bytes.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = WORDS_ANY,
    .run = run,
};
