/*
 * Runs what a worker runs (importers/job.c) over bytes in this process, with
 * a sink that keeps what it is given as lines of text.
 */
#pragma once

#include "importers/importer.h"

struct collected {
    struct buf text; /* one line per item */
    uint64_t records, rejects, issues, members;
    uint64_t last_end; /* of the last record, in its innermost layer */
    bool failed;       /* the job ended with an error */
    struct err err;
};

enum collect_flag {
    COLLECT_PLACES = 1, /* with @offset+length */
    COLLECT_COUNT = 2,  /* no text, only the counts */
    COLLECT_REFS = 4,   /* with every entity and its role */
};

/* as: importer name or empty. Everything before is dropped. The file was last
 * changed at 2026-03-13T00:00:00Z. */
void collect(struct collected *c, struct str bytes, struct str path,
             struct str as, unsigned flags);
void collect_free(struct collected *c);
