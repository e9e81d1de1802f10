#include "tests/tap.h"

#include "evidence/fences.h"
#include "evidence/selftest.h"

#include "tests/evidence/worker_start.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const struct worker_handler worker_test_handlers[WORKER_KINDS];

/* Fences cannot be taken down: each test puts them up in a child. A failed
 * check there is an exit status, whose number is the line. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            printf("# line %d: %s: %s\n", __LINE__, #condition,                \
                   strerror(errno));                                           \
            fflush(stdout);                                                    \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

static void in_child(void (*run)(void))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        run();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x",
                  (unsigned)status);
}

static void check_start(void)
{
    struct fences f;
    struct err err;
    CHECK(fences_start(&f, &err) == 0);
    CHECK(f.got & FENCE_NETWORK);
    CHECK(f.got & FENCE_NO_PRIVS);
    CHECK(f.missing[0] == 0);
    /* Raw calls: the product has no such call to test with. */
    for (int family = 1; family < 18; family++)
        CHECK(syscall(SYS_socket, family, 1, 0) == -1 && errno == EPERM);
    int pair[2];
    CHECK(syscall(SYS_socketpair, 1, SOCK_STREAM, 0, pair) == 0);
    CHECK(syscall(SYS_socketpair, 10, SOCK_STREAM, 0, pair) == -1);
    CHECK(syscall(SYS_io_uring_setup, 1, pair) == -1 && errno == EPERM);
    CHECK(prctl(PR_GET_DUMPABLE) == 0);
    struct rlimit core;
    CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
    CHECK(umask(077) == 077);
    struct sigaction pipe;
    CHECK(sigaction(SIGPIPE, NULL, &pipe) == 0 && pipe.sa_handler == SIG_IGN);
}

START_TEST(the_network_is_given_up)
{
    in_child(check_start);
}
END_TEST

static void check_closed(void)
{
    struct fences f;
    struct err err;
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    if (fences_start(&f, &err))
        _exit(2);
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            _exit(3);
    if (open("/dev/null", O_RDONLY) < 3)
        _exit(4);
}

START_TEST(closed_standard_descriptors_are_filled)
{
    in_child(check_closed);
}
END_TEST

static void path_in(char path[300], const char *name)
{
    snprintf(path, 300, "%s/%s", tap_dir(), name);
}

static int create(const char *name)
{
    char path[300];
    path_in(path, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void check_write_only(void)
{
    struct fences f;
    struct err err;
    char evidence[300], mine[300], other[300], file[300];
    path_in(evidence, "evidence");
    path_in(mine, "mine");
    path_in(file, "file");
    CHECK(mkdir(evidence, 0700) == 0 && mkdir(mine, 0700) == 0);
    CHECK(create("evidence/a") == 0 && create("file") == 0);
    const char *allowed[] = { mine, file };
    CHECK(fences_start(&f, &err) == 0);
    const char *missing[] = { mine, "/no/such/folder" };
    CHECK(fences_write_only(missing, 2, &f, &err) == ERR_WRITE);
    CHECK(fences_write_only(allowed, 2, &f, &err) == 0);
    if (!(f.got & FENCE_WRITING)) {
        printf("# no Landlock here: %s\n", f.missing);
        return;
    }
    path_in(other, "evidence/a");
    CHECK(open(other, O_RDONLY) >= 0);
    CHECK(open(other, O_RDWR) == -1 && errno == EACCES);
    CHECK(f.abi < 3 || (truncate(other, 0) == -1 && errno == EACCES));
    CHECK(unlink(other) == -1);
    CHECK(create("evidence/b") == -1);
    CHECK(mkdir(other, 0700) == -1);
    CHECK(create("mine/b") == 0);
    CHECK(open(file, O_RDWR | O_TRUNC) >= 0);
    CHECK(open("/dev/null", O_WRONLY) >= 0);
    path_in(other, "mine/c");
    CHECK(mkdir(other, 0700) == 0);
    path_in(file, "mine/b");
    path_in(other, "mine/c/d");
    CHECK(rename(file, other) == 0);
    path_in(file, "evidence/d");
    CHECK(rename(other, file) == -1);
}

START_TEST(writing_is_confined)
{
    in_child(check_write_only);
}
END_TEST

static void check_workers_inside(void)
{
    static struct selftest t;
    struct fences f;
    struct err err;
    char mine[300];
    const char *allowed[] = { mine };
    path_in(mine, "inside");
    CHECK(mkdir(mine, 0700) == 0);
    CHECK(fences_start(&f, &err) == 0);
    CHECK(fences_write_only(allowed, 1, &f, &err) == 0);
    CHECK(selftest_run(&t, &err) == 0);
    CHECK(t.failed == 0 || t.worker.relaxed);
    CHECK(t.worker.got & FENCE_LANDLOCK);
}

START_TEST(workers_start_within_the_fences)
{
    in_child(check_workers_inside);
}
END_TEST

/* ---- a kernel that lacks fences ------------------------------------------ */

/* Answers like a kernel without Landlock (and without seccomp()). */
static void lack(bool seccomp_too)
{
    enum { FIRST = 444, LAST = 446 };
    const unsigned call = offsetof(struct seccomp_data, nr);
    const unsigned denied = seccomp_too ? SYS_seccomp : 0xffff;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, call),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog p = { sizeof code / sizeof *code, code };
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0);
}

static void check_refusal(void)
{
    const struct worker_options o = { .kind = WORKER_TEST };
    struct worker_end end;
    struct err err;
    struct frame f;
    struct worker *w = worker_spawn(&o, &err);
    CHECK(w != NULL);
    struct pollfd p = { .fd = worker_pidfd(w), .events = POLLIN };
    CHECK(poll(&p, 1, 5000) == 1);
    while (worker_fill(w) == WORKER_ALIVE)
        ;
    CHECK(!worker_next_frame(w, &f));
    worker_close(w, &end);
    CHECK(strstr(end.words, "refused to work") != NULL);
    CHECK(strstr(end.words, "Landlock") != NULL);
    CHECK(!end.clean);
}

static void check_without_landlock(void)
{
    static struct selftest t;
    struct fences f;
    struct err err;
    const char *paths[] = { "/tmp" };
    lack(false);
    CHECK(fences_start(&f, &err) == 0);
    CHECK(fences_write_only(paths, 1, &f, &err) == 0);
    CHECK(!(f.got & FENCE_WRITING));
    CHECK(strstr(f.missing, "writing confined") != NULL);
    CHECK(selftest_run(&t, &err) == 0);
    printf("# %s\n", t.level);
    fflush(stdout);
    CHECK(t.failed == 0 || t.worker.relaxed);
    CHECK(!(t.worker.got & FENCE_LANDLOCK) && t.worker.abi == 0);
    CHECK(strstr(t.level, "full") == NULL);
    CHECK(strstr(t.level, "Landlock: Function not implemented") != NULL);
    check_refusal();
}

START_TEST(without_landlock_it_is_told)
{
    in_child(check_without_landlock);
}
END_TEST

static void check_without_both(void)
{
    static struct selftest t;
    struct fences f;
    struct err err;
    lack(true);
    CHECK(fences_start(&f, &err) == 0);
    CHECK(!(f.got & FENCE_NETWORK));
    CHECK(strstr(f.missing, "no network") != NULL);
    CHECK(selftest_run(&t, &err) == 0);
    printf("# %s\n", t.level);
    fflush(stdout);
    CHECK(t.failed > 0 || t.worker.relaxed);
    CHECK(strstr(t.level, "workers: none") != NULL);
    CHECK(strstr(t.level, "seccomp") != NULL);
    check_refusal();
}

START_TEST(without_both_it_is_told_and_refused)
{
    in_child(check_without_both);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("fences");
    tap_case(s, "network", the_network_is_given_up);
    tap_case(s, "standard", closed_standard_descriptors_are_filled);
    tap_case(s, "writing", writing_is_confined);
    tap_case(s, "inside", workers_start_within_the_fences);
    tap_case(s, "no Landlock", without_landlock_it_is_told);
    tap_case(s, "neither", without_both_it_is_told_and_refused);
    return s;
}
