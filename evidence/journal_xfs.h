/* The log of XFS inside: records and transactions in journal_xfs.c, what the
 * items of a transaction change in journal_xfs_items.c. */
#pragma once

#include "evidence/journal_overlay.h"

enum { XFS_BB = 512 }; /* basic block: unit of log and daddr */

/* What of the superblock matters here. */
struct xfs_log_sb {
    uint32_t block, agblocks, agcount, inode_size, sector;
    uint32_t inode_align; /* blocks */
    unsigned block_log, agblk_log, inop_log;
    bool v5;
    unsigned char uuid[16], meta_uuid[16];
    uint64_t blocks; /* of the volume, as the superblock says */
    uint64_t log_off;
    uint32_t log_bbs;
};

/* One item of a transaction: its first region says what it is. */
struct xfs_item {
    const unsigned char **p;
    const uint32_t *len;
    uint32_t regions;
};

enum xfs_pass { XFS_COLLECT = 1, XFS_APPLY, XFS_HISTORY };

struct xfs_log;
/* Is what was logged of the inode asked for? And one logged state of it; its
 * core is whole. */
typedef bool xfs_wanted_fn(void *ctx, uint64_t ino);
typedef void xfs_past_fn(void *ctx, const struct xfs_log *l, uint64_t ino,
                         const struct xfs_item *it);

struct xfs_cancel {
    uint64_t daddr;
    uint32_t len;   /* BBs; 0 is a free slot */
    uint32_t count; /* cancels that are still to come */
};
struct xfs_intent {
    uint64_t id;
    bool done;
    uint16_t type;
};

struct xfs_log {
    struct source *vol;
    struct overlay *overlay;
    struct journal_report *report;
    struct xfs_log_sb sb;
    enum xfs_pass pass;
    xfs_wanted_fn *wanted; /* of XFS_HISTORY */
    xfs_past_fn *past;
    void *past_ctx;
    struct xfs_cancel *cancels; /* open hash */
    size_t n_cancels, cap_cancels;
    struct xfs_intent *intents;
    size_t n_intents, cap_intents;
    unsigned char *block; /* scratch: an inode */
    bool no_memory;
    uint64_t full;    /* changes beyond JOURNAL_BYTES_MAX */
    uint64_t damaged; /* items that make no sense */
    uint64_t missing; /* items whose target cannot be read or is no inode */
    uint64_t newer;   /* items whose target is newer already */
    uint64_t quota, owners, unknown;
};

/* False: the superblock makes no sense. */
bool xfs_log_sb_load(struct source *vol, struct xfs_log_sb *sb);
/* Does the pass look at the item whose first region begins with p (n bytes, at
 * least 4)? */
bool xfs_item_wanted(const struct xfs_log *l, const unsigned char *p,
                     uint32_t n);
/* The items in their order; what they change is applied in the order that
 * recovery wants. */
void xfs_items_commit(struct xfs_log *l, const struct xfs_item *items, size_t n,
                      uint64_t lsn);
/* What the item logs of an inode into its disk form d (inode_size bytes);
 * *fork: the data fork as well. False: it makes no sense. */
bool xfs_item_inode(const struct xfs_log *l, const struct xfs_item *it,
                    unsigned char *d, bool *fork);
/* All states of wanted inodes in transactions that are in the log still, also
 * behind its tail, the oldest first. */
void xfs_log_history(struct source *vol, xfs_wanted_fn *wanted, xfs_past_fn *fn,
                     void *ctx);
/* Intents without a done item; also frees what the items need. */
void xfs_items_end(struct xfs_log *l);
