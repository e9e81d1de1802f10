/*
 * play.c - process 1 of the guest that fills the root volume: does what the
 * list says, each step with the clock at the story's time, says what the kernel
 * knows of every name, and is killed without an unmount.
 *
 * The list (/ops) has a step a line, fields between tabs, %HH escapes:
 *
 *   t SEC NSEC               set the clock
 *   d MODE UID GID PATH      make a folder
 *   f MODE UID GID PATH N    make a file, content of /content/N
 *   a PATH N                 append
 *   o PATH OFF N             write in place
 *   l PATH TARGET            symbolic link        h OLD NEW  hard link
 *   m OLD NEW                rename               u PATH     remove
 *   x PATH NAME HEX          extended attribute   n MODE PATH DEV  node
 *   c PATH MODE              chmod                k PATH     keep open
 *   z                        freeze and thaw: all is in its place and the log
 *                            empty; say what the kernel knows
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <linux/stat.h>

#define ROOT "/r"
#define PAGE 4096

static int out, root = -1, kept = -1;

static void load_modules(void)
{
    static const char *const order[] = { "virtio_ring",
                                         "virtio",
                                         "virtio_pci_legacy_dev",
                                         "virtio_pci_modern_dev",
                                         "virtio_pci",
                                         "virtio_blk",
                                         "libcrc32c",
                                         "xfs" };
    char path[128];

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        snprintf(path, sizeof path, "/lib/modules/%s.ko", order[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
            printf("module %s: %s\n", order[i], strerror(errno));
        close(fd);
    }
}

/* ---- the kernel's account ------------------------------------------------ */

static void put(const char *s, size_t n)
{
    for (; n; n--, s++) {
        unsigned char c = (unsigned char)*s;
        if (c <= ' ' || c == '%' || c >= 0x7f)
            dprintf(out, "%%%02X", c);
        else
            dprintf(out, "%c", c);
    }
}

static void put_sum(const char *path)
{
    int fd[2];
    char sum[64] = "?";

    if (pipe(fd) < 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(open(path, O_RDONLY), 0);
        dup2(fd[1], 1);
        execl("/bin/busybox", "busybox", "sha256sum", (char *)NULL);
        _exit(127);
    }
    close(fd[1]);
    ssize_t n = read(fd[0], sum, sizeof sum);
    close(fd[0]);
    waitpid(pid, NULL, 0);
    dprintf(out, "\t%.*s", (int)n, sum);
}

/* Of the file itself, not of a link; /proc/self/fd/N is followed. */
static void put_attributes(const char *path, int flags)
{
    char names[1024], value[1024], sep = '\t';
    ssize_t n = flags ? llistxattr(path, names, sizeof names)
                      : listxattr(path, names, sizeof names);

    for (char *p = names; n > 0 && p < names + n; p += strlen(p) + 1) {
        ssize_t v = flags ? lgetxattr(path, p, value, sizeof value)
                          : getxattr(path, p, value, sizeof value);
        dprintf(out, "%c%s=", sep, p);
        put(value, v > 0 ? (size_t)v : 0);
        sep = ' ';
    }
    dprintf(out, sep == '\t' ? "\t-\n" : "\n");
}

static void put_time(const struct statx_timestamp *t)
{
    dprintf(out, "\t%lld.%09u", (long long)t->tv_sec, t->tv_nsec);
}

static void tell(const char *path, const char *name, int flags)
{
    struct statx s;
    char target[PAGE];

    if (syscall(SYS_statx, AT_FDCWD, path, flags, STATX_ALL, &s) < 0)
        return;
    put(name, strlen(name));
    dprintf(out, "\t%llu\t%o\t%u\t%u\t%u\t%llu", (unsigned long long)s.stx_ino,
            s.stx_mode, s.stx_uid, s.stx_gid, s.stx_nlink,
            (unsigned long long)s.stx_size);
    put_time(&s.stx_mtime);
    put_time(&s.stx_atime);
    put_time(&s.stx_ctime);
    put_time(&s.stx_btime);
    if (S_ISREG(s.stx_mode)) {
        put_sum(path);
    } else if (S_ISLNK(s.stx_mode)) {
        ssize_t n = readlink(path, target, sizeof target);
        dprintf(out, "\t");
        put(target, n > 0 ? (size_t)n : 0);
    } else if (S_ISCHR(s.stx_mode) || S_ISBLK(s.stx_mode)) {
        dprintf(out, "\t%u:%u", s.stx_rdev_major, s.stx_rdev_minor);
    } else {
        dprintf(out, "\t-");
    }
    put_attributes(path, flags);
}

static void tell_all(const char *path, int depth)
{
    DIR *d = opendir(path);
    struct dirent *e;
    char *below = malloc(PAGE);

    while (d && below && (e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        snprintf(below, PAGE, "%s/%s", path, e->d_name);
        tell(below, below + strlen(ROOT), AT_SYMLINK_NOFOLLOW);
        if (e->d_type == DT_DIR && depth < 40)
            tell_all(below, depth + 1);
    }
    free(below);
    if (d)
        closedir(d);
}

/* All names, and the file that has none any more. */
static void account(const char *view)
{
    char path[64];

    dprintf(out, "@@VIEW %s\n", view);
    tell(ROOT, "/", AT_SYMLINK_NOFOLLOW);
    tell_all(ROOT, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", kept);
    if (kept >= 0)
        tell(path, "(unlinked)", 0);
}

/* ---- the steps ------------------------------------------------------------
 */

static void unescape(char *s)
{
    char *w = s;
    unsigned v;

    for (; *s; s++, w++) {
        *w = *s;
        if (*s == '%' && sscanf(s + 1, "%2x", &v) == 1) {
            *w = (char)v;
            s += 2;
        }
    }
    *w = 0;
}

/* Pages of zeros become holes, as programs that allocate ahead leave them. */
static int copy_in(int fd, off_t at, const char *number)
{
    static char page[PAGE];
    static const char zero[PAGE];
    char path[64];
    ssize_t n;

    snprintf(path, sizeof path, "/content/%s", number);
    int in = open(path, O_RDONLY | O_CLOEXEC);
    if (in < 0 || fd < 0)
        return -1;
    while ((n = read(in, page, PAGE)) > 0) {
        if (memcmp(page, zero, (size_t)n) &&
            pwrite(fd, page, (size_t)n, at) != n)
            return -1;
        at += n;
    }
    close(in);
    struct stat st;
    return fstat(fd, &st) < 0 || (st.st_size < at && ftruncate(fd, at) < 0) ||
                   close(fd) < 0
               ? -1
               : 0;
}

static int extended(const char *path, const char *name, const char *hex)
{
    unsigned char v[512];
    size_t n = 0;
    unsigned b;

    for (; sscanf(hex, "%2x", &b) == 1 && n < sizeof v; hex += 2)
        v[n++] = (unsigned char)b;
    return lsetxattr(path, name, v, n, 0);
}

static int owned(const char *path, char **f)
{
    if (lchown(path, (uid_t)atoi(f[2]), (gid_t)atoi(f[3])) < 0)
        return -1;
    return chmod(path, (mode_t)strtoul(f[1], NULL, 8));
}

static int make_file(char **f)
{
    int fd = open(f[4], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return copy_in(fd, 0, f[5]) < 0 ? -1 : owned(f[4], f);
}

static int freeze(void)
{
    sync();
    if (ioctl(root, FIFREEZE, 0) < 0 || ioctl(root, FITHAW, 0) < 0)
        return -1;
    account("disk");
    return 0;
}

/* mkfs leaves the root's access time at 0. */
static int make_folder(char **f)
{
    if (mkdir(f[4], 0700) < 0 &&
        (errno != EEXIST || utimensat(AT_FDCWD, f[4], NULL, 0) < 0))
        return -1;
    return owned(f[4], f);
}

static int set_clock(char **f)
{
    struct timespec t = { .tv_sec = atoll(f[1]), .tv_nsec = atol(f[2]) };

    return clock_settime(CLOCK_REALTIME, &t);
}

static int step(char **f)
{
    mode_t mode = f[1] ? (mode_t)strtoul(f[1], NULL, 8) : 0;

    switch (f[0][0]) {
    case 't':
        return set_clock(f);
    case 'd':
        return make_folder(f);
    case 'f':
        return make_file(f);
    case 'a': {
        struct stat st;
        return stat(f[1], &st) < 0
                   ? -1
                   : copy_in(open(f[1], O_WRONLY), st.st_size, f[2]);
    }
    case 'o':
        return copy_in(open(f[1], O_WRONLY), atoll(f[2]), f[3]);
    case 'l':
        return symlink(f[2], f[1]);
    case 'h':
        return link(f[1], f[2]);
    case 'm':
        return rename(f[1], f[2]);
    case 'u':
        return remove(f[1]);
    case 'x':
        return extended(f[1], f[2], f[3]);
    case 'n':
        return mknod(f[2], mode, (dev_t)strtoul(f[3], NULL, 0));
    case 'c':
        return chmod(f[1], (mode_t)strtoul(f[2], NULL, 8));
    case 'k':
        return (kept = open(f[1], O_RDONLY)) < 0 ? -1 : 0;
    case 'z':
        return freeze();
    default:
        return -1;
    }
}

static void play(void)
{
    static char line[16384];
    FILE *ops = fopen("/ops", "r");

    while (ops && fgets(line, sizeof line, ops)) {
        char *f[8] = { NULL }, *p = line;
        line[strcspn(line, "\n")] = 0;
        for (int i = 0; i < 7 && p; i++) {
            f[i] = strsep(&p, "\t");
        }
        for (int i = 0; f[i]; i++)
            unescape(f[i]);
        if (step(f) < 0)
            dprintf(out, "@@FAILED %s %s %s: %s\n", f[0], f[1] ? f[1] : "",
                    f[4] ? f[4] : "", strerror(errno));
    }
}

int main(void)
{
    struct termios t;
    struct statfs fs;

    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mount("proc", "/proc", "proc", 0, NULL);
    out = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
    tcgetattr(out, &t);
    cfmakeraw(&t);
    tcsetattr(out, TCSANOW, &t);
    load_modules();
    for (int i = 0; i < 100 && access("/dev/vda1", F_OK) < 0; i++)
        usleep(100000);
    if (mount("/dev/vda1", ROOT, "xfs", MS_NOATIME, NULL) < 0)
        dprintf(out, "@@FAILED mount: %s\n", strerror(errno));
    /* nothing is written back before the end unless asked for */
    int fd = open("/proc/sys/fs/xfs/xfssyncd_centisecs", O_WRONLY);
    if (fd < 0 || write(fd, "720000", 6) != 6)
        dprintf(out, "@@FAILED xfssyncd\n");
    /* nor is data given its place before: the inodes come out the same */
    fd = open("/proc/sys/vm/dirty_writeback_centisecs", O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1)
        dprintf(out, "@@FAILED dirty_writeback\n");
    root = open(ROOT, O_RDONLY | O_CLOEXEC);
    play();
    statfs(ROOT, &fs); /* waits for the freeing of removed files */
    sync();
    account("log");
    dprintf(out, "@@STOP\n");
    for (;;)
        pause();
}
