/*
 * All entries of a journal file, in the order of their places: those that its
 * chain of entry arrays leads to, and those that are found by going from object
 * to object. What is in the way and is no object is told, and the next one
 * looked for.
 */
#pragma once

#include "importers/journald_file.h"

enum journald_found_kind {
    FOUND_ENTRY,    /* object and entry are filled */
    FOUND_DAMAGE,   /* len bytes at off are no objects */
    FOUND_DANGLING, /* no entry at off, where one should be */
    FOUND_ARRAY,    /* the chain of arrays breaks: broken_to */
    FOUND_END,
};
struct journald_found {
    enum journald_found_kind kind;
    uint64_t off, len;
    bool reached; /* the arrays lead to it */
    bool walked;  /* so do the sizes of the objects before it */
    struct journald_entry entry;
};

struct journald_scan {
    struct journald_file *f;
    uint64_t *reached; /* a bit per 8 bytes of the file; NULL: too large */
    uint64_t words;
    uint64_t at;        /* next place */
    uint64_t walked_to; /* farthest end of an object so far */
    uint64_t broken;    /* place of a pointer of the chain, 0: none */
    uint64_t broken_to; /* what it says, where no array is */
    bool lost;          /* nothing says that an object begins here */
    /* facts */
    uint64_t by_arrays; /* different places that the arrays name */
    uint64_t outside;   /* of them not within the file, not counted there */
    uint64_t objects[JOURNALD_TYPES];
    uint64_t free_from; /* where zeros reach to the end of the file; its size
                           when there are none */
};

enum { JOURNALD_SCAN_MAX_GIB = 16 }; /* larger: arrays are not compared */

int journald_scan_open(struct journald_scan *s, struct journald_file *f,
                       struct err *err) CHECKED;
void journald_scan_close(struct journald_scan *s);
/* Nonzero: f->err. */
int journald_scan_next(struct journald_scan *s,
                       struct journald_found *out) CHECKED;
