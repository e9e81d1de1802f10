/* A text in the bytes of the evidence, wherever a field may have put it. */
#include "analyzer/cite.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/facts.h"
#include "tui/list.h"
#include "tui/bytes.h"
#include "tui/rows.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOT_SEARCH = 1, HITS_MOST = 5000, CONTEXT = 60 };

struct found {
    struct row row; /* id 0: bytes that are no event's */
    struct str cite, context;
    size_t at, len; /* of the text in the context */
};

/* Shared by the job and the view: the job makes rows in the arena, which is
 * its own while it runs, and shows them by raising n under the office's lock.
 */
struct results {
    struct arena arena;
    struct found **rows;
    size_t n;
    bool full;
    uint64_t unread; /* members that could not be read */
    char why[160];
    unsigned users; /* job, view; under the lock */
};

struct search {
    struct results *results;
    struct list list;
    struct buf text;
    struct job *running;
    bool done, stopped;
};

struct search_job {
    struct job job;
    struct results *results;
    struct str text;
    struct member *members;
    size_t n, room;
    /* of the member at work */
    struct desk *desk;
    const struct member *member;
    struct reader_hit *hits;
    size_t n_hits, room_hits;
};

static struct search *state(const struct view *v)
{
    return v->state;
}

static void release(struct office *o, struct results *r)
{
    if (!r)
        return;
    office_lock(o);
    bool last = --r->users == 0;
    office_unlock(o);
    if (!last)
        return;
    free(r->rows);
    arena_free(&r->arena);
    free(r);
}

/* ---- the job ------------------------------------------------------------- */

static int keep_member(void *ctx, const struct member *m)
{
    struct search_job *j = ctx;
    struct arena *a = &j->job.arena;
    if (j->n == j->room) {
        size_t room = j->room ? 2 * j->room : 256;
        struct member *more = arena_array(a, room, sizeof(*more));
        if (!more)
            return ERR_INTERNAL;
        if (j->n)
            memcpy(more, j->members, j->n * sizeof(*more));
        j->members = more;
        j->room = room;
    }
    struct member *k = &j->members[j->n++];
    *k = *m;
    k->path = arena_copy(a, m->path);
    k->layers = arena_copy(a, m->layers);
    k->format = k->sha256 = STR_NONE;
    atomic_fetch_add(&j->job.all, m->size);
    return 0;
}

static int keep_hit(void *ctx, const struct reader_hit *h)
{
    struct search_job *j = ctx;
    if (job_stopped(&j->job))
        return ERR_STOPPED;
    if (j->results->n + j->n_hits >= HITS_MOST) {
        j->results->full = true;
        return 1;
    }
    if (j->n_hits == j->room_hits) {
        size_t room = j->room_hits ? 2 * j->room_hits : 64;
        struct reader_hit *more = realloc(j->hits, room * sizeof(*more));
        if (!more)
            return ERR_INTERNAL;
        j->hits = more;
        j->room_hits = room;
    }
    j->hits[j->n_hits++] = *h;
    return 0;
}

/* A hit with its event and the bytes around it. */
static int settle(struct search_job *j, struct casedb *c,
                  const struct reader_hit *h, struct err *err)
{
    struct arena a = { 0 };
    struct reader_got got;
    uint64_t from = h->off > CONTEXT ? h->off - CONTEXT : 0;
    int64_t event;
    struct results *r = j->results;
    int rc = cite_event_at(c, j->member, h->off, 0, false, &event, err);
    if (rc == 0)
        rc = bytes_read(j->desk, j->member, from,
                        h->off - from + h->len + CONTEXT, &a, &got, err);
    if (rc) {
        arena_free(&a);
        return rc;
    }
    struct found *f = arena_alloc(&r->arena, sizeof(*f));
    if (!f) {
        arena_free(&a);
        return err_set(err, ERR_INTERNAL, "out of memory");
    }
    f->context = arena_copy(&r->arena, got.bytes);
    f->cite = bytes_cite(j->member, h->off, h->len, 0, &r->arena);
    f->at = (size_t)(h->off - from);
    f->len = (size_t)h->len;
    if (event)
        rc = row_read(c, event, &r->arena, &f->row, err);
    if (event && rc == 0 && f->row.e.flags & EVENT_SECRET &&
        !j->desk->show_secrets) {
        f->context = STR("[masked: the record holds a secret]");
        f->at = f->len = 0;
    }
    if (rc == 0) {
        office_lock(j->job.office);
        r->rows[r->n++] = f;
        office_unlock(j->job.office);
    }
    arena_free(&a);
    return rc;
}

static int search_member(struct search_job *j, struct err *err)
{
    struct err own = { 0 };
    struct reader_place p;
    struct reader_needles needles = { &j->text, 1, SCAN_FOLD, 0 };
    uint64_t scanned = 0;
    j->n_hits = 0;
    int rc = bytes_place(j->desk, j->member, &p, &own);
    if (rc == 0)
        rc = reader_scan(bytes_reader(j->desk), &p, &needles, keep_hit, j,
                         &scanned, &own);
    if (rc == ERR_EVIDENCE) {
        office_lock(j->job.office);
        j->results->unread++;
        snprintf(j->results->why, sizeof(j->results->why), "%.150s", own.what);
        office_unlock(j->job.office);
        rc = 0;
    } else if (rc < 0) {
        *err = own;
    }
    for (size_t i = 0; i < j->n_hits && rc >= 0; i++)
        rc = job_stopped(&j->job) ? ERR_STOPPED
                                  : settle(j, j->desk->c, &j->hits[i], err);
    return rc < 0 ? rc : 0;
}

static int search_run(struct job *job, struct desk *d, struct err *err)
{
    struct search_job *j = (struct search_job *)job;
    int64_t told = time_mono_ns();
    j->desk = d;
    int rc = case_members(d->c, 0, keep_member, j, err);
    for (size_t i = 0; i < j->n && rc == 0 && !j->results->full; i++) {
        size_t before = j->results->n;
        if (job_stopped(job))
            return ERR_STOPPED;
        j->member = &j->members[i];
        rc = search_member(j, err);
        atomic_fetch_add(&job->done, j->member->size);
        int64_t now = time_mono_ns();
        if (before != j->results->n || now - told > 200000000) {
            told = now;
            job_news(job);
        }
    }
    return rc;
}

static void search_clean(struct job *job)
{
    struct search_job *j = (struct search_job *)job;
    free(j->hits);
    release(job->office, j->results);
}

static void search_answer(struct job *job)
{
    struct search *s = state(job->view);
    struct app *a = job->view->app;
    s->running = NULL;
    s->done = true;
    s->stopped = job->rc == ERR_STOPPED;
    if (job->rc)
        app_say_err(a, &job->err);
    /* what was looked for is on record, also when nothing was found */
    app_write_query(a, STR("search"), buf_str(&s->text),
                    (int64_t)s->results->n);
}

static void start(struct view *v)
{
    struct search *s = state(v);
    struct office *o = v->app->office;
    struct results *r = calloc(1, sizeof(*r));
    struct search_job *j = view_job(v, sizeof(*j), LANE_RAW, SLOT_SEARCH,
                                    search_run, search_answer);
    if (r)
        r->rows = calloc(HITS_MOST, sizeof(*r->rows));
    if (!r || !r->rows || !j) {
        if (r)
            free(r->rows);
        free(r);
        free(j);
        return;
    }
    release(o, s->results);
    r->users = 2;
    s->results = r;
    s->done = s->stopped = false;
    s->list = (struct list){ 0 };
    j->job.clean = search_clean;
    j->results = r;
    j->text = arena_copy(&j->job.arena, buf_str(&s->text));
    v->subject = arena_copy(&v->arena, buf_str(&s->text));
    s->running = &j->job;
    office_submit(o, &j->job);
}

static void ask(struct view *v)
{
    app_ask(v, ASK_SEARCH, "search in the raw records",
            buf_str(&state(v)->text));
}

static void open(struct view *v)
{
    struct search *s = state(v);
    buf_put(&s->text, v->place.text);
    if (s->text.n)
        start(v);
    else
        ask(v);
}

static void close_view(struct view *v)
{
    struct search *s = state(v);
    release(v->app->office, s->results);
    buf_free(&s->text);
}

/* ---- drawing ------------------------------------------------------------- */

static void draw_state(const struct view *v, struct area row)
{
    const struct search *s = state(v);
    const struct results *r = s->results;
    struct pen p = pen_at(row, 1, 0, STYLE_PLAIN);
    pen_count(&p, r->n);
    pen_z(&p, r->n == 1 ? " hit for " : " hits for ");
    p.style = STYLE_CHIP;
    pen_text(&p, buf_str(&s->text), 40);
    p.style = STYLE_PLAIN;
    if (s->running) {
        uint64_t done = atomic_load(&s->running->done);
        uint64_t all = atomic_load(&s->running->all);
        if (!v->app->by_script)
            pen_f(&p, "   searching %u %%, Esc stops",
                  all ? (unsigned)(done * 100 / all) : 0);
    } else if (s->stopped) {
        pen_styled(&p, STYLE_WARN, "   STOPPED: the rest was not searched");
    } else if (r->full) {
        pen_styled(&p, STYLE_WARN, "   PARTIAL: the search ended at this many");
    } else {
        pen_z(&p, "   all members searched; letters in either case");
    }
    if (r->unread) {
        p.style = STYLE_WARN;
        pen_f(&p, "   %llu members NOT read: ", (unsigned long long)r->unread);
        pen_text(&p, str_from(r->why), -1);
    }
}

static void draw_hit(const struct found *f, struct area a, int y)
{
    struct pen p = pen_at(a, 0, y, STYLE_PLAIN);
    int context = a.w >= 90 ? 46 : a.w >= 60 ? 22 : 0;
    if (f->row.e.id && context) {
        pen_f(&p, " E%-8lld", (long long)f->row.e.id);
        struct area when = area_sub(a, p.x, y, context - p.x - 1, 1);
        struct pen t = pen_at(when, 0, 0, STYLE_PLAIN);
        struct event e = f->row.e;
        e.t_res = 0;
        if (a.w >= 60)
            pen_time(&t, &e, false, false);
        pen_z(&t, "  ");
        pen_text(&t, f->row.value[FIELD_ACTION], -1);
    } else if (context) {
        pen_z(&p, " ");
        pen_text(&p, f->cite, context - 2);
    }
    p = pen_at(a, context, y, STYLE_PLAIN);
    size_t before = f->at > 24 ? f->at - 24 : 0;
    pen_text(&p, str_sub(f->context, before, f->at - before), -1);
    p.style = STYLE_FOUND;
    pen_text(&p, str_sub(f->context, f->at, f->len), -1);
    p.style = STYLE_PLAIN;
    pen_text(&p, str_sub(f->context, f->at + f->len, f->context.n), -1);
}

static void draw(struct view *v, struct area a)
{
    struct search *s = state(v);
    if (!s->results) {
        struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
        pen_z(&p, "Searches the bytes of all evidence, not only the fields.");
        p = pen_at(a, 1, 1, STYLE_PLAIN);
        pen_z(&p, "Every search is kept in the case, also one that finds "
                  "nothing.");
        return;
    }
    office_lock(v->app->office);
    list_resize(&s->list, (int)s->results->n);
    if (a.h >= 3)
        draw_state(v, area_take(&a, 1));
    list_show(&s->list, a.h);
    for (int y = 0; y < a.h && s->list.top + y < s->list.n; y++) {
        draw_hit(s->results->rows[s->list.top + y], a, y);
        if (s->list.top + y == s->list.cursor)
            area_highlight(a, y);
    }
    office_unlock(v->app->office);
}

/* ---- acting -------------------------------------------------------------- */

/* The row, which stays valid: rows are only added. */
static const struct found *current(const struct view *v)
{
    const struct search *s = state(v);
    return s->results && s->list.n ? s->results->rows[s->list.cursor] : NULL;
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct search *s = state(v);
    const struct found *f = current(v);
    (void)key;
    if (list_act(&s->list, action))
        return true;
    switch (action) {
    case ACTION_SEARCH:
        ask(v);
        return true;
    case ACTION_OPEN:
        if (!f)
            ask(v);
        else if (f->row.e.id)
            app_push(v->app, screen_named("event"),
                     &(struct place){ .event = f->row.e.id });
        else
            app_push(v->app, screen_named("copy"),
                     &(struct place){ .text = f->cite });
        return true;
    default:
        return false;
    }
}

static bool said(struct view *v, enum ask what, struct str text,
                 struct refusal *no)
{
    struct search *s = state(v);
    (void)no;
    if (what != ASK_SEARCH || text.n == 0)
        return true;
    buf_clear(&s->text);
    buf_put(&s->text, text);
    start(v);
    return true;
}

static int64_t event(const struct view *v)
{
    const struct found *f = current(v);
    return f ? f->row.e.id : 0;
}

static bool value(struct view *v, unsigned *kind, uint32_t *id,
                  struct str *text)
{
    const struct found *f = current(v);
    if (!f)
        return false;
    *kind = 0;
    *id = 0;
    *text = f->cite;
    return true;
}

const struct screen screen_search = {
    .name = "search",
    .title = "Search",
    .about = "a text in the bytes of all evidence",
    .key = '4',
    .can = CAN_MOVE | CAN_OPEN | CAN_EVENT | CAN_TEXT | CAN_VALUE,
    .state_size = sizeof(struct search),
    .open = open,
    .draw = draw,
    .act = act,
    .said = said,
    .event = event,
    .value = value,
    .close = close_view,
};
