/* Hash lists: which files of the images are known, which are notable. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"
#include "cli/stop.h"

#include "base/hash.h"
#include "base/hash_list.h"
#include "base/text.h"
#include "casedb/known.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ = 1 << 20 };

static const struct command_option options[] = {
    { "--notable", NULL, "what the list names is notable, not merely known",
      0 },
    { "--clear", NULL, "forget what all lists said", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "known incident.kan distribution.sha256",
      "Marks the files whose digest is in the list." },
    { "known incident.kan ioc.txt --notable", "Marks what is looked for." },
    { "known incident.kan", "The lists that were compared." },
    { 0 },
};

/* ---- the lists of the case ----------------------------------------------- */

static const struct table_column columns[] = {
    { "id", "NO", true, 0 },         { "class", "CLASS", false, 0 },
    { "listed", "LISTED", true, 0 }, { "files", "FILES", true, 0 },
    { "form", "FORM", false, 0 },    { "at", "AT", false, 0 },
    { "by", "BY", false, 0 },        { "sha256", "SHA256", false, 0 },
    { "name", "NAME", false, 0 },
};

struct listing {
    struct cli *cli;
    struct table *t;
};

static int put_list(void *ctx, const struct known_list *l)
{
    struct listing *s = ctx;
    table_i64(s->t, l->id);
    table_str(s->t, l->class == KNOWN_GOOD ? STR("known") : STR("notable"));
    table_u64(s->t, l->n);
    table_u64(s->t, l->n_files);
    table_str(s->t, l->form);
    table_time(s->t, s->cli, true, l->at, 0);
    table_str(s->t, l->author);
    table_str(s->t, name_hex(&s->cli->arena, l->sha256));
    table_str(s->t, l->name);
    return 0;
}

static int list(struct cli *cli, struct casedb *c, struct err *err)
{
    struct listing s = { cli, NULL };
    s.t = out_table(cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    int rc = s.t ? known_lists(c, put_list, &s, err) : err->code;
    struct err close_err = { 0 };
    int closed = s.t ? table_close(s.t, rc ? &close_err : err) : 0;
    return rc ? rc : closed;
}

/* ---- reading a list ------------------------------------------------------ */

struct reading {
    struct known_match *m;
    struct hasher *h;
    struct hash_list list;
};

static void take_hash(void *ctx, const unsigned char *hash, size_t n)
{
    known_add(ctx, hash, n);
}

/* The file once from start to end: its digest, and its lines unless it is a
 * database. */
static int read_file(struct reading *r, const char *path, bool *database,
                     unsigned char sha256[32], struct err *err)
{
    static const struct str sqlite = { "SQLite format 3", 16 };
    char *p = malloc(READ);
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    bool first = true;
    if (!p || fd < 0)
        rc = p ? err_errno(err, ERR_USAGE, "%s", text_line(str_from(path)))
               : err_set(err, ERR_INTERNAL, "out of memory");
    while (rc == 0 && p) {
        ssize_t n = read(fd, p, READ);
        if (n < 0)
            rc = err_errno(err, ERR_USAGE, "%s", text_line(str_from(path)));
        if (n <= 0)
            break;
        struct str s = { p, (size_t)n };
        if (first)
            *database = str_starts(s, sqlite);
        first = false;
        hasher_add(r->h, p, s.n);
        if (!*database)
            hash_list_add(&r->list, s);
        if (stop_signal())
            rc = err_set(err, ERR_STOPPED, "known: interrupted");
    }
    if (rc == 0)
        hash_list_end(&r->list);
    hasher_end(r->h, HASH_SHA256, sha256);
    if (fd >= 0)
        close(fd);
    free(p);
    return rc;
}

static int stop_asked(void *ctx)
{
    (void)ctx;
    return stop_signal() != 0;
}

/* A list by a digest that no file of the case has can say nothing. */
static void say_odd(struct cli *cli, const struct reading *r, const char *path)
{
    static const struct {
        size_t n;
        const char *name;
    } kinds[] = { { 16, "MD5" }, { 20, "SHA-1" }, { 32, "SHA-256" } };
    for (size_t i = 0; i < 3; i++)
        if (r->list.seen[kinds[i].n] && known_digests(r->m, kinds[i].n) == 0) {
            message("%s: has %s, and no file of the case has one",
                    text_line(str_from(path)), kinds[i].name);
            cli->issues = true;
        }
    if (r->list.bad) {
        message("%s: %llu lines hold no digest, the first is line %llu",
                text_line(str_from(path)), (unsigned long long)r->list.bad,
                (unsigned long long)r->list.first_bad);
        cli->issues = true;
    }
}

static struct str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return str_from(slash ? slash + 1 : path);
}

static int compare(struct cli *cli, struct reading *r, const char *path,
                   struct err *err)
{
    unsigned char sha256[32] = { 0 };
    bool database = false;
    int rc = read_file(r, path, &database, sha256, err);
    if (rc == 0 && database)
        rc = known_add_nsrl(r->m, path, stop_asked, NULL, err);
    if (rc)
        return rc;
    struct known_list l = {
        .class = arg_has(cli, "--notable") ? KNOWN_NOTABLE : KNOWN_GOOD,
        .name = base_name(path),
        .form = database ? STR("nsrl") : STR("lines"),
        .sha256 = { (const char *)sha256, 32 },
    };
    rc = known_commit(r->m, &l, err);
    if (rc)
        return rc;
    say_odd(cli, r, path);
    out_text(cli, str_from(path));
    out_printf(cli, ": %llu listed, %llu files of the case are %s\n",
               (unsigned long long)l.n, (unsigned long long)l.n_files,
               l.class == KNOWN_GOOD ? "known" : "notable");
    return 0;
}

static int compare_all(struct cli *cli, struct casedb *c, struct err *err)
{
    int rc = 0;
    for (size_t i = 1; i < cli->n_words && rc == 0; i++) {
        struct reading r = { .h = hasher_open(1u << HASH_SHA256) };
        rc = r.h ? known_open(c, &r.m, err)
                 : err_set(err, ERR_INTERNAL, "out of memory");
        r.list = (struct hash_list){ .ctx = r.m, .hash = take_hash };
        if (rc == 0)
            rc = compare(cli, &r, cli->words[i], err);
        known_close(r.m);
        hasher_close(r.h);
        hash_list_free(&r.list);
    }
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct casedb *c;
    bool clear = arg_has(cli, "--clear");
    if (clear && cli->n_words > 1)
        return err_set(err, ERR_USAGE, "--clear takes no list");
    bool writes = clear || cli->n_words > 1;
    int rc = cli_open(cli, writes ? CASE_WRITE : CASE_READ, &c, err);
    if (rc)
        return rc;
    rc = clear              ? known_clear(c, err)
         : cli->n_words > 1 ? compare_all(cli, c, err)
                            : list(cli, c, err);
    case_close(c);
    return rc;
}

const struct command cmd_known = {
    .name = "known",
    .group = GROUP_IMAGES,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE [LIST...]",
    .summary = "Compare files of images with lists of hashes",
    .text =
        "A list is a text with one digest a line (MD5, SHA-1 or SHA-256 in "
        "hexadecimal; what follows it is ignored, as are lines that begin with "
        "#), or an NSRL database, RDS version 3. Files whose content has such "
        "a digest are marked as known or, with --notable, as notable; notable "
        "wins. Digests of files are computed by import --hash-files, those by "
        "MD5 and SHA-1 with --hash-weak.\n\n"
        "ls --hide-known and the screen of disk images leave known files out; "
        "the filter has known:yes, known:no and known:notable. Each comparison "
        "is kept with the list's own SHA-256. After another import the list is "
        "given again.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = WORDS_ANY,
    .run = run,
};
