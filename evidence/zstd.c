#include "evidence/zstd.h"

#include <stdlib.h>
#include <zstd.h>

#include "evidence/worker.h"

enum {
    IN_SIZE = 128 << 10,
    CHUNK = 1 << 20,
    KEPT_MAX = 512 << 20, /* packed content in memory */
    FRAME_STEP = 1 << 20, /* of content, between restart points */
    WINDOW_LOG_MAX = 27,  /* 128 MiB */
};

struct point {
    uint64_t in, out;
};

struct chunk {
    void *packed; /* NULL: zeros, or not kept */
    uint32_t n;
    bool zero;
};

struct zstd_state {
    struct zstd_report report;
    ZSTD_DCtx *d;
    ZSTD_CCtx *c;
    struct point *points; /* starts of frames */
    size_t n_points, cap_points;
    struct chunk *chunks;
    size_t n_chunks, cap_chunks;
    uint64_t kept, kept_max; /* bytes */

    /* Where the stream stands. */
    uint64_t in_off, out; /* of in[0]; of the next byte of content */
    size_t in_n, in_at;
    bool frame_start, ended;
    unsigned char in[IN_SIZE];

    uint64_t current; /* chunk in `bytes`, UINT64_MAX = none */
    size_t current_n;
    unsigned char bytes[CHUNK];
    unsigned char packed[CHUNK + (CHUNK >> 7) + 512]; /* of one chunk */
};

static const struct {
    const char *code, *text;
} damages[] = {
    [ZSTD_OK] = { "", "" },
    [ZSTD_NO_FRAME] = { "zstd-none", "no zstd frame" },
    [ZSTD_CUT] = { "zstd-cut", "the zstd data end inside a frame" },
    [ZSTD_BAD_DATA] = { "zstd-data", "damaged zstd data" },
    [ZSTD_WINDOW] = { "zstd-window", "a zstd frame with a window of more than "
                                     "128 MiB is not read" },
    [ZSTD_TOO_LARGE] = { "zstd-too-large", "more content than is read" },
};

const char *zstd_damage_code(enum zstd_damage d)
{
    return damages[d].code;
}

const char *zstd_damage_text(enum zstd_damage d)
{
    return damages[d].text;
}

/* A frame, or one to be skipped before it. */
bool zstd_is(struct str head)
{
    static const char magic[] = { '\x28', '\xb5', '\x2f', '\xfd' };
    static const char skip[] = { '\x2a', '\x4d', '\x18' };
    if (head.n < 4)
        return false;
    return memcmp(head.p, magic, 4) == 0 ||
           ((head.p[0] & 0xf0) == 0x50 && memcmp(head.p + 1, skip, 3) == 0);
}

size_t zstd_head(struct str packed, void *out, size_t n)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    ZSTD_inBuffer in = { packed.p, packed.n, 0 };
    ZSTD_outBuffer o = { out, n, 0 };
    size_t rc = 0;
    if (d)
        ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    while (d && o.pos < n && !ZSTD_isError(rc)) {
        size_t before = in.pos + o.pos;
        rc = ZSTD_decompressStream(d, &o, &in);
        if (in.pos + o.pos == before)
            break;
    }
    ZSTD_freeDCtx(d);
    return o.pos;
}

static void damage(struct zstd_state *z, enum zstd_damage d)
{
    z->ended = true;
    if (z->report.damage)
        return;
    z->report.damage = d;
    z->report.in_off = z->in_off + z->in_at;
    z->report.out_off = z->out;
}

/* ---- the stream --------------------------------------------------------- */

static int fill(struct source *below, struct zstd_state *z, struct err *err)
{
    size_t got = 0;
    z->in_off += z->in_n;
    z->in_at = z->in_n = 0;
    int code = source_read(below, z->in_off, z->in, IN_SIZE, &got, err);
    z->in_n = code ? 0 : got;
    return code;
}

/* More content into buf; *got may be 0 before the end. */
static int some(struct source *below, struct zstd_state *z, void *buf, size_t n,
                size_t *got, struct err *err)
{
    *got = 0;
    int code = z->in_at == z->in_n ? fill(below, z, err) : 0;
    if (code)
        return code;
    if (z->in_n == 0) {
        if (z->frame_start && z->report.frames)
            z->ended = true;
        else
            damage(z, z->report.frames || z->in_off ? ZSTD_CUT : ZSTD_NO_FRAME);
        return 0;
    }
    ZSTD_inBuffer in = { z->in, z->in_n, z->in_at };
    ZSTD_outBuffer out = { buf, n, 0 };
    size_t rc = ZSTD_decompressStream(z->d, &out, &in);
    z->in_at = in.pos;
    z->out += *got = out.pos;
    z->frame_start = rc == 0;
    if (ZSTD_isError(rc)) {
        bool window = ZSTD_isError(rc) &&
                      strstr(ZSTD_getErrorName(rc), "too much memory") != NULL;
        damage(z, window ? ZSTD_WINDOW : ZSTD_BAD_DATA);
    }
    return 0;
}

static void start_at(struct zstd_state *z, const struct point *p)
{
    ZSTD_DCtx_reset(z->d, ZSTD_reset_session_only);
    z->in_off = p->in;
    z->out = p->out;
    z->in_n = z->in_at = 0;
    z->frame_start = true;
    z->ended = false;
}

static void point_here(struct zstd_state *z)
{
    struct point p = { z->in_off + z->in_at, z->out };
    if (z->n_points && p.out - z->points[z->n_points - 1].out < FRAME_STEP)
        return;
    if (z->n_points == z->cap_points) {
        size_t cap = z->cap_points ? z->cap_points * 2 : 64;
        struct point *more = realloc(z->points, cap * sizeof *more);
        if (!more) /* slower, not wrong */
            return;
        z->points = more;
        z->cap_points = cap;
    }
    z->points[z->n_points++] = p;
}

/* ---- chunks ------------------------------------------------------------- */

static bool all_zero(const unsigned char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* The chunk in `bytes` is whole: keep it while there is room. */
static int keep(struct zstd_state *z, struct err *err)
{
    if (z->n_chunks == z->cap_chunks) {
        size_t cap = z->cap_chunks ? z->cap_chunks * 2 : 256;
        struct chunk *more = realloc(z->chunks, cap * sizeof *more);
        if (!more)
            return err_set(err, ERR_INTERNAL, "out of memory");
        z->chunks = more;
        z->cap_chunks = cap;
    }
    struct chunk *c = &z->chunks[z->n_chunks++];
    *c = (struct chunk){ .zero = all_zero(z->bytes, z->current_n) };
    if (c->zero)
        return 0;
    size_t n = ZSTD_compressCCtx(z->c, z->packed, sizeof z->packed, z->bytes,
                                 z->current_n, 1);
    if (!ZSTD_isError(n) && z->kept + n <= z->kept_max)
        c->packed = malloc(n);
    if (c->packed) {
        memcpy(c->packed, z->packed, n);
        c->n = (uint32_t)n;
        z->kept += n;
    } else {
        z->report.again += z->current_n;
    }
    return 0;
}

/* Decompress all once: size, damage, restart points, what is kept. */
static int scan(struct source *below, struct zstd_state *z, uint64_t max_out,
                struct err *err)
{
    int code = 0;
    z->frame_start = true;
    while (code == 0 && !z->ended) {
        size_t got;
        if (z->frame_start)
            point_here(z);
        code = some(below, z, z->bytes + z->current_n, CHUNK - z->current_n,
                    &got, err);
        z->report.frames += code == 0 && z->frame_start && !z->ended;
        z->current_n += got;
        if (z->out >= max_out && !z->ended) {
            damage(z, ZSTD_TOO_LARGE);
        } else if (code == 0 && z->current_n == CHUNK) {
            code = keep(z, err);
            z->current_n = 0;
            (void)worker_progress(z->in_off);
        }
    }
    if (code == 0 && z->current_n)
        code = keep(z, err);
    z->report.out_size = z->out;
    z->current = UINT64_MAX;
    z->current_n = 0;
    return code;
}

static size_t chunk_size(const struct source *s, uint64_t i)
{
    uint64_t left = s->size - i * CHUNK;
    return left < CHUNK ? (size_t)left : CHUNK;
}

/* Chunk i out of the stream, from the last frame before it. */
static int again(struct source *s, uint64_t i, struct err *err)
{
    struct zstd_state *z = s->state;
    uint64_t at = i * CHUNK;
    size_t lo = 0, hi = z->n_points, size = chunk_size(s, i), have = 0, got;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (z->points[mid].out <= at)
            lo = mid;
        else
            hi = mid;
    }
    if (z->n_points && (z->out > at || z->points[lo].out > z->out || z->ended))
        start_at(z, &z->points[lo]);
    int code = 0;
    while (code == 0 && z->out < at && !z->ended) {
        uint64_t left = at - z->out;
        code = some(s->below, z, z->bytes, left < CHUNK ? (size_t)left : CHUNK,
                    &got, err);
        (void)worker_progress(0);
    }
    while (code == 0 && have < size && !z->ended) {
        code = some(s->below, z, z->bytes + have, size - have, &got, err);
        have += got;
    }
    if (code == 0 && have < size) { /* the bytes below have changed */
        memset(z->bytes + have, 0, size - have);
        source_add_gap(s, at + have, size - have, GAP_UNREADABLE);
    }
    return code;
}

static int load(struct source *s, uint64_t i, struct err *err)
{
    struct zstd_state *z = s->state;
    const struct chunk *c = &z->chunks[i];
    size_t size = chunk_size(s, i);
    if (z->current == i)
        return 0;
    z->current = UINT64_MAX;
    int code = 0;
    if (c->zero)
        memset(z->bytes, 0, size);
    else if (!c->packed)
        code = again(s, i, err);
    else if (ZSTD_decompress(z->bytes, size, c->packed, c->n) != size)
        code = err_set(err, ERR_INTERNAL, "zstd: a kept chunk is damaged");
    if (code == 0)
        z->current = i;
    return code;
}

static int zstd_read(struct source *s, uint64_t off, void *buf, size_t n,
                     struct err *err)
{
    struct zstd_state *z = s->state;
    char *p = buf;
    int code = 0;
    while (n > 0 && code == 0) {
        size_t in = (size_t)(off % CHUNK), part = CHUNK - in;
        if (part > n)
            part = n;
        code = load(s, off / CHUNK, err);
        if (code == 0)
            memcpy(p, z->bytes + in, part);
        p += part;
        off += part;
        n -= part;
    }
    return code;
}

static void state_free(struct zstd_state *z)
{
    for (size_t i = 0; i < z->n_chunks; i++)
        free(z->chunks[i].packed);
    free(z->chunks);
    free(z->points);
    ZSTD_freeDCtx(z->d);
    ZSTD_freeCCtx(z->c);
    free(z);
}

static void zstd_close(struct source *s)
{
    state_free(s->state);
}

static const struct source_ops zstd_ops = { .read = zstd_read,
                                            .close = zstd_close };

struct source *source_open_zstd(struct source *below, uint64_t max_out,
                                struct err *err)
{
    return zstd_open_kept(below, max_out, KEPT_MAX, err);
}

struct source *zstd_open_kept(struct source *below, uint64_t max_out,
                              uint64_t kept_max, struct err *err)
{
    struct zstd_state *z = calloc(1, sizeof *z);
    if (!z) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    z->kept_max = kept_max;
    z->d = ZSTD_createDCtx();
    z->c = ZSTD_createCCtx();
    int code = z->d && z->c ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    if (code == 0)
        ZSTD_DCtx_setParameter(z->d, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    if (code == 0)
        code = scan(below, z, max_out, err);
    if (code) {
        state_free(z);
        return NULL;
    }
    struct source *s =
        source_make(&zstd_ops, z, z->report.out_size, below, "zst", err);
    if (s)
        s->gaps_complete = true;
    return s;
}

const struct zstd_report *zstd_source_report(const struct source *s)
{
    const struct zstd_state *z = s->state;
    return s->ops == &zstd_ops ? &z->report : NULL;
}
