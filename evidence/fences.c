#include "evidence/fences.h"

#include "evidence/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* With a standard descriptor closed the next file opened would take its
 * place, and a message would be written into the case. */
static int open_standard_fds(struct err *err)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return err_errno(err, ERR_INTERNAL, "/dev/null");
    return 0;
}

/* io_uring makes socket calls that no filter sees. */
static const int network[] = {
    SCMP_SYS(socket),         SCMP_SYS(connect), SCMP_SYS(bind),
    SCMP_SYS(listen),         SCMP_SYS(accept),  SCMP_SYS(accept4),
    SCMP_SYS(io_uring_setup),
};

static int fill_filter(scmp_filter_ctx ctx)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof network / sizeof *network && rc == 0; i++)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), network[i], 0);
    /* A pair within the process is how workers are reached. */
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socketpair),
                              1, SCMP_A0(SCMP_CMP_NE, AF_UNIX));
    return rc;
}

static void deny_network(struct fences *f)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int rc = ctx ? fill_filter(ctx) : -EOPNOTSUPP;
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    if (rc == 0)
        f->got |= FENCE_NETWORK;
    else
        fences_missing(f, "no network: %s", strerror(-rc));
}

int fences_start(struct fences *f, struct err *err)
{
    *f = (struct fences){ .got = 0 };
    if (getauxval(AT_SECURE))
        return err_set(err, ERR_USAGE, "does not run set-uid or set-gid");
    int rc = open_standard_fds(err);
    if (rc)
        return rc;
    umask(077);
    struct rlimit none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0))
        fences_missing(f, "no core dumps: %s", strerror(errno));
    (void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN },
                    NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        f->got |= FENCE_NO_PRIVS;
    deny_network(f);
    return 0;
}

/* ---- writing ------------------------------------------------------------ */

enum {
    ON_FILE = LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE,
    IN_FOLDER = ON_FILE | LANDLOCK_REMOVE_DIR | LANDLOCK_REMOVE_FILE |
                LANDLOCK_MAKE | LANDLOCK_REFER,
};

static int allow_path(int ruleset, int abi, const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return -1;
    int rc = fstat(fd, &st);
    if (rc == 0)
        rc = landlock_allow(ruleset, fd,
                            (S_ISDIR(st.st_mode) ? IN_FOLDER : ON_FILE) &
                                landlock_known(abi));
    int saved = errno;
    close(fd);
    errno = saved;
    return rc;
}

int fences_write_only(const char *const *paths, size_t n, struct fences *f,
                      struct err *err)
{
    int abi = landlock_abi();
    int ruleset = abi ? landlock_open(abi, IN_FOLDER, false) : -1;
    if (ruleset < 0) {
        fences_missing(f, "writing confined: %s", strerror(errno));
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (allow_path(ruleset, abi, paths[i]) == 0)
            continue;
        int rc = err_errno(err, ERR_WRITE, "%s", paths[i]);
        close(ruleset);
        return rc;
    }
    /* Where there is no terminal there is nothing to allow. */
    (void)allow_path(ruleset, abi, "/dev/null");
    (void)allow_path(ruleset, abi, "/dev/tty");
    if (landlock_enforce(ruleset)) {
        fences_missing(f, "writing confined: %s", strerror(errno));
        return 0;
    }
    f->abi = abi;
    f->got |= FENCE_WRITING;
    return 0;
}
