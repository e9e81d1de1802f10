#include "analyzer/coverage.h"

#include <stdlib.h>

const char *coverage_state_name(enum coverage_state s)
{
    switch (s) {
    case COVER_PRESENT:
        return "present";
    case COVER_ABSENT:
        return "absent";
    case COVER_UNKNOWN:
        return "unknown";
    case COVER_DAMAGED:
        return "damaged";
    }
    return "";
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t within(int64_t t, int64_t from, int64_t to)
{
    return t < from ? from : t > to ? to : t;
}

/* The state of [from, to), in which no row begins or ends: where the rows of
 * several regions differ, what is missing weighs more. */
static enum coverage_state state_of(const struct coverage *rows, size_t n,
                                    struct str source, int64_t from, int64_t to)
{
    bool seen[4] = { false };
    for (size_t i = 0; i < n; i++)
        if (rows[i].from_s <= from && rows[i].to_s >= to &&
            str_eq(rows[i].source, source))
            seen[rows[i].state & 3] = true;
    static const enum coverage_state order[] = { COVER_ABSENT, COVER_DAMAGED,
                                                 COVER_UNKNOWN, COVER_PRESENT };
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        if (seen[order[i]])
            return order[i];
    return COVER_UNKNOWN; /* no row says anything */
}

static void add_part(struct coverage_answer *out, enum coverage_state s,
                     int64_t seconds)
{
    switch (s) {
    case COVER_PRESENT:
        out->present_s += seconds;
        break;
    case COVER_ABSENT:
        out->absent_s += seconds;
        break;
    case COVER_UNKNOWN:
        out->unknown_s += seconds;
        break;
    case COVER_DAMAGED:
        out->damaged_s += seconds;
        break;
    }
}

static void look_at(struct coverage_answer *out, const struct coverage *v,
                    int64_t from, int64_t to)
{
    int64_t a = within(v->from_s, from, to), b = within(v->to_s, from, to);
    out->known = true;
    if (v->state == COVER_PRESENT || a >= b)
        return;
    int64_t best =
        within(out->worst.to_s, from, to) - within(out->worst.from_s, from, to);
    if (!out->has_worst || b - a > best) {
        out->worst = *v;
        out->has_worst = true;
    }
}

void coverage_ask(const struct coverage *rows, size_t n, struct str source,
                  int64_t from_s, int64_t to_s, struct coverage_answer *out)
{
    int64_t *edges = malloc((2 * n + 2) * sizeof(*edges));
    size_t m = 0;
    *out = (struct coverage_answer){ 0 };
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(rows[i].source, source))
            continue;
        look_at(out, &rows[i], from_s, to_s);
        if (!edges)
            continue;
        edges[m++] = within(rows[i].from_s, from_s, to_s);
        edges[m++] = within(rows[i].to_s, from_s, to_s);
    }
    if (!edges || from_s >= to_s) { /* out of memory: nothing is claimed */
        out->unknown_s = from_s < to_s ? to_s - from_s : 0;
        free(edges);
        return;
    }
    edges[m++] = from_s;
    edges[m++] = to_s;
    qsort(edges, m, sizeof(*edges), by_value);
    for (size_t i = 0; i + 1 < m; i++)
        if (edges[i] < edges[i + 1])
            add_part(out, state_of(rows, n, source, edges[i], edges[i + 1]),
                     edges[i + 1] - edges[i]);
    free(edges);
}
