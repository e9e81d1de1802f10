/*
 * Evaluates plans over posting lists, window by window of ranks, and merges
 * the batches in time order. A page costs a few row reads per batch, however
 * long the lists are.
 */
#include <stdlib.h>

#include "casedb/cache.h"
#include "casedb/query.h"

enum {
    WINDOW = 4096, /* ranks; doubled while windows turn out empty */
    WINDOW_MAX = 131072,
    MANY = 64, /* ids from which on a batch's lists are merged at once */
};

/* ---- one batch
 * ------------------------------------------------------------------ */

/* A plan node's state in one batch. */
struct node {
    const struct plan *plan;
    struct node *a, *b;
    struct posting_cursor *cursors; /* ANY_OF */
    size_t n_cursors;
    uint64_t *bits;  /* ANY_OF of many: the whole batch's ranks, else NULL */
    uint32_t n;      /* ranks of the batch */
    uint32_t lo, hi; /* TIME, UNDATED: ranks [lo, hi) */
    uint32_t *ranks; /* EVENTS: ascending */
    size_t n_ranks;
};

struct part {
    struct posting_batch *batch;
    struct node *root;
    struct arena arena;
    bool open, done;
    uint64_t *words;
    uint32_t cap;       /* ranks that words have room for */
    uint32_t wlo, whi;  /* the window in words; empty: wlo == whi */
    uint32_t lo, hi;    /* ranks still to come */
    uint32_t axis_part; /* in axis, UINT32_MAX none */
    struct posting_time *axis;
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
    uint32_t window;
    bool tests;
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

/* The listed ids that lie in the batch: [*lo, *end). */
static void listed(const struct plan *plan, const struct posting_batch *b,
                   size_t *lo, size_t *end)
{
    size_t hi = plan->n;
    *lo = 0;
    while (*lo < hi) {
        size_t mid = *lo + (hi - *lo) / 2;
        if (plan->events[mid] < b->first_event)
            *lo = mid + 1;
        else
            hi = mid;
    }
    *end = *lo;
    while (*end < plan->n && plan->events[*end] < b->first_event + b->n)
        ++*end;
}

/* EVENTS as ranks. The axis is read whole; lists are short (bookmarks, tags,
 * search hits). */
static int open_events(struct casedb *c, struct part *p, struct node *n,
                       struct err *err)
{
    size_t lo, end;
    listed(n->plan, p->batch, &lo, &end);
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
        size_t at = (size_t)(n->plan->events[i] - p->batch->first_event);
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
    return rc;
}

/* Ascending ids; the plan's own when they are. */
static const uint32_t *ascending(struct part *p, const struct plan *plan)
{
    size_t i = 1;
    while (i < plan->n && plan->ids[i - 1] <= plan->ids[i])
        i++;
    if (i >= plan->n)
        return plan->ids;
    uint32_t *v = arena_array(&p->arena, plan->n, sizeof(*v));
    if (v) {
        memcpy(v, plan->ids, plan->n * sizeof(*v));
        qsort(v, plan->n, sizeof(*v), by_rank);
    }
    return v;
}

static int open_many(struct casedb *c, struct part *p, struct node *n,
                     struct err *err)
{
    const uint32_t *ids = ascending(p, n->plan);
    n->bits = arena_array(&p->arena, n->n / 64 + 1, sizeof(*n->bits));
    if (!ids || !n->bits)
        return no_memory(err);
    return posting_union(c, p->batch, ids, n->plan->n, n->plan->role_mask,
                         n->bits, err);
}

static int open_any(struct casedb *c, struct part *p, struct node *n,
                    struct err *err)
{
    const struct plan *plan = n->plan;
    if (plan->n > MANY)
        return open_many(c, p, n, err);
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
    n->n = p->batch->n;
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

/* False when no event of the batch can match: told by the batch alone. */
static bool can_match(const struct plan *p, const struct posting_batch *b,
                      unsigned depth)
{
    size_t lo, end;
    if (depth > 64)
        return true;
    switch (p->op) {
    case PLAN_NONE:
        return false;
    case PLAN_TIME:
        return b->n_undated < b->n && p->from.s <= b->max_s &&
               p->to.s >= b->min_s;
    case PLAN_UNDATED:
        return b->n_undated > 0;
    case PLAN_EVENTS:
        listed(p, b, &lo, &end);
        return lo < end;
    case PLAN_AND:
        return can_match(p->a, b, depth + 1) && can_match(p->b, b, depth + 1);
    case PLAN_OR:
        return can_match(p->a, b, depth + 1) || can_match(p->b, b, depth + 1);
    case PLAN_ANY_OF:
        return p->n > 0;
    case PLAN_ALL:
    case PLAN_NOT:
    case PLAN_TEST:
        break;
    }
    return true;
}

/* Index of the first listed rank >= lo. */
static size_t lower(const struct node *n, uint32_t lo)
{
    size_t a = 0, b = n->n_ranks;
    while (a < b) {
        size_t mid = a + (b - a) / 2;
        if (n->ranks[mid] < lo)
            a = mid + 1;
        else
            b = mid;
    }
    return a;
}

static uint32_t next_bit(const struct node *n, uint32_t lo)
{
    for (uint32_t i = lo / 64; i * 64 < n->n; i++) {
        uint64_t m = n->bits[i];
        if (i == lo / 64)
            m &= UINT64_MAX << (lo & 63);
        if (m)
            return i * 64 + (uint32_t)__builtin_ctzll(m);
    }
    return UINT32_MAX;
}

static uint32_t prev_bit(const struct node *n, uint32_t hi)
{
    for (uint32_t i = (hi + 63) / 64; i-- > 0;) {
        uint64_t m = n->bits[i];
        if (i == hi / 64)
            m &= (1ull << (hi & 63)) - 1;
        if (m)
            return i * 64 + 64 - (uint32_t)__builtin_clzll(m);
    }
    return 0;
}

static uint32_t next_any(const struct node *n, uint32_t lo)
{
    uint32_t best = UINT32_MAX;
    if (n->bits)
        return next_bit(n, lo);
    for (size_t i = 0; i < n->n_cursors; i++) {
        uint32_t x = posting_next(&n->cursors[i], lo);
        best = x < best ? x : best;
    }
    return best;
}

static uint32_t prev_any(const struct node *n, uint32_t hi)
{
    uint32_t best = 0;
    if (n->bits)
        return prev_bit(n, hi);
    for (size_t i = 0; i < n->n_cursors; i++) {
        uint32_t x = posting_prev(&n->cursors[i], hi);
        best = x > best ? x : best;
    }
    return best;
}

/* A lower bound of the next rank >= lo that can match. */
static uint32_t next_of(const struct node *n, uint32_t lo)
{
    uint32_t x, y;
    size_t i;
    switch (n->plan->op) {
    case PLAN_NONE:
        return UINT32_MAX;
    case PLAN_ANY_OF:
        return next_any(n, lo);
    case PLAN_EVENTS:
        i = lower(n, lo);
        return i < n->n_ranks ? n->ranks[i] : UINT32_MAX;
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
    uint32_t x, y;
    size_t i;
    switch (n->plan->op) {
    case PLAN_NONE:
        return 0;
    case PLAN_ANY_OF:
        return prev_any(n, hi);
    case PLAN_EVENTS:
        i = lower(n, hi);
        return i ? n->ranks[i - 1] + 1 : 0;
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
    if (!p->axis)
        p->axis = arena_array(&p->arena, POSTING_AXIS_PART, sizeof(*p->axis));
    if (!p->axis)
        return no_memory(err);
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
        if (n->bits)
            memcpy(out, n->bits + w->lo / 64, k * 8);
        for (size_t i = 0; i < n->n_cursors && rc == 0; i++)
            rc = posting_window(s->c, &n->cursors[i], w->lo, w->hi, out, err);
        break;
    case PLAN_EVENTS:
        for (size_t i = lower(n, w->lo); i < n->n_ranks && n->ranks[i] < w->hi;
             i++)
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

/* Evaluates [lo, hi) into words. */
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
    int rc = eval_window(s, p, p->wlo, p->whi, p->words, err);
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
    uint32_t at = next_of(p->root, p->lo);
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
    uint32_t end = prev_of(p->root, p->hi);
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
        int rc = load_axis(s, p, mid, err);
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
    if (!can_match(s->plan, b, 0))
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
    s->tests = has_test(p);
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
    const struct instant *edges; /* n_buckets + 1, or NULL */
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

/* 0 = before the first edge, i = in bucket i - 1, n + 1 = after. */
static size_t slot_of(const struct counter *k, struct instant t)
{
    size_t lo = 0, hi = k->n_buckets + 1;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (instant_cmp(k->edges[mid], t) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void count_slot(struct counter *k, size_t slot, uint64_t n)
{
    if (slot == 0)
        k->total->before += n;
    else if (slot > k->n_buckets)
        k->total->after += n;
    else
        k->counts[slot - 1] += n;
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

/* Matches within one part of the axis; it is read only when they can fall
 * into several buckets. */
static int count_axis_part(struct scan *s, struct part *p, uint32_t part,
                           const uint64_t *words, size_t n_words,
                           struct counter *k, struct err *err)
{
    struct posting_batch *b = p->batch;
    struct instant from = b->starts[part], to = { b->max_s, 999999999 };
    uint64_t n = 0;
    for (size_t i = 0; i < n_words; i++)
        n += (uint64_t)__builtin_popcountll(words[i]);
    if (n == 0)
        return 0;
    if (part + 1 < b->n_parts)
        to = b->starts[part + 1];
    size_t slot = slot_of(k, from);
    if (slot == slot_of(k, to)) {
        count_slot(k, slot, n);
        return 0;
    }
    int rc = load_axis(s, p, part * POSTING_AXIS_PART, err);
    for (size_t i = 0; i < n_words && rc == 0; i++)
        for (uint64_t m = words[i]; m; m &= m - 1) {
            struct instant t = p->axis[i * 64 + (size_t)__builtin_ctzll(m)].t;
            while (slot <= k->n_buckets && instant_cmp(k->edges[slot], t) <= 0)
                slot++;
            count_slot(k, slot, 1);
        }
    return rc;
}

static int count_buckets(struct scan *s, struct part *p, const uint64_t *words,
                         struct counter *k, struct err *err)
{
    enum { PER_PART = POSTING_AXIS_PART / 64 };
    size_t all = (p->batch->n + 63) / 64;
    int rc = posting_starts(s->c, p->batch, err);
    for (uint32_t i = p->batch->n_undated / POSTING_AXIS_PART;
         i < p->batch->n_parts && rc == 0; i++) {
        size_t at = (size_t)i * PER_PART;
        rc = count_axis_part(s, p, i, words + at,
                             all - at < PER_PART ? all - at : PER_PART, k, err);
    }
    return rc;
}

/* Takes the undated out of the words and returns their number. */
static uint64_t take_undated(const struct part *p, uint64_t *w)
{
    uint64_t n = 0;
    for (uint32_t i = 0, left = p->batch->n_undated; left > 0; i++) {
        uint64_t mask = left < 64 ? (1ull << left) - 1 : UINT64_MAX;
        n += (uint64_t)__builtin_popcountll(w[i] & mask);
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
        n += (uint64_t)__builtin_popcountll(w[i]);
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
    int rc = open_node(s->c, p, s->plan, &p->root, 0, err);
    if (rc == 0)
        rc = count_list(s, p, k, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (next_of(p->root, 0) >= p->batch->n)
        return 0;
    uint64_t *w = calloc((p->batch->n + 63) / 64, 8);
    if (!w)
        return no_memory(err);
    rc = eval_window(s, p, 0, p->batch->n, w, err);
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
    *out = (struct scan_total){ 0 };
    int rc = scan_open(c, p, NULL, false, &s, err);
    if (rc)
        return rc;
    if (counts && n_buckets) {
        edges = make_edges(from, to, n_buckets);
        if (!edges)
            rc = no_memory(err);
    }
    struct counter k = { edges, counts, n_buckets, out, false };
    for (size_t i = 0; i < s->n_parts && rc == 0; i++) {
        rc = count_part(s, &s->parts[i], &k, err);
        close_part(&s->parts[i]);
        s->parts[i].open = false;
    }
    free(edges);
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
