/* What hosts tell, by question: logins, commands, persistence, packages, keys.
 * The questions are those of analyzer/host_views.h. */
#include "base/text.h"
#include "tui/app.h"
#include "tui/elist.h"
#include "tui/terms.h"

enum { SLOT_LIST = 1, SLOT_COUNT };

struct hosts {
    struct elist list;
    unsigned now;                      /* the view */
    struct buf filters[HOST_VIEWS];    /* of the views that are not shown */
    struct scan_total all[HOST_VIEWS]; /* unfiltered */
    struct scan_total shown;
    struct buf why; /* there are no rows */
    bool counted, shown_counted;
};

struct count_job {
    struct job job;
    struct str filter;
    unsigned view;
    struct scan_total all[HOST_VIEWS], shown;
    struct buf why;
};

static struct hosts *state(const struct view *v)
{
    return v->state;
}

/* ---- counting ------------------------------------------------------------ */

static int count_view(struct count_job *j, struct casedb *c,
                      const struct host_view *v, const struct plan *more,
                      struct scan_total *out, struct err *err)
{
    const struct instant none = { 0, 0 };
    const struct plan *p;
    int rc = host_view_plan(c, v, &j->job.arena, &p, err);
    if (rc)
        return rc;
    p = host_view_and(p, more, &j->job.arena);
    if (!p)
        return err_set(err, ERR_INTERNAL, "out of memory");
    return job_stopped(&j->job)
               ? ERR_STOPPED
               : scan_count(c, p, none, none, NULL, 0, out, err);
}

static int count_run(struct job *job, struct desk *d, struct err *err)
{
    struct count_job *j = (struct count_job *)job;
    struct terms terms;
    struct refusal no;
    int rc = 0;
    for (unsigned i = 0; i < HOST_VIEWS && rc == 0; i++)
        rc = count_view(j, d->c, &host_views[i], NULL, &j->all[i], err);
    j->shown = j->all[j->view];
    if (rc == 0 && j->shown.n == 0)
        return host_view_why(d->c, &host_views[j->view], &j->why, err);
    if (rc || j->filter.n == 0)
        return rc;
    rc = terms_plan(d, j->filter, &terms, &no, err);
    if (rc)
        return rc;
    return count_view(j, d->c, &host_views[j->view], terms.plan, &j->shown,
                      err);
}

static void count_answer(struct job *job)
{
    struct count_job *j = (struct count_job *)job;
    struct hosts *h = state(job->view);
    if (job->rc == ERR_USAGE) /* the list says what is wrong */
        return;
    if (job->rc) {
        app_say_err(job->view->app, &job->err);
        return;
    }
    memcpy(h->all, j->all, sizeof(h->all));
    h->counted = true;
    h->shown = j->shown;
    h->shown_counted = j->view == h->now;
    buf_clear(&h->why);
    buf_put(&h->why, buf_str(&j->why));
}

static void count_clean(struct job *job)
{
    buf_free(&((struct count_job *)job)->why);
}

static void count(struct hosts *h)
{
    struct view *v = h->list.v;
    struct count_job *j = view_job(v, sizeof(*j), LANE_COUNT, SLOT_COUNT,
                                   count_run, count_answer);
    h->shown_counted = false;
    if (!j)
        return;
    j->job.clean = count_clean;
    j->filter = arena_copy(&j->job.arena, buf_str(&h->list.filter));
    j->view = h->now;
    office_submit(v->app->office, &j->job);
}

/* ---- views --------------------------------------------------------------- */

static void swap(struct buf *a, struct buf *b)
{
    struct buf t = *a;
    *a = *b;
    *b = t;
}

/* Each view keeps its filter; the cursor begins anew. */
static void show(struct hosts *h, unsigned view)
{
    swap(&h->list.filter, &h->filters[h->now]);
    h->now = view;
    swap(&h->list.filter, &h->filters[h->now]);
    h->list.view = &host_views[view];
    h->list.field = 0;
    h->list.loaded = false;
    h->list.refused = (struct refusal){ .column = -1 };
    buf_clear(&h->why);
    elist_load(&h->list, NULL);
    count(h);
}

static void open(struct view *v)
{
    struct hosts *h = state(v);
    elist_open(&h->list, v, SLOT_LIST);
    show(h, HOST_LOGINS);
}

static void close_view(struct view *v)
{
    struct hosts *h = state(v);
    elist_close(&h->list);
    for (size_t i = 0; i < HOST_VIEWS; i++)
        buf_free(&h->filters[i]);
    buf_free(&h->why);
}

/* ---- drawing ------------------------------------------------------------- */

static void draw_tabs(const struct hosts *h, struct area row)
{
    struct pen p = pen_at(row, 1, 0, STYLE_PLAIN);
    /* where not all fit, the one shown is the first */
    unsigned first = row.w < 76 ? h->now : 0;
    for (unsigned i = first; i < HOST_VIEWS; i++) {
        p.style = i == h->now ? STYLE_FOCUS : STYLE_LABEL;
        pen_z(&p, i == h->now ? "[" : " ");
        pen_z(&p, host_views[i].name);
        if (h->counted) {
            pen_z(&p, " ");
            pen_count(&p, h->all[i].n);
        }
        pen_z(&p, i == h->now ? "]" : " ");
        p.style = STYLE_PLAIN;
        pen_z(&p, " ");
    }
}

static void draw_filter(const struct hosts *h, struct area row)
{
    struct pen p = pen_at(row, 1, 0, STYLE_LABEL);
    bool filtered = elist_terms_draw(&h->list, &p, row.w > 60 ? 40 : 24);
    if (!filtered)
        pen_z(&p, host_views[h->now].title);
    p.style = STYLE_PLAIN;
    pen_z(&p, "  ");
    if (!h->shown_counted) {
        pen_z(&p, "..");
        return;
    }
    pen_count(&p, h->shown.n);
    if (filtered) {
        pen_z(&p, " of ");
        pen_count(&p, h->all[h->now].n);
    }
    if (h->shown.undated) {
        pen_z(&p, ", ");
        pen_count(&p, h->shown.undated);
        pen_z(&p, " without a time (last rows)");
    }
}

/* No rows, and no filter that would be the reason. */
static void draw_why(const struct hosts *h, struct area a)
{
    struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
    pen_z(&p, "No event tells of this. Sources that would, and what the case "
              "has of them:");
    struct str why = buf_str(&h->why);
    size_t at = 0;
    for (int y = 2; y < a.h && at < why.n; y++) {
        p = pen_at(area_sub(a, 2, y, a.w - 2, 1), 0, 0, STYLE_PLAIN);
        at = pen_wrap(&p, why, at);
    }
}

static void pen_pair(struct pen *p, const char *label, struct str value)
{
    if (value.n == 0 || pen_left(p) < 8)
        return;
    pen_styled(p, STYLE_LABEL, label);
    pen_z(p, " ");
    pen_text(p, value, -1);
    pen_z(p, "  ");
}

/* The row under the cursor, with what its columns cut or do not show. */
static void draw_foot(const struct hosts *h, struct area a)
{
    const struct row *r = elist_current(&h->list);
    struct pen p = pen_at(a, 0, 0, STYLE_RULE);
    pen_rule(&p, 2);
    if (r && r->host) {
        pen_f(&p, " E%lld ", (long long)r->e.id);
        pen_time(&p, &r->e, true, true);
        pen_z(&p, r->e.timed ? "Z " : " ");
    }
    pen_rule(&p, pen_left(&p));
    if (!r || !r->host)
        return;
    const struct str *cell = r->host->cell;
    p = pen_at(a, 1, 1, STYLE_PLAIN);
    pen_pair(&p, "host", cell[HOST_HOST]);
    pen_pair(&p, "user", cell[HOST_USER]);
    pen_pair(&p, "from", cell[HOST_FROM]);
    pen_pair(&p, "outcome", cell[HOST_OUTCOME]);
    pen_pair(&p, "source", cell[HOST_SOURCE]);
    p = pen_at(a, 1, 2, STYLE_PLAIN);
    pen_pair(&p, "file", cell[HOST_FILE]);
    p = pen_at(a, 1, 3, STYLE_PLAIN);
    pen_pair(&p, "target", cell[HOST_TARGET]);
    size_t at = 0;
    for (int y = 4; y < a.h && at < r->e.text.n; y++) {
        p = pen_at(area_sub(a, 1, y, a.w - 1, 1), 0, 0, STYLE_PLAIN);
        at = pen_wrap(&p, r->e.text, at);
    }
}

static void draw(struct view *v, struct area a)
{
    struct hosts *h = state(v);
    struct area foot = { .h = 0 };
    if (a.h >= 4)
        draw_tabs(h, area_take(&a, 1));
    if (a.h >= 6)
        draw_filter(h, area_take(&a, 1));
    if (a.h >= 16)
        foot = area_take_bottom(&a, a.h >= 26 ? 8 : 6);
    if (h->list.loaded && h->list.n == 0 && h->why.n && !h->list.failed.code &&
        !h->list.refused.why[0])
        draw_why(h, a);
    else
        elist_draw(&h->list, a);
    if (foot.h)
        draw_foot(h, foot);
}

/* ---- acting -------------------------------------------------------------- */

static void filter_changed(struct hosts *h)
{
    elist_terms_load(&h->list);
    count(h);
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct hosts *h = state(v);
    const struct row *r = elist_current(&h->list);
    (void)key;
    if (elist_act(&h->list, action))
        return true;
    switch (action) {
    case ACTION_OPEN:
        if (r)
            app_push(v->app, screen_named("event"),
                     &(struct place){ .event = r->e.id });
        return true;
    case ACTION_NEXT_PANE:
        show(h, (h->now + 1) % HOST_VIEWS);
        return true;
    case ACTION_PREV_PANE:
        show(h, (h->now + HOST_VIEWS - 1) % HOST_VIEWS);
        return true;
    case ACTION_FILTER:
        app_ask(v, ASK_FILTER, "filter", buf_str(&h->list.filter));
        return true;
    case ACTION_ONLY:
    case ACTION_WITHOUT:
        if (elist_terms_add(&h->list, action == ACTION_WITHOUT))
            filter_changed(h);
        return true;
    case ACTION_UNCHIP:
        if (elist_terms_unchip(&h->list))
            filter_changed(h);
        return true;
    case ACTION_FIND:
        app_ask(v, ASK_FIND, "find", buf_str(&h->list.find));
        return true;
    case ACTION_FIND_NEXT:
    case ACTION_FIND_PREV:
        elist_seek(&h->list, SEEK_TEXT, action == ACTION_FIND_PREV);
        return true;
    default:
        return false;
    }
}

static bool said(struct view *v, enum ask ask, struct str text,
                 struct refusal *no)
{
    struct hosts *h = state(v);
    switch (ask) {
    case ASK_FILTER:
        if (!elist_terms_set(&h->list, text, no))
            return false;
        filter_changed(h);
        return true;
    case ASK_UNCHIP:
        if (!elist_terms_take_away(&h->list, text, no))
            return false;
        filter_changed(h);
        return true;
    case ASK_FIND:
        buf_clear(&h->list.find);
        buf_put(&h->list.find, text);
        elist_seek(&h->list, SEEK_TEXT, false);
        return true;
    default:
        return true;
    }
}

static int64_t event(const struct view *v)
{
    const struct row *r = elist_current(&state(v)->list);
    return r ? r->e.id : 0;
}

static bool value(struct view *v, unsigned *kind, uint32_t *id,
                  struct str *text)
{
    return elist_value(&state(v)->list, kind, id, text);
}

const struct screen screen_host = {
    .name = "host",
    .title = "Hosts",
    .about = "logins, commands, persistence, packages and keys of hosts",
    .key = '8',
    .can = CAN_MOVE | CAN_OPEN | CAN_EVENT | CAN_FILTER | CAN_FIND | CAN_VALUE |
           CAN_PANES,
    .state_size = sizeof(struct hosts),
    .open = open,
    .draw = draw,
    .act = act,
    .said = said,
    .event = event,
    .value = value,
    .close = close_view,
};
