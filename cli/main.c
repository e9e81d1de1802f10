/* The program's entry: finds the command and runs it. */
#include "cli/command.h"
#include "cli/stop.h"

#include "base/text.h"
#include "evidence/fences.h"
#include "evidence/worker.h"
#include "importers/import.h"

#include <string.h>

static const struct command *find(const char *name, struct err *err)
{
    static const char *const words[][2] = {
        { "-h", "help" },
        { "--help", "help" },
        { "--version", "version" },
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(name, words[i][0]) == 0)
            name = words[i][1];
    const struct command *c = command_find(str_from(name));
    if (c)
        return c;
    const char *near = command_nearest(str_from(name));
    err_set(err, ERR_USAGE, "%s: no such command", text_line(str_from(name)));
    if (near)
        err_hint(err, "Did you mean %s?", near);
    else
        err_hint(err, "kanshiki help lists the commands.");
    return NULL;
}

static int run(struct cli *cli, int argc, char **argv, struct err *err)
{
    if (argc < 2) {
        err_set(err, ERR_USAGE, "what is to be done?");
        err_hint(err, "kanshiki help lists the commands.");
        return ERR_USAGE;
    }
    cli->command = find(argv[1], err);
    if (!cli->command)
        return err->code;
    int rc = args_parse(cli, argc - 2, argv + 2, err);
    if (rc)
        return rc;
    if (arg_has(cli, "--help")) {
        command_usage(&cli->out, cli->command);
        return 0;
    }
    rc = cli_confine(cli, err);
    return rc ? rc : cli->command->run(cli, err);
}

int main(int argc, char **argv)
{
    if (worker_is(argc, argv)) {
        struct worker_handler handlers[WORKER_KINDS] = { 0 };
        import_worker_handlers(handlers);
        return worker_main(argc, argv, handlers);
    }
    struct cli cli = { 0 };
    struct err err = { 0 };
    int rc = fences_start(&cli.fences, &err);
    stop_install();
    if (rc == 0)
        rc = run(&cli, argc, argv, &err);
    if (rc)
        message_err(&err);
    struct err flush_err = { 0 };
    if (out_flush(&cli, &flush_err) && rc == 0) {
        rc = flush_err.code;
        message_err(&flush_err);
    }
    if (rc == 0 && cli.issues)
        rc = 2;
    buf_free(&cli.out);
    arena_free(&cli.arena);
    return message_exit_code(rc);
}
