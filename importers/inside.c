/*
 * The files inside an image whose records are read (rows of the case that are
 * flagged FILE_RECORDS): handed to workers that have the image open, several
 * at once, and committed in the order of the rows. Each is a part of the
 * image's file (intake_part_done), so that an interrupted import goes on
 * after the last whole one, and a file that kills its worker costs itself
 * only.
 */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "casedb/files.h"
#include "importers/pipeline.h"

enum { INSIDE_MAX = 1 << 20 };

/* A file inside. */
struct inner {
    struct str layers, path, volume;
    uint64_t inode, size;
    bool has_modified, skip, sent;
    struct instant modified;
    uint32_t links, flags; /* enum file_flag */
    uint8_t view, tries, worker;
};

struct inside {
    struct pipeline *p;
    struct arena arena;
    struct inner *v;
    size_t n, cap, front, next;
    bool more; /* than are kept */
    unsigned superseded;
    struct pool_worker pool[WORKERS_MAX];
    unsigned n_pool;
};

/* ---- the list ------------------------------------------------------------ */

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "import: out of memory");
}

/* "!ewf!p1!fs/var/log/secure"; what has no name that leads to it by number. */
static struct str layers_of(struct inside *s, const struct member *m,
                            const struct file_row *f)
{
    struct buf b = { 0 };
    buf_put(&b, m->layers);
    /* the member of the other view ends in !VOLUME!journal already */
    if (f->volume.n && f->view != FILE_VIEW_JOURNAL) {
        buf_putc(&b, '!');
        buf_put(&b, f->volume);
    }
    if (f->flags & FILE_DELETED || f->path.n == 0 || f->path.p[0] != '/') {
        buf_printf(&b, "!ino/%llu", (unsigned long long)f->inode);
    } else {
        buf_putz(&b, "!fs/");
        text_cite(&b, str_sub(f->path, 1, f->path.n), false);
    }
    return buf_to_arena(&b, &s->arena);
}

static int add_inner(void *ctx, const struct file_row *f)
{
    struct inside *s = ctx;
    struct arena a = { 0 };
    struct member m;
    struct err err;
    if (s->n == INSIDE_MAX) {
        s->more = true;
        return 0;
    }
    if (case_member(s->p->c, f->member, &a, &m, &err)) {
        arena_free(&a);
        return ERR_INTERNAL;
    }
    bool ours = str_eq(m.path, file_at(s->p, s->p->front)->path);
    if (ours && s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        struct inner *v = realloc(s->v, cap * sizeof(*v));
        if (v) {
            s->v = v;
            s->cap = cap;
        }
    }
    if (ours && s->n < s->cap) {
        struct inner *x = &s->v[s->n++];
        *x = (struct inner){ .layers = layers_of(s, &m, f),
                             .path = arena_copy(&s->arena, f->path),
                             .volume = arena_copy(&s->arena, f->volume),
                             .inode = f->inode,
                             .size = f->size,
                             .has_modified = !(f->flags & FILE_NO_TIME_M),
                             .modified = f->m,
                             .links = f->links,
                             .flags = f->flags,
                             .view = f->view };
        ours = x->layers.p && x->path.p && x->volume.p;
    } else if (ours) {
        ours = false;
    } else {
        ours = true;
    }
    arena_free(&a);
    return ours ? 0 : ERR_INTERNAL;
}

static int by_inode(const void *a, const void *b)
{
    const struct inner *x = *(struct inner *const *)a;
    const struct inner *y = *(struct inner *const *)b;
    int c = str_cmp(x->volume, y->volume);
    if (c)
        return c;
    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Of a file with several names one is read; and of one that the journal only
 * made longer, the state after the journal. */
static void skip_again(struct inside *s, struct inner **v, size_t n)
{
    struct inner *after = NULL;
    for (size_t i = 0; i < n; i++)
        if (v[i]->view == FILE_VIEW_JOURNAL && !after)
            after = v[i];
    for (size_t i = 0; i < n; i++) {
        if (v[i]->view == FILE_VIEW_DISK && after &&
            str_eq(v[i]->path, after->path) && after->size >= v[i]->size) {
            v[i]->skip = true;
            s->superseded++;
        }
        for (size_t k = 0; k < i && !v[i]->skip; k++)
            v[i]->skip = v[k]->view == v[i]->view && !v[k]->skip;
    }
}

enum { NAMES_LOOKED_AT = 64 }; /* of one inode */

static int skip_all(struct inside *s, struct err *err)
{
    struct inner **v = malloc((s->n + 1) * sizeof(*v));
    if (!v)
        return no_memory(err);
    for (size_t i = 0; i < s->n; i++)
        v[i] = &s->v[i];
    qsort(v, s->n, sizeof(*v), by_inode);
    for (size_t i = 0, k; i < s->n; i = k) {
        for (k = i + 1;
             k < s->n && k - i < NAMES_LOOKED_AT &&
             v[k]->inode == v[i]->inode && str_eq(v[k]->volume, v[i]->volume);
             k++)
            ;
        skip_again(s, v + i, k - i);
    }
    free(v);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!s->v[i].skip)
            s->v[n++] = s->v[i];
    s->n = n;
    return 0;
}

static int list(struct inside *s, struct err *err)
{
    const struct file_query q = { .exhibit = intake_exhibit(s->p->in),
                                  .scope = FILES_BELOW,
                                  .flags = FILE_RECORDS };
    int rc = intake_flush(s->p->in, err);
    if (rc == 0)
        rc = case_files(s->p->c, &q, add_inner, s, err);
    if (rc == ERR_INTERNAL)
        return no_memory(err);
    return rc ? rc : skip_all(s, err);
}

/* ---- workers ------------------------------------------------------------- */

static int respawn(struct inside *s, struct pool_worker *w, struct err *err)
{
    receiver_free(&w->rx);
    *w = (struct pool_worker){ .w = pool_spawn(s->p, WORKER_IMAGE, err) };
    if (!w->w)
        return err->code;
    worker_supply(w->w, pipeline_supply, s->p);
    return 0;
}

static int start(struct inside *s, struct err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct pipeline *p = s->p;
    size_t n = p->o->jobs ? p->o->jobs : cores > 0 ? (size_t)cores : 1;
    /* to open a compressed image is to unpack it */
    bool packed = s->n && (str_starts(s->v[0].layers, STR("!gz")) ||
                           str_starts(s->v[0].layers, STR("!zst")) ||
                           str_starts(s->v[0].layers, STR("!xz")) ||
                           str_starts(s->v[0].layers, STR("!bz2")));
    if (n > WORKERS_MAX)
        n = WORKERS_MAX;
    if (n > s->n - s->front)
        n = s->n - s->front;
    if (packed && n > 1)
        n = 1;
    for (s->n_pool = 0; s->n_pool < n; s->n_pool++) {
        int rc = respawn(s, &s->pool[s->n_pool], err);
        if (rc)
            return rc;
    }
    return 0;
}

static void end(struct inside *s)
{
    for (unsigned i = 0; i < s->n_pool; i++) {
        worker_close(s->pool[i].w, NULL);
        receiver_free(&s->pool[i].rx);
    }
    s->n_pool = 0;
}

/* Its files wait again. */
static int bury(struct inside *s, struct pool_worker *w, struct worker_end *how,
                struct err *err)
{
    worker_close(w->w, how);
    w->w = NULL;
    for (unsigned k = 0; k < w->n; k++) {
        s->v[w->queue[k]].sent = false;
        if (w->queue[k] < s->next)
            s->next = w->queue[k];
    }
    w->n = 0;
    return respawn(s, w, err);
}

static int send(struct inside *s, struct pool_worker *w, size_t i,
                struct err *err)
{
    struct pipeline *p = s->p;
    const struct inner *x = &s->v[i];
    const struct found_file *f = file_at(p, p->front);
    struct wire_request req = {
        .path = f->path,
        .set = f->set,
        .bytes = f->size,
        .inside = x->layers,
        .name = x->path,
        .has_modified = x->has_modified,
        .modified = x->modified,
        .event_flags = (x->flags & FILE_DELETED ? EVENT_DELETED : 0u) |
                       (x->view == FILE_VIEW_DISK ? EVENT_ON_DISK : 0u),
    };
    struct buf b = { 0 };
    intake_hash_key(p->in, &req.body_key);
    wire_put_request(&b, &req);
    uint64_t budget;
    if (__builtin_mul_overflow(x->size + (1 << 20), (uint64_t)4096, &budget))
        budget = UINT64_MAX;
    int rc = b.failed
                 ? no_memory(err)
                 : worker_send(w->w, i + 1, buf_str(&b), p->jobs[p->front].fds,
                               f->set ? 1 : f->n_segments, budget, err);
    buf_free(&b);
    return rc;
}

static struct pool_worker *least_loaded(struct inside *s, uint64_t size)
{
    struct pool_worker *best = NULL;
    unsigned most = file_at(s->p, s->p->front)->set ? 1 : AHEAD;
    for (unsigned i = 0; i < s->n_pool; i++) {
        struct pool_worker *w = &s->pool[i];
        bool room =
            w->n < most && (w->n == 0 || w->bytes + size <= AHEAD_BYTES);
        if (!w->gone && room && (!best || w->bytes < best->bytes))
            best = w;
    }
    return best;
}

static int dispatch(struct inside *s, struct err *err)
{
    if (s->next < s->front)
        s->next = s->front;
    while (s->next < s->n && s->next < s->front + (size_t)s->n_pool * AHEAD) {
        struct inner *x = &s->v[s->next];
        if (x->sent) {
            s->next++;
            continue;
        }
        struct pool_worker *w = least_loaded(s, x->size);
        if (!w)
            return 0;
        int rc = send(s, w, s->next, err);
        if (rc == WORKER_FULL)
            return 0;
        if (rc < 0) { /* it died under us; what it sent before comes first */
            w->gone = true;
            return w->n ? 0 : bury(s, w, NULL, err);
        }
        w->queue[w->n++] = s->next;
        w->bytes += x->size;
        x->sent = true;
        x->worker = (uint8_t)(w - s->pool);
        s->next++;
    }
    return 0;
}

/* ---- the front file ------------------------------------------------------ */

static int wait_for(struct inside *s, struct pool_worker *w, struct err *err)
{
    struct pollfd fd = { worker_fd(w->w), POLLIN, 0 };
    struct pipeline *p = s->p;
    int n = poll(&fd, 1, 100);
    if (n > 0 && worker_fill(w->w) == WORKER_GONE)
        w->gone = true;
    int64_t now = time_mono_ns();
    if (now - p->last_check > 1000000000) {
        p->last_check = now;
        worker_check(w->w, now);
    }
    return pipeline_report(p, false) ? pipeline_stopped(err) : 0;
}

static int quarantine(struct inside *s, const struct worker_end *how,
                      struct err *err)
{
    struct pipeline *p = s->p;
    const struct inner *x = &s->v[s->front];
    intake_abandon(p->in);
    int rc = intake_flush(p->in, err);
    if (rc == 0 && !intake_in_member(p->in))
        rc = intake_member(p->in, file_at(p, p->front)->path, x->layers,
                           STR(""), x->size, err);
    if (rc == 0)
        rc = pipeline_died(p, how, x->size, err);
    return rc ? rc : intake_member_end(p->in, STR_NONE, err);
}

/* An ERROR frame: what it names is kept, the member ends. */
static int close_member(struct inside *s, struct err *err)
{
    struct pipeline *p = s->p;
    if (p->given_up)
        intake_abandon(p->in);
    return intake_in_member(p->in) && !intake_skipping(p->in)
               ? intake_member_end(p->in, STR_NONE, err)
               : 0;
}

/* Frames of the front file until it ends or its worker dies. */
static int take(struct inside *s, struct pool_worker *w,
                struct receive_hooks *hooks, enum pipeline_outcome *out,
                struct err *err)
{
    int rc = 0;
    *out = FRONT_MORE;
    while (rc == 0 && *out == FRONT_MORE) {
        struct frame f;
        while (rc == 0 && *out == FRONT_MORE && worker_next_frame(w->w, &f))
            rc = pipeline_frame(s->p, w->w, &w->rx, hooks, &f, out, err);
        if (rc || *out != FRONT_MORE)
            break;
        if (w->gone)
            *out = FRONT_DIED;
        else
            rc = dispatch(s, err);
        if (rc == 0 && *out == FRONT_MORE)
            rc = wait_for(s, w, err);
    }
    return rc;
}

static int front(struct inside *s, struct err *err)
{
    struct pipeline *p = s->p;
    struct inner *x = &s->v[s->front];
    for (;;) {
        struct receive_hooks hooks = { .outer_end = NULL,
                                       .format = pipeline_format,
                                       .path = file_at(p, p->front)->path,
                                       .layers = x->layers,
                                       .size = x->size,
                                       .ctx = p };
        enum pipeline_outcome out;
        struct worker_end how;
        p->given_up = false;
        int rc = dispatch(s, err);
        if (rc)
            return rc;
        if (!x->sent) /* a worker died in between: it has another now */
            continue;
        struct pool_worker *w = &s->pool[x->worker];
        rc = take(s, w, &hooks, &out, err);
        if (rc)
            return rc;
        if (out != FRONT_DIED) {
            w->bytes -= x->size;
            w->n--;
            memmove(w->queue, w->queue + 1, w->n * sizeof(*w->queue));
            return close_member(s, err);
        }
        rc = bury(s, w, &how, err);
        if (rc)
            return rc;
        if (++x->tries == TRIES)
            return quarantine(s, &how, err);
        intake_restart(p->in);
    }
}

/* ---- all of an image ----------------------------------------------------- */

static int say_list(struct inside *s, struct err *err)
{
    struct pipeline *p = s->p;
    struct buf b = { 0 };
    int rc = 0;
    if (s->more)
        rc = intake_issue(p->in, 1, 0, 0, STR("too-many-files"),
                          STR("more than a million files inside hold records; "
                              "the others were not looked into"),
                          err);
    buf_printf(&b,
               "%zu; %u more are these as they were before the journal was "
               "played back",
               s->n, s->superseded);
    if (rc == 0 && s->n)
        rc = intake_fact(p->in, STR("files looked into"), buf_str(&b), err);
    buf_free(&b);
    return rc;
}

static int all(struct inside *s, struct err *err)
{
    struct pipeline *p = s->p;
    uint64_t done = intake_parts(p->in);
    int rc = 0;
    for (size_t i = 0; i < s->n; i++)
        p->progress.bytes_all += s->v[i].size;
    p->progress.files_all += s->n;
    if (done == 1) {
        rc = say_list(s, err);
        if (rc == 0)
            rc = intake_part_done(p->in, err);
        done = 2;
    }
    /* the image itself and the line above are the first parts */
    s->front = done - 2 < s->n ? (size_t)done - 2 : s->n;
    for (size_t i = 0; i < s->front; i++)
        p->progress.bytes_done += s->v[i].size;
    p->progress.files_done += s->front;
    if (rc == 0 && s->front < s->n)
        rc = start(s, err);
    while (rc == 0 && s->front < s->n) {
        p->inside_path = s->v[s->front].path.p;
        rc = front(s, err);
        if (rc == 0)
            rc = intake_part_done(p->in, err);
        p->progress.files_done++;
        p->progress.bytes_done += s->v[s->front].size;
        s->front++;
        if (rc == 0 && pipeline_report(p, false))
            rc = pipeline_stopped(err);
    }
    p->inside_path = NULL;
    end(s);
    return rc;
}

int inside_files(struct pipeline *p, struct err *err)
{
    struct inside s = { .p = p };
    int rc = list(&s, err);
    if (rc == 0 && (s.n || s.more))
        rc = all(&s, err);
    p->progress.path = file_at(p, p->front)->path.p; /* not of the list */
    free(s.v);
    arena_free(&s.arena);
    return rc;
}
