/* ext2/3/4 inside: inodes and block maps for fs_ext.c and fs_ext_walk.c. */
#pragma once

#include "evidence/fs.h"
#include "evidence/fs_content.h"

enum {
    EXT_INODE_MAX = 4096,
    EXT_LINES = 256,
    EXT_LINE = 16384,
    EXT_ROOT = 2,
};

/* Parts of the on-disk flags. */
enum {
    EXT_COMPAT_JOURNAL = 0x4,
    EXT_COMPAT_SPARSE2 = 0x200,
    EXT_COMPAT_FAST_COMMIT = 0x400,
    EXT_COMPAT_ORPHAN_FILE = 0x1000,
    EXT_INCOMPAT_FILETYPE = 0x2,
    EXT_INCOMPAT_RECOVER = 0x4,
    EXT_INCOMPAT_JOURNAL_DEV = 0x8,
    EXT_INCOMPAT_META_BG = 0x10,
    EXT_INCOMPAT_64BIT = 0x80,
    EXT_INCOMPAT_SEED = 0x2000,
    EXT_INCOMPAT_LARGE_DIR = 0x4000,
    EXT_INCOMPAT_ENCRYPT = 0x10000,
    EXT_INCOMPAT_KNOWN = 0x3f7df,
    EXT_RO_SPARSE = 0x1,
    EXT_RO_GDT_CSUM = 0x10,
    EXT_RO_BIGALLOC = 0x200,
    EXT_RO_METADATA_CSUM = 0x400,
    EXT_INODE_ENCRYPTED = 0x800,
    EXT_INODE_INDEX = 0x1000,
    EXT_INODE_EXTENTS = 0x80000,
    EXT_INODE_EA = 0x200000,
    EXT_INODE_INLINE = 0x10000000,
};

struct ext {
    struct fs *fs;
    struct source *vol;
    uint32_t block, inode_size, desc_size, per_group, group_blocks;
    uint32_t first_data, inodes, groups, first_ino, first_meta_bg;
    uint32_t compat, incompat, ro, seed, ea_seed;
    uint32_t last_orphan, orphan_file; /* inodes; 0 = none */
    uint32_t cluster; /* blocks that one bit of a bitmap stands for */
    uint32_t backups[2];
    uint64_t blocks;
    bool bad_super; /* its checksum is wrong */
    /* Lines of the volume, direct-mapped by their number. */
    unsigned char *lines;
    uint64_t line_no[EXT_LINES];
    uint32_t line_n[EXT_LINES];
    /* Of the journal, once asked for; NULL: there is none. */
    struct ext_history *history;
    bool history_tried;
};

struct ext_inode {
    uint64_t ino, off; /* place in the volume */
    uint16_t mode;
    uint32_t uid, gid, links, flags, generation, blocks, dtime;
    uint64_t size;
    struct instant m, a, c, b, d;
    bool has_b, fine; /* fine: nanoseconds are stored */
    bool bad;         /* checksum or a field is wrong */
    size_t raw_n;
    unsigned char raw[EXT_INODE_MAX];
};

/* The blocks of one file, ascending; holes are left out. */
struct ext_map {
    struct fs_run *runs;
    size_t n, cap;
    uint64_t mapped;   /* blocks with data */
    const char *wrong; /* first thing that was wrong, or NULL */
    bool no_memory;
    struct buf inlined; /* inline data instead of blocks */
    bool is_inline;
};

/* Small reads, cached. False when not all can be had. */
bool ext_read(struct ext *x, uint64_t off, void *buf, size_t n);
/* False: no such inode, or its table cannot be read. */
bool ext_inode_load(struct ext *x, uint64_t ino, struct ext_inode *in);
/* Inode ino from the bytes of it (inode_size) that stand at off. */
void ext_inode_decode(const struct ext *x, uint64_t ino, uint64_t off,
                      const void *bytes, struct ext_inode *in);
/* The checksum into in->raw, where the file system has them. */
void ext_inode_seal(const struct ext *x, struct ext_inode *in);
/* Inodes [*first, end) of a group that can ever have been used. */
uint32_t ext_group_used(struct ext *x, uint32_t group);
/* The first of them from i on that is not blank; `used` when there is none. */
uint32_t ext_group_next(struct ext *x, uint32_t group, uint32_t i,
                        uint32_t used);
uint64_t ext_desc_at(const struct ext *x, uint32_t group);
void ext_map_load(struct ext *x, const struct ext_inode *in,
                  struct ext_map *map);
void ext_map_free(struct ext_map *map);
/* Does the content touch what is known as unreadable? */
bool ext_map_touches_gap(const struct ext *x, const struct ext_map *map);
/* Target of a symbolic link into out; false when it cannot be read. */
bool ext_link(struct ext *x, const struct ext_inode *in, struct ext_map *map,
              struct buf *out);

/* Content of a file, as fs_open_inode gives it. */
struct source *ext_content(struct ext *x, const struct ext_inode *in,
                           struct err *err);

/* Inodes that were deleted while open (or are being shortened). */
struct ext_open {
    unsigned char *bits; /* free() */
    const char *wrong;   /* last thing that was wrong, or NULL */
};
bool ext_open_load(struct ext *x, struct ext_open *o); /* false: no memory */
bool ext_open_has(const struct ext_open *o, uint64_t ino);
/* Does the bitmap say that the inode is in use? */
bool ext_inode_used(struct ext *x, uint64_t ino);
/* How many of the first `size` bytes lie in blocks that no file uses. Looks at
 * *budget blocks at most and takes them off. */
uint64_t ext_free_bytes(struct ext *x, const struct ext_map *map, uint64_t size,
                        uint64_t *budget);

/* Older copies of blocks in the journal; NULL: none, or a journal that is still
 * to be replayed. Opened once, closed with the file system. */
struct ext_history *ext_history(struct ext *x);
struct ext_history *ext_history_open(struct ext *x);
void ext_history_free(struct ext_history *h);
/* The last copy of the inode `now` that has content or a name, of the same
 * generation (the same file) or of any other. False: there is none. */
bool ext_history_inode(struct ext_history *h, const struct ext_inode *now,
                       bool same, struct ext_inode *old);
/* Every copy of a block, the latest first; borrowed for the call. */
void ext_history_blocks(struct ext_history *h, uint64_t block,
                        void (*fn)(void *ctx, struct str copy), void *ctx);

/* The attributes of one inode; reused from file to file. */
struct ext_xattrs {
    struct buf bytes, block, scratch;
    const char *wrong; /* first thing that was wrong, or NULL */
    size_t n;
    struct fs_xattr items[FS_XATTRS_MAX]; /* ascending by name */
    size_t at[FS_XATTRS_MAX];
};
void ext_xattrs_load(struct ext *x, const struct ext_inode *in,
                     struct ext_xattrs *to);
void ext_xattrs_free(struct ext_xattrs *to);

int ext_walk(struct fs *fs, const struct fs_visitor *v, struct err *err);
int ext_find(struct fs *fs, struct str path, uint64_t *inode, struct err *err);
