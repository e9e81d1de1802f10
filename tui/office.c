#include "tui/office.h"

#include "tui/terms.h"
#include "tui/tui.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    IDLE_S = 2,      /* then a desk lets go of the case */
    IDLE_RAW_S = 15, /* opening evidence again takes longer */
    TRIES = 50,      /* for the case, in use by another process */
    TRY_MS = 100,
};

struct seat {
    struct office *office;
    enum lane lane;
    pthread_t thread;
    bool started;
    bool at_work; /* may use its connection; others must not close it */
    struct desk desk;
    struct job *first, *last; /* waiting */
    struct job *running;
    pthread_cond_t wake;
};

struct office {
    pthread_mutex_t lock;   /* queues, running, finished */
    pthread_mutex_t shared; /* what jobs show while they run */
    struct seat seats[LANES];
    struct job *finished, *finished_last;
    pthread_cond_t gate; /* at_work or writing became false */
    bool writing;        /* the writer wants the case alone, or has it */
    const char *path;
    struct str examiner;
    bool read_only;
    int fd;
    bool closing;
};

void *job_new(size_t size)
{
    return calloc(1, size);
}

static void job_free(struct job *j)
{
    if (j->clean)
        j->clean(j);
    arena_free(&j->arena);
    free(j);
}

static void ring(struct office *o)
{
    uint64_t one = 1;
    ssize_t n = write(o->fd, &one, sizeof(one));
    (void)n; /* full: it is readable anyway */
}

void job_news(struct job *j)
{
    ring(j->office);
}

void office_lock(struct office *o)
{
    pthread_mutex_lock(&o->shared);
}

void office_unlock(struct office *o)
{
    pthread_mutex_unlock(&o->shared);
}

/* ---- at the desk --------------------------------------------------------- */

static void leave_desk(struct seat *s)
{
    struct desk *d = &s->desk;
    terms_forget(d);
    if (d->files)
        d->evidence->close(d->files);
    d->files = NULL;
    if (d->c)
        case_close(d->c);
    d->c = NULL;
}

static int open_desk(struct seat *s, enum case_mode mode, struct err *err)
{
    struct casedb *c;
    if (s->desk.c)
        return 0;
    int rc = case_open(s->office->path, mode, &c, err);
    if (rc)
        return rc;
    if (mode == CASE_WRITE && s->office->examiner.n)
        case_set_actor(c, s->office->examiner);
    pthread_mutex_lock(&s->office->lock);
    s->desk.c = c; /* others may interrupt it from now on */
    pthread_mutex_unlock(&s->office->lock);
    return 0;
}

static bool is_closing(struct office *o)
{
    pthread_mutex_lock(&o->lock);
    bool closing = o->closing;
    pthread_mutex_unlock(&o->lock);
    return closing;
}

/* Another process may be reading or writing: that is over soon, or never. */
static int open_patiently(struct seat *s, enum case_mode mode, struct err *err)
{
    int rc = 0;
    for (int i = 0; i < TRIES; i++) {
        *err = (struct err){ 0 };
        rc = open_desk(s, mode, err);
        if (rc != ERR_CASE || !strstr(err->what, "in use by") ||
            is_closing(s->office))
            break;
        nanosleep(&(struct timespec){ .tv_nsec = TRY_MS * 1000000L }, NULL);
    }
    return rc;
}

/* The case belongs to one writer or to readers. The readers of this process
 * go for the moment of a write; what they are at is finished first. */
static void take_case(struct office *o)
{
    pthread_mutex_lock(&o->lock);
    o->writing = true;
    for (unsigned i = 0; i < LANES; i++) {
        struct seat *s = &o->seats[i];
        if (s->lane == LANE_WRITE)
            continue;
        while (s->at_work)
            pthread_cond_wait(&o->gate, &o->lock);
        leave_desk(s);
    }
    pthread_mutex_unlock(&o->lock);
}

static void give_case(struct office *o)
{
    pthread_mutex_lock(&o->lock);
    leave_desk(&o->seats[LANE_WRITE]);
    o->writing = false;
    pthread_cond_broadcast(&o->gate);
    pthread_mutex_unlock(&o->lock);
}

static int write_job(struct seat *s, struct job *j)
{
    struct office *o = s->office;
    if (o->read_only)
        return err_set(&j->err, ERR_CASE, "the case is open read-only");
    take_case(o);
    int rc = open_patiently(s, CASE_WRITE, &j->err);
    if (rc == 0)
        rc = j->run(j, &s->desk, &j->err);
    else
        err_wrap(&j->err, "not written");
    give_case(o);
    return rc;
}

static void run_job(struct seat *s, struct job *j)
{
    s->desk.stop = &j->stop;
    if (s->lane == LANE_WRITE) {
        j->rc = write_job(s, j);
    } else {
        j->rc = open_patiently(s, CASE_READ, &j->err);
        if (j->rc == 0)
            j->rc = j->run(j, &s->desk, &j->err);
    }
    s->desk.stop = NULL;
    if (j->rc && job_stopped(j))
        j->rc = ERR_STOPPED;
}

/* Waits for a job; a desk at which nobody works for some time lets go of the
 * case, so that other programs can write to it. */
static void wait_for_job(struct seat *s)
{
    struct office *o = s->office;
    struct timespec until;
    if (s->lane == LANE_WRITE || !s->desk.c) {
        pthread_cond_wait(&s->wake, &o->lock);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += s->lane == LANE_RAW ? IDLE_RAW_S : IDLE_S;
    if (pthread_cond_timedwait(&s->wake, &o->lock, &until) == ETIMEDOUT &&
        !s->first)
        leave_desk(s);
}

static struct job *next_job(struct seat *s)
{
    struct office *o = s->office;
    while (!s->first && !o->closing)
        wait_for_job(s);
    while (s->lane != LANE_WRITE && o->writing)
        pthread_cond_wait(&o->gate, &o->lock);
    struct job *j = s->first;
    if (!j)
        return NULL;
    s->first = j->next;
    if (!s->first)
        s->last = NULL;
    j->next = NULL;
    s->running = j;
    s->at_work = true;
    return j;
}

static void finish(struct seat *s, struct job *j)
{
    struct office *o = s->office;
    s->running = NULL;
    s->at_work = false;
    pthread_cond_broadcast(&o->gate);
    if (o->finished_last)
        o->finished_last->next = j;
    else
        o->finished = j;
    o->finished_last = j;
    ring(o);
}

static void *sit(void *ctx)
{
    struct seat *s = ctx;
    struct office *o = s->office;
    struct job *j;
    pthread_mutex_lock(&o->lock);
    while ((j = next_job(s)) || !o->closing) {
        if (!j) /* what there was to do was dropped meanwhile */
            continue;
        pthread_mutex_unlock(&o->lock);
        run_job(s, j);
        pthread_mutex_lock(&o->lock);
        finish(s, j);
    }
    leave_desk(s);
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

/* ---- the UI thread's side ------------------------------------------------ */

int office_open(const struct office_options *options, struct office **out,
                struct err *err)
{
    struct office *o = calloc(1, sizeof(*o));
    if (!o)
        return err_set(err, ERR_INTERNAL, "out of memory");
    o->path = options->path;
    o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&o->lock, NULL);
    pthread_mutex_init(&o->shared, NULL);
    pthread_cond_init(&o->gate, NULL);
    o->examiner = options->examiner;
    o->read_only = options->read_only;
    int rc = o->fd < 0 ? errno : 0;
    for (unsigned i = 0; i < LANES; i++) {
        struct seat *s = &o->seats[i];
        s->office = o;
        s->lane = (enum lane)i;
        s->desk.evidence = options->evidence;
        s->desk.show_secrets = options->show_secrets;
        pthread_cond_init(&s->wake, NULL);
        if (rc == 0)
            rc = pthread_create(&s->thread, NULL, sit, s);
        s->started = rc == 0;
    }
    if (rc) {
        office_close(o);
        errno = rc;
        return err_errno(err, ERR_INTERNAL, "threads");
    }
    *out = o;
    return 0;
}

/* Drops the waiting jobs that `which` says; under the lock. */
static void drop_waiting(struct seat *s,
                         bool (*which)(const struct job *j, const void *ctx),
                         const void *ctx)
{
    struct job **p = &s->first, *last = NULL;
    while (*p) {
        struct job *j = *p;
        if (!which(j, ctx)) {
            last = j;
            p = &j->next;
            continue;
        }
        *p = j->next;
        job_free(j);
    }
    s->last = last;
}

static void stop_running(struct seat *s, bool drop)
{
    struct job *j = s->running;
    j->dropped |= drop;
    atomic_store(&j->stop, true);
    if (s->desk.c)
        case_interrupt(s->desk.c);
}

static bool same_slot(const struct job *j, const void *ctx)
{
    const struct job *new = ctx;
    return j->view == new->view && j->slot == new->slot &&
           j->lane != LANE_WRITE;
}

static bool of_view(const struct job *j, const void *ctx)
{
    return j->view == ctx && j->lane != LANE_WRITE;
}

static bool reads(const struct job *j, const void *ctx)
{
    (void)ctx;
    return j->lane != LANE_WRITE;
}

static void drop(struct office *o,
                 bool (*which)(const struct job *j, const void *ctx),
                 const void *ctx)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct seat *s = &o->seats[i];
        drop_waiting(s, which, ctx);
        if (s->running && which(s->running, ctx))
            stop_running(s, true);
    }
    for (struct job *j = o->finished; j; j = j->next)
        j->dropped |= which(j, ctx);
}

void office_submit(struct office *o, struct job *j)
{
    struct seat *s = &o->seats[j->lane];
    j->office = o;
    pthread_mutex_lock(&o->lock);
    if (j->lane != LANE_WRITE)
        drop(o, same_slot, j);
    if (s->last)
        s->last->next = j;
    else
        s->first = j;
    s->last = j;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&o->lock);
}

static void forget_writes(struct job *j, const struct view *v)
{
    for (; j; j = j->next)
        if (j->view == v)
            j->view = NULL;
}

void office_forget(struct office *o, const struct view *v)
{
    pthread_mutex_lock(&o->lock);
    drop(o, of_view, v);
    for (unsigned i = 0; i < LANES; i++) {
        forget_writes(o->seats[i].first, v);
        if (o->seats[i].running && o->seats[i].running->view == v)
            o->seats[i].running->view = NULL;
    }
    forget_writes(o->finished, v);
    pthread_mutex_unlock(&o->lock);
}

bool office_stop(struct office *o, const struct view *v)
{
    bool any = false;
    pthread_mutex_lock(&o->lock);
    for (unsigned i = 0; i < LANES; i++) {
        struct seat *s = &o->seats[i];
        if (i == LANE_WRITE)
            continue;
        for (struct job *j = s->first; j; j = j->next)
            if (j->view == v) {
                atomic_store(&j->stop, true);
                any = true;
            }
        if (s->running && s->running->view == v && !job_stopped(s->running)) {
            stop_running(s, false);
            any = true;
        }
    }
    pthread_mutex_unlock(&o->lock);
    return any;
}

/* An answer may close views and so drop finished jobs: one at a time. */
static struct job *take_finished(struct office *o)
{
    pthread_mutex_lock(&o->lock);
    struct job *j = o->finished;
    if (j)
        o->finished = j->next;
    if (!o->finished)
        o->finished_last = NULL;
    pthread_mutex_unlock(&o->lock);
    return j;
}

unsigned office_deliver(struct office *o)
{
    uint64_t n;
    ssize_t got = read(o->fd, &n, sizeof(n));
    (void)got; /* nothing there is no error */
    unsigned count = 0;
    for (struct job *j; (j = take_finished(o)); count++) {
        if (!j->dropped && j->answer)
            j->answer(j);
        job_free(j);
    }
    return count;
}

static unsigned count_view(const struct job *j, const struct view *v)
{
    unsigned n = 0;
    for (; j; j = j->next)
        n += (!v || j->view == v) && !j->dropped;
    return n;
}

unsigned office_busy(struct office *o, const struct view *v)
{
    unsigned n = 0;
    pthread_mutex_lock(&o->lock);
    for (unsigned i = 0; i < LANES; i++) {
        n += count_view(o->seats[i].first, v);
        n += count_view(o->seats[i].running, v);
    }
    n += count_view(o->finished, v);
    pthread_mutex_unlock(&o->lock);
    return n;
}

int office_fd(const struct office *o)
{
    return o->fd;
}

void office_close(struct office *o)
{
    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    o->closing = true;
    drop(o, reads, NULL);
    for (unsigned i = 0; i < LANES; i++)
        pthread_cond_signal(&o->seats[i].wake);
    pthread_mutex_unlock(&o->lock);
    for (unsigned i = 0; i < LANES; i++) {
        struct seat *s = &o->seats[i];
        if (s->started)
            pthread_join(s->thread, NULL);
        pthread_cond_destroy(&s->wake);
    }
    for (struct job *j = o->finished, *next; j; j = next) {
        next = j->next;
        job_free(j);
    }
    pthread_cond_destroy(&o->gate);
    pthread_mutex_destroy(&o->lock);
    pthread_mutex_destroy(&o->shared);
    if (o->fd >= 0)
        close(o->fd);
    free(o);
}
