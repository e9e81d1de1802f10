/*
 * Bytes of evidence, by a sealed reader: for showing, searching, and for the
 * floors below, which never open evidence themselves.
 */
#pragma once

#include "analyzer/raw.h"
#include "cli/exhibit_files.h"
#include "cli/progress.h"
#include "evidence/reader.h"

struct raw {
    struct exhibit_files files;
    struct reader *reader;
    struct progress *progress; /* of searches; may be NULL */
};

int raw_begin(struct raw *r, struct casedb *c, struct err *err) CHECKED;
void raw_close(struct raw *r);
/* Up to READER_READ_MAX bytes of a member's innermost layer, in the arena. */
int raw_read(struct raw *r, const struct member *m, uint64_t off, uint64_t len,
             struct arena *a, struct reader_got *got, struct err *err) CHECKED;

/* Whose bytes a hit is in. */
enum raw_where {
    RAW_FILE, /* of a disk */
    RAW_SLACK,
    RAW_DELETED,
    RAW_NO_FILE, /* free space, or the file system's own */
    RAW_OUTSIDE, /* of all volumes, or not known */
    RAW_MEMORY,
    RAW_LOG, /* any other file */
    RAW_WHERES
};
struct raw_hit {
    /* Where it is, as it is to be cited: its layers may be others than those
     * that were gone through. Borrowed until `done` of the member. */
    struct member place;
    const struct member *records; /* whose records may hold it, or NULL */
    uint64_t off, len;
    unsigned needle;
    enum raw_where where;
};

struct raw_search {
    struct reader_needles needles;
    int64_t exhibit; /* 0 = all */
    /* Nonzero from a callback stops the search and is returned. `hit` must
     * not use the reader; `done` may: all hits of one member have come. */
    int (*hit)(void *ctx, const struct raw_hit *h);
    int (*done)(void *ctx, struct err *err);
    void *ctx;
    bool quiet;       /* files that cannot be searched are only counted */
    uint64_t members; /* out: gone through */
    uint64_t unread;  /* out: not, or not to their end */
};
/* Everything once: a disk as a medium, so that slack and free space are in it,
 * each hit given back to the file it lies in; files inside it on their own only
 * where they are compressed. */
int raw_search(struct raw *r, struct raw_search *s, struct err *err) CHECKED;

/* For the analyzer. */
void raw_for_analyzer(struct raw *r, struct raw_reader *out);

/* 16 bytes a line with their offsets. */
void raw_hex(struct cli *cli, struct str bytes, uint64_t off);
/* "12 bytes could not be read (shown as zeros)", per gap. */
void raw_gaps(struct cli *cli, const struct reader_got *got);
