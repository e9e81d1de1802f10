/* A hosted sparse extent; see the header and container_vmdk.c. */
#include <stdlib.h>

#include "base/varint.h"
#include "evidence/container_vmdk.h"

enum {
    SECTOR = 512,
    GRAIN_MIN = 4096,
    GRAIN_MAX = 16 << 20,
    DIRECTORY_MAX = 1 << 24, /* entries: 512 TiB of usual grains */
    FOUND_MAX = 1 << 26,
    ZERO_GRAIN = 1, /* entry: reads as zeros */
};

static const uint64_t AT_END = UINT64_MAX; /* directory: see the footer */

enum flag { WITH_SPARE = 2, ZERO_ENTRIES = 4, PACKED = 1 << 16 };

enum marker {
    MARK_END = 0,
    MARK_TABLE = 1,
    MARK_DIRECTORY = 2,
    MARK_FOOTER = 3
};

void vmdk_sparse_free(struct vmdk_sparse *sp)
{
    if (!sp)
        return;
    for (size_t i = 0; i < VMDK_TABLES; i++)
        free(sp->cache[i].entries);
    free(sp->tables_at);
    free(sp->spare_at);
    free(sp->found);
    free(sp);
}

/* ---- finding ------------------------------------------------------------ */

static const unsigned char *load_table(struct vmdk_sparse *sp, uint64_t at)
{
    struct vmdk_table *t = &sp->cache[at % VMDK_TABLES];
    size_t n = (size_t)sp->per_table * 4;
    if (at == 0)
        return NULL;
    if (t->at != at) {
        t->at = 0;
        if (!t->entries)
            t->entries = malloc(n);
        if (!t->entries)
            return NULL;
        t->good = container_meta(sp->file, at * SECTOR, t->entries, n);
        t->at = at;
    }
    return t->good ? t->entries : NULL;
}

/* The table of grains number i of the directory, or of its copy. */
static const unsigned char *table_of(struct vmdk_sparse *sp, uint64_t i,
                                     bool *none)
{
    uint64_t at = i < sp->n_tables ? u32le(sp->tables_at + i * 4) : 0;
    uint64_t spare = i < sp->n_spare ? u32le(sp->spare_at + i * 4) : 0;
    *none = i < sp->n_tables && at == 0 && spare == 0;
    const unsigned char *t = load_table(sp, at);
    return t ? t : load_table(sp, spare);
}

static void found_grain(const struct vmdk_sparse *sp, uint64_t i, struct run *r)
{
    if (i < sp->n_found && sp->found[i]) {
        r->kind = RUN_PACKED;
        r->from = (uint64_t)sp->found[i] * SECTOR;
    } else {
        /* Behind the last one that came, nobody knows. */
        r->kind = i < sp->last ? RUN_ZERO : RUN_ABSENT;
    }
}

void vmdk_sparse_find(struct vmdk_sparse *sp, uint64_t off, struct run *r)
{
    uint64_t i = off / sp->grain, in = off % sp->grain;
    uint64_t table = i / sp->per_table;
    bool none = false;
    r->file = sp->file;
    r->packed = (size_t)(sp->grain + sp->grain / 8 + 2 * SECTOR);
    r->len = sp->grain - in;
    r->in = in;
    if (off / SECTOR >= sp->capacity) {
        r->kind = RUN_ABSENT;
        r->len = UINT64_MAX - off;
        return;
    }
    if (sp->found) {
        found_grain(sp, i, r);
        return;
    }
    const unsigned char *t = table_of(sp, table, &none);
    if (!t) {
        r->len = ((table + 1) * sp->per_table - i) * sp->grain - in;
        if (none)
            r->kind = RUN_ZERO;
        return;
    }
    uint32_t entry = u32le(t + i % sp->per_table * 4);
    if (entry == 0 || (entry == ZERO_GRAIN && sp->zero_entries))
        r->kind = RUN_ZERO;
    else if ((uint64_t)entry * SECTOR >= sp->file->size)
        r->kind = RUN_ABSENT;
    else
        r->kind = sp->packed ? RUN_PACKED : RUN_DATA;
    r->from = (uint64_t)entry * SECTOR + (sp->packed ? 0 : in);
}

/* ---- a stream without its end ------------------------------------------- */

/* Its directory comes last. Grains carry their own place, so that what is
 * there can be read. False: out of memory. */
static bool scan_stream(struct vmdk_sparse *sp, uint64_t sector)
{
    uint64_t per = sp->grain / SECTOR;
    sp->n_found = sp->capacity / per + (sp->capacity % per != 0);
    if (sp->n_found > FOUND_MAX)
        return false;
    sp->found = calloc(sp->n_found ? (size_t)sp->n_found : 1, sizeof(uint32_t));
    while (sp->found && sector < UINT32_MAX) {
        unsigned char m[16];
        if (!container_meta(sp->file, sector * SECTOR, m, sizeof m))
            break;
        uint64_t value = u64le(m);
        uint32_t size = u32le(m + 8);
        if (size == 0) { /* value: sectors of what follows this one */
            if (u32le(m + 12) == MARK_END || value >= UINT32_MAX)
                break;
            sector += 1 + value;
            continue;
        }
        if (value % per || value / per >= sp->n_found)
            break;
        uint64_t all = (uint64_t)VMDK_MARKER + size;
        if (sector * SECTOR + all > sp->file->size)
            break; /* cut inside this one */
        sp->found[value / per] = (uint32_t)sector;
        if (value / per >= sp->last)
            sp->last = value / per + 1;
        sector += all / SECTOR + (all % SECTOR != 0);
    }
    return sp->found != NULL;
}

/* ---- opening ------------------------------------------------------------ */

static int header_take(struct vmdk_sparse *sp, const unsigned char *h,
                       struct err *err)
{
    uint32_t flags = u32le(h + 8);
    uint64_t grain = u64le(h + 20);
    sp->capacity = u64le(h + 12);
    sp->per_table = u32le(h + 44);
    sp->descriptor = u64le(h + 28);
    sp->descriptor_n = u64le(h + 36);
    sp->spare = flags & WITH_SPARE ? u64le(h + 48) : 0;
    sp->directory = u64le(h + 56);
    sp->packed = flags & PACKED;
    sp->zero_entries = flags & ZERO_ENTRIES;
    if (grain > GRAIN_MAX / SECTOR || grain < GRAIN_MIN / SECTOR ||
        (grain & (grain - 1)) || sp->per_table == 0 ||
        sp->per_table > VMDK_ENTRIES_MAX || sp->capacity > INT64_MAX / SECTOR ||
        sp->descriptor > INT64_MAX / SECTOR)
        return err_set(err, ERR_EVIDENCE, "VMDK: the header is damaged");
    if (u32le(h + 4) > 3)
        return err_set(err, ERR_EVIDENCE, "VMDK of version %u is not read",
                       u32le(h + 4));
    if (sp->packed && u16le(h + 77) != 1)
        return err_set(err, ERR_EVIDENCE,
                       "VMDK with packing of kind %u is not read",
                       u16le(h + 77));
    sp->grain = grain * SECTOR;
    return 0;
}

/* A directory's entries; as many as can be read. */
static bool directory_load(struct vmdk_sparse *sp, uint64_t at, uint64_t n,
                           unsigned char **out, uint64_t *have)
{
    *have = 0;
    *out = calloc(n ? (size_t)n : 1, 4);
    if (!*out || at == 0 || at > INT64_MAX / SECTOR)
        return *out != NULL;
    while (*have < n) {
        uint64_t step = n - *have < 128 ? n - *have : 128;
        if (!container_meta(sp->file, at * SECTOR + *have * 4, *out + *have * 4,
                            (size_t)step * 4))
            break;
        *have += step;
    }
    return true;
}

static int directories(struct vmdk_sparse *sp, struct container *c,
                       struct err *err)
{
    uint64_t span = sp->grain / SECTOR * sp->per_table;
    uint64_t n = sp->capacity / span + (sp->capacity % span != 0);
    if (n > DIRECTORY_MAX)
        return err_set(err, ERR_EVIDENCE, "VMDK: its directory is too large");
    if (!directory_load(sp, sp->directory, n, &sp->tables_at, &sp->n_tables) ||
        !directory_load(sp, sp->spare, n, &sp->spare_at, &sp->n_spare))
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (sp->n_tables < n)
        container_issue(&c->info, true, "vmdk-directory",
                        "the directory of grains is cut or cannot be read");
    return 0;
}

/* The header with the directory's place is in the last sectors but one. */
static bool footer(struct vmdk_sparse *sp)
{
    unsigned char h[SECTOR];
    uint64_t size = sp->file->size;
    struct vmdk_sparse at_end = { .file = sp->file };
    if (size < 3 * SECTOR ||
        !container_meta(sp->file, size - 2 * SECTOR, h, sizeof h) ||
        memcmp(h, "KDMV", 4) != 0 || header_take(&at_end, h, NULL) ||
        at_end.directory == AT_END || at_end.grain != sp->grain ||
        at_end.capacity != sp->capacity || at_end.per_table != sp->per_table)
        return false;
    sp->directory = at_end.directory;
    sp->spare = at_end.spare;
    return true;
}

static int load(struct vmdk_sparse *sp, struct container *c, struct err *err)
{
    unsigned char h[SECTOR];
    if (!container_meta(sp->file, 0, h, sizeof h) || memcmp(h, "KDMV", 4) != 0)
        return err_set(err, ERR_EVIDENCE, "no sparse extent of a VMDK");
    int code = header_take(sp, h, err);
    if (code)
        return code;
    if (c->unit && c->unit != sp->grain)
        return err_set(err, ERR_EVIDENCE, "VMDK: extents of different grains");
    c->unit = sp->grain;
    if (sp->directory != AT_END || footer(sp))
        return directories(sp, c, err);
    container_issue(&c->info, true, "vmdk-cut",
                    "the stream has no end: grains are taken as far as they "
                    "come, the rest is not in the evidence");
    return scan_stream(sp, u64le(h + 64))
               ? 0
               : err_set(err, ERR_INTERNAL, "out of memory");
}

struct vmdk_sparse *vmdk_sparse_open(struct source *file, struct container *c,
                                     struct err *err)
{
    struct vmdk_sparse *sp = calloc(1, sizeof *sp);
    if (!sp) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    sp->file = file;
    if (load(sp, c, err) == 0)
        return sp;
    vmdk_sparse_free(sp);
    return NULL;
}
