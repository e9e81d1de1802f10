/*
 * A text to read and to walk through: lines of a label and a value that is
 * wrapped as the width asks. Filled by jobs, drawn by screens; the value under
 * the cursor can be copied or followed.
 */
#pragma once

#include "tui/list.h"
#include "tui/screen.h"

struct pane_line {
    const char *label; /* our words; NULL: none */
    struct str name;   /* a label from evidence, when label is NULL */
    struct str value;
    uint32_t entity; /* what can be followed; 0 */
    int64_t event;   /* the same; 0 */
    uint8_t style;   /* of the value */
    bool text;       /* no label column: a title, a line of a text */
};

struct pane {
    struct pane_line *lines;
    int n, room;
    bool failed; /* out of memory: lines are missing */
    struct list list;
};

/* Lines live in the arena, as do the strings they borrow. */
struct pane_line *pane_add(struct pane *p, struct arena *a, const char *label,
                           struct str value);
void pane_title(struct pane *p, struct arena *a, const char *title);
/* A value of our own making. */
struct pane_line *pane_addf(struct pane *p, struct arena *a, const char *label,
                            const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void pane_draw(struct pane *p, struct area a);
bool pane_act(struct pane *p, enum action action);
const struct pane_line *pane_current(const struct pane *p);
/* The next line that has the text; false when none has. */
bool pane_find(struct pane *p, struct str text, bool back);
