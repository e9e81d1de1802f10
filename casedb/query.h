/*
 * Reading events: rows, entity values, posting lists, scans in time order.
 *
 * Views order by (t_s, t_ns, id); events without a time come first, as their
 * own group. Nothing here opens evidence.
 */
#pragma once

#include "casedb/casedb.h"

/* One row of table event. Text columns are entity ids (0 = NULL). */
struct event {
    int64_t id;
    bool timed;
    struct instant t;
    uint8_t t_kind, t_zone, t_res, severity;
    uint32_t flags;
    int64_t member;
    uint64_t off;
    uint32_t len;
    uint16_t sub;
    uint32_t source, action, actor, target, outcome, ip, key, agent, region,
        account, service;
    struct str text, uid, request;
};

int case_event(struct casedb *c, int64_t id, struct arena *a, struct event *out,
               struct err *err) CHECKED;
/* Value of an entity id; borrowed from a cache, valid until case_close or
 * 64k further calls: copy to keep. Empty for 0. */
struct str case_text(struct casedb *c, uint32_t id);
/* Exact value -> id; 0 = not in the case. */
uint32_t case_find(struct casedb *c, unsigned kind, struct str value);
/* All ids of `kind` whose value matches the glob (str_glob, folded). */
int case_find_glob(struct casedb *c, unsigned kind, struct str glob,
                   int (*fn)(void *ctx, uint32_t id, struct str value),
                   void *ctx, struct err *err) CHECKED;
/* Events with this source id (uid or request bytes), each once. Callbacks
 * return nonzero to stop (returned as is). */
int case_find_uid(struct casedb *c, struct str uid,
                  int (*fn)(void *ctx, int64_t event), void *ctx,
                  struct err *err) CHECKED;

/* Entities of one event with roles (columns and refs). */
struct event_ref {
    uint32_t id;
    uint8_t role;
};
int case_event_refs(struct casedb *c, int64_t event, struct arena *a,
                    struct event_ref **out, size_t *n, struct err *err) CHECKED;
/* The row and its entities by one look. */
int case_event_whole(struct casedb *c, int64_t id, struct arena *a,
                     struct event *e, struct event_ref **out, size_t *n,
                     struct err *err) CHECKED;

struct entity_count {
    uint32_t id;
    uint64_t n;                 /* events */
    struct instant first, last; /* of its dated events */
    uint32_t roles;             /* bit per role */
};
/* The n entities of kind with most events (n = 0: all, without first and
 * last), most first; of equal ones those that occurred first in the evidence.
 */
int case_entities_top(struct casedb *c, unsigned kind, size_t n,
                      struct arena *a, struct entity_count **out, size_t *n_out,
                      struct err *err) CHECKED;
int case_entity(struct casedb *c, uint32_t id, struct entity_count *out,
                struct err *err) CHECKED;
/* Number of distinct values per kind; out has KIND_MAX + 1 places. */
int case_kind_counts(struct casedb *c, uint64_t *out, struct err *err) CHECKED;

/* Other copies of one event (deliveries): member and place. */
int case_sightings(struct casedb *c, int64_t event,
                   int (*fn)(void *ctx, int64_t member, uint64_t off,
                             uint32_t len),
                   void *ctx, struct err *err) CHECKED;

/* ---- plans and scans ------------------------------------------------------
 */

/* A compiled condition over events, made by analyzer/filter.c or by hand.
 * Nodes live in an arena; trees are read-only while scans use them. */
enum plan_op {
    PLAN_ALL,
    PLAN_NONE,
    PLAN_ANY_OF, /* any of ids[], with one of the roles in role_mask */
    PLAN_AND,
    PLAN_OR,
    PLAN_NOT,
    PLAN_TIME, /* from <= t < to; undated events never match */
    PLAN_UNDATED,
    PLAN_EVENTS, /* event ids listed (sorted) */
    PLAN_TEST,   /* asked per event row, after everything else */
};
struct plan {
    enum plan_op op;
    struct plan *a, *b; /* AND, OR, NOT */
    const uint32_t *ids;
    const int64_t *events;
    size_t n;
    uint32_t role_mask; /* 0 = any */
    struct instant from, to;
    /* 1 match, 0 no match, <0 error */
    int (*test)(void *ctx, struct casedb *c, const struct event *e);
    void *ctx;
};

struct hit {
    bool timed;
    struct instant t;
    int64_t id;
};

struct scan;
/* Events that satisfy the plan, in time order (or reverse), starting after
 * `anchor` (NULL = from the beginning, or the end when reverse). */
int scan_open(struct casedb *c, const struct plan *p, const struct hit *anchor,
              bool reverse, struct scan **out, struct err *err) CHECKED;
/* 1 = *out filled, 0 = end, <0 error. */
int scan_next(struct scan *s, struct hit *out, struct err *err);
/* Rows looked at so far by PLAN_TEST and the estimate of all, for progress. */
void scan_progress(const struct scan *s, uint64_t *done, uint64_t *all);
void scan_close(struct scan *s);

/* Exact number of matches; dated ones also counted into n_buckets equal
 * parts of [from, to) (counts may be NULL). */
struct scan_total {
    uint64_t n, undated, before, after;
    struct instant first, last;
};
int scan_count(struct casedb *c, const struct plan *p, struct instant from,
               struct instant to, uint64_t *counts, size_t n_buckets,
               struct scan_total *out, struct err *err) CHECKED;
/* Unfiltered counts from the per-minute table: counts[source][bucket];
 * sources in order of ids as returned by case_find_glob(KIND_SOURCE). */
int case_minutes(struct casedb *c, int64_t from_s, int64_t to_s,
                 int (*fn)(void *ctx, int64_t minute, uint32_t source,
                           uint64_t n),
                 void *ctx, struct err *err) CHECKED;
/* First and last dated plausible event, number of all and undated. */
int case_span(struct casedb *c, struct scan_total *out,
              struct err *err) CHECKED;
