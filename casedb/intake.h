/*
 * The record sink of the case file, used by the import pipeline alone: one
 * exhibit at a time, members and records in canonical order, committed in
 * batches of INTAKE_BATCH events together with a checkpoint.
 *
 * Not thread safe; the caller is the one committer.
 */
#pragma once

#include "casedb/casedb.h"

enum { INTAKE_BATCH = 131072 };

struct intake;

struct intake_options {
    struct str path; /* of the exhibit, absolute */
    struct str note;
    int64_t supplement_of;
    bool embed;
    struct str version, libraries, fences, options; /* of this run */
};

/* Where an interrupted import goes on: how much of which member is in the
 * case already. */
struct intake_position {
    bool resumed;
    uint64_t members_done; /* whole top-level files, in canonical order */
    uint64_t records_done; /* events of the next file's stream, see below */
};

/* Starts exhibit `no` = next, or resumes the open one with this path. */
int intake_open(struct casedb *c, const struct intake_options *o,
                struct intake **out, struct intake_position *at,
                struct err *err) CHECKED;
