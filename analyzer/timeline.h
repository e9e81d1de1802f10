/*
 * The timeline: pages of events in time order, counts, histograms, and why a
 * view has no rows.
 */
#pragma once

#include "casedb/examiner.h"
#include "casedb/query.h"

/* A half-open window; without a bound it is open there. */
struct timeline_window {
    bool has_from, has_to;
    struct instant from, to;
};
/* --from and --to: a time as time_parse_user takes it, "" = none. A `to` that
 * is cut (2026-03-11) includes all of what it names. ERR_USAGE names the
 * option and what was wrong. */
int timeline_window(struct str from, struct str to, struct timeline_window *out,
                    struct err *err) CHECKED;
/* The plan within the window; undated events are in only when the window has
 * no bound. NULL when out of memory. */
const struct plan *timeline_within(const struct plan *p,
                                   const struct timeline_window *w,
                                   struct arena *a);

/* Narrows the window to the times that the plan itself asks for (time: and
 * near: of a filter that all events must fulfil). */
void timeline_narrow(const struct plan *p, struct timeline_window *w);

/* Up to n hits after `anchor` (or before it, when back), always given in time
 * order. anchor NULL: from the start (back: the end). *more: there are others
 * beyond. */
struct timeline_page {
    struct hit *hits;
    size_t n;
    bool more;
};
int timeline_page(struct casedb *c, const struct plan *p,
                  const struct hit *anchor, bool back, size_t n,
                  struct arena *a, struct timeline_page *out,
                  struct err *err) CHECKED;
/* The hit of an event, to be used as an anchor. */
int timeline_hit(struct casedb *c, int64_t event, struct hit *out,
                 struct err *err) CHECKED;
/* An anchor just before (after, when `end`) all events at t. */
struct hit timeline_anchor(struct instant t, bool end);

int timeline_total(struct casedb *c, const struct plan *p,
                   struct scan_total *out, struct err *err) CHECKED;

/* counts[row * n_buckets + i] of events of sources[row] in the i-th part of
 * [from, to). p NULL or PLAN_ALL: from the counts per minute, so a part that
 * is not whole minutes is counted by where a minute begins. */
struct timeline_histogram {
    struct instant from, to;
    size_t n_buckets, n_sources;
    uint32_t *sources; /* entity ids, in order of value */
    struct str *names; /* in the arena */
    uint64_t *counts;
    uint64_t *all;    /* sum over sources, n_buckets of them */
    uint64_t n, most; /* all counted; largest of `all` */
    bool by_minute;   /* from the counts per minute */
};
int timeline_histogram(struct casedb *c, const struct plan *p,
                       struct instant from, struct instant to, size_t n_buckets,
                       struct arena *a, struct timeline_histogram *out,
                       struct err *err) CHECKED;
/* Window for a histogram of everything: whole minutes around the plausible
 * dated events, those of disk images only when there are no others; false
 * when there are none. */
int timeline_span(struct casedb *c, struct instant *from, struct instant *to,
                  bool *any, struct err *err) CHECKED;

/* Why there may be no rows: one line per source, whether it covers the window
 * (coverage table, else first and last event), in display form. `source`:
 * only this one, "" = all. */
int timeline_coverage(struct casedb *c, const struct timeline_window *w,
                      struct str source, struct buf *out,
                      struct err *err) CHECKED;

/* Neighbours that look like one act told twice: same time, action, actor and
 * target, other source or other member. They are shown, never merged. */
bool timeline_alike(const struct event *a, const struct event *b);
