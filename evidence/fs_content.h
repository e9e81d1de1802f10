/* Where the content of a file lies, and that content as a source: the part
 * that the readers of file systems share. */
#pragma once

#include "evidence/source.h"

enum fs_run_kind {
    FS_RUN_DATA,
    FS_RUN_ZERO, /* allocated, never written */
    FS_RUN_BAD,  /* the map is damaged here: unreadable */
};
/* Blocks that follow one another. */
struct fs_run {
    uint64_t logical, physical, n; /* blocks; physical within the volume */
    enum fs_run_kind kind;
};

/* The runs of a file, ascending, holes left out; or its bytes themselves. */
struct fs_content {
    uint32_t block; /* bytes */
    struct fs_run *runs;
    size_t n;
    bool is_inline;
    struct buf inlined;
};

/* The first run that ends after block `logical`; n when there is none. */
size_t fs_run_after(const struct fs_run *runs, size_t n, uint64_t logical);
/* Does data lie where vol is known to be unreadable, or past its end? */
bool fs_runs_touch_gap(const struct source *vol, uint32_t block,
                       const struct fs_run *runs, size_t n);
/* Layer "ino/N". Runs and inlined bytes are the source's from here on, also
 * when this fails. */
struct source *fs_content_open(struct source *vol, struct fs_content *c,
                               uint64_t inode, uint64_t size, struct err *err);
/* The runs of such a source; NULL for any other. Borrowed. */
const struct fs_content *fs_content_of(const struct source *s);
