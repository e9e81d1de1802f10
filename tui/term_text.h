/* The back end that writes the grid as text: rows without trailing blanks,
 * then the runs of styles that are not plain. For tests and documentation. */
#pragma once

#include "tui/grid.h"

void term_text(struct buf *out, const struct grid *g, int cursor_x,
               int cursor_y);
