/*
 * Files of disk images as the case knows them: rows of table file with their
 * extended attributes and what hash lists say of them. Nothing here opens
 * evidence.
 */
#pragma once

#include "casedb/casedb.h"

/* What hash lists say of a file's content; the derived table known. */
enum known_class { KNOWN_UNKNOWN, KNOWN_GOOD, KNOWN_NOTABLE, KNOWN_CLASSES };

/* Values and flags as in importers/record.h; texts are borrowed for the call,
 * empty where there is none. */
struct file_row {
    int64_t id, member, first_event;
    struct str volume, path, link_target, sha256, sha1, md5, content_type;
    uint64_t inode, parent_inode, size, free_bytes;
    uint8_t type, t_res, view, found, confidence;
    uint8_t known; /* enum known_class */
    uint32_t mode, uid, gid, links, flags;
    uint32_t device; /* major << 20 | minor */
    struct instant m, a, c, b, d;
};

enum file_scope {
    FILES_BELOW, /* path itself and all below; "/" or "": all */
    FILES_IN,    /* direct children of the folder path */
    FILES_AT,    /* rows with exactly this path */
};
struct file_query {
    int64_t exhibit;   /* 0 = all */
    struct str volume; /* empty = all */
    struct str path;
    enum file_scope scope;
    unsigned views; /* bits 1 << view; 0 = all */
    uint32_t flags; /* with any of these; 0 = all */
};
/* In the order of the evidence. Nonzero from fn stops and is returned. */
int case_files(struct casedb *c, const struct file_query *q,
               int (*fn)(void *ctx, const struct file_row *f), void *ctx,
               struct err *err) CHECKED;
/* The member whose layers lead to the content of a file, in the arena. */
struct member;
int case_file_content(struct casedb *c, const struct file_row *f,
                      struct arena *a, struct member *out,
                      struct err *err) CHECKED;
/* The extended attributes of one file, in the order of the evidence. */
int case_xattrs(struct casedb *c, int64_t file,
                int (*fn)(void *ctx, struct str name, struct str value),
                void *ctx, struct err *err) CHECKED;
/* Volumes that have files: exhibit, name, number of rows, views that occur. */
struct file_volume {
    int64_t exhibit;
    struct str name; /* borrowed for the call */
    uint64_t n, deleted;
    unsigned views; /* bits 1 << view */
};
int case_file_volumes(struct casedb *c, int64_t exhibit,
                      int (*fn)(void *ctx, const struct file_volume *v),
                      void *ctx, struct err *err) CHECKED;
/* Folders that are named by their files alone and have no row of their own
 * ("/$OrphanFiles"). */
int case_file_folders(struct casedb *c, int64_t exhibit, struct str volume,
                      int (*fn)(void *ctx, struct str path), void *ctx,
                      struct err *err) CHECKED;
