#include "importers/journald_scan.h"

#include <stdlib.h>

#include "base/varint.h"

enum { PART = 4096 };

static uint64_t align8(uint64_t n)
{
    return (n + 7) & ~(uint64_t)7;
}

/* ---- what the arrays lead to --------------------------------------------- */

static void mark(struct journald_scan *s, uint64_t off)
{
    uint64_t slot = off / 8;
    if (off % 8 || off < s->f->header_size || slot / 64 >= s->words) {
        s->outside++;
        return;
    }
    s->by_arrays += !(s->reached[slot / 64] >> slot % 64 & 1);
    s->reached[slot / 64] |= (uint64_t)1 << slot % 64;
}

static bool marked(const struct journald_scan *s, uint64_t off)
{
    uint64_t slot = off / 8;
    return s->reached && slot / 64 < s->words &&
           s->reached[slot / 64] >> slot % 64 & 1;
}

/* The first marked place in [from, to), both on 8-byte boundaries; else to. */
static uint64_t marked_in(const struct journald_scan *s, uint64_t from,
                          uint64_t to)
{
    uint64_t slot = from / 8, end = to / 8;
    while (s->reached && slot < end && slot / 64 < s->words) {
        uint64_t bits = s->reached[slot / 64] >> slot % 64;
        if (bits) {
            slot += (unsigned)__builtin_ctzll(bits);
            return slot < end ? slot * 8 : to;
        }
        slot = (slot / 64 + 1) * 64;
    }
    return to;
}

/* The items of one array; a zero is where its unused part begins. */
static void read_array(struct journald_scan *s, const struct journald_object *o)
{
    struct journald_file *f = s->f;
    unsigned char part[PART];
    size_t width = f->compact ? 4 : 8;
    uint64_t at = o->off + 24, end = o->off + o->size;
    while (at < end && f->items_left) {
        size_t n = end - at < PART ? (size_t)(end - at) : PART;
        if (!journald_get(f, at, part, n))
            return;
        for (size_t i = 0; i < n && f->items_left; i += width) {
            uint64_t item = width == 4 ? u32le(part + i) : u64le(part + i);
            if (item == 0)
                return;
            f->items_left--;
            mark(s, item);
        }
        at += n;
    }
}

/* Each array lies behind the one before: journald writes no other chain, and
 * this one ends. */
static void follow_arrays(struct journald_scan *s)
{
    struct journald_object o;
    unsigned char next[8];
    uint64_t off = s->f->entry_array, before = 0;
    while (off) {
        if (off <= before || !journald_object(s->f, off, false, &o) ||
            o.type != JOURNALD_ARRAY ||
            !journald_get(s->f, off + 16, next, 8)) {
            s->broken = before ? before + 16 : 176;
            s->broken_to = off;
            return;
        }
        read_array(s, &o);
        before = off;
        off = u64le(next);
    }
}

int journald_scan_open(struct journald_scan *s, struct journald_file *f,
                       struct err *err)
{
    *s = (struct journald_scan){ .f = f,
                                 .at = align8(f->header_size),
                                 .walked_to = align8(f->header_size),
                                 .free_from = f->size };
    if (f->size >> 30 >= JOURNALD_SCAN_MAX_GIB)
        return 0;
    s->words = f->size / 512 + 1;
    s->reached = calloc((size_t)s->words, sizeof *s->reached);
    if (!s->reached)
        return err_set(err, ERR_INTERNAL, "out of memory");
    follow_arrays(s);
    return 0;
}

void journald_scan_close(struct journald_scan *s)
{
    free(s->reached);
    *s = (struct journald_scan){ 0 };
}

/* ---- from object to object ----------------------------------------------- */

/* The first place from `from` on with a byte that is not zero, down to an
 * 8-byte boundary; the file's size when there is none. */
static uint64_t after_zeros(struct journald_scan *s, uint64_t from)
{
    static const char zeros[PART];
    char part[PART];
    struct journald_file *f = s->f;
    while (from < f->size) {
        size_t n = f->size - from < PART ? (size_t)(f->size - from) : PART;
        if (!journald_get(f, from, part, n))
            return f->size;
        size_t i = 0;
        if (memcmp(part, zeros, n) == 0)
            i = n;
        while (i < n && part[i] == 0)
            i++;
        from += i;
        if (i < n)
            return from & ~(uint64_t)7;
    }
    return f->size;
}

static bool zeros_at(struct journald_file *f, uint64_t off)
{
    unsigned char h[16];
    return journald_get(f, off, h, sizeof h) && u64le(h) == 0 &&
           u64le(h + 8) == 0;
}

/* One that nothing points to is believed when it is followed by another, by
 * zeros or by the end of the file. */
static bool believed(struct journald_scan *s, uint64_t off,
                     struct journald_object *o)
{
    struct journald_object after;
    if (!journald_object(s->f, off, true, o))
        return false;
    uint64_t next = align8(off + o->size);
    return next + 16 > s->f->size || zeros_at(s->f, next) ||
           journald_object(s->f, next, true, &after);
}

/* What is at s->at is no object: to the next one, to zeros, or to a place that
 * an array names. */
static void look_on(struct journald_scan *s, struct journald_found *out)
{
    struct journald_object o;
    uint64_t from = s->at, at = from + 8;
    uint64_t end = marked_in(s, at, s->f->size & ~(uint64_t)7);
    while (at < end && !s->f->err.code && !zeros_at(s->f, at) &&
           !believed(s, at, &o))
        at += 8;
    if (at >= end)
        at = marked(s, end) ? end : s->f->size;
    *out = (struct journald_found){ .kind = FOUND_DAMAGE,
                                    .off = from,
                                    .len = at - from };
    s->at = at;
    s->lost = true;
}

/* Zeros are nothing lost when they reach to the end of the file: space taken
 * in advance. Else true: to be told. */
static bool skip_zeros(struct journald_scan *s, struct journald_found *out)
{
    uint64_t from = s->at, to = after_zeros(s, from);
    uint64_t named = marked_in(s, from, to & ~(uint64_t)7);
    s->at = marked(s, named) ? named : to;
    s->lost = true;
    if (s->at >= s->f->size) {
        s->free_from = from;
        return false;
    }
    *out = (struct journald_found){ .kind = FOUND_DAMAGE,
                                    .off = from,
                                    .len = s->at - from };
    return true;
}

/* Over the object at s->at; true: there is something to tell. */
static bool step(struct journald_scan *s, const struct journald_object *o,
                 struct journald_found *out)
{
    uint64_t end = align8(o->off + o->size);
    *out = (struct journald_found){ .kind = FOUND_ENTRY,
                                    .off = o->off,
                                    .len = o->size,
                                    .reached = marked(s, o->off),
                                    .walked = o->off >= s->walked_to };
    if (end > s->f->size)
        end = s->f->size;
    if (end > s->walked_to)
        s->walked_to = end;
    s->lost = false;
    s->objects[o->type]++;
    /* entries that the arrays name lie within it: its size is wrong */
    s->at = marked_in(s, o->off + 8, end & ~(uint64_t)7);
    if (!marked(s, s->at))
        s->at = end;
    if (o->type == JOURNALD_ENTRY && !journald_entry(s->f, o, &out->entry))
        out->kind = FOUND_DANGLING;
    return o->type == JOURNALD_ENTRY;
}

static bool unmark(struct journald_scan *s, struct journald_found *out)
{
    *out = (struct journald_found){ .kind = FOUND_DANGLING, .off = s->at };
    s->reached[s->at / 512] &= ~((uint64_t)1 << s->at / 8 % 64);
    return true;
}

/* True: something to tell; s->at has moved, or its mark is taken. */
static bool go_on(struct journald_scan *s, struct journald_found *out)
{
    struct journald_object o;
    bool named = marked(s, s->at);
    bool object = named || !s->lost ? journald_object(s->f, s->at, false, &o)
                                    : believed(s, s->at, &o);
    if (named && !(object && o.type == JOURNALD_ENTRY))
        return unmark(s, out);
    if (object)
        return step(s, &o, out);
    if (zeros_at(s->f, s->at))
        return skip_zeros(s, out);
    look_on(s, out);
    return true;
}

int journald_scan_next(struct journald_scan *s, struct journald_found *out)
{
    struct journald_file *f = s->f;
    if (s->broken) {
        *out = (struct journald_found){ .kind = FOUND_ARRAY,
                                        .off = s->broken,
                                        .len = 8 };
        s->broken = 0;
        return f->err.code;
    }
    while (s->at < f->size && !f->err.code)
        if (go_on(s, out))
            return f->err.code;
    *out = (struct journald_found){ .kind = FOUND_END, .off = s->at };
    return f->err.code;
}
