#include "tui/elist.h"

#include "analyzer/dated.h"
#include "tui/app.h"
#include "tui/terms.h"

#include <stdlib.h>

static const enum field plain_fields[] = { FIELD_ACTOR, FIELD_ACTION,
                                           FIELD_TARGET, FIELD_IP };

enum load { LOAD_ANEW, LOAD_LATER, LOAD_EARLIER, LOAD_SEEK };

struct list_job {
    struct job job;
    struct elist *list;
    enum load load;
    struct str filter;
    const struct host_view *view;
    bool bounded, has_at, back;
    struct instant from, to;
    struct hit at;
    enum elist_seek seek;
    int64_t gap;
    struct str find;
    struct elist_page *page;
    int cursor;
    bool at_start, at_end, found;
    struct refusal refused;
    struct str note;
};

/* ---- in the job ---------------------------------------------------------- */

static void free_page(struct elist_page *p)
{
    if (p)
        arena_free(&p->arena);
    free(p);
}

static int read_host(struct casedb *c, struct arena *a, struct row *r,
                     struct err *err)
{
    struct host_row *h = arena_array(a, 1, sizeof(*h));
    if (!h)
        return err_set(err, ERR_INTERNAL, "out of memory");
    r->host = h;
    return host_row_read(c, r->e.id, a, h, err);
}

static int read_rows(struct list_job *j, struct casedb *c,
                     const struct hit *hits, int n, struct err *err)
{
    struct elist_page *p = j->page;
    p->rows = arena_array(&p->arena, (size_t)n + 1, sizeof(*p->rows));
    if (!p->rows)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (p->n = 0; p->n < n; p->n++) {
        if (job_stopped(&j->job))
            return ERR_STOPPED;
        struct row *r = &p->rows[p->n];
        int rc = row_read(c, hits[p->n].id, &p->arena, r, err);
        if (rc == 0 && j->view)
            rc = read_host(c, &p->arena, r, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Lists of a view have the undated last, all others as the case gives them. */
struct walk {
    struct scan *scan;
    struct dated *dated;
};

static int walk_open(const struct list_job *j, struct casedb *c,
                     const struct plan *plan, const struct hit *at, bool back,
                     struct walk *w, struct err *err)
{
    *w = (struct walk){ NULL, NULL };
    return j->view ? dated_open(c, plan, at, back, &w->dated, err)
                   : scan_open(c, plan, at, back, &w->scan, err);
}

static int walk_next(struct walk *w, struct hit *out, struct err *err)
{
    return w->dated ? dated_next(w->dated, out, err)
                    : scan_next(w->scan, out, err);
}

static void walk_close(struct walk *w)
{
    if (w->dated)
        dated_close(w->dated);
    else
        scan_close(w->scan);
}

/* Up to n hits from `at`, away from it. Returns their number or an error. */
static int take_hits(struct list_job *j, struct casedb *c,
                     const struct plan *plan, const struct hit *at, bool back,
                     struct hit *hits, int n, struct err *err)
{
    struct walk w;
    int rc = walk_open(j, c, plan, at, back, &w, err);
    if (rc)
        return rc;
    int got = 0;
    while (got < n && (rc = walk_next(&w, &hits[got], err)) > 0) {
        got++;
        if (job_stopped(&j->job))
            rc = ERR_STOPPED;
        if (rc < 0)
            break;
    }
    walk_close(&w);
    return rc < 0 ? rc : got;
}

static void reverse(struct hit *hits, int n)
{
    for (int i = 0; i < n / 2; i++) {
        struct hit h = hits[i];
        hits[i] = hits[n - 1 - i];
        hits[n - 1 - i] = h;
    }
}

/* A page before `at` and a page from it on. */
static int load_anew(struct list_job *j, struct casedb *c,
                     const struct plan *plan, struct err *err)
{
    struct hit hits[2 * ELIST_PAGE];
    int before = 0, after = 0;
    bool from_end = !j->has_at && j->back;
    struct hit at = j->at;
    if (j->has_at && at.id > INT64_MIN)
        at.id--; /* scans start after their anchor */
    if (j->has_at || from_end) {
        before = take_hits(j, c, plan, j->has_at ? &j->at : NULL, true, hits,
                           ELIST_PAGE, err);
        if (before < 0)
            return before;
        reverse(hits, before);
    }
    if (!from_end) {
        after = take_hits(j, c, plan, j->has_at ? &at : NULL, false,
                          hits + before, ELIST_PAGE, err);
        if (after < 0)
            return after;
    }
    j->at_start = before < ELIST_PAGE;
    j->at_end = from_end || after < ELIST_PAGE;
    j->cursor = before;
    if (after == 0)
        j->cursor = before ? before - 1 : 0;
    return read_rows(j, c, hits, before + after, err);
}

static int load_more(struct list_job *j, struct casedb *c,
                     const struct plan *plan, struct err *err)
{
    struct hit hits[ELIST_PAGE];
    bool back = j->load == LOAD_EARLIER;
    int n = take_hits(j, c, plan, &j->at, back, hits, ELIST_PAGE, err);
    if (n < 0)
        return n;
    if (back)
        reverse(hits, n);
    j->at_start = back && n < ELIST_PAGE;
    j->at_end = !back && n < ELIST_PAGE;
    return read_rows(j, c, hits, n, err);
}

static bool row_has(const struct row *r, struct str text)
{
    for (unsigned f = 0; f < FIELDS; f++)
        if (str_ifind(r->value[f], text) != SIZE_MAX)
            return true;
    for (unsigned f = 0; r->host && f < HOST_FIELDS; f++)
        if (str_ifind(r->host->cell[f], text) != SIZE_MAX)
            return true;
    return str_ifind(r->e.text, text) != SIZE_MAX ||
           str_ifind(r->e.uid, text) != SIZE_MAX ||
           str_ifind(r->e.request, text) != SIZE_MAX;
}

static int is_sought(struct list_job *j, struct casedb *c,
                     const struct hit *last, const struct hit *h,
                     struct arena *a, struct err *err)
{
    if (j->seek == SEEK_GAP) {
        if (!last->timed || !h->timed)
            return 0;
        int64_t d = j->back ? seconds_between(h->t, last->t)
                            : seconds_between(last->t, h->t);
        return d > j->gap;
    }
    struct row r;
    arena_reset(a);
    int rc = row_read(c, h->id, a, &r, err);
    if (rc == 0 && j->view)
        rc = read_host(c, a, &r, err);
    return rc ? rc : row_has(&r, j->find);
}

static int seek(struct list_job *j, struct casedb *c, const struct plan *plan,
                struct err *err)
{
    struct walk w;
    struct arena a = { 0 };
    struct hit last = j->at, h;
    int rc = walk_open(j, c, plan, &j->at, j->back, &w, err);
    if (rc)
        return rc;
    while ((rc = walk_next(&w, &h, err)) > 0) {
        rc = job_stopped(&j->job) ? ERR_STOPPED
                                  : is_sought(j, c, &last, &h, &a, err);
        if (rc)
            break;
        last = h;
    }
    walk_close(&w);
    arena_free(&a);
    if (rc <= 0)
        return rc;
    j->found = true;
    j->at = h;
    j->has_at = true;
    return load_anew(j, c, plan, err);
}

static int list_run(struct job *job, struct desk *d, struct err *err)
{
    struct list_job *j = (struct list_job *)job;
    struct terms terms;
    int rc = terms_plan(d, j->filter, &terms, &j->refused, err);
    if (rc)
        return rc;
    const struct plan *plan = terms.plan;
    j->note = arena_copy(&job->arena, terms.note);
    if (j->view) {
        const struct plan *of_view;
        rc = host_view_plan(d->c, j->view, &job->arena, &of_view, err);
        if (rc)
            return rc;
        plan = host_view_and(of_view, plan, &job->arena);
        if (!plan)
            return err_set(err, ERR_INTERNAL, "out of memory");
    }
    struct plan time = { .op = PLAN_TIME, .from = j->from, .to = j->to };
    struct plan both = { .op = PLAN_AND,
                         .a = &time,
                         .b = (struct plan *)(uintptr_t)plan };
    if (j->bounded)
        plan = &both;
    j->page = calloc(1, sizeof(*j->page));
    if (!j->page)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (j->load == LOAD_SEEK)
        return seek(j, d->c, plan, err);
    return j->load == LOAD_ANEW ? load_anew(j, d->c, plan, err)
                                : load_more(j, d->c, plan, err);
}

static void list_clean(struct job *job)
{
    free_page(((struct list_job *)job)->page);
}

/* ---- the pages ----------------------------------------------------------- */

static void drop_pages(struct elist *l)
{
    for (int i = 0; i < l->n_pages; i++)
        free_page(l->pages[i]);
    l->n_pages = l->n = 0;
    l->millis = false;
}

static void add_page(struct elist *l, struct elist_page *p, bool first)
{
    if (first) {
        memmove(&l->pages[1], &l->pages[0],
                (size_t)l->n_pages * sizeof(l->pages[0]));
        l->pages[0] = p;
        l->cursor += p->n;
        l->top += p->n;
    } else {
        l->pages[l->n_pages] = p;
    }
    l->n_pages++;
    l->n += p->n;
    for (int i = 0; i < p->n; i++)
        l->millis |= p->rows[i].e.t_res > 0;
    if (l->n_pages <= ELIST_PAGES)
        return;
    /* the page farthest from where we are going */
    struct elist_page *far = l->pages[first ? l->n_pages - 1 : 0];
    l->n -= far->n;
    l->n_pages--;
    if (first) {
        l->at_end = false;
    } else {
        l->cursor -= far->n;
        l->top -= far->n;
        l->at_start = false;
        memmove(&l->pages[0], &l->pages[1],
                (size_t)l->n_pages * sizeof(l->pages[0]));
    }
    free_page(far);
}

static void take_page(struct elist *l, struct list_job *j)
{
    struct elist_page *p = j->page;
    j->page = NULL;
    if (j->load == LOAD_ANEW || j->load == LOAD_SEEK) {
        drop_pages(l);
        l->at_start = j->at_start;
        l->at_end = j->at_end;
        l->cursor = j->cursor;
        l->top = j->cursor - (l->height ? l->height / 3 : 5);
        if (l->top < 0)
            l->top = 0;
        add_page(l, p, false);
        return;
    }
    if (j->load == LOAD_EARLIER)
        l->at_start = j->at_start;
    else
        l->at_end = j->at_end;
    if (p->n)
        add_page(l, p, j->load == LOAD_EARLIER);
    else
        free_page(p);
}

static void list_answer(struct job *job)
{
    struct list_job *j = (struct list_job *)job;
    struct elist *l = j->list;
    l->loading = false;
    if (job->rc == 0 && j->load == LOAD_SEEK && !j->found) {
        app_say(l->v->app, STYLE_WARN, "%s",
                j->seek == SEEK_GAP ? "no further gap" : "not found");
        return;
    }
    if (job->rc && j->load != LOAD_ANEW) {
        app_say_err(l->v->app, &job->err);
        return;
    }
    l->loaded = true;
    l->refused = j->refused;
    buf_clear(&l->note);
    buf_put(&l->note, j->note);
    l->failed = job->rc ? job->err : (struct err){ 0 };
    if (job->rc)
        drop_pages(l);
    else
        take_page(l, j);
    if (l->cursor >= l->n)
        l->cursor = l->n ? l->n - 1 : 0;
    if (l->changed)
        l->changed(l);
}

static struct list_job *list_job(struct elist *l, enum load load)
{
    struct list_job *j =
        view_job(l->v, sizeof(*j), LANE_PAGE, l->slot, list_run, list_answer);
    if (!j)
        return NULL;
    j->job.clean = list_clean;
    j->list = l;
    j->load = load;
    j->filter = arena_copy(&j->job.arena, buf_str(&l->filter));
    j->view = l->view;
    j->bounded = l->bounded;
    j->from = l->from;
    j->to = l->to;
    l->loading = true;
    return j;
}

static void submit(struct elist *l, struct list_job *j)
{
    office_submit(l->v->app->office, &j->job);
}

static void load_end(struct elist *l, bool end)
{
    struct list_job *j = list_job(l, LOAD_ANEW);
    if (!j)
        return;
    j->back = end;
    submit(l, j);
}

void elist_load(struct elist *l, const struct hit *at)
{
    struct list_job *j = list_job(l, LOAD_ANEW);
    if (!j)
        return;
    if (at) {
        j->has_at = true;
        j->at = *at;
    }
    submit(l, j);
}

void elist_open(struct elist *l, struct view *v, unsigned slot)
{
    l->v = v;
    l->slot = slot;
    l->field = 1;
    l->n_fields = sizeof(plain_fields) / sizeof(plain_fields[0]);
    memcpy(l->fields, plain_fields, sizeof(plain_fields));
}

void elist_close(struct elist *l)
{
    drop_pages(l);
    buf_free(&l->filter);
    buf_free(&l->find);
    buf_free(&l->note);
}

/* ---- moving -------------------------------------------------------------- */

const struct row *elist_row(const struct elist *l, int i)
{
    for (int p = 0; p < l->n_pages && i >= 0; p++) {
        if (i < l->pages[p]->n)
            return &l->pages[p]->rows[i];
        i -= l->pages[p]->n;
    }
    return NULL;
}

const struct row *elist_current(const struct elist *l)
{
    return elist_row(l, l->cursor);
}

/* Asks for what the cursor may soon need. */
static void look_ahead(struct elist *l)
{
    if (l->loading || l->n == 0)
        return;
    bool later = l->n - l->cursor <= ELIST_PAGE && !l->at_end;
    bool earlier = l->cursor < ELIST_PAGE && !l->at_start;
    if (!later && !earlier)
        return;
    /* the nearer end first */
    if (later && earlier)
        later = l->n - l->cursor <= l->cursor;
    struct list_job *j = list_job(l, later ? LOAD_LATER : LOAD_EARLIER);
    if (!j)
        return;
    j->at = row_hit(elist_row(l, later ? l->n - 1 : 0));
    submit(l, j);
}

static void move(struct elist *l, int by)
{
    l->cursor += by;
    if (l->cursor >= l->n)
        l->cursor = l->n - 1;
    if (l->cursor < 0)
        l->cursor = 0;
    look_ahead(l);
}

bool elist_act(struct elist *l, enum action action)
{
    int page = l->height > 2 ? l->height - 2 : 1;
    switch (action) {
    case ACTION_UP:
        move(l, -1);
        return true;
    case ACTION_DOWN:
        move(l, 1);
        return true;
    case ACTION_PAGE_UP:
        move(l, -page);
        return true;
    case ACTION_PAGE_DOWN:
        move(l, page);
        return true;
    case ACTION_LEFT:
        l->field = l->field ? l->field - 1 : 0;
        return true;
    case ACTION_RIGHT:
        l->field += l->field + 1 < l->n_fields;
        return true;
    case ACTION_FIRST:
        if (l->at_start)
            move(l, -l->n);
        else
            load_end(l, false);
        return true;
    case ACTION_LAST:
        if (l->at_end)
            move(l, l->n);
        else
            load_end(l, true);
        return true;
    default:
        return false;
    }
}

void elist_seek(struct elist *l, enum elist_seek what, bool back)
{
    const struct row *r = elist_current(l);
    if (!r || (what == SEEK_TEXT && l->find.n == 0))
        return;
    struct list_job *j = list_job(l, LOAD_SEEK);
    if (!j)
        return;
    j->seek = what;
    j->gap = elist_gap(l);
    j->back = back;
    j->at = row_hit(r);
    j->find = arena_copy(&j->job.arena, buf_str(&l->find));
    submit(l, j);
}

bool elist_value(const struct elist *l, unsigned *kind, uint32_t *id,
                 struct str *text)
{
    const struct row *r = elist_current(l);
    if (!r)
        return false;
    enum field f = elist_field(l);
    *id = f == FIELDS ? 0 : row_id(r, f);
    *kind = kind_of_id(*id);
    *text = *id                                ? r->value[f]
            : f == FIELD_TARGET || f == FIELDS ? r->e.text
                                               : STR_NONE;
    return *id != 0 || text->n != 0;
}
