/* What hosts tell: which machines, who recorded what for how long, and the
 * views of analyzer/host_views.h. */
#include "reports/chapter.h"

#include "analyzer/dated.h"
#include "analyzer/filter.h"
#include "analyzer/host_views.h"
#include "reports/place.h"
#include "reports/report_machines.h"

#include <stdio.h>

/* SHORT: bytes of a value that is not broken into lines. */
enum { ROWS = 200, TEXT_MOST = 400, HOSTS_MOST = 20, SHORT = 20 };

HTML_HEAD(recorded_head, NONE, W_HOST, W_SOURCE, W_EVENTS, W_FIRST, W_LAST);

/* The time that the cloud's own log is about: what a long list is cut to. */
struct window {
    bool any;
    struct instant from, to; /* half-open */
};

static const enum word titles[HOST_VIEWS] = {
    [HOST_LOGINS] = W_HOST_LOGINS,
    [HOST_COMMANDS] = W_HOST_COMMANDS,
    [HOST_PERSISTENCE] = W_HOST_PERSISTENCE,
    [HOST_PACKAGES] = W_HOST_PACKAGES,
    [HOST_KEYS] = W_HOST_KEYS,
};

static const enum word heads[HOST_FIELDS] = {
    [HOST_TIME] = W_TIME,         [HOST_HOST] = W_HOST,
    [HOST_USER] = W_HOST_USER,    [HOST_FROM] = W_EVENT_FROM,
    [HOST_ACTION] = W_EVENT_WHAT, [HOST_TARGET] = W_EVENT_TARGET,
    [HOST_TEXT] = W_HOST_TEXT,    [HOST_OUTCOME] = W_HOST_OUTCOME,
    [HOST_SOURCE] = W_SOURCE,     [HOST_FILE] = W_HOST_FILE,
};

/* ---- rows of a view ------------------------------------------------------ */

/* Secrets aside, of a key the report needs its id alone. */
static bool has_column(const struct host_view *v, enum host_field f)
{
    return v != &host_views[HOST_KEYS] || f != HOST_TEXT;
}

static void put_head(struct html *h, const struct host_view *v)
{
    enum word columns[HOST_FIELDS];
    size_t n = 0;
    for (size_t i = 0; i < v->n_columns && n < HOST_FIELDS; i++)
        if (has_column(v, v->columns[i].field))
            columns[n++] = heads[v->columns[i].field];
    html_table(h, &(struct html_head){ W_NONE, columns, n });
}

static void put_text(struct html *h, struct str s)
{
    size_t n = s.n < TEXT_MOST ? s.n : TEXT_MOST;
    while (n < s.n && n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    html_raw(h, "<td class=\"w\">");
    html_value(h, str_sub(s, 0, n));
    if (n < s.n) {
        html_raw(h, " ");
        html_open(h, "span", "class=\"soft\"");
        html_say(h, W_HOST_CUT, (struct str[]){ report_number(s.n - n) }, 1);
        html_close(h);
    }
    html_raw(h, "</td>");
}

static int put_row(struct report *r, const struct host_view *v, struct arena *a,
                   int64_t id)
{
    struct html *h = &r->h;
    struct host_row row;
    struct str cite;
    arena_reset(a);
    int rc = host_row_read(r->c, id, a, &row, r->err);
    if (rc == 0)
        rc = place_of_event(r->c, &row.e, a, &cite, r->err);
    if (rc)
        return rc;
    unsigned n = 0;
    html_row(h, "event");
    for (size_t i = 0; i < v->n_columns; i++) {
        enum host_field f = v->columns[i].field;
        if (!has_column(v, f))
            continue;
        if (f == HOST_TIME)
            html_cell_time(h, row.e.timed, row.e.t, 0);
        else if (f == HOST_TEXT)
            put_text(h, row.cell[f]);
        else if (row.cell[f].n <= SHORT)
            html_cell_short(h, row.cell[f]);
        else
            html_cell(h, row.cell[f]);
        n++;
    }
    html_row_end(h);
    html_row(h, "under");
    html_raw(h, "<td></td>");
    char span[32];
    snprintf(span, sizeof(span), "<td colspan=\"%u\">", n - 1);
    html_raw(h, span);
    report_machines_cite(h, cite, row.e.id);
    html_raw(h, "</td>");
    html_row_end(h);
    return 0;
}

static int put_rows(struct report *r, const struct host_view *v,
                    const struct plan *p, uint64_t *shown)
{
    struct arena a = { 0 };
    struct dated *scan;
    struct hit hit;
    int rc = dated_open(r->c, p, NULL, false, &scan, r->err);
    if (rc)
        return rc;
    put_head(&r->h, v);
    while (*shown < ROWS && (rc = dated_next(scan, &hit, r->err)) > 0) {
        rc = put_row(r, v, &a, hit.id);
        if (rc)
            break;
        ++*shown;
    }
    html_table_end(&r->h);
    dated_close(scan);
    arena_free(&a);
    return rc < 0 ? rc : 0;
}

/* ---- why there are none -------------------------------------------------- */

static struct str time_text(struct report *r, struct instant t)
{
    char text[TIME_TEXT_MAX];
    size_t n = time_format(text, t, 0, 0);
    return arena_copy(&r->a, (struct str){ text, n });
}

static int put_why(struct report *r, const struct host_view *v)
{
    struct html *h = &r->h;
    struct host_presence *p;
    size_t n;
    int rc = host_view_presence(r->c, v, &r->a, &p, &n, r->err);
    if (rc)
        return rc;
    html_word(h, "p", "class=\"soft\"", W_HOST_NOTHING);
    html_open(h, "ul", NULL);
    for (size_t i = 0; i < n; i++) {
        const struct host_source *s = &v->sources[i];
        const struct str said[] = {
            str_from(s->importer),       str_from(s->files),
            report_number(p[i].members), report_number(p[i].events),
            time_text(r, p[i].first),    time_text(r, p[i].last),
        };
        bool absent = p[i].members == 0 && p[i].events == 0;
        html_open(h, "li", NULL);
        html_say(h,
                 absent       ? W_HOST_ABSENT
                 : p[i].timed ? W_HOST_SILENT
                              : W_HOST_SILENT_UNDATED,
                 said,
                 absent       ? 2
                 : p[i].timed ? 6
                              : 4);
        html_close(h);
    }
    html_close(h);
    return 0;
}

/* ---- a view -------------------------------------------------------------- */

static int count(struct report *r, const struct plan *p, uint64_t *n)
{
    const struct instant none = { 0, 0 };
    struct scan_total t;
    int rc = scan_count(r->c, p, none, none, NULL, 0, &t, r->err);
    *n = rc ? 0 : t.n;
    return rc;
}

static void say_window(struct report *r, enum word w, uint64_t a, uint64_t b,
                       const struct window *win)
{
    html_open(&r->h, "p", "class=\"soft\"");
    html_say(&r->h, w,
             (struct str[]){ report_number(a), report_number(b),
                             time_text(r, win->from), time_text(r, win->to) },
             4);
    html_close(&r->h);
}

/* All of the plan when they fit, else the first within the window. changes:
 * only within the window. */
static int put_plan(struct report *r, const struct host_view *v,
                    const struct plan *p, const struct window *win,
                    bool changes)
{
    uint64_t all, inside = 0, shown = 0;
    struct plan time = { .op = PLAN_TIME, .from = win->from, .to = win->to };
    struct plan both = { .op = PLAN_AND,
                         .a = &time,
                         .b = (struct plan *)(uintptr_t)p };
    int rc = count(r, p, &all);
    if (rc == 0 && win->any)
        rc = count(r, &both, &inside);
    if (rc)
        return rc;
    if (all == 0)
        return put_why(r, v);
    bool cut = win->any && (changes || (all > ROWS && inside));
    if (cut)
        say_window(r, W_HOST_WINDOW, inside, all, win);
    uint64_t most = cut ? inside : all;
    if (most == 0)
        return 0;
    rc = put_rows(r, v, cut ? &both : p, &shown);
    html_shown(&r->h, shown, most);
    return rc;
}

static int put_view(struct report *r, unsigned id, const struct window *win)
{
    static const char changed[] = "action:(\"package installed\" or "
                                  "\"package upgraded\" or "
                                  "\"package removed\")";
    const struct host_view *v = &host_views[id];
    struct host_view own = *v;
    const struct plan *p;
    /* what is installed has a list of its own: packages */
    if (id == HOST_PACKAGES)
        own.filter = changed;
    html_word(&r->h, "h3", NULL, titles[id]);
    int rc = host_view_plan(r->c, &own, &r->a, &p, r->err);
    return rc ? rc : put_plan(r, v, p, win, id == HOST_PACKAGES);
}

/* ---- who recorded -------------------------------------------------------- */

static int put_recorded(struct report *r, uint32_t host, uint32_t source)
{
    struct html *h = &r->h;
    struct plan where = {
        .op = PLAN_ANY_OF, .ids = &host, .n = 1, .role_mask = 1u << ROLE_WHERE
    };
    struct plan from = { .op = PLAN_ANY_OF, .ids = &source, .n = 1 };
    struct plan both = { .op = PLAN_AND, .a = &where, .b = &from };
    const struct instant none = { 0, 0 };
    struct scan_total t;
    int rc = scan_count(r->c, &both, none, none, NULL, 0, &t, r->err);
    if (rc || t.n == 0)
        return rc;
    html_row(h, NULL);
    html_cell(h, case_text(r->c, host));
    html_cell(h, case_text(r->c, source));
    html_cell_u64(h, t.n);
    html_cell_time(h, t.n > t.undated, t.first, 0);
    html_cell_time(h, t.n > t.undated, t.last, 0);
    html_row_end(h);
    return 0;
}

static int put_sources(struct report *r)
{
    struct html *h = &r->h;
    struct entity_count *hosts, *sources;
    size_t n, n_sources, told = 0, all = 0;
    int rc = case_entities_top(r->c, KIND_HOST, 0, &r->a, &hosts, &n, r->err);
    if (rc == 0)
        rc = case_entities_top(r->c, KIND_SOURCE, 0, &r->a, &sources,
                               &n_sources, r->err);
    html_word(h, "h3", NULL, W_HOST_RECORDED);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!(hosts[i].roles & 1u << ROLE_WHERE))
            continue;
        if (all++ >= HOSTS_MOST)
            continue;
        if (told++ == 0)
            html_table(h, &recorded_head);
        for (size_t k = 0; k < n_sources && rc == 0; k++)
            rc = put_recorded(r, hosts[i].id, sources[k].id);
    }
    if (told)
        html_table_end(h);
    html_word(h, "p", "class=\"soft\"",
              told ? W_HOST_RECORDED_NOTE : W_HOST_RECORDED_NONE);
    html_shown(h, told, all);
    return rc;
}

static int find_window(struct report *r, struct window *out)
{
    struct entity_count *sources;
    size_t n;
    int rc =
        case_entities_top(r->c, KIND_SOURCE, 0, &r->a, &sources, &n, r->err);
    *out = (struct window){ .any = false };
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct entity_count e;
        if (!str_starts(case_text(r->c, sources[i].id), STR("cloudtrail")))
            continue;
        rc = case_entity(r->c, sources[i].id, &e, r->err);
        if (rc || (!e.first.s && !e.last.s))
            continue;
        e.last.s++;
        if (!out->any || instant_cmp(e.first, out->from) < 0)
            out->from = e.first;
        if (!out->any || instant_cmp(e.last, out->to) > 0)
            out->to = e.last;
        out->any = true;
    }
    return rc;
}

int report_hosts(struct report *r)
{
    struct window win;
    html_word(&r->h, "p", NULL, W_HOSTS_NOTE);
    int rc = find_window(r, &win);
    if (rc == 0)
        rc = report_machines(r);
    if (rc == 0)
        rc = put_sources(r);
    for (unsigned i = 0; i < HOST_VIEWS && rc == 0; i++)
        rc = put_view(r, i, &win);
    return rc;
}
