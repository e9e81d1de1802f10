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
#include "importers/pipeline.h"
#include "importers/supplement.h"

void pipeline_format(void *ctx, struct str format)
{
    struct pipeline *p = ctx;
    if (str_eq(format, STR("disk"))) {
        p->kinds |= 2;
        p->front_disk = true;
    } else if (str_eq(format, STR("memory"))) {
        p->kinds |= 4;
    } else if (format.n && !p->inside_path &&
               !str_eq(format, STR("ebs-file"))) { /* a part of the disk */
        p->kinds |= 1;
    }
}

/* ---- progress
 * ------------------------------------------------------------------------ */

int pipeline_report(struct pipeline *p, bool always)
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
    if (p->inside_path)
        p->progress.path = p->inside_path;
    else if (p->front < p->found.n_files)
        p->progress.path = file_at(p, p->front)->path.p;
    return p->o->progress(p->o->ctx, &p->progress);
}

int pipeline_stopped(struct err *err)
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
    return pipeline_report(p, false) ? pipeline_stopped(err) : 0;
}

/* The stream decides whether a member is open: while items that an earlier
 * run stored are skipped, the intake is ahead of it. */
static int error_frame(struct pipeline *p, const struct receive_hooks *hooks,
                       const struct frame *f, struct err *err)
{
    struct err words = { 0 };
    worker_error(f, &words);
    if (!hooks->open) {
        int rc = intake_member(p->in, hooks->path, hooks->layers, STR(""),
                               hooks->size, err);
        if (rc)
            return rc;
    }
    return intake_issue(p->in, 2, words.has_offset ? words.offset : 0, 0,
                        STR("not-read"), str_from(words.what), err);
}

int pipeline_frame(struct pipeline *p, struct worker *w, struct receiver *rx,
                   struct receive_hooks *hooks, const struct frame *f,
                   enum pipeline_outcome *out, struct err *err)
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
        p->given_up = true;
        return error_frame(p, hooks, f, err);
    default:
        return 0;
    }
}

/* The file that stood half is another one now, and the examiner goes on: what
 * was read stays, without a digest. */
static int half_changed(struct pipeline *p, struct err *err)
{
    const struct found_file *f = file_at(p, p->front);
    struct buf b = { 0 };
    p->front_hashed |= !p->jobs[p->front].open;
    intake_abandon(p->in);
    int rc = intake_flush(p->in, err); /* what follows is in one batch */
    if (rc == 0 && !intake_in_member(p->in))
        rc = intake_member(p->in, f->path, STR(""), STR(""), f->size, err);
    buf_printf(&b,
               "changed while the import was interrupted: %s; what was read "
               "before is kept, the rest was not read; ",
               p->half_changed);
    buf_put(&b, p->o->changed_reason);
    p->half_changed = NULL;
    if (rc == 0)
        rc = intake_issue(p->in, 2, 0, f->size, STR("changed-before-resume"),
                          buf_str(&b), err);
    buf_free(&b);
    return rc ? rc : intake_member_end(p->in, STR_NONE, err);
}

/* Ends a member that its worker left open, with the file's digest. A stream
 * that was given up may be shorter than the one that was stored; a whole one
 * may not. */
static int end_open_member(struct pipeline *p, struct err *err)
{
    struct str sha;
    if (p->given_up)
        intake_abandon(p->in);
    if (intake_skipping(p->in)) {
        int rc = resume_half(p, "it has fewer records", err);
        return rc ? rc : half_changed(p, err);
    }
    if (!intake_in_member(p->in))
        return 0;
    int rc = digests_outer_end(p, &sha, err);
    return rc ? rc : intake_member_end(p->in, sha, err);
}

int pipeline_died(struct pipeline *p, const struct worker_end *how,
                  uint64_t size, struct err *err)
{
    struct buf b = { 0 };
    buf_printf(&b,
               "the worker %s twice at this file; what came before is "
               "kept%s",
               how->words, how->reproducible ? "" : " (not reproducible)");
    int rc =
        intake_issue(p->in, 2, 0, size, STR("worker-died"), buf_str(&b), err);
    buf_free(&b);
    return rc;
}

/* The file is given up: what came of it stays, and the reason is kept. */
static int quarantine(struct pipeline *p, const struct worker_end *end,
                      struct err *err)
{
    const struct found_file *f = file_at(p, p->front);
    p->given_up = true;
    intake_abandon(p->in);
    /* what follows is in one batch: a run that resumes does it all again or
     * has it all */
    int rc = intake_flush(p->in, err);
    if (rc == 0 && !intake_in_member(p->in))
        rc = intake_member(p->in, f->path, STR(""), STR(""), f->size, err);
    if (rc == 0)
        rc = pipeline_died(p, end, f->size, err);
    return rc ? rc : end_open_member(p, err);
}

/* Runs the front file in a worker of its own until it ends. */
static int run_alone(struct pipeline *p, enum worker_kind kind,
                     struct receive_hooks *hooks, enum pipeline_outcome *out,
                     struct worker_end *end, struct err *err)
{
    struct worker *w = pool_spawn(p, kind, err);
    if (!w)
        return err->code;
    struct receiver rx = { 0 };
    worker_supply(w, pipeline_supply, p);
    int rc = pool_send(p, w, p->front, err);
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
            rc = pipeline_frame(p, w, &rx, hooks, &f, out, err);
        if (rc || *out != FRONT_MORE)
            break;
        if (gone)
            *out = FRONT_DIED;
        else
            rc = wait_for_frames(p, w, err);
    }
    if (worker_fences(w)->got)
        p->fences = *worker_fences(w);
    worker_close(w, end);
    receiver_free(&rx);
    return rc;
}

/* One file alone, with a second try, then quarantine. */
static int alone(struct pipeline *p, enum worker_kind kind,
                 struct receive_hooks *hooks, enum pipeline_outcome *out,
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
                     struct receive_hooks *hooks, enum pipeline_outcome *out,
                     struct err *err)
{
    int rc = 0;
    *out = FRONT_MORE;
    while (rc == 0 && *out == FRONT_MORE) {
        struct frame f;
        while (rc == 0 && *out == FRONT_MORE && worker_next_frame(w->w, &f))
            rc = pipeline_frame(p, w->w, &w->rx, hooks, &f, out, err);
        if (rc || *out != FRONT_MORE)
            break;
        if (w->gone)
            *out = FRONT_DIED;
        else
            rc = pool_dispatch(p, err);
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
    struct receive_hooks hooks = { .outer_end = digests_outer_end,
                                   .format = pipeline_format,
                                   .path = file_at(p, p->front)->path,
                                   .size = file_at(p, p->front)->size,
                                   .ctx = p };
    enum pipeline_outcome out = FRONT_DIED;
    struct err open_err;
    p->front_hashed = p->given_up = false;
    if (p->half_changed) {
        if (p->next == p->front)
            p->next++;
        return half_changed(p, err);
    }
    int rc = pool_dispatch(p, err);
    if (rc)
        return rc;
    if (pipeline_open_file(p, p->front, &open_err))
        return not_opened(p, &open_err, err);
    struct pool_worker *w = front_worker(p);
    bool image =
        file_at(p, p->front)->n_segments > 1 || file_at(p, p->front)->set;
    if (w) {
        rc = from_pool(p, w, &hooks, &out, err);
        if (rc)
            return rc;
        if (out == FRONT_DIED) {
            struct worker_end end;
            p->jobs[p->front].tries++;
            pool_bury(p, w, &end);
            rc = pool_respawn(p, w, err);
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

/* At the rate of events a byte so far. */
static void expect_rest(struct pipeline *p)
{
    struct intake_totals t;
    intake_get_totals(p->in, &t);
    uint64_t done = p->progress.bytes_done, all = p->progress.bytes_all;
    double rate = done ? (double)t.events / (double)done : 0;
    intake_expect(p->in,
                  (uint64_t)(rate * (double)(all > done ? all - done : 0)));
}

/* An earlier run ended the own stream of the file at the front: what is left
 * is inside it. It is opened, and so hashed, all the same. */
static int go_on_inside(struct pipeline *p, struct err *err)
{
    struct err open_err;
    if (p->next == p->front)
        p->next++;
    p->front_disk = false;
    p->front_hashed = false;
    if (p->half_changed)
        return half_changed(p, err);
    if (pipeline_open_file(p, p->front, &open_err))
        return not_opened(p, &open_err, err);
    p->front_disk = true;
    return 0;
}

static int own_stream(struct pipeline *p, struct err *err)
{
    p->front_disk = false;
    int rc = front_file(p, err);
    if (rc == 0 && p->jobs[p->front].many)
        rc = digests_set_members(p, err);
    return rc == 0 && p->front_disk ? intake_part_done(p->in, err) : rc;
}

static int commit_files(struct pipeline *p, struct err *err)
{
    for (; p->front < p->found.n_files; p->front++) {
        int rc =
            intake_parts(p->in) ? go_on_inside(p, err) : own_stream(p, err);
        if (rc == 0 && p->front_disk)
            rc = inside_files(p, err);
        if (rc == 0)
            rc = digests_front(p, err);
        if (rc == 0)
            rc = intake_file_done(p->in, err);
        if (rc)
            return rc;
        pipeline_close_file(p, p->front);
        p->progress.files_done++;
        p->progress.bytes_done += file_at(p, p->front)->size;
        expect_rest(p);
        if (pipeline_report(p, false))
            return pipeline_stopped(err);
    }
    return 0;
}

/* ---- start and end
 * ----------------------------------------------------------------------- */

/* Of a list of digests: what it has too much, and too little. */
static int claim_issues(struct pipeline *p, struct err *err)
{
    struct buf b = { 0 };
    size_t with = 0;
    int rc = p->o->acquisition.n ? intake_fact(p->in, STR("acquisition log"),
                                               p->o->acquisition, err)
                                 : 0;
    for (size_t i = 0; i < p->claims.n; i++)
        with += i == 0 || p->claims.v[i].name != p->claims.v[i - 1].name;
    if (rc == 0 && p->claims.unused) {
        buf_printf(&b,
                   "%zu digests were stated for files that are not here, the "
                   "first for %s",
                   p->claims.unused, text_line(p->claims.unused1));
        rc = intake_issue(p->in, 1, 0, 0, STR("claim-without-file"),
                          buf_str(&b), err);
    }
    buf_clear(&b);
    if (rc == 0 && p->o->sums && with < p->found.n_names) {
        buf_printf(&b, "no digest was stated for %zu of %zu files",
                   p->found.n_names - with, p->found.n_names);
        rc = intake_issue(p->in, 0, 0, 0, STR("file-without-claim"),
                          buf_str(&b), err);
    }
    buf_free(&b);
    return rc;
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
    int rc = resume_check(p, done, err);
    p->progress.files_all = p->found.n_files;
    p->progress.bytes_all = p->found.bytes;
    p->front = p->next = done;
    if (rc == 0)
        rc = pool_start(p, err);
    if (rc == 0 && streams_done == 0)
        rc = found_issues(p, err);
    if (rc == 0 && streams_done == 0)
        rc = claim_issues(p, err);
    if (rc == 0 && streams_done == 0)
        rc = intake_file_done(p->in, err);
    if (rc == 0)
        rc = commit_files(p, err);
    if (rc == 0)
        rc = resume_say(p, err);
    pool_end(p);
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
        rc = digests_tree(p, sha, err);
    if (rc)
        return rc;
    rc = intake_finish(p->in, kind_of(p->kinds), p->found.n_files,
                       p->found.bytes, (struct str){ (char *)sha, 32 }, err);
    pipeline_report(p, true);
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
    if (rc == 0)
        rc = claims_open(&p->claims, o, &p->found, err);
    if (rc == 0) {
        p->jobs = calloc(p->found.n_files + 1, sizeof(*p->jobs));
        p->hashing = hashing_open(p->claims.algos, err);
        p->digests = calloc(p->found.n_names + 1, sizeof(*p->digests));
        rc = p->jobs && p->digests && p->hashing
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
                                 .stamp = resume_stamp,
                                 .stamp_ctx = p,
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
    pool_end(p);
    for (size_t i = 0; p->jobs && i < p->found.n_files; i++)
        pipeline_close_file(p, i);
    hashing_close(p->hashing);
    claims_close(&p->claims);
    intake_close(p->in);
    free(p->segments);
    free(p->digests);
    arena_free(&p->changed_arena);
    free(p->jobs);
    discover_close(&p->found);
    free(p);
    return rc;
}
