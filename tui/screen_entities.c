/* Who and what occurs: kinds of entities, and their values by events. */
#include "base/text.h"
#include "tui/app.h"
#include "tui/list.h"
#include "tui/rows.h"

#include <stdio.h>

enum { SLOT_TOP = 1, TOP = 1000 };

struct value_row {
    uint32_t id;
    uint64_t n;
    struct instant first, last;
    struct str text;
};

struct entities {
    struct arena arena; /* of the values */
    struct list kinds, values;
    uint8_t kind_of[KIND_MAX + 1]; /* of row i */
    unsigned shown;                /* kind whose values are there */
    struct value_row *rows;
    bool right, loaded;
    struct buf find;
};

struct top_job {
    struct job job;
    unsigned kind;
    struct value_row *rows;
    size_t n;
};

static struct entities *state(const struct view *v)
{
    return v->state;
}

static int top_run(struct job *job, struct desk *d, struct err *err)
{
    struct top_job *j = (struct top_job *)job;
    struct entity_count *top;
    int rc =
        case_entities_top(d->c, j->kind, TOP, &job->arena, &top, &j->n, err);
    if (rc)
        return rc;
    j->rows = arena_array(&job->arena, j->n + 1, sizeof(*j->rows));
    if (!j->rows)
        return err_set(err, ERR_INTERNAL, "out of memory");
    /* first and last cost a look at the events of each */
    int64_t end = time_mono_ns() + 100000000;
    for (size_t i = 0; i < j->n && rc == 0; i++) {
        if (i < 50 || time_mono_ns() < end)
            rc = case_entity(d->c, top[i].id, &top[i], err);
        if (job_stopped(job))
            return ERR_STOPPED;
        j->rows[i] = (struct value_row){
            top[i].id,
            top[i].n,
            top[i].first,
            top[i].last,
            arena_copy(&job->arena, case_text(d->c, top[i].id)),
        };
    }
    return rc;
}

static void top_answer(struct job *job)
{
    struct top_job *j = (struct top_job *)job;
    struct entities *e = state(job->view);
    if (job->rc) {
        app_say_err(job->view->app, &job->err);
        return;
    }
    /* the answer's memory becomes ours */
    arena_free(&e->arena);
    e->arena = job->arena;
    job->arena = (struct arena){ 0 };
    e->rows = j->rows;
    e->shown = j->kind;
    e->loaded = true;
    e->values.cursor = e->values.top = 0;
    list_resize(&e->values, (int)j->n);
}

static void ask_top(struct view *v)
{
    struct entities *e = state(v);
    if (e->kinds.n == 0 || e->kind_of[e->kinds.cursor] == e->shown)
        return;
    struct top_job *j =
        view_job(v, sizeof(*j), LANE_PAGE, SLOT_TOP, top_run, top_answer);
    if (!j)
        return;
    j->kind = e->kind_of[e->kinds.cursor];
    office_submit(v->app->office, &j->job);
}

static void news(struct view *v)
{
    struct entities *e = state(v);
    const struct facts *f = v->app->facts;
    int n = 0;
    if (!f)
        return;
    for (unsigned k = 1; k <= KIND_MAX; k++)
        if (f->kinds[k] && kind_name(k).n) {
            if (v->place.kind == k)
                e->kinds.cursor = n;
            e->kind_of[n++] = (uint8_t)k;
        }
    list_resize(&e->kinds, n);
    e->right = v->place.kind != 0;
    v->place.kind = 0;
    e->shown = 0;
    ask_top(v);
}

static void open(struct view *v)
{
    news(v);
}

static void close_view(struct view *v)
{
    arena_free(&state(v)->arena);
    buf_free(&state(v)->find);
}

/* ---- drawing ------------------------------------------------------------- */

static void draw_kinds(const struct view *v, struct area a)
{
    struct entities *e = state(v);
    list_show(&e->kinds, a.h);
    for (int y = 0; y < a.h && e->kinds.top + y < e->kinds.n; y++) {
        int i = e->kinds.top + y;
        struct pen p = pen_at(a, 0, y, STYLE_PLAIN);
        pen_z(&p, i == e->kinds.cursor ? ">" : " ");
        pen_text(&p, kind_name(e->kind_of[i]), 15);
        pen_to(&p, 17);
        pen_count(&p, v->app->facts->kinds[e->kind_of[i]]);
        if (i == e->kinds.cursor && !e->right)
            area_highlight(a, y);
    }
}

/* Are the values there those of the kind under the cursor? */
static bool is_current(const struct entities *e)
{
    return e->loaded && e->kinds.n && e->kind_of[e->kinds.cursor] == e->shown;
}

static void draw_values(const struct view *v, struct area a)
{
    struct entities *e = state(v);
    struct pen p = pen_at(a, 0, 0, STYLE_HEAD);
    if (!is_current(e)) {
        p.style = STYLE_PLAIN;
        pen_z(&p, "reading ..");
        return;
    }
    if (a.h > 3) {
        struct area head = area_take(&a, 1);
        p = pen_at(head, 0, 0, STYLE_HEAD);
        pen_z(&p, "   EVENTS  ");
        if (a.w > 70)
            pen_z(&p, "FIRST                 LAST                  ");
        pen_z(&p, "VALUE");
        if (e->values.n == TOP)
            pen_f(&p, " (the %d with most events)", TOP);
        pen_to(&p, head.w);
    }
    list_show(&e->values, a.h);
    for (int y = 0; y < a.h && e->values.top + y < e->values.n; y++) {
        int i = e->values.top + y;
        const struct value_row *r = &e->rows[i];
        char digits[24];
        struct pen q = pen_at(a, 0, y, STYLE_PLAIN);
        snprintf(digits, sizeof(digits), "%9llu  ", (unsigned long long)r->n);
        pen_z(&q, digits);
        if (a.w > 70) {
            bool timed = r->first.s || r->last.s;
            if (timed)
                pen_instant(&q, r->first, 0);
            pen_to(&q, 33);
            if (timed)
                pen_instant(&q, r->last, 0);
            pen_to(&q, 55);
        }
        pen_text(&q, r->text, -1);
        if (i == e->values.cursor && e->right)
            area_highlight(a, y);
    }
}

static void draw(struct view *v, struct area a)
{
    struct entities *e = state(v);
    if (!v->app->facts) {
        struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
        pen_z(&p, "reading ..");
        return;
    }
    if (a.w >= 60) {
        struct area left = area_sub(a, 0, 0, 28, a.h);
        for (int y = 0; y < a.h; y++) {
            struct pen p = pen_at(a, 28, y, STYLE_RULE);
            pen_glyph(&p, GLYPH_BAR);
        }
        draw_kinds(v, left);
        draw_values(v, area_sub(a, 30, 0, a.w - 30, a.h));
    } else if (e->right) {
        draw_values(v, a);
    } else {
        draw_kinds(v, a);
    }
}

/* ---- acting -------------------------------------------------------------- */

static const struct value_row *current(const struct view *v)
{
    const struct entities *e = state(v);
    if (!e->right || !is_current(e) || e->values.n == 0)
        return NULL;
    return &e->rows[e->values.cursor];
}

static void find(struct view *v, bool back)
{
    struct entities *e = state(v);
    struct str text = buf_str(&e->find);
    e->right = true;
    for (int k = 1; is_current(e) && k <= e->values.n && text.n; k++) {
        int i = e->values.cursor + (back ? -k : k);
        i = ((i % e->values.n) + e->values.n) % e->values.n;
        if (str_ifind(e->rows[i].text, text) == SIZE_MAX)
            continue;
        e->values.cursor = i;
        return;
    }
    app_say(v->app, STYLE_WARN, "not found");
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct entities *e = state(v);
    (void)key;
    if (list_act(e->right ? &e->values : &e->kinds, action)) {
        ask_top(v);
        return true;
    }
    switch (action) {
    case ACTION_NEXT_PANE:
    case ACTION_PREV_PANE:
        e->right = !e->right;
        return true;
    case ACTION_RIGHT:
    case ACTION_LEFT:
        e->right = action == ACTION_RIGHT;
        return true;
    case ACTION_OPEN:
        if (e->right)
            return app_act(v->app, ACTION_PIVOT, 0);
        e->right = true;
        return true;
    case ACTION_FIND:
        app_ask(v, ASK_FIND, "find", buf_str(&e->find));
        return true;
    case ACTION_FIND_NEXT:
    case ACTION_FIND_PREV:
        find(v, action == ACTION_FIND_PREV);
        return true;
    default:
        return false;
    }
}

static bool said(struct view *v, enum ask ask, struct str text,
                 struct refusal *no)
{
    struct entities *e = state(v);
    (void)no;
    if (ask == ASK_FIND) {
        buf_clear(&e->find);
        buf_put(&e->find, text);
        find(v, false);
    }
    return true;
}

static bool value(struct view *v, unsigned *kind, uint32_t *id,
                  struct str *text)
{
    const struct value_row *r = current(v);
    if (!r)
        return false;
    *kind = state(v)->shown;
    *id = r->id;
    *text = r->text;
    return true;
}

const struct screen screen_entities = {
    .name = "entities",
    .title = "Entities",
    .about = "who and what occurs, by kind and number of events",
    .key = '3',
    .can = CAN_MOVE | CAN_OPEN | CAN_PANES | CAN_FIND | CAN_VALUE,
    .state_size = sizeof(struct entities),
    .open = open,
    .draw = draw,
    .act = act,
    .said = said,
    .news = news,
    .value = value,
    .close = close_view,
};
