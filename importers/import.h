/*
 * Importing a path into a case: discovery, worker processes, the committer.
 */
#pragma once

#include "base/sums.h"
#include "casedb/casedb.h"

struct import_progress {
    uint64_t files_done, files_all;
    uint64_t bytes_done, bytes_all; /* of the files as stored */
    uint64_t records, stored, duplicates, rejected, issues;
    const char *path; /* the file at work, bytes; borrowed */
};

struct import_claim {
    struct str path; /* as stated; "" = the one file itself */
    enum hash_algo algo;
    unsigned char value[32]; /* hash_len(algo) bytes */
};

struct import_options {
    struct str path; /* absolute */
    struct str as;   /* --as, or empty */
    struct str note;
    unsigned jobs; /* 0 = one worker per core */
    bool hash_files, hash_weak, embed, unsandboxed_ok;
    const struct import_claim *claims;
    size_t n_claims;
    bool sums; /* claims are of a list: say which files it lacks */
    unsigned algos;         /* bits 1u << hash_algo: digests kept as facts */
    struct str acquisition; /* log of the tool, kept as a fact; or empty */
    struct str claim_reason;  /* go on although a claim differs, and why */
    struct str changed_reason; /* resume although evidence changed, and why */
    struct str version, libraries, argv; /* of this run, for the record */
    struct str detail; /* of its audit entry: canonical JSON; empty = {} */
    uint32_t batch;           /* tests */
    /* Called about ten times a second. Nonzero: stop (state is kept). */
    int (*progress)(void *ctx, const struct import_progress *p);
    void *ctx;
};

struct import_result {
    int64_t exhibit;
    bool resumed;
    uint64_t files, bytes, members, read, stored, duplicates, rejected, issues,
        events;
    char fences[160]; /* the workers' protections, in words */
};

/* ERR_STOPPED: interrupted, may be given again. ERR_USAGE "already in the
 * case as X1" is not a failure of the evidence: the caller says it. */
int import_path(struct casedb *c, const struct import_options *o,
                struct import_result *out, struct err *err) CHECKED;

struct worker_handler;
/* What cli/main.c hands to worker_main for workers that import:
 * handlers[WORKER_KINDS]. */
void import_worker_handlers(struct worker_handler *handlers);
