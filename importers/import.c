/*
 * The import pipeline: hands files to sealed workers and commits what they
 * send in canonical order (file path bytewise, place in the file), whichever
 * worker is faster. Nothing of the evidence is parsed here.
 */
#include "importers/import.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "base/varint.h"
#include "evidence/worker.h"
#include "importers/discover.h"
#include "importers/hashing.h"
#include "importers/receive.h"
#include "importers/supplement.h"

enum {
    WORKERS_MAX = 32,
    AHEAD = 16,             /* files a worker may have queued */
    AHEAD_BYTES = 64 << 20, /* and their bytes */
    SEGMENTS_MAX = 1024,
    TRIES = 2, /* of one file, then quarantine */
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
    bool open;
    uint8_t state, tries;
    int8_t worker; /* index in the pool while SENT */
};

struct pipeline {
    struct casedb *c;
    const struct import_options *o;
    struct found found;
    struct intake *in;
    struct hashing *hashing;
    struct file_job *jobs;
    struct pool_worker pool[WORKERS_MAX];
    unsigned n_pool;
    size_t front, next;         /* file being committed; next to send */
    unsigned char (*known)[32]; /* of the files that are there already */
    size_t rechecked;
    struct hasher *tree;
    struct buf tree_line;
    unsigned char front_sha[32];
    struct hashing_result *segments; /* of the front file */
    bool front_hashed;
    struct import_progress progress;
    int64_t last_report, last_check;
    unsigned kinds; /* bit 1 log, 2 disk, 4 memory */
    struct fences fences;
    const struct intake_options *io;
    int64_t started_s;
};

static const struct found_file *file_at(const struct pipeline *p, size_t i)
{
    return &p->found.files[i];
}

/* ---- workers ----------------------------------------------------------------
 */

static struct worker *spawn(struct pipeline *p, enum worker_kind kind,
                            struct err *err)
{
    struct worker_options o = { .kind = kind,
                                .unsandboxed_ok = p->o->unsandboxed_ok };
    return worker_spawn(&o, err);
}

static int send_file(struct pipeline *p, struct worker *w, size_t i,
                     struct err *err)
{
    const struct found_file *f = file_at(p, i);
    struct wire_request req = { .hash_files = p->o->hash_files,
                                .as = p->o->as,
                                .path = f->path };
    struct buf b = { 0 };
    intake_hash_key(p->in, &req.body_key);
    wire_put_request(&b, &req);
    uint64_t budget;
    if (__builtin_mul_overflow(f->size + (1 << 20), (uint64_t)4096, &budget))
        budget = UINT64_MAX;
    int rc = b.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                      : worker_send(w, i + 1, buf_str(&b), p->jobs[i].fds,
                                    f->n_segments, budget, err);
    buf_free(&b);
    return rc;
}

static void close_file(struct pipeline *p, size_t i)
{
    struct file_job *j = &p->jobs[i];
    for (uint32_t k = 0; j->fds && k < file_at(p, i)->n_segments; k++)
        if (j->fds[k] >= 0)
            close(j->fds[k]);
    free(j->fds);
    free(j->tickets);
    j->fds = NULL;
    j->tickets = NULL;
    j->open = false;
}

static int open_file(struct pipeline *p, size_t i, struct err *err)
{
    struct file_job *j = &p->jobs[i];
    const struct found_file *f = file_at(p, i);
    if (j->open)
        return 0;
    j->fds = malloc(f->n_segments * sizeof(*j->fds));
    j->tickets = calloc(f->n_segments, sizeof(*j->tickets));
    if (!j->fds || !j->tickets)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    for (uint32_t k = 0; k < f->n_segments; k++)
        j->fds[k] = -1;
    j->open = true;
    int rc = 0;
    for (uint32_t k = 0; k < f->n_segments && rc == 0; k++) {
        j->fds[k] = discover_open(&p->found, f->first + k, err);
        rc = j->fds[k] < 0 ? err->code : 0;
    }
    for (uint32_t k = 0; k < f->n_segments && rc == 0; k++)
        rc = hashing_add(p->hashing, j->fds[k], &j->tickets[k], err);
    if (rc)
        close_file(p, i);
    return rc;
}

static struct pool_worker *least_loaded(struct pipeline *p, uint64_t size)
{
    struct pool_worker *best = NULL;
    for (unsigned i = 0; i < p->n_pool; i++) {
        struct pool_worker *w = &p->pool[i];
        bool room =
            w->n < AHEAD && (w->n == 0 || w->bytes + size <= AHEAD_BYTES);
        if (!w->gone && room &&
            (!best || w->bytes < best->bytes ||
             (w->bytes == best->bytes && w->n < best->n)))
            best = w;
    }
    return best;
}

static int respawn(struct pipeline *p, struct pool_worker *w, struct err *err)
{
    receiver_free(&w->rx);
    w->w = spawn(p, WORKER_LOG, err);
    w->n = 0;
    w->bytes = 0;
    w->gone = false;
    return w->w ? 0 : err->code;
}

/* A worker is gone: its files wait again; the front file counts a try. */
static void bury(struct pipeline *p, struct pool_worker *w,
                 struct worker_end *end)
{
    worker_close(w->w, end);
    w->w = NULL;
    for (unsigned k = 0; k < w->n; k++) {
        p->jobs[w->queue[k]].state = FILE_WAITING;
        if (w->queue[k] < p->next)
            p->next = w->queue[k];
    }
    w->n = 0;
    w->bytes = 0;
}

/* Sends files in order as far as queues take them. Files that cannot be
 * opened stay WAITING and are dealt with when the front gets there. */
static int dispatch(struct pipeline *p, struct err *err)
{
    size_t limit = p->front + (size_t)p->n_pool * AHEAD;
    while (p->next < p->found.n_files && p->next < limit) {
        size_t i = p->next;
        struct file_job *j = &p->jobs[i];
        if (j->state == FILE_SENT || j->tries > 0 ||
            file_at(p, i)->n_segments > 1) {
            p->next++;
            continue;
        }
        struct pool_worker *w = least_loaded(p, file_at(p, i)->size);
        if (!w)
            return 0;
        struct err open_err;
        if (open_file(p, i, &open_err)) {
            p->next++;
            continue;
        }
        int rc = send_file(p, w->w, i, err);
        if (rc == WORKER_FULL)
            return 0;
        if (rc < 0) { /* the worker died under us: found out by polling */
            w->gone = true;
            return 0;
        }
        w->queue[w->n++] = i;
        w->bytes += file_at(p, i)->size;
        j->state = FILE_SENT;
        j->worker = (int8_t)(w - p->pool);
        p->next++;
    }
    return 0;
}

/* ---- digests
 * -------------------------------------------------------------------- */

static int tree_add(struct pipeline *p, struct str path,
                    const unsigned char sha[32])
{
    struct buf *b = &p->tree_line;
    buf_clear(b);
    buf_put_hex(b, sha, 32);
    buf_putz(b, "  ");
    buf_put(b, path);
    buf_putc(b, '\n');
    hasher_add(p->tree, b->p, b->n);
    return b->failed ? ERR_INTERNAL : 0;
}

static const struct import_claim *claim_for(const struct pipeline *p,
                                            struct str path)
{
    for (size_t i = 0; i < p->o->n_claims; i++)
        if (str_eq(p->o->claims[i].path, path) ||
            (p->found.single && p->o->claims[i].path.n == 0))
            return &p->o->claims[i];
    return NULL;
}

static int check_claim(struct pipeline *p, struct str path,
                       const unsigned char sha[32], struct err *err)
{
    const struct import_claim *claim = claim_for(p, path);
    if (!claim)
        return 0;
    bool same = memcmp(claim->sha256, sha, 32) == 0;
    if (!same && p->o->claim_reason.n == 0) {
        err_set(err, ERR_VERIFY,
                "%s: its SHA-256 is not the claimed one; import stopped",
                text_line(path));
        err_hint(err, "to go on, give --accept-mismatch with a reason, "
                      "which is recorded");
        return err->code;
    }
    struct buf b = { 0 };
    buf_put_hex(&b, claim->sha256, 32);
    buf_putz(&b, same ? " match" : " differs: ");
    if (!same)
        buf_put(&b, p->o->claim_reason);
    int rc = intake_fact(p->in, STR("claimed sha256"), buf_str(&b), err);
    buf_free(&b);
    return rc;
}

/* Digests of a file's segments, waiting for the hashing thread; the exhibit's
 * tree hash takes each file once. */
static int front_digest(struct pipeline *p, struct err *err)
{
    struct file_job *j = &p->jobs[p->front];
    const struct found_file *f = file_at(p, p->front);
    if (p->front_hashed)
        return 0;
    free(p->segments);
    p->segments = calloc(f->n_segments, sizeof(*p->segments));
    if (!p->segments)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    for (uint32_t k = 0; k < f->n_segments; k++) {
        struct hashing_result *r = &p->segments[k];
        hashing_wait(p->hashing, j->tickets[k], r);
        if (tree_add(p, p->found.names[f->first + k], r->sha256))
            return err_set(err, ERR_INTERNAL, "import: out of memory");
    }
    memcpy(p->front_sha, p->segments[0].sha256, 32);
    p->front_hashed = true;
    return 0;
}

static int segment_items(struct pipeline *p, uint32_t k, struct err *err)
{
    const struct found_file *f = file_at(p, p->front);
    const struct hashing_result *r = &p->segments[k];
    struct str name = p->found.names[f->first + k];
    int rc = 0;
    if (r->failed)
        rc = intake_issue(p->in, 2, r->bytes, 0, STR("read-error"),
                          STR("the file could not be read to its end"), err);
    if (rc == 0 && r->changed)
        rc = intake_issue(p->in, 2, 0, 0, STR("changed-during-read"),
                          STR("size or time of the file changed while it was "
                              "read"),
                          err);
    if (rc == 0 && f->n_segments > 1) {
        struct buf b = { 0 };
        buf_put_hex(&b, r->sha256, 32);
        buf_putz(&b, "  ");
        buf_put(&b, name);
        rc = intake_fact(p->in, STR("segment sha256"), buf_str(&b), err);
        buf_free(&b);
    }
    return rc ? rc : check_claim(p, name, r->sha256, err);
}

static int embed(struct pipeline *p, struct err *err)
{
    const struct found_file *f = file_at(p, p->front);
    if (f->n_segments > 1 || f->size > 900u << 20)
        return intake_issue(p->in, 1, 0, f->size, STR("not-embedded"),
                            STR("too large to be kept inside the case"), err);
    char *bytes = malloc(f->size ? (size_t)f->size : 1);
    if (!bytes)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    size_t n = 0;
    ssize_t got;
    while (n < f->size && (got = pread(p->jobs[p->front].fds[0], bytes + n,
                                       (size_t)f->size - n, (off_t)n)) > 0)
        n += (size_t)got;
    int rc = intake_embed(p->in, (struct str){ bytes, n }, err);
    free(bytes);
    return rc;
}

static int outer_end(void *ctx, struct str *sha256, struct err *err)
{
    struct pipeline *p = ctx;
    int rc = front_digest(p, err);
    for (uint32_t k = 0; rc == 0 && k < file_at(p, p->front)->n_segments; k++)
        rc = segment_items(p, k, err);
    if (rc == 0 && p->o->embed)
        rc = embed(p, err);
    *sha256 = (struct str){ (char *)p->front_sha, 32 };
    return rc;
}

static void note_format(void *ctx, struct str format)
{
    struct pipeline *p = ctx;
    if (str_eq(format, STR("disk")))
        p->kinds |= 2;
    else if (str_eq(format, STR("memory")))
        p->kinds |= 4;
    else if (format.n)
        p->kinds |= 1;
}

/* ---- progress
 * ------------------------------------------------------------------------ */

static int report(struct pipeline *p, bool always)
{
    int64_t now = time_mono_ns();
    if (!p->o->progress || (!always && now - p->last_report < 100000000))
        return 0;
    p->last_report = now;
    struct intake_totals t;
    intake_get_totals(p->in, &t);
    p->progress.records = t.read;
    p->progress.stored = t.stored;
    p->progress.duplicates = t.dup;
    p->progress.rejected = t.rejected;
    p->progress.issues = t.issues;
    if (p->front < p->found.n_files)
        p->progress.path = file_at(p, p->front)->path.p;
    return p->o->progress(p->o->ctx, &p->progress);
}

static int stopped(struct err *err)
{
    err_set(err, ERR_STOPPED, "import interrupted; what was read is kept");
    err_hint(err, "give the same command again to go on");
    return ERR_STOPPED;
}

/* ---- the front file
 * -------------------------------------------------------------------- */

/* Waits for any worker; fills the ones that have something. */
static int wait_for_frames(struct pipeline *p, struct worker *extra,
                           struct err *err)
{
    struct pollfd fds[WORKERS_MAX + 1];
    struct pool_worker *who[WORKERS_MAX + 1];
    nfds_t n = 0;
    for (unsigned i = 0; i < p->n_pool; i++) {
        struct pool_worker *w = &p->pool[i];
        if (!w->w || w->gone || w->n == 0)
            continue;
        /* only the front's worker is read on: the others wait with what
         * their pipe holds, which bounds memory */
        if (w->queue[0] != p->front)
            continue;
        who[n] = w;
        fds[n++] = (struct pollfd){ worker_fd(w->w), POLLIN, 0 };
    }
    if (extra) {
        who[n] = NULL;
        fds[n++] = (struct pollfd){ worker_fd(extra), POLLIN, 0 };
    }
    if (poll(fds, n, 100) < 0 && errno != EINTR)
        return err_errno(err, ERR_INTERNAL, "poll");
    for (nfds_t k = 0; k < n; k++)
        if (fds[k].revents && who[k] && worker_fill(who[k]->w) == WORKER_GONE)
            who[k]->gone = true;
    int64_t now = time_mono_ns();
    if (now - p->last_check > 1000000000) {
        p->last_check = now;
        for (unsigned i = 0; i < p->n_pool; i++)
            if (p->pool[i].w && !p->pool[i].gone && p->pool[i].n &&
                p->pool[i].queue[0] == p->front)
                worker_check(p->pool[i].w, now);
        if (extra)
            worker_check(extra, now);
    }
    return report(p, false) ? stopped(err) : 0;
}

enum outcome { FRONT_DONE, FRONT_MORE, FRONT_DIED, FRONT_NEEDS_IMAGE };

/* The stream decides whether a member is open: while items that an earlier
 * run stored are skipped, the intake is ahead of it. */
static int error_frame(struct pipeline *p, const struct receive_hooks *hooks,
                       const struct frame *f, struct err *err)
{
    struct err words = { 0 };
    worker_error(f, &words);
    if (!hooks->open) {
        int rc = intake_member(p->in, hooks->path, STR(""), STR(""),
                               file_at(p, p->front)->size, err);
        if (rc)
            return rc;
    }
    return intake_issue(p->in, 2, words.has_offset ? words.offset : 0, 0,
                        STR("not-read"), str_from(words.what), err);
}

/* One frame of the front file. */
static int take_frame(struct pipeline *p, struct worker *w, struct receiver *rx,
                      struct receive_hooks *hooks, const struct frame *f,
                      enum outcome *out, struct err *err)
{
    const char *why = NULL;
    int rc;
    *out = FRONT_MORE;
    switch (f->type) {
    case FRAME_RECORDS:
        rc = receive(rx, f->payload, p->in, hooks, &why, err);
        if (rc == RECEIVED_BROKEN) {
            worker_kill(w, why);
            *out = FRONT_DIED;
            return 0;
        }
        return rc;
    case FRAME_DONE:
        if (f->payload.n != 9 || u64le(f->payload.p) != rx->items) {
            worker_kill(w, "the counts of the worker do not agree");
            *out = FRONT_DIED;
            return 0;
        }
        rx->items = 0;
        *out = f->payload.p[8] == WIRE_NEEDS_IMAGE ? FRONT_NEEDS_IMAGE
                                                   : FRONT_DONE;
        return 0;
    case FRAME_ERROR:
        rx->items = 0;
        *out = FRONT_DONE;
        return error_frame(p, hooks, f, err);
    default:
        return 0;
    }
}

/* Ends a member that its worker left open, with the file's digest. */
static int end_open_member(struct pipeline *p, struct err *err)
{
    struct str sha;
    intake_abandon(p->in);
    if (!intake_in_member(p->in))
        return 0;
    int rc = outer_end(p, &sha, err);
    return rc ? rc : intake_member_end(p->in, sha, err);
}

/* The file is given up: what came of it stays, and the reason is kept. */
static int quarantine(struct pipeline *p, const struct worker_end *end,
                      struct err *err)
{
    const struct found_file *f = file_at(p, p->front);
    intake_abandon(p->in);
    /* what follows is in one batch: a run that resumes does it all again or
     * has it all */
    int rc = intake_flush(p->in, err);
    if (rc == 0 && !intake_in_member(p->in))
        rc = intake_member(p->in, f->path, STR(""), STR(""), f->size, err);
    struct buf b = { 0 };
    buf_printf(&b,
               "the worker %s twice at this file; what came before is "
               "kept%s",
               end->words, end->reproducible ? "" : " (not reproducible)");
    if (rc == 0)
        rc = intake_issue(p->in, 2, 0, f->size, STR("worker-died"), buf_str(&b),
                          err);
    buf_free(&b);
    return rc ? rc : end_open_member(p, err);
}

/* Runs the front file in a worker of its own until it ends. */
static int run_alone(struct pipeline *p, enum worker_kind kind,
                     struct receive_hooks *hooks, enum outcome *out,
                     struct worker_end *end, struct err *err)
{
    struct worker *w = spawn(p, kind, err);
    if (!w)
        return err->code;
    struct receiver rx = { 0 };
    int rc = send_file(p, w, p->front, err);
    if (rc < 0) { /* it died at once: worker_close says how */
        *out = FRONT_DIED;
        rc = 0;
    } else {
        *out = FRONT_MORE;
    }
    while (rc == 0 && *out == FRONT_MORE) {
        struct frame f;
        bool gone = worker_fill(w) == WORKER_GONE;
        while (rc == 0 && *out == FRONT_MORE && worker_next_frame(w, &f))
            rc = take_frame(p, w, &rx, hooks, &f, out, err);
        if (rc || *out != FRONT_MORE)
            break;
        if (gone)
            *out = FRONT_DIED;
        else
            rc = wait_for_frames(p, w, err);
    }
    worker_close(w, end);
    receiver_free(&rx);
    return rc;
}

/* One file alone, with a second try, then quarantine. */
static int alone(struct pipeline *p, enum worker_kind kind,
                 struct receive_hooks *hooks, enum outcome *out,
                 struct err *err)
{
    struct worker_end end = { 0 };
    while (p->jobs[p->front].tries < TRIES) {
        intake_restart(p->in);
        hooks->outer = hooks->open = false;
        int rc = run_alone(p, kind, hooks, out, &end, err);
        if (rc || *out != FRONT_DIED)
            return rc;
        p->jobs[p->front].tries++;
    }
    *out = FRONT_DONE;
    return quarantine(p, &end, err);
}

static struct pool_worker *front_worker(struct pipeline *p)
{
    struct file_job *j = &p->jobs[p->front];
    return j->state == FILE_SENT ? &p->pool[j->worker] : NULL;
}

static void pop(struct pipeline *p, struct pool_worker *w)
{
    w->bytes -= file_at(p, w->queue[0])->size;
    w->n--;
    memmove(w->queue, w->queue + 1, w->n * sizeof(*w->queue));
}

/* Frames of the front file from its worker in the pool. */
static int from_pool(struct pipeline *p, struct pool_worker *w,
                     struct receive_hooks *hooks, enum outcome *out,
                     struct err *err)
{
    int rc = 0;
    *out = FRONT_MORE;
    while (rc == 0 && *out == FRONT_MORE) {
        struct frame f;
        while (rc == 0 && *out == FRONT_MORE && worker_next_frame(w->w, &f))
            rc = take_frame(p, w->w, &w->rx, hooks, &f, out, err);
        if (rc || *out != FRONT_MORE)
            break;
        if (w->gone)
            *out = FRONT_DIED;
        else
            rc = dispatch(p, err);
        if (rc == 0 && *out == FRONT_MORE)
            rc = wait_for_frames(p, NULL, err);
    }
    return rc;
}

/* The file could not be opened. */
static int not_opened(struct pipeline *p, const struct err *why,
                      struct err *err)
{
    const struct found_file *f = file_at(p, p->front);
    int rc = intake_member(p->in, f->path, STR(""), STR(""), f->size, err);
    if (rc == 0)
        rc = intake_issue(p->in, 2, 0, f->size, STR("unreadable"),
                          str_from(why->what), err);
    p->front_hashed = true;
    return rc ? rc : intake_member_end(p->in, STR_NONE, err);
}

static int front_file(struct pipeline *p, struct err *err)
{
    struct receive_hooks hooks = { .outer_end = outer_end,
                                   .format = note_format,
                                   .path = file_at(p, p->front)->path,
                                   .ctx = p };
    enum outcome out = FRONT_DIED;
    struct err open_err;
    p->front_hashed = false;
    int rc = dispatch(p, err);
    if (rc)
        return rc;
    if (open_file(p, p->front, &open_err))
        return not_opened(p, &open_err, err);
    struct pool_worker *w = front_worker(p);
    bool image = file_at(p, p->front)->n_segments > 1;
    if (w) {
        rc = from_pool(p, w, &hooks, &out, err);
        if (rc)
            return rc;
        if (out == FRONT_DIED) {
            struct worker_end end;
            p->jobs[p->front].tries++;
            bury(p, w, &end);
            rc = respawn(p, w, err);
            if (rc)
                return rc;
        } else {
            pop(p, w);
        }
    }
    if (out == FRONT_NEEDS_IMAGE) {
        image = true;
        p->jobs[p->front].tries = 0;
    }
    if (out != FRONT_DONE)
        rc = alone(p, image ? WORKER_IMAGE : WORKER_LOG, &hooks, &out, err);
    return rc ? rc : end_open_member(p, err);
}

static int commit_files(struct pipeline *p, struct err *err)
{
    for (; p->front < p->found.n_files; p->front++) {
        int rc = front_file(p, err);
        if (rc == 0)
            rc = front_digest(p, err);
        if (rc == 0)
            rc = intake_file_done(p->in, err);
        if (rc)
            return rc;
        close_file(p, p->front);
        p->progress.files_done++;
        p->progress.bytes_done += file_at(p, p->front)->size;
        if (report(p, false))
            return stopped(err);
    }
    return 0;
}

/* ---- start and end
 * ----------------------------------------------------------------------- */

static int by_file_path(const void *a, const void *b)
{
    return str_cmp(((const struct found_file *)a)->path,
                   ((const struct found_file *)b)->path);
}

/* The files that an earlier run committed are hashed again: a resumed import
 * must stand on the same evidence. */
static int recheck_file(void *ctx, const struct member *m)
{
    struct pipeline *p = ctx;
    struct found_file key = { .path = m->path };
    const struct found_file *f =
        m->sha256.n == 32 ? bsearch(&key, p->found.files, p->found.n_files,
                                    sizeof(key), by_file_path)
                          : NULL;
    size_t i = f ? (size_t)(f - p->found.files) : SIZE_MAX;
    if (i < p->rechecked && memcmp(p->known[i], m->sha256.p, 32) != 0)
        return 1;
    return 0;
}

static int recheck(struct pipeline *p, size_t done, struct err *err)
{
    p->known = calloc(done ? done : 1, 32);
    if (!p->known)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    for (p->front = 0; p->front < done; p->front++) {
        p->front_hashed = false;
        struct err open_err;
        /* one that could not be opened then has no digest to compare */
        if (open_file(p, p->front, &open_err))
            continue;
        int rc = front_digest(p, err);
        if (rc)
            return rc;
        memcpy(p->known[p->front], p->front_sha, 32);
        close_file(p, p->front);
        p->progress.files_done++;
        p->progress.bytes_done += file_at(p, p->front)->size;
        if (report(p, false))
            return stopped(err);
    }
    p->rechecked = done;
    int rc = case_members(p->c, intake_exhibit(p->in), recheck_file, p, err);
    if (rc == 1) {
        rc = err_set(err, ERR_EVIDENCE,
                     "the evidence changed since the import was interrupted");
        err_hint(err, "import the changed evidence as a new exhibit from "
                      "another path");
    }
    return rc;
}

static int open_pool(struct pipeline *p, struct err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = p->o->jobs ? p->o->jobs : cores > 0 ? (unsigned)cores : 1;
    if (n > WORKERS_MAX)
        n = WORKERS_MAX;
    if (n > p->found.n_files)
        n = (unsigned)p->found.n_files;
    for (p->n_pool = 0; p->n_pool < n; p->n_pool++) {
        int rc = respawn(p, &p->pool[p->n_pool], err);
        if (rc)
            return rc;
    }
    return 0;
}

static void close_pool(struct pipeline *p)
{
    for (unsigned i = 0; i < p->n_pool; i++) {
        if (p->pool[i].w && worker_fences(p->pool[i].w)->got)
            p->fences = *worker_fences(p->pool[i].w);
        worker_close(p->pool[i].w, NULL);
        receiver_free(&p->pool[i].rx);
    }
    p->n_pool = 0;
}

static int found_issues(struct pipeline *p, struct err *err)
{
    for (size_t i = 0; i < p->found.n_issues; i++) {
        struct buf b = { 0 };
        buf_printf(&b, "%s: ", text_line(p->found.issues[i].path));
        buf_put(&b, p->found.issues[i].detail);
        int rc = intake_issue(p->in, 1, 0, 0, p->found.issues[i].code,
                              buf_str(&b), err);
        buf_free(&b);
        if (rc)
            return rc;
    }
    return 0;
}

static struct str kind_of(unsigned kinds)
{
    switch (kinds) {
    case 2:
        return STR("disk");
    case 4:
        return STR("memory");
    case 0:
    case 1:
        return STR("log");
    default:
        return STR("mixed");
    }
}

static void fill_result(struct pipeline *p, struct import_result *out)
{
    struct intake_totals t;
    struct buf words = { 0 };
    intake_get_totals(p->in, &t);
    fences_text(&words, &p->fences);
    *out = (struct import_result){
        .exhibit = intake_exhibit(p->in),
        .resumed = intake_resumed(p->in),
        .files = p->found.n_files,
        .bytes = p->found.bytes,
        .members = t.members,
        .read = t.read,
        .stored = t.stored,
        .duplicates = t.dup,
        .rejected = t.rejected,
        .issues = t.issues,
        .events = t.events,
    };
    snprintf(out->fences, sizeof(out->fences), "%.*s",
             STR_ARG(buf_str(&words)));
    buf_free(&words);
}

static int note_run(struct pipeline *p, struct err *err)
{
    struct buf words = { 0 };
    fences_text(&words, &p->fences);
    int rc = intake_run(p->in, p->io, buf_str(&words), p->started_s, err);
    buf_free(&words);
    return rc;
}

/* streams_done counts what discovery had to say as the first one, then the
 * files. */
static int run(struct pipeline *p, uint64_t streams_done, struct err *err)
{
    size_t done = streams_done ? streams_done - 1 : 0;
    if (done > p->found.n_files)
        return err_set(err, ERR_EVIDENCE,
                       "the evidence has fewer files now than when the "
                       "import began");
    p->progress.files_all = p->found.n_files;
    p->progress.bytes_all = p->found.bytes;
    int rc = recheck(p, done, err);
    p->front = p->next = done;
    if (rc == 0)
        rc = open_pool(p, err);
    if (rc == 0 && streams_done == 0)
        rc = found_issues(p, err);
    if (rc == 0 && streams_done == 0)
        rc = intake_file_done(p->in, err);
    if (rc == 0)
        rc = commit_files(p, err);
    close_pool(p);
    if (rc && rc != ERR_STOPPED)
        return rc;
    struct err later = { 0 };
    int noted = intake_flush(p->in, &later);
    if (noted == 0)
        noted = note_run(p, &later);
    if (rc)
        return rc;
    if (noted) {
        *err = later;
        return noted;
    }
    unsigned char sha[32];
    if (p->found.single && p->found.n_files == 1 &&
        file_at(p, 0)->n_segments == 1)
        memcpy(sha, p->front_sha, 32);
    else
        hasher_end(p->tree, HASH_SHA256, sha);
    rc = intake_finish(p->in, kind_of(p->kinds), p->found.n_files,
                       p->found.bytes, (struct str){ (char *)sha, 32 }, err);
    report(p, true);
    return rc;
}

int import_path(struct casedb *c, const struct import_options *o,
                struct import_result *out, struct err *err)
{
    struct pipeline *p = calloc(1, sizeof(*p));
    uint64_t files_done = 0;
    if (!p)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    p->c = c;
    p->o = o;
    int rc = discover(o->path, &p->found, err);
    if (rc == 0 && p->found.n_files == 0 && p->found.n_issues == 0)
        rc = err_set(err, ERR_EVIDENCE, "%s: no files in it",
                     text_line(o->path));
    int64_t supplement_of = 0;
    if (rc == 0)
        rc = supplement_find(c, o->path, &p->found, &supplement_of, err);
    if (rc == 0) {
        p->jobs = calloc(p->found.n_files + 1, sizeof(*p->jobs));
        p->hashing = hashing_open(err);
        p->tree = hasher_open(1u << HASH_SHA256);
        rc = p->jobs && p->tree && p->hashing
                 ? 0
                 : err_set(err, ERR_INTERNAL, "import: out of memory");
    }
    struct intake_options io = { .path = o->path,
                                 .supplement_of = supplement_of,
                                 .note = o->note,
                                 .embed = o->embed,
                                 .version = o->version,
                                 .libraries = o->libraries,
                                 .options = o->argv,
                                 .detail = o->detail,
                                 .expect = p->found.bytes / 200,
                                 .batch = o->batch };
    if (io.expect > 1u << 23)
        io.expect = 1u << 23;
    p->io = &io;
    p->started_s = time_now().s;
    if (rc == 0)
        rc = intake_open(c, &io, &p->in, &files_done, err);
    if (rc == 0) {
        rc = run(p, files_done, err);
        fill_result(p, out);
    }
    close_pool(p);
    for (size_t i = 0; p->jobs && i < p->found.n_files; i++)
        close_file(p, i);
    hashing_close(p->hashing);
    intake_close(p->in);
    hasher_close(p->tree);
    buf_free(&p->tree_line);
    free(p->segments);
    free(p->known);
    free(p->jobs);
    discover_close(&p->found);
    free(p);
    return rc;
}
