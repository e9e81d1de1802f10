#include "cli/command.h"
#include "cli/commands.h"
#include "cli/libraries.h"

#include "config.h"

static const struct command_option options[] = {
    { "--verbose", NULL, "also the libraries that it runs with", 0 },
    { 0 },
};

static int run(struct cli *cli, struct err *err)
{
    out_printf(cli, "kanshiki %s\n", PACKAGE_VERSION);
    if (!arg_has(cli, "--verbose"))
        return 0;
    struct str list = cli_libraries(&cli->arena);
    if (!list.p)
        return err_set(err, ERR_INTERNAL, "out of memory");
    while (list.n) {
        size_t n = str_find(list, STR("; "));
        out_text(cli, str_sub(list, 0, n));
        out_putz(cli, "\n");
        list = n < list.n ? str_sub(list, n + 2, list.n) : STR("");
    }
    return 0;
}

const struct command cmd_version = {
    .name = "version",
    .group = GROUP_PROGRAM,
    .words = "",
    .summary = "Print the version of the program",
    .text = "With --verbose also the versions of the libraries, as they say "
            "themselves at run time; where a library cannot, how it is known "
            "is in brackets. The same list is kept with every import.",
    .options = options,
    .run = run,
};
