#include "cli/command.h"
#include "cli/commands.h"

#include "analyzer/filter.h"
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

static void put_filters(struct cli *cli)
{
    out_putz(cli, filter_text);
    out_putz(cli, "\n\nFields:\n");
    for (size_t i = 0; i < filter_n_fields; i++) {
        const struct filter_field *f = &filter_fields[i];
        out_printf(cli, "  %-16s %s\n", f->name, f->help);
        if (f->aliases[0])
            out_printf(cli, "  %-16s also: %s\n", "", f->aliases);
        if (f->words && f->words[0])
            out_printf(cli, "  %-16s one of: %s\n", "", f->words);
        if (f->example && f->example[0])
            out_printf(cli, "  %-16s %s\n", "", f->example);
    }
}

static int run(struct cli *cli, struct err *err)
{
    struct str name = arg_word(cli, 0);
    if (name.p) {
        const struct command *c = command_find(name);
        const char *near = command_nearest(name);
        if (str_eq(name, STR("filter"))) {
            put_filters(cli);
            return 0;
        }
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
    out_putz(
        cli,
        "\nkanshiki help COMMAND says more of one, kanshiki help filter of "
        "filters.\n");
    return 0;
}

const struct command cmd_help = {
    .name = "help",
    .group = GROUP_PROGRAM,
    .words = "[COMMAND|filter]",
    .summary = "List the commands, or say what one takes",
    .max = 1,
    .run = run,
};
