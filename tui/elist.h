/*
 * A list of events in time order, of any length: a few pages around the
 * cursor are held, more are asked for before they are needed. The cursor
 * stays on its event whatever arrives.
 */
#pragma once

#include "analyzer/host_views.h"
#include "tui/rows.h"

enum {
    ELIST_PAGE = 100,
    ELIST_PAGES = 9,
    ELIST_FIELDS = HOST_FIELDS, /* at most */
    ELIST_ZONE_WIDTH = 96,      /* from where a second zone has its column */
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
    /* Only events of this view, in its columns, undated ones last; or NULL */
    const struct host_view *view;
    bool bounded; /* only events in [from, to) */
    struct instant from, to;
    struct elist_page *pages[ELIST_PAGES + 2]; /* in time order */
    int n_pages, n;                            /* rows in all pages */
    int cursor, top;
    bool at_start, at_end; /* nothing before, after the pages */
    bool loading, loaded;
    int height;                      /* rows drawn last */
    unsigned field;                  /* of the row: index into fields */
    enum field fields[ELIST_FIELDS]; /* FIELDS: the text */
    unsigned n_fields;
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
/* The field under the cursor. */
static inline enum field elist_field(const struct elist *l)
{
    return l->field < l->n_fields ? l->fields[l->field] : FIELDS;
}
/* For lists of a view (elist_columns.c). */
void elist_columns_heads(struct elist *l, struct area a);
void elist_columns_row(const struct elist *l, struct area a, int y, int i);
/* "+09:00" */
void pen_zone(struct pen *p, int zone_min);
/* "!*" and the like, two cells. */
void elist_pen_marks(struct pen *p, const struct app *a, const struct row *r);
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

/* ---- its filter (elist_terms.c) ------------------------------------------ */

/* "1[action:x] 2[ip:y]"; false when there is none. */
bool elist_terms_draw(const struct elist *l, struct pen *p, int cells);
/* Each: true when the filter has changed; the caller loads. */
bool elist_terms_add(struct elist *l, bool without);
bool elist_terms_unchip(struct elist *l);
/* What was said to ASK_FILTER and ASK_UNCHIP. */
bool elist_terms_set(struct elist *l, struct str text, struct refusal *no);
bool elist_terms_take_away(struct elist *l, struct str text,
                           struct refusal *no);
/* Loads anew around the cursor. */
void elist_terms_load(struct elist *l);
