/*
 * File systems: what a volume holds, its names with their metadata, and the
 * content of one file as a source. One file per reader (fs_ext.c, fs_tsk.c,
 * ..) behind struct fs_ops and one line in fs.c.
 *
 * Nothing here follows a link or trusts a size: damage becomes an issue and a
 * gap, and the walk goes on.
 */
#pragma once

#include "base/time.h"
#include "evidence/source.h"

enum fs_type {
    FS_UNKNOWN,
    FS_EMPTY, /* zeros as far as looked at */
    FS_EXT,
    FS_FAT,
    FS_EXFAT,
    FS_NTFS,
    FS_ISO9660,
    FS_XFS,
    FS_BTRFS,
    FS_LVM,
    FS_LUKS,
    FS_BITLOCKER,
    FS_SWAP,
    FS_RAID,
    FS_SQUASHFS,
    FS_ZFS,
    FS_APFS,
    FS_HFS,
    FS_REFS,
    FS_F2FS,
    FS_TYPES
};
/* "ext2/3/4", "LUKS encrypted volume" */
const char *fs_type_name(enum fs_type type);
/* By magic numbers and the checks that belong to them. */
enum fs_type fs_recognise(struct source *vol);
/* The same from the first bytes alone (64 KiB see all but btrfs and RAID). */
enum fs_type fs_recognise_head(struct str head);
/* Can fs_open read it? */
bool fs_type_readable(enum fs_type type);

struct fs_info {
    enum fs_type type;
    char name[16];  /* "ext4", "FAT32" */
    char uuid[40];  /* text form, or serial number; empty = none */
    char label[64]; /* bytes of evidence */
    size_t label_n;
    char mounted[64]; /* last mounted on (ext); bytes of evidence */
    size_t mounted_n;
    uint64_t size;   /* bytes as the file system states */
    uint32_t block;  /* bytes */
    bool dirty;      /* journal or log was not played back */
    bool local_time; /* times are local time of the writer */
    bool has_made;
    struct instant made; /* mkfs time */
};

/* Same values as importers/record.h: enum file_type and file_flag. */
enum fs_file_type {
    FS_FILE_REGULAR = 1,
    FS_FILE_DIR,
    FS_FILE_CHAR,
    FS_FILE_BLOCK,
    FS_FILE_FIFO,
    FS_FILE_SOCKET,
    FS_FILE_LINK,
    FS_FILE_OTHER,
};
enum fs_file_flag {
    FS_FILE_DELETED = 1,
    FS_FILE_REALLOCATED = 2,
    FS_FILE_UNRELIABLE = 4,
    FS_FILE_PARTIAL = 8,
    FS_FILE_NO_M = 16,
    FS_FILE_NO_A = 32,
    FS_FILE_NO_C = 64,
    FS_FILE_NO_B = 128,
    FS_FILE_NO_D = 256,
    FS_FILE_NO_TIMES = 16 | 32 | 64 | 128 | 256,
};

/* How a name or inode came to light. */
enum fs_found {
    FS_FOUND_LIVE,    /* reached from the root */
    FS_FOUND_OPEN,    /* unlinked and still open: on the orphan list */
    FS_FOUND_INODE,   /* freed inode */
    FS_FOUND_NAME,    /* remnant in a directory */
    FS_FOUND_JOURNAL, /* older copy in the journal or log */
};
/* How sure it is that the content belongs to the name and times. */
enum fs_confidence {
    FS_SURE,     /* the file system itself says so */
    FS_PROBABLE, /* several fields agree, none contradicts */
    FS_POSSIBLE, /* one trace only */
};

/* An extended attribute, its name with the name space in front of it
 * ("security.selinux", "system.posix_acl_access"), its value as stored. */
struct fs_xattr {
    struct str name, value;
};
enum { FS_XATTRS_MAX = 1024, FS_XATTR_MAX = 64 << 10 };

/* One name; all borrowed for the call. */
struct fs_file {
    struct str path; /* absolute within the volume, bytes */
    uint64_t inode, parent;
    uint8_t type;
    uint32_t mode, uid, gid, links;
    uint64_t size;
    uint32_t flags;
    struct instant m, a, c, b, d;
    uint8_t t_res; /* fraction digits */
    struct str link;
    uint64_t off; /* of the inode in the volume, 0 = unknown */
    uint32_t len;
    const struct fs_xattr *xattrs; /* ascending by name */
    size_t n_xattrs;
    uint32_t device;    /* major << 20 | minor, of character and block */
    uint8_t found;      /* enum fs_found */
    uint8_t confidence; /* enum fs_confidence */
    /* Deleted, with content: how many of its bytes lie in blocks that no
     * other file uses now. */
    uint64_t free_bytes;
};

struct fs_visitor {
    void *ctx;
    /* Nonzero ends the walk. */
    int (*file)(void *ctx, const struct fs_file *f);
    /* severity 0 note, 1 warning, 2 error; text is our own words. inode 0:
     * the file system as a whole. */
    int (*issue)(void *ctx, int severity, const char *code, uint64_t inode,
                 const char *text);
    void (*progress)(void *ctx, uint64_t files); /* may be NULL */
};

struct fs;
struct fs_ops {
    void (*close)(struct fs *fs);
    int (*walk)(struct fs *fs, const struct fs_visitor *v, struct err *err);
    struct source *(*open_inode)(struct fs *fs, uint64_t inode,
                                 struct err *err);
    /* Inode of a path's file; nonzero when there is none. */
    int (*find)(struct fs *fs, struct str path, uint64_t *inode,
                struct err *err);
};
struct fs {
    const struct fs_ops *ops;
    struct source *vol; /* borrowed */
    struct fs_info info;
    void *state;
};

/* The process must have TZ=UTC0 and tzset done (sandbox_warm_up): libtsk reads
 * FAT times as local ones, and must not open a time zone file when sealed. */
/* vol is borrowed until fs_close. */
struct fs *fs_open(struct source *vol, struct err *err);
void fs_close(struct fs *fs);
/* Every name once, in an order that depends on the bytes only. */
int fs_walk(struct fs *fs, const struct fs_visitor *v, struct err *err) CHECKED;
/* Content of a file, as a source over the volume: closed by the caller before
 * the fs. Directories and links give their bytes. */
struct source *fs_open_inode(struct fs *fs, uint64_t inode, struct err *err);
struct source *fs_open_path(struct fs *fs, struct str path, struct err *err);

/* ---- for the readers ---------------------------------------------------- */

struct fs *fs_ext_open(struct source *vol, struct err *err);
struct fs *fs_xfs_open(struct source *vol, struct err *err);
struct fs *fs_tsk_open(struct source *vol, enum fs_type type, struct err *err);

enum { FS_PATH_MAX = 32 << 10, FS_NAMES_MAX = 1 << 27 };

/* Names of one directory, by hashes of 64 bits. */
struct fs_names {
    uint64_t *items;
    size_t n, cap;
    uint64_t *slots; /* open hash of the items, 0 = free; made when asked */
    unsigned slot_bits;
    bool made;
    uint64_t key; /* odd, drawn: crafted names do not meet in one slot */
};
void fs_names_clear(struct fs_names *s);
/* Out of memory it is left out. */
void fs_names_add(struct fs_names *s, uint64_t hash);
bool fs_names_has(struct fs_names *s, uint64_t hash);
void fs_names_free(struct fs_names *s);

/* Directories still to be read. Depth is bounded by the number of directories
 * (each is entered once) and by the length of the path. */
struct fs_todo {
    struct fs_pending {
        uint64_t inode;
        char *path; /* without a slash at the end; "" is the root */
        size_t n;
    } * items;
    size_t n, cap;
    uint64_t *seen; /* open hash of the inodes entered, 0 = free */
    size_t seen_n, seen_cap;
};
/* False when out of memory. *fresh: not entered before. The path is name
 * appended to parent. */
bool fs_todo_push(struct fs_todo *t, uint64_t inode, struct str parent,
                  struct str name, bool *fresh);
/* Only remembers the number. */
bool fs_todo_seen(struct fs_todo *t, uint64_t number, bool *fresh);
bool fs_todo_pop(struct fs_todo *t, struct fs_pending *out); /* free(path) */
void fs_todo_free(struct fs_todo *t);
