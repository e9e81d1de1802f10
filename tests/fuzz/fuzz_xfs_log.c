/*
 * The log of XFS: the first byte of the input says version 4 or 5, the size
 * of inodes and whether parts of the volume are gaps; the rest is the log, in
 * blocks of 512 bytes. Checksums of its records are put right, so that what is
 * in them is reached. The replay
 * ends, gives the same twice, and changes no byte that it does not own to.
 */
#include "evidence/journal.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"
#include "tests/fuzz/replay.h"

enum {
    BLOCK = 4096,
    BEFORE = 64,    /* blocks of metadata, in front of the log */
    LOG_MAX = 1024, /* blocks of 512 */
    BB = 512,
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void put_be(char *p, unsigned n, uint64_t v)
{
    while (n-- > 0) {
        p[n] = (char)v;
        v >>= 8;
    }
}

static void superblock(char *p, bool v5, unsigned inode, uint32_t log_blocks)
{
    unsigned log2 = inode == 256 ? 8 : inode == 512 ? 9 : 10;
    uint32_t blocks = BEFORE + log_blocks;
    memcpy(p, "XFSB", 4);
    put_be(p + 4, 4, BLOCK);
    put_be(p + 8, 8, blocks);
    put_be(p + 48, 8, BEFORE);
    put_be(p + 56, 8, 64);
    put_be(p + 84, 4, blocks);
    put_be(p + 88, 4, 1);
    put_be(p + 96, 4, log_blocks);
    put_be(p + 100, 2, v5 ? 0xb4a5 : 0xb4a4);
    put_be(p + 102, 2, 512);
    put_be(p + 104, 2, inode);
    put_be(p + 106, 2, BLOCK / inode);
    p[120] = 12;
    p[121] = 9;
    p[122] = (char)log2;
    p[123] = (char)(12 - log2);
    for (p[124] = 0; 1u << p[124] < blocks; p[124]++)
        ;
    put_be(p + 180, 4, 8);
    put_be(p + 200, 4, v5 ? 0x18a : 0x8a);
}

/* The identity and the checksum of each record. */
static void put_right(char *log, uint32_t bbs, const char *super)
{
    for (uint32_t bb = 0; bb < bbs; bb++) {
        char *h = log + (size_t)bb * BB;
        uint32_t len = u32be(h + 12), size = u32be(h + 320), headers = 1;
        if (u32be(h) != 0xfeedbabe)
            continue;
        if (u32be(h + 8) & 2 && size > 32768)
            headers = size / 32768 + (size % 32768 != 0);
        if (headers > 8 || len > (uint64_t)headers * 32768 ||
            headers + len / BB + 1 > bbs - bb)
            continue;
        memcpy(h + 304, super + 32, 16);
        put_u32le(h + 32, 0);
        uint32_t crc = crc32c(~0u, h, 328);
        for (uint32_t i = 1; i < headers; i++)
            crc = crc32c(crc, h + (size_t)i * BB, 260);
        crc = crc32c(crc, h + (size_t)headers * BB, len);
        put_u32le(h + 32, ~crc);
    }
}

static void check(struct source *vol, const char *p, size_t n)
{
    struct journal_report a, b;
    char *one = malloc(n), *two = malloc(n);
    size_t got;
    struct source *s = journal_replay(vol, FS_XFS, &a, NULL);
    struct source *t = journal_replay(vol, FS_XFS, &b, NULL);
    must((s != NULL) == (t != NULL) && a.transactions == b.transactions &&
         a.skipped == b.skipped && a.dropped == b.dropped);
    must(one && two && (s != NULL) == (a.state == JOURNAL_DIRTY));
    if (s) {
        must(!source_read(s, 0, one, n, &got, NULL) && got == n);
        must(!source_read(t, 0, two, n, &got, NULL) && got == n);
        must(memcmp(one, two, n) == 0);
        for (size_t at = 0; at < n; at += BB)
            must(journal_covers(s, at, BB) ||
                 memcmp(one + at, p + at, BB) == 0);
    }
    source_close(s);
    source_close(t);
    free(one);
    free(two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned inodes[] = { 256, 512, 1024, 512 };
    uint8_t form = size ? data[0] : 0;
    uint32_t bbs = size ? (uint32_t)((size - 1) / BB) : 0;
    if (bbs > LOG_MAX)
        bbs = LOG_MAX;
    uint32_t log_blocks = (bbs + 7) / 8;
    size_t n = ((size_t)log_blocks + BEFORE) * BLOCK;
    char *p = calloc(1, n), *log = p + (size_t)BEFORE * BLOCK;
    must(p != NULL);
    superblock(p, form & 1, inodes[form >> 1 & 3], log_blocks);
    /* Inodes where they may be logged. */
    for (size_t at = BLOCK; at < (size_t)BEFORE * BLOCK; at += 256)
        memcpy(p + at, form & 1 ? "IN\0\0\3\2" : "IN\0\0\2\2", 6);
    if (bbs)
        memcpy(log, data + 1, (size_t)bbs * BB);
    if (!(form & 8))
        put_right(log, bbs, p);
    struct source *vol = source_open_memory((struct str){ p, n }, NULL);
    if (form & 16) { /* one ends in a block, one is of whole ones */
        source_add_gap(vol, 9 * BLOCK, 3 * BLOCK + BB, GAP_UNREADABLE);
        source_add_gap(vol, 30 * BLOCK, 2 * BLOCK, GAP_ABSENT);
    }
    check(vol, p, n);
    source_close(vol);
    free(p);
    return 0;
}
