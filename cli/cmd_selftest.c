#include "cli/command.h"
#include "cli/commands.h"

#include "evidence/selftest.h"

static const struct table_column columns[] = {
    { "ok", "OK", false, 0 },
    { "attempt", "A WORKER TRIES TO", false, 0 },
    { "expected", "EXPECTED", false, 0 },
    { "got", "GOT", false, 0 },
};

static int run(struct cli *cli, struct err *err)
{
    struct selftest *test = arena_alloc(&cli->arena, sizeof(*test));
    if (!test)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int rc = selftest_run(test, err);
    if (rc)
        return rc;
    struct table *t = out_table(cli, columns, 4, err);
    if (!t)
        return err->code;
    for (size_t i = 0; i < test->n; i++) {
        table_str(t, test->rows[i].ok ? STR("yes") : STR("NO"));
        table_str(t, str_from(test->rows[i].name));
        table_str(t, str_from(test->rows[i].expected));
        table_str(t, str_from(test->rows[i].got));
    }
    rc = table_close(t, err);
    if (rc)
        return rc;
    struct buf own = { 0 };
    fences_text(&own, &cli->fences);
    buf_putc(&own, 0);
    message("this process: %s", own.failed ? "" : own.p);
    message("workers: %s", test->level);
    buf_free(&own);
    if (test->failed)
        rc = err_set(err, ERR_VERIFY, "selftest: %zu of %zu fences failed",
                     test->failed, test->n);
    return rc;
}

const struct command cmd_selftest = {
    .name = "selftest",
    .group = GROUP_PROGRAM,
    .flags = COMMAND_LIST,
    .words = "",
    .summary = "Prove that workers are confined on this system",
    .text = "Starts real workers that try what a worker taken over by hostile "
            "evidence would try: to open, write and run files, to reach the "
            "network, to take all memory. Fails when one of them succeeds.",
    .run = run,
};
