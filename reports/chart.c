#include "reports/chart.h"

#include <stdio.h>

/* User units; the drawing is scaled to the page. */
enum {
    WIDTH = 1000,
    LEFT = 330, /* names of lanes */
    BARS_LEFT = 50,
    RIGHT = 985,
    LANE = 22,
    AXIS = 34,
    KEY = 26,
    BARS = 200,
    TICKS_MOST = 8
};

/* Numbers with one decimal, without the locale's comma. */
static void put_tenths(struct buf *b, double v)
{
    int64_t tenths = (int64_t)(v * 10 + 0.5);
    buf_put_i64(b, tenths / 10);
    if (tenths % 10) {
        buf_putc(b, '.');
        buf_putc(b, (char)('0' + tenths % 10));
    }
}

static void put_rect(struct html *h, const char *class_, double x, double y,
                     double w, double height)
{
    struct buf *b = &h->b;
    buf_putz(b, "<rect class=\"");
    buf_putz(b, class_);
    buf_putz(b, "\" x=\"");
    put_tenths(b, x);
    buf_putz(b, "\" y=\"");
    put_tenths(b, y);
    buf_putz(b, "\" width=\"");
    put_tenths(b, w);
    buf_putz(b, "\" height=\"");
    put_tenths(b, height);
    buf_putz(b, "\"/>");
}

static void put_line(struct html *h, const char *class_, double x1, double y1,
                     double x2, double y2)
{
    struct buf *b = &h->b;
    buf_putz(b, "<line class=\"");
    buf_putz(b, class_);
    buf_putz(b, "\" x1=\"");
    put_tenths(b, x1);
    buf_putz(b, "\" y1=\"");
    put_tenths(b, y1);
    buf_putz(b, "\" x2=\"");
    put_tenths(b, x2);
    buf_putz(b, "\" y2=\"");
    put_tenths(b, y2);
    buf_putz(b, "\"/>");
}

static void open_text(struct html *h, double x, double y, const char *anchor)
{
    struct buf *b = &h->b;
    buf_putz(b, "<text x=\"");
    put_tenths(b, x);
    buf_putz(b, "\" y=\"");
    put_tenths(b, y);
    buf_putz(b, "\" text-anchor=\"");
    buf_putz(b, anchor);
    buf_putz(b, "\">");
}

static void put_text(struct html *h, double x, double y, const char *anchor,
                     struct str s)
{
    open_text(h, x, y, anchor);
    html_text(h, s);
    html_raw(h, "</text>");
}

static void open_svg(struct html *h, unsigned height, struct str title)
{
    html_open(h, "figure", NULL);
    html_open(h, "figcaption", NULL);
    html_text(h, title);
    html_close(h);
    buf_printf(&h->b,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
               "viewBox=\"0 0 %d %u\"><title>",
               WIDTH, height);
    html_text(h, title);
    html_raw(h, "</title>");
}

static void close_svg(struct html *h)
{
    html_raw(h, "</svg>");
    html_close(h);
}

/* ---- the time axis ------------------------------------------------------- */

static const int64_t steps[] = { 60,        300,       600,      1800,
                                 3600,      7200,      10800,    21600,
                                 43200,     86400,     172800,   604800,
                                 2592000,   7776000,   31536000, 157680000,
                                 315360000, 3153600000 };

static int64_t tick_step(int64_t span)
{
    size_t i = 0;
    while (i + 1 < sizeof(steps) / sizeof(steps[0]) &&
           span / steps[i] > TICKS_MOST)
        i++;
    return steps[i];
}

/* Date and time, as much as the step needs. */
static struct str tick_label(char out[TIME_TEXT_MAX], int64_t s, int64_t step)
{
    size_t n = time_format(out, (struct instant){ .s = s }, 0, 0);
    struct str text = { out, n };
    if (n != 20)
        return text;
    if (step >= 86400)
        return str_sub(text, 0, 10);
    out[10] = ' ';
    return str_sub(text, 5, 11);
}

static double x_of(int64_t at, int64_t from, int64_t to, double left)
{
    if (to <= from)
        return left;
    return left + (RIGHT - left) * ((double)(at - from) / (double)(to - from));
}

static void put_axis(struct html *h, int64_t from, int64_t to, double left,
                     double top, double bottom)
{
    int64_t step = tick_step(to - from);
    int64_t first = from - ((from % step) + step) % step;
    for (int64_t at = first; at <= to; at += step) {
        if (at < from)
            continue;
        char text[TIME_TEXT_MAX];
        double x = x_of(at, from, to, left);
        put_line(h, "grid", x, top, x, bottom);
        if (x < RIGHT - 20)
            put_text(h, x, bottom + 16, x < left + 20 ? "start" : "middle",
                     tick_label(text, at, step));
    }
    put_line(h, "axis", left, bottom, RIGHT, bottom);
    put_text(h, RIGHT, bottom + 29, "end", STR("UTC"));
}

/* ---- lanes --------------------------------------------------------------- */

void chart_lanes(struct chart *c, struct html *h, enum word title, size_t lanes,
                 int64_t from, int64_t to)
{
    *c = (struct chart){ .h = h, .from = from, .to = to, .lanes = lanes };
    c->height = (unsigned)(8 + lanes * LANE + AXIS + KEY);
    open_svg(h, c->height, word_text(h->lang, title));
    html_raw(h, "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" "
                "patternUnits=\"userSpaceOnUse\">"
                "<rect class=\"hatchback\" width=\"6\" height=\"6\"/>"
                "<path class=\"hatch\" d=\"M0 6L6 0\"/></pattern></defs>");
    put_axis(h, from, to, LEFT, 4, 8 + (double)lanes * LANE);
}

static double lane_top(const struct chart *c)
{
    return 4 + (double)(c->lane - 1) * LANE;
}

static void end_run(struct chart *c)
{
    if (!c->run_class)
        return;
    double w = c->run_to - c->run_from;
    put_rect(c->h, c->run_class, c->run_from, lane_top(c) + 4, w < 1 ? 1 : w,
             LANE - 8);
    c->run_class = NULL;
}

/* Long names keep their beginning: the table has them whole. */
static void put_name(struct chart *c, struct str s)
{
    enum { LONGEST = 58 };
    if (s.n <= LONGEST || !c->h) {
        html_text(c->h, s);
        return;
    }
    size_t n = LONGEST - 1;
    while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    html_text(c->h, str_sub(s, 0, n));
    html_raw(c->h, "…");
}

void chart_lane(struct chart *c, const struct str *names, size_t n)
{
    struct buf name = { 0 };
    end_run(c);
    c->lane++;
    for (size_t i = 0; i < n; i++) {
        if (names[i].n == 0)
            continue;
        if (name.n)
            buf_putz(&name, " · ");
        buf_put(&name, names[i]);
    }
    open_text(c->h, LEFT - 8, lane_top(c) + 15, "end");
    put_name(c, buf_str(&name));
    html_raw(c->h, "</text>");
    buf_free(&name);
}

void chart_span(struct chart *c, const char *class_, int64_t from, int64_t to)
{
    double x = x_of(from, c->from, c->to, LEFT);
    double end = x_of(to, c->from, c->to, LEFT);
    /* spans of one kind that touch are one shape */
    if (c->run_class && strcmp(c->run_class, class_) == 0 &&
        x - c->run_to < 0.5) {
        c->run_to = end > c->run_to ? end : c->run_to;
        return;
    }
    end_run(c);
    c->run_class = class_;
    c->run_from = x;
    c->run_to = end;
}

void chart_end(struct chart *c, const char *const *classes,
               const enum word *words, size_t n)
{
    double y = 8 + (double)c->lanes * LANE + AXIS + 6, x = LEFT;
    end_run(c);
    for (size_t i = 0; i < n; i++, x += 150) {
        put_rect(c->h, classes[i], x, y, 14, 12);
        put_text(c->h, x + 20, y + 10, "start",
                 word_text(c->h->lang, words[i]));
    }
    close_svg(c->h);
}

/* ---- bars ---------------------------------------------------------------- */

void chart_bars(struct html *h, enum word title, struct str per,
                const uint64_t *counts, size_t n, int64_t from, int64_t to)
{
    uint64_t most = 1;
    for (size_t i = 0; i < n; i++)
        most = counts[i] > most ? counts[i] : most;
    /* the title, with what a bar stands for */
    struct html words = { .lang = h->lang, .to = h->to };
    html_say(&words, title, &per, 1);
    html_open(h, "figure", NULL);
    html_open(h, "figcaption", NULL);
    buf_put(&h->b, buf_str(&words.b));
    html_close(h);
    buf_free(&words.b);
    buf_printf(&h->b,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
               "viewBox=\"0 0 %d %d\"><title>",
               WIDTH, BARS + AXIS + 10);
    html_text(h, per);
    html_raw(h, "</title>");
    put_axis(h, from, to, BARS_LEFT, 6, BARS);
    double step = (double)(RIGHT - BARS_LEFT) / (double)n;
    for (size_t i = 0; i < n; i++) {
        if (counts[i] == 0)
            continue;
        /* one event is seen beside a million */
        double height = (BARS - 20) * ((double)counts[i] / (double)most);
        height = height < 1.5 ? 1.5 : height;
        put_rect(h, "bar", BARS_LEFT + step * (double)i, BARS - height,
                 step > 3 ? step - 1 : step, height);
    }
    char text[24];
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)most);
    put_text(h, BARS_LEFT - 6, 24, "end", (struct str){ text, (size_t)len });
    put_text(h, BARS_LEFT - 6, BARS, "end", STR("0"));
    put_line(h, "grid", BARS_LEFT, 20, RIGHT, 20);
    close_svg(h);
}
