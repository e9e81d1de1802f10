/*
 * qcow2, versions 2 and 3 (docs/interop/qcow2.txt of QEMU): two levels of
 * tables map clusters of the medium to clusters of the file. Clusters may be
 * packed (deflate, zstd) or, with extended entries, be in 32 parts. Read is
 * the active state; internal snapshots are only counted. Refused: a backing
 * file, an external data file, encryption, version 1.
 *
 * All fields are big-endian.
 */
#include <stdlib.h>

#include "base/text.h"
#include "base/varint.h"
#include "evidence/container_kinds.h"

enum {
    HEADER = 112, /* as much of it as is looked at */
    HEADER_V2 = 72,
    L1_MAX = 32 << 20, /* bytes; what QEMU takes */
    TABLES = 16,       /* second-level tables kept */
    PARTS = 32,        /* of a cluster with extended entries */
    PACKED_SECTOR = 512,
    NAME_MAX_READ = 120, /* bytes of a backing file's name shown */
};

static const uint64_t OFFSET = 0x00fffffffffffe00; /* of table entries */
static const uint64_t PACKED = UINT64_C(1) << 62;

enum incompatible {
    QCOW_DIRTY = 1,   /* refcounts may be wrong: they are not used */
    QCOW_CORRUPT = 2, /* QEMU saw it damaged */
    QCOW_DATA_FILE = 4,
    QCOW_PACKING = 8,  /* the kind of packing is stated */
    QCOW_EXTENDED = 16 /* entries of 16 bytes */
};

struct table {
    uint64_t at; /* offset in the file, 0 = none */
    bool good;
    unsigned char *bytes;
};

struct qcow {
    struct container c;
    unsigned bits;             /* of a cluster */
    uint64_t cluster, entries; /* bytes; entries of a second-level table */
    size_t entry;              /* bytes of one: 8, or 16 extended */
    enum packing packing;
    uint32_t features;
    unsigned char *l1;
    uint64_t n_l1;
    struct table tables[TABLES];
};

static void qcow_free(void *state)
{
    struct qcow *q = state;
    free(q->l1);
    for (size_t i = 0; i < TABLES; i++)
        free(q->tables[i].bytes);
}

/* The second-level table at `at`, or NULL when it cannot be read. */
static const unsigned char *load_table(struct source *s, uint64_t at)
{
    struct qcow *q = s->state;
    struct table *t = &q->tables[(at >> q->bits) % TABLES];
    if (t->at != at) {
        t->at = 0;
        if (!t->bytes)
            t->bytes = malloc((size_t)q->cluster);
        if (!t->bytes)
            return NULL;
        t->good = at % q->cluster == 0 &&
                  container_meta(s->below, at, t->bytes, (size_t)q->cluster);
        t->at = at;
    }
    return t->good ? t->bytes : NULL;
}

/* Offset and length of a packed cluster share the entry. */
static void find_packed(const struct qcow *q, uint64_t entry,
                        uint64_t in_cluster, struct run *r)
{
    unsigned x = 62 - (q->bits - 8);
    uint64_t from = entry & ((UINT64_C(1) << x) - 1);
    uint64_t more = (entry & (PACKED - 1)) >> x;
    r->kind = RUN_PACKED;
    r->in = in_cluster;
    r->from = from;
    r->packed = (size_t)((more + 1) * PACKED_SECTOR - from % PACKED_SECTOR);
}

/* A cluster in parts: bits of `parts` say which ones are there (low half)
 * and which ones are zeros (high half). */
static void find_part(const struct qcow *q, uint64_t from, uint64_t parts,
                      uint64_t in_cluster, struct run *r)
{
    uint64_t size = q->cluster / PARTS;
    uint64_t part = in_cluster / size;
    bool here = parts >> part & 1, zero = parts >> (part + PARTS) & 1;
    r->len = size - in_cluster % size;
    if (here && zero)
        r->kind = RUN_LOST;
    else if (!here)
        r->kind = RUN_ZERO;
    else
        *r = (struct run){ .kind = RUN_DATA,
                           .len = r->len,
                           .from = from + in_cluster };
    if (here && (from == 0 || from % q->cluster))
        r->kind = RUN_LOST;
}

static void find_entry(const struct qcow *q, const unsigned char *e,
                       uint64_t in_cluster, struct run *r)
{
    uint64_t entry = u64be(e), from = entry & OFFSET;
    r->len = q->cluster - in_cluster;
    if (entry & PACKED)
        find_packed(q, entry, in_cluster, r);
    else if (q->features & QCOW_EXTENDED)
        find_part(q, from, u64be(e + 8), in_cluster, r);
    else if (entry & 1 || from == 0)
        r->kind = RUN_ZERO;
    else if (from % q->cluster == 0)
        *r = (struct run){ .kind = RUN_DATA,
                           .len = r->len,
                           .from = from + in_cluster };
}

static void find(struct source *s, uint64_t off, struct run *r)
{
    struct qcow *q = s->state;
    uint64_t cluster = off >> q->bits, i = cluster / q->entries;
    uint64_t span = q->entries << q->bits;
    r->len = span - off % span;
    if (i >= q->n_l1)
        return;
    uint64_t at = u64be(q->l1 + i * 8) & OFFSET;
    if (at == 0) {
        r->kind = RUN_ZERO;
        return;
    }
    const unsigned char *t = load_table(s, at);
    if (t)
        find_entry(q, t + cluster % q->entries * q->entry,
                   off & (q->cluster - 1), r);
}

static bool unpack(struct source *s, const unsigned char *packed, size_t n,
                   unsigned char *out, size_t size)
{
    struct qcow *q = s->state;
    return container_unpack(&q->c, q->packing, packed, n, out, size);
}

static const struct container_map map = { "qcow", find, unpack, qcow_free };

/* ---- the header --------------------------------------------------------- */

static int backing(struct source *s, const unsigned char *h, struct err *err)
{
    char name[NAME_MAX_READ];
    uint64_t at = u64be(h + 8);
    size_t n = u32be(h + 16);
    if (at == 0)
        return 0;
    if (n > sizeof name)
        n = sizeof name;
    if (!container_meta(s, at, name, n))
        n = 0;
    return err_set(err, ERR_EVIDENCE,
                   "qcow2 overlay over the backing file %s, which is not "
                   "read: merge them with qemu-img convert",
                   text_line((struct str){ name, n }));
}

static int features(struct qcow *q, const unsigned char *h, struct err *err)
{
    uint64_t f = u32be(h + 4) >= 3 ? u64be(h + 72) : 0;
    const uint64_t known = QCOW_DIRTY | QCOW_CORRUPT | QCOW_DATA_FILE |
                           QCOW_PACKING | QCOW_EXTENDED;
    unsigned packing = f & QCOW_PACKING ? h[104] : 0;
    if (f & QCOW_DATA_FILE)
        return err_set(err, ERR_EVIDENCE,
                       "qcow2 with its data in another file is not read");
    if (f & ~known)
        return err_set(err, ERR_EVIDENCE,
                       "qcow2 with unknown features (%llx) is not read",
                       (unsigned long long)(f & ~known));
    if (u32be(h + 32))
        return err_set(err, ERR_EVIDENCE, "encrypted qcow2 is not read");
    if (packing > 1)
        return err_set(err, ERR_EVIDENCE,
                       "qcow2 with packing of kind %u is not read", packing);
    q->packing = packing ? PACK_ZSTD : PACK_DEFLATE;
    q->features = (uint32_t)f;
    q->entry = f & QCOW_EXTENDED ? 16 : 8;
    q->entries = q->cluster / q->entry;
    if (f & QCOW_CORRUPT)
        container_issue(&q->c.info, true, "qcow-corrupt",
                        "the image is marked as corrupt");
    return 0;
}

static int load_l1(struct qcow *q, struct source *s, const unsigned char *h,
                   struct err *err)
{
    uint64_t n = u32be(h + 36), at = u64be(h + 40), size = u64be(h + 24);
    uint64_t span = q->entries << q->bits;
    uint64_t need = size / span + (size % span != 0);
    if (n > need)
        n = need;
    if (n > L1_MAX / 8)
        return err_set(err, ERR_EVIDENCE, "qcow2: its table is too large");
    if (n < need)
        container_issue(&q->c.info, true, "qcow-table",
                        "the first table covers a part of the medium only");
    q->l1 = calloc(n ? (size_t)n : 1, 8);
    if (!q->l1)
        return err_set(err, ERR_INTERNAL, "out of memory");
    /* What the file does not have of it stays out: those ranges are lost. */
    while (q->n_l1 < n) {
        uint64_t left = n - q->n_l1, step = left < 4096 ? left : 4096;
        if (!container_meta(s, at + q->n_l1 * 8, q->l1 + q->n_l1 * 8,
                            (size_t)step * 8))
            break;
        q->n_l1 += step;
    }
    if (q->n_l1 < n)
        container_issue(&q->c.info, true, "qcow-table",
                        "the first table is cut or cannot be read");
    return 0;
}

static void describe(struct qcow *q, const unsigned char *h)
{
    struct container_info *in = &q->c.info;
    container_value(in, "container",
                    "qcow2 version %u, clusters of %llu bytes%s%s",
                    u32be(h + 4), (unsigned long long)q->cluster,
                    q->packing == PACK_ZSTD ? ", zstd" : "",
                    q->features & QCOW_EXTENDED ? ", in parts" : "");
    if (u32be(h + 60))
        container_value(in, "internal snapshots",
                        "%u; the active state is read", u32be(h + 60));
}

static int header(struct qcow *q, struct source *s, struct err *err)
{
    unsigned char h[HEADER] = { 0 };
    size_t got;
    int code = source_read(s, 0, h, sizeof h, &got, err);
    if (code)
        return code;
    uint32_t version = u32be(h + 4), length = u32be(h + 100);
    if (got < HEADER_V2 || (version >= 3 && got < 104))
        return err_set(err, ERR_EVIDENCE, "qcow2: the header is cut");
    if (version != 2 && version != 3)
        return err_set(err, ERR_EVIDENCE,
                       "qcow2 container of version %u is not read", version);
    if (version == 2 || length <= 104)
        h[104] = 0;
    q->bits = u32be(h + 20);
    if (q->bits < 9 || q->bits > 21 || u64be(h + 24) > INT64_MAX)
        return err_set(err, ERR_EVIDENCE, "qcow2: the header is damaged");
    q->cluster = q->c.unit = UINT64_C(1) << q->bits;
    code = backing(s, h, err);
    if (code == 0)
        code = features(q, h, err);
    if (code == 0)
        code = load_l1(q, s, h, err);
    if (code == 0)
        describe(q, h);
    return code;
}

static uint64_t media_size(struct source *s)
{
    unsigned char size[8];
    return container_meta(s, 24, size, 8) ? u64be(size) : 0;
}

struct source *qcow_open(struct source *s, struct err *err)
{
    struct qcow *q = calloc(1, sizeof *q);
    if (!q) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    q->c.map = &map;
    if (header(q, s, err)) {
        container_free(&q->c);
        return NULL;
    }
    return container_make(&q->c, media_size(s), s, err);
}
