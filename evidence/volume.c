/*
 * GPT: UEFI specification 2.10 chapter 5. The primary header is at sector 1,
 * its backup at the last one; a grown cloud volume has it where the volume
 * ended before. MBR: 4 entries at 446; an extended partition (type 5, 0xf,
 * 0x85) holds a chain of tables, each with one logical partition and the
 * offset of the next.
 */
#include "evidence/volume.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/varint.h"

enum {
    MBR_SIZE = 512,
    MBR_ENTRIES = 446,
    GPT_HEADER = 92,
    CHAIN_MAX = 256,
    /* entries as the specification allows, and then some */
    GPT_ENTRY_MIN = 128,
    GPT_ENTRY_MAX = 4096,
};

__attribute__((format(printf, 5, 6))) static void
issue(struct volume_table *t, const char *code, uint64_t off, uint64_t len,
      const char *fmt, ...)
{
    va_list ap;
    if (t->n_issues == VOLUME_ISSUES_MAX)
        return;
    struct volume_issue *is = &t->issues[t->n_issues++];
    *is = (struct volume_issue){ .code = code, .off = off, .len = len };
    va_start(ap, fmt);
    vsnprintf(is->text, sizeof is->text, fmt, ap);
    va_end(ap);
}

static bool read_exact(struct source *s, uint64_t off, void *buf, size_t n)
{
    size_t got;
    return !source_read(s, off, buf, n, &got, NULL) && got == n;
}

/* ---- volumes ------------------------------------------------------------ */

static struct volume *volume_add(struct volume_table *t, uint32_t number)
{
    if (t->n == VOLUMES_MAX)
        return NULL;
    if (!t->volumes)
        t->volumes = calloc(VOLUMES_MAX, sizeof *t->volumes);
    if (!t->volumes)
        return NULL;
    struct volume *v = &t->volumes[t->n++];
    v->number = number;
    return v;
}

/* Set the place from sectors [first, first+count), clipped to the medium. */
static void volume_place(struct volume_table *t, struct volume *v,
                         uint64_t first, uint64_t count, uint64_t media)
{
    uint64_t off, len, end;
    if (__builtin_mul_overflow(first, (uint64_t)t->sector, &off) ||
        __builtin_mul_overflow(count, (uint64_t)t->sector, &len) ||
        __builtin_add_overflow(off, len, &end)) {
        v->off = v->len = 0;
        v->stated = UINT64_MAX;
        v->flags |= VOLUME_BEYOND;
        issue(t, "volume-beyond", 0, 0,
              "partition %u lies outside of any medium", v->number);
        return;
    }
    v->off = off;
    v->stated = v->len = len;
    if (end <= media)
        return;
    v->flags |= VOLUME_BEYOND;
    v->len = off < media ? media - off : 0;
    issue(t, "volume-beyond", off, v->len,
          "partition %u ends %llu bytes behind the end of the medium",
          v->number, (unsigned long long)(end - media));
}

static int by_number(const void *a, const void *b)
{
    const struct volume *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static bool overlap(const struct volume *a, const struct volume *b)
{
    return a->len && b->len && a->off < b->off + b->len &&
           b->off < a->off + a->len;
}

static void find_overlaps(struct volume_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        for (size_t j = i + 1; j < t->n; j++) {
            struct volume *a = &t->volumes[i], *b = &t->volumes[j];
            if (!overlap(a, b))
                continue;
            a->flags |= VOLUME_OVERLAPS;
            b->flags |= VOLUME_OVERLAPS;
            issue(t, "volume-overlap", b->off, b->len,
                  "partitions %u and %u overlap", a->number, b->number);
        }
}

/* ---- GPT ---------------------------------------------------------------- */

struct gpt {
    uint64_t at; /* offset of the header */
    bool there, header_ok, entries_ok;
    uint64_t my_lba, alternate, entries;
    uint32_t count, size, crc;
    unsigned char guid[16];
};

static bool gpt_header(struct source *media, uint64_t at, uint32_t sector,
                       struct gpt *g)
{
    unsigned char h[4096];
    *g = (struct gpt){ .at = at };
    if (at % sector || !read_exact(media, at, h, GPT_HEADER) ||
        memcmp(h, "EFI PART", 8) != 0)
        return false;
    uint32_t size = u32le(h + 12), crc = u32le(h + 16);
    g->there = true;
    g->my_lba = u64le(h + 24);
    g->alternate = u64le(h + 32);
    memcpy(g->guid, h + 56, 16);
    g->entries = u64le(h + 72);
    g->count = u32le(h + 80);
    g->size = u32le(h + 84);
    g->crc = u32le(h + 88);
    if (size < GPT_HEADER || size > sector || !read_exact(media, at, h, size))
        return true;
    memset(h + 16, 0, 4);
    g->header_ok = crc32(0, h, size) == crc && g->my_lba == at / sector;
    return true;
}

/* Limits that hold for any count and size that evidence may state. */
static void gpt_limit(struct volume_table *t, struct gpt *g)
{
    if (g->size < GPT_ENTRY_MIN || g->size > GPT_ENTRY_MAX || g->size % 8) {
        issue(t, "gpt-entries", g->at, GPT_HEADER,
              "GPT states entries of %u bytes; 128 are assumed", g->size);
        g->size = GPT_ENTRY_MIN;
    }
    if (g->count > VOLUMES_MAX) {
        issue(t, "gpt-entries", g->at, GPT_HEADER,
              "GPT states %u entries; the first %d are read", g->count,
              VOLUMES_MAX);
        g->count = VOLUMES_MAX;
    }
}

/* The bytes of the entry array, or NULL; entries_ok tells the checksum. */
static unsigned char *gpt_entries(struct source *media, struct volume_table *t,
                                  struct gpt *g)
{
    uint64_t at;
    gpt_limit(t, g);
    size_t n = (size_t)g->count * g->size;
    unsigned char *p = calloc(1, n ? n : 1);
    if (!p || __builtin_mul_overflow(g->entries, (uint64_t)t->sector, &at) ||
        !read_exact(media, at, p, n)) {
        free(p);
        return NULL;
    }
    g->entries_ok = crc32_z(0, p, n) == g->crc;
    return p;
}

/* UTF-16LE name to UTF-8 bytes; what is no character becomes three bytes. */
static void gpt_name(struct volume *v, const unsigned char *p)
{
    for (size_t i = 0; i < 72 && v->name_n + 3 < sizeof v->name; i += 2) {
        unsigned c = u16le(p + i);
        if (c == 0)
            break;
        if (c < 0x80) {
            v->name[v->name_n++] = (char)c;
            continue;
        }
        if (c < 0x800) {
            v->name[v->name_n++] = (char)(0xc0 | c >> 6);
        } else {
            v->name[v->name_n++] = (char)(0xe0 | c >> 12);
            v->name[v->name_n++] = (char)(0x80 | (c >> 6 & 63));
        }
        v->name[v->name_n++] = (char)(0x80 | (c & 63));
    }
}

static void gpt_volume(struct volume_table *t, const struct gpt *g,
                       const unsigned char *all, uint32_t i, uint64_t media)
{
    const unsigned char *p = all + (size_t)i * g->size;
    uint32_t number = i + 1;
    static const unsigned char unused[16];
    if (memcmp(p, unused, 16) == 0)
        return;
    struct volume *v = volume_add(t, number);
    if (!v)
        return;
    uint64_t first = u64le(p + 32), last = u64le(p + 40);
    memcpy(v->type, p, 16);
    memcpy(v->guid, p + 16, 16);
    gpt_name(v, p + 56);
    v->entry = g->entries * t->sector + (uint64_t)i * g->size;
    v->entry_n = g->size;
    if (!g->header_ok || !g->entries_ok)
        v->flags |= VOLUME_UNVERIFIED;
    if (first > last) {
        v->flags |= VOLUME_REVERSED;
        issue(t, "volume-reversed", 0, 0, "partition %u ends before it starts",
              number);
        return;
    }
    uint64_t count = last - first == UINT64_MAX ? last : last - first + 1;
    volume_place(t, v, first, count, media);
}

/* Read the entries that header g describes. False when they cannot be had or
 * their checksum is wrong and `forced` is not set. */
static bool gpt_take(struct source *media, struct volume_table *t,
                     struct gpt *g, bool forced)
{
    unsigned char *p = gpt_entries(media, t, g);
    if (!p || (!g->entries_ok && !forced)) {
        free(p);
        return false;
    }
    t->kind = VOLUMES_GPT;
    t->header = g->at;
    memcpy(t->disk_guid, g->guid, 16);
    for (uint32_t i = 0; i < g->count; i++)
        gpt_volume(t, g, p, i, media->size);
    free(p);
    return true;
}

/* Last sector of the entry 0xEE in sector 0; 0 when there is none. */
static uint64_t protective_end(struct source *media)
{
    unsigned char m[MBR_SIZE];
    if (!read_exact(media, 0, m, sizeof m) || m[510] != 0x55 || m[511] != 0xaa)
        return 0;
    for (size_t i = 0; i < 4; i++) {
        const unsigned char *p = m + MBR_ENTRIES + 16 * i;
        if (p[4] == 0xee && u32le(p + 12) != 0)
            return (uint64_t)u32le(p + 8) + u32le(p + 12) - 1;
    }
    return 0;
}

/* The backup header: where the primary says, else at the end, or where the
 * end was. */
static void gpt_find_backup(struct source *media, struct volume_table *t,
                            const struct gpt *first, struct gpt *backup)
{
    uint64_t at;
    *backup = (struct gpt){ 0 };
    if (first->there && first->header_ok &&
        !__builtin_mul_overflow(first->alternate, (uint64_t)t->sector, &at) &&
        gpt_header(media, at, t->sector, backup))
        return;
    if (media->size >= t->sector &&
        gpt_header(media, media->size / t->sector * t->sector - t->sector,
                   t->sector, backup))
        return;
    /* A volume that has grown: its end was where the protective entry of the
     * MBR ends. */
    at = protective_end(media);
    if (at && !__builtin_mul_overflow(at, (uint64_t)t->sector, &at))
        gpt_header(media, at, t->sector, backup);
}

static bool gpt_read(struct source *media, struct volume_table *t)
{
    static const uint32_t sectors[] = { 512, 4096 };
    struct gpt first = { 0 }, backup = { 0 };
    for (size_t i = 0; i < 2 && !first.there && !backup.there; i++) {
        t->sector = sectors[i];
        gpt_header(media, t->sector, t->sector, &first);
        gpt_find_backup(media, t, &first, &backup);
    }
    if (!first.there && !backup.there)
        return false;
    if (!first.header_ok)
        issue(t, "gpt-header", t->sector, GPT_HEADER,
              "the primary GPT header is %s",
              first.there ? "damaged (checksum)" : "missing");
    if (!backup.header_ok)
        issue(t, "gpt-backup", backup.at, GPT_HEADER,
              "the backup GPT header is %s",
              backup.there ? "damaged (checksum)" : "not where it should be");
    else if (backup.at / t->sector + 1 < media->size / t->sector)
        issue(t, "gpt-grown", backup.at, GPT_HEADER,
              "the medium is larger than its partition table knows");
    if (first.header_ok && gpt_take(media, t, &first, false))
        return true;
    if (first.header_ok)
        issue(t, "gpt-entries", 0, 0,
              "the primary GPT entries are damaged (checksum)");
    if (backup.header_ok && gpt_take(media, t, &backup, false)) {
        issue(t, "gpt-used-backup", backup.at, GPT_HEADER,
              "the backup GPT is used");
        return true;
    }
    issue(t, "gpt-unverified", 0, 0,
          "both copies of the GPT are damaged: partitions are unverified");
    return gpt_take(media, t, first.there ? &first : &backup, true) ||
           (backup.there && gpt_take(media, t, &backup, true));
}

/* ---- MBR ---------------------------------------------------------------- */

static bool is_extended(unsigned type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

/* A boot sector of a file system ends in 55 AA too: a table has only entries
 * with a boot flag of 0 or 0x80, and at least one in use. */
static bool mbr_plausible(const unsigned char m[MBR_SIZE])
{
    bool used = false;
    if (m[510] != 0x55 || m[511] != 0xaa)
        return false;
    for (size_t i = 0; i < 4; i++) {
        const unsigned char *p = m + MBR_ENTRIES + 16 * i;
        if (p[0] & 0x7f)
            return false;
        used |= p[4] != 0 && u32le(p + 12) != 0;
    }
    return used;
}

static void mbr_volume(struct volume_table *t, const unsigned char *p,
                       uint32_t number, uint64_t base, uint64_t media,
                       uint32_t flags)
{
    struct volume *v = volume_add(t, number);
    if (!v)
        return;
    v->mbr_type = p[4];
    v->flags = flags;
    volume_place(t, v, base + u32le(p + 8), u32le(p + 12), media);
}

/* The chain of an extended partition: each table once. */
static void mbr_chain(struct source *media, struct volume_table *t,
                      uint64_t extended, uint32_t *number)
{
    uint64_t seen[CHAIN_MAX], at = extended;
    unsigned char m[MBR_SIZE];
    for (size_t n = 0; n < CHAIN_MAX; n++) {
        for (size_t i = 0; i < n; i++)
            if (seen[i] == at) {
                issue(t, "mbr-loop", at * t->sector, MBR_SIZE,
                      "the chain of logical partitions is a loop");
                return;
            }
        seen[n] = at;
        if (!read_exact(media, at * t->sector, m, sizeof m) || m[510] != 0x55 ||
            m[511] != 0xaa) {
            issue(t, "mbr-chain", at * t->sector, MBR_SIZE,
                  "a table of logical partitions is %s",
                  at * t->sector < media->size ? "damaged"
                                               : "behind the medium");
            return;
        }
        const unsigned char *p = m + MBR_ENTRIES;
        if (p[4] && u32le(p + 12))
            mbr_volume(t, p, (*number)++, at, media->size, VOLUME_LOGICAL);
        if (!is_extended(p[16 + 4]))
            return;
        at = extended + u32le(p + 16 + 8);
    }
    issue(t, "mbr-chain", at * t->sector, MBR_SIZE,
          "more than %d logical partitions", CHAIN_MAX);
}

static bool mbr_read(struct source *media, struct volume_table *t)
{
    unsigned char m[MBR_SIZE];
    uint32_t logical = 5;
    if (!read_exact(media, 0, m, sizeof m) || !mbr_plausible(m))
        return false;
    t->kind = VOLUMES_MBR;
    t->sector = 512;
    t->disk_signature = u32le(m + 440);
    for (uint32_t i = 0; i < 4; i++) {
        const unsigned char *p = m + MBR_ENTRIES + 16 * i;
        if (p[4] == 0 || u32le(p + 12) == 0)
            continue;
        if (is_extended(p[4]))
            mbr_chain(media, t, u32le(p + 8), &logical);
        else
            mbr_volume(t, p, i + 1, 0, media->size, 0);
    }
    return true;
}

/* ---- all ---------------------------------------------------------------- */

int volumes_read(struct source *media, struct volume_table *t, struct err *err)
{
    unsigned char probe;
    size_t got;
    *t = (struct volume_table){ .sector = 512 };
    int code = source_read(media, 0, &probe, 1, &got, err);
    if (code)
        return code;
    bool protective = protective_end(media) != 0;
    if (!gpt_read(media, t) && !protective) {
        t->n_issues = 0;
        t->sector = 512;
        mbr_read(media, t);
    } else if (t->kind == VOLUMES_NONE) {
        issue(t, "gpt-header", 0, 0, "the disk has a GPT that is lost");
    }
    if (t->n)
        qsort(t->volumes, t->n, sizeof *t->volumes, by_number);
    find_overlaps(t);
    return 0;
}

enum volume_table_kind volumes_recognise(struct str head)
{
    struct str gpt = STR("EFI PART");
    if (str_eq(str_sub(head, 512, 8), gpt) ||
        str_eq(str_sub(head, 4096, 8), gpt))
        return VOLUMES_GPT;
    if (head.n >= MBR_SIZE && mbr_plausible((const unsigned char *)head.p))
        return VOLUMES_MBR;
    return VOLUMES_NONE;
}

void volumes_free(struct volume_table *t)
{
    free(t->volumes);
    t->volumes = NULL;
    t->n = 0;
}

struct source *volume_open(struct source *media, uint32_t number,
                           struct err *err)
{
    struct volume_table t;
    struct source *s = NULL;
    char layer[16];
    if (volumes_read(media, &t, err))
        return NULL;
    snprintf(layer, sizeof layer, "p%u", number);
    for (size_t i = 0; i < t.n && !s; i++)
        if (t.volumes[i].number == number)
            s = source_open_slice(media, t.volumes[i].off, t.volumes[i].len,
                                  layer, err);
    if (!s && !(err && err->code))
        err_set(err, ERR_EVIDENCE, "there is no partition %u", number);
    volumes_free(&t);
    return s;
}

void guid_format(char out[37], const unsigned char g[16])
{
    snprintf(out, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             u32le(g), u16le(g + 4), u16le(g + 6), g[8], g[9], g[10], g[11],
             g[12], g[13], g[14], g[15]);
}

const char *volume_type_name(const struct volume *v,
                             enum volume_table_kind kind)
{
    static const struct {
        const char *guid, *name;
    } gpt[] = {
        { "0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux" },
        { "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root x86-64" },
        { "b921b045-1df0-41c3-af44-4c6f280d3fae", "Linux root arm64" },
        { "bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux boot" },
        { "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap" },
        { "a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID" },
        { "e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM" },
        { "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system" },
        { "21686148-6449-6e6f-744e-656564454649", "BIOS boot" },
        { "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Microsoft data" },
        { "e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved" },
        { "de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery" },
    };
    static const struct {
        uint8_t type;
        const char *name;
    } mbr[] = {
        { 0x01, "FAT12" },       { 0x04, "FAT16" },      { 0x06, "FAT16" },
        { 0x07, "NTFS, exFAT" }, { 0x0b, "FAT32" },      { 0x0c, "FAT32 LBA" },
        { 0x0e, "FAT16 LBA" },   { 0x82, "Linux swap" }, { 0x83, "Linux" },
        { 0x8e, "Linux LVM" },   { 0xee, "GPT" },        { 0xef, "EFI system" },
        { 0xfd, "Linux RAID" },
    };
    char text[37];
    if (kind == VOLUMES_MBR) {
        for (size_t i = 0; i < sizeof mbr / sizeof *mbr; i++)
            if (mbr[i].type == v->mbr_type)
                return mbr[i].name;
        return "other";
    }
    guid_format(text, v->type);
    for (size_t i = 0; i < sizeof gpt / sizeof *gpt; i++)
        if (memcmp(gpt[i].guid, text, sizeof text) == 0)
            return gpt[i].name;
    return "other";
}
