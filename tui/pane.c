#include "tui/pane.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

enum { LABEL = 14, ROWS_MOST = 400 };

struct pane_line *pane_add(struct pane *p, struct arena *a, const char *label,
                           struct str value)
{
    if (p->n == p->room) {
        int room = p->room ? 2 * p->room : 64;
        struct pane_line *more = arena_array(a, (size_t)room, sizeof(*more));
        if (!more) {
            p->failed = true;
            return NULL;
        }
        if (p->n)
            memcpy(more, p->lines, (size_t)p->n * sizeof(*more));
        p->lines = more;
        p->room = room;
    }
    struct pane_line *l = &p->lines[p->n++];
    *l = (struct pane_line){ .label = label, .value = value };
    list_resize(&p->list, p->n);
    return l;
}

void pane_title(struct pane *p, struct arena *a, const char *title)
{
    struct pane_line *l = pane_add(p, a, NULL, str_from(title));
    if (l) {
        l->text = true;
        l->style = STYLE_TITLE;
    }
}

struct pane_line *pane_addf(struct pane *p, struct arena *a, const char *label,
                            const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n < 0)
        n = 0;
    if ((size_t)n >= sizeof(text))
        n = sizeof(text) - 1;
    return pane_add(p, a, label,
                    arena_copy(a, (struct str){ text, (size_t)n }));
}

static int label_width(int w)
{
    return w >= 60 ? LABEL : w >= 30 ? 10 : 0;
}

/* Names of fields can be long: they get a third, then a row of their own. */
static int left_of(const struct pane_line *l, const struct area *a)
{
    if (l->text)
        return 1;
    if (l->label || l->name.n == 0)
        return 1 + label_width(a->w);
    int w = a->w / 3;
    return 1 + (w > 40 ? 40 : w) + 1;
}

static int rows_of(const struct pane_line *l, const struct area *a)
{
    int left = left_of(l, a), rows = 0;
    size_t at = 0;
    do {
        at = text_wrap(l->value, at, a->w - left > 0 ? a->w - left : 1,
                       a->g->text_flags);
        rows++;
    } while (at < l->value.n && rows < ROWS_MOST);
    return rows;
}

static void draw_label(const struct pane_line *l, struct area row, int left)
{
    struct pen p = pen_at(area_sub(row, 0, 0, left - 1, 1), 1, 0, STYLE_LABEL);
    if (l->label)
        pen_z(&p, l->label);
    else
        pen_text(&p, l->name, -1);
}

/* Draws line l from row y on; the number of rows. */
static int draw_line(const struct pane_line *l, struct area a, int y,
                     bool cursor)
{
    int left = left_of(l, &a), rows = 0;
    size_t at = 0;
    if (!l->text)
        draw_label(l, area_sub(a, 0, y, a.w, 1), left);
    do {
        struct pen p = pen_at(a, left, y + rows, (enum style)l->style);
        if (y + rows >= a.h)
            break;
        size_t next = pen_wrap(&p, l->value, at);
        if (next <= at && at < l->value.n)
            break;
        at = next;
        rows++;
        if (rows == ROWS_MOST && at < l->value.n) {
            p = pen_at(a, left, y + rows - 1, STYLE_MARK);
            pen_f(&p, "+%zu bytes", l->value.n - at);
            break;
        }
    } while (at < l->value.n);
    for (int i = 0; cursor && i < (rows ? rows : 1); i++)
        area_highlight(a, y + i);
    return rows ? rows : 1;
}

void pane_draw(struct pane *p, struct area a)
{
    p->list.page = a.h;
    if (p->n == 0 || a.h <= 0)
        return;
    if (p->list.top > p->list.cursor)
        p->list.top = p->list.cursor;
    /* scroll so that the cursor's line is seen, from its first row */
    int need = 0, i = p->list.cursor;
    for (; i >= p->list.top; i--) {
        need += rows_of(&p->lines[i], &a);
        if (need > a.h)
            break;
    }
    if (i >= p->list.top)
        p->list.top = i + 1 <= p->list.cursor ? i + 1 : p->list.cursor;
    int y = 0;
    for (int k = p->list.top; k < p->n && y < a.h; k++)
        y += draw_line(&p->lines[k], a, y, k == p->list.cursor);
}

bool pane_act(struct pane *p, enum action action)
{
    return list_act(&p->list, action);
}

const struct pane_line *pane_current(const struct pane *p)
{
    return p->n ? &p->lines[p->list.cursor] : NULL;
}

bool pane_find(struct pane *p, struct str text, bool back)
{
    for (int k = 1; k <= p->n && text.n; k++) {
        int i = p->list.cursor + (back ? -k : k);
        i = ((i % p->n) + p->n) % p->n;
        const struct pane_line *l = &p->lines[i];
        if (str_ifind(l->value, text) == SIZE_MAX &&
            str_ifind(l->name, text) == SIZE_MAX)
            continue;
        p->list.cursor = i;
        return true;
    }
    return false;
}
