#include "analyzer/coverage.h"
#include "analyzer/coverage_rows.h"

#include "base/text.h"

int coverage_put(struct coverage_run *r, const struct coverage *v,
                 struct err *err)
{
    r->result->rows++;
    r->result->gaps += v->state != COVER_PRESENT;
    return case_coverage_add(r->c, v, err);
}

int coverage_put_buf(struct coverage_run *r, struct coverage *v, struct buf *b,
                     struct err *err)
{
    v->basis = buf_str(b);
    int rc = b->failed ? err_set(err, ERR_INTERNAL, "out of memory")
                       : coverage_put(r, v, err);
    buf_free(b);
    return rc;
}

void coverage_time(struct buf *b, int64_t s)
{
    char text[TIME_TEXT_MAX];
    size_t n = time_format(text, (struct instant){ s, 0 }, 0, 0);
    buf_put(b, (struct str){ text, n });
}

void coverage_span(struct buf *b, int64_t s)
{
    static const struct {
        int64_t s;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    int parts = 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && parts < 2; i++) {
        if (s < units[i].s)
            continue;
        buf_printf(b, "%s%lld %s", parts++ ? " " : "",
                   (long long)(s / units[i].s), units[i].name);
        s %= units[i].s;
    }
    if (parts == 0)
        buf_putz(b, "0 s");
}

/* ---- log streams --------------------------------------------------------- */

static int put_stream(struct coverage_run *r, uint32_t source, uint32_t id,
                      struct err *err)
{
    struct plan here = { .op = PLAN_ANY_OF, .ids = &id, .n = 1 };
    struct plan from = { .op = PLAN_ANY_OF, .ids = &source, .n = 1 };
    struct plan both = { .op = PLAN_AND, .a = &here, .b = &from };
    struct instant none = { 0, 0 };
    struct scan_total total;
    struct buf b = { 0 };
    int rc = scan_count(r->c, &both, none, none, NULL, 0, &total, err);
    if (rc || total.n == total.undated)
        return rc;
    buf_printf(&b, "%s %s: first to last of ",
               id >> KIND_SHIFT == KIND_LOG_GROUP ? "log group" : "log stream",
               text_line(case_text(r->c, id)));
    buf_printf(&b,
               "%llu log events; a log says nothing of times in which "
               "nothing was written",
               (unsigned long long)total.n);
    struct coverage v = { .source = STR("cloudwatch"),
                          .from_s = total.first.s,
                          .to_s = total.last.s + 1,
                          .state = COVER_PRESENT };
    return coverage_put_buf(r, &v, &b, err);
}

/* Streams, or groups where no stream is known. */
int coverage_streams(struct coverage_run *r, struct err *err)
{
    static const uint8_t kinds[] = { KIND_LOG_STREAM, KIND_LOG_GROUP };
    uint32_t source = case_find(r->c, KIND_SOURCE, STR("cloudwatch"));
    size_t n = 0;
    int rc = 0;
    for (size_t k = 0; k < sizeof(kinds) && source && n == 0 && rc == 0; k++) {
        struct entity_count *v;
        rc = case_entities_top(r->c, kinds[k], 0, &r->arena, &v, &n, err);
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = put_stream(r, source, v[i].id, err);
    }
    return rc;
}

/* ---- images and dumps ---------------------------------------------------- */

struct point {
    int64_t exhibit, s;
    bool has_time;
};

static int take_fact(void *ctx, int64_t member, struct str name,
                     struct str value)
{
    struct point *p = ctx;
    struct time_text t;
    uint64_t s;
    (void)member;
    if (p->has_time || !str_eq(name, STR("acquired")))
        return 0;
    value = str_sub(value, 0, str_find(value, STR(" ("))); /* its seconds */
    if (str_u64(value, &s) && s < INT32_MAX * 4ull) {
        p->s = (int64_t)s;
        p->has_time = true;
    } else if (time_parse(value, &t)) {
        p->s = t.t.s;
        p->has_time = true;
    }
    return 0;
}

struct points {
    struct coverage_run *r;
    struct str *kinds;
    int64_t *exhibits;
    size_t n, cap;
};

static int take_exhibit(void *ctx, const struct exhibit *e)
{
    struct points *p = ctx;
    if (!str_eq(e->kind, STR("disk")) && !str_eq(e->kind, STR("memory")))
        return 0;
    if (p->n == p->cap)
        return 0;
    p->kinds[p->n] = arena_copy(&p->r->arena, e->kind);
    p->exhibits[p->n] = e->no;
    return p->kinds[p->n++].p ? 0 : ERR_INTERNAL;
}

static int count_exhibit(void *ctx, const struct exhibit *e)
{
    (void)e;
    (*(size_t *)ctx)++;
    return 0;
}

/* An image shows one moment; the times of its files are no record kept over
 * time, since later ones replace earlier ones. */
static int put_point(struct coverage_run *r, struct str kind, int64_t exhibit,
                     struct err *err)
{
    struct point p = { .exhibit = exhibit };
    struct buf b = { 0 };
    int rc = case_facts(r->c, exhibit, take_fact, &p, err);
    if (rc || !p.has_time)
        return rc;
    buf_printf(&b,
               "X%lld shows the state when it was acquired, not what was "
               "before: the time is that of its acquisition record",
               (long long)exhibit);
    struct coverage v = {
        .source = kind, .from_s = p.s, .to_s = p.s, .state = COVER_PRESENT
    };
    return coverage_put_buf(r, &v, &b, err);
}

int coverage_points(struct coverage_run *r, struct err *err)
{
    struct points p = { .r = r };
    int rc = case_exhibits(r->c, count_exhibit, &p.cap, err);
    if (rc)
        return rc;
    p.kinds = arena_array(&r->arena, p.cap + 1, sizeof(*p.kinds));
    p.exhibits = arena_array(&r->arena, p.cap + 1, sizeof(*p.exhibits));
    if (!p.kinds || !p.exhibits)
        return err_set(err, ERR_INTERNAL, "out of memory");
    rc = case_exhibits(r->c, take_exhibit, &p, err);
    if (rc == ERR_INTERNAL)
        return err_set(err, rc, "out of memory");
    for (size_t i = 0; i < p.n && rc == 0; i++)
        rc = put_point(r, p.kinds[i], p.exhibits[i], err);
    return rc;
}

/* ---- all of it ----------------------------------------------------------- */

int coverage_make(struct casedb *c, const struct raw_reader *raw,
                  const struct analyzer_ticker *t, struct coverage_result *out,
                  struct err *err)
{
    static const struct {
        int (*run)(struct coverage_run *r, struct err *err);
        const char *what;
    } parts[] = {
        { coverage_deliveries, "Deliveries of CloudTrail" },
        { coverage_damage, "Damaged files" },
        { coverage_trails, "Calls that change what is recorded" },
        { coverage_streams, "Log streams" },
        { coverage_exports, "Export tasks" },
        { coverage_points, "Images and dumps" },
    };
    enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
    struct coverage_run r = { .c = c,
                              .raw = raw,
                              .ticker = t,
                              .result = out,
                              .from_s = INT64_MAX,
                              .to_s = INT64_MIN };
    *out = (struct coverage_result){ 0 };
    int rc = case_coverage_replace_begin(c, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < PARTS && rc == 0; i++) {
        rc = analyzer_tick(t, parts[i].what, i, PARTS, err);
        if (rc == 0)
            rc = parts[i].run(&r, err);
    }
    if (rc == 0)
        rc = case_coverage_replace_end(c, err);
    if (rc)
        case_rollback(c);
    arena_free(&r.arena);
    return rc;
}
