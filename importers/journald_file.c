#include "importers/journald_file.h"

#include <stdlib.h>

#include "base/varint.h"
#include "importers/journald_hash.h"

#define SIGNATURE "LPKSHHRH"

enum {
    BLOCK = 64 << 10,
    BLOCKS = 256,
    SEEN_BITS = 15,
    NAME_KEPT = 64, /* journald takes no longer ones */
    NAME_LOOK = 4096,
    HEADER = 16, /* of an object */
};

struct journald_block {
    uint64_t number; /* from 1; 0: free */
    size_t n;
    char *p;
};

/* A DATA object that was looked at: its name, so that fields nobody wants are
 * not read again, and what was found out about it. */
struct journald_seen {
    uint64_t off; /* 0: free */
    uint64_t jenkins;
    uint8_t damage, name_n;
    char name[NAME_KEPT];
};

bool journald_is(struct str head)
{
    return str_starts(head, STR(SIGNATURE));
}

/* ---- bytes --------------------------------------------------------------- */

static struct journald_block *block_of(struct journald_file *f, uint64_t number)
{
    struct journald_block *b = &f->blocks[number % BLOCKS];
    if (b->number == number + 1)
        return b;
    if (!b->p && !(b->p = malloc(BLOCK))) {
        err_set(&f->err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    b->number = number + 1;
    b->n = 0;
    if (source_read(f->src, number * BLOCK, b->p, BLOCK, &b->n, &f->err)) {
        b->number = 0;
        return NULL;
    }
    return b;
}

bool journald_get(struct journald_file *f, uint64_t off, void *to, size_t n)
{
    char *p = to;
    if (f->err.code || off > f->size || n > f->size - off)
        return false;
    if (f->all) {
        memcpy(to, f->all + off, n);
        return true;
    }
    while (n) {
        struct journald_block *b = block_of(f, off / BLOCK);
        size_t at = (size_t)(off % BLOCK);
        if (!b || at >= b->n)
            return false;
        size_t part = n < b->n - at ? n : b->n - at;
        memcpy(p, b->p + at, part);
        p += part;
        off += part;
        n -= part;
    }
    return true;
}

struct str journald_span(struct journald_file *f, uint64_t off, size_t n,
                         struct arena *a)
{
    if (off > f->size || n > f->size - off)
        return STR_NONE;
    if (f->all)
        return (struct str){ f->all + off, n };
    char *p = arena_alloc(a, n ? n : 1);
    if (!p)
        err_set(&f->err, ERR_INTERNAL, "out of memory");
    return p && journald_get(f, off, p, n) ? (struct str){ p, n } : STR_NONE;
}

/* ---- the header ---------------------------------------------------------- */

static bool sane_header_size(const struct journald_file *f, uint64_t n)
{
    return n >= JOURNALD_HEADER_MIN && n <= JOURNALD_HEADER_MAX && n % 8 == 0 &&
           n <= f->size;
}

static void read_header(struct journald_file *f,
                        const unsigned char h[JOURNALD_HEADER_MIN])
{
    f->compatible = u32le(h + 8);
    f->incompatible = u32le(h + 12);
    f->state = h[16];
    memcpy(f->file_id, h + 24, 16);
    memcpy(f->machine_id, h + 40, 16);
    memcpy(f->tail_boot, h + 56, 16);
    memcpy(f->seqnum_id, h + 72, 16);
    f->header_size = u64le(h + 88);
    f->arena_size = u64le(h + 96);
    f->tail_object = u64le(h + 136);
    f->objects = u64le(h + 144);
    f->entries = u64le(h + 152);
    f->tail_seqnum = u64le(h + 160);
    f->head_seqnum = u64le(h + 168);
    f->entry_array = u64le(h + 176);
    f->head_realtime = u64le(h + 184);
    f->tail_realtime = u64le(h + 192);
    f->compact = f->incompatible & JOURNALD_COMPACT;
    f->keyed = f->incompatible & JOURNALD_KEYED;
    f->header_odd = !sane_header_size(f, f->header_size);
    if (f->header_odd)
        f->header_size = JOURNALD_HEADER_MIN;
}

int journald_open(struct journald_file *f, const struct input *in,
                  struct err *err)
{
    unsigned char h[JOURNALD_HEADER_MIN];
    *f = (struct journald_file){ .src = in->src, .size = in->src->size };
    if (in->base == 0 && in->eof && in->n == f->size)
        f->all = in->p;
    else
        f->blocks = calloc(BLOCKS, sizeof *f->blocks);
    /* as many as a file of that size may have fields, up to a bound */
    while (f->seen_bits < SEEN_BITS && f->size >> (6 + f->seen_bits))
        f->seen_bits++;
    f->seen = calloc((size_t)1 << f->seen_bits, sizeof *f->seen);
    f->unpacker = journald_unpacker_open();
    if (!f->seen || !f->unpacker || (!f->all && !f->blocks))
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (!journald_get(f, 0, h, sizeof h) ||
        !journald_is((struct str){ (const char *)h, sizeof h }))
        return err_set(err, f->err.code ? f->err.code : ERR_EVIDENCE,
                       "not the header of a journal file");
    read_header(f, h);
    /* each item takes 4 bytes, each hashed byte is one of the file or was
     * unpacked; the rest of the numbers is generous */
    f->items_left = f->size / 2 + 1024;
    f->unpack_left = 32 * f->size + ((uint64_t)64 << 20);
    f->hash_left = 2 * f->size + f->unpack_left;
    return 0;
}

void journald_close(struct journald_file *f)
{
    for (size_t i = 0; f->blocks && i < BLOCKS; i++)
        free(f->blocks[i].p);
    free(f->blocks);
    free(f->seen);
    journald_unpacker_close(f->unpacker);
    buf_free(&f->unpacked);
    *f = (struct journald_file){ 0 };
}

/* ---- objects ------------------------------------------------------------- */

static size_t payload_at(const struct journald_file *f)
{
    return f->compact ? 72 : 64;
}

static bool size_fits(const struct journald_file *f,
                      const struct journald_object *o)
{
    size_t item = f->compact ? 4 : 16;
    switch (o->type) {
    case JOURNALD_DATA:
        return o->size > payload_at(f);
    case JOURNALD_FIELD:
        return o->size > 40;
    case JOURNALD_ENTRY:
        return o->size >= 64 + item && (o->size - 64) % item == 0;
    case JOURNALD_DATA_HASHES:
    case JOURNALD_FIELD_HASHES:
        return o->size >= HEADER + 16 && o->size % 16 == 0;
    case JOURNALD_ARRAY:
        item = f->compact ? 4 : 8;
        return o->size >= 24 + item && (o->size - 24) % item == 0;
    default:
        return o->type == JOURNALD_TAG && o->size == 64;
    }
}

static bool flags_fit(const struct journald_object *o)
{
    return o->flags == 0 ||
           (o->type == JOURNALD_DATA &&
            (o->flags == JOURNALD_XZ || o->flags == JOURNALD_LZ4 ||
             o->flags == JOURNALD_ZSTD));
}

static bool sane_usec(uint64_t t)
{
    return t < (uint64_t)1 << 55;
}

/* An entry that is not the first thing that looks like one. */
static bool strict_entry(struct journald_file *f,
                         const struct journald_object *o)
{
    struct journald_entry e;
    uint64_t item;
    return journald_entry(f, o, &e) && e.realtime && sane_usec(e.realtime) &&
           sane_usec(e.monotonic) && journald_items(f, &e, 0, &item, 1) == 1 &&
           item % 8 == 0 && item >= f->header_size && item < f->size;
}

bool journald_object(struct journald_file *f, uint64_t off, bool strict,
                     struct journald_object *o)
{
    unsigned char h[HEADER];
    if (off % 8 || off < f->header_size || !journald_get(f, off, h, sizeof h))
        return false;
    *o = (struct journald_object){ off, u64le(h + 8), h[0], h[1] };
    if (o->size > f->size - off || !size_fits(f, o) || !flags_fit(o))
        return false;
    if (!strict)
        return true;
    static const unsigned char zeros[6];
    return memcmp(h + 2, zeros, 6) == 0 &&
           (o->type != JOURNALD_ENTRY || strict_entry(f, o));
}

bool journald_entry(struct journald_file *f, const struct journald_object *o,
                    struct journald_entry *e)
{
    unsigned char h[48];
    if (o->type != JOURNALD_ENTRY ||
        !journald_get(f, o->off + HEADER, h, sizeof h))
        return false;
    *e = (struct journald_entry){
        .off = o->off,
        .size = o->size,
        .seqnum = u64le(h),
        .realtime = u64le(h + 8),
        .monotonic = u64le(h + 16),
        .xor_hash = u64le(h + 40),
        .n_items = (o->size - 64) / (f->compact ? 4 : 16),
    };
    memcpy(e->boot, h + 24, 16);
    return e->seqnum != 0;
}

size_t journald_items(struct journald_file *f, const struct journald_entry *e,
                      uint64_t first, uint64_t *off, size_t most)
{
    size_t n = 0, width = f->compact ? 4 : 16;
    unsigned char item[8];
    for (; n < most && first + n < e->n_items && f->items_left; n++) {
        f->items_left--;
        if (!journald_get(f, e->off + 64 + (first + n) * width, item,
                          f->compact ? 4 : 8))
            break;
        off[n] = f->compact ? u32le(item) : u64le(item);
    }
    return n;
}

/* ---- fields -------------------------------------------------------------- */

/* May n bytes be read, and unpacked when `packed`? What lies in memory as a
 * whole costs nothing. */
static bool afford(struct journald_file *f, uint64_t n, unsigned packed)
{
    if (f->all && !packed)
        return true;
    if (f->unpack_left < n + (packed ? JOURNALD_FIELD_MAX : 0))
        return false;
    f->unpack_left -= n;
    return true;
}

/* All of it, or the front part of what is too long. */
static struct str payload(struct journald_file *f,
                          const struct journald_object *o, struct arena *a,
                          struct journald_data *d)
{
    uint64_t len = o->size - payload_at(f);
    bool cut = len > JOURNALD_FIELD_MAX;
    if (cut && o->flags == 0)
        d->damage = DATA_LONG;
    if (!afford(f, cut ? JOURNALD_FIELD_MAX : len, o->flags)) {
        d->damage = DATA_BUDGET;
        return STR_NONE;
    }
    struct str s = journald_span(f, o->off + payload_at(f),
                                 cut ? JOURNALD_FIELD_MAX : (size_t)len, a);
    if (o->flags == 0 || !s.p)
        return s;
    enum journald_unpacked u = journald_unpack(
        f->unpacker, o->flags, s, JOURNALD_FIELD_MAX, &f->unpacked);
    if (u == UNPACK_MEMORY) {
        err_set(&f->err, ERR_INTERNAL, "out of memory");
        return STR_NONE;
    }
    d->damage = u == UNPACK_OK     ? DATA_OK
                : u == UNPACK_LONG ? DATA_LONG
                                   : DATA_PACKED;
    f->unpack_left -= f->unpacked.n;
    return arena_copy(a, buf_str(&f->unpacked));
}

static void check_hash(struct journald_file *f, uint64_t off, struct str s,
                       struct journald_data *d)
{
    unsigned char stored[8];
    if (s.n > f->hash_left || !journald_get(f, off + HEADER, stored, 8))
        return;
    f->hash_left -= s.n;
    d->jenkins = journald_jenkins(s);
    uint64_t hash = f->keyed ? journald_siphash(s, f->file_id) : d->jenkins;
    if (hash != u64le(stored))
        d->damage = DATA_HASH;
}

static struct journald_seen *seen_of(struct journald_file *f, uint64_t off)
{
    uint64_t h = off * 0x9e3779b97f4a7c15u;
    return &f->seen[h >> (64 - f->seen_bits)];
}

static void keep(struct journald_seen *s, uint64_t off,
                 const struct journald_data *d)
{
    if (d->name.n == 0 || d->name.n > NAME_KEPT) {
        s->off = 0;
        return;
    }
    s->off = off;
    s->jenkins = d->jenkins;
    s->damage = (uint8_t)d->damage;
    s->name_n = (uint8_t)d->name.n;
    memcpy(s->name, d->name.p, d->name.n);
}

/* What has no compression is where it was, and was compared already. */
static bool again(struct journald_file *f, const struct journald_seen *s,
                  struct arena *a, bool wanted, struct journald_data *d)
{
    struct journald_object o;
    if (!wanted) {
        d->name = (struct str){ s->name, s->name_n };
        return true;
    }
    if (!journald_object(f, s->off, false, &o) || o.type != JOURNALD_DATA ||
        o.flags || o.size - payload_at(f) > JOURNALD_FIELD_MAX ||
        !afford(f, o.size, 0))
        return false;
    struct str all = journald_span(f, o.off + payload_at(f),
                                   (size_t)o.size - payload_at(f), a);
    d->name = str_sub(all, 0, s->name_n);
    d->value = str_sub(all, s->name_n + 1u, all.n);
    return all.p != NULL;
}

void journald_data(struct journald_file *f, uint64_t off, struct arena *a,
                   bool (*want)(struct str name), struct journald_data *d)
{
    struct journald_object o;
    struct journald_seen *s = seen_of(f, off);
    *d = (struct journald_data){ .damage = DATA_NONE };
    if (s->off == off && off) {
        bool wanted = !want || want((struct str){ s->name, s->name_n });
        d->damage = s->damage;
        d->jenkins = s->jenkins;
        if (again(f, s, a, wanted, d))
            return;
    }
    if (!journald_object(f, off, false, &o) || o.type != JOURNALD_DATA)
        return;
    d->damage = DATA_OK;
    struct str all = payload(f, &o, a, d);
    size_t look = all.n < NAME_LOOK ? all.n : NAME_LOOK;
    const char *is = look ? memchr(all.p, '=', look) : NULL;
    if (is) {
        d->name = str_sub(all, 0, (size_t)(is - all.p));
        d->value = str_sub(all, d->name.n + 1, all.n);
    }
    if (d->damage == DATA_OK)
        check_hash(f, off, all, d);
    if (d->damage == DATA_OK && d->name.n == 0)
        d->damage = DATA_NAME;
    keep(s, off, d);
}
