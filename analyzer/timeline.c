#include "analyzer/timeline.h"

#include <stdlib.h>

#include "base/text.h"

/* ---- windows
 * ------------------------------------------------------------------- */

static int bound(struct str text, bool end, const char *option,
                 struct instant *out, bool *has, struct err *err)
{
    *has = text.n > 0;
    if (text.n == 0 || time_parse_user(text, end, out))
        return 0;
    err_set(err, ERR_USAGE, "%s: %s is not a time", option, text_line(text));
    err_hint(err, "write 2026-03-11, 2026-03-11T02:13 or "
                  "2026-03-11T02:13:02Z");
    return err->code;
}

int timeline_window(struct str from, struct str to, struct timeline_window *out,
                    struct err *err)
{
    int rc = bound(from, false, "--from", &out->from, &out->has_from, err);
    if (rc == 0)
        rc = bound(to, true, "--to", &out->to, &out->has_to, err);
    if (rc == 0 && out->has_from && out->has_to &&
        instant_cmp(out->from, out->to) >= 0)
        rc = err_set(err, ERR_USAGE, "--to lies before --from");
    return rc;
}

const struct plan *timeline_within(const struct plan *p,
                                   const struct timeline_window *w,
                                   struct arena *a)
{
    if (!w->has_from && !w->has_to)
        return p;
    struct plan *time = arena_alloc(a, sizeof(*time));
    struct plan *both = arena_alloc(a, sizeof(*both));
    if (!time || !both)
        return NULL;
    time->op = PLAN_TIME;
    time->from = w->has_from ? w->from : (struct instant){ INT64_MIN, 0 };
    time->to = w->has_to ? w->to : (struct instant){ INT64_MAX, 999999999 };
    both->op = PLAN_AND;
    both->a = (struct plan *)time;
    both->b = (struct plan *)p; /* plans are only read */
    return both;
}

/* The times that a plan leaves: false when it asks for none. */
static bool times_of(const struct plan *p, struct instant *from,
                     struct instant *to)
{
    struct instant f[2] = { { 0, 0 } }, t[2] = { { 0, 0 } };
    bool a, b;
    switch (p->op) {
    case PLAN_TIME:
        *from = p->from;
        *to = p->to;
        return true;
    case PLAN_AND:
    case PLAN_OR:
        a = times_of(p->a, &f[0], &t[0]);
        b = times_of(p->b, &f[1], &t[1]);
        break;
    default:
        return false;
    }
    bool and = p->op == PLAN_AND;
    if (!a || !b) {
        *from = f[a ? 0 : 1];
        *to = t[a ? 0 : 1];
        return and&&(a || b);
    }
    bool second = (instant_cmp(f[1], f[0]) > 0) == and;
    *from = f[second];
    second = (instant_cmp(t[1], t[0]) < 0) == and;
    *to = t[second];
    return true;
}

void timeline_narrow(const struct plan *p, struct timeline_window *w)
{
    struct instant from, to;
    if (!times_of(p, &from, &to))
        return;
    if (from.s > INT64_MIN &&
        (!w->has_from || instant_cmp(from, w->from) > 0)) {
        w->has_from = true;
        w->from = from;
    }
    if (to.s < INT64_MAX && (!w->has_to || instant_cmp(to, w->to) < 0)) {
        w->has_to = true;
        w->to = to;
    }
}

/* ---- pages
 * ----------------------------------------------------------------------- */

int timeline_page(struct casedb *c, const struct plan *p,
                  const struct hit *anchor, bool back, size_t n,
                  struct arena *a, struct timeline_page *out, struct err *err)
{
    struct scan *s;
    *out = (struct timeline_page){ 0 };
    out->hits = arena_array(a, n ? n : 1, sizeof(*out->hits));
    if (!out->hits)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int rc = scan_open(c, p, anchor, back, &s, err);
    if (rc)
        return rc;
    struct hit h;
    while ((rc = scan_next(s, &h, err)) == 1) {
        if (out->n == n) {
            out->more = true;
            break;
        }
        out->hits[out->n++] = h;
    }
    scan_close(s);
    for (size_t i = 0; back && i < out->n / 2; i++) {
        struct hit t = out->hits[i];
        out->hits[i] = out->hits[out->n - 1 - i];
        out->hits[out->n - 1 - i] = t;
    }
    return rc < 0 ? rc : 0;
}

int timeline_hit(struct casedb *c, int64_t event, struct hit *out,
                 struct err *err)
{
    struct arena a = { 0 };
    struct event e;
    int rc = case_event(c, event, &a, &e, err);
    if (rc == 0)
        *out = (struct hit){ e.timed, e.t, e.id };
    arena_free(&a);
    return rc;
}

struct hit timeline_anchor(struct instant t, bool end)
{
    return (struct hit){ true, t, end ? INT64_MAX : INT64_MIN };
}

int timeline_total(struct casedb *c, const struct plan *p,
                   struct scan_total *out, struct err *err)
{
    struct instant none = { 0, 0 };
    return scan_count(c, p, none, none, NULL, 0, out, err);
}

/* ---- histograms
 * ----------------------------------------------------------------------- */

struct sources {
    struct casedb *c;
    struct arena *a;
    struct source {
        uint32_t id;
        struct str name;
    } * v;
    size_t n, cap;
};

static int add_source(void *ctx, uint32_t id, struct str name)
{
    struct sources *s = ctx;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        struct source *more = realloc(s->v, cap * sizeof(*more));
        if (!more)
            return ERR_INTERNAL;
        s->v = more;
        s->cap = cap;
    }
    struct str copy = arena_copy(s->a, name);
    if (!copy.p)
        return ERR_INTERNAL;
    s->v[s->n++] = (struct source){ id, copy };
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct source *)a)->name,
                   ((const struct source *)b)->name);
}

/* All sources of the case by name; s->v is the caller's to free. */
static int find_sources(struct sources *s, struct err *err)
{
    int rc = case_find_glob(s->c, KIND_SOURCE, STR("*"), add_source, s, err);
    if (rc == ERR_INTERNAL)
        err_set(err, rc, "out of memory");
    if (s->n)
        qsort(s->v, s->n, sizeof(*s->v), by_name);
    return rc;
}

static int keep_sources(const struct sources *s, struct arena *a,
                        struct timeline_histogram *h, struct err *err)
{
    h->n_sources = s->n;
    h->sources = arena_array(a, s->n + 1, sizeof(*h->sources));
    h->names = arena_array(a, s->n + 1, sizeof(*h->names));
    h->counts =
        arena_array(a, (s->n + 1) * (h->n_buckets + 1), sizeof(*h->counts));
    h->all = arena_array(a, h->n_buckets + 1, sizeof(*h->all));
    if (!h->sources || !h->names || !h->counts || !h->all)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < s->n; i++) {
        h->sources[i] = s->v[i].id;
        h->names[i] = s->v[i].name;
    }
    return 0;
}

static int list_sources(struct casedb *c, struct arena *a,
                        struct timeline_histogram *h, struct err *err)
{
    struct sources s = { .c = c, .a = a };
    int rc = find_sources(&s, err);
    if (rc == 0)
        rc = keep_sources(&s, a, h, err);
    free(s.v);
    return rc;
}

static int add_minute(void *ctx, int64_t minute, uint32_t source, uint64_t n)
{
    struct timeline_histogram *h = ctx;
    int64_t s = minute * 60;
    __int128 span = h->to.s - h->from.s;
    if (s < h->from.s || s >= h->to.s || span <= 0)
        return 0;
    size_t i =
        (size_t)((__int128)(s - h->from.s) * (__int128)h->n_buckets / span);
    for (size_t k = 0; k < h->n_sources; k++)
        if (h->sources[k] == source && i < h->n_buckets)
            h->counts[k * h->n_buckets + i] += n;
    return 0;
}

static int count_source(struct casedb *c, const struct plan *p,
                        struct timeline_histogram *h, size_t k, struct err *err)
{
    struct plan source = { .op = PLAN_ANY_OF, .ids = &h->sources[k], .n = 1 };
    struct plan both = { .op = PLAN_AND, .a = &source, .b = (struct plan *)p };
    struct scan_total total;
    return scan_count(c, &both, h->from, h->to, h->counts + k * h->n_buckets,
                      h->n_buckets, &total, err);
}

int timeline_histogram(struct casedb *c, const struct plan *p,
                       struct instant from, struct instant to, size_t n_buckets,
                       struct arena *a, struct timeline_histogram *out,
                       struct err *err)
{
    *out = (struct timeline_histogram){ .from = from,
                                        .to = to,
                                        .n_buckets = n_buckets };
    int rc = list_sources(c, a, out, err);
    out->by_minute = !p || p->op == PLAN_ALL;
    if (rc == 0 && out->by_minute)
        rc = case_minutes(c, from.s, to.s, add_minute, out, err);
    for (size_t k = 0; rc == 0 && !out->by_minute && k < out->n_sources; k++)
        rc = count_source(c, p, out, k, err);
    for (size_t i = 0; i < n_buckets && rc == 0; i++) {
        for (size_t k = 0; k < out->n_sources; k++)
            out->all[i] += out->counts[k * n_buckets + i];
        out->n += out->all[i];
        if (out->all[i] > out->most)
            out->most = out->all[i];
    }
    return rc;
}

/* Earliest and latest minute that is plausible (1990 to a day after the last
 * import). Times inside disk images go back to the making of the programs on
 * them: they count only when nothing else has a time. */
struct span {
    int64_t first, last;
    uint32_t disk;
    bool with_disk, any;
};

enum { PLAUSIBLE_FROM_S = 631152000 };

static int extend(void *ctx, int64_t minute, uint32_t source, uint64_t n)
{
    struct span *s = ctx;
    (void)n;
    if (source == s->disk && !s->with_disk)
        return 0;
    if (!s->any)
        s->first = minute;
    s->last = minute;
    s->any = true;
    return 0;
}

static int last_import(void *ctx, const struct exhibit *e)
{
    int64_t *last = ctx;
    if (e->imported.s > *last)
        *last = e->imported.s;
    return 0;
}

int timeline_span(struct casedb *c, struct instant *from, struct instant *to,
                  bool *any, struct err *err)
{
    int64_t last = 0;
    struct span s = { .disk = case_find(c, KIND_SOURCE, STR("disk")) };
    int rc = case_exhibits(c, last_import, &last, err);
    for (int pass = 0; pass < 2 && rc == 0 && !s.any; pass++) {
        s.with_disk = pass == 1;
        rc = case_minutes(c, PLAUSIBLE_FROM_S, last + 86400, extend, &s, err);
    }
    *any = s.any;
    *from = (struct instant){ s.first * 60, 0 };
    *to = (struct instant){ (s.last + 1) * 60, 0 };
    return rc;
}

/* ---- why there are no rows
 * -------------------------------------------------------------- */

struct answer {
    const struct timeline_window *w;
    struct str source;
    struct buf *out;
    size_t rows;
    uint64_t analyzed; /* events that analyze saw; 0 = it never ran */
};

static const char *const states[] = { "recorded", "not recorded", "not known",
                                      "damaged" };

static void put_time(struct buf *out, int64_t s)
{
    char text[TIME_TEXT_MAX];
    size_t n = time_format(text, (struct instant){ s, 0 }, 0, 0);
    buf_put(out, (struct str){ text, n });
}

static int say_coverage(void *ctx, const struct coverage *v)
{
    struct answer *a = ctx;
    if (a->source.n && !str_starts(v->source, a->source))
        return 0;
    if ((a->w->has_from && v->to_s <= a->w->from.s) ||
        (a->w->has_to && v->from_s >= a->w->to.s))
        return 0;
    a->rows++;
    text_show(a->out, v->source, 0);
    if (v->account.n) {
        buf_putc(a->out, ' ');
        text_show(a->out, v->account, 0);
    }
    if (v->region.n) {
        buf_putc(a->out, ' ');
        text_show(a->out, v->region, 0);
    }
    buf_printf(a->out, ": %s ", v->state < 4 ? states[v->state] : "?");
    put_time(a->out, v->from_s);
    buf_putz(a->out, " to ");
    put_time(a->out, v->to_s);
    if (v->state != COVER_PRESENT && v->basis.n) {
        buf_putz(a->out, " (");
        text_show(a->out, v->basis, 0);
        buf_putc(a->out, ')');
    }
    buf_putc(a->out, '\n');
    return 0;
}

/* Without coverage rows: what the events themselves say. */
static int say_span(struct casedb *c, struct answer *a, uint32_t id,
                    struct str name, struct err *err)
{
    struct entity_count n;
    int rc = case_entity(c, id, &n, err);
    if (rc)
        return rc;
    text_show(a->out, name, 0);
    if (n.n == 0) {
        buf_putz(a->out, ": no events\n");
    } else {
        buf_printf(a->out, ": %llu events, ", (unsigned long long)n.n);
        put_time(a->out, n.first.s);
        buf_putz(a->out, " to ");
        put_time(a->out, n.last.s);
        buf_putz(a->out, a->analyzed
                             ? "; nothing is known of this time\n"
                             : "; gaps are not known before `analyze`\n");
    }
    a->rows++;
    return 0;
}

int timeline_coverage(struct casedb *c, const struct timeline_window *w,
                      struct str source, struct buf *out, struct err *err)
{
    struct answer a = { .w = w, .source = source, .out = out };
    int rc = case_coverage(c, say_coverage, &a, err);
    if (rc || a.rows)
        return rc;
    rc = case_analyzed(c, &a.analyzed, err);
    if (rc)
        return rc;
    struct arena arena = { 0 };
    struct sources s = { .c = c, .a = &arena };
    rc = find_sources(&s, err);
    for (size_t i = 0; i < s.n && rc == 0; i++)
        if (source.n == 0 || str_starts(s.v[i].name, source))
            rc = say_span(c, &a, s.v[i].id, s.v[i].name, err);
    if (rc == 0 && s.n == 0) {
        buf_putz(out, "the case holds no events yet\n");
    } else if (rc == 0 && a.rows == 0) {
        text_show(out, source, 0);
        buf_putz(out, ": no such source in this case\n");
    }
    free(s.v);
    arena_free(&arena);
    return rc;
}

bool timeline_alike(const struct event *a, const struct event *b)
{
    return a->timed == b->timed && instant_cmp(a->t, b->t) == 0 &&
           a->action == b->action && a->actor == b->actor &&
           a->target == b->target &&
           (a->source != b->source || a->member != b->member);
}
