/*
 * Whose the bytes of a medium are: which file's content, the slack behind its
 * end, or no file's. Made by walking the file systems once (all readers that
 * know where content lies; of others it is said that it is not known).
 */
#pragma once

#include "evidence/source.h"

enum owner_kind {
    OWNER_NONE,    /* in a volume, no file's: free, or the file system's own */
    OWNER_FILE,    /* off is in the file */
    OWNER_SLACK,   /* in the last block of the file, behind its end */
    OWNER_DELETED, /* a deleted file's, as far as nothing else uses it */
    OWNER_OUTSIDE, /* of all volumes that were looked at */
    OWNER_UNKNOWN, /* in a volume whose reader does not tell places */
    OWNER_KINDS
};

struct owner {
    enum owner_kind kind;
    struct str volume; /* "p1"; empty: the whole medium */
    struct str path;   /* of FILE, SLACK; empty: only its number leads to it */
    uint64_t inode, off;
};

struct owners;

/* volumes: layers over the medium, without the first "!" ("p1", "lv/vg/root",
 * ""). All is borrowed until owners_close. */
struct owners *owners_open(struct source *medium, const struct str *volumes,
                           size_t n, struct err *err);
void owners_close(struct owners *o); /* NULL is fine */
/* Of the byte at off. */
void owners_find(const struct owners *o, uint64_t off, struct owner *out);

/* Files whose content goes on in another place of the medium: what lies on
 * both sides of a seam is not next to each other there. For each such seam,
 * the file's bytes from up to `reach` before it, but of the piece before it
 * only, to `reach` behind it. Nonzero from fn stops and is returned. */
struct owner_seam {
    struct owner owner; /* of the first byte */
    struct str bytes;
    size_t at;           /* of the seam in them */
    uint64_t medium_off; /* of the first byte */
};
int owners_seams(struct owners *o, size_t reach,
                 int (*fn)(void *ctx, const struct owner_seam *s), void *ctx,
                 struct err *err) CHECKED;
