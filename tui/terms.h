/*
 * Filters at a desk: compiled once per text, and the citation of an event.
 * Parts of a filter are told apart without the case, for the chips.
 */
#pragma once

#include "tui/screen.h"

/* The plan of a filter text (empty: all events); kept at the desk until
 * another text comes. A wrong filter fills `no`. */
int terms_plan(struct desk *d, struct str text, const struct plan **out,
               struct refusal *no, struct err *err) CHECKED;

/* Parts that are joined by "and" at the top: [from, to) of text. Returns
 * their number, at most `most`. */
struct part {
    size_t from, to;
};
size_t terms_split(struct str text, struct part *out, size_t most);
/* Appends `field:value`, quoted as needed, joined by a blank. */
void terms_add(struct buf *filter, bool not, const char *field,
               struct str value);
/* Without part i. */
void terms_remove(struct buf *filter, size_t i);
