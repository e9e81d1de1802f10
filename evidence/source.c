#include "evidence/source.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A list of gaps longer than this is coarsened: neighbours are joined, so
 * that more is called unreadable than is, never less. */
enum { GAPS_MAX = 1 << 16, BAD_STEP = 4096, SECTOR = 512 };

/* ---- gaps --------------------------------------------------------------- */

/* Index of the first gap that ends after off. */
static size_t gap_index(const struct source *s, uint64_t off)
{
    size_t lo = 0, hi = s->n_gaps;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->gaps[mid].off + s->gaps[mid].len <= off)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct gap *source_gap_in(const struct source *s, uint64_t off,
                                uint64_t n)
{
    size_t i = gap_index(s, off);
    if (n == 0 || i == s->n_gaps)
        return NULL;
    const struct gap *g = &s->gaps[i];
    return g->off < off || g->off - off < n ? g : NULL;
}

uint64_t source_gap_bytes(const struct source *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n_gaps; i++)
        sum += s->gaps[i].len;
    return sum;
}

/* Join every gap with its right neighbour: half as many, none lost. */
static void gaps_coarsen(struct source *s)
{
    size_t out = 0;
    for (size_t i = 0; i + 1 < s->n_gaps; i += 2) {
        struct gap g = s->gaps[i];
        const struct gap *next = &s->gaps[i + 1];
        g.len = next->off + next->len - g.off;
        if (next->kind == GAP_UNREADABLE)
            g.kind = GAP_UNREADABLE;
        s->gaps[out++] = g;
    }
    if (s->n_gaps % 2)
        s->gaps[out++] = s->gaps[s->n_gaps - 1];
    s->n_gaps = out;
}

/* Put a gap that overlaps no other at index i. */
static void gap_put(struct source *s, size_t i, struct gap g)
{
    struct gap *prev = i > 0 ? &s->gaps[i - 1] : NULL;
    if (prev && prev->kind == g.kind && prev->off + prev->len == g.off) {
        prev->len += g.len;
        struct gap *next = i < s->n_gaps ? &s->gaps[i] : NULL;
        if (next && next->kind == g.kind && next->off == g.off + g.len) {
            prev->len += next->len;
            s->n_gaps--;
            memmove(next, next + 1, (s->n_gaps - i) * sizeof *next);
        }
        return;
    }
    if (i < s->n_gaps && s->gaps[i].kind == g.kind &&
        s->gaps[i].off == g.off + g.len) {
        s->gaps[i].off = g.off;
        s->gaps[i].len += g.len;
        return;
    }
    struct gap *p = s->gaps;
    if (s->n_gaps % 64 == 0) /* the list grows in steps of 64 */
        p = realloc(s->gaps, (s->n_gaps + 64) * sizeof *p);
    if (p) {
        s->gaps = p;
        memmove(&p[i + 1], &p[i], (s->n_gaps - i) * sizeof *p);
        p[i] = g;
        s->n_gaps++;
    } else if (prev) { /* no memory: the nearest gap grows to cover it */
        prev->len = g.off + g.len - prev->off;
    } else if (s->n_gaps) {
        s->gaps[0].len += s->gaps[0].off - g.off;
        s->gaps[0].off = g.off;
    }
}

void source_add_gap(struct source *s, uint64_t off, uint64_t len,
                    enum gap_kind kind)
{
    if (off >= s->size)
        return;
    if (len > s->size - off)
        len = s->size - off;
    if (s->n_gaps >= GAPS_MAX)
        gaps_coarsen(s);
    /* The parts that no known gap covers yet. */
    while (len > 0) {
        size_t i = gap_index(s, off);
        uint64_t to = off + len;
        if (i < s->n_gaps && s->gaps[i].off <= off) {
            uint64_t end = s->gaps[i].off + s->gaps[i].len;
            if (end >= to)
                return;
            len = to - end;
            off = end;
            continue;
        }
        if (i < s->n_gaps && s->gaps[i].off < to)
            to = s->gaps[i].off;
        gap_put(s, i, (struct gap){ off, to - off, kind });
        len -= to - off;
        off = to;
    }
}

void source_take_gaps(struct source *s, const struct source *from,
                      uint64_t from_off, uint64_t off, uint64_t len)
{
    for (size_t i = gap_index(from, from_off); i < from->n_gaps; i++) {
        struct gap g = from->gaps[i];
        if (g.off >= from_off && g.off - from_off >= len)
            break;
        if (g.off < from_off) {
            g.len -= from_off - g.off;
            g.off = from_off;
        }
        uint64_t at = g.off - from_off;
        if (g.len > len - at)
            g.len = len - at;
        source_add_gap(s, off + at, g.len, g.kind);
    }
}

/* ---- the interface ------------------------------------------------------ */

/* The source and the bytes of its layer's name. */
struct source_box {
    struct source s;
    char layer[];
};

struct source *source_make(const struct source_ops *ops, void *state,
                           uint64_t size, struct source *below,
                           const char *layer, struct err *err)
{
    size_t n = strlen(layer) + 1;
    struct source_box *box = calloc(1, sizeof *box + n);
    if (!box) {
        struct source dead = { .ops = ops, .state = state };
        if (ops->close)
            ops->close(&dead);
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    memcpy(box->layer, layer, n);
    box->s = (struct source){
        .ops = ops,
        .state = state,
        .size = size,
        .below = below,
        .layer = box->layer,
    };
    return &box->s;
}

void source_close(struct source *s)
{
    while (s) {
        struct source *below = s->owns_below ? s->below : NULL;
        if (s->ops->close)
            s->ops->close(s);
        free(s->gaps);
        free(s);
        s = below;
    }
}

int source_read(struct source *s, uint64_t off, void *buf, size_t n,
                size_t *got, struct err *err)
{
    *got = 0;
    if (off >= s->size)
        return 0;
    if (n > s->size - off)
        n = (size_t)(s->size - off);
    int code = n ? s->ops->read(s, off, buf, n, err) : 0;
    if (code == 0)
        *got = n;
    return code;
}

int source_read_below(struct source *s, uint64_t from, uint64_t off, void *buf,
                      size_t n, struct err *err)
{
    size_t got;
    int code = source_read(s->below, from, buf, n, &got, err);
    if (code)
        return code;
    if (got < n) {
        memset((char *)buf + got, 0, n - got);
        source_add_gap(s, off + got, n - got, GAP_ABSENT);
    }
    if (s->below->n_gaps)
        source_take_gaps(s, s->below, from, off, got);
    return 0;
}

uint64_t source_next_data(struct source *s, uint64_t off, uint64_t *end)
{
    *end = s->size;
    if (off >= s->size)
        return s->size;
    uint64_t from = s->ops->next_data ? s->ops->next_data(s, off, end) : off;
    if (from >= s->size)
        from = s->size;
    if (*end > s->size || *end <= from)
        *end = s->size;
    return from;
}

bool source_is_hole(struct source_holes *h, uint64_t off, uint64_t n)
{
    if (off < h->asked || off >= h->end) {
        h->asked = off;
        h->data = source_next_data(h->s, off, &h->end);
    }
    return off < h->data && n <= h->data - off;
}

uint64_t source_next_below(struct source *s, uint64_t from, uint64_t off,
                           uint64_t *end)
{
    uint64_t to, at = source_next_data(s->below, from, &to);
    if (at >= s->below->size)
        return s->size; /* behind its end all is absent */
    *end = off + (to - from);
    return off + (at - from);
}

/* ---- a file ------------------------------------------------------------- */

struct file_state {
    int fd;
};

/* pread until n bytes are there; returns how many came before the end of
 * the file, or -1. */
static ssize_t read_whole(int fd, char *buf, size_t n, uint64_t off)
{
    size_t done = 0;
    while (done < n) {
        ssize_t r = pread(fd, buf + done, n - done, (off_t)(off + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return done ? (ssize_t)done : -1;
        if (r == 0)
            break;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

/* The length of the next try at off after an error: to the next boundary. */
static size_t step_at(uint64_t off, size_t step, size_t left)
{
    size_t n = step - (size_t)(off % step);
    return n < left ? n : left;
}

/* Read what a failing device still gives, sector by sector. */
static void read_around(struct source *s, int fd, char *buf, size_t n,
                        uint64_t off)
{
    size_t step = BAD_STEP;
    while (n > 0) {
        size_t want = step_at(off, step, n);
        ssize_t r = read_whole(fd, buf, want, off);
        size_t have = r > 0 ? (size_t)r : 0;
        if (have < want && step > SECTOR && want > SECTOR) {
            step = SECTOR; /* once more, finer */
            continue;
        }
        memset(buf + have, 0, want - have);
        if (have < want)
            source_add_gap(s, off + have, want - have, GAP_UNREADABLE);
        buf += want;
        off += want;
        n -= want;
        if (off % BAD_STEP == 0)
            step = BAD_STEP;
    }
}

static int file_read(struct source *s, uint64_t off, void *buf, size_t n,
                     struct err *err)
{
    const struct file_state *f = s->state;
    (void)err;
    ssize_t r = read_whole(f->fd, buf, n, off);
    if (r == (ssize_t)n)
        return 0;
    /* An error, or the file has shrunk since it was opened. */
    size_t have = r > 0 ? (size_t)r : 0;
    read_around(s, f->fd, (char *)buf + have, n - have, off + have);
    return 0;
}

/* Holes, as the file system that holds the evidence tells of them. */
static uint64_t file_next_data(struct source *s, uint64_t off, uint64_t *end)
{
    const struct file_state *f = s->state;
    off_t from = lseek(f->fd, (off_t)off, SEEK_DATA);
    if (from < (off_t)off)
        return from < 0 && errno == ENXIO ? s->size : off;
    off_t to = lseek(f->fd, from, SEEK_HOLE);
    if (to > from)
        *end = (uint64_t)to;
    return (uint64_t)from;
}

static void state_free(struct source *s)
{
    free(s->state);
}

static const struct source_ops file_ops = { .read = file_read,
                                            .close = state_free,
                                            .next_data = file_next_data };

struct source *source_open_fd(int fd, struct err *err)
{
    /* lseek and not fstat: a sealed worker may not call newfstatat. */
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0) {
        err_errno(err, ERR_EVIDENCE, "size of the evidence file");
        return NULL;
    }
    struct file_state *f = calloc(1, sizeof *f);
    if (!f) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    f->fd = fd;
    return source_make(&file_ops, f, (uint64_t)size, NULL, "", err);
}

/* ---- split files -------------------------------------------------------- */

struct split_state {
    size_t n;
    struct source **parts;
    uint64_t *start; /* offset of each part */
};

static void split_close(struct source *s)
{
    struct split_state *sp = s->state;
    for (size_t i = 0; i < sp->n; i++)
        source_close(sp->parts[i]);
    free(sp->parts);
    free(sp->start);
    free(sp);
}

/* The last part that starts at or before off and is not empty there. */
static size_t split_find(const struct split_state *sp, uint64_t off)
{
    size_t lo = 0, hi = sp->n;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (sp->start[mid] <= off)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static int split_read(struct source *s, uint64_t off, void *buf, size_t n,
                      struct err *err)
{
    struct split_state *sp = s->state;
    char *p = buf;
    for (size_t i = split_find(sp, off); n > 0 && i < sp->n; i++) {
        struct source *part = sp->parts[i];
        uint64_t at = off - sp->start[i];
        size_t got;
        int code = source_read(part, at, p, n, &got, err);
        if (code)
            return code;
        source_take_gaps(s, part, at, off, got);
        p += got;
        off += got;
        n -= got;
    }
    return 0;
}

static uint64_t split_next_data(struct source *s, uint64_t off, uint64_t *end)
{
    struct split_state *sp = s->state;
    for (size_t i = split_find(sp, off); i < sp->n; i++) {
        uint64_t start = sp->start[i], in = off > start ? off - start : 0, to;
        uint64_t from = source_next_data(sp->parts[i], in, &to);
        *end = start + to;
        if (from < sp->parts[i]->size)
            return start + from;
    }
    return s->size;
}

static const struct source_ops split_ops = { .read = split_read,
                                             .close = split_close,
                                             .next_data = split_next_data };

/* Opens part i and adds its size to *size. */
static int split_add(struct split_state *sp, int fd, uint64_t *size,
                     struct err *err)
{
    struct source *part = source_open_fd(fd, err);
    if (!part)
        return ERR_EVIDENCE;
    sp->parts[sp->n] = part;
    sp->start[sp->n] = *size;
    sp->n++;
    if (__builtin_add_overflow(*size, part->size, size))
        return err_set(err, ERR_EVIDENCE, "split image: too large");
    return 0;
}

struct source *source_open_split(const int *fds, size_t n, struct err *err)
{
    struct split_state *sp = calloc(1, sizeof *sp);
    uint64_t size = 0;
    bool ok = sp && n > 0;
    if (ok) {
        sp->parts = calloc(n, sizeof(struct source *));
        sp->start = calloc(n, sizeof *sp->start);
        ok = sp->parts && sp->start;
    }
    if (!ok)
        err_set(err, ERR_INTERNAL, n ? "out of memory" : "no files");
    for (size_t i = 0; ok && i < n; i++)
        ok = split_add(sp, fds[i], &size, err) == 0;
    if (ok)
        return source_make(&split_ops, sp, size, NULL, "", err);
    if (sp) {
        struct source dead = { .state = sp };
        split_close(&dead);
    }
    return NULL;
}

struct source *source_part(struct source *s, size_t i)
{
    if (s->ops != &split_ops)
        return i == 0 ? s : NULL;
    const struct split_state *sp = s->state;
    return i < sp->n ? sp->parts[i] : NULL;
}

/* ---- memory ------------------------------------------------------------- */

static int memory_read(struct source *s, uint64_t off, void *buf, size_t n,
                       struct err *err)
{
    (void)err;
    memcpy(buf, (const char *)s->state + off, n);
    return 0;
}

static const struct source_ops memory_ops = { .read = memory_read };

struct source *source_open_memory(struct str bytes, struct err *err)
{
    return source_make(&memory_ops, (void *)(uintptr_t)bytes.p, bytes.n, NULL,
                       "", err);
}

/* ---- a slice ------------------------------------------------------------ */

struct slice_state {
    uint64_t start;
};

static int slice_read(struct source *s, uint64_t off, void *buf, size_t n,
                      struct err *err)
{
    const struct slice_state *sl = s->state;
    return source_read_below(s, sl->start + off, off, buf, n, err);
}

static uint64_t slice_next_data(struct source *s, uint64_t off, uint64_t *end)
{
    const struct slice_state *sl = s->state;
    return source_next_below(s, sl->start + off, off, end);
}

static const struct source_ops slice_ops = { .read = slice_read,
                                             .close = state_free,
                                             .next_data = slice_next_data };

struct source *source_open_slice(struct source *below, uint64_t off,
                                 uint64_t len, const char *layer,
                                 struct err *err)
{
    uint64_t end;
    if (__builtin_add_overflow(off, len, &end)) {
        err_set(err, ERR_EVIDENCE, "%s: ends beyond 2^64", layer);
        return NULL;
    }
    struct slice_state *sl = calloc(1, sizeof *sl);
    if (!sl) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    sl->start = off;
    struct source *s = source_make(&slice_ops, sl, len, below, layer, err);
    if (!s)
        return NULL;
    /* What lies beyond the layer below was never recorded: known now. */
    if (end > below->size) {
        uint64_t have = off < below->size ? below->size - off : 0;
        source_add_gap(s, have, len - have, GAP_ABSENT);
    }
    source_take_gaps(s, below, off, 0, len);
    s->gaps_complete = below->gaps_complete;
    return s;
}
