#include "cli/command.h"
#include "cli/commands.h"
#include "cli/deliver.h"
#include "cli/question.h"

#include "base/text.h"
#include "reports/export.h"

static const struct command_option options[] = {
    { "--to", "FORM", "the form; --to list prints all", 0 },
    { "-o", "FILE", "where to; - is standard output", OPTION_OUTPUT },

    { "--with-raw", NULL, "jsonl: the records themselves too", 0 },
    { "--show-secrets", NULL,
      "with --with-raw: secrets unmasked; noted in "
      "the audit log",
      0 },
    { "--force", NULL, "replace an existing file", 0 },
    { "--progress", "FORM", "auto (default), jsonl or none", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "export incident.kan --to jsonl -o events.jsonl 'ip:198.51.100.66'",
      "The events of an address for another program." },
    { "export incident.kan --to list", "The forms there are." },
    { 0 },
};

static const struct table_column form_columns[] = {
    { "name", "FORM", false, 0 },
    { "suffix", "SUFFIX", false, 0 },
    { "title", "TITLE", false, 0 },
};

static int list_forms(struct cli *cli, struct err *err)
{
    struct table *t = out_table(cli, form_columns, 3, err);
    if (!t)
        return err->code;
    for (size_t i = 0; export_forms[i]; i++) {
        table_str(t, str_from(export_forms[i]->name));
        table_str(t, str_from(export_forms[i]->suffix));
        table_str(t, str_from(export_forms[i]->title));
    }
    return table_close(t, err);
}

static int find_form(const struct cli *cli, const struct export_form **out,
                     struct err *err)
{
    struct str name = arg_str(cli, "--to");
    const char *names[64];
    size_t n = 0, which;
    for (; export_forms[n] && n < 63; n++)
        names[n] = export_forms[n]->name;
    names[n] = NULL;
    if (!name.p)
        return err_set(err, ERR_USAGE, "export: --to FORM is missing");
    int rc = arg_choice(name, names, &which, err);
    if (rc == 0)
        *out = export_forms[which];
    return rc;
}

static void tell(struct cli *cli, const char *path,
                 const struct export_result *r)
{
    if (r->left_out)
        message("%llu events are left out: the form cannot hold them",
                (unsigned long long)r->left_out);
    if (r->unread) {
        message("%llu records were not at hand", (unsigned long long)r->unread);
        cli->issues = true;
    }
    if (strcmp(path, "-") == 0) {
        message("%llu events", (unsigned long long)r->rows);
        return;
    }
    out_field(cli, "file", str_from(path));
    out_printf(cli, "events        %llu, of which %llu have no time\n",
               (unsigned long long)r->rows, (unsigned long long)r->undated);
    out_printf(cli, "sha256        %s\n", r->sha256);
}

static int export(struct cli *cli, struct casedb *c, struct export_options *o,
                  struct question *q, struct err *err)
{
    struct deliver d;
    struct export_result r = { 0 };
    const char *path = arg_value(cli, "-o");
    int rc = question_open(q, cli, c, 1, err);
    if (rc == 0)
        rc = deliver_open(&d, cli, "exporting", "events", &o->ticker, err);
    if (rc == 0) {
        o->plan = q->plan;
        o->filter = q->text;
        o->raw = &q->reader;
        rc = export_write(c, path, o, &r, err);
        progress_end(&d.progress);
    }
    question_close(q, rc == 0);
    if (rc == 0)
        tell(cli, path, &r);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct export_options o = { .with_raw = arg_has(cli, "--with-raw"),
                                .show_secrets = arg_has(cli, "--show-secrets"),
                                .force = arg_has(cli, "--force"),
                                .audit = true };
    struct question q;
    struct casedb *c;
    if (str_eq(arg_str(cli, "--to"), STR("list")))
        return list_forms(cli, err);
    int rc = find_form(cli, &o.form, err);
    if (rc == 0 && !arg_has(cli, "-o"))
        rc = err_set(err, ERR_USAGE, "export: -o FILE is missing");
    if (rc == 0)
        rc = cli_open(cli, CASE_WRITE, &c, err);
    if (rc)
        return rc;
    rc = export(cli, c, &o, &q, err);
    case_close(c);
    return rc;
}

const struct command cmd_export = {
    .name = "export",
    .group = GROUP_EXAMINER,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE --to FORM -o FILE [FILTER...]",
    .summary = "Write events in a form that other programs read",
    .text = "Events come in the order of time, times in UTC. The file has its "
            "name only when it is whole; FILE.manifest.json beside it says "
            "what was asked, what is in it and what is not. Each export is in "
            "the audit log.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = WORDS_ANY,
    .run = run,
};
