/*
 * The record sink of the case file, used by the import pipeline alone: one
 * exhibit at a time; files, members and records come in canonical order and
 * are committed in batches together with a checkpoint.
 *
 * The stream of one top-level file is a sequence of items (member begin and
 * end, event, file, issue, reject, fact). It must be a pure function of the
 * evidence: after an interruption the pipeline sends the whole stream of the
 * unfinished file again and the intake skips the items that it has.
 *
 * One caller thread; batches are written by a thread of the intake's own.
 */
#pragma once

#include "casedb/casedb.h"

enum {
    INTAKE_BATCH = 131072, /* events per batch */
    INTAKE_COLUMNS = 11
};

/* Columns that hold entities, in the order of table event. */
enum intake_column {
    COL_SOURCE,
    COL_ACTION,
    COL_ACTOR,
    COL_TARGET,
    COL_OUTCOME,
    COL_IP,
    COL_KEY,
    COL_AGENT,
    COL_REGION,
    COL_ACCOUNT,
    COL_SERVICE,
};

struct intake;

struct intake_options {
    struct str path; /* of the exhibit, absolute */
    /* the closed exhibit of this path to which files came later; 0 = none */
    int64_t supplement_of;
    struct str note;
    bool embed;
    struct str version, libraries, options; /* of this run */
    struct str detail; /* of its audit entry: canonical JSON; empty = {} */
    /* What is known of the file at work, for its checkpoint: kept as it is and
     * given back by intake_stamp when the import is resumed. May be NULL. */
    void (*stamp)(void *ctx, struct buf *out);
    void *stamp_ctx;
    uint64_t expect; /* events to come, a guess: sizes tables */
    uint32_t batch;  /* events per batch; 0 = INTAKE_BATCH (tests: smaller) */
};

struct intake_ref {
    uint32_t id;
    uint8_t role;
};

struct intake_event {
    bool timed;
    struct instant t;
    uint8_t t_kind, t_zone, t_res, severity, detail;
    uint16_t sub;
    uint32_t flags;
    uint64_t off;
    uint32_t len;
    uint32_t col[INTAKE_COLUMNS]; /* entity ids, 0 = NULL */
    struct str uid, request, text;
    const struct intake_ref *refs;
    size_t n_refs;
    uint32_t body; /* keyed hash of the content, 0 = none */
};

struct intake_file {
    struct str volume, link_target, sha256, sha1, md5; /* digests: or empty */
    struct str content_type; /* our words; empty = not looked at */
    uint32_t path, folder;   /* entity ids; folder 0: the root itself */
    uint64_t inode, parent_inode, size;
    uint8_t type, t_res, view, found, confidence;
    uint64_t free_bytes;
    uint32_t device;
    uint32_t mode, uid, gid, links, flags;
    /* FILE_NO_TIME_x in flags: NULL */
    struct instant m, a, c, b, d;
};

/* Optional numbers are known when their bit of enum package_known is set. */
struct intake_package {
    uint32_t name; /* entity id */
    uint8_t manager, known;
    struct str version, arch, vendor, signer, state;
    int64_t installed_s, built_s;
};

struct intake_package_file {
    uint32_t package, path; /* entity ids */
    uint8_t manager, known;
    uint32_t flags, mode;
    uint64_t size;
    int64_t m_s;
    struct str owner, group, digest, link_target; /* or empty */
};

struct intake_totals {
    uint64_t read, stored, dup, rejected, issues, members, files, events;
};

/* Starts the next exhibit, or resumes the open one with this path;
 * *files_done top-level files are whole in the case already. ERR_USAGE with
 * the exhibit's name when the path is whole in the case (closed). */
int intake_open(struct casedb *c, const struct intake_options *o,
                struct intake **out, uint64_t *files_done,
                struct err *err) CHECKED;
/* Notes this run once it is known how its workers were fenced. */
int intake_run(struct intake *in, const struct intake_options *o,
               struct str fences, int64_t started_s, struct err *err) CHECKED;
int64_t intake_exhibit(const struct intake *in);
bool intake_resumed(const struct intake *in);
/* The stamp of the checkpoint that is resumed at; empty: none. */
struct str intake_stamp(const struct intake *in);
/* Key for body hashes, the case's own. */
struct hash_key;
void intake_hash_key(const struct intake *in, struct hash_key *out);

/* About how many events are still to come. Near the end batches get smaller:
 * nothing runs beside the writing of the last one. */
void intake_expect(struct intake *in, uint64_t events);

/* True while the items of an unfinished file are skipped: the value of
 * intake_entity must not be asked for then. */
bool intake_skipping(const struct intake *in);
/* Id of a value, given at its first use in canonical order. 0 when the kind
 * is full (an issue is kept) or memory is short. */
uint32_t intake_entity(struct intake *in, unsigned kind, struct str value);

int intake_member(struct intake *in, struct str path, struct str layers,
                  struct str format, uint64_t size, struct err *err) CHECKED;
/* sha256: 32 bytes or empty. n_rejected were sent by intake_reject. */
int intake_member_end(struct intake *in, struct str sha256,
                      struct err *err) CHECKED;
int intake_event(struct intake *in, const struct intake_event *e,
                 struct err *err) CHECKED;
int intake_file(struct intake *in, const struct intake_file *f,
                struct err *err) CHECKED;
/* An extended attribute of the file given last. */
int intake_xattr(struct intake *in, struct str name, struct str value,
                 struct err *err) CHECKED;
/* A package of a host (beside its event) and a file that one claims, which
 * counts as a record. */
int intake_package(struct intake *in, const struct intake_package *p,
                   struct err *err) CHECKED;
int intake_package_file(struct intake *in, const struct intake_package_file *f,
                        struct err *err) CHECKED;
int intake_issue(struct intake *in, int severity, uint64_t off, uint64_t len,
                 struct str code, struct str detail, struct err *err) CHECKED;
int intake_reject(struct intake *in, uint64_t off, uint64_t len,
                  struct str code, struct str detail, struct err *err) CHECKED;
int intake_fact(struct intake *in, struct str name, struct str value,
                struct err *err) CHECKED;
int intake_embed(struct intake *in, struct str data, struct err *err) CHECKED;
bool intake_in_member(const struct intake *in);
/* The unfinished file's stream is sent again from its beginning: what came of
 * it already is skipped. abandon: nothing of it comes any more. */
void intake_restart(struct intake *in);
void intake_abandon(struct intake *in);
/* A part of the top-level file is whole: a stream of its own, after which an
 * interrupted import goes on. Of the open file so many are in the case. */
int intake_part_done(struct intake *in, struct err *err) CHECKED;
uint64_t intake_parts(const struct intake *in);
/* The top-level file is whole: the next item belongs to the next one. */
int intake_file_done(struct intake *in, struct err *err) CHECKED;

void intake_get_totals(const struct intake *in, struct intake_totals *out);
/* Write what is there (a checkpoint); then more may come. */
int intake_flush(struct intake *in, struct err *err) CHECKED;
/* Close the exhibit: kind "log", "disk", "memory" or "mixed". */
int intake_finish(struct intake *in, struct str kind, uint64_t n_files,
                  uint64_t size, struct str sha256, struct err *err) CHECKED;
/* After finish, or to give up (uncommitted items are lost, the case stays at
 * its last checkpoint). */
void intake_close(struct intake *in);
