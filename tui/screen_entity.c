/* All about one entity: when, by which actions, from where, with whom. */
#include "analyzer/describe.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/histogram.h"
#include "tui/list.h"
#include "tui/terms.h"
#include "tui/rows.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOT_ENTITY = 1, SLOT_COUNT };
enum { COLUMNS = 4, TALLY_MOST = 4096, EVENTS_MOST = 200000 };

static const enum field column_fields[COLUMNS] = { FIELD_ACTION, FIELD_IP,
                                                   FIELD_TARGET, FIELD_ACTOR };
static const char *const column_names[COLUMNS] = { "BY ACTION", "FROM",
                                                   "TARGETS", "ACTORS" };

struct tally {
    uint32_t id;
    uint64_t n;
    struct str text;
};

struct entity {
    struct arena arena;
    struct histogram histogram;
    struct entity_count count;
    struct tally *rows[COLUMNS];
    struct list lists[COLUMNS];
    int column;
    uint64_t denied, seen, links;
    bool loaded, partial;
    struct str links_text;
};

struct entity_job {
    struct job job;
    uint32_t id;
    struct entity_count count;
    struct tally *rows[COLUMNS];
    size_t n[COLUMNS];
    uint64_t denied, seen, links;
    bool partial;
};

static struct entity *state(const struct view *v)
{
    return v->state;
}

/* ---- the job ------------------------------------------------------------- */

struct table_of {
    struct tally slots[TALLY_MOST * 2];
    size_t n;
};

static bool tally(struct table_of *t, uint32_t id)
{
    size_t i = (id * 2654435761u) % (TALLY_MOST * 2);
    while (t->slots[i].id && t->slots[i].id != id)
        i = (i + 1) % (TALLY_MOST * 2);
    if (!t->slots[i].id) {
        if (t->n >= TALLY_MOST)
            return false;
        t->slots[i].id = id;
        t->n++;
    }
    t->slots[i].n++;
    return true;
}

static int most_first(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return str_cmp(x->text, y->text);
}

static int settle(struct entity_job *j, struct casedb *c, unsigned k,
                  const struct table_of *t, struct err *err)
{
    struct arena *a = &j->job.arena;
    j->rows[k] = arena_array(a, t->n + 1, sizeof(*j->rows[k]));
    if (!j->rows[k])
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < TALLY_MOST * 2; i++) {
        if (!t->slots[i].id)
            continue;
        struct tally *r = &j->rows[k][j->n[k]++];
        *r = t->slots[i];
        r->text = arena_copy(a, case_text(c, r->id));
    }
    qsort(j->rows[k], j->n[k], sizeof(*j->rows[k]), most_first);
    return 0;
}

static int count_link(void *ctx, const struct link *l)
{
    (void)l;
    ++*(uint64_t *)ctx;
    return 0;
}

static bool is_denied(struct str outcome)
{
    return str_ifind(outcome, STR("denied")) != SIZE_MAX ||
           str_ifind(outcome, STR("unauthorized")) != SIZE_MAX;
}

static int go_through(struct entity_job *j, struct casedb *c,
                      struct table_of *t, struct err *err)
{
    struct plan plan = { .op = PLAN_ANY_OF, .ids = &j->id, .n = 1 };
    struct scan *s;
    struct hit h;
    struct arena a = { 0 };
    int rc = scan_open(c, &plan, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0) {
        struct row r;
        if (job_stopped(&j->job)) {
            rc = ERR_STOPPED;
            break;
        }
        if (j->seen == EVENTS_MOST) {
            j->partial = true;
            rc = 0;
            break;
        }
        arena_reset(&a);
        rc = case_event(c, h.id, &a, &r.e, err);
        if (rc)
            break;
        j->seen++;
        for (unsigned k = 0; k < COLUMNS; k++) {
            uint32_t id = row_id(&r, column_fields[k]);
            if (id && id != j->id && !tally(&t[k], id))
                j->partial = true;
        }
        j->denied += is_denied(case_text(c, r.e.outcome));
    }
    scan_close(s);
    arena_free(&a);
    return rc;
}

static int entity_run(struct job *job, struct desk *d, struct err *err)
{
    struct entity_job *j = (struct entity_job *)job;
    struct table_of *t = calloc(COLUMNS, sizeof(*t));
    if (!t)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int rc = case_entity(d->c, j->id, &j->count, err);
    if (rc == 0)
        rc = go_through(j, d->c, t, err);
    for (unsigned k = 0; k < COLUMNS && rc == 0; k++)
        rc = settle(j, d->c, k, &t[k], err);
    free(t);
    return rc ? rc
              : case_links_of_entity(d->c, j->id, count_link, &j->links, err);
}

static void entity_answer(struct job *job)
{
    struct entity_job *j = (struct entity_job *)job;
    struct view *v = job->view;
    struct entity *e = state(v);
    if (job->rc) {
        app_say_err(v->app, &job->err);
        return;
    }
    arena_free(&e->arena);
    e->arena = job->arena;
    job->arena = (struct arena){ 0 };
    e->count = j->count;
    e->denied = j->denied;
    e->seen = j->seen;
    e->links = j->links;
    e->partial = j->partial;
    e->loaded = true;
    for (unsigned k = 0; k < COLUMNS; k++) {
        e->rows[k] = j->rows[k];
        list_resize(&e->lists[k], (int)j->n[k]);
    }
    histogram_range(&e->histogram, e->count.first.s,
                    e->count.last.s < INT64_MAX ? e->count.last.s + 1
                                                : e->count.last.s);
    histogram_count(&e->histogram, STR_NONE, v->place.entity);
}

static void open(struct view *v)
{
    struct entity *e = state(v);
    v->subject = v->place.text;
    histogram_open(&e->histogram, v, SLOT_COUNT);
    struct entity_job *j = view_job(v, sizeof(*j), LANE_COUNT, SLOT_ENTITY,
                                    entity_run, entity_answer);
    if (!j)
        return;
    j->id = v->place.entity;
    office_submit(v->app->office, &j->job);
}

static void close_view(struct view *v)
{
    arena_free(&state(v)->arena);
}

/* ---- drawing ------------------------------------------------------------- */

static void draw_head(const struct view *v, struct area a)
{
    const struct entity *e = state(v);
    struct pen p = pen_at(a, 1, 0, STYLE_LABEL);
    pen_text(&p, kind_name(kind_of_id(v->place.entity)), 16);
    pen_z(&p, "  ");
    p.style = STYLE_TITLE;
    pen_text(&p, v->place.text, -1);
    p = pen_at(a, 1, 1, STYLE_PLAIN);
    if (!e->loaded) {
        pen_z(&p, "counting ..");
        return;
    }
    pen_count(&p, e->count.n);
    pen_z(&p, e->count.n == 1 ? " event" : " events");
    if (e->count.first.s || e->count.last.s) {
        pen_z(&p, "  first ");
        pen_instant(&p, e->count.first, 0);
        pen_z(&p, "  last ");
        pen_instant(&p, e->count.last, 0);
    }
    if (e->denied) {
        p.style = STYLE_WARN;
        pen_z(&p, "  denied ");
        pen_count(&p, e->denied);
        p.style = STYLE_PLAIN;
    }
    if (e->links) {
        pen_z(&p, "  links ");
        pen_count(&p, e->links);
    }
    if (e->partial) {
        p.style = STYLE_WARN;
        pen_z(&p, "  PARTIAL: of the first ");
        pen_count(&p, e->seen);
    }
}

static void draw_column(struct entity *e, struct area a, int k)
{
    struct list *l = &e->lists[k];
    if (a.h > 3) {
        struct area head = area_take(&a, 1);
        struct pen p = pen_at(head, 0, 0, STYLE_HEAD);
        pen_f(&p, "%s (%d)", column_names[k], l->n);
        pen_to(&p, head.w);
    }
    list_show(l, a.h);
    for (int y = 0; y < a.h && l->top + y < l->n; y++) {
        int i = l->top + y;
        const struct tally *t = &e->rows[k][i];
        struct str text = describe_short(kind_of_id(t->id), t->text);
        int bar = a.w >= 30 ? 4 : 0;
        struct pen p = pen_at(a, 0, y, STYLE_PLAIN);
        char n[24];
        int digits = snprintf(n, sizeof(n), "%llu", (unsigned long long)t->n);
        pen_short(&p, text, a.w - digits - bar - 2);
        pen_to(&p, a.w - digits - bar - 1);
        pen_z(&p, n);
        pen_z(&p, " ");
        for (int b = 0; b < bar; b++)
            if ((uint64_t)b * e->rows[k][0].n < t->n * (uint64_t)bar)
                pen_glyph(&p, GLYPH_FULL);
        if (i == l->cursor && k == e->column)
            area_highlight(a, y);
    }
}

static void draw(struct view *v, struct area a)
{
    struct entity *e = state(v);
    if (a.h >= 6)
        draw_head(v, area_take(&a, 2));
    if (!e->loaded)
        return;
    if (a.h >= 14 && (e->count.first.s || e->count.last.s)) {
        struct area h = area_take(&a, histogram_rows(&e->histogram, a.h / 4));
        if (histogram_draw(&e->histogram, h, NULL))
            histogram_count(&e->histogram, STR_NONE, v->place.entity);
    }
    int shown = a.w >= 76 ? COLUMNS : a.w >= 44 ? 2 : 1;
    int first = shown == COLUMNS ? 0 : e->column / shown * shown;
    int w = a.w / shown;
    for (int i = 0; i < shown && first + i < COLUMNS; i++)
        draw_column(
            e, area_sub(a, i * w, 0, i + 1 < shown ? w - 1 : a.w - i * w, a.h),
            first + i);
}

/* ---- acting -------------------------------------------------------------- */

static const struct tally *current(const struct view *v)
{
    const struct entity *e = state(v);
    const struct list *l = &e->lists[e->column];
    return e->loaded && l->n ? &e->rows[e->column][l->cursor] : NULL;
}

/* The timeline of the entity, and of the row's value with it. */
static void open_timeline(struct view *v, bool with_row)
{
    const struct tally *t = current(v);
    struct buf b = { 0 };
    terms_add(&b, false, "entity", v->place.text);
    if (with_row && t)
        terms_add(&b, false, field_names[column_fields[state(v)->column]],
                  t->text);
    app_push(v->app, screen_named("timeline"),
             &(struct place){ .text = buf_str(&b) });
    buf_free(&b);
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct entity *e = state(v);
    (void)key;
    if (list_act(&e->lists[e->column], action))
        return true;
    switch (action) {
    case ACTION_NEXT_PANE:
    case ACTION_RIGHT:
        e->column = (e->column + 1) % COLUMNS;
        return true;
    case ACTION_PREV_PANE:
    case ACTION_LEFT:
        e->column = (e->column + COLUMNS - 1) % COLUMNS;
        return true;
    case ACTION_OPEN:
        open_timeline(v, true);
        return true;
    case ACTION_TIMELINE:
        open_timeline(v, false);
        return true;
    default:
        return false;
    }
}

static bool value(struct view *v, unsigned *kind, uint32_t *id,
                  struct str *text)
{
    const struct tally *t = current(v);
    if (!t)
        return false;
    *kind = kind_of_id(t->id);
    *id = t->id;
    *text = t->text;
    return true;
}

const struct screen screen_entity = {
    .name = "entity",
    .title = "Entity",
    .about = "one entity: first, last, actions, addresses, targets, actors",
    .can = CAN_MOVE | CAN_OPEN | CAN_PANES | CAN_VALUE | CAN_ENTITY,
    .state_size = sizeof(struct entity),
    .open = open,
    .draw = draw,
    .act = act,
    .value = value,
    .close = close_view,
};
