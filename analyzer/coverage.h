/*
 * Coverage: for which time a source recorded, for which it did not, and for
 * which that is not known. Every row has its basis in words and, when there
 * is one, the event it rests on. An interval without events is never taken
 * for a gap by itself.
 */
#pragma once

#include "analyzer/raw.h"
#include "casedb/examiner.h"

struct coverage_result {
    uint64_t rows, gaps; /* gaps: rows that are not PRESENT */
};
/* Replaces the table coverage. raw (may be NULL) is asked for the few calls
 * that changed what is recorded. */
int coverage_make(struct casedb *c, const struct raw_reader *raw,
                  const struct analyzer_ticker *t, struct coverage_result *out,
                  struct err *err) CHECKED;

/* How much of [from_s, to_s) the rows of one source say. */
struct coverage_answer {
    bool known; /* there are rows of this source */
    int64_t present_s, absent_s, unknown_s, damaged_s; /* seconds */
    struct coverage worst; /* the longest row there that is not PRESENT */
    bool has_worst;
};
/* rows: of case_coverage, collected by the caller; any order. */
void coverage_ask(const struct coverage *rows, size_t n, struct str source,
                  int64_t from_s, int64_t to_s, struct coverage_answer *out);
const char *coverage_state_name(enum coverage_state s);

/* ---- from delivery names (apart from the case, for tests) ---------------- */

/* A CloudTrail file name ..ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_..:
 * false when it is none. */
struct coverage_delivery {
    struct str account, region; /* views of the path */
    int64_t t_s;                /* of the name: delivery, not events */
    uint64_t n_events;
};
bool coverage_delivery(struct str path, struct coverage_delivery *out);

enum {
    COVERAGE_GRID_S = 300,     /* CloudTrail delivers about every 5 minutes */
    COVERAGE_GAP_MIN_S = 1800, /* no silence shorter than this is a gap */
    COVERAGE_GAP_FACTOR = 6,   /* times the usual distance of neighbours */
    COVERAGE_NEIGHBOURS = 12,  /* deliveries on either side that are usual */
};
/* A silence between t[i] and t[i + 1] that stands out. */
struct coverage_gap {
    size_t i;
    int64_t usual_s; /* usual distance around it */
};
/* t: ascending delivery times of one account and region. Up to `most` gaps
 * into out; returns the number found. */
size_t coverage_gaps(const int64_t *t, size_t n, struct coverage_gap *out,
                     size_t most);
