/*
 * Scripts: steps of keys, one a line, and screens to standard output.
 *
 *   keys Down Down Enter f     names of keys (docs/tui.md)
 *   text source:cloudtrail     typed or pasted into the input line
 *   wait idle                  until all that was asked for is there
 *   size 80 24                 columns and rows
 *   screen NAME                prints "== NAME" and the grid
 *   # ..                       a comment
 *
 * Keys do not wait for each other's answers; `screen` waits first.
 */
#pragma once

#include "tui/app.h"

/* Runs the file; stops at the first wrong line (ERR_USAGE with its number).
 */
int script_run(struct app *a, const char *path, struct err *err) CHECKED;
/* The same from text; output is appended to out. For tests. */
int script_steps(struct app *a, struct str steps, struct buf *out,
                 struct err *err) CHECKED;
