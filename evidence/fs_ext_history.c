/*
 * What the journal still knows of the past of ext3/4: each logged block of
 * metadata is a copy of what stood there at one time. Old copies of inode
 * tables give freed inodes their size, blocks and times, old copies of
 * directories give names that were wiped. The whole ring is looked at, also
 * what is before its start.
 *
 * Only on a volume without a journal to replay (or over "!journal"): else the
 * journal knows the future of what is on disk.
 */
#include "evidence/fs_ext.h"

#include <stdlib.h>

#include "base/varint.h"
#include "evidence/journal_jbd2.h"

enum { SLOTS = 32, COPIES_MAX = 1 << 22 };

struct copy {
    uint64_t target;
    uint32_t block; /* of the journal */
    uint32_t sequence, checksum;
};

struct ext_history {
    struct jbd2 journal;
    struct copy *copies; /* by target, then by sequence */
    size_t n, cap;
    unsigned char *blocks; /* SLOTS of them, by the journal's block */
    uint32_t held[SLOTS];  /* + 1; 0 = free */
    bool fits[SLOTS];
};

void ext_history_free(struct ext_history *h)
{
    if (!h)
        return;
    jbd2_close(&h->journal);
    free(h->copies);
    free(h->blocks);
    free(h);
}

static bool copy_add(struct ext_history *h, const struct jbd2_tag *tag,
                     uint32_t sequence, uint32_t block)
{
    if (h->n == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 256;
        struct copy *p =
            cap <= COPIES_MAX ? realloc(h->copies, cap * sizeof *p) : NULL;
        if (!p)
            return false;
        h->copies = p;
        h->cap = cap;
    }
    h->copies[h->n++] =
        (struct copy){ tag->block, block, sequence, tag->checksum };
    return true;
}

/* The blocks that the descriptor p, block n of the journal, tells of. */
static bool descriptor_copies(struct ext_history *h, const unsigned char *p,
                              uint32_t n, uint32_t sequence)
{
    const struct jbd2 *j = &h->journal;
    struct jbd2_tag tag;
    uint32_t at = 0;
    while (jbd2_tag_next(j, p, &at, &tag)) {
        if (++n >= j->last)
            n = j->first;
        /* An escaped block is neither inodes nor names. */
        if (tag.block < j->x->blocks && !(tag.flags & JBD2_ESCAPED) &&
            !copy_add(h, &tag, sequence, n))
            return false;
    }
    return true;
}

static int by_target(const void *a, const void *b)
{
    const struct copy *x = a, *y = b;
    if (x->target != y->target)
        return x->target < y->target ? -1 : 1;
    int32_t d = (int32_t)(x->sequence - y->sequence);
    if (d)
        return d < 0 ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

static bool scan(struct ext_history *h)
{
    const struct jbd2 *j = &h->journal;
    unsigned char head[12];
    uint32_t sequence;
    bool ok = true;
    for (uint32_t n = j->first; n < j->last && ok; n++) {
        uint64_t off;
        size_t got;
        if (!jbd2_place(j, n, &off) ||
            source_read(j->x->vol, off, head, sizeof head, &got, NULL) ||
            got < sizeof head ||
            jbd2_block_type(head, &sequence) != JBD2_DESCRIPTOR ||
            !jbd2_read(j, n, h->blocks))
            continue;
        ok = descriptor_copies(h, h->blocks, n, sequence);
    }
    if (h->n)
        qsort(h->copies, h->n, sizeof *h->copies, by_target);
    return h->n > 0;
}

struct ext_history *ext_history_open(struct ext *x)
{
    struct journal_report ignored = { 0 };
    struct ext_history *h = NULL;
    if (!(x->compat & EXT_COMPAT_JOURNAL) || x->incompat & EXT_INCOMPAT_RECOVER)
        return NULL;
    h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    bool ok = !jbd2_open(&h->journal, x->vol, x->fs, &ignored);
    h->journal.report = NULL;
    if (ok)
        h->blocks = malloc((size_t)SLOTS * x->block);
    if (ok && h->blocks && scan(h))
        return h;
    ext_history_free(h);
    return NULL;
}

/* ---- copies ------------------------------------------------------------- */

/* Copies [*first, *end) of one block, the oldest first. */
static void find_copies(const struct ext_history *h, uint64_t target,
                        size_t *first, size_t *end)
{
    size_t lo = 0, hi = h->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (h->copies[mid].target < target)
            lo = mid + 1;
        else
            hi = mid;
    }
    *first = *end = lo;
    while (*end < h->n && h->copies[*end].target == target)
        ++*end;
}

/* The bytes of a copy, or NULL when it was overwritten since. */
static const unsigned char *copy_bytes(struct ext_history *h,
                                       const struct copy *c)
{
    const struct jbd2 *j = &h->journal;
    size_t slot = c->block % SLOTS;
    unsigned char *p = h->blocks + slot * j->block;
    struct jbd2_tag tag = { c->target, 0, c->checksum };
    uint32_t sequence;
    if (h->held[slot] != c->block + 1) {
        h->held[slot] = 0;
        if (!jbd2_read(j, c->block, p))
            return NULL;
        h->held[slot] = c->block + 1;
        h->fits[slot] = jbd2_block_type(p, &sequence) == 0 &&
                        jbd2_tag_fits(j, &tag, c->sequence, p);
    }
    return h->fits[slot] ? p : NULL;
}

static bool has_past(const struct ext_inode *in)
{
    return !in->bad && in->mode && (in->links || in->size) &&
           !(in->flags & EXT_INODE_EA);
}

bool ext_history_inode(struct ext_history *h, const struct ext_inode *now,
                       bool same, struct ext_inode *old)
{
    const struct jbd2 *j = &h->journal;
    uint64_t block = now->off / j->block;
    size_t at = (size_t)(now->off % j->block), first, end;
    find_copies(h, block, &first, &end);
    while (end > first) {
        const struct copy *c = &h->copies[--end];
        const unsigned char *p = copy_bytes(h, c);
        uint64_t off;
        /* most copies are of the file as it is: not worth decoding */
        if (!p || (u32le(p + at + 0x64) == now->generation) != same ||
            !jbd2_place(j, c->block, &off))
            continue;
        ext_inode_decode(j->x, now->ino, off + at, p + at, old);
        if (has_past(old))
            return true;
    }
    return false;
}

void ext_history_blocks(struct ext_history *h, uint64_t block,
                        void (*fn)(void *ctx, struct str copy), void *ctx)
{
    size_t first, end;
    find_copies(h, block, &first, &end);
    while (end > first) {
        const unsigned char *p = copy_bytes(h, &h->copies[--end]);
        if (p)
            fn(ctx, (struct str){ (const char *)p, h->journal.block });
    }
}
