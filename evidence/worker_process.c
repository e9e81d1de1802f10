/* The worker's side: seal, take requests, answer with frames. Until the seal
 * only our own code runs here and no byte of evidence is read. */
#include "config.h"

#include "evidence/worker.h"

#include "base/time.h"
#include "base/varint.h"
#include "evidence/reader.h"
#include "evidence/request.h"
#include "evidence/selftest.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PARTS_MAX = 16, OTHER_FDS = 512, STACK = 8 << 20 };

static const int64_t PROGRESS_NS = 100 * 1000 * 1000;

/* A worker is one process with one pipe and one job at a time; importers call
 * worker_emit from deep below the handler. Nothing else in the program keeps
 * state like this. */
static struct worker_self {
    enum worker_kind kind;
    uint32_t need;
    struct fences fences;
    uint64_t job, sequence;
    bool ended; /* the job's DONE or ERROR is out */
    int64_t told;
    size_t n_files, n_fds;
    int files[REQUEST_FDS_ALL], fds[REQUEST_FDS_ALL];
    char request[REQUEST_HEADER + WORKER_REQUEST_MAX];
} worker_self;

static const struct {
    const char *name;
    unsigned cpu_s;
} kinds[WORKER_KINDS] = {
    /* The parent looks at each job's time; this is the end of all patience. */
    [WORKER_LOG] = { "log", 4 * 3600 },
    [WORKER_IMAGE] = { "image", 7 * 24 * 3600 },
    [WORKER_READER] = { "reader", 24 * 3600 },
    [WORKER_TEST] = { "test", 1 },
};

/* ---- answers ------------------------------------------------------------ */

static int write_all(struct iovec *v, size_t n)
{
    while (n) {
        ssize_t done = writev(WORKER_OUT, v, (int)n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return ERR_WRITE;
        size_t left = (size_t)done;
        for (; n && left >= v->iov_len; v++, n--)
            left -= v->iov_len;
        if (n) {
            v->iov_base = (char *)v->iov_base + left;
            v->iov_len -= left;
        }
    }
    return 0;
}

int worker_emit(unsigned type, unsigned flags, const struct iovec *parts,
                size_t n)
{
    struct worker_self *w = &worker_self;
    struct iovec v[PARTS_MAX + 1];
    unsigned char h[FRAME_HEADER];
    size_t length = 0;
    if (n > PARTS_MAX || w->ended)
        return ERR_INTERNAL;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].iov_len > frame_cap(type) - length)
            return ERR_INTERNAL;
        length += parts[i].iov_len;
        v[i + 1] = parts[i];
    }
    frame_header(h, &(struct frame){ .type = (uint8_t)type,
                                     .flags = (uint16_t)flags,
                                     .job = w->job,
                                     .sequence = w->sequence++,
                                     .payload = { NULL, length } });
    v[0] = (struct iovec){ h, sizeof h };
    w->ended = type == FRAME_DONE || type == FRAME_ERROR;
    return write_all(v, n + 1);
}

int worker_emit_str(unsigned type, struct str payload)
{
    struct iovec part = { (void *)(uintptr_t)payload.p, payload.n };
    return worker_emit(type, 0, &part, 1);
}

int worker_progress(uint64_t done)
{
    int64_t now = time_mono_ns();
    if (worker_self.job == 0) /* no worker, or nothing asked of it */
        return 0;
    if (now - worker_self.told < PROGRESS_NS)
        return 0;
    worker_self.told = now;
    unsigned char p[8];
    put_u64le(p, done);
    return worker_emit_str(FRAME_PROGRESS, (struct str){ (char *)p, 8 });
}

uint64_t worker_job(void)
{
    return worker_self.job;
}

enum worker_kind worker_kind(void)
{
    return worker_self.kind;
}

const int *worker_files(size_t *n)
{
    *n = worker_self.n_files;
    return worker_self.files;
}

void worker_keep_fds(void)
{
    worker_self.n_fds = 0;
}

static int emit_fences(unsigned type)
{
    const struct fences *f = &worker_self.fences;
    unsigned char p[9];
    put_u32le(p, f->got);
    put_u32le(p + 4, (uint32_t)f->abi);
    p[8] = f->relaxed;
    struct iovec parts[2] = {
        { p, sizeof p },
        { (void *)(uintptr_t)f->missing, strlen(f->missing) },
    };
    return worker_emit(type, 0, parts, 2);
}

static void emit_error(const struct err *err, int code)
{
    unsigned char p[4];
    put_u32le(p, (uint32_t)code);
    struct iovec parts[2] = {
        { p, sizeof p },
        { (void *)(uintptr_t)err->what, strlen(err->what) },
    };
    (void)!worker_emit(FRAME_ERROR, 0, parts, 2);
}

/* ---- requests ----------------------------------------------------------- */

/* Takes the descriptors of a message; false when some were lost. */
static bool take_fds(struct msghdr *m, int *fds, size_t *n)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            return false;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (count > REQUEST_FDS_ALL - *n)
            return false;
        memcpy(fds + *n, CMSG_DATA(c), count * sizeof(int));
        *n += count;
    }
    return !(m->msg_flags & (MSG_CTRUNC | MSG_TRUNC));
}

enum received { RECEIVED, RECEIVED_END, RECEIVED_BAD };

/* One whole request into worker_self.request, its descriptors into fds. */
static enum received receive(int *fds, size_t *n_fds, struct str *payload)
{
    struct worker_self *w = &worker_self;
    uint32_t flags = REQUEST_MORE;
    *n_fds = 0;
    while (flags & REQUEST_MORE) {
        union {
            char bytes[CMSG_SPACE(REQUEST_FDS * sizeof(int))];
            struct cmsghdr align;
        } control;
        struct iovec v = { w->request, sizeof w->request };
        struct msghdr m = { .msg_iov = &v,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control };
        ssize_t n = recvmsg(WORKER_IN, &m, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? RECEIVED_END : RECEIVED_BAD;
        if (!take_fds(&m, fds, n_fds) || n < REQUEST_HEADER ||
            u32le(w->request) != REQUEST_MAGIC)
            return RECEIVED_BAD;
        flags = u32le(w->request + 4);
        w->job = u64le(w->request + 8);
        *payload = (struct str){ w->request + REQUEST_HEADER,
                                 (size_t)n - REQUEST_HEADER };
    }
    return RECEIVED;
}

int worker_want(uint64_t i, struct err *err)
{
    unsigned char p[8], h[REQUEST_HEADER];
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec v = { h, sizeof h };
    struct msghdr m = { .msg_iov = &v,
                        .msg_iovlen = 1,
                        .msg_control = control.bytes,
                        .msg_controllen = sizeof control };
    int fd = -1;
    ssize_t n;
    put_u64le(p, i);
    if (worker_emit_str(FRAME_WANT, (struct str){ (char *)p, sizeof p })) {
        err_set(err, ERR_WRITE, "the parent is gone");
        return -1;
    }
    do
        n = recvmsg(WORKER_IN, &m, 0);
    while (n < 0 && errno == EINTR);
    if (n != REQUEST_HEADER || u32le(h) != REQUEST_MAGIC ||
        u32le(h + 4) != REQUEST_FILE || u64le(h + 8) != i)
        _exit(WORKER_EXIT_REQUEST);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_type == SCM_RIGHTS && fd < 0)
            memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (fd < 0)
        err_set(err, ERR_EVIDENCE, "a file of the set cannot be opened");
    return fd;
}

static void answer(const struct worker_handler *h, struct str request)
{
    struct worker_self *w = &worker_self;
    struct err err = { .code = 0 };
    w->ended = false;
    w->told = time_mono_ns();
    int rc = h->handle(h->ctx, request, w->fds, w->n_fds, &err);
    if (!w->ended && rc == 0)
        (void)!worker_emit(FRAME_DONE, 0, NULL, 0);
    else if (!w->ended)
        emit_error(&err, rc);
    for (size_t i = 0; i < w->n_fds; i++)
        close(w->fds[i]);
}

static int serve(const struct worker_handler *h)
{
    for (;;) {
        struct str request;
        switch (receive(worker_self.fds, &worker_self.n_fds, &request)) {
        case RECEIVED:
            answer(h, request);
            break;
        case RECEIVED_END:
            return WORKER_EXIT_DONE;
        case RECEIVED_BAD:
            return WORKER_EXIT_REQUEST;
        }
    }
}

/* ---- sealing ------------------------------------------------------------ */

static uint32_t lacking(void)
{
    const struct fences *f = &worker_self.fences;
    uint32_t need = worker_self.need;
    if (f->relaxed)
        need &= ~(uint32_t)FENCE_SECCOMP;
    return need & ~f->got;
}

int worker_seal(struct err *err)
{
    struct worker_self *w = &worker_self;
    if (!(w->fences.got & FENCE_OPENING))
        return 0;
    sandbox_seal_again(&w->fences);
    if (lacking())
        _exit(WORKER_EXIT_UNSEALED);
    if (emit_fences(FRAME_SEALED))
        return err_set(err, ERR_WRITE, "the parent is gone");
    return 0;
}

/* Everything the parent's threads may have left behind. */
static void reset_process(void)
{
    struct fences *f = &worker_self.fences;
    sigset_t none;
    /* SIGPIPE is ignored in the parent and would stay so. */
    for (int s = 1; s < NSIG; s++)
        if (s != SIGKILL && s != SIGSTOP)
            (void)sigaction(s, &(struct sigaction){ .sa_handler = SIG_DFL },
                            NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_NAME, "kanshiki-worker");
    prctl(PR_SET_DUMPABLE, 0);
    if (syscall(SYS_close_range, WORKER_FIRST_FREE, ~0u, 0))
        for (int fd = WORKER_FIRST_FREE; fd < 65536; fd++)
            close(fd);
    f->got |= FENCE_FDS;
}

/* False when the parent ended before we were bound to it. */
static bool bind_to_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
        worker_self.fences.got |= FENCE_DEATH;
    return getppid() == parent;
}

static uint64_t number(const char *text)
{
    uint64_t v = 0;
    return str_u64(str_from(text), &v) ? v : 0;
}

static bool receive_files(size_t n)
{
    struct str nothing;
    if (n == 0)
        return true;
    return n <= REQUEST_FDS_ALL &&
           receive(worker_self.files, &worker_self.n_files, &nothing) ==
               RECEIVED &&
           worker_self.n_files == n;
}

static void seal(uint64_t memory, bool two_step)
{
    struct worker_self *w = &worker_self;
    struct sandbox_limits l = {
        .memory = memory,
        .stack = STACK,
        .cpu_s = kinds[w->kind].cpu_s,
        /* Each file once from us and once opened by its library. */
        .files = (unsigned)(OTHER_FDS + 2 * w->n_files),
    };
    sandbox_limit(&l, &w->fences);
    if (two_step)
        sandbox_seal_files(w->files, w->n_files, &w->fences);
    else
        sandbox_seal(&w->fences);
}

bool worker_is(int argc, char **argv)
{
    return argc == 6 && str_eq(str_from(argv[0]), STR("kanshiki-worker"));
}

static const struct worker_handler *
find_handler(const struct worker_handler handlers[WORKER_KINDS])
{
    switch (worker_self.kind) {
    case WORKER_READER:
        return handlers[WORKER_READER].handle ? &handlers[WORKER_READER]
                                              : &reader_handler;
    case WORKER_TEST:
        return handlers[WORKER_TEST].handle ? &handlers[WORKER_TEST]
                                            : &selftest_handler;
    default:
        return &handlers[worker_self.kind];
    }
}

int worker_main(int argc, char **argv,
                const struct worker_handler handlers[WORKER_KINDS])
{
    struct worker_self *w = &worker_self;
    unsigned kind = 0;
    if (!worker_is(argc, argv))
        return WORKER_EXIT_REQUEST;
    while (kind < WORKER_KINDS &&
           !str_eq(str_from(argv[1]), str_from(kinds[kind].name)))
        kind++;
    if (kind == WORKER_KINDS)
        return WORKER_EXIT_REQUEST;
    w->kind = (enum worker_kind)kind;
    w->need = (uint32_t)number(argv[3]);
    if (!bind_to_parent((pid_t)number(argv[2])))
        return WORKER_EXIT_ORPHAN;
    reset_process();
    const struct worker_handler *h = find_handler(handlers);
    sandbox_warm_up();
    if (h->warm_up)
        h->warm_up();
    size_t n_files = (size_t)number(argv[4]);
    if (!h->handle || !receive_files(n_files))
        return WORKER_EXIT_REQUEST;
    seal(number(argv[5]), n_files > 0);
    w->job = 0;
    if (emit_fences(FRAME_HELLO))
        return WORKER_EXIT_PIPE;
    return lacking() ? WORKER_EXIT_UNSEALED : serve(h);
}
