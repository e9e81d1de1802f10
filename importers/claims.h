/* Which digests were stated for which file of the exhibit (private to the
 * pipeline). */
#pragma once

#include "importers/discover.h"
#include "importers/import.h"

struct claims {
    struct claimed { /* by name, then as given */
        size_t name; /* in found.names */
        const struct import_claim *claim;
    } * v;
    size_t n;
    size_t unused;      /* stated for no file here */
    struct str unused1; /* the first of these */
    unsigned algos;     /* bits 1u << hash_algo */
};

/* A stated path names the file whose path it is, or the longest that it ends
 * with: lists are made in other folders than where they are used. */
int claims_open(struct claims *c, const struct import_options *o,
                const struct found *f, struct err *err) CHECKED;
void claims_close(struct claims *c);
/* The claims of a name: the first of *n. */
const struct claimed *claims_of(const struct claims *c, size_t name, size_t *n);
