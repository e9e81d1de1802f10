/* Where sources recorded and where not, as lanes and as a table. */
#include "reports/chapter.h"

#include "reports/chart.h"

#include <stdlib.h>

HTML_HEAD(coverage_head, NONE, W_SOURCE, W_FROM, W_TO, W_STATE, W_BASIS);

enum { COVERAGE_ROWS = 2000 };

static const struct {
    enum word word;
    const char *class_, *row;
} states[] = {
    [COVER_PRESENT] = { W_COVER_PRESENT, "present", NULL },
    [COVER_ABSENT] = { W_COVER_ABSENT, "absent", "bad" },
    [COVER_UNKNOWN] = { W_COVER_UNKNOWN, "unknown", NULL },
    [COVER_DAMAGED] = { W_COVER_DAMAGED, "damaged", "bad" },
};

struct spans {
    struct report *r;
    struct coverage *v;
    size_t n, cap;
};

static int collect(void *ctx, const struct coverage *v)
{
    struct spans *x = ctx;
    struct arena *a = &x->r->a;
    if (x->n == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 64;
        struct coverage *more = realloc(x->v, cap * sizeof(*more));
        if (!more)
            return err_set(x->r->err, ERR_INTERNAL, "out of memory");
        x->v = more;
        x->cap = cap;
    }
    struct coverage *to = &x->v[x->n++];
    *to = *v;
    to->source = arena_copy(a, v->source);
    to->account = arena_copy(a, v->account);
    to->region = arena_copy(a, v->region);
    to->basis = arena_copy(a, v->basis);
    return 0;
}

static int lane_cmp(const struct coverage *x, const struct coverage *y)
{
    int cmp = str_cmp(x->source, y->source);
    if (cmp == 0)
        cmp = str_cmp(x->account, y->account);
    return cmp ? cmp : str_cmp(x->region, y->region);
}

static int by_lane(const void *a, const void *b)
{
    const struct coverage *x = a, *y = b;
    int cmp = lane_cmp(x, y);
    if (cmp)
        return cmp;
    if (x->from_s != y->from_s)
        return x->from_s < y->from_s ? -1 : 1;
    if (x->to_s != y->to_s)
        return x->to_s < y->to_s ? -1 : 1;
    return str_cmp(x->basis, y->basis);
}

static void put_rows(struct spans *x)
{
    struct html *h = &x->r->h;
    html_table(h, &coverage_head);
    for (size_t i = 0; i < x->n && i < COVERAGE_ROWS; i++) {
        const struct coverage *v = &x->v[i];
        html_row(h, states[v->state & 3].row);
        html_raw(h, "<td class=\"s\">");
        html_value(h, v->source);
        html_raw(h, "<br>");
        html_value(h, v->account);
        html_raw(h, " ");
        html_value(h, v->region);
        html_raw(h, "</td>");
        html_cell_time(h, true, (struct instant){ .s = v->from_s }, 0);
        html_cell_time(h, true, (struct instant){ .s = v->to_s }, 0);
        html_cell_word(h, states[v->state & 3].word);
        html_raw(h, "<td class=\"w\">");
        html_value(h, v->basis);
        if (v->event) {
            html_raw(h, " ");
            html_text(h, report_event_name(v->event));
        }
        html_raw(h, "</td>");
        html_row_end(h);
    }
    html_table_end(h);
    html_shown(h, COVERAGE_ROWS, x->n);
}

static void put_lanes(struct spans *x)
{
    int64_t from = x->v[0].from_s, to = x->v[0].to_s;
    size_t lanes = 0;
    for (size_t i = 0; i < x->n; i++) {
        from = x->v[i].from_s < from ? x->v[i].from_s : from;
        to = x->v[i].to_s > to ? x->v[i].to_s : to;
        lanes += i == 0 || lane_cmp(&x->v[i - 1], &x->v[i]) != 0;
    }
    struct chart chart;
    chart_lanes(&chart, &x->r->h, W_LANES, lanes, from, to);
    for (size_t i = 0; i < x->n; i++) {
        const struct coverage *v = &x->v[i];
        if (i == 0 || lane_cmp(&x->v[i - 1], v) != 0) {
            const struct str names[] = { v->source, v->account, v->region };
            chart_lane(&chart, names, 3);
        }
        chart_span(&chart, states[v->state & 3].class_, v->from_s, v->to_s);
    }
    const char *classes[4];
    enum word words[4];
    for (unsigned i = 0; i < 4; i++) {
        classes[i] = states[i].class_;
        words[i] = states[i].word;
    }
    chart_end(&chart, classes, words, 4);
}

int report_coverage(struct report *r)
{
    struct html *h = &r->h;
    struct spans x = { .r = r };
    uint64_t seen;
    int rc = case_analyzed(r->c, &seen, r->err);
    if (rc == 0)
        rc = case_coverage(r->c, collect, &x, r->err);
    html_word(h, "p", NULL, W_COVERAGE_NOTE);
    if (seen == 0 && x.n == 0) {
        html_word(h, "p", "class=\"bad\"", W_COVERAGE_NEVER);
    } else if (seen != r->span.n) {
        html_open(h, "p", "class=\"bad\"");
        html_say(
            h, W_COVERAGE_OLD,
            (struct str[]){ report_number(seen), report_number(r->span.n) }, 2);
        html_close(h);
    }
    if (rc == 0 && x.n) {
        qsort(x.v, x.n, sizeof(*x.v), by_lane);
        put_lanes(&x);
        put_rows(&x);
    }
    free(x.v);
    return rc;
}
