/* How a list of events looks, at every width. */
#include "analyzer/describe.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/elist.h"

#include <stdio.h>

/* Where the columns begin; 0 = not shown. */
struct layout {
    int time, second, delta, marks, lane, actor, action, rest;
    bool millis, date;
};

static struct layout layout_for(const struct elist *l, int w)
{
    int time = 14 + (l->year ? 5 : 0) + (l->millis ? 4 : 0);
    struct layout k = { .time = 1, .date = true, .millis = l->millis };
    if (w >= 60) {
        int actor = w >= 140 ? 32 : w >= 96 ? 20 : 14;
        k.delta = k.time + time + 2;
        if (l->v->app->zone_min && w >= ELIST_ZONE_WIDTH) {
            k.second = k.delta;
            k.delta += time + 2;
        }
        k.marks = k.delta + 9;
        k.lane = k.marks + 3;
        k.actor = k.lane + 2;
        k.action = k.actor + actor + 1;
        k.rest = k.action + (w >= 140 ? 28 : w >= 96 ? 20 : 16) + 1;
        return k;
    }
    k.time = 0;
    k.millis = false;
    k.date = w >= 36;
    k.marks = w >= 36 ? 15 + (l->year ? 5 : 0) : 0;
    k.action = w >= 36 ? k.marks + 3 : 9;
    k.rest = k.action + 17;
    return k;
}

/* ---- gaps ---------------------------------------------------------------- */

static bool is_gap(const struct elist *l, const struct row *a,
                   const struct row *b)
{
    return !l->view && a && b && a->e.timed && b->e.timed &&
           seconds_between(a->e.t, b->e.t) > elist_gap(l);
}

struct names {
    struct str names[6];
    size_t n;
};

static void add_name(struct names *list, struct str name)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->names[i], name))
            return;
    if (list->n < sizeof(list->names) / sizeof(list->names[0]))
        list->names[list->n++] = name;
}

static void pen_names(struct pen *p, const char *title, const struct names *l)
{
    if (l->n == 0)
        return;
    pen_z(p, title);
    for (size_t i = 0; i < l->n; i++) {
        pen_z(p, i ? ", " : " ");
        pen_text(p, l->names[i], 24);
    }
}

/* What is known about the recording between two rows. */
static bool cover(const struct facts *f, struct instant from, struct instant to,
                  struct names *recorded, struct names *missing)
{
    for (size_t i = 0; f && i < f->n_coverage; i++) {
        const struct coverage *v = &f->coverage[i];
        if (v->to_s <= from.s || v->from_s >= to.s)
            continue;
        if (v->state == COVER_PRESENT && v->from_s <= from.s && v->to_s >= to.s)
            add_name(recorded, v->source);
        if (v->state == COVER_ABSENT || v->state == COVER_DAMAGED)
            add_name(missing, v->source);
    }
    return f && f->n_coverage;
}

static void draw_gap(const struct elist *l, struct area a, int y,
                     const struct row *from, const struct row *to)
{
    struct names recorded = { .n = 0 }, missing = { .n = 0 };
    char span[24];
    struct pen p = pen_at(a, 1, y, STYLE_RULE);
    bool known =
        cover(l->v->app->facts, from->e.t, to->e.t, &recorded, &missing);
    span_text(span, seconds_between(from->e.t, to->e.t));
    pen_rule(&p, a.w >= 60 ? 4 : 1);
    pen_f(&p, " %s: no %sevents", span, l->filter.n ? "matching " : "");
    if (!known)
        pen_z(&p, "; coverage not analyzed");
    pen_names(&p, "; recorded:", &recorded);
    if (missing.n) {
        p.style = STYLE_WARN;
        pen_names(&p, "; NOT recorded:", &missing);
        p.style = STYLE_RULE;
    }
    pen_z(&p, " ");
    pen_rule(&p, pen_left(&p) - 1);
}

/* ---- rows ---------------------------------------------------------------- */

static void pen_field(struct pen *p, const struct elist *l, enum field f,
                      struct str text, int cells, bool cursor)
{
    uint8_t style = p->style;
    if (cursor && elist_field(l) == f)
        p->style = STYLE_FOCUS;
    if (cells >= 0 && cells < 32)
        pen_short(p, text, cells);
    else
        pen_text(p, text, cells);
    p->style = style;
}

static void draw_rest(struct pen *p, const struct elist *l, const struct row *r,
                      bool cursor)
{
    struct str target =
        describe_short(kind_of_id(r->e.target), r->value[FIELD_TARGET]);
    bool has_ip = r->value[FIELD_IP].n > 0;
    struct str outcome = r->value[FIELD_OUTCOME];
    int room = pen_left(p), most = room;
    bool failed = outcome.n && !str_eq(outcome, STR("success")) &&
                  !str_eq(outcome, STR("ok"));
    if (room > 50) /* leave room for what follows */
        most = room - (failed ? 16 : 0) - (has_ip ? 20 : 0);
    if (target.n) {
        pen_field(p, l, FIELD_TARGET, target, most, cursor);
        pen_z(p, "  ");
    }
    if (failed) {
        uint8_t style = p->style;
        p->style = STYLE_WARN;
        pen_text(p, outcome, 24);
        p->style = style;
        pen_z(p, "  ");
    }
    if (has_ip && pen_left(p) >= 12) {
        pen_z(p, "from ");
        pen_field(p, l, FIELD_IP, r->value[FIELD_IP], -1, cursor);
        pen_z(p, "  ");
    }
    if (r->e.text.n && !str_eq(r->e.text, r->value[FIELD_TARGET]))
        pen_field(p, l, target.n ? FIELDS : FIELD_TARGET, r->e.text, -1,
                  cursor);
}

void elist_pen_marks(struct pen *p, const struct app *a, const struct row *r)
{
    static const char letters[] = "nt*v"; /* enum mark_kind */
    unsigned bits = app_marked(a, r->e.id);
    char text[3] = "  ";
    int n = 0;
    if (r->e.severity >= 3)
        text[n++] = '!';
    for (unsigned k = 0; k < 4 && n < 2; k++)
        if (bits & 1u << k)
            text[n++] = letters[k];
    p->style = n ? STYLE_WARN : STYLE_PLAIN;
    pen_z(p, text);
    p->style = STYLE_PLAIN;
}

static void draw_row(struct elist *l, struct area a, int y, int i)
{
    const struct row *r = elist_row(l, i);
    const struct row *before = elist_row(l, i - 1);
    struct layout k = layout_for(l, a.w);
    bool cursor = i == l->cursor;
    struct pen p = pen_at(a, 0, y, STYLE_PLAIN);
    if (k.time) {
        pen_z(&p, cursor ? ">" : " ");
    }
    struct event e = r->e;
    if (!k.millis)
        e.t_res = 0;
    struct area when = area_sub(a, p.x, y,
                                (k.second  ? k.second
                                 : k.delta ? k.delta
                                 : k.marks ? k.marks
                                           : k.action) -
                                    p.x - 1,
                                1);
    struct pen t = pen_at(when, k.date || !e.timed ? 0 : -6, 0, STYLE_PLAIN);
    pen_time(&t, &e, l->year && k.date, false);
    if (k.second) {
        t = pen_at(area_sub(a, k.second, y, k.delta - k.second - 1, 1), 0, 0,
                   STYLE_PLAIN);
        pen_time_zone(&t, &e, l->year, l->v->app->zone_min);
    }
    if (k.delta && r->e.timed) {
        const struct row *from = before;
        struct area d = area_sub(a, k.delta, y, k.marks - k.delta - 1, 1);
        p = pen_at(d, 0, 0, STYLE_PLAIN);
        if (l->has_anchor && l->anchor.timed)
            pen_delta(&p, l->anchor.t, r->e.t);
        else if (from && from->e.timed)
            pen_delta(&p, from->e.t, r->e.t);
    }
    if (k.marks) {
        p = pen_at(a, k.marks, y, STYLE_PLAIN);
        elist_pen_marks(&p, l->v->app, r);
    }
    if (k.lane) {
        p = pen_at(a, k.lane, y, lane_style(r->value[FIELD_SOURCE]));
        pen_f(&p, "%c", lane_letter(r->value[FIELD_SOURCE]));
    }
    if (k.actor) {
        p = pen_at(a, k.actor, y, STYLE_PLAIN);
        pen_field(&p, l, FIELD_ACTOR,
                  describe_short(kind_of_id(r->e.actor), r->value[FIELD_ACTOR]),
                  k.action - k.actor - 1, cursor);
    }
    p = pen_at(a, k.action, y, STYLE_PLAIN);
    pen_field(&p, l, FIELD_ACTION, r->value[FIELD_ACTION],
              k.rest - k.action - 1, cursor);
    p = pen_at(a, k.rest, y, STYLE_PLAIN);
    draw_rest(&p, l, r, cursor);
    if (cursor)
        area_highlight(a, y);
}

void pen_zone(struct pen *p, int zone_min)
{
    int m = zone_min < 0 ? -zone_min : zone_min;
    pen_f(p, "%c%02d:%02d", zone_min < 0 ? '-' : '+', m / 60, m % 60);
}

static void draw_heads(const struct elist *l, struct area a)
{
    struct layout k = layout_for(l, a.w);
    struct pen p = pen_at(a, k.time, 0, STYLE_HEAD);
    pen_z(&p, k.date ? "TIME (UTC)" : "TIME");
    if (k.second) {
        pen_to(&p, k.second);
        pen_zone(&p, l->v->app->zone_min);
    }
    if (k.delta) {
        pen_to(&p, k.delta);
        pen_z(&p, l->has_anchor ? "T+" : "+DELTA");
        pen_to(&p, k.lane);
        pen_z(&p, "S");
        pen_to(&p, k.actor);
        pen_z(&p, "ACTOR");
    }
    pen_to(&p, k.action);
    pen_z(&p, "ACTION");
    pen_to(&p, k.rest);
    pen_z(&p, "TARGET, OUTCOME, FROM, TEXT");
    pen_to(&p, a.w);
}

static void draw_nothing(const struct elist *l, struct area a)
{
    struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
    if (!l->loaded) {
        pen_z(&p, "reading ..");
    } else if (l->refused.why[0]) {
        p.style = STYLE_ERROR;
        pen_z(&p, l->refused.why);
    } else if (l->failed.code) {
        p.style = STYLE_ERROR;
        pen_text(&p, str_from(l->failed.what), -1);
    } else if (l->filter.n) {
        pen_z(&p, "No event matches the filter. X and a number takes a part "
                  "away, f edits it.");
        p = pen_at(a, 1, 2, STYLE_WARN);
        pen_text(&p, buf_str(&l->note), -1);
        p = pen_at(a, 1, 1, STYLE_PLAIN);
        pen_z(&p, "Nothing found is not nothing happened: 1 shows what the "
                  "sources cover.");
    } else {
        pen_z(&p, "There is no event here.");
    }
}

/* Lines from row i's gap line to row k. */
static int lines_between(const struct elist *l, int i, int k)
{
    int n = 1;
    for (; i < k; i++)
        n += 1 + is_gap(l, elist_row(l, i), elist_row(l, i + 1));
    return n;
}

void elist_draw(struct elist *l, struct area a)
{
    if (l->view)
        elist_columns_heads(l,
                            a.h >= 5 ? area_take(&a, 1) : (struct area){ 0 });
    else if (a.h >= 5)
        draw_heads(l, area_take(&a, 1));
    l->height = a.h;
    if (a.h <= 0)
        return;
    if (l->n == 0) {
        draw_nothing(l, a);
        return;
    }
    if (l->top > l->cursor)
        l->top = l->cursor;
    if (l->top < 0 || l->cursor - l->top > a.h)
        l->top = l->cursor - a.h > 0 ? l->cursor - a.h : 0;
    while (l->top < l->cursor && lines_between(l, l->top, l->cursor) > a.h)
        l->top++;
    /* no empty rows at the foot while there are rows above */
    while (l->top > 0 && lines_between(l, l->top - 1, l->n - 1) <= a.h &&
           l->n - l->top < a.h)
        l->top--;
    int y = 0;
    for (int i = l->top; i < l->n && y < a.h; i++) {
        if (i > l->top && is_gap(l, elist_row(l, i - 1), elist_row(l, i)))
            draw_gap(l, a, y++, elist_row(l, i - 1), elist_row(l, i));
        if (y < a.h && l->view)
            elist_columns_row(l, a, y++, i);
        else if (y < a.h)
            draw_row(l, a, y++, i);
    }
}
