/*
 * LiME version 1 and AVML version 2: a header of 32 bytes (magic, version,
 * first and last address, reserved; little-endian) and the range's bytes, one
 * after the other to the end of the file. AVML's bytes are a snappy stream in
 * frames of at most 64 KiB, then its length. Sources: LiME main.c, AVML
 * image.rs and io/snappy.rs, snappy framing_format.txt.
 *
 * Where a file stops making sense, the place is an issue and reading goes on
 * at the next header, if one follows.
 */
#include "base/varint.h"
#include "evidence/memory.h"

#include <snappy-c.h>

enum {
    HEADER = 32,
    STREAM_ID = 10, /* frame: type, length, "sNaPpY" */
    FRAME = 4,
    CRC = 4,
    FRAME_PACKED = 0,
    FRAME_STORED = 1,
    FRAME_SKIPPABLE = 0x80,
    FRAME_STREAM = 0xff,
};
static const char stream_id[STREAM_ID] = "\xff\x06\0\0sNaPpY";

struct header {
    bool avml;
    uint64_t start, len;
    bool reserved; /* the field that should be zero is not */
};

/* NULL, or why there is no header here. */
static const char *header_of(const unsigned char *p, struct header *h)
{
    h->avml = memcmp(p, "AVML", 4) == 0;
    if (!h->avml && memcmp(p, "EMiL", 4) != 0)
        return "no range header";
    uint32_t version = u32le(p + 4);
    if (version != (h->avml ? 2 : 1))
        return "a range header of an unknown version";
    uint64_t end = u64le(p + 16);
    h->start = u64le(p + 8);
    if (end < h->start)
        return "a range that ends before it starts";
    if (end >= MEMORY_ADDRESS_END)
        return "a range beyond 2^52";
    h->len = end - h->start + 1;
    h->reserved = u64le(p + 24) != 0;
    return NULL;
}

/* The next header at or after off that cannot well be anything else; the
 * file's size when there is none. */
static uint64_t resync(struct memory_layout *l, uint64_t off)
{
    for (;; off++) {
        const unsigned char *p = memory_peek(l, off, HEADER);
        struct header h;
        if (!p)
            return l->file->size;
        /* as far as the window goes */
        size_t n = l->window_n - (size_t)(off - l->window_at) - HEADER;
        size_t i = 0;
        while (i < n && p[i] != 'E' && p[i] != 'A')
            i++;
        off += i;
        p += i;
        if (header_of(p, &h) || h.reserved)
            continue;
        p = memory_peek(l, off, HEADER + STREAM_ID);
        if (!h.avml || (p && memcmp(p + HEADER, stream_id, STREAM_ID) == 0))
            return off;
    }
}

/* ---- LiME --------------------------------------------------------------- */

static bool lime_range(struct memory_layout *l, const struct header *h,
                       uint64_t off, uint64_t *next)
{
    uint64_t have = l->file->size - off;
    if (have < h->len)
        memory_issue(l, "memory-cut", true, h->start + have,
                     "the file ends in the range of 0x%llx: %llu of %llu bytes "
                     "are missing",
                     (unsigned long long)h->start,
                     (unsigned long long)(h->len - have),
                     (unsigned long long)h->len);
    uint64_t n = have < h->len ? have : h->len;
    *next = off + n;
    return memory_add(l, (struct memory_piece){ h->start, n, off, 0, 0 });
}

/* ---- AVML --------------------------------------------------------------- */

/* Unpacked length of a data frame with n bytes at off; 0 when it cannot be. */
static size_t frame_content(struct memory_layout *l, unsigned type,
                            uint64_t off, size_t n)
{
    if (n <= CRC || n > MEMORY_CHUNK_PACKED)
        return 0;
    size_t content = n - CRC;
    if (type == FRAME_PACKED) {
        size_t look = content < 5 ? content : 5;
        const unsigned char *p = memory_peek(l, off + CRC, look);
        struct cursor c = cursor_of(p, p ? look : 0);
        uint64_t v = cursor_varint(&c);
        content = c.failed || v > MEMORY_CHUNK ? 0 : (size_t)v;
    }
    return content <= MEMORY_CHUNK ? content : 0;
}

struct stream {
    const struct header *h;
    uint64_t at;   /* in the file */
    uint64_t done; /* bytes of the range */
    bool full;     /* the index takes no more */
    bool cut;      /* a frame goes beyond the end of the file */
};

/* One frame; false when the stream cannot be followed. */
static bool frame(struct memory_layout *l, struct stream *s)
{
    const unsigned char *p = memory_peek(l, s->at, FRAME);
    if (!p)
        return false;
    unsigned type = p[0];
    size_t n = (size_t)(u32le(p) >> 8);
    uint64_t body = s->at + FRAME;
    s->cut = n > l->file->size - body;
    if (s->cut)
        return false;
    if (type == FRAME_STREAM) {
        p = memory_peek(l, s->at, STREAM_ID);
        if (!p || memcmp(p, stream_id, STREAM_ID) != 0)
            return false;
    } else if (type < FRAME_SKIPPABLE) {
        size_t have =
            type <= FRAME_STORED ? frame_content(l, type, body, n) : 0;
        if (have == 0)
            return false;
        uint64_t left = s->h->len - s->done;
        if (have > left)
            memory_issue(l, "memory-excess", false, s->h->start,
                         "the stream of 0x%llx holds more than its range",
                         (unsigned long long)s->h->start);
        struct memory_piece piece = {
            .start = s->h->start + s->done,
            .len = have < left ? have : left,
            .file = body,
            .packed = (uint32_t)n | (type == FRAME_STORED ? MEMORY_STORED : 0),
        };
        s->full = !memory_add(l, piece);
        s->done += piece.len;
    }
    s->at = body + n;
    return !s->full;
}

static bool avml_range(struct memory_layout *l, const struct header *h,
                       uint64_t off, uint64_t *next)
{
    struct stream s = { .h = h, .at = off };
    while (s.done < h->len && frame(l, &s))
        ;
    *next = s.at;
    if (s.full)
        return false;
    const unsigned char *p = memory_peek(l, s.at, 8);
    if (s.done < h->len) {
        bool cut = s.cut || !p;
        memory_issue(
            l, cut ? "memory-cut" : "memory-stream", true, h->start + s.done,
            "the stream of 0x%llx %s at byte %llu of the file: %llu "
            "of %llu bytes are missing",
            (unsigned long long)h->start, cut ? "ends" : "is damaged",
            (unsigned long long)s.at, (unsigned long long)(h->len - s.done),
            (unsigned long long)h->len);
        struct memory_piece lost = { h->start + s.done, h->len - s.done, s.at,
                                     MEMORY_LOST, 0 };
        *next = resync(l, s.at);
        return cut || memory_add(l, lost);
    }
    if (!p)
        memory_issue(l, "memory-cut", false, h->start,
                     "the file ends before the length of the last stream");
    else if (u64le(p) != s.at - off)
        memory_issue(l, "memory-length", false, h->start,
                     "the stream of 0x%llx has %llu bytes and is said to have "
                     "%llu",
                     (unsigned long long)h->start,
                     (unsigned long long)(s.at - off),
                     (unsigned long long)u64le(p));
    *next = p ? s.at + 8 : l->file->size;
    return true;
}

/* ---- both --------------------------------------------------------------- */

/* No header where one should be: *next is where to go on. */
static int broken(struct memory_layout *l, uint64_t off, const char *why,
                  uint64_t *next, struct err *err)
{
    uint64_t left = l->file->size - off;
    if (off == 0)
        return err_set(err, ERR_EVIDENCE, "%s at the start of the file", why);
    *next = left < HEADER ? l->file->size : resync(l, off + 1);
    memory_issue(l, "memory-break", true, 0,
                 "%s at byte %llu of the file: %llu bytes are skipped",
                 left < HEADER ? "a cut range header" : why,
                 (unsigned long long)off, (unsigned long long)(*next - off));
    return 0;
}

int memory_walk_ranges(struct memory_layout *l, struct err *err)
{
    uint64_t off = 0, reserved = 0;
    bool more = true;
    while (more && off < l->file->size) {
        const unsigned char *p = memory_peek(l, off, HEADER);
        struct header h;
        const char *why = p ? header_of(p, &h) : "a cut range header";
        if (why) {
            int code = broken(l, off, why, &off, err);
            if (code)
                return code;
            continue;
        }
        reserved += h.reserved;
        if (l->stated++ == MEMORY_RANGES_MAX) {
            memory_issue(l, "memory-ranges", true, h.start,
                         "more than %d ranges; what follows 0x%llx in the file "
                         "is not read",
                         (int)MEMORY_RANGES_MAX, (unsigned long long)h.start);
            break;
        }
        more = h.avml ? avml_range(l, &h, off + HEADER, &off)
                      : lime_range(l, &h, off + HEADER, &off);
    }
    if (reserved)
        memory_issue(l, "memory-reserved", false, 0,
                     "%llu range headers have a reserved field that is not "
                     "zero",
                     (unsigned long long)reserved);
    return 0;
}

/* ---- frames ------------------------------------------------------------- */

#if defined(__x86_64__)
/* 8 bytes an instruction, where the processor has it. */
__attribute__((target("sse4.2"))) static uint32_t
crc_hardware(uint32_t crc, const unsigned char *p, size_t n)
{
    uint64_t c = crc;
    for (; n >= 8; n -= 8, p += 8)
        c = __builtin_ia32_crc32di(c, u64le(p));
    uint32_t low = (uint32_t)c;
    for (; n > 0; n--)
        low = __builtin_ia32_crc32qi(low, *p++);
    return low;
}
#endif

static uint32_t crc_table(uint32_t crc, const unsigned char *p, size_t n)
{
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int bit = 0; bit < 8; bit++)
            v = v >> 1 ^ (v & 1 ? 0x82f63b78 : 0);
        table[i] = v;
    }
    for (size_t i = 0; i < n; i++)
        crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
    return crc;
}

/* CRC-32C as the framing format masks it. */
static uint32_t masked_crc(const unsigned char *p, size_t n)
{
    uint32_t crc;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        crc = crc_hardware(~0u, p, n);
    else
#endif
        crc = crc_table(~0u, p, n);
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

size_t memory_unpack(struct source *file, const struct memory_piece *p,
                     unsigned char *packed, unsigned char *out)
{
    size_t n = p->packed & MEMORY_PACKED, got = 0, have = MEMORY_CHUNK;
    if (n <= CRC || n > MEMORY_CHUNK_PACKED ||
        source_read(file, p->file, packed, n, &got, NULL) || got < n ||
        source_gap_in(file, p->file, n))
        return 0;
    if (p->packed & MEMORY_STORED) {
        have = n - CRC;
        memcpy(out, packed + CRC, have);
    } else if (snappy_uncompress((const char *)packed + CRC, n - CRC,
                                 (char *)out, &have) != SNAPPY_OK) {
        return 0;
    }
    return masked_crc(out, have) == u32le(packed) ? have : 0;
}
