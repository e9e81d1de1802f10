/*
 * Disk images: what the case knows of their volumes and files, and content,
 * read by a sealed reader through the layers of a citation. No file of the
 * image is ever mounted, no name of it is used for an output.
 */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/disk.h"
#include "cli/names.h"

#include "base/text.h"
#include "importers/record.h"

static const struct command_option options[] = {
    { "--volume", "V", "only this volume, as volumes names it", 0 },
    { "--inode", "N", "the file with this inode, when a path has several", 0 },
    { "--view", "VIEW", "journal (default), disk or all", 0 },
    { "--recursive", NULL, "ls: all that lies below", 0 },
    { "-R", NULL, "the same", 0 },
    { "--deleted", NULL, "ls: deleted ones only, all that lie below", 0 },
    { "-d", NULL, "the same", 0 },
    { "--privileged", NULL, "ls: setuid, setgid and capabilities only", 0 },
    { "--hide-known", NULL, "ls: leave out what a list says is known", 0 },
    { "--blocks", NULL, "diff: which blocks of changed files differ", 0 },
    { "--ignore-times", NULL,
      "diff: leave out what differs in times and inode alone", 0 },
    { "-o", "FILE", "extract: the file or folder to make", OPTION_OUTPUT },
    { "--force", NULL, "extract: replace an existing file (one file only)", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "disk incident.kan volumes", "The volumes of all images." },
    { "disk incident.kan ls X3 / --recursive", "All names of an image." },
    { "disk incident.kan stat X3 /upload/.t/c.tgz", "Times, inode, citation." },
    { "disk incident.kan extract X3 /cache/fetch -o found.bin",
      "Copies the content; the digest goes into the audit log." },
    { "disk incident.kan extract X3 /upload -o uploads",
      "Copies all files below a folder, with a manifest." },
    { "disk incident.kan diff X3", "What the journal had not yet written." },
    { "disk incident.kan diff X3 X4 /etc --blocks",
      "What changed between two snapshots." },
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

/* ---- all ----------------------------------------------------------------- */

enum sub_flag {
    SUB_WRITES = 1,
    SUB_OUTPUT = 2, /* takes -o */
    SUB_OTHER = 4,  /* a second exhibit may come */
    SUB_MANY = 8,   /* any number of paths */
};
static const struct {
    const char *name;
    uint8_t least, most; /* words after CASE and this */
    uint8_t flags;       /* enum sub_flag */
    int (*run)(struct disk *d, struct err *err);
} subs[] = {
    { "volumes", 0, 1, 0, volumes },
    { "ls", 1, 2, 0, disk_ls },
    { "stat", 2, 2, 0, disk_stat },
    { "cat", 2, 2, 0, disk_cat },
    { "hexdump", 2, 2, 0, disk_hexdump },
    { "extract", 2, WORDS_ANY, SUB_WRITES | SUB_OUTPUT | SUB_MANY,
      disk_extract },
    { "deleted", 1, 2, 0, disk_deleted },
    { "diff", 1, 3, SUB_OTHER, disk_diff },
};
enum { SUBS = sizeof(subs) / sizeof(subs[0]) };

/* Which of the two views: what counts after the journal, unless asked. */
static int take_view(struct disk *d, struct err *err)
{
    static const char *const names[] = { "journal", "disk", "all", NULL };
    static const unsigned views[] = {
        1u << FILE_VIEW_BOTH | 1u << FILE_VIEW_JOURNAL,
        1u << FILE_VIEW_BOTH | 1u << FILE_VIEW_DISK,
        0,
    };
    size_t which = 0;
    struct str view = arg_str(d->cli, "--view");
    if (view.p && arg_choice(view, names, &which, err))
        return err_wrap(err, "--view");
    d->views = views[which];
    return 0;
}

static bool is_exhibit(struct str word)
{
    return word.n > 1 && word.p[0] == 'X';
}

static int take_words(struct disk *d, size_t sub, struct err *err)
{
    struct cli *cli = d->cli;
    size_t n = cli->n_words - 2, at = 2;
    struct buf path = { 0 };
    int rc = 0;
    if (n < subs[sub].least || n > subs[sub].most) {
        err_set(err, ERR_USAGE, "disk %s: wrong number of words",
                subs[sub].name);
        err_hint(err, "kanshiki help disk says what it takes.");
        return ERR_USAGE;
    }
    if (n > 0)
        rc = arg_exhibit(arg_word(cli, at++), &d->exhibit, err);
    if (rc == 0 && subs[sub].flags & SUB_OTHER && is_exhibit(arg_word(cli, at)))
        rc = arg_exhibit(arg_word(cli, at++), &d->other, err);
    /* as ls prints it, so that any name can be given */
    if (rc == 0 && at < cli->n_words && !text_parse(&path, arg_word(cli, at)))
        rc = err_set(err, ERR_USAGE, "%s: not a path as ls prints it",
                     text_line(arg_word(cli, at)));
    d->path = buf_to_arena(&path, &cli->arena);
    d->first_path = at;
    d->n_paths = cli->n_words - at;
    if (rc == 0 && d->n_paths > 1 && !(subs[sub].flags & SUB_MANY))
        rc = err_set(err, ERR_USAGE, "disk %s: one path only", subs[sub].name);
    d->volume = arg_str(cli, "--volume");
    d->by_inode = arg_has(cli, "--inode");
    if (rc == 0)
        rc = arg_u64(cli, "--inode", &d->inode, err);
    if (rc == 0)
        rc = take_view(d, err);
    if (rc == 0 && !(subs[sub].flags & SUB_OUTPUT) != !arg_has(cli, "-o"))
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
            cli_open(cli, subs[sub].flags & SUB_WRITES ? CASE_WRITE : CASE_READ,
                     &d.c, err);
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
    .words = "CASE volumes [X3] | ls X3 [PATH] | stat|cat|hexdump X3 PATH | "
             "extract X3 PATH... | deleted X3 [PATH] | diff X3 [X4] [PATH]",
    .summary = "Look into disk images: volumes, names, content",
    .text =
        "volumes prints what is known of images and their volumes, ls the "
        "names of a folder or, with --recursive, of all below it; deleted ones "
        "too, as far as they are found. ls --privileged lists programs that "
        "run with the rights of their owner or group, or with capabilities. "
        "stat prints all that the file system says of one, with the citation "
        "of its content. deleted lists what is gone: how it came to light, how "
        "surely content, name and times belong together, and how many of its "
        "bytes no other file uses now.\n\n"
        "cat and hexdump print content. extract copies it: one file into a "
        "file with a name of your choice; several, or a folder with all below "
        "it, into a folder, under names made by this program, with a manifest "
        "that tells their own names, times, digests and citations. Nothing "
        "that exists there is replaced. Digests go into the audit log. Content "
        "is read by a confined process. PATH is given as ls prints it.\n\n"
        "A volume that was copied while mounted has two views: as it is on the "
        "disk, and as it is once its journal is played back, which happens in "
        "memory. Where they differ the later one is shown, unless --view says "
        "otherwise. diff X3 lists what differs: what the system did last. diff "
        "X3 X4 compares two exhibits, such as two snapshots of one volume; "
        "with --blocks, the blocks of 4 KiB in which contents differ.",
    .options = options,
    .examples = examples,
    .min = 2,
    .max = WORDS_ANY,
    .run = run,
};
