/*
 * Copies of a superblock, for a volume whose first one is gone or damaged:
 * ext keeps them in groups 1, 3, 5, 7, 9, .., XFS at the start of each
 * allocation group. The volume with the copy in its place is a source of its
 * own, layer "super", so that all that reads volumes works over it.
 */
#pragma once

#include "evidence/fs.h"

struct super_report {
    enum fs_type type;
    uint64_t from;     /* where the copy lies in the volume */
    uint64_t replaced; /* group descriptors of ext taken from beside it */
    const char *why;   /* what is wrong with the first, our words */
};

/*
 * A source over vol (borrowed) in which a sound copy stands in place of the
 * superblock. NULL: the first one is not there and no copy is found, or it
 * needs none (err->code 0), or no memory. Needed is one where the first lacks
 * its magic number, makes no sense, or differs from its checksum and states
 * another geometry than a sound copy. The journal of ext is looked at, since
 * copies do not say whether it is to be replayed. Looks at places where copies
 * can be, never at the whole volume.
 */
struct source *super_copy_open(struct source *vol, struct super_report *report,
                               struct err *err);
