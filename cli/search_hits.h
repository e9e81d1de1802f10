/* The hits of one member of a search: kept while it is gone through, shown
 * when it is done. */
#pragma once

#include "cli/raw.h"

struct search_hits {
    struct cli *cli;
    struct casedb *c;
    struct raw *raw;
    struct table *t;
    uint64_t context; /* bytes on either side */
    struct raw_hit *v;
    size_t n, cap;
    struct buf cite;
    /* cells before the event and behind the time; may be NULL */
    void (*before)(void *ctx, const struct raw_hit *h);
    void (*behind)(void *ctx, const struct raw_hit *h);
    void *ctx;
};

int search_hits_keep(struct search_hits *s, const struct raw_hit *h) CHECKED;
/* Event, time, citation and the bytes around each, masked where they may hold
 * a secret. Empties the list; *shown counts. */
int search_hits_show(struct search_hits *s, uint64_t *shown,
                     struct err *err) CHECKED;
void search_hits_free(struct search_hits *s);
