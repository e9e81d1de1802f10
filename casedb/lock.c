#include "casedb/lock.h"

#include "base/text.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 512, TRIES = 100 };

static const char first_line[] = "kanshiki case lock\n";

static int try_lock(int fd, short type)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_SETLK, &l);
}

/* ---- the text ------------------------------------------------------------ */

/* Start of this process in clock ticks since boot: with the pid it names one
 * process, so that a left-over text with a reused pid is not taken for us. */
static uint64_t own_start(void)
{
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    char *p = strrchr(text, ')'); /* the name before it may hold anything */
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

static void own_host(char *out, size_t n)
{
    if (gethostname(out, n) != 0)
        out[0] = 0;
    out[n - 1] = 0;
}

static void write_text(int fd, bool exclusive)
{
    char host[128], now[TIME_TEXT_MAX], text[TEXT_MAX];
    own_host(host, sizeof(host));
    now[time_format(now, time_now(), 0, 0)] = 0;
    int n =
        snprintf(text, sizeof(text),
                 "%spid %ld\nhost %s\nsince %s\nmode %s\nstart %llu\n",
                 first_line, (long)getpid(), host, now,
                 exclusive ? "write" : "read", (unsigned long long)own_start());
    /* For people: a lock without its text still locks. */
    if (n > 0 && ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) != n)
        (void)!ftruncate(fd, 0);
}

/* Value of a line "key value"; empty when absent. */
static struct str field(struct str text, const char *key)
{
    size_t n = strlen(key);
    while (text.n > 0) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t line = lf ? (size_t)(lf - text.p) : text.n;
        if (line > n && memcmp(text.p, key, n) == 0 && text.p[n] == ' ')
            return str_sub(text, n + 1, line - n - 1);
        text = str_sub(text, line + 1, text.n);
    }
    return STR_NONE;
}

static bool is_us(struct str text)
{
    char host[128];
    uint64_t pid = 0, start = 0;
    own_host(host, sizeof(host));
    return str_u64(field(text, "pid"), &pid) && pid == (uint64_t)getpid() &&
           str_u64(field(text, "start"), &start) && start == own_start() &&
           str_eq(field(text, "host"), str_from(host)) &&
           str_eq(field(text, "mode"), STR("write"));
}

static struct str read_text(int fd, char *p, size_t n)
{
    ssize_t got = pread(fd, p, n, 0);
    return (struct str){ p, got > 0 ? (size_t)got : 0 };
}

static int held(int fd, const char *shown, struct err *err)
{
    char p[TEXT_MAX];
    struct str text = read_text(fd, p, sizeof(p));
    struct str pid = field(text, "pid"), host = field(text, "host");
    if (pid.n == 0)
        err_set(err, ERR_CASE, "%s: in use by another process",
                text_line(str_from(shown)));
    else
        err_set(err, ERR_CASE, "%s: in use by process %s on %s (%s, since %s)",
                text_line(str_from(shown)), text_line(pid), text_line(host),
                str_eq(field(text, "mode"), STR("write")) ? "writing"
                                                          : "reading",
                text_line(field(text, "since")));
    err_hint(err, "End that program first, or wait for it. One process at a "
                  "time works on a case.");
    return ERR_CASE;
}

/* ---- the file ------------------------------------------------------------ */

/* A symbolic link, a device or a hard link at the name is nobody's lock. */
static int check_file(int fd, const char *shown, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(err, ERR_CASE, "%s.lock", text_line(str_from(shown)));
    if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
        return err_set(err, ERR_CASE, "%s.lock: not a plain file",
                       text_line(str_from(shown)));
    /* A text that is not ours must not be written over. */
    char p[TEXT_MAX];
    struct str text = read_text(fd, p, sizeof(p));
    if (text.n > 0 && !str_starts(text, str_from(first_line)))
        return err_set(err, ERR_CASE, "%s.lock: not a lock file of ours",
                       text_line(str_from(shown)));
    return 0;
}

/* The file at the name is still the one that was locked: a holder that ended
 * removes it, and a lock on a removed file locks nobody out. */
static bool still_there(const char *path, int fd)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static int open_file(const char *path, bool exclusive)
{
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags | O_RDWR | O_CREAT, 0600);
    if (fd < 0 && !exclusive &&
        (errno == EACCES || errno == EROFS || errno == EPERM))
        fd = open(path, flags | O_RDONLY);
    return fd;
}

/* 0 and *fd locked; 1 = the file went away meanwhile, try again. */
static int take_once(const char *path, const char *shown, bool exclusive,
                     int *out_fd, enum lock_result *out, struct err *err)
{
    int fd = open_file(path, exclusive);
    if (fd < 0 && !exclusive &&
        (errno == ENOENT || errno == EROFS || errno == EACCES)) {
        *out = LOCK_NONE;
        return 0;
    }
    if (fd < 0)
        return err_errno(err, errno == ENOSPC ? ERR_WRITE : ERR_CASE, "%s.lock",
                         text_line(str_from(shown)));
    int r = check_file(fd, shown, err);
    if (r == 0 && try_lock(fd, exclusive ? F_WRLCK : F_RDLCK) != 0) {
        char p[TEXT_MAX];
        if (!exclusive && is_us(read_text(fd, p, sizeof(p))))
            *out = LOCK_OWN;
        else
            r = held(fd, shown, err);
        close(fd);
        return r;
    }
    if (r == 0 && !still_there(path, fd))
        r = 1;
    if (r) {
        close(fd);
        return r;
    }
    write_text(fd, exclusive);
    *out_fd = fd;
    *out = LOCK_TAKEN;
    return 0;
}

int lock_take(const char *path, const char *shown, bool exclusive, int *fd,
              enum lock_result *out, struct err *err)
{
    *fd = -1;
    int r = 1;
    for (int i = 0; i < TRIES && r == 1; i++)
        r = take_once(path, shown, exclusive, fd, out, err);
    if (r == 1)
        return err_set(err, ERR_CASE, "%s.lock: changes all the time",
                       text_line(str_from(shown)));
    return r;
}

bool lock_alone(int fd)
{
    return fd >= 0 && try_lock(fd, F_WRLCK) == 0;
}

void lock_release(const char *path, int fd)
{
    if (fd < 0)
        return;
    /* Only while nobody else can hold it; see still_there. */
    if (lock_alone(fd) && still_there(path, fd))
        unlink(path);
    close(fd);
}
