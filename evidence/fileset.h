/*
 * Many files as one thing: too many to be open at once, so they are opened
 * when they are needed. As a source a set has no bytes of its own; layers
 * that know what the files are together (an EBS block set) read them.
 */
#pragma once

#include "evidence/source.h"

struct fileset {
    const struct str *names; /* bytewise ascending, relative to the set */
    size_t n;
    /* File i as a source that the caller closes; NULL: err says why. */
    struct source *(*open)(void *ctx, size_t i, struct err *err);
    void (*close)(void *ctx); /* may be NULL */
    void *ctx;
};

/* set->ctx is closed with the source, also when this fails. */
struct source *fileset_make(const struct fileset *set, struct err *err);
/* NULL for any other source. Borrowed. */
const struct fileset *fileset_of(const struct source *s);

/* The set of a worker's request: fd holds the names, each ended by NUL; the
 * files come from the parent one by one (worker_want). */
struct source *fileset_open_worker(int fd, struct err *err);
