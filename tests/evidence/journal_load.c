/*
 * journal_load FOLDER ROUNDS OPS SEED [fast]: keeps a mounted file system busy
 * with all that goes through its journal, in an order that the seed decides.
 * After each round it prints a line and waits for one, so that the test can
 * copy the backing file at that moment; files that were deleted while open stay
 * open until the end. With "fast" only what fast commits of ext4 can hold, and
 * often an fsync, which writes one.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { DIRS = 12, FILES = 400, OPEN = 24, BLOCK = 4096 };

static uint64_t state;
static bool fast;
static int open_files[OPEN];
static char text[1 << 18];

/* Operations on names that are not there fail, and that is fine. */
static unsigned long refused;
static void may(int code)
{
    refused += code != 0;
}

static unsigned number(unsigned below)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

/* A name out of a fixed set: operations meet again. */
static const char *name_of(char out[120])
{
    static const char pad[] = "a-rather-long-name-that-fills-directory-blocks";
    unsigned n = number(FILES);
    snprintf(out, 120, "d%u/%s%u", number(DIRS), n % 3 ? pad : "f", n);
    return out;
}

static void write_some(const char *name, int how)
{
    int fd = open(name, O_WRONLY | O_CREAT | how, 0600 + number(64));
    size_t n = number(8) ? number(20000) : number(sizeof text);
    if (fd < 0)
        return;
    /* Blocks that start like a block of jbd2's own must be escaped. */
    for (size_t i = 0; i < n; i += 64)
        text[i] = (char)number(256);
    for (size_t i = 0; i + 4 <= sizeof text; i += 2 * BLOCK)
        memcpy(text + i, "\xc0\x3b\x39\x98", 4);
    if (number(4) == 0 && lseek(fd, number(300000), SEEK_SET) < 0)
        n = 0;
    if (write(fd, text, n) < 0 || (number(fast ? 2 : 9) == 0 && fsync(fd)))
        refused++;
    close(fd);
}

static void delete_open(const char *name)
{
    unsigned at = number(OPEN);
    int fd = open(name, O_RDWR);
    if (fd < 0)
        return;
    if (open_files[at] > 0)
        close(open_files[at]);
    open_files[at] = fd;
    unlink(name);
}

static void attributes(const char *name)
{
    char attr[40];
    snprintf(attr, sizeof attr, "user.key%u", number(9));
    if (number(5) == 0)
        removexattr(name, attr);
    else
        setxattr(name, attr, text, number(4) ? number(60) : number(1500), 0);
}

static void times(const char *name)
{
    struct timespec t[2] = { { 1, 2 }, { (time_t)number(2000000000), 7 } };
    utimensat(AT_FDCWD, name, t, 0);
}

static void punch(const char *name)
{
    int fd = open(name, O_RDWR);
    if (fd < 0)
        return;
    if (number(2))
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  number(5) * BLOCK, (1 + number(4)) * BLOCK);
    else
        fallocate(fd, 0, number(50) * BLOCK, (1 + number(9)) * BLOCK);
    close(fd);
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *where)
{
    (void)st;
    (void)flag;
    (void)where;
    return remove(path);
}

/* A directory of many blocks, deleted again: its blocks get revoked. */
static void big_dir(void)
{
    char name[120];
    unsigned n = 150 + number(300);
    mkdir("big", 0755);
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "big/%0*u", 20 + (int)number(60), i);
        close(open(name, O_WRONLY | O_CREAT, 0644));
    }
    if (number(3) == 0)
        return;
    nftw("big", remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void operation(void)
{
    char a[120], b[120];
    name_of(a);
    switch (number(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        write_some(a, O_TRUNC);
        break;
    case 4:
        write_some(a, O_APPEND);
        break;
    case 5:
    case 6:
        unlink(a);
        break;
    case 7:
        rename(a, name_of(b));
        break;
    case 8:
        if (link(a, name_of(b)))
            may(symlink(text + 1, b));
        break;
    case 9:
        if (symlink(number(2) ? "short" : a, name_of(b)))
            unlink(b);
        break;
    case 10:
        if (truncate(a, number(200000)))
            write_some(a, 0);
        break;
    case 11:
        if (fast)
            write_some(a, O_APPEND);
        else
            attributes(a);
        break;
    case 12:
        times(a);
        may(chown(a, number(70000), number(70000)));
        break;
    case 13:
        /* the kernel does not recover a fast commit with such a file */
        if (!fast)
            delete_open(a);
        break;
    case 14:
        punch(a);
        break;
    default:
        snprintf(b, sizeof b, "d%u/sub%u", number(DIRS), number(30));
        if (mkdir(b, 0700 + number(64)))
            rmdir(b);
    }
}

int main(int argc, char **argv)
{
    char name[64];
    if (argc < 5 || chdir(argv[1]))
        return 1;
    state = strtoull(argv[4], NULL, 10);
    fast = argc > 5;
    memset(text, 'x', sizeof text);
    text[200] = '\0'; /* also a link's target */
    for (int i = 0; i < DIRS; i++) {
        snprintf(name, sizeof name, "d%d", i);
        mkdir(name, 0755);
    }
    for (int round = 0; round < atoi(argv[2]); round++) {
        for (int i = 0; i < atoi(argv[3]); i++) {
            operation();
            if (number(400) == 0 && !fast)
                big_dir();
            if (number(300) == 0 && !fast)
                sync();
        }
        printf("round %d, %lu refused\n", round, refused);
        fflush(stdout);
        if (!fgets(name, sizeof name, stdin))
            break;
    }
    return 0;
}
