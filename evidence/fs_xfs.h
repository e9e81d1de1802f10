/*
 * XFS inside: what fs_xfs.c (superblock, log state), fs_xfs_inode.c (inodes,
 * B-trees, chunks), fs_xfs_map.c (forks, content), fs_xfs_dir.c, fs_xfs_attr.c,
 * fs_xfs_free.c and fs_xfs_walk.c share.
 *
 * Layout: "XFS Algorithms & Data Structures" (kernel.org, xfs documentation);
 * big-endian but for the checksums. Offsets were checked against images that
 * the kernel and xfsprogs wrote.
 */
#pragma once

#include "evidence/fs.h"
#include "evidence/fs_content.h"

enum {
    XFS_INODE_MAX = 2048,
    XFS_LINES = 128,
    XFS_LINE = 16 << 10,
    XFS_BLOCK_MAX = 64 << 10,
    XFS_LINK_MAX = 1024,
    XFS_CHUNK = 64, /* inodes that are allocated together */
};

/* Features that cannot be read over ("incompat"). */
enum {
    XFS_INCOMPAT_FTYPE = 0x1,
    XFS_INCOMPAT_SPARSE = 0x2,
    XFS_INCOMPAT_META_UUID = 0x4,
    XFS_INCOMPAT_BIGTIME = 0x8,
    XFS_INCOMPAT_REPAIR = 0x10,
    XFS_INCOMPAT_NREXT64 = 0x20,
    XFS_INCOMPAT_EXCHRANGE = 0x40,
    XFS_INCOMPAT_PARENT = 0x80,
    XFS_INCOMPAT_METADIR = 0x100,
    XFS_INCOMPAT_KNOWN = 0x1ff,
    XFS_RO_FINOBT = 0x1,
};
/* Inode flags: flags and flags2. */
enum {
    XFS_FLAG_REALTIME = 0x1,
    XFS_FLAG2_BIGTIME = 0x8,
    XFS_FLAG2_NREXT64 = 0x10,
    XFS_FLAG2_METADATA = 0x20,
};
enum xfs_format { XFS_DEV, XFS_LOCAL, XFS_EXTENTS, XFS_BTREE };

struct xfs {
    struct fs *fs;
    struct source *vol;
    bool v5, ftype, projid32, bad_super, external_log, finobt;
    const char *log_wrong; /* why its state is not known, or NULL */
    uint32_t block, sector, inode_size, ag_blocks, ag_count, dir_block;
    uint32_t incompat, inode_log, inop_log, agblk_log, log_blocks;
    uint32_t ino_align; /* blocks; chunks of inodes begin at multiples */
    uint64_t blocks, root, log_start, rt_blocks;
    uint64_t internal[6]; /* inodes of bitmaps, quotas, the metadata root */
    uint64_t budget;      /* metadata blocks that may still be read */
    /* Lines of the volume, direct-mapped by their number. */
    unsigned char *lines;
    uint64_t line_no[XFS_LINES];
    uint32_t line_n[XFS_LINES];
    /* Of the log, once asked for; NULL: none. */
    struct xfs_history *history;
    bool history_tried;
};

struct xfs_inode {
    uint64_t ino, off; /* place in the volume */
    uint16_t mode, flags;
    uint8_t version, format, aformat, forkoff;
    uint32_t uid, gid, links, generation, next_unlinked;
    uint64_t size, blocks, extents, aextents, flags2;
    struct instant m, a, c, b;
    bool has_b, unused; /* unused: no time was ever set */
    const char *bad;    /* first thing that is wrong, or NULL */
    size_t raw_n;
    unsigned char raw[XFS_INODE_MAX];
};

/* ---- fs_xfs.c ----------------------------------------------------------- */

/* Small reads, cached. False when not all can be had. */
bool xfs_read(struct xfs *x, uint64_t off, void *buf, size_t n);
/* Metadata of up to 64 KiB; false as well for what is a gap of the volume, or
 * when the budget of blocks is used up. */
bool xfs_read_meta(struct xfs *x, uint64_t off, void *buf, size_t n);
/* Is the checksum at crc_at of the structure p (at off in the volume) right?
 * True without a look for v4 and for blocks out of the log. */
bool xfs_crc_ok(const struct xfs *x, uint64_t off, const unsigned char *p,
                size_t n, size_t crc_at);
void xfs_budget_reset(struct xfs *x);
/* Blocks of an allocation group; the last may be shorter. */
uint32_t xfs_ag_len(const struct xfs *x, uint32_t ag);
/* Block of the volume of an address (group and block in it); false when there
 * is none. */
bool xfs_fsblock(const struct xfs *x, uint64_t fsb, uint64_t n, uint64_t *out);

/* ---- fs_xfs_inode.c ----------------------------------------------------- */

/* A B-tree of any kind, from its root on; no recursion. */
struct xfs_tree {
    const char *magic5, *magic4;
    bool wide;      /* keys and pointers of 64 bits */
    size_t rec;     /* bytes of a leaf's record */
    uint32_t ag;    /* group of narrow pointers */
    uint64_t owner; /* inode, or group */
    void *ctx;
    void (*leaf)(void *ctx, const unsigned char *recs, unsigned n);
    /* Keys [from, end) cannot be had. */
    void (*lost)(void *ctx, uint64_t from, uint64_t end);
    /* A block has a wrong checksum; its records are given all the same. */
    void (*doubt)(void *ctx);
};
enum { XFS_DEPTH_MAX = 9 };
/* keys and ptrs: of the n children of the root; depth: levels below it. False
 * when out of memory. */
bool xfs_tree_walk(struct xfs *x, const struct xfs_tree *t,
                   const unsigned char *keys, const unsigned char *ptrs,
                   unsigned n, unsigned depth, uint64_t end);

bool xfs_inode_place(const struct xfs *x, uint64_t ino, uint64_t *off);
/* False: no such inode, or there is none at its place. */
bool xfs_inode_load(struct xfs *x, uint64_t ino, struct xfs_inode *in);
/* Inode ino from bytes that stand, or stood, at off. */
void xfs_inode_decode(const struct xfs *x, uint64_t ino, uint64_t off,
                      const void *bytes, struct xfs_inode *in);
/* Bytes of a fork within in->raw. */
struct str xfs_fork(const struct xfs_inode *in, bool attr);

struct xfs_chunk {
    uint64_t first;       /* number of its first inode */
    uint64_t free, holes; /* bit set: is free; does not exist */
    uint64_t named;       /* bit set: told already (by the walk) */
    uint64_t open;        /* bit set: on a list of unlinked ones */
};
/* Of the whole file system, ascending. */
struct xfs_chunks {
    struct xfs_chunk *items;
    size_t n, cap;
    size_t last;          /* that was asked for: most often so is the next */
    uint64_t lost, doubt; /* groups or parts of them; checksums */
    bool no_memory;
};
void xfs_chunks_load(struct xfs *x, struct xfs_chunks *c);
void xfs_chunks_free(struct xfs_chunks *c);
struct xfs_chunk *xfs_chunk_of(struct xfs_chunks *c, uint64_t ino);

/* Header of the inodes of group ag; false when it cannot be read. */
struct xfs_agi {
    uint32_t root, level, free_root, free_level;
    uint32_t unlinked[64];
    bool bad; /* checksum */
};
bool xfs_agi_load(struct xfs *x, uint32_t ag, struct xfs_agi *agi);

/* ---- fs_xfs_history.c --------------------------------------------------- */

/* Older states of inodes in the log; NULL: none, or a log that is still to be
 * recovered. Opened once, closed with the file system. */
struct xfs_history *xfs_history(struct xfs *x);
void xfs_history_free(struct xfs_history *h);
/* What the freed inode `now` was. *whole: its extents are known. */
bool xfs_history_inode(struct xfs_history *h, const struct xfs_inode *now,
                       struct xfs_inode *old, bool *whole);

/* ---- fs_xfs_free.c ------------------------------------------------------ */

struct xfs_map;
/* How many of the first `size` bytes lie in blocks that no file uses. */
uint64_t xfs_free_bytes(struct xfs *x, const struct xfs_map *map,
                        uint64_t size);

/* Inodes in free space, of chunks that were freed whole (version 5 only). */
struct xfs_search {
    uint64_t budget;      /* places that may still be looked at */
    bool cut;             /* there were more */
    struct xfs_inode *in; /* the one found, filled before found() */
    void *ctx;
    bool (*found)(void *ctx); /* false ends it */
};
bool xfs_search_free(struct xfs *x, struct xfs_search *s); /* false: memory */

/* ---- fs_xfs_map.c ------------------------------------------------------- */

/* The blocks of one fork, ascending, a run an extent; holes are left out. */
struct xfs_map {
    struct fs_run *runs;
    size_t n, cap;
    const char *wrong; /* first thing that was wrong, or NULL */
    unsigned n_wrong;
    bool doubt; /* a block of its tree has a wrong checksum */
    bool no_memory, is_local;
    struct buf local; /* bytes instead of blocks: short form, link target */
};
void xfs_map_load(struct xfs *x, const struct xfs_inode *in, bool attr,
                  struct xfs_map *map);
void xfs_map_free(struct xfs_map *map);
/* Metadata of a fork at block `logical`; *off: where its first block lies.
 * False when a part is a hole or cannot be read. */
bool xfs_map_read(struct xfs *x, const struct xfs_map *map, uint64_t logical,
                  void *buf, size_t n, uint64_t *off);
bool xfs_map_touches_gap(const struct xfs *x, const struct xfs_map *map);
/* Bytes in blocks of its own, at most size. */
uint64_t xfs_map_bytes(const struct xfs *x, const struct xfs_map *map,
                       uint64_t size);
/* Target of a symbolic link, by its data fork's map. */
bool xfs_link(struct xfs *x, const struct xfs_inode *in, struct xfs_map *map,
              struct buf *out);
struct source *xfs_open_inode(struct fs *fs, uint64_t ino, struct err *err);

/* ---- fs_xfs_dir.c ------------------------------------------------------- */

struct xfs_entry {
    uint64_t inode;
    struct str name;
    uint8_t type;  /* enum fs_file_type */
    bool freed;    /* in unused space: a remnant */
    bool low_only; /* the upper 32 bits of the number are lost */
};
struct xfs_dir {
    struct xfs *x;
    struct xfs_map map;
    struct buf block;
    bool want_freed;
    const char *wrong; /* names may be missing: why, or NULL */
    bool doubt;        /* wrong checksums */
    uint64_t parent;   /* by its own "..", 0 = not known */
    void *ctx;
    bool (*entry)(void *ctx, const struct xfs_entry *e); /* false ends it */
};
void xfs_dir_read(struct xfs_dir *d, const struct xfs_inode *in);
void xfs_dir_free(struct xfs_dir *d);

/* ---- fs_xfs_attr.c ------------------------------------------------------ */

struct xfs_attrs {
    struct fs_xattr items[FS_XATTRS_MAX];
    size_t n;
    struct xfs_map map;
    struct buf bytes, block;
    const char *wrong; /* some are missing: why, or NULL */
    bool doubt;        /* wrong checksums */
};
/* The extended attributes of an inode, sorted; borrow from a until the next
 * call. */
void xfs_attrs_load(struct xfs *x, const struct xfs_inode *in,
                    struct xfs_attrs *a);
void xfs_attrs_free(struct xfs_attrs *a);

/* ---- fs_xfs_walk.c ------------------------------------------------------ */

int xfs_walk(struct fs *fs, const struct fs_visitor *v, struct err *err);
int xfs_find(struct fs *fs, struct str path, uint64_t *inode, struct err *err);
