/*
 * zip (PKWARE APPNOTE 6.3.10): end record, zip64, central directory. Without
 * an end record the local headers are followed from the start, as far as they
 * state sizes.
 */
#include "evidence/archive.h"

#include <stdlib.h>

#include "base/varint.h"

enum {
    EOCD = 22,
    EOCD_MAX = EOCD + 65535, /* with its comment */
    LOCATOR = 20,
    EOCD64 = 56,
    CENTRAL = 46,
    LOCAL = 30,
    ENCRYPTED = 1,
    LATER = 8, /* sizes follow the data */
};

static bool read_exact(struct source *s, uint64_t off, void *buf, size_t n)
{
    size_t got;
    return !source_read(s, off, buf, n, &got, NULL) && got == n;
}

struct directory {
    uint64_t off, size, count;
    uint64_t bias; /* bytes before the archive */
};

static bool end64(struct source *s, uint64_t eocd, struct directory *d)
{
    unsigned char l[LOCATOR], e[EOCD64];
    if (eocd < LOCATOR || !read_exact(s, eocd - LOCATOR, l, sizeof l) ||
        memcmp(l, "PK\x06\x07", 4) != 0)
        return false;
    uint64_t at = u64le(l + 8);
    if (!read_exact(s, at, e, sizeof e) || memcmp(e, "PK\x06\x06", 4) != 0)
        return false;
    d->count = u64le(e + 32);
    d->size = u64le(e + 40);
    d->off = u64le(e + 48);
    return true;
}

/* The last end record whose comment reaches the end of the file. */
static bool end_find(struct source *s, uint64_t *at)
{
    size_t n = s->size < EOCD_MAX ? (size_t)s->size : EOCD_MAX, got = 0;
    unsigned char *p = malloc(n ? n : 1);
    uint64_t start = s->size - n;
    bool found = false;
    if (p && n >= EOCD && !source_read(s, start, p, n, &got, NULL))
        for (size_t i = got - EOCD + 1; i-- > 0 && !found;)
            if (memcmp(p + i, "PK\x05\x06", 4) == 0 &&
                i + EOCD + u16le(p + i + 20) == got) {
                *at = start + i;
                found = true;
            }
    free(p);
    return found;
}

static bool directory_find(struct source *s, struct members *a,
                           struct directory *d)
{
    unsigned char e[EOCD];
    uint64_t at;
    if (!end_find(s, &at) || !read_exact(s, at, e, sizeof e))
        return false;
    *d = (struct directory){ u32le(e + 16), u32le(e + 12), u16le(e + 10), 0 };
    bool wide =
        d->off == UINT32_MAX || d->size == UINT32_MAX || d->count == UINT16_MAX;
    uint64_t end = at;
    if (wide && end64(s, at, d))
        end = at - LOCATOR - EOCD64;
    if (d->size > end) {
        members_issue(a, "zip-directory", at,
                      "the central directory is larger than the file");
        return false;
    }
    /* Something may stand before the archive: offsets count without it. */
    if (!(wide && d->off + d->size < end) && end - d->size >= d->off) {
        d->bias = end - d->size - d->off;
        if (d->bias)
            members_issue(a, "zip-prefix", 0,
                          "other bytes stand before the archive");
    }
    return true;
}

/* Sizes and offset of 64 bits from the extra field. */
static void extra64(struct cursor c, struct archive_member *m, uint64_t *head)
{
    while (cursor_left(&c) >= 4) {
        unsigned id = cursor_u16(&c);
        struct str field = cursor_str(&c, cursor_u16(&c));
        if (id != 1 || c.failed)
            continue;
        struct cursor f = cursor_of(field.p, field.n);
        if (m->size == UINT32_MAX)
            m->size = cursor_u64(&f);
        if (m->packed == UINT32_MAX)
            m->packed = cursor_u64(&f);
        if (*head == UINT32_MAX)
            *head = cursor_u64(&f);
        return;
    }
}

static void set_method(struct archive_member *m, unsigned flags)
{
    if (flags & ENCRYPTED)
        m->flags |= ARCHIVE_ENCRYPTED;
    if (m->method != 0 && m->method != 8)
        m->flags |= ARCHIVE_METHOD;
    if (m->method == 0 && m->size != m->packed)
        m->flags |= ARCHIVE_MISMATCH;
    if (m->name.n && m->name.p[m->name.n - 1] == '/')
        m->type = ARCHIVE_DIR;
}

/* Digest and sizes of a local header, where it has them: not when they follow
 * the data, nor those of 64 bits, which lie in its extra field. */
static bool same_sizes(const unsigned char *h, const struct archive_member *m)
{
    if (u16le(h + 6) & LATER)
        return true;
    uint64_t packed = u32le(h + 18), size = u32le(h + 22);
    return u32le(h + 14) == m->crc &&
           (packed == UINT32_MAX || packed == m->packed) &&
           (size == UINT32_MAX || size == m->size);
}

/* Where the bytes begin, and whether the local header says the same. */
static void local_check(struct source *s, struct archive_member *m)
{
    unsigned char h[LOCAL];
    m->off = m->head;
    if (!read_exact(s, m->head, h, sizeof h)) {
        m->flags |= ARCHIVE_BEYOND;
        return;
    }
    if (memcmp(h, "PK\x03\x04", 4) != 0) {
        m->flags |= ARCHIVE_MISMATCH | ARCHIVE_METHOD;
        return;
    }
    size_t n = u16le(h + 26);
    m->off = m->head + LOCAL + n + u16le(h + 28);
    char *name = malloc(n ? n : 1);
    bool same = name && n == m->name.n &&
                read_exact(s, m->head + LOCAL, name, n) &&
                memcmp(name, m->name.p ? m->name.p : "", n) == 0;
    free(name);
    if (!same || u16le(h + 8) != m->method || !same_sizes(h, m))
        m->flags |= ARCHIVE_MISMATCH;
}

/* One entry of the central directory at c; false at its end. */
static bool central_entry(struct source *s, struct members *a, struct cursor *c,
                          uint64_t bias, struct err *err)
{
    const unsigned char *h = cursor_take(c, CENTRAL);
    if (!h || memcmp(h, "PK\x01\x02", 4) != 0)
        return false;
    struct str name = cursor_str(c, u16le(h + 28));
    struct str extra = cursor_str(c, u16le(h + 30));
    cursor_take(c, u16le(h + 32));
    if (c->failed)
        return false;
    struct archive_member *m = members_add(a, err);
    if (!m)
        return false;
    uint64_t head = u32le(h + 42);
    m->name = arena_copy(&a->arena, name);
    m->method = u16le(h + 10);
    m->crc = u32le(h + 16);
    m->packed = u32le(h + 20);
    m->size = u32le(h + 24);
    extra64(cursor_of(extra.p, extra.n), m, &head);
    set_method(m, u16le(h + 8));
    if (__builtin_add_overflow(head, bias, &m->head))
        m->head = UINT64_MAX;
    local_check(s, m);
    return true;
}

static int central_list(struct source *s, struct members *a,
                        const struct directory *d, struct err *err)
{
    enum { SIZE_LIMIT = 256 << 20 };
    if (d->size > SIZE_LIMIT)
        return err_set(err, ERR_EVIDENCE, "zip: a directory of over 256 MiB");
    unsigned char *p = malloc((size_t)d->size ? (size_t)d->size : 1);
    if (!p)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (!read_exact(s, d->off + d->bias, p, (size_t)d->size)) {
        members_issue(a, "zip-directory", d->off,
                      "the central directory cannot be read");
    } else {
        struct cursor c = cursor_of(p, (size_t)d->size);
        while (cursor_left(&c) && central_entry(s, a, &c, d->bias, err))
            ;
        if (cursor_left(&c) || c.failed)
            members_issue(a, "zip-directory", d->off,
                          "the central directory is damaged");
        else if (a->n != d->count)
            members_issue(a, "zip-count", d->off,
                          "another count of members than stated");
    }
    free(p);
    return err && err->code == ERR_INTERNAL ? err->code : 0;
}

/* Without a directory: one local header after the other. */
static int local_list(struct source *s, struct members *a, struct err *err)
{
    unsigned char h[LOCAL];
    char name[65536];
    uint64_t off = 0;
    while (read_exact(s, off, h, sizeof h) && memcmp(h, "PK\x03\x04", 4) == 0) {
        size_t n = u16le(h + 26);
        unsigned flags = u16le(h + 6);
        if (!read_exact(s, off + LOCAL, name, n))
            break;
        struct archive_member *m = members_add(a, err);
        if (!m)
            break;
        m->name = arena_copy(&a->arena, (struct str){ name, n });
        m->method = u16le(h + 8);
        m->crc = u32le(h + 14);
        m->packed = u32le(h + 18);
        m->size = u32le(h + 22);
        m->head = off;
        m->off = off + LOCAL + n + u16le(h + 28);
        set_method(m, flags);
        if (flags & LATER) {
            m->flags |= ARCHIVE_METHOD;
            members_issue(a, "zip-sizes", off,
                          "sizes are only in the lost directory");
            break;
        }
        off = m->off + m->packed;
    }
    return err && err->code == ERR_INTERNAL ? err->code : 0;
}

int zip_list(struct source *s, struct members *a, struct err *err)
{
    struct directory d;
    if (directory_find(s, a, &d))
        return central_list(s, a, &d, err);
    members_issue(a, "zip-cut", s->size,
                  "the archive has no end record: it is cut or damaged");
    return local_list(s, a, err);
}
