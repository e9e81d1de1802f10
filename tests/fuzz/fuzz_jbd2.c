/*
 * A journal of ext4: the input is the journal's blocks (1 KiB each), around
 * them a small volume that asks for recovery. The replay ends, gives the same
 * twice, changes no byte that it does not own to, and the volume can be
 * walked afterwards.
 */
#include "evidence/journal.h"

#include <stdlib.h>

#include "base/varint.h"
#include "tests/fuzz/replay.h"

enum { BLOCK = 1024, BEFORE = 16, JOURNAL_MAX = 1024, JOURNAL_INODE = 8 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void put_u16(char *p, unsigned v)
{
    p[0] = (char)v;
    p[1] = (char)(v >> 8);
}

/* Block 1 superblock, 2 descriptors, 5.. inodes, BEFORE.. the journal. */
static void volume(char *p, uint32_t blocks)
{
    char *sb = p + BLOCK, *inode = p + 5 * BLOCK + 128 * (JOURNAL_INODE - 1);
    put_u32le(sb, 32);
    put_u32le(sb + 4, blocks + BEFORE);
    put_u32le(sb + 0x14, 1);
    put_u32le(sb + 0x20, 8192);
    put_u32le(sb + 0x28, 32);
    put_u16(sb + 0x38, 0xef53);
    put_u32le(sb + 0x4c, 1);
    put_u32le(sb + 0x54, 11);
    put_u16(sb + 0x58, 128);
    put_u32le(sb + 0x5c, 4);
    put_u32le(sb + 0x60, 0x46); /* file types, recovery, extents */
    put_u32le(sb + 0xe0, JOURNAL_INODE);
    put_u32le(p + 2 * BLOCK + 8, 5);
    put_u16(inode, 0x8180);
    put_u32le(inode + 4, blocks * BLOCK);
    put_u16(inode + 0x1a, 1);
    put_u32le(inode + 0x20, 0x80000);
    put_u16(inode + 0x28, 0xf30a);
    put_u16(inode + 0x2a, 1);
    put_u16(inode + 0x2c, 4);
    put_u16(inode + 0x38, blocks);
    put_u32le(inode + 0x3c, BEFORE);
}

static int on_file(void *ctx, const struct fs_file *f)
{
    uint64_t *names = ctx;
    must(f->path.n > 0);
    return ++*names > 1000;
}

static int on_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    (void)ctx;
    (void)inode;
    must(severity >= 0 && code[0] && text[0]);
    return 0;
}

static void check(struct source *vol, const char *p, size_t n)
{
    struct journal_report a, b;
    char *one = malloc(n), *two = malloc(n);
    size_t got;
    struct source *s = journal_replay(vol, FS_EXT, &a, NULL);
    struct source *t = journal_replay(vol, FS_EXT, &b, NULL);
    must((s != NULL) == (t != NULL) && a.transactions == b.transactions);
    must(one && two && (s != NULL) == (a.state == JOURNAL_DIRTY));
    if (s) {
        struct fs *fs = fs_open(s, NULL);
        uint64_t names = 0;
        const struct fs_visitor v = { &names, on_file, on_issue, NULL };
        must(!source_read(s, 0, one, n, &got, NULL) && got == n);
        must(!source_read(t, 0, two, n, &got, NULL) && got == n);
        must(memcmp(one, two, n) == 0);
        for (size_t at = 0; at < n; at += BLOCK)
            must(journal_covers(s, at, BLOCK) ||
                 memcmp(one + at, p + at, BLOCK) == 0);
        if (fs)
            must(fs_walk(fs, &v, NULL) >= 0);
        fs_close(fs);
    }
    source_close(s);
    source_close(t);
    free(one);
    free(two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t blocks = (uint32_t)(size / BLOCK);
    if (blocks > JOURNAL_MAX)
        blocks = JOURNAL_MAX;
    size_t n = ((size_t)blocks + BEFORE) * BLOCK;
    char *p = calloc(1, n);
    must(p != NULL);
    volume(p, blocks);
    if (blocks)
        memcpy(p + (size_t)BEFORE * BLOCK, data, (size_t)blocks * BLOCK);
    struct source *vol = source_open_memory((struct str){ p, n }, NULL);
    check(vol, p, n);
    source_close(vol);
    free(p);
    return 0;
}
