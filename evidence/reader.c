/* The parent's side of the reader. What the worker answers is checked against
 * what was asked: its evidence may have taken it over. */
#include "evidence/reader.h"

#include "base/time.h"
#include "base/varint.h"
#include "evidence/reader_wire.h"
#include "evidence/scan.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { TICK_MS = 1000, SLACK = 64 << 10 };

struct reader {
    struct reader_options options;
    struct worker *w; /* NULL: started when needed */
    struct buf key;   /* of the source that the worker holds open */
    uint64_t job;
    struct reader_supply supply;
};

/* One question and what its answers go to. */
struct exchange {
    const struct reader_place *place;
    enum reader_op op;
    const struct reader_needles *needles;
    const struct str *volumes;
    size_t n_volumes;
    struct buf request;
    uint64_t max_bytes;
    /* DATA and HIT frames; nonzero ends the exchange. */
    int (*take)(struct exchange *x, const struct frame *f, struct err *err);
    void *ctx;
    uint64_t next; /* offset that DATA or HIT must not be before */
    struct arena *arena;
    struct reader_got *got;
    unsigned char *sha256;
    uint64_t done; /* bytes gone through */
    int stopped;   /* what the caller's callback returned */
};

struct reader *reader_open(const struct reader_options *o, struct err *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    if (o)
        r->options = *o;
    return r;
}

static void drop_worker(struct reader *r, struct worker_end *end)
{
    worker_close(r->w, end);
    r->w = NULL;
    buf_clear(&r->key);
}

void reader_close(struct reader *r)
{
    if (!r)
        return;
    drop_worker(r, NULL);
    buf_free(&r->key);
    free(r);
}

/* ---- asking ----------------------------------------------------------------
 */

static void put_u64(struct buf *b, uint64_t v)
{
    char p[8];
    put_u64le(p, v);
    buf_put(b, (struct str){ p, 8 });
}

static void put_u32(struct buf *b, uint32_t v)
{
    char p[4];
    put_u32le(p, v);
    buf_put(b, (struct str){ p, 4 });
}

/* What is the same source: the same files, unchanged, and layers. */
static int make_key(const struct reader_place *p, struct buf *key,
                    struct err *err)
{
    for (size_t i = 0; i < p->n_fds; i++) {
        struct stat st;
        if (fstat(p->fds[i], &st))
            return err_errno(err, ERR_EVIDENCE, "evidence");
        put_u64(key, st.st_dev);
        put_u64(key, st.st_ino);
        put_u64(key, (uint64_t)st.st_size);
        put_u64(key, (uint64_t)st.st_mtim.tv_sec);
        put_u64(key, (uint64_t)st.st_mtim.tv_nsec);
    }
    buf_put(key, p->layers);
    return key->failed ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

void reader_supply(struct reader *r, const struct reader_supply *s)
{
    r->supply = *s;
}

static bool is_set(const struct reader *r, const struct reader_place *p)
{
    return r->supply.names && p->n_fds == 1 && p->fds[0] == *r->supply.names;
}

static void put_texts(struct buf *b, const struct str *texts, size_t n)
{
    put_u32(b, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        put_u32(b, (uint32_t)texts[i].n);
        buf_put(b, texts[i]);
    }
}

static int make_request(struct exchange *x, unsigned flags, struct err *err)
{
    const struct reader_place *p = x->place;
    const struct reader_needles *needles = x->needles;
    struct buf *b = &x->request;
    if (p->layers.n > UINT16_MAX)
        return err_set(err, ERR_USAGE, "layers of %zu bytes", p->layers.n);
    buf_putc(b, (char)x->op);
    buf_putc(b, (char)flags);
    buf_putc(b, (char)p->layers.n);
    buf_putc(b, (char)(p->layers.n >> 8));
    put_u64(b, p->off);
    put_u64(b, p->len);
    buf_put(b, p->layers);
    if (needles) {
        put_u32(b, needles->flags);
        put_u64(b, needles->max_hits);
        put_texts(b, needles->needles, needles->n);
    }
    if (x->op == READER_KEYWORDS)
        put_texts(b, x->volumes, x->n_volumes);
    return b->failed ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

static int ensure_worker(struct reader *r, struct err *err)
{
    const struct worker_options o = { .kind = WORKER_READER,
                                      .unsandboxed_ok =
                                          r->options.unsandboxed_ok,
                                      .silent_s = r->options.silent_s };
    if (!r->w)
        r->w = worker_spawn(&o, err);
    if (r->w && r->supply.open)
        worker_supply(r->w, r->supply.open, r->supply.ctx);
    return r->w ? 0 : ERR_INTERNAL;
}

static int ask(struct reader *r, struct exchange *x, struct err *err)
{
    struct buf key = { .p = NULL };
    int rc = make_key(x->place, &key, err);
    if (rc == 0)
        rc = ensure_worker(r, err);
    bool same = rc == 0 && r->key.n && str_eq(buf_str(&key), buf_str(&r->key));
    if (rc == 0)
        rc = make_request(x,
                          (same ? READER_SAME : 0u) |
                              (is_set(r, x->place) ? READER_SET : 0u),
                          err);
    if (rc == 0)
        rc = worker_send(r->w, ++r->job, buf_str(&x->request), x->place->fds,
                         same ? 0 : x->place->n_fds, x->max_bytes, err);
    if (rc == WORKER_FULL)
        rc = err_set(err, ERR_INTERNAL, "the reader takes no request");
    buf_free(&r->key);
    r->key = key;
    return rc;
}

/* ---- answers ----------------------------------------------------------------
 */

static int lies(struct err *err)
{
    return err_set(err, ERR_EVIDENCE, "the reader answered what was not asked");
}

static int take_gaps(struct exchange *x, struct cursor *c, size_t n,
                     struct err *err)
{
    struct reader_got *got = x->got;
    if (!x->arena) /* nobody asked */
        return cursor_take(c, n * READER_GAP) ? 0 : lies(err);
    got->gaps = arena_array(x->arena, n ? n : 1, sizeof *got->gaps);
    if (!got->gaps)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        struct gap *g = &got->gaps[got->n_gaps++];
        g->off = cursor_u64(c);
        g->len = cursor_u64(c);
        uint8_t kind = cursor_u8(c);
        if (kind > GAP_ABSENT || c->failed)
            return lies(err);
        g->kind = kind;
    }
    return 0;
}

static int take_done(struct exchange *x, struct str payload, struct err *err)
{
    struct cursor c = cursor_of(payload.p, payload.n);
    uint64_t size = cursor_u64(&c), done = cursor_u64(&c);
    size_t n = cursor_u16(&c);
    bool more = cursor_u8(&c);
    if (c.failed || n > READER_GAPS || done > x->place->len)
        return lies(err);
    if (x->op == READER_READ && done != x->next - x->place->off)
        return lies(err);
    x->done = done;
    if (x->got) {
        x->got->size = size;
        x->got->more_gaps = more || (n && !x->arena);
    }
    int rc = x->got                            ? take_gaps(x, &c, n, err)
             : cursor_take(&c, n * READER_GAP) ? 0
                                               : lies(err);
    if (rc == 0 && x->sha256) {
        const unsigned char *p = cursor_take(&c, 32);
        if (!p)
            return lies(err);
        memcpy(x->sha256, p, 32);
    }
    return rc == 0 && (c.failed || cursor_left(&c)) ? lies(err) : rc;
}

enum { GO_ON = 1 }; /* not an error code */

/* GO_ON, or how the exchange ends. */
static int take_frame(struct exchange *x, const struct frame *f,
                      struct err *err)
{
    int rc;
    switch (f->type) {
    case FRAME_DATA:
    case FRAME_HIT:
        if (!x->take || (f->type == FRAME_HIT) != (x->needles != NULL))
            return lies(err);
        rc = x->take(x, f, err);
        return rc ? rc : GO_ON;
    case FRAME_PROGRESS:
        if (f->payload.n == 8 && u64le(f->payload.p) <= x->place->len)
            x->done = u64le(f->payload.p);
        return GO_ON;
    case FRAME_DONE:
        return take_done(x, f->payload, err);
    case FRAME_ERROR:
        return worker_error(f, err);
    default:
        return lies(err);
    }
}

/* The worker ended in the middle: its end is the answer. */
static int worker_died(struct reader *r, struct err *err)
{
    struct worker_end end;
    drop_worker(r, &end);
    return err_set(err, ERR_EVIDENCE, "the reader %s", end.words);
}

static int wait_answer(struct reader *r, struct exchange *x, struct err *err)
{
    for (;;) {
        struct frame f;
        while (worker_next_frame(r->w, &f)) {
            int rc = take_frame(x, &f, err);
            if (rc != GO_ON)
                return rc;
        }
        struct pollfd p = { .fd = worker_fd(r->w), .events = POLLIN };
        if (poll(&p, 1, TICK_MS) < 0 && errno != EINTR)
            return err_errno(err, ERR_INTERNAL, "wait for the reader");
        worker_check(r->w, time_mono_ns());
        if (worker_fill(r->w) == WORKER_GONE)
            return worker_died(r, err);
    }
}

static int exchange(struct reader *r, struct exchange *x, struct err *err)
{
    x->next = x->place->off;
    int rc = ask(r, x, err);
    if (rc == 0)
        rc = wait_answer(r, x, err);
    buf_free(&x->request);
    /* Still answering (stopped, or not believed): a new one is cheaper. */
    if (r->w && worker_open_jobs(r->w) > 0)
        drop_worker(r, NULL);
    if (rc)
        buf_clear(&r->key);
    return x->stopped ? x->stopped : rc;
}

/* ---- reading ----------------------------------------------------------------
 */

static uint64_t times(uint64_t n, uint64_t by)
{
    uint64_t product;
    if (__builtin_mul_overflow(n, by, &product) || product > UINT64_MAX - SLACK)
        return UINT64_MAX;
    return product + SLACK;
}

/* A piece must follow the one before and stay within what was asked. */
static int check_piece(struct exchange *x, struct str piece, struct err *err)
{
    uint64_t had = x->next - x->place->off;
    if (piece.n > x->place->len - had)
        return lies(err);
    x->next += piece.n;
    return 0;
}

static int take_bytes(struct exchange *x, const struct frame *f,
                      struct err *err)
{
    struct str *bytes = &x->got->bytes;
    int rc = check_piece(x, f->payload, err);
    if (rc == 0) {
        memcpy((char *)(uintptr_t)bytes->p + bytes->n, f->payload.p,
               f->payload.n);
        bytes->n += f->payload.n;
    }
    return rc;
}

int reader_read(struct reader *r, const struct reader_place *p,
                struct arena *arena, struct reader_got *got, struct err *err)
{
    *got = (struct reader_got){ .size = 0 };
    if (p->len > READER_READ_MAX)
        return err_set(err, ERR_USAGE, "read of %llu bytes at once",
                       (unsigned long long)p->len);
    got->bytes.p = arena_alloc(arena, p->len ? (size_t)p->len : 1);
    if (!got->bytes.p)
        return err_set(err, ERR_INTERNAL, "out of memory");
    struct exchange x = { .place = p,
                          .op = READER_READ,
                          .max_bytes = times(p->len, 1),
                          .take = take_bytes,
                          .arena = arena,
                          .got = got };
    return exchange(r, &x, err);
}

int reader_hash(struct reader *r, const struct reader_place *p,
                struct arena *arena, unsigned char sha256[32],
                struct reader_got *got, struct err *err)
{
    *got = (struct reader_got){ .size = 0 };
    struct exchange x = { .place = p,
                          .op = READER_HASH,
                          .max_bytes = SLACK,
                          .arena = arena,
                          .got = got,
                          .sha256 = sha256 };
    return exchange(r, &x, err);
}

struct streaming {
    int (*take)(void *ctx, uint64_t off, struct str bytes);
    void *ctx;
};

static int take_stream(struct exchange *x, const struct frame *f,
                       struct err *err)
{
    struct streaming *s = x->ctx;
    uint64_t off = x->next;
    int rc = check_piece(x, f->payload, err);
    if (rc == 0)
        rc = x->stopped = s->take(s->ctx, off, f->payload);
    return rc ? ERR_STOPPED : 0;
}

int reader_stream(struct reader *r, const struct reader_place *p,
                  int (*take)(void *ctx, uint64_t off, struct str bytes),
                  void *ctx, struct arena *arena, struct reader_got *got,
                  struct err *err)
{
    struct streaming s = { take, ctx };
    *got = (struct reader_got){ .size = 0 };
    struct exchange x = { .place = p,
                          .op = READER_READ,
                          .max_bytes = times(p->len, 1),
                          .take = take_stream,
                          .ctx = &s,
                          .arena = arena,
                          .got = got };
    return exchange(r, &x, err);
}

/* ---- searching --------------------------------------------------------------
 */

struct searching {
    int (*hit)(void *ctx, const struct reader_hit *h);
    void *ctx;
    const struct reader_needles *needles;
    uint64_t hits;
};

static uint64_t longest_hit(const struct exchange *x,
                            const struct reader_hit *h)
{
    return x->needles->flags & SCAN_REGEX ? SCAN_LONGEST
                                          : x->needles->needles[h->needle].n;
}

static int check_hit(const struct exchange *x, const struct searching *s,
                     const struct reader_hit *h)
{
    const struct reader_place *p = x->place;
    if (h->off < x->next || h->off - p->off >= p->len ||
        h->needle >= s->needles->n)
        return ERR_EVIDENCE;
    if (s->needles->max_hits && s->hits >= s->needles->max_hits)
        return ERR_EVIDENCE;
    return h->len > longest_hit(x, h) ? ERR_EVIDENCE : 0;
}

static int take_hits(struct exchange *x, const struct frame *f, struct err *err)
{
    struct searching *s = x->ctx;
    struct cursor c = cursor_of(f->payload.p, f->payload.n);
    while (cursor_left(&c) >= READER_HIT) {
        struct reader_hit h;
        h.off = cursor_u64(&c);
        h.len = cursor_u64(&c);
        h.needle = cursor_u32(&c);
        if (check_hit(x, s, &h))
            return lies(err);
        x->next = h.off;
        s->hits++;
        x->stopped = s->hit(s->ctx, &h);
        if (x->stopped)
            return ERR_STOPPED;
    }
    return cursor_left(&c) ? lies(err) : 0;
}

int reader_scan(struct reader *r, const struct reader_place *p,
                const struct reader_needles *needles,
                int (*hit)(void *ctx, const struct reader_hit *h), void *ctx,
                uint64_t *scanned, struct err *err)
{
    struct searching s = { hit, ctx, needles, 0 };
    *scanned = 0;
    int rc = scan_check(needles, err);
    if (rc)
        return rc;
    struct exchange x = { .place = p,
                          .op = READER_SCAN,
                          .needles = needles,
                          .max_bytes =
                              times(times(p->len, needles->n), READER_HIT),
                          .take = take_hits,
                          .ctx = &s };
    rc = exchange(r, &x, err);
    *scanned = x.done;
    return rc;
}

/* ---- keywords --------------------------------------------------------------
 */

struct keyword_search {
    int (*hit)(void *ctx, const struct reader_owned_hit *h);
    void *ctx;
};

static int take_owned(struct exchange *x, const struct frame *f,
                      struct err *err)
{
    struct keyword_search *s = x->ctx;
    struct cursor c = cursor_of(f->payload.p, f->payload.n);
    while (cursor_left(&c)) {
        struct reader_owned_hit h = { .seam = false };
        h.hit.off = cursor_u64(&c);
        h.hit.len = cursor_u64(&c);
        h.hit.needle = cursor_u32(&c);
        uint8_t kind = cursor_u8(&c);
        h.seam = cursor_u8(&c);
        size_t volume = cursor_u16(&c);
        h.owner.inode = cursor_u64(&c);
        h.owner.off = cursor_u64(&c);
        h.owner.path = cursor_str(&c, cursor_u16(&c));
        if (c.failed || kind >= OWNER_KINDS || volume > x->n_volumes ||
            h.hit.needle >= x->needles->n || h.hit.len > longest_hit(x, &h.hit))
            return lies(err);
        h.owner.kind = kind;
        h.owner.volume = volume ? x->volumes[volume - 1] : STR("");
        x->stopped = s->hit(s->ctx, &h);
        if (x->stopped)
            return ERR_STOPPED;
    }
    return 0;
}

int reader_keywords(struct reader *r, const struct reader_place *p,
                    const struct reader_needles *needles,
                    const struct str *volumes, size_t n_volumes,
                    int (*hit)(void *ctx, const struct reader_owned_hit *h),
                    void *ctx, uint64_t *scanned, struct err *err)
{
    struct keyword_search s = { hit, ctx };
    *scanned = 0;
    int rc = scan_check(needles, err);
    if (rc)
        return rc;
    struct exchange x = { .place = p,
                          .op = READER_KEYWORDS,
                          .needles = needles,
                          .volumes = volumes,
                          .n_volumes = n_volumes,
                          .max_bytes = UINT64_MAX,
                          .take = take_owned,
                          .ctx = &s };
    rc = exchange(r, &x, err);
    *scanned = x.done;
    return rc;
}
