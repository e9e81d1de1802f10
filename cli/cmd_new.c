#include "cli/command.h"
#include "cli/commands.h"

#include "base/text.h"
#include "config.h"

static const struct command_option options[] = {
    { "--title", "TEXT", "title of the case", 0 },
    { "--number", "NO", "number of the case", 0 },
    { "--examiner", "NAME", "who examines", 0 },
    { "--organization", "NAME", "for whom", 0 },
    { "--authority", "TEXT", "on what authority: warrant, contract, order", 0 },
    { "--scope", "TEXT", "what is to be examined, and what not", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "new incident.kan --title \"Sample incident\" --examiner \"A. Examiner\"",
      "Makes an empty case." },
    { 0 },
};

static int run(struct cli *cli, struct err *err)
{
    struct case_info info = {
        .title = arg_str(cli, "--title"),
        .number = arg_str(cli, "--number"),
        .organization = arg_str(cli, "--organization"),
        .examiner = arg_str(cli, "--examiner"),
        .authority = arg_str(cli, "--authority"),
        .scope = arg_str(cli, "--scope"),
        .version = STR(PACKAGE_VERSION),
    };
    int rc = case_create(cli->words[0], &info, err);
    if (rc)
        return rc;
    struct casedb *c;
    struct audit_head head;
    rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    rc = case_get_info(c, &cli->arena, &info, err);
    if (rc == 0)
        rc = case_audit_head(c, &head, err);
    case_close(c);
    if (rc)
        return rc;
    out_field(cli, "case", str_from(cli->words[0]));
    out_field(cli, "id", info.uuid);
    if (info.title.n)
        out_field(cli, "title", info.title);
    out_printf(cli, "audit head    %llu:%s\n", (unsigned long long)head.seq,
               head.hex);
    return 0;
}

const struct command cmd_new = {
    .name = "new",
    .group = GROUP_CASE,
    .flags = COMMAND_CASE,
    .words = "CASE",
    .summary = "Make an empty case file",
    .text =
        "The case is one file, readable by its owner alone. An existing file "
        "is never replaced.\n\n"
        "What is given here is printed on reports and cannot be changed "
        "later; the examiner becomes the name under which later commands "
        "act unless they say otherwise.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 1,
    .run = run,
};
