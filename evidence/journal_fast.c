/*
 * Fast commits of ext4: what single operations changed since the last whole
 * transaction, as tags (kind u16, length u16, value; little-endian) in an area
 * of their own at the end of the journal. A head names the transaction, a tail
 * has the CRC-32C of all tags since the tail before; a tag is whole within
 * its block. As in the kernel there are two passes: a scan for the last tail
 * that fits, and the replay of the tags up to it.
 *
 * Blocks that the replay needs anew (of extent trees and directories) are
 * taken from the area itself, which holds nothing of the file system: the
 * kernel takes free ones, which differ. Times of directories stay as they are:
 * the log does not have them, and the kernel puts in the time of recovery.
 *
 * Layout: kernel Documentation/filesystems/ext4/journal.rst, "Fast commits";
 * behaviour compared with the kernel's recovery.
 */
#include "evidence/journal_fast.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"

enum {
    TAG_ADD_RANGE = 1,
    TAG_DEL_RANGE,
    TAG_CREAT,
    TAG_LINK,
    TAG_UNLINK,
    TAG_INODE,
    TAG_PAD,
    TAG_TAIL,
    TAG_HEAD,
    TAG = 4, /* bytes of kind and length */
    NAME_AT = 8,
    NAME_MAX_ = 255,
    I_BLOCK = 0x28,
    I_GENERATION = 0x64,
    EXTENT_MAGIC = 0xf30a,
    INITIAL_MAX = 32768, /* blocks of one extent; one less when unwritten */
    ROOT_MAX = 4,
    ENTRY_TAIL = 12, /* checksum at the end of a directory's block */
    DIR = 0x4000,
    LINK_MAX_ = 60,
};
/* Steps over runs and bits of bitmaps: hostile areas end here. */
#define STEPS_MAX (UINT64_C(1) << 27)

/* A file whose blocks changed. */
struct file {
    uint32_t ino;
    bool dirty, freed; /* freed: lost its last name in this replay */
    struct fs_run *runs;
    size_t n;
};

struct fast {
    struct jbd2 *j;
    struct overlay *o;
    struct source *view; /* the volume as it is so far */
    struct fs *fs;
    struct ext *x; /* over view */
    unsigned char *block, *dir;
    struct ext_inode *in, *parent;
    struct file *files; /* in the order of the log */
    size_t n, cap;
    uint32_t *index; /* open hash over files: number + 1 */
    size_t index_cap;
    uint32_t spare; /* next block of the area that may be used */
    uint64_t steps;
    bool no_memory;
    uint64_t tags;
    struct fast_report *r;
};

struct tag {
    unsigned kind, n;
    const unsigned char *p;
};

/* ---- tags --------------------------------------------------------------- */

static bool length_fits(const struct fast *f, const struct tag *t)
{
    switch (t->kind) {
    case TAG_ADD_RANGE:
        return t->n == 16;
    case TAG_DEL_RANGE:
        return t->n == 12;
    case TAG_CREAT:
    case TAG_LINK:
    case TAG_UNLINK:
        return t->n > NAME_AT && t->n <= NAME_AT + NAME_MAX_;
    case TAG_INODE:
        return t->n >= 4 + 128 && t->n <= 4 + f->j->x->inode_size;
    case TAG_PAD:
        return true;
    case TAG_TAIL:
        return t->n >= 8;
    case TAG_HEAD:
        return t->n == 8;
    default:
        return false;
    }
}

/* The tag at *at of the block, moving on. False: none, or it makes no sense
 * (*wrong). */
static bool next_tag(const struct fast *f, uint32_t *at, struct tag *t,
                     bool *wrong)
{
    *wrong = false;
    if (*at + TAG > f->j->block)
        return false;
    t->kind = u16le(f->block + *at);
    t->n = u16le(f->block + *at + 2);
    t->p = f->block + *at + TAG;
    *wrong = t->n > f->j->block - *at - TAG || !length_fits(f, t);
    *at += TAG + t->n;
    return !*wrong;
}

struct scan {
    uint32_t expected, crc;
    uint64_t seen; /* tags */
    bool end;
};

static void scan_tag(struct fast *f, struct scan *s, const struct tag *t)
{
    const unsigned char *start = t->p - TAG;
    s->seen++;
    if (t->kind == TAG_HEAD) {
        if (u32le(t->p) != 0) {
            f->r->ended = "fast commits of unknown features";
            s->end = true;
            return;
        }
        s->end = u32le(t->p + 4) != s->expected;
    }
    if (t->kind != TAG_TAIL) {
        s->crc = crc32c(s->crc, start, TAG + t->n);
        return;
    }
    if (u32le(t->p) == s->expected &&
        u32le(t->p + 4) == crc32c(s->crc, start, TAG + 4)) {
        f->tags = s->seen;
        f->r->commits++;
    } else {
        /* what is left of an older transaction is no damage */
        if (u32le(t->p) == s->expected)
            f->r->ended = "a fast commit differs from its checksum";
        s->end = true;
    }
    s->crc = 0;
}

static bool area_read(struct fast *f, uint32_t n)
{
    return n < f->j->end && jbd2_read(f->j, n, f->block);
}

/* How many tags are to be replayed. */
static void scan_area(struct fast *f, uint32_t expected)
{
    struct scan s = { .expected = expected };
    for (uint32_t n = f->j->last + 1; !s.end && area_read(f, n); n++) {
        struct tag t;
        uint32_t at = 0;
        bool wrong = false;
        if (n == f->j->last + 1 && u16le(f->block) != TAG_HEAD)
            return;
        while (!s.end && next_tag(f, &at, &t, &wrong))
            scan_tag(f, &s, &t);
        s.end |= wrong;
    }
}

/* ---- the volume --------------------------------------------------------- */

static int view_read(struct source *s, uint64_t off, void *buf, size_t n,
                     struct err *err)
{
    (void)err;
    if (!overlay_read(s->state, off, buf, n)) {
        memset(buf, 0, n);
        source_add_gap(s, off, n, GAP_UNREADABLE);
    }
    return 0;
}

static void view_close(struct source *s)
{
    (void)s; /* the overlay is another's */
}

static const struct source_ops view_ops = { .read = view_read,
                                            .close = view_close };

static void put_u16le(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
}

static void put(struct fast *f, uint64_t off, const void *p, size_t n)
{
    if (!overlay_write(f->o, off, p, n))
        f->no_memory = true;
    memset(f->x->line_no, 0, sizeof f->x->line_no); /* read again */
}

static bool spend(struct fast *f, uint64_t steps)
{
    if (f->steps < steps)
        return false;
    f->steps -= steps;
    return true;
}

/* A block of the area for new metadata. */
static bool block_new(struct fast *f, uint64_t *physical)
{
    uint64_t off;
    if (f->spare >= f->j->end || !jbd2_place(f->j, f->spare, &off))
        return false;
    f->spare++;
    *physical = off / f->j->block;
    return true;
}

/* An inode in use. */
static bool inode_load(struct fast *f, uint64_t ino, struct ext_inode *in)
{
    return ext_inode_load(f->x, ino, in) && in->mode && in->links;
}

static void inode_store(struct fast *f, struct ext_inode *in)
{
    ext_inode_seal(f->x, in);
    put(f, in->off, in->raw, in->raw_n);
}

static void set_links(struct fast *f, struct ext_inode *in, uint32_t links)
{
    in->links = links;
    put_u16le(in->raw + 0x1a, links);
    inode_store(f, in);
}

/* Sets n bits of a bitmap of group's at `field` of its descriptor. */
static void set_bit(struct fast *f, uint32_t group, unsigned low, unsigned high,
                    uint64_t bit, bool on)
{
    unsigned char d[64] = { 0 }, byte;
    bool wide = f->x->desc_size >= 64;
    if (group >= f->x->groups || bit / 8 >= f->x->block ||
        !ext_read(f->x, ext_desc_at(f->x, group), d, wide ? 64 : 32))
        return;
    uint64_t map = u32le(d + low);
    if (wide)
        map |= (uint64_t)u32le(d + high) << 32;
    uint64_t off = map * f->x->block + bit / 8;
    if (map >= f->x->blocks || !ext_read(f->x, off, &byte, 1))
        return;
    unsigned now = on ? byte | 1u << bit % 8 : byte & ~(1u << bit % 8);
    if (now == byte)
        return;
    byte = (unsigned char)now;
    put(f, off, &byte, 1);
}

static void mark_inode(struct fast *f, uint32_t ino, bool on)
{
    enum { FLAGS = 0x12, UNUSED = 0x1c, UNUSED_HIGH = 0x32, UNINIT = 1 };
    unsigned char d[64] = { 0 };
    bool wide = f->x->desc_size >= 64;
    uint32_t group = (ino - 1) / f->x->per_group;
    uint32_t bit = (ino - 1) % f->x->per_group;
    uint64_t at = ext_desc_at(f->x, group);
    set_bit(f, group, 4, 0x24, bit, on);
    if (!on || !ext_read(f->x, at, d, wide ? 64 : 32))
        return;
    uint32_t unused = u16le(d + UNUSED);
    if (wide)
        unused |= (uint32_t)u16le(d + UNUSED_HIGH) << 16;
    uint32_t left = f->x->per_group - bit - 1;
    if (unused <= left && !(d[FLAGS] & UNINIT))
        return;
    left = unused < left ? unused : left;
    d[FLAGS] &= (unsigned char)~UNINIT;
    put_u16le(d + UNUSED, left & 0xffff);
    if (wide)
        put_u16le(d + UNUSED_HIGH, left >> 16);
    put(f, at, d, wide ? 64 : 32);
}

static void mark_blocks(struct fast *f, const struct fs_run *r, bool on)
{
    const struct ext *x = f->x;
    for (uint64_t i = 0; i < r->n && r->kind != FS_RUN_BAD; i++) {
        uint64_t at = r->physical + i - x->first_data;
        if (r->physical + i < x->first_data || !spend(f, 1))
            return;
        set_bit(f, (uint32_t)(at / x->group_blocks), 0, 0x20,
                at % x->group_blocks / x->cluster, on);
    }
}

/* ---- blocks of files ---------------------------------------------------- */

static bool index_grow(struct fast *f)
{
    size_t cap = f->index_cap ? f->index_cap * 2 : 256;
    uint32_t *index = calloc(cap, sizeof *index);
    if (!index)
        return false;
    for (size_t i = 0; i < f->n; i++) {
        size_t at = f->files[i].ino * 2654435761u & (cap - 1);
        while (index[at])
            at = (at + 1) & (cap - 1);
        index[at] = (uint32_t)i + 1;
    }
    free(f->index);
    f->index = index;
    f->index_cap = cap;
    return true;
}

static bool files_grow(struct fast *f)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 64;
        struct file *p = realloc(f->files, cap * sizeof *p);
        if (!p)
            return false;
        f->files = p;
        f->cap = cap;
    }
    return f->n * 2 < f->index_cap || index_grow(f);
}

/* The file, with its blocks as they are on the volume when it is new here. */
static struct file *file_of(struct fast *f, const struct ext_inode *in)
{
    if (!files_grow(f)) {
        f->no_memory = true;
        return NULL;
    }
    uint32_t ino = (uint32_t)in->ino;
    size_t at = ino * 2654435761u & (f->index_cap - 1);
    for (; f->index[at]; at = (at + 1) & (f->index_cap - 1))
        if (f->files[f->index[at] - 1].ino == ino)
            return &f->files[f->index[at] - 1];
    struct ext_map map = { 0 };
    if (in->flags & EXT_INODE_EXTENTS && u16le(in->raw + I_BLOCK))
        ext_map_load(f->x, in, &map);
    if (map.no_memory) {
        f->no_memory = true;
        ext_map_free(&map);
        return NULL;
    }
    f->index[at] = (uint32_t)f->n + 1;
    f->files[f->n] = (struct file){ .ino = ino, .runs = map.runs, .n = map.n };
    return &f->files[f->n++];
}

/* Runs without [from, end), into out; room for one more piece is there. */
static size_t runs_without(const struct file *file, uint64_t from, uint64_t end,
                           struct fs_run *out)
{
    size_t n = 0;
    for (size_t i = 0; i < file->n; i++) {
        struct fs_run r = file->runs[i], tail = r;
        uint64_t r_end = r.logical + r.n;
        if (r_end <= from || r.logical >= end) {
            out[n++] = r;
            continue;
        }
        if (r.logical < from) {
            r.n = from - r.logical;
            out[n++] = r;
        }
        if (r_end > end) {
            tail.physical += end - tail.logical;
            tail.n = r_end - end;
            tail.logical = end;
            out[n++] = tail;
        }
    }
    return n;
}

/* Blocks [from, end) of the file are those of `by`, or none. */
static void range_set(struct fast *f, struct file *file, uint64_t from,
                      uint64_t end, const struct fs_run *by)
{
    if (!spend(f, file->n + 1)) {
        f->r->skipped++;
        return;
    }
    struct fs_run *runs = malloc((file->n + 2) * sizeof *runs);
    if (!runs) {
        f->no_memory = true;
        return;
    }
    size_t n = runs_without(file, from, end, runs), at = n;
    if (by) {
        while (at > 0 && runs[at - 1].logical > by->logical) {
            runs[at] = runs[at - 1];
            at--;
        }
        runs[at] = *by;
        n++;
    }
    free(file->runs);
    file->runs = runs;
    file->n = n;
    file->dirty = true;
}

/* ---- extent trees ------------------------------------------------------- */

static void put_header(unsigned char *p, size_t entries, size_t max,
                       unsigned depth)
{
    memset(p, 0, 12);
    put_u16le(p, EXTENT_MAGIC);
    put_u16le(p + 2, (unsigned)entries);
    put_u16le(p + 4, (unsigned)max);
    put_u16le(p + 6, depth);
}

/* Runs as extents of 12 bytes; free() it. */
static unsigned char *extents_of(const struct file *file, size_t *n)
{
    size_t cap = 0;
    for (size_t i = 0; i < file->n; i++)
        cap += (size_t)(file->runs[i].n / (INITIAL_MAX - 1) + 1);
    unsigned char *out = malloc(cap * 12 + 1), *e = out;
    for (size_t i = 0; i < file->n && out; i++) {
        struct fs_run r = file->runs[i];
        uint64_t max = r.kind == FS_RUN_ZERO ? INITIAL_MAX - 1 : INITIAL_MAX;
        while (r.n) {
            uint64_t len = r.n < max ? r.n : max;
            put_u32le(e, (uint32_t)r.logical);
            put_u16le(e + 4, (unsigned)len +
                                 (r.kind == FS_RUN_ZERO ? INITIAL_MAX : 0));
            put_u16le(e + 6, (unsigned)(r.physical >> 32) & 0xffff);
            put_u32le(e + 8, (uint32_t)r.physical);
            r.logical += len;
            r.physical += len;
            r.n -= len;
            e += 12;
        }
    }
    *n = out ? (size_t)(e - out) / 12 : 0;
    return out;
}

/* One level of the tree out of the entries of the level below: into blocks of
 * the area, leaving an index entry for each in their place. */
static bool level_up(struct fast *f, unsigned char *entries, size_t *n,
                     unsigned depth)
{
    size_t max = (f->x->block - 16) / 12, blocks = 0;
    unsigned char *p = f->block;
    for (size_t at = 0; at < *n; at += max, blocks++) {
        size_t part = *n - at < max ? *n - at : max;
        uint32_t first = u32le(entries + at * 12);
        uint64_t physical;
        if (!block_new(f, &physical))
            return false;
        memset(p, 0, f->x->block);
        put_header(p, part, max, depth);
        memcpy(p + 12, entries + at * 12, part * 12);
        put(f, physical * f->x->block, p, f->x->block);
        unsigned char *e = entries + blocks * 12;
        memset(e, 0, 12);
        put_u32le(e, first);
        put_u32le(e + 4, (uint32_t)physical);
        put_u16le(e + 8, (unsigned)(physical >> 32) & 0xffff);
    }
    *n = blocks;
    return true;
}

static void tree_store(struct fast *f, const struct file *file)
{
    struct ext_inode *in = f->in;
    unsigned depth = 0;
    size_t n;
    if (!ext_inode_load(f->x, file->ino, in))
        return;
    for (size_t i = 0; i < file->n; i++)
        if (file->runs[i].kind == FS_RUN_BAD) {
            f->r->skipped++; /* its tree is damaged: it stays as it is */
            return;
        }
    unsigned char *entries = extents_of(file, &n);
    if (!entries) {
        f->no_memory = true;
        return;
    }
    bool ok = true;
    while (ok && n > ROOT_MAX)
        ok = level_up(f, entries, &n, depth++);
    if (ok) {
        unsigned char *root = in->raw + I_BLOCK;
        memset(root, 0, 60);
        put_header(root, n, ROOT_MAX, depth);
        memcpy(root + 12, entries, n * 12);
        inode_store(f, in);
    } else {
        f->r->skipped++;
    }
    free(entries);
}

static void files_store(struct fast *f)
{
    for (size_t i = 0; i < f->n && !f->no_memory; i++)
        if (f->files[i].dirty)
            tree_store(f, &f->files[i]);
    /* Blocks of files in use win over what was freed before them. */
    for (size_t i = 0; i < f->n && !f->no_memory; i++)
        for (size_t k = 0; k < f->files[i].n && !f->files[i].freed; k++)
            mark_blocks(f, &f->files[i].runs[k], true);
}

/* ---- directories -------------------------------------------------------- */

struct slot {
    uint64_t off; /* of the block in the volume */
    uint32_t at, len, used;
    int32_t before; /* the entry in front of it; -1: none */
};

static uint32_t entry_len(const struct fast *f, const unsigned char *e)
{
    uint32_t n = u16le(e + 4);
    return f->x->block == 65536 && (n == 0xffff || n == 0) ? 65536 : n;
}

static void put_entry(const struct fast *f, unsigned char *e, uint32_t ino,
                      uint32_t len, struct str name, unsigned type)
{
    bool typed = f->x->incompat & EXT_INCOMPAT_FILETYPE;
    put_u32le(e, ino);
    put_u16le(e + 4, len == 65536 ? 0xffff : len);
    e[6] = (unsigned char)name.n;
    e[7] = typed ? (unsigned char)type : 0;
    memcpy(e + 8, name.p, name.n);
}

static uint32_t need(size_t name)
{
    return (uint32_t)(8 + name + 3) & ~3u;
}

/* The checksum at the end of the block, and the block into the volume. */
static void dir_store(struct fast *f, const struct ext_inode *dir, uint64_t off)
{
    unsigned char *p = f->dir, *tail = p + f->x->block - ENTRY_TAIL, le[8];
    if (f->x->ro & EXT_RO_METADATA_CSUM && u32le(tail) == 0 &&
        u16le(tail + 4) == ENTRY_TAIL && tail[7] == 0xde) {
        put_u32le(le, (uint32_t)dir->ino);
        put_u32le(le + 4, dir->generation);
        put_u32le(tail + 8, crc32c(crc32c(f->x->seed, le, 8), p,
                                   f->x->block - ENTRY_TAIL));
    }
    put(f, off, p, f->x->block);
}

/* A new block with one entry, or "." and ".." when `self` is. */
static void dir_fill(struct fast *f, uint32_t self, uint32_t parent)
{
    uint32_t n = f->x->block;
    bool sums = f->x->ro & EXT_RO_METADATA_CSUM;
    uint32_t end = sums ? n - ENTRY_TAIL : n;
    memset(f->dir, 0, n);
    if (sums) {
        put_u16le(f->dir + end + 4, ENTRY_TAIL);
        f->dir[end + 7] = 0xde;
    }
    if (!self) {
        put_u16le(f->dir + 4, end == 65536 ? 0xffff : end);
        return;
    }
    put_entry(f, f->dir, self, 12, STR("."), 2);
    put_entry(f, f->dir + 12, parent, end - 12, STR(".."), 2);
}

/* In the block f->dir: the entry `name`, or, without one, room for `room`
 * bytes. */
static bool block_find(const struct fast *f, struct str name, uint32_t room,
                       struct slot *s)
{
    uint32_t before = UINT32_MAX;
    for (uint32_t at = 0; at + 8 <= f->x->block;) {
        const unsigned char *e = f->dir + at;
        uint32_t len = entry_len(f, e);
        if (len < 8 || len > f->x->block - at || e[6] > len - 8)
            return false;
        bool live = u32le(e) != 0;
        bool sum = !live && len == ENTRY_TAIL && e[7] == 0xde;
        s->at = at;
        s->len = len;
        s->used = live ? need(e[6]) : 0;
        s->before = before == UINT32_MAX ? -1 : (int32_t)before;
        if (room ? !sum && len >= s->used && len - s->used >= room
                 : live && e[6] == name.n && memcmp(e + 8, name.p, name.n) == 0)
            return true;
        before = at;
        at += len;
    }
    return false;
}

/* Nodes of an index look like one free entry; its root is block 0. */
static bool index_node(const struct fast *f, const struct ext_inode *dir,
                       uint64_t logical)
{
    return dir->flags & EXT_INODE_INDEX &&
           (logical == 0 ||
            (u32le(f->dir) == 0 && entry_len(f, f->dir) >= f->x->block));
}

/* The same over all blocks of a directory; f->dir is the block then. */
static bool dir_find(struct fast *f, const struct ext_inode *dir,
                     struct str name, uint32_t room, struct slot *s)
{
    const struct file *file = file_of(f, dir);
    for (size_t i = 0; file && i < file->n; i++) {
        const struct fs_run *r = &file->runs[i];
        for (uint64_t k = 0; r->kind == FS_RUN_DATA && k < r->n; k++) {
            s->off = (r->physical + k) * f->x->block;
            if (!spend(f, 64) || (r->logical + k) * f->x->block >= dir->size)
                return false;
            if (overlay_read(f->o, s->off, f->dir, f->x->block) &&
                !(room && index_node(f, dir, r->logical + k)) &&
                block_find(f, name, room, s))
                return true;
        }
    }
    return false;
}

/* One block more for the directory, empty, in f->dir. */
static bool dir_grow(struct fast *f, struct ext_inode *dir, struct slot *s)
{
    struct file *file = file_of(f, dir);
    uint64_t physical, logical = dir->size / f->x->block;
    if (!file || logical >= UINT32_MAX || !block_new(f, &physical))
        return false;
    struct fs_run r = { logical, physical, 1, FS_RUN_DATA };
    range_set(f, file, logical, logical + 1, &r);
    dir->size += f->x->block;
    put_u32le(dir->raw + 4, (uint32_t)dir->size);
    if (f->x->incompat & EXT_INCOMPAT_LARGE_DIR)
        put_u32le(dir->raw + 0x6c, (uint32_t)(dir->size >> 32));
    inode_store(f, dir);
    dir_fill(f, 0, 0);
    s->off = physical * f->x->block;
    return block_find(f, STR_NONE, 8, s);
}

/* Can names be put into it and taken out of it here? */
static bool dir_usable(const struct ext_inode *dir)
{
    return (dir->mode & 0xf000) == DIR && dir->flags & EXT_INODE_EXTENTS &&
           !(dir->flags & EXT_INODE_INLINE);
}

/* False: it has the name already, or it cannot be done (skipped). */
static bool name_add(struct fast *f, struct ext_inode *dir,
                     const struct ext_inode *in, struct str name)
{
    static const unsigned char types[16] = {
        [1] = 5, [2] = 3, [4] = 2, [6] = 4, [8] = 1, [10] = 7, [12] = 6,
    };
    struct slot s;
    if (!dir_usable(dir)) {
        f->r->skipped++;
        return false;
    }
    if (dir_find(f, dir, name, 0, &s))
        return false;
    if (!dir_find(f, dir, STR_NONE, need(name.n), &s) &&
        !dir_grow(f, dir, &s)) {
        f->r->skipped++;
        return false;
    }
    unsigned char *e = f->dir + s.at;
    if (s.used) {
        put_u16le(e + 4, s.used);
        e += s.used;
    }
    put_entry(f, e, (uint32_t)in->ino, s.len - s.used, name,
              types[in->mode >> 12 & 15]);
    dir_store(f, dir, s.off);
    return true;
}

static bool name_remove(struct fast *f, const struct ext_inode *dir,
                        uint32_t ino, struct str name, bool *other)
{
    struct slot s;
    *other = false;
    if (!dir_usable(dir)) {
        f->r->skipped++;
        return false;
    }
    if (!dir_find(f, dir, name, 0, &s))
        return false;
    unsigned char *e = f->dir + s.at;
    *other = u32le(e) != ino; /* renamed over: the new one stays */
    if (*other)
        return true;
    if (s.before >= 0) {
        unsigned char *b = f->dir + s.before;
        uint32_t len = entry_len(f, b) + s.len;
        put_u16le(b + 4, len == 65536 ? 0xffff : len);
    } else {
        put_u32le(e, 0);
    }
    dir_store(f, dir, s.off);
    return true;
}

/* ---- the changes -------------------------------------------------------- */

static void on_range(struct fast *f, const struct tag *t)
{
    bool add = t->kind == TAG_ADD_RANGE;
    uint64_t from = u32le(t->p + 4), n = u32le(t->p + 8), physical = 0;
    struct fs_run r = { 0 };
    if (!inode_load(f, u32le(t->p), f->in))
        return;
    struct file *file = file_of(f, f->in);
    if (!file)
        return;
    if (add) {
        n = u16le(t->p + 8);
        physical = u32le(t->p + 12) | (uint64_t)u16le(t->p + 10) << 32;
        r.kind = n > INITIAL_MAX ? FS_RUN_ZERO : FS_RUN_DATA;
        n -= n > INITIAL_MAX ? INITIAL_MAX : 0;
        r.logical = from;
        r.physical = physical;
        r.n = n;
    }
    if (n == 0 || n > UINT32_MAX - from ||
        (add && (physical == 0 || physical >= f->x->blocks ||
                 n > f->x->blocks - physical)) ||
        !(f->in->flags & EXT_INODE_EXTENTS)) {
        f->r->skipped++;
        return;
    }
    for (size_t i = 0; i < file->n && !add; i++) {
        struct fs_run old = file->runs[i];
        uint64_t end = old.logical + old.n;
        end = end < from + n ? end : from + n;
        uint64_t start = old.logical > from ? old.logical : from;
        if (start >= end)
            continue;
        old.physical += start - old.logical;
        old.n = end - start;
        mark_blocks(f, &old, false);
    }
    range_set(f, file, from, from + n, add ? &r : NULL);
}

static void on_inode(struct fast *f, const struct tag *t)
{
    struct ext_inode *in = f->in;
    const unsigned char *raw = t->p + 4;
    uint32_t ino = u32le(t->p), n = t->n - 4;
    if (!ext_inode_load(f->x, ino, in)) {
        f->r->skipped++;
        return;
    }
    memcpy(in->raw, raw, I_BLOCK);
    memcpy(in->raw + I_GENERATION, raw + I_GENERATION, n - I_GENERATION);
    ext_inode_decode(f->x, ino, in->off, in->raw, in);
    struct file *file = file_of(f, in);
    if (!file)
        return;
    if (file->freed) {
        file->n = 0;
        file->freed = false;
        file->dirty = true;
        memset(in->raw + I_BLOCK, 0, 60);
    }
    if (in->flags & EXT_INODE_EXTENTS) {
        if (u16le(in->raw + I_BLOCK) != EXTENT_MAGIC) {
            memset(in->raw + I_BLOCK, 0, 60);
            put_header(in->raw + I_BLOCK, 0, ROOT_MAX, 0);
        }
    } else {
        /* data in the inode, the target of a short link, a device */
        memcpy(in->raw + I_BLOCK, raw + I_BLOCK, 60);
        file->dirty = false;
    }
    inode_store(f, in);
    mark_inode(f, ino, true);
}

static struct str name_of(const struct tag *t)
{
    return (struct str){ (const char *)t->p + NAME_AT, t->n - NAME_AT };
}

/* "." and ".." of a directory that was made. */
static bool dir_begin(struct fast *f, struct ext_inode *in, uint32_t parent)
{
    uint64_t physical;
    struct file *file = file_of(f, in);
    if (!file || !(in->flags & EXT_INODE_EXTENTS) ||
        in->flags & EXT_INODE_INLINE || !block_new(f, &physical)) {
        f->r->skipped++;
        return false;
    }
    struct fs_run r = { 0, physical, 1, FS_RUN_DATA };
    range_set(f, file, 0, UINT32_MAX, &r);
    in->size = f->x->block;
    put_u32le(in->raw + 4, f->x->block);
    put_u32le(in->raw + 0x6c, 0);
    dir_fill(f, (uint32_t)in->ino, parent);
    dir_store(f, in, physical * f->x->block);
    inode_store(f, in);
    return true;
}

static void on_create(struct fast *f, const struct tag *t)
{
    uint32_t parent = u32le(t->p), ino = u32le(t->p + 4);
    if (!inode_load(f, ino, f->in) || !inode_load(f, parent, f->parent)) {
        f->r->skipped++;
        return;
    }
    mark_inode(f, ino, true);
    bool dir = (f->in->mode & 0xf000) == DIR;
    if (dir && !dir_begin(f, f->in, parent))
        return;
    if (name_add(f, f->parent, f->in, name_of(t)) && !dir)
        set_links(f, f->in, 1);
}

static void on_link(struct fast *f, const struct tag *t)
{
    if (!inode_load(f, u32le(t->p + 4), f->in) ||
        !inode_load(f, u32le(t->p), f->parent))
        return;
    if (name_add(f, f->parent, f->in, name_of(t)))
        set_links(f, f->in, f->in->links + 1);
}

static void on_unlink(struct fast *f, const struct tag *t)
{
    uint32_t ino = u32le(t->p + 4);
    bool other;
    if (!inode_load(f, ino, f->in) || !inode_load(f, u32le(t->p), f->parent) ||
        !name_remove(f, f->parent, ino, name_of(t), &other))
        return;
    bool dir = (f->in->mode & 0xf000) == DIR;
    struct file *file = file_of(f, f->in);
    uint32_t left = dir ? 0 : f->in->links - 1;
    set_links(f, f->in, left);
    if (left || !file)
        return;
    /* What it held stays in the inode: nothing is lost by that. */
    file->freed = true;
    mark_inode(f, ino, false);
    for (size_t i = 0; i < file->n; i++)
        mark_blocks(f, &file->runs[i], false);
}

static void replay_tag(struct fast *f, const struct tag *t)
{
    static void (*const on[])(struct fast * f, const struct tag *t) = {
        [TAG_ADD_RANGE] = on_range, [TAG_DEL_RANGE] = on_range,
        [TAG_CREAT] = on_create,    [TAG_LINK] = on_link,
        [TAG_UNLINK] = on_unlink,   [TAG_INODE] = on_inode,
    };
    if (t->kind >= sizeof on / sizeof *on || !on[t->kind])
        return;
    f->r->changes++;
    on[t->kind](f, t);
}

static void replay_area(struct fast *f)
{
    for (uint32_t n = f->j->last + 1; f->tags && area_read(f, n); n++) {
        struct tag t;
        uint32_t at = 0;
        bool wrong;
        while (f->tags && !f->no_memory && next_tag(f, &at, &t, &wrong)) {
            f->tags--;
            replay_tag(f, &t);
        }
    }
}

bool jbd2_fast_replay(struct jbd2 *j, struct overlay *o, uint32_t expected,
                      struct fast_report *report)
{
    struct fast f = { .j = j, .o = o, .r = report, .steps = STEPS_MAX };
    *report = (struct fast_report){ 0 };
    if (j->last == j->end)
        return true;
    f.block = malloc(j->block);
    if (f.block)
        scan_area(&f, expected);
    if (f.block && f.tags == 0) {
        free(f.block);
        return true;
    }
    f.spare = j->last + 1;
    f.dir = malloc(j->block);
    f.in = malloc(sizeof *f.in);
    f.parent = malloc(sizeof *f.parent);
    f.view = source_make(&view_ops, o, j->x->vol->size, j->x->vol, "", NULL);
    f.fs = f.view ? fs_ext_open(f.view, NULL) : NULL;
    bool ok = f.block && f.dir && f.in && f.parent && f.fs;
    if (ok) {
        f.x = f.fs->state;
        replay_area(&f);
        files_store(&f);
        ok = !f.no_memory;
    }
    fs_close(f.fs);
    source_close(f.view);
    for (size_t i = 0; i < f.n; i++)
        free(f.files[i].runs);
    free(f.files);
    free(f.index);
    free(f.block);
    free(f.dir);
    free(f.in);
    free(f.parent);
    return ok;
}
