#include "config.h"

#include "evidence/selftest.h"

#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- what the worker tries ---------------------------------------------- */

/* Raw system calls: what a taken-over worker makes, and no C library that
 * would refuse first. Each returns like the call, -1 and errno. */

static long try_nothing(int fd)
{
    (void)fd;
    return 0;
}
static long try_read(int fd)
{
    char b[64];
    return pread(fd, b, sizeof b, 0) >= 0 ? 0 : -1;
}
static long try_memory(int fd)
{
    (void)fd;
    size_t n = 100 << 20;
    char *p = malloc(n);
    if (p)
        memset(p, 1, n);
    free(p);
    return p ? 0 : -1;
}
static long try_open(int fd)
{
    (void)fd;
    return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
}
static long try_create(int fd)
{
    (void)fd;
    return syscall(SYS_openat, AT_FDCWD, "/tmp/kanshiki-selftest",
                   O_CREAT | O_WRONLY | O_EXCL, 0600);
}
static long try_openat2(int fd)
{
    (void)fd;
    uint64_t how[3] = { O_RDONLY, 0, 0 };
    return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how);
}
static long try_unlink(int fd)
{
    (void)fd;
    return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/kanshiki-selftest", 0);
}
static long try_exec(int fd)
{
    (void)fd;
    char *none[] = { NULL };
    return syscall(SYS_execve, "/bin/true", none, none);
}
static long try_inet(int fd)
{
    (void)fd;
    return syscall(SYS_socket, 2 /* AF_INET */, 1, 0);
}
static long try_unix(int fd)
{
    (void)fd;
    return syscall(SYS_socket, 1 /* AF_UNIX */, 1, 0);
}
static long try_fork(int fd)
{
    (void)fd;
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return pid;
}
static long try_prctl(int fd)
{
    (void)fd;
    return syscall(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
}
static long try_code(int fd)
{
    (void)fd;
    return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static long try_code_later(int fd)
{
    (void)fd;
    long p = syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == -1 ? -1 : syscall(SYS_mprotect, p, 4096, PROT_READ | PROT_EXEC);
}
static long try_uring(int fd)
{
    (void)fd;
    char params[128] = { 0 };
    return syscall(SYS_io_uring_setup, 1, params);
}
static long try_keyboard(int fd)
{
    (void)fd;
    return syscall(SYS_ioctl, 2, TIOCSTI, "x");
}
static long try_signal(int fd)
{
    (void)fd;
    return syscall(SYS_kill, getppid(), 0);
}
static long try_signal_thread(int fd)
{
    (void)fd;
    return syscall(SYS_tgkill, getppid(), getppid(), 0);
}
static long try_ptrace(int fd)
{
    (void)fd;
    return syscall(SYS_ptrace, PTRACE_SEIZE, getppid(), 0, 0);
}
static long try_write(int fd)
{
    return write(fd, "x", 1);
}
static long try_reopen(int fd)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return syscall(SYS_openat, AT_FDCWD, path, O_RDWR, 0);
}
static long try_truncate(int fd)
{
    return syscall(SYS_ftruncate, fd, 0);
}
static long try_too_much(int fd)
{
    (void)fd;
    void *volatile p = malloc((size_t)3 << 30);
    if (!p)
        errno = ENOMEM;
    bool had = p != NULL;
    free(p);
    return had ? 0 : -1;
}
static long deep(volatile char *above)
{
    volatile char here[4096];
    here[0] = above ? *above : 1;
    here[4095] = here[0];
    return here[0] ? deep(here) + here[4095] : 0;
}
static long try_stack(int fd)
{
    (void)fd;
    return deep(NULL);
}
static long try_null(int fd)
{
    volatile char *volatile p = (char *)(uintptr_t)(unsigned)(fd & 0);
    *p = 1;
    return 0;
}
static long try_abort(int fd)
{
    (void)fd;
    abort();
}
static long try_loop(int fd)
{
    (void)fd;
    for (volatile uint64_t n = 0;; n = n + 1)
        ;
    return 0;
}
static long try_big_frame(int fd)
{
    (void)fd;
    unsigned char h[FRAME_HEADER];
    struct frame f = { .type = FRAME_RECORDS,
                       .job = worker_job(),
                       .sequence = 1,
                       .payload = { NULL, FRAME_MAX + 1 } };
    frame_header(h, &f);
    return write(4, h, sizeof h) == sizeof h ? 0 : -1;
}
static long try_other_job(int fd)
{
    (void)fd;
    unsigned char h[FRAME_HEADER];
    struct frame f = { .type = FRAME_DONE,
                       .job = worker_job() + 1,
                       .sequence = 1,
                       .payload = STR_NONE };
    frame_header(h, &f);
    return write(4, h, sizeof h) == sizeof h ? 0 : -1;
}

/* ---- what must come of it ------------------------------------------------ */

enum outcome { WORKS, REFUSED, FORBIDDEN, CRASHES, CUT, CAUGHT };

static const char *const outcome_text[] = {
    [WORKS] = "works",
    [REFUSED] = "refused",
    [FORBIDDEN] = "killed: forbidden system call",
    [CRASHES] = "worker crashes alone",
    [CUT] = "killed: limit",
    [CAUGHT] = "killed: broke the protocol",
};

static const struct attempt {
    const char *name;
    long (*run)(int fd);
    enum outcome expected;
    bool not_relaxed; /* a sanitizer build cannot have it */
} attempts[] = {
    { "answer a request", try_nothing, WORKS, false },
    { "read the evidence", try_read, WORKS, false },
    { "use 100 MiB", try_memory, WORKS, false },
    { "open a file", try_open, FORBIDDEN, false },
    { "create a file", try_create, FORBIDDEN, false },
    { "open a file by openat2", try_openat2, FORBIDDEN, false },
    { "remove a file", try_unlink, FORBIDDEN, false },
    { "execute a program", try_exec, FORBIDDEN, false },
    { "open a network socket", try_inet, FORBIDDEN, false },
    { "open a local socket", try_unix, FORBIDDEN, false },
    { "start a process", try_fork, FORBIDDEN, false },
    { "shed its supervision (prctl)", try_prctl, FORBIDDEN, false },
    { "map writable code", try_code, FORBIDDEN, false },
    { "make memory executable", try_code_later, FORBIDDEN, false },
    { "io_uring", try_uring, FORBIDDEN, false },
    { "type into the terminal", try_keyboard, FORBIDDEN, false },
    { "signal the parent", try_signal, FORBIDDEN, false },
    { "signal another process", try_signal_thread, FORBIDDEN, false },
    { "trace another process", try_ptrace, FORBIDDEN, false },
    { "write to the evidence", try_write, REFUSED, false },
    { "truncate the evidence", try_truncate, FORBIDDEN, false },
    { "open the evidence for writing", try_reopen, FORBIDDEN, false },
    { "use more memory than allowed", try_too_much, REFUSED, true },
    { "endless recursion", try_stack, CRASHES, true },
    { "write to address 0", try_null, CRASHES, true },
    { "abort", try_abort, CRASHES, true },
    { "endless loop", try_loop, CUT, false },
    { "send a frame that is too long", try_big_frame, CAUGHT, false },
    { "answer for another job", try_other_job, CAUGHT, false },
};

enum { ATTEMPTS = sizeof attempts / sizeof *attempts };
_Static_assert((int)ATTEMPTS <= (int)SELFTEST_MAX, "the table is too small");

/* Request: one byte, the index. Answer: 0, or errno. */
static int handle(void *ctx, struct str request, const int *fds, size_t n_fds,
                  struct err *err)
{
    (void)ctx;
    unsigned char i = request.n == 1 ? (unsigned char)request.p[0] : 0xff;
    if (i >= ATTEMPTS || n_fds != 1)
        return err_set(err, ERR_INTERNAL, "no such test");
    errno = 0;
    unsigned char answer =
        attempts[i].run(fds[0]) == -1 ? (unsigned char)errno : 0;
    return worker_emit_str(FRAME_DONE, (struct str){ (char *)&answer, 1 });
}

const struct worker_handler selftest_handler = { .handle = handle };

/* ---- the parent ---------------------------------------------------------- */

struct result {
    bool answered;
    int error; /* errno in the worker */
    struct worker_end end;
    struct fences fences;
};

static void collect(struct worker *w, struct result *r)
{
    for (bool alive = true; alive && !r->answered;) {
        struct pollfd p = { .fd = worker_fd(w), .events = POLLIN };
        poll(&p, 1, 1000);
        alive = worker_fill(w) == WORKER_ALIVE;
        struct frame f;
        while (worker_next_frame(w, &f)) {
            if (f.type != FRAME_DONE || f.payload.n != 1)
                continue;
            r->answered = true;
            r->error = (unsigned char)f.payload.p[0];
        }
        worker_check(w, time_mono_ns());
    }
    r->fences = *worker_fences(w);
    worker_close(w, &r->end);
}

static int attempt(unsigned char i, int fd, struct result *r, struct err *err)
{
    const struct worker_options o = { .kind = WORKER_TEST,
                                      .unsandboxed_ok = true,
                                      .silent_s = 5 };
    *r = (struct result){ .error = 0 };
    struct worker *w = worker_spawn(&o, err);
    if (!w)
        return ERR_INTERNAL;
    int rc =
        worker_send(w, i, (struct str){ (char *)&i, 1 }, &fd, 1, 1 << 20, err);
    if (rc < 0) {
        worker_close(w, NULL);
        return rc;
    }
    collect(w, r);
    return 0;
}

static enum outcome judge(const struct result *r)
{
    if (r->answered)
        return r->error ? REFUSED : WORKS;
    if (r->end.signal == SIGSYS)
        return FORBIDDEN;
    if (r->end.violation)
        return CAUGHT;
    return r->end.signal == SIGKILL ? CUT : CRASHES;
}

/* In a sanitizer build there is no seccomp and no limit of memory to test. */
static bool applies(const struct attempt *a, const struct fences *f)
{
    return !f->relaxed || (!a->not_relaxed && a->expected != FORBIDDEN);
}

static void fill_row(struct selftest *t, const struct attempt *a,
                     const struct result *r)
{
    struct selftest_row *row = &t->rows[t->n++];
    enum outcome got = judge(r);
    row->name = a->name;
    row->expected = outcome_text[a->expected];
    /* Without seccomp the next fence refuses: it holds, more mildly. */
    row->ok =
        got == a->expected || (a->expected == FORBIDDEN && got == REFUSED);
    if (r->answered && r->error)
        snprintf(row->got, sizeof row->got, "refused (%s)", strerror(r->error));
    else if (r->answered)
        snprintf(row->got, sizeof row->got, "works");
    else
        snprintf(row->got, sizeof row->got, "%.90s", r->end.words);
    t->failed += !row->ok;
}

static void describe_level(struct selftest *t)
{
    struct buf b = { .p = NULL };
    uint32_t both = FENCE_LANDLOCK | FENCE_SECCOMP;
    const char *level = "reduced";
    if (t->failed == 0 && (t->worker.got & FENCE_ALL) == FENCE_ALL)
        level = "full";
    else if ((t->worker.got & both) == 0)
        level = "none";
    fences_text(&b, &t->worker);
    snprintf(t->level, sizeof t->level, "protection of workers: %s: %.*s",
             level, (int)b.n, b.p ? b.p : "");
    buf_free(&b);
}

int selftest_run(struct selftest *t, struct err *err)
{
    *t = (struct selftest){ .n = 0 };
    /* Our own binary stands for evidence: it exists, and must not change. */
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, ERR_INTERNAL, "/proc/self/exe");
    int rc = 0;
    for (unsigned char i = 0; i < ATTEMPTS && rc == 0; i++) {
        struct result r;
        rc = attempt(i, fd, &r, err);
        if (rc)
            break;
        if (r.fences.got)
            t->worker = r.fences;
        if (applies(&attempts[i], &t->worker))
            fill_row(t, &attempts[i], &r);
    }
    close(fd);
    if (rc == 0)
        describe_level(t);
    return rc;
}
