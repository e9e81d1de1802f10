#include "cli/question.h"

#include "cli/command.h"

#include "base/text.h"

static int tick(void *ctx, const char *what, uint64_t done, uint64_t all)
{
    struct question *q = ctx;
    q->progress.doing = what;
    return progress_tell(
        &q->progress,
        &(struct progress_state){
            .done = done, .all = all, .items = done, .unit = "records" });
}

static bool takes(const struct command *c, const char *name)
{
    const struct command_option *o;
    for (size_t i = 0; (o = command_option(c, i)); i++)
        if (strcmp(o->name, name) == 0)
            return true;
    return false;
}

static struct str words_from(struct cli *cli, size_t first)
{
    struct buf b = { 0 };
    for (size_t i = first; i < cli->n_words; i++) {
        buf_putz(&b, i > first ? " " : "");
        buf_putz(&b, cli->words[i]);
    }
    return buf_to_arena(&b, &cli->arena);
}

/* Where the error is: the filter, and a mark below the place. */
static void point_at(struct str text, const struct filter_place *at)
{
    struct buf line = { 0 }, mark = { 0 };
    text_show(&line, text, 0);
    text_show(&mark, str_sub(text, 0, at->at), 0);
    size_t column = text_width(buf_str(&mark));
    buf_clear(&mark);
    for (size_t i = 0; i < column; i++)
        buf_putc(&mark, ' ');
    buf_putc(&mark, '^');
    for (size_t i = 1; i < at->n && at->at + i < text.n; i++)
        buf_putc(&mark, '~');
    message("  %.*s", STR_ARG(buf_str(&line)));
    message("  %.*s", STR_ARG(buf_str(&mark)));
    buf_free(&line);
    buf_free(&mark);
}

static void describe(struct question *q, const struct filter *f)
{
    struct buf b = { 0 };
    filter_put(f, &b);
    if (q->window.has_from) {
        buf_putz(&b, b.n ? " --from " : "--from ");
        buf_put(&b, arg_str(q->cli, "--from"));
    }
    if (q->window.has_to) {
        buf_putz(&b, b.n ? " --to " : "--to ");
        buf_put(&b, arg_str(q->cli, "--to"));
    }
    q->all = b.n == 0;
    q->text = buf_to_arena(&b, &q->cli->arena);
}

static int compile(struct question *q, struct casedb *c, struct str text,
                   struct err *err)
{
    q->env = (struct filter_env){ c, &q->reader, &q->ticker };
    struct filter_place place = { 0, 0 };
    struct filter *f;
    struct arena *a = &q->cli->arena;
    int rc = filter_parse(text, a, &f, &place, err);
    if (rc == 0)
        rc = filter_compile(f, &q->env, a, &q->compiled, &place, err);
    if (rc == ERR_USAGE && text.n)
        point_at(text, &place);
    if (rc)
        return rc;
    describe(q, f);
    for (size_t i = 0; i < q->compiled.n_notes; i++)
        message("%.*s", STR_ARG(q->compiled.notes[i].text));
    q->plan = timeline_within(q->compiled.plan, &q->window, a);
    return q->plan ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

int question_open(struct question *q, struct cli *cli, struct casedb *c,
                  size_t first, struct err *err)
{
    *q = (struct question){ .cli = cli, .raw = { .files = { .root = -1 } } };
    q->ticker = (struct analyzer_ticker){ q, tick };
    int rc = progress_open(&q->progress, cli, "looking", err);
    /* export has a --to of its own; there the filter names the time */
    if (rc == 0 && takes(cli->command, "--from"))
        rc = timeline_window(arg_str(cli, "--from"), arg_str(cli, "--to"),
                             &q->window, err);
    if (rc == 0)
        rc = raw_begin(&q->raw, c, err);
    if (rc)
        return rc;
    q->raw.progress = &q->progress;
    raw_for_analyzer(&q->raw, &q->reader);
    return compile(q, c, words_from(cli, first), err);
}

void question_close(struct question *q, bool done)
{
    struct buf b = { 0 };
    progress_end(&q->progress);
    if (done && q->compiled.tally)
        filter_tally_put(&q->compiled, &b);
    message_lines("", buf_str(&b));
    q->cli->issues |= b.n > 0;
    buf_free(&b);
    raw_close(&q->raw);
}

int question_tell(struct question *q, const struct scan *scan, uint64_t hits)
{
    struct progress_state s = { .items = hits, .unit = "events" };
    if (q->compiled.reads_raw)
        scan_progress(scan, &s.done, &s.all);
    return progress_tell(&q->progress, &s);
}

int question_log(struct question *q, int64_t hits, struct err *err)
{
    return q->all ? 0 : cli_log_query(q->cli, q->text, hits, err);
}
