/* The case of a command, the fence around it, the query log. */
#include "cli/command.h"

#include "analyzer/analyze.h"
#include "base/json.h"
#include "base/text.h"
#include "casedb/examiner.h"
#include "evidence/fences.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUTS_MAX = 8, TRIES = 50 };

/* The folder that holds a path, in the arena. */
static const char *folder_of(struct arena *a, const char *path)
{
    struct str p = str_from(path);
    while (p.n > 1 && p.p[p.n - 1] == '/')
        p.n--;
    while (p.n > 0 && p.p[p.n - 1] != '/')
        p.n--;
    return arena_copy(a, p.n ? p : STR(".")).p;
}

int cli_confine(struct cli *cli, struct err *err)
{
    const char *paths[OUTPUTS_MAX];
    size_t n = 0;
    if (cli->command->flags & COMMAND_CASE && cli->n_words)
        paths[n++] = folder_of(&cli->arena, cli->words[0]);
    for (size_t i = 0; i < cli->n_given && n < OUTPUTS_MAX; i++) {
        const struct option_given *g = &cli->given[i];
        if (g->option->flags & OPTION_OUTPUT && strcmp(g->value, "-") != 0)
            paths[n++] = folder_of(&cli->arena, g->value);
    }
    for (size_t i = 0; i < n; i++) {
        if (!paths[i])
            return err_set(err, ERR_INTERNAL, "out of memory");
        if (access(paths[i], F_OK) == 0)
            continue;
        err_errno(err,
                  i == 0 && cli->command->flags & COMMAND_CASE ? ERR_CASE
                                                               : ERR_WRITE,
                  "%s", text_line(str_from(paths[i])));
        err_hint(err, "The folder has to exist.");
        return err->code;
    }
    return fences_write_only(paths, n, &cli->fences, err);
}

/* ---- outputs ------------------------------------------------------------- */

struct output_check {
    struct cli *cli;
    const char *folder; /* where the output goes, resolved */
    const char *value;  /* as given */
    struct err *err;
};

/* An output within an exhibit would be evidence at the next look. */
static int outside(void *ctx, const struct exhibit *e)
{
    struct output_check *o = ctx;
    struct str folder = str_from(o->folder);
    if (!str_starts(folder, e->path) ||
        (folder.n > e->path.n && folder.p[e->path.n] != '/'))
        return 0;
    return err_set(o->err, ERR_USAGE, "%s: lies inside the evidence X%lld",
                   text_line(str_from(o->value)), (long long)e->no);
}

static int check_output(struct cli *cli, struct casedb *c, const char *value,
                        struct err *err)
{
    struct stat own, out;
    /* an existing folder is written into */
    bool inside = stat(value, &out) == 0 && S_ISDIR(out.st_mode);
    char *folder =
        realpath(inside ? value : folder_of(&cli->arena, value), NULL);
    struct output_check o = { cli, folder, value, err };
    int rc = folder
                 ? case_exhibits(c, outside, &o, err)
                 : err_errno(err, ERR_WRITE, "%s", text_line(str_from(value)));
    if (rc == 0 && stat(cli->words[0], &own) == 0 && stat(value, &out) == 0 &&
        own.st_dev == out.st_dev && own.st_ino == out.st_ino)
        rc = err_set(err, ERR_USAGE, "%s: that is the case",
                     text_line(str_from(value)));
    free(folder);
    return rc;
}

/* Readers are soon done: the terminal interface lets go of the case when its
 * user rests. Who writes may do so for hours. */
static int open_in_turn(const char *path, enum case_mode mode,
                        struct casedb **out, struct err *err)
{
    int rc = 0;
    for (int i = 0; i < TRIES; i++) {
        *err = (struct err){ 0 };
        rc = case_open(path, mode, out, err);
        if (rc != ERR_CASE || mode != CASE_WRITE ||
            !strstr(err->what, "in use by") || !strstr(err->what, "(reading,"))
            break;
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    }
    return rc;
}

int cli_open(struct cli *cli, enum case_mode mode, struct casedb **out,
             struct err *err)
{
    int rc = open_in_turn(cli->words[0], mode, out, err);
    struct str examiner = arg_str(cli, "--examiner");
    if (rc)
        return rc;
    if (examiner.n)
        case_set_actor(*out, examiner);
    for (size_t i = 0; i < cli->n_given && rc == 0; i++)
        if (cli->given[i].option->flags & OPTION_OUTPUT &&
            strcmp(cli->given[i].value, "-") != 0)
            rc = check_output(cli, *out, cli->given[i].value, err);
    if (rc) {
        case_close(*out);
        *out = NULL;
    }
    return rc;
}

int cli_tell_analyzed(struct casedb *c, struct err *err)
{
    uint64_t seen = 0, stale = 0;
    int rc = case_analyzed(c, &seen, err);
    if (rc == 0)
        rc = analyze_stale(c, &stale, err);
    if (rc)
        return rc;
    if (seen == 0)
        message("not known yet: kanshiki analyze");
    else if (stale)
        message("%llu events came since: kanshiki analyze again",
                (unsigned long long)stale);
    return 0;
}

/* ---- the query log ------------------------------------------------------- */

/* Another process may be reading: that is over soon. */
static int open_patiently(struct cli *cli, struct casedb **out, struct err *err)
{
    int rc = 0;
    for (int i = 0; i < TRIES; i++) {
        rc = cli_open(cli, CASE_WRITE, out, err);
        if (rc != ERR_CASE || !strstr(err->what, "in use by"))
            break;
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    }
    return rc;
}

int cli_log_query(struct cli *cli, struct str text, int64_t hits,
                  struct err *err)
{
    const struct cli_query q = { text, hits };
    return cli_log_queries(cli, &q, 1, err);
}

int cli_log_queries(struct cli *cli, const struct cli_query *q, size_t n,
                    struct err *err)
{
    struct casedb *c;
    if (arg_has(cli, "--read-only")) {
        message("--read-only: this search is not in the query log");
        return 0;
    }
    const char *folder = folder_of(&cli->arena, cli->words[0]);
    if (access(cli->words[0], W_OK) || (folder && access(folder, W_OK))) {
        message("the case cannot be written (%s): this search is not in the "
                "query log",
                strerror(errno));
        return 0;
    }
    int rc = open_patiently(cli, &c, err);
    if (rc)
        return err_wrap(err, "the search is not in the query log");
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = case_query_add(c, str_from(cli->command->name), q[i].text,
                            q[i].hits, err);
    case_close(c);
    return rc;
}

int cli_log_secrets(struct cli *cli, struct str what, struct err *err)
{
    struct casedb *c;
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    int rc = open_patiently(cli, &c, err);
    if (rc)
        return err_wrap(err, "--show-secrets: cannot be noted in the audit "
                             "log, so nothing is shown");
    json_put_open(&o, '{');
    json_put_kstr(&o, "command", str_from(cli->command->name));
    json_put_close(&o, '}');
    rc = b.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                  : case_audit(c, STR("secrets.show"), what, buf_str(&b), err);
    buf_free(&b);
    case_close(c);
    return rc;
}
