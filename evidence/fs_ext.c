/*
 * ext2, ext3 and ext4: superblock, inodes, block maps, content. An own reader,
 * because libtsk 4.11.1 gives wrong times before 1970 and after 2106, drops
 * nanoseconds of ext2/3, cannot read files with more than 340 extents, cannot
 * open bigalloc, believes wrong checksums, and hangs on some block maps.
 *
 * Layout: kernel Documentation/filesystems/ext4; all little-endian. The
 * journal is not replayed; a dirty one is an issue of the walk.
 */
#include "evidence/fs_ext.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"

enum {
    SUPER_AT = 1024,
    SUPER = 1024,
    IN_BLOCK = 0x28, /* i_block in the inode */
    IN_BLOCK_SIZE = 60,
    OLD_INODE = 128,
    EXTENT_MAGIC = 0xf30a,
    DEPTH_MAX = 5,
};

/* ---- reading ------------------------------------------------------------ */

bool ext_read(struct ext *x, uint64_t off, void *buf, size_t n)
{
    char *to = buf;
    while (n > 0) {
        uint64_t no = off / EXT_LINE;
        /* Equal places in groups, a power of two long, must not meet. */
        size_t slot = (size_t)(no * UINT64_C(0x9e3779b97f4a7c15) >> 56);
        size_t at = (size_t)(off % EXT_LINE);
        unsigned char *line = x->lines + slot * EXT_LINE;
        if (x->line_no[slot] != no + 1) {
            size_t got = 0;
            x->line_no[slot] = 0;
            if (source_read(x->vol, no * EXT_LINE, line, EXT_LINE, &got, NULL))
                return false;
            x->line_no[slot] = no + 1;
            x->line_n[slot] = (uint32_t)got;
        }
        if (at >= x->line_n[slot])
            return false;
        size_t part = x->line_n[slot] - at;
        if (part > n)
            part = n;
        memcpy(to, line + at, part);
        to += part;
        off += part;
        n -= part;
    }
    return true;
}

/* ---- groups ------------------------------------------------------------- */

static bool power_of(uint32_t v, uint32_t base)
{
    while (v > 1 && v % base == 0)
        v /= base;
    return v == 1;
}

static bool has_super(const struct ext *x, uint32_t group)
{
    if (group == 0)
        return true;
    if (x->compat & EXT_COMPAT_SPARSE2)
        return group == x->backups[0] || group == x->backups[1];
    if (group == 1 || !(x->ro & EXT_RO_SPARSE))
        return true;
    return group % 2 &&
           (power_of(group, 3) || power_of(group, 5) || power_of(group, 7));
}

/* Offset of a group's descriptor. */
uint64_t ext_desc_at(const struct ext *x, uint32_t group)
{
    uint32_t per_block = x->block / x->desc_size;
    uint32_t nr = group / per_block;
    uint64_t in_block = (uint64_t)(group % per_block) * x->desc_size;
    uint64_t small = x->block == 1024;
    if (!(x->incompat & EXT_INCOMPAT_META_BG) || nr < x->first_meta_bg)
        return (small + 1 + nr) * x->block + in_block;
    uint64_t first = (uint64_t)nr * per_block;
    uint64_t block =
        x->first_data + first * x->group_blocks + has_super(x, (uint32_t)first);
    if (small && nr == 0 && x->first_data == 0)
        block++;
    return block * x->block + in_block;
}

struct desc {
    uint64_t table;
    uint16_t flags;
    uint32_t unused;
};

static bool desc_load(struct ext *x, uint32_t group, struct desc *d)
{
    unsigned char p[64] = { 0 };
    bool wide = x->desc_size >= 64;
    if (!ext_read(x, ext_desc_at(x, group), p, wide ? 64 : 32))
        return false;
    d->table = u32le(p + 8) | (wide ? (uint64_t)u32le(p + 0x28) << 32 : 0);
    d->flags = u16le(p + 0x12);
    d->unused = u16le(p + 0x1c) | (wide ? (uint32_t)u16le(p + 0x32) << 16 : 0);
    return d->table < x->blocks;
}

uint32_t ext_group_used(struct ext *x, uint32_t group)
{
    enum { INODE_UNINIT = 1 };
    struct desc d;
    if (!desc_load(x, group, &d))
        return 0;
    if (!(x->ro & (EXT_RO_GDT_CSUM | EXT_RO_METADATA_CSUM)))
        return x->per_group;
    if (d.flags & INODE_UNINIT)
        return 0;
    return d.unused < x->per_group ? x->per_group - d.unused : 0;
}

uint32_t ext_group_next(struct ext *x, uint32_t group, uint32_t i,
                        uint32_t used)
{
    unsigned char mode[2];
    struct desc d;
    if (!desc_load(x, group, &d))
        return used;
    while (i < used &&
           ext_read(x, d.table * x->block + (uint64_t)i * x->inode_size, mode,
                    sizeof mode) &&
           (mode[0] | mode[1]) == 0)
        i++;
    return i;
}

/* ---- inodes ------------------------------------------------------------- */

/* Does the inode have its field that ends at `end`? */
static bool has_field(const struct ext_inode *in, size_t end)
{
    if (in->raw_n <= OLD_INODE)
        return false;
    return end <= in->raw_n && end <= OLD_INODE + (size_t)u16le(in->raw + 0x80);
}

/* Seconds are signed; the low two bits of the extra word count 2^32 s, the
 * others are nanoseconds. */
static struct instant time_of(struct ext_inode *in, size_t at, size_t extra)
{
    struct instant t = { (int32_t)u32le(in->raw + at), 0 };
    if (!has_field(in, extra + 4))
        return t;
    uint32_t e = u32le(in->raw + extra);
    t.s += (int64_t)(e & 3) << 32;
    t.ns = e >> 2;
    in->fine = true;
    if (t.ns > 999999999) {
        t.ns = 0;
        in->bad = true;
    }
    return t;
}

/* Its checksum as computed; *high: 32 bits of it are stored, else 16. */
static uint32_t inode_sum(const struct ext *x, const struct ext_inode *in,
                          bool *high)
{
    unsigned char zero[4] = { 0 }, number[4];
    *high = has_field(in, 0x84);
    put_u32le(number, (uint32_t)in->ino);
    uint32_t crc = crc32c(x->seed, number, 4);
    crc = crc32c(crc, in->raw + 0x64, 4);
    crc = crc32c(crc, in->raw, 0x7c);
    crc = crc32c(crc, zero, 2);
    crc = crc32c(crc, in->raw + 0x7e, OLD_INODE - 0x7e);
    if (x->inode_size > OLD_INODE) {
        crc = crc32c(crc, in->raw + 0x80, 2);
        crc = crc32c(crc, *high ? zero : in->raw + 0x82, 2);
        crc = crc32c(crc, in->raw + 0x84, in->raw_n - 0x84);
    }
    return *high ? crc : crc & 0xffff;
}

static bool inode_checksum(const struct ext *x, const struct ext_inode *in)
{
    bool high;
    uint32_t crc = inode_sum(x, in, &high), want = u16le(in->raw + 0x7c);
    if (high)
        want |= (uint32_t)u16le(in->raw + 0x82) << 16;
    return crc == want;
}

void ext_inode_seal(const struct ext *x, struct ext_inode *in)
{
    bool high;
    if (!(x->ro & EXT_RO_METADATA_CSUM))
        return;
    uint32_t crc = inode_sum(x, in, &high);
    in->raw[0x7c] = (unsigned char)crc;
    in->raw[0x7d] = (unsigned char)(crc >> 8);
    if (high) {
        in->raw[0x82] = (unsigned char)(crc >> 16);
        in->raw[0x83] = (unsigned char)(crc >> 24);
    }
}

static bool all_zero(const unsigned char *p, size_t n)
{
    while (n && p[n - 1] == 0)
        n--;
    return n == 0;
}

static void inode_decode(const struct ext *x, struct ext_inode *in)
{
    const unsigned char *p = in->raw;
    in->mode = u16le(p);
    in->uid = u16le(p + 2) | (uint32_t)u16le(p + 0x78) << 16;
    in->gid = u16le(p + 0x18) | (uint32_t)u16le(p + 0x7a) << 16;
    in->links = u16le(p + 0x1a);
    in->blocks = u32le(p + 0x1c);
    in->flags = u32le(p + 0x20);
    in->generation = u32le(p + 0x64);
    in->dtime = u32le(p + 0x14);
    in->size = u32le(p + 4);
    if ((in->mode & 0xf000) == 0x8000 || (x->incompat & EXT_INCOMPAT_LARGE_DIR))
        in->size |= (uint64_t)u32le(p + 0x6c) << 32;
    in->a = time_of(in, 0x08, 0x8c);
    in->c = time_of(in, 0x0c, 0x84);
    in->m = time_of(in, 0x10, 0x88);
    in->d = (struct instant){ (int32_t)in->dtime, 0 };
    in->has_b = has_field(in, 0x94);
    if (in->has_b)
        in->b = time_of(in, 0x90, 0x94);
    if ((x->ro & EXT_RO_METADATA_CSUM) && !all_zero(p, in->raw_n) &&
        !inode_checksum(x, in))
        in->bad = true;
}

void ext_inode_decode(const struct ext *x, uint64_t ino, uint64_t off,
                      const void *bytes, struct ext_inode *in)
{
    in->ino = ino;
    in->off = off;
    in->bad = in->fine = in->has_b = false;
    in->raw_n = x->inode_size;
    memcpy(in->raw, bytes, in->raw_n);
    inode_decode(x, in);
}

bool ext_inode_load(struct ext *x, uint64_t ino, struct ext_inode *in)
{
    struct desc d;
    in->ino = ino;
    in->bad = in->fine = in->has_b = false;
    if (ino == 0 || ino > x->inodes)
        return false;
    uint32_t group = (uint32_t)((ino - 1) / x->per_group);
    uint32_t index = (uint32_t)((ino - 1) % x->per_group);
    if (group >= x->groups || !desc_load(x, group, &d))
        return false;
    in->off = d.table * x->block + (uint64_t)index * x->inode_size;
    in->raw_n = x->inode_size;
    if (!ext_read(x, in->off, in->raw, in->raw_n) ||
        source_gap_in(x->vol, in->off, in->raw_n))
        return false;
    inode_decode(x, in);
    return true;
}

/* ---- block maps --------------------------------------------------------- */

void ext_map_free(struct ext_map *map)
{
    free(map->runs);
    buf_free(&map->inlined);
    *map = (struct ext_map){ 0 };
}

static void wrong(struct ext_map *map, const char *what)
{
    if (!map->wrong)
        map->wrong = what;
}

static void run_add(struct ext *x, struct ext_map *map, struct fs_run r)
{
    uint64_t end = 0;
    if (r.n == 0)
        return;
    if (map->n) {
        struct fs_run *last = &map->runs[map->n - 1];
        end = last->logical + last->n;
        if (r.kind == FS_RUN_BAD && last->kind == FS_RUN_BAD &&
            r.logical == end) {
            last->n += r.n;
            return;
        }
    }
    if (r.logical < end) {
        wrong(map, "blocks overlap or are out of order");
        if (r.logical + r.n <= end)
            return;
        uint64_t cut = end - r.logical;
        r = (struct fs_run){ end, 0, r.n - cut, FS_RUN_BAD };
    }
    if (r.kind == FS_RUN_DATA && (r.physical == 0 || r.physical >= x->blocks ||
                                  r.n > x->blocks - r.physical)) {
        wrong(map, "blocks lie outside of the file system");
        r.kind = FS_RUN_BAD;
    }
    if (r.kind == FS_RUN_DATA && r.n > x->blocks - map->mapped) {
        wrong(map, "more blocks than the file system has");
        r.kind = FS_RUN_BAD;
    }
    if (map->n == map->cap) {
        size_t cap = map->cap ? map->cap * 2 : 16;
        struct fs_run *p = realloc(map->runs, cap * sizeof *p);
        if (!p) {
            map->no_memory = true;
            wrong(map, "not enough memory for its blocks");
            return;
        }
        map->runs = p;
        map->cap = cap;
    }
    map->mapped += r.kind == FS_RUN_DATA ? r.n : 0;
    map->runs[map->n++] = r;
}

/* One level of the extent tree while it is walked. */
struct level {
    unsigned char *p; /* header and entries */
    unsigned n, i, depth;
    uint64_t end; /* logical block after the part it describes */
};

static bool level_check(struct level *l, size_t size)
{
    unsigned max = u16le(l->p + 4);
    l->n = u16le(l->p + 2);
    l->i = 0;
    return u16le(l->p) == EXTENT_MAGIC && l->n <= max &&
           (size_t)max * 12 + 12 <= size && u16le(l->p + 6) == l->depth;
}

static void leaf_entry(struct ext *x, struct ext_map *map,
                       const unsigned char *e)
{
    unsigned len = u16le(e + 4);
    bool unwritten = len > 32768;
    run_add(x, map,
            (struct fs_run){
                .logical = u32le(e),
                .physical = u32le(e + 8) | (uint64_t)u16le(e + 6) << 32,
                .n = unwritten ? len - 32768 : len,
                .kind = unwritten ? FS_RUN_ZERO : FS_RUN_DATA,
            });
}

static void branch_lost(struct ext *x, struct ext_map *map, uint64_t from,
                        uint64_t end)
{
    wrong(map, "a block of its extent tree is damaged");
    run_add(
        x, map,
        (struct fs_run){ from, 0, end > from ? end - from : 0, FS_RUN_BAD });
}

/* Go down into the index entry e of level l; the new level is l + 1. */
static bool descend(struct ext *x, struct ext_map *map, struct level *l,
                    const unsigned char *e)
{
    struct level *below = l + 1;
    uint64_t block = u32le(e + 4) | (uint64_t)u16le(e + 8) << 32;
    uint64_t from = u32le(e);
    below->depth = l->depth - 1;
    below->end = l->i + 1 < l->n ? u32le(e + 12) : l->end;
    bool ok = block < x->blocks &&
              ext_read(x, block * x->block, below->p, x->block) &&
              !source_gap_in(x->vol, block * x->block, x->block) &&
              level_check(below, x->block);
    if (!ok)
        branch_lost(x, map, from, below->end);
    return ok;
}

static void map_extents(struct ext *x, const struct ext_inode *in,
                        struct ext_map *map)
{
    struct level levels[DEPTH_MAX + 1] = { 0 };
    uint64_t end = in->size / x->block + (in->size % x->block != 0);
    unsigned depth = u16le(in->raw + IN_BLOCK + 6);
    uint64_t budget = x->blocks; /* tree blocks read */
    levels[0] =
        (struct level){ .p = (unsigned char *)(uintptr_t)in->raw + IN_BLOCK,
                        .depth = depth,
                        .end = end };
    if (depth > DEPTH_MAX || !level_check(&levels[0], IN_BLOCK_SIZE)) {
        branch_lost(x, map, 0, end);
        return;
    }
    unsigned char *space = depth ? malloc((size_t)depth * x->block) : NULL;
    if (depth && !space) {
        map->no_memory = true;
        branch_lost(x, map, 0, end);
        return;
    }
    for (unsigned i = 0; i < depth; i++)
        levels[i + 1].p = space + (size_t)i * x->block;
    struct level *l = levels;
    while (budget > 0) {
        if (l->i == l->n) {
            if (l == levels)
                break;
            l--;
            l->i++;
            continue;
        }
        const unsigned char *e = l->p + 12 + 12 * (size_t)l->i;
        if (l->depth > 0 && descend(x, map, l, e)) {
            budget--;
            l++;
            continue;
        }
        if (l->depth == 0)
            leaf_entry(x, map, e);
        l->i++;
    }
    if (budget == 0)
        wrong(map, "its extent tree has more blocks than the file system");
    free(space);
}

/* Blocks of one pointer; budget counts pointer blocks. */
struct indirect {
    struct ext *x;
    struct ext_map *map;
    uint64_t next, end, budget; /* logical blocks */
};

static void pointer_data(struct indirect *w, uint32_t block)
{
    struct fs_run *last = w->map->n ? &w->map->runs[w->map->n - 1] : NULL;
    if (block && last && last->kind == FS_RUN_DATA &&
        last->logical + last->n == w->next &&
        last->physical + last->n == block && block < w->x->blocks &&
        w->map->mapped < w->x->blocks) {
        last->n++;
        w->map->mapped++;
    } else if (block) {
        run_add(w->x, w->map,
                (struct fs_run){ w->next, block, 1, FS_RUN_DATA });
    }
    w->next++;
}

/* All below a pointer of 1, 2 or 3 levels; no recursion: a counter a level. */
static void pointer_tree(struct indirect *w, uint32_t root, unsigned levels)
{
    uint32_t per = w->x->block / 4, at[3] = { 0 };
    uint64_t span[3] = { 1, per, (uint64_t)per * per };
    uint32_t block[3] = { root };
    unsigned depth = 0;
    if (root == 0) {
        w->next += span[levels - 1] * per;
        return;
    }
    while (w->next < w->end && w->budget > 0) {
        unsigned char p[4];
        if (at[depth] == per) {
            if (depth-- == 0)
                return;
            at[depth]++;
            continue;
        }
        uint64_t off = (uint64_t)block[depth] * w->x->block + 4 * at[depth];
        uint64_t below = span[levels - 1 - depth];
        bool ok = block[depth] < w->x->blocks && ext_read(w->x, off, p, 4) &&
                  !source_gap_in(w->x->vol, off, 4);
        if (!ok) {
            wrong(w->map, "a block of its pointers is damaged");
            run_add(w->x, w->map,
                    (struct fs_run){ w->next, 0, below, FS_RUN_BAD });
        }
        uint32_t child = ok ? u32le(p) : 0;
        if (depth + 1 == levels && ok) {
            pointer_data(w, child);
            at[depth]++;
        } else if (child == 0) {
            w->next += below;
            at[depth]++;
        } else {
            w->budget--;
            block[++depth] = child;
            at[depth] = 0;
        }
    }
}

static void map_indirect(struct ext *x, const struct ext_inode *in,
                         struct ext_map *map)
{
    struct indirect w = {
        .x = x,
        .map = map,
        .end = in->size / x->block + (in->size % x->block != 0),
        .budget = x->blocks,
    };
    const unsigned char *p = in->raw + IN_BLOCK;
    for (unsigned i = 0; i < 12 && w.next < w.end; i++)
        pointer_data(&w, u32le(p + 4 * i));
    for (unsigned i = 0; i < 3 && w.next < w.end; i++)
        pointer_tree(&w, u32le(p + 48 + 4 * i), i + 1);
    if (w.budget == 0)
        wrong(map, "more pointer blocks than the file system has");
}

/* The value of the attribute system.data in the inode's body: what of inline
 * data does not fit into i_block. */
static struct str inline_rest(const struct ext_inode *in)
{
    size_t at = OLD_INODE + (size_t)u16le(in->raw + 0x80);
    if (at + 4 > in->raw_n || u32le(in->raw + at) != 0xea020000)
        return STR_NONE;
    size_t first = at + 4;
    for (at = first; at + 16 <= in->raw_n && u32le(in->raw + at);) {
        size_t name_n = in->raw[at];
        size_t value = u16le(in->raw + at + 2);
        size_t size = u32le(in->raw + at + 8);
        if (at + 16 + name_n > in->raw_n)
            break;
        if (in->raw[at + 1] == 7 && name_n == 4 &&
            memcmp(in->raw + at + 16, "data", 4) == 0 &&
            first + value <= in->raw_n && size <= in->raw_n - first - value)
            return (struct str){ (const char *)in->raw + first + value, size };
        at += (16 + name_n + 3) & ~(size_t)3;
    }
    return STR_NONE;
}

static void map_inline(const struct ext_inode *in, struct ext_map *map)
{
    struct str head = { (const char *)in->raw + IN_BLOCK, IN_BLOCK_SIZE };
    struct str rest = inline_rest(in);
    map->is_inline = true;
    buf_put(&map->inlined, str_sub(head, 0, (size_t)in->size));
    if (in->size > IN_BLOCK_SIZE)
        buf_put(&map->inlined,
                str_sub(rest, 0, (size_t)in->size - IN_BLOCK_SIZE));
    if (map->inlined.n < in->size)
        wrong(map, "its inline data are shorter than its size");
    map->no_memory |= map->inlined.failed;
}

void ext_map_load(struct ext *x, const struct ext_inode *in,
                  struct ext_map *map)
{
    unsigned type = in->mode & 0xf000u;
    map->n = 0;
    map->mapped = 0;
    map->wrong = NULL;
    map->no_memory = map->is_inline = false;
    buf_clear(&map->inlined);
    if (type != 0x8000 && type != 0x4000 && type != 0xa000)
        return;
    if (in->flags & EXT_INODE_INLINE)
        map_inline(in, map);
    else if (in->flags & EXT_INODE_EXTENTS)
        map_extents(x, in, map);
    else if (type != 0xa000 || in->size >= IN_BLOCK_SIZE)
        map_indirect(x, in, map);
}

bool ext_map_touches_gap(const struct ext *x, const struct ext_map *map)
{
    return fs_runs_touch_gap(x->vol, x->block, map->runs, map->n);
}

/* ---- content ------------------------------------------------------------ */

struct source *ext_content(struct ext *x, const struct ext_inode *in,
                           struct err *err)
{
    struct ext_map map = { 0 };
    ext_map_load(x, in, &map);
    /* A short link lives in the inode itself. */
    if ((in->mode & 0xf000) == 0xa000 && in->size < IN_BLOCK_SIZE &&
        !(in->flags & (EXT_INODE_INLINE | EXT_INODE_EXTENTS)))
        map_inline(in, &map);
    if (map.no_memory) {
        ext_map_free(&map);
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    struct fs_content c = { x->block, map.runs, map.n, map.is_inline,
                            map.inlined };
    return fs_content_open(x->vol, &c, in->ino, in->size, err);
}

bool ext_link(struct ext *x, const struct ext_inode *in, struct ext_map *map,
              struct buf *out)
{
    enum { LINK_MAX = 4096 };
    (void)map;
    if (in->size > LINK_MAX || !buf_reserve(out, LINK_MAX))
        return false;
    struct source *s = ext_content(x, in, NULL);
    size_t got = 0;
    bool ok = s && !source_read(s, 0, out->p, (size_t)in->size, &got, NULL) &&
              !source_gap_in(s, 0, in->size);
    out->n = ok ? got : 0;
    source_close(s);
    return ok;
}

struct ext_history *ext_history(struct ext *x)
{
    if (!x->history_tried)
        x->history = ext_history_open(x);
    x->history_tried = true;
    return x->history;
}

/* A freed inode has lost its content; the journal may know where it was. */
static struct source *open_former(struct ext *x, const struct ext_inode *in,
                                  struct err *err)
{
    struct ext_history *h = ext_history(x);
    struct ext_inode *old = h ? malloc(sizeof *old) : NULL;
    struct source *s = NULL;
    if (old && ext_history_inode(h, in, true, old))
        s = ext_content(x, old, err);
    free(old);
    return s;
}

static struct source *open_inode(struct fs *fs, uint64_t ino, struct err *err)
{
    struct ext *x = fs->state;
    struct ext_inode *in = malloc(sizeof *in);
    struct source *s = NULL;
    if (!in || !ext_inode_load(x, ino, in)) {
        if (in)
            err_set(err, ERR_EVIDENCE, "inode %llu cannot be read",
                    (unsigned long long)ino);
        else
            err_set(err, ERR_INTERNAL, "out of memory");
        free(in);
        return NULL;
    }
    if (in->mode && in->links == 0 && in->size == 0)
        s = open_former(x, in, NULL);
    if (!s)
        s = ext_content(x, in, err);
    free(in);
    return s;
}

/* ---- opening ------------------------------------------------------------ */

static void ext_close(struct fs *fs)
{
    struct ext *x = fs->state;
    ext_history_free(x->history);
    free(x->lines);
    free(x);
}

static const struct fs_ops ext_ops = { ext_close, ext_walk, open_inode,
                                       ext_find };

static void text_field(char *to, size_t *n, const unsigned char *p, size_t max)
{
    *n = strnlen((const char *)p, max);
    memcpy(to, p, *n);
}

static void uuid_text(char out[40], const unsigned char *p)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    if (all_zero(p, 16))
        return;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = hex[p[i] >> 4];
        out[at++] = hex[p[i] & 15];
    }
    out[at] = '\0';
}

static const char *ext_name(const struct ext *x)
{
    enum { EXT4_INCOMPAT = 0x3f7c0, EXT4_RO = 0x7ff8 };
    if ((x->incompat & EXT4_INCOMPAT) || (x->ro & EXT4_RO))
        return "ext4";
    return x->compat & EXT_COMPAT_JOURNAL ? "ext3" : "ext2";
}

static void info_fill(struct ext *x, const unsigned char *sb,
                      struct fs_info *info)
{
    const char *name = ext_name(x);
    info->type = FS_EXT;
    memcpy(info->name, name, strlen(name) + 1);
    uuid_text(info->uuid, sb + 0x68);
    text_field(info->label, &info->label_n, sb + 0x78, 16);
    text_field(info->mounted, &info->mounted_n, sb + 0x88, 64);
    info->block = x->block;
    info->size = x->blocks * x->block;
    info->dirty = x->incompat & EXT_INCOMPAT_RECOVER;
    info->made.s = u32le(sb + 0x108) | (int64_t)sb[0x276] << 32;
    info->has_made = info->made.s != 0;
}

/* Fields that everything else divides by or multiplies with. */
static const char *super_check(struct ext *x, const unsigned char *sb)
{
    uint32_t log = u32le(sb + 0x18);
    x->inodes = u32le(sb);
    x->first_data = u32le(sb + 0x14);
    x->group_blocks = u32le(sb + 0x20);
    x->per_group = u32le(sb + 0x28);
    x->compat = u32le(sb + 0x5c);
    x->incompat = u32le(sb + 0x60);
    x->ro = u32le(sb + 0x64);
    bool old = u32le(sb + 0x4c) == 0;
    x->first_ino = old ? 11 : u32le(sb + 0x54);
    x->inode_size = old ? OLD_INODE : u16le(sb + 0x58);
    x->last_orphan = u32le(sb + 0xe8);
    x->orphan_file = u32le(sb + 0x280);
    x->first_meta_bg = u32le(sb + 0x104);
    x->backups[0] = u32le(sb + 0x24c);
    x->backups[1] = u32le(sb + 0x250);
    bool wide = x->incompat & EXT_INCOMPAT_64BIT;
    x->desc_size = wide ? u16le(sb + 0xfe) : 32;
    x->blocks = u32le(sb + 4) | (wide ? (uint64_t)u32le(sb + 0x150) << 32 : 0);
    if (log > 6)
        return "block size";
    x->block = 1024u << log;
    x->cluster = 1;
    if (x->ro & EXT_RO_BIGALLOC) {
        uint32_t more = u32le(sb + 0x1c) - log;
        if (u32le(sb + 0x1c) < log || more > 20)
            return "cluster size";
        x->cluster = 1u << more;
    }
    if (x->inode_size < OLD_INODE || x->inode_size > EXT_INODE_MAX ||
        x->inode_size > x->block || x->inode_size & (x->inode_size - 1))
        return "inode size";
    if (x->desc_size < 32 || x->desc_size > 1024 ||
        x->desc_size & (x->desc_size - 1))
        return "size of group descriptors";
    if (x->per_group == 0 || x->per_group > x->block * 8)
        return "inodes per group";
    if (x->group_blocks == 0 || x->blocks <= x->first_data ||
        x->blocks > INT64_MAX / x->block)
        return "blocks or blocks per group";
    uint64_t groups = (x->blocks - x->first_data - 1) / x->group_blocks + 1;
    if (groups > UINT32_MAX || x->inodes == 0 ||
        x->inodes > groups * x->per_group)
        return "count of inodes";
    x->groups = (uint32_t)groups;
    return NULL;
}

static void super_checksum(struct ext *x, const unsigned char *sb)
{
    x->ea_seed = x->incompat & EXT_INCOMPAT_SEED ? u32le(sb + 0x270)
                                                 : crc32c(~0u, sb + 0x68, 16);
    if (!(x->ro & EXT_RO_METADATA_CSUM))
        return;
    x->bad_super = crc32c(~0u, sb, 0x3fc) != u32le(sb + 0x3fc);
    x->seed = x->ea_seed;
}

struct fs *fs_ext_open(struct source *vol, struct err *err)
{
    unsigned char sb[SUPER];
    size_t got;
    if (source_read(vol, SUPER_AT, sb, sizeof sb, &got, err))
        return NULL;
    struct fs *fs = calloc(1, sizeof *fs);
    struct ext *x = calloc(1, sizeof *x);
    if (x)
        x->lines = malloc((size_t)EXT_LINES * EXT_LINE);
    const char *bad = got < sizeof sb ? "size" : NULL;
    if (fs && x && x->lines && !bad)
        bad = super_check(x, sb);
    if (!fs || !x || !x->lines || bad) {
        if (bad)
            err_set(err, ERR_EVIDENCE, "ext superblock: impossible %s", bad);
        else
            err_set(err, ERR_INTERNAL, "out of memory");
        if (x)
            free(x->lines);
        free(x);
        free(fs);
        return NULL;
    }
    x->fs = fs;
    x->vol = vol;
    super_checksum(x, sb);
    *fs = (struct fs){ .ops = &ext_ops, .vol = vol, .state = x };
    info_fill(x, sb, &fs->info);
    return fs;
}
