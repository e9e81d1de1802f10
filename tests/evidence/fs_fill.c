/*
 * fs_fill FOLDER [NAMES [more]]: fills a mounted file system with everything
 * that the readers have to get right: hashed directories, holes, preallocation,
 * more extents than one block of the tree holds, inline sizes, links of all
 * lengths, special files, owners, and times from 1901 to 2446. What the file
 * system refuses (its times, its special files) is left out.
 * With "more" also extended attributes of all sizes, ACLs, capabilities,
 * shared extents, trees of extents and a directory in many pieces.
 *
 * fs_fill FOLDER attrs: only a few attributes of each form, mostly zeros.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
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
        { 16299260423, 709551615 },
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

/* ---- more --------------------------------------------------------------- */

static void attr(const char *file, const char *name, size_t n)
{
    pattern(n, (unsigned)n + (unsigned char)name[5]);
    (void)!lsetxattr(file, name, block, n, 0); /* may be refused */
}

/* A value of every size around the limits of each form, alone and together;
 * some are taken away again. */
static void attr_sizes(void)
{
    static const size_t sizes[] = { 0,    1,    2,     60,    100,   254,
                                    255,  256,  1000,  2000,  3000,  3900,
                                    4000, 4040, 4041,  4096,  5000,  8080,
                                    8192, 9000, 16384, 30000, 65535, 65536 };
    char file[64], name[300];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snprintf(file, sizeof file, "attrs/size%zu", sizes[i]);
        put(file, i);
        attr(file, "user.value", sizes[i]);
        snprintf(name, sizeof name, "user.v%zu", sizes[i]);
        attr("attrs/all", name, sizes[i]);
    }
    for (int n = 1; n < 250; n += 50) {
        memset(name, 0, sizeof name);
        memcpy(name, "user.", 5);
        memset(name + 5, 'n', (size_t)n);
        attr("attrs/all", name, 10);
    }
    (void)!lremovexattr("attrs/all", "user.v3000");
}

static void attr_many(const char *file, int count, size_t size)
{
    char name[64];
    put(file, 3);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "user.attribute number %d", i);
        attr(file, name, size);
    }
    for (int i = 0; i < count; i += 3) {
        snprintf(name, sizeof name, "user.attribute number %d", i);
        (void)!lremovexattr(file, name);
    }
}

/* Bytes as setfacl and setcap hand them over. */
static void attr_rights(void)
{
    static const char acl[] =
        "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\4\0\1\20\1\0"
        "\4\0\4\0\377\377\377\377\10\0\7\0\5\0\0\0"
        "\20\0\7\0\377\377\377\377\40\0\0\0\377\377\377\377";
    static const char cap[] = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    static const char label[] = "system_u:object_r:bin_t:s0";
    mkdir("attrs/d", 0755);
    put("attrs/rights", 10);
    (void)!setxattr("attrs/rights", "system.posix_acl_access", acl,
                    sizeof acl - 1, 0);
    (void)!setxattr("attrs/d", "system.posix_acl_default", acl, sizeof acl - 1,
                    0);
    put("attrs/d/inherits", 10);
    (void)!setxattr("attrs/rights", "security.capability", cap, sizeof cap - 1,
                    0);
    (void)!setxattr("attrs/rights", "security.selinux", label, sizeof label, 0);
    attr("attrs/rights", "trusted.overlay.opaque", 1);
    (void)!symlink("rights", "attrs/link");
    attr("attrs/link", "trusted.of a link", 20);
}

static void attr_few(void)
{
    mkdir("attrs", 0755);
    attr_rights();
    put("attrs/leaf", 1);
    attr("attrs/leaf", "user.a", 200);
    attr("attrs/leaf", "user.b", 300);
    attr_many("attrs/node", 45, 30);
    put("attrs/value", 1);
    memset(block, 0, 5000);
    (void)!lsetxattr("attrs/value", "user.large", block, 5000, 0);
    (void)!lsetxattr("attrs/node", "user.large", block, 1000, 0);
}

static void shared(void)
{
    int from, to;
    put("attrs/original", 300000);
    from = open("attrs/original", O_RDONLY);
    to = open("attrs/clone", O_RDWR | O_CREAT, 0644);
    if (ioctl(to, FICLONE, from) == 0) {
        pattern(5000, 99);
        if (pwrite(to, block, 5000, 70000) != 5000)
            fprintf(stderr, "fs_fill: clone\n");
    }
    close(to);
    close(from);
}

/* Names between blocks of a file: the directory's blocks lie apart. */
static void pieces(int names)
{
    char name[300];
    int fd = open("between", O_WRONLY | O_CREAT, 0644);
    mkdir("pieces", 0755);
    memset(name, 'p', sizeof name);
    memcpy(name, "pieces/", 7);
    for (int i = 0; i < names; i++) {
        snprintf(name + 200, 20, "%06d", i);
        put(name, 0);
        if (i % 4 == 0 && (write(fd, block, 4096) != 4096 || fsync(fd)))
            break;
    }
    close(fd);
}

static void more(int names)
{
    struct statvfs v = { 0 };
    mkdir("attrs", 0755);
    put("attrs/all", 5);
    attr_sizes();
    attr_many("attrs/few", 5, 20);
    attr_many("attrs/many", 300, 40);
    attr_many("attrs/large", 120, 1500);
    attr_rights();
    shared();
    statvfs(".", &v);
    extents("holes/tree", v.f_bsize > 4096 ? 200 : 6000, (int)v.f_bsize * 2);
    pieces(names / 3);
}

int main(int argc, char **argv)
{
    if (argc < 2 || chdir(argv[1]))
        return 1;
    if (argc > 2 && strcmp(argv[2], "attrs") == 0) {
        attr_few();
        return 0;
    }
    many(argc > 2 ? (int)strtol(argv[2], NULL, 10) : 2000);
    sizes();
    holes();
    links();
    special();
    times();
    deep();
    if (argc > 3)
        more((int)strtol(argv[2], NULL, 10));
    return 0;
}
