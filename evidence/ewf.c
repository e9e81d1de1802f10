/*
 * An own reader. libewf 20140813 was measured and is not used: after a damaged
 * section descriptor it gives the following chunks at wrong offsets without a
 * word, it leaks 32 KiB for each damaged chunk it reads, and it reads dates
 * through the local time zone. Tests compare the two on whole images.
 *
 * A segment file is a header of 13 bytes (signature, 1, segment number u16,
 * 0) and sections: type[16], offset of the next u64, size u64, padding,
 * Adler-32. "sectors" holds chunks one after the other; the "table" after it,
 * and its copy "table2", have one u32 a chunk: its offset, bit 31 = zlib.
 * "volume", "disk" and "data" describe the medium, "hash" and "digest" hold
 * its digests, "next" and "done" end a segment and the set. (Format: libyal's
 * EWF documentation; what EnCase 1 puts into "table" is read too.)
 *
 * A chunk's place on the medium is the count of chunks before it. So a table
 * that is lost in both copies without its count makes all that follows
 * unplaceable, which is a gap and never a guess.
 */
#include "evidence/ewf.h"

#include <stdlib.h>
#include <zlib.h>
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#include "base/time.h"
#include "base/varint.h"

enum {
    FILE_HEADER = 13,
    SECTION = 76,
    SECTIONS_MAX = 1 << 20, /* per segment */
    SEGMENTS_MAX = 16384,
    TABLE_HEADER = 24,
    ENTRIES_MAX = 1 << 22, /* chunks of one table */
    CHUNK_MAX = 64 << 20,
    MEDIA_SIZE = 94, /* of the smallest description of the medium */
    MEDIA_ID_AT = 4, /* chunks, sectors a chunk, bytes a sector, sectors */
    MEDIA_ID = 20,
    GUID_AT = 64,
    HEADER_PACKED_MAX = 1 << 20,
    HEADER_TEXT_MAX = 1 << 20,
};

static const unsigned char signature[8] = "EVF\x09\x0d\x0a\xff";
static const unsigned char signature2[8] = "EVF2\x0d\x0a\x81";

bool ewf_is(struct str head)
{
    return head.n >= FILE_HEADER && memcmp(head.p, signature, 8) == 0;
}

bool ewf_is_version2(struct str head)
{
    return head.n >= 8 && memcmp(head.p, signature2, 8) == 0;
}

struct segment {
    struct source *file;
    uint16_t number;
    /* What the set is known by; 0 and false when the segment does not say. */
    bool has_guid, has_media, has_header;
    unsigned char guid[16];
    unsigned char media[MEDIA_ID]; /* chunks, their size, sectors */
    uint32_t header;               /* Adler-32 of its text */
};

/* One table: chunks [first, first+n) lie in one segment. */
struct table {
    struct source *file;
    uint64_t first;
    uint64_t entries; /* offset of its entries in the file */
    uint64_t base;    /* to be added to each */
    uint64_t end;     /* of the last chunk's data, in the file */
    uint32_t n;
    bool lost; /* both copies are damaged, only the count is known */
};

struct ewf_state {
    struct ewf_info info;
    uint64_t media, total; /* bytes and chunks of the medium */
    struct segment *segments;
    size_t n_segments;
    struct table *tables;
    size_t n_tables;
    struct gap *errors; /* of the acquisition */
    size_t n_errors;

    /* The walk over the sections. */
    struct segment *seg;
    uint64_t sectors, sectors_end; /* chunk data waiting for their table */
    uint32_t lost_n;               /* count of a damaged table, 0 = unknown */
    bool waiting;                  /* a damaged "table": "table2" may follow */
    bool stopped;                  /* chunks cannot be placed any more */
    bool too_many;                 /* more chunks than the medium has */
    bool last;                     /* "done" was met */
    bool ended;                    /* "next" or "done" was met */

    struct arena arena; /* of the header values */
    struct ewf_value values[EWF_VALUES_MAX];

    /* Reading: the entries of one table, the last chunk. */
    const struct table *loaded;
    unsigned char *entries;
    unsigned char *chunk; /* chunk_size */
    uint64_t chunk_at;    /* its number, UINT64_MAX = none */
    unsigned char *packed;
    size_t packed_size;
#ifdef HAVE_LIBDEFLATE
    struct libdeflate_decompressor *fast;
#endif
};

/* ---- sections ----------------------------------------------------------- */

struct section {
    char type[17];
    uint64_t data, size; /* of what follows the descriptor */
    uint64_t next;
};

static bool section_at(struct source *file, uint64_t off, struct section *sec)
{
    unsigned char d[SECTION];
    size_t got;
    if (source_read(file, off, d, sizeof d, &got, NULL) || got < sizeof d ||
        u32le(d + 72) != adler32(1, d, 72))
        return false;
    memcpy(sec->type, d, 16);
    sec->type[16] = '\0';
    sec->next = u64le(d + 16);
    uint64_t size = u64le(d + 24);
    sec->data = off + SECTION;
    sec->size = size > SECTION ? size - SECTION : 0;
    return true;
}

/* Types that can follow a damaged descriptor. */
static bool known_type(const unsigned char *p)
{
    static const char *const types[] = { "sectors", "table",  "table2", "data",
                                         "hash",    "digest", "error2", "next",
                                         "done",    NULL };
    for (size_t i = 0; types[i]; i++)
        if (memcmp(p, types[i], strlen(types[i]) + 1) == 0)
            return true;
    return false;
}

/* The first whole descriptor after off, or the end of the file. */
static uint64_t section_search(struct source *file, uint64_t off)
{
    enum { STEP = 1 << 16 };
    unsigned char buf[STEP + SECTION];
    size_t got = 1;
    for (; got; off += STEP) {
        if (source_read(file, off, buf, sizeof buf, &got, NULL))
            break;
        for (size_t i = 0; i < STEP && i + SECTION <= got; i++)
            if (known_type(buf + i) &&
                u32le(buf + i + 72) == adler32(1, buf + i, 72))
                return off + i;
    }
    return file->size;
}

/* Call `see` for each section until it says stop or the chain ends; without
 * it, see_damage (may be NULL) is told, and the search goes on behind. Only
 * forward, so a loop cannot hold us. */
static void sections(struct source *file,
                     bool (*see)(void *ctx, struct source *file,
                                 const struct section *sec),
                     void (*damage)(void *ctx, uint64_t off), void *ctx)
{
    struct section sec;
    uint64_t off = FILE_HEADER;
    for (int i = 0; i < SECTIONS_MAX && off < file->size; i++) {
        if (!section_at(file, off, &sec)) {
            if (!damage)
                return;
            damage(ctx, off);
            off = section_search(file, off + 1);
            continue;
        }
        if (!see(ctx, file, &sec))
            return;
        if (sec.next <= off)
            return;
        off = sec.next;
    }
}

/* Inflate a header section's text; false when it is damaged. */
static bool header_text(struct source *file, const struct section *sec,
                        unsigned char *text, uLongf *n)
{
    size_t size = (size_t)sec->size, got;
    if (sec->size == 0 || sec->size > HEADER_PACKED_MAX)
        return false;
    unsigned char *packed = malloc(size);
    bool ok = packed &&
              !source_read(file, sec->data, packed, size, &got, NULL) &&
              uncompress(text, n, packed, got) == Z_OK;
    free(packed);
    return ok;
}

static bool is_media(const char *type)
{
    return strcmp(type, "volume") == 0 || strcmp(type, "disk") == 0 ||
           strcmp(type, "data") == 0;
}

/* Descriptions of the medium end in an Adler-32 of what is before. */
static bool media_fits(struct source *file, const struct section *sec)
{
    enum { MEDIA_MAX = 4096 };
    unsigned char m[MEDIA_MAX];
    size_t got, n = (size_t)sec->size;
    return sec->size >= MEDIA_SIZE && sec->size <= sizeof m &&
           !source_read(file, sec->data, m, n, &got, NULL) && got == n &&
           u32le(m + n - 4) == adler32_z(1, m, n - 4);
}

static void see_media_id(struct segment *seg, struct source *file,
                         const struct section *sec)
{
    static const unsigned char none[16];
    unsigned char id[MEDIA_ID];
    size_t got;
    if (!media_fits(file, sec) ||
        source_read(file, sec->data + MEDIA_ID_AT, id, sizeof id, &got, NULL) ||
        got < sizeof id)
        return;
    if (sec->size == MEDIA_SIZE)
        memset(id + 16, 0, 4); /* the small form has 32 bits of sectors */
    memcpy(seg->media, id, sizeof id);
    seg->has_media = true;
    if (sec->size >= GUID_AT + 16 &&
        !source_read(file, sec->data + GUID_AT, seg->guid, 16, &got, NULL))
        seg->has_guid = got == 16 && memcmp(seg->guid, none, 16) != 0;
}

static void see_header_id(struct segment *seg, struct source *file,
                          const struct section *sec)
{
    uLongf n = HEADER_TEXT_MAX;
    unsigned char *text = malloc(n);
    seg->has_header = text && header_text(file, sec, text, &n);
    if (seg->has_header)
        seg->header = (uint32_t)adler32_z(1, text, n);
    free(text);
}

/* Which set is the segment of? What tells it stands at the front, but in the
 * first segments of some writers behind the chunks. */
static bool see_identity(void *ctx, struct source *file,
                         const struct section *sec)
{
    struct segment *seg = ctx;
    if (strcmp(sec->type, "header") == 0 && !seg->has_header)
        see_header_id(seg, file, sec);
    if (is_media(sec->type))
        see_media_id(seg, file, sec);
    return !seg->has_media &&
           (strcmp(sec->type, "sectors") != 0 || seg->number > 1);
}

static int segment_load(struct segment *seg, struct source *file,
                        struct err *err)
{
    char head[FILE_HEADER];
    size_t got;
    int code = source_read(file, 0, head, sizeof head, &got, err);
    if (code)
        return code;
    struct str s = { head, got };
    if (!ewf_is(s))
        return err_set(err, ERR_EVIDENCE, "%s",
                       ewf_is_version2(s)
                           ? "EWF version 2 (Ex01) is not supported"
                           : "a segment file lacks the EWF signature");
    seg->file = file;
    seg->number = u16le(head + 9);
    sections(file, see_identity, NULL, seg);
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Why the segment is of another acquisition than the first; NULL: nothing says
 * so. */
static const char *foreign(const struct segment *first,
                           const struct segment *seg)
{
    if (first->has_guid && seg->has_guid &&
        memcmp(first->guid, seg->guid, sizeof seg->guid) != 0)
        return "another set identifier";
    if (first->has_media && seg->has_media &&
        memcmp(first->media, seg->media, 4) != 0)
        return "another count of chunks";
    if (first->has_media && seg->has_media &&
        memcmp(first->media, seg->media, MEDIA_ID) != 0)
        return "another size of the medium";
    if (first->has_header && seg->has_header && first->header != seg->header)
        return "another header";
    return NULL;
}

static int segments_check(struct ewf_state *e, struct err *err)
{
    struct segment *seg = e->segments;
    if (seg[0].number != 1)
        return err_set(err, ERR_EVIDENCE,
                       "the first segment is missing; the set begins with %u",
                       seg[0].number);
    for (size_t i = 1; i < e->n_segments; i++) {
        if (seg[i].number == seg[i - 1].number)
            return err_set(err, ERR_EVIDENCE, "segment %u is given twice",
                           seg[i].number);
        if (seg[i].number != seg[i - 1].number + 1 && !e->info.missing)
            e->info.missing = seg[i - 1].number + 1u;
    }
    return 0;
}

static int segments_load(struct ewf_state *e, struct source *file,
                         struct err *err)
{
    size_t n = 0;
    while (n <= SEGMENTS_MAX && source_part(file, n))
        n++;
    if (n > SEGMENTS_MAX)
        return err_set(err, ERR_EVIDENCE, "more than %d segments",
                       SEGMENTS_MAX);
    e->segments = calloc(n, sizeof *e->segments);
    if (!e->segments)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (; e->n_segments < n; e->n_segments++) {
        struct source *part = source_part(file, e->n_segments);
        int code = segment_load(&e->segments[e->n_segments], part, err);
        if (code)
            return err_wrap(err, "segment file %zu", e->n_segments + 1);
    }
    qsort(e->segments, n, sizeof *e->segments, by_number);
    e->info.segments = (uint32_t)n;
    return segments_check(e, err);
}

/* ---- header values ------------------------------------------------------ */

/* The one-letter names of the tab-separated header, and ours. */
static const struct {
    char letter[4];
    const char *name;
} header_names[] = {
    { "c", "case number" },
    { "n", "evidence number" },
    { "a", "description" },
    { "e", "examiner" },
    { "t", "notes" },
    { "av", "acquisition software" },
    { "ov", "operating system" },
    { "m", "acquired" },
    { "u", "system date" },
    { "md", "model" },
    { "sn", "serial number" },
    { "l", "device label" },
};

static struct str field(struct str *line, char end)
{
    char sep[1] = { end };
    size_t at = str_find(*line, (struct str){ sep, 1 });
    struct str f = str_sub(*line, 0, at);
    *line = at == SIZE_MAX ? STR_NONE : str_sub(*line, at + 1, line->n);
    while (f.n && f.p[f.n - 1] == '\r')
        f.n--;
    return f;
}

/* header2 has times as seconds since 1970 (EWF specification, "Header2
 * section"), the older header as local time in words: those stay. */
static struct str readable_time(struct ewf_state *e, struct str text)
{
    struct instant t = { 0 };
    uint64_t seconds;
    char when[TIME_TEXT_MAX];
    if (text.n > 11 || !str_u64(text, &seconds))
        return text;
    t.s = (int64_t)seconds;
    size_t n = time_format(when, t, 0, 0);
    struct buf b = { 0 };
    buf_printf(&b, "%.*s (%.*s)", (int)n, when, STR_ARG(text));
    return buf_to_arena(&b, &e->arena);
}

static void value_put(struct ewf_state *e, struct str letter, struct str text)
{
    if (str_eq(letter, STR("m")) || str_eq(letter, STR("u")))
        text = readable_time(e, text);
    for (size_t i = 0; i < sizeof header_names / sizeof *header_names; i++) {
        if (!str_eq(letter, str_from(header_names[i].letter)))
            continue;
        struct ewf_value *v = &e->values[e->info.n_values];
        v->name = header_names[i].name;
        v->text = arena_copy(&e->arena, text);
        e->info.n_values += e->info.n_values < EWF_VALUES_MAX - 1;
    }
}

/* Line 1 a number, line 2 "main", line 3 the letters, line 4 the values. */
static void header_parse(struct ewf_state *e, struct str text)
{
    field(&text, '\n');
    field(&text, '\n');
    struct str letters = field(&text, '\n');
    struct str values = field(&text, '\n');
    while (letters.n) {
        struct str letter = field(&letters, '\t');
        struct str value = field(&values, '\t');
        if (value.n)
            value_put(e, letter, value);
    }
}

/* UTF-16 with byte order mark to UTF-8; lone surrogates keep three bytes. */
static void utf16_to_utf8(struct buf *out, const unsigned char *p, size_t n)
{
    bool big = n >= 2 && p[0] == 0xfe && p[1] == 0xff;
    for (size_t i = 2; i + 1 < n; i += 2) {
        uint32_t c = big ? u16be(p + i) : u16le(p + i);
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < n) {
            uint32_t d = big ? u16be(p + i + 2) : u16le(p + i + 2);
            if (d >= 0xdc00 && d < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
                i += 2;
            }
        }
        if (c < 0x80) {
            buf_putc(out, (char)c);
        } else if (c < 0x800) {
            buf_putc(out, (char)(0xc0 | c >> 6));
            buf_putc(out, (char)(0x80 | (c & 63)));
        } else {
            if (c >= 0x10000)
                buf_putc(out, (char)(0xf0 | c >> 18));
            buf_putc(out, c >= 0x10000 ? (char)(0x80 | (c >> 12 & 63))
                                       : (char)(0xe0 | c >> 12));
            buf_putc(out, (char)(0x80 | (c >> 6 & 63)));
            buf_putc(out, (char)(0x80 | (c & 63)));
        }
    }
}

static bool see_header(void *ctx, struct source *file,
                       const struct section *sec)
{
    struct ewf_state *e = ctx;
    bool wide = strcmp(sec->type, "header2") == 0;
    if (!wide && strcmp(sec->type, "header") != 0)
        return strcmp(sec->type, "sectors") != 0;
    uLongf n = HEADER_TEXT_MAX;
    unsigned char *text = malloc(n);
    struct buf out = { 0 };
    if (text && header_text(file, sec, text, &n)) {
        if (wide)
            utf16_to_utf8(&out, text, n);
        header_parse(e, wide ? buf_str(&out)
                             : (struct str){ (const char *)text, n });
    }
    buf_free(&out);
    free(text);
    /* header2 comes first and is the richer one. */
    return e->info.n_values == 0;
}

/* ---- the walk ----------------------------------------------------------- */

static void stop_placing(struct ewf_state *e)
{
    e->stopped = true;
    e->info.incomplete = true;
}

static bool table_add(struct ewf_state *e, struct table t)
{
    if (e->n_tables % 256 == 0) {
        struct table *p = realloc(e->tables, (e->n_tables + 256) * sizeof *p);
        if (!p)
            return false;
        e->tables = p;
    }
    t.first = e->info.chunks;
    e->tables[e->n_tables++] = t;
    e->info.chunks += t.n;
    e->sectors = e->sectors_end = 0;
    return true;
}

/* Is the table at sec whole, and does it begin where its chunks begin? */
static bool table_check(struct ewf_state *e, struct source *file,
                        const struct section *sec, struct table *t)
{
    unsigned char h[TABLE_HEADER], sum[4];
    size_t got, size;
    *t = (struct table){ .file = file };
    if (sec->size < TABLE_HEADER ||
        source_read(file, sec->data, h, sizeof h, &got, NULL) ||
        got < sizeof h || u32le(h + 20) != adler32(1, h, 20))
        return false;
    t->n = u32le(h);
    t->base = u64le(h + 8);
    t->entries = sec->data + TABLE_HEADER;
    if (t->n == 0 || t->n > ENTRIES_MAX ||
        sec->size - TABLE_HEADER < (uint64_t)t->n * 4)
        return false;
    size = (size_t)t->n * 4;
    unsigned char *p = malloc(size);
    bool ok = p && !source_read(file, t->entries, p, size, &got, NULL) &&
              got == size &&
              !source_read(file, t->entries + size, sum, 4, &got, NULL);
    if (ok && got == 4 && sec->size >= TABLE_HEADER + size + 4)
        ok = u32le(sum) == adler32_z(1, p, size);
    uint64_t start = ok ? t->base + (u32le(p) & 0x7fffffff) : 0;
    free(p);
    /* EnCase 1 has no "sectors": the chunks follow the entries. */
    bool own = e->sectors == 0;
    t->end = own ? sec->data + sec->size : e->sectors_end;
    ok = ok && (own ? start >= t->entries : start == e->sectors);
    if (ok && e->total && t->n > e->total - e->info.chunks)
        e->too_many = true;
    return ok && t->n <= e->total - e->info.chunks;
}

/* A table of which only the count may be believed: its chunks are lost, what
 * follows keeps its place. */
static void table_lost(struct ewf_state *e)
{
    struct table t = { .n = e->lost_n, .lost = true };
    e->waiting = false;
    if (t.n == 0 || t.n > e->total - e->info.chunks || !table_add(e, t))
        stop_placing(e);
}

static void see_table(struct ewf_state *e, struct source *file,
                      const struct section *sec, bool second)
{
    struct table t;
    if (second && !e->waiting && e->sectors == 0)
        return; /* the copy of one that we have */
    if (!second && e->waiting)
        table_lost(e);
    if (e->stopped)
        return;
    if (table_check(e, file, sec, &t)) {
        e->waiting = false;
        if (!table_add(e, t))
            stop_placing(e);
        return;
    }
    e->info.bad_sections++;
    if (second) {
        if (e->lost_n != t.n)
            e->lost_n = e->lost_n ? 0 : t.n;
        table_lost(e);
    } else {
        e->waiting = true;
        e->lost_n = t.n;
    }
}

static void see_media(struct ewf_state *e, struct source *file,
                      const struct section *sec)
{
    unsigned char m[MEDIA_SIZE];
    size_t got;
    if (e->media || sec->size < sizeof m ||
        source_read(file, sec->data, m, sizeof m, &got, NULL) || got < sizeof m)
        return;
    uint64_t spc = u32le(m + 8), bps = u32le(m + 12), chunk;
    /* The small form (SMART, EnCase 1) has 32 bits for the sectors. */
    uint64_t n = sec->size == MEDIA_SIZE ? u32le(m + 16) : u64le(m + 16);
    if (spc == 0 || bps == 0 || bps > 65536 ||
        __builtin_mul_overflow(spc, bps, &chunk) || chunk > CHUNK_MAX ||
        n > INT64_MAX / bps)
        return;
    e->info.bytes_per_sector = (uint32_t)bps;
    e->info.chunk_size = (uint32_t)chunk;
    e->media = n * bps;
    e->total = e->media / chunk + (e->media % chunk != 0);
}

/* Before the walk: the first description that fits its checksum, of whichever
 * segment. One that does not is believed only when there is no other. */
static bool see_sound_media(void *ctx, struct source *file,
                            const struct section *sec)
{
    struct ewf_state *e = ctx;
    if (is_media(sec->type) && media_fits(file, sec))
        see_media(e, file, sec);
    return e->media == 0;
}

/* "hash" has an MD5, "digest" an MD5 and a SHA-1; both end in Adler-32. */
static void see_digest(struct ewf_state *e, struct source *file,
                       const struct section *sec, bool both)
{
    static const unsigned char none[20];
    unsigned char d[80];
    size_t size = both ? 80 : 36, got;
    if (sec->size < size || source_read(file, sec->data, d, size, &got, NULL) ||
        got < size || u32le(d + size - 4) != adler32(1, d, (uInt)size - 4)) {
        e->info.bad_digest = true;
        return;
    }
    if (memcmp(d, none, 16) != 0) {
        memcpy(e->info.md5, d, 16);
        e->info.stored |= EWF_MD5;
    }
    if (both && memcmp(d + 16, none, 20) != 0) {
        memcpy(e->info.sha1, d + 16, 20);
        e->info.stored |= EWF_SHA1;
    }
}

/* "error2": sectors that the acquisition could not read. */
static void see_errors(struct ewf_state *e, struct source *file,
                       const struct section *sec)
{
    enum { HEAD = 520, ERRORS_MAX = 1 << 16 };
    unsigned char n4[4], p[8];
    size_t got;
    if (e->errors || source_read(file, sec->data, n4, 4, &got, NULL) || got < 4)
        return;
    uint32_t n = u32le(n4);
    if (n > ERRORS_MAX || sec->size < HEAD + (uint64_t)n * 8 ||
        !(e->errors = calloc(n ? n : 1, sizeof *e->errors)))
        return;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = sec->data + HEAD + (uint64_t)i * 8;
        if (source_read(file, at, p, 8, &got, NULL) || got < 8)
            break;
        e->errors[e->n_errors++] = (struct gap){
            .off = (uint64_t)u32le(p) * e->info.bytes_per_sector,
            .len = (uint64_t)u32le(p + 4) * e->info.bytes_per_sector,
            .kind = GAP_UNREADABLE,
        };
    }
    e->info.acquiry_errors = n;
}

static bool see_section(void *ctx, struct source *file,
                        const struct section *sec)
{
    struct ewf_state *e = ctx;
    const char *t = sec->type;
    if (strcmp(t, "sectors") == 0) {
        if (e->waiting)
            table_lost(e);
        if (e->sectors) /* the last ones never got a table */
            stop_placing(e);
        e->sectors = sec->data;
        e->sectors_end = sec->data + sec->size;
    } else if (strcmp(t, "table") == 0 || strcmp(t, "table2") == 0) {
        see_table(e, file, sec, t[5] == '2');
    } else if (is_media(t)) {
        e->info.bad_sections += !media_fits(file, sec);
        see_media(e, file, sec);
    } else if (strcmp(t, "hash") == 0 || strcmp(t, "digest") == 0) {
        see_digest(e, file, sec, t[0] == 'd');
    } else if (strcmp(t, "error2") == 0) {
        see_errors(e, file, sec);
    } else if (strcmp(t, "next") == 0 || strcmp(t, "done") == 0) {
        e->ended = true;
        e->last = t[0] == 'd';
        return false;
    }
    return true;
}

/* A descriptor is damaged. If it was that of "sectors", its data begin right
 * behind it, which the table found next has to confirm. */
static void see_damage(void *ctx, uint64_t off)
{
    struct ewf_state *e = ctx;
    e->info.bad_sections++;
    if (e->sectors)
        return;
    e->sectors = off + SECTION;
    e->sectors_end = e->seg->file->size;
}

static void segment_walk(struct ewf_state *e, size_t i)
{
    e->seg = &e->segments[i];
    e->sectors = e->sectors_end = 0;
    e->ended = e->last = false;
    sections(e->seg->file, see_section, see_damage, e);
    if (e->waiting)
        table_lost(e);
    /* Chunks without a table: nothing says how many. The end of the set is
     * another matter: all chunks may be there. */
    if (e->sectors && e->info.chunks < e->total)
        stop_placing(e);
    if (!e->ended)
        e->info.incomplete = true;
}

/* The chunks of a foreign segment are not of this medium, and how many should
 * stand in their place nobody knows. */
static void name_foreign(struct ewf_state *e, size_t i, const char *why)
{
    e->info.foreign = e->segments[i].number;
    e->info.foreign_why = why;
    stop_placing(e);
}

/* One segment's chunks, or none of them when it is of another acquisition. */
static void segment_take(struct ewf_state *e, size_t i)
{
    uint64_t chunks = e->info.chunks;
    size_t tables = e->n_tables;
    const char *why = i ? foreign(&e->segments[0], &e->segments[i]) : NULL;
    if (!why && i && chunks == e->total && e->last)
        why = "the set has ended before it";
    if (why) {
        name_foreign(e, i, why);
        return;
    }
    segment_walk(e, i);
    if (i && e->too_many)
        why = "more chunks than the medium has";
    else if (i && e->last && i + 1 < e->n_segments && e->info.chunks < e->total)
        why = "it ends a set before this one is whole";
    if (!why)
        return;
    name_foreign(e, i, why);
    e->info.chunks = chunks;
    e->n_tables = tables;
}

static int walk(struct ewf_state *e, struct err *err)
{
    for (size_t i = 0; i < e->n_segments && e->media == 0; i++)
        sections(e->segments[i].file, see_sound_media, NULL, e);
    for (size_t i = 0; i < e->n_segments && !e->stopped; i++) {
        if (i > 0 && e->segments[i].number != e->segments[i - 1].number + 1)
            break;
        segment_take(e, i);
    }
    if (e->media == 0)
        return err_set(err, ERR_EVIDENCE,
                       "the description of the medium is missing or damaged");
    if (e->info.chunks < e->total)
        e->info.incomplete = true;
    sections(e->segments[0].file, see_header, NULL, e);
    e->info.values = e->values;
    return 0;
}

/* ---- the source --------------------------------------------------------- */

static const struct table *table_of(const struct ewf_state *e, uint64_t chunk)
{
    size_t lo = 0, hi = e->n_tables;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (e->tables[mid].first <= chunk)
            lo = mid;
        else
            hi = mid;
    }
    return &e->tables[lo];
}

static bool table_load(struct ewf_state *e, const struct table *t)
{
    size_t got, size = (size_t)t->n * 4;
    if (e->loaded == t)
        return true;
    e->loaded = NULL;
    free(e->entries);
    e->entries = malloc(size);
    if (!e->entries ||
        source_read(t->file, t->entries, e->entries, size, &got, NULL) ||
        got < size)
        return false;
    e->loaded = t;
    return true;
}

static bool inflate_chunk(struct ewf_state *e, size_t n, void *out, size_t size)
{
#ifdef HAVE_LIBDEFLATE
    size_t have = 0;
    return libdeflate_zlib_decompress(e->fast, e->packed, n, out, size,
                                      &have) == LIBDEFLATE_SUCCESS &&
           have == size;
#else
    uLongf have = size;
    return uncompress(out, &have, e->packed, n) == Z_OK && have == size;
#endif
}

/* A chunk that is not packed: n bytes and their Adler-32, of got. */
static bool stored_fits(const unsigned char *p, size_t got, size_t n)
{
    return got >= n + 4 && u32le(p + n) == adler32_z(1, p, n);
}

/* Decode one chunk of `size` content bytes; false when it is damaged. */
static bool chunk_load(struct ewf_state *e, uint64_t chunk, unsigned char *out,
                       size_t size)
{
    const struct table *t = table_of(e, chunk);
    size_t got, i = (size_t)(chunk - t->first);
    if (t->lost || i >= t->n || !table_load(e, t))
        return false;
    uint32_t entry = u32le(e->entries + i * 4);
    uint64_t off = t->base + (entry & 0x7fffffff);
    uint64_t end = t->end;
    if (i + 1 < t->n)
        end = t->base + (u32le(e->entries + (i + 1) * 4) & 0x7fffffff);
    if (end <= off)
        return false;
    uint64_t n = end - off;
    bool zlib = entry >> 31;
    /* Of the last chunk the end may be unknown, or lie behind the medium: not
     * whole sectors of a stream. */
    bool last = chunk + 1 == e->total;
    if (!zlib && !last && n > (uint64_t)size + 4)
        n = (uint64_t)size + 4;
    if (n > e->packed_size)
        n = e->packed_size;
    if (source_read(t->file, off, e->packed, (size_t)n, &got, NULL) ||
        source_gap_in(t->file, off, n))
        return false;
    if (zlib)
        return inflate_chunk(e, got, out, size);
    if (!stored_fits(e->packed, got, size) &&
        !(last && got > 4 && stored_fits(e->packed, got, got - 4)))
        return false;
    memcpy(out, e->packed, size);
    return true;
}

/* Bytes of the medium in this chunk. */
static size_t chunk_bytes(const struct ewf_state *e, uint64_t chunk)
{
    uint64_t left = e->media - chunk * e->info.chunk_size;
    return left < e->info.chunk_size ? (size_t)left : e->info.chunk_size;
}

static void chunk_read(struct source *s, uint64_t chunk, size_t from,
                       unsigned char *out, size_t n)
{
    struct ewf_state *e = s->state;
    size_t size = chunk_bytes(e, chunk);
    bool whole = from == 0 && n == size;
    unsigned char *to = whole ? out : e->chunk;
    if (e->chunk_at != chunk || whole) {
        if (!whole)
            e->chunk_at = chunk;
        if (!chunk_load(e, chunk, to, size)) {
            memset(to, 0, size);
            source_add_gap(s, chunk * e->info.chunk_size, size, GAP_UNREADABLE);
        }
    }
    if (!whole)
        memcpy(out, e->chunk + from, n);
}

static int ewf_read(struct source *s, uint64_t off, void *buf, size_t n,
                    struct err *err)
{
    struct ewf_state *e = s->state;
    unsigned char *p = buf;
    (void)err;
    while (n > 0) {
        uint64_t chunk = off / e->info.chunk_size;
        size_t from = (size_t)(off % e->info.chunk_size);
        if (chunk >= e->info.chunks) { /* the gap is known */
            memset(p, 0, n);
            break;
        }
        size_t part = chunk_bytes(e, chunk) - from;
        if (part > n)
            part = n;
        chunk_read(s, chunk, from, p, part);
        p += part;
        off += part;
        n -= part;
    }
    return 0;
}

static void state_close(struct ewf_state *e)
{
#ifdef HAVE_LIBDEFLATE
    if (e->fast)
        libdeflate_free_decompressor(e->fast);
#endif
    free(e->segments);
    free(e->tables);
    free(e->errors);
    free(e->entries);
    free(e->chunk);
    free(e->packed);
    arena_free(&e->arena);
    free(e);
}

static void ewf_close(struct source *s)
{
    state_close(s->state);
}

static const struct source_ops ewf_ops = { .read = ewf_read,
                                           .close = ewf_close };

static int buffers_open(struct ewf_state *e, struct err *err)
{
    e->chunk_at = UINT64_MAX;
    e->packed_size = e->info.chunk_size + e->info.chunk_size / 8 + 1024;
    e->chunk = malloc(e->info.chunk_size);
    e->packed = malloc(e->packed_size);
    bool ok = e->chunk && e->packed;
#ifdef HAVE_LIBDEFLATE
    e->fast = libdeflate_alloc_decompressor();
    ok = ok && e->fast;
#endif
    return ok ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

/* What is known before reading: chunks without a place, lost tables, sectors
 * that the acquisition could not read. */
static void known_gaps(struct source *s)
{
    const struct ewf_state *e = s->state;
    uint64_t size = e->info.chunk_size;
    if (e->info.chunks < e->total)
        source_add_gap(s, e->info.chunks * size, s->size, GAP_ABSENT);
    for (size_t i = 0; i < e->n_tables; i++)
        if (e->tables[i].lost)
            source_add_gap(s, e->tables[i].first * size, e->tables[i].n * size,
                           GAP_UNREADABLE);
    for (size_t i = 0; i < e->n_errors; i++)
        source_add_gap(s, e->errors[i].off, e->errors[i].len,
                       e->errors[i].kind);
}

struct source *ewf_source_open(struct source *file, struct err *err)
{
    struct ewf_state *e = calloc(1, sizeof *e);
    if (!e) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    if (segments_load(e, file, err) || walk(e, err) || buffers_open(e, err)) {
        state_close(e);
        return NULL;
    }
    struct source *s = source_make(&ewf_ops, e, e->media, file, "ewf", err);
    if (s)
        known_gaps(s);
    return s;
}

const struct ewf_info *ewf_source_info(const struct source *s)
{
    const struct ewf_state *e = s->state;
    return s->ops == &ewf_ops ? &e->info : NULL;
}
