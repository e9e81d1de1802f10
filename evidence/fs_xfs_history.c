/*
 * What the log still knows of deleted files of XFS: inodes are logged again
 * and again, so the log, also behind its tail, has the size, the extents and
 * the times that a freed inode no longer has. Each inode is followed through
 * the log in order; what it was before it was freed is kept.
 *
 * Only where nothing is to be recovered (a clean volume, or "!journal"): else
 * the log knows the future of what is on disk.
 *
 * Most of what is logged is of files that are still there, of which nothing is
 * kept. Which these are is taken from the lists of inodes; should one of them
 * be free all the same (the lists are damaged), the log is read again for all.
 */
#include "evidence/fs_xfs.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"
#include "evidence/journal.h"
#include "evidence/journal_xfs.h"

enum { PASTS_MAX = 1 << 18 };

struct past {
    uint64_t ino; /* + 1; 0 is free */
    unsigned char *raw;
    bool ended; /* freed; what is logged next is another file */
    bool whole; /* its fork was logged: the extents are known */
};

struct xfs_history {
    struct xfs *x;
    struct past *items; /* open hash */
    size_t n, cap;
    struct xfs_chunks chunks;
    bool all; /* also of inodes in use */
};

static struct past *past_slot(struct past *items, size_t cap, uint64_t ino)
{
    size_t i = (size_t)(ino * UINT64_C(0x9e3779b97f4a7c15) >> 20);
    for (i &= cap - 1; items[i].ino && items[i].ino != ino + 1;
         i = (i + 1) & (cap - 1))
        ;
    return &items[i];
}

static struct past *past_find(const struct xfs_history *h, uint64_t ino)
{
    struct past *p = h->cap ? past_slot(h->items, h->cap, ino) : NULL;
    return p && p->ino ? p : NULL;
}

static struct past *past_add(struct xfs_history *h, uint64_t ino)
{
    struct past *p = past_find(h, ino);
    if (p)
        return p;
    if (h->n * 2 >= h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 1024;
        struct past *items =
            h->n < PASTS_MAX ? calloc(cap, sizeof *items) : NULL;
        if (!items)
            return NULL;
        for (size_t i = 0; i < h->cap; i++)
            if (h->items[i].ino)
                *past_slot(items, cap, h->items[i].ino - 1) = h->items[i];
        free(h->items);
        h->items = items;
        h->cap = cap;
    }
    unsigned char *raw = calloc(1, h->x->inode_size);
    if (!raw)
        return NULL;
    p = past_slot(h->items, h->cap, ino);
    *p = (struct past){ .ino = ino + 1, .raw = raw };
    h->n++;
    return p;
}

/* In use, if the lists of inodes are right. */
static bool in_use(struct xfs_history *h, uint64_t ino)
{
    const struct xfs_chunk *k = xfs_chunk_of(&h->chunks, ino);
    return k && !((k->free | k->holes) >> (ino - k->first) & 1);
}

static bool wanted(void *ctx, uint64_t ino)
{
    struct xfs_history *h = ctx;
    return h->all || !in_use(h, ino);
}

/* One logged state of an inode that is wanted. */
static void on_inode(void *ctx, const struct xfs_log *l, uint64_t ino,
                     const struct xfs_item *it)
{
    struct xfs_history *h = ctx;
    const unsigned char *core = it->p[1];
    uint64_t size = u64le(core + 56);
    uint32_t links = u32le(core + 16);
    struct past *p = past_add(h, ino);
    bool fork;
    if (!p)
        return;
    if (u16le(core + 2) == 0) {
        p->ended = true;
        return;
    }
    if (p->ended || (u16be(p->raw) && u32be(p->raw + 92) != u32le(core + 92))) {
        memset(p->raw, 0, h->x->inode_size);
        p->ended = p->whole = false;
    }
    /* On its way to be freed it is emptied: what it was before is wanted. */
    if (links == 0 && size == 0 && u64be(p->raw + 56))
        return;
    if (xfs_item_inode(l, it, p->raw, &fork))
        p->whole |= fork;
}

static void pasts_free(struct xfs_history *h)
{
    for (size_t i = 0; i < h->cap; i++)
        free(h->items[i].raw);
    free(h->items);
    h->items = NULL;
    h->n = h->cap = 0;
}

void xfs_history_free(struct xfs_history *h)
{
    if (!h)
        return;
    pasts_free(h);
    xfs_chunks_free(&h->chunks);
    free(h);
}

struct xfs_history *xfs_history(struct xfs *x)
{
    if (x->history_tried || x->fs->info.dirty || x->log_wrong)
        return x->history;
    x->history_tried = true;
    x->history = calloc(1, sizeof *x->history);
    if (x->history) {
        uint64_t budget = x->budget; /* of a walk that may be under way */
        xfs_budget_reset(x);
        x->history->x = x;
        xfs_chunks_load(x, &x->history->chunks);
        x->budget = budget;
        xfs_log_history(x->vol, wanted, on_inode, x->history);
    }
    return x->history;
}

/* What is known of the freed inode. */
static const struct past *past_of(struct xfs_history *h, uint64_t ino)
{
    if (!h->all && in_use(h, ino)) {
        h->all = true;
        pasts_free(h);
        xfs_log_history(h->x->vol, wanted, on_inode, h);
    }
    return past_find(h, ino);
}

bool xfs_history_inode(struct xfs_history *h, const struct xfs_inode *now,
                       struct xfs_inode *old, bool *whole)
{
    static const unsigned char zero[4];
    const struct past *p = h && !now->mode ? past_of(h, now->ino) : NULL;
    if (!p || u16be(p->raw + 2) == 0)
        return false;
    size_t n = h->x->inode_size;
    if (p->raw[4] >= 3) {
        uint32_t crc = crc32c(crc32c(~0u, p->raw, 100), zero, 4);
        put_u32le(p->raw + 100, ~crc32c(crc, p->raw + 104, n - 104));
    }
    xfs_inode_decode(h->x, now->ino, now->off, p->raw, old);
    *whole = p->whole || old->size == 0;
    return true;
}
