/*
 * Journals of file systems: what the writer had logged and not yet put in
 * its place. A volume that was copied while mounted is seen twice, as it is
 * on disk and as it is after recovery; recovery happens in memory, as a layer
 * over the volume ("!journal"), and the evidence stays as it is.
 *
 * Sources: jbd2 for ext3/4 (kernel, Documentation/filesystems/ext4), XFS log
 * (XFS Algorithms & Data Structures, "Journaling Log"). One file per format:
 * journal_jbd2.c, journal_xfs.c.
 */
#pragma once

#include "evidence/fs.h"

enum journal_state {
    JOURNAL_NONE,       /* the file system has none */
    JOURNAL_CLEAN,      /* nothing to recover */
    JOURNAL_DIRTY,      /* transactions wait */
    JOURNAL_UNREADABLE, /* external, damaged or of an unknown form: why[] */
};

struct journal_report {
    enum journal_state state;
    uint64_t transactions; /* applied */
    uint64_t fast;         /* fast commits of ext4 after them, applied */
    uint64_t dropped;      /* torn or without commit, not applied */
    uint64_t blocks;       /* bytes that the overlay replaces / block size */
    uint64_t unfinished;   /* XFS intents without their done item */
    uint64_t skipped;      /* logged changes that were not applied: why[] */
    uint64_t first_seq, last_seq; /* of those applied: sequence or LSN */
    bool has_times;               /* jbd2 commit blocks */
    struct instant first, last;
    char why[160]; /* what was wrong or left out, our words; may be empty */
};

/*
 * The volume after recovery, as a source over vol (borrowed), layer
 * "journal"; gaps of vol stay gaps but where the journal has the bytes. NULL:
 * with report->state other than JOURNAL_DIRTY and err->code 0 there is nothing
 * to recover; else err says why. Deterministic, bounded: at most
 * JOURNAL_BYTES_MAX in memory, the rest is counted as skipped and named.
 *
 * What applies is what the kernel's own recovery applies; like the kernel's,
 * the superblock of ext says afterwards that nothing is to be recovered. What
 * a mount does beyond its journal is not done: files that were deleted while
 * open stay on their list and are found there.
 */
enum { JOURNAL_BYTES_MAX = 512 << 20 };
struct source *journal_replay(struct source *vol, enum fs_type type,
                              struct journal_report *report, struct err *err);
/* Does the journal replace bytes of [off, off+n)? Their checksums may be
 * stale: the writer of XFS computes them when it writes them back. False for
 * any source that is no journal layer. */
bool journal_covers(const struct source *s, uint64_t off, uint64_t n);
/* Is it a source that journal_replay made? */
bool journal_is_layer(const struct source *s);
