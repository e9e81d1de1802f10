/*
 * journald_make [-c] [-k] [-z xz|lz4|zstd] [-H HEADER-SIZE] [-s STATE]
 *               [-i ID] [-b BUCKETS] > FILE
 * writes a journal file from journald's export format on stdin: small ones, of
 * every kind, which journald itself does not write any more; `journalctl
 * --verify` is their judge. -c compact, -k keyed hash, ID: a hex digit that all
 * ids of the file are made of.
 */
#include <lz4.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "base/varint.h"
#include "importers/journald_file.h"
#include "importers/journald_hash.h"

enum { PACK_FROM = 512, FIELDS_MAX = 1024, FIRST_ARRAY = 4 };

/* A chain of entry arrays that is being written. */
struct chain {
    uint64_t head, tail; /* offsets; 0: none */
    uint64_t used, room; /* of the tail */
};

/* What is known of a DATA object beside its bytes. */
struct data {
    uint64_t off, hash, jenkins, n_entries;
    struct chain entries;
    struct data *next; /* of its bucket */
    struct str payload;
};

struct maker {
    struct buf out;
    struct arena arena;
    bool compact, keyed;
    unsigned packed, state;
    size_t header, buckets;
    unsigned char id[16];
    struct data **table;
    uint64_t fields_at, table_at; /* items of the hash tables */
    uint64_t objects, n_data, n_fields, n_entries, n_arrays, last;
    uint64_t seqnum, first_time, last_time, last_mono;
    unsigned char boot[16];
    struct chain entries;
    struct data *item[FIELDS_MAX];
};

static void die(const char *why)
{
    fprintf(stderr, "journald_make: %s\n", why);
    exit(1);
}

static void set32(struct maker *m, uint64_t at, uint64_t v)
{
    put_u32le(m->out.p + at, (uint32_t)v);
}

static void set64(struct maker *m, uint64_t at, uint64_t v)
{
    put_u64le(m->out.p + at, v);
}

static void zeros(struct maker *m, size_t n)
{
    if (!buf_reserve(&m->out, n))
        die("out of memory");
    memset(m->out.p + m->out.n, 0, n);
    m->out.n += n;
}

/* An object of size bytes, filled with zeros. */
static uint64_t object(struct maker *m, unsigned type, unsigned flags,
                       uint64_t size)
{
    zeros(m, (8 - m->out.n % 8) % 8);
    uint64_t off = m->out.n;
    zeros(m, size);
    m->out.p[off] = (char)type;
    m->out.p[off + 1] = (char)flags;
    set64(m, off + 8, size);
    m->objects++;
    m->last = off;
    return off;
}

static void chain_add(struct maker *m, struct chain *c, uint64_t entry)
{
    size_t width = m->compact ? 4 : 8;
    if (c->used == c->room) {
        uint64_t room = c->room ? 2 * c->room : FIRST_ARRAY;
        uint64_t off = object(m, JOURNALD_ARRAY, 0, 24 + room * width);
        if (c->tail)
            set64(m, c->tail + 16, off);
        else
            c->head = off;
        m->n_arrays++;
        c->tail = off;
        c->used = 0;
        c->room = room;
    }
    uint64_t at = c->tail + 24 + c->used++ * width;
    if (m->compact)
        set32(m, at, entry);
    else
        set64(m, at, entry);
}

/* ---- hash tables --------------------------------------------------------- */

static uint64_t hash_of(const struct maker *m, struct str s)
{
    return m->keyed ? journald_siphash(s, m->id) : journald_jenkins(s);
}

/* Puts the object at off, with its next pointer at `next`, at a bucket's end.
 */
static void enter(struct maker *m, uint64_t table, uint64_t hash, uint64_t off)
{
    uint64_t bucket = table + hash % m->buckets * 16;
    uint64_t tail = u64le(m->out.p + bucket + 8);
    if (tail)
        set64(m, tail + 24, off);
    else
        set64(m, bucket, off);
    set64(m, bucket + 8, off);
    set64(m, off + 16, hash);
}

static uint64_t field_of(struct maker *m, struct str name)
{
    uint64_t hash = hash_of(m, name);
    uint64_t off = u64le(m->out.p + m->fields_at + hash % m->buckets * 16);
    for (; off; off = u64le(m->out.p + off + 24)) {
        struct str is = { m->out.p + off + 40,
                          (size_t)u64le(m->out.p + off + 8) - 40 };
        if (str_eq(is, name))
            return off;
    }
    off = object(m, JOURNALD_FIELD, 0, 40 + name.n);
    memcpy(m->out.p + off + 40, name.p, name.n);
    enter(m, m->fields_at, hash, off);
    m->n_fields++;
    return off;
}

/* ---- data ---------------------------------------------------------------- */

static size_t pack_xz(struct str s, char *out, size_t room)
{
    lzma_options_lzma options;
    lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options },
                              { LZMA_VLI_UNKNOWN, NULL } };
    size_t n = 0;
    lzma_lzma_preset(&options, LZMA_PRESET_DEFAULT);
    lzma_ret rc = lzma_stream_buffer_encode(filters, LZMA_CHECK_NONE, NULL,
                                            (const uint8_t *)s.p, s.n,
                                            (uint8_t *)out, &n, room);
    return rc == LZMA_OK ? n : 0;
}

static struct str pack(struct maker *m, struct str s)
{
    size_t n = 0, room = s.n + 4096;
    char *out = arena_alloc(&m->arena, room);
    if (!out)
        die("out of memory");
    if (m->packed == JOURNALD_XZ) {
        n = pack_xz(s, out, room);
    } else if (m->packed == JOURNALD_ZSTD) {
        n = ZSTD_compress(out, room, s.p, s.n, 3);
        n = ZSTD_isError(n) ? 0 : n;
    } else {
        int got = LZ4_compress_default(s.p, out + 8, (int)s.n, (int)room - 8);
        put_u64le(out, s.n);
        n = got > 0 ? (size_t)got + 8 : 0;
    }
    return (struct str){ out, n };
}

static struct data *data_of(struct maker *m, struct str payload)
{
    uint64_t jenkins = journald_jenkins(payload);
    struct data **bucket = &m->table[jenkins % m->buckets], *d = *bucket;
    while (d && !str_eq(d->payload, payload))
        d = d->next;
    if (d)
        return d;
    const char *is = memchr(payload.p, '=', payload.n);
    if (!is)
        die("a field without =");
    uint64_t field = field_of(m, str_sub(payload, 0, (size_t)(is - payload.p)));
    struct str content = payload;
    unsigned flags = 0;
    if (m->packed && payload.n >= PACK_FROM) {
        struct str less = pack(m, payload);
        if (less.n && less.n < payload.n) {
            content = less;
            flags = m->packed;
        }
    }
    size_t front = m->compact ? 72 : 64;
    d = arena_alloc(&m->arena, sizeof *d);
    if (!d)
        die("out of memory");
    *d = (struct data){ .off =
                            object(m, JOURNALD_DATA, flags, front + content.n),
                        .hash = hash_of(m, payload),
                        .jenkins = jenkins,
                        .next = *bucket,
                        .payload = arena_copy(&m->arena, payload) };
    *bucket = d;
    memcpy(m->out.p + d->off + front, content.p, content.n);
    enter(m, m->table_at, d->hash, d->off);
    set64(m, d->off + 32, u64le(m->out.p + field + 32)); /* of the field */
    set64(m, field + 32, d->off);
    m->n_data++;
    return d;
}

/* An entry that has the data. */
static void used_by(struct maker *m, struct data *d, uint64_t entry)
{
    if (d->n_entries++ == 0) {
        set64(m, d->off + 40, entry);
    } else {
        chain_add(m, &d->entries, entry);
        set64(m, d->off + 48, d->entries.head);
        if (m->compact) {
            set32(m, d->off + 64, d->entries.tail);
            set32(m, d->off + 68, d->entries.used);
        }
    }
    set64(m, d->off + 56, d->n_entries);
}

/* ---- entries ------------------------------------------------------------- */

static int by_offset(const void *a, const void *b)
{
    const struct data *const *x = a, *const *y = b;
    return (*x)->off < (*y)->off ? -1 : (*x)->off > (*y)->off;
}

static void entry(struct maker *m, size_t n, uint64_t time, uint64_t mono)
{
    size_t width = m->compact ? 4 : 16;
    uint64_t xor_hash = 0;
    qsort(m->item, n, sizeof m->item[0], by_offset);
    uint64_t off = object(m, JOURNALD_ENTRY, 0, 64 + n * width);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = off + 64 + i * width;
        xor_hash ^= m->item[i]->jenkins;
        if (m->compact) {
            set32(m, at, m->item[i]->off);
        } else {
            set64(m, at, m->item[i]->off);
            set64(m, at + 8, m->item[i]->hash);
        }
    }
    set64(m, off + 16, ++m->seqnum);
    set64(m, off + 24, time);
    set64(m, off + 32, mono);
    memcpy(m->out.p + off + 40, m->boot, 16);
    set64(m, off + 56, xor_hash);
    m->first_time = m->n_entries++ ? m->first_time : time;
    m->last_time = time;
    m->last_mono = mono;
    chain_add(m, &m->entries, off);
    for (size_t i = 0; i < n; i++)
        used_by(m, m->item[i], off);
}

/* ---- the export format --------------------------------------------------- */

/* The next field as NAME=value; false: the entry ends here. */
static bool next_field(struct str *in, struct arena *a, struct str *out)
{
    if (in->n == 0)
        return false;
    const char *lf = memchr(in->p, '\n', in->n);
    if (!lf)
        die("a line without its end");
    struct str line = str_sub(*in, 0, (size_t)(lf - in->p));
    *in = str_sub(*in, line.n + 1, in->n);
    if (line.n == 0)
        return false;
    *out = line;
    if (memchr(line.p, '=', line.n))
        return true;
    if (in->n < 8 || u64le(in->p) >= in->n - 8)
        die("a binary field is cut");
    size_t n = (size_t)u64le(in->p);
    char *p = arena_alloc(a, line.n + 1 + n);
    if (!p)
        die("out of memory");
    memcpy(p, line.p, line.n);
    p[line.n] = '=';
    memcpy(p + line.n + 1, in->p + 8, n);
    *in = str_sub(*in, 8 + n + 1, in->n);
    *out = (struct str){ p, line.n + 1 + n };
    return true;
}

static struct str after(struct str field, const char *name)
{
    size_t n = strlen(name);
    return str_starts(field, str_from(name)) ? str_sub(field, n, field.n)
                                             : STR_NONE;
}

static void read_entries(struct maker *m, struct str in)
{
    while (in.n) {
        uint64_t time = 0, mono = 0;
        size_t n = 0;
        struct str field, v;
        while (next_field(&in, &m->arena, &field)) {
            if ((v = after(field, "__REALTIME_TIMESTAMP=")).p)
                (void)str_u64(v, &time);
            else if ((v = after(field, "__MONOTONIC_TIMESTAMP=")).p)
                (void)str_u64(v, &mono);
            else if (!str_starts(field, STR("__")) && n < FIELDS_MAX)
                m->item[n++] = data_of(m, field);
            if ((v = after(field, "_BOOT_ID=")).p)
                (void)hash_from_hex(v, m->boot, 16);
        }
        if (n)
            entry(m, n, time, mono);
    }
}

/* ---- the file ------------------------------------------------------------ */

static void header(struct maker *m)
{
    static const unsigned has[] = { [JOURNALD_XZ] = JOURNALD_HAS_XZ,
                                    [JOURNALD_LZ4] = JOURNALD_HAS_LZ4,
                                    [JOURNALD_ZSTD] = JOURNALD_HAS_ZSTD };
    char *h = m->out.p;
    memcpy(h, "LPKSHHRH", 8);
    put_u32le(h + 12, has[m->packed] | (m->keyed ? JOURNALD_KEYED : 0u) |
                          (m->compact ? JOURNALD_COMPACT : 0u));
    h[16] = (char)m->state;
    for (int i = 0; i < 3; i++)
        memcpy(h + 24 + 16 * i, i == 2 ? m->boot : m->id, 16);
    memcpy(h + 72, m->id, 16);
    const uint64_t v[] = { m->header,
                           m->out.n - m->header,
                           m->table_at,
                           m->buckets * 16,
                           m->fields_at,
                           m->buckets * 16,
                           m->last,
                           m->objects,
                           m->n_entries,
                           m->seqnum,
                           m->n_entries ? 1 : 0,
                           m->entries.head,
                           m->first_time,
                           m->last_time,
                           m->last_mono,
                           m->n_data,
                           m->n_fields,
                           0,
                           m->n_arrays,
                           0,
                           0 };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        if (88 + 8 * (i + 1) <= m->header)
            put_u64le(h + 88 + 8 * i, v[i]);
    if (m->header >= 264) {
        put_u32le(h + 256, (uint32_t)m->entries.tail);
        put_u32le(h + 260, (uint32_t)m->entries.used);
    }
}

static unsigned packing(const char *name)
{
    return strcmp(name, "xz") == 0     ? JOURNALD_XZ
           : strcmp(name, "lz4") == 0  ? JOURNALD_LZ4
           : strcmp(name, "zstd") == 0 ? JOURNALD_ZSTD
                                       : 0;
}

static void options(struct maker *m, int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "ckz:H:s:i:b:")) != -1;) {
        uint64_t n = 0;
        if (optarg)
            (void)str_u64(str_from(optarg), &n);
        if (c == 'c')
            m->compact = true;
        else if (c == 'k')
            m->keyed = true;
        else if (c == 'z')
            m->packed = packing(optarg);
        else if (c == 'H')
            m->header = (size_t)n;
        else if (c == 's')
            m->state = (unsigned)n;
        else if (c == 'b')
            m->buckets = (size_t)n;
        else if (c == 'i')
            memset(m->id, 17 * str_hex(*optarg), 16);
        else
            die("what option is that?");
    }
}

int main(int argc, char **argv)
{
    static struct maker m = { .header = 264, .state = 2, .buckets = 61 };
    char part[65536];
    struct buf in = { 0 };
    memset(m.id, 0xaa, 16);
    options(&m, argc, argv);
    for (ssize_t n; (n = read(0, part, sizeof part)) > 0;)
        buf_put(&in, (struct str){ part, (size_t)n });
    m.table = calloc(m.buckets, sizeof *m.table);
    if (!m.table || in.failed)
        die("out of memory");
    zeros(&m, m.header);
    m.fields_at =
        object(&m, JOURNALD_FIELD_HASHES, 0, 16 + m.buckets * 16) + 16;
    m.table_at = object(&m, JOURNALD_DATA_HASHES, 0, 16 + m.buckets * 16) + 16;
    read_entries(&m, buf_str(&in));
    zeros(&m, (8 - m.out.n % 8) % 8);
    header(&m);
    fwrite(m.out.p, 1, m.out.n, stdout);
    free(m.table);
    arena_free(&m.arena);
    buf_free(&in);
    buf_free(&m.out);
    return 0;
}
