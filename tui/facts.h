/* What all screens share of the case, and writing the examiner's entries. */
#pragma once

#include "tui/app.h"

void facts_free(struct app *a);
/* The event's last entry of a kind that is not taken back, or NULL. */
const struct mark *marks_find(const struct app *a, int64_t event,
                              enum mark_kind kind);
/* Writes an entry, or takes one back; news follow. */
void app_write_mark(struct app *a, const struct mark *m);
/* For the query log; nothing happens when the case cannot be written. */
void app_write_query(struct app *a, struct str command, struct str text,
                     int64_t hits);
