/* What a case is about, in figures: for the overview and the report. */
#pragma once

#include "casedb/examiner.h"
#include "casedb/query.h"

struct summary_entry {
    struct entity_count count;
    struct str value; /* in the arena */
};
struct summary_list {
    const char *name;  /* "principals" */
    const char *title; /* "Who acted" */
    unsigned kind;     /* enum kind */
    struct summary_entry *entries;
    size_t n;
    uint64_t distinct; /* values of this kind in all */
};
enum {
    SUMMARY_PRINCIPALS,
    SUMMARY_KEYS,
    SUMMARY_ADDRESSES,
    SUMMARY_ERRORS,
    SUMMARY_ACTIONS,
    SUMMARY_AGENTS,
    SUMMARY_REGIONS,
    SUMMARY_ACCOUNTS,
    SUMMARY_LISTS
};
struct summary_source {
    struct str name; /* in the arena */
    uint32_t id;
    uint64_t events;
    struct instant first, last;
    bool timed;
    struct summary_entry *actions; /* most frequent ones of this source */
    size_t n_actions;
};
struct summary {
    struct scan_total span; /* of all events */
    uint64_t exhibits, members, issues, links, gaps;
    uint64_t read, stored, dup, rejected;
    bool accounted; /* read = stored + dup + rejected */
    struct summary_list lists[SUMMARY_LISTS];
    struct summary_source *sources; /* by value */
    size_t n_sources;
};
/* top: entries per list. Everything in the arena. */
int summary_make(struct casedb *c, size_t top, struct arena *a,
                 struct summary *out, struct err *err) CHECKED;
