/* The files of an exhibit, in canonical order (private to the pipeline). */
#pragma once

#include "base/err.h"

struct found_file {
    struct str path;      /* relative, bytes; the base name for a single file */
    uint64_t size;        /* all segments */
    uint32_t n_segments;  /* 1; more for images in several files */
    uint32_t first;       /* index of its name */
    const uint32_t *list; /* of several: the index of each name; else NULL */
    bool set; /* too many to be open at once; path ends in a slash */
};
/* Index of the name of segment k. */
static inline uint32_t found_name(const struct found_file *f, uint32_t k)
{
    return f->list ? f->list[k] : f->first + k;
}

struct found_issue {
    struct str path, code, detail;
};

struct found {
    struct arena arena;
    bool single; /* the exhibit is one file (or one image's segments) */
    struct found_file *files;
    size_t n_files, cap_files;
    struct str *names; /* segment paths, relative to root */
    size_t n_names, cap_names;
    struct found_issue *issues;
    size_t n_issues, cap_issues;
    int root_fd; /* directory that the paths are relative to */
    uint64_t bytes;
};

/* Regular files beneath path, never through a symbolic link; what is not a
 * regular file is an issue. */
int discover(struct str path, struct found *out, struct err *err) CHECKED;
void discover_close(struct found *f);
/* Opens a segment read-only: O_NOFOLLOW, regular files only. */
int discover_open(const struct found *f, size_t name, struct err *err);
