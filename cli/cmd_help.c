#include "cli/command.h"
#include "cli/commands.h"

#include "base/text.h"

static void put_group(struct cli *cli, enum command_group g)
{
    bool any = false;
    for (size_t i = 0; commands[i]; i++) {
        const struct command *c = commands[i];
        if (c->group != g || c->flags & COMMAND_HIDDEN)
            continue;
        if (!any)
            out_printf(cli, "\n%s:\n", command_groups[g].title);
        any = true;
        out_printf(cli, "  %-10s %s\n", c->name, c->summary);
    }
}

static int run(struct cli *cli, struct err *err)
{
    struct str name = arg_word(cli, 0);
    if (name.p) {
        const struct command *c = command_find(name);
        const char *near = command_nearest(name);
        if (c) {
            command_usage(&cli->out, c);
            return 0;
        }
        err_set(err, ERR_USAGE, "%s: no such command", text_line(name));
        if (near)
            err_hint(err, "Did you mean %s?", near);
        return ERR_USAGE;
    }
    out_putz(cli, "usage: kanshiki COMMAND [CASE] [WORDS] [OPTIONS]\n");
    for (int g = 0; g < GROUP_COUNT; g++)
        put_group(cli, (enum command_group)g);
    out_putz(cli, "\nkanshiki help COMMAND says more of one.\n");
    return 0;
}

const struct command cmd_help = {
    .name = "help",
    .group = GROUP_PROGRAM,
    .words = "[COMMAND]",
    .summary = "List the commands, or say what one takes",
    .max = 1,
    .run = run,
};
