#include "cli/command.h"
#include "cli/commands.h"

#include "base/text.h"

static int run(struct cli *cli, struct err *err)
{
    struct audit_head head;
    struct casedb *c;
    int rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    rc = case_verify(c, err);
    if (rc == 0)
        rc = case_audit_head(c, &head, err);
    case_close(c);
    if (rc)
        return rc;
    out_printf(cli,
               "case file     whole: pages, tables, counts, index, audit log\n"
               "audit head    %llu:%s\n",
               (unsigned long long)head.seq, head.hex);
    return 0;
}

const struct command cmd_verify = {
    .name = "verify",
    .group = GROUP_CASE,
    .flags = COMMAND_CASE,
    .words = "CASE",
    .summary = "Check that the case file is whole",
    .text = "Checks every page, the tables against what they have to be, the "
            "counts, the index against the rows, and the audit log. Whether "
            "the evidence is still the same: kanshiki evidence CASE verify.",
    .min = 1,
    .max = 1,
    .run = run,
};
