/* Completion for bash, made from the command table by the build. */
#include "cli/command.h"
#include "cli/commands.h"

static void put_options(struct buf *b, const struct command *c, bool valued)
{
    const struct command_option *o;
    const char *gap = "";
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        if (valued && !o->value)
            continue;
        buf_printf(b, "%s%s", gap, o->name);
        gap = valued ? "|" : " ";
    }
}

static int run(struct cli *cli, struct err *err)
{
    struct buf *b = &cli->out;
    (void)err;
    buf_putz(b, "# bash completion for kanshiki, made from its command "
                "table\n\n_kanshiki()\n{\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]}\n"
                "    local prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                "    local options= valued=\n"
                "    COMPREPLY=()\n"
                "    if ((COMP_CWORD == 1)); then\n"
                "        COMPREPLY=($(compgen -W '");
    const char *gap = "";
    for (size_t i = 0; commands[i]; i++)
        if (!(commands[i]->flags & COMMAND_HIDDEN)) {
            buf_printf(b, "%s%s", gap, commands[i]->name);
            gap = " ";
        }
    buf_putz(b, "' -- \"$cur\"))\n        return\n    fi\n"
                "    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; commands[i]; i++) {
        if (commands[i]->flags & COMMAND_HIDDEN)
            continue;
        buf_printf(b, "    %s)\n        options='", commands[i]->name);
        put_options(b, commands[i], false);
        buf_putz(b, "'\n        valued='");
        put_options(b, commands[i], true);
        buf_putz(b, "' ;;\n");
    }
    buf_putz(b,
             "    esac\n"
             "    case $prev in\n"
             "    --format) COMPREPLY=($(compgen -W 'table csv jsonl' -- "
             "\"$cur\")) ;;\n"
             "    --progress) COMPREPLY=($(compgen -W 'auto jsonl none' -- "
             "\"$cur\")) ;;\n"
             "    *)\n"
             "        if [[ $cur == -* && \"|$valued|\" != *\"|$prev|\"* ]]; "
             "then\n"
             "            COMPREPLY=($(compgen -W \"$options\" -- "
             "\"$cur\"))\n"
             "        else\n"
             "            compopt -o filenames 2>/dev/null\n"
             "            COMPREPLY=($(compgen -f -- \"$cur\"))\n"
             "        fi ;;\n"
             "    esac\n"
             "}\n"
             "complete -F _kanshiki kanshiki\n");
    return 0;
}

const struct command cmd_completion = {
    .name = "__completion",
    .group = GROUP_PROGRAM,
    .flags = COMMAND_HIDDEN,
    .words = "",
    .summary = "Print the completion for bash, for the build",
    .run = run,
};
