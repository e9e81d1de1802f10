#include "tui/grid.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *style_name(unsigned style)
{
    static const char *const names[] = {
#define X(name, text) text,
        STYLE_LIST(X)
#undef X
    };
    style &= ~(unsigned)STYLE_CURSOR;
    return style < STYLE_COUNT ? names[style] : "?";
}

/* ---- the grid ------------------------------------------------------------ */

enum { GRID_MOST = 4096 }; /* cells a side; terminals are smaller */

static int within(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

void grid_clear(struct grid *g)
{
    size_t n = (size_t)g->w * (size_t)g->h;
    for (size_t i = 0; i < n; i++)
        g->cells[i] = (struct cell){ .width = 1 };
}

bool grid_resize(struct grid *g, int w, int h)
{
    w = within(w, 1, GRID_MOST);
    h = within(h, 1, GRID_MOST);
    struct cell *cells = calloc((size_t)w * (size_t)h, sizeof(*cells));
    if (!cells)
        return false;
    free(g->cells);
    g->cells = cells;
    g->w = w;
    g->h = h;
    grid_clear(g);
    return true;
}

void grid_free(struct grid *g)
{
    free(g->cells);
    g->cells = NULL;
    g->w = g->h = 0;
}

static struct cell *at(struct grid *g, int x, int y)
{
    return &g->cells[(size_t)y * (size_t)g->w + (size_t)x];
}

/* What a wide character leaves when one of its halves is overwritten. */
static void blank_halves(struct grid *g, int x, int y)
{
    struct cell *c = at(g, x, y);
    if (c->width == 0 && x > 0) {
        uint8_t style = at(g, x - 1, y)->style;
        *at(g, x - 1, y) = (struct cell){ .width = 1, .style = style };
    }
    if (c->width == 2 && x + 1 < g->w) {
        uint8_t style = at(g, x + 1, y)->style;
        *at(g, x + 1, y) = (struct cell){ .width = 1, .style = style };
    }
    c->width = 1;
}

/* Puts one cell; what does not fit wholly in the area is not drawn. */
static void put(struct area a, int x, int y, struct str bytes, int width,
                uint8_t style)
{
    if (x < 0 || y < 0 || y >= a.h || width < 1 || width > 2 ||
        x + width > a.w || bytes.n > CELL_BYTES)
        return;
    struct grid *g = a.g;
    x += a.x;
    y += a.y;
    for (int i = 0; i < width; i++)
        blank_halves(g, x + i, y);
    struct cell *c = at(g, x, y);
    *c = (struct cell){ .n = (uint8_t)bytes.n,
                        .width = (uint8_t)width,
                        .style = style };
    if (bytes.n)
        memcpy(c->bytes, bytes.p, bytes.n);
    if (width == 2)
        *at(g, x + 1, y) = (struct cell){ .style = style };
}

/* ---- areas --------------------------------------------------------------- */

struct area grid_area(struct grid *g)
{
    return (struct area){ g, 0, 0, g->w, g->h };
}

struct area area_sub(struct area a, int x, int y, int w, int h)
{
    x = within(x, 0, a.w);
    y = within(y, 0, a.h);
    return (struct area){ a.g, a.x + x, a.y + y, within(w, 0, a.w - x),
                          within(h, 0, a.h - y) };
}

struct area area_take(struct area *a, int n)
{
    struct area top = area_sub(*a, 0, 0, a->w, n);
    *a = area_sub(*a, 0, top.h, a->w, a->h - top.h);
    return top;
}

struct area area_take_bottom(struct area *a, int n)
{
    n = within(n, 0, a->h);
    struct area bottom = area_sub(*a, 0, a->h - n, a->w, n);
    *a = area_sub(*a, 0, 0, a->w, a->h - n);
    return bottom;
}

void area_highlight(struct area a, int y)
{
    if (y < 0 || y >= a.h)
        return;
    for (int x = 0; x < a.w; x++)
        at(a.g, a.x + x, a.y + y)->style |= STYLE_CURSOR;
}

void area_restyle(struct area a, int x, int y, int w, enum style style)
{
    struct area part = area_sub(a, x, y, w, 1);
    for (int i = 0; i < part.w && part.h; i++)
        at(part.g, part.x + i, part.y)->style = (uint8_t)style;
}

/* ---- pens ---------------------------------------------------------------- */

struct pen pen_at(struct area a, int x, int y, enum style style)
{
    return (struct pen){ a, x, y, (uint8_t)style };
}

void pen_z(struct pen *p, const char *z)
{
    for (; *z && p->x < p->a.w; z++) {
        char c = *z >= 0x20 && *z < 0x7f ? *z : '?';
        put(p->a, p->x, p->y, (struct str){ &c, 1 }, 1, p->style);
        p->x++;
    }
}

void pen_f(struct pen *p, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(line, sizeof(line), fmt, args) > 0)
        pen_z(p, line);
    va_end(args);
}

void pen_styled(struct pen *p, enum style style, const char *z)
{
    uint8_t before = p->style;
    p->style = (uint8_t)style;
    pen_z(p, z);
    p->style = before;
}

void pen_count(struct pen *p, uint64_t n)
{
    char digits[32], line[48];
    int k = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    int out = 0;
    for (int i = 0; i < k; i++) {
        if (i && (k - i) % 3 == 0)
            line[out++] = ',';
        line[out++] = digits[i];
    }
    line[out] = '\0';
    pen_z(p, line);
}

void pen_to(struct pen *p, int x)
{
    while (p->x < x && p->x < p->a.w) {
        put(p->a, p->x, p->y, STR(" "), 1, p->style);
        p->x++;
    }
}

/* ---- evidence ------------------------------------------------------------ */

int text_cells(struct str s, unsigned flags, int most)
{
    struct text_iter it;
    struct text_cell cell;
    int used = 0;
    text_iter_open(&it, s, flags);
    while (used < most && text_iter_next(&it, &cell))
        used += cell.width;
    return used < most ? used : most;
}

static int digits_of(size_t n)
{
    int d = 1;
    while (n /= 10)
        d++;
    return d;
}

/* Bytes of s that `room` cells hold, whole escapes only. */
static size_t fits(struct str s, unsigned flags, int room, int *used)
{
    struct text_iter it;
    struct text_cell cell;
    size_t end = 0;
    int w = 0;
    *used = 0;
    text_iter_open(&it, s, flags);
    while (text_iter_next(&it, &cell) && w + cell.width <= room) {
        w += cell.width;
        if (it.tmp_at >= it.tmp_n) { /* no escape is half out */
            end = it.at;
            *used = w;
        }
    }
    return end;
}

static void draw(struct pen *p, struct str s)
{
    struct text_iter it;
    struct text_cell cell;
    text_iter_open(&it, s, p->a.g->text_flags);
    while (p->x < p->a.w && text_iter_next(&it, &cell)) {
        put(p->a, p->x, p->y, cell.bytes, cell.width,
            cell.mark ? STYLE_MARK : p->style);
        p->x += cell.width;
    }
}

static int clipped(struct pen *p, struct str s, int cells, bool count)
{
    unsigned flags = p->a.g->text_flags;
    int room = pen_left(p), used, from = p->x;
    if (cells >= 0 && cells < room)
        room = cells;
    if (room <= 0 || s.n == 0)
        return 0;
    if (fits(s, flags, room, &used) == s.n) {
        draw(p, s);
        return p->x - from;
    }
    /* The sign of the cut takes a mark, '+' and the digits. */
    size_t keep = 0;
    int sign = count ? 3 : room + 1;
    for (; sign <= room; sign++) {
        keep = fits(s, flags, room - sign, &used);
        if (digits_of(s.n - keep) <= sign - 2)
            break;
    }
    if (sign > room)
        keep = count ? 0 : fits(s, flags, room - 1, &used);
    draw(p, str_sub(s, 0, keep));
    uint8_t style = p->style;
    p->style = STYLE_MARK;
    pen_glyph(p, GLYPH_CUT);
    if (sign <= room)
        pen_f(p, "+%zu", s.n - keep);
    p->style = style;
    return p->x - from;
}

int pen_text(struct pen *p, struct str s, int cells)
{
    return clipped(p, s, cells, true);
}

int pen_short(struct pen *p, struct str s, int cells)
{
    return clipped(p, s, cells, false);
}

size_t text_wrap(struct str s, size_t from, int width, unsigned flags)
{
    struct text_iter it;
    struct text_cell cell;
    int w = 0;
    size_t end = from;
    if (from >= s.n)
        return s.n;
    struct str rest = str_sub(s, from, s.n);
    text_iter_open(&it, rest, flags | TEXT_KEEP_LF);
    while (text_iter_next(&it, &cell)) {
        if (cell.width == 0)
            return from + it.at;
        if (w + cell.width > width)
            return end > from ? end : from + it.at;
        w += cell.width;
        if (it.tmp_at >= it.tmp_n) /* no escape is half out */
            end = from + it.at;
    }
    return s.n;
}

size_t pen_wrap(struct pen *p, struct str s, size_t from)
{
    size_t to = text_wrap(s, from, pen_left(p), p->a.g->text_flags);
    struct str part = str_sub(s, from, to - from);
    if (part.n && part.p[part.n - 1] == '\n')
        part.n--;
    draw(p, part);
    return to;
}

/* ---- drawing characters -------------------------------------------------- */

struct glyph_text {
    const char *utf8, *ascii;
};

static void put_glyph(struct pen *p, struct glyph_text g)
{
    put(p->a, p->x, p->y, str_from(p->a.g->ascii ? g.ascii : g.utf8), 1,
        p->style);
    p->x++;
}

void pen_glyph(struct pen *p, enum glyph g)
{
    static const struct glyph_text glyphs[GLYPH_COUNT] = {
        [GLYPH_RULE] = { "\u2500", "-" },
        [GLYPH_BAR] = { "\u2502", "|" },
        [GLYPH_NO_DATA] = { "\u2591", "x" },
        [GLYPH_UNKNOWN] = { "\u00b7", "?" },
        [GLYPH_FULL] = { "\u2588", "#" },
        [GLYPH_CUT] = { "\u2026", "~" },
        [GLYPH_DOT] = { "\u00b7", "." },
    };
    put_glyph(p, glyphs[g]);
}

void pen_height(struct pen *p, uint64_t value, uint64_t most)
{
    static const struct glyph_text heights[9] = {
        { " ", " " },      { "\u2581", "." }, { "\u2582", ":" },
        { "\u2583", "-" }, { "\u2584", "=" }, { "\u2585", "+" },
        { "\u2586", "*" }, { "\u2587", "%" }, { "\u2588", "#" },
    };
    unsigned k = 0;
    if (value && most) {
        unsigned __int128 scaled = (unsigned __int128)value * 8 + most - 1;
        k = (unsigned)(scaled / most);
    }
    put_glyph(p, heights[k > 8 ? 8 : k]);
}

void pen_rule(struct pen *p, int cells)
{
    for (int i = 0; i < cells && p->x < p->a.w; i++)
        pen_glyph(p, GLYPH_RULE);
}
