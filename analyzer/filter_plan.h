/* Making a plan of a parsed filter: what filter_compile.c, filter_values.c,
 * filter_marks.c and filter_test.c share. */
#pragma once

#include "analyzer/filter_tree.h"

struct compiler {
    const struct filter *f;
    const struct filter_env *env;
    struct casedb *c; /* env->c */
    struct arena *a;
    struct filter_plan *out;
    struct filter_place *place;
    struct err *err;
    size_t cap_notes;
};

/* What a part costs: evaluated in this order. */
enum filter_cost {
    COST_INDEX, /* posting lists */
    COST_ROW,   /* reads rows */
    COST_RAW,   /* reads records */
};

struct filter_part_plan {
    struct plan *p;
    enum filter_cost cost;
};

int filter_no_memory(struct compiler *k);
/* Words of ours and text_line() only. */
int filter_note_add(struct compiler *k, struct filter_place at, const char *fmt,
                    ...) __attribute__((format(printf, 3, 4)));

/* ---- plans --------------------------------------------------------------- */

/* NULL when out of memory. */
struct plan *filter_plan_new(struct compiler *k, enum plan_op op);
struct plan *filter_plan_not(struct compiler *k, struct plan *p);
/* A balanced tree, so that it does not grow deep; none at all: NONE or ALL. */
struct plan *filter_plan_join(struct compiler *k, enum plan_op op,
                              struct plan **list, size_t n);
struct plan *filter_plan_test(struct compiler *k,
                              int (*test)(void *ctx, struct casedb *c,
                                          const struct event *e),
                              void *ctx);

/* Numbers being collected; the memory is the heap's until they are a plan. */
struct filter_ids {
    struct buf b; /* uint32_t */
};
struct filter_events {
    struct buf b; /* int64_t */
};
void filter_ids_add(struct filter_ids *v, uint32_t id);
void filter_events_add(struct filter_events *v, int64_t event);
static inline size_t filter_ids_n(const struct filter_ids *v)
{
    return v->b.n / sizeof(uint32_t);
}
/* Sorted, without doubles. Frees the collection. More ids than posting lists
 * are good for become a test of rows. */
int filter_ids_plan(struct compiler *k, struct filter_ids *v, uint32_t roles,
                    struct filter_part_plan *out) CHECKED;
int filter_events_plan(struct compiler *k, struct filter_events *v,
                       struct filter_part_plan *out) CHECKED;

/* ---- parts --------------------------------------------------------------- */

/* filter_values.c: identifiers */
int filter_values(struct compiler *k, const struct filter_term *t,
                  struct filter_part_plan *out) CHECKED;
int filter_has_entity(struct compiler *k, const struct filter_field *f,
                      struct filter_part_plan *out) CHECKED;
/* Identifiers whose value contains the text. */
int filter_values_holding(struct compiler *k, struct str text, bool fold,
                          struct filter_part_plan *out) CHECKED;
int filter_sources_of_kind(struct compiler *k, struct str word,
                           struct filter_ids *out) CHECKED;
/* filter_marks.c: the examiner's marks, links, places in the case */
int filter_marks(struct compiler *k, const struct filter_term *t,
                 struct filter_part_plan *out) CHECKED;
int filter_links(struct compiler *k, const struct filter_term *t,
                 struct filter_part_plan *out) CHECKED;
int filter_places(struct compiler *k, const struct filter_term *t,
                  struct filter_part_plan *out) CHECKED;
/* filter_known.c: hash lists */
int filter_known(struct compiler *k, const struct filter_term *t,
                 struct filter_part_plan *out) CHECKED;
struct filter_span {
    int64_t from, to; /* event numbers, both included */
};
int filter_spans_plan(struct compiler *k, struct filter_span *v, size_t n,
                      struct filter_part_plan *out) CHECKED;
/* filter_test.c: what reads rows and records */
int filter_rows(struct compiler *k, const struct filter_term *t,
                struct filter_part_plan *out) CHECKED;
int filter_record(struct compiler *k, const struct filter_term *t,
                  struct filter_part_plan *out) CHECKED;
int filter_word_test(struct compiler *k, const struct filter_term *t,
                     struct filter_part_plan *out) CHECKED;

/* ---- matching values ----------------------------------------------------- */

struct filter_regex;
/* In the arena; a wrong pattern is an error of the filter. */
int filter_regex_new(struct compiler *k, const struct filter_term *t,
                     struct filter_regex **out) CHECKED;
bool filter_regex_match(struct filter_regex *r, struct str s);
/* Any item of the term, or its pattern. contains: free text. */
struct filter_matcher {
    const struct filter_term *t;
    struct filter_regex *regex;
    struct str *patterns; /* per item, for the unquoted ones */
};
int filter_matcher_new(struct compiler *k, const struct filter_term *t,
                       bool contains, struct filter_matcher *out) CHECKED;
bool filter_matches(const struct filter_matcher *m, struct str s,
                    bool contains);
