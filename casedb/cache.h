/* What a case handle remembers between queries (private to casedb/). */
#pragma once

#include "casedb/posting.h"

enum { CACHE_VALUE_BITS = 16, CACHE_VALUES = 1 << CACHE_VALUE_BITS };

struct cache_value {
    uint32_t id;
    char *text;
    size_t n;
};

struct case_cache {
    struct posting_batch *batches;
    size_t n_batches;
    int64_t last_batch;
    bool loaded;
    struct cache_value values[CACHE_VALUES];
};

struct case_cache *case_cache(struct casedb *c); /* NULL: no memory */
/* The batches with events, by id; borrowed until the next call. */
int case_batches(struct casedb *c, struct posting_batch **out, size_t *n,
                 struct err *err) CHECKED;
