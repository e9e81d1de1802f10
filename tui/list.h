/* The cursor and the visible part of a list of known length. */
#pragma once

#include "tui/keymap.h"

struct list {
    int n, cursor, top;
    int page; /* rows seen at the last drawing */
};

/* The list has n rows now; the cursor stays within. */
void list_resize(struct list *l, int n);
/* Movement; false when the action is none. */
bool list_act(struct list *l, enum action action);
/* Call before drawing h rows: scrolls so that the cursor is seen. */
void list_show(struct list *l, int h);
