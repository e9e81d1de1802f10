/*
 * XFS: the names of a directory, in all its forms. Names are in the data
 * blocks, below 32 GiB of the directory's own offsets; hash index and lists of
 * free space lie above and are not needed. A freed name keeps its bytes, its
 * type and the lower half of its inode number until something new is put there.
 */
#include "evidence/fs_xfs.h"

#include "base/text.h"
#include "base/varint.h"

enum {
    ENTRY_MIN = 16,
    UNUSED = 0xffff,
    TAIL = 8, /* of the block form: counts of its index */
    HEAD_V5 = 64,
    HEAD_V4 = 16,
    DATA_CRC = 4,
    LEAVES_GIB = 32,
};

static uint8_t type_of_entry(unsigned type)
{
    static const uint8_t types[] = { FS_FILE_OTHER,  FS_FILE_REGULAR,
                                     FS_FILE_DIR,    FS_FILE_CHAR,
                                     FS_FILE_BLOCK,  FS_FILE_FIFO,
                                     FS_FILE_SOCKET, FS_FILE_LINK };
    return type < sizeof types ? types[type] : FS_FILE_OTHER;
}

static void wrong(struct xfs_dir *d, const char *why)
{
    if (!d->wrong)
        d->wrong = why;
}

/* ---- entries of a data block -------------------------------------------- */

/* Bytes of an entry: number, length, name, type, tag; to a multiple of 8. */
static size_t need(const struct xfs_dir *d, size_t name_n)
{
    return (8 + 1 + name_n + d->x->ftype + 2 + 7) & ~(size_t)7;
}

/* The fields of what lies at `at`, without a look at whether they make sense:
 * its bytes, or 0 when they go beyond `end`. */
static size_t entry_of(const struct xfs_dir *d, struct str block, size_t at,
                       size_t end, struct xfs_entry *e)
{
    const char *p = block.p + at;
    if (end - at < ENTRY_MIN)
        return 0;
    size_t name_n = (unsigned char)p[8], n = need(d, name_n);
    if (n > end - at)
        return 0;
    *e = (struct xfs_entry){ .inode = u64be(p), .name = { p + 9, name_n } };
    if (d->x->ftype)
        e->type = type_of_entry((unsigned char)p[9 + name_n]);
    return n;
}

static bool plausible(struct str name)
{
    if (name.n == 0 || !text_utf8_valid(name) || str_eq(name, STR(".")) ||
        str_eq(name, STR("..")))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f ||
            name.p[i] == '/')
            return false;
    return true;
}

/*
 * Is there a freed entry at `at` of an unused part? Its last two bytes hold
 * where it began, or where a part began that was joined to it, never a place
 * after it: that tells it from other bytes.
 */
static size_t remnant(const struct xfs_dir *d, struct str block, size_t at,
                      size_t end, struct xfs_entry *e)
{
    size_t head = d->x->v5 ? HEAD_V5 : HEAD_V4;
    size_t n = entry_of(d, block, at, end, e);
    if (n == 0 || !plausible(e->name) ||
        (d->x->ftype && e->type == FS_FILE_OTHER))
        return 0;
    size_t tag = u16be(block.p + at + n - 2);
    e->freed = true;
    e->low_only = e->inode >> 48 == UNUSED;
    if (e->low_only)
        e->inode &= UINT32_MAX;
    return e->inode != 0 && tag % 8 == 0 && tag >= head && tag <= at ? n : 0;
}

static bool unused_part(struct xfs_dir *d, struct str block, size_t at,
                        size_t end)
{
    struct xfs_entry e;
    while (d->want_freed && at + ENTRY_MIN <= end) {
        size_t n = remnant(d, block, at, end, &e);
        if (n && !d->entry(d->ctx, &e))
            return false;
        at += n ? n : 8;
    }
    return true;
}

/* The entry or unused part at `at`: its bytes, or 0 when it is neither. */
static size_t part_at(struct xfs_dir *d, struct str block, size_t at,
                      size_t end, struct xfs_entry *e)
{
    const char *p = block.p + at;
    e->freed = end - at >= 8 && u16be(p) == UNUSED;
    if (e->freed) {
        size_t n = u16be(p + 2);
        return n >= 8 && n % 8 == 0 && n <= end - at ? n : 0;
    }
    size_t n = entry_of(d, block, at, end, e);
    return n && e->name.n > 0 && u16be(p + n - 2) == at ? n : 0;
}

/* Names between the header and `end`; false when the caller has enough. */
static bool data_entries(struct xfs_dir *d, struct str block, size_t end)
{
    size_t at = d->x->v5 ? HEAD_V5 : HEAD_V4;
    while (at + 8 <= end) {
        struct xfs_entry e;
        size_t n = part_at(d, block, at, end, &e);
        if (n == 0) { /* go on at the next that tells its own place */
            wrong(d, "a part of it is damaged");
            at += 8;
            continue;
        }
        if (e.freed) {
            if (!unused_part(d, block, at, at + n))
                return false;
        } else if (str_eq(e.name, STR(".."))) {
            d->parent = e.inode;
        } else if (!str_eq(e.name, STR(".")) && !d->entry(d->ctx, &e)) {
            return false;
        }
        at += n;
    }
    return true;
}

/* One directory block at off of the volume. */
static bool data_block(struct xfs_dir *d, const struct xfs_inode *in,
                       struct str block, uint64_t off)
{
    struct xfs *x = d->x;
    const unsigned char *p = (const unsigned char *)block.p;
    bool single = memcmp(p, x->v5 ? "XDB3" : "XD2B", 4) == 0;
    size_t end = block.n;
    if (!single && memcmp(p, x->v5 ? "XDD3" : "XD2D", 4) != 0) {
        wrong(d, "a block of it has no header");
        /* What follows the header may be whole, but not when the block never
         * was one of names. */
        if (x->v5 && u64be(p + 40) != in->ino)
            return true;
    } else if (x->v5 && u64be(p + 40) != in->ino) {
        wrong(d, "a block of it belongs to another directory");
        return true;
    } else if (!xfs_crc_ok(x, off, p, block.n, DATA_CRC)) {
        d->doubt = true;
    }
    if (single) {
        uint32_t leaves = u32be(p + block.n - TAIL);
        end -= TAIL;
        if (leaves <= end / 8)
            end -= leaves * (size_t)8;
        else
            wrong(d, "a part of it is damaged");
    }
    return data_entries(d, block, end);
}

/* ---- forms -------------------------------------------------------------- */

/* In the inode: counts, number of the parent, then the entries. */
static void short_form(struct xfs_dir *d, const struct xfs_inode *in)
{
    struct str fork = xfs_fork(in, false);
    if (in->size > fork.n)
        wrong(d, "its short form is damaged");
    else
        fork.n = (size_t)in->size;
    const unsigned char *p = (const unsigned char *)fork.p;
    size_t width = fork.n >= 2 && p[1] ? 8 : 4, at = 2 + width;
    unsigned count = fork.n >= 2 ? (width == 8 && !p[0] ? p[1] : p[0]) : 0;
    if (fork.n < at)
        wrong(d, "its short form is damaged");
    else
        d->parent = width == 8 ? u64be(p + 2) : u32be(p + 2);
    for (unsigned i = 0; i < count; i++) {
        size_t name_n = at < fork.n ? p[at] : 0;
        size_t n = 3 + name_n + d->x->ftype + width;
        if (name_n == 0 || n > fork.n - at) {
            wrong(d, "its short form is damaged");
            return;
        }
        const unsigned char *q = p + at + 3 + name_n;
        struct xfs_entry e = { .name = str_sub(fork, at + 3, name_n) };
        if (d->x->ftype)
            e.type = type_of_entry(*q++);
        e.inode = width == 8 ? u64be(q) : u32be(q);
        if (!d->entry(d->ctx, &e))
            return;
        at += n;
    }
}

static void blocks(struct xfs_dir *d, const struct xfs_inode *in)
{
    struct xfs *x = d->x;
    uint64_t per = x->dir_block / x->block, next = 0;
    uint64_t end = ((uint64_t)LEAVES_GIB << 30) / x->block;
    buf_clear(&d->block);
    if (!buf_reserve(&d->block, x->dir_block)) {
        wrong(d, "not enough memory");
        return;
    }
    struct str block = { d->block.p, x->dir_block };
    for (size_t i = 0; i < d->map.n; i++) {
        const struct fs_run *r = &d->map.runs[i];
        uint64_t to = r->logical + r->n < end ? r->logical + r->n : end;
        uint64_t at = r->logical / per * per;
        for (at = at < next ? next : at; at < to; at += per) {
            uint64_t off;
            next = at + per;
            if (r->kind != FS_RUN_DATA ||
                !xfs_map_read(x, &d->map, at, d->block.p, block.n, &off)) {
                wrong(d, "a block of it cannot be read");
                if (x->budget == 0 || r->kind != FS_RUN_DATA)
                    break;
            } else if (!data_block(d, in, block, off)) {
                return;
            }
        }
    }
}

void xfs_dir_read(struct xfs_dir *d, const struct xfs_inode *in)
{
    d->doubt = false;
    d->wrong = NULL;
    d->parent = 0;
    xfs_map_load(d->x, in, false, &d->map);
    if (d->map.is_local)
        short_form(d, in);
    else
        blocks(d, in);
    d->doubt |= d->map.doubt;
    if (d->map.wrong)
        wrong(d, d->map.wrong);
}

void xfs_dir_free(struct xfs_dir *d)
{
    xfs_map_free(&d->map);
    buf_free(&d->block);
}
