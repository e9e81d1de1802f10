/*
 * XFS: inodes, the walk through a B-tree of any kind, and the trees that list
 * where inodes are.
 */
#include "evidence/fs_xfs.h"

#include <stdlib.h>

#include "base/varint.h"

enum { INODE_MAGIC = 0x494e, INODE_CRC = 100, CORE_V3 = 176, CORE_V2 = 100 };

/* ---- one inode ---------------------------------------------------------- */

bool xfs_inode_place(const struct xfs *x, uint64_t ino, uint64_t *off)
{
    uint32_t block_bits = x->agblk_log + x->inop_log;
    uint64_t ag = ino >> block_bits;
    uint64_t in_ag = ino & ((UINT64_C(1) << block_bits) - 1);
    uint64_t block = in_ag >> x->inop_log;
    if (ino == 0 || ag >= x->ag_count || block >= xfs_ag_len(x, (uint32_t)ag))
        return false;
    *off = (ag * x->ag_blocks + block) * x->block +
           ((in_ag & ((UINT64_C(1) << x->inop_log) - 1)) << x->inode_log);
    return true;
}

static void doubt(struct xfs_inode *in, const char *why)
{
    if (!in->bad)
        in->bad = why;
}

/*
 * Seconds (signed, 32 bits) and nanoseconds, or with bigtime one count of
 * nanoseconds since the smallest of those seconds. Which of them, each inode
 * says for itself: an upgraded file system has both kinds.
 */
static struct instant time_of(struct xfs_inode *in, size_t at)
{
    const unsigned char *p = in->raw + at;
    if (in->flags2 & XFS_FLAG2_BIGTIME) {
        uint64_t v = u64be(p);
        return (struct instant){
            (int64_t)(v / 1000000000) - INT64_C(2147483648),
            (uint32_t)(v % 1000000000),
        };
    }
    struct instant t = { (int32_t)u32be(p), u32be(p + 4) };
    if (t.ns > 999999999) {
        t.ns = 0;
        doubt(in, "a time has more than 999999999 ns");
    }
    return t;
}

static bool all_zero(const unsigned char *p, size_t n)
{
    while (n && p[n - 1] == 0)
        n--;
    return n == 0;
}

static void decode_times(struct xfs_inode *in)
{
    bool v3 = in->version >= 3;
    in->a = time_of(in, 32);
    in->m = time_of(in, 40);
    in->c = time_of(in, 48);
    in->has_b = v3;
    if (v3)
        in->b = time_of(in, 144);
    in->unused = in->mode == 0 && all_zero(in->raw + 32, 24) &&
                 (!v3 || all_zero(in->raw + 144, 8));
}

static void decode_counts(struct xfs_inode *in)
{
    const unsigned char *p = in->raw;
    if (in->flags2 & XFS_FLAG2_NREXT64) {
        in->extents = u64be(p + 24);
        in->aextents = u32be(p + 76);
    } else {
        in->extents = u32be(p + 76);
        in->aextents = u16be(p + 80);
    }
    in->forkoff = p[82];
    in->aformat = p[83];
    size_t room = in->raw_n - (in->version >= 3 ? CORE_V3 : CORE_V2);
    if ((size_t)in->forkoff * 8 >= room) {
        in->forkoff = 0;
        doubt(in, "its forks do not fit into it");
    }
}

static void decode(const struct xfs *x, struct xfs_inode *in)
{
    const unsigned char *p = in->raw;
    in->mode = u16be(p + 2);
    in->version = p[4];
    in->format = p[5];
    in->uid = u32be(p + 8);
    in->gid = u32be(p + 12);
    in->links = in->version == 1 ? u16be(p + 6) : u32be(p + 16);
    in->size = u64be(p + 56);
    in->blocks = u64be(p + 64);
    in->flags = u16be(p + 90);
    in->generation = u32be(p + 92);
    in->next_unlinked = u32be(p + 96);
    in->flags2 = in->version >= 3 ? u64be(p + 120) : 0;
    decode_times(in);
    decode_counts(in);
    if (in->version < 1 || in->version > 3 || (in->version == 3) != x->v5)
        doubt(in, "its version does not fit the file system");
    else if (!xfs_crc_ok(x, in->off, p, in->raw_n, INODE_CRC))
        doubt(in, "the inode differs from its checksum");
    else if (in->version == 3 && u64be(p + 152) != in->ino)
        doubt(in, "it carries the number of another inode");
}

void xfs_inode_decode(const struct xfs *x, uint64_t ino, uint64_t off,
                      const void *bytes, struct xfs_inode *in)
{
    in->ino = ino;
    in->off = off;
    in->bad = NULL;
    in->raw_n = x->inode_size;
    memcpy(in->raw, bytes, in->raw_n);
    decode(x, in);
}

bool xfs_inode_load(struct xfs *x, uint64_t ino, struct xfs_inode *in)
{
    in->ino = ino;
    in->bad = NULL;
    in->raw_n = x->inode_size;
    if (!xfs_inode_place(x, ino, &in->off) ||
        !xfs_read(x, in->off, in->raw, in->raw_n) ||
        source_gap_in(x->vol, in->off, in->raw_n) ||
        u16be(in->raw) != INODE_MAGIC)
        return false;
    decode(x, in);
    return true;
}

struct str xfs_fork(const struct xfs_inode *in, bool attr)
{
    size_t core = in->version >= 3 ? CORE_V3 : CORE_V2;
    struct str all = { (const char *)in->raw + core, in->raw_n - core };
    size_t split = (size_t)in->forkoff * 8;
    if (attr)
        return split ? str_sub(all, split, all.n) : STR_NONE;
    return split ? str_sub(all, 0, split) : all;
}

/* ---- B-trees ------------------------------------------------------------ */

/* One level of a tree while it is walked: level 0 has the leaves. */
struct level {
    unsigned char *block;
    const unsigned char *keys, *ptrs;
    unsigned n, i, depth;
    uint64_t end; /* key after the part it describes */
};

static uint64_t number(const struct xfs_tree *t, const unsigned char *p,
                       unsigned i)
{
    return t->wide ? u64be(p + 8 * (size_t)i) : u32be(p + 4 * (size_t)i);
}

static bool tree_address(const struct xfs *x, const struct xfs_tree *t,
                         uint64_t ptr, uint64_t *block)
{
    if (!t->wide) {
        *block = (uint64_t)t->ag * x->ag_blocks + ptr;
        return ptr != 0 && ptr < xfs_ag_len(x, t->ag);
    }
    return ptr != 0 && xfs_fsblock(x, ptr, 1, block);
}

/* Reads the block of l, which is at depth l->depth, and finds its parts. */
static bool level_load(struct xfs *x, const struct xfs_tree *t, struct level *l,
                       uint64_t ptr)
{
    uint64_t block;
    size_t head = t->wide ? (x->v5 ? 72 : 24) : (x->v5 ? 56 : 16);
    size_t half = t->wide ? 8 : 4;
    size_t max = (x->block - head) / (l->depth ? 2 * half : t->rec);
    unsigned char *p = l->block;
    if (!tree_address(x, t, ptr, &block) ||
        !xfs_read_meta(x, block * x->block, p, x->block) ||
        memcmp(p, x->v5 ? t->magic5 : t->magic4, 4) != 0)
        return false;
    l->n = u16be(p + 6);
    l->i = 0;
    if (u16be(p + 4) != l->depth || l->n > max)
        return false;
    if (x->v5) {
        uint64_t owner = t->wide ? u64be(p + 56) : u32be(p + 48);
        if (owner != t->owner)
            return false; /* of another file: not ours to tell */
        if (!xfs_crc_ok(x, block * x->block, p, x->block, t->wide ? 64 : 52))
            t->doubt(t->ctx);
    }
    l->keys = p + head;
    l->ptrs = p + head + max * half;
    return true;
}

/* One step down or on; false at the end of the whole. */
static bool tree_step(struct xfs *x, const struct xfs_tree *t,
                      struct level levels[], struct level **at)
{
    struct level *l = *at;
    if (l->i == l->n) {
        if (l == levels)
            return false;
        --*at;
        (*at)->i++;
        return true;
    }
    struct level *below = l + 1;
    uint64_t from = number(t, l->keys, l->i);
    below->depth = l->depth - 1;
    below->end = l->i + 1 < l->n ? number(t, l->keys, l->i + 1) : l->end;
    if (!level_load(x, t, below, number(t, l->ptrs, l->i))) {
        t->lost(t->ctx, from, below->end);
        l->i++;
    } else if (below->depth == 0) {
        t->leaf(t->ctx, below->keys, below->n);
        l->i++;
    } else {
        *at = below;
    }
    return true;
}

bool xfs_tree_walk(struct xfs *x, const struct xfs_tree *t,
                   const unsigned char *keys, const unsigned char *ptrs,
                   unsigned n, unsigned depth, uint64_t end)
{
    struct level levels[XFS_DEPTH_MAX + 1] = {
        { .keys = keys, .ptrs = ptrs, .n = n, .depth = depth, .end = end },
    };
    struct level *at = levels;
    if (depth == 0 || depth > XFS_DEPTH_MAX) {
        t->lost(t->ctx, 0, end);
        return true;
    }
    unsigned char *space = malloc((size_t)depth * x->block);
    if (!space)
        return false;
    for (unsigned i = 0; i < depth; i++)
        levels[i + 1].block = space + (size_t)i * x->block;
    while (tree_step(x, t, levels, &at))
        ;
    free(space);
    return true;
}

/* ---- where inodes are --------------------------------------------------- */

bool xfs_agi_load(struct xfs *x, uint32_t ag, struct xfs_agi *agi)
{
    unsigned char p[512];
    uint64_t off = (uint64_t)ag * x->ag_blocks * x->block + 2ull * x->sector;
    if (!xfs_read_meta(x, off, p, sizeof p) || memcmp(p, "XAGI", 4) != 0)
        return false;
    agi->root = u32be(p + 20);
    agi->level = u32be(p + 24);
    agi->free_root = u32be(p + 328);
    agi->free_level = u32be(p + 332);
    for (size_t i = 0; i < 64; i++)
        agi->unlinked[i] = u32be(p + 40 + 4 * i);
    agi->bad = u32be(p + 8) != ag;
    if (x->v5 && !agi->bad) {
        /* Of the whole sector, whose length varies. */
        unsigned char *all = malloc(x->sector);
        agi->bad = !all || !xfs_read(x, off, all, x->sector) ||
                   !xfs_crc_ok(x, off, all, x->sector, 312);
        free(all);
    }
    return true;
}

struct chunk_walk {
    struct xfs *x;
    struct xfs_chunks *c;
    uint64_t base; /* number of the group's inode 0 */
};

static void chunk_add(struct chunk_walk *w, struct xfs_chunk k)
{
    struct xfs_chunks *c = w->c;
    /* A sound file system has no more of them than its blocks have room. */
    if (c->n > w->x->blocks * (w->x->block >> w->x->inode_log) / XFS_CHUNK +
                   w->x->ag_count)
        return;
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 256;
        struct xfs_chunk *p = realloc(c->items, cap * sizeof *p);
        if (!p) {
            c->no_memory = true;
            return;
        }
        c->items = p;
        c->cap = cap;
    }
    c->items[c->n++] = k;
}

static void chunk_leaf(void *ctx, const unsigned char *recs, unsigned n)
{
    struct chunk_walk *w = ctx;
    bool sparse = w->x->incompat & XFS_INCOMPAT_SPARSE;
    for (unsigned i = 0; i < n; i++) {
        const unsigned char *r = recs + 16 * (size_t)i;
        struct xfs_chunk k = { .first = w->base + u32be(r),
                               .free = u64be(r + 8) };
        uint32_t mask = sparse ? u16be(r + 4) : 0; /* a bit is 4 inodes */
        for (unsigned b = 0; b < 16; b++)
            if (mask >> b & 1)
                k.holes |= UINT64_C(15) << 4 * b;
        chunk_add(w, k);
    }
}

static void chunk_lost(void *ctx, uint64_t from, uint64_t end)
{
    struct chunk_walk *w = ctx;
    (void)from;
    (void)end;
    w->c->lost++;
}

static void chunk_doubt(void *ctx)
{
    struct chunk_walk *w = ctx;
    w->c->doubt++;
}

static void chunk_tree(struct chunk_walk *w, uint32_t ag, bool free_tree,
                       uint32_t root, uint32_t level)
{
    unsigned char key[4] = { 0 }, ptr[4];
    struct xfs_tree t = {
        .magic5 = free_tree ? "FIB3" : "IAB3",
        .magic4 = "IABT",
        .rec = 16,
        .ag = ag,
        .owner = ag,
        .ctx = w,
        .leaf = chunk_leaf,
        .lost = chunk_lost,
        .doubt = chunk_doubt,
    };
    put_u32le(ptr, __builtin_bswap32(root));
    if (!xfs_tree_walk(w->x, &t, key, ptr, 1, level, UINT32_MAX))
        w->c->no_memory = true;
}

static int by_first(const void *a, const void *b)
{
    const struct xfs_chunk *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->free < y->free ? -1 : x->free > y->free;
}

void xfs_chunks_load(struct xfs *x, struct xfs_chunks *c)
{
    for (uint32_t ag = 0; ag < x->ag_count && !c->no_memory; ag++) {
        struct chunk_walk w = { x, c,
                                (uint64_t)ag << (x->agblk_log + x->inop_log) };
        uint64_t lost = c->lost;
        struct xfs_agi agi;
        if (x->budget == 0 || !xfs_agi_load(x, ag, &agi)) {
            c->lost++;
            continue;
        }
        chunk_tree(&w, ag, false, agi.root, agi.level);
        /* The second tree has the chunks in which something is free. */
        if (c->lost > lost && x->finobt)
            chunk_tree(&w, ag, true, agi.free_root, agi.free_level);
    }
    if (c->n)
        qsort(c->items, c->n, sizeof *c->items, by_first);
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++)
        if (i == 0 || c->items[i].first != c->items[kept - 1].first)
            c->items[kept++] = c->items[i];
    c->n = kept;
}

void xfs_chunks_free(struct xfs_chunks *c)
{
    free(c->items);
    *c = (struct xfs_chunks){ 0 };
}

struct xfs_chunk *xfs_chunk_of(struct xfs_chunks *c, uint64_t ino)
{
    size_t lo = 0, hi = c->n;
    if (c->last < c->n && ino - c->items[c->last].first < XFS_CHUNK)
        return &c->items[c->last];
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->items[mid].first <= ino)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || ino - c->items[lo - 1].first >= XFS_CHUNK)
        return NULL;
    c->last = lo - 1;
    return &c->items[c->last];
}
