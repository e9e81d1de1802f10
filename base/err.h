/*
 * Errors: a function that can fail returns 0 or one of the negative codes
 * below and fills the caller's struct err once, where the failure was found.
 * Upper layers add context by err_wrap, they never replace it. Damaged
 * evidence is data (an issue in the sink), not an error.
 */
#pragma once

#include "base/str.h"

enum err_code {
    ERR_NONE = 0,
    ERR_USAGE = -1,    /* exit 1: the caller asked for something impossible */
    ERR_VERIFY = -3,   /* exit 3: a verification failed */
    ERR_CASE = -4,     /* exit 4: the case file is refused or locked */
    ERR_WRITE = -5,    /* exit 5: could not write (disk full, I/O) */
    ERR_EVIDENCE = -6, /* exit 6: evidence could not be read */
    ERR_INTERNAL = -7, /* exit 7: out of memory, a broken promise of ours */
    ERR_STOPPED = -8,  /* exit 130/143: interrupted, state kept */
};

struct err {
    int code;
    char what[256];  /* what went wrong, to what, why; our own words */
    char hint[192];  /* what to do, or empty */
    uint64_t offset; /* place in the evidence when has_offset */
    bool has_offset;
};

#define CHECKED __attribute__((warn_unused_result))

/* Fill err (may be NULL) and return code. Text from evidence must pass
 * text_line() of base/text.h before it becomes an argument. */
int err_set(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Prepend "context: " to an error that is already set; returns its code. */
int err_wrap(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void err_hint(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* err_set with errno's text appended. */
int err_errno(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
