#include "evidence/utf16.h"

#include <stdlib.h>

enum {
    STEP = 64 << 10, /* bytes below between two marks */
    LOOK = 64,       /* units that are looked at to recognise it */
    LOOK_MIN = 8,    /* without a byte order mark */
};
/* A text log is never so long; marks take 16 bytes for each STEP. */
static const uint64_t max_size = UINT64_C(64) << 30;

struct mark {
    uint64_t in, out;
};

struct utf16 {
    struct utf16_report report;
    struct mark *marks; /* ascending; the first is the beginning */
    size_t n, cap;
    unsigned char room[STEP + 2]; /* a pair may lie across the step */
};

static unsigned unit_at(const unsigned char *p, bool big)
{
    return big ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static bool is_high(unsigned u)
{
    return u >= 0xd800 && u < 0xdc00;
}

static bool is_low(unsigned u)
{
    return u >= 0xdc00 && u < 0xe000;
}

/* ---- recognising --------------------------------------------------------- */

static bool is_text(unsigned u)
{
    return u >= 0x20 ? u != 0x7f && u < 0xfffe
                     : u == '\t' || u == '\r' || u == '\n';
}

static bool order_of(struct str head, bool *big, bool *bom)
{
    const unsigned char *p = (const unsigned char *)head.p;
    *bom = head.n >= 2 &&
           ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff));
    size_t n = head.n / 2 < LOOK ? head.n / 2 : LOOK;
    *big = *bom ? p[0] == 0xfe : n && p[0] == 0;
    for (size_t i = *bom ? 1 : 0; i < n; i++) {
        unsigned u = unit_at(p + 2 * i, *big);
        if (!is_text(u) || (!*bom && u >= 0x7f))
            return false;
    }
    return *bom ? n > 1 : n >= LOOK_MIN;
}

bool utf16_recognise(struct str head)
{
    bool big, bom;
    return order_of(head, &big, &bom);
}

/* ---- decoding ------------------------------------------------------------ */

static unsigned char *put(unsigned char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (unsigned char)c;
    } else if (c < 0x800) {
        *out++ = (unsigned char)(0xc0 | c >> 6);
        *out++ = (unsigned char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out++ = (unsigned char)(0xe0 | c >> 12);
        *out++ = (unsigned char)(0x80 | (c >> 6 & 63));
        *out++ = (unsigned char)(0x80 | (c & 63));
    } else {
        *out++ = (unsigned char)(0xf0 | c >> 18);
        *out++ = (unsigned char)(0x80 | (c >> 12 & 63));
        *out++ = (unsigned char)(0x80 | (c >> 6 & 63));
        *out++ = (unsigned char)(0x80 | (c & 63));
    }
    return out;
}

/* The character at *at, of which n bytes are there; *at goes on. last: no more
 * bytes follow. False: its second half is not there yet. */
static bool next(const unsigned char *p, size_t n, bool big, bool last,
                 size_t *at, unsigned *c, bool *lone)
{
    unsigned u = unit_at(p + *at, big);
    *lone = is_low(u);
    *c = u;
    if (is_high(u)) {
        bool more = *at + 4 <= n;
        if (!more && !last)
            return false;
        unsigned v = more ? unit_at(p + *at + 2, big) : 0;
        *lone = !is_low(v);
        if (!*lone) {
            *c = 0x10000 + ((u - 0xd800) << 10) + (v - 0xdc00);
            *at += 2;
        }
    }
    *at += 2;
    return true;
}

static size_t utf8_len(unsigned c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

static bool add_mark(struct utf16 *u, uint64_t in, uint64_t out)
{
    if (u->n == u->cap) {
        size_t cap = u->cap ? u->cap * 2 : 64;
        struct mark *m = realloc(u->marks, cap * sizeof(*m));
        if (!m)
            return false;
        u->marks = m;
        u->cap = cap;
    }
    u->marks[u->n++] = (struct mark){ in, out };
    return true;
}

/* One step from `in`: how many bytes below it takes, 0 at the end. */
static int fill(struct utf16 *u, struct source *below, uint64_t in, size_t *n,
                bool *last, struct err *err)
{
    int rc = source_read(below, in, u->room, sizeof(u->room), n, err);
    *last = in + *n >= below->size;
    *n -= *n % 2;
    return rc;
}

static int measure(struct utf16 *u, struct source *below, uint64_t *size,
                   struct err *err)
{
    uint64_t in = u->report.bom ? 2 : 0, out = 0;
    u->report.odd = below->size % 2;
    for (;;) {
        size_t n, at = 0;
        bool last, lone;
        unsigned c;
        if (!add_mark(u, in, out))
            return err_set(err, ERR_INTERNAL, "out of memory");
        int rc = fill(u, below, in, &n, &last, err);
        if (rc)
            return rc;
        while (at < n && at < STEP &&
               next(u->room, n, u->report.big, last, &at, &c, &lone)) {
            out += utf8_len(c);
            u->report.lone += lone;
        }
        in += at;
        if (at == 0)
            break;
    }
    *size = out;
    return 0;
}

static size_t mark_before(const struct utf16 *u, uint64_t off)
{
    size_t lo = 0, hi = u->n;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (u->marks[mid].out <= off)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static int utf16_read(struct source *s, uint64_t off, void *buf, size_t n,
                      struct err *err)
{
    struct utf16 *u = s->state;
    unsigned char *to = buf;
    const struct mark *m = &u->marks[mark_before(u, off)];
    uint64_t in = m->in, out = m->out, end = off + n;
    while (out < end) {
        size_t got, at = 0;
        bool last, lone;
        unsigned c;
        int rc = fill(u, s->below, in, &got, &last, err);
        if (rc)
            return rc;
        while (out < end && at < got && at < STEP &&
               next(u->room, got, u->report.big, last, &at, &c, &lone)) {
            unsigned char tmp[4];
            size_t len = (size_t)(put(tmp, c) - tmp);
            for (size_t i = 0; i < len; i++, out++)
                if (out >= off && out < end)
                    to[out - off] = tmp[i];
        }
        if (at == 0) { /* what is below became shorter */
            memset(to + (out > off ? out - off : 0), 0,
                   (size_t)(end - (out > off ? out : off)));
            break;
        }
        in += at;
    }
    return 0;
}

static void utf16_close(struct source *s)
{
    struct utf16 *u = s->state;
    free(u->marks);
    free(u);
}

static const struct source_ops utf16_ops = { .read = utf16_read,
                                             .close = utf16_close };

struct source *source_open_utf16(struct source *below, struct err *err)
{
    char head[2 * LOOK];
    size_t n;
    uint64_t size = 0;
    if (source_read(below, 0, head, sizeof(head), &n, err))
        return NULL;
    struct utf16 *u = calloc(1, sizeof(*u));
    if (!u) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    if (!order_of((struct str){ head, n }, &u->report.big, &u->report.bom) ||
        below->size > max_size) {
        err_set(err, ERR_EVIDENCE, "not UTF-16 text");
        free(u);
        return NULL;
    }
    if (measure(u, below, &size, err)) {
        free(u->marks);
        free(u);
        return NULL;
    }
    struct source *s = source_make(&utf16_ops, u, size, below, "utf16", err);
    if (s && source_gap_bytes(below))
        source_add_gap(s, 0, size, GAP_UNREADABLE);
    return s;
}

const struct utf16_report *utf16_source_report(const struct source *s)
{
    return &((const struct utf16 *)s->state)->report;
}
