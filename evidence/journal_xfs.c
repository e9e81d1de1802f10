/*
 * Recovery of an XFS log into an overlay: records and transactions.
 *
 * The log is a ring of 512-byte basic blocks (BB). A record is a header (one
 * BB, with version 2 one more for each 32 KiB) and its payload; the first
 * four bytes of each payload BB are the cycle, how often the ring was gone
 * round, and what belongs there is kept in the header. A record's LSN is its
 * cycle and BB. The payload is operations (12-byte header and a region) of
 * transactions that may go on in the next record.
 *
 * What is recovered: from the tail that the last whole record names to that
 * record, as far as they follow each other without a hole; transactions with
 * their commit, in order of it. Sources: XFS Algorithms & Data Structures,
 * "Journaling Log"; behaviour compared with the kernel's recovery.
 */
#include "evidence/journal_xfs.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"

enum {
    MAGIC = 0xfeedbabe,
    HEADER_SIZE = 328,
    HEADER_SIZE_32 = 324, /* of 32-bit machines, without the padding */
    EXTRA_SIZE = 260,
    CRC_AT = 32,
    CYCLES = 64,      /* in one header */
    BLOCKS_MAX = 512, /* BBs of payload: 256 KiB */
    HEADERS_MAX = 8,
    OP = 12,
    OP_START = 1,
    OP_COMMIT = 2,
    OP_CONTINUE = 4,
    OP_WAS_CONT = 8,
    OP_END = 0x10,
    OP_UNMOUNT = 0x20,
    CLIENT_TRANSACTION = 0x69,
    CLIENT_LOG = 0xaa,
    TRANS_HEADER = 16,
    ITEM_REGIONS_MAX = 20, /* of any item but buffers, which have more */
    OPEN_MAX = 1024,       /* transactions at a time */
    STEP = 1 << 20,
};
/* Bytes of transactions that have no commit yet. */
#define PENDING_MAX (UINT64_C(256) << 20)
/* Records in the log: the smallest have two BBs. */
#define RECORDS_MAX ((size_t)1 << 23)

struct record {
    uint32_t bb, cycle;
    uint32_t len, headers; /* bytes of payload, BBs of header */
    uint32_t ops;
    uint64_t tail;
};

static uint64_t lsn_of(const struct record *r)
{
    return (uint64_t)r->cycle << 32 | r->bb;
}

static uint32_t record_bbs(const struct record *r)
{
    return r->headers + (r->len + XFS_BB - 1) / XFS_BB;
}

/* ---- reading ------------------------------------------------------------ */

bool xfs_log_sb_load(struct source *vol, struct xfs_log_sb *sb)
{
    unsigned char p[264];
    size_t got;
    if (source_read(vol, 0, p, sizeof p, &got, NULL) || got < sizeof p ||
        memcmp(p, "XFSB", 4) != 0)
        return false;
    *sb = (struct xfs_log_sb){
        .block = u32be(p + 4),
        .blocks = u64be(p + 8),
        .agblocks = u32be(p + 84),
        .agcount = u32be(p + 88),
        .sector = u16be(p + 102),
        .inode_size = u16be(p + 104),
        .block_log = p[120],
        .inop_log = p[123],
        .agblk_log = p[124],
        .inode_align = u32be(p + 180),
        .v5 = (u16be(p + 100) & 15) == 5,
    };
    memcpy(sb->uuid, p + 32, 16);
    memcpy(sb->meta_uuid, p + (sb->v5 && u32be(p + 216) & 4 ? 248 : 32), 16);
    uint64_t start = u64be(p + 48), blocks = u32be(p + 96);
    if (sb->block < XFS_BB || sb->block > 65536 || sb->block_log > 16 ||
        sb->block != 1u << sb->block_log || sb->agblocks == 0 ||
        sb->agcount == 0 || sb->agblk_log > 31 || sb->inop_log > 8 ||
        sb->agblocks > 1ull << sb->agblk_log || sb->inode_size < 256 ||
        sb->inode_size > 2048 || sb->inode_size & (sb->inode_size - 1) ||
        sb->inode_size << sb->inop_log != sb->block ||
        sb->blocks > (uint64_t)sb->agcount * sb->agblocks)
        return false;
    if (start == 0) /* on another device */
        return true;
    uint64_t ag = start >> sb->agblk_log;
    uint64_t in_ag = start & ((1ull << sb->agblk_log) - 1);
    blocks *= sb->block / XFS_BB;
    if (ag >= sb->agcount || in_ag >= sb->agblocks || blocks > INT32_MAX)
        return false;
    sb->log_off = (ag * sb->agblocks + in_ag) * sb->block;
    sb->log_bbs = (uint32_t)blocks;
    return true;
}

/* n BBs of the ring from bb on; false when they cannot all be had. */
static bool log_read(const struct xfs_log *l, uint32_t bb, uint32_t n,
                     unsigned char *p)
{
    while (n > 0) {
        uint32_t part = l->sb.log_bbs - bb < n ? l->sb.log_bbs - bb : n;
        uint64_t off = l->sb.log_off + (uint64_t)bb * XFS_BB;
        size_t bytes = (size_t)part * XFS_BB, got;
        if (source_read(l->vol, off, p, bytes, &got, NULL) || got < bytes ||
            source_gap_in(l->vol, off, bytes))
            return false;
        p += bytes;
        n -= part;
        bb = 0;
    }
    return true;
}

/* ---- records ------------------------------------------------------------ */

static bool header_decode(const struct xfs_log *l, const unsigned char *p,
                          struct record *r)
{
    if (u32be(p) != MAGIC)
        return false;
    uint32_t version = u32be(p + 8), size = u32be(p + 320);
    *r = (struct record){
        .cycle = u32be(p + 16),
        .bb = u32be(p + 20),
        .len = u32be(p + 12),
        .headers = 1,
        .ops = u32be(p + 40),
        .tail = u64be(p + 24),
    };
    if (version & 2 && size > CYCLES * XFS_BB)
        r->headers = (size + CYCLES * XFS_BB - 1) / (CYCLES * XFS_BB);
    return r->headers <= HEADERS_MAX && r->len > 0 &&
           r->len <= r->headers * CYCLES * XFS_BB && r->cycle > 0 &&
           r->bb < l->sb.log_bbs && record_bbs(r) < l->sb.log_bbs;
}

/* The checksum as writers compute it: with the padding of 64-bit machines or
 * without, and with those extra headers that the payload needs (seen from
 * kernel 6.18) or with all of them. */
static bool crc_fits(const unsigned char *p, const struct record *r)
{
    static const unsigned char zero[4];
    static const uint32_t sizes[] = { HEADER_SIZE, HEADER_SIZE_32 };
    const unsigned char *data = p + (size_t)r->headers * XFS_BB;
    uint32_t want = ~u32le(p + CRC_AT);
    uint32_t needed = (r->len + CYCLES * XFS_BB - 1) / (CYCLES * XFS_BB);
    for (size_t k = 0; k < 2; k++) {
        uint32_t crc = crc32c(~0u, p, CRC_AT);
        crc = crc32c(crc, zero, 4);
        crc = crc32c(crc, p + CRC_AT + 4, sizes[k] - CRC_AT - 4);
        for (uint32_t i = 1; i <= r->headers; i++) {
            if ((i == needed || i == r->headers) &&
                crc32c(crc, data, r->len) == want)
                return true;
            if (i < r->headers)
                crc = crc32c(crc, p + (size_t)i * XFS_BB, EXTRA_SIZE);
        }
    }
    return false;
}

/* The whole record at bb into p, if it is one that was written completely. */
static bool record_load(const struct xfs_log *l, uint32_t bb, unsigned char *p,
                        struct record *r)
{
    if (!log_read(l, bb, 1, p) || !header_decode(l, p, r) || r->bb != bb ||
        !log_read(l, bb, record_bbs(r), p))
        return false;
    uint32_t n = record_bbs(r);
    for (uint32_t i = r->headers; i < n; i++) {
        bool wrapped = bb + i >= l->sb.log_bbs;
        uint32_t cycle = r->cycle + wrapped;
        if (wrapped && cycle == MAGIC)
            cycle++;
        if (u32be(p + (size_t)i * XFS_BB) != cycle)
            return false;
    }
    /* mkfs writes its one record, an unmount, without a checksum. */
    if (u32le(p + CRC_AT) == 0 && (!l->sb.v5 || r->ops == 1))
        return true;
    return crc_fits(p, r);
}

/* Put back what the cycle numbers replaced. */
static void record_unpack(unsigned char *p, const struct record *r)
{
    uint32_t n = record_bbs(r) - r->headers;
    for (uint32_t i = 0; i < n; i++) {
        const unsigned char *from = i < CYCLES
                                        ? p + 44 + 4 * (size_t)i
                                        : p + (size_t)(i / CYCLES) * XFS_BB +
                                              4 + 4 * (size_t)(i % CYCLES);
        memcpy(p + (size_t)(r->headers + i) * XFS_BB, from, 4);
    }
}

/* Headers, the latest first: a cycle and where it stands. */
struct places {
    uint64_t *lsn;
    size_t n, cap;
};

static int by_lsn_down(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x > *y ? -1 : *x < *y;
}

static bool place_add(struct places *p, uint64_t lsn)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 1024;
        uint64_t *items =
            cap <= RECORDS_MAX ? realloc(p->lsn, cap * sizeof *items) : NULL;
        if (!items)
            return false;
        p->lsn = items;
        p->cap = cap;
    }
    p->lsn[p->n++] = lsn;
    return true;
}

/* Every block that could be a header. */
static bool find_headers(const struct xfs_log *l, unsigned char *p,
                         struct places *places)
{
    for (uint32_t bb = 0; bb < l->sb.log_bbs;) {
        uint64_t off = l->sb.log_off + (uint64_t)bb * XFS_BB;
        size_t want = STEP, got = 0;
        if (want > (size_t)(l->sb.log_bbs - bb) * XFS_BB)
            want = (size_t)(l->sb.log_bbs - bb) * XFS_BB;
        if (source_read(l->vol, off, p, want, &got, NULL) || got < XFS_BB)
            break;
        for (size_t at = 0; at + XFS_BB <= got; at += XFS_BB, bb++) {
            struct record r;
            if (header_decode(l, p + at, &r) && r.bb == bb &&
                !place_add(places, lsn_of(&r)))
                return false;
        }
    }
    if (places->n)
        qsort(places->lsn, places->n, sizeof *places->lsn, by_lsn_down);
    return true;
}

/* ---- head and tail ------------------------------------------------------ */

struct chain {
    struct record *items;
    size_t n, cap;
};

static bool chain_add(struct chain *c, const struct record *r)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 256;
        struct record *p = realloc(c->items, cap * sizeof *p);
        if (!p)
            return false;
        c->items = p;
        c->cap = cap;
    }
    c->items[c->n++] = *r;
    return true;
}

/* Records from tail on that follow each other, up to the one at head. */
static bool chain_walk(const struct xfs_log *l, uint64_t tail, uint64_t head,
                       unsigned char *p, struct chain *c)
{
    uint32_t bb = (uint32_t)tail, cycle = (uint32_t)(tail >> 32);
    c->n = 0;
    while (((uint64_t)cycle << 32 | bb) <= head) {
        struct record r;
        if (bb >= l->sb.log_bbs || !record_load(l, bb, p, &r) ||
            r.cycle != cycle)
            return true;
        if (!chain_add(c, &r))
            return false;
        bb += record_bbs(&r);
        if (bb >= l->sb.log_bbs) {
            bb -= l->sb.log_bbs;
            cycle++;
            if (cycle == MAGIC)
                cycle++;
        }
    }
    return true;
}

static bool is_unmount(const unsigned char *p, const struct record *r)
{
    const unsigned char *op = p + (size_t)r->headers * XFS_BB;
    return r->ops == 1 && r->len >= OP && op[9] & OP_UNMOUNT;
}

/* The records to recover, in order; *torn: later ones that do not count.
 * False: out of memory. */
static bool find_chain(struct xfs_log *l, const struct places *places,
                       unsigned char *p, struct chain *c, uint64_t *torn,
                       bool *clean)
{
    struct record last;
    size_t i = 0;
    *torn = 0;
    *clean = false;
    c->n = 0;
    while (i < places->n && !record_load(l, (uint32_t)places->lsn[i], p, &last))
        i++;
    *torn = i;
    if (i == places->n)
        return true;
    if (is_unmount(p, &last)) {
        *clean = true;
        return true;
    }
    uint64_t head = lsn_of(&last), tail = last.tail;
    for (;;) {
        if (!chain_walk(l, tail, head, p, c))
            return false;
        if (c->n == 0 || lsn_of(&c->items[c->n - 1]) == head)
            return true;
        /* A hole: what lies behind it was still on its way. */
        last = c->items[c->n - 1];
        head = lsn_of(&last);
        while (*torn < places->n && places->lsn[*torn] > head)
            ++*torn;
        if (last.tail == tail)
            return true;
        tail = last.tail;
    }
}

/* ---- transactions ------------------------------------------------------- */

struct region {
    size_t off;
    uint32_t len;
};
struct trans {
    uint32_t tid;
    uint64_t lsn;
    unsigned char header[TRANS_HEADER];
    uint32_t header_n;
    bool damaged;
    struct buf data;
    struct region *regions;
    size_t n, cap;
    size_t items;       /* begun */
    uint32_t item_left; /* regions that the last item still lacks */
    bool passed_over;   /* the last item is none that the pass wants */
    struct trans *next;
};

struct recovery {
    struct xfs_log *l;
    struct trans *open;
    size_t n_open;
    uint64_t pending; /* bytes */
    uint64_t committed, torn, broken;
};

static void trans_free(struct trans *t)
{
    buf_free(&t->data);
    free(t->regions);
    free(t);
}

static struct trans **trans_find(struct recovery *r, uint32_t tid)
{
    struct trans **t = &r->open;
    while (*t && (*t)->tid != tid)
        t = &(*t)->next;
    return t;
}

static void trans_drop(struct recovery *r, struct trans **at)
{
    struct trans *t = *at;
    *at = t->next;
    r->pending -= t->data.n;
    r->n_open--;
    trans_free(t);
}

static void trans_start(struct recovery *r, uint32_t tid, uint64_t lsn)
{
    struct trans *t = r->n_open < OPEN_MAX ? calloc(1, sizeof *t) : NULL;
    if (!t) {
        r->broken++;
        return;
    }
    t->tid = tid;
    t->lsn = lsn;
    t->next = r->open;
    r->open = t;
    r->n_open++;
}

static bool region_bytes(struct recovery *r, struct trans *t,
                         const unsigned char *p, uint32_t n)
{
    if (r->pending + n > PENDING_MAX)
        return false;
    buf_put(&t->data, (struct str){ (const char *)p, n });
    if (t->data.failed)
        return false;
    r->pending += n;
    return true;
}

/* One more region; the first of an item states how many it has. */
static bool region_add(struct recovery *r, struct trans *t,
                       const unsigned char *p, uint32_t n)
{
    if (t->item_left == 0) {
        if (n < 4 || u16le(p + 2) == 0)
            return false;
        t->item_left = u16le(p + 2);
        t->passed_over = !xfs_item_wanted(r->l, p, n);
        t->items += !t->passed_over;
    }
    t->item_left--;
    if (t->passed_over)
        return true;
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        struct region *q = realloc(t->regions, cap * sizeof *q);
        if (!q)
            return false;
        t->regions = q;
        t->cap = cap;
    }
    t->regions[t->n++] = (struct region){ t->data.n, n };
    return region_bytes(r, t, p, n);
}

static bool add_region(struct recovery *r, struct trans *t,
                       const unsigned char *p, uint32_t n)
{
    if (n == 0)
        return true;
    if (t->header_n == TRANS_HEADER)
        return region_add(r, t, p, n);
    if (n > TRANS_HEADER || (n >= 4 && u32le(p) != 0x5452414e))
        return false;
    memcpy(t->header, p, n);
    t->header_n = n;
    return true;
}

/* More of the last region, or of the header. */
static bool add_rest(struct recovery *r, struct trans *t,
                     const unsigned char *p, uint32_t n)
{
    if (t->passed_over)
        return true;
    if (t->n > 0) {
        t->regions[t->n - 1].len += n;
        return region_bytes(r, t, p, n);
    }
    if (t->header_n == TRANS_HEADER || n > TRANS_HEADER)
        return n == 0;
    memcpy(t->header + TRANS_HEADER - n, p, n);
    t->header_n = TRANS_HEADER;
    return true;
}

static void commit_items(struct recovery *r, struct trans *t)
{
    struct xfs_item *items = calloc(t->items, sizeof *items);
    const unsigned char **p = calloc(t->n, sizeof(unsigned char *));
    uint32_t *len = calloc(t->n, sizeof *len);
    size_t k = 0, n = 0;
    if (!items || !p || !len)
        r->l->no_memory = true;
    for (size_t i = 0; i < t->n && !r->l->no_memory; i++) {
        p[i] = (const unsigned char *)t->data.p + t->regions[i].off;
        len[i] = t->regions[i].len;
    }
    while (n < t->items && k < t->n && !r->l->no_memory) {
        uint32_t count = u16le(p[k] + 2);
        items[n++] = (struct xfs_item){ p + k, len + k, count };
        k += count;
    }
    if (!r->l->no_memory)
        xfs_items_commit(r->l, items, n, t->lsn);
    free(items);
    free(p);
    free(len);
}

static void trans_commit(struct recovery *r, struct trans *t)
{
    if (t->damaged || t->item_left) {
        r->broken++;
        return;
    }
    if (t->items)
        commit_items(r, t);
    r->committed++;
    if (r->l->pass == XFS_APPLY) {
        struct journal_report *report = r->l->report;
        if (report->transactions++ == 0)
            report->first_seq = t->lsn;
        report->last_seq = t->lsn;
    }
}

/* One operation. */
static void operation(struct recovery *r, const unsigned char *op,
                      const unsigned char *p, uint32_t n, uint64_t lsn)
{
    uint32_t tid = u32be(op), flags = op[9] & ~(uint32_t)OP_END;
    struct trans **at = trans_find(r, tid);
    if (!*at) {
        if (flags & OP_START)
            trans_start(r, tid, lsn);
        return;
    }
    struct trans *t = *at;
    if (flags & OP_WAS_CONT)
        flags &= ~(uint32_t)OP_CONTINUE;
    switch (flags) {
    case 0:
    case OP_CONTINUE:
        t->damaged |= !t->damaged && !add_region(r, t, p, n);
        break;
    case OP_WAS_CONT:
        t->damaged |= !t->damaged && !add_rest(r, t, p, n);
        break;
    case OP_COMMIT:
        trans_commit(r, t);
        trans_drop(r, at);
        break;
    case OP_UNMOUNT:
        trans_drop(r, at);
        break;
    default:
        t->damaged = true;
    }
}

/* False: an operation makes no sense, and with it the rest of the record. */
static bool record_ops(struct recovery *r, const unsigned char *p,
                       const struct record *rec)
{
    const unsigned char *at = p + (size_t)rec->headers * XFS_BB;
    const unsigned char *end = at + rec->len;
    for (uint32_t i = 0; i < rec->ops; i++) {
        if (end - at < OP)
            return false;
        uint32_t n = u32be(at + 4);
        if ((at[8] != CLIENT_TRANSACTION && at[8] != CLIENT_LOG) ||
            n > (size_t)(end - at) - OP)
            return false;
        operation(r, at, at + OP, n, lsn_of(rec));
        at += OP + n;
    }
    return true;
}

/* One pass over all records; false: the chain broke off. */
static bool run_pass(struct recovery *r, const struct chain *c,
                     unsigned char *p, enum xfs_pass pass)
{
    bool ok = true;
    r->l->pass = pass;
    r->committed = r->torn = r->broken = 0;
    for (size_t i = 0; i < c->n && ok && !r->l->no_memory; i++) {
        struct record rec;
        ok = record_load(r->l, c->items[i].bb, p, &rec);
        if (ok) {
            record_unpack(p, &rec);
            ok = record_ops(r, p, &rec);
        }
    }
    while (r->open) {
        r->torn += r->open->n > 0;
        trans_drop(r, &r->open);
    }
    return ok;
}

/* ---- replay ------------------------------------------------------------- */

static void tell(struct xfs_log *l, const struct recovery *r, bool whole)
{
    struct journal_report *p = l->report;
    p->dropped += r->torn + r->broken;
    p->skipped += l->damaged + l->missing + l->full + l->owners;
    if (!whole)
        journal_why(p, "the log breaks off at an impossible operation");
    if (r->broken)
        journal_why(p, "%llu damaged transactions",
                    (unsigned long long)r->broken);
    if (l->damaged)
        journal_why(p, "%llu items make no sense",
                    (unsigned long long)l->damaged);
    if (l->missing)
        journal_why(p, "%llu inodes are not where the log says",
                    (unsigned long long)l->missing);
    if (l->full)
        journal_why(p, "%llu changes beyond %d MiB left out",
                    (unsigned long long)l->full, JOURNAL_BYTES_MAX >> 20);
    if (l->owners)
        journal_why(p, "%llu exchanges of extents keep their old owner",
                    (unsigned long long)l->owners);
    if (p->unfinished)
        journal_why(p, "%llu operations are unfinished: a mount finishes them",
                    (unsigned long long)p->unfinished);
    if (l->quota)
        journal_why(p, "quota not replayed");
}

static int recover(struct xfs_log *l, const struct chain *c, unsigned char *p,
                   struct err *err)
{
    struct recovery r = { .l = l };
    l->overlay = overlay_open(l->vol, XFS_BB);
    if (!l->overlay)
        return err_set(err, ERR_INTERNAL, "out of memory");
    bool whole = run_pass(&r, c, p, XFS_COLLECT);
    whole = run_pass(&r, c, p, XFS_APPLY) && whole;
    xfs_items_end(l);
    l->report->blocks = overlay_cells(l->overlay) * XFS_BB / l->sb.block;
    tell(l, &r, whole);
    return l->no_memory ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

/* Is the log this volume's, and of a form that we know? */
static const char *log_form(const struct xfs_log *l, unsigned char *p,
                            const struct chain *c)
{
    if (!log_read(l, c->items[0].bb, 1, p))
        return "a tail that cannot be read";
    if (u32be(p + 300) != 1)
        return "items in the byte order of another machine";
    if (memcmp(p + 304, l->sb.uuid, 16) != 0)
        return "the identity of another file system";
    return NULL;
}

static int replay_log(struct xfs_log *l, struct err *err)
{
    struct places places = { 0 };
    struct chain chain = { 0 };
    uint64_t torn = 0;
    bool clean = false;
    int code = 0;
    unsigned char *p = malloc(STEP);
    bool ok = p && find_headers(l, p, &places) &&
              find_chain(l, &places, p, &chain, &torn, &clean);
    if (!ok) {
        code = err_set(err, ERR_INTERNAL, "out of memory");
    } else if (clean || places.n == 0) {
        l->report->state = JOURNAL_CLEAN;
    } else if (chain.n == 0) {
        l->report->state = JOURNAL_UNREADABLE;
        journal_why(l->report, "the log has %s",
                    torn == places.n ? "no whole record" : "no tail");
    } else {
        const char *wrong = log_form(l, p, &chain);
        l->report->state = wrong ? JOURNAL_UNREADABLE : JOURNAL_DIRTY;
        if (wrong)
            journal_why(l->report, "the log has %s", wrong);
        else
            code = recover(l, &chain, p, err);
        if (torn)
            journal_why(l->report, "%llu torn records at the head dropped",
                        (unsigned long long)torn);
    }
    free(places.lsn);
    free(chain.items);
    free(p);
    return code;
}

int xfs_log_replay(struct journal_job *job, struct err *err)
{
    struct xfs_log l = { .vol = job->vol, .report = job->report };
    int code = 0;
    if (!xfs_log_sb_load(job->vol, &l.sb)) {
        job->report->state = JOURNAL_UNREADABLE;
        journal_why(job->report, "the superblock makes no sense");
    } else if (l.sb.log_bbs == 0) {
        job->report->state = JOURNAL_UNREADABLE;
        journal_why(job->report, "the log is on another device, which is not "
                                 "part of this volume");
    } else {
        code = replay_log(&l, err);
    }
    job->overlay = l.overlay;
    return code;
}

void xfs_log_history(struct source *vol, xfs_wanted_fn *wanted, xfs_past_fn *fn,
                     void *ctx)
{
    struct journal_report ignored = { 0 };
    struct xfs_log l = {
        .vol = vol,
        .report = &ignored,
        .pass = XFS_HISTORY,
        .wanted = wanted,
        .past = fn,
        .past_ctx = ctx,
    };
    struct recovery r = { .l = &l };
    struct places places = { 0 };
    unsigned char *p = malloc(STEP);
    uint64_t expected = 0;
    if (p && xfs_log_sb_load(vol, &l.sb) && l.sb.log_bbs &&
        find_headers(&l, p, &places))
        for (size_t i = places.n; i-- > 0;) {
            struct record rec;
            if (!record_load(&l, (uint32_t)places.lsn[i], p, &rec))
                continue;
            /* A hole: what began before it has lost its middle. */
            while (lsn_of(&rec) != expected && r.open)
                trans_drop(&r, &r.open);
            uint32_t next = rec.bb + record_bbs(&rec);
            bool wraps = next >= l.sb.log_bbs;
            expected = (uint64_t)(rec.cycle + wraps) << 32 |
                       (wraps ? next - l.sb.log_bbs : next);
            record_unpack(p, &rec);
            (void)record_ops(&r, p, &rec);
        }
    while (r.open)
        trans_drop(&r, &r.open);
    xfs_items_end(&l);
    free(places.lsn);
    free(p);
}
