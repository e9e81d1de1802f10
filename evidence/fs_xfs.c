/*
 * XFS, versions 4 and 5: superblock, reading, checksums, state of the log. An
 * own reader, since libtsk 4.11.1 has none. The log is not replayed here: its
 * state is told, evidence/journal.h lays its changes over the volume.
 *
 * A checksum that is wrong is told and the structure is used all the same;
 * structures are refused only when their magic numbers or counts make no sense.
 */
#include "evidence/fs_xfs.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"
#include "evidence/journal.h"

enum { SUPER = 512, SUPER_CRC = 224, BASIC = 512 };

/* ---- checksums ---------------------------------------------------------- */

/* Blocks that come out of the log have the checksum of their last write: the
 * writer computes a new one when it puts them in place. */
static bool stale_crc(const struct xfs *x, uint64_t off, size_t n)
{
    return journal_covers(x->vol, off, n);
}

bool xfs_crc_ok(const struct xfs *x, uint64_t off, const unsigned char *p,
                size_t n, size_t crc_at)
{
    static const unsigned char zero[4];
    if (!x->v5)
        return true;
    uint32_t crc = crc32c(~0u, p, crc_at);
    crc = crc32c(crc, zero, 4);
    crc = crc32c(crc, p + crc_at + 4, n - crc_at - 4);
    return ~crc == u32le(p + crc_at) || stale_crc(x, off, n);
}

/* ---- reading ------------------------------------------------------------ */

/* The line that holds off, or NULL. */
static const unsigned char *line_of(struct xfs *x, uint64_t off, size_t *n)
{
    uint64_t no = off / XFS_LINE;
    /* Groups are often a power of two long: spread equal places in them. */
    size_t slot = (size_t)((no ^ no >> 7 ^ no >> 14) % XFS_LINES);
    unsigned char *line = x->lines + slot * XFS_LINE;
    if (x->line_no[slot] != no + 1) {
        size_t got = 0;
        x->line_no[slot] = 0;
        if (source_read(x->vol, no * XFS_LINE, line, XFS_LINE, &got, NULL))
            return NULL;
        x->line_no[slot] = no + 1;
        x->line_n[slot] = (uint32_t)got;
    }
    *n = x->line_n[slot];
    return line;
}

bool xfs_read(struct xfs *x, uint64_t off, void *buf, size_t n)
{
    char *to = buf;
    while (n > 0) {
        size_t have = 0, at = (size_t)(off % XFS_LINE);
        const unsigned char *line = line_of(x, off, &have);
        if (!line || at >= have)
            return false;
        size_t part = have - at < n ? have - at : n;
        memcpy(to, line + at, part);
        to += part;
        off += part;
        n -= part;
    }
    return true;
}

bool xfs_read_meta(struct xfs *x, uint64_t off, void *buf, size_t n)
{
    if (x->budget == 0)
        return false;
    x->budget--;
    return xfs_read(x, off, buf, n) && !source_gap_in(x->vol, off, n);
}

/* Metadata is not shared: no walk needs to read more than all blocks, some of
 * them again. Hostile forks that show one block a thousand times end here. */
void xfs_budget_reset(struct xfs *x)
{
    x->budget = x->blocks * 4 + 65536;
}

/* ---- addresses ---------------------------------------------------------- */

uint32_t xfs_ag_len(const struct xfs *x, uint32_t ag)
{
    uint64_t first = (uint64_t)ag * x->ag_blocks;
    if (ag >= x->ag_count || first >= x->blocks)
        return 0;
    uint64_t left = x->blocks - first;
    return left < x->ag_blocks ? (uint32_t)left : x->ag_blocks;
}

bool xfs_fsblock(const struct xfs *x, uint64_t fsb, uint64_t n, uint64_t *out)
{
    uint64_t ag = fsb >> x->agblk_log;
    uint64_t at = fsb & ((UINT64_C(1) << x->agblk_log) - 1);
    if (ag >= x->ag_count)
        return false;
    uint32_t len = xfs_ag_len(x, (uint32_t)ag);
    if (n > len || at > len - n)
        return false;
    *out = ag * x->ag_blocks + at;
    return true;
}

/* ---- the log ------------------------------------------------------------ */

/*
 * Clean or dirty, as recovery sees it: the log is a ring of blocks of 512
 * bytes, each with the number of the round in which it was written. The place
 * where that number drops is the head; the record before it says "unmounted"
 * in a clean log and is followed by nothing.
 */
enum {
    LOG_MAGIC = 0xfeedbabe,
    LOG_UNMOUNT = 0x20,
    LOG_BACK = 4096, /* blocks to look back for a record */
    LOG_HEADER_SIZE = 32 << 10,
};

struct log {
    struct xfs *x;
    uint64_t off; /* in the volume */
    uint32_t n;   /* blocks of 512 bytes */
};

static bool log_block(const struct log *l, uint32_t i, unsigned char *p)
{
    return xfs_read(l->x, l->off + (uint64_t)i * BASIC, p, BASIC);
}

static bool log_round(const struct log *l, uint32_t i, uint32_t *round)
{
    unsigned char p[BASIC];
    if (!log_block(l, i, p))
        return false;
    *round = u32be(p) == LOG_MAGIC ? u32be(p + 4) : u32be(p);
    return true;
}

/* First block of the older round, or the end. */
static bool log_head(const struct log *l, uint32_t *head)
{
    uint32_t first, last, mid;
    if (!log_round(l, 0, &first) || !log_round(l, l->n - 1, &last))
        return false;
    *head = l->n;
    if (first == last)
        return true;
    uint32_t lo = 0, hi = l->n - 1;
    while (lo < hi) {
        uint32_t i = lo + (hi - lo) / 2;
        if (!log_round(l, i, &mid))
            return false;
        if (mid == last)
            hi = i;
        else
            lo = i + 1;
    }
    *head = lo;
    return true;
}

/* Blocks of the headers of a record, and where it ends. */
static uint32_t log_record_end(const struct log *l, uint32_t i,
                               const unsigned char *header, uint32_t *headers)
{
    uint32_t len = u32be(header + 12);
    *headers = 1;
    if (u32be(header + 8) & 2 && u32be(header + 320) > LOG_HEADER_SIZE)
        *headers = (u32be(header + 320) - 1) / LOG_HEADER_SIZE + 1;
    if (*headers > 64 || len > LOG_BACK * BASIC)
        return UINT32_MAX;
    return (i + *headers + (len + BASIC - 1) / BASIC) % l->n;
}

/* Does the record at block i, which the head follows, say "unmounted"? */
static bool log_unmounted(const struct log *l, uint32_t i,
                          const unsigned char *header, uint32_t head)
{
    unsigned char op[BASIC];
    uint32_t headers, end = log_record_end(l, i, header, &headers);
    return end == head % l->n && u32be(header + 40) == 1 &&
           log_block(l, (i + headers) % l->n, op) && op[9] & LOG_UNMOUNT;
}

/* NULL: its state is known, and in info->dirty. */
static const char *log_state(struct xfs *x, struct fs_info *info)
{
    struct log l = { .x = x };
    unsigned char p[BASIC];
    uint64_t block;
    uint32_t head, start, round, headers;
    bool torn = false;
    info->dirty = false;
    if (x->external_log || journal_is_layer(x->vol))
        return NULL;
    info->dirty = true;
    if (x->log_blocks == 0 ||
        !xfs_fsblock(x, x->log_start, x->log_blocks, &block))
        return "the log lies outside of the file system";
    l.off = block * x->block;
    l.n = (uint32_t)((uint64_t)x->log_blocks * x->block / BASIC);
    if (!log_head(&l, &head))
        return "the log lies outside of the volume";
    start = head;
    for (uint32_t i = 1; i <= LOG_BACK && i <= l.n; i++) {
        uint32_t at = (start + l.n - i) % l.n;
        if (!log_block(&l, at, p))
            return "the log lies outside of the volume";
        if (u32be(p) != LOG_MAGIC)
            continue;
        /* A record that does not end at the head was not written to its end,
         * or xfs_repair emptied the log behind it: the head is before it. */
        if (torn || log_record_end(&l, at, p, &headers) == head % l.n) {
            info->dirty = !log_unmounted(&l, at, p, head);
            return NULL;
        }
        torn = true;
        head = at;
    }
    /* Never written: nothing to recover. */
    if (log_round(&l, 0, &round) && round == 0 && start == l.n) {
        info->dirty = false;
        return NULL;
    }
    return "the log has no record near its head";
}

/* ---- opening ------------------------------------------------------------ */

static void xfs_close(struct fs *fs)
{
    struct xfs *x = fs->state;
    xfs_history_free(x->history);
    free(x->lines);
    free(x);
}

static const struct fs_ops xfs_ops = { xfs_close, xfs_walk, xfs_open_inode,
                                       xfs_find };

static void uuid_text(char out[40], const unsigned char *p)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = hex[p[i] >> 4];
        out[at++] = hex[p[i] & 15];
    }
    out[at] = '\0';
}

static void info_fill(struct xfs *x, const unsigned char *sb,
                      struct fs_info *info)
{
    info->type = FS_XFS;
    memcpy(info->name, x->v5 ? "XFS v5" : "XFS v4", 7);
    uuid_text(info->uuid, sb + 32);
    info->label_n = strnlen((const char *)sb + 108, 12);
    memcpy(info->label, sb + 108, info->label_n);
    info->block = x->block;
    info->size = x->blocks * x->block;
    x->log_wrong = log_state(x, info);
}

/* Logarithm to base 2; 0 for what is no power of two. */
static uint32_t log2_of(uint64_t v)
{
    return v && !(v & (v - 1)) ? (uint32_t)__builtin_ctzll(v) : 0;
}

static void features(struct xfs *x, const unsigned char *sb)
{
    uint32_t version = u16be(sb + 100);
    uint32_t f2 = version & 0x8000 || (version & 15) == 5 ? u32be(sb + 200) : 0;
    x->v5 = (version & 15) == 5;
    x->incompat = x->v5 ? u32be(sb + 216) : 0;
    x->finobt = x->v5 && u32be(sb + 212) & XFS_RO_FINOBT;
    x->ftype = x->v5 ? x->incompat & XFS_INCOMPAT_FTYPE : f2 & 0x200;
    x->projid32 = x->v5 || f2 & 0x80;
    x->internal[0] = u64be(sb + 64);
    x->internal[1] = u64be(sb + 72);
    x->internal[2] = u64be(sb + 160);
    x->internal[3] = u64be(sb + 168);
    x->internal[4] = x->v5 ? u64be(sb + 232) : 0;
    x->internal[5] = x->incompat & XFS_INCOMPAT_METADIR ? u64be(sb + 264) : 0;
}

/* Fields that everything else divides by or multiplies with. */
static const char *super_check(struct xfs *x, const unsigned char *sb)
{
    uint32_t version = u16be(sb + 100) & 15;
    if (version != 4 && version != 5)
        return "version";
    if (version == 4 && !(u16be(sb + 100) & 0x2000))
        return "version of directories (1)";
    features(x, sb);
    x->block = u32be(sb + 4);
    x->blocks = u64be(sb + 8);
    x->rt_blocks = u64be(sb + 16);
    x->log_start = u64be(sb + 48);
    x->external_log = x->log_start == 0;
    x->root = u64be(sb + 56);
    x->ag_blocks = u32be(sb + 84);
    x->ag_count = u32be(sb + 88);
    x->log_blocks = u32be(sb + 96);
    x->sector = u16be(sb + 102);
    x->inode_size = u16be(sb + 104);
    x->agblk_log = sb[124];
    x->ino_align = u32be(sb + 180);
    uint32_t block_log = log2_of(x->block);
    x->inode_log = log2_of(x->inode_size);
    if (block_log < 9 || x->block > XFS_BLOCK_MAX)
        return "block size";
    if (x->inode_log < 8 || x->inode_size > XFS_INODE_MAX ||
        x->inode_size > x->block || (x->v5 && x->inode_size < 512))
        return "inode size";
    x->inop_log = block_log - x->inode_log;
    if (log2_of(x->sector) < 9 || x->sector > 32768)
        return "sector size";
    if (sb[192] > 7 || x->block << sb[192] > XFS_BLOCK_MAX)
        return "directory block size";
    x->dir_block = x->block << sb[192];
    if (x->ag_blocks < 4 || x->agblk_log > 31 ||
        x->ag_blocks > UINT32_C(1) << x->agblk_log)
        return "length of allocation groups";
    if (x->blocks == 0 || x->blocks > INT64_MAX / x->block ||
        x->ag_count == 0 || x->ag_count != (x->blocks - 1) / x->ag_blocks + 1)
        return "count of blocks or allocation groups";
    x->bad_super = !xfs_crc_ok(x, 0, sb, x->sector, SUPER_CRC);
    return NULL;
}

/* The superblock's sector, of up to 32 KiB. */
static unsigned char *super_read(struct source *vol, struct err *err)
{
    enum { SECTOR_MAX = 32 << 10 };
    size_t got = 0;
    unsigned char *sb = calloc(1, SECTOR_MAX);
    if (!sb) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    if (source_read(vol, 0, sb, SECTOR_MAX, &got, err) || got < SUPER) {
        if (got < SUPER)
            err_set(err, ERR_EVIDENCE, "XFS superblock: cut");
        free(sb);
        return NULL;
    }
    return sb;
}

struct fs *fs_xfs_open(struct source *vol, struct err *err)
{
    unsigned char *sb = super_read(vol, err);
    if (!sb)
        return NULL;
    struct fs *fs = calloc(1, sizeof *fs);
    struct xfs *x = calloc(1, sizeof *x);
    const char *bad = NULL;
    if (x) {
        x->fs = fs;
        x->vol = vol;
        x->lines = malloc((size_t)XFS_LINES * XFS_LINE);
        bad = super_check(x, sb);
    }
    if (!fs || !x || !x->lines || bad) {
        if (bad)
            err_set(err, ERR_EVIDENCE, "XFS superblock: impossible %s", bad);
        else
            err_set(err, ERR_INTERNAL, "out of memory");
        if (x)
            free(x->lines);
        free(x);
        free(fs);
        free(sb);
        return NULL;
    }
    *fs = (struct fs){ .ops = &xfs_ops, .vol = vol, .state = x };
    xfs_budget_reset(x);
    info_fill(x, sb, &fs->info);
    free(sb);
    return fs;
}
