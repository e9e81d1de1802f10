/*
 * The import pipeline's own state (private to importers/): import.c leads,
 * pool.c keeps the workers, digests.c what was hashed and claimed, resume.c
 * what an interrupted import has to find again.
 */
#pragma once

#include <sys/stat.h>

#include "evidence/worker.h"
#include "importers/claims.h"
#include "importers/discover.h"
#include "importers/hashing.h"
#include "importers/import.h"
#include "importers/receive.h"

enum {
    WORKERS_MAX = 32,
    AHEAD = 16,             /* files a worker may have queued */
    AHEAD_BYTES = 64 << 20, /* and their bytes */
    SEGMENTS_MAX = 1024,
    TRIES = 2,       /* of one file, then quarantine */
    DEATHS_MAX = 16, /* in a row, of idle workers: then none is started */
};

struct pool_worker {
    struct worker *w;
    struct receiver rx;
    size_t queue[AHEAD]; /* files, oldest first */
    unsigned n;
    uint64_t bytes;
    bool gone;
};

enum file_state { FILE_WAITING, FILE_SENT };

struct file_job {
    int *fds;
    uint64_t *tickets;
    struct hashing_many *many; /* of a set: one descriptor, of its names */
    struct stat *opened;       /* of each segment, before anyone read it; not
                                  of a set */
    bool open;
    uint8_t state, tries;
    int8_t worker; /* index in the pool while SENT */
};

/* A file that an earlier run of this import read, and that is another one
 * now; the examiner gave a reason to go on. */
struct changed_file {
    struct str path;
    const char *why;
    const struct changed_file *next;
};

struct name_digest {
    bool known;
    unsigned char sha256[32];
};

struct pipeline {
    struct casedb *c;
    const struct import_options *o;
    struct found found;
    struct intake *in;
    struct hashing *hashing;
    struct claims claims;
    struct file_job *jobs;
    struct pool_worker pool[WORKERS_MAX];
    unsigned n_pool, deaths;
    size_t front, next; /* file being committed; next to send */
    const struct changed_file *changed;
    struct arena changed_arena;
    size_t came_later;        /* files left for a supplement */
    const char *half_changed; /* why the file that stood half is another */
    bool given_up; /* what the front file's stream lacks is accounted for */
    struct name_digest *digests; /* of found.names, as far as hashed */
    unsigned char front_sha[32];
    struct hashing_result *segments; /* of the front file */
    bool front_hashed, front_disk;   /* done; it holds a disk */
    struct import_progress progress;
    int64_t last_report, last_check;
    const char *inside_path; /* of the file inside it at work, or NULL */
    unsigned kinds;          /* bit 1 log, 2 disk, 4 memory */
    struct fences fences;
    const struct intake_options *io;
    int64_t started_s;
};

static inline const struct found_file *file_at(const struct pipeline *p,
                                               size_t i)
{
    return &p->found.files[i];
}

/* ---- pool.c */

struct worker *pool_spawn(struct pipeline *p, enum worker_kind kind,
                          struct err *err);
int pool_send(struct pipeline *p, struct worker *w, size_t i,
              struct err *err) CHECKED;
int pool_respawn(struct pipeline *p, struct pool_worker *w,
                 struct err *err) CHECKED;
/* A worker is gone: its files wait again. */
void pool_bury(struct pipeline *p, struct pool_worker *w,
               struct worker_end *end);
/* Sends files in order as far as queues take them. Files that cannot be
 * opened stay WAITING and are dealt with when the front gets there. */
int pool_dispatch(struct pipeline *p, struct err *err) CHECKED;
int pool_start(struct pipeline *p, struct err *err) CHECKED;
void pool_end(struct pipeline *p);
/* File i of the set at the front, for its worker and for hashing. */
int pipeline_supply(void *ctx, uint64_t i);
int pipeline_open_file(struct pipeline *p, size_t i, struct err *err) CHECKED;
void pipeline_close_file(struct pipeline *p, size_t i);

/* ---- import.c */

enum pipeline_outcome { FRONT_DONE, FRONT_MORE, FRONT_DIED, FRONT_NEEDS_IMAGE };
struct receive_hooks;
/* One frame of what is at the front. */
int pipeline_frame(struct pipeline *p, struct worker *w, struct receiver *rx,
                   struct receive_hooks *hooks, const struct frame *f,
                   enum pipeline_outcome *out, struct err *err) CHECKED;
/* An issue of the open member: its worker died at it. size: of its file. */
int pipeline_died(struct pipeline *p, const struct worker_end *how,
                  uint64_t size, struct err *err) CHECKED;
/* receive_hooks.format */
void pipeline_format(void *ctx, struct str format);

/* Tells how far it is; nonzero: stop. */
int pipeline_report(struct pipeline *p, bool always);
int pipeline_stopped(struct err *err);

/* ---- inside.c */

/* The files inside the image at the front, whose own stream is whole. */
int inside_files(struct pipeline *p, struct err *err) CHECKED;

/* ---- digests.c */

/* Digests of the front file's segments, waiting for the hashing thread. */
int digests_front(struct pipeline *p, struct err *err) CHECKED;
/* The exhibit's digest: of its files by name, in whatever order sets of them
 * were read. */
int digests_tree(const struct pipeline *p, unsigned char sha[32],
                 struct err *err) CHECKED;
/* The files of the set at the front, as members. */
int digests_set_members(struct pipeline *p, struct err *err) CHECKED;
/* receive_hooks.outer_end */
int digests_outer_end(void *ctx, struct str *sha256, struct err *err);

/* ---- resume.c */

/* The first `done` files, and the one that stood half, must be what they
 * were. */
int resume_check(struct pipeline *p, size_t done, struct err *err) CHECKED;
/* The file that stands half cannot be read on: refused, or with a reason
 * noted in half_changed. */
int resume_half(struct pipeline *p, const char *why, struct err *err) CHECKED;
/* An issue for each file that changed, where there is a reason to go on. */
int resume_say(struct pipeline *p, struct err *err) CHECKED;
/* intake_options.stamp */
void resume_stamp(void *ctx, struct buf *out);
