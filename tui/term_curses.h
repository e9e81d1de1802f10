/*
 * The terminal: the only file that knows curses. The grid is copied cell by
 * cell; nothing is ever printed, no query is sent, the title stays. All calls
 * come from the UI thread.
 */
#pragma once

#include "tui/grid.h"
#include "tui/tui.h"

struct terminal;

/* ERR_USAGE when there is no terminal, or one that cannot be used. Fills in
 * grid->ascii and the text flags that this terminal and locale need. */
int term_open(struct terminal **out, enum tui_color color, bool ascii,
              struct grid *grid, struct err *err) CHECKED;
void term_close(struct terminal *t); /* NULL is fine */
void term_size(struct terminal *t, int *w, int *h);
/* cursor_y -1: hidden. repaint: everything, whatever was there. */
void term_present(struct terminal *t, const struct grid *g, int cursor_x,
                  int cursor_y, bool repaint);

enum term_got { TERM_NOTHING, TERM_KEY, TERM_PASTE, TERM_GONE };
/* The next input that is there; never waits. A paste is valid until the next
 * call. */
enum term_got term_read(struct terminal *t, uint32_t *key, struct str *paste);
/* Gives the terminal back and stops the process until it is continued. */
void term_suspend(struct terminal *t);
