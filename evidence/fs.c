#include "evidence/fs.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/varint.h"

static const struct {
    const char *name;
    bool readable;
} types[FS_TYPES] = {
    [FS_UNKNOWN] = { "unknown", false },
    [FS_EMPTY] = { "empty (zeros)", false },
    [FS_EXT] = { "ext2/3/4", true },
    [FS_FAT] = { "FAT", true },
    [FS_EXFAT] = { "exFAT", true },
    [FS_NTFS] = { "NTFS", true },
    [FS_ISO9660] = { "ISO 9660", true },
    [FS_XFS] = { "XFS", true },
    [FS_BTRFS] = { "btrfs", false },
    [FS_LVM] = { "LVM2 physical volume", false },
    [FS_LUKS] = { "LUKS encrypted volume", false },
    [FS_BITLOCKER] = { "BitLocker encrypted volume", false },
    [FS_SWAP] = { "swap", false },
    [FS_RAID] = { "Linux RAID member", false },
    [FS_SQUASHFS] = { "squashfs", false },
    [FS_ZFS] = { "ZFS", false },
    [FS_APFS] = { "APFS", false },
    [FS_HFS] = { "HFS+", false },
    [FS_REFS] = { "ReFS", false },
    [FS_F2FS] = { "F2FS", false },
};

const char *fs_type_name(enum fs_type type)
{
    return types[type].name;
}

bool fs_type_readable(enum fs_type type)
{
    return types[type].readable;
}

/* ---- recognition -------------------------------------------------------- */

enum { HEAD = 72 << 10 }; /* the farthest magic (btrfs, ZFS) is within */

struct head {
    const unsigned char *p;
    size_t n;
};

static bool is_at(const struct head *h, size_t off, const char *magic, size_t n)
{
    return h->n >= off + n && memcmp(h->p + off, magic, n) == 0;
}

static bool power_of_two(uint32_t v)
{
    return v && !(v & (v - 1));
}

static bool is_ext(const struct head *h)
{
    const unsigned char *sb = h->p + 1024;
    return h->n >= 2048 && u16le(sb + 0x38) == 0xef53 && u32le(sb) != 0 &&
           u32le(sb + 4) != 0 && u32le(sb + 0x18) <= 16;
}

/* A BIOS parameter block without a magic number of its own: all its fields
 * have to make sense. */
static bool is_fat(const struct head *h)
{
    const unsigned char *b = h->p;
    if (h->n < 512 || b[510] != 0x55 || b[511] != 0xaa ||
        (b[0] != 0xeb && b[0] != 0xe9))
        return false;
    uint32_t bps = u16le(b + 11), spc = b[13], fats = b[16];
    bool fat16 = u16le(b + 22) != 0;
    return power_of_two(bps) && bps >= 512 && bps <= 4096 &&
           power_of_two(spc) && u16le(b + 14) != 0 && fats >= 1 && fats <= 2 &&
           b[21] >= 0xf0 &&
           (is_at(h, 54, "FAT", 3) || is_at(h, 82, "FAT", 3) || fat16) &&
           (fat16 || u32le(b + 36) != 0) &&
           (u16le(b + 19) != 0 || u32le(b + 32) != 0);
}

static bool is_lvm(const struct head *h)
{
    for (size_t i = 0; i < 4; i++)
        if (is_at(h, i * 512, "LABELONE", 8) &&
            is_at(h, i * 512 + 24, "LVM2 001", 8))
            return true;
    return false;
}

static bool is_swap(const struct head *h)
{
    static const size_t pages[] = { 4096, 8192, 16384, 65536 };
    for (size_t i = 0; i < 4; i++)
        if (is_at(h, pages[i] - 10, "SWAPSPACE2", 10) ||
            is_at(h, pages[i] - 10, "SWAP-SPACE", 10))
            return true;
    return false;
}

static bool is_raid(const struct head *h, struct source *vol)
{
    unsigned char m[4];
    size_t got;
    if (is_at(h, 4096, "\xfc\x4e\x2b\xa9", 4) ||
        is_at(h, 0, "\xfc\x4e\x2b\xa9", 4))
        return true;
    if (!vol || vol->size < 131072)
        return false;
    uint64_t at = (vol->size & ~UINT64_C(65535)) - 65536; /* version 0.90 */
    return !source_read(vol, at, m, 4, &got, NULL) && got == 4 &&
           u32le(m) == 0xa92b4efc;
}

static bool is_zfs(const struct head *h)
{
    /* An uberblock's magic in the first label's ring, from 128 KiB on, is
     * beyond our head: the name/value list at 16 KiB tells as well. */
    static const char names[] = "\0\0\0\x07version";
    return h->n > (16 << 10) + 64 &&
           memmem(h->p + (16 << 10), 64, names, sizeof names - 1) != NULL;
}

static bool all_zero(const struct head *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->p[i])
            return false;
    return h->n > 0;
}

/* Names that stand at fixed places. The order matters where one layout is
 * found inside another: encryption and layers of volumes come first. */
static const struct {
    enum fs_type type;
    size_t off;
    const char *magic;
    size_t n;
} magics[] = {
    { FS_LUKS, 0, "LUKS\xba\xbe", 6 },
    { FS_BITLOCKER, 3, "-FVE-FS-", 8 },
    { FS_XFS, 0, "XFSB", 4 },
    { FS_NTFS, 3, "NTFS    ", 8 },
    { FS_EXFAT, 3, "EXFAT   ", 8 },
    { FS_REFS, 3, "ReFS\0\0\0\0", 8 },
    { FS_SQUASHFS, 0, "hsqs", 4 },
    { FS_APFS, 32, "NXSB", 4 },
    { FS_HFS, 1024, "H+\0\x04", 4 },
    { FS_HFS, 1024, "HX\0\x05", 4 },
    { FS_F2FS, 1024, "\x10\x20\xf5\xf2", 4 },
    { FS_BTRFS, 0x10040, "_BHRfS_M", 8 },
};

static enum fs_type recognise(const struct head *h, struct source *vol)
{
    if (is_lvm(h))
        return FS_LVM;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (is_at(h, magics[i].off, magics[i].magic, magics[i].n))
            return magics[i].type;
    if (is_ext(h))
        return FS_EXT;
    if (is_raid(h, vol))
        return FS_RAID;
    if (is_swap(h))
        return FS_SWAP;
    if (is_zfs(h))
        return FS_ZFS;
    /* The volume descriptor's type, name and version. */
    if (is_at(h, 32768,
              "\x01"
              "CD001\x01",
              7))
        return FS_ISO9660;
    if (is_fat(h))
        return FS_FAT;
    return all_zero(h) ? FS_EMPTY : FS_UNKNOWN;
}

enum fs_type fs_recognise_head(struct str head)
{
    struct head h = { (const unsigned char *)head.p, head.n };
    return recognise(&h, NULL);
}

enum fs_type fs_recognise(struct source *vol)
{
    unsigned char *p = malloc(HEAD);
    size_t n = 0;
    enum fs_type type = FS_UNKNOWN;
    if (p && !source_read(vol, 0, p, HEAD, &n, NULL))
        type = recognise(&(struct head){ p, n }, vol);
    free(p);
    return type;
}

/* ---- the interface ------------------------------------------------------ */

struct fs *fs_open(struct source *vol, struct err *err)
{
    enum fs_type type = fs_recognise(vol);
    switch (type) {
    case FS_EXT:
        return fs_ext_open(vol, err);
    case FS_XFS:
        return fs_xfs_open(vol, err);
    case FS_FAT:
    case FS_EXFAT:
    case FS_NTFS:
    case FS_ISO9660:
        return fs_tsk_open(vol, type, err);
    default:
        err_set(err, ERR_EVIDENCE, "no file system that can be read: %s",
                fs_type_name(type));
        return NULL;
    }
}

void fs_close(struct fs *fs)
{
    if (!fs)
        return;
    fs->ops->close(fs);
    free(fs);
}

int fs_walk(struct fs *fs, const struct fs_visitor *v, struct err *err)
{
    return fs->ops->walk(fs, v, err);
}

struct source *fs_open_inode(struct fs *fs, uint64_t inode, struct err *err)
{
    return fs->ops->open_inode(fs, inode, err);
}

struct source *fs_open_path(struct fs *fs, struct str path, struct err *err)
{
    uint64_t inode;
    if (fs->ops->find(fs, path, &inode, err))
        return NULL;
    return fs_open_inode(fs, inode, err);
}

/* ---- directories still to be read --------------------------------------- */

static size_t slot_of(const uint64_t *seen, size_t cap, uint64_t inode)
{
    /* Fibonacci hashing; inode numbers are dense, chains stay short. */
    size_t i = (size_t)(inode * UINT64_C(0x9e3779b97f4a7c15) >> 20);
    for (i &= cap - 1; seen[i] && seen[i] != inode + 1; i = (i + 1) & (cap - 1))
        ;
    return i;
}

/* 1 new, 0 known, -1 no memory. */
static int seen_add(struct fs_todo *t, uint64_t inode)
{
    if (t->seen_n * 2 >= t->seen_cap) {
        size_t cap = t->seen_cap ? t->seen_cap * 2 : 1024;
        uint64_t *p = calloc(cap, sizeof *p);
        if (!p)
            return -1;
        for (size_t i = 0; i < t->seen_cap; i++)
            if (t->seen[i])
                p[slot_of(p, cap, t->seen[i] - 1)] = t->seen[i];
        free(t->seen);
        t->seen = p;
        t->seen_cap = cap;
    }
    size_t i = slot_of(t->seen, t->seen_cap, inode);
    if (t->seen[i])
        return 0;
    t->seen[i] = inode + 1;
    t->seen_n++;
    return 1;
}

bool fs_todo_seen(struct fs_todo *t, uint64_t number, bool *fresh)
{
    int is_new = seen_add(t, number);
    *fresh = is_new > 0;
    return is_new >= 0;
}

bool fs_todo_push(struct fs_todo *t, uint64_t inode, struct str parent,
                  struct str name, bool *fresh)
{
    int is_new = seen_add(t, inode);
    *fresh = is_new > 0;
    if (is_new <= 0)
        return is_new == 0;
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        struct fs_pending *p = realloc(t->items, cap * sizeof *p);
        if (!p)
            return false;
        t->items = p;
        t->cap = cap;
    }
    size_t n = name.n ? parent.n + 1 + name.n : parent.n;
    char *path = malloc(n + 1);
    if (!path)
        return false;
    if (parent.n)
        memcpy(path, parent.p, parent.n);
    if (name.n) {
        path[parent.n] = '/';
        memcpy(path + parent.n + 1, name.p, name.n);
    }
    t->items[t->n++] = (struct fs_pending){ inode, path, n };
    return true;
}

bool fs_todo_pop(struct fs_todo *t, struct fs_pending *out)
{
    if (t->n == 0)
        return false;
    *out = t->items[--t->n];
    return true;
}

void fs_todo_free(struct fs_todo *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->items[i].path);
    free(t->items);
    free(t->seen);
    *t = (struct fs_todo){ 0 };
}

/* ---- names of a directory ----------------------------------------------- */

void fs_names_clear(struct fs_names *s)
{
    s->n = 0;
    s->made = false;
}

void fs_names_add(struct fs_names *s, uint64_t hash)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        uint64_t *p = realloc(s->items, cap * sizeof *p);
        if (!p)
            return;
        s->items = p;
        s->cap = cap;
    }
    s->items[s->n++] = hash ? hash : 1;
    s->made = false;
}

/* The slot of a hash, or the free one where it belongs. */
static uint64_t *names_slot(const struct fs_names *s, uint64_t hash)
{
    size_t mask = ((size_t)1 << s->slot_bits) - 1;
    size_t i = (size_t)(hash * s->key >> (64 - s->slot_bits));
    while (s->slots[i] && s->slots[i] != hash)
        i = (i + 1) & mask;
    return &s->slots[i];
}

static bool names_make(struct fs_names *s)
{
    struct hash_key key = { { s->key, 0 } };
    unsigned bits = 4;
    while ((size_t)1 << bits < s->n * 2)
        bits++;
    if (!s->key)
        hash_key_random(&key);
    s->key = key.k[0] | 1;
    free(s->slots);
    s->slots = calloc((size_t)1 << bits, sizeof *s->slots);
    s->slot_bits = bits;
    s->made = s->slots != NULL;
    for (size_t i = 0; s->made && i < s->n; i++)
        *names_slot(s, s->items[i]) = s->items[i];
    return s->made;
}

bool fs_names_has(struct fs_names *s, uint64_t hash)
{
    return s->n && (s->made || names_make(s)) &&
           *names_slot(s, hash ? hash : 1) != 0;
}

void fs_names_free(struct fs_names *s)
{
    free(s->items);
    free(s->slots);
    *s = (struct fs_names){ 0 };
}
