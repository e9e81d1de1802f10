/*
 * ext2/3/4: what is deleted and not gone: inodes that were deleted while
 * still open (the chain from the superblock, the orphan file), and whether
 * blocks of a deleted file are in use by another one.
 *
 * Sources: kernel, Documentation/filesystems/ext4/orphan.rst: each block of
 * the orphan file is an array of inode numbers (u32, 0 = none), and at its end
 * a magic (u32) and a checksum (u32) of the file's inode number and
 * generation, the block's number (u64) and the array. Bitmaps of blocks:
 * bitmaps.rst, group_descr.rst.
 */
#include "evidence/fs_ext.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"

enum {
    TAIL = 8,
    TAIL_MAGIC = 0x0b10ca04,
    BLOCK_UNINIT = 2,
};

/* ---- deleted while open ------------------------------------------------- */

static bool open_add(struct ext *x, struct ext_open *o, uint64_t ino)
{
    if (ino == 0 || ino > x->inodes || ext_open_has(o, ino))
        return false;
    o->bits[ino / 8] |= (unsigned char)(1u << ino % 8);
    return true;
}

bool ext_open_has(const struct ext_open *o, uint64_t ino)
{
    return o->bits && o->bits[ino / 8] >> ino % 8 & 1;
}

/* The next one stands in place of the time of deletion. Files that are being
 * shortened are on the list too: they have links. */
static void open_chain(struct ext *x, struct ext_open *o, struct ext_inode *in)
{
    uint64_t ino = x->last_orphan;
    while (ino) {
        if (!ext_inode_load(x, ino, in) || !open_add(x, o, ino)) {
            o->wrong = "the list of files deleted while open is damaged";
            return;
        }
        ino = in->dtime;
    }
}

static bool tail_ok(const struct ext *x, const struct ext_inode *file,
                    uint64_t no, const unsigned char *p, size_t n)
{
    unsigned char b[8];
    if (u32le(p + n) != TAIL_MAGIC)
        return false;
    if (!(x->ro & EXT_RO_METADATA_CSUM))
        return true;
    put_u32le(b, (uint32_t)file->ino);
    put_u32le(b + 4, file->generation);
    uint32_t crc = crc32c(x->seed, b, 8);
    put_u64le(b, no);
    crc = crc32c(crc, b, 8);
    return crc32c(crc, p, n) == u32le(p + n + 4);
}

static void open_block(struct ext *x, struct ext_open *o,
                       const struct ext_inode *file, uint64_t no,
                       unsigned char *p)
{
    size_t n = x->block - TAIL;
    if (!ext_read(x, no * x->block, p, x->block) ||
        source_gap_in(x->vol, no * x->block, x->block) ||
        !tail_ok(x, file, no, p, n))
        o->wrong = "a block of the orphan file is damaged";
    else
        for (size_t i = 0; i + 4 <= n; i += 4)
            (void)open_add(x, o, u32le(p + i));
}

static void open_file(struct ext *x, struct ext_open *o)
{
    struct ext_inode *file = malloc(sizeof *file);
    unsigned char *p = malloc(x->block);
    struct ext_map map = { 0 };
    if (!file || !p || !ext_inode_load(x, x->orphan_file, file)) {
        o->wrong = "the orphan file cannot be read";
    } else {
        ext_map_load(x, file, &map);
        if (map.wrong)
            o->wrong = "the orphan file is damaged";
        for (size_t i = 0; i < map.n; i++)
            for (uint64_t k = 0;
                 map.runs[i].kind == FS_RUN_DATA && k < map.runs[i].n; k++)
                open_block(x, o, file, map.runs[i].physical + k, p);
    }
    ext_map_free(&map);
    free(file);
    free(p);
}

bool ext_open_load(struct ext *x, struct ext_open *o)
{
    struct ext_inode *in = malloc(sizeof *in);
    o->bits = calloc(1, (size_t)x->inodes / 8 + 1);
    bool ok = in && o->bits;
    if (ok)
        open_chain(x, o, in);
    if (ok && x->compat & EXT_COMPAT_ORPHAN_FILE)
        open_file(x, o);
    free(in);
    return ok;
}

bool ext_inode_used(struct ext *x, uint64_t ino)
{
    unsigned char p[64] = { 0 }, bits;
    bool wide = x->desc_size >= 64;
    uint64_t group = (ino - 1) / x->per_group, bit = (ino - 1) % x->per_group;
    if (ino == 0 || group >= x->groups ||
        !ext_read(x, ext_desc_at(x, (uint32_t)group), p, wide ? 64 : 32))
        return false;
    uint64_t map = u32le(p + 4) | (wide ? (uint64_t)u32le(p + 0x24) << 32 : 0);
    return map < x->blocks && ext_read(x, map * x->block + bit / 8, &bits, 1) &&
           bits >> bit % 8 & 1;
}

/* ---- blocks in use ------------------------------------------------------ */

/* Is the block free? One that cannot be looked up is taken as in use. */
static bool block_free(struct ext *x, uint64_t block)
{
    unsigned char p[64] = { 0 }, bits;
    if (block < x->first_data)
        return false;
    uint64_t group = (block - x->first_data) / x->group_blocks;
    uint64_t bit = (block - x->first_data) % x->group_blocks / x->cluster;
    bool wide = x->desc_size >= 64;
    if (group >= x->groups ||
        !ext_read(x, ext_desc_at(x, (uint32_t)group), p, wide ? 64 : 32))
        return false;
    if ((x->ro & (EXT_RO_GDT_CSUM | EXT_RO_METADATA_CSUM)) &&
        u16le(p + 0x12) & BLOCK_UNINIT)
        return true;
    uint64_t map = u32le(p) | (wide ? (uint64_t)u32le(p + 0x20) << 32 : 0);
    return map < x->blocks && bit / 8 < x->block &&
           ext_read(x, map * x->block + bit / 8, &bits, 1) &&
           !(bits >> bit % 8 & 1);
}

uint64_t ext_free_bytes(struct ext *x, const struct ext_map *map, uint64_t size,
                        uint64_t *budget)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < map->n && !map->is_inline; i++) {
        const struct fs_run *r = &map->runs[i];
        for (uint64_t k = 0; r->kind == FS_RUN_DATA && k < r->n; k++) {
            uint64_t off = (r->logical + k) * x->block;
            if (*budget == 0 || off >= size)
                return sum;
            --*budget;
            if (block_free(x, r->physical + k))
                sum += size - off < x->block ? size - off : x->block;
        }
    }
    return sum;
}
