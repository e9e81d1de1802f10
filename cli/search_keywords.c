/*
 * search --keywords: each text of a list, as UTF-8 and as UTF-16, over all
 * bytes once (cli/raw.h), with counts of where.
 */
#include "cli/search_keywords.h"

#include <stdlib.h>

#include "analyzer/cite.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/keywords.h"
#include "cli/names.h"
#include "cli/search_hits.h"

_Static_assert((int)RAW_WHERES <= (int)KEYWORD_WHERES,
               "keyword.where holds all");

static const char *const where_names[RAW_WHERES] = {
    "file", "slack", "deleted", "no file", "outside", "memory", "log",
};

static const struct table_column hit_columns[] = {
    { "keyword", "KEYWORD", false, 24 }, { "event", "EVENT", false, 0 },
    { "time", "TIME", false, 0 },        { "where", "WHERE", false, 0 },
    { "cite", "CITATION", false, 60 },   { "context", "CONTEXT", false, 0 },
};
static const struct table_column count_columns[] = {
    { "keyword", "KEYWORD", false, 40 }, { "hits", "HITS", true, 0 },
    { "file", "FILES", true, 0 },        { "slack", "SLACK", true, 0 },
    { "deleted", "DELETED", true, 0 },   { "free", "NO FILE", true, 0 },
    { "outside", "OUTSIDE", true, 0 },   { "memory", "MEMORY", true, 0 },
    { "log", "LOGS", true, 0 },
};

struct search {
    struct cli *cli;
    struct casedb *c;
    struct raw raw;
    struct progress progress;
    struct keywords list;
    struct table *t;
    bool counts;
    uint64_t limit, context, shown, hits, members, unread;
    struct raw_search find;
    /* of the pass at work */
    struct arena pass;
    struct str *needles;
    size_t n_needles, *keyword_of;
    struct search_hits kept; /* of the member at work */
};

/* ---- hits ---------------------------------------------------------------- */

static int keep(void *ctx, const struct raw_hit *h)
{
    struct search *s = ctx;
    struct keyword *k = &s->list.v[s->keyword_of[h->needle]];
    k->hits++;
    k->where[h->where]++;
    s->hits++;
    if (s->counts || (s->limit && s->shown + s->kept.n >= s->limit))
        return 0;
    return search_hits_keep(&s->kept, h);
}

static void put_keyword(void *ctx, const struct raw_hit *h)
{
    const struct search *s = ctx;
    table_str(s->t, s->list.v[s->keyword_of[h->needle]].text);
}

static void put_where(void *ctx, const struct raw_hit *h)
{
    const struct search *s = ctx;
    table_str(s->t, str_from(where_names[h->where]));
}

static int show_member(void *ctx, struct err *err)
{
    struct search *s = ctx;
    return search_hits_show(&s->kept, &s->shown, err);
}

/* ---- passes -------------------------------------------------------------- */

/* As many keywords as one request takes, from `from` on. 0: no memory. */
static size_t fill_pass(struct search *s, size_t from)
{
    size_t n = s->list.n - from, bytes = 0, k = 0;
    if (n > SCAN_NEEDLES_MAX / 2)
        n = SCAN_NEEDLES_MAX / 2;
    arena_reset(&s->pass);
    s->needles = arena_array(&s->pass, 2 * n, sizeof *s->needles);
    s->keyword_of = arena_array(&s->pass, 2 * n, sizeof *s->keyword_of);
    s->n_needles = 0;
    if (!s->needles || !s->keyword_of)
        return 0;
    for (; k < n; k++) {
        struct str text = s->list.v[from + k].text;
        struct str wide = keyword_utf16(text, &s->pass);
        bytes += text.n + wide.n + 8;
        if (k && bytes > SCAN_NEEDLE_BYTES)
            break;
        s->keyword_of[s->n_needles] = from + k;
        s->needles[s->n_needles++] = text;
        if (wide.n) {
            s->keyword_of[s->n_needles] = from + k;
            s->needles[s->n_needles++] = wide;
        }
    }
    return k;
}

static int all_passes(struct search *s, struct err *err)
{
    int rc = 0;
    for (size_t from = 0; from < s->list.n && rc == 0;) {
        size_t n = fill_pass(s, from);
        if (n == 0)
            return err_set(err, ERR_INTERNAL, "out of memory");
        s->find.needles.needles = s->needles;
        s->find.needles.n = s->n_needles;
        rc = raw_search(&s->raw, &s->find, err);
        s->unread += s->find.unread;
        s->members = s->find.members;
        from += n;
    }
    return rc;
}

static void put_counts(struct search *s)
{
    for (size_t i = 0; i < s->list.n; i++) {
        const struct keyword *k = &s->list.v[i];
        table_str(s->t, k->text);
        table_u64(s->t, k->hits);
        for (size_t w = 0; w < RAW_WHERES; w++)
            table_u64(s->t, k->where[w]);
    }
}

/* Every term is a search of its own in the query log, also without a hit. */
static int log_terms(struct search *s, struct err *err)
{
    struct arena a = { 0 };
    struct cli_query *q = arena_array(&a, s->list.n, sizeof *q);
    int rc = q ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; rc == 0 && i < s->list.n; i++)
        q[i] =
            (struct cli_query){ s->list.v[i].text, (int64_t)s->list.v[i].hits };
    if (rc == 0)
        rc = cli_log_queries(s->cli, q, s->list.n, err);
    arena_free(&a);
    return rc;
}

static void tell(const struct search *s)
{
    size_t found = 0;
    for (size_t i = 0; i < s->list.n; i++)
        found += s->list.v[i].hits > 0;
    message("%llu hits of %zu of %zu keywords in %llu files%s",
            (unsigned long long)s->hits, found, s->list.n,
            (unsigned long long)s->members,
            s->limit && s->shown >= s->limit && !s->counts
                ? "; not all are shown: --limit, --counts"
                : "");
    if (s->unread)
        message("%llu files could not be searched to their end",
                (unsigned long long)s->unread);
}

static int take_options(struct search *s, struct err *err)
{
    struct cli *cli = s->cli;
    struct str of = arg_str(cli, "--exhibit");
    s->limit = 1000;
    s->context = 40;
    s->counts = arg_has(cli, "--counts");
    s->find = (struct raw_search){ .needles.flags =
                                       arg_has(cli, "-i") ? SCAN_FOLD : 0u,
                                   .hit = keep,
                                   .done = show_member,
                                   .ctx = s };
    int rc = arg_has(cli, "--regex")
                 ? err_set(err, ERR_USAGE, "--keywords are texts, not patterns")
                 : arg_u64(cli, "--limit", &s->limit, err);
    if (rc == 0)
        rc = arg_u64(cli, "--context", &s->context, err);
    if (rc == 0 && s->context > 4096)
        rc = err_set(err, ERR_USAGE, "--context: at most 4096");
    if (rc == 0 && of.p)
        rc = arg_exhibit(of, &s->find.exhibit, err);
    if (rc == 0)
        rc = keywords_load(&s->list, arg_str(cli, "--keywords").p, err);
    return rc ? rc : progress_open(&s->progress, cli, "searching", err);
}

static int search_case(struct search *s, struct err *err)
{
    int rc = raw_begin(&s->raw, s->c, err);
    s->raw.progress = &s->progress;
    if (rc == 0) {
        s->t = s->counts ? out_table(s->cli, count_columns, 2 + RAW_WHERES, err)
                         : out_table(s->cli, hit_columns, 6, err);
        rc = s->t ? 0 : err->code;
    }
    s->kept = (struct search_hits){ .cli = s->cli,
                                    .c = s->c,
                                    .raw = &s->raw,
                                    .t = s->t,
                                    .context = s->context,
                                    .before = put_keyword,
                                    .behind = put_where,
                                    .ctx = s };
    if (rc == 0)
        rc = all_passes(s, err);
    if (rc == 0 && s->counts)
        put_counts(s);
    raw_close(&s->raw);
    s->cli->issues |= s->unread > 0;
    return rc;
}

int search_keywords(struct cli *cli, struct err *err)
{
    struct search s = { .cli = cli };
    int rc = take_options(&s, err);
    if (rc == 0 && arg_has(cli, "--show-secrets"))
        rc = cli_log_secrets(cli, cli->line, err);
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &s.c, err);
    if (rc == 0) {
        rc = search_case(&s, err);
        progress_end(&s.progress);
        struct err close_err = { 0 };
        int closed = s.t ? table_close(s.t, rc ? &close_err : err) : 0;
        rc = rc ? rc : closed;
        case_close(s.c);
    }
    if (rc == 0) {
        tell(&s);
        rc = log_terms(&s, err);
    }
    keywords_free(&s.list);
    arena_free(&s.pass);
    search_hits_free(&s.kept);
    return rc;
}
