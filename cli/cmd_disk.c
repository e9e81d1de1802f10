/*
 * Disk images: what the case knows of their volumes and files, and content,
 * read by a sealed reader through the layers of a citation. No file of the
 * image is ever mounted, no name of it is used for an output.
 */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/disk_content.h"
#include "cli/names.h"

#include "base/text.h"
#include "importers/record.h"

static const struct command_option options[] = {
    { "--volume", "V", "only this volume, as volumes names it", 0 },
    { "--inode", "N", "the file with this inode, when a path has several", 0 },
    { "--recursive", NULL, "ls: all that lies below", 0 },
    { "-o", "FILE", "extract: the file to make", OPTION_OUTPUT },
    { "--force", NULL, "extract: replace an existing file", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "disk incident.kan volumes", "The volumes of all images." },
    { "disk incident.kan ls X3 / --recursive", "All names of an image." },
    { "disk incident.kan stat X3 /upload/.t/c.tgz", "Times, inode, citation." },
    { "disk incident.kan extract X3 /cache/fetch -o found.bin",
      "Copies the content; the digest goes into the audit log." },
    { 0 },
};

/* ---- volumes ------------------------------------------------------------- */

static const struct table_column volume_columns[] = {
    { "exhibit", "EXHIBIT", false, 0 },
    { "fact", "FACT", false, 0 },
    { "value", "VALUE", false, 0 },
};

struct volumes {
    struct cli *cli;
    struct casedb *c;
    struct table *t;
    int64_t only, no;
    struct err *err;
};

static int put_fact(void *ctx, int64_t member, struct str name,
                    struct str value)
{
    struct volumes *v = ctx;
    (void)member;
    table_str(v->t, name_exhibit(v->no));
    table_str(v->t, name);
    table_str(v->t, value);
    return 0;
}

static int put_exhibit(void *ctx, const struct exhibit *e)
{
    struct volumes *v = ctx;
    bool image = str_eq(e->kind, STR("disk")) || str_eq(e->kind, STR("mixed"));
    if (v->only ? e->no != v->only : !image)
        return 0;
    v->no = e->no;
    return case_facts(v->c, e->no, put_fact, v, v->err);
}

static int volumes(struct disk *d, struct err *err)
{
    struct volumes v = { d->cli, d->c, NULL, d->exhibit, 0, err };
    v.t = out_table(d->cli, volume_columns, 3, err);
    int rc = v.t ? case_exhibits(d->c, put_exhibit, &v, err) : err->code;
    struct err close_err = { 0 };
    int closed = v.t ? table_close(v.t, rc ? &close_err : err) : 0;
    return rc ? rc : closed;
}

/* ---- ls ------------------------------------------------------------------ */

static const struct table_column file_columns[] = {
    { "mode", "MODE", false, 0 },
    { "uid", "UID", true, 0 },
    { "gid", "GID", true, 0 },
    { "size", "SIZE", true, 0 },
    { "modified", "MODIFIED", false, 0 },
    { "inode", "INODE", true, 0 },
    { "state", "STATE", false, 0 },
    { "volume", "VOLUME", false, 0 },
    { "path", "PATH", false, 0 },
    { "link", "LINK TARGET", false, 0 },
};

static struct str state_of(uint32_t flags)
{
    if (flags & FILE_REALLOCATED)
        return STR("deleted, inode reused");
    if (flags & FILE_DELETED)
        return STR("deleted");
    if (flags & FILE_PARTIAL)
        return STR("partly unreadable");
    return flags & FILE_UNRELIABLE ? STR("unreliable") : STR("");
}

/* "drwxr-xr-x" */
static struct str mode_text(const struct file_row *f, char out[11])
{
    static const char types[] = "?-dcbpsl?";
    static const char letters[] = "rwxrwxrwx";
    out[0] = types[f->type < 8 ? f->type : 8];
    for (unsigned i = 0; i < 9; i++)
        out[i + 1] = f->mode & 0400u >> i ? letters[i] : '-';
    static const struct {
        uint32_t bit;
        uint8_t at;
        char with, without;
    } special[] = { { 04000, 3, 's', 'S' },
                    { 02000, 6, 's', 'S' },
                    { 01000, 9, 't', 'T' } };
    for (size_t i = 0; i < 3; i++)
        if (f->mode & special[i].bit)
            out[special[i].at] = out[special[i].at] == 'x' ? special[i].with
                                                           : special[i].without;
    return (struct str){ out, 10 };
}

struct listing {
    struct disk *d;
    struct table *t;
    struct str below;
};

static int put_file(void *ctx, const struct file_row *f)
{
    struct listing *l = ctx;
    char mode[11];
    table_str(l->t, mode_text(f, mode));
    table_u64(l->t, f->uid);
    table_u64(l->t, f->gid);
    table_u64(l->t, f->size);
    table_time(l->t, l->d->cli, !(f->flags & FILE_NO_TIME_M), f->m, 0);
    table_u64(l->t, f->inode);
    table_str(l->t, state_of(f->flags));
    table_str(l->t, f->volume);
    table_str(l->t, f->path);
    table_str(l->t, f->link_target);
    return 0;
}

static int ls(struct disk *d, struct err *err)
{
    struct listing l = { d, NULL, d->path };
    bool all = arg_has(d->cli, "--recursive");
    while (l.below.n > 1 && l.below.p[l.below.n - 1] == '/')
        l.below.n--;
    if (l.below.n == 0)
        l.below = STR("/");
    l.t = out_table(d->cli, file_columns,
                    sizeof(file_columns) / sizeof(file_columns[0]), err);
    const struct file_query q = { d->exhibit, d->volume, l.below,
                                  all ? FILES_BELOW : FILES_IN, 0 };
    int rc = l.t ? case_files(d->c, &q, put_file, &l, err) : err->code;
    struct err close_err = { 0 };
    int closed = l.t ? table_close(l.t, rc ? &close_err : err) : 0;
    return rc ? rc : closed;
}

/* ---- stat ---------------------------------------------------------------- */

static int stat_file(struct disk *d, struct err *err)
{
    struct disk_file f;
    char mode[11];
    int rc = disk_find(d, &f, err);
    if (rc)
        return rc;
    struct cli *cli = d->cli;
    const struct {
        const char *name;
        struct instant at;
        uint32_t none;
    } times[] = {
        { "modified", f.row.m, FILE_NO_TIME_M },
        { "accessed", f.row.a, FILE_NO_TIME_A },
        { "changed", f.row.c, FILE_NO_TIME_C },
        { "born", f.row.b, FILE_NO_TIME_B },
        { "deleted", f.row.d, FILE_NO_TIME_D },
    };
    out_field(cli, "path", f.row.path);
    out_field(cli, "cite", disk_cite(&f, &cli->arena));
    out_field(cli, "volume", f.row.volume);
    out_printf(cli, "inode         %llu\n", (unsigned long long)f.row.inode);
    out_field(cli, "mode", mode_text(&f.row, mode));
    out_printf(cli, "owner         uid %u, gid %u\n", f.row.uid, f.row.gid);
    out_printf(cli, "links         %u\n", f.row.links);
    out_printf(cli, "size          %llu\n", (unsigned long long)f.row.size);
    if (state_of(f.row.flags).n)
        out_field(cli, "state", state_of(f.row.flags));
    if (f.row.link_target.n)
        out_field(cli, "link target", f.row.link_target);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        if (!(f.row.flags & times[i].none))
            out_field(cli, times[i].name,
                      cli_time(cli, times[i].at, f.row.t_res ? 9 : 0));
    if (f.row.sha256.n)
        out_field(cli, "sha256", name_hex(&cli->arena, f.row.sha256));
    return 0;
}

/* ---- all ----------------------------------------------------------------- */

static const struct {
    const char *name;
    uint8_t least, most; /* words after CASE and this */
    bool writes;
    int (*run)(struct disk *d, struct err *err);
} subs[] = {
    { "volumes", 0, 1, false, volumes },
    { "ls", 1, 2, false, ls },
    { "stat", 2, 2, false, stat_file },
    { "cat", 2, 2, false, disk_cat },
    { "hexdump", 2, 2, false, disk_hexdump },
    { "extract", 2, 2, true, disk_extract },
};
enum { SUBS = sizeof(subs) / sizeof(subs[0]) };

static int take_words(struct disk *d, size_t sub, struct err *err)
{
    struct cli *cli = d->cli;
    size_t n = cli->n_words - 2;
    struct buf path = { 0 };
    int rc = 0;
    if (n < subs[sub].least || n > subs[sub].most) {
        err_set(err, ERR_USAGE, "disk %s: wrong number of words",
                subs[sub].name);
        err_hint(err, "kanshiki help disk says what it takes.");
        return ERR_USAGE;
    }
    if (n > 0)
        rc = arg_exhibit(arg_word(cli, 2), &d->exhibit, err);
    /* as ls prints it, so that any name can be given */
    if (rc == 0 && n > 1 && !text_parse(&path, arg_word(cli, 3)))
        rc = err_set(err, ERR_USAGE, "%s: not a path as ls prints it",
                     text_line(arg_word(cli, 3)));
    d->path = buf_to_arena(&path, &cli->arena);
    d->volume = arg_str(cli, "--volume");
    d->by_inode = arg_has(cli, "--inode");
    if (rc == 0)
        rc = arg_u64(cli, "--inode", &d->inode, err);
    if (rc == 0 && (sub == SUBS - 1) != arg_has(cli, "-o"))
        rc = err_set(err, ERR_USAGE, "-o FILE: with extract, and only there");
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    const char *names[SUBS + 1] = { NULL };
    struct disk d = { .cli = cli };
    size_t sub;
    for (size_t i = 0; i < SUBS; i++)
        names[i] = subs[i].name;
    int rc = arg_choice(arg_word(cli, 1), names, &sub, err);
    if (rc == 0)
        rc = take_words(&d, sub, err);
    if (rc == 0)
        rc =
            cli_open(cli, subs[sub].writes ? CASE_WRITE : CASE_READ, &d.c, err);
    if (rc)
        return rc;
    rc = subs[sub].run(&d, err);
    case_close(d.c);
    return rc;
}

const struct command cmd_disk = {
    .name = "disk",
    .group = GROUP_IMAGES,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE volumes [X3] | ls X3 [PATH] | stat|cat|hexdump|extract X3 "
             "PATH",
    .summary = "Look into disk images: volumes, names, content",
    .text =
        "volumes prints what is known of images and their volumes, ls the "
        "names of a folder or, with --recursive, of all below it; deleted ones "
        "too, as far as they are found. stat prints all that the file system "
        "says of one, with the citation of its content.\n\n"
        "cat and hexdump print content, extract copies it into a file with a "
        "name of your choice and enters its digest into the audit log. Content "
        "is read by a confined process. PATH is given as ls prints it.",
    .options = options,
    .examples = examples,
    .min = 2,
    .max = 4,
    .run = run,
};
