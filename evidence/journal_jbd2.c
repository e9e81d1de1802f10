/*
 * Replay of the journal of ext3 and ext4 (jbd2) into an overlay.
 *
 * A transaction is descriptor blocks (tags: which block of the file system
 * each of the following data blocks is), revoke blocks (these blocks of
 * earlier transactions are not to be written any more) and a commit block,
 * all with one sequence number. The log is a ring. As in the kernel's
 * recovery there are three passes from the superblock's start: scan for the
 * last transaction that is whole, collect revokes, replay.
 *
 * Which transactions apply: those in order whose commit block is there and
 * whose checksums fit (v1: CRC-32 of all blocks, in the commit block; v2, v3:
 * CRC-32C of each block). A data block that differs from the checksum of its
 * tag is left out alone, as the kernel does (which then refuses to mount). Fast
 * commits follow (journal_fast.c).
 */
#include "evidence/journal_jbd2.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"
#include "evidence/journal_fast.h"

enum {
    MAGIC = 0xc03b3998,
    HEADER = 12,
    SUPER_SIZE = 1024,
    COMPAT_CHECKSUM = 1,
    IN_REVOKE = 1,
    IN_64BIT = 2,
    IN_CSUM_V2 = 8,
    IN_CSUM_V3 = 0x10,
    IN_FAST = 0x20,
    IN_KNOWN = 0x3f,
    FAST_DEFAULT = 256, /* blocks when the superblock says 0 */
    LOG_MIN = 1024,     /* blocks that must be left beside fast commits */
    TAIL = 4,           /* checksum at the end of descriptors and revokes */
    REVOKES_MAX = 1 << 23,
};

/* ---- blocks ------------------------------------------------------------- */

bool jbd2_place(const struct jbd2 *j, uint32_t n, uint64_t *off)
{
    size_t lo = 0, hi = j->map.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (j->map.runs[mid].logical + j->map.runs[mid].n <= n)
            lo = mid + 1;
        else
            hi = mid;
    }
    const struct fs_run *r = lo < j->map.n ? &j->map.runs[lo] : NULL;
    if (!r || r->kind != FS_RUN_DATA || r->logical > n)
        return false;
    *off = (r->physical + (n - r->logical)) * j->block;
    return true;
}

bool jbd2_read(const struct jbd2 *j, uint32_t n, unsigned char *p)
{
    uint64_t off;
    size_t got;
    return jbd2_place(j, n, &off) &&
           !source_read(j->x->vol, off, p, j->block, &got, NULL) &&
           got == j->block && !source_gap_in(j->x->vol, off, j->block);
}

uint32_t jbd2_block_type(const unsigned char *p, uint32_t *sequence)
{
    *sequence = u32be(p + 8);
    return u32be(p) == MAGIC ? u32be(p + 4) : 0;
}

bool jbd2_tag_next(const struct jbd2 *j, const unsigned char *p, uint32_t *at,
                   struct jbd2_tag *tag)
{
    uint32_t size = j->block - (j->checksum_v23 ? TAIL : 0);
    if (*at == 0)
        *at = HEADER;
    if (*at + j->tag_bytes > size)
        return false;
    const unsigned char *t = p + *at;
    tag->block = u32be(t);
    if (j->wide)
        tag->block |= (uint64_t)u32be(t + 8) << 32;
    tag->flags = u16be(t + 6);
    tag->checksum = j->incompat & IN_CSUM_V3 ? u32be(t + 12) : u16be(t + 4);
    *at += j->tag_bytes + (tag->flags & JBD2_SAME_UUID ? 0 : 16);
    if (tag->flags & JBD2_LAST_TAG)
        *at = j->block;
    return true;
}

bool jbd2_tag_fits(const struct jbd2 *j, const struct jbd2_tag *tag,
                   uint32_t sequence, const unsigned char *data)
{
    unsigned char be[4];
    if (!j->checksum_v23)
        return true;
    put_u32le(be, __builtin_bswap32(sequence));
    uint32_t crc = crc32c(crc32c(j->seed, be, 4), data, j->block);
    return tag->checksum == (j->incompat & IN_CSUM_V3 ? crc : crc & 0xffff);
}

/* The checksum over a whole block whose field at `at` counts as zero. */
static bool block_fits(const struct jbd2 *j, const unsigned char *p, size_t at)
{
    static const unsigned char zero[4];
    if (!j->checksum_v23)
        return true;
    uint32_t crc = crc32c(j->seed, p, at);
    crc = crc32c(crc, zero, 4);
    crc = crc32c(crc, p + at + 4, j->block - at - 4);
    return crc == u32be(p + at);
}

/* Some kernels computed a commit block's checksum over its header alone, as
 * if the rest were zero. */
static bool commit_fits(const struct jbd2 *j, const unsigned char *p)
{
    enum { CHECKSUM = 16, COMMIT_HEADER = 60 };
    static const unsigned char zero[64];
    if (block_fits(j, p, CHECKSUM))
        return true;
    uint32_t crc = crc32c(j->seed, p, CHECKSUM);
    crc = crc32c(crc, zero, 4);
    crc = crc32c(crc, p + CHECKSUM + 4, COMMIT_HEADER - CHECKSUM - 4);
    for (size_t n = j->block - COMMIT_HEADER; n > 0;) {
        size_t part = n < sizeof zero ? n : sizeof zero;
        crc = crc32c(crc, zero, part);
        n -= part;
    }
    return crc == u32be(p + CHECKSUM);
}

/* CRC-32 with the most significant bit first, for v1. */
static uint32_t crc32_msb(uint32_t crc, const unsigned char *p, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9, 0x130476dc, 0x17c56b6b,
        0x1a864db2, 0x1e475005, 0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
        0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd,
    };
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint32_t)p[i] << 24;
        crc = crc << 4 ^ table[crc >> 28];
        crc = crc << 4 ^ table[crc >> 28];
    }
    return crc;
}

/* ---- opening ------------------------------------------------------------ */

static const char *super_features(struct jbd2 *j, const unsigned char *sb)
{
    static const unsigned char zero[4];
    uint32_t compat = u32be(sb + 0x24);
    j->incompat = u32be(sb + 0x28);
    j->checksum_v1 = compat & COMPAT_CHECKSUM;
    j->checksum_v23 = j->incompat & (IN_CSUM_V2 | IN_CSUM_V3);
    j->wide = j->incompat & IN_64BIT;
    if (j->incompat & ~(uint32_t)IN_KNOWN)
        return "unknown features";
    if (((j->incompat & IN_CSUM_V2) && (j->incompat & IN_CSUM_V3)) ||
        (j->checksum_v1 && j->checksum_v23))
        return "two kinds of checksums at once";
    if (j->checksum_v23) {
        uint32_t crc = crc32c(~0u, sb, 0xfc);
        crc = crc32c(crc, zero, 4);
        if (sb[0x50] != 4)
            return "an unknown kind of checksum";
        if (crc32c(crc, sb + 0x100, SUPER_SIZE - 0x100) != u32be(sb + 0xfc))
            return "a superblock that differs from its checksum";
    }
    j->seed = crc32c(~0u, sb + 0x30, 16);
    if (j->incompat & IN_FAST) {
        uint32_t fast = u32be(sb + 0x54) ? u32be(sb + 0x54) : FAST_DEFAULT;
        if (j->last > fast && j->last - fast >= LOG_MIN)
            j->last -= fast;
    }
    return NULL;
}

static const char *super_load(struct jbd2 *j, unsigned char *sb)
{
    uint32_t sequence, type;
    uint64_t length = j->map.n ? j->map.runs[j->map.n - 1].logical +
                                     j->map.runs[j->map.n - 1].n
                               : 0;
    const char *wrong = NULL;
    if (!jbd2_read(j, 0, sb))
        return "a superblock that cannot be read";
    type = jbd2_block_type(sb, &sequence);
    if (type != JBD2_SUPER_V1 && type != JBD2_SUPER_V2)
        return "no superblock";
    j->first = u32be(sb + 0x14);
    j->last = j->end = u32be(sb + 0x10);
    j->sequence = u32be(sb + 0x18);
    j->start = u32be(sb + 0x1c);
    if (u32be(sb + 12) != j->block)
        return "blocks of another size than the file system's";
    if (j->end > length)
        return "fewer blocks than its superblock says";
    if (type == JBD2_SUPER_V2)
        wrong = super_features(j, sb);
    if (wrong)
        return wrong;
    if (j->first == 0 || j->first >= j->last)
        return "an impossible first block";
    if (j->start && (j->start < j->first || j->start >= j->last))
        return "an impossible start";
    j->tag_bytes = 8 + (j->wide ? 4 : 0);
    if (j->incompat & IN_CSUM_V3)
        j->tag_bytes = 16;
    else if (j->incompat & IN_CSUM_V2)
        j->tag_bytes += 2;
    return NULL;
}

/* The journal's blocks: by its inode, or by the copy of its block pointers
 * that the superblock keeps. */
static const char *map_journal(struct jbd2 *j, const unsigned char *super)
{
    enum { COPY_AT = 0x10c, COPY_TYPE = 0xfd, COPY_SIZE = 64 };
    struct ext_inode *in = calloc(1, sizeof *in);
    uint32_t ino = u32le(super + 0xe0);
    if (!in)
        return "no memory";
    bool ok = ext_inode_load(j->x, ino, in) && (in->mode & 0xf000) == 0x8000 &&
              in->links && !in->bad;
    if (ok)
        ext_map_load(j->x, in, &j->map);
    if ((!ok || j->map.wrong || j->map.n == 0) && super[COPY_TYPE] == 1) {
        *in = (struct ext_inode){ .mode = 0x8000, .raw_n = 128 };
        memcpy(in->raw + 0x28, super + COPY_AT, 60);
        in->size = u32le(super + COPY_AT + COPY_SIZE) |
                   (uint64_t)u32le(super + COPY_AT + COPY_SIZE - 4) << 32;
        if (u16le(in->raw + 0x28) == 0xf30a)
            in->flags = EXT_INODE_EXTENTS;
        ext_map_load(j->x, in, &j->map);
        j->backup = true;
        ok = true;
    }
    free(in);
    if (!ok || j->map.no_memory || j->map.n == 0)
        return "an inode that cannot be read";
    return j->map.wrong ? "damaged block pointers" : NULL;
}

const char *jbd2_open(struct jbd2 *j, struct source *vol, struct fs *fs,
                      struct journal_report *report)
{
    unsigned char super[1024];
    size_t got;
    *j = (struct jbd2){ .report = report, .own_fs = !fs };
    j->fs = fs ? fs : fs_ext_open(vol, NULL);
    if (!j->fs || source_read(vol, 1024, super, sizeof super, &got, NULL) ||
        got < sizeof super)
        return "a file system whose superblock cannot be read";
    j->x = j->fs->state;
    j->block = j->x->block;
    if (!(j->x->compat & EXT_COMPAT_JOURNAL))
        return NULL;
    if (u32le(super + 0xe0) == 0)
        return "its place on another device, which is not part of this volume";
    const char *wrong = map_journal(j, super);
    unsigned char *sb = wrong ? NULL : malloc(j->block);
    if (!wrong)
        wrong = sb ? super_load(j, sb) : "no memory";
    free(sb);
    return wrong;
}

void jbd2_close(struct jbd2 *j)
{
    ext_map_free(&j->map);
    if (j->own_fs)
        fs_close(j->fs);
}

/* ---- revokes ------------------------------------------------------------ */

struct revoke {
    uint64_t block; /* + 1; 0 is free */
    uint32_t sequence;
};
struct revokes {
    struct revoke *items; /* open hash */
    size_t n, cap;
};

static struct revoke *revoke_slot(struct revoke *items, size_t cap,
                                  uint64_t block)
{
    size_t i = (size_t)(block * UINT64_C(0x9e3779b97f4a7c15) >> 20);
    for (i &= cap - 1; items[i].block && items[i].block != block + 1;
         i = (i + 1) & (cap - 1))
        ;
    return &items[i];
}

static bool revoke_add(struct revokes *r, uint64_t block, uint32_t sequence)
{
    if (r->n * 2 >= r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 256;
        if (r->n >= REVOKES_MAX)
            return false;
        struct revoke *p = calloc(cap, sizeof *p);
        if (!p)
            return false;
        for (size_t i = 0; i < r->cap; i++)
            if (r->items[i].block)
                *revoke_slot(p, cap, r->items[i].block - 1) = r->items[i];
        free(r->items);
        r->items = p;
        r->cap = cap;
    }
    struct revoke *slot = revoke_slot(r->items, r->cap, block);
    if (slot->block && (int32_t)(sequence - slot->sequence) <= 0)
        return true;
    r->n += slot->block == 0;
    *slot = (struct revoke){ block + 1, sequence };
    return true;
}

static bool revoked(const struct revokes *r, uint64_t block, uint32_t sequence)
{
    if (r->n == 0)
        return false;
    const struct revoke *slot = revoke_slot(r->items, r->cap, block);
    return slot->block && (int32_t)(sequence - slot->sequence) <= 0;
}

/* ---- the passes --------------------------------------------------------- */

enum pass { SCAN, REVOKE, REPLAY };

struct replay {
    struct jbd2 *j;
    struct overlay *overlay;
    struct revokes revokes;
    unsigned char *desc, *data; /* a block each */
    enum pass pass;
    uint32_t at, sequence;
    uint64_t budget; /* blocks: a log is no longer than its ring */
    /* of the scan */
    bool has_end, suspect, open;
    uint32_t end;
    uint64_t last_time;
    uint32_t crc;
    const char *ended; /* why the scan ended, if not at the log's end */
    bool no_memory, too_many_revokes;
    uint64_t damaged, outside, unreadable; /* data blocks */
};

/* The next block's number, moving on; false when the ring is through. */
static bool next_block(struct replay *r, uint32_t *n)
{
    if (r->budget == 0)
        return false;
    r->budget--;
    *n = r->at++;
    if (r->at >= r->j->last)
        r->at = r->j->first;
    return true;
}

static void scan_descriptor(struct replay *r)
{
    const struct jbd2 *j = r->j;
    struct jbd2_tag tag;
    uint32_t at = 0, n;
    bool sum = j->checksum_v1 && !r->suspect && !r->has_end;
    if (sum)
        r->crc = crc32_msb(r->crc, r->desc, j->block);
    while (jbd2_tag_next(j, r->desc, &at, &tag) && next_block(r, &n)) {
        if (sum && jbd2_read(j, n, r->data))
            r->crc = crc32_msb(r->crc, r->data, j->block);
        else if (sum)
            sum = false; /* the commit's checksum will not fit */
    }
}

static void replay_block(struct replay *r, const struct jbd2_tag *tag,
                         uint32_t n)
{
    static const unsigned char magic[4] = { 0xc0, 0x3b, 0x39, 0x98 };
    const struct jbd2 *j = r->j;
    uint64_t from;
    if (revoked(&r->revokes, tag->block, r->sequence))
        return;
    if (!jbd2_read(j, n, r->data) || !jbd2_place(j, n, &from)) {
        r->unreadable++;
    } else if (!jbd2_tag_fits(j, tag, r->sequence, r->data)) {
        r->damaged++;
    } else if (tag->block >= j->x->blocks) {
        r->outside++;
    } else if (!overlay_remap(r->overlay, tag->block, from,
                              tag->flags & JBD2_ESCAPED ? magic : NULL)) {
        r->no_memory = true;
    }
}

static void replay_descriptor(struct replay *r)
{
    struct jbd2_tag tag;
    uint32_t at = 0, n;
    while (jbd2_tag_next(r->j, r->desc, &at, &tag) && next_block(r, &n))
        if (r->pass == REPLAY)
            replay_block(r, &tag, n);
}

static bool on_descriptor(struct replay *r)
{
    if (r->pass != SCAN) {
        replay_descriptor(r);
        return true;
    }
    r->open = true;
    if (!block_fits(r->j, r->desc, r->j->block - TAIL))
        r->suspect = true;
    scan_descriptor(r);
    return true;
}

static bool on_revoke(struct replay *r)
{
    const struct jbd2 *j = r->j;
    if (r->pass == SCAN) {
        r->open = true;
        if (!block_fits(j, r->desc, j->block - TAIL))
            r->suspect = true;
    }
    if (r->pass != REVOKE)
        return true;
    uint32_t size = u32be(r->desc + 12), step = j->wide ? 8 : 4;
    if (size > j->block - (j->checksum_v23 ? TAIL : 0)) {
        r->ended = "a revoke block of an impossible size";
        return false;
    }
    for (uint32_t at = 16; at + step <= size; at += step) {
        uint64_t block = j->wide ? u64be(r->desc + at) : u32be(r->desc + at);
        if (!revoke_add(&r->revokes, block, r->sequence))
            r->too_many_revokes = true;
    }
    return true;
}

static bool checksum_v1_fits(const struct replay *r)
{
    const unsigned char *p = r->desc;
    uint32_t found = u32be(p + 16);
    return (found == r->crc && p[12] == 1 && p[13] == 4) ||
           (found == 0 && p[12] == 0 && p[13] == 0);
}

static void take_time(struct replay *r)
{
    struct journal_report *report = r->j->report;
    struct instant t = { (int64_t)u64be(r->desc + 48), u32be(r->desc + 56) };
    if (t.s <= 0 || t.s > INT64_C(1) << 36 || t.ns > 999999999)
        return;
    if (!report->has_times)
        report->first = t;
    report->last = t;
    report->has_times = true;
}

/* In the scan: is this the commit of a transaction that applies? False ends
 * the scan. */
static bool scan_commit(struct replay *r)
{
    const struct jbd2 *j = r->j;
    uint64_t time = u64be(r->desc + 48);
    if (r->suspect) {
        /* An older time: the block is left over from an earlier log. */
        if (time >= r->last_time)
            r->ended = "a block differs from its checksum";
        return false;
    }
    bool fits = commit_fits(j, r->desc);
    if (j->checksum_v1) {
        if (r->has_end)
            return false;
        fits = checksum_v1_fits(r);
        if (fits)
            r->crc = ~0u;
    }
    if (!fits) {
        if (time < r->last_time)
            return false;
        r->ended = "a transaction differs from its checksum";
        r->end = r->sequence;
        r->has_end = true;
        if (!(j->incompat & JBD2_ASYNC))
            return false;
    }
    r->last_time = time;
    r->open = false;
    r->sequence++;
    return true;
}

static bool on_commit(struct replay *r)
{
    if (r->pass == SCAN)
        return scan_commit(r);
    if (r->pass == REPLAY) {
        take_time(r);
        r->j->report->transactions++;
        r->j->report->last_seq = r->sequence;
    }
    r->sequence++;
    return true;
}

static void run_pass(struct replay *r, enum pass pass)
{
    const struct jbd2 *j = r->j;
    uint32_t n, sequence;
    bool go = true;
    r->pass = pass;
    r->at = j->start;
    r->sequence = j->sequence;
    r->budget = j->last - j->first;
    r->crc = ~0u;
    while (go && (pass == SCAN || r->sequence != r->end) && next_block(r, &n)) {
        if (!jbd2_read(j, n, r->desc)) {
            if (pass == SCAN)
                r->ended = "a block of the log cannot be read";
            break;
        }
        uint32_t type = jbd2_block_type(r->desc, &sequence);
        if (sequence != r->sequence)
            break;
        switch (type) {
        case JBD2_DESCRIPTOR:
            go = on_descriptor(r);
            break;
        case JBD2_REVOKE:
            go = on_revoke(r);
            break;
        case JBD2_COMMIT:
            go = on_commit(r);
            break;
        default:
            go = false;
        }
    }
    if (pass == SCAN && r->has_end)
        j->report->dropped = r->sequence - r->end + (r->open || !go);
    else if (pass == SCAN)
        j->report->dropped = r->open;
    if (pass == SCAN && !r->has_end)
        r->end = r->sequence;
}

/* ---- what follows ------------------------------------------------------- */

/* The superblock after recovery: no recovery needed. */
static bool clear_flag(struct replay *r)
{
    unsigned char sb[1024];
    if (!overlay_read(r->overlay, 1024, sb, sizeof sb) ||
        u16le(sb + 0x38) != 0xef53)
        return true; /* it stays as it is, and is reported by the reader */
    bool has_sum = u32le(sb + 0x64) & EXT_RO_METADATA_CSUM;
    bool right = crc32c(~0u, sb, 0x3fc) == u32le(sb + 0x3fc);
    put_u32le(sb + 0x60, u32le(sb + 0x60) & ~(uint32_t)EXT_INCOMPAT_RECOVER);
    if (has_sum && right)
        put_u32le(sb + 0x3fc, crc32c(~0u, sb, 0x3fc));
    return overlay_write(r->overlay, 1024, sb, sizeof sb);
}

static void tell(const struct replay *r)
{
    struct journal_report *p = r->j->report;
    p->skipped += r->damaged + r->outside + r->unreadable;
    if (r->ended)
        journal_why(p, "the log ends early: %s", r->ended);
    if (r->damaged)
        journal_why(p, "%llu logged blocks differ from their checksums",
                    (unsigned long long)r->damaged);
    if (r->unreadable)
        journal_why(p, "%llu logged blocks cannot be read",
                    (unsigned long long)r->unreadable);
    if (r->outside)
        journal_why(p, "%llu logged blocks lie outside of the file system",
                    (unsigned long long)r->outside);
    if (r->too_many_revokes)
        journal_why(p, "more than %d revoked blocks", REVOKES_MAX);
    if (r->j->backup)
        journal_why(p, "found by the superblock's copy of its place");
}

static int replay_log(struct journal_job *job, struct jbd2 *j, struct err *err)
{
    struct replay r = { .j = j };
    struct fast_report fast = { 0 };
    r.desc = malloc(j->block);
    r.data = malloc(j->block);
    r.overlay = job->overlay = overlay_open(job->vol, j->block);
    r.no_memory = !r.desc || !r.data || !r.overlay;
    if (!r.no_memory && j->start) {
        run_pass(&r, SCAN);
        run_pass(&r, REVOKE);
        j->report->first_seq = j->sequence;
        run_pass(&r, REPLAY);
        if (j->report->transactions == 0)
            j->report->first_seq = 0;
    }
    if (!r.no_memory && j->start)
        r.no_memory = !jbd2_fast_replay(j, r.overlay, r.end, &fast);
    if (!r.no_memory) {
        j->report->blocks = overlay_cells(r.overlay);
        r.no_memory = !clear_flag(&r);
        j->report->fast = fast.commits;
        j->report->skipped += fast.skipped;
        if (fast.ended)
            journal_why(j->report, "the fast commits end early: %s",
                        fast.ended);
        if (fast.skipped)
            journal_why(j->report, "%llu changes of fast commits were not made",
                        (unsigned long long)fast.skipped);
        tell(&r);
    }
    free(r.desc);
    free(r.data);
    free(r.revokes.items);
    return r.no_memory ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

int jbd2_replay(struct journal_job *job, struct err *err)
{
    struct jbd2 j;
    struct journal_report *r = job->report;
    int code = 0;
    const char *wrong = jbd2_open(&j, job->vol, NULL, r);
    bool has = j.x && (j.x->compat & EXT_COMPAT_JOURNAL);
    bool wanted = has && (j.x->incompat & EXT_INCOMPAT_RECOVER);
    if (!has && !wrong) {
        r->state = JOURNAL_NONE;
    } else if (!j.x || (wanted && wrong)) {
        r->state = JOURNAL_UNREADABLE;
        journal_why(r, "the journal has %s", wrong);
    } else if (!wanted) {
        r->state = JOURNAL_CLEAN;
        if (wrong)
            journal_why(r, "the journal has %s", wrong);
        else if (j.start)
            journal_why(r, "the journal is not empty, but the superblock asks "
                           "for no recovery: the kernel drops it");
    } else {
        r->state = JOURNAL_DIRTY;
        code = replay_log(job, &j, err);
    }
    jbd2_close(&j);
    return code;
}
