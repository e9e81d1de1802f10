/*
 * Screens. A screen is one file with one const struct and one line in
 * screens.c; what it can decides which keys mean something on it (keymap.h).
 * An open screen is a view; views are stacked, Esc goes back.
 *
 * A screen never waits: it hands jobs to the office and draws what it has.
 * All functions are called by the UI thread.
 */
#pragma once

#include "casedb/query.h"
#include "tui/grid.h"
#include "tui/keymap.h"
#include "tui/office.h"

struct app;

/* What a view is about. */
struct place {
    int64_t event;   /* event screen, timeline: the cursor */
    uint32_t entity; /* pivot */
    unsigned kind;   /* of the entity */
    struct str text; /* filter, value, search text */
    struct hit at;   /* where in time (with event) */
    bool has_at;
};

/* What the line at the foot is asked for. */
enum ask {
    ASK_FILTER,
    ASK_UNCHIP,
    ASK_TIME,
    ASK_FIND,
    ASK_SEARCH,
    ASK_TAG,
    ASK_NOTE,
    ASK_COMMAND,
    ASK_ZONE,
};

/* Why an input was not taken. */
struct refusal {
    char why[200];
    int column; /* byte of the input that is wrong, -1 = none */
};

struct view {
    const struct screen *screen;
    struct app *app;
    void *state; /* the screen's own, zeroed at first */
    struct place place;
    struct arena arena; /* lives as long as the view */
    struct str subject; /* for the path in the header; evidence */
};

struct screen {
    const char *name;  /* for the palette, scripts, documentation */
    const char *title; /* in the header */
    const char *about; /* one line for the help */
    char key;          /* '1'.. or 0: not reached by a digit */
    unsigned can;
    size_t state_size;
    /* All are optional but draw. */
    void (*open)(struct view *v);
    void (*draw)(struct view *v, struct area a);
    /* What the screen can right now, when that changes. */
    unsigned (*can_now)(const struct view *v);
    /* True when the action was the screen's. */
    bool (*act)(struct view *v, enum action action, uint32_t key);
    /* A line was given; false and a reason leaves the input open. */
    bool (*said)(struct view *v, enum ask ask, struct str text,
                 struct refusal *no);
    /* The text of the screen's input line has changed. */
    void (*typed)(struct view *v, struct str text);
    /* The case's shared facts or the examiner's entries have changed. */
    void (*news)(struct view *v);
    /* The event and the value under the cursor. */
    int64_t (*event)(const struct view *v);
    bool (*value)(struct view *v, unsigned *kind, uint32_t *id,
                  struct str *text);
    void (*close)(struct view *v);
};

extern const struct screen *const screens[]; /* NULL-ended */
const struct screen *screen_named(const char *name);
const struct screen *screen_of_key(char key);
