/* A place in an importer's window (importer.h), for those that read member by
 * member: shared by the importers of logs. */
#pragma once

#include "importers/importer.h"

struct window {
    struct input *in;
    struct sink *sink; /* is told how far it is */
    size_t at;         /* in the window */
};

/* What is there from the place on. */
static inline struct str window_rest(const struct window *w)
{
    return (struct str){ w->in->p + w->at, w->in->n - w->at };
}

/* The place's offset in the member. */
static inline uint64_t window_offset(const struct window *w)
{
    return w->in->base + w->at;
}

/* Reads on, keeping everything from the place. Nonzero: no memory. */
int window_more(struct window *w) CHECKED;
/* The next byte that is no white space; 0 at the end (a NUL byte comes as
 * 1). */
char window_peek(struct window *w);

/* Reads on until the first n bytes are there, or all: for importers that
 * choose by them how to read. Nonzero: no memory. */
int window_fill(struct input *in, size_t n) CHECKED;
/* Without a UTF-8 byte order mark. */
struct str window_text(struct str head);
/* Does the text occur in head? For probes. */
static inline bool window_has(struct str head, const char *text)
{
    return str_find(head, str_from(text)) != SIZE_MAX;
}
