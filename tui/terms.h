/*
 * Filters at a desk: compiled once per text, and the citation of an event.
 * Parts of a filter are told apart without the case, for the chips.
 */
#pragma once

#include "tui/screen.h"

/* What a filter text means at a desk; good until the next text. */
struct terms {
    const struct plan *plan;
    bool reads_raw;
    struct str note; /* "no key has the value ..", or empty; display form */
};
/* Empty text: all events. A wrong filter (ERR_USAGE) fills `no`. */
int terms_plan(struct desk *d, struct str text, struct terms *out,
               struct refusal *no, struct err *err) CHECKED;
void terms_forget(struct desk *d);
/* Without the case: is it a filter at all? */
bool terms_check(struct str text, struct refusal *no);

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
