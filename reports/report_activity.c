/* How many events when: one bar per equal part of the time span. */
#include "reports/chapter.h"

#include "analyzer/timeline.h"
#include "reports/chart.h"

#include <stdlib.h>

enum { BUCKETS_MOST = 120, PAIRS = 3 };

HTML_HEAD(bucket_head, NONE, W_TIME, W_EVENTS, W_TIME, W_EVENTS, W_TIME,
          W_EVENTS);

static const struct {
    int64_t s;
    enum word word;
    uint64_t n;
} widths[] = {
    { 60, W_MINUTE, 0 },           { 300, W_MINUTES, 5 },
    { 900, W_MINUTES, 15 },        { 3600, W_HOUR, 0 },
    { 10800, W_HOURS, 3 },         { 21600, W_HOURS, 6 },
    { 86400, W_DAY, 0 },           { 604800, W_DAYS, 7 },
    { 2592000, W_DAYS, 30 },       { 7776000, W_DAYS, 90 },
    { 31536000, W_DAYS, 365 },     { 315360000, W_DAYS, 3650 },
    { 3153600000, W_DAYS, 36500 }, { 31536000000, W_DAYS, 365000 },
};
enum { WIDTHS = sizeof(widths) / sizeof(widths[0]) };

struct buckets {
    int64_t from, width;
    uint64_t *counts;
    size_t n;
};

static int64_t floor_to(int64_t s, int64_t width)
{
    return s - ((s % width) + width) % width;
}

static int add_minute(void *ctx, int64_t minute, uint32_t source, uint64_t n)
{
    struct buckets *b = ctx;
    int64_t i = (minute * 60 - b->from) / b->width;
    (void)source;
    if (i >= 0 && (size_t)i < b->n)
        b->counts[i] += n;
    return 0;
}

/* Several pairs of time and number beside each other, read downwards. */
static void put_table(struct html *h, const struct buckets *b)
{
    size_t filled = 0, n = 0;
    size_t *which = calloc(b->n, sizeof(*which));
    h->failed |= !which;
    for (size_t i = 0; which && i < b->n; i++)
        if (b->counts[i])
            which[filled++] = i;
    size_t rows = (filled + PAIRS - 1) / PAIRS;
    html_open(h, "div", "class=\"narrow\"");
    html_table(h, &bucket_head);
    for (size_t row = 0; row < rows; row++) {
        html_row(h, NULL);
        for (n = row; n < filled; n += rows) {
            int64_t at = b->from + (int64_t)which[n] * b->width;
            html_cell_time(h, true, (struct instant){ .s = at }, 0);
            html_cell_u64(h, b->counts[which[n]]);
        }
        html_row_end(h);
    }
    html_table_end(h);
    html_close(h);
    free(which);
}

static struct str width_text(struct report *r, size_t w)
{
    struct str s = word_text(r->h.lang, widths[w].word);
    struct buf b = { 0 };
    const char *brace = memchr(s.p, '{', s.n);
    buf_put(&b, str_sub(s, 0, brace ? (size_t)(brace - s.p) : s.n));
    if (brace) {
        buf_put_u64(&b, widths[w].n);
        buf_put(&b, str_sub(s, (size_t)(brace - s.p) + 2, s.n));
    }
    return buf_to_arena(&b, &r->a);
}

int report_activity(struct report *r)
{
    const struct scan_total *s = &r->span;
    struct html *h = &r->h;
    if (s->n == s->undated) {
        html_word(h, "p", NULL, W_NO_DATED);
        return 0;
    }
    /* forged and file times must not stretch the chart */
    struct instant first, last;
    bool any;
    int rc = timeline_span(r->c, &first, &last, &any, r->err);
    if (rc)
        return rc;
    if (!any) {
        first = s->first;
        last = (struct instant){ s->last.s + 1, 0 };
    }
    size_t w = 0;
    while (w + 1 < WIDTHS &&
           (last.s - 1 - floor_to(first.s, widths[w].s)) / widths[w].s >=
               BUCKETS_MOST)
        w++;
    struct buckets b = { .width = widths[w].s };
    b.from = floor_to(first.s, b.width);
    b.n = (size_t)((last.s - 1 - b.from) / b.width + 1);
    b.counts = calloc(b.n, sizeof(*b.counts));
    if (!b.counts)
        return err_set(r->err, ERR_INTERNAL, "out of memory");
    int64_t to = b.from + (int64_t)b.n * b.width;
    rc = case_minutes(r->c, b.from, to, add_minute, &b, r->err);
    if (rc == 0) {
        uint64_t most = 0;
        for (size_t i = 0; i < b.n; i++)
            most = b.counts[i] > most ? b.counts[i] : most;
        chart_bars(h, W_HISTOGRAM, width_text(r, w), b.counts, b.n, b.from, to);
        html_open(h, "p", "class=\"soft\"");
        html_say(h, W_HISTOGRAM_NOTE, (struct str[]){ report_number(most) }, 1);
        html_close(h);
        put_table(h, &b);
    }
    free(b.counts);
    return rc;
}
