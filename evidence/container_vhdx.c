/*
 * VHDX ([MS-VHDX]: Virtual Hard Disk v2): two copies of the header and of
 * the region table, a table of metadata, and a block table (BAT) whose
 * entries count in MiB. Refused: a parent. A log that was not written back is
 * named and not replayed.
 *
 * All fields are little-endian; GUIDs are compared as stored.
 */
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/varint.h"
#include "evidence/container_kinds.h"

enum {
    KIB64 = 64 << 10,
    HEADER = 4096,
    GUID = 16,
    ENTRIES_MAX = 2047,
    ENTRY = 32,
    PAGE = 64 << 10,
    BLOCK_MIN = 1 << 20,
    BLOCK_MAX = 256 << 20,
};

static const uint64_t SIZE_MAX_SPEC = UINT64_C(64) << 40;

enum block_state {
    NOT_PRESENT = 0,
    UNDEFINED = 1,
    ZERO = 2,
    UNMAPPED = 3,
    FULLY_PRESENT = 6,
};

static const unsigned char guid_bat[GUID] = { 0x66, 0x77, 0xc2, 0x2d,
                                              0x23, 0xf6, 0x00, 0x42,
                                              0x9d, 0x64, 0x11, 0x5e,
                                              0x9b, 0xfd, 0x4a, 0x08 };
static const unsigned char guid_metadata[GUID] = { 0x06, 0xa2, 0x7c, 0x8b,
                                                   0x90, 0x47, 0x9a, 0x4b,
                                                   0xb8, 0xfe, 0x57, 0x5f,
                                                   0x05, 0x0f, 0x88, 0x6e };
static const unsigned char guid_parameters[GUID] = { 0x37, 0x67, 0xa1, 0xca,
                                                     0x36, 0xfa, 0x43, 0x4d,
                                                     0xb3, 0xb6, 0x33, 0xf0,
                                                     0xaa, 0x44, 0xe7, 0x6b };
static const unsigned char guid_size[GUID] = { 0x24, 0x42, 0xa5, 0x2f,
                                               0x1b, 0xcd, 0x76, 0x48,
                                               0xb2, 0x11, 0x5d, 0xbe,
                                               0xd8, 0x3b, 0xf4, 0xb8 };
static const unsigned char guid_sector[GUID] = { 0x1d, 0xbf, 0x41, 0x81,
                                                 0x6f, 0xa9, 0x09, 0x47,
                                                 0xba, 0x47, 0xf2, 0x33,
                                                 0xa8, 0xfa, 0xab, 0x5f };

struct region {
    uint64_t off, len;
};

struct vhdx {
    struct container c;
    uint64_t size;
    uint32_t block, sector;
    uint64_t ratio; /* data entries between two of sector bitmaps */
    struct region bat, metadata;
    uint64_t page_at; /* offset in the BAT, UINT64_MAX = none */
    bool page_good;
    unsigned char page[PAGE];
};

/* CRC-32C, the field at offset 4 taken as zero. */
static bool crc_fits(const unsigned char *p, size_t n)
{
    static const unsigned char zero[4];
    uint32_t crc = crc32c(~0u, p, 4);
    crc = crc32c(crc, zero, sizeof zero);
    return ~crc32c(crc, p + 8, n - 8) == u32le(p + 4);
}

/* ---- the map ------------------------------------------------------------ */

static bool bat_entry(struct source *s, uint64_t i, uint64_t *entry)
{
    struct vhdx *v = s->state;
    uint64_t at = i * 8, page = at / PAGE * PAGE;
    if (at + 8 > v->bat.len)
        return false;
    if (v->page_at != page) {
        uint64_t left = v->bat.len - page;
        v->page_at = page;
        v->page_good = container_meta(s->below, v->bat.off + page, v->page,
                                      left < PAGE ? (size_t)left : PAGE);
    }
    *entry = u64le(v->page + (at - page));
    return v->page_good;
}

static void find(struct source *s, uint64_t off, struct run *r)
{
    const struct vhdx *v = s->state;
    uint64_t i = off / v->block, entry;
    r->len = v->block - off % v->block;
    if (!bat_entry(s, i + i / v->ratio, &entry))
        return;
    uint64_t from = entry >> 20 << 20;
    switch (entry & 7) {
    case NOT_PRESENT:
    case UNDEFINED:
    case ZERO:
    case UNMAPPED:
        r->kind = RUN_ZERO;
        break;
    case FULLY_PRESENT:
        r->kind = from ? RUN_DATA : RUN_LOST;
        r->from = from + off % v->block;
        break;
    default:
        break;
    }
}

static const struct container_map map = { "vhdx", find, NULL, NULL };

/* ---- opening ------------------------------------------------------------ */

/* The valid header with the higher sequence number. */
static int header(struct vhdx *v, struct source *s, struct err *err)
{
    static const unsigned char none[GUID];
    unsigned char h[HEADER];
    uint64_t best = 0;
    bool found = false, log = false;
    for (uint64_t i = 1; i <= 2; i++) {
        if (!container_meta(s, i * KIB64, h, sizeof h) ||
            memcmp(h, "head", 4) != 0 || !crc_fits(h, sizeof h)) {
            container_issue(&v->c.info, false, "vhdx-header",
                            "header %d is damaged", (int)i);
            continue;
        }
        if (found && u64le(h + 8) <= best)
            continue;
        found = true;
        best = u64le(h + 8);
        log = memcmp(h + 48, none, GUID) != 0;
    }
    if (!found)
        return err_set(err, ERR_EVIDENCE, "VHDX: both headers are damaged");
    if (log)
        container_issue(&v->c.info, true, "vhdx-log",
                        "the image was not closed; the last changes are in "
                        "its log, which is not replayed by this version");
    return 0;
}

/* Two copies at 192 and 256 KiB. */
static int regions(struct vhdx *v, struct source *s, struct err *err)
{
    unsigned char *t = malloc(KIB64);
    if (!t)
        return err_set(err, ERR_INTERNAL, "out of memory");
    bool good = false;
    for (uint64_t i = 3; i <= 4 && !good; i++)
        good = container_meta(s, i * KIB64, t, KIB64) &&
               memcmp(t, "regi", 4) == 0 && crc_fits(t, KIB64) &&
               u32le(t + 8) <= ENTRIES_MAX;
    for (uint32_t i = 0; good && i < u32le(t + 8); i++) {
        const unsigned char *e = t + 16 + (size_t)i * ENTRY;
        struct region r = { u64le(e + 16), u32le(e + 24) };
        if (memcmp(e, guid_bat, GUID) == 0)
            v->bat = r;
        else if (memcmp(e, guid_metadata, GUID) == 0)
            v->metadata = r;
    }
    free(t);
    return v->bat.len && v->metadata.len
               ? 0
               : err_set(err, ERR_EVIDENCE,
                         "VHDX: both region tables are damaged");
}

static int parameters(struct vhdx *v, const unsigned char p[8], struct err *err)
{
    v->block = u32le(p);
    if (u32le(p + 4) & 2)
        return err_set(err, ERR_EVIDENCE,
                       "VHDX differencing disk over a parent, which is not "
                       "read: merge them first");
    return 0;
}

static int metadata(struct vhdx *v, struct source *s, struct err *err)
{
    unsigned char *t = malloc(KIB64);
    if (!t)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int code = 0;
    uint64_t at = v->metadata.off;
    bool good = container_meta(s, at, t, KIB64) &&
                memcmp(t, "metadata", 8) == 0 && u16le(t + 10) <= ENTRIES_MAX;
    for (uint32_t i = 0; good && code == 0 && i < u16le(t + 10); i++) {
        const unsigned char *e = t + ENTRY + (size_t)i * ENTRY;
        unsigned char item[8] = { 0 };
        size_t n = u32le(e + 20) < 8 ? u32le(e + 20) : 8;
        if (!container_meta(s, at + u32le(e + 16), item, n))
            continue;
        if (memcmp(e, guid_parameters, GUID) == 0)
            code = parameters(v, item, err);
        else if (memcmp(e, guid_size, GUID) == 0)
            v->size = u64le(item);
        else if (memcmp(e, guid_sector, GUID) == 0)
            v->sector = u32le(item);
    }
    free(t);
    if (code)
        return code;
    good = good && v->block >= BLOCK_MIN && v->block <= BLOCK_MAX &&
           (v->block & (v->block - 1)) == 0 && v->size <= SIZE_MAX_SPEC &&
           (v->sector == 512 || v->sector == 4096);
    if (!good)
        return err_set(err, ERR_EVIDENCE, "VHDX: its metadata are damaged");
    v->ratio = (UINT64_C(1) << 23) * v->sector / v->block;
    return 0;
}

struct source *vhdx_open(struct source *s, struct err *err)
{
    struct vhdx *v = calloc(1, sizeof *v);
    if (!v) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    v->c.map = &map;
    v->page_at = UINT64_MAX;
    if (header(v, s, err) || regions(v, s, err) || metadata(v, s, err)) {
        container_free(&v->c);
        return NULL;
    }
    container_value(&v->c.info, "container",
                    "VHDX, blocks of %u bytes, sectors of %u", v->block,
                    v->sector);
    return container_make(&v->c, v->size, s, err);
}
