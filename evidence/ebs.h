/*
 * The blocks of an EBS snapshot as fetched with the EBS direct APIs: one file
 * per block, with the answers of ListSnapshotBlocks, ListChangedBlocks and
 * GetSnapshotBlock beside them. docs/formats/ebs.md says which names and
 * files are understood.
 *
 * Blocks that a complete listing lacks are zeros. Blocks that are listed and
 * not there, or cannot be told from zeros, are absent; blocks that differ
 * from their checksum are unreadable. Tokens of the listings are not kept.
 */
#pragma once

#include "evidence/source.h"

enum { EBS_BLOCK = 512 << 10 };

/* What a file's name says. */
struct ebs_name {
    bool block;   /* a block; else its answer, or a listing: .json */
    bool indexed; /* `index` is there */
    uint64_t index;
    struct str snapshot; /* "snap-0cc.."; the last one named; or empty */
    bool has_sha256;
    unsigned char sha256[32];
    uint64_t gib; /* of the volume; 0 = not said */
    uint32_t block_size;
    bool bare; /* digits alone: any file could be called so */
};
/* False: neither the name of a block nor of a JSON file. */
bool ebs_name_parse(struct str path, struct ebs_name *out);

/* What is odd about a set, in the order of being found; after the whole
 * medium was read all of it is there. */
struct ebs_issue {
    const char *code; /* "ebs-missing", "digest-differs" */
    bool error;
    uint64_t off, len; /* on the medium; 0, 0 = the set */
    char text[240];    /* shown text */
};
struct ebs_info {
    char snapshot[64];
    uint32_t block_size;
    uint64_t listed, files, missing, altered, extra, unchecked;
    size_t layers, pages;
    bool complete; /* a listing, and all of its pages as far as is known */
    struct ebs_issue *issues;
    size_t n_issues;
    uint64_t more_issues; /* beyond those kept */
};

/* s: a fileset, or an archive whose members are the files. */
struct source *ebs_open(struct source *s, struct err *err);
const struct ebs_info *ebs_info(const struct source *s); /* NULL: another */
/* Could these names be a block set? For archives. */
bool ebs_names_fit(const struct str *names, size_t n);
