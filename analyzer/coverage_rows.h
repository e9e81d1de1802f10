/* What the parts of coverage_make share (within analyzer/). */
#pragma once

#include "analyzer/coverage.h"

struct coverage_run {
    struct casedb *c;
    const struct raw_reader *raw;
    const struct analyzer_ticker *ticker;
    struct coverage_result *result;
    struct arena arena;
    int64_t from_s, to_s; /* of all CloudTrail deliveries; from > to: none */
    /* delivery times per account and region, by these and time */
    struct coverage_series *series;
    size_t n_series;
};
struct coverage_series {
    struct str account, region;
    int64_t *t; /* ascending, each once */
    size_t n;
    uint64_t n_files, n_events;
};

int coverage_put(struct coverage_run *r, const struct coverage *v,
                 struct err *err) CHECKED;
/* Of a basis that is built in b; b is freed. */
int coverage_put_buf(struct coverage_run *r, struct coverage *v, struct buf *b,
                     struct err *err) CHECKED;
void coverage_time(struct buf *b, int64_t s); /* RFC 3339 */
void coverage_span(struct buf *b, int64_t s); /* "2 h 30 min" */

int coverage_deliveries(struct coverage_run *r, struct err *err) CHECKED;
int coverage_damage(struct coverage_run *r, struct err *err) CHECKED;
int coverage_trails(struct coverage_run *r, struct err *err) CHECKED;
int coverage_streams(struct coverage_run *r, struct err *err) CHECKED;
int coverage_exports(struct coverage_run *r, struct err *err) CHECKED;
int coverage_points(struct coverage_run *r, struct err *err) CHECKED;
