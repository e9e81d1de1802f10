/* The terminal interface. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/disk_content.h"

#include "base/text.h"
#include "tui/tui.h"

#include <stdlib.h>

static const struct command_option options[] = {
    { "--ascii", NULL, "only ASCII on the screen", 0 },
    { "--color", "WHICH",
      "auto (default), never, 16 or 256 colours; NO_COLOR is heeded", 0 },
    { "--script", "FILE",
      "steps of keys instead of a terminal; screens go to stdout", 0 },
    { "--show-secrets", NULL, "secrets of records, too; noted in the audit log",
      0 },
    { "--size", "COLUMNSxROWS", "of the script's screens; default 100x30", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "tui incident.kan", "Look around; ? shows the keys." },
    { "tui incident.kan --script steps.txt --size 80x24",
      "Screens as text, for a test or a document." },
    { 0 },
};

/* ---- evidence for the screens -------------------------------------------- */

static int evidence_open(struct casedb *c, void **handle, struct err *err)
{
    struct raw *r = calloc(1, sizeof(*r));
    if (!r)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int rc = raw_begin(r, c, err);
    if (rc)
        free(r);
    else
        *handle = r;
    return rc;
}

static int evidence_member(void *handle, const struct member *m,
                           const int **fds, size_t *n_fds, struct err *err)
{
    struct raw *r = handle;
    int rc = exhibit_files_member(&r->files, m, err);
    *fds = r->files.fds;
    *n_fds = r->files.n_fds;
    return rc;
}

static struct reader *evidence_reader(void *handle)
{
    return ((struct raw *)handle)->reader;
}

static void evidence_for_analyzer(void *handle, struct raw_reader *out)
{
    raw_for_analyzer(handle, out);
}

static void evidence_close(void *handle)
{
    raw_close(handle);
    free(handle);
}

static const struct tui_evidence evidence = {
    .open = evidence_open,
    .member = evidence_member,
    .reader = evidence_reader,
    .for_analyzer = evidence_for_analyzer,
    .save = disk_save,
    .close = evidence_close,
};

/* ---- options ------------------------------------------------------------- */

static int take_size(struct str size, struct tui_options *o, struct err *err)
{
    const char *x = size.n ? memchr(size.p, 'x', size.n) : NULL;
    uint64_t w, h;
    if (size.n == 0)
        return 0;
    size_t at = x ? (size_t)(x - size.p) : 0;
    if (!x || !str_u64(str_sub(size, 0, at), &w) ||
        !str_u64(str_sub(size, at + 1, size.n), &h) || w < 1 || h < 1 ||
        w > 1000 || h > 1000)
        return err_set(err, ERR_USAGE, "--size: %s: 100x30 is wanted",
                       text_line(size));
    o->columns = (int)w;
    o->rows = (int)h;
    return 0;
}

static int take_color(struct str word, struct tui_options *o, struct err *err)
{
    static const char *const names[] = { "auto", "never", "16", "256", NULL };
    size_t i = 0;
    int rc = word.n ? arg_choice(word, names, &i, err) : 0;
    o->color = (enum tui_color)i;
    return rc ? err_wrap(err, "--color") : 0;
}

static int run(struct cli *cli, struct err *err)
{
    struct tui_options o = {
        .path = cli->words[0],
        .script = arg_value(cli, "--script"),
        .ascii = arg_has(cli, "--ascii"),
        .read_only = arg_has(cli, "--read-only"),
        .show_secrets = arg_has(cli, "--show-secrets"),
        .evidence = &evidence,
        .examiner = arg_str(cli, "--examiner"),
    };
    int rc = take_size(arg_str(cli, "--size"), &o, err);
    if (rc == 0)
        rc = take_color(arg_str(cli, "--color"), &o, err);
    if (rc == 0 && o.show_secrets)
        rc = cli_log_secrets(cli, STR("tui"), err);
    return rc ? rc : tui_run(&o, err);
}

const struct command cmd_tui = {
    .name = "tui",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_ACTS | COMMAND_ASKS,
    .words = "CASE",
    .summary = "Look around in a case, on the terminal",
    .text =
        "Overview, timeline, events with their records and bytes, entities, "
        "search, notes and exhibits. The keys that mean something are on the "
        "last row, ? shows all of them, : finds an action by its name. q "
        "closes a screen and, on the first one, the program; Esc never ends "
        "it.\n\n"
        "The case is held for writing only for the moment in which a note, tag "
        "or bookmark is added; while another program has it, that waits some "
        "seconds and then says who has it. When it cannot be written at all "
        "the header says read-only. "
        "Evidence is opened only to show and search records, by a sealed "
        "process.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 1,
    .run = run,
};
