/* The reader's worker: opens the layers it is told, reads, hashes, searches.
 * The last source stays open, because its restart points are costly. */
#include "base/hash.h"
#include "base/varint.h"
#include "evidence/fileset.h"
#include "evidence/reader.h"
#include "evidence/reader_wire.h"
#include "evidence/scan.h"

#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, HITS = 200, SEAMS = 1 << 14 };
_Static_assert(READER_END + READER_GAPS * READER_GAP + 32 <= 4096,
               "the answer fits a DONE frame");

/* Process state, like worker_self; see there. */
static struct reader_self {
    struct source *file, *top;
    int *fds;
    size_t n_fds;
    unsigned char hits[HITS * READER_HIT];
    size_t n_hits;
    unsigned char chunk[CHUNK];
} reader_self;

struct request {
    enum reader_op op;
    bool same, set;
    struct str layers;
    uint64_t off, len;
    struct reader_needles needles;
    const struct str *volumes;
    size_t n_volumes;
    struct arena arena; /* of the needles */
};

static void warm_up(void)
{
    unsigned char out[SHA256_LEN];
    hash_sha256(STR(""), out);
}

/* ---- the source -----------------------------------------------------------
 */

static void close_sources(void)
{
    struct reader_self *r = &reader_self;
    source_close(r->top);
    source_close(r->file);
    for (size_t i = 0; i < r->n_fds; i++)
        close(r->fds[i]);
    free(r->fds);
    r->top = r->file = NULL;
    r->fds = NULL;
    r->n_fds = 0;
}

static struct source *open_files(bool set, size_t n, struct err *err)
{
    const int *fds = reader_self.fds;
    if (set)
        return fileset_open_worker(fds[0], err);
    return n == 1 ? source_open_fd(fds[0], err)
                  : source_open_split(fds, n, err);
}

static int open_sources(const struct request *q, const int *fds, size_t n,
                        struct err *err)
{
    struct reader_self *r = &reader_self;
    if (n == 0)
        return err_set(err, ERR_INTERNAL, "no evidence to read");
    r->fds = calloc(n, sizeof *r->fds);
    if (!r->fds)
        return err_set(err, ERR_INTERNAL, "out of memory");
    memcpy(r->fds, fds, n * sizeof *fds);
    r->n_fds = n;
    worker_keep_fds();
    r->file = open_files(q->set, n, err);
    if (r->file)
        r->top = source_open_layers(r->file, q->layers, err);
    if (r->top)
        return worker_seal(err);
    close_sources();
    return err && err->code ? err->code : ERR_EVIDENCE;
}

/* ---- the answers ----------------------------------------------------------
 */

static unsigned char *put_gap(unsigned char *p, const struct gap *g)
{
    put_u64le(p, g->off);
    put_u64le(p + 8, g->len);
    p[16] = (unsigned char)g->kind;
    return p + READER_GAP;
}

/* DONE with what was met in [off, off + done). */
static int emit_done(uint64_t off, uint64_t done, struct str more)
{
    const struct source *s = reader_self.top;
    unsigned char p[READER_END + READER_GAPS * READER_GAP];
    unsigned char *end = p + READER_END;
    unsigned n = 0;
    uint64_t at = off, left = done;
    const struct gap *g;
    while (left && (g = source_gap_in(s, at, left)) && n < READER_GAPS) {
        end = put_gap(end, g);
        n++;
        uint64_t past = g->off + g->len;
        left = past > at && past - at < left ? left - (past - at) : 0;
        at = past;
    }
    put_u64le(p, s->size);
    put_u64le(p + 8, done);
    p[16] = (unsigned char)n;
    p[17] = (unsigned char)(n >> 8);
    p[18] = left && source_gap_in(s, at, left);
    struct iovec v[2] = {
        { p, (size_t)(end - p) },
        { (void *)(uintptr_t)more.p, more.n },
    };
    return worker_emit(FRAME_DONE, 0, v, 2);
}

/* Passes the range on in pieces; *done counts. */
static int each_piece(const struct request *q,
                      int (*take)(void *ctx, struct str piece), void *ctx,
                      uint64_t *done, struct err *err)
{
    struct reader_self *r = &reader_self;
    for (*done = 0; *done < q->len;) {
        uint64_t left = q->len - *done;
        size_t want = left < CHUNK ? (size_t)left : CHUNK, got = 0;
        int rc = source_read(r->top, q->off + *done, r->chunk, want, &got, err);
        if (rc == 0 && got)
            rc = take(ctx, (struct str){ (char *)r->chunk, got });
        if (rc)
            return rc;
        *done += got;
        if (got < want)
            break;
    }
    return 0;
}

static int take_data(void *ctx, struct str piece)
{
    (void)ctx;
    return worker_emit_str(FRAME_DATA, piece);
}

static int do_read(const struct request *q, struct err *err)
{
    uint64_t done;
    int rc = each_piece(q, take_data, NULL, &done, err);
    return rc ? rc : emit_done(q->off, done, STR_NONE);
}

struct hashing {
    struct hasher *h;
    uint64_t done;
};

static int take_hash(void *ctx, struct str piece)
{
    struct hashing *h = ctx;
    hasher_add(h->h, piece.p, piece.n);
    h->done += piece.n;
    return worker_progress(h->done);
}

static int do_hash(const struct request *q, struct err *err)
{
    unsigned char out[32];
    uint64_t done;
    struct hashing h = { hasher_open(1u << HASH_SHA256), 0 };
    if (!h.h)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int rc = each_piece(q, take_hash, &h, &done, err);
    if (rc == 0) {
        hasher_end(h.h, HASH_SHA256, out);
        rc = emit_done(q->off, done, (struct str){ (char *)out, sizeof out });
    }
    hasher_close(h.h);
    return rc;
}

static int flush_hits(void)
{
    struct reader_self *r = &reader_self;
    struct str p = { (char *)r->hits, r->n_hits * READER_HIT };
    r->n_hits = 0;
    return p.n ? worker_emit_str(FRAME_HIT, p) : 0;
}

static int scan_hit(void *ctx, const struct reader_hit *h)
{
    struct reader_self *r = &reader_self;
    unsigned char *p = r->hits + r->n_hits++ * READER_HIT;
    (void)ctx;
    put_u64le(p, h->off);
    put_u64le(p + 8, h->len);
    put_u32le(p + 16, h->needle);
    return r->n_hits == HITS ? flush_hits() : 0;
}

/* Hits are shown while the search goes on. */
static int scan_progress(void *ctx, uint64_t at)
{
    const struct request *q = ctx;
    int rc = flush_hits();
    return rc ? rc : worker_progress(at - q->off);
}

static int do_scan(struct request *q, struct err *err)
{
    const struct source *s = reader_self.top;
    const struct scan_sink sink = { scan_hit, scan_progress, q };
    reader_self.n_hits = 0;
    int rc =
        scan_source(reader_self.top, q->off, q->len, &q->needles, &sink, err);
    if (rc == 0)
        rc = flush_hits();
    uint64_t have = q->off < s->size ? s->size - q->off : 0;
    return rc ? rc : emit_done(q->off, q->len < have ? q->len : have, STR_NONE);
}

/* ---- keywords --------------------------------------------------------------
 */

/* Seams are short: many are searched at once, one behind the other. */
struct seam {
    size_t start, n, at; /* in the bytes of all */
    struct owner owner;
    uint64_t medium_off;
};

struct keywords {
    const struct request *q;
    struct owners *owners;
    struct reader_hit *hits;
    size_t n, cap;
    struct buf out;
    struct seam *seams;
    size_t n_seams;
    struct buf bytes; /* of the seams */
};

static int flush_owned(struct keywords *k)
{
    if (k->out.failed)
        return ERR_INTERNAL;
    int rc = k->out.n ? worker_emit_str(FRAME_HIT, buf_str(&k->out)) : 0;
    buf_clear(&k->out);
    return rc;
}

static size_t volume_number(const struct request *q, struct str name)
{
    size_t i = 0;
    while (i < q->n_volumes && q->volumes[i].p != name.p)
        i++;
    return i < q->n_volumes ? i + 1 : 0;
}

static int emit_owned(struct keywords *k, const struct reader_hit *h,
                      const struct owner *o, bool seam)
{
    char p[READER_HIT + 22];
    struct str path = str_sub(o->path, 0, UINT16_MAX);
    put_u64le(p, h->off);
    put_u64le(p + 8, h->len);
    put_u32le(p + 16, h->needle);
    p[20] = (char)o->kind;
    p[21] = seam;
    size_t volume = volume_number(k->q, o->volume);
    p[22] = (char)(volume & 0xff);
    p[23] = (char)(volume >> 8);
    put_u64le(p + 24, o->inode);
    put_u64le(p + 32, o->off);
    p[40] = (char)(path.n & 0xff);
    p[41] = (char)(path.n >> 8);
    buf_put(&k->out, (struct str){ p, sizeof p });
    buf_put(&k->out, path);
    return k->out.n > CHUNK / 8 ? flush_owned(k) : 0;
}

/* Kept until the medium was gone through: owners are asked for then. */
static int keyword_hit(void *ctx, const struct reader_hit *h)
{
    struct keywords *k = ctx;
    const struct owner unknown = { .kind = OWNER_UNKNOWN };
    if (k->n == READER_KEYWORD_HITS)
        return emit_owned(k, h, &unknown, false);
    if (k->n == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 1024;
        struct reader_hit *v = realloc(k->hits, cap * sizeof *v);
        if (!v)
            return ERR_INTERNAL;
        k->hits = v;
        k->cap = cap;
    }
    k->hits[k->n++] = *h;
    return 0;
}

static int keyword_progress(void *ctx, uint64_t at)
{
    const struct keywords *k = ctx;
    return worker_progress(at - k->q->off);
}

/* Of a seam only what begins before it and ends behind it. */
static int seam_hit(void *ctx, const struct reader_hit *h)
{
    struct keywords *k = ctx;
    size_t lo = 0, hi = k->n_seams;
    while (lo + 1 < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (k->seams[mid].start <= h->off)
            lo = mid;
        else
            hi = mid;
    }
    const struct seam *s = &k->seams[lo];
    uint64_t from = h->off - s->start, to = from + h->len;
    if (from >= s->at || to <= s->at || to > s->n)
        return 0;
    struct owner o = s->owner;
    o.off += from;
    struct reader_hit at = { s->medium_off + from, h->len, h->needle };
    return emit_owned(k, &at, &o, true);
}

static int no_progress(void *ctx, uint64_t at)
{
    const struct keywords *k = ctx;
    (void)at;
    return worker_progress(k->q->len);
}

static int search_seams(struct keywords *k)
{
    struct err err = { 0 };
    const struct scan_sink sink = { seam_hit, no_progress, k };
    if (k->n_seams == 0)
        return 0;
    if (k->bytes.failed)
        return ERR_INTERNAL;
    struct source *s = source_open_memory(buf_str(&k->bytes), &err);
    int rc = s ? scan_source(s, 0, UINT64_MAX, &k->q->needles, &sink, &err)
               : ERR_INTERNAL;
    source_close(s);
    buf_clear(&k->bytes);
    k->n_seams = 0;
    return rc;
}

static int take_seam(void *ctx, const struct owner_seam *s)
{
    struct keywords *k = ctx;
    k->seams[k->n_seams++] =
        (struct seam){ k->bytes.n, s->bytes.n, s->at, s->owner, s->medium_off };
    buf_put(&k->bytes, s->bytes);
    return k->n_seams == SEAMS || k->bytes.n > CHUNK ? search_seams(k) : 0;
}

static int attribute(struct keywords *k, struct err *err)
{
    size_t longest = 1;
    int rc = 0;
    k->owners =
        owners_open(reader_self.top, k->q->volumes, k->q->n_volumes, err);
    if (!k->owners)
        return err->code ? err->code : ERR_EVIDENCE;
    for (size_t i = 0; i < k->n && rc == 0; i++) {
        struct owner o;
        owners_find(k->owners, k->hits[i].off, &o);
        rc = emit_owned(k, &k->hits[i], &o, false);
    }
    /* a pattern says nothing of its length: it is not looked for there */
    bool texts = !(k->q->needles.flags & SCAN_REGEX);
    for (size_t i = 0; texts && i < k->q->needles.n; i++)
        if (k->q->needles.needles[i].n > longest)
            longest = k->q->needles.needles[i].n;
    k->seams = malloc(SEAMS * sizeof *k->seams);
    if (rc == 0 && !k->seams)
        rc = err_set(err, ERR_INTERNAL, "out of memory");
    if (rc == 0 && longest > 1)
        rc = owners_seams(k->owners, longest - 1, take_seam, k, err);
    if (rc == 0)
        rc = search_seams(k);
    return rc ? rc : flush_owned(k);
}

static int do_keywords(struct request *q, struct err *err)
{
    const struct source *s = reader_self.top;
    struct keywords k = { .q = q };
    const struct scan_sink sink = { keyword_hit, keyword_progress, &k };
    uint64_t have = q->off < s->size ? s->size - q->off : 0;
    int rc =
        scan_source(reader_self.top, q->off, q->len, &q->needles, &sink, err);
    if (rc == 0)
        rc = attribute(&k, err);
    owners_close(k.owners);
    free(k.hits);
    free(k.seams);
    buf_free(&k.bytes);
    buf_free(&k.out);
    return rc ? rc : emit_done(q->off, q->len < have ? q->len : have, STR_NONE);
}

/* ---- the request ----------------------------------------------------------
 */

static const struct str *get_texts(struct cursor *c, struct request *q,
                                   size_t most, size_t *n)
{
    *n = cursor_u32(c);
    if (*n > most)
        return NULL;
    struct str *texts = arena_array(&q->arena, *n + 1, sizeof *texts);
    for (size_t i = 0; texts && i < *n; i++)
        texts[i] = cursor_str(c, cursor_u32(c));
    return texts;
}

static bool parse_needles(struct cursor *c, struct request *q)
{
    q->needles.flags = cursor_u32(c);
    q->needles.max_hits = cursor_u64(c);
    q->needles.needles = get_texts(c, q, SCAN_NEEDLES_MAX, &q->needles.n);
    return q->needles.needles != NULL;
}

static bool parse(struct str request, struct request *q)
{
    struct cursor c = cursor_of(request.p, request.n);
    q->op = cursor_u8(&c);
    uint8_t flags = cursor_u8(&c);
    q->same = flags & READER_SAME;
    q->set = flags & READER_SET;
    size_t n = cursor_u16(&c);
    q->off = cursor_u64(&c);
    q->len = cursor_u64(&c);
    q->layers = cursor_str(&c, n);
    if ((q->op == READER_SCAN || q->op == READER_KEYWORDS) &&
        !parse_needles(&c, q))
        return false;
    if (q->op == READER_KEYWORDS) {
        q->volumes = get_texts(&c, q, READER_VOLUMES_MAX, &q->n_volumes);
        if (!q->volumes)
            return false;
    }
    return !c.failed && cursor_left(&c) == 0;
}

static int answer(struct request *q, const int *fds, size_t n_fds,
                  struct err *err)
{
    if (!q->same || !reader_self.top) {
        close_sources();
        int rc = open_sources(q, fds, n_fds, err);
        if (rc)
            return rc;
    }
    switch (q->op) {
    case READER_READ:
        return do_read(q, err);
    case READER_HASH:
        return do_hash(q, err);
    case READER_SCAN:
        return do_scan(q, err);
    case READER_KEYWORDS:
        return do_keywords(q, err);
    }
    return err_set(err, ERR_INTERNAL, "reader: bad request");
}

static int handle(void *ctx, struct str request, const int *fds, size_t n_fds,
                  struct err *err)
{
    struct request q = { .op = READER_READ };
    (void)ctx;
    int rc = parse(request, &q)
                 ? answer(&q, fds, n_fds, err)
                 : err_set(err, ERR_INTERNAL, "reader: bad request");
    arena_free(&q.arena);
    return rc;
}

const struct worker_handler reader_handler = { .handle = handle,
                                               .warm_up = warm_up };
