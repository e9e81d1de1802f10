/*
 * How long questions to a case take:
 *
 *   query [--rounds N] [--only TEXT] CASE
 *
 * TEXT: only questions with it in their name.
 *
 * One line each: 50th and 99th percentile and maximum in milliseconds, and
 * what it was asked of. A page is 50 events with their rows and the texts of
 * their columns. Anchors: random instants of the case's span, its end, and
 * "none": two values of one column, which no event has both, so that a page
 * has to go through all of both lists. The handle stays open; the first round
 * counts too, so the maximum is that of a cold cache of SQLite. `cpu` is the
 * processor time of the same: on a busy machine the rest is waiting.
 */
#include "base/str.h"
#include "casedb/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAGE = 50, BUCKETS = 200, ROUNDS_MAX = 10000 };

static struct err err;

struct bench {
    struct casedb *c;
    size_t rounds;
    const char *only;
    uint64_t rng;
    struct scan_total span;
    struct arena arena;
    double ms[ROUNDS_MAX], cpu[ROUNDS_MAX];
};

static void need(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "query: %s\n", err.what);
    exit(1);
}

static uint64_t next(struct bench *b)
{
    uint64_t z = b->rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_ms(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* ---- questions ------------------------------------------------------------
 */

struct question {
    const char *name;
    void (*ask)(struct bench *b, const struct question *q);
    struct plan plan;
    bool reverse, from_end;
    struct str text;
    unsigned kind;
    uint64_t n1, n2; /* lengths of the lists */
};

static void page(struct bench *b, const struct question *q)
{
    uint64_t width = (uint64_t)(b->span.last.s - b->span.first.s) + 1;
    struct hit h, anchor = { true, b->span.last, INT64_MAX };
    struct scan *s;
    struct event e;
    if (!q->from_end)
        anchor.t.s = b->span.first.s + (int64_t)(next(b) % width);
    need(scan_open(b->c, &q->plan, &anchor, q->reverse, &s, &err));
    for (int i = 0, rc; i < PAGE; i++) {
        need(rc = scan_next(s, &h, &err));
        if (!rc)
            break;
        arena_reset(&b->arena);
        need(case_event(b->c, h.id, &b->arena, &e, &err));
        const uint32_t ids[] = { e.source, e.action, e.actor, e.target, e.ip };
        for (size_t k = 0; k < sizeof(ids) / sizeof(*ids); k++)
            (void)case_text(b->c, ids[k]);
    }
    scan_close(s);
}

static void count(struct bench *b, const struct question *q)
{
    struct scan_total total;
    need(scan_count(b->c, &q->plan, b->span.first, b->span.last, NULL, 0,
                    &total, &err));
}

static void histogram(struct bench *b, const struct question *q)
{
    uint64_t counts[BUCKETS] = { 0 };
    struct scan_total total;
    need(scan_count(b->c, &q->plan, b->span.first, b->span.last, counts,
                    BUCKETS, &total, &err));
}

static void find(struct bench *b, const struct question *q)
{
    struct entity_count e;
    uint32_t id = case_find(b->c, q->kind, q->text);
    if (id)
        need(case_entity(b->c, id, &e, &err));
}

static void run(struct bench *b, const struct question *q)
{
    for (size_t i = 0; i < b->rounds; i++) {
        double start = now(CLOCK_MONOTONIC);
        double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        q->ask(b, q);
        b->ms[i] = now(CLOCK_MONOTONIC) - start;
        b->cpu[i] = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    }
    qsort(b->ms, b->rounds, sizeof(*b->ms), by_ms);
    qsort(b->cpu, b->rounds, sizeof(*b->cpu), by_ms);
    size_t p99 = (b->rounds * 99 + 99) / 100 - 1;
    printf("%-34s %8.2f %8.2f %8.2f %8.2f", q->name, b->ms[b->rounds / 2],
           b->ms[p99], b->ms[b->rounds - 1], b->cpu[p99]);
    if (q->n1)
        printf("  %llu", (unsigned long long)q->n1);
    if (q->n2)
        printf(" %llu", (unsigned long long)q->n2);
    putchar('\n');
    fflush(stdout);
}

/* ---- what to ask about -----------------------------------------------------
 */

struct choice {
    struct entity_count rare, medium, largest, second;
    struct entity_count same1, same2; /* of one kind, one value an event */
};

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static void choose(struct bench *b, struct choice *w)
{
    static const unsigned kinds[] = { KIND_PRINCIPAL, KIND_IP,     KIND_KEY,
                                      KIND_AGENT,     KIND_ROLE,   KIND_ACTION,
                                      KIND_REGION,    KIND_SERVICE };
    for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
        struct arena a = { 0 };
        struct entity_count *v;
        size_t n;
        need(case_entities_top(b->c, kinds[k], 0, &a, &v, &n, &err));
        for (size_t i = 0; i < n; i++) {
            if (!w->rare.n || distance(v[i].n, 3) < distance(w->rare.n, 3))
                w->rare = v[i];
            if (distance(v[i].n, 1000) < distance(w->medium.n, 1000))
                w->medium = v[i];
            if (v[i].n > w->largest.n) {
                w->second = w->largest;
                w->largest = v[i];
            } else if (v[i].n > w->second.n) {
                w->second = v[i];
            }
        }
        if (kinds[k] == KIND_ACTION && n > 1) {
            w->same1 = v[0];
            w->same2 = v[1];
        }
        arena_free(&a);
    }
}

static struct plan one(const struct entity_count *e)
{
    return (struct plan){ .op = PLAN_ANY_OF, .ids = &e->id, .n = 1 };
}

static int collect(void *ctx, uint32_t id, struct str value)
{
    struct plan *p = ctx;
    (void)value;
    if (p->n < 5000)
        ((uint32_t *)(uintptr_t)p->ids)[p->n++] = id;
    return 0;
}

static void ask_all(struct bench *b, struct choice *w)
{
    static uint32_t many[5000];
    struct plan all = { .op = PLAN_ALL }, rare = one(&w->rare);
    struct plan medium = one(&w->medium), largest = one(&w->largest);
    struct plan second = one(&w->second), same1 = one(&w->same1);
    struct plan same2 = one(&w->same2);
    struct plan both = { .op = PLAN_AND, .a = &largest, .b = &second };
    struct plan none = { .op = PLAN_AND, .a = &same1, .b = &same2 };
    struct plan ips = { .op = PLAN_ANY_OF, .ids = many };
    need(case_find_glob(b->c, KIND_IP, STR("*1*"), collect, &ips, &err));
    struct buf text = { 0 };
    buf_put(&text, case_text(b->c, w->medium.id));
    uint64_t n1 = w->largest.n, n2 = w->second.n;
    const struct question q[] = {
        { "timeline page, random", page, .plan = all },
        { "timeline page back, random", page, .plan = all, .reverse = true },
        { "timeline page back, end", page, .plan = all, .reverse = true,
          .from_end = true },
        { "pivot page rare, random", page, .plan = rare, .n1 = w->rare.n },
        { "pivot page rare back, end", page, .plan = rare, .n1 = w->rare.n,
          .reverse = true, .from_end = true },
        { "pivot page medium, random", page, .plan = medium,
          .n1 = w->medium.n },
        { "pivot page largest, random", page, .plan = largest, .n1 = n1 },
        { "pivot page largest back, end", page, .plan = largest, .n1 = n1,
          .reverse = true, .from_end = true },
        { "AND page, random", page, .plan = both, .n1 = n1, .n2 = n2 },
        { "AND page back, random", page, .plan = both, .n1 = n1, .n2 = n2,
          .reverse = true },
        { "AND page, none", page, .plan = none, .n1 = w->same1.n,
          .n2 = w->same2.n },
        { "AND count", count, .plan = both, .n1 = n1, .n2 = n2 },
        { "count of largest", count, .plan = largest, .n1 = n1 },
        { "filter largest, 200 buckets", histogram, .plan = largest, .n1 = n1 },
        { "filter medium, 200 buckets", histogram, .plan = medium,
          .n1 = w->medium.n },
        { "filter action, 200 buckets", histogram, .plan = same1,
          .n1 = w->same1.n },
        { "filter glob of ips, 200 buckets", histogram, .plan = ips,
          .n1 = ips.n },
        { "glob of ips page, random", page, .plan = ips, .n1 = ips.n },
        { "entity by text", find, .text = buf_str(&text),
          .kind = w->medium.id >> KIND_SHIFT, .n1 = w->medium.n },
    };
    for (size_t i = 0; i < sizeof(q) / sizeof(*q); i++)
        if (!b->only || strstr(q[i].name, b->only))
            run(b, &q[i]);
    buf_free(&text);
}

int main(int argc, char **argv)
{
    static struct bench b = { .rounds = 200, .rng = 1 };
    struct choice w = { 0 };
    for (; argc > 2; argv += 2, argc -= 2) {
        if (strcmp(argv[1], "--rounds") == 0)
            b.rounds = strtoul(argv[2], NULL, 10);
        else if (strcmp(argv[1], "--only") == 0)
            b.only = argv[2];
        else
            break;
    }
    if (argc != 2 || b.rounds == 0 || b.rounds > ROUNDS_MAX) {
        fputs("usage: query [--rounds N] [--only TEXT] CASE\n", stderr);
        return 1;
    }
    need(case_open(argv[1], CASE_READ, &b.c, &err));
    need(case_span(b.c, &b.span, &err));
    double start = now(CLOCK_MONOTONIC);
    choose(&b, &w);
    printf("%llu events, %llu without a time; entities counted in %.0f ms\n",
           (unsigned long long)b.span.n, (unsigned long long)b.span.undated,
           now(CLOCK_MONOTONIC) - start);
    printf("%-34s %8s %8s %8s %8s  list lengths\n", "", "p50 ms", "p99 ms",
           "max ms", "p99 cpu");
    ask_all(&b, &w);
    arena_free(&b.arena);
    case_close(b.c);
    return 0;
}
