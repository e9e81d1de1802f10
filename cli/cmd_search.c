/* Search in the bytes of the evidence, wherever a field may have put them. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"
#include "cli/progress.h"
#include "cli/raw.h"
#include "cli/search_hits.h"
#include "cli/search_keywords.h"

#include "analyzer/cite.h"
#include "base/text.h"

#include <stdlib.h>

static const struct command_option options[] = {
    { "-i", NULL, "ASCII letters match in either case", 0 },
    { "--regex", NULL, "TEXT is a regular expression (PCRE2, over bytes)", 0 },
    { "--keywords", "FILE",
      "in place of TEXT: each line of FILE, as UTF-8 and as UTF-16", 0 },
    { "--counts", NULL, "of keywords: how many hits of each, and where", 0 },
    { "--exhibit", "X1", "only in this exhibit", 0 },
    { "--limit", "N", "stop after N hits; default 1000, 0 = no limit", 0 },
    { "--context", "N", "bytes shown on either side; default 40", 0 },
    { "--show-secrets", NULL,
      "the context in records with secrets, too; noted in the audit log", 0 },
    { "--progress", "FORM", "auto (default), jsonl or none", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "search incident.kan ASIAAPPSTOLENEXAMPLE",
      "Every place where the key occurs." },
    { "search incident.kan --regex 'curl [^\"]*169\\.254'",
      "A pattern; where it stands, the event is named." },
    { "search incident.kan --keywords terms.txt --counts",
      "Many texts at once: in files, slack, free space and memory." },
    { 0 },
};

static const struct table_column columns[] = {
    { "event", "EVENT", false, 0 },
    { "time", "TIME", false, 0 },
    { "cite", "CITATION", false, 60 },
    { "context", "CONTEXT", false, 0 },
};

struct search {
    struct cli *cli;
    struct casedb *c;
    struct raw raw;
    struct table *t;
    struct progress progress;
    struct raw_search find;
    struct str text;
    uint64_t hits, limit, context;
    bool full;
    struct err *err;
    struct search_hits kept; /* of the member at work */
};

static int keep_hit(void *ctx, const struct raw_hit *h)
{
    struct search *s = ctx;
    if (s->limit && s->hits + s->kept.n >= s->limit) {
        s->full = true;
        return 1;
    }
    return search_hits_keep(&s->kept, h)
               ? err_set(s->err, ERR_INTERNAL, "out of memory")
               : 0;
}

static int show_member(void *ctx, struct err *err)
{
    struct search *s = ctx;
    int rc = search_hits_show(&s->kept, &s->hits, err);
    return rc ? rc : s->full;
}

static int take_options(struct search *s, struct err *err)
{
    struct cli *cli = s->cli;
    struct str exhibit = arg_str(cli, "--exhibit");
    s->limit = 1000;
    s->context = 40;
    s->text = arg_word(cli, 1);
    if (s->text.n == 0)
        return err_set(err, ERR_USAGE, "search: the text is empty");
    s->find = (struct raw_search){ .needles = { &s->text, 1, 0, 0 },
                                   .hit = keep_hit,
                                   .done = show_member,
                                   .ctx = s };
    if (arg_has(cli, "-i"))
        s->find.needles.flags |= SCAN_FOLD;
    if (arg_has(cli, "--regex"))
        s->find.needles.flags |= SCAN_REGEX;
    int rc = arg_u64(cli, "--limit", &s->limit, err);
    if (rc == 0)
        rc = arg_u64(cli, "--context", &s->context, err);
    if (rc == 0 && s->context > 4096)
        rc = err_set(err, ERR_USAGE, "--context: at most 4096");
    if (rc == 0 && exhibit.p)
        rc = arg_exhibit(exhibit, &s->find.exhibit, err);
    return rc ? rc : progress_open(&s->progress, cli, "searching", err);
}

static int search_all(struct search *s, struct err *err)
{
    int rc = raw_begin(&s->raw, s->c, err);
    s->raw.progress = &s->progress;
    s->err = err;
    if (rc == 0) {
        s->t = out_table(s->cli, columns, 4, err);
        rc = s->t ? 0 : err->code;
    }
    s->kept = (struct search_hits){ .cli = s->cli,
                                    .c = s->c,
                                    .raw = &s->raw,
                                    .t = s->t,
                                    .context = s->context };
    if (rc == 0)
        rc = raw_search(&s->raw, &s->find, err);
    raw_close(&s->raw);
    s->cli->issues |= s->find.unread > 0;
    return rc < 0 ? rc : 0;
}

static void tell(const struct search *s)
{
    struct buf b = { 0 };
    buf_printf(&b, "%llu hits in %llu files", (unsigned long long)s->hits,
               (unsigned long long)s->find.members);
    if (s->full)
        buf_printf(&b, ", stopped at the limit");
    if (s->find.unread)
        buf_printf(&b, "; %llu could not be searched",
                   (unsigned long long)s->find.unread);
    buf_putc(&b, 0);
    message("%s", b.failed ? "" : b.p);
    buf_free(&b);
}

static int run(struct cli *cli, struct err *err)
{
    struct search s = { .cli = cli };
    if (arg_str(cli, "--keywords").p)
        return arg_word(cli, 1).p
                   ? err_set(err, ERR_USAGE,
                             "search: a TEXT or --keywords, not both")
                   : search_keywords(cli, err);
    int rc = arg_word(cli, 1).p
                 ? take_options(&s, err)
                 : err_set(err, ERR_USAGE, "search: no TEXT to search for");
    if (rc == 0 && arg_has(cli, "--show-secrets"))
        rc = cli_log_secrets(cli, cli->line, err);
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &s.c, err);
    if (rc)
        return rc;
    rc = search_all(&s, err);
    progress_end(&s.progress);
    struct err close_err = { 0 };
    int closed = s.t ? table_close(s.t, rc ? &close_err : err) : 0;
    rc = rc ? rc : closed;
    case_close(s.c);
    if (rc == 0) {
        tell(&s);
        rc = cli_log_query(cli, cli->line, s.full ? -1 : (int64_t)s.hits, err);
    }
    search_hits_free(&s.kept);
    return rc;
}

const struct command cmd_search = {
    .name = "search",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ASKS,
    .words = "CASE [TEXT]",
    .summary = "Search the bytes of the evidence",
    .text =
        "Goes through the decoded bytes of every file, so it also finds what "
        "no importer understood. Each hit is named by its citation and by the "
        "event whose record it lies in.\n\n"
        "Every search is kept in the query log, also one without hits: that "
        "something was looked for and not found is a result.\n\n"
        "With --keywords a list of texts is searched for in one pass (of some "
        "hundred, in several). A disk is gone through as a whole: a hit is of "
        "a "
        "file, of the slack behind its end, of a deleted file, of no file "
        "(free space, or the file system's own records), or outside of all "
        "volumes. Texts that a file has in two pieces of the disk are found, "
        "too; this and the names of files are known for ext and XFS. Each "
        "text is an entry of the query log with its hits, also with none.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 2,
    .run = run,
};
