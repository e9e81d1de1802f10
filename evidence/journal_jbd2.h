/* The journal of ext3 and ext4 (jbd2), opened on a volume as it is on disk.
 * Layout: kernel, Documentation/filesystems/ext4/journal.rst; all big-endian.
 */
#pragma once

#include "evidence/fs_ext.h"
#include "evidence/journal_overlay.h"

struct jbd2 {
    struct fs *fs; /* owned when own_fs */
    bool own_fs;
    struct ext *x;
    struct ext_map map;        /* of the journal's inode */
    bool backup;               /* the map is the superblock's copy */
    uint32_t block;            /* bytes */
    uint32_t first, last, end; /* blocks: log is [first, last), area to end */
    uint32_t start, sequence;  /* start 0: empty */
    uint32_t incompat;
    bool checksum_v1, checksum_v23, wide;
    uint32_t seed, tag_bytes;
    struct journal_report *report;
};

enum { JBD2_ASYNC = 4 }; /* a bit of incompat */
enum jbd2_flag {
    JBD2_ESCAPED = 1,
    JBD2_SAME_UUID = 2,
    JBD2_LAST_TAG = 8,
};
enum jbd2_type {
    JBD2_DESCRIPTOR = 1,
    JBD2_COMMIT = 2,
    JBD2_SUPER_V1 = 3,
    JBD2_SUPER_V2 = 4,
    JBD2_REVOKE = 5,
};

/* NULL, or what was wrong in our words; close it in any case. fs: already
 * open, or NULL to open one over vol. */
const char *jbd2_open(struct jbd2 *j, struct source *vol, struct fs *fs,
                      struct journal_report *report);
void jbd2_close(struct jbd2 *j);
/* Place of a journal block in the volume; false: it has none. */
bool jbd2_place(const struct jbd2 *j, uint32_t n, uint64_t *off);
/* One block of the journal; false: it cannot be had. */
bool jbd2_read(const struct jbd2 *j, uint32_t n, unsigned char *p);
/* Type of a block with the journal's magic number, else 0. */
uint32_t jbd2_block_type(const unsigned char *p, uint32_t *sequence);

/* One tag of a descriptor block. */
struct jbd2_tag {
    uint64_t block; /* of the file system */
    uint32_t flags, checksum;
};
/* The tag at *at of descriptor p, moving on; false after the last. *at starts
 * at 0. */
bool jbd2_tag_next(const struct jbd2 *j, const unsigned char *p, uint32_t *at,
                   struct jbd2_tag *tag);
/* Is data, as it stands in the journal, what the tag was made for? */
bool jbd2_tag_fits(const struct jbd2 *j, const struct jbd2_tag *tag,
                   uint32_t sequence, const unsigned char *data);
