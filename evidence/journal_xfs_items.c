/*
 * What the items of an XFS log change: buffers (128-byte pieces of metadata),
 * inodes (core in the byte order of the machine that wrote the log, always
 * little-endian here, and forks in disk order), and fresh inode chunks.
 *
 * The order and the exceptions are those of recovery: within a transaction
 * buffers first, then inodes, then buffers of inodes (of which only the
 * unlinked list's words count), cancellations last. A cancelled buffer was
 * freed later in the log: what was logged before does not apply. On version 5
 * what stands on disk may be newer than the log, which its LSN tells.
 */
#include "evidence/journal_xfs.h"

#include <stdlib.h>

#include "base/varint.h"

enum {
    ITEM_EFI = 0x1236,
    ITEM_EFD = 0x1237,
    ITEM_IUNLINK = 0x1238,
    ITEM_INODE = 0x123b,
    ITEM_BUFFER = 0x123c,
    ITEM_DQUOT = 0x123d,
    ITEM_QUOTAOFF = 0x123e,
    ITEM_ICREATE = 0x123f,
    ITEM_RUI = 0x1240, /* from here intents and their done items in turn */
    ITEM_LAST = 0x124f,

    BUF_INODES = 1,
    BUF_CANCEL = 2,
    BUF_DQUOTS = 4 | 8 | 16,
    CHUNK = 128,

    LOG_CORE = 1,
    LOG_DDATA = 2,
    LOG_DEXT = 4,
    LOG_DBROOT = 8,
    LOG_DEV = 0x10,
    LOG_ADATA = 0x40,
    LOG_AEXT = 0x80,
    LOG_ABROOT = 0x100,
    LOG_DOWNER = 0x200,
    LOG_AOWNER = 0x400,
    LOG_DFORK = LOG_DDATA | LOG_DEXT | LOG_DBROOT,
    LOG_AFORK = LOG_ADATA | LOG_AEXT | LOG_ABROOT,

    CORE_V2 = 96,
    CORE_V3 = 176,
    FORK_V2 = 100,
    FORK_V3 = 176,
    UNLINKED = 96,
    MAP_MAX = 64, /* words: a buffer has at most 64 KiB and 512 pieces */
    INTENTS_MAX = 1 << 22,
    CANCELS_MAX = 1 << 22,
};

static void put_u16be(unsigned char *p, uint16_t v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}
static void put_u32be(unsigned char *p, uint32_t v)
{
    put_u32le(p, __builtin_bswap32(v));
}
static void put_u64be(unsigned char *p, uint64_t v)
{
    put_u64le(p, __builtin_bswap64(v));
}

/* ---- cancelled buffers -------------------------------------------------- */

static struct xfs_cancel *cancel_slot(struct xfs_cancel *items, size_t cap,
                                      uint64_t daddr, uint32_t len)
{
    size_t i = (size_t)(daddr * UINT64_C(0x9e3779b97f4a7c15) >> 20);
    for (i &= cap - 1;
         items[i].len && (items[i].daddr != daddr || items[i].len != len);
         i = (i + 1) & (cap - 1))
        ;
    return &items[i];
}

static struct xfs_cancel *cancel_find(const struct xfs_log *l, uint64_t daddr,
                                      uint32_t len)
{
    if (l->n_cancels == 0 || len == 0)
        return NULL;
    struct xfs_cancel *c = cancel_slot(l->cancels, l->cap_cancels, daddr, len);
    return c->len && c->count ? c : NULL;
}

static void cancel_add(struct xfs_log *l, uint64_t daddr, uint32_t len)
{
    if (len == 0)
        return;
    if (l->n_cancels * 2 >= l->cap_cancels) {
        size_t cap = l->cap_cancels ? l->cap_cancels * 2 : 256;
        struct xfs_cancel *p =
            cap <= CANCELS_MAX * 2 ? calloc(cap, sizeof *p) : NULL;
        if (!p) {
            l->no_memory = true;
            return;
        }
        for (size_t i = 0; i < l->cap_cancels; i++)
            if (l->cancels[i].len)
                *cancel_slot(p, cap, l->cancels[i].daddr, l->cancels[i].len) =
                    l->cancels[i];
        free(l->cancels);
        l->cancels = p;
        l->cap_cancels = cap;
    }
    struct xfs_cancel *c = cancel_slot(l->cancels, l->cap_cancels, daddr, len);
    l->n_cancels += c->len == 0;
    *c = (struct xfs_cancel){ daddr, len, c->count + 1 };
}

/* ---- intents ------------------------------------------------------------ */

static bool is_intent(uint16_t type, bool *done)
{
    *done = type & 1;
    return type == ITEM_EFI || type == ITEM_EFD ||
           (type >= ITEM_RUI && type <= ITEM_LAST);
}

static void intent_add(struct xfs_log *l, const struct xfs_item *it,
                       uint16_t type, bool done)
{
    if (it->len[0] < 16) {
        l->damaged++;
        return;
    }
    if (l->n_intents == l->cap_intents) {
        size_t cap = l->cap_intents ? l->cap_intents * 2 : 256;
        struct xfs_intent *p =
            cap <= INTENTS_MAX ? realloc(l->intents, cap * sizeof *p) : NULL;
        if (!p) {
            l->no_memory = true;
            return;
        }
        l->intents = p;
        l->cap_intents = cap;
    }
    l->intents[l->n_intents++] =
        (struct xfs_intent){ u64le(it->p[0] + 8), done, type & 0xfffeu };
}

static int by_intent(const void *a, const void *b)
{
    const struct xfs_intent *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->type < y->type ? -1 : x->type > y->type;
}

void xfs_items_end(struct xfs_log *l)
{
    if (l->n_intents)
        qsort(l->intents, l->n_intents, sizeof *l->intents, by_intent);
    for (size_t i = 0, k; i < l->n_intents; i = k) {
        bool done = false;
        for (k = i;
             k < l->n_intents && by_intent(&l->intents[i], &l->intents[k]) == 0;
             k++)
            done |= l->intents[k].done;
        l->report->unfinished += !done;
    }
    free(l->intents);
    free(l->cancels);
    free(l->block);
    l->intents = NULL;
    l->cancels = NULL;
    l->block = NULL;
}

/* ---- the LSN of what is on disk ----------------------------------------- */

/* Where the LSN and the UUID stand in metadata with a magic number. */
static const struct {
    const char *magic;
    uint16_t lsn, uuid;
} kinds32[] = {
    { "AB3B", 24, 32 },   { "AB3C", 24, 32 },  { "RMB3", 24, 32 },
    { "R3FC", 24, 32 },   { "IAB3", 24, 32 },  { "FIB3", 24, 32 },
    { "BMA3", 32, 40 },   { "XAGF", 208, 64 }, { "XAFL", 24, 8 },
    { "XAGI", 320, 296 }, { "XSLM", 48, 16 },  { "XDB3", 16, 24 },
    { "XDD3", 16, 24 },   { "XDF3", 16, 24 },  { "XFSB", 240, 32 },
};
static const uint16_t kinds16[] = { 0x3df1, 0x3dff, 0x3bee, 0x3ebe };

/* 0: it has none, what is logged applies. */
static uint64_t buffer_lsn(struct xfs_log *l, uint64_t off, uint32_t n)
{
    unsigned char p[XFS_BB];
    uint32_t lsn = 0, uuid = 0;
    if (!l->sb.v5 || n < XFS_BB || !overlay_read(l->overlay, off, p, XFS_BB))
        return 0;
    for (size_t i = 0; i < sizeof kinds32 / sizeof *kinds32; i++)
        if (memcmp(p, kinds32[i].magic, 4) == 0) {
            lsn = kinds32[i].lsn;
            uuid = kinds32[i].uuid;
            if (i + 1 == sizeof kinds32 / sizeof *kinds32 &&
                (u32be(p + 216) & 4))
                uuid = 248; /* the superblock's own second one */
        }
    for (size_t i = 0; lsn == 0 && i < sizeof kinds16 / sizeof *kinds16; i++)
        if (u16be(p + 8) == kinds16[i]) {
            lsn = 24;
            uuid = 32;
        }
    if (lsn == 0 || memcmp(p + uuid, l->sb.meta_uuid, 16) != 0 ||
        u64be(p + lsn) == UINT64_MAX)
        return 0;
    return u64be(p + lsn);
}

/* ---- buffers ------------------------------------------------------------ */

struct buffer {
    uint32_t flags, len; /* BBs */
    uint64_t daddr;
    uint32_t words;
    const unsigned char *map;
};

static bool buffer_decode(const struct xfs_item *it, struct buffer *b)
{
    const unsigned char *p = it->p[0];
    if (it->len[0] < 20)
        return false;
    *b = (struct buffer){ u16le(p + 4), u16le(p + 6), u64le(p + 8),
                          u32le(p + 16), p + 20 };
    return b->words <= MAP_MAX && it->len[0] >= 20 + 4 * b->words;
}

/* Do n BBs from daddr on lie in the volume? */
static bool inside(const struct xfs_log *l, uint64_t daddr, uint64_t n)
{
    uint64_t all = l->sb.blocks * (l->sb.block / XFS_BB);
    return n <= all && daddr <= all - n;
}

static bool bit_set(const struct buffer *b, uint32_t bit)
{
    return u32le(b->map + bit / 32 * 4) >> bit % 32 & 1;
}

/* The next run of pieces from *bit on. */
static bool next_run(const struct buffer *b, uint32_t *bit, uint32_t *n)
{
    uint32_t end = b->words * 32;
    while (*bit < end && !bit_set(b, *bit))
        ++*bit;
    for (*n = 0; *bit + *n < end && bit_set(b, *bit + *n);)
        ++*n;
    return *n > 0;
}

static void write_back(struct xfs_log *l, uint64_t off, const void *p, size_t n)
{
    if (!overlay_write(l->overlay, off, p, n))
        l->full++;
}

static void apply_pieces(struct xfs_log *l, const struct xfs_item *it,
                         const struct buffer *b)
{
    uint32_t bit = 0, n, region = 1, size = b->len * XFS_BB;
    while (next_run(b, &bit, &n)) {
        if (region >= it->regions) {
            l->damaged++;
            return;
        }
        /* A run may be logged in several regions. */
        if (it->len[region] < n * CHUNK)
            n = it->len[region] / CHUNK;
        if (n == 0 || (uint64_t)(bit + n) * CHUNK > size) {
            l->damaged++;
            return;
        }
        write_back(l, b->daddr * XFS_BB + (uint64_t)bit * CHUNK, it->p[region],
                   (size_t)n * CHUNK);
        bit += n;
        region++;
    }
}

/* Of a buffer of inodes only the links of the unlinked lists. */
static void apply_unlinked(struct xfs_log *l, const struct xfs_item *it,
                           const struct buffer *b)
{
    uint32_t bit = 0, n, region = 1, isize = l->sb.inode_size;
    uint32_t size = b->len * XFS_BB;
    while (next_run(b, &bit, &n)) {
        uint32_t from = bit * CHUNK, to = from + n * CHUNK;
        uint32_t at = from / isize * isize + UNLINKED;
        if (region >= it->regions || to > size || it->len[region] < n * CHUNK) {
            l->damaged++;
            return;
        }
        for (at += at < from ? isize : 0; at + 4 <= to; at += isize)
            write_back(l, b->daddr * XFS_BB + at, it->p[region] + (at - from),
                       4);
        bit += n;
        region++;
    }
}

static void apply_buffer(struct xfs_log *l, const struct xfs_item *it,
                         uint64_t lsn)
{
    struct buffer b;
    if (!buffer_decode(it, &b) || !inside(l, b.daddr, b.len)) {
        l->damaged++;
        return;
    }
    struct xfs_cancel *c = cancel_find(l, b.daddr, b.len);
    if (b.flags & BUF_CANCEL) {
        if (c)
            c->count--;
        return;
    }
    if (c)
        return;
    if (b.flags & BUF_DQUOTS) {
        l->quota++;
        return;
    }
    if (buffer_lsn(l, b.daddr * XFS_BB, b.len * XFS_BB) >= lsn) {
        l->newer++;
        return;
    }
    if (b.flags & BUF_INODES)
        apply_unlinked(l, it, &b);
    else
        apply_pieces(l, it, &b);
}

/* ---- inodes ------------------------------------------------------------- */

struct inode_item {
    uint32_t fields;
    uint32_t device;
    uint64_t ino, daddr;
    uint32_t len, at; /* BBs of the buffer; place in it */
};

/* The format of 32-bit machines lacks the padding before the number. */
static bool inode_decode(const struct xfs_item *it, struct inode_item *in)
{
    const unsigned char *p = it->p[0];
    size_t pad = it->len[0] >= 56 ? 4 : 0;
    if (it->len[0] < 52 || it->regions < 2)
        return false;
    *in = (struct inode_item){
        .fields = u32le(p + 4),
        .device = u32le(p + 20 + pad),
        .ino = u64le(p + 12 + pad),
        .daddr = u64le(p + 36 + pad),
        .len = u32le(p + 44 + pad),
        .at = u32le(p + 48 + pad),
    };
    return true;
}

static void time_to_disk(unsigned char *to, const unsigned char *from, bool big)
{
    if (big) {
        put_u64be(to, u64le(from));
    } else {
        put_u32be(to, u32le(from));
        put_u32be(to + 4, u32le(from + 4));
    }
}

/* The core: fields swapped one by one; the link of the unlinked list is not
 * logged and stays. */
static void core_to_disk(unsigned char *d, const unsigned char *c, uint64_t lsn)
{
    static const unsigned char fields16[] = { 0, 2, 20, 22, 88, 90 };
    static const unsigned char fields32[] = { 8, 12, 16, 72, 84, 92 };
    bool v3 = c[4] >= 3;
    uint64_t flags2 = v3 ? u64le(c + 120) : 0;
    bool big = flags2 & 8, counts64 = flags2 & 0x10;
    for (size_t i = 0; i < sizeof fields16; i++)
        put_u16be(d + fields16[i], u16le(c + fields16[i]));
    for (size_t i = 0; i < sizeof fields32; i++)
        put_u32be(d + fields32[i], u32le(c + fields32[i]));
    d[4] = c[4];
    d[5] = c[5];
    put_u16be(d + 6, v3 ? u16le(c + 6) : 0);
    d[82] = c[82];
    d[83] = c[83];
    for (size_t at = 32; at < 56; at += 8)
        time_to_disk(d + at, c + at, big);
    put_u64be(d + 56, u64le(c + 56));
    put_u64be(d + 64, u64le(c + 64));
    if (counts64) {
        put_u64be(d + 24, u64le(c + 24));
        put_u32be(d + 76, u32le(c + 76));
        put_u16be(d + 80, 0);
    } else {
        memset(d + 24, 0, 8);
        put_u32be(d + 76, u32le(c + 76));
        put_u16be(d + 80, u16le(c + 80));
    }
    if (!v3)
        return;
    put_u64be(d + 104, u64le(c + 104));
    put_u64be(d + 112, lsn);
    put_u64be(d + 120, flags2);
    put_u32be(d + 128, u32le(c + 128));
    memset(d + 132, 0, 12);
    time_to_disk(d + 144, c + 144, big);
    put_u64be(d + 152, u64le(c + 152));
    memcpy(d + 160, c + 160, 16);
}

/* A root of a block map's tree, logged as it is in memory: a whole block's
 * header and as many keys as fit the region. */
static bool root_to_disk(const struct xfs_log *l, unsigned char *to,
                         uint32_t room, const unsigned char *p, uint32_t n)
{
    uint32_t header = l->sb.v5 ? 72 : 24;
    if (n < header || room < 4)
        return false;
    uint32_t fits = (n - header) / 16, most = (room - 4) / 16;
    uint32_t records = u16be(p + 6);
    if (records > fits || records > most)
        return false;
    memcpy(to, p + 4, 4); /* level and number of records */
    memcpy(to + 4, p + header, (size_t)records * 8);
    memcpy(to + 4 + (size_t)most * 8, p + header + (size_t)fits * 8,
           (size_t)records * 8);
    return true;
}

static bool fork_to_disk(const struct xfs_log *l, unsigned char *to,
                         uint32_t room, bool root, const unsigned char *p,
                         uint32_t n)
{
    if (root)
        return root_to_disk(l, to, room, p, n);
    if (n > room)
        return false;
    memcpy(to, p, n);
    return true;
}

/* An older inode (v1, v2) counts how often it was written. */
static bool flushed_later(const unsigned char *disk, const unsigned char *core)
{
    enum { AT = 30, MAX = 0xffff };
    uint32_t on_disk = u16be(disk + AT), logged = u16le(core + AT);
    return logged < on_disk && !(on_disk == MAX && logged < MAX / 2);
}

static bool forks_to_disk(const struct xfs_log *l, unsigned char *d,
                          const struct xfs_item *it,
                          const struct inode_item *in)
{
    uint32_t start = d[4] >= 3 ? FORK_V3 : FORK_V2;
    uint32_t end = l->sb.inode_size, split = end, region = 2;
    if (d[82])
        split = start + d[82] * 8u;
    if (split > end)
        return false;
    if (in->fields & LOG_DEV)
        put_u32be(d + start, in->device);
    if (in->fields & LOG_DFORK) {
        if (region >= it->regions ||
            !fork_to_disk(l, d + start, split - start, in->fields & LOG_DBROOT,
                          it->p[region], it->len[region]))
            return false;
        region++;
    }
    if (in->fields & LOG_AFORK)
        return region < it->regions &&
               fork_to_disk(l, d + split, end - split, in->fields & LOG_ABROOT,
                            it->p[region], it->len[region]);
    return true;
}

/* Is the logged core one that we can take? */
static bool core_whole(const struct xfs_log *l, const struct xfs_item *it)
{
    const unsigned char *core = it->p[1];
    return it->len[1] >= CORE_V2 && u16le(core) == 0x494e &&
           (core[4] >= 3) == l->sb.v5 && (core[4] < 3 || it->len[1] >= CORE_V3);
}

bool xfs_item_inode(const struct xfs_log *l, const struct xfs_item *it,
                    unsigned char *d, bool *fork)
{
    struct inode_item in;
    if (!inode_decode(it, &in) || !core_whole(l, it))
        return false;
    core_to_disk(d, it->p[1], 0);
    *fork = in.fields & LOG_DFORK;
    return forks_to_disk(l, d, it, &in);
}

static void tell_past(struct xfs_log *l, const struct xfs_item *it)
{
    struct inode_item in;
    if (inode_decode(it, &in) && core_whole(l, it) &&
        l->wanted(l->past_ctx, in.ino))
        l->past(l->past_ctx, l, in.ino, it);
}

static void apply_inode(struct xfs_log *l, const struct xfs_item *it,
                        uint64_t lsn)
{
    struct inode_item in;
    unsigned char *d = l->block;
    if (!inode_decode(it, &in) || !inside(l, in.daddr, in.len) ||
        in.at >= (uint64_t)in.len * XFS_BB) {
        l->damaged++;
        return;
    }
    const unsigned char *core = it->p[1];
    uint64_t off = in.daddr * XFS_BB + in.at;
    if (cancel_find(l, in.daddr, in.len))
        return;
    if (!core_whole(l, it)) {
        l->damaged++;
        return;
    }
    if (!overlay_read(l->overlay, off, d, l->sb.inode_size) ||
        u16be(d) != 0x494e) {
        l->missing++;
        return;
    }
    uint64_t disk_lsn = d[4] >= 3 ? u64be(d + 112) : 0;
    if ((disk_lsn != UINT64_MAX && disk_lsn > lsn) ||
        (core[4] < 3 && flushed_later(d, core))) {
        l->newer++;
        return;
    }
    core_to_disk(d, core, lsn);
    l->owners += (in.fields & (LOG_DOWNER | LOG_AOWNER)) != 0;
    if (!forks_to_disk(l, d, it, &in)) {
        l->damaged++;
        return;
    }
    write_back(l, off, d, l->sb.inode_size);
}

/* ---- fresh inodes ------------------------------------------------------- */

/* Blocks of one buffer of inodes. */
static uint32_t cluster_blocks(const struct xfs_log_sb *sb)
{
    uint32_t size = 8192, big = 8192 * (sb->inode_size / 256);
    if (sb->v5 && sb->inode_align >= big / sb->block)
        size = big;
    return size > sb->block ? size / sb->block : 1;
}

static bool chunk_cancelled(const struct xfs_log *l, uint64_t daddr,
                            uint32_t blocks)
{
    uint32_t step = cluster_blocks(&l->sb), bbs = l->sb.block / XFS_BB;
    for (uint32_t b = 0; b < blocks; b += step)
        if (cancel_find(l, daddr + (uint64_t)b * bbs, step * bbs))
            return true;
    return false;
}

static void apply_icreate(struct xfs_log *l, const struct xfs_item *it)
{
    enum { INODES = 64 };
    const struct xfs_log_sb *sb = &l->sb;
    const unsigned char *p = it->p[0];
    unsigned char *d = l->block;
    if (it->len[0] < 28) {
        l->damaged++;
        return;
    }
    uint32_t ag = u32be(p + 4), agbno = u32be(p + 8), count = u32be(p + 12);
    uint32_t length = u32be(p + 20), generation = u32be(p + 24);
    if (ag >= sb->agcount || agbno >= sb->agblocks || count == 0 ||
        count > INODES * 16 || u32be(p + 16) != sb->inode_size ||
        length > sb->agblocks - agbno ||
        (uint64_t)count * sb->inode_size > (uint64_t)length * sb->block) {
        l->damaged++;
        return;
    }
    uint64_t off = ((uint64_t)ag * sb->agblocks + agbno) * sb->block;
    uint64_t ino = ((uint64_t)ag << sb->agblk_log | agbno) << sb->inop_log;
    if (chunk_cancelled(l, off / XFS_BB, length))
        return;
    for (uint32_t i = 0; i < count; i++) {
        memset(d, 0, sb->inode_size);
        put_u16be(d, 0x494e);
        d[4] = sb->v5 ? 3 : 2;
        put_u32be(d + 92, generation);
        put_u32be(d + UNLINKED, UINT32_MAX);
        if (sb->v5) {
            put_u64be(d + 152, ino + i);
            memcpy(d + 160, sb->meta_uuid, 16);
        }
        write_back(l, off + (uint64_t)i * sb->inode_size, d, sb->inode_size);
    }
}

/* ---- a transaction ------------------------------------------------------ */

enum order { BUFFERS, ITEMS, INODE_BUFFERS, CANCELS, ORDERS };

static enum order order_of(const struct xfs_item *it, uint16_t type)
{
    if (type == ITEM_ICREATE)
        return BUFFERS;
    if (type != ITEM_BUFFER)
        return ITEMS;
    uint32_t flags = it->len[0] >= 6 ? u16le(it->p[0] + 4) : 0;
    if (flags & BUF_CANCEL)
        return CANCELS;
    return flags & BUF_INODES ? INODE_BUFFERS : BUFFERS;
}

static void collect(struct xfs_log *l, const struct xfs_item *it, uint16_t type)
{
    struct buffer b;
    bool done;
    if (is_intent(type, &done))
        intent_add(l, it, type, done);
    else if (type == ITEM_BUFFER && buffer_decode(it, &b) &&
             (b.flags & BUF_CANCEL))
        cancel_add(l, b.daddr, b.len);
}

static void apply(struct xfs_log *l, const struct xfs_item *it, uint16_t type,
                  uint64_t lsn)
{
    bool done;
    switch (type) {
    case ITEM_BUFFER:
        apply_buffer(l, it, lsn);
        break;
    case ITEM_INODE:
        apply_inode(l, it, lsn);
        break;
    case ITEM_ICREATE:
        apply_icreate(l, it);
        break;
    case ITEM_DQUOT:
    case ITEM_QUOTAOFF:
        l->quota++;
        break;
    case ITEM_IUNLINK:
        break;
    default:
        l->unknown += !is_intent(type, &done);
    }
}

bool xfs_item_wanted(const struct xfs_log *l, const unsigned char *p,
                     uint32_t n)
{
    enum { WHOLE = 56, NUMBER = 16 };
    if (l->pass != XFS_HISTORY)
        return true;
    /* A shorter region may go on in the next record, or is of a 32-bit machine:
     * it is looked at when it is whole. */
    return u16le(p) == ITEM_INODE &&
           (n < WHOLE || l->wanted(l->past_ctx, u64le(p + NUMBER)));
}

void xfs_items_commit(struct xfs_log *l, const struct xfs_item *items, size_t n,
                      uint64_t lsn)
{
    unsigned orders = l->pass == XFS_APPLY ? ORDERS : 1;
    if (!l->block)
        l->block = malloc(l->sb.inode_size);
    if (!l->block) {
        l->no_memory = true;
        return;
    }
    for (unsigned order = 0; order < orders; order++)
        for (size_t i = 0; i < n; i++) {
            const struct xfs_item *it = &items[i];
            uint16_t type = u16le(it->p[0]);
            if (l->pass == XFS_COLLECT)
                collect(l, it, type);
            else if (l->pass == XFS_HISTORY)
                tell_past(l, it);
            else if (order_of(it, type) == order)
                apply(l, it, type, lsn);
        }
}
