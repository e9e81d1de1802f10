/*
 * The parts of a BagIt 1.0 folder (RFC 8493) that making and checking share:
 * the tree of files, digests, manifest lines. Names are [A-Za-z0-9._/-] only,
 * so that no encoding question comes up and `cut` and `sort` can be used.
 */
#pragma once

#include "base/err.h"

enum { BAG_SHA256, BAG_SHA512, BAG_ALGOS };
extern const char *const bag_algo_names[BAG_ALGOS]; /* "sha256", .. */

struct bag_digest {
    char hex[BAG_ALGOS][129];
    uint64_t size;
};
/* Both digests of an open file in one read. */
int bag_digest(int fd, struct bag_digest *out, struct err *err) CHECKED;

struct bag_file {
    struct str path; /* relative to the bag; in the arena */
    bool regular;    /* else a link, a device, .. */
    bool empty_dir;
};
struct bag_files {
    struct bag_file *v; /* sorted bytewise */
    size_t n, cap;
};
/* All that is below the folder and no folder itself; empty folders too. No
 * link is followed. */
int bag_walk(int dir, struct arena *a, struct bag_files *out,
             struct err *err) CHECKED;
void bag_files_free(struct bag_files *f);
/* Opens a regular file below dir by a path of bag_walk or a manifest; -1. */
int bag_open(int dir, struct str path);
/* The whole of a small file; ERR_VERIFY when it cannot be read. */
enum { BAG_TEXT_MAX = 256 << 20 };
int bag_read(int dir, const char *name, struct buf *out,
             struct err *err) CHECKED;
/* The same of an open file, which is closed. */
int bag_read_fd(int fd, const char *name, struct buf *out,
                struct err *err) CHECKED;

struct bag_line {
    struct str hex, path;
};
/* The next line of a manifest; false at the end. hex.n = 0: the line is not
 * "HEX  NAME" exactly. */
bool bag_line_next(struct str *rest, size_t hex_n, struct bag_line *out);
bool bag_name_good(struct str path);
/* Removes the tree (ours, unfinished). */
void bag_remove(int parent, const char *name);
