/*
 * A journal of ext4: the input is the journal's blocks (1 KiB each), maybe
 * packed as in tests/evidence/sectors.h, around them a small volume that asks
 * for recovery, with a directory. The checksums of fast commits are put right
 * unless the last byte of the journal's superblock is odd. The replay ends,
 * gives the same twice, changes no byte that it does not own to, and the volume
 * can be walked afterwards.
 */
#include "evidence/journal.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"
#include "tests/evidence/sectors.h"
#include "tests/fuzz/replay.h"

enum {
    BLOCK = 1024,
    BEFORE = 16,
    JOURNAL_MAX = 1100,
    JOURNAL_INODE = 8,
    ROOT = 2,
    ROOT_BLOCK = 14,
};

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

static void inode(char *p, unsigned ino, unsigned mode, uint32_t first,
                  unsigned blocks)
{
    p += 5 * BLOCK + 128 * (size_t)(ino - 1);
    put_u16(p, mode);
    put_u32le(p + 4, blocks * BLOCK);
    put_u16(p + 0x1a, ino == ROOT ? 2 : 1);
    put_u32le(p + 0x20, 0x80000);
    put_u16(p + 0x28, 0xf30a);
    put_u16(p + 0x2a, 1);
    put_u16(p + 0x2c, 4);
    put_u16(p + 0x38, blocks);
    put_u32le(p + 0x3c, first);
}

static void entry(char *p, unsigned ino, unsigned len, const char *name)
{
    put_u32le(p, ino);
    put_u16(p + 4, len);
    p[6] = (char)strlen(name);
    p[7] = 2;
    memcpy(p + 8, name, strlen(name));
}

/* Block 1 superblock, 2 descriptors, 3 and 4 bitmaps, 5.. inodes, the root
 * directory, BEFORE.. the journal. */
static void volume(char *p, uint32_t blocks)
{
    char *sb = p + BLOCK, *root = p + ROOT_BLOCK * BLOCK;
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
    put_u32le(p + 2 * BLOCK, 3);
    put_u32le(p + 2 * BLOCK + 4, 4);
    put_u32le(p + 2 * BLOCK + 8, 5);
    inode(p, JOURNAL_INODE, 0x8180, BEFORE, blocks);
    inode(p, ROOT, 0x41ed, ROOT_BLOCK, 1);
    inode(p, 11, 0x81a4, ROOT_BLOCK + 1, 1);
    entry(root, ROOT, 12, ".");
    entry(root + 12, ROOT, 12, "..");
    entry(root + 24, 11, BLOCK - 24, "old");
}

/* The tails of fast commits over what is before them. */
static void put_right(char *area, size_t n)
{
    uint32_t crc = 0;
    for (size_t block = 0; block + BLOCK <= n; block += BLOCK)
        for (size_t at = block; at + 4 <= block + BLOCK;) {
            unsigned kind = u16le(area + at), len = u16le(area + at + 2);
            if (kind == 8 && at + 12 <= block + BLOCK) {
                put_u32le(area + at + 8, crc32c(crc, area + at, 8));
                crc = 0;
            } else if (len <= block + BLOCK - at - 4) {
                crc = crc32c(crc, area + at, 4 + (size_t)len);
            }
            at += 4 + (size_t)len;
        }
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
    struct str bytes = { (const char *)data, size };
    char *journal = sectors_unpack(bytes, JOURNAL_MAX * BLOCK, &size);
    if (journal)
        bytes = (struct str){ journal, size };
    uint32_t blocks = (uint32_t)(bytes.n / BLOCK);
    if (blocks > JOURNAL_MAX)
        blocks = JOURNAL_MAX;
    size_t n = ((size_t)blocks + BEFORE) * BLOCK;
    char *p = calloc(1, n);
    must(p != NULL);
    volume(p, blocks);
    char *start = p + (size_t)BEFORE * BLOCK;
    if (blocks)
        memcpy(start, bytes.p, (size_t)blocks * BLOCK);
    uint32_t fast = blocks ? u32be(start + 0x54) : 0;
    if (blocks && !(start[BLOCK - 1] & 1) && fast && fast < blocks)
        put_right(start + (size_t)(blocks - fast + 1) * BLOCK,
                  (size_t)(fast - 1) * BLOCK);
    struct source *vol = source_open_memory((struct str){ p, n }, NULL);
    check(vol, p, n);
    source_close(vol);
    free(p);
    free(journal);
    return 0;
}
