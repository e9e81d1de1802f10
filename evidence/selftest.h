/*
 * Proof of the fences: real workers, started the way imports start them, try
 * what a worker that evidence has taken over would try.
 */
#pragma once

#include "evidence/worker.h"

struct selftest_row {
    const char *name;     /* "open a file for reading" */
    const char *expected; /* "killed: forbidden system call" */
    char got[96];
    bool ok;
};
enum { SELFTEST_MAX = 48 };
struct selftest {
    struct selftest_row rows[SELFTEST_MAX];
    size_t n, failed;
    struct fences worker; /* what the workers obtained */
    char level[240];      /* "full: ..", "reduced: ..", "none: .." */
};

/* About two seconds. Fails only when workers cannot be started at all. */
int selftest_run(struct selftest *t, struct err *err) CHECKED;

/* For worker_main. */
extern const struct worker_handler selftest_handler;
