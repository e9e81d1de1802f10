/*
 * ext2/3/4: extended attributes, in the inode's body behind its last field, in
 * one block that several inodes may share, and single values in inodes of
 * their own (ea_inode).
 *
 * Layout: kernel, fs/ext4/xattr.h. An entry is name length u8, index of the
 * name space u8, offset of the value u16, inode of the value u32 (0: none),
 * size of the value u32, hash u32, the name. Offsets count from the first
 * entry in the body, from the start of a block. A block has a header of 32
 * bytes: magic, count of inodes that share it, blocks, hash, checksum.
 *
 * Values are given as getxattr gives them: POSIX ACLs are kept in a shorter
 * form (fs/ext4/acl.h: version 1, entries without an id where none is needed).
 */
#include "evidence/fs_ext.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"

enum {
    MAGIC = (int)0xea020000,
    BLOCK_HEADER = 32,
    ENTRY = 16,
    OLD_INODE = 128,
    VALUES_MAX = 16 << 20, /* of one inode */
    ACL_VERSION_ON_DISK = 1,
    ACL_VERSION = 2, /* of the system calls */
    ACL_USER = 2,
    ACL_GROUP = 8,
};

/* By index; NULL: not shown by the kernel either. */
static const char *const spaces[] = {
    NULL,
    "user.",
    "system.posix_acl_access",
    "system.posix_acl_default",
    "trusted.",
    NULL, /* lustre */
    "security.",
    "system.",
    "system.richacl",
};

/* Where the entries of a body or block are. */
struct area {
    struct str all; /* from where values are counted */
    size_t first;   /* entry */
    uint64_t block; /* 0: the inode's body */
};

struct load {
    struct ext *x;
    const struct ext_inode *in;
    struct ext_xattrs *to;
};

static void wrong(struct load *l, const char *what)
{
    if (!l->to->wrong)
        l->to->wrong = what;
}

/* ---- values ------------------------------------------------------------- */

/* The bytes that the system call returns for an ACL, or false. */
static bool put_acl(struct buf *out, struct str v)
{
    const unsigned char *p = (const unsigned char *)v.p;
    unsigned char e[8] = { 0 };
    if (v.n < 4 || u32le(p) != ACL_VERSION_ON_DISK)
        return false;
    put_u32le(e, ACL_VERSION);
    buf_put(out, (struct str){ (const char *)e, 4 });
    for (size_t at = 4; at < v.n;) {
        if (v.n - at < 4)
            return false;
        unsigned tag = u16le(p + at);
        bool named = tag == ACL_USER || tag == ACL_GROUP;
        if (named && v.n - at < 8)
            return false;
        memcpy(e, p + at, 4);
        put_u32le(e + 4, named ? u32le(p + at + 4) : UINT32_MAX);
        buf_put(out, (struct str){ (const char *)e, 8 });
        at += named ? 8 : 4;
    }
    return true;
}

static uint32_t rotate(uint32_t h, unsigned n)
{
    return h << n | h >> (32 - n);
}

/* fs/ext4/xattr.c: ext4_xattr_hash_entry. Kernels for x86 took the letters of
 * the name as signed for a long time. */
static uint32_t entry_hash(struct str name, struct str value, bool is_signed)
{
    uint32_t h = 0;
    for (size_t i = 0; i < name.n; i++) {
        uint32_t c = (unsigned char)name.p[i];
        if (is_signed && c > 127)
            c |= 0xffffff00;
        h = rotate(h, 5) ^ c;
    }
    for (size_t i = 0; i < value.n; i += 4) {
        unsigned char word[4] = { 0 };
        memcpy(word, value.p + i, value.n - i < 4 ? value.n - i : 4);
        h = rotate(h, 16) ^ u32le(word);
    }
    return h;
}

static bool hash_fits(uint32_t stored, struct str name, struct str value)
{
    return stored == 0 || stored == entry_hash(name, value, false) ||
           stored == entry_hash(name, value, true);
}

/* A value in an inode of its own; its hash is in place of the time of access,
 * or (Lustre) the inode's number in place of that of modification. */
static struct str value_inode(struct load *l, uint64_t ino, uint32_t size,
                              struct str name, uint32_t stored)
{
    struct buf *b = &l->to->scratch;
    struct ext_inode *in = malloc(sizeof *in);
    size_t got = 0;
    buf_clear(b);
    bool ok = in && ext_inode_load(l->x, ino, in) && in->flags & EXT_INODE_EA &&
              in->size == size && buf_reserve(b, size);
    struct source *s = ok ? ext_content(l->x, in, NULL) : NULL;
    ok = s && !source_read(s, 0, b->p, size, &got, NULL) && got == size &&
         !source_gap_in(s, 0, size);
    if (ok) {
        unsigned char hash[4];
        uint32_t have = crc32c(l->x->ea_seed, b->p, size);
        put_u32le(hash, have);
        bool lustre = u32le(in->raw + 0x10) == (uint32_t)l->in->ino &&
                      in->generation == l->in->generation;
        b->n = size;
        if (!lustre &&
            (have != u32le(in->raw + 8) ||
             !hash_fits(stored, name, (struct str){ (const char *)hash, 4 })))
            wrong(l, "an attribute's value differs from its hash");
    }
    source_close(s);
    free(in);
    return ok ? buf_str(b) : (struct str){ NULL, SIZE_MAX };
}

/* ---- entries ------------------------------------------------------------ */

static bool known(const struct ext_xattrs *to, size_t name, size_t n)
{
    const char *all = to->bytes.p;
    for (size_t i = 0; i < to->n; i++)
        if (to->items[i].name.n == n &&
            memcmp(all + to->at[i], all + name, n) == 0)
            return true;
    return false;
}

/* Keep one; pointers are set when all bytes are there. */
static void keep(struct load *l, const char *space, struct str name,
                 struct str value, bool acl)
{
    struct ext_xattrs *to = l->to;
    size_t at = to->bytes.n;
    if (to->n == FS_XATTRS_MAX) {
        wrong(l, "more attributes than are kept");
        return;
    }
    buf_putz(&to->bytes, space);
    buf_put(&to->bytes, name);
    size_t name_n = to->bytes.n - at;
    if (to->bytes.failed) {
        wrong(l, "not enough memory for its attributes");
        return;
    }
    if (known(to, at, name_n)) {
        to->bytes.n = at; /* the kernel shows the first one */
        return;
    }
    if (!acl) {
        buf_put(&to->bytes, value);
    } else if (!put_acl(&to->bytes, value)) {
        wrong(l, "an access control list is damaged");
        to->bytes.n = at + name_n;
        buf_put(&to->bytes, value);
    }
    if (to->bytes.failed) {
        wrong(l, "not enough memory for its attributes");
        return;
    }
    to->at[to->n] = at;
    to->items[to->n].name.n = name_n;
    to->items[to->n++].value.n = to->bytes.n - at - name_n;
}

static void one_entry(struct load *l, const struct area *a,
                      const unsigned char *e)
{
    struct str name = { (const char *)e + ENTRY, e[0] };
    unsigned index = e[1];
    uint32_t inode = u32le(e + 4), size = u32le(e + 8), hash = u32le(e + 12);
    struct str value = str_sub(a->all, u16le(e + 2), size);
    const char *space =
        index < sizeof spaces / sizeof *spaces ? spaces[index] : NULL;
    if (!space || (index == 7 && str_eq(name, STR("data"))))
        return;
    if (inode && size > FS_XATTR_MAX) {
        wrong(l, "an attribute's value is larger than can be");
        return;
    }
    if (inode)
        value = value_inode(l, inode, size, name, hash);
    if (value.n != size || l->to->bytes.n > VALUES_MAX) {
        wrong(l, "an attribute's value cannot be read");
        return;
    }
    if (!inode && a->block && !hash_fits(hash, name, value))
        wrong(l, "an attribute differs from its hash");
    keep(l, space, name, value, index == 2 || index == 3);
}

static void entries(struct load *l, const struct area *a)
{
    const unsigned char *p = (const unsigned char *)a->all.p;
    size_t at = a->first;
    while (at + 4 <= a->all.n && u32le(p + at) != 0) {
        if (a->all.n - at < ENTRY || a->all.n - at - ENTRY < p[at]) {
            wrong(l, "the list of its attributes is damaged");
            return;
        }
        one_entry(l, a, p + at);
        at += (ENTRY + (size_t)p[at] + 3) & ~(size_t)3;
    }
}

static void body(struct load *l)
{
    const struct ext_inode *in = l->in;
    if (in->raw_n < OLD_INODE + 4)
        return;
    size_t at = OLD_INODE + (size_t)u16le(in->raw + 0x80);
    if (at + 8 > in->raw_n || u32le(in->raw + at) != (uint32_t)MAGIC)
        return;
    struct str all = { (const char *)in->raw + at + 4, in->raw_n - at - 4 };
    entries(l, &(struct area){ .all = all });
}

static bool block_checksum(const struct ext *x, uint64_t no, const char *p)
{
    static const unsigned char zero[4];
    unsigned char number[8];
    if (!(x->ro & EXT_RO_METADATA_CSUM))
        return true;
    put_u64le(number, no);
    uint32_t crc = crc32c(x->seed, number, 8);
    crc = crc32c(crc, p, 16);
    crc = crc32c(crc, zero, 4);
    crc = crc32c(crc, p + 20, x->block - 20);
    return crc == u32le(p + 16);
}

static void shared_block(struct load *l)
{
    struct ext *x = l->x;
    uint64_t no = u32le(l->in->raw + 0x68);
    if (x->incompat & EXT_INCOMPAT_64BIT)
        no |= (uint64_t)u16le(l->in->raw + 0x76) << 32;
    if (no == 0)
        return;
    struct buf *b = &l->to->block;
    buf_clear(b);
    if (no >= x->blocks || !buf_reserve(b, x->block) ||
        !ext_read(x, no * x->block, b->p, x->block) ||
        source_gap_in(x->vol, no * x->block, x->block)) {
        wrong(l, "the block of its attributes cannot be read");
        return;
    }
    if (u32le(b->p) != (uint32_t)MAGIC) {
        wrong(l, "the block of its attributes is damaged");
        return;
    }
    if (!block_checksum(x, no, b->p))
        wrong(l, "the block of its attributes differs from its checksum");
    struct str all = { b->p, x->block };
    entries(l, &(struct area){ all, BLOCK_HEADER, no });
}

/* ---- all ---------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct fs_xattr *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

void ext_xattrs_load(struct ext *x, const struct ext_inode *in,
                     struct ext_xattrs *to)
{
    struct load l = { x, in, to };
    to->n = 0;
    to->wrong = NULL;
    buf_clear(&to->bytes);
    body(&l);
    /* A freed inode's block may be another one's by now. */
    if (in->links)
        shared_block(&l);
    for (size_t i = 0; i < to->n; i++) {
        struct fs_xattr *a = &to->items[i];
        a->name.p = to->bytes.p + to->at[i];
        a->value.p = a->name.p + a->name.n;
    }
    if (to->n > 1)
        qsort(to->items, to->n, sizeof *to->items, by_name);
}

void ext_xattrs_free(struct ext_xattrs *to)
{
    buf_free(&to->bytes);
    buf_free(&to->block);
    buf_free(&to->scratch);
}
