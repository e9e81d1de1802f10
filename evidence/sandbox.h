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
/* "limits, no new privileges, Landlock ABI 7, seccomp (missing: ..)". */
void fences_text(struct buf *out, const struct fences *f);
const char *fence_name(enum fence bit);
/* Adds why a fence is missing. */
void fences_missing(struct fences *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

struct sandbox_limits {
    uint64_t memory; /* address space, bytes */
    uint64_t stack;
    unsigned cpu_s; /* of the whole process */
    unsigned files; /* descriptors */
};

/* Before sealing: calls of libc that open files or ask the system on first
 * use. Libraries need their own (worker_handler.warm_up). */
void sandbox_warm_up(void);
/* Also before libarchive: names of zip, 7z and pax members are converted by
 * iconv, which reads its list of converters once; afterwards names come as
 * UTF-8. */
void sandbox_warm_up_archives(void);
void sandbox_limit(const struct sandbox_limits *l, struct fences *f);
/* Nothing can be opened, made, executed or signalled afterwards. */
void sandbox_seal(struct fences *f);
/* Step 1 of 2: as sandbox_seal, but the given files (descriptors) may be
 * opened read-only by name. Step 2: sandbox_seal_again. */
void sandbox_seal_files(const int *files, size_t n, struct fences *f);
void sandbox_seal_again(struct fences *f);
