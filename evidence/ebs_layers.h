/* The snapshots of a block set, private to evidence/ebs*.c: which blocks
 * there are of each, what the listings say, what the checksums are. */
#pragma once

#include "evidence/ebs.h"
#include "evidence/fileset.h"

enum {
    EBS_NO_FILE = 0xffffffff,
    EBS_BLOCKS_MAX = 1 << 24, /* 8 TiB */
    EBS_JSON_MAX = 256 << 20,
    EBS_LAYERS_MAX = 64,
};

enum ebs_entry_kind {
    EBS_LISTED, /* ListSnapshotBlocks; or changed, with a token of the second */
    EBS_REMOVED, /* ListChangedBlocks: of the first snapshot only */
};

struct ebs_entry {
    uint32_t index;
    uint32_t kind;
};
struct ebs_file {
    uint32_t index, file;
};
struct ebs_sum {
    uint32_t index;
    uint32_t length; /* DataLength, 0 = not said */
    unsigned char sha256[32];
};

/* A vector; the element's size is the caller's. */
struct ebs_vec {
    void *p;
    size_t n, cap;
};
void *ebs_push(struct ebs_vec *v, size_t size); /* NULL: no memory */

/* The blocks of one snapshot. */
struct ebs_layer {
    struct str key; /* snapshot's id or folder, of the set's names */
    struct ebs_vec entries, files, sums;
    uint64_t gib;
    uint32_t block_size;
    size_t pages, open_pages; /* of them, with a NextToken */
    bool listing, changes;    /* any; it is of changed blocks */
};

/* One more issue; kept up to a limit. */
void ebs_issue(struct ebs_info *in, bool error, const char *code, uint64_t off,
               uint64_t len, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

struct ebs_layers {
    struct ebs_layer layers[EBS_LAYERS_MAX];
    size_t n;
};
/* Sorts all files of the set into layers, reads the listings. Layers come out
 * in the order in which they lie over each other, sorted inside. */
int ebs_layers_load(struct ebs_layers *ls, const struct fileset *set,
                    struct ebs_info *info, struct err *err) CHECKED;
void ebs_layers_free(struct ebs_layers *ls);

/* ebs_listing.c: all JSON values of `text` into l. name: of the file, for its
 * index. False: no JSON, or nothing that is known. */
bool ebs_listing_parse(struct str text, const struct ebs_name *name,
                       struct ebs_layer *l);
