/* `analyze`: all that is derived, made anew from what the case holds. */
#pragma once

#include "analyzer/coverage.h"
#include "analyzer/links.h"

struct analyze_result {
    struct links_result links;
    struct coverage_result coverage;
    uint64_t events;
};
/* The case is a writer. Writes one audit row "analyze" with the versions of
 * the rules and the numbers. */
int analyze_run(struct casedb *c, const struct raw_reader *raw,
                const struct analyzer_ticker *t, struct analyze_result *out,
                struct err *err) CHECKED;
/* Events imported since analyze ran last; all when it never did. */
int analyze_stale(struct casedb *c, uint64_t *events, struct err *err) CHECKED;
