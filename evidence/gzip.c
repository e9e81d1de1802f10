/*
 * Two ways to inflate. A whole buffer at once (importers of small objects:
 * speed), and a source with random access (readers of one record, large
 * files). The source inflates the stream once when it is opened, which finds
 * its size and its damage, and keeps restart points: a position between two
 * deflate blocks with the 32 KiB of content before it.
 *
 * Gzip headers are read here and only raw deflate is given to zlib, so that
 * each kind of damage has its own name and place.
 */
#include "evidence/gzip.h"

#include <stdlib.h>
#include <zlib.h>
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#include "base/varint.h"
#include "evidence/worker.h"

enum {
    PAD = 64,
    WINDOW = 32768,
    IN_SIZE = 1 << 16,
    POINT_STEP = 4 << 20, /* content between restart points, at first */
    POINTS_MAX = 4096,    /* then every second is dropped: at most 128 MiB */
    HEADER_MAX = 1 << 20, /* name, comment and extra field of a member */
    KEEP_MAX = 16 << 20,  /* content up to this is kept from the first pass */
};

static const struct {
    const char *code, *text;
} damages[] = {
    [GZIP_OK] = { "", "" },
    [GZIP_EMPTY] = { "gzip-empty", "the file is empty, not even a header" },
    [GZIP_NOT_GZIP] = { "gzip-header", "no valid gzip header" },
    [GZIP_CUT] = { "gzip-cut", "the compressed data end inside a member" },
    [GZIP_BAD_DATA] = { "gzip-data", "the compressed data are damaged" },
    [GZIP_CHECKSUM] = { "gzip-checksum",
                        "the content differs from its stored CRC-32" },
    [GZIP_LENGTH] = { "gzip-length",
                      "the content differs from its stored length" },
    [GZIP_TRAILING] = { "gzip-trailing",
                        "other bytes follow the compressed data" },
    [GZIP_TOO_LARGE] = { "gzip-limit", "the content is larger than the limit" },
};

const char *gzip_damage_code(enum gzip_damage d)
{
    return damages[d].code;
}

const char *gzip_damage_text(enum gzip_damage d)
{
    return damages[d].text;
}

static void report_damage(struct gzip_report *r, enum gzip_damage d,
                          uint64_t in_off, uint64_t out_off)
{
    if (r->n_damaged++ == 0) {
        r->damage = d;
        r->in_off = in_off;
        r->out_off = out_off;
    }
}

/* ---- member headers ----------------------------------------------------- */

enum header { HEADER_OK, HEADER_BAD, HEADER_SHORT };

static bool skip_zstring(struct cursor *c)
{
    const void *nul = memchr(c->p, 0, cursor_left(c));
    if (!nul)
        return false;
    c->p = (const unsigned char *)nul + 1;
    return true;
}

/* Length of the member header at the start of s. */
static enum header header_length(struct str s, size_t *len)
{
    enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 0xe0 };
    static const char magic[] = "\x1f\x8b\x08";
    size_t known = s.n < 3 ? s.n : 3;
    if (memcmp(s.p, magic, known) != 0)
        return HEADER_BAD;
    struct cursor c = cursor_of(s.p, s.n);
    cursor_take(&c, 3);
    unsigned flags = cursor_u8(&c);
    if (flags & RESERVED)
        return HEADER_BAD;
    cursor_take(&c, 6);
    if (flags & FEXTRA)
        cursor_take(&c, cursor_u16(&c));
    if (c.failed || ((flags & FNAME) && !skip_zstring(&c)) ||
        ((flags & FCOMMENT) && !skip_zstring(&c)))
        return HEADER_SHORT;
    if (flags & FHCRC)
        cursor_take(&c, 2);
    *len = (size_t)(c.p - (const unsigned char *)s.p);
    return c.failed ? HEADER_SHORT : HEADER_OK;
}

/* Does anything but zeros follow? Padding to a block is common and harmless
 * (tapes, dd), other bytes are not. */
static size_t zeros_at(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] == 0)
        n++;
    return n;
}

/* ---- whole buffers ------------------------------------------------------ */

struct gzip_inflater {
    z_stream z; /* raw deflate */
#ifdef HAVE_LIBDEFLATE
    struct libdeflate_decompressor *fast;
#endif
};

void gzip_inflater_close(struct gzip_inflater *g)
{
    if (!g)
        return;
    inflateEnd(&g->z);
#ifdef HAVE_LIBDEFLATE
    if (g->fast)
        libdeflate_free_decompressor(g->fast);
#endif
    free(g);
}

struct gzip_inflater *gzip_inflater_open(void)
{
    struct gzip_inflater *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    bool ok = inflateInit2(&g->z, -15) == Z_OK;
#ifdef HAVE_LIBDEFLATE
    g->fast = libdeflate_alloc_decompressor();
    ok = ok && g->fast;
#endif
    if (!ok) {
        gzip_inflater_close(g);
        return NULL;
    }
    return g;
}

/* Room for at least `more` bytes of content and the padding. */
static bool grow(struct buf *out, size_t more)
{
    if (out->cap - out->n >= more + PAD)
        return true;
    size_t want = out->cap < more ? more : out->cap;
    return buf_reserve(out, want + PAD);
}

/* Free bytes for content: one more than allowed at most, which tells a
 * content of exactly max_out from a larger one. */
static size_t room(const struct buf *out, uint64_t max_out)
{
    size_t n = out->cap - out->n - PAD;
    return n < max_out - out->n + 1 ? n : (size_t)(max_out - out->n + 1);
}

enum member { MEMBER_DONE, MEMBER_STOP, MEMBER_REFUSED, MEMBER_NO_MEMORY };

/* Inflate one member by zlib; gz starts at its header. *used counts all its
 * bytes. Names damage; MEMBER_STOP when nothing can follow. */
static enum member member_slow(struct gzip_inflater *g, struct str gz,
                               struct buf *out, uint64_t max_out,
                               struct gzip_report *r, size_t *used)
{
    size_t head = 0;
    enum header h = header_length(gz, &head);
    if (h != HEADER_OK) {
        bool first = r->in_used == 0;
        report_damage(r,
                      h == HEADER_SHORT ? GZIP_CUT
                      : first           ? GZIP_NOT_GZIP
                                        : GZIP_TRAILING,
                      r->in_used, out->n);
        return MEMBER_STOP;
    }
    inflateReset(&g->z);
    size_t start = out->n, at = head;
    int code = Z_OK;
    while (code == Z_OK) {
        if (!grow(out, 1 << 16))
            return MEMBER_NO_MEMORY;
        size_t in = gz.n - at, to = room(out, max_out);
        in = in < UINT32_MAX ? in : UINT32_MAX;
        to = to < UINT32_MAX ? to : UINT32_MAX;
        g->z.next_in = (Bytef *)(uintptr_t)(gz.p + at);
        g->z.avail_in = (uInt)in;
        g->z.next_out = (Bytef *)out->p + out->n;
        g->z.avail_out = (uInt)to;
        code = inflate(&g->z, Z_NO_FLUSH);
        at += in - g->z.avail_in;
        out->n += to - g->z.avail_out;
        if (out->n > max_out) {
            out->n = (size_t)max_out;
            report_damage(r, GZIP_TOO_LARGE, r->in_used + at, out->n);
            *used = at;
            return MEMBER_STOP;
        }
    }
    *used = at;
    if (code != Z_STREAM_END) {
        if (code == Z_MEM_ERROR)
            return MEMBER_NO_MEMORY;
        report_damage(r, code == Z_BUF_ERROR ? GZIP_CUT : GZIP_BAD_DATA,
                      r->in_used + at, out->n);
        return MEMBER_STOP;
    }
    if (gz.n - at < 8) {
        report_damage(r, GZIP_CUT, r->in_used + at, out->n);
        return MEMBER_STOP;
    }
    *used = at + 8;
    size_t len = out->n - start;
    uLong crc = crc32_z(0, (const Bytef *)out->p + start, len);
    if (u32le(gz.p + at) != crc)
        report_damage(r, GZIP_CHECKSUM, r->in_used + at, out->n);
    else if (u32le(gz.p + at + 4) != (uint32_t)len)
        report_damage(r, GZIP_LENGTH, r->in_used + at + 4, out->n);
    return MEMBER_DONE;
}

#ifdef HAVE_LIBDEFLATE
/* The same for members without damage, MEMBER_REFUSED for all others. */
static enum member member_fast(struct gzip_inflater *g, struct str gz,
                               struct buf *out, uint64_t max_out, size_t *used)
{
    /* The last four bytes are the length if this is the only member; a lie
     * there must not cost memory. */
    uint64_t hint = gz.n >= 18 ? (uint64_t)u32le(gz.p + gz.n - 4) + 1 : 0;
    uint64_t usual = (uint64_t)gz.n * 64 + 4096;
    if (hint > usual)
        hint = usual;
    if (hint > max_out - out->n + 1)
        hint = max_out - out->n + 1;
    if (hint < 4096)
        hint = 4096;
    for (;;) {
        size_t got = 0;
        if (!grow(out, (size_t)hint))
            return MEMBER_NO_MEMORY;
        size_t to = room(out, max_out);
        enum libdeflate_result code = libdeflate_gzip_decompress_ex(
            g->fast, gz.p, gz.n, out->p + out->n, to, used, &got);
        if (code == LIBDEFLATE_SUCCESS && got <= max_out - out->n) {
            out->n += got;
            return MEMBER_DONE;
        }
        if (code != LIBDEFLATE_INSUFFICIENT_SPACE || to > max_out - out->n)
            return MEMBER_REFUSED;
        hint = (uint64_t)to * 2;
    }
}
#endif

static enum member member_inflate(struct gzip_inflater *g, struct str gz,
                                  struct buf *out, uint64_t max_out,
                                  struct gzip_report *r, size_t *used)
{
#ifdef HAVE_LIBDEFLATE
    enum member m = member_fast(g, gz, out, max_out, used);
    if (m != MEMBER_REFUSED)
        return m;
#endif
    return member_slow(g, gz, out, max_out, r, used);
}

int gzip_inflate_all(struct gzip_inflater *g, struct str gz, struct buf *out,
                     uint64_t max_out, struct gzip_report *r)
{
    *r = (struct gzip_report){ 0 };
    buf_clear(out);
    if (gz.n == 0)
        report_damage(r, GZIP_EMPTY, 0, 0);
    if (max_out > SIZE_MAX / 4)
        max_out = SIZE_MAX / 4;
    enum member m = MEMBER_DONE;
    while (m == MEMBER_DONE && r->in_used < gz.n) {
        struct str left = str_sub(gz, (size_t)r->in_used, gz.n);
        size_t zeros = zeros_at(left), used = 0;
        if (r->members && zeros == left.n) {
            r->zeros = zeros;
            break;
        }
        m = member_inflate(g, left, out, max_out, r, &used);
        r->in_used += used;
        r->members += m == MEMBER_DONE;
    }
    r->out_size = out->n;
    if (m == MEMBER_NO_MEMORY || !buf_reserve(out, PAD))
        return ERR_INTERNAL;
    memset(out->p + out->n, 0, PAD);
    return 0;
}

size_t gzip_head(struct str gz, void *out, size_t n)
{
    z_stream z = { .next_in = (unsigned char *)(uintptr_t)gz.p,
                   .avail_in = gz.n < UINT32_MAX ? (uInt)gz.n : UINT32_MAX,
                   .next_out = out,
                   .avail_out = n < UINT32_MAX ? (uInt)n : UINT32_MAX };
    if (inflateInit2(&z, 31) != Z_OK)
        return 0;
    (void)inflate(&z, Z_SYNC_FLUSH);
    inflateEnd(&z);
    return n - z.avail_out;
}

/* ---- a source with restart points --------------------------------------- */

/* A place between two deflate blocks where inflating can start. */
struct point {
    uint64_t out;   /* offset in the content */
    uint64_t in;    /* offset of the first byte not yet used */
    uint8_t bits;   /* bits of the byte before that are still to be used */
    uint8_t before; /* that byte */
    bool member;    /* a member header comes here instead */
    uint32_t n_window;
    unsigned char *window;
};

struct gzip_state {
    z_stream z;
    bool raw; /* one deflate stream without header and trailer */
    uint64_t max_out;
    struct gzip_report report;
    struct point *points;
    size_t n_points;
    uint64_t step; /* content between points */
    char *kept;    /* all content, when it is not too much; else NULL */
    size_t cap_kept;

    /* Where the stream stands. */
    bool header;        /* a member header comes next */
    bool ended;         /* nothing more comes */
    uint64_t out;       /* offset of the next byte of content */
    uint64_t member;    /* offset in the content where this member began */
    uint32_t crc;       /* of this member so far, while scanning */
    bool scanning;      /* first pass: points, checks and the report */
    uint64_t in_off;    /* offset of in[0] */
    size_t in_n, in_at; /* bytes there, next one */
    unsigned char in[IN_SIZE];
};

static uint64_t in_pos(const struct gzip_state *g)
{
    return g->in_off + g->in_at;
}

/* Let at least `want` bytes (<= IN_SIZE) lie at in[in_at], if there are as
 * many. Returns how many there are. */
static int fill(struct source *below, struct gzip_state *g, size_t want,
                size_t *have, struct err *err)
{
    *have = g->in_n - g->in_at;
    if (*have >= want)
        return 0;
    memmove(g->in, g->in + g->in_at, *have);
    g->in_off += g->in_at;
    g->in_at = 0;
    g->in_n = *have;
    size_t got;
    int code = source_read(below, g->in_off + g->in_n, g->in + g->in_n,
                           IN_SIZE - g->in_n, &got, err);
    g->in_n += code ? 0 : got;
    *have = g->in_n;
    return code;
}

static void stop(struct gzip_state *g, enum gzip_damage d)
{
    g->ended = true;
    if (!g->scanning || d == GZIP_OK)
        return;
    report_damage(&g->report, d, in_pos(g), g->out);
    g->report.in_used = in_pos(g);
}

/* A header longer than the buffer: only its end matters. Reads it by hand. */
static int long_header(struct source *below, struct gzip_state *g,
                       struct err *err)
{
    uint64_t off = in_pos(g);
    char *all = malloc(HEADER_MAX);
    if (!all)
        return err_set(err, ERR_INTERNAL, "out of memory");
    size_t got, len = 0;
    int code = source_read(below, off, all, HEADER_MAX, &got, err);
    if (code == 0) {
        struct str s = { all, got };
        if (header_length(s, &len) == HEADER_OK) {
            g->in_off = off + len;
            g->in_n = g->in_at = 0;
        } else {
            stop(g, got < HEADER_MAX ? GZIP_CUT : GZIP_NOT_GZIP);
        }
    }
    free(all);
    return code;
}

/* Is all from here on zero? *n: how much. */
static int only_zeros(struct source *below, struct gzip_state *g, bool *zeros,
                      uint64_t *n, struct err *err)
{
    size_t have;
    int code;
    *n = 0;
    *zeros = true;
    while ((code = fill(below, g, 1, &have, err)) == 0 && have > 0) {
        size_t z = zeros_at((struct str){ (char *)g->in + g->in_at, have });
        g->in_at += z;
        *n += z;
        if (z < have) {
            *zeros = false;
            break;
        }
    }
    return code;
}

/* Start the next member, or end. */
static int next_member(struct source *below, struct gzip_state *g,
                       struct err *err)
{
    size_t have, len = 0;
    int code = fill(below, g, IN_SIZE, &have, err);
    if (code)
        return code;
    struct str s = { (char *)g->in + g->in_at, have };
    enum header h = have ? header_length(s, &len) : HEADER_BAD;
    bool first = in_pos(g) == 0;
    g->header = false;
    if (h == HEADER_OK) {
        g->in_at += len;
    } else if (h == HEADER_SHORT && have == IN_SIZE) {
        code = long_header(below, g, err);
    } else if (h == HEADER_SHORT) {
        stop(g, GZIP_CUT);
    } else if (first) {
        stop(g, have ? GZIP_NOT_GZIP : GZIP_EMPTY);
    } else {
        uint64_t at = in_pos(g), n;
        bool zeros;
        code = only_zeros(below, g, &zeros, &n, err);
        if (code)
            return code;
        stop(g, GZIP_OK);
        if (g->scanning && zeros)
            g->report.zeros = n;
        else if (g->scanning)
            report_damage(&g->report, GZIP_TRAILING, at, g->out);
    }
    inflateReset(&g->z);
    g->member = g->out;
    g->crc = 0;
    return code;
}

/* The deflate data of a member ended: look at its trailer. */
static int end_member(struct source *below, struct gzip_state *g,
                      struct err *err)
{
    size_t have = 0;
    if (g->raw) {
        stop(g, GZIP_OK);
        g->report.in_used = in_pos(g);
        return 0;
    }
    int code = fill(below, g, 8, &have, err);
    if (code)
        return code;
    if (have < 8) {
        stop(g, GZIP_CUT);
        return 0;
    }
    const unsigned char *p = g->in + g->in_at;
    if (g->scanning) {
        g->report.members++;
        if (u32le(p) != g->crc)
            report_damage(&g->report, GZIP_CHECKSUM, in_pos(g), g->out);
        else if (u32le(p + 4) != (uint32_t)(g->out - g->member))
            report_damage(&g->report, GZIP_LENGTH, in_pos(g) + 4, g->out);
        g->report.in_used = in_pos(g) + 8;
    }
    g->in_at += 8;
    g->header = true;
    return 0;
}

/* Half as many points, twice the step. */
static void points_thin(struct gzip_state *g)
{
    size_t out = 1;
    for (size_t i = 1; i < g->n_points; i++) {
        if (i % 2)
            free(g->points[i].window);
        else
            g->points[out++] = g->points[i];
    }
    g->n_points = out;
    g->step *= 2;
}

static bool all_zero(const unsigned char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Remember this place if it is far enough from the last one. Without memory
 * there is no point, which is slower and not wrong. */
static void point_here(struct gzip_state *g)
{
    uint64_t last = g->n_points ? g->points[g->n_points - 1].out : 0;
    if (!g->scanning || (g->n_points && g->out - last < g->step))
        return;
    if (g->n_points == POINTS_MAX)
        points_thin(g);
    struct point pt = { .out = g->out, .in = in_pos(g), .member = g->header };
    if (!pt.member) {
        uInt n = 0;
        pt.bits = (uint8_t)(g->z.data_type & 7);
        pt.before = pt.bits && g->in_at ? g->in[g->in_at - 1] : 0;
        if ((pt.bits && !g->in_at) || !(pt.window = malloc(WINDOW)))
            return;
        inflateGetDictionary(&g->z, pt.window, &n);
        pt.n_window = n;
        if (all_zero(pt.window, n)) { /* of a sparse image most are */
            free(pt.window);
            pt.window = NULL;
        }
    }
    g->points[g->n_points++] = pt;
}

/* Inflate up to n bytes into buf; *got may be 0 before the end. */
static int inflate_some(struct source *below, struct gzip_state *g, void *buf,
                        size_t n, size_t *got, struct err *err)
{
    enum { BLOCK_END = 128, LAST_BLOCK = 64 };
    size_t have;
    *got = 0;
    if (g->header)
        return next_member(below, g, err);
    int code = fill(below, g, 1, &have, err);
    if (code)
        return code;
    if (have == 0) {
        stop(g, GZIP_CUT);
        return 0;
    }
    g->z.next_in = g->in + g->in_at;
    g->z.avail_in = (uInt)have;
    g->z.next_out = buf;
    g->z.avail_out = (uInt)n;
    int z = inflate(&g->z, g->scanning ? Z_BLOCK : Z_NO_FLUSH);
    g->in_at += have - g->z.avail_in;
    *got = n - g->z.avail_out;
    g->out += *got;
    if (g->scanning)
        g->crc = (uint32_t)crc32(g->crc, buf, (uInt)*got);
    if (z == Z_STREAM_END)
        return end_member(below, g, err);
    if (z == Z_MEM_ERROR)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (z != Z_OK && z != Z_BUF_ERROR)
        stop(g, GZIP_BAD_DATA);
    else if ((g->z.data_type & BLOCK_END) && !(g->z.data_type & LAST_BLOCK))
        point_here(g);
    return 0;
}

/* Stand at the last restart point at or before off. */
static int restart(struct gzip_state *g, uint64_t off)
{
    static const unsigned char zeros[WINDOW];
    size_t lo = 0, hi = g->n_points;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (g->points[mid].out <= off)
            lo = mid;
        else
            hi = mid;
    }
    const struct point *pt = &g->points[lo];
    inflateReset(&g->z);
    if (!pt->member) {
        if (pt->bits)
            inflatePrime(&g->z, pt->bits, pt->before >> (8 - pt->bits));
        inflateSetDictionary(&g->z, pt->window ? pt->window : zeros,
                             pt->n_window);
    }
    g->header = pt->member;
    g->ended = false;
    g->out = pt->out;
    g->in_off = pt->in;
    g->in_n = g->in_at = 0;
    return 0;
}

static int gzip_read(struct source *s, uint64_t off, void *buf, size_t n,
                     struct err *err)
{
    struct gzip_state *g = s->state;
    unsigned char skip[4096];
    char *p = buf;
    size_t got;
    int code = 0;
    const struct gap *gap = source_gap_in(s, off, n);
    if (gap) { /* the part that never inflated, at the end */
        size_t good = gap->off > off ? (size_t)(gap->off - off) : 0;
        memset(p + good, 0, n - good);
        n = good;
    }
    if (n && g->kept) {
        memcpy(p, g->kept + off, n);
        return 0;
    }
    if (n && (off < g->out || off - g->out > g->step))
        code = restart(g, off);
    while (code == 0 && n && g->out < off && !g->ended) {
        uint64_t left = off - g->out;
        size_t want = left < sizeof skip ? (size_t)left : sizeof skip;
        code = inflate_some(s->below, g, skip, want, &got, err);
    }
    while (code == 0 && n > 0 && !g->ended) {
        size_t want = n < (1u << 30) ? n : 1u << 30;
        code = inflate_some(s->below, g, p, want, &got, err);
        p += got;
        n -= got;
    }
    if (code == 0 && n > 0) { /* the bytes below have changed */
        memset(p, 0, n);
        source_add_gap(s, s->size - n, n, GAP_UNREADABLE);
    }
    return code;
}

static void gzip_close(struct source *s)
{
    struct gzip_state *g = s->state;
    inflateEnd(&g->z);
    free(g->kept);
    for (size_t i = 0; g->points && i < g->n_points; i++)
        free(g->points[i].window);
    free(g->points);
    free(g);
}

static const struct source_ops gzip_ops = { .read = gzip_read,
                                            .close = gzip_close };

/* Records are read one by one and in any order: content that fits is inflated
 * only once. What does not fit or finds no memory is inflated again. */
static void keep(struct gzip_state *g, bool *keeping, const unsigned char *p,
                 size_t n)
{
    uint64_t end = g->out; /* n bytes before it are new */
    if (!*keeping || n == 0)
        return;
    if (end > g->cap_kept && end <= KEEP_MAX) {
        size_t cap = g->cap_kept ? g->cap_kept * 2 : 1 << 20;
        cap = cap < end ? (size_t)end : cap;
        char *more = realloc(g->kept, cap);
        if (more) {
            g->kept = more;
            g->cap_kept = cap;
        }
    }
    if (end > g->cap_kept) {
        free(g->kept);
        g->kept = NULL;
        *keeping = false;
        return;
    }
    memcpy(g->kept + (end - n), p, n);
}

/* Inflate all once: size, damage, restart points. */
static int scan(struct source *below, struct gzip_state *g, struct err *err)
{
    enum { OUT = 1 << 18 };
    unsigned char *out = malloc(OUT);
    if (!out)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int code = 0;
    bool keeping = true;
    g->scanning = true;
    point_here(g);
    while (code == 0 && !g->ended) {
        uint64_t left = g->max_out - g->out;
        size_t got, want = left < OUT ? (size_t)left : OUT;
        /* One byte more than allowed, to see that there is more. */
        code = inflate_some(below, g, out, want ? want : 1, &got, err);
        (void)worker_progress(g->in_off); /* long ones are no hanging ones */
        if (code == 0 && g->out > g->max_out) {
            g->out = g->max_out;
            stop(g, GZIP_TOO_LARGE);
        } else if (code == 0) {
            keep(g, &keeping, out, got);
        }
    }
    g->scanning = false;
    g->report.out_size = g->out;
    free(out);
    return code;
}

static struct gzip_state *state_open(uint64_t max_out, bool raw,
                                     struct err *err)
{
    struct gzip_state *g = calloc(1, sizeof *g);
    if (g)
        g->points = calloc(POINTS_MAX, sizeof *g->points);
    if (!g || !g->points || inflateInit2(&g->z, -15) != Z_OK) {
        if (g)
            free(g->points);
        free(g);
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    g->raw = raw;
    g->header = !raw;
    g->step = POINT_STEP;
    g->max_out = max_out < INT64_MAX ? max_out : INT64_MAX;
    return g;
}

struct source *source_open_gzip(struct source *below, uint64_t max_out,
                                struct err *err)
{
    struct gzip_state *g = state_open(max_out, false, err);
    if (!g)
        return NULL;
    int code = scan(below, g, err);
    struct source *s = source_make(&gzip_ops, g, g->out, below, "gz", err);
    if (s && code) {
        source_close(s);
        return NULL;
    }
    if (s)
        s->gaps_complete = true;
    return s;
}

struct source *deflate_source_open(struct source *below, uint64_t out_size,
                                   const char *layer, bool check_crc,
                                   uint32_t crc, struct err *err)
{
    struct gzip_state *g = state_open(out_size, true, err);
    if (!g)
        return NULL;
    int code = scan(below, g, err);
    uint64_t have = g->out;
    if (check_crc && have == out_size && g->crc != crc &&
        g->report.damage != GZIP_TOO_LARGE)
        report_damage(&g->report, GZIP_CHECKSUM, g->report.in_used, have);
    struct source *s = source_make(&gzip_ops, g, out_size, below, layer, err);
    if (s && code) {
        source_close(s);
        return NULL;
    }
    if (s && have < out_size)
        source_add_gap(s, have, out_size - have, GAP_UNREADABLE);
    if (s)
        s->gaps_complete = true;
    return s;
}

const struct gzip_report *gzip_source_report(const struct source *s)
{
    const struct gzip_state *g = s->state;
    return s->ops == &gzip_ops ? &g->report : NULL;
}
