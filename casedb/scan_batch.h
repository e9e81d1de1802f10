/*
 * A plan opened for one batch: which ranks match, window by window (private to
 * casedb/).
 */
#pragma once

#include "casedb/posting.h"
#include "casedb/query.h"

/* A plan node's state in one batch. */
struct node {
    const struct plan *plan;
    struct node *a, *b;
    struct posting_cursor *cursors; /* ANY_OF */
    size_t n_cursors;
    uint64_t *bits;  /* ANY_OF of many: the whole batch's ranks, else NULL */
    uint32_t n;      /* ranks of the batch */
    uint32_t lo, hi; /* TIME, UNDATED: ranks [lo, hi) */
    uint32_t *ranks; /* EVENTS: ascending */
    size_t n_ranks;
};

struct part {
    struct posting_batch *batch;
    struct node *root;
    struct arena arena;
    bool open, done;
    uint64_t *words;
    uint32_t cap;       /* ranks that words have room for */
    uint32_t wlo, whi;  /* the window in words; empty: wlo == whi */
    uint32_t lo, hi;    /* ranks still to come */
    uint32_t axis_part; /* in axis, UINT32_MAX none */
    struct posting_time *axis;
    struct hit head;
};

struct scan {
    struct casedb *c;
    const struct plan *plan;
    bool reverse, has_anchor;
    struct hit anchor;
    struct part **heap;
    size_t n_heap;
    struct part *parts;
    size_t n_parts;
    uint64_t tested, all;
    uint32_t window;
    bool tests;
    uint64_t *scratch; /* of part_eval */
    size_t cap_scratch;
};

/* False when no event of the batch can match: told by the batch alone. */
bool plan_can_match(const struct plan *p, const struct posting_batch *b,
                    unsigned depth);
bool plan_has_test(const struct plan *p);

int node_open(struct casedb *c, struct part *p, const struct plan *plan,
              struct node **out, unsigned depth, struct err *err) CHECKED;
void node_close(struct node *n);
/* A lower bound of the next rank >= lo that can match (UINT32_MAX: none), and
 * an upper bound, + 1, of the previous rank < hi (0: none). */
uint32_t node_next(const struct node *n, uint32_t lo);
uint32_t node_prev(const struct node *n, uint32_t hi);

/* Has p->axis hold the part with this rank. */
int part_axis(struct scan *s, struct part *p, uint32_t rank,
              struct err *err) CHECKED;
/* The ranks of [lo, hi) that match, into words; lo a multiple of 64. */
int part_eval(struct scan *s, struct part *p, uint32_t lo, uint32_t hi,
              uint64_t *words, struct err *err) CHECKED;
