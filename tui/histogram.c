#include "tui/histogram.h"

#include "tui/app.h"
#include "tui/terms.h"

enum { LEFT = 3, RIGHT = 26, SHORTEST = 60 };

struct count_job {
    struct job job;
    struct histogram *h;
    struct str filter;
    uint32_t entity;
    int64_t from_s, to_s;
    int cells;
    uint32_t sources[HISTOGRAM_LANES];
    size_t n_sources;
    uint64_t counts[HISTOGRAM_LANES][HISTOGRAM_CELLS];
    uint64_t lane_total[HISTOGRAM_LANES];
    struct scan_total total;
};

/* ---- counting ------------------------------------------------------------ */

static int count_minute(void *ctx, int64_t minute, uint32_t source, uint64_t n)
{
    struct count_job *j = ctx;
    __int128 at = (__int128)minute * 60 - j->from_s;
    __int128 width = (__int128)j->to_s - j->from_s;
    __int128 cell = at * j->cells / width;
    if (at < 0 || cell >= j->cells)
        return 0;
    for (size_t i = 0; i < j->n_sources; i++)
        if (j->sources[i] == source) {
            j->counts[i][cell] += n;
            j->lane_total[i] += n;
        }
    return job_stopped(&j->job) ? ERR_STOPPED : 0;
}

static int count_lane(struct count_job *j, struct casedb *c,
                      const struct plan *plan, size_t lane, struct err *err)
{
    struct scan_total t;
    struct plan of_source = { .op = PLAN_ANY_OF,
                              .ids = &j->sources[lane],
                              .n = 1 };
    struct plan both = { .op = PLAN_AND,
                         .a = &of_source,
                         .b = (struct plan *)(uintptr_t)plan };
    struct instant from = { j->from_s, 0 }, to = { j->to_s, 0 };
    int rc = scan_count(c, &both, from, to, j->counts[lane], (size_t)j->cells,
                        &t, err);
    for (int i = 0; i < j->cells && rc == 0; i++)
        j->lane_total[lane] += j->counts[lane][i];
    return rc;
}

static int count_run(struct job *job, struct desk *d, struct err *err)
{
    struct count_job *j = (struct count_job *)job;
    struct refusal no = { .column = -1 };
    struct terms terms;
    struct plan of_entity = { .op = PLAN_ANY_OF, .ids = &j->entity, .n = 1 };
    int rc = terms_plan(d, j->filter, &terms, &no, err);
    if (rc)
        return rc;
    const struct plan *plan = terms.plan;
    if (j->entity)
        plan = &of_entity;
    /* Whole minutes have been counted at the import. */
    if (plan->op == PLAN_ALL && (j->to_s - j->from_s) / j->cells >= 120) {
        rc = case_minutes(d->c, j->from_s, j->to_s, count_minute, j, err);
        return rc ? rc : case_span(d->c, &j->total, err);
    }
    for (size_t i = 0; i < j->n_sources && rc == 0; i++)
        rc = job_stopped(job) ? ERR_STOPPED : count_lane(j, d->c, plan, i, err);
    if (rc)
        return rc;
    return scan_count(d->c, plan, (struct instant){ 0 }, (struct instant){ 0 },
                      NULL, 0, &j->total, err);
}

static void count_answer(struct job *job)
{
    struct count_job *j = (struct count_job *)job;
    struct histogram *h = j->h;
    if (job->rc)
        return;
    h->ready = h->counted = true;
    h->got_from = j->from_s;
    h->got_to = j->to_s;
    h->got_cells = j->cells;
    memcpy(h->counts, j->counts, sizeof(h->counts));
    memcpy(h->lane_total, j->lane_total, sizeof(h->lane_total));
    h->total = j->total.n;
    h->undated = j->total.undated;
}

void histogram_open(struct histogram *h, struct view *v, unsigned slot)
{
    h->v = v;
    h->slot = slot;
}

void histogram_count(struct histogram *h, struct str filter, uint32_t entity)
{
    const struct facts *f = h->v->app->facts;
    h->counted = false;
    if (!f || h->from_s >= h->to_s || h->cells <= 0)
        return;
    struct count_job *j = view_job(h->v, sizeof(*j), LANE_COUNT, h->slot,
                                   count_run, count_answer);
    if (!j)
        return;
    j->h = h;
    j->filter = arena_copy(&j->job.arena, filter);
    j->entity = entity;
    j->from_s = h->from_s;
    j->to_s = h->to_s;
    j->cells = h->cells;
    for (size_t i = 0; i < f->n_sources && i < HISTOGRAM_LANES; i++)
        j->sources[j->n_sources++] = f->sources[i].id;
    office_submit(h->v->app->office, &j->job);
}

/* ---- the range ----------------------------------------------------------- */

void histogram_range(struct histogram *h, int64_t from_s, int64_t to_s)
{
    if (to_s - from_s < SHORTEST)
        to_s = from_s + SHORTEST;
    h->from_s = from_s;
    h->to_s = to_s;
}

void histogram_zoom(struct histogram *h, bool in, const struct instant *at)
{
    int64_t width = h->to_s - h->from_s;
    int64_t middle = at ? at->s : h->from_s + width / 2;
    int64_t wanted = in ? width / 2 : width > INT64_MAX / 8 ? width : width * 2;
    if (wanted < SHORTEST)
        wanted = SHORTEST;
    histogram_range(h, middle - wanted / 2, middle - wanted / 2 + wanted);
}

void histogram_shift(struct histogram *h, bool later)
{
    int64_t by = (h->to_s - h->from_s) / 2;
    int64_t from, to;
    if (__builtin_add_overflow(h->from_s, later ? by : -by, &from) ||
        __builtin_add_overflow(h->to_s, later ? by : -by, &to))
        return;
    h->from_s = from;
    h->to_s = to;
}

/* ---- drawing ------------------------------------------------------------- */

int histogram_rows(const struct histogram *h, int most)
{
    const struct facts *f = h->v->app->facts;
    int lanes = f ? (int)f->n_sources : 1;
    if (lanes > HISTOGRAM_LANES)
        lanes = HISTOGRAM_LANES;
    if (lanes < 1)
        lanes = 1;
    return lanes + 1 <= most ? lanes + 1 : most;
}

static enum coverage_state cover_of(const struct facts *f, struct str source,
                                    int64_t from, int64_t to)
{
    enum coverage_state state = COVER_PRESENT;
    bool any = false;
    for (size_t i = 0; i < f->n_coverage; i++) {
        const struct coverage *v = &f->coverage[i];
        if (!str_eq(v->source, source) || v->to_s <= from || v->from_s >= to)
            continue;
        if (v->state == COVER_ABSENT || v->state == COVER_DAMAGED)
            return COVER_ABSENT;
        any = true;
        if (v->state == COVER_UNKNOWN)
            state = COVER_UNKNOWN;
    }
    return any || f->n_coverage == 0 ? state : COVER_UNKNOWN;
}

static void draw_lane(const struct histogram *h, struct area a, size_t lane)
{
    const struct facts *f = h->v->app->facts;
    struct str name = f->source_names[lane];
    struct pen p = pen_at(a, 1, 0, lane_style(name));
    int64_t width = h->to_s - h->from_s;
    uint64_t most = 0;
    bool same = h->ready && h->got_from == h->from_s && h->got_to == h->to_s &&
                h->got_cells == h->cells;
    for (int i = 0; same && i < h->cells; i++)
        most = h->counts[lane][i] > most ? h->counts[lane][i] : most;
    pen_f(&p, "%c ", lane_letter(name));
    for (int i = 0; i < h->cells; i++) {
        uint64_t n = same ? h->counts[lane][i] : 0;
        int64_t from = h->from_s + (int64_t)((__int128)width * i / h->cells);
        int64_t to =
            h->from_s + (int64_t)((__int128)width * (i + 1) / h->cells);
        if (n == 0 && cover_of(f, name, from, to) == COVER_ABSENT) {
            uint8_t style = p.style;
            p.style = STYLE_WARN;
            pen_glyph(&p, GLYPH_NO_DATA);
            p.style = style;
        } else {
            pen_height(&p, n, most);
        }
    }
    pen_z(&p, " ");
    if (pen_left(&p) < 4)
        return;
    pen_text(&p, name, pen_left(&p) > 14 ? 12 : pen_left(&p));
    p.style = STYLE_PLAIN;
    pen_z(&p, " ");
    if (same)
        pen_count(&p, h->lane_total[lane]);
    else
        pen_z(&p, "..");
}

/* Times at the axis, and where the cursor is. */
static void draw_axis(const struct histogram *h, struct area a,
                      const struct instant *cursor)
{
    struct pen p = pen_at(a, LEFT, 0, STYLE_RULE);
    int64_t width = h->to_s - h->from_s;
    int step = 20;
    for (int i = 0; i + 16 <= h->cells; i += step) {
        char text[TIME_TEXT_MAX];
        struct instant t = {
            h->from_s + (int64_t)((__int128)width * i / h->cells), 0
        };
        size_t n = time_format(text, t, 0, 0);
        text[n] = '\0';
        pen_to(&p, LEFT + i);
        /* day and minute, without the year */
        if (n == 20 && text[4] == '-') {
            text[10] = ' ';
            text[16] = '\0';
            pen_f(&p, "|%s", text + 5);
        }
    }
    if (cursor && cursor->s >= h->from_s && cursor->s < h->to_s) {
        int x = (int)((__int128)(cursor->s - h->from_s) * h->cells / width);
        struct area cell = area_sub(a, LEFT + x, 0, 1, 1);
        p = pen_at(cell, 0, 0, STYLE_KEY);
        if (cell.w && grid_cell(a.g, cell.x, cell.y)->n == 0)
            pen_z(&p, "^");
        else /* a label is there */
            area_highlight(cell, 0);
    }
    char span[24];
    span_text(span, width / h->cells > 0 ? width / h->cells : 1);
    p = pen_at(a, LEFT + h->cells + 1, 0, STYLE_PLAIN);
    pen_f(&p, "1 cell = %s", span);
}

bool histogram_draw(struct histogram *h, struct area a,
                    const struct instant *cursor)
{
    const struct facts *f = h->v->app->facts;
    int cells = a.w - LEFT - (a.w >= 70 ? RIGHT : a.w >= 50 ? 14 : 1);
    if (cells > HISTOGRAM_CELLS)
        cells = HISTOGRAM_CELLS;
    if (!f || a.h < 1 || cells < 4 || h->from_s >= h->to_s)
        return false;
    bool again = cells != h->cells;
    h->cells = cells;
    struct area axis = area_take_bottom(&a, a.h > 1 ? 1 : 0);
    for (int i = 0; i < a.h && (size_t)i < f->n_sources && i < HISTOGRAM_LANES;
         i++)
        draw_lane(h, area_sub(a, 0, i, a.w, 1), (size_t)i);
    if (axis.h)
        draw_axis(h, axis, cursor);
    return again;
}
