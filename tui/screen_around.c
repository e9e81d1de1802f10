/* What else happened around an event: the filter is lifted, and said so. */
#include "tui/app.h"
#include "tui/elist.h"

#include <stdio.h>

enum { SLOT_LIST = 1, SLOT_CENTRE };

static const int32_t widths[] = { 10,      60,       5 * 60,   15 * 60,
                                  60 * 60, 6 * 3600, 24 * 3600 };
enum { WIDTHS = sizeof(widths) / sizeof(widths[0]), FIVE_MINUTES = 2 };

struct around {
    struct elist list;
    unsigned width;
    struct hit centre;
    bool found, undated;
};

struct centre_job {
    struct job job;
    int64_t id;
    struct row row;
};

static struct around *state(const struct view *v)
{
    return v->state;
}

static void load(struct view *v)
{
    struct around *s = state(v);
    int64_t w = widths[s->width];
    s->list.bounded = true;
    if (__builtin_sub_overflow(s->centre.t.s, w, &s->list.from.s))
        s->list.from.s = INT64_MIN;
    if (__builtin_add_overflow(s->centre.t.s, w + 1, &s->list.to.s))
        s->list.to.s = INT64_MAX;
    const struct row *r = elist_current(&s->list);
    struct hit at = r ? row_hit(r) : s->centre;
    elist_load(&s->list, &at);
}

static int centre_run(struct job *job, struct desk *d, struct err *err)
{
    struct centre_job *j = (struct centre_job *)job;
    return row_read(d->c, j->id, &job->arena, &j->row, err);
}

static void centre_answer(struct job *job)
{
    struct centre_job *j = (struct centre_job *)job;
    struct around *s = state(job->view);
    if (job->rc) {
        app_say_err(job->view->app, &job->err);
        return;
    }
    s->found = j->row.e.timed;
    s->undated = !j->row.e.timed;
    s->centre = row_hit(&j->row);
    s->list.anchor = s->centre;
    s->list.has_anchor = true;
    if (s->found)
        load(job->view);
}

static void open(struct view *v)
{
    struct around *s = state(v);
    struct buf b = { 0 };
    buf_printf(&b, "E%lld", (long long)v->place.event);
    v->subject = buf_to_arena(&b, &v->arena);
    elist_open(&s->list, v, SLOT_LIST);
    s->width = FIVE_MINUTES;
    struct centre_job *j = view_job(v, sizeof(*j), LANE_PAGE, SLOT_CENTRE,
                                    centre_run, centre_answer);
    if (!j)
        return;
    j->id = v->place.event;
    office_submit(v->app->office, &j->job);
}

static void draw(struct view *v, struct area a)
{
    struct around *s = state(v);
    if (a.h >= 4) {
        char span[24];
        struct area head = area_take(&a, 1);
        struct pen p = pen_at(head, 1, 0, STYLE_LABEL);
        span_text(span, widths[s->width]);
        pen_f(&p, "%s before and after E%lld", span, (long long)v->place.event);
        p.style = STYLE_PLAIN;
        pen_z(&p, "   every source, without the filter; T+ counts from it");
    }
    if (s->undated) {
        struct pen p = pen_at(a, 1, 0, STYLE_WARN);
        pen_z(&p, "This event has no time, so nothing is around it.");
        return;
    }
    elist_draw(&s->list, a);
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct around *s = state(v);
    const struct row *r = elist_current(&s->list);
    (void)key;
    if (elist_act(&s->list, action))
        return true;
    switch (action) {
    case ACTION_NARROWER:
    case ACTION_WIDER:
        s->width += action == ACTION_WIDER ? s->width + 1 < WIDTHS
                                           : -(unsigned)(s->width > 0);
        if (s->found)
            load(v);
        return true;
    case ACTION_OPEN:
        if (r)
            app_push(v->app, screen_named("event"),
                     &(struct place){ .event = r->e.id });
        return true;
    case ACTION_FIND:
        app_ask(v, ASK_FIND, "find", STR(""));
        return true;
    case ACTION_FIND_NEXT:
    case ACTION_FIND_PREV:
        elist_seek(&s->list, SEEK_TEXT, action == ACTION_FIND_PREV);
        return true;
    default:
        return false;
    }
}

static bool said(struct view *v, enum ask ask, struct str text,
                 struct refusal *no)
{
    struct around *s = state(v);
    (void)no;
    if (ask == ASK_FIND) {
        buf_clear(&s->list.find);
        buf_put(&s->list.find, text);
        elist_seek(&s->list, SEEK_TEXT, false);
    }
    return true;
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

static void close_view(struct view *v)
{
    elist_close(&state(v)->list);
}

const struct screen screen_around = {
    .name = "around",
    .title = "Around",
    .about = "everything within a time window around an event",
    .can = CAN_MOVE | CAN_OPEN | CAN_EVENT | CAN_FIND | CAN_CONTEXT | CAN_VALUE,
    .state_size = sizeof(struct around),
    .open = open,
    .draw = draw,
    .act = act,
    .said = said,
    .event = event,
    .value = value,
    .close = close_view,
};
