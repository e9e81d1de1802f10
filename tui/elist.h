/*
 * A list of events in time order, of any length: a few pages around the
 * cursor are held, more are asked for before they are needed. The cursor
 * stays on its event whatever arrives.
 */
#pragma once

#include "tui/rows.h"

enum {
    ELIST_PAGE = 100,
    ELIST_PAGES = 9,
    ELIST_FIELDS = 4,
    ELIST_ZONE_WIDTH = 96, /* from where a second zone has its column */
};

struct elist_page {
    struct arena arena;
    struct row *rows;
    int n;
};

struct elist {
    struct view *v;
    unsigned slot;
    struct buf filter;
    bool bounded; /* only events in [from, to) */
    struct instant from, to;
    struct elist_page *pages[ELIST_PAGES + 2]; /* in time order */
    int n_pages, n;                            /* rows in all pages */
    int cursor, top;
    bool at_start, at_end; /* nothing before, after the pages */
    bool loading, loaded;
    int height;      /* rows drawn last */
    unsigned field;  /* of the row: index into elist_fields */
    bool year;       /* times with the year */
    bool millis;     /* some of the rows have fractions of a second */
    bool has_anchor; /* for the delta column */
    struct hit anchor;
    struct buf find;
    struct refusal refused; /* of the filter */
    struct buf note;        /* on the filter, or empty */
    struct err failed;
    /* After a page has come; may be NULL. */
    void (*changed)(struct elist *l);
};
extern const enum field elist_fields[ELIST_FIELDS];

void elist_open(struct elist *l, struct view *v, unsigned slot);
void elist_close(struct elist *l);
/* Everything anew, with the cursor at or after `at` (NULL: the start). */
void elist_load(struct elist *l, const struct hit *at);
bool elist_act(struct elist *l, enum action action);
/* The row under the cursor, NULL when there is none. */
const struct row *elist_current(const struct elist *l);
const struct row *elist_row(const struct elist *l, int i);
/* Rows h, with the gap lines between them; column heads first. */
void elist_draw(struct elist *l, struct area a);
/* Cursor to the next row with the text in a shown column, or to the next
 * gap. */
enum elist_seek { SEEK_TEXT, SEEK_GAP };
void elist_seek(struct elist *l, enum elist_seek what, bool back);
/* The value under the cursor. */
bool elist_value(const struct elist *l, unsigned *kind, uint32_t *id,
                 struct str *text);
/* The longest time between neighbours that is not yet a gap, in seconds; what
 * a filter leaves is farther apart. */
static inline int64_t elist_gap(const struct elist *l)
{
    return l->filter.n ? 3600 : 15 * 60;
}
