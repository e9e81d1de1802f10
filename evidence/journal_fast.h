/* Fast commits of ext4, over what the journal's transactions gave. */
#pragma once

#include "evidence/journal_jbd2.h"

struct fast_report {
    uint64_t commits, changes; /* whole ones; tags of them */
    uint64_t skipped;          /* changes that could not be made */
    const char *ended;         /* what is wrong with the one after, or NULL */
};

/* Replays those of the transaction `expected`, the one after the last that
 * was replayed. False: no memory, or the overlay is full. */
bool jbd2_fast_replay(struct jbd2 *j, struct overlay *o, uint32_t expected,
                      struct fast_report *report) CHECKED;
