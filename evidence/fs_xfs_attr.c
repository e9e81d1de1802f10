/*
 * XFS: extended attributes, in all their forms: within the inode, in one leaf,
 * in a tree of leaves, values in blocks of their own.
 *
 * ACLs are stored big-endian as trusted.SGI_ACL_FILE and _DEFAULT; they are
 * given as what the system calls show, system.posix_acl_access and _default,
 * so that they look alike on every file system.
 */
#include "evidence/fs_xfs.h"

#include <stdlib.h>

#include "base/varint.h"

enum {
    FLAG_LOCAL = 1,
    FLAG_ROOT = 2,
    FLAG_SECURE = 4,
    FLAG_PARENT = 8,
    FLAG_INCOMPLETE = 0x80,
    NODE_V4 = 0xfebe,
    NODE_V5 = 0x3ebe,
    LEAF_V4 = 0xfbee,
    LEAF_V5 = 0x3bee,
    BLOCK_CRC = 12,
    VALUE_HEADER = 56,
    BYTES_MAX = 16 << 20, /* of names and values of one inode */
};

struct load {
    struct xfs *x;
    const struct xfs_inode *in;
    struct xfs_attrs *a;
};

static void wrong(struct xfs_attrs *a, const char *why)
{
    if (!a->wrong)
        a->wrong = why;
}

/* ---- one attribute ------------------------------------------------------ */

/* The kernel's form of an ACL: version 2, then tag, permissions and number,
 * little-endian. False when the stored one is none. */
static bool acl(struct buf *out, struct str stored)
{
    enum { ENTRY = 12, TAG_USER = 2, TAG_GROUP = 8 };
    const unsigned char *p = (const unsigned char *)stored.p;
    unsigned char e[8];
    if (stored.n < 4 || (stored.n - 4) % ENTRY ||
        u32be(p) != (stored.n - 4) / ENTRY)
        return false;
    put_u32le(e, 2);
    buf_put(out, (struct str){ (char *)e, 4 });
    for (p += 4; p < (const unsigned char *)stored.p + stored.n; p += ENTRY) {
        uint32_t tag = u32be(p), perm = u16be(p + 8);
        bool named = tag == TAG_USER || tag == TAG_GROUP;
        put_u32le(e, (tag & 0xffff) | perm << 16);
        put_u32le(e + 4, named ? u32be(p + 4) : UINT32_MAX);
        buf_put(out, (struct str){ (char *)e, 8 });
    }
    return true;
}

/* Adds the name; true when it is one of the two ACLs. */
static bool put_name(struct buf *b, unsigned flags, struct str name)
{
    bool root = flags & FLAG_ROOT;
    if (root && str_eq(name, STR("SGI_ACL_FILE")))
        buf_putz(b, "system.posix_acl_access");
    else if (root && str_eq(name, STR("SGI_ACL_DEFAULT")))
        buf_putz(b, "system.posix_acl_default");
    else
        return false;
    return true;
}

static void put_plain_name(struct buf *b, unsigned flags, struct str name)
{
    buf_putz(b, flags & FLAG_ROOT     ? "trusted."
                : flags & FLAG_SECURE ? "security."
                                      : "user.");
    buf_put(b, name);
}

/* Until all are there an item's pointers are offsets in a->bytes, which may
 * move. */
static void item_add(struct load *l, unsigned flags, struct str name,
                     struct str value)
{
    struct xfs_attrs *a = l->a;
    size_t start = a->bytes.n, split;
    if (a->n == FS_XATTRS_MAX || start + name.n + value.n > BYTES_MAX) {
        wrong(a, "it has more extended attributes than are read");
        return;
    }
    if (put_name(&a->bytes, flags, name)) {
        split = a->bytes.n;
        if (acl(&a->bytes, value))
            goto done;
        a->bytes.n = start; /* as it is, then */
    }
    put_plain_name(&a->bytes, flags, name);
    split = a->bytes.n;
    buf_put(&a->bytes, value);
done:
    a->items[a->n].name.n = split - start;
    a->items[a->n].value.n = a->bytes.n - split;
    a->n++;
}

static bool hidden(unsigned flags)
{
    return flags & (FLAG_PARENT | FLAG_INCOMPLETE);
}

/* ---- within the inode --------------------------------------------------- */

static void short_form(struct load *l, struct str fork)
{
    size_t total = fork.n < 4 ? 0 : u16be(fork.p);
    struct cursor c = cursor_of(fork.p, total < fork.n ? total : fork.n);
    const unsigned char *head = cursor_take(&c, 4);
    unsigned count = head ? head[2] : 0;
    for (unsigned i = 0; i < count; i++) {
        size_t name_n = cursor_u8(&c), value_n = cursor_u8(&c);
        unsigned flags = cursor_u8(&c);
        struct str name = cursor_str(&c, name_n);
        struct str value = cursor_str(&c, value_n);
        if (c.failed || name_n == 0) {
            c.failed = true;
            break;
        }
        if (!hidden(flags))
            item_add(l, flags, name, value);
    }
    if (c.failed)
        wrong(l->a, "the attributes in the inode are damaged");
}

/* ---- values in blocks of their own -------------------------------------- */

/* In v5 a header stands before the part of the value in each block. */
static bool value_block(struct load *l, uint64_t block, size_t size,
                        struct buf *out)
{
    struct xfs *x = l->x;
    uint64_t off;
    char *p = l->a->block.p + x->block; /* the leaf is before it */
    size_t head = x->v5 ? VALUE_HEADER : 0, n = size - out->n;
    if (!xfs_map_read(x, &l->a->map, block, p, x->block, &off))
        return false;
    if (n > x->block - head)
        n = x->block - head;
    if (x->v5) {
        if (memcmp(p, "XARM", 4) != 0 || u32be(p + 4) != out->n ||
            u32be(p + 8) != n || u64be(p + 32) != l->in->ino)
            return false;
        if (!xfs_crc_ok(x, off, (unsigned char *)p, x->block, BLOCK_CRC))
            l->a->doubt = true;
    }
    buf_put(out, (struct str){ p + head, n });
    return true;
}

static void remote(struct load *l, unsigned flags, struct str name,
                   uint64_t block, size_t size)
{
    struct buf value = { 0 };
    bool ok = size > 0 && size <= FS_XATTR_MAX;
    while (ok && value.n < size && !value.failed)
        ok = value_block(l, block++, size, &value);
    if (ok && !value.failed)
        item_add(l, flags, name, buf_str(&value));
    else
        wrong(l->a, "the value of an attribute cannot be read");
    buf_free(&value);
}

/* ---- leaves ------------------------------------------------------------- */

/* Entry i of the leaf; false when it does not fit. */
static bool leaf_entry(struct load *l, struct str leaf, const char *e)
{
    size_t at = u16be(e + 4);
    unsigned flags = (unsigned char)e[6];
    bool here = flags & FLAG_LOCAL;
    size_t head = here ? 3 : 9;
    if (at > leaf.n || leaf.n - at < head)
        return false;
    const char *p = leaf.p + at;
    size_t name_n = (unsigned char)p[head - 1];
    size_t value_n = here ? u16be(p) : 0;
    if (name_n == 0 || head + name_n + value_n > leaf.n - at)
        return false;
    struct str name = { p + head, name_n };
    if (hidden(flags))
        return true;
    if (here)
        item_add(l, flags, name, (struct str){ name.p + name_n, value_n });
    else
        remote(l, flags, name, u32be(p), u32be(p + 4));
    return true;
}

static bool is_leaf(const struct xfs *x, const char *p)
{
    return u16be(p + 8) == (x->v5 ? LEAF_V5 : LEAF_V4);
}

static void leaf(struct load *l, struct str block)
{
    size_t head = l->x->v5 ? 80 : 32;
    size_t count = u16be(block.p + (l->x->v5 ? 56 : 12));
    if (count > (block.n - head) / 8) {
        wrong(l->a, "a block of attributes is damaged");
        count = (block.n - head) / 8;
    }
    for (size_t i = 0; i < count; i++)
        if (!leaf_entry(l, block, block.p + head + 8 * i))
            wrong(l->a, "a block of attributes is damaged");
}

/* Block `at` of the fork into a->block; checks what all kinds have. */
static bool load_block(struct load *l, uint64_t at)
{
    struct xfs *x = l->x;
    uint64_t off;
    unsigned char *p = (unsigned char *)l->a->block.p;
    if (!xfs_map_read(x, &l->a->map, at, p, x->block, &off))
        return false;
    unsigned magic = u16be(p + 8);
    if (magic != LEAF_V4 && magic != LEAF_V5 && magic != NODE_V4 &&
        magic != NODE_V5)
        return false;
    if (x->v5 && u64be(p + 48) != l->in->ino)
        return false;
    if (!xfs_crc_ok(x, off, p, x->block, BLOCK_CRC))
        l->a->doubt = true;
    return true;
}

/* From the root to the first leaf. */
static bool first_leaf(struct load *l, uint64_t *at)
{
    size_t head = l->x->v5 ? 64 : 16;
    const char *p = l->a->block.p;
    *at = 0;
    for (int level = 0; level < XFS_DEPTH_MAX; level++) {
        if (!load_block(l, *at))
            return false;
        if (is_leaf(l->x, p))
            return true;
        *at = u32be(p + head + 4);
    }
    return false;
}

/* All leaves, each of which knows the next. */
static bool chain(struct load *l)
{
    uint64_t at, blocks = 0, n = 0;
    struct str block = { l->a->block.p, l->x->block };
    for (size_t i = 0; i < l->a->map.n; i++)
        blocks += l->a->map.runs[i].n;
    if (!first_leaf(l, &at))
        return false;
    for (;;) {
        leaf(l, block);
        at = u32be(block.p);
        if (at == 0)
            return true;
        if (++n >= blocks || !load_block(l, at) || !is_leaf(l->x, block.p))
            return false;
    }
}

/* A link of the chain is broken: every block that says it is a leaf of this
 * inode. Without owners (v4) a value could say so. */
static void scan(struct load *l)
{
    struct xfs_attrs *a = l->a;
    struct str block = { a->block.p, l->x->block };
    a->n = 0;
    buf_clear(&a->bytes);
    for (size_t i = 0; i < a->map.n; i++) {
        const struct fs_run *r = &a->map.runs[i];
        for (uint64_t k = 0; r->kind == FS_RUN_DATA && k < r->n &&
                             a->n < FS_XATTRS_MAX && l->x->budget > 0;
             k++)
            if (load_block(l, r->logical + k) && is_leaf(l->x, block.p))
                leaf(l, block);
    }
}

/* ---- all of an inode ---------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct fs_xattr *x = a, *y = b;
    int c = str_cmp(x->name, y->name);
    return c ? c : str_cmp(x->value, y->value);
}

static void finish(struct xfs_attrs *a)
{
    const char *p = a->bytes.p;
    if (a->bytes.failed) {
        a->n = 0;
        wrong(a, "not enough memory for its attributes");
    }
    for (size_t i = 0; i < a->n; i++) {
        a->items[i].name.p = p;
        p += a->items[i].name.n;
        a->items[i].value.p = p;
        p += a->items[i].value.n;
    }
    if (a->n > 1)
        qsort(a->items, a->n, sizeof *a->items, by_name);
}

void xfs_attrs_load(struct xfs *x, const struct xfs_inode *in,
                    struct xfs_attrs *a)
{
    struct load l = { x, in, a };
    a->n = 0;
    a->wrong = NULL;
    a->doubt = false;
    buf_clear(&a->bytes);
    if (in->forkoff == 0)
        return;
    if (in->aformat == XFS_LOCAL) {
        short_form(&l, xfs_fork(in, true));
        finish(a);
        return;
    }
    xfs_map_load(x, in, true, &a->map);
    if (a->map.wrong)
        wrong(a, a->map.wrong);
    if (a->map.n == 0)
        return;
    buf_clear(&a->block);
    if (!buf_reserve(&a->block, 2 * (size_t)x->block)) {
        wrong(a, "not enough memory for its attributes");
    } else if (!chain(&l)) {
        wrong(a, "a block of attributes is damaged");
        if (x->v5)
            scan(&l);
    }
    a->doubt |= a->map.doubt;
    finish(a);
}

void xfs_attrs_free(struct xfs_attrs *a)
{
    xfs_map_free(&a->map);
    buf_free(&a->bytes);
    buf_free(&a->block);
}
