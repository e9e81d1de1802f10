#include "importers/rpmdb_files.h"

#include <stdlib.h>

#include "base/varint.h"

enum { BLOB_MAX = 128 << 20 };

/* All n bytes, or nothing. */
static bool read_all(struct source *src, uint64_t off, void *p, size_t n)
{
    struct err ignored;
    size_t got;
    return !source_read(src, off, p, n, &got, &ignored) && got == n;
}

/* ---- NDB ----------------------------------------------------------------- */

enum {
    NDB_PAGE = 4096,
    NDB_SLOT = 16,
    NDB_BLOCK = 16,
    NDB_HEADER = 32,
    NDB_HEAD = 16, /* of a blob: magic, number, time, length */
    NDB_TAIL = 12, /* checksum, length, magic */
    NDB_PAGES_MAX = 1 << 16,
};

bool rpmdb_is_ndb(struct str head)
{
    return head.n >= NDB_HEADER && memcmp(head.p, "RpmP", 4) == 0 &&
           u32le(head.p + 4) == 0;
}

static uint32_t adler32(struct str s)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < s.n;) {
        size_t end = s.n - i > 5552 ? i + 5552 : s.n;
        for (; i < end; i++) {
            a += (uint8_t)s.p[i];
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    return b << 16 | a;
}

/* What is wrong with the blob in w->blob; NULL: nothing. */
static const char *ndb_fault(struct str all, uint32_t number)
{
    uint32_t n = u32le(all.p + 12);
    const char *tail = all.p + all.n - NDB_TAIL;
    if (memcmp(all.p, "BlbS", 4) != 0 || u32le(all.p + 4) != number)
        return "a slot that leads to no package";
    if (n > all.n - NDB_HEAD - NDB_TAIL ||
        all.n - NDB_HEAD - NDB_TAIL - n >= NDB_BLOCK)
        return "a package whose length does not fit its blocks";
    if (memcmp(tail + 8, "BlbE", 4) != 0 || u32le(tail + 4) != n)
        return "a package without its end";
    if (u32le(tail) != adler32(str_sub(all, 0, all.n - NDB_TAIL)))
        return "a package whose checksum differs";
    return NULL;
}

static int ndb_slot(struct rpmdb_walk *w, const unsigned char *slot)
{
    uint32_t number = u32le(slot + 4);
    uint64_t off = (uint64_t)u32le(slot + 8) * NDB_BLOCK;
    uint64_t n = (uint64_t)u32le(slot + 12) * NDB_BLOCK;
    if (n < NDB_HEAD + NDB_TAIL || n > BLOB_MAX || off > w->src->size ||
        n > w->src->size - off)
        return w->damaged(w->ctx, off < w->src->size ? off : 0, 0,
                          "a slot that leads out of the file");
    buf_clear(&w->blob);
    if (!buf_reserve(&w->blob, (size_t)n))
        return ERR_INTERNAL;
    if (!read_all(w->src, off, w->blob.p, (size_t)n))
        return w->damaged(w->ctx, off, n, "a package that cannot be read");
    w->blob.n = (size_t)n;
    const char *fault = ndb_fault(buf_str(&w->blob), number);
    uint32_t len = u32le(w->blob.p + 12);
    if (fault)
        return w->damaged(w->ctx, off, n, fault);
    struct rpmdb_found p = { number, str_sub(buf_str(&w->blob), NDB_HEAD, len),
                             off + NDB_HEAD, len };
    return w->fn(w->ctx, &p);
}

static int ndb_page(struct rpmdb_walk *w, uint32_t page)
{
    uint64_t off = (uint64_t)page * NDB_PAGE;
    int rc = 0;
    if (off >= w->src->size || !read_all(w->src, off, w->page, NDB_PAGE))
        return w->damaged(w->ctx, off < w->src->size ? off : 0, 0,
                          "a page of slots that is not in the file");
    for (size_t at = page ? 0 : NDB_HEADER; at < NDB_PAGE && rc == 0;
         at += NDB_SLOT) {
        if (memcmp(w->page + at, "Slot", 4) != 0)
            return w->damaged(w->ctx, off + at, NDB_SLOT,
                              "a slot without its mark; the rest of its page "
                              "is left out");
        if (u32le(w->page + at + 8))
            rc = ndb_slot(w, w->page + at);
    }
    return rc;
}

int rpmdb_ndb(struct rpmdb_walk *w)
{
    unsigned char head[NDB_HEADER];
    if (!read_all(w->src, 0, head, sizeof(head)))
        return w->damaged(w->ctx, 0, 0, "a file without its header");
    uint64_t pages = u32le(head + 12);
    uint64_t most = w->src->size / NDB_PAGE + 1;
    int rc = 0;
    if (pages > most)
        rc = w->damaged(w->ctx, 12, 4, "more pages of slots than the file has");
    if (pages > most)
        pages = most;
    w->page = malloc(NDB_PAGE);
    if (!w->page)
        return ERR_INTERNAL;
    for (uint32_t i = 0; i < pages && i < NDB_PAGES_MAX && rc == 0; i++)
        rc = ndb_page(w, i);
    free(w->page);
    buf_free(&w->blob);
    return rc;
}

/* ---- Berkeley DB, hash --------------------------------------------------- */

enum {
    BDB_META = 512,
    BDB_MAGIC = 0x061561,
    BDB_PAGE_HEADER = 26,
    BDB_HASH_UNSORTED = 2,
    BDB_OVERFLOW = 7,
    BDB_HASH = 13,
    BDB_ON_PAGE = 1,
    BDB_OFF_PAGE = 3,
    BDB_CHECKSUMS = 1, /* in the flags of the meta page */
};

struct bdb {
    struct rpmdb_walk *w;
    uint32_t page_size, pages;
    bool big; /* written on a big-endian machine */
    unsigned char *page, *overflow;
};

static uint32_t bdb32(const struct bdb *b, const unsigned char *p)
{
    return b->big ? u32be(p) : u32le(p);
}

static uint16_t bdb16(const struct bdb *b, const unsigned char *p)
{
    return b->big ? u16be(p) : u16le(p);
}

bool rpmdb_is_bdb(struct str head)
{
    return head.n >= 72 &&
           (u32le(head.p + 12) == BDB_MAGIC ||
            u32be(head.p + 12) == BDB_MAGIC) &&
           (head.p[25] == 8 || head.p[25] == 0);
}

/* The chain of pages that hold a value too long for its own. */
static bool bdb_chain(struct bdb *b, uint32_t no, uint32_t left)
{
    uint64_t steps = 0;
    buf_clear(&b->w->blob);
    while (left) {
        uint64_t off = (uint64_t)no * b->page_size;
        if (no == 0 || no >= b->pages || ++steps > b->pages ||
            !read_all(b->w->src, off, b->overflow, b->page_size))
            return false;
        uint32_t n = bdb16(b, b->overflow + 22);
        if (b->overflow[25] != BDB_OVERFLOW || n == 0 || n > left ||
            n > b->page_size - BDB_PAGE_HEADER)
            return false;
        buf_put(&b->w->blob,
                (struct str){ (char *)b->overflow + BDB_PAGE_HEADER, n });
        left -= n;
        no = bdb32(b, b->overflow + 16);
    }
    return !b->w->blob.failed;
}

/* One value of a page: [off, off+n). */
static int bdb_value(struct bdb *b, uint64_t page, uint32_t number,
                     uint32_t off, uint32_t n)
{
    struct rpmdb_walk *w = b->w;
    const unsigned char *p = b->page + off;
    struct rpmdb_found f = { .number = number };
    if (p[0] == BDB_ON_PAGE) {
        f.blob = (struct str){ (const char *)p + 1, n - 1 };
        f.off = page + off + 1;
        f.len = n - 1;
        return w->fn(w->ctx, &f);
    }
    uint32_t first = n >= 12 ? bdb32(b, p + 4) : 0;
    uint32_t len = n >= 12 ? bdb32(b, p + 8) : 0;
    if (p[0] != BDB_OFF_PAGE || first == 0 || len > BLOB_MAX ||
        len > w->src->size || !bdb_chain(b, first, len))
        return w->damaged(w->ctx, page + off, n,
                          "a package whose pages cannot be followed");
    f.blob = buf_str(&w->blob);
    f.off = (uint64_t)first * b->page_size + BDB_PAGE_HEADER;
    f.len = len < b->page_size - BDB_PAGE_HEADER
                ? len
                : b->page_size - BDB_PAGE_HEADER;
    return w->fn(w->ctx, &f);
}

/* Keys and values take turns, from the end of the page to its front. */
static int bdb_page(struct bdb *b, uint32_t no)
{
    uint64_t page = (uint64_t)no * b->page_size;
    uint32_t n = bdb16(b, b->page + 20), end = b->page_size;
    int rc = 0;
    if (n > (b->page_size - BDB_PAGE_HEADER) / 2)
        return b->w->damaged(b->w->ctx, page, BDB_PAGE_HEADER,
                             "a page with more entries than it has room for");
    for (uint32_t i = 0; i + 1 < n && rc == 0; i += 2) {
        const unsigned char *at = b->page + BDB_PAGE_HEADER + (size_t)i * 2;
        uint32_t key = bdb16(b, at), value = bdb16(b, at + 2);
        if (key >= end || value >= key || value < BDB_PAGE_HEADER + n * 2)
            return b->w->damaged(b->w->ctx, page, BDB_PAGE_HEADER,
                                 "a page whose entries overlap");
        uint32_t number = 0;
        if (end - key == 5 && b->page[key] == BDB_ON_PAGE)
            number = bdb32(b, b->page + key + 1);
        if (number) /* 0: the next number to give */
            rc = bdb_value(b, page, number, value, key - value);
        end = value;
    }
    return rc;
}

static int bdb_pages(struct bdb *b)
{
    int rc = 0;
    for (uint32_t no = 1; no < b->pages && rc == 0; no++) {
        uint64_t off = (uint64_t)no * b->page_size;
        if (!read_all(b->w->src, off, b->page, b->page_size))
            return b->w->damaged(b->w->ctx, off, 0,
                                 "a page that cannot be read");
        uint8_t type = b->page[25];
        if ((type == BDB_HASH || type == BDB_HASH_UNSORTED) &&
            bdb32(b, b->page + 8) == no)
            rc = bdb_page(b, no);
    }
    return rc;
}

int rpmdb_bdb(struct rpmdb_walk *w)
{
    unsigned char meta[72];
    struct bdb b = { .w = w };
    if (!read_all(w->src, 0, meta, sizeof(meta)))
        return w->damaged(w->ctx, 0, 0, "a file without its header");
    b.big = u32be(meta + 12) == BDB_MAGIC;
    b.page_size = bdb32(&b, meta + 20);
    if (meta[24] || meta[26] & BDB_CHECKSUMS)
        return w->damaged(w->ctx, 24, 3,
                          "an encrypted or checksummed table is not read");
    if (b.page_size < 512 || b.page_size > 65536 ||
        (b.page_size & (b.page_size - 1)))
        return w->damaged(w->ctx, 20, 4, "an impossible page size");
    uint64_t pages = w->src->size / b.page_size, said = bdb32(&b, meta + 32);
    int rc = 0;
    if (said >= pages)
        rc = w->damaged(w->ctx, 32, 4, "fewer pages than the header says");
    b.pages = pages > UINT32_MAX ? UINT32_MAX : (uint32_t)pages;
    b.page = malloc(b.page_size);
    b.overflow = malloc(b.page_size);
    if (!b.page || !b.overflow)
        rc = ERR_INTERNAL;
    else if (rc == 0)
        rc = bdb_pages(&b);
    free(b.page);
    free(b.overflow);
    buf_free(&w->blob);
    return rc;
}
