/* Exhibits: list, show, attach; verify is in evidence_verify.c. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/evidence_verify.h"
#include "cli/names.h"

#include "base/text.h"

#include <stdlib.h>

static const struct command_option options[] = {
    { "--all", NULL, "verify: also list the files that match", 0 },
    { "--progress", "FORM", "verify: auto (default), jsonl or none", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "evidence incident.kan", "Lists the exhibits with their digests." },
    { "evidence incident.kan show X1",
      "The files of X1, their formats, sums." },
    { "evidence incident.kan verify",
      "Reads all evidence again and compares the digests." },
    { "evidence incident.kan attach X1 /mnt/evidence/cloudtrail",
      "Says where the files of X1 are now." },
    { 0 },
};

struct listing {
    struct cli *cli;
    struct casedb *c;
    struct table *t;
};

static int end_table(struct table *t, int rc, struct err *err)
{
    struct err close_err = { 0 };
    int closed = t ? table_close(t, rc ? &close_err : err) : 0;
    return rc ? rc : closed;
}

/* ---- list ---------------------------------------------------------------- */

static const struct table_column list_columns[] = {
    { "exhibit", "EXHIBIT", false, 0 },   { "kind", "KIND", false, 0 },
    { "imported", "IMPORTED", false, 0 }, { "files", "FILES", true, 0 },
    { "bytes", "BYTES", true, 0 },        { "sha256", "SHA-256", false, 0 },
    { "path", "PATH", false, 0 },         { "note", "NOTE", false, 0 },
};

static int put_exhibit(void *ctx, const struct exhibit *e)
{
    struct listing *l = ctx;
    table_str(l->t, name_exhibit(e->no));
    table_str(l->t, e->state == EXHIBIT_CLOSED ? e->kind : STR("unfinished"));
    table_time(l->t, l->cli, true, e->imported, 0);
    table_u64(l->t, e->n_files);
    table_u64(l->t, e->size);
    table_str(l->t, name_hex(&l->cli->arena, e->sha256));
    table_str(l->t, e->path);
    table_str(l->t, e->note);
    return 0;
}

static int list(struct listing *l, struct err *err)
{
    l->t = out_table(l->cli, list_columns,
                     sizeof(list_columns) / sizeof(list_columns[0]), err);
    int rc = l->t ? case_exhibits(l->c, put_exhibit, l, err) : err->code;
    return end_table(l->t, rc, err);
}

/* ---- show ---------------------------------------------------------------- */

static const struct table_column member_columns[] = {
    { "path", "MEMBER", false, 0 },
    { "layers", "LAYERS", false, 0 },
    { "format", "FORMAT", false, 0 },
    { "bytes", "BYTES", true, 0 },
    { "read", "READ", true, 0 },
    { "stored", "STORED", true, 0 },
    { "duplicates", "DUPLICATES", true, 0 },
    { "rejected", "REJECTED", true, 0 },
    { "sha256", "SHA-256", false, 0 },
};

static int put_member(void *ctx, const struct member *m)
{
    struct listing *l = ctx;
    struct arena a = { 0 };
    table_str(l->t, m->path);
    table_str(l->t, m->layers);
    table_str(l->t, m->format);
    table_u64(l->t, m->size);
    table_u64(l->t, m->n_read);
    table_u64(l->t, m->n_stored);
    table_u64(l->t, m->n_dup);
    table_u64(l->t, m->n_rejected);
    table_str(l->t, name_hex(&a, m->sha256));
    arena_free(&a);
    return 0;
}

static int put_fact(void *ctx, int64_t member, struct str name,
                    struct str value)
{
    struct listing *l = ctx;
    (void)member;
    out_text(l->cli, name);
    out_putz(l->cli, ": ");
    out_text(l->cli, value);
    out_putz(l->cli, "\n");
    return 0;
}

static int put_digest(void *ctx, const struct digest *d)
{
    struct listing *l = ctx;
    struct arena a = { 0 };
    out_printf(l->cli, "%.*s %.*s ", STR_ARG(d->scope), STR_ARG(d->algo));
    out_text(l->cli, name_hex(&a, d->value));
    out_printf(l->cli, " %.*s ", STR_ARG(d->outcome));
    out_text(l->cli, cli_time(l->cli, d->at, 0));
    out_putz(l->cli, d->path.n ? " " : "");
    out_text(l->cli, d->path);
    out_putz(l->cli, d->note.n ? ": " : "");
    out_text(l->cli, d->note);
    out_putz(l->cli, "\n");
    arena_free(&a);
    return 0;
}

static int put_head(struct listing *l, const struct exhibit *e, struct err *err)
{
    struct arena *a = &l->cli->arena;
    struct str now;
    int rc = case_exhibit_path(l->c, e->no, a, &now, err);
    if (rc)
        return rc;
    out_field(l->cli, "exhibit", name_exhibit(e->no));
    out_field(l->cli, "path", e->path);
    if (!str_eq(now, e->path))
        out_field(l->cli, "attached at", now);
    if (e->note.n)
        out_field(l->cli, "note", e->note);
    if (e->supplement_of)
        out_field(l->cli, "supplement of", name_exhibit(e->supplement_of));
    out_field(l->cli, "kind", e->kind);
    out_field(l->cli, "imported", cli_time(l->cli, e->imported, 0));
    out_field(l->cli, "size", name_bytes(a, e->size));
    out_field(l->cli, "sha256", name_hex(a, e->sha256));
    rc = case_digests(l->c, e->no, put_digest, l, err);
    return rc ? rc : case_facts(l->c, e->no, put_fact, l, err);
}

static int show(struct listing *l, int64_t no, struct err *err)
{
    struct exhibit e;
    int rc = case_exhibit(l->c, no, &l->cli->arena, &e, err);
    if (rc == 0 && l->cli->format == TABLE_TEXT) {
        rc = put_head(l, &e, err);
        out_putz(l->cli, "\n");
    }
    if (rc)
        return rc;
    l->t = out_table(l->cli, member_columns,
                     sizeof(member_columns) / sizeof(member_columns[0]), err);
    rc = l->t ? case_members(l->c, no, put_member, l, err) : err->code;
    return end_table(l->t, rc, err);
}

/* ---- attach -------------------------------------------------------------- */

static int attach(struct cli *cli, int64_t no, struct err *err)
{
    struct casedb *c;
    char *path = realpath(cli->words[3], NULL);
    if (!path)
        return err_errno(err, ERR_EVIDENCE, "%s", text_line(arg_word(cli, 3)));
    int rc = cli_open(cli, CASE_WRITE, &c, err);
    if (rc == 0) {
        rc = case_attach(c, no, str_from(path), err);
        case_close(c);
    }
    if (rc == 0)
        message("X%lld: kanshiki evidence CASE verify X%lld tells whether "
                "these are the same files",
                (long long)no, (long long)no);
    free(path);
    return rc;
}

/* ---- all ----------------------------------------------------------------- */

enum { LIST, SHOW, VERIFY, ATTACH };

static int run(struct cli *cli, struct err *err)
{
    static const char *const words[] = { "list", "show", "verify", "attach",
                                         NULL };
    static const uint8_t least[] = { 1, 3, 2, 4 }, most[] = { 2, 3, 3, 4 };
    struct listing l = { .cli = cli };
    size_t what = LIST;
    int64_t no = 0;
    int rc = 0;
    if (cli->n_words > 1)
        rc = arg_choice(arg_word(cli, 1), words, &what, err);
    if (rc == 0 && (cli->n_words < least[what] || cli->n_words > most[what])) {
        rc = err_set(err, ERR_USAGE, "evidence %s: wrong number of words",
                     words[what]);
        err_hint(err, "kanshiki help evidence says what it takes.");
    }
    if (rc == 0 && cli->n_words > 2)
        rc = arg_exhibit(arg_word(cli, 2), &no, err);
    if (rc)
        return rc;
    if (what == VERIFY)
        return evidence_verify(cli, no, err);
    if (what == ATTACH)
        return attach(cli, no, err);
    rc = cli_open(cli, CASE_READ, &l.c, err);
    if (rc)
        return rc;
    rc = what == SHOW ? show(&l, no, err) : list(&l, err);
    case_close(l.c);
    return rc;
}

const struct command cmd_evidence = {
    .name = "evidence",
    .group = GROUP_CASE,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE [list | show X1 | verify [X1] | attach X1 PATH]",
    .summary = "List, show, verify or relocate exhibits",
    .text =
        "list prints each exhibit with its SHA-256 digest: of the file, or of "
        "the sorted list of the digests of its files.\n\n"
        "verify reads every file again. The outcome of each is match, differs, "
        "missing or unreadable; a file that was not there at the import is "
        "new. The outcome is kept in the case and in the audit log. Exit "
        "status 3 when anything but match came out.\n\n"
        "attach tells where the files are now, when they were moved.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 4,
    .run = run,
};
