/*
 * The reader: bytes of evidence for showing, verifying, hashing and searching,
 * fetched by a sealed worker, so that nothing in this process inflates or
 * walks evidence. The worker is started when first needed and again after it
 * died; the call that killed it fails, the next one works.
 *
 * `fds` are the exhibit's files in order (one, or the segments of a split or
 * segmented image), opened read-only; `layers` as in citations ("!gz").
 */
#pragma once

#include "evidence/owners.h"
#include "evidence/source.h"
#include "evidence/worker.h"

struct reader;

struct reader_options {
    bool unsandboxed_ok;
    unsigned silent_s; /* 0 = default */
};
struct reader *reader_open(const struct reader_options *o, struct err *err);
void reader_close(struct reader *r); /* NULL is fine */

/* A place may be in a set of files that are too many to be open: its one
 * descriptor is then that of their names (fileset.h), which *names is, and
 * the files are opened by number. Copied; ctx is borrowed. */
struct reader_supply {
    const int *names; /* -1: no set is open */
    int (*open)(void *ctx, uint64_t file);
    void *ctx;
};
void reader_supply(struct reader *r, const struct reader_supply *s);

struct reader_place {
    const int *fds; /* borrowed for the call */
    size_t n_fds;
    struct str layers;
    uint64_t off, len; /* in the innermost layer; len UINT64_MAX = to its end */
};

/* What a read met on its way. */
struct reader_got {
    struct str bytes; /* shorter than asked only at the end of the source */
    uint64_t size;    /* of the innermost layer */
    struct gap *gaps; /* in the range, ascending; zeros in `bytes` */
    size_t n_gaps;
    bool more_gaps; /* than READER_GAPS */
};
enum { READER_GAPS = 200, READER_READ_MAX = 64 << 20 };

/* Up to READER_READ_MAX bytes, into the arena. */
int reader_read(struct reader *r, const struct reader_place *p,
                struct arena *arena, struct reader_got *got,
                struct err *err) CHECKED;
/* SHA-256 of the range; gaps count as zeros and are listed. The arena (for
 * the list of gaps) may be NULL: then only more_gaps says there are some. */
int reader_hash(struct reader *r, const struct reader_place *p,
                struct arena *arena, unsigned char sha256[32],
                struct reader_got *got, struct err *err) CHECKED;
/* Streams the range in pieces of at most 1 MiB. Nonzero from `take` stops
 * and is returned. */
int reader_stream(struct reader *r, const struct reader_place *p,
                  int (*take)(void *ctx, uint64_t off, struct str bytes),
                  void *ctx, struct arena *arena, struct reader_got *got,
                  struct err *err) CHECKED;

enum reader_scan_flag {
    SCAN_FOLD = 1,  /* ASCII letters of needles match in either case; a
                       pattern is caseless */
    SCAN_REGEX = 2, /* the one needle is a PCRE2 pattern over bytes */
    SCAN_LINES = 4, /* one hit a line is enough */
};
enum {
    SCAN_NEEDLES_MAX = 4096,
    SCAN_NEEDLE_BYTES = 48 << 10, /* of all together, as fits a request */
};
struct reader_needles {
    /* Literal bytes, none empty; of more than 16 none shorter than three. */
    const struct str *needles;
    size_t n;
    unsigned flags;
    uint64_t max_hits; /* 0 = no limit */
};
struct reader_hit {
    uint64_t off, len;
    unsigned needle;
};
/* Hits in ascending order of offset; literal hits may overlap. A match of a
 * pattern that is longer than SCAN_SPAN may be cut, it is never longer than
 * SCAN_LONGEST. Nonzero from `hit` stops and is
 * returned. *scanned: bytes gone through, also when it fails. */
enum { SCAN_SPAN = 64 << 10, SCAN_LONGEST = (1 << 20) + SCAN_SPAN + 256 };
int reader_scan(struct reader *r, const struct reader_place *p,
                const struct reader_needles *needles,
                int (*hit)(void *ctx, const struct reader_hit *h), void *ctx,
                uint64_t *scanned, struct err *err) CHECKED;

/* The same over the medium of a disk, with whose bytes they are; also texts
 * that lie on both sides of a seam of a fragmented file (`seam`: they begin at
 * off on the medium and go on elsewhere). volumes as in owners.h. All hits
 * are told, up to READER_KEYWORD_HITS with their owners. */
enum { READER_KEYWORD_HITS = 1 << 20 };
struct reader_owned_hit {
    struct reader_hit hit;
    struct owner owner; /* borrowed for the call */
    bool seam;
};
int reader_keywords(struct reader *r, const struct reader_place *p,
                    const struct reader_needles *needles,
                    const struct str *volumes, size_t n_volumes,
                    int (*hit)(void *ctx, const struct reader_owned_hit *h),
                    void *ctx, uint64_t *scanned, struct err *err) CHECKED;

/* For worker_main. */
extern const struct worker_handler reader_handler;
