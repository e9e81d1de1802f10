#include "evidence/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "evidence/journal_overlay.h"

/* ---- cells -------------------------------------------------------------- */

enum { SLAB = 1 << 20, FIRST_CAP = 256 };

struct cell {
    uint64_t number; /* + 1; 0 is free */
    uint64_t from;   /* of the volume, when data is NULL */
    unsigned char *data;
    unsigned char head[4];
    bool has_head;
    bool partial; /* not all of its bytes are known */
};

struct overlay {
    struct source *vol;
    uint32_t grain;
    struct cell *cells; /* open hash */
    size_t n, cap;
    unsigned char **slabs;
    size_t n_slabs, used; /* cells in memory */
};

struct overlay *overlay_open(struct source *vol, uint32_t grain)
{
    struct overlay *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->vol = vol;
    o->grain = grain;
    o->cap = FIRST_CAP;
    o->cells = calloc(o->cap, sizeof *o->cells);
    if (o->cells)
        return o;
    free(o);
    return NULL;
}

void overlay_free(struct overlay *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->n_slabs; i++)
        free(o->slabs[i]);
    free(o->slabs);
    free(o->cells);
    free(o);
}

uint64_t overlay_cells(const struct overlay *o)
{
    return o->n;
}

static size_t slot_of(const struct cell *cells, size_t cap, uint64_t number)
{
    size_t i = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 20);
    for (i &= cap - 1; cells[i].number && cells[i].number != number + 1;
         i = (i + 1) & (cap - 1))
        ;
    return i;
}

static struct cell *cell_find(const struct overlay *o, uint64_t number)
{
    struct cell *c = &o->cells[slot_of(o->cells, o->cap, number)];
    return c->number ? c : NULL;
}

static bool cells_grow(struct overlay *o)
{
    size_t cap = o->cap * 2;
    struct cell *p = calloc(cap, sizeof *p);
    if (!p)
        return false;
    for (size_t i = 0; i < o->cap; i++)
        if (o->cells[i].number)
            p[slot_of(p, cap, o->cells[i].number - 1)] = o->cells[i];
    free(o->cells);
    o->cells = p;
    o->cap = cap;
    return true;
}

static struct cell *cell_add(struct overlay *o, uint64_t number)
{
    struct cell *c = cell_find(o, number);
    if (c)
        return c;
    if (o->n * 2 >= o->cap && !cells_grow(o))
        return NULL;
    c = &o->cells[slot_of(o->cells, o->cap, number)];
    c->number = number + 1;
    o->n++;
    return c;
}

/* Room for the bytes of one more cell. */
static unsigned char *data_new(struct overlay *o)
{
    size_t per = SLAB / o->grain;
    if (o->used >= JOURNAL_BYTES_MAX / o->grain)
        return NULL;
    if (o->used == o->n_slabs * per) {
        unsigned char **p =
            realloc(o->slabs, (o->n_slabs + 1) * sizeof(unsigned char *));
        if (!p)
            return NULL;
        o->slabs = p;
        p[o->n_slabs] = malloc(SLAB);
        if (!p[o->n_slabs])
            return NULL;
        o->n_slabs++;
    }
    unsigned char *d = o->slabs[o->used / per] + o->used % per * o->grain;
    o->used++;
    return d;
}

bool overlay_remap(struct overlay *o, uint64_t cell, uint64_t from,
                   const unsigned char *head)
{
    struct cell *c = cell_add(o, cell);
    if (!c)
        return false;
    c->from = from;
    c->data = NULL;
    c->partial = false;
    c->has_head = head != NULL;
    if (head)
        memcpy(c->head, head, sizeof c->head);
    return true;
}

/* The cell with its bytes in memory. */
static struct cell *cell_load(struct overlay *o, uint64_t number)
{
    struct cell *c = cell_find(o, number);
    if (c && c->data)
        return c;
    unsigned char *d = data_new(o);
    if (!d)
        return NULL;
    memset(d, 0, o->grain);
    bool whole = overlay_read(o, number * o->grain, d, o->grain);
    c = cell_add(o, number);
    if (!c)
        return NULL;
    c->data = d;
    c->has_head = false;
    c->partial = !whole;
    return c;
}

bool overlay_write(struct overlay *o, uint64_t off, const void *p, size_t n)
{
    const unsigned char *from = p;
    while (n > 0) {
        size_t at = (size_t)(off % o->grain), part = o->grain - at;
        struct cell *c = cell_load(o, off / o->grain);
        if (!c)
            return false;
        if (part > n)
            part = n;
        memcpy(c->data + at, from, part);
        if (part == o->grain)
            c->partial = false;
        from += part;
        off += part;
        n -= part;
    }
    return true;
}

bool overlay_covers(const struct overlay *o, uint64_t off, uint64_t n)
{
    uint64_t end;
    if (n == 0 || __builtin_add_overflow(off, n - 1, &end))
        return false;
    uint64_t first = off / o->grain, last = end / o->grain;
    if (last - first < o->cap) {
        for (uint64_t i = first; i <= last; i++)
            if (cell_find(o, i))
                return true;
        return false;
    }
    for (size_t i = 0; i < o->cap; i++)
        if (o->cells[i].number > first && o->cells[i].number <= last + 1)
            return true;
    return false;
}

/* ---- reading ------------------------------------------------------------ */

/* Part of one cell; s is the source for its gaps, or NULL. */
static int cell_read(struct overlay *o, struct source *s, const struct cell *c,
                     uint64_t off, unsigned char *p, size_t n, struct err *err)
{
    size_t at = (size_t)(off % o->grain), got = n;
    if (c->data) {
        memcpy(p, c->data + at, n);
        return 0;
    }
    int code = source_read(o->vol, c->from + at, p, n, &got, err);
    if (code)
        return code;
    if (got < n)
        memset(p + got, 0, n - got);
    if (s)
        source_take_gaps(s, o->vol, c->from + at, off, n);
    for (size_t i = at; c->has_head && i < 4 && i - at < n; i++)
        p[i - at] = c->head[i];
    return 0;
}

static int overlay_fill(struct overlay *o, struct source *s, uint64_t off,
                        unsigned char *p, size_t n, struct err *err)
{
    int code = 0;
    while (n > 0 && code == 0) {
        const struct cell *c = cell_find(o, off / o->grain);
        size_t part = o->grain - (size_t)(off % o->grain), got;
        if (part > n)
            part = n;
        if (c) {
            code = cell_read(o, s, c, off, p, part, err);
        } else {
            while (part < n && !cell_find(o, (off + part) / o->grain))
                part += n - part < o->grain ? n - part : o->grain;
            if (s)
                code = source_read_below(s, off, off, p, part, err);
            else if (source_read(o->vol, off, p, part, &got, err) || got < part)
                code = ERR_EVIDENCE;
        }
        off += part;
        p += part;
        n -= part;
    }
    return code;
}

bool overlay_read(struct overlay *o, uint64_t off, void *p, size_t n)
{
    if (overlay_fill(o, NULL, off, p, n, NULL))
        return false;
    for (uint64_t at = off; at < off + n;) {
        const struct cell *c = cell_find(o, at / o->grain);
        uint64_t end = (at / o->grain + 1) * o->grain;
        uint64_t part = (end < off + n ? end : off + n) - at;
        if (c ? c->partial : source_gap_in(o->vol, at, part) != NULL)
            return false;
        at += part;
    }
    return true;
}

/* ---- the source --------------------------------------------------------- */

static int journal_read(struct source *s, uint64_t off, void *buf, size_t n,
                        struct err *err)
{
    return overlay_fill(s->state, s, off, buf, n, err);
}

static void journal_close(struct source *s)
{
    overlay_free(s->state);
}

/* The lowest cell of [first, end), or end. */
static uint64_t cell_from(const struct overlay *o, uint64_t first, uint64_t end)
{
    if (end - first < o->cap) {
        while (first < end && !cell_find(o, first))
            first++;
        return first;
    }
    for (size_t i = 0; i < o->cap; i++) {
        uint64_t number = o->cells[i].number;
        if (number > first && number <= end)
            end = number - 1;
    }
    return end;
}

static uint64_t journal_next_data(struct source *s, uint64_t off, uint64_t *end)
{
    const struct overlay *o = s->state;
    uint64_t from = source_next_below(s, off, off, end);
    if (from == off)
        return off;
    uint64_t cell = cell_from(o, off / o->grain, (from - 1) / o->grain + 1);
    if (cell * o->grain < from) {
        from = cell * o->grain > off ? cell * o->grain : off;
        *end = (cell + 1) * o->grain;
    }
    return from;
}

static const struct source_ops journal_ops = { .read = journal_read,
                                               .close = journal_close,
                                               .next_data = journal_next_data };

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The gaps of the volume that no cell fills, and cells that are not whole. */
static bool overlay_gaps(struct source *s, const struct overlay *o)
{
    uint64_t *whole = malloc((o->n + 1) * sizeof *whole);
    size_t n = 0;
    if (!whole)
        return false;
    for (size_t i = 0; i < o->cap; i++) {
        const struct cell *c = &o->cells[i];
        if (c->number && c->partial)
            source_add_gap(s, (c->number - 1) * o->grain, o->grain,
                           GAP_UNREADABLE);
        else if (c->number)
            whole[n++] = c->number - 1;
    }
    qsort(whole, n, sizeof *whole, by_number);
    size_t k = 0;
    for (size_t i = 0; i < o->vol->n_gaps; i++) {
        const struct gap *g = &o->vol->gaps[i];
        uint64_t at = g->off, end = g->off + g->len;
        while (k < n && (whole[k] + 1) * o->grain <= at)
            k++;
        for (; k < n && whole[k] * o->grain < end; k++) {
            uint64_t from = whole[k] * o->grain;
            if (from > at)
                source_add_gap(s, at, from - at, g->kind);
            at = from + o->grain;
            if (at > end)
                break; /* it may reach into the next gap */
        }
        if (at < end)
            source_add_gap(s, at, end - at, g->kind);
    }
    free(whole);
    return true;
}

struct source *overlay_source(struct overlay *o, struct err *err)
{
    struct source *vol = o->vol;
    struct source *s =
        source_make(&journal_ops, o, vol->size, vol, "journal", err);
    if (!s)
        return NULL;
    if (!overlay_gaps(s, o)) {
        source_close(s);
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    s->gaps_complete = vol->gaps_complete;
    return s;
}

bool journal_is_layer(const struct source *s)
{
    return s->ops == &journal_ops;
}

bool journal_covers(const struct source *s, uint64_t off, uint64_t n)
{
    return s->ops == &journal_ops && overlay_covers(s->state, off, n);
}

/* ---- replay ------------------------------------------------------------- */

void journal_why(struct journal_report *r, const char *fmt, ...)
{
    size_t n = strlen(r->why);
    char text[sizeof r->why];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t sep = n ? 2 : 0;
    if (len < 0 || n + sep + (size_t)len >= sizeof r->why)
        return;
    if (sep)
        memcpy(r->why + n, "; ", 2);
    memcpy(r->why + n + sep, text, (size_t)len + 1);
}

struct source *journal_replay(struct source *vol, enum fs_type type,
                              struct journal_report *report, struct err *err)
{
    static const struct {
        enum fs_type type;
        int (*replay)(struct journal_job *job, struct err *err);
    } formats[] = {
        { FS_EXT, jbd2_replay },
        { FS_XFS, xfs_log_replay },
    };
    struct journal_job job = { .vol = vol, .report = report };
    struct err ignored;
    err = err ? err : &ignored;
    *err = (struct err){ 0 };
    *report = (struct journal_report){ .state = JOURNAL_NONE };
    int code = 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].type == type)
            code = formats[i].replay(&job, err);
    if (code || report->state != JOURNAL_DIRTY) {
        overlay_free(job.overlay);
        return NULL;
    }
    return overlay_source(job.overlay, err);
}
