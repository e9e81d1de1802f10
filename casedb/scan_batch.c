/* Plans over the posting lists of one batch. */
#include "casedb/scan_batch.h"

#include <stdlib.h>

enum { MANY = 64 }; /* ids from which on a batch's lists are merged at once */

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

int node_open(struct casedb *c, struct part *p, const struct plan *plan,
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
        rc = node_open(c, p, plan->b, &n->b, depth + 1, err);
        if (rc)
            return rc;
        return node_open(c, p, plan->a, &n->a, depth + 1, err);
    case PLAN_NOT:
        return node_open(c, p, plan->a, &n->a, depth + 1, err);
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

void node_close(struct node *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n_cursors; i++)
        posting_close(&n->cursors[i]);
    free(n->cursors);
    node_close(n->a);
    node_close(n->b);
}

bool plan_has_test(const struct plan *p)
{
    if (p->op == PLAN_TEST)
        return true;
    if (p->op == PLAN_AND || p->op == PLAN_OR)
        return plan_has_test(p->a) || plan_has_test(p->b);
    return p->op == PLAN_NOT && plan_has_test(p->a);
}

bool plan_can_match(const struct plan *p, const struct posting_batch *b,
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
        return plan_can_match(p->a, b, depth + 1) &&
               plan_can_match(p->b, b, depth + 1);
    case PLAN_OR:
        return plan_can_match(p->a, b, depth + 1) ||
               plan_can_match(p->b, b, depth + 1);
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

uint32_t node_next(const struct node *n, uint32_t lo)
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
        x = node_next(n->a, lo);
        y = x == UINT32_MAX ? x : node_next(n->b, x);
        return x > y ? x : y;
    case PLAN_OR:
        x = node_next(n->a, lo);
        y = node_next(n->b, lo);
        return x < y ? x : y;
    case PLAN_ALL:
    case PLAN_NOT:
    case PLAN_TEST:
        break;
    }
    return lo;
}

uint32_t node_prev(const struct node *n, uint32_t hi)
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
        x = node_prev(n->a, hi);
        y = x ? node_prev(n->b, x) : 0;
        return x < y ? x : y;
    case PLAN_OR:
        x = node_prev(n->a, hi);
        y = node_prev(n->b, hi);
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

int part_axis(struct scan *s, struct part *p, uint32_t rank, struct err *err)
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
            rc = part_axis(s, p, rank, err);
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

static bool any_of(const uint64_t *words, size_t n)
{
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= words[i];
    return any != 0;
}

/* How much there is to read, roughly, in list entries. */
static uint64_t node_cost(const struct node *n)
{
    static const uint64_t dear = 1ull << 32;
    uint64_t cost = 0, a, b;
    switch (n->plan->op) {
    case PLAN_TEST:
        return dear;
    case PLAN_ANY_OF:
        for (size_t i = 0; i < n->n_cursors; i++)
            cost += n->cursors[i].count;
        return cost;
    case PLAN_NOT:
        return node_cost(n->a);
    case PLAN_AND:
    case PLAN_OR:
        a = node_cost(n->a);
        b = node_cost(n->b);
        return a + b;
    case PLAN_ALL:
    case PLAN_NONE:
    case PLAN_TIME:
    case PLAN_UNDATED:
    case PLAN_EVENTS:
        break;
    }
    return 0;
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
            rc = posting_window(s->c, &n->cursors[i], w->lo, w->hi, mask, out,
                                err);
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
        /* the cheap side first: tests read rows, long lists are decoded only
         * where the short one has ranks */
        if (node_cost(second) < node_cost(first)) {
            first = n->b;
            second = n->a;
        }
        rc = eval(s, p, first, w, mask, t, deeper, err);
        if (rc)
            return rc;
        if (n->plan->op == PLAN_AND)
            return any_of(t, k) ? eval(s, p, second, w, t, out, deeper, err)
                                : 0;
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

int part_eval(struct scan *s, struct part *p, uint32_t lo, uint32_t hi,
              uint64_t *words, struct err *err)
{
    struct window w = { lo, hi, (hi - lo + 63) / 64 };
    size_t levels = depth_of(s->plan) + 1, need = w.words * (2 * levels + 1);
    if (need > s->cap_scratch) {
        free(s->scratch);
        s->scratch = malloc(need * sizeof(*s->scratch));
        s->cap_scratch = s->scratch ? need : 0;
    }
    uint64_t *mask = s->scratch;
    if (!mask)
        return no_memory(err);
    memset(mask, 0, w.words * sizeof(*mask));
    set_range(&w, lo, hi, mask);
    return eval(s, p, p->root, &w, mask, words, mask + w.words, err);
}
