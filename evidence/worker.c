/* The parent's side of a worker: start, feed, supervise, end. */
#include "evidence/worker.h"

#include "base/text.h"
#include "base/time.h"
#include "base/varint.h"
#include "evidence/request.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PIPE_SIZE = 1 << 20,
    LEAVE_MS = 1000, /* an idle worker that was asked to leave */
    SAFE_FD = 10,    /* above the fixed descriptors of the worker */
};

static const int64_t SECOND = 1000 * 1000 * 1000;

struct worker {
    enum worker_kind kind;
    pid_t pid;
    int pidfd;
    int requests; /* our end of the socket */
    int results;  /* our end of the pipe */
    clockid_t cpu;
    bool has_cpu;
    bool eof;
    bool killed; /* by us */
    bool violation;
    bool reproducible;
    char why[200]; /* of the kill */
    struct frames frames;
    struct fences fences;
    uint64_t ended;
    int64_t silent_ns, job_cpu_ns; /* limits, 0 = none */
    int64_t heard;                 /* monotonic, last sign of life */
    uint64_t cpu_job;              /* number of the job cpu_from belongs to */
    int64_t cpu_from;
    int (*supply)(void *ctx, uint64_t file);
    void *supply_ctx;
};

static const struct {
    const char *name;
    uint64_t memory;
    unsigned silent_s, job_cpu_s;
} kinds[WORKER_KINDS] = {
    [WORKER_LOG] = { "log", 1ull << 30, 30, 300 },
    [WORKER_IMAGE] = { "image", 2ull << 30, 30, 0 },
    [WORKER_READER] = { "reader", 2ull << 30, 30, 0 },
    [WORKER_TEST] = { "test", 1ull << 30, 30, 0 },
};

/* ---- start -------------------------------------------------------------- */

/* What a child between vfork and exec needs; it shares our memory, so it only
 * makes system calls. */
struct launch {
    int exe, requests, results, null;
    char *const *argv;
    char *const *envp;
};

static void start_child(const struct launch *l)
{
    bool ok = dup2(l->null, 0) == 0 && dup2(l->null, 1) == 1;
    ok = ok && dup2(l->null, 2) == 2;
    ok = ok && dup2(l->requests, WORKER_IN) == WORKER_IN &&
         dup2(l->results, WORKER_OUT) == WORKER_OUT;
    /* Whatever else is open, from whomever, ends at exec. Old kernels: our
     * own descriptors are all O_CLOEXEC, the worker closes the rest. */
    syscall(SYS_close_range, WORKER_FIRST_FREE, ~0u, 4 /* CLOEXEC */);
    if (ok)
        syscall(SYS_execveat, l->exe, "", l->argv, l->envp, AT_EMPTY_PATH);
    _exit(127);
}

/* vfork: no copy of our page tables (the open case may be gigabytes). Signals
 * are blocked meanwhile, a handler would run in our memory. */
static pid_t launch(const struct launch *l)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = vfork();
    if (pid == 0)
        start_child(l);
    int saved = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return pid;
}

/* Moves a descriptor out of the way of the worker's fixed numbers. */
static int lift(int fd)
{
    if (fd < 0 || fd >= SAFE_FD)
        return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, SAFE_FD);
    close(fd);
    return high;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int open_channels(struct worker *w, struct launch *l, struct err *err)
{
    int s[2], p[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s))
        return err_errno(err, ERR_INTERNAL, "socket to a worker");
    w->requests = lift(s[0]);
    l->requests = lift(s[1]);
    if (pipe2(p, O_CLOEXEC))
        return err_errno(err, ERR_INTERNAL, "pipe from a worker");
    w->results = lift(p[0]);
    l->results = lift(p[1]);
    l->exe = lift(open("/proc/self/exe", O_PATH | O_CLOEXEC));
    l->null = lift(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (w->requests < 0 || l->requests < 0 || w->results < 0 ||
        l->results < 0 || l->exe < 0 || l->null < 0)
        return err_errno(err, ERR_INTERNAL, "start a worker");
    /* More in the pipe, fewer changes of process; less is no error. */
    (void)fcntl(w->results, F_SETPIPE_SZ, PIPE_SIZE);
    if (fcntl(w->results, F_SETFL, O_NONBLOCK))
        return err_errno(err, ERR_INTERNAL, "pipe from a worker");
    return 0;
}

static int start(struct worker *w, struct launch *l,
                 const struct worker_options *o, struct err *err)
{
    char parent[16], need[16], files[16], memory[24];
    uint64_t bytes = o->memory ? o->memory : kinds[o->kind].memory;
    snprintf(parent, sizeof parent, "%d", (int)getpid());
    snprintf(need, sizeof need, "%u", o->unsandboxed_ok ? 0 : FENCE_ALL);
    snprintf(files, sizeof files, "%zu", o->n_files);
    snprintf(memory, sizeof memory, "%llu", (unsigned long long)bytes);
    char *argv[] = { (char *)"kanshiki-worker",
                     (char *)(uintptr_t)kinds[o->kind].name,
                     parent,
                     need,
                     files,
                     memory,
                     NULL };
    /* Nothing of the user's environment steers a parser. The leak search of
     * a sanitizer build would need to start a thread. */
    char *envp[] = { (char *)"LC_ALL=C", (char *)"TZ=UTC0",
                     (char *)"ASAN_OPTIONS=detect_leaks=0", NULL };
    l->argv = argv;
    l->envp = envp;
    w->pid = launch(l);
    if (w->pid < 0)
        return err_errno(err, ERR_INTERNAL, "start a worker");
    /* Not reaped yet, so the number is still its own. */
    w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
    w->has_cpu = clock_getcpuclockid(w->pid, &w->cpu) == 0;
    w->heard = time_mono_ns();
    return 0;
}

static int send_message(int fd, const unsigned char h[REQUEST_HEADER],
                        struct str payload, const int *fds, size_t n)
{
    union {
        char bytes[CMSG_SPACE(REQUEST_FDS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov[2] = {
        { (void *)(uintptr_t)h, REQUEST_HEADER },
        { (void *)(uintptr_t)payload.p, payload.n },
    };
    struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
    if (n) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *c = &control.align;
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

/* Once descriptors of a request are on their way the rest must follow; the
 * worker takes them at once, since it is not answering anything yet or will
 * come to it. */
static int send_waiting(int fd, const unsigned char h[REQUEST_HEADER],
                        struct str payload, const int *fds, size_t n)
{
    int rc;
    while ((rc = send_message(fd, h, payload, fds, n)) && errno == EAGAIN) {
        struct pollfd p = { .fd = fd, .events = POLLOUT };
        if (poll(&p, 1, LEAVE_MS * 5) <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
    return rc;
}

static void request_header(unsigned char h[REQUEST_HEADER], uint32_t flags,
                           uint64_t job)
{
    put_u32le(h, REQUEST_MAGIC);
    put_u32le(h + 4, flags);
    put_u64le(h + 8, job);
}

/* All but the last REQUEST_FDS descriptors; moves *fds and *n on. */
static int send_most_fds(struct worker *w, const int **fds, size_t *n)
{
    unsigned char h[REQUEST_HEADER];
    request_header(h, REQUEST_MORE, 0);
    for (; *n > REQUEST_FDS; *fds += REQUEST_FDS, *n -= REQUEST_FDS)
        if (send_waiting(w->requests, h, STR_NONE, *fds, REQUEST_FDS))
            return -1;
    return 0;
}

/* The files of step 1, which the worker takes before it seals itself. */
static int send_files(struct worker *w, const struct worker_options *o,
                      struct err *err)
{
    const int *fds = o->files;
    size_t n = o->n_files;
    unsigned char h[REQUEST_HEADER];
    request_header(h, 0, 0);
    if (n && (send_most_fds(w, &fds, &n) ||
              send_waiting(w->requests, h, STR_NONE, fds, n)))
        return err_errno(err, ERR_INTERNAL, "send files to a worker");
    return 0;
}

/* A worker never gets a descriptor that it could write to. */
static int check_read_only(const int *fds, size_t n, struct err *err)
{
    if (n > REQUEST_FDS_ALL)
        return err_set(err, ERR_USAGE, "%zu files for one worker", n);
    for (size_t i = 0; i < n; i++) {
        int flags = fcntl(fds[i], F_GETFL);
        if (flags < 0)
            return err_errno(err, ERR_INTERNAL, "descriptor of evidence");
        if ((flags & O_ACCMODE) != O_RDONLY)
            return err_set(err, ERR_INTERNAL,
                           "evidence is not opened read-only");
    }
    return 0;
}

struct worker *worker_spawn(const struct worker_options *o, struct err *err)
{
    struct launch l = { -1, -1, -1, -1, NULL, NULL };
    struct worker *w = calloc(1, sizeof *w);
    int rc = w ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    if (!w)
        return NULL;
    w->kind = o->kind;
    w->pidfd = w->requests = w->results = -1;
    w->reproducible = true;
    w->silent_ns =
        SECOND * (o->silent_s ? o->silent_s : kinds[o->kind].silent_s);
    w->job_cpu_ns =
        SECOND * (o->job_cpu_s ? o->job_cpu_s : kinds[o->kind].job_cpu_s);
    rc = check_read_only(o->files, o->n_files, err);
    if (rc == 0)
        rc = frames_open(&w->frames, o->n_files > 0, err);
    if (rc == 0)
        rc = open_channels(w, &l, err);
    if (rc == 0)
        rc = start(w, &l, o, err);
    close_fd(&l.requests);
    close_fd(&l.results);
    close_fd(&l.exe);
    close_fd(&l.null);
    if (rc == 0)
        rc = send_files(w, o, err);
    if (rc == 0)
        return w;
    worker_close(w, NULL);
    return NULL;
}

/* ---- requests and frames ------------------------------------------------ */

int worker_fd(const struct worker *w)
{
    return w->results;
}

int worker_pidfd(const struct worker *w)
{
    return w->pidfd;
}

unsigned worker_open_jobs(const struct worker *w)
{
    return w->frames.open;
}

uint64_t worker_oldest_job(const struct worker *w)
{
    return w->frames.open ? w->frames.queue[w->frames.first].job : 0;
}

uint64_t worker_ended_jobs(const struct worker *w)
{
    return w->ended;
}

const struct fences *worker_fences(const struct worker *w)
{
    return &w->fences;
}

int worker_send(struct worker *w, uint64_t job, struct str request,
                const int *fds, size_t n_fds, uint64_t max_bytes,
                struct err *err)
{
    unsigned char h[REQUEST_HEADER];
    request_header(h, 0, job);
    if (request.n > WORKER_REQUEST_MAX)
        return err_set(err, ERR_INTERNAL, "request of %zu bytes", request.n);
    int rc = check_read_only(fds, n_fds, err);
    if (rc)
        return rc;
    if (w->frames.open == FRAME_QUEUE)
        return WORKER_FULL;
    /* Many descriptors only to an idle worker: it must not be waiting for us
     * to read while we wait for it. */
    if (n_fds > REQUEST_FDS && w->frames.open > 0)
        return WORKER_FULL;
    if (send_most_fds(w, &fds, &n_fds))
        return err_errno(err, ERR_INTERNAL, "request to a worker");
    if (send_message(w->requests, h, request, fds, n_fds)) {
        /* ETOOMANYREFS: too many descriptors on their way, for all workers
         * of this user. */
        if (errno == EAGAIN || errno == ETOOMANYREFS)
            return WORKER_FULL;
        /* It has ended; that shows when its results are read. */
        if (errno != EPIPE && errno != ECONNRESET)
            return err_errno(err, ERR_INTERNAL, "request to a worker");
    }
    if (w->frames.open == 0)
        w->heard = time_mono_ns();
    frames_expect(&w->frames, job, max_bytes);
    return WORKER_SENT;
}

void worker_kill(struct worker *w, const char *why)
{
    if (w->killed || w->pid <= 0)
        return;
    w->killed = true;
    snprintf(w->why, sizeof(w->why), "%s", why);
    if (w->pidfd < 0 ||
        syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0))
        kill(w->pid, SIGKILL); /* not reaped yet: the number is its own */
}

enum worker_state worker_fill(struct worker *w)
{
    if (w->eof || w->frames.rule)
        return WORKER_GONE;
    size_t room;
    void *p = frames_space(&w->frames, &room);
    ssize_t n = read(w->results, p, room);
    if (n > 0)
        frames_fed(&w->frames, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        w->eof = true;
    return w->eof ? WORKER_GONE : WORKER_ALIVE;
}

/* HELLO and SEALED carry: got u32, abi u32, relaxed u8, text. */
static void take_fences(struct worker *w, struct str payload)
{
    struct cursor c = cursor_of(payload.p, payload.n);
    struct fences f = { .got = cursor_u32(&c) };
    f.abi = (int32_t)cursor_u32(&c);
    f.relaxed = cursor_u8(&c);
    struct str why = cursor_str(&c, cursor_left(&c));
    if (why.n >= sizeof f.missing)
        why.n = sizeof f.missing - 1;
    memcpy(f.missing, why.p ? why.p : "", why.n);
    w->fences = f;
}

void worker_supply(struct worker *w, int (*open)(void *ctx, uint64_t file),
                   void *ctx)
{
    w->supply = open;
    w->supply_ctx = ctx;
}

int worker_memory(struct str bytes, struct err *err)
{
    char self[40];
    int fd = memfd_create("kanshiki", MFD_CLOEXEC), read_only = -1;
    bool ok = fd >= 0;
    for (size_t at = 0; ok && at < bytes.n;) {
        ssize_t n = write(fd, bytes.p + at, bytes.n - at);
        ok = n > 0 || (n < 0 && errno == EINTR);
        at += n > 0 ? (size_t)n : 0;
    }
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (ok)
        read_only = open(self, O_RDONLY | O_CLOEXEC);
    if (read_only < 0)
        err_errno(err, ERR_INTERNAL, "memory for a worker");
    if (fd >= 0)
        close(fd);
    return read_only;
}

/* The worker waits for nothing else, so the message always fits. */
static void supply(struct worker *w, const struct frame *f)
{
    unsigned char h[REQUEST_HEADER];
    bool whole = f->payload.n == 8;
    uint64_t file = whole ? u64le(f->payload.p) : UINT64_MAX;
    int fd = w->supply && whole ? w->supply(w->supply_ctx, file) : -1;
    if (fd >= 0 && check_read_only(&fd, 1, NULL))
        close_fd(&fd);
    request_header(h, REQUEST_FILE, file);
    if (send_message(w->requests, h, STR_NONE, &fd, fd >= 0) &&
        errno != EPIPE && errno != ECONNRESET)
        worker_kill(w, "a file could not be sent to it");
    close_fd(&fd);
}

bool worker_next_frame(struct worker *w, struct frame *f)
{
    while (frames_next(&w->frames, f)) {
        w->heard = time_mono_ns();
        if (f->type == FRAME_HELLO || f->type == FRAME_SEALED)
            take_fences(w, f->payload);
        if (f->type == FRAME_DONE || f->type == FRAME_ERROR)
            w->ended++;
        if (f->type == FRAME_WANT)
            supply(w, f);
        else if (f->type != FRAME_HELLO)
            return true;
    }
    if (w->frames.rule && !w->violation) {
        char why[160];
        snprintf(why, sizeof why, "killed: broke the protocol, %s",
                 w->frames.broken);
        w->violation = true;
        worker_kill(w, why);
    }
    return false;
}

int worker_error(const struct frame *f, struct err *err)
{
    struct cursor c = cursor_of(f->payload.p, f->payload.n);
    int code = (int32_t)cursor_u32(&c);
    struct str text = cursor_str(&c, cursor_left(&c));
    if (code >= 0 || code < ERR_STOPPED)
        code = ERR_EVIDENCE;
    return err_set(err, code, "%s", text_line(text));
}

/* ---- supervision -------------------------------------------------------- */

/* Results that we have not taken yet are our delay, not its silence. */
static bool has_unread(const struct worker *w)
{
    int n = 0;
    return ioctl(w->results, FIONREAD, &n) == 0 && n > 0;
}

static void check_cpu(struct worker *w)
{
    struct timespec t;
    if (!w->has_cpu || clock_gettime(w->cpu, &t))
        return;
    int64_t used = t.tv_sec * SECOND + t.tv_nsec;
    if (w->cpu_job != w->ended + 1) {
        w->cpu_job = w->ended + 1;
        w->cpu_from = used;
    }
    if (w->job_cpu_ns && used - w->cpu_from > w->job_cpu_ns) {
        char why[80];
        snprintf(why, sizeof why, "killed: over %lld s of CPU time",
                 (long long)(w->job_cpu_ns / SECOND));
        w->reproducible = false;
        worker_kill(w, why);
    }
}

enum worker_state worker_check(struct worker *w, int64_t now)
{
    if (w->killed || w->eof)
        return WORKER_GONE;
    bool starting = !w->frames.greeted;
    if (!starting && w->frames.open == 0)
        return WORKER_ALIVE;
    check_cpu(w);
    if (has_unread(w))
        w->heard = now;
    if (!w->killed && w->silent_ns && now - w->heard > w->silent_ns) {
        char why[80];
        snprintf(why, sizeof why, "killed: no progress for %lld s",
                 (long long)(w->silent_ns / SECOND));
        w->reproducible = false;
        worker_kill(w, why);
    }
    return w->killed ? WORKER_GONE : WORKER_ALIVE;
}

/* ---- end ---------------------------------------------------------------- */

static const struct {
    int signal;
    const char *words;
    bool violation, reproducible;
} signals[] = {
    { SIGSYS, "used a forbidden system call", true, true },
    { SIGSEGV, "crashed (segmentation fault)", false, true },
    { SIGBUS, "crashed (bus error)", false, true },
    { SIGABRT, "crashed (aborted: memory corruption or a failed check)", false,
      true },
    { SIGFPE, "crashed (division by zero)", false, true },
    { SIGILL, "crashed (illegal instruction)", false, true },
    { SIGTRAP, "crashed (trap)", false, true },
    { SIGPIPE, "ended: nobody reads its results", false, false },
    { SIGXFSZ, "tried to make a file grow", true, true },
    { SIGKILL, "killed: out of memory or CPU limit", false, false },
};

static void end_by_signal(struct worker_end *e, int signal)
{
    e->signal = signal;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (signals[i].signal != signal)
            continue;
        e->violation = signals[i].violation;
        e->reproducible = signals[i].reproducible;
        snprintf(e->words, sizeof e->words, "%s", signals[i].words);
        return;
    }
    snprintf(e->words, sizeof e->words, "killed by signal %d", signal);
}

static void end_by_exit(const struct worker *w, struct worker_end *e, int code)
{
    const char *words = "ended without finishing its work";
    e->reproducible = true;
    if (code == WORKER_EXIT_UNSEALED) {
        snprintf(e->words, sizeof e->words,
                 "refused to work: this system lacks fences (%s)",
                 w->fences.missing);
        e->reproducible = false;
        return;
    }
    if (code == WORKER_EXIT_DONE && !e->busy) {
        words = "ended";
        e->clean = true;
    } else if (code == 127 && !w->frames.greeted) {
        words = "could not be started";
        e->reproducible = false;
    } else if (code == WORKER_EXIT_REQUEST) {
        words = "could not read its request (too few descriptors?)";
        e->reproducible = false;
    }
    snprintf(e->words, sizeof e->words, "%s", words);
}

/* Waits for the process to end; false when it does not within ms. */
static bool wait_end(const struct worker *w, int ms)
{
    struct pollfd p = { .fd = w->pidfd, .events = POLLIN };
    if (w->pidfd >= 0)
        return poll(&p, 1, ms) > 0;
    /* No pidfd (before Linux 5.3): its end of the pipe closes. */
    p.fd = w->results;
    p.events = 0;
    return poll(&p, 1, ms) > 0;
}

static void reap(struct worker *w, struct worker_end *e)
{
    siginfo_t info = { 0 };
    int rc;
    do
        rc = waitid(P_PID, (id_t)w->pid, &info, WEXITED);
    while (rc && errno == EINTR);
    if (w->killed) {
        snprintf(e->words, sizeof e->words, "%s", w->why);
        e->signal = SIGKILL;
        e->violation = w->violation;
        e->reproducible = w->reproducible;
    } else if (info.si_code == CLD_EXITED) {
        end_by_exit(w, e, info.si_status);
    } else {
        end_by_signal(e, info.si_status);
    }
}

void worker_close(struct worker *w, struct worker_end *end)
{
    struct worker_end ours;
    if (!w)
        return;
    if (!end)
        end = &ours;
    *end = (struct worker_end){ .busy = w->frames.open > 0,
                                .job = worker_oldest_job(w),
                                .reproducible = true };
    close_fd(&w->requests);
    if (w->pid > 0) {
        /* One that is gone already says itself why; a kill would hide it. */
        bool gone = w->eof ? wait_end(w, LEAVE_MS) : wait_end(w, 0);
        if (!gone && (end->busy || !wait_end(w, LEAVE_MS)))
            worker_kill(w, "stopped");
        reap(w, end);
    }
    close_fd(&w->results);
    close_fd(&w->pidfd);
    frames_close(&w->frames);
    free(w);
}
