/* Lists of a view: the columns of its table, at two widths. */
#include "analyzer/describe.h"
#include "tui/app.h"
#include "tui/elist.h"

enum { WIDE = 110, TIME = 19, NARROW = 50, NARROWEST = 36 };

/* Of the row itself; the others are not values of the timeline's kind. */
static const struct {
    enum host_field column;
    enum field field;
} values[] = {
    { HOST_USER, FIELD_ACTOR },      { HOST_FROM, FIELD_IP },
    { HOST_ACTION, FIELD_ACTION },   { HOST_TARGET, FIELD_TARGET },
    { HOST_OUTCOME, FIELD_OUTCOME }, { HOST_SOURCE, FIELD_SOURCE },
    { HOST_TEXT, FIELDS },
};

static bool field_of(enum host_field column, enum field *out)
{
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (values[i].column == column) {
            *out = values[i].field;
            return true;
        }
    return false;
}

struct place_of {
    int at, cells;
};

/* Where the columns of the view are; cells 0 = not shown. Returns where the
 * marks are, 0 = neither they nor times are shown. */
static int lay_out(const struct elist *l, int w,
                   struct place_of out[HOST_FIELDS + 1])
{
    const struct host_view *v = l->view;
    bool zone = l->v->app->zone_min && w >= WIDE;
    int x = 1, marks = 0;
    size_t last = 0;
    for (size_t i = 0; i < v->n_columns && i < HOST_FIELDS; i++) {
        const struct host_column *k = &v->columns[i];
        int cells = w >= WIDE ? k->wide : k->narrow;
        /* very narrow: when, and what; at last only what */
        bool what = k->field == HOST_ACTION || i + 1 == v->n_columns;
        if (w < NARROW && !what && (k->field != HOST_TIME || w < NARROWEST))
            cells = 0;
        out[i] = (struct place_of){ x, x < w ? cells : 0 };
        if (out[i].cells == 0)
            continue;
        last = i;
        x += cells + 1;
        if (k->field == HOST_TIME) {
            x += zone ? TIME + 1 : 0;
            marks = x;
            x += 5; /* marks and the letter of the source */
        }
    }
    if (v->n_columns && w > out[last].at)
        out[last].cells = w - out[last].at;
    return marks;
}

/* The cursor goes over what is shown. */
static void set_fields(struct elist *l, const struct place_of *at)
{
    l->n_fields = 0;
    for (size_t i = 0; i < l->view->n_columns; i++)
        if (at[i].cells &&
            field_of(l->view->columns[i].field, &l->fields[l->n_fields]))
            l->n_fields++;
    if (l->field >= l->n_fields)
        l->field = l->n_fields ? l->n_fields - 1 : 0;
}

void elist_columns_heads(struct elist *l, struct area a)
{
    struct place_of at[HOST_FIELDS + 1] = { 0 };
    int marks = lay_out(l, a.w, at);
    if (a.w)
        set_fields(l, at);
    if (a.h <= 0)
        return;
    struct pen p = pen_at(a, 0, 0, STYLE_HEAD);
    pen_to(&p, a.w);
    for (size_t i = 0; i < l->view->n_columns; i++) {
        if (!at[i].cells)
            continue;
        p = pen_at(area_sub(a, at[i].at, 0, at[i].cells, 1), 0, 0, STYLE_HEAD);
        pen_z(&p, l->view->columns[i].head);
    }
    if (marks) {
        p = pen_at(area_sub(a, marks + 3, 0, 1, 1), 0, 0, STYLE_HEAD);
        pen_z(&p, "S");
    }
    if (marks > TIME + 2) {
        p = pen_at(a, TIME + 2, 0, STYLE_HEAD);
        pen_zone(&p, l->v->app->zone_min);
    }
}

static void draw_times(const struct elist *l, struct area a, int y,
                       const struct row *r, int marks)
{
    struct event e = r->e;
    e.t_res = 0;
    struct pen p = pen_at(area_sub(a, 1, y, TIME, 1), 0, 0, STYLE_PLAIN);
    pen_time(&p, &e, true, false);
    if (marks > TIME + 2) {
        p = pen_at(area_sub(a, TIME + 2, y, TIME, 1), 0, 0, STYLE_PLAIN);
        pen_time_zone(&p, &e, true, l->v->app->zone_min);
    }
    p = pen_at(a, marks, y, STYLE_PLAIN);
    elist_pen_marks(&p, l->v->app, r);
    p = pen_at(a, marks + 3, y, lane_style(r->value[FIELD_SOURCE]));
    pen_f(&p, "%c", lane_letter(r->value[FIELD_SOURCE]));
}

void elist_columns_row(const struct elist *l, struct area a, int y, int i)
{
    const struct row *r = elist_row(l, i);
    struct place_of at[HOST_FIELDS + 1] = { 0 };
    int marks = lay_out(l, a.w, at);
    bool cursor = i == l->cursor;
    struct pen p = pen_at(a, 0, y, STYLE_PLAIN);
    pen_z(&p, cursor ? ">" : " ");
    if (marks)
        draw_times(l, a, y, r, marks);
    for (size_t k = 0; k < l->view->n_columns; k++) {
        enum host_field column = l->view->columns[k].field;
        enum field f;
        if (!at[k].cells || column == HOST_TIME || !r->host)
            continue;
        p = pen_at(area_sub(a, at[k].at, y, at[k].cells, 1), 0, 0, STYLE_PLAIN);
        if (column == HOST_OUTCOME)
            p.style = STYLE_WARN;
        if (cursor && field_of(column, &f) && f == elist_field(l))
            p.style = STYLE_FOCUS;
        struct str cell = r->host->cell[column];
        if (at[k].at + at[k].cells < a.w)
            pen_short(&p, cell, at[k].cells);
        else
            pen_text(&p, cell, -1);
    }
    if (cursor)
        area_highlight(a, y);
}
