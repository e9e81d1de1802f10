/*
 * The workers of an import: which files they have, and what becomes of those
 * that die.
 */
#include "importers/pipeline.h"

#include <stdlib.h>
#include <unistd.h>

/* The files of a set, for the hashing thread. */
struct set_files {
    const struct found *found;
    const struct found_file *file;
};
struct set_many {
    struct hashing_many many; /* first: freed by it */
    struct set_files files;
};

struct worker *pool_spawn(struct pipeline *p, enum worker_kind kind,
                          struct err *err)
{
    struct worker_options o = { .kind = kind,
                                .unsandboxed_ok = p->o->unsandboxed_ok };
    return worker_spawn(&o, err);
}

int pool_send(struct pipeline *p, struct worker *w, size_t i, struct err *err)
{
    const struct found_file *f = file_at(p, i);
    struct wire_request req = { .hash_files = p->o->hash_files,
                                .hash_weak = p->o->hash_weak,
                                .as = p->o->as,
                                .path = f->path,
                                .set = f->set,
                                .bytes = f->size };
    struct buf b = { 0 };
    if (!f->set) {
        const struct timespec *t = &p->jobs[i].opened[0].st_mtim;
        req.has_modified = true;
        req.modified = (struct instant){ t->tv_sec, (uint32_t)t->tv_nsec };
    }
    intake_hash_key(p->in, &req.body_key);
    wire_put_request(&b, &req);
    uint64_t budget;
    if (__builtin_mul_overflow(f->size + (1 << 20), (uint64_t)4096, &budget))
        budget = UINT64_MAX;
    int rc = b.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                      : worker_send(w, i + 1, buf_str(&b), p->jobs[i].fds,
                                    f->set ? 1 : f->n_segments, budget, err);
    buf_free(&b);
    return rc;
}

/* ---- files --------------------------------------------------------------- */

void pipeline_close_file(struct pipeline *p, size_t i)
{
    struct file_job *j = &p->jobs[i];
    const struct found_file *f = file_at(p, i);
    for (uint32_t k = 0; j->fds && k < (f->set ? 1 : f->n_segments); k++)
        if (j->fds[k] >= 0)
            close(j->fds[k]);
    if (j->many) {
        hashing_cancel(p->hashing, j->many, j->tickets[0]);
        free(j->many->results);
        free(j->many);
    }
    free(j->fds);
    free(j->tickets);
    free(j->opened);
    *j = (struct file_job){ .state = j->state,
                            .tries = j->tries,
                            .worker = j->worker };
}

/* In the hashing thread too: the list does not change any more. */
static int open_member(void *ctx, size_t i)
{
    struct set_files *s = ctx;
    struct err ignored;
    return discover_open(s->found, found_name(s->file, (uint32_t)i), &ignored);
}

int pipeline_supply(void *ctx, uint64_t i)
{
    struct pipeline *p = ctx;
    const struct found_file *f = file_at(p, p->front);
    struct err ignored;
    if (!f->set || i >= f->n_segments)
        return -1;
    return discover_open(&p->found, found_name(f, (uint32_t)i), &ignored);
}

/* Its names go to the worker, its files are opened one by one. */
static int open_set(struct pipeline *p, size_t i, struct err *err)
{
    struct file_job *j = &p->jobs[i];
    const struct found_file *f = file_at(p, i);
    struct buf names = { 0 };
    for (uint32_t k = 0; k < f->n_segments; k++) {
        buf_put(&names, p->found.names[found_name(f, k)]);
        buf_putc(&names, 0);
    }
    j->fds[0] = names.failed ? -1 : worker_memory(buf_str(&names), err);
    buf_free(&names);
    struct set_many *m = calloc(1, sizeof(*m));
    if (j->fds[0] < 0 || !m) {
        free(m);
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    }
    m->files = (struct set_files){ &p->found, f };
    m->many = (struct hashing_many){ .n = f->n_segments,
                                     .open = open_member,
                                     .ctx = &m->files };
    m->many.results = calloc(f->n_segments, sizeof(*m->many.results));
    int rc = m->many.results
                 ? hashing_add_many(p->hashing, &m->many, &j->tickets[0], err)
                 : err_set(err, ERR_INTERNAL, "import: out of memory");
    if (rc == 0) {
        j->many = &m->many;
        return 0;
    }
    free(m->many.results);
    free(m);
    return rc;
}

static int open_segments(struct pipeline *p, size_t i, struct err *err)
{
    struct file_job *j = &p->jobs[i];
    const struct found_file *f = file_at(p, i);
    int rc = 0;
    for (uint32_t k = 0; k < f->n_segments && rc == 0; k++) {
        j->fds[k] = discover_open(&p->found, found_name(f, k), err);
        rc = j->fds[k] < 0 ? err->code : 0;
        if (rc == 0 && fstat(j->fds[k], &j->opened[k]))
            rc = err_errno(err, ERR_EVIDENCE, "fstat");
    }
    for (uint32_t k = 0; k < f->n_segments && rc == 0; k++)
        rc = hashing_add(p->hashing, j->fds[k], &j->tickets[k], err);
    return rc;
}

int pipeline_open_file(struct pipeline *p, size_t i, struct err *err)
{
    struct file_job *j = &p->jobs[i];
    const struct found_file *f = file_at(p, i);
    uint32_t n = f->set ? 1 : f->n_segments;
    if (j->open)
        return 0;
    j->fds = malloc(n * sizeof(*j->fds));
    j->tickets = calloc(n, sizeof(*j->tickets));
    j->opened = calloc(n, sizeof(*j->opened));
    if (!j->fds || !j->tickets || !j->opened)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    for (uint32_t k = 0; k < n; k++)
        j->fds[k] = -1;
    j->open = true;
    int rc = f->set ? open_set(p, i, err) : open_segments(p, i, err);
    if (rc)
        pipeline_close_file(p, i);
    return rc;
}

/* ---- workers ------------------------------------------------------------- */

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

int pool_respawn(struct pipeline *p, struct pool_worker *w, struct err *err)
{
    receiver_free(&w->rx);
    w->w = pool_spawn(p, WORKER_LOG, err);
    w->n = 0;
    w->bytes = 0;
    w->gone = false;
    return w->w ? 0 : err->code;
}

/* A worker is gone: its files wait again; the front file counts a try. */
void pool_bury(struct pipeline *p, struct pool_worker *w,
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

/* One that died without a file in its hands. When each new one dies too,
 * there is none any more: files then go through workers of their own, and
 * what is wrong is said there. */
static int replace_idle(struct pipeline *p, struct pool_worker *w,
                        struct err *err)
{
    struct worker_end end;
    pool_bury(p, w, &end);
    return ++p->deaths < DEATHS_MAX ? pool_respawn(p, w, err) : 0;
}

/* Sends files in order as far as queues take them. Files that cannot be
 * opened stay WAITING and are dealt with when the front gets there. */
int pool_dispatch(struct pipeline *p, struct err *err)
{
    if (p->next < p->front)
        p->next = p->front;
    size_t limit = p->front + (size_t)p->n_pool * AHEAD;
    while (p->next < p->found.n_files && p->next < limit) {
        size_t i = p->next;
        struct file_job *j = &p->jobs[i];
        if (j->state == FILE_SENT || j->tries > 0 ||
            file_at(p, i)->n_segments > 1 || file_at(p, i)->set) {
            p->next++;
            continue;
        }
        struct pool_worker *w = least_loaded(p, file_at(p, i)->size);
        if (!w)
            return 0;
        /* found out before a file is charged with its death */
        if (w->n == 0 && worker_fill(w->w) == WORKER_GONE) {
            w->gone = true;
            int rc = replace_idle(p, w, err);
            if (rc)
                return rc;
            continue;
        }
        struct err open_err;
        if (pipeline_open_file(p, i, &open_err)) {
            p->next++;
            continue;
        }
        int rc = pool_send(p, w->w, i, err);
        if (rc == WORKER_FULL)
            return 0;
        if (rc < 0) { /* the worker died under us */
            w->gone = true;
            if (w->n) /* what it sent before is taken first */
                return 0;
            rc = replace_idle(p, w, err);
            if (rc)
                return rc;
            continue;
        }
        p->deaths = 0;
        w->queue[w->n++] = i;
        w->bytes += file_at(p, i)->size;
        j->state = FILE_SENT;
        j->worker = (int8_t)(w - p->pool);
        p->next++;
    }
    return 0;
}

int pool_start(struct pipeline *p, struct err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = p->o->jobs ? p->o->jobs : cores > 0 ? (unsigned)cores : 1;
    if (n > WORKERS_MAX)
        n = WORKERS_MAX;
    if (n > p->found.n_files)
        n = (unsigned)p->found.n_files;
    for (p->n_pool = 0; p->n_pool < n; p->n_pool++) {
        int rc = pool_respawn(p, &p->pool[p->n_pool], err);
        if (rc)
            return rc;
    }
    return 0;
}

void pool_end(struct pipeline *p)
{
    for (unsigned i = 0; i < p->n_pool; i++) {
        if (p->pool[i].w && worker_fences(p->pool[i].w)->got)
            p->fences = *worker_fences(p->pool[i].w);
        worker_close(p->pool[i].w, NULL);
        receiver_free(&p->pool[i].rx);
    }
    p->n_pool = 0;
}
