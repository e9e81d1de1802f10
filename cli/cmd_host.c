/* What hosts tell, by question: analyzer/host_views.h. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"
#include "cli/question.h"

#include "analyzer/dated.h"
#include "analyzer/host_views.h"

static const struct command_option options[] = {
    QUESTION_FROM,
    QUESTION_TO,
    { "--limit", "N", "at most N events", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "host incident.kan", "How much there is of each." },
    { "host incident.kan logins --from 2026-03-11", "Who logged in since." },
    { "host incident.kan commands 'actor:root text:curl'",
      "Which commands of root name curl." },
    { 0 },
};

static const struct table_column counts[] = {
    { "view", "VIEW", false, 0 },      { "events", "EVENTS", true, 0 },
    { "undated", "UNDATED", true, 0 }, { "first", "FIRST", false, 0 },
    { "last", "LAST", false, 0 },      { "title", "WHAT", false, 0 },
};

enum { COLUMNS_MOST = 12 };

struct host {
    struct cli *cli;
    struct casedb *c;
    const struct host_view *view; /* NULL: count all */
    struct question q;
    struct table *t;
    uint64_t limit, n;
};

/* ---- how much there is --------------------------------------------------- */

static int count(struct host *h, const struct host_view *v, struct err *err)
{
    const struct instant none = { 0, 0 };
    const struct plan *p;
    struct scan_total total;
    int rc = host_view_plan(h->c, v, &h->cli->arena, &p, err);
    p = rc == 0 ? host_view_and(p, h->q.plan, &h->cli->arena) : NULL;
    if (rc == 0 && !p)
        rc = err_set(err, ERR_INTERNAL, "out of memory");
    if (rc == 0)
        rc = scan_count(h->c, p, none, none, NULL, 0, &total, err);
    if (rc)
        return rc;
    bool dated = total.n > total.undated;
    table_str(h->t, str_from(v->name));
    table_u64(h->t, total.n);
    table_u64(h->t, total.undated);
    table_time(h->t, h->cli, dated, total.first, 0);
    table_time(h->t, h->cli, dated, total.last, 0);
    table_str(h->t, str_from(v->title));
    h->n += total.n;
    return 0;
}

static int count_all(struct host *h, struct err *err)
{
    int rc = 0;
    h->t = out_table(h->cli, counts, sizeof(counts) / sizeof(*counts), err);
    if (!h->t)
        return err->code;
    for (size_t i = 0; i < HOST_VIEWS && rc == 0; i++)
        rc = count(h, &host_views[i], err);
    return rc;
}

/* ---- one view ------------------------------------------------------------ */

static void put_row(struct host *h, const struct host_row *r)
{
    const struct host_view *v = h->view;
    table_str(h->t, name_event(r->e.id));
    for (size_t i = 0; i < v->n_columns; i++) {
        struct str cell = r->cell[v->columns[i].field];
        if (v->columns[i].field == HOST_TIME)
            table_time(h->t, h->cli, r->e.timed, r->e.t, r->e.t_res ? -1 : 0);
        else if (cell.n)
            table_str(h->t, cell);
        else
            table_null(h->t);
    }
}

static int put_rows(struct host *h, const struct plan *p, struct err *err)
{
    struct arena a = { 0 };
    struct dated *scan;
    struct host_row row;
    struct hit hit;
    int rc = dated_open(h->c, p, NULL, false, &scan, err);
    if (rc)
        return rc;
    while (h->limit == 0 || h->n < h->limit) {
        rc = dated_next(scan, &hit, err);
        if (rc <= 0)
            break;
        arena_reset(&a);
        rc = host_row_read(h->c, hit.id, &a, &row, err);
        if (rc == 0 && question_tell(&h->q, dated_scan(scan), h->n))
            rc = err_set(err, ERR_STOPPED, "host: interrupted");
        if (rc || (h->n % 256 == 0 && out_closed()))
            break;
        put_row(h, &row);
        h->n++;
    }
    dated_close(scan);
    arena_free(&a);
    return rc < 0 ? rc : 0;
}

static int list(struct host *h, struct err *err)
{
    static const uint8_t most[HOST_FIELDS] = {
        [HOST_HOST] = 24,   [HOST_USER] = 24,    [HOST_FROM] = 39,
        [HOST_TARGET] = 44, [HOST_OUTCOME] = 20, [HOST_FILE] = 60,
    };
    const struct host_view *v = h->view;
    struct table_column *columns =
        arena_array(&h->cli->arena, v->n_columns + 1, sizeof(*columns));
    const struct plan *p;
    int rc = host_view_plan(h->c, v, &h->cli->arena, &p, err);
    if (rc)
        return rc;
    p = host_view_and(p, h->q.plan, &h->cli->arena);
    if (!p || !columns)
        return err_set(err, ERR_INTERNAL, "out of memory");
    columns[0] = (struct table_column){ "event", "EVENT", false, 0 };
    for (size_t i = 0; i < v->n_columns; i++) {
        const struct host_column *k = &v->columns[i];
        columns[i + 1] = (struct table_column){
            k->name,
            k->field == HOST_TIME ? "TIME" : k->head,
            false,
            i + 1 < v->n_columns ? most[k->field] : 0,
        };
    }
    h->t = out_table(h->cli, columns, v->n_columns + 1, err);
    return h->t ? put_rows(h, p, err) : err->code;
}

/* No rows: what could have had them, and how much of it there is. */
static int tell_empty(struct host *h, struct err *err)
{
    struct buf b = { 0 };
    message("no event matches; of what tells of %s:", h->view->name);
    int rc = host_view_why(h->c, h->view, &b, err);
    if (rc == 0)
        message_lines("  ", buf_str(&b));
    buf_free(&b);
    return rc;
}

/* For the query log: "logins: FILTER". */
static void name_view(struct host *h)
{
    struct buf b = { 0 };
    buf_printf(&b, "%s: ", h->view->name);
    buf_put(&b, h->q.text);
    h->q.text = buf_to_arena(&b, &h->cli->arena);
}

static int ask(struct host *h, struct err *err)
{
    int rc = question_open(&h->q, h->cli, h->c, 2, err);
    if (rc == 0 && !h->q.all && h->view)
        name_view(h);
    if (rc == 0)
        rc = h->view ? list(h, err) : count_all(h, err);
    question_close(&h->q, rc == 0);
    struct err close_err = { 0 };
    int closed = h->t ? table_close(h->t, rc ? &close_err : err) : 0;
    rc = rc ? rc : closed;
    return rc == 0 && h->n == 0 && h->view ? tell_empty(h, err) : rc;
}

static int run(struct cli *cli, struct err *err)
{
    const char *names[HOST_VIEWS + 1] = { NULL };
    struct host h = { .cli = cli };
    size_t which;
    for (size_t i = 0; i < HOST_VIEWS; i++)
        names[i] = host_views[i].name;
    int rc = arg_u64(cli, "--limit", &h.limit, err);
    if (rc == 0 && cli->n_words > 1) {
        rc = arg_choice(arg_word(cli, 1), names, &which, err);
        h.view = rc == 0 ? &host_views[which] : NULL;
    }
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &h.c, err);
    if (rc)
        return rc;
    rc = ask(&h, err);
    case_close(h.c);
    bool cut = h.view && h.limit && h.n >= h.limit;
    return rc ? rc
              : question_log(&h.q, cut || out_closed() ? -1 : (int64_t)h.n,
                             err);
}

const struct command cmd_host = {
    .name = "host",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ASKS,
    .words = "CASE [logins|commands|persistence|packages|keys [FILTER...]]",
    .summary = "List what hosts tell: logins, commands, persistence, packages",
    .text =
        "Each view gathers events of all sources of hosts, whatever file or "
        "image they lie in, in the order of time; those without a time come "
        "last. logins: logins, failed ones, sessions. commands: shell "
        "histories, audit, sudo, cron, Systems Manager, user data, processes "
        "that were recorded as they started. persistence: what runs by itself "
        "or lets somebody in again. packages: installed, changed and removed "
        "ones. keys: ids of credentials in files; the secrets are masked. "
        "Without a view the events of each are counted.\n\n"
        "HOST is the host that the record names, else the instance, else the "
        "exhibit in which it lies. A view without events says which sources "
        "would have them and what of those is in the case: that nothing is "
        "recorded is not that nothing happened.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = WORDS_ANY,
    .run = run,
};
