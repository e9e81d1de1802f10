/* All events in time order: filter, histogram, list, the row in words. */
#include "base/text.h"
#include "tui/app.h"
#include "tui/elist.h"
#include "tui/histogram.h"

#include <stdio.h>

enum { SLOT_LIST = 1, SLOT_COUNT };

struct timeline {
    struct elist list;
    struct histogram histogram;
    bool ranged; /* the histogram has been given the span of the case */
};

static struct timeline *state(const struct view *v)
{
    return v->state;
}

static void count(struct timeline *t)
{
    histogram_count(&t->histogram, buf_str(&t->list.filter), 0);
}

/* ---- news ---------------------------------------------------------------- */

/* Forged and file times must not stretch the axis: it shows where the
 * records are, what lies outside is counted at its side. */
static void whole_span(struct timeline *t)
{
    const struct facts *f = t->list.v->app->facts;
    if (f->focused)
        histogram_range(&t->histogram, f->focus_from, f->focus_to);
}

static void news(struct view *v)
{
    struct timeline *t = state(v);
    const struct facts *f = v->app->facts;
    if (!f || t->ranged)
        return;
    t->ranged = true;
    int64_t y1, y2;
    int m, d;
    time_civil_from_days(f->span.first.s / 86400, &y1, &m, &d);
    time_civil_from_days(f->span.last.s / 86400, &y2, &m, &d);
    t->list.year = y1 != y2;
    whole_span(t);
    count(t);
}

static void open(struct view *v)
{
    struct timeline *t = state(v);
    elist_open(&t->list, v, SLOT_LIST);
    histogram_open(&t->histogram, v, SLOT_COUNT);
    buf_put(&t->list.filter, v->place.text);
    const struct facts *f = v->app->facts;
    struct hit start = { .timed = true };
    if (v->place.has_at)
        start = v->place.at;
    else if (f && f->focused)
        start.t.s = f->focus_from;
    bool anchored = v->place.has_at || (start.t.s && v->place.text.n == 0);
    elist_load(&t->list, anchored ? &start : NULL);
    news(v);
}

static void close_view(struct view *v)
{
    elist_close(&state(v)->list);
}

/* ---- drawing ------------------------------------------------------------- */

static void draw_filter(const struct timeline *t, struct area row)
{
    struct pen p = pen_at(row, 1, 0, STYLE_LABEL);
    const struct histogram *h = &t->histogram;
    const struct facts *f = t->list.v->app->facts;
    bool n = elist_terms_draw(&t->list, &p, row.w > 60 ? 40 : 24);
    if (!n)
        pen_z(&p, "all events");
    p.style = STYLE_PLAIN;
    if (!f || row.w < 60)
        return;
    pen_z(&p, "  ");
    if (h->counted)
        pen_count(&p, h->total);
    else
        pen_z(&p, "..");
    if (n) {
        pen_z(&p, " of ");
        pen_count(&p, f->span.n);
    }
    if (h->counted && h->undated) {
        pen_z(&p, ", ");
        pen_count(&p, h->undated);
        pen_z(&p, " without a time (first rows)");
    }
    if (h->counted && n && h->total < f->span.n) {
        pen_z(&p, ", hidden ");
        pen_count(&p, f->span.n - h->total);
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

static void draw_foot(const struct timeline *t, struct area a)
{
    const struct row *r = elist_current(&t->list);
    struct pen p = pen_at(a, 0, 0, STYLE_RULE);
    pen_rule(&p, 2);
    if (!r) {
        pen_rule(&p, pen_left(&p));
        return;
    }
    pen_f(&p, " E%lld ", (long long)r->e.id);
    pen_time(&p, &r->e, true, true);
    pen_z(&p, r->e.timed ? "Z " : " ");
    pen_rule(&p, pen_left(&p));
    p = pen_at(a, 1, 1, STYLE_PLAIN);
    pen_pair(&p, "actor", r->value[FIELD_ACTOR]);
    pen_pair(&p, "key", r->value[FIELD_KEY]);
    p = pen_at(a, 1, 2, STYLE_PLAIN);
    pen_pair(&p, "service", r->value[FIELD_SERVICE]);
    pen_pair(&p, "region", r->value[FIELD_REGION]);
    pen_pair(&p, "outcome", r->value[FIELD_OUTCOME]);
    pen_pair(&p, "target", r->value[FIELD_TARGET]);
    p = pen_at(a, 1, 3, STYLE_PLAIN);
    pen_pair(&p, "ip", r->value[FIELD_IP]);
    pen_pair(&p, "agent", r->value[FIELD_AGENT]);
    pen_pair(&p, "text", r->e.text);
}

static void draw(struct view *v, struct area a)
{
    struct timeline *t = state(v);
    const struct row *r = elist_current(&t->list);
    if (a.h >= 10)
        draw_filter(t, area_take(&a, 1));
    if (a.h >= 14) {
        struct area h = area_take(&a, histogram_rows(&t->histogram, a.h / 4));
        if (histogram_draw(&t->histogram, h, r && r->e.timed ? &r->e.t : NULL))
            count(t);
    }
    struct area foot = { 0 };
    if (a.h >= 16)
        foot = area_take_bottom(&a, 4);
    elist_draw(&t->list, a);
    if (foot.h)
        draw_foot(t, foot);
}

/* ---- acting -------------------------------------------------------------- */

static void filter_changed(struct timeline *t)
{
    elist_terms_load(&t->list);
    count(t);
}

static bool open_row(struct view *v)
{
    const struct row *r = elist_current(&state(v)->list);
    if (r)
        app_push(v->app, screen_named("event"),
                 &(struct place){ .event = r->e.id });
    return true;
}

static void set_anchor(struct timeline *t)
{
    const struct row *r = elist_current(&t->list);
    if (!r || !r->e.timed)
        return;
    struct hit h = row_hit(r);
    t->list.has_anchor = !(t->list.has_anchor && t->list.anchor.id == h.id);
    t->list.anchor = h;
}

static bool act_histogram(struct timeline *t, enum action action)
{
    const struct row *r = elist_current(&t->list);
    const struct instant *at = r && r->e.timed ? &r->e.t : NULL;
    switch (action) {
    case ACTION_ZOOM_IN:
        histogram_zoom(&t->histogram, true, at);
        break;
    case ACTION_ZOOM_OUT:
        histogram_zoom(&t->histogram, false, at);
        break;
    case ACTION_EARLIER:
    case ACTION_LATER:
        histogram_shift(&t->histogram, action == ACTION_LATER);
        break;
    default:
        return false;
    }
    count(t);
    return true;
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct timeline *t = state(v);
    (void)key;
    if (elist_act(&t->list, action) || act_histogram(t, action))
        return true;
    switch (action) {
    case ACTION_OPEN:
        return open_row(v);
    case ACTION_FILTER:
        app_ask(v, ASK_FILTER, "filter", buf_str(&t->list.filter));
        return true;
    case ACTION_ONLY:
    case ACTION_WITHOUT:
        if (elist_terms_add(&t->list, action == ACTION_WITHOUT))
            filter_changed(t);
        return true;
    case ACTION_UNCHIP:
        if (elist_terms_unchip(&t->list))
            filter_changed(t);
        return true;
    case ACTION_GO_TIME:
        app_ask(v, ASK_TIME, "go to time (UTC)", STR(""));
        return true;
    case ACTION_ANCHOR:
        set_anchor(t);
        return true;
    case ACTION_FIND:
        app_ask(v, ASK_FIND, "find", buf_str(&t->list.find));
        return true;
    case ACTION_FIND_NEXT:
    case ACTION_FIND_PREV:
        elist_seek(&t->list, SEEK_TEXT, action == ACTION_FIND_PREV);
        return true;
    case ACTION_NEXT_GAP:
    case ACTION_PREV_GAP:
        elist_seek(&t->list, SEEK_GAP, action == ACTION_PREV_GAP);
        return true;
    default:
        return false;
    }
}

/* An absolute time, or a span from the cursor. */
static bool go_time(struct timeline *t, struct str text, struct refusal *no)
{
    const struct row *r = elist_current(&t->list);
    struct hit h = { .timed = true, .id = INT64_MIN };
    int64_t ns;
    text = str_trim(text);
    bool back = str_starts(text, STR("-")), forth = str_starts(text, STR("+"));
    if ((back || forth) && time_parse_span(str_sub(text, 1, text.n), &ns)) {
        if (!r || !r->e.timed) {
            snprintf(no->why, sizeof(no->why), "the cursor has no time");
            return false;
        }
        int64_t total = r->e.t.ns + (ns % 1000000000) * (back ? -1 : 1);
        h.t.s = r->e.t.s + (back ? -(ns / 1000000000) : ns / 1000000000);
        if (total < 0 || total >= 1000000000) {
            h.t.s += total < 0 ? -1 : 1;
            total += total < 0 ? 1000000000 : -1000000000;
        }
        h.t.ns = (uint32_t)total;
    } else if (!time_parse_user(text, false, &h.t)) {
        no->column = 0;
        snprintf(no->why, sizeof(no->why),
                 "not a time: 2026-03-11, 2026-03-11T02:20Z, +5m, -2h");
        return false;
    }
    elist_load(&t->list, &h);
    if (h.t.s < t->histogram.from_s || h.t.s >= t->histogram.to_s) {
        int64_t half = (t->histogram.to_s - t->histogram.from_s) / 2;
        histogram_range(&t->histogram, h.t.s - half, h.t.s + half);
        count(t);
    }
    return true;
}

static bool said(struct view *v, enum ask ask, struct str text,
                 struct refusal *no)
{
    struct timeline *t = state(v);
    switch (ask) {
    case ASK_FILTER:
        if (!elist_terms_set(&t->list, text, no))
            return false;
        filter_changed(t);
        return true;
    case ASK_UNCHIP:
        if (!elist_terms_take_away(&t->list, text, no))
            return false;
        filter_changed(t);
        return true;
    case ASK_TIME:
        return go_time(t, text, no);
    case ASK_FIND:
        buf_clear(&t->list.find);
        buf_put(&t->list.find, text);
        elist_seek(&t->list, SEEK_TEXT, false);
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

const struct screen screen_timeline = {
    .name = "timeline",
    .title = "Timeline",
    .about = "all events in time order, with filter and histogram",
    .key = '2',
    .can = CAN_MOVE | CAN_OPEN | CAN_EVENT | CAN_FILTER | CAN_FIND | CAN_TIME |
           CAN_VALUE,
    .state_size = sizeof(struct timeline),
    .open = open,
    .draw = draw,
    .act = act,
    .said = said,
    .news = news,
    .event = event,
    .value = value,
    .close = close_view,
};
