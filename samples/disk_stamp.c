/* The journal that debugfs writes says when it was written: the story's times
 * go in their place (generate --stamp), so that the same bytes come out. */
#include "samples/gen.h"

#include "base/crc32c.h"

#include <stdio.h>
#include <stdlib.h>

/* jbd2, as the kernel's Documentation/filesystems/ext4/journal.rst has it */
enum {
    BLOCK = 4096,
    MAGIC = (int)0xC03B3998,
    COMMIT = 2,
    SUPER = 4,
    SUPER_UUID = 48,
    COMMIT_SUM = 16,
    COMMIT_SEC = 48, /* 8 bytes, then 4 of nanoseconds */
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static void put_be32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

static uint32_t sum(uint32_t seed, const unsigned char *block)
{
    unsigned char b[BLOCK];
    memcpy(b, block, BLOCK);
    put_be32(b + COMMIT_SUM, 0);
    return crc32c(seed, b, BLOCK);
}

static bool set_commit(unsigned char *b, uint32_t seed, uint64_t t)
{
    if (sum(seed, b) != be32(b + COMMIT_SUM))
        return false;
    put_be32(b + COMMIT_SEC, (uint32_t)(t >> 32));
    put_be32(b + COMMIT_SEC + 4, (uint32_t)t);
    put_be32(b + COMMIT_SEC + 8, 0);
    put_be32(b + COMMIT_SUM, sum(seed, b));
    return true;
}

/* times: of its transactions in their order, as text */
bool disk_stamp(const char *path, char *const *times, int n)
{
    unsigned char b[BLOCK];
    uint32_t seed = 0;
    int done = 0;
    FILE *f = fopen(path, "r+be");
    while (f && fread(b, BLOCK, 1, f) == 1) {
        uint32_t type = be32(b + 4);
        if (be32(b) != (uint32_t)MAGIC)
            continue;
        if (type == SUPER)
            seed = crc32c(~0U, b + SUPER_UUID, 16);
        if (type != COMMIT)
            continue;
        if (done == n ||
            !set_commit(b, seed, strtoull(times[done++], NULL, 10)) ||
            fseek(f, -BLOCK, SEEK_CUR) != 0 || fwrite(b, BLOCK, 1, f) != 1 ||
            fseek(f, 0, SEEK_CUR) != 0) {
            n = -1;
            break;
        }
    }
    return f && fclose(f) == 0 && done == n;
}
