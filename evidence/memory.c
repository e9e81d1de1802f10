#include "evidence/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/varint.h"
#include "evidence/worker.h"

enum {
    WINDOW = 4096,
    PAGE = 4096,
    SLOTS = 128, /* unpacked chunks kept: 8 MiB */
    PIECES_MAX = 1 << 23,
};

struct slot {
    size_t piece; /* + 1; 0 = empty */
    uint64_t used;
    size_t n; /* 0: the chunk is damaged */
    unsigned char *bytes;
};

struct memory_state {
    struct memory_layout l;
    struct memory_info info;
    struct memory_range *ranges;
    struct slot slots[SLOTS];
    uint64_t clock;
    unsigned char *packed;
};

/* ---- recognition -------------------------------------------------------- */

static bool has(struct str head, size_t at, const char *magic, size_t n)
{
    return head.n >= at + n && memcmp(head.p + at, magic, n) == 0;
}

enum memory_format memory_recognise(struct str head)
{
    if (head.n < 32)
        return MEMORY_NONE;
    if (has(head, 0, "EMiL", 4))
        return MEMORY_LIME;
    if (has(head, 0, "AVML", 4))
        return MEMORY_AVML;
    if (has(head, 0,
            "\x7f"
            "ELF",
            4) &&
        head.p[5] == 1 && head.p[6] == 1 && u16le(head.p + 16) == 4)
        return MEMORY_ELF;
    return MEMORY_NONE;
}

const char *memory_format_name(enum memory_format f)
{
    static const char *const names[] = {
        [MEMORY_NONE] = "none",           [MEMORY_RAW] = "raw",
        [MEMORY_LIME] = "LiME version 1", [MEMORY_AVML] = "AVML version 2",
        [MEMORY_ELF] = "ELF core",
    };
    return names[f];
}

const char *memory_unread(struct str head)
{
    static const struct {
        size_t at;
        const char *magic;
        size_t n;
        const char *name;
    } known[] = {
        { 0, "KDUMP   ", 8, "a kdump-compressed dump" },
        { 0, "DISKDUMP", 8, "a diskdump" },
        { 0, "makedumpfile\0\0\0\0", 16, "a flattened kdump stream" },
        { 0, "PAGEDU64", 8, "a Windows crash dump (64 bits)" },
        { 0, "PAGEDUMP", 8, "a Windows crash dump (32 bits)" },
        { 0, "\xd0\xbe\xd2\xbe", 4, "a VMware state file" },
        { 0, "\xd1\xba\xd1\xba", 4, "a VMware state file" },
        { 0, "\xd2\xbe\xd2\xbe", 4, "a VMware state file" },
        { 0, "\xd3\xbe\xd3\xbe", 4, "a VMware state file" },
        { 4086, "S1SUSPEND", 9, "a Linux hibernation image" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has(head, known[i].at, known[i].magic, known[i].n))
            return known[i].name;
    return NULL;
}

/* ---- describing the layout ---------------------------------------------- */

/* A dump's index is built from many small reads far apart. */
static void tell(uint64_t off)
{
    if (worker_job())
        (void)worker_progress(off);
}

const unsigned char *memory_peek(struct memory_layout *l, uint64_t off,
                                 size_t n)
{
    if (off < l->window_at || off - l->window_at > l->window_n ||
        l->window_n - (off - l->window_at) < n) {
        size_t got = 0;
        tell(off);
        if (source_read(l->file, off, l->window, WINDOW, &got, NULL))
            got = 0;
        l->window_at = off;
        l->window_n = got;
    }
    size_t at = (size_t)(off - l->window_at);
    return at <= l->window_n && l->window_n - at >= n ? l->window + at : NULL;
}

void memory_issue(struct memory_layout *l, const char *code, bool lost,
                  uint64_t address, const char *fmt, ...)
{
    if (l->n_issues == MEMORY_ISSUES_MAX) {
        l->more_issues++;
        return;
    }
    struct memory_issue *i = &l->issues[l->n_issues++];
    *i = (struct memory_issue){ code, lost, address, "" };
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(i->text, sizeof i->text, fmt, ap);
    va_end(ap);
}

bool memory_add(struct memory_layout *l, struct memory_piece p)
{
    if (p.len == 0)
        return true;
    struct memory_piece *last = l->n ? &l->pieces[l->n - 1] : NULL;
    if (l->n == l->cap && l->cap < PIECES_MAX) {
        size_t cap = l->cap ? l->cap * 2 : 256;
        void *grown = realloc(l->pieces, cap * sizeof *l->pieces);
        if (grown) {
            l->pieces = grown;
            l->cap = cap;
        }
    }
    if (l->n == l->cap) {
        memory_issue(l, "memory-index-full", true, p.start,
                     "more than %zu chunks: what follows address 0x%llx in the "
                     "file is not read",
                     l->n, (unsigned long long)(last ? last->start : 0));
        return false;
    }
    l->pieces[l->n++] = p;
    return true;
}

static int walk_raw(struct memory_layout *l, struct err *err)
{
    uint64_t size = l->file->size, whole = size / PAGE * PAGE;
    if (whole == 0)
        return err_set(err, ERR_EVIDENCE,
                       size ? "less than one page of memory"
                            : "the file is empty");
    if (whole > MEMORY_ADDRESS_END)
        whole = MEMORY_ADDRESS_END;
    l->stated = 1;
    memory_add(l, (struct memory_piece){ .len = whole });
    if (whole < size)
        memory_issue(l, "memory-tail", true, whole,
                     "the last %llu bytes of the file are not a whole page; "
                     "they are not read",
                     (unsigned long long)(size - whole));
    return 0;
}

/* ---- the layout in order ------------------------------------------------ */

static int by_start(const void *pa, const void *pb)
{
    const struct memory_piece *a = pa, *b = pb;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return a->file < b->file ? -1 : a->file > b->file;
}

/* told: only LiME and AVML promise an order. */
static void sort_pieces(struct memory_layout *l, bool told)
{
    size_t i = 1;
    while (i < l->n && l->pieces[i - 1].start <= l->pieces[i].start)
        i++;
    if (i >= l->n)
        return;
    if (told)
        memory_issue(
            l, "memory-order", false, l->pieces[i].start,
            "ranges are not in the order of their addresses: 0x%llx comes "
            "after 0x%llx",
            (unsigned long long)l->pieces[i].start,
            (unsigned long long)l->pieces[i - 1].start);
    qsort(l->pieces, l->n, sizeof *l->pieces, by_start);
}

/* Where two pieces hold one address, the one that begins lower is used, of
 * equals the first in the file. */
static void cut_overlaps(struct memory_layout *l)
{
    uint64_t end = 0, twice = 0, first = 0;
    size_t out = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct memory_piece p = l->pieces[i];
        uint64_t over = p.start < end ? end - p.start : 0;
        if (over > p.len)
            over = p.len;
        if (over && !twice)
            first = p.start;
        twice += over;
        p.start += over;
        p.len -= over;
        if (p.packed)
            p.skip += (uint32_t)over;
        else
            p.file += over;
        if (p.len) {
            end = p.start + p.len;
            l->pieces[out++] = p;
        }
    }
    l->n = out;
    if (twice)
        memory_issue(l, "memory-overlap", false, first,
                     "ranges overlap from 0x%llx on: %llu bytes are in the "
                     "file more than once, one copy is used",
                     (unsigned long long)first, (unsigned long long)twice);
}

static bool range_add(struct memory_state *m, size_t *cap, uint64_t start,
                      uint64_t len)
{
    struct memory_info *in = &m->info;
    struct memory_range *last =
        in->n_ranges ? &m->ranges[in->n_ranges - 1] : NULL;
    in->present += len;
    if (last && last->start + last->len == start) {
        last->len += len;
        return true;
    }
    if (in->n_ranges == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        void *grown = realloc(m->ranges, *cap * sizeof *m->ranges);
        if (!grown)
            return false;
        m->ranges = grown;
    }
    m->ranges[in->n_ranges++] = (struct memory_range){ start, len };
    return true;
}

/* Joins what is next to each other; pieces known as damaged go away. */
static int make_ranges(struct memory_state *m, struct err *err)
{
    struct memory_layout *l = &m->l;
    size_t cap = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct memory_piece *p = &l->pieces[i];
        if (!(p->packed & MEMORY_LOST) && !range_add(m, &cap, p->start, p->len))
            return err_set(err, ERR_INTERNAL, "out of memory");
    }
    if (m->info.n_ranges == 0)
        return err_set(err, ERR_EVIDENCE, "%s: no memory is in the file",
                       memory_format_name(m->info.format));
    m->info.ranges = m->ranges;
    return 0;
}

static void known_gaps(struct source *s)
{
    struct memory_state *m = s->state;
    struct memory_layout *l = &m->l;
    uint64_t at = 0;
    size_t out = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct memory_piece p = l->pieces[i];
        if (p.start > at)
            source_add_gap(s, at, p.start - at, GAP_ABSENT);
        if (p.packed & MEMORY_LOST)
            source_add_gap(s, p.start, p.len, GAP_UNREADABLE);
        else
            l->pieces[out++] = p;
        at = p.start + p.len;
        if (i % 4096 == 0)
            tell(l->file->size);
    }
    l->n = out;
    s->gaps_complete = !m->packed;
}

/* ---- reading ------------------------------------------------------------ */

static struct slot *slot_of(struct memory_state *m, size_t piece)
{
    struct slot *oldest = &m->slots[0];
    m->clock++;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &m->slots[i];
        if (s->piece == piece + 1) {
            s->used = m->clock;
            return s;
        }
        if (s->used < oldest->used)
            oldest = s;
    }
    if (!oldest->bytes)
        oldest->bytes = malloc(MEMORY_CHUNK);
    if (!oldest->bytes)
        return NULL;
    oldest->used = m->clock;
    oldest->piece = piece + 1;
    oldest->n =
        memory_unpack(m->l.file, &m->l.pieces[piece], m->packed, oldest->bytes);
    return oldest;
}

/* Bytes [off, off + n) of one piece. */
static int piece_read(struct source *s, size_t i, uint64_t off, void *buf,
                      size_t n, struct err *err)
{
    struct memory_state *m = s->state;
    const struct memory_piece *p = &m->l.pieces[i];
    uint64_t at = off - p->start;
    if (!p->packed)
        return source_read_below(s, p->file + at, off, buf, n, err);
    const struct slot *slot = slot_of(m, i);
    if (!slot)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (slot->n < p->skip + p->len) {
        memset(buf, 0, n);
        source_add_gap(s, p->start, p->len, GAP_UNREADABLE);
        return 0;
    }
    memcpy(buf, slot->bytes + p->skip + at, n);
    return 0;
}

/* The first piece that ends after off. */
static size_t piece_at(const struct memory_layout *l, uint64_t off)
{
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->pieces[mid].start + l->pieces[mid].len <= off)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static int phys_read(struct source *s, uint64_t off, void *buf, size_t n,
                     struct err *err)
{
    const struct memory_state *m = s->state;
    const struct memory_layout *l = &m->l;
    char *to = buf;
    int code = 0;
    for (size_t i = piece_at(l, off); n > 0 && !code;) {
        const struct memory_piece *p = i < l->n ? &l->pieces[i] : NULL;
        size_t part = n;
        if (!p || p->start > off) { /* a hole; the gap is known */
            if (p && p->start - off < n)
                part = (size_t)(p->start - off);
            memset(to, 0, part);
        } else {
            uint64_t left = p->start + p->len - off;
            if (left < n)
                part = (size_t)left;
            code = piece_read(s, i, off, to, part, err);
            i += part == left;
        }
        to += part;
        off += part;
        n -= part;
    }
    return code;
}

static void state_close(struct memory_state *m)
{
    for (size_t i = 0; i < SLOTS; i++)
        free(m->slots[i].bytes);
    free(m->l.pieces);
    free(m->l.window);
    free(m->ranges);
    free(m->packed);
    free(m);
}

static void phys_close(struct source *s)
{
    state_close(s->state);
}

static const struct source_ops phys_ops = { .read = phys_read,
                                            .close = phys_close };

/* ---- opening ------------------------------------------------------------ */

static int walk(struct memory_state *m, struct err *err)
{
    struct memory_layout *l = &m->l;
    const unsigned char *p = memory_peek(l, 0, 1);
    struct str head = { (const char *)p, p ? l->window_n : 0 };
    const char *unread = memory_unread(head);
    if (unread)
        return err_set(err, ERR_EVIDENCE,
                       "%s: not read by this version; convert it to raw, ELF "
                       "or LiME",
                       unread);
    m->info.format = memory_recognise(head);
    switch (m->info.format) {
    case MEMORY_LIME:
    case MEMORY_AVML:
        return memory_walk_ranges(l, err);
    case MEMORY_ELF:
        return memory_walk_elf(l, err);
    default:
        m->info.format = MEMORY_RAW;
        return walk_raw(l, err);
    }
}

static int lay_out(struct memory_state *m, struct err *err)
{
    struct memory_layout *l = &m->l;
    l->window = malloc(WINDOW);
    if (!l->window)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int code = walk(m, err);
    if (code)
        return code;
    sort_pieces(l, m->info.format != MEMORY_ELF);
    cut_overlaps(l);
    code = make_ranges(m, err);
    bool packed = false;
    for (size_t i = 0; i < l->n && !packed; i++)
        packed = (l->pieces[i].packed & MEMORY_PACKED) != 0;
    if (packed)
        m->packed = malloc(MEMORY_CHUNK_PACKED);
    if (!code && packed && !m->packed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    m->info.stated = l->stated;
    m->info.issues = l->issues;
    m->info.n_issues = l->n_issues;
    m->info.more_issues = l->more_issues;
    return code;
}

struct source *memory_open(struct source *file, struct err *err)
{
    struct memory_state *m = calloc(1, sizeof *m);
    if (!m) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    m->l.file = file;
    if (lay_out(m, err)) {
        state_close(m);
        return NULL;
    }
    const struct memory_piece *last = &m->l.pieces[m->l.n - 1];
    struct source *s =
        source_make(&phys_ops, m, last->start + last->len, file, "phys", err);
    if (s)
        known_gaps(s);
    return s;
}

const struct memory_info *memory_source_info(const struct source *s)
{
    const struct memory_state *m = s->state;
    return s->ops == &phys_ops ? &m->info : NULL;
}
