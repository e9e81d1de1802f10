/*
 * Evaluates plans over posting lists, window by window of ranks, and merges
 * the batches in time order. A page costs a few row reads per batch, however
 * long the lists are.
 */
#include <stdlib.h>

#include "casedb/cache.h"
#include "casedb/query.h"

enum { WINDOW = 4096, WORDS = WINDOW / 64 };

/* ---- one batch
 * ------------------------------------------------------------------ */

/* A plan node's state in one batch. */
struct node {
    const struct plan *plan;
    struct node *a, *b;
    struct posting_cursor *cursors; /* ANY_OF */
    size_t n_cursors;
    uint32_t lo, hi; /* TIME, UNDATED: ranks [lo, hi) */
    uint32_t *ranks; /* EVENTS: ascending */
    size_t n_ranks;
};

struct part {
    struct posting_batch *batch;
    struct node *root;
    struct arena arena;
    bool open, done;
    uint64_t words[WORDS];
    uint32_t wlo, whi;  /* the window in words; empty: wlo == whi */
    uint32_t lo, hi;    /* ranks still to come */
    uint32_t axis_part; /* in axis, UINT32_MAX none */
    struct posting_time axis[POSTING_AXIS_PART];
    struct hit head;
};

struct scan {
    struct casedb *c;
    const struct plan *plan;
    bool reverse, has_anchor;
    struct hit anchor;
    struct part **heap;
    size_t n_heap;
    struct part *parts;
    size_t n_parts;
    uint64_t tested, all;
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "query: out of memory");
}

static int by_rank(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* EVENTS: the listed ids that lie in this batch, as ranks. The axis is read
 * whole; lists are short (bookmarks, tags, search hits). */
static int open_events(struct casedb *c, struct part *p, struct node *n,
                       struct err *err)
{
    const struct plan *plan = n->plan;
    int64_t first = p->batch->first_event;
    size_t lo = 0, hi = plan->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (plan->events[mid] < first)
            lo = mid + 1;
        else
            hi = mid;
    }
    size_t end = lo;
    while (end < plan->n && plan->events[end] < first + p->batch->n)
        end++;
    if (lo == end)
        return 0;
    unsigned char *wanted = arena_alloc(&p->arena, p->batch->n / 8 + 1);
    n->ranks = arena_array(&p->arena, end - lo, sizeof(*n->ranks));
    struct posting_time *axis = malloc(POSTING_AXIS_PART * sizeof(*axis));
    if (!wanted || !n->ranks || !axis) {
        free(axis);
        return no_memory(err);
    }
    for (size_t i = lo; i < end; i++) {
        size_t at = (size_t)(plan->events[i] - first);
        wanted[at / 8] |= (unsigned char)(1u << (at & 7));
    }
    int rc = 0;
    for (uint32_t k = 0; k * POSTING_AXIS_PART < p->batch->n && rc == 0; k++) {
        uint32_t m = 0;
        rc = posting_axis(c, p->batch, k, axis, &m, err);
        for (uint32_t i = 0; rc == 0 && i < m; i++)
            if (wanted[axis[i].index / 8] >> (axis[i].index & 7) & 1 &&
                n->n_ranks < end - lo)
                n->ranks[n->n_ranks++] = k * POSTING_AXIS_PART + i;
    }
    free(axis);
    if (rc == 0)
        qsort(n->ranks, n->n_ranks, sizeof(*n->ranks), by_rank);
    return rc;
}

static int open_any(struct casedb *c, struct part *p, struct node *n,
                    struct err *err)
{
    const struct plan *plan = n->plan;
    n->cursors = calloc(plan->n + 1, sizeof(*n->cursors));
    if (!n->cursors)
        return no_memory(err);
    for (size_t i = 0; i < plan->n; i++) {
        struct posting_cursor *k = &n->cursors[n->n_cursors];
        int rc = posting_open(c, p->batch->id, plan->ids[i], plan->role_mask, k,
                              err);
        if (rc) {
            posting_close(k);
            return rc;
        }
        if (k->count)
            n->n_cursors++;
        else
            posting_close(k);
    }
    return 0;
}

static int open_node(struct casedb *c, struct part *p, const struct plan *plan,
                     struct node **out, unsigned depth, struct err *err)
{
    struct node *n = arena_alloc(&p->arena, sizeof(*n));
    *out = n;
    if (!n)
        return no_memory(err);
    if (depth > 64)
        return err_set(err, ERR_USAGE, "the filter is nested too deeply");
    n->plan = plan;
    int rc = 0;
    switch (plan->op) {
    case PLAN_ANY_OF:
        return open_any(c, p, n, err);
    case PLAN_AND:
    case PLAN_OR:
        rc = open_node(c, p, plan->b, &n->b, depth + 1, err);
        if (rc)
            return rc;
        return open_node(c, p, plan->a, &n->a, depth + 1, err);
    case PLAN_NOT:
        return open_node(c, p, plan->a, &n->a, depth + 1, err);
    case PLAN_TIME:
        rc = posting_rank(c, p->batch, plan->from, &n->lo, err);
        return rc ? rc : posting_rank(c, p->batch, plan->to, &n->hi, err);
    case PLAN_UNDATED:
        n->hi = p->batch->n_undated;
        return 0;
    case PLAN_EVENTS:
        return open_events(c, p, n, err);
    case PLAN_ALL:
    case PLAN_NONE:
    case PLAN_TEST:
        break;
    }
    return 0;
}

static void close_node(struct node *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n_cursors; i++)
        posting_close(&n->cursors[i]);
    free(n->cursors);
    close_node(n->a);
    close_node(n->b);
}

static bool has_test(const struct plan *p)
{
    if (p->op == PLAN_TEST)
        return true;
    if (p->op == PLAN_AND || p->op == PLAN_OR)
        return has_test(p->a) || has_test(p->b);
    return p->op == PLAN_NOT && has_test(p->a);
}

/* A lower bound of the next rank >= lo that can match. */
static uint32_t next_of(const struct node *n, uint32_t lo)
{
    uint32_t x, y, best = UINT32_MAX;
    switch (n->plan->op) {
    case PLAN_NONE:
        return UINT32_MAX;
    case PLAN_ANY_OF:
        for (size_t i = 0; i < n->n_cursors; i++) {
            x = posting_next(&n->cursors[i], lo);
            best = x < best ? x : best;
        }
        return best;
    case PLAN_EVENTS:
        for (size_t i = 0; i < n->n_ranks; i++)
            if (n->ranks[i] >= lo)
                return n->ranks[i];
        return UINT32_MAX;
    case PLAN_TIME:
    case PLAN_UNDATED:
        x = lo > n->lo ? lo : n->lo;
        return x < n->hi ? x : UINT32_MAX;
    case PLAN_AND:
        x = next_of(n->a, lo);
        y = x == UINT32_MAX ? x : next_of(n->b, x);
        return x > y ? x : y;
    case PLAN_OR:
        x = next_of(n->a, lo);
        y = next_of(n->b, lo);
        return x < y ? x : y;
    case PLAN_ALL:
    case PLAN_NOT:
    case PLAN_TEST:
        break;
    }
    return lo;
}

/* An upper bound, + 1, of the previous rank < hi that can match; 0 none. */
static uint32_t prev_of(const struct node *n, uint32_t hi)
{
    uint32_t x, y, best = 0;
    switch (n->plan->op) {
    case PLAN_NONE:
        return 0;
    case PLAN_ANY_OF:
        for (size_t i = 0; i < n->n_cursors; i++) {
            x = posting_prev(&n->cursors[i], hi);
            best = x > best ? x : best;
        }
        return best;
    case PLAN_EVENTS:
        for (size_t i = n->n_ranks; i-- > 0;)
            if (n->ranks[i] < hi)
                return n->ranks[i] + 1;
        return 0;
    case PLAN_TIME:
    case PLAN_UNDATED:
        x = hi < n->hi ? hi : n->hi;
        return x > n->lo ? x : 0;
    case PLAN_AND:
        x = prev_of(n->a, hi);
        y = x ? prev_of(n->b, x) : 0;
        return x < y ? x : y;
    case PLAN_OR:
        x = prev_of(n->a, hi);
        y = prev_of(n->b, hi);
        return x > y ? x : y;
    case PLAN_ALL:
    case PLAN_NOT:
    case PLAN_TEST:
        break;
    }
    return hi;
}

/* ---- windows
 * ---------------------------------------------------------------------- */

struct window {
    uint32_t lo, hi; /* lo a multiple of 64 */
    size_t words;
};

static void set_range(const struct window *w, uint32_t lo, uint32_t hi,
                      uint64_t *out)
{
    lo = lo < w->lo ? w->lo : lo;
    hi = hi > w->hi ? w->hi : hi;
    for (uint32_t r = lo; r < hi;) {
        uint32_t bit = (r - w->lo) & 63, n = 64 - bit;
        if (n > hi - r)
            n = hi - r;
        uint64_t ones = n == 64 ? UINT64_MAX : (1ull << n) - 1;
        out[(r - w->lo) >> 6] |= ones << bit;
        r += n;
    }
}

static int load_axis(struct scan *s, struct part *p, uint32_t rank,
                     struct err *err)
{
    uint32_t k = rank / POSTING_AXIS_PART, n;
    if (p->axis_part == k)
        return 0;
    p->axis_part = UINT32_MAX;
    int rc = posting_axis(s->c, p->batch, k, p->axis, &n, err);
    if (rc == 0)
        p->axis_part = k;
    return rc;
}

static int test_window(struct scan *s, struct part *p, const struct node *n,
                       const struct window *w, const uint64_t *mask,
                       uint64_t *out, struct err *err)
{
    struct arena row = { 0 };
    int rc = 0;
    for (size_t i = 0; i < w->words && rc >= 0; i++)
        for (uint64_t m = mask[i]; m && rc >= 0; m &= m - 1) {
            uint32_t rank =
                w->lo + (uint32_t)i * 64 + (uint32_t)__builtin_ctzll(m);
            struct event e;
            rc = load_axis(s, p, rank, err);
            if (rc)
                break;
            arena_reset(&row);
            rc = case_event(s->c,
                            p->batch->first_event +
                                p->axis[rank % POSTING_AXIS_PART].index,
                            &row, &e, err);
            s->tested++;
            if (rc == 0)
                rc = n->plan->test(n->plan->ctx, s->c, &e);
            if (rc > 0)
                out[i] |= m & -m;
        }
    arena_free(&row);
    if (rc < 0 && err && err->code == 0)
        err_set(err, rc, "the query was stopped");
    return rc < 0 ? rc : 0;
}

/* out = ranks of the window that match, within mask. Temporary words come
 * from `scratch`, 2 * words per level. */
static int eval(struct scan *s, struct part *p, const struct node *n,
                const struct window *w, const uint64_t *mask, uint64_t *out,
                uint64_t *scratch, struct err *err)
{
    size_t k = w->words;
    uint64_t *t = scratch, *u = scratch + k, *deeper = scratch + 2 * k;
    const struct node *first = n->a, *second = n->b;
    int rc = 0;
    memset(out, 0, k * 8);
    switch (n->plan->op) {
    case PLAN_NONE:
        return 0;
    case PLAN_ALL:
        memcpy(out, mask, k * 8);
        return 0;
    case PLAN_ANY_OF:
        for (size_t i = 0; i < n->n_cursors && rc == 0; i++)
            rc = posting_window(s->c, &n->cursors[i], w->lo, w->hi, out, err);
        break;
    case PLAN_EVENTS:
        for (size_t i = 0; i < n->n_ranks; i++)
            set_range(w, n->ranks[i], n->ranks[i] + 1, out);
        break;
    case PLAN_TIME:
    case PLAN_UNDATED:
        set_range(w, n->lo, n->hi, out);
        break;
    case PLAN_TEST:
        return test_window(s, p, n, w, mask, out, err);
    case PLAN_NOT:
        rc = eval(s, p, n->a, w, mask, t, deeper, err);
        for (size_t i = 0; i < k; i++)
            out[i] = ~t[i];
        break;
    case PLAN_AND:
    case PLAN_OR:
        /* the cheap side first: tests read rows */
        if (has_test(first->plan) && !has_test(second->plan)) {
            first = n->b;
            second = n->a;
        }
        rc = eval(s, p, first, w, mask, t, deeper, err);
        if (rc)
            return rc;
        if (n->plan->op == PLAN_AND)
            return eval(s, p, second, w, t, out, deeper, err);
        for (size_t i = 0; i < k; i++)
            u[i] = mask[i] & ~t[i];
        rc = eval(s, p, second, w, u, out, deeper, err);
        for (size_t i = 0; i < k; i++)
            out[i] |= t[i];
        return rc;
    }
    for (size_t i = 0; i < k; i++)
        out[i] &= mask[i];
    return rc;
}

static unsigned depth_of(const struct plan *p)
{
    unsigned a = 0, b = 0;
    if (p->op == PLAN_AND || p->op == PLAN_OR || p->op == PLAN_NOT)
        a = depth_of(p->a);
    if (p->op == PLAN_AND || p->op == PLAN_OR)
        b = depth_of(p->b);
    return 1 + (a > b ? a : b);
}

/* Evaluates [lo, hi) into words (WORDS or more for larger windows). */
static int eval_window(struct scan *s, struct part *p, uint32_t lo, uint32_t hi,
                       uint64_t *words, struct err *err)
{
    struct window w = { lo, hi, (hi - lo + 63) / 64 };
    size_t levels = depth_of(s->plan) + 1;
    uint64_t *scratch = calloc(w.words * (2 * levels + 1), 8);
    if (!scratch)
        return no_memory(err);
    uint64_t *mask = scratch;
    set_range(&w, lo, hi, mask);
    int rc = eval(s, p, p->root, &w, mask, words, scratch + w.words, err);
    free(scratch);
    return rc;
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

static int fill_forward(struct scan *s, struct part *p, struct err *err)
{
    uint32_t at = next_of(p->root, p->lo);
    if (at >= p->hi) {
        p->done = true;
        return 0;
    }
    p->wlo = at & ~63u;
    p->whi = p->hi - p->wlo < WINDOW ? p->hi : p->wlo + WINDOW;
    int rc = eval_window(s, p, p->wlo, p->whi, p->words, err);
    /* ranks of the window before `lo` were given already */
    for (uint32_t r = p->wlo; r < p->lo; r++)
        p->words[(r - p->wlo) >> 6] &= ~(1ull << ((r - p->wlo) & 63));
    p->lo = p->whi;
    return rc;
}

static int fill_reverse(struct scan *s, struct part *p, struct err *err)
{
    uint32_t end = prev_of(p->root, p->hi);
    if (end <= p->lo) {
        p->done = true;
        return 0;
    }
    uint32_t lo = end > WINDOW - 64 ? (end - (WINDOW - 64)) & ~63u : 0;
    if (lo < (p->lo & ~63u))
        lo = p->lo & ~63u;
    p->wlo = lo;
    p->whi = end;
    int rc = eval_window(s, p, p->wlo, p->whi, p->words, err);
    for (uint32_t r = p->wlo; r < p->lo; r++)
        p->words[(r - p->wlo) >> 6] &= ~(1ull << ((r - p->wlo) & 63));
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
            int rc = load_axis(s, p, rank, err);
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

/* Ranks beyond the anchor. */
static int limit_ranks(struct scan *s, struct part *p, struct err *err)
{
    p->lo = 0;
    p->hi = p->batch->n;
    if (!s->has_anchor)
        return 0;
    if (!s->anchor.timed) {
        if (s->reverse)
            p->hi = p->batch->n_undated;
        return 0;
    }
    struct instant t = s->anchor.t;
    if (!s->reverse)
        return posting_rank(s->c, p->batch, t, &p->lo, err);
    t.ns++;
    if (t.ns == 1000000000) {
        t.ns = 0;
        t.s++;
    }
    return posting_rank(s->c, p->batch, t, &p->hi, err);
}

static int open_part(struct scan *s, struct part *p, struct err *err)
{
    p->open = true;
    p->axis_part = UINT32_MAX;
    int rc = open_node(s->c, p, s->plan, &p->root, 0, err);
    if (rc == 0)
        rc = limit_ranks(s, p, err);
    return rc ? rc : advance(s, p, err);
}

static void close_part(struct part *p)
{
    if (p->open)
        close_node(p->root);
    p->root = NULL;
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
    if (!s->has_anchor || !s->anchor.timed)
        return false;
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
    free(s);
}

/* ---- counting
 * ---------------------------------------------------------------------------
 */

struct counter {
    struct instant from, to;
    uint64_t *counts;
    size_t n_buckets;
    struct scan_total *total;
    bool any_dated;
};

/* Bucket of t in [from, to): width in nanoseconds as 128 bits. */
static size_t bucket_of(const struct counter *k, struct instant t)
{
    __int128 span = (__int128)(k->to.s - k->from.s) * 1000000000 +
                    ((int64_t)k->to.ns - (int64_t)k->from.ns);
    __int128 at = (__int128)(t.s - k->from.s) * 1000000000 +
                  ((int64_t)t.ns - (int64_t)k->from.ns);
    return span > 0 ? (size_t)(at * (__int128)k->n_buckets / span) : 0;
}

static void count_time(struct counter *k, struct instant t)
{
    if (instant_cmp(t, k->from) < 0) {
        k->total->before++;
    } else if (instant_cmp(t, k->to) >= 0) {
        k->total->after++;
    } else {
        size_t i = bucket_of(k, t);
        if (i < k->n_buckets)
            k->counts[i]++;
    }
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
    int rc = load_axis(s, p, rank, err);
    if (rc == 0)
        *t = p->axis[rank % POSTING_AXIS_PART].t;
    return rc;
}

/* Every matching rank's time goes to its bucket. */
static int count_buckets(struct scan *s, struct part *p, const uint64_t *words,
                         struct counter *k, struct err *err)
{
    uint32_t n = p->batch->n;
    for (uint32_t i = 0; i * 64 < n; i++)
        for (uint64_t m = words[i]; m; m &= m - 1) {
            uint32_t rank = i * 64 + (uint32_t)__builtin_ctzll(m);
            if (rank < p->batch->n_undated)
                continue;
            int rc = load_axis(s, p, rank, err);
            if (rc)
                return rc;
            count_time(k, p->axis[rank % POSTING_AXIS_PART].t);
        }
    return 0;
}

static int count_part(struct scan *s, struct part *p, struct counter *k,
                      struct err *err)
{
    uint32_t n = p->batch->n, words = (n + 63) / 64;
    uint32_t first = UINT32_MAX, last = 0;
    uint64_t *w = calloc(words, 8);
    if (!w)
        return no_memory(err);
    int rc = open_node(s->c, p, s->plan, &p->root, 0, err);
    p->open = true;
    p->axis_part = UINT32_MAX;
    if (rc == 0 && next_of(p->root, 0) < n)
        rc = eval_window(s, p, 0, n, w, err);
    for (uint32_t i = 0; rc == 0 && i < words; i++) {
        k->total->n += (uint64_t)__builtin_popcountll(w[i]);
        for (uint64_t m = w[i]; m; m &= m - 1) {
            uint32_t rank = i * 64 + (uint32_t)__builtin_ctzll(m);
            if (rank >= p->batch->n_undated) {
                if (first == UINT32_MAX)
                    first = rank;
                last = i * 64 + 63 - (uint32_t)__builtin_clzll(m);
                break;
            }
            k->total->undated++;
        }
    }
    struct instant t;
    if (rc == 0 && first != UINT32_MAX) {
        rc = time_of(s, p, first, &t, err);
        if (rc == 0)
            extend(k, t);
        if (rc == 0)
            rc = time_of(s, p, last, &t, err);
        if (rc == 0)
            extend(k, t);
        if (rc == 0 && k->n_buckets)
            rc = count_buckets(s, p, w, k, err);
    }
    free(w);
    return rc;
}

int scan_count(struct casedb *c, const struct plan *p, struct instant from,
               struct instant to, uint64_t *counts, size_t n_buckets,
               struct scan_total *out, struct err *err)
{
    struct scan *s;
    *out = (struct scan_total){ 0 };
    int rc = scan_open(c, p, NULL, false, &s, err);
    if (rc)
        return rc;
    struct counter k = { from, to, counts, counts ? n_buckets : 0, out, false };
    for (size_t i = 0; i < s->n_parts && rc == 0; i++) {
        rc = count_part(s, &s->parts[i], &k, err);
        close_part(&s->parts[i]);
        s->parts[i].open = false;
    }
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
