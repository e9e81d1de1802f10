/*
 * Layouts: kernel Documentation/filesystems/ext4 ("Block Group Descriptors",
 * "Super Block"); XFS Algorithms & Data Structures ("Superblocks", "AG Free
 * Space Block", "AG Inode B+trees"). mke2fs puts as many blocks into a group
 * as one block of the bitmap has bits (times the cluster). The length of XFS
 * groups stands in the three headers behind the superblock; when they are
 * gone as well, the lengths that mkfs.xfs gives are tried. XFS copies of all
 * groups but the middle and the last may lack the root directory's number.
 */
#include "evidence/super_copy.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"
#include "evidence/fs_ext.h"
#include "evidence/fs_xfs.h"
#include "evidence/journal_jbd2.h"

enum {
    EXT_AT = 1024,
    EXT_SUPER = 1024,
    XFS_SECTOR_MAX = 32 << 10,
    XFS_CRC = 224,
    GUESSES = 64,              /* counts of groups that are tried */
    DESCRIPTORS_MAX = 8 << 20, /* bytes */
};

/* ---- the source --------------------------------------------------------- */

/* One piece of the volume is replaced. */
struct patch {
    uint64_t off;
    unsigned char *p;
    size_t n;
};
struct super {
    struct patch patches[2];
};

static int super_read(struct source *s, uint64_t off, void *buf, size_t n,
                      struct err *err)
{
    const struct super *u = s->state;
    int code = source_read_below(s, off, off, buf, n, err);
    for (size_t i = 0; i < 2 && code == 0; i++) {
        const struct patch *p = &u->patches[i];
        uint64_t from = p->off > off ? p->off : off;
        uint64_t end = p->off + p->n < off + n ? p->off + p->n : off + n;
        if (from < end)
            memcpy((char *)buf + (from - off), p->p + (from - p->off),
                   (size_t)(end - from));
    }
    return code;
}

static void super_close(struct source *s)
{
    struct super *u = s->state;
    free(u->patches[0].p);
    free(u->patches[1].p);
    free(u);
}

static uint64_t super_next_data(struct source *s, uint64_t off, uint64_t *end)
{
    const struct super *u = s->state;
    uint64_t from = source_next_below(s, off, off, end);
    for (size_t i = 0; i < 2; i++) {
        const struct patch *p = &u->patches[i];
        if (p->n && p->off < from && p->off + p->n > off)
            from = p->off > off ? p->off : off;
    }
    return from;
}

static const struct source_ops super_ops = { .read = super_read,
                                             .close = super_close,
                                             .next_data = super_next_data };

/* vol with n bytes at off replaced by a copy of p. NULL: no memory. */
static struct source *patched(struct source *vol, uint64_t off,
                              const unsigned char *p, size_t n)
{
    struct super *u = calloc(1, sizeof *u);
    if (!u || !(u->patches[0].p = malloc(n))) {
        free(u);
        return NULL;
    }
    memcpy(u->patches[0].p, p, n);
    u->patches[0].off = off;
    u->patches[0].n = n;
    return source_make(&super_ops, u, vol->size, vol, "super", NULL);
}

/* What of the gaps below is not replaced stays a gap. */
static void take_gaps(struct source *s)
{
    const struct super *u = s->state;
    uint64_t at = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct patch *p = &u->patches[i];
        if (p->n == 0)
            continue;
        source_take_gaps(s, s->below, at, at, p->off - at);
        at = p->off + p->n;
    }
    source_take_gaps(s, s->below, at, at, s->size - at);
    s->gaps_complete = s->below->gaps_complete;
}

static bool read_at(struct source *vol, uint64_t off, void *p, size_t n)
{
    size_t got = 0;
    return off <= vol->size && n <= vol->size - off &&
           !source_read(vol, off, p, n, &got, NULL) && got == n &&
           !source_gap_in(vol, off, n);
}

/* ---- ext ---------------------------------------------------------------- */

/* What a copy must have in common with the first one, but for its place. */
static bool ext_same_geometry(const unsigned char *a, const unsigned char *b)
{
    static const struct {
        size_t at, n;
    } fields[] = {
        { 0x00, 8 }, { 0x14, 8 }, { 0x20, 4 },  { 0x28, 4 },  { 0x4c, 4 },
        { 0x54, 6 }, { 0xfe, 2 }, { 0x150, 4 }, { 0x68, 16 },
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (memcmp(a + fields[i].at, b + fields[i].at, fields[i].n) != 0)
            return false;
    const uint32_t ro =
        EXT_RO_METADATA_CSUM | EXT_RO_BIGALLOC | EXT_RO_GDT_CSUM;
    return ((u32le(a + 0x60) ^ u32le(b + 0x60)) &
            ~(uint32_t)EXT_INCOMPAT_RECOVER) == 0 &&
           ((u32le(a + 0x64) ^ u32le(b + 0x64)) & ro) == 0;
}

static bool ext_sum_fits(const unsigned char *sb)
{
    return !(u32le(sb + 0x64) & EXT_RO_METADATA_CSUM) ||
           crc32c(~0u, sb, 0x3fc) == u32le(sb + 0x3fc);
}

/* Is the copy at off that of group `group`, in a volume like ours? */
static struct source *ext_candidate(struct source *vol, uint64_t off,
                                    uint32_t group, uint32_t log,
                                    unsigned char *sb)
{
    if (!read_at(vol, off, sb, EXT_SUPER) || u16le(sb + 0x38) != 0xef53 ||
        u16le(sb + 0x5a) != group || u32le(sb + 0x18) != log ||
        !ext_sum_fits(sb))
        return NULL;
    uint64_t first = (uint64_t)group * u32le(sb + 0x20) + u32le(sb + 0x14);
    if (first << (10 + log) != off)
        return NULL;
    struct source *s = patched(vol, EXT_AT, sb, EXT_SUPER);
    struct fs *fs = s ? fs_ext_open(s, NULL) : NULL;
    if (!fs) {
        source_close(s);
        return NULL;
    }
    fs_close(fs);
    return s;
}

/* Groups of `per` blocks; with clusters, blocks of 1 KiB begin at 0, too. */
static struct source *ext_in_groups(struct source *vol, uint32_t log,
                                    uint64_t per, unsigned char *sb,
                                    uint64_t *from)
{
    static const uint32_t groups[] = { 1, 3, 5, 7, 9, 25, 27, 49 };
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (uint32_t first = 0; first <= (log == 0); first++) {
            *from = (groups[g] * per + first) << (10 + log);
            struct source *s = ext_candidate(vol, *from, groups[g], log, sb);
            if (s)
                return s;
        }
    return NULL;
}

/* The first sound copy, usual sizes of blocks first. */
static struct source *ext_find_copy(struct source *vol, unsigned char *sb,
                                    uint64_t *from)
{
    static const uint32_t logs[] = { 2, 0, 1, 6, 3, 4, 5 };
    struct source *s = NULL;
    for (size_t l = 0; l < sizeof logs / sizeof *logs && !s; l++)
        for (uint32_t cluster = 0; cluster <= 6 && !s; cluster++)
            s = ext_in_groups(vol, logs[l],
                              UINT64_C(8192) << (logs[l] + cluster), sb, from);
    return s;
}

/* A group's descriptor by its checksum, or where there is none by whether it
 * makes sense. */
static bool ext_desc_fits(const struct ext *x, uint32_t group,
                          const unsigned char *d)
{
    enum { SUM = 0x1e };
    static const unsigned char zero[2];
    unsigned char number[4];
    uint64_t table = u32le(d + 8);
    if (x->desc_size >= 64)
        table |= (uint64_t)u32le(d + 0x28) << 32;
    if (table == 0 || table >= x->blocks || u32le(d) == 0 || u32le(d + 4) == 0)
        return false;
    if (!(x->ro & EXT_RO_METADATA_CSUM))
        return true;
    put_u32le(number, group);
    uint32_t crc = crc32c(crc32c(x->seed, number, 4), d, SUM);
    crc = crc32c(crc, zero, 2);
    if (x->desc_size > SUM + 2)
        crc = crc32c(crc, d + SUM + 2, x->desc_size - SUM - 2);
    return (crc & 0xffff) == u16le(d + SUM);
}

/* Descriptors that are damaged are replaced by those that lie beside the copy
 * of the superblock. Copies are not kept up to date with which inodes were
 * never used: all of the group's are then looked at. */
static bool ext_descriptors(struct source *s, struct super_report *r)
{
    enum { FLAGS = 0x12, UNUSED = 0x1c, UNUSED_HIGH = 0x32, UNINIT = 3 };
    struct fs *fs = fs_ext_open(s, NULL);
    struct super *u = s->state;
    if (!fs)
        return false;
    const struct ext *x = fs->state;
    uint64_t at = ext_desc_at(x, 0), n = (uint64_t)x->groups * x->desc_size;
    unsigned char *now = NULL, *copy = NULL;
    bool ok = true;
    if (!(x->incompat & EXT_INCOMPAT_META_BG) && n <= DESCRIPTORS_MAX) {
        now = calloc(1, (size_t)n);
        copy = calloc(1, (size_t)n);
        ok = now && copy;
    }
    if (now && copy &&
        read_at(s, r->from / x->block * x->block + x->block, copy, (size_t)n)) {
        if (!read_at(s, at, now, (size_t)n))
            memset(now, 0, (size_t)n);
        for (uint32_t g = 0; g < x->groups; g++) {
            unsigned char *d = now + (size_t)g * x->desc_size;
            unsigned char *c = copy + (size_t)g * x->desc_size;
            if (ext_desc_fits(x, g, d) || !ext_desc_fits(x, g, c))
                continue;
            memcpy(d, c, x->desc_size);
            d[FLAGS] &= (unsigned char)~UNINIT;
            memset(d + UNUSED, 0, 2);
            if (x->desc_size >= 64)
                memset(d + UNUSED_HIGH, 0, 2);
            r->replaced++;
        }
        if (r->replaced) {
            u->patches[1] = (struct patch){ at, now, (size_t)n };
            now = NULL;
        }
    }
    free(now);
    free(copy);
    fs_close(fs);
    return ok;
}

/* Copies of the superblock do not say whether the journal is in use: its own
 * superblock does. */
static void ext_journal_state(struct source *s)
{
    struct super *u = s->state;
    struct journal_report ignored = { 0 };
    struct jbd2 j;
    unsigned char *sb = u->patches[0].p;
    if (!jbd2_open(&j, s, NULL, &ignored) && j.start) {
        put_u32le(sb + 0x60, u32le(sb + 0x60) | EXT_INCOMPAT_RECOVER);
        if (u32le(sb + 0x64) & EXT_RO_METADATA_CSUM)
            put_u32le(sb + 0x3fc, crc32c(~0u, sb, 0x3fc));
    }
    jbd2_close(&j);
}

static struct source *ext_copy(struct source *vol, struct super_report *r,
                               bool *no_memory)
{
    unsigned char sb[EXT_SUPER], first[EXT_SUPER];
    struct fs *fs = NULL;
    r->why = "is not there";
    if (read_at(vol, EXT_AT, first, sizeof first) &&
        u16le(first + 0x38) == 0xef53) {
        r->why = "makes no sense";
        fs = fs_ext_open(vol, NULL);
    }
    bool usable = fs != NULL, sound = usable && ext_sum_fits(first);
    fs_close(fs);
    struct source *s = sound ? NULL : ext_find_copy(vol, sb, &r->from);
    if (s && usable && ext_same_geometry(first, sb)) {
        source_close(s); /* newer than its copies */
        return NULL;
    }
    if (usable)
        r->why = "differs from its checksum";
    if (s && !ext_descriptors(s, r)) {
        source_close(s);
        *no_memory = true;
        return NULL;
    }
    if (s)
        ext_journal_state(s);
    return s;
}

/* ---- XFS ---------------------------------------------------------------- */

static bool xfs_sum_fits(const unsigned char *sb, size_t n)
{
    static const unsigned char zero[4];
    if ((u16be(sb + 100) & 15) < 5)
        return true;
    uint32_t crc = crc32c(crc32c(~0u, sb, XFS_CRC), zero, 4);
    crc = crc32c(crc, sb + XFS_CRC + 4, n - XFS_CRC - 4);
    return ~crc == u32le(sb + XFS_CRC);
}

static bool xfs_root_stated(const unsigned char *sb)
{
    uint64_t root = u64be(sb + 56);
    return root != 0 && root != UINT64_MAX;
}

static bool xfs_same_geometry(const unsigned char *a, const unsigned char *b)
{
    static const struct {
        size_t at, n;
    } fields[] = {
        { 4, 12 }, { 32, 24 }, { 84, 8 }, { 96, 12 }, { 120, 5 }, { 192, 1 },
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (memcmp(a + fields[i].at, b + fields[i].at, fields[i].n) != 0)
            return false;
    return true;
}

/* The copy at off, of up to 32 KiB; *n: bytes of it. */
static bool xfs_copy_at(struct source *vol, uint64_t off, unsigned char *sb,
                        size_t *n)
{
    unsigned char head[512];
    if (off == 0 || !read_at(vol, off, head, sizeof head) ||
        memcmp(head, "XFSB", 4) != 0)
        return false;
    uint64_t group = (uint64_t)u32be(head + 4) * u32be(head + 84);
    *n = u16be(head + 102);
    return group && off % group == 0 && off / group < u32be(head + 88) &&
           *n >= 512 && *n <= XFS_SECTOR_MAX && !(*n & (*n - 1)) &&
           read_at(vol, off, sb, *n) && xfs_sum_fits(sb, *n);
}

/* The root directory from another copy of the same file system. */
static void xfs_take_root(struct source *vol, unsigned char *sb, size_t n)
{
    unsigned char *other = malloc(XFS_SECTOR_MAX);
    uint64_t group = (uint64_t)u32be(sb + 4) * u32be(sb + 84);
    uint32_t count = u32be(sb + 88), places[] = { count - 1, count / 2, 2 };
    size_t m;
    for (size_t i = 0; i < 3 && other && !xfs_root_stated(sb); i++)
        if (places[i] < count &&
            xfs_copy_at(vol, places[i] * group, other, &m) && m == n &&
            xfs_same_geometry(sb, other))
            memcpy(sb + 56, other + 56, 8);
    free(other);
}

/* What most copies lack: the root directory, and the inodes of the realtime
 * bitmaps, which mkfs.xfs makes right behind it. */
static void xfs_complete(struct source *vol, unsigned char *sb, size_t n)
{
    static const unsigned char zero[4];
    bool v5 = (u16be(sb + 100) & 15) == 5;
    bool metadir = v5 && u32be(sb + 216) & XFS_INCOMPAT_METADIR;
    xfs_take_root(vol, sb, n);
    for (size_t i = 1; i <= 2 && xfs_root_stated(sb) && !metadir; i++) {
        uint64_t v = u64be(sb + 56 + 8 * i);
        if (v == 0 || v == UINT64_MAX)
            put_u64le(sb + 56 + 8 * i, __builtin_bswap64(u64be(sb + 56) + i));
    }
    if (!v5)
        return;
    uint32_t crc = crc32c(crc32c(~0u, sb, XFS_CRC), zero, 4);
    put_u32le(sb + XFS_CRC, ~crc32c(crc, sb + XFS_CRC + 4, n - XFS_CRC - 4));
}

static struct source *xfs_candidate(struct source *vol, uint64_t off,
                                    unsigned char *sb, size_t *n)
{
    if (!xfs_copy_at(vol, off, sb, n))
        return NULL;
    xfs_complete(vol, sb, *n);
    if (!xfs_root_stated(sb))
        return NULL;
    struct source *s = patched(vol, 0, sb, *n);
    struct fs *fs = s ? fs_xfs_open(s, NULL) : NULL;
    if (!fs) {
        source_close(s);
        return NULL;
    }
    fs_close(fs);
    return s;
}

/* By the length of the first group, as its three headers have it. */
static struct source *xfs_by_headers(struct source *vol, unsigned char *sb,
                                     size_t *n, uint64_t *from)
{
    static const char magics[][5] = { "XAGF", "XAGI" };
    unsigned char h[16];
    for (uint32_t sector = 512; sector <= XFS_SECTOR_MAX; sector *= 2)
        for (uint32_t i = 0; i < 2; i++) {
            if (!read_at(vol, (uint64_t)sector * (i + 1), h, sizeof h) ||
                memcmp(h, magics[i], 4) != 0 || u32be(h + 8) != 0)
                continue;
            for (uint32_t block = 512; block <= XFS_BLOCK_MAX; block *= 2) {
                *from = (uint64_t)u32be(h + 12) * block;
                struct source *s = xfs_candidate(vol, *from, sb, n);
                if (s)
                    return s;
            }
        }
    return NULL;
}

/* By the lengths that mkfs.xfs gives: the volume in equal groups. */
static struct source *xfs_by_guess(struct source *vol, unsigned char *sb,
                                   size_t *n, uint64_t *from)
{
    static const uint32_t sizes[] = { 4096,  1024,  2048,  512,
                                      65536, 32768, 16384, 8192 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t blocks = vol->size / sizes[i];
        for (uint64_t groups = 2; groups <= GUESSES; groups++) {
            *from = (blocks / groups + (blocks % groups != 0)) * sizes[i];
            struct source *s = xfs_candidate(vol, *from, sb, n);
            if (s)
                return s;
        }
    }
    return NULL;
}

static struct source *xfs_copy(struct source *vol, struct super_report *r,
                               bool *no_memory)
{
    unsigned char *sb = malloc(XFS_SECTOR_MAX);
    unsigned char *first = calloc(1, XFS_SECTOR_MAX);
    struct source *s = NULL;
    struct fs *fs = NULL;
    size_t n = 0;
    *no_memory = !sb || !first;
    r->why = "is not there";
    if (!*no_memory && read_at(vol, 0, first, 512) &&
        memcmp(first, "XFSB", 4) == 0) {
        r->why = "makes no sense";
        fs = fs_xfs_open(vol, NULL);
    }
    bool usable = fs != NULL;
    bool sound = usable && !((const struct xfs *)fs->state)->bad_super;
    fs_close(fs);
    if (!*no_memory && !sound)
        s = xfs_by_headers(vol, sb, &n, &r->from);
    if (!*no_memory && !sound && !s)
        s = xfs_by_guess(vol, sb, &n, &r->from);
    if (usable)
        r->why = "differs from its checksum";
    if (s && usable && xfs_same_geometry(first, sb) &&
        u64be(first + 56) == u64be(sb + 56)) {
        source_close(s);
        s = NULL;
    }
    free(sb);
    free(first);
    return s;
}

/* ---- either ------------------------------------------------------------- */

struct source *super_copy_open(struct source *vol, struct super_report *report,
                               struct err *err)
{
    static const struct {
        enum fs_type type;
        struct source *(*copy)(struct source *vol, struct super_report *r,
                               bool *no_memory);
    } formats[] = { { FS_XFS, xfs_copy }, { FS_EXT, ext_copy } };
    enum fs_type type = fs_recognise(vol);
    bool no_memory = false;
    struct source *s = NULL;
    *err = (struct err){ 0 };
    for (size_t i = 0; i < 2 && !s && !no_memory; i++) {
        if (type > FS_EMPTY && type != formats[i].type)
            continue;
        *report = (struct super_report){ .type = formats[i].type };
        s = formats[i].copy(vol, report, &no_memory);
    }
    if (no_memory)
        err_set(err, ERR_INTERNAL, "out of memory");
    else if (s)
        take_gaps(s);
    else if (type <= FS_EMPTY)
        err_set(err, ERR_EVIDENCE,
                "no copy of a superblock of ext or XFS is where copies are");
    return s;
}
