/*
 * Images whose sectors are mostly zeros, as small files (see sectors.h):
 *
 *   sectors_tool pack IMAGE [FROM TO]   to standard output; without the
 *                                       sectors from FROM up to TO
 *   sectors_tool unpack FILE IMAGE      IMAGE must exist and is filled
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/varint.h"
#include "tests/evidence/sectors.h"

static char *load(const char *path, size_t *n)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st))
        return NULL;
    *n = (size_t)st.st_size;
    char *p = malloc(*n + 1);
    if (p && read(fd, p, *n) != (ssize_t)*n)
        return NULL;
    close(fd);
    return p;
}

static void put(uint32_t v)
{
    char p[4];
    put_u32le(p, v);
    fwrite(p, 1, 4, stdout);
}

static bool is_zero(const char *p)
{
    for (size_t i = 0; i < SECTOR; i++)
        if (p[i])
            return false;
    return true;
}

static void pack(const char *p, size_t n, size_t from, size_t to)
{
    size_t all = n / SECTOR;
    fwrite("SECTORS1", 1, 8, stdout);
    put((uint32_t)all);
    for (size_t i = 0; i < all;) {
        size_t end = i;
        while (end < all && !(end >= from && end < to) &&
               !is_zero(p + end * SECTOR))
            end++;
        if (end > i) {
            put((uint32_t)i);
            put((uint32_t)(end - i));
            fwrite(p + i * SECTOR, SECTOR, end - i, stdout);
        }
        i = end > i ? end : i + 1;
    }
}

static int unpack(const char *p, size_t n, const char *path)
{
    size_t size = 0;
    char *image = sectors_unpack((struct str){ p, n }, SIZE_MAX, &size);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (!image || ftruncate(fd, (off_t)size))
        return 1;
    for (size_t at = 0; at < size; at += SECTOR)
        if (!is_zero(image + at) &&
            pwrite(fd, image + at, SECTOR, (off_t)at) != SECTOR)
            return 1;
    free(image);
    return close(fd);
}

int main(int argc, char **argv)
{
    size_t n, from = 0, to = 0;
    char *p = argc > 2 ? load(argv[2], &n) : NULL;
    if (!p)
        return 1;
    if (argc > 4) {
        from = strtoul(argv[3], NULL, 10);
        to = strtoul(argv[4], NULL, 10);
    }
    int code = 0;
    if (strcmp(argv[1], "pack") == 0)
        pack(p, n, from, to);
    else
        code = argc > 3 ? unpack(p, n, argv[3]) : 1;
    free(p);
    return code;
}
