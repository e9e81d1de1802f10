#include "cli/command.h"
#include "cli/acquisition.h"
#include "cli/commands.h"
#include "cli/import_record.h"
#include "cli/libraries.h"
#include "cli/names.h"
#include "cli/progress.h"

#include "base/hash.h"
#include "base/text.h"
#include "config.h"
#include "importers/import.h"
#include "importers/importer.h"

#include <stdlib.h>

static const struct command_option options[] = {
    { "--as", "FORMAT", "do not guess the format; see kanshiki importers", 0 },
    { "--exhibit-note", "TEXT", "what the exhibit is, for the reports", 0 },
    { "--jobs", "N", "worker processes; default: one per core", 0 },
    { "--hash-files", NULL,
      "also hash each file inside disk images, and tell the type of some", 0 },
    { "--hash-weak", NULL, "with --hash-files: MD5 and SHA-1, too", 0 },
    { "--embed", NULL, "keep a copy of the files in the case", 0 },
    { "--sha256", "HEX", "the digest that the one file must have", 0 },
    { "--sums", "FILE",
      "digests that files must have, as sha256sum or md5sum list them", 0 },
    { "--acquisition", "FILE",
      "log of the tool that made the image: kept, its digests compared", 0 },
    { "--claim-reason", "TEXT",
      "go on although a digest differs, for this reason", 0 },
    { "--changed-reason", "TEXT",
      "resume although evidence changed meanwhile, for this reason", 0 },
    { "--unsandboxed", NULL,
      "go on although this system cannot confine the workers", 0 },
    { "--progress", "FORM", "auto (default), jsonl or none", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "import incident.kan evidence/cloudtrail evidence/app-01.E01",
      "Imports a folder as exhibit X1 and an image as exhibit X2." },
    { "import incident.kan mem.lime --sha256 9f86d081884c7d65...",
      "Imports a memory image if it is the one that was handed over." },
    { "import incident.kan evidence --sums evidence.sha256",
      "Imports a folder if its files are those of the list." },
    { 0 },
};

static const struct table_column columns[] = {
    { "exhibit", "EXHIBIT", false, 0 },
    { "files", "FILES", true, 0 },
    { "bytes", "BYTES", true, 0 },
    { "read", "READ", true, 0 },
    { "stored", "STORED", true, 0 },
    { "duplicates", "DUPLICATES", true, 0 },
    { "rejected", "REJECTED", true, 0 },
    { "issues", "ISSUES", true, 0 },
    { "resumed", "RESUMED", false, 0 },
    { "path", "PATH", false, 0 },
};

struct importing {
    struct cli *cli;
    struct progress progress;
    struct acquisition acquisition;
    char told[sizeof(((struct import_result *)0)->fences)];
};

static int tell(void *ctx, const struct import_progress *p)
{
    struct importing *im = ctx;
    return progress_tell(&im->progress, &(struct progress_state){
                                            .done = p->bytes_done,
                                            .all = p->bytes_all,
                                            .items = p->records,
                                            .unit = "records",
                                            .path = str_from(p->path),
                                        });
}

/* The case inside the evidence would become a part of it. */
static int check_apart(const struct cli *cli, const char *path, struct err *err)
{
    char *where = realpath(cli->words[0], NULL);
    struct str evidence = str_from(path), own = str_from(where);
    bool inside = str_eq(own, evidence) ||
                  (str_starts(own, evidence) && own.p[evidence.n] == '/');
    free(where);
    if (!inside)
        return 0;
    err_set(err, ERR_USAGE, "%s: the case lies inside this evidence",
            text_line(evidence));
    err_hint(err, "Make the case in a folder of its own.");
    return ERR_USAGE;
}

static int take_sha256(struct cli *cli, struct str hex,
                       struct import_options *o, struct err *err)
{
    struct import_claim *claim;
    if (cli->n_words != 2)
        return err_set(err, ERR_USAGE, "--sha256: only with a single file");
    claim = arena_alloc(&cli->arena, sizeof(*claim));
    if (!claim)
        return err_set(err, ERR_INTERNAL, "out of memory");
    *claim = (struct import_claim){ .algo = HASH_SHA256 };
    if (!hash_from_hex(hex, claim->value, SHA256_LEN))
        return err_set(err, ERR_USAGE, "--sha256: %s: not 64 hex digits",
                       text_line(hex));
    o->claims = claim;
    o->n_claims = 1;
    return 0;
}

static int take_sums(struct cli *cli, const char *path,
                     struct import_options *o, struct err *err)
{
    struct sums_line *lines = NULL;
    struct str text;
    struct err own = { 0 };
    size_t n = 0;
    int rc = import_record_file(cli, path, &text, err);
    if (rc)
        return rc;
    rc = sums_parse(text, &cli->arena, &lines, &n, &own);
    struct import_claim *claims =
        rc ? NULL : arena_array(&cli->arena, n + 1, sizeof(*claims));
    for (size_t i = 0; claims && i < n; i++) {
        claims[i] = (struct import_claim){ .path = lines[i].path,
                                           .algo = lines[i].algo };
        memcpy(claims[i].value, lines[i].value, sizeof(claims[i].value));
    }
    free(lines);
    o->claims = claims;
    o->n_claims = n;
    o->sums = true;
    if (rc) {
        err_set(err, rc, "%s: %s", text_line(str_from(path)), own.what);
        err_hint(err, "%s", own.hint);
    } else if (!claims) {
        rc = err_set(err, ERR_INTERNAL, "out of memory");
    } else if (n == 0) {
        rc = err_set(err, ERR_USAGE, "%s: no digests in it",
                     text_line(str_from(path)));
    }
    return rc;
}

static int take_claim(struct cli *cli, struct import_options *o,
                      struct err *err)
{
    struct str hex = arg_str(cli, "--sha256");
    const char *sums = arg_value(cli, "--sums");
    if (hex.p && sums)
        return err_set(err, ERR_USAGE, "--sha256 or --sums, not both");
    return hex.p  ? take_sha256(cli, hex, o, err)
           : sums ? take_sums(cli, sums, o, err)
                  : 0;
}

static int take_options(struct importing *im, struct import_options *o,
                        struct err *err)
{
    struct cli *cli = im->cli;
    uint64_t jobs = 0;
    int rc = arg_u64(cli, "--jobs", &jobs, err);
    if (rc == 0 && jobs > 256)
        rc = err_set(err, ERR_USAGE, "--jobs: at most 256");
    *o = (struct import_options){
        .as = arg_str(cli, "--as"),
        .note = arg_str(cli, "--exhibit-note"),
        .jobs = (unsigned)jobs,
        .hash_files = arg_has(cli, "--hash-files"),
        .hash_weak = arg_has(cli, "--hash-weak"),
        .embed = arg_has(cli, "--embed"),
        .unsandboxed_ok = arg_has(cli, "--unsandboxed"),
        .claim_reason = arg_str(cli, "--claim-reason"),
        .changed_reason = arg_str(cli, "--changed-reason"),
        .version = STR(PACKAGE_VERSION),
        .libraries = cli_libraries(&cli->arena),
        .argv = cli->line,
        .progress = tell,
        .ctx = im,
    };
    if (rc == 0 && o->as.p && !importer_by_name(o->as)) {
        err_set(err, ERR_USAGE, "--as: %s: no such format", text_line(o->as));
        err_hint(err, "kanshiki importers lists the formats.");
        rc = ERR_USAGE;
    }
    if (rc == 0)
        rc = take_claim(cli, o, err);
    if (rc == 0)
        rc = acquisition_take(cli, &im->acquisition, o, err);
    if (rc == 0)
        rc = import_record(cli, o, err);
    return rc ? rc : progress_open(&im->progress, cli, "importing", err);
}

static void put_result(struct table *t, const struct import_result *r,
                       struct str path)
{
    table_str(t, name_exhibit(r->exhibit));
    table_u64(t, r->files);
    table_u64(t, r->bytes);
    table_u64(t, r->read);
    table_u64(t, r->stored);
    table_u64(t, r->duplicates);
    table_u64(t, r->rejected);
    table_u64(t, r->issues);
    table_str(t, r->resumed ? STR("yes") : STR("no"));
    table_str(t, path);
}

/* A path that is whole in the case is told and left. */
static bool only_known(int rc, const struct err *err)
{
    return rc == ERR_USAGE && strstr(err->what, "already in the case");
}

static int import_one(struct importing *im, struct casedb *c,
                      struct import_options *o, struct table *t,
                      struct err *err)
{
    struct import_result r = { 0 };
    int rc = import_path(c, o, &r, err);
    progress_end(&im->progress);
    if (only_known(rc, err)) {
        message("%s: %s", text_line(o->path), err->what);
        return 0;
    }
    if (rc == ERR_STOPPED) {
        err_set(err, ERR_STOPPED, "%s: interrupted", text_line(o->path));
        err_hint(err, "The same command resumes where it stopped.");
    }
    if (rc)
        return rc;
    put_result(t, &r, o->path);
    im->cli->issues |= r.issues > 0 || r.rejected > 0;
    rc = acquisition_keep(im->cli, c, &im->acquisition, r.exhibit,
                          o->claim_reason, err);
    if (rc)
        return rc;
    if (r.fences[0] && strcmp(r.fences, im->told) != 0)
        message("protection of workers: %s", r.fences);
    memcpy(im->told, r.fences, sizeof(im->told));
    if (r.read != r.stored + r.duplicates + r.rejected)
        return err_set(err, ERR_INTERNAL,
                       "X%lld: the sums do not agree: %llu read, %llu "
                       "stored, %llu duplicates, %llu rejected",
                       (long long)r.exhibit, (unsigned long long)r.read,
                       (unsigned long long)r.stored,
                       (unsigned long long)r.duplicates,
                       (unsigned long long)r.rejected);
    return 0;
}

/* All paths, before anything is done with the first. */
static int resolve(const struct cli *cli, char **paths, struct err *err)
{
    for (size_t i = 1; i < cli->n_words; i++) {
        paths[i] = realpath(cli->words[i], NULL);
        if (!paths[i])
            return err_errno(err, ERR_EVIDENCE, "%s",
                             text_line(arg_word(cli, i)));
        int rc = check_apart(cli, paths[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

static int import_all(struct importing *im, struct import_options *o,
                      char **paths, struct err *err)
{
    struct cli *cli = im->cli;
    struct casedb *c;
    int rc = cli_open(cli, CASE_WRITE, &c, err);
    if (rc)
        return rc;
    struct table *t =
        out_table(cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    rc = t ? 0 : err->code;
    for (size_t i = 1; i < cli->n_words && rc == 0; i++) {
        o->path = str_from(paths[i]);
        rc = import_one(im, c, o, t, err);
    }
    case_close(c);
    struct err close_err = { 0 };
    int closed = t ? table_close(t, rc ? &close_err : err) : 0;
    return rc ? rc : closed;
}

static int run(struct cli *cli, struct err *err)
{
    struct importing im = { .cli = cli };
    struct import_options o;
    char **paths = arena_array(&cli->arena, cli->n_words, sizeof(*paths));
    int rc = paths ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    if (rc == 0)
        rc = take_options(&im, &o, err);
    if (rc == 0)
        rc = resolve(cli, paths, err);
    if (rc == 0)
        rc = import_all(&im, &o, paths, err);
    for (size_t i = 1; paths && i < cli->n_words; i++)
        free(paths[i]);
    if (rc == 0 && cli->issues)
        message("there are issues in the evidence: kanshiki status %s",
                text_line(str_from(cli->words[0])));
    return rc;
}

const struct command cmd_import = {
    .name = "import",
    .group = GROUP_CASE,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE PATH...",
    .summary = "Read evidence into the case",
    .text =
        "Each path, a file or a folder, becomes an exhibit (X1, X2, ..). "
        "Formats are recognised by content. Evidence is opened for reading "
        "only and parsed in worker processes that can do nothing but parse.\n\n"
        "For every file, records read = stored + duplicates + rejected; what "
        "could not be read is listed by kanshiki status.\n\n"
        "An import that was interrupted, in whatever way, is resumed by giving "
        "the same command again, and ends with the same content. It is refused "
        "when a file that was read, or half of it, is another one now; "
        "--changed-reason goes on with what was read before. A path that "
        "is whole in the case is not imported twice.",
    .options = options,
    .examples = examples,
    .min = 2,
    .max = WORDS_ANY,
    .run = run,
};
