/*
 * The sandbox: what a process does to itself before it touches evidence.
 * Several fences, each useful when the others are missing: limits, no new
 * privileges, Landlock (files), seccomp (system calls, kill on the first
 * forbidden one). A fence that the kernel lacks is reported, not fatal here;
 * the policy what is enough is the caller's.
 */
#pragma once

#include "base/err.h"

enum fence {
    FENCE_DEATH = 1,     /* dies with its parent */
    FENCE_FDS = 2,       /* holds no descriptor but its own few */
    FENCE_LIMITS = 4,    /* memory, CPU, no core, no file growth, no process */
    FENCE_NO_PRIVS = 8,  /* no new privileges */
    FENCE_LANDLOCK = 16, /* files: none, or reading the exhibit's own */
    FENCE_SECCOMP = 32,  /* system calls: an allow list */
    FENCE_OPENING = 64,  /* step 1 of 2: the exhibit's files may be opened */
    FENCE_NETWORK = 128, /* main process: no socket */
    FENCE_WRITING = 256, /* main process: writes only where it must */
    FENCE_ALL = FENCE_DEATH | FENCE_FDS | FENCE_LIMITS | FENCE_NO_PRIVS |
                FENCE_LANDLOCK | FENCE_SECCOMP,
};

struct fences {
    uint32_t got;      /* enum fence bits */
    int32_t abi;       /* Landlock ABI, 0 = not there */
    bool relaxed;      /* sanitizer build: no memory limit, no seccomp */
    char missing[200]; /* why what is missing is missing, in words */
};
/* "process limits, no new privileges, Landlock ABI 7, seccomp". */
void fences_text(struct buf *out, const struct fences *f);

struct sandbox_limits {
    uint64_t memory; /* address space, bytes */
    uint64_t stack;
    unsigned cpu_s; /* of the whole process */
    unsigned files; /* descriptors */
};

/* Before sealing: calls of libc and libraries that open files or make system
 * calls on first use (time zone, qsort, hashing, archives). */
void sandbox_warm_up(void);
void sandbox_limit(const struct sandbox_limits *l, struct fences *f);
/* Nothing can be opened, made, executed or signalled afterwards. */
void sandbox_seal(struct fences *f);
/* Step 1: as sandbox_seal, but the given files (descriptors, any mode) may be
 * opened read-only by name; then sandbox_seal is step 2. */
void sandbox_seal_files(const int *files, size_t n, struct fences *f);

/* Raw Landlock, for fences.c: ABI version or 0. */
int landlock_abi(void);
