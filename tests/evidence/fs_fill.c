/*
 * fs_fill FOLDER [NAMES]: fills a mounted file system with everything that
 * the readers have to get right: hashed directories, holes, preallocation,
 * more extents than one block of the tree holds, inline sizes, links of all
 * lengths, special files, owners, and times from 1901 to 2446. What the file
 * system refuses (its times, its special files) is left out.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char block[1 << 20];

static void pattern(size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        block[i] = (char)(seed >> 16);
    }
}

static void put(const char *name, size_t n)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    pattern(n, (unsigned)n + (unsigned)name[0]);
    if (fd >= 0 && write(fd, block, n) != (ssize_t)n)
        fprintf(stderr, "fs_fill: %s: short write\n", name);
    close(fd);
}

static void many(int names)
{
    char name[300];
    mkdir("many", 0755);
    for (int i = 0; i < names; i++) {
        snprintf(name, sizeof name, "many/file with a longer name %06d", i);
        put(name, (size_t)(i % 200));
    }
    for (int i = 0; i < names; i += 7) {
        snprintf(name, sizeof name, "many/file with a longer name %06d", i);
        unlink(name);
    }
}

static void sizes(void)
{
    char name[64];
    mkdir("sizes", 0700);
    for (size_t n = 0; n < 200; n++) {
        snprintf(name, sizeof name, "sizes/%zu", n);
        put(name, n);
    }
    put("sizes/1m", 1 << 20);
    for (size_t n = 1000; n < 70000; n += 4093) {
        snprintf(name, sizeof name, "sizes/%zu", n);
        put(name, n);
    }
}

/* Every second block: as many extents as writes. */
static void extents(const char *name, int n, int step)
{
    int fd = open(name, O_WRONLY | O_CREAT, 0644);
    pattern(1024, 7);
    for (int i = 0; i < n && fd >= 0; i++)
        if (pwrite(fd, block, 1024, (off_t)i * step) != 1024)
            break;
    close(fd);
}

static void holes(void)
{
    int fd;
    mkdir("holes", 0755);
    extents("holes/5", 5, 16384);
    extents("holes/340", 340, 8192);
    extents("holes/341", 341, 8192);
    extents("holes/900", 900, 8192);
    extents("holes/far", 3, 200 << 20);
    fd = open("holes/tail", O_WRONLY | O_CREAT, 0644);
    if (write(fd, block, 5000) != 5000 || ftruncate(fd, 300000) != 0)
        fprintf(stderr, "fs_fill: tail\n");
    close(fd);
    fd = open("holes/unwritten", O_WRONLY | O_CREAT, 0644);
    if (posix_fallocate(fd, 0, 100000) == 0 &&
        pwrite(fd, block, 9000, 20000) != 9000)
        fprintf(stderr, "fs_fill: unwritten\n");
    close(fd);
    fd = open("holes/beyond", O_WRONLY | O_CREAT, 0644);
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200000) == 0 &&
        write(fd, block, 777) != 777)
        fprintf(stderr, "fs_fill: beyond\n");
    close(fd);
}

static void links(void)
{
    static char target[4097];
    char name[64];
    mkdir("links", 0755);
    for (size_t n = 1; n < 4096; n += n < 70 ? 1 : 190) {
        memset(target, 't', sizeof target);
        target[n] = '\0';
        snprintf(name, sizeof name, "links/%zu", n);
        if (symlink(target, name))
            break;
    }
    put("links/hard1", 100);
    if (link("links/hard1", "links/hard2") == 0)
        mkdir("links/d", 01777);
    if (link("links/hard1", "links/d/hard3"))
        fprintf(stderr, "fs_fill: no hard links\n");
}

static void special(void)
{
    mkdir("special", 0755);
    /* Each may be refused by the file system. */
    (void)!mkfifo("special/fifo", 0600);
    (void)!mknod("special/chr", S_IFCHR | 0600, makedev(5, 300));
    (void)!mknod("special/blk", S_IFBLK | 0600, makedev(259, 70000));
    (void)!mknod("special/sock", S_IFSOCK | 0600, 0);
    put("special/owner", 10);
    (void)!chown("special/owner", 70000, 80000);
    (void)!chmod("special/owner", 06755);
    put("special/\xff\xfe bytes \x1b[31m", 5);
    put("special/new\nline", 5);
    put("special/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5);
    char name[300] = "special/";
    memset(name + 8, 'n', 255);
    put(name, 3);
}

static void times(void)
{
    static const struct timespec when[] = {
        { 0, 0 },
        { -1, 250000000 },
        { -2147483648, 0 },
        { 2147483647, 999999999 },
        { 2147483648, 1 },
        { 4294967295, 5 },
        { 4294967296, 123456789 },
        { 7258118400, 100 },
        { 15032385535, 0 },
        { 1773192000, 987654321 },
    };
    char name[64];
    mkdir("times", 0755);
    for (size_t i = 0; i < sizeof when / sizeof *when; i++) {
        struct timespec both[2] = { when[i], when[i] };
        snprintf(name, sizeof name, "times/%zu", i);
        put(name, i);
        utimensat(AT_FDCWD, name, both, AT_SYMLINK_NOFOLLOW);
    }
}

static void deep(void)
{
    char path[2048] = "deep";
    size_t n = 4;
    mkdir(path, 0755);
    for (int i = 0; i < 60; i++) {
        n += (size_t)snprintf(path + n, sizeof path - n, "/level%03d", i);
        mkdir(path, 0755);
    }
    snprintf(path + n, sizeof path - n, "/bottom");
    put(path, 1234);
}

int main(int argc, char **argv)
{
    if (argc < 2 || chdir(argv[1]))
        return 1;
    many(argc > 2 ? (int)strtol(argv[2], NULL, 10) : 2000);
    sizes();
    holes();
    links();
    special();
    times();
    deep();
    return 0;
}
