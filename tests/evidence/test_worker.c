#include "tests/tap.h"

#include "base/time.h"
#include "base/varint.h"
#include "evidence/fences.h"
#include "evidence/worker.h"

#include "tests/evidence/worker_start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* ---- in the worker: what the tests ask for --------------------------------
 */

static int do_echo(struct str arg, const int *fds, size_t n, struct err *err)
{
    char byte = 0;
    (void)err;
    for (size_t i = 0; i < n; i++)
        if (pread(fds[i], &byte, 1, 0) != 1)
            return err_set(err, ERR_EVIDENCE, "descriptor %zu", i);
    unsigned char count[8];
    put_u64le(count, n);
    struct iovec v[3] = { { (void *)(uintptr_t)arg.p, arg.n },
                          { count, n ? 8 : 0 },
                          { &byte, n ? 1 : 0 } };
    return worker_emit(FRAME_DATA, 5, v, 3);
}

static int do_pid(struct str arg, const int *fds, size_t n, struct err *err)
{
    unsigned char p[8];
    (void)arg, (void)fds, (void)n, (void)err;
    put_u64le(p, (uint64_t)getpid());
    return worker_emit_str(FRAME_DATA, (struct str){ (char *)p, 8 });
}

static int do_crash(struct str arg, const int *fds, size_t n, struct err *err)
{
    (void)arg, (void)fds, (void)n, (void)err;
    *(volatile int *)(uintptr_t)n = 1;
    return 0;
}

static int do_hang(struct str arg, const int *fds, size_t n, struct err *err)
{
    (void)arg, (void)fds, (void)n, (void)err;
    return poll(NULL, 0, -1);
}

static int do_spin(struct str arg, const int *fds, size_t n, struct err *err)
{
    (void)arg, (void)fds, (void)n, (void)err;
    for (volatile uint64_t i = 0;; i = i + 1)
        if (i % 1000000 == 0 && worker_progress(i))
            return ERR_WRITE;
}

/* As an importer does that runs out of memory. */
static int do_memory(struct str arg, const int *fds, size_t n, struct err *err)
{
    struct arena a = { .head = NULL };
    (void)arg, (void)fds, (void)n;
    while (arena_alloc(&a, 1 << 20))
        ;
    return err_set(err, ERR_INTERNAL, "out of memory");
}

static int do_flood(struct str arg, const int *fds, size_t n, struct err *err)
{
    static char megabyte[FRAME_MAX];
    (void)arg, (void)fds, (void)n, (void)err;
    for (;;)
        if (worker_emit_str(FRAME_RECORDS,
                            (struct str){ megabyte, sizeof megabyte }))
            return ERR_WRITE;
}

static int do_leave(struct str arg, const int *fds, size_t n, struct err *err)
{
    (void)arg, (void)fds, (void)n, (void)err;
    _exit(0);
}

static int do_reopen(struct str arg, const int *fds, size_t n, struct err *err)
{
    char path[256];
    (void)fds, (void)n;
    snprintf(path, sizeof path, "%.*s", STR_ARG(arg));
    int fd = open(path, O_RDONLY);
    int other = open("/etc/passwd", O_RDONLY);
    if (fd < 0 || (other >= 0 && worker_kind() != WORKER_READER))
        return err_set(err, ERR_EVIDENCE, "own %d other %d", fd, other);
    size_t files;
    (void)worker_files(&files);
    int rc = worker_seal(err);
    if (rc == 0)
        rc = files == 1 && worker_seal(err) == 0 ? 0 : ERR_INTERNAL;
    return rc ? rc : do_echo(arg, &fd, 1, err);
}

static int do_late_open(struct str arg, const int *fds, size_t n,
                        struct err *err)
{
    int rc = do_reopen(arg, fds, n, err);
    if (rc == 0)
        (void)!open("/dev/null", O_RDONLY);
    return rc;
}

static int do_two_ends(struct str arg, const int *fds, size_t n,
                       struct err *err)
{
    (void)arg, (void)fds, (void)n, (void)err;
    int a = worker_emit_str(FRAME_DONE, STR("first"));
    int b = worker_emit_str(FRAME_DONE, STR("second"));
    return a == 0 && b != 0 ? 0 : ERR_INTERNAL;
}

static const struct {
    const char *name;
    int (*run)(struct str arg, const int *fds, size_t n, struct err *err);
} commands[] = {
    { "echo ", do_echo },     { "pid", do_pid },
    { "crash", do_crash },    { "hang", do_hang },
    { "spin", do_spin },      { "memory", do_memory },
    { "flood", do_flood },    { "leave", do_leave },
    { "reopen ", do_reopen }, { "late ", do_late_open },
    { "ends", do_two_ends },
};

static int handle(void *ctx, struct str request, const int *fds, size_t n,
                  struct err *err)
{
    (void)ctx;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct str name = str_from(commands[i].name);
        if (str_starts(request, name))
            return commands[i].run(str_sub(request, name.n, request.n), fds, n,
                                   err);
    }
    return err_set(err, ERR_USAGE, "unknown command");
}

static const struct worker_handler worker_test_handlers[WORKER_KINDS] = {
    [WORKER_LOG] = { .handle = handle },
    [WORKER_IMAGE] = { .handle = handle },
};

/* ---- in the parent --------------------------------------------------------
 */

static bool sanitized(void)
{
    return getenv("SANITIZERS") != NULL;
}

static struct worker *spawn(const struct worker_options *o)
{
    struct err err = { .code = 0 };
    struct worker *w = worker_spawn(o, &err);
    ck_assert_msg(w != NULL, "%s", err.what);
    return w;
}

static struct worker *spawn_log(void)
{
    return spawn(&(struct worker_options){ .kind = WORKER_LOG });
}

static int send_to(struct worker *w, uint64_t job, const char *request,
                   const int *fds, size_t n)
{
    struct err err = { .code = 0 };
    int rc = worker_send(w, job, str_from(request), fds, n, 64 << 20, &err);
    ck_assert_msg(rc >= 0, "%s", err.what);
    return rc;
}

/* Waits for the next frame; false when the worker is gone. */
static bool next(struct worker *w, struct frame *f)
{
    for (;;) {
        if (worker_next_frame(w, f))
            return true;
        struct pollfd p = { .fd = worker_fd(w), .events = POLLIN };
        poll(&p, 1, 100);
        worker_check(w, time_mono_ns());
        if (worker_fill(w) == WORKER_GONE)
            return worker_next_frame(w, f);
    }
}

static struct worker_end end_of(struct worker *w)
{
    struct frame f;
    struct worker_end end;
    while (next(w, &f))
        ;
    worker_close(w, &end);
    return end;
}

START_TEST(requests_are_answered_in_order)
{
    struct frame f;
    struct worker *w = spawn_log();
    for (uint64_t job = 1; job <= 20; job++)
        ck_assert_int_eq(send_to(w, job, "echo hello", NULL, 0), WORKER_SENT);
    for (uint64_t job = 1; job <= 20; job++) {
        ck_assert(next(w, &f));
        ck_assert_uint_eq(f.type, FRAME_DATA);
        ck_assert_uint_eq(f.flags, 5);
        ck_assert_uint_eq(f.job, job);
        ck_assert(str_eq(f.payload, STR("hello")));
        ck_assert(next(w, &f));
        ck_assert_uint_eq(f.type, FRAME_DONE);
        ck_assert_uint_eq(worker_ended_jobs(w), job);
    }
    ck_assert_uint_eq(worker_open_jobs(w), 0);
    struct worker_end end;
    worker_close(w, &end);
    ck_assert_msg(end.clean && !end.busy, "%s", end.words);
}
END_TEST

START_TEST(it_obtains_all_fences_or_says_what_is_missing)
{
    struct frame f;
    struct worker *w = spawn_log();
    send_to(w, 1, "echo x", NULL, 0);
    ck_assert(next(w, &f));
    const struct fences *got = worker_fences(w);
    uint32_t all = FENCE_ALL & ~(sanitized() ? FENCE_SECCOMP : 0u);
    ck_assert_uint_eq(got->got & all, all);
    ck_assert(got->missing[0] == 0 || sanitized());
    worker_close(w, NULL);
}
END_TEST

static int open_readable(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(descriptors_arrive_many_at_once)
{
    enum { MANY = 700 };
    static int fds[MANY];
    static const size_t counts[] = { 1, 239, 240, 241, MANY };
    struct frame f;
    int one = open_readable();
    for (size_t i = 0; i < MANY; i++)
        fds[i] = one;
    /* The worker's own limit is the parent's 512 and what files it was
     * given. */
    const struct worker_options o = { .kind = WORKER_IMAGE,
                                      .files = fds,
                                      .n_files = MANY };
    struct worker *w = spawn(&o);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        ck_assert_int_eq(send_to(w, i, "unknown", fds, counts[i]), WORKER_SENT);
        ck_assert(next(w, &f));
        ck_assert_uint_eq(f.type, FRAME_ERROR);
        ck_assert_uint_eq(f.job, i);
    }
    worker_close(w, NULL);
    w = spawn_log();
    ck_assert_int_eq(send_to(w, 1, "echo ", fds, 300), WORKER_SENT);
    ck_assert(next(w, &f));
    ck_assert_uint_eq(f.payload.n, 9);
    ck_assert_uint_eq(u64le(f.payload.p), 300);
    ck_assert_int_eq(f.payload.p[8], 0x7f); /* ELF */
    worker_close(w, NULL);
    close(one);
}
END_TEST

START_TEST(a_writable_descriptor_is_never_sent)
{
    struct err err;
    struct worker *w = spawn_log();
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_lt(worker_send(w, 1, STR("echo "), &fd, 1, 100, &err), 0);
    ck_assert_uint_eq(worker_open_jobs(w), 0);
    close(fd);
    worker_close(w, NULL);
}
END_TEST

START_TEST(the_queue_fills_and_never_blocks)
{
    struct frame f;
    struct worker *w = spawn_log();
    unsigned n = 0;
    while (send_to(w, n, "echo 1", NULL, 0) == WORKER_SENT)
        n++;
    ck_assert_uint_gt(n, 4);
    for (unsigned i = 0; i < 2 * n; i++)
        ck_assert(next(w, &f));
    ck_assert_uint_eq(worker_open_jobs(w), 0);
    worker_close(w, NULL);
}
END_TEST

START_TEST(errors_come_back_as_errors)
{
    struct frame f;
    struct err err;
    struct worker *w = spawn_log();
    send_to(w, 1, "nonsense", NULL, 0);
    ck_assert(next(w, &f));
    ck_assert_uint_eq(f.type, FRAME_ERROR);
    ck_assert_int_eq(worker_error(&f, &err), ERR_USAGE);
    ck_assert_str_eq(err.what, "unknown command");
    send_to(w, 2, "ends", NULL, 0);
    ck_assert(next(w, &f));
    ck_assert(str_eq(f.payload, STR("first")));
    send_to(w, 3, "echo still here", NULL, 0);
    ck_assert(next(w, &f));
    ck_assert_uint_eq(f.type, FRAME_DATA);
    worker_close(w, NULL);
}
END_TEST

START_TEST(out_of_memory_is_a_clean_error)
{
    struct frame f;
    struct err err;
    if (sanitized())
        return;
    struct worker *w = spawn(
        &(struct worker_options){ .kind = WORKER_LOG, .memory = 256 << 20 });
    send_to(w, 1, "memory", NULL, 0);
    ck_assert(next(w, &f));
    ck_assert_uint_eq(f.type, FRAME_ERROR);
    ck_assert_int_eq(worker_error(&f, &err), ERR_INTERNAL);
    ck_assert_str_eq(err.what, "out of memory");
    worker_close(w, NULL);
}
END_TEST

START_TEST(a_crash_is_named_with_its_job)
{
    struct worker *w = spawn_log();
    send_to(w, 1, "echo fine", NULL, 0);
    send_to(w, 2, "crash", NULL, 0);
    send_to(w, 3, "echo never", NULL, 0);
    struct worker_end end = end_of(w);
    ck_assert(end.busy && !end.clean);
    ck_assert_uint_eq(end.job, 2);
    if (sanitized())
        return;
    ck_assert_int_eq(end.signal, SIGSEGV);
    ck_assert(end.reproducible && !end.violation);
    ck_assert_str_eq(end.words, "crashed (segmentation fault)");
}
END_TEST

START_TEST(silence_is_ended)
{
    struct worker *w =
        spawn(&(struct worker_options){ .kind = WORKER_LOG, .silent_s = 1 });
    send_to(w, 9, "hang", NULL, 0);
    struct worker_end end = end_of(w);
    ck_assert(end.busy && !end.reproducible);
    ck_assert_uint_eq(end.job, 9);
    ck_assert_str_eq(end.words, "killed: no progress for 1 s");
}
END_TEST

START_TEST(idle_workers_are_left_alone)
{
    struct frame f;
    struct worker *w =
        spawn(&(struct worker_options){ .kind = WORKER_LOG, .silent_s = 1 });
    send_to(w, 1, "echo", NULL, 0);
    ck_assert(next(w, &f));
    usleep(1200 * 1000);
    ck_assert_int_eq(worker_check(w, time_mono_ns()), WORKER_ALIVE);
    worker_close(w, NULL);
}
END_TEST

START_TEST(a_job_has_so_much_cpu_time_and_no_more)
{
    struct worker *w =
        spawn(&(struct worker_options){ .kind = WORKER_LOG, .job_cpu_s = 1 });
    send_to(w, 9, "spin", NULL, 0);
    struct worker_end end = end_of(w);
    ck_assert_str_eq(end.words, "killed: over 1 s of CPU time");
    ck_assert(!end.reproducible);
}
END_TEST

START_TEST(a_flood_ends_at_the_budget)
{
    struct worker *w = spawn_log();
    send_to(w, 1, "flood", NULL, 0);
    struct worker_end end = end_of(w);
    ck_assert(end.violation);
    ck_assert_ptr_nonnull(strstr(end.words, "rule 6"));
}
END_TEST

START_TEST(leaving_in_the_middle_is_noticed)
{
    struct worker *w = spawn_log();
    send_to(w, 1, "leave", NULL, 0);
    struct worker_end end = end_of(w);
    ck_assert(end.busy && !end.clean);
    ck_assert_str_eq(end.words, "ended without finishing its work");
}
END_TEST

START_TEST(a_busy_worker_is_stopped_at_once)
{
    struct worker *w = spawn_log();
    send_to(w, 1, "hang", NULL, 0);
    int64_t from = time_mono_ns();
    struct worker_end end;
    worker_close(w, &end);
    ck_assert_int_lt(time_mono_ns() - from, 1000 * 1000 * 1000);
    ck_assert_str_eq(end.words, "stopped");
    worker_close(NULL, &end);
}
END_TEST

static void write_file(char *path, size_t room)
{
    snprintf(path, room, "%s/image.E01", tap_dir());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq((int)write(fd, "E", 1), 1);
    close(fd);
}

START_TEST(step_one_opens_only_the_given_files)
{
    struct frame f;
    char path[200], request[220];
    write_file(path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const struct worker_options o = { .kind = WORKER_IMAGE,
                                      .files = &fd,
                                      .n_files = 1 };
    struct worker *w = spawn(&o);
    snprintf(request, sizeof request, "reopen %s", path);
    send_to(w, 1, request, NULL, 0);
    ck_assert(next(w, &f));
    if (f.type == FRAME_ERROR) {
        struct err err;
        worker_error(&f, &err);
        ck_abort_msg("%s", err.what);
    }
    ck_assert_uint_eq(f.type, FRAME_SEALED);
    ck_assert(!(worker_fences(w)->got & FENCE_OPENING));
    ck_assert(worker_fences(w)->got & FENCE_LANDLOCK);
    ck_assert(next(w, &f));
    ck_assert_uint_eq(f.type, FRAME_DATA);
    ck_assert_int_eq(f.payload.p[f.payload.n - 1], 'E');
    worker_close(w, NULL);
    close(fd);
}
END_TEST

START_TEST(step_two_opens_nothing)
{
    char path[200], request[220];
    write_file(path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const struct worker_options o = { .kind = WORKER_IMAGE,
                                      .files = &fd,
                                      .n_files = 1 };
    struct worker *w = spawn(&o);
    snprintf(request, sizeof request, "late %s", path);
    send_to(w, 1, request, NULL, 0);
    if (sanitized()) { /* no seccomp there: Landlock alone says no */
        struct frame f;
        ck_assert(next(w, &f));
        worker_close(w, NULL);
    } else {
        struct worker_end end = end_of(w);
        ck_assert_str_eq(end.words, "used a forbidden system call");
    }
    close(fd);
}
END_TEST

/* In a process of its own: starts a worker, tells its number, and waits. */
static void be_a_parent(int tell)
{
    struct err err;
    struct frame f;
    const struct worker_options o = { .kind = WORKER_LOG };
    struct worker *w = worker_spawn(&o, &err);
    if (!w || worker_send(w, 1, STR("pid"), NULL, 0, 100, &err) ||
        !next(w, &f) || write(tell, f.payload.p, 8) != 8 ||
        worker_send(w, 2, STR("hang"), NULL, 0, 100, &err))
        _exit(1);
    for (;;)
        pause();
}

START_TEST(a_worker_dies_with_its_parent)
{
    int tell[2];
    unsigned char number[8];
    /* The orphan becomes our child, so that its end is seen. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    ck_assert_int_eq(pipe2(tell, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0)
        be_a_parent(tell[1]);
    close(tell[1]);
    ck_assert_int_eq((int)read(tell[0], number, 8), 8);
    close(tell[0]);
    pid_t worker = (pid_t)u64le(number);
    kill(parent, SIGKILL);
    ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
    int status = 0;
    pid_t gone = 0;
    for (int i = 0; i < 100 && gone != worker; i++) {
        usleep(10 * 1000);
        gone = waitpid(worker, &status, WNOHANG);
    }
    ck_assert_int_eq(gone, worker);
    /* killed by the signal of the parent's death, or gone by itself because
     * its socket closed first: either way within the second */
    ck_assert(WIFEXITED(status) ||
              (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}
END_TEST

START_TEST(a_stranger_cannot_start_a_worker)
{
    char *wrong[] = { (char *)"kanshiki-worker",
                      (char *)"log",
                      (char *)"1",
                      (char *)"63",
                      (char *)"0",
                      (char *)"1000000",
                      NULL };
    ck_assert(worker_is(6, wrong));
    ck_assert(!worker_is(5, wrong));
    wrong[0] = (char *)"kanshiki";
    ck_assert(!worker_is(6, wrong));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("worker");
    tap_case(s, "order", requests_are_answered_in_order);
    tap_case(s, "fences", it_obtains_all_fences_or_says_what_is_missing);
    tap_case(s, "descriptors", descriptors_arrive_many_at_once);
    tap_case(s, "writable", a_writable_descriptor_is_never_sent);
    tap_case(s, "queue", the_queue_fills_and_never_blocks);
    tap_case(s, "errors", errors_come_back_as_errors);
    tap_case(s, "memory", out_of_memory_is_a_clean_error);
    tap_case(s, "crash", a_crash_is_named_with_its_job);
    tap_case(s, "silence", silence_is_ended);
    tap_case(s, "idle", idle_workers_are_left_alone);
    tap_case(s, "cpu", a_job_has_so_much_cpu_time_and_no_more);
    tap_case(s, "flood", a_flood_ends_at_the_budget);
    tap_case(s, "leaving", leaving_in_the_middle_is_noticed);
    tap_case(s, "stop", a_busy_worker_is_stopped_at_once);
    tap_case(s, "step one", step_one_opens_only_the_given_files);
    tap_case(s, "step two", step_two_opens_nothing);
    tap_case(s, "orphan", a_worker_dies_with_its_parent);
    tap_case(s, "name", a_stranger_cannot_start_a_worker);
    return s;
}
