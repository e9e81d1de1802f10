/*
 * Fills a mounted file system for bench/disk.sh:
 *
 *   make_tree FOLDER NAMES
 *
 * NAMES files in folders of 200, at three levels, as a server has them: sizes
 * from 0 to 16 KiB (most of them small), one link in 50, a label in the
 * attributes of each, one file in 40 deleted again. The same each time.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { PER_FOLDER = 200, FOLDERS = 25 };

static char bytes[16 << 10];

static void name_of(char *out, size_t n, long i)
{
    long folder = i / PER_FOLDER;
    snprintf(out, n, "usr%ld/lib-%ld/file with some name %ld.so",
             folder / FOLDERS, folder, i);
}

static void folder_of(long i)
{
    char name[200];
    long folder = i / PER_FOLDER;
    snprintf(name, sizeof name, "usr%ld", folder / FOLDERS);
    (void)!mkdir(name, 0755); /* may be there */
    snprintf(name, sizeof name, "usr%ld/lib-%ld", folder / FOLDERS, folder);
    (void)!mkdir(name, 0755);
}

static int one(long i)
{
    static const char label[] = "system_u:object_r:lib_t:s0";
    char name[200];
    name_of(name, sizeof name, i);
    if (i % PER_FOLDER == 0)
        folder_of(i);
    if (i % 50 == 49)
        return symlink("../target of a link", name);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    size_t n = (size_t)(i * 7919 % 100 < 80 ? i % 600 : i * 31 % 16384);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd))
        return -1;
    return setxattr(name, "user.label", label, sizeof label, 0);
}

int main(int argc, char **argv)
{
    char name[200];
    if (argc != 3 || chdir(argv[1]))
        return 1;
    long n = strtol(argv[2], NULL, 10);
    for (long i = 0; i < n; i++)
        if (one(i)) {
            perror("make_tree");
            return 1;
        }
    for (long i = 0; i < n; i += 40) {
        name_of(name, sizeof name, i);
        if (unlink(name))
            perror("make_tree");
    }
    return 0;
}
