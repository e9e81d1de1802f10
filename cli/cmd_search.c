/* Search in the bytes of the evidence, wherever a field may have put them. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"
#include "cli/progress.h"
#include "cli/raw.h"
#include "cli/reference.h"

#include "base/text.h"

#include <stdlib.h>

static const struct command_option options[] = {
    { "-i", NULL, "ASCII letters match in either case", 0 },
    { "--regex", NULL, "TEXT is a regular expression (PCRE2, over bytes)", 0 },
    { "--exhibit", "X1", "only in this exhibit", 0 },
    { "--limit", "N", "stop after N hits; default 1000, 0 = no limit", 0 },
    { "--context", "N", "bytes shown on either side; default 40", 0 },
    { "--progress", "FORM", "auto (default), jsonl or none", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "search incident.kan ASIAAPPSTOLENEXAMPLE",
      "Every place where the key occurs." },
    { "search incident.kan --regex 'curl [^\"]*169\\.254'",
      "A pattern; where it stands, the event is named." },
    { 0 },
};

static const struct table_column columns[] = {
    { "event", "EVENT", false, 0 },
    { "time", "TIME", false, 0 },
    { "cite", "CITATION", false, 60 },
    { "context", "CONTEXT", false, 0 },
};

struct place {
    uint64_t off, len;
};

struct search {
    struct cli *cli;
    struct casedb *c;
    struct raw raw;
    struct table *t;
    struct progress progress;
    struct progress_state at;
    struct reader_needles needles;
    struct str text;
    uint64_t hits, limit, context, unread;
    int64_t exhibit;
    bool full;
    /* members, since the reader is used while they are gone through */
    struct member *members;
    size_t n, cap;
    struct arena arena;
    struct err *err;
    /* hits of the member at work */
    struct place *places;
    size_t n_places, cap_places;
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "out of memory");
}

/* Only outermost layers hold all bytes: a member inside another one with the
 * same layers before is covered, one behind a decoder is not. */
static int keep_member(void *ctx, const struct member *m)
{
    struct search *s = ctx;
    if (s->exhibit && m->exhibit != s->exhibit)
        return 0;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 256;
        struct member *more = realloc(s->members, cap * sizeof(*more));
        if (!more)
            return no_memory(s->err);
        s->members = more;
        s->cap = cap;
    }
    struct member *k = &s->members[s->n++];
    *k = *m;
    k->path = arena_copy(&s->arena, m->path);
    k->layers = arena_copy(&s->arena, m->layers);
    k->format = STR("");
    k->sha256 = STR("");
    s->at.all += m->size;
    return k->path.p && k->layers.p ? 0 : no_memory(s->err);
}

static int keep_place(void *ctx, const struct reader_hit *h)
{
    struct search *s = ctx;
    if (progress_tell(&s->progress, &s->at))
        return err_set(s->err, ERR_STOPPED, "search: interrupted");
    if (s->limit && s->hits + s->n_places >= s->limit) {
        s->full = true;
        return 1;
    }
    if (s->n_places == s->cap_places) {
        size_t cap = s->cap_places ? 2 * s->cap_places : 64;
        struct place *more = realloc(s->places, cap * sizeof(*more));
        if (!more)
            return no_memory(s->err);
        s->places = more;
        s->cap_places = cap;
    }
    s->places[s->n_places++] = (struct place){ h->off, h->len };
    s->at.items++;
    return 0;
}

static int put_place(struct search *s, const struct member *m,
                     const struct place *p, struct err *err)
{
    struct arena a = { 0 };
    struct reader_got got = { .bytes = STR("") };
    struct event e = { .timed = false };
    int64_t event;
    uint64_t from = p->off > s->context ? p->off - s->context : 0;
    int rc = reference_event_at(s->c, m, p->off, 0, false, &event, err);
    if (rc == 0 && event)
        rc = case_event(s->c, event, &a, &e, err);
    if (rc == 0)
        rc = raw_read(&s->raw, m, from, p->off - from + p->len + s->context, &a,
                      &got, err);
    if (rc == 0) {
        if (event)
            table_str(s->t, name_event(event));
        else
            table_null(s->t);
        table_time(s->t, s->cli, e.timed, e.t, -1);
        table_str(s->t, reference_cite_bytes(m, p->off, p->len, 0, &a));
        table_str(s->t, got.bytes);
        s->hits++;
    }
    arena_free(&a);
    return rc;
}

static int search_member(struct search *s, const struct member *m,
                         struct err *err)
{
    struct err own = { 0 };
    uint64_t scanned = 0;
    s->n_places = 0;
    s->err = err;
    s->at.path = m->path;
    if (progress_tell(&s->progress, &s->at))
        return err_set(err, ERR_STOPPED, "search: interrupted");
    int rc = exhibit_files_member(&s->raw.files, m, &own);
    if (rc == 0) {
        struct reader_place p = { s->raw.files.fds, s->raw.files.n_fds,
                                  m->layers, 0, UINT64_MAX };
        rc = reader_scan(s->raw.reader, &p, &s->needles, keep_place, s,
                         &scanned, &own);
    }
    if (rc == ERR_EVIDENCE) {
        message("X%lld/%s: not searched: %s", (long long)m->exhibit,
                text_line(m->path), own.what);
        s->unread++;
        s->cli->issues = true;
        rc = 0;
    } else if (rc < 0 && own.code) {
        *err = own;
    }
    if (rc < 0)
        return rc;
    s->at.done += m->size;
    for (size_t i = 0; i < s->n_places; i++) {
        rc = put_place(s, m, &s->places[i], err);
        if (rc)
            return rc;
    }
    return 0;
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
    s->needles = (struct reader_needles){ &s->text, 1, 0, 0 };
    if (arg_has(cli, "-i"))
        s->needles.flags |= SCAN_FOLD;
    if (arg_has(cli, "--regex"))
        s->needles.flags |= SCAN_REGEX;
    int rc = arg_u64(cli, "--limit", &s->limit, err);
    if (rc == 0)
        rc = arg_u64(cli, "--context", &s->context, err);
    if (rc == 0 && s->context > 4096)
        rc = err_set(err, ERR_USAGE, "--context: at most 4096");
    if (rc == 0 && exhibit.p)
        rc = arg_exhibit(exhibit, &s->exhibit, err);
    return rc ? rc : progress_open(&s->progress, cli, "searching", err);
}

static int search_all(struct search *s, struct err *err)
{
    int rc = raw_open(&s->raw, s->c, err);
    if (rc == 0) {
        s->err = err;
        rc = case_members(s->c, s->exhibit, keep_member, s, err);
    }
    if (rc == 0) {
        s->t = out_table(s->cli, columns, 4, err);
        rc = s->t ? 0 : err->code;
    }
    for (size_t i = 0; i < s->n && rc == 0 && !s->full; i++)
        rc = search_member(s, &s->members[i], err);
    raw_close(&s->raw);
    return rc;
}

static void tell(const struct search *s)
{
    struct buf b = { 0 };
    buf_printf(&b, "%llu hits in %zu files", (unsigned long long)s->hits, s->n);
    if (s->full)
        buf_printf(&b, ", stopped at the limit");
    if (s->unread)
        buf_printf(&b, "; %llu could not be searched",
                   (unsigned long long)s->unread);
    buf_putc(&b, 0);
    message("%s", b.failed ? "" : b.p);
    buf_free(&b);
}

static int run(struct cli *cli, struct err *err)
{
    struct search s = { .cli = cli, .at = { .unit = "hits" } };
    int rc = take_options(&s, err);
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
    free(s.members);
    free(s.places);
    arena_free(&s.arena);
    return rc;
}

const struct command cmd_search = {
    .name = "search",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ASKS,
    .words = "CASE TEXT",
    .summary = "Search the bytes of the evidence",
    .text =
        "Goes through the decoded bytes of every file, so it also finds what "
        "no importer understood. Each hit is named by its citation and by the "
        "event whose record it lies in.\n\n"
        "Every search is kept in the query log, also one without hits: that "
        "something was looked for and not found is a result.",
    .options = options,
    .examples = examples,
    .min = 2,
    .max = 2,
    .run = run,
};
