/*
 * The grid: what a screen draws into, apart from any terminal. Cells hold one
 * character with its marks, a width and a style; a back end copies them to
 * the terminal or to text. Everything that is written is clipped to an area,
 * so a screen need not know whether it fits.
 *
 * Text from evidence enters only by pen_text (the text layer); pen_z and
 * pen_f take our own ASCII words, pen_glyph the drawing characters.
 */
#pragma once

#include "base/str.h"

enum { CELL_BYTES = 20 }; /* five code points */

struct cell {
    char bytes[CELL_BYTES];
    uint8_t n;     /* bytes; 0 = blank */
    uint8_t width; /* 1, 2; 0 = second half of a wide character */
    uint8_t style; /* enum style, STYLE_CURSOR may be added */
};

#define STYLE_LIST(X)                                                          \
    X(PLAIN, "plain")                                                          \
    X(TITLE, "title") /* case, screen, pane titles */                          \
    X(HEAD, "head")   /* column heads */                                       \
    X(LABEL, "label") /* names of fields */                                    \
    X(KEY, "key")     /* keys on the hint row */                               \
    X(RULE, "rule")   /* lines, frames */                                      \
    X(MARK, "mark")   /* escapes of the text layer */                          \
    X(CHIP, "chip")   /* parts of a filter */                                  \
    X(FOCUS, "focus") /* the field under the cursor */                         \
    X(FOUND, "found") /* what a search found */                                \
    X(WARN, "warn")                                                            \
    X(ERROR, "error")                                                          \
    X(GOOD, "good")                                                            \
    X(LANE_C, "lane-c") /* cloudtrail and other calls */                       \
    X(LANE_J, "lane-j") /* host logs */                                        \
    X(LANE_F, "lane-f") /* network */                                          \
    X(LANE_M, "lane-m") /* memory, disk, the rest */

enum style {
#define X(name, text) STYLE_##name,
    STYLE_LIST(X)
#undef X
        STYLE_COUNT,
    STYLE_CURSOR = 0x80 /* added: the row of the cursor */
};
const char *style_name(unsigned style); /* without STYLE_CURSOR */

struct grid {
    struct cell *cells; /* w * h, row by row */
    int w, h;
    unsigned text_flags; /* of base/text.h, for evidence */
    bool ascii;          /* drawing characters too */
};

/* Blank, of this size (at least 1x1). False when out of memory: the grid is
 * as it was. */
bool grid_resize(struct grid *g, int w, int h);
void grid_clear(struct grid *g);
void grid_free(struct grid *g);
static inline const struct cell *grid_cell(const struct grid *g, int x, int y)
{
    return &g->cells[(size_t)y * (size_t)g->w + (size_t)x];
}

/* A rectangle of the grid; may be empty, never outside. */
struct area {
    struct grid *g;
    int x, y, w, h;
};
struct area grid_area(struct grid *g);
struct area area_sub(struct area a, int x, int y, int w, int h);
/* The first n rows of *a; *a keeps the rest. */
struct area area_take(struct area *a, int n);
struct area area_take_bottom(struct area *a, int n);
/* Add STYLE_CURSOR to (or put a style on) cells [x, x + w) of row y. */
void area_highlight(struct area a, int y);
void area_restyle(struct area a, int x, int y, int w, enum style style);

/* Writes from left to right within one row of an area. */
struct pen {
    struct area a;
    int x, y; /* relative to the area */
    uint8_t style;
};
struct pen pen_at(struct area a, int x, int y, enum style style);
static inline int pen_left(const struct pen *p)
{
    return p->x < p->a.w ? p->a.w - p->x : 0;
}
/* Our own words, printable ASCII. */
void pen_z(struct pen *p, const char *z);
void pen_f(struct pen *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void pen_styled(struct pen *p, enum style style, const char *z);
/* 8,214,551 */
void pen_count(struct pen *p, uint64_t n);
/* Blanks up to column x. */
void pen_to(struct pen *p, int x);
/* Evidence: at most `cells` cells (negative: as many as are left). A cut says
 * how many bytes are missing. Returns the cells used. */
int pen_text(struct pen *p, struct str s, int cells);
/* The same for narrow columns of values that can be seen whole elsewhere: a
 * cut is only marked. */
int pen_short(struct pen *p, struct str s, int cells);
/* Evidence that is wrapped by the caller: draws from byte `at`, returns the
 * byte where the next row begins (s.n at the end). A LF ends the row. */
size_t pen_wrap(struct pen *p, struct str s, size_t at);
/* The same without drawing, for a width. */
size_t text_wrap(struct str s, size_t at, int width, unsigned flags);
/* Cells that s takes, at most `most`. */
int text_cells(struct str s, unsigned flags, int most);

enum glyph {
    GLYPH_RULE,    /* horizontal line */
    GLYPH_BAR,     /* vertical line between columns */
    GLYPH_NO_DATA, /* not recorded */
    GLYPH_UNKNOWN, /* not known whether recorded */
    GLYPH_FULL,
    GLYPH_CUT,
    GLYPH_DOT,
    GLYPH_COUNT
};
void pen_glyph(struct pen *p, enum glyph g);
/* Eight heights, 0 = none; a value above nothing is at least 1. */
void pen_height(struct pen *p, uint64_t value, uint64_t most);
void pen_rule(struct pen *p, int cells);
