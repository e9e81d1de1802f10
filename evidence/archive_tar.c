/*
 * tar: v7, ustar, pax (POSIX.1-2001) and GNU long names and base-256 numbers.
 * A header is one whose checksum is right; after damage the next such block
 * is looked for. GNU sparse members are flagged, their holes not restored.
 */
#include "evidence/archive.h"

#include <stdlib.h>

#include "base/varint.h"

enum { BLOCK = 512, LONG_MAX_BYTES = 64 << 10 };

static bool read_exact(struct source *s, uint64_t off, void *buf, size_t n)
{
    size_t got;
    return !source_read(s, off, buf, n, &got, NULL) && got == n;
}

/* Octal text, or base 256 when the first bit is set. False: negative, or no
 * number. */
static bool number(const unsigned char *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;
    *out = 0;
    if (p[0] & 0x80) {
        v = p[0] & 0x7f;
        if (v & 0x40) /* the sign */
            return false;
        for (i = 1; i < n; i++) {
            if (v >> 56)
                return false;
            v = v << 8 | p[i];
        }
        *out = v;
        return true;
    }
    while (i < n && p[i] == ' ')
        i++;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
        if (v >> 61)
            return false;
        v = v << 3 | (unsigned)(p[i] - '0');
    }
    *out = v;
    return i == n || p[i] == ' ' || p[i] == 0;
}

bool tar_is(struct str block)
{
    uint64_t want, plain = 0;
    int64_t with_sign = 0;
    const unsigned char *p = (const unsigned char *)block.p;
    if (block.n < BLOCK || p[0] == 0 || !number(p + 148, 8, &want))
        return false;
    for (size_t i = 0; i < BLOCK; i++) {
        unsigned char c = i >= 148 && i < 156 ? ' ' : p[i];
        plain += c;
        with_sign += (signed char)c;
    }
    /* Old writers summed signed bytes. A sum of only blanks is no header. */
    return want > 256 && (want == plain || (int64_t)want == with_sign);
}

/* What extension headers say of the next member. */
struct next {
    struct str path, link;
    bool has_size, has_time, sparse;
    uint64_t size;
    struct instant m;
};

struct tar {
    struct source *s;
    struct members *a;
    struct next next;
    uint64_t off;
    uint64_t start; /* of the first extension header, else UINT64_MAX */
};

static struct str field(const unsigned char *p, size_t n)
{
    return (struct str){ (const char *)p, strnlen((const char *)p, n) };
}

static void pax_time(struct str v, struct next *n)
{
    size_t dot = str_find(v, STR("."));
    struct str frac = dot == SIZE_MAX ? STR_NONE : str_sub(v, dot + 1, 9);
    struct str whole = str_sub(v, 0, dot);
    bool minus = str_starts(whole, STR("-"));
    uint64_t s, ns = 0;
    if (!str_u64(str_sub(whole, minus, whole.n), &s) || s > INT64_MAX / 2 ||
        (frac.n && !str_u64(frac, &ns)))
        return;
    for (size_t i = frac.n; frac.n && i < 9; i++)
        ns *= 10;
    n->m = (struct instant){ minus ? -(int64_t)s : (int64_t)s, (uint32_t)ns };
    if (minus && ns) {
        n->m.s--;
        n->m.ns = 1000000000 - n->m.ns;
    }
    n->has_time = true;
}

/* One "LENGTH KEY=VALUE\n" at the start of *all; false at the end. */
static bool pax_record(struct tar *t, struct str *all)
{
    size_t blank = str_find(*all, STR(" "));
    uint64_t len;
    if (blank == SIZE_MAX || !str_u64(str_sub(*all, 0, blank), &len) ||
        len <= blank + 1 || len > all->n)
        return false;
    struct str rec = str_sub(*all, blank + 1, (size_t)len - blank - 2);
    *all = str_sub(*all, (size_t)len, all->n);
    size_t eq = str_find(rec, STR("="));
    struct str key = str_sub(rec, 0, eq);
    struct str value = eq == SIZE_MAX ? STR_NONE : str_sub(rec, eq + 1, rec.n);
    if (str_eq(key, STR("path")))
        t->next.path = arena_copy(&t->a->arena, value);
    else if (str_eq(key, STR("linkpath")))
        t->next.link = arena_copy(&t->a->arena, value);
    else if (str_eq(key, STR("size")))
        t->next.has_size = str_u64(value, &t->next.size);
    else if (str_eq(key, STR("mtime")))
        pax_time(value, &t->next);
    else if (str_starts(key, STR("GNU.sparse.")))
        t->next.sparse = true;
    return true;
}

/* The data of an extension header: at most 64 KiB are looked at. */
static void extension(struct tar *t, unsigned type, uint64_t size)
{
    char *p = malloc(LONG_MAX_BYTES);
    size_t n = size < LONG_MAX_BYTES ? (size_t)size : LONG_MAX_BYTES;
    if (size > LONG_MAX_BYTES)
        members_issue(t->a, "tar-long", t->off,
                      "a name or extension of over 64 KiB is cut");
    if (p && read_exact(t->s, t->off + BLOCK, p, n)) {
        struct str all = { p, n };
        struct str text = field((unsigned char *)p, n);
        if (type == 'L')
            t->next.path = arena_copy(&t->a->arena, text);
        else if (type == 'K')
            t->next.link = arena_copy(&t->a->arena, text);
        else if (type == 'x')
            while (pax_record(t, &all))
                ;
    } else {
        members_issue(t->a, "tar-cut", t->off, "an extension is cut short");
    }
    free(p);
    if (t->start == UINT64_MAX)
        t->start = t->off;
}

static struct str ustar_name(struct tar *t, const unsigned char *h)
{
    char name[256];
    struct str base = field(h, 100);
    struct str prefix = STR_NONE;
    if (memcmp(h + 257, "ustar\0", 6) == 0)
        prefix = field(h + 345, 155);
    size_t n = 0;
    if (prefix.n) {
        memcpy(name, prefix.p, prefix.n);
        n = prefix.n;
        name[n++] = '/';
    }
    memcpy(name + n, base.p, base.n);
    return arena_copy(&t->a->arena, (struct str){ name, n + base.n });
}

static uint8_t member_type(unsigned type, struct str name)
{
    switch (type) {
    case '1':
    case '2':
        return ARCHIVE_LINK;
    case '3':
    case '4':
    case '6':
        return ARCHIVE_SPECIAL;
    case '5':
        return ARCHIVE_DIR;
    default: /* v7 marks folders by the name alone */
        return name.n && name.p[name.n - 1] == '/' ? ARCHIVE_DIR : ARCHIVE_FILE;
    }
}

static bool member(struct tar *t, const unsigned char *h, uint64_t *size,
                   struct err *err)
{
    struct archive_member *m = members_add(t->a, err);
    uint64_t when;
    unsigned type = h[156];
    if (!m)
        return false;
    m->name = t->next.path.p ? t->next.path : ustar_name(t, h);
    m->link = t->next.link.p ? t->next.link
                             : arena_copy(&t->a->arena, field(h + 157, 100));
    m->type = member_type(type, m->name);
    if (t->next.has_size)
        *size = t->next.size;
    if (m->type != ARCHIVE_FILE) /* what has no content has no bytes here */
        *size =
            type == '1' || type == '2' || m->type == ARCHIVE_DIR ? 0 : *size;
    if (type == 'S' || t->next.sparse)
        m->flags |= ARCHIVE_SPARSE;
    m->has_m = t->next.has_time || number(h + 136, 12, &when);
    m->m = t->next.m;
    if (!t->next.has_time && m->has_m && when <= INT64_MAX)
        m->m.s = (int64_t)when;
    m->size = m->packed = *size;
    m->head = t->start != UINT64_MAX ? t->start : t->off;
    m->off = t->off + BLOCK;
    t->next = (struct next){ 0 };
    t->start = UINT64_MAX;
    return true;
}

static bool all_zero(const unsigned char *p)
{
    for (size_t i = 0; i < BLOCK; i++)
        if (p[i])
            return false;
    return true;
}

/* The header at t->off; false when nothing follows it. */
static bool one_header(struct tar *t, const unsigned char *h, struct err *err)
{
    uint64_t size = 0, step;
    unsigned type = h[156];
    if (!number(h + 124, 12, &size)) {
        members_issue(t->a, "tar-size", t->off,
                      "a member's size is negative or no number");
        size = 0;
    }
    if (type == 'L' || type == 'K' || type == 'x' || type == 'g' || type == 'X')
        extension(t, type == 'X' ? 'x' : type, size);
    else if (!member(t, h, &size, err))
        return false;
    if (size > t->s->size - t->off || t->s->size - t->off - size < BLOCK) {
        members_issue(t->a, "tar-cut", t->off,
                      "the archive ends inside this member");
        return false;
    }
    step = BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    return !__builtin_add_overflow(t->off, step, &t->off);
}

int tar_list(struct source *s, struct members *a, struct err *err)
{
    struct tar t = { .s = s, .a = a, .start = UINT64_MAX };
    unsigned char h[BLOCK];
    unsigned zeros = 0;
    bool damaged = false, go = true;
    while (go && zeros < 2 && read_exact(s, t.off, h, BLOCK)) {
        if (all_zero(h)) {
            zeros++;
            t.off += BLOCK;
            continue;
        }
        zeros = 0;
        if (!tar_is((struct str){ (const char *)h, BLOCK })) {
            if (!damaged)
                members_issue(a, "tar-header", t.off,
                              "a header is damaged; the next one is sought");
            damaged = true;
            t.off += BLOCK;
            continue;
        }
        damaged = false;
        go = one_header(&t, h, err);
    }
    if (zeros < 2 && go)
        members_issue(a, "tar-end", t.off, "the end mark is missing");
    return err && err->code == ERR_INTERNAL ? err->code : 0;
}
