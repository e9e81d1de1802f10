#include "tui/term_text.h"

static void put_row(struct buf *out, const struct grid *g, int y)
{
    size_t end = out->n;
    buf_putz(out, "|");
    for (int x = 0; x < g->w; x++) {
        const struct cell *c = grid_cell(g, x, y);
        if (c->width == 0)
            continue;
        if (c->n)
            buf_put(out, (struct str){ c->bytes, c->n });
        else
            buf_putc(out, ' ');
        if (c->n && !(c->n == 1 && c->bytes[0] == ' '))
            end = out->n;
    }
    if (end < out->n)
        out->n = end < 1 ? 1 : end;
    buf_putc(out, '\n');
}

/* "  3: title 0-9, cursor 0-99" */
static void put_styles(struct buf *out, const struct grid *g, int y)
{
    bool any = false;
    for (int x = 0; x < g->w;) {
        uint8_t style = grid_cell(g, x, y)->style;
        int to = x;
        while (to < g->w && grid_cell(g, to, y)->style == style)
            to++;
        if (style != STYLE_PLAIN) {
            if (any)
                buf_putz(out, ", ");
            else
                buf_printf(out, "%d: ", y);
            any = true;
            unsigned plain = style & ~(unsigned)STYLE_CURSOR;
            if (plain != STYLE_PLAIN || !(style & STYLE_CURSOR))
                buf_printf(out, "%s", style_name(style));
            if (style & STYLE_CURSOR)
                buf_printf(out, "%scursor", plain ? "+" : "");
            buf_printf(out, " %d-%d", x, to - 1);
        }
        x = to;
    }
    if (any)
        buf_putc(out, '\n');
}

void term_text(struct buf *out, const struct grid *g, int cursor_x,
               int cursor_y)
{
    for (int y = 0; y < g->h; y++)
        put_row(out, g, y);
    buf_putz(out, "-- styles\n");
    for (int y = 0; y < g->h; y++)
        put_styles(out, g, y);
    if (cursor_y >= 0)
        buf_printf(out, "cursor at %d,%d\n", cursor_x, cursor_y);
}
