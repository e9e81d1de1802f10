#include "cli/command.h"
#include "cli/commands.h"

#include "config.h"

static int run(struct cli *cli, struct err *err)
{
    (void)err;
    out_printf(cli, "kanshiki %s\n", PACKAGE_VERSION);
    return 0;
}

const struct command cmd_version = {
    .name = "version",
    .group = GROUP_PROGRAM,
    .words = "",
    .summary = "Print the version of the program",
    .run = run,
};
