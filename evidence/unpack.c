#include "evidence/unpack.h"

#include <stdlib.h>

#include "evidence/unpack_coder.h"
#include "evidence/worker.h"

enum {
    IN_SIZE = 128 << 10,
    CHUNK = 1 << 20,
    KEPT_MAX = 256 << 20, /* of content in memory; zeros cost nothing */
    BLOCK_STEP = 1 << 20, /* of content, between restart points in a stream */
    POINTS_MAX = 1 << 22,
};

struct point {
    uint64_t in, out;
    unsigned token;
};

struct chunk {
    unsigned char *kept; /* NULL: zeros, or not kept */
    bool zero;
};

struct unpack {
    struct unpack_report report;
    const struct unpack_coder *coder;
    void *c;
    struct point *points;
    size_t n_points, cap_points;
    struct chunk *chunks;
    size_t n_chunks, cap_chunks;
    uint64_t kept, kept_max; /* bytes */

    /* Where the stream stands. */
    uint64_t in_off, out; /* of in[0]; of the next byte of content */
    size_t in_n, in_at;
    bool input_ended, ended;
    unsigned char in[IN_SIZE];

    uint64_t current; /* chunk in `bytes`, UINT64_MAX = none */
    unsigned char bytes[CHUNK];
};

/* ---- names --------------------------------------------------------------- */

static const struct {
    const char *word, *text;
} damages[] = {
    [UNPACK_OK] = { "", "" },
    [UNPACK_NONE] = { "none", "no compressed stream" },
    [UNPACK_CUT] = { "cut", "the compressed data end inside a stream" },
    [UNPACK_BAD_DATA] = { "data", "damaged compressed data" },
    [UNPACK_MEMORY] = { "memory", "data that need more memory than is given to "
                                  "unpack them" },
    [UNPACK_TRAILING] = { "trailing", "other bytes after the last stream" },
    [UNPACK_TOO_LARGE] = { "too-large", "more content than is read" },
};

const char *unpack_layer(enum unpack_kind k)
{
    return k == UNPACK_XZ ? "xz" : k == UNPACK_BZ2 ? "bz2" : "";
}

const char *unpack_damage_code(enum unpack_kind k, enum unpack_damage d)
{
    static const char *const codes[][7] = {
        { "", "xz-none", "xz-cut", "xz-data", "xz-memory", "xz-trailing",
          "xz-too-large" },
        { "", "bz2-none", "bz2-cut", "bz2-data", "bz2-memory", "bz2-trailing",
          "bz2-too-large" },
    };
    return codes[k == UNPACK_BZ2][d];
}

const char *unpack_damage_text(enum unpack_damage d)
{
    return damages[d].text;
}

enum unpack_kind unpack_recognise(struct str head)
{
    static const char block[] = "\x31\x41\x59\x26\x53\x59";
    static const char end[] = "\x17\x72\x45\x38\x50\x90";
    if (head.n >= 6 && memcmp(head.p,
                              "\xfd"
                              "7zXZ",
                              6) == 0)
        return UNPACK_XZ;
    if (head.n >= 10 && memcmp(head.p, "BZh", 3) == 0 && head.p[3] >= '1' &&
        head.p[3] <= '9' &&
        (memcmp(head.p + 4, block, 6) == 0 || memcmp(head.p + 4, end, 6) == 0))
        return UNPACK_BZ2;
    return UNPACK_NOT;
}

/* ---- the stream ---------------------------------------------------------- */

static void damage(struct unpack *u, enum unpack_damage d)
{
    u->ended = true;
    if (u->report.damage || d == UNPACK_OK)
        return;
    u->report.damage = d;
    u->report.in_off = u->in_off + u->in_at;
    u->report.out_off = u->out;
}

static int fill(struct source *below, struct unpack *u, struct err *err)
{
    size_t got = 0;
    u->in_off += u->in_n;
    u->in_at = u->in_n = 0;
    int code = source_read(below, u->in_off, u->in, IN_SIZE, &got, err);
    u->in_n = code ? 0 : got;
    u->input_ended = u->in_n == 0;
    return code;
}

/* Keeps the place, or lets it stand for the one before when there is nothing
 * between them. */
static void point_here(struct unpack *u)
{
    struct point p = { u->in_off + u->in_at, u->out, u->coder->token(u->c) };
    struct point *last = u->n_points ? &u->points[u->n_points - 1] : NULL;
    if (last && last->out == p.out) {
        *last = p;
        return;
    }
    if (last && p.token != POINT_STREAM && p.out - last->out < BLOCK_STEP)
        return;
    if (u->n_points == u->cap_points) {
        size_t cap = u->cap_points ? u->cap_points * 2 : 64;
        struct point *more =
            cap <= POINTS_MAX ? realloc(u->points, cap * sizeof *more) : NULL;
        if (!more) {
            damage(u, UNPACK_TOO_LARGE);
            return;
        }
        u->points = more;
        u->cap_points = cap;
    }
    u->points[u->n_points++] = p;
}

static void start_at(struct unpack *u, const struct point *p)
{
    u->coder->start(u->c, p->token);
    u->in_off = p->in;
    u->out = p->out;
    u->in_n = u->in_at = 0;
    u->ended = u->input_ended = false;
}

/* The stream that follows the one restarted in the middle. */
static void next_stream(struct unpack *u)
{
    uint64_t at = u->in_off + u->in_at;
    for (size_t i = 0; i < u->n_points; i++)
        if (u->points[i].in >= at && u->points[i].out >= u->out) {
            start_at(u, &u->points[i]);
            return;
        }
    u->ended = true;
}

static void after_step(struct unpack *u, enum unpack_step step, bool scanning)
{
    switch (step) {
    case STEP_ON:
        break;
    case STEP_POINT:
        if (scanning)
            point_here(u);
        break;
    case STEP_LOST:
        next_stream(u);
        break;
    case STEP_NONE:
        damage(u, UNPACK_NONE);
        break;
    case STEP_BAD:
        damage(u, UNPACK_BAD_DATA);
        break;
    case STEP_MEMORY:
        damage(u, UNPACK_MEMORY);
        break;
    case STEP_TRAILING:
        damage(u, UNPACK_TRAILING);
        break;
    }
}

/* More content into buf; *got may be 0 before the end. */
static int some(struct source *below, struct unpack *u, void *buf, size_t n,
                bool scanning, size_t *got, struct err *err)
{
    struct unpack_io io = { u->in + u->in_at, buf, u->in_n - u->in_at, n };
    size_t before = io.in_n;
    enum unpack_step step = u->coder->step(u->c, &io);
    *got = n - io.out_n;
    u->in_at = u->in_n - io.in_n;
    u->out += *got;
    bool moved = *got || io.in_n != before || step != STEP_ON;
    after_step(u, step, scanning);
    if (moved || u->ended || u->in_at < u->in_n)
        return 0;
    if (u->input_ended) {
        damage(u, u->coder->at_end(u->c));
        return 0;
    }
    return fill(below, u, err);
}

/* ---- the first pass ------------------------------------------------------ */

static bool all_zero(const unsigned char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* The chunk in `bytes` is whole: keep it while there is room. */
static int keep(struct unpack *u, size_t n, struct err *err)
{
    if (u->n_chunks == u->cap_chunks) {
        size_t cap = u->cap_chunks ? u->cap_chunks * 2 : 64;
        struct chunk *more = realloc(u->chunks, cap * sizeof *more);
        if (!more)
            return err_set(err, ERR_INTERNAL, "out of memory");
        u->chunks = more;
        u->cap_chunks = cap;
    }
    struct chunk *c = &u->chunks[u->n_chunks++];
    *c = (struct chunk){ .zero = all_zero(u->bytes, n) };
    if (c->zero)
        return 0;
    if (u->kept + n <= u->kept_max)
        c->kept = malloc(n);
    if (c->kept) {
        memcpy(c->kept, u->bytes, n);
        u->kept += n;
    } else {
        u->report.again += n;
    }
    return 0;
}

static int scan(struct source *below, struct unpack *u, uint64_t max_out,
                struct err *err)
{
    int code = 0;
    size_t have = 0;
    while (code == 0 && !u->ended) {
        size_t got = 0;
        code = some(below, u, u->bytes + have, CHUNK - have, true, &got, err);
        have += got;
        if (u->out >= max_out && !u->ended)
            damage(u, UNPACK_TOO_LARGE);
        if (code == 0 && have == CHUNK) {
            code = keep(u, have, err);
            have = 0;
            (void)worker_progress(u->in_off);
        }
    }
    if (code == 0 && have)
        code = keep(u, have, err);
    u->report.out_size = u->out;
    u->report.streams = u->coder->streams(u->c);
    u->report.points = u->n_points;
    return code;
}

/* ---- reading ------------------------------------------------------------- */

static size_t chunk_size(const struct source *s, uint64_t i)
{
    uint64_t left = s->size - i * CHUNK;
    return left < CHUNK ? (size_t)left : CHUNK;
}

static void seek(struct unpack *u, uint64_t at)
{
    size_t lo = 0, hi = u->n_points;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (u->points[mid].out <= at)
            lo = mid;
        else
            hi = mid;
    }
    if (u->n_points && (u->out > at || u->points[lo].out > u->out || u->ended))
        start_at(u, &u->points[lo]);
}

/* Chunk i out of the stream, from the last point before it. */
static int again(struct source *s, uint64_t i, struct err *err)
{
    struct unpack *u = s->state;
    uint64_t at = i * CHUNK;
    size_t size = chunk_size(s, i), have = 0, got;
    int code = 0;
    seek(u, at);
    while (code == 0 && u->out < at && !u->ended) {
        uint64_t left = at - u->out;
        code = some(s->below, u, u->bytes, left < CHUNK ? (size_t)left : CHUNK,
                    false, &got, err);
        (void)worker_progress(0);
    }
    while (code == 0 && have < size && !u->ended) {
        code =
            some(s->below, u, u->bytes + have, size - have, false, &got, err);
        have += got;
    }
    if (code == 0 && have < size) { /* the bytes below have changed */
        memset(u->bytes + have, 0, size - have);
        source_add_gap(s, at + have, size - have, GAP_UNREADABLE);
    }
    return code;
}

/* Where the bytes of chunk i are; NULL: *code says why. */
static const unsigned char *load(struct source *s, uint64_t i, int *code,
                                 struct err *err)
{
    struct unpack *u = s->state;
    const struct chunk *c = &u->chunks[i];
    *code = 0;
    if (c->kept)
        return c->kept;
    if (u->current == i)
        return u->bytes;
    u->current = UINT64_MAX;
    if (c->zero)
        memset(u->bytes, 0, chunk_size(s, i));
    else
        *code = again(s, i, err);
    if (*code)
        return NULL;
    u->current = i;
    return u->bytes;
}

static int unpack_read(struct source *s, uint64_t off, void *buf, size_t n,
                       struct err *err)
{
    unsigned char *p = buf;
    int code = 0;
    while (n > 0 && code == 0) {
        size_t in = (size_t)(off % CHUNK), part = CHUNK - in;
        if (part > n)
            part = n;
        const unsigned char *from = load(s, off / CHUNK, &code, err);
        if (from)
            memcpy(p, from + in, part);
        p += part;
        off += part;
        n -= part;
    }
    return code;
}

static void state_free(struct unpack *u)
{
    u->coder->close(u->c);
    free(u->points);
    for (size_t i = 0; i < u->n_chunks; i++)
        free(u->chunks[i].kept);
    free(u->chunks);
    free(u);
}

static void unpack_close(struct source *s)
{
    state_free(s->state);
}

static const struct source_ops unpack_ops = { .read = unpack_read,
                                              .close = unpack_close };

static struct unpack *state_new(enum unpack_kind k)
{
    struct unpack *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->coder = k == UNPACK_BZ2 ? &unpack_bz2 : &unpack_xz;
    u->report.kind = k;
    u->current = UINT64_MAX;
    u->c = u->coder->open();
    if (u->c)
        return u;
    free(u);
    return NULL;
}

size_t unpack_head(struct str packed, void *out, size_t n)
{
    struct unpack *u = state_new(unpack_recognise(packed));
    struct unpack_io io = { (const unsigned char *)packed.p, out, packed.n, n };
    while (u && packed.n && io.out_n) {
        size_t in = io.in_n, room = io.out_n;
        enum unpack_step step = u->coder->step(u->c, &io);
        if (step > STEP_POINT ||
            (step == STEP_ON && io.in_n == in && io.out_n == room && in == 0))
            break;
    }
    if (u)
        state_free(u);
    return n - io.out_n;
}

struct source *unpack_open(enum unpack_kind k, struct source *below,
                           uint64_t max_out, struct err *err)
{
    return unpack_open_kept(k, below, max_out, KEPT_MAX, err);
}

struct source *unpack_open_kept(enum unpack_kind k, struct source *below,
                                uint64_t max_out, uint64_t kept_max,
                                struct err *err)
{
    struct unpack *u = state_new(k);
    if (!u) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    u->kept_max = kept_max;
    if (scan(below, u, max_out, err)) {
        state_free(u);
        return NULL;
    }
    struct source *s = source_make(&unpack_ops, u, u->report.out_size, below,
                                   unpack_layer(k), err);
    if (s)
        s->gaps_complete = true;
    return s;
}

const struct unpack_report *unpack_source_report(const struct source *s)
{
    const struct unpack *u = s->state;
    return s->ops == &unpack_ops ? &u->report : NULL;
}
