/*
 * Free space of XFS: how much of a deleted file's content lies in it, and
 * inodes in it. When all 64 inodes of a chunk are freed, the chunk's blocks go
 * back to free space, mostly without a last write: the inodes in it are what
 * they were when they were written last, often with their content.
 */
#include "evidence/fs_xfs.h"

#include <stdlib.h>

#include "base/varint.h"

enum {
    LEAVES_MAX = 1 << 20,
    HEADER_V5 = 56,
    HEADER_V4 = 16,
    PROBE = 512,
    INODE_MAGIC = 0x494e,
};

/* ---- the tree of free extents ------------------------------------------- */

/* A block of the tree of free extents of a group; false: it is none. */
static bool free_block(struct xfs *x, uint32_t ag, uint32_t block,
                       unsigned char *p)
{
    uint64_t off = ((uint64_t)ag * x->ag_blocks + block) * x->block;
    return block < x->ag_blocks && xfs_read_meta(x, off, p, x->block) &&
           memcmp(p, x->v5 ? "AB3B" : "ABTB", 4) == 0;
}

/* The leaf with the lowest free extents of a group, into p. */
static bool first_leaf(struct xfs *x, uint32_t ag, unsigned char *p)
{
    size_t header = x->v5 ? HEADER_V5 : HEADER_V4;
    size_t most = (x->block - header) / 12;
    uint64_t off = (uint64_t)ag * x->ag_blocks * x->block + x->sector;
    unsigned char agf[36];
    if (!xfs_read(x, off, agf, sizeof agf) || memcmp(agf, "XAGF", 4) != 0)
        return false;
    uint32_t block = u32be(agf + 16);
    for (unsigned depth = 0; depth <= XFS_DEPTH_MAX; depth++) {
        if (!free_block(x, ag, block, p))
            return false;
        if (u16be(p + 4) == 0)
            return true;
        block = u32be(p + header + 8 * most);
    }
    return false;
}

static bool next_leaf(struct xfs *x, uint32_t ag, unsigned char *p)
{
    return free_block(x, ag, u32be(p + 12), p) && u16be(p + 4) == 0;
}

/* Record i of a leaf: blocks [*from, *end) of the group; false after the
 * last. */
static bool leaf_extent(const struct xfs *x, const unsigned char *p, unsigned i,
                        uint64_t *from, uint64_t *end)
{
    size_t at = (x->v5 ? HEADER_V5 : HEADER_V4) + 8 * (size_t)i;
    if (i >= u16be(p + 6) || at + 8 > x->block)
        return false;
    *from = u32be(p + at);
    *end = *from + u32be(p + at + 4);
    return true;
}

/* ---- of a file ---------------------------------------------------------- */

/* Free blocks among [start, start+n) of a group. */
static uint64_t group_free(struct xfs *x, uint32_t ag, uint64_t start,
                           uint64_t n, unsigned char *p)
{
    uint64_t sum = 0, from, end;
    bool more = first_leaf(x, ag, p);
    for (size_t i = 0; i < LEAVES_MAX && more; i++) {
        for (unsigned r = 0; leaf_extent(x, p, r, &from, &end); r++) {
            from = from > start ? from : start;
            end = end < start + n ? end : start + n;
            sum += end > from ? end - from : 0;
        }
        more = next_leaf(x, ag, p);
    }
    return sum < n ? sum : n;
}

uint64_t xfs_free_bytes(struct xfs *x, const struct xfs_map *map, uint64_t size)
{
    unsigned char *p = malloc(x->block);
    uint64_t sum = 0;
    for (size_t i = 0; p && i < map->n; i++) {
        const struct fs_run *r = &map->runs[i];
        uint64_t ag = r->physical / x->ag_blocks;
        uint64_t at = r->logical * x->block;
        if (r->kind != FS_RUN_DATA || at >= size)
            continue;
        uint64_t bytes =
            x->block *
            group_free(x, (uint32_t)ag, r->physical % x->ag_blocks, r->n, p);
        sum += bytes < size - at ? bytes : size - at;
    }
    free(p);
    return sum;
}

/* ---- inodes in it ------------------------------------------------------- */

struct search {
    struct xfs *x;
    struct xfs_search *s;
    uint32_t ag;
    unsigned char *block;
    struct source_holes holes;
};

/* The inodes of one free block, if it holds any. False ends the search. */
static bool block_inodes(struct search *q, uint64_t block)
{
    struct xfs *x = q->x;
    uint64_t off = ((uint64_t)q->ag * x->ag_blocks + block) * x->block;
    uint64_t base = (((uint64_t)q->ag << x->agblk_log) + block) << x->inop_log;
    size_t got;
    if (source_read(x->vol, off, q->block, x->block, &got, NULL) ||
        got < x->block)
        return true;
    for (uint64_t i = 0; i < UINT64_C(1) << x->inop_log; i++) {
        uint64_t at = i << x->inode_log;
        if (u16be(q->block + at) != INODE_MAGIC ||
            source_gap_in(x->vol, off + at, x->inode_size))
            continue;
        xfs_inode_decode(x, base + i, off + at, q->block + at, q->s->in);
        /* The number, and a checksum over it, are in each of them. */
        if (!q->s->in->bad && !q->s->found(q->s->ctx))
            return false;
    }
    return true;
}

static bool has_inode(struct search *q, uint64_t block)
{
    struct xfs *x = q->x;
    unsigned char head[PROBE];
    uint64_t off = ((uint64_t)q->ag * x->ag_blocks + block) * x->block;
    size_t got;
    return !source_is_hole(&q->holes, off, sizeof head) &&
           !source_read(x->vol, off, head, sizeof head, &got, NULL) &&
           got == sizeof head && u16be(head) == INODE_MAGIC;
}

/* Chunks begin at multiples of the alignment: the first block there tells of
 * all up to the next one. Holes count as places, too: what is found must not
 * depend on how the image is stored. */
static bool extent_inodes(struct search *q, uint64_t from, uint64_t end)
{
    uint32_t align = q->x->ino_align ? q->x->ino_align : 1;
    uint64_t len = xfs_ag_len(q->x, q->ag);
    end = end < len ? end : len;
    while (from < end) {
        uint64_t next = from / align * align + align;
        next = next < end ? next : end;
        if (q->s->budget == 0) {
            q->s->cut = true;
            return false;
        }
        q->s->budget--;
        for (bool is = has_inode(q, from); is && from < next; from++)
            if (!block_inodes(q, from))
                return false;
        from = next;
    }
    return true;
}

bool xfs_search_free(struct xfs *x, struct xfs_search *s)
{
    struct search q = { .x = x, .s = s, .holes = { .s = x->vol } };
    uint64_t from, end;
    if (!x->v5)
        return true; /* nothing in an inode would confirm its number */
    unsigned char *p = malloc(x->block);
    q.block = malloc(x->block);
    bool go = p && q.block, memory = go;
    for (; q.ag < x->ag_count && go && x->budget; q.ag++) {
        bool more = first_leaf(x, q.ag, p);
        for (size_t i = 0; i < LEAVES_MAX && more && go; i++) {
            for (unsigned r = 0; go && leaf_extent(x, p, r, &from, &end); r++)
                go = extent_inodes(&q, from, end);
            more = next_leaf(x, q.ag, p);
        }
    }
    free(p);
    free(q.block);
    return memory;
}
