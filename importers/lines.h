/*
 * The lines of a member: of any length and ending (LF, CR LF, none at the
 * end), each with its place. Runs of NUL bytes, which crashed writers and
 * missing blocks leave behind, end a line, are taken off the front of the next
 * one, and are named once (lines_end).
 *
 *     struct lines l;
 *     struct line line;
 *     lines_open(&l, job);
 *     while ((rc = lines_next(&l, &line)) == 0)
 *         ...
 *     return lines_end(&l, rc);
 */
#pragma once

#include "importers/window.h"

enum {
    LINES_PART = 1 << 20, /* longer lines come in parts of so many bytes */
};

struct line {
    struct str text; /* without its ending; until the next lines_next */
    uint64_t off;    /* of text in the member's innermost layer */
    bool part;       /* goes on in the next one: longer than LINES_PART */
    bool rest;       /* goes on from the one before */
    bool cut;        /* the member ends without a line ending here */
};

struct lines {
    struct window w;
    struct sink *sink;
    uint64_t n;             /* lines so far; a line in parts counts once */
    uint64_t nul_off, nuls; /* first run of NUL bytes, and all of them */
    bool in_part;
};

enum { LINES_END = 1 }; /* no line left */

void lines_open(struct lines *l, struct import_job *job);
/* 0: a line; LINES_END; negative: no memory. Empty lines come, too. */
int lines_next(struct lines *l, struct line *out) CHECKED;
/* The next bytes without moving on, up to and without a line's ending, as far
 * as the window reaches: to see whether the next line continues this one. */
struct str lines_peek(struct lines *l);
/* rc: what ended the loop (LINES_END becomes 0). Names what was odd. */
int lines_end(struct lines *l, int rc) CHECKED;
