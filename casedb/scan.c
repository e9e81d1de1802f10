/*
 * Evaluates plans over posting lists, window by window of ranks, and merges
 * the batches in time order. A page costs a few row reads per batch, however
 * long the lists are.
 */
#include "casedb/scan_batch.h"

#include <stdlib.h>

#include "casedb/cache.h"

enum {
    WINDOW = 4096, /* ranks; doubled while windows turn out empty */
    WINDOW_MAX = 131072,
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "query: out of memory");
}

/* ---- the next hit of a batch
 * -------------------------------------------------------- */

static bool take_bit(struct part *p, bool reverse, uint32_t *rank)
{
    uint32_t n = (p->whi - p->wlo + 63) / 64;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = reverse ? n - 1 - k : k;
        uint64_t m = p->words[i];
        if (!m)
            continue;
        unsigned bit = reverse ? 63 - (unsigned)__builtin_clzll(m)
                               : (unsigned)__builtin_ctzll(m);
        p->words[i] = m & ~(1ull << bit);
        *rank = p->wlo + i * 64 + bit;
        return true;
    }
    return false;
}

/* Evaluates the window [wlo, whi) without the ranks before `lo`. A part of a
 * long list spans several small windows and is decoded for each: where hits
 * are far apart, windows grow. */
static int fill(struct scan *s, struct part *p, struct err *err)
{
    if (p->cap < s->window + 64) {
        p->cap = s->window + 64;
        p->words = arena_array(&p->arena, p->cap / 64, sizeof(*p->words));
    }
    if (!p->words)
        return no_memory(err);
    int rc = part_eval(s, p, p->wlo, p->whi, p->words, err);
    for (uint32_t r = p->wlo; r < p->lo; r++)
        p->words[(r - p->wlo) >> 6] &= ~(1ull << ((r - p->wlo) & 63));
    uint64_t any = 0;
    for (uint32_t i = 0; i < (p->whi - p->wlo + 63) / 64; i++)
        any |= p->words[i];
    if (!any && s->window < WINDOW_MAX && !s->tests)
        s->window *= 2;
    return rc;
}

static int fill_forward(struct scan *s, struct part *p, struct err *err)
{
    uint32_t at = node_next(p->root, p->lo);
    if (at >= p->hi) {
        p->done = true;
        return 0;
    }
    p->wlo = at & ~63u;
    p->whi = p->hi - p->wlo < s->window ? p->hi : p->wlo + s->window;
    uint32_t end = p->whi;
    int rc = fill(s, p, err);
    p->lo = end;
    return rc;
}

static int fill_reverse(struct scan *s, struct part *p, struct err *err)
{
    uint32_t end = node_prev(p->root, p->hi);
    if (end <= p->lo) {
        p->done = true;
        return 0;
    }
    uint32_t lo = end > s->window ? (end - s->window) & ~63u : 0;
    p->wlo = lo < (p->lo & ~63u) ? p->lo & ~63u : lo;
    p->whi = end;
    int rc = fill(s, p, err);
    p->hi = p->wlo > p->lo ? p->wlo : p->lo;
    return rc;
}

static int cmp_hit(const struct hit *a, const struct hit *b)
{
    if (a->timed != b->timed)
        return a->timed ? 1 : -1;
    int d = a->timed ? instant_cmp(a->t, b->t) : 0;
    if (d)
        return d;
    return a->id < b->id ? -1 : a->id > b->id;
}

static bool beyond_anchor(const struct scan *s, const struct hit *h)
{
    if (!s->has_anchor)
        return true;
    int d = cmp_hit(h, &s->anchor);
    return s->reverse ? d < 0 : d > 0;
}

/* Moves p->head to the next hit; p->done at the end. */
static int advance(struct scan *s, struct part *p, struct err *err)
{
    for (;;) {
        uint32_t rank;
        if (take_bit(p, s->reverse, &rank)) {
            int rc = part_axis(s, p, rank, err);
            if (rc)
                return rc;
            const struct posting_time *t = &p->axis[rank % POSTING_AXIS_PART];
            p->head = (struct hit){ t->timed, t->t,
                                    p->batch->first_event + t->index };
            if (beyond_anchor(s, &p->head))
                return 0;
            continue;
        }
        int rc = s->reverse ? fill_reverse(s, p, err) : fill_forward(s, p, err);
        if (rc || p->done)
            return rc;
    }
}

/* How many undated events of the batch have an id below `id`: among them
 * ranks follow ids. */
static int undated_below(struct scan *s, struct part *p, int64_t id,
                         uint32_t *out, struct err *err)
{
    const struct posting_batch *b = p->batch;
    uint32_t lo = 0, hi = b->n_undated;
    if (id <= b->first_event)
        hi = 0;
    else if (id >= b->first_event + b->n)
        lo = hi;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int rc = part_axis(s, p, mid, err);
        if (rc)
            return rc;
        if (b->first_event + p->axis[mid % POSTING_AXIS_PART].index < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    *out = lo;
    return 0;
}

/* Ranks beyond the anchor. */
static int limit_ranks(struct scan *s, struct part *p, struct err *err)
{
    p->lo = 0;
    p->hi = p->batch->n;
    if (!s->has_anchor)
        return 0;
    if (!s->anchor.timed)
        return undated_below(s, p, s->anchor.id, s->reverse ? &p->hi : &p->lo,
                             err);
    struct instant t = s->anchor.t;
    if (!s->reverse)
        return posting_rank(s->c, p->batch, t, &p->lo, err);
    t.ns++;
    if (t.ns >= 1000000000) {
        if (t.s == INT64_MAX)
            return 0;
        t.ns = 0;
        t.s++;
    }
    return posting_rank(s->c, p->batch, t, &p->hi, err);
}

static int open_part(struct scan *s, struct part *p, struct err *err)
{
    p->open = true;
    p->axis_part = UINT32_MAX;
    int rc = node_open(s->c, p, s->plan, &p->root, 0, err);
    if (rc == 0)
        rc = limit_ranks(s, p, err);
    return rc ? rc : advance(s, p, err);
}

static void close_part(struct part *p)
{
    if (p->open)
        node_close(p->root);
    p->root = NULL;
    p->axis = NULL;
    p->words = NULL;
    p->cap = 0;
    arena_free(&p->arena);
}

/* ---- merge
 * ----------------------------------------------------------------------------
 */

static bool before(const struct scan *s, const struct part *a,
                   const struct part *b)
{
    int d = cmp_hit(&a->head, &b->head);
    return s->reverse ? d > 0 : d < 0;
}

static void sift_down(struct scan *s, size_t i)
{
    for (;;) {
        size_t best = i, l = 2 * i + 1, r = l + 1;
        if (l < s->n_heap && before(s, s->heap[l], s->heap[best]))
            best = l;
        if (r < s->n_heap && before(s, s->heap[r], s->heap[best]))
            best = r;
        if (best == i)
            return;
        struct part *t = s->heap[i];
        s->heap[i] = s->heap[best];
        s->heap[best] = t;
        i = best;
    }
}

/* A batch that was not looked at yet stands at the earliest place it can
 * have; it is opened only when the merge gets there. */
static struct hit earliest(const struct scan *s, const struct posting_batch *b)
{
    struct hit h = { .timed = true };
    if (!s->reverse) {
        h.timed = b->n_undated == 0;
        h.t.s = b->min_s;
        h.id = INT64_MIN;
    } else {
        h.timed = b->n_undated < b->n;
        h.t = (struct instant){ b->max_s, 999999999 };
        h.id = INT64_MAX;
    }
    return h;
}

static bool out_of_reach(const struct scan *s, const struct posting_batch *b)
{
    if (!plan_can_match(s->plan, b, 0))
        return true;
    if (!s->has_anchor)
        return false;
    if (!s->anchor.timed)
        return s->reverse && b->n_undated == 0;
    if (s->reverse)
        return b->n_undated == 0 && b->min_s > s->anchor.t.s;
    return b->n_undated == b->n || b->max_s < s->anchor.t.s;
}

int scan_open(struct casedb *c, const struct plan *p, const struct hit *anchor,
              bool reverse, struct scan **out, struct err *err)
{
    struct posting_batch *batches;
    size_t n;
    int rc = case_batches(c, &batches, &n, err);
    if (rc)
        return rc;
    struct scan *s = calloc(1, sizeof(*s));
    if (!s)
        return no_memory(err);
    s->c = c;
    s->plan = p;
    s->reverse = reverse;
    s->window = WINDOW;
    s->tests = plan_has_test(p);
    s->has_anchor = anchor != NULL;
    if (anchor)
        s->anchor = *anchor;
    s->parts = calloc(n ? n : 1, sizeof(*s->parts));
    s->heap = calloc(n ? n : 1, sizeof(*s->heap));
    if (!s->parts || !s->heap) {
        scan_close(s);
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        s->all += batches[i].n;
        if (out_of_reach(s, &batches[i]))
            continue;
        struct part *part = &s->parts[s->n_parts++];
        part->batch = &batches[i];
        part->head = earliest(s, &batches[i]);
        s->heap[s->n_heap++] = part;
    }
    for (size_t i = s->n_heap / 2; i-- > 0;)
        sift_down(s, i);
    *out = s;
    return 0;
}

int scan_next(struct scan *s, struct hit *out, struct err *err)
{
    while (s->n_heap) {
        struct part *p = s->heap[0];
        bool ready = p->open;
        if (ready)
            *out = p->head;
        int rc = ready ? advance(s, p, err) : open_part(s, p, err);
        if (rc)
            return rc;
        if (p->done) {
            close_part(p);
            s->heap[0] = s->heap[--s->n_heap];
        }
        sift_down(s, 0);
        if (ready)
            return 1;
    }
    return 0;
}

void scan_progress(const struct scan *s, uint64_t *done, uint64_t *all)
{
    *done = s->tested;
    *all = s->all;
}

void scan_close(struct scan *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_parts; i++)
        close_part(&s->parts[i]);
    free(s->parts);
    free(s->heap);
    free(s->scratch);
    free(s);
}

/* ---- counting
 * ---------------------------------------------------------------------------
 */

struct counter {
    const struct instant *edges; /* n_buckets + 1, ascending, or NULL */
    uint32_t *ranks;             /* of the edges in a batch */
    uint64_t *counts;
    size_t n_buckets;
    struct scan_total *total;
    bool any_dated;
};

static struct instant plus_ns(struct instant t, __int128 ns)
{
    __int128 at = (__int128)t.s * 1000000000 + t.ns + ns;
    __int128 s = at / 1000000000, rest = at % 1000000000;
    if (rest < 0) {
        rest += 1000000000;
        s--;
    }
    return (struct instant){ (int64_t)s, (uint32_t)rest };
}

/* Where each of n buckets of [from, to) begins, and the end. */
static struct instant *make_edges(struct instant from, struct instant to,
                                  size_t n)
{
    struct instant *v = calloc(n + 1, sizeof(*v));
    __int128 span = ((__int128)to.s - from.s) * 1000000000 + to.ns - from.ns;
    for (size_t i = 0; v && i <= n; i++) {
        __int128 m = (__int128)n;
        v[i] = from;
        if (span > 0)
            v[i] = plus_ns(from, span / m * (__int128)i +
                                     (span % m * (__int128)i + m - 1) / m);
    }
    return v;
}

static void extend(struct counter *k, struct instant t)
{
    if (!k->any_dated || instant_cmp(t, k->total->first) < 0)
        k->total->first = t;
    if (!k->any_dated || instant_cmp(t, k->total->last) > 0)
        k->total->last = t;
    k->any_dated = true;
}

static int time_of(struct scan *s, struct part *p, uint32_t rank,
                   struct instant *t, struct err *err)
{
    int rc = part_axis(s, p, rank, err);
    if (rc == 0)
        *t = p->axis[rank % POSTING_AXIS_PART].t;
    return rc;
}

static unsigned ones(uint64_t m)
{
    m -= m >> 1 & 0x5555555555555555;
    m = (m & 0x3333333333333333) + (m >> 2 & 0x3333333333333333);
    m = (m + (m >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(m * 0x0101010101010101 >> 56);
}

/* How many bits from lo to hi are set. */
static uint64_t ones_in(const uint64_t *words, uint32_t lo, uint32_t hi)
{
    uint64_t n = 0;
    if (lo >= hi)
        return 0;
    uint32_t i = lo >> 6, end = (hi - 1) >> 6;
    uint64_t head = UINT64_MAX << (lo & 63);
    uint64_t tail = UINT64_MAX >> (63 - ((hi - 1) & 63));
    if (i == end)
        return ones(words[i] & head & tail);
    n = ones(words[i] & head);
    while (++i < end)
        n += ones(words[i]);
    return n + ones(words[end] & tail);
}

/* The edges become ranks; of what lies between two of them no time is
 * needed. */
static int count_buckets(struct scan *s, struct part *p, const uint64_t *words,
                         struct counter *k, struct err *err)
{
    uint32_t lo = 0;
    int rc = posting_ranks(s->c, p->batch, k->edges, k->n_buckets + 1, k->ranks,
                           err);
    for (size_t i = 0; i <= k->n_buckets && rc == 0; i++) {
        uint64_t n = ones_in(words, lo, k->ranks[i]);
        if (i == 0)
            k->total->before += n;
        else
            k->counts[i - 1] += n;
        lo = k->ranks[i];
    }
    if (rc == 0)
        k->total->after += ones_in(words, lo, p->batch->n);
    return rc;
}

/* Takes the undated out of the words and returns their number. */
static uint64_t take_undated(const struct part *p, uint64_t *w)
{
    uint64_t n = 0;
    for (uint32_t i = 0, left = p->batch->n_undated; left > 0; i++) {
        uint64_t mask = left < 64 ? (1ull << left) - 1 : UINT64_MAX;
        n += ones(w[i] & mask);
        w[i] &= ~mask;
        left -= left < 64 ? left : 64;
    }
    return n;
}

static int extend_by(struct scan *s, struct part *p, struct counter *k,
                     uint32_t first, uint32_t last, struct err *err)
{
    struct instant t;
    int rc = time_of(s, p, first, &t, err);
    if (rc == 0)
        extend(k, t);
    if (rc == 0)
        rc = time_of(s, p, last, &t, err);
    if (rc == 0)
        extend(k, t);
    return rc;
}

static int count_words(struct scan *s, struct part *p, uint64_t *w,
                       struct counter *k, struct err *err)
{
    uint64_t undated = take_undated(p, w), n = 0;
    uint32_t first = 0, last = 0;
    for (uint32_t i = 0; i * 64 < p->batch->n; i++) {
        if (!w[i])
            continue;
        if (n == 0)
            first = i * 64 + (uint32_t)__builtin_ctzll(w[i]);
        last = i * 64 + 63 - (uint32_t)__builtin_clzll(w[i]);
        n += ones(w[i]);
    }
    k->total->undated += undated;
    k->total->n += undated + n;
    if (n == 0)
        return 0;
    int rc = extend_by(s, p, k, first, last, err);
    return rc || !k->edges ? rc : count_buckets(s, p, w, k, err);
}

/* The count of a single list stands in its directory: 1 = counted. */
static int count_list(struct scan *s, struct part *p, struct counter *k,
                      struct err *err)
{
    const struct node *n = p->root;
    if (k->edges || n->plan->op != PLAN_ANY_OF || n->bits ||
        n->n_cursors != 1 || p->batch->n_undated)
        return 0;
    const struct posting_cursor *c = n->cursors;
    uint32_t roles = c->role_mask ? c->roles & c->role_mask : c->roles;
    if (roles & (roles - 1))
        return 0;
    uint32_t first = c->n ? c->ranks[0] : c->parts[0].first;
    uint32_t last = c->n ? c->ranks[c->n - 1] : c->parts[c->n_parts - 1].last;
    if (first >= p->batch->n || last >= p->batch->n)
        return 0;
    k->total->n += c->count;
    int rc = extend_by(s, p, k, first, last, err);
    return rc ? rc : 1;
}

static int count_part(struct scan *s, struct part *p, struct counter *k,
                      struct err *err)
{
    p->open = true;
    p->axis_part = UINT32_MAX;
    int rc = node_open(s->c, p, s->plan, &p->root, 0, err);
    if (rc == 0)
        rc = count_list(s, p, k, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (node_next(p->root, 0) >= p->batch->n)
        return 0;
    uint64_t *w = calloc((p->batch->n + 63) / 64, 8);
    if (!w)
        return no_memory(err);
    rc = part_eval(s, p, 0, p->batch->n, w, err);
    if (rc == 0)
        rc = count_words(s, p, w, k, err);
    free(w);
    return rc;
}

int scan_count(struct casedb *c, const struct plan *p, struct instant from,
               struct instant to, uint64_t *counts, size_t n_buckets,
               struct scan_total *out, struct err *err)
{
    struct scan *s;
    struct instant *edges = NULL;
    uint32_t *ranks = NULL;
    *out = (struct scan_total){ 0 };
    int rc = scan_open(c, p, NULL, false, &s, err);
    if (rc)
        return rc;
    if (counts && n_buckets) {
        edges = make_edges(from, to, n_buckets);
        ranks = calloc(n_buckets + 1, sizeof(*ranks));
        if (!edges || !ranks)
            rc = no_memory(err);
    }
    struct counter k = { edges, ranks, counts, n_buckets, out, false };
    for (size_t i = 0; i < s->n_parts && rc == 0; i++) {
        rc = count_part(s, &s->parts[i], &k, err);
        close_part(&s->parts[i]);
        s->parts[i].open = false;
    }
    free(edges);
    free(ranks);
    scan_close(s);
    return rc;
}

int case_span(struct casedb *c, struct scan_total *out, struct err *err)
{
    struct posting_batch *b;
    size_t n;
    *out = (struct scan_total){ 0 };
    int rc = case_batches(c, &b, &n, err);
    bool any = false;
    for (size_t i = 0; i < n && rc == 0; i++) {
        out->n += b[i].n;
        out->undated += b[i].n_undated;
        if (b[i].n_undated == b[i].n)
            continue;
        struct instant lo = { b[i].min_s, 0 }, hi = { b[i].max_s, 0 };
        if (!any || instant_cmp(lo, out->first) < 0)
            out->first = lo;
        if (!any || instant_cmp(hi, out->last) > 0)
            out->last = hi;
        any = true;
    }
    return rc;
}
