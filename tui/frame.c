/* The frame around every screen: header, hints, messages, input line. */
#include "base/text.h"
#include "tui/app.h"
#include "tui/prompt.h"

enum { SMALL_W = 40, SMALL_H = 8 };

static void draw_header(const struct app *a, struct area row)
{
    struct pen p = pen_at(row, 0, 0, STYLE_TITLE);
    const struct facts *f = a->facts;
    pen_z(&p, " kanshiki ");
    struct str name =
        f ? (f->info.number.n ? f->info.number : f->info.title) : STR_NONE;
    p.style = STYLE_PLAIN;
    pen_text(&p, name, 24);
    p.style = STYLE_TITLE;
    unsigned busy = office_busy(a->office, NULL);
    int right = row.w - (busy ? 13 : 5) - (a->read_only[0] ? 11 : 0);
    for (size_t i = 0; i < a->depth; i++) {
        const struct view *v = a->stack[i];
        bool last = i + 1 == a->depth;
        /* only the end of a long path is shown */
        if (!last && a->depth - i > 3)
            continue;
        p.style = last ? STYLE_TITLE : STYLE_PLAIN;
        pen_z(&p, i ? " > " : "  ");
        pen_z(&p, v->screen->title);
        if (v->subject.n && right - p.x > 4) {
            pen_z(&p, " ");
            pen_text(&p, v->subject, last ? right - p.x : 20);
        }
    }
    if (right <= 0)
        return;
    struct area end = area_sub(row, right, 0, row.w - right, 1);
    p = pen_at(end, 0, 0, STYLE_PLAIN);
    pen_z(&p, " ");
    if (a->read_only[0])
        pen_styled(&p, STYLE_WARN, "read-only ");
    if (busy)
        pen_styled(&p, STYLE_WARN, "working ");
    pen_styled(&p, STYLE_TITLE, "UTC");
    pen_to(&p, end.w);
}

static void draw_hints(const struct app *a, struct area row)
{
    static const char help[] = "? help";
    struct pen p = pen_at(row, 0, 0, STYLE_PLAIN);
    unsigned can = view_can(app_top(a));
    int room = row.w - (int)sizeof(help);
    for (const struct key_row *r = keymap; r->keys; r++) {
        struct str name;
        size_t at = 0;
        if (!r->hint || !keymap_row_applies(r, can) ||
            r->action == ACTION_HELP ||
            !keymap_next(str_from(r->keys), &at, &name))
            continue;
        int need = 3 + (int)name.n + (int)strlen(r->hint);
        if (p.x + need > room)
            continue;
        pen_z(&p, " ");
        p.style = STYLE_KEY;
        pen_f(&p, "%.*s", STR_ARG(name));
        p.style = STYLE_PLAIN;
        pen_f(&p, " %s ", r->hint);
    }
    if (room < 0)
        return;
    p.x = room;
    pen_styled(&p, STYLE_KEY, "?");
    pen_z(&p, " help");
}

static void draw_message(const struct app *a, struct area row)
{
    struct pen p = pen_at(row, 0, 0, a->message_style);
    /* built from our words and text_line, so nothing is escaped again */
    pen_text(&p, str_from(a->message), -1);
}

static void draw_foot(struct app *a, struct area *body, bool small)
{
    a->cursor_y = -1;
    if (a->input.open) {
        struct area foot = area_take_bottom(body, prompt_rows(&a->input));
        /* on the smallest screen it covers the list */
        prompt_draw(&a->input, foot, &a->cursor_x, &a->cursor_y);
        return;
    }
    if (a->message[0])
        draw_message(a, area_take_bottom(body, 1));
    else if (!small)
        draw_hints(a, area_take_bottom(body, 1));
}

void app_draw(struct app *a)
{
    struct grid *g = &a->grid;
    g->ascii = a->o->ascii || g->ascii;
    g->text_flags = (g->text_flags & TEXT_TERM) | TEXT_NO_RTL |
                    (a->ascii_only ? TEXT_ASCII : 0);
    grid_clear(g);
    struct area body = grid_area(g);
    bool small = g->w < SMALL_W || g->h < SMALL_H;
    struct area head = { 0 };
    if (!small)
        head = area_take(&body, 1);
    draw_foot(a, &body, small);
    if (body.h > 0) {
        struct view *v = app_top(a);
        v->screen->draw(v, body);
    }
    if (!small)
        draw_header(a, head);
}
