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

enum {
    COPIES_MAX = 1 << 22,
    PIECE = 1 << 20, /* bytes of the journal that the scan reads at once */
    LINE = 16 << 10,
    LINES_BYTES = 4 << 20,
};

struct copy {
    uint64_t target;
    uint32_t block; /* of the journal */
    uint32_t sequence, checksum;
};

/* Whether a block of the journal is still the copy c. */
struct verdict {
    const struct copy *c;
    bool fits;
};

struct ext_history {
    struct jbd2 journal;
    struct copy *copies; /* by target, then by sequence */
    size_t n, cap;
    bool full; /* no more copies can be kept */
    /* Lines of the journal, direct-mapped by their number: copies that are
     * asked for one after the other were often logged together. */
    unsigned char *lines;
    uint32_t *held; /* number of the line + 1; 0 = free */
    struct verdict *verdicts;
    uint32_t per, n_lines; /* blocks in a line */
};

void ext_history_free(struct ext_history *h)
{
    if (!h)
        return;
    jbd2_close(&h->journal);
    free(h->copies);
    free(h->lines);
    free(h->held);
    free(h->verdicts);
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

/* ---- the ring ----------------------------------------------------------- */

/* Blocks of the journal as the scan looks at them: one at a time where most
 * are jumped over, more and more at once where it looks at all. */
struct ring {
    const struct jbd2 *j;
    unsigned char *p; /* PIECE bytes */
    uint32_t from, n; /* blocks in p */
    uint32_t next;    /* block after the last one looked at */
    uint32_t ahead;   /* blocks to be read at once */
    struct source_holes holes;
};

/* Reads blocks from n on that lie in a row in the volume. */
static void ring_fill(struct ring *r, uint32_t n, uint64_t off)
{
    const struct jbd2 *j = r->j;
    uint64_t next;
    size_t got;
    uint32_t k = 1;
    while (k < r->ahead && n + k < j->last && jbd2_place(j, n + k, &next) &&
           next == off + (uint64_t)k * j->block)
        k++;
    r->from = n;
    r->n = 0;
    if (!source_read(j->x->vol, off, r->p, (size_t)k * j->block, &got, NULL))
        r->n = (uint32_t)(got / j->block);
}

/* Block n; NULL: it cannot be had, or is known to be zeros. */
static const unsigned char *ring_at(struct ring *r, uint32_t n)
{
    const struct jbd2 *j = r->j;
    uint64_t off;
    bool row = n == r->next;
    r->next = n + 1;
    if (!jbd2_place(j, n, &off) || source_is_hole(&r->holes, off, j->block))
        return NULL;
    if (n < r->from || n - r->from >= r->n) {
        r->ahead = row ? r->ahead * 2 : 1;
        if (r->ahead > PIECE / j->block)
            r->ahead = PIECE / j->block;
        ring_fill(r, n, off);
    }
    bool has = n - r->from < r->n && !source_gap_in(j->x->vol, off, j->block);
    return has ? r->p + (size_t)(n - r->from) * j->block : NULL;
}

/* The blocks that the descriptor p, block n of the journal, tells of; how many
 * they are. */
static uint32_t descriptor_copies(struct ext_history *h, const unsigned char *p,
                                  uint32_t n, uint32_t sequence)
{
    const struct jbd2 *j = &h->journal;
    struct jbd2_tag tag;
    uint32_t at = 0, tags = 0;
    while (!h->full && jbd2_tag_next(j, p, &at, &tag)) {
        tags++;
        if (++n >= j->last)
            n = j->first;
        /* An escaped block is neither inodes nor names. */
        if (tag.block < j->x->blocks && !(tag.flags & JBD2_ESCAPED))
            h->full = !copy_add(h, &tag, sequence, n);
    }
    return tags;
}

/* The transaction of which block n is a descriptor, without a look at the
 * blocks that it logged: true when its commit is where it should be, for then
 * all of them were written, and nothing older is left between. *end: behind
 * the commit, or where it shows that the transaction is not whole; then nothing
 * is taken of it. */
static bool follow(struct ext_history *h, struct ring *r, uint32_t n,
                   uint32_t first, uint32_t *end)
{
    const struct jbd2 *j = &h->journal;
    size_t before = h->n;
    while (n < j->last && !h->full) {
        uint32_t sequence, type = 0;
        const unsigned char *p = ring_at(r, n);
        if (p)
            type = jbd2_block_type(p, &sequence);
        if (type == 0 || sequence != first)
            break;
        if (type == JBD2_DESCRIPTOR)
            n += descriptor_copies(h, p, n, sequence);
        n++;
        *end = n;
        if (type == JBD2_COMMIT)
            return true;
    }
    *end = n < j->last ? n : j->last;
    h->n = h->full ? h->n : before;
    return false;
}

static bool scan(struct ext_history *h)
{
    const struct jbd2 *j = &h->journal;
    struct ring r = { .j = j, .p = malloc(PIECE), .holes = { j->x->vol } };
    uint32_t n = j->first, end, sequence;
    /* What was not whole is looked at block by block. With the async feature
     * a commit does not tell that all was written. */
    uint32_t single = j->incompat & JBD2_ASYNC ? j->last : 0;
    while (r.p && n < j->last && !h->full) {
        const unsigned char *p = ring_at(&r, n);
        end = n + 1;
        if (!p || jbd2_block_type(p, &sequence) != JBD2_DESCRIPTOR)
            ;
        else if (n < single)
            descriptor_copies(h, p, n, sequence);
        else if (!follow(h, &r, n, sequence, &end)) {
            single = end;
            continue;
        }
        n = end;
    }
    free(r.p);
    if (h->n)
        qsort(h->copies, h->n, sizeof *h->copies, by_target);
    return h->n > 0;
}

static bool lines_open(struct ext_history *h)
{
    uint32_t block = h->journal.block;
    h->per = block < LINE ? LINE / block : 1;
    h->n_lines = LINES_BYTES / (h->per * block);
    size_t n = (size_t)h->n_lines * h->per;
    h->lines = malloc(n * block);
    h->held = calloc(h->n_lines, sizeof *h->held);
    h->verdicts = calloc(n, sizeof *h->verdicts);
    return h->lines && h->held && h->verdicts;
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
    if (ok && scan(h) && lines_open(h))
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

/* Blocks of the journal from n on, into p; those that lie in a row in the
 * volume are read together. False: nothing can be read. */
static bool line_fill(const struct jbd2 *j, uint32_t n, uint32_t per,
                      unsigned char *p)
{
    uint64_t off, next;
    size_t got;
    for (uint32_t i = 0, k; i < per; i += k) {
        k = 1;
        if (!jbd2_place(j, n + i, &off))
            continue;
        while (i + k < per && jbd2_place(j, n + i + k, &next) &&
               next == off + (uint64_t)k * j->block)
            k++;
        if (source_read(j->x->vol, off, p + (size_t)i * j->block,
                        (size_t)k * j->block, &got, NULL))
            return false;
    }
    return true;
}

/* Block n of the journal, and where what is known of it is kept; NULL: it
 * cannot be had. */
static const unsigned char *line_block(struct ext_history *h, uint32_t n,
                                       struct verdict **v)
{
    const struct jbd2 *j = &h->journal;
    uint32_t no = n / h->per, slot = no % h->n_lines;
    size_t first = (size_t)slot * h->per, at = first + n % h->per;
    if (h->held[slot] != no + 1) {
        h->held[slot] = 0;
        if (!line_fill(j, no * h->per, h->per, h->lines + first * j->block))
            return NULL;
        memset(h->verdicts + first, 0, h->per * sizeof *h->verdicts);
        h->held[slot] = no + 1;
    }
    *v = &h->verdicts[at];
    return h->lines + at * j->block;
}

static bool copy_fits(const struct jbd2 *j, const struct copy *c,
                      const unsigned char *p)
{
    struct jbd2_tag tag = { c->target, 0, c->checksum };
    uint32_t sequence;
    uint64_t off;
    return jbd2_place(j, c->block, &off) && off + j->block <= j->x->vol->size &&
           !source_gap_in(j->x->vol, off, j->block) &&
           jbd2_block_type(p, &sequence) == 0 &&
           jbd2_tag_fits(j, &tag, c->sequence, p);
}

/* The bytes of a copy, or NULL when it was overwritten since. */
static const unsigned char *copy_bytes(struct ext_history *h,
                                       const struct copy *c)
{
    struct verdict *v;
    const unsigned char *p = line_block(h, c->block, &v);
    if (p && v->c != c)
        *v = (struct verdict){ c, copy_fits(&h->journal, c, p) };
    return p && v->fits ? p : NULL;
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
