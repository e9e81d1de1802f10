/*
 * Calls that changed what CloudTrail records, when they succeeded: a trail
 * stopped, started or deleted, and event selectors, whose records are read
 * to see whether data events were among what was asked for.
 */
#include "analyzer/coverage_rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"

enum {
    LATE_S = 900,   /* what happened before a stop may be delivered so late */
    SELECTORS = 64, /* of one call */
    NAMED = 3,      /* resources in a basis */
};

enum act { ACT_STOP, ACT_START, ACT_DELETE, ACT_CREATE, ACT_SELECT, ACTS };
static const char *const act_names[ACTS] = {
    "StopLogging", "StartLogging",      "DeleteTrail",
    "CreateTrail", "PutEventSelectors",
};

/* What a call asked to record of one class of events. */
enum recorded { REC_UNKNOWN, REC_ON, REC_OFF };

/* One call, by trail. */
struct turn {
    struct str account, region, trail; /* in the arena */
    int64_t s, event;
    enum act act;
    enum recorded data, management;
    struct str of; /* the resources whose data events are recorded */
};

struct turns {
    struct coverage_run *r;
    struct turn *list;
    size_t n, cap;
};

/* ---- event selectors ----------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static enum json_type
at_path(struct str record, struct str *out, const char *fmt, ...)
{
    char path[160];
    unsigned flags;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(path))
        return JSON_END;
    return json_path(record, (struct str){ path, (size_t)n }, out, &flags);
}

static void name_resource(struct buf *of, unsigned *named, struct str what)
{
    if (*named < NAMED) {
        buf_putz(of, *named ? ", " : "");
        buf_putz(of, text_line(what));
    } else if (*named == NAMED) {
        buf_putz(of, " and others");
    }
    ++*named;
}

static bool read_basic(struct str record, struct turn *t, struct buf *of)
{
    struct str v;
    unsigned named = 0;
    int i = 0;
    t->data = t->management = REC_OFF;
    for (; i < SELECTORS; i++) {
        const char *at = "requestParameters.eventSelectors";
        if (at_path(record, &v, "%s.%d", at, i) != JSON_OBJECT)
            break;
        if (at_path(record, &v, "%s.%d.includeManagementEvents", at, i) !=
            JSON_FALSE)
            t->management = REC_ON;
        for (int k = 0; k < SELECTORS; k++) {
            if (at_path(record, &v, "%s.%d.dataResources.%d", at, i, k) !=
                JSON_OBJECT)
                break;
            t->data = REC_ON;
            if (at_path(record, &v, "%s.%d.dataResources.%d.values.0", at, i,
                        k) == JSON_STRING ||
                at_path(record, &v, "%s.%d.dataResources.%d.type", at, i, k) ==
                    JSON_STRING)
                name_resource(of, &named, v);
        }
    }
    return i > 0;
}

static void take_category(struct str record, struct turn *t, const char *at,
                          int i, int k)
{
    struct str v;
    for (int m = 0; m < SELECTORS; m++) {
        if (at_path(record, &v, "%s.%d.fieldSelectors.%d.equals.%d", at, i, k,
                    m) != JSON_STRING)
            return;
        if (str_eq(v, STR("Data")))
            t->data = REC_ON;
        if (str_eq(v, STR("Management")))
            t->management = REC_ON;
    }
}

static bool read_advanced(struct str record, struct turn *t, struct buf *of)
{
    const char *at = "requestParameters.advancedEventSelectors";
    struct str v;
    unsigned named = 0;
    int i = 0;
    t->data = t->management = REC_OFF;
    for (; i < SELECTORS; i++) {
        if (at_path(record, &v, "%s.%d", at, i) != JSON_OBJECT)
            break;
        for (int k = 0; k < SELECTORS; k++) {
            if (at_path(record, &v, "%s.%d.fieldSelectors.%d.field", at, i,
                        k) != JSON_STRING)
                break;
            if (str_eq(v, STR("eventCategory")))
                take_category(record, t, at, i, k);
            else if (str_eq(v, STR("resources.type")) &&
                     at_path(record, &v, "%s.%d.fieldSelectors.%d.equals.0", at,
                             i, k) == JSON_STRING)
                name_resource(of, &named, v);
        }
    }
    return i > 0;
}

/* Stays unknown when the record is not at hand or says nothing. */
static int read_selectors(struct coverage_run *r, const struct event *e,
                          struct turn *t, struct err *err)
{
    struct arena a = { 0 };
    struct buf of = { 0 };
    struct str record = STR_NONE;
    struct err own = { 0 };
    int rc = ERR_EVIDENCE;
    if (r->raw && r->raw->read)
        rc = r->raw->read(r->raw->ctx, e, &a, &record, &own);
    if (rc == 0 && !read_basic(record, t, &of)) {
        buf_clear(&of);
        if (!read_advanced(record, t, &of))
            t->data = t->management = REC_UNKNOWN;
    }
    if (rc && rc != ERR_EVIDENCE) {
        *err = own;
    } else {
        rc = 0;
        t->of = buf_to_arena(&of, &r->arena);
    }
    buf_free(&of);
    arena_free(&a);
    return rc;
}

/* ---- collecting ---------------------------------------------------------- */

/* The trail's name, whether the call gave that or its ARN. */
static struct str trail_name(struct str target)
{
    size_t at = target.n;
    while (at > 0 && target.p[at - 1] != '/')
        at--;
    return str_sub(target, at, target.n);
}

static bool is_call_of_trail(struct casedb *c, const struct event *e)
{
    return e->timed && e->outcome == 0 &&
           str_eq(case_text(c, e->service), STR("cloudtrail.amazonaws.com"));
}

static enum act act_of(struct casedb *c, const struct event *e)
{
    struct str name = case_text(c, e->action);
    unsigned i = 0;
    while (i < ACT_SELECT && !str_eq(name, str_from(act_names[i])))
        i++;
    return (enum act)i;
}

static int take_event(struct turns *ts, const struct event *e, struct err *err)
{
    struct coverage_run *r = ts->r;
    if (ts->n == ts->cap) {
        size_t cap = ts->cap ? 2 * ts->cap : 32;
        struct turn *more = realloc(ts->list, cap * sizeof(*more));
        if (!more)
            return err_set(err, ERR_INTERNAL, "out of memory");
        ts->list = more;
        ts->cap = cap;
    }
    struct turn *t = &ts->list[ts->n++];
    *t = (struct turn){
        .account = arena_copy(&r->arena, case_text(r->c, e->account)),
        .region = arena_copy(&r->arena, case_text(r->c, e->region)),
        .trail = arena_copy(&r->arena, trail_name(case_text(r->c, e->target))),
        .s = e->t.s,
        .event = e->id,
        .act = act_of(r->c, e),
    };
    return t->act == ACT_SELECT ? read_selectors(r, e, t, err) : 0;
}

static int collect(struct turns *ts, struct err *err)
{
    struct casedb *c = ts->r->c;
    uint32_t ids[ACTS];
    struct plan p = { .op = PLAN_ANY_OF, .ids = ids };
    struct arena row = { 0 };
    struct event e;
    struct scan *s;
    struct hit h;
    for (size_t i = 0; i < ACTS; i++) {
        ids[p.n] = case_find(c, KIND_ACTION, str_from(act_names[i]));
        p.n += ids[p.n] != 0;
    }
    int rc = scan_open(c, &p, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0) {
        arena_reset(&row);
        rc = case_event(c, h.id, &row, &e, err);
        if (rc == 0 && is_call_of_trail(c, &e))
            rc = take_event(ts, &e, err);
        if (rc)
            break;
    }
    scan_close(s);
    arena_free(&row);
    return rc;
}

/* Without delivered files: the time of CloudTrail's events. */
static int find_span(struct coverage_run *r, struct err *err)
{
    uint32_t id = case_find(r->c, KIND_SOURCE, STR("cloudtrail"));
    struct plan p = { .op = PLAN_ANY_OF, .ids = &id, .n = 1 };
    struct instant none = { 0, 0 };
    struct scan_total total;
    if (r->from_s <= r->to_s || id == 0)
        return 0;
    int rc = scan_count(r->c, &p, none, none, NULL, 0, &total, err);
    if (rc == 0 && total.n > total.undated) {
        r->from_s = total.first.s;
        r->to_s = total.last.s + 1;
    }
    return rc;
}

/* ---- rows ---------------------------------------------------------------- */

static bool same_trail(const struct turn *a, const struct turn *b)
{
    return str_eq(a->account, b->account) && str_eq(a->trail, b->trail);
}

/* The next call of the same trail that is one of these. */
static const struct turn *next_of(const struct turns *ts, size_t i,
                                  unsigned acts)
{
    for (size_t k = i + 1; k < ts->n; k++)
        if (same_trail(&ts->list[i], &ts->list[k]) &&
            acts >> ts->list[k].act & 1)
            return &ts->list[k];
    return NULL;
}

static bool is_first(const struct turns *ts, size_t i, unsigned acts)
{
    for (size_t k = 0; k < i; k++)
        if (same_trail(&ts->list[i], &ts->list[k]) &&
            acts >> ts->list[k].act & 1)
            return false;
    return true;
}

static int64_t end_of(const struct turns *ts, const struct turn *from,
                      const struct turn *to)
{
    int64_t end = to ? to->s : ts->r->to_s;
    return end > from->s ? end : from->s + 1;
}

/* "StopLogging of trail x at T (E1)" */
static void put_call(struct buf *b, const struct turn *t)
{
    buf_printf(b, "%s of trail %s at ", act_names[t->act], text_line(t->trail));
    coverage_time(b, t->s);
    buf_printf(b, " (E%lld)", (long long)t->event);
}

static void put_until(struct buf *b, const struct turn *to)
{
    buf_putz(b, ", until ");
    if (to)
        put_call(b, to);
    else
        buf_putz(b, "the end of what there is");
}

static bool delivered(const struct coverage_run *r, struct str account,
                      int64_t from, int64_t to)
{
    for (size_t i = 0; i < r->n_series; i++) {
        const struct coverage_series *s = &r->series[i];
        for (size_t k = 0; k < s->n && str_eq(s->account, account); k++)
            if (s->t[k] > from + LATE_S && s->t[k] <= to)
                return true;
    }
    return false;
}

static int put_stopped(const struct turns *ts, size_t i, struct err *err)
{
    const struct turn *t = &ts->list[i];
    const struct turn *to = next_of(ts, i, 1u << ACT_START);
    int64_t end = end_of(ts, t, to);
    bool other = delivered(ts->r, t->account, t->s, end);
    struct buf b = { 0 };
    put_call(&b, t);
    put_until(&b, to);
    if (other)
        buf_putz(&b, "; files were delivered meanwhile, so another trail may "
                     "have recorded");
    struct coverage v = { .source = STR("cloudtrail"),
                          .account = t->account,
                          .from_s = t->s,
                          .to_s = end,
                          .state = other ? COVER_UNKNOWN : COVER_ABSENT,
                          .event = t->event };
    return coverage_put_buf(ts->r, &v, &b, err);
}

static int put_before(const struct turns *ts, const struct turn *t,
                      struct err *err)
{
    struct buf b = { 0 };
    if (ts->r->from_s >= t->s)
        return 0;
    buf_putz(&b, "what was set up before ");
    put_call(&b, t);
    buf_putz(&b, " is not known");
    struct coverage v = { .source = STR("cloudtrail data events"),
                          .account = t->account,
                          .from_s = ts->r->from_s,
                          .to_s = t->s,
                          .state = COVER_UNKNOWN,
                          .event = t->event };
    return coverage_put_buf(ts->r, &v, &b, err);
}

/* Does another trail of the account record data events meanwhile? */
static bool others_on(const struct turns *ts, const struct turn *t, int64_t end)
{
    const unsigned ends = 1u << ACT_SELECT | 1u << ACT_DELETE;
    for (size_t i = 0; i < ts->n; i++) {
        const struct turn *o = &ts->list[i];
        if (o->act == ACT_SELECT && o->data == REC_ON && !same_trail(o, t) &&
            str_eq(o->account, t->account) && o->s < end &&
            end_of(ts, o, next_of(ts, i, ends)) > t->s)
            return true;
    }
    return false;
}

static void put_data_basis(struct buf *b, const struct turn *t, bool others)
{
    if (t->data == REC_ON) {
        buf_putz(b, " records data events of ");
        buf_put(b, t->of.n ? t->of : STR("all resources"));
        buf_putz(b, " only");
    } else if (t->act == ACT_DELETE) {
        buf_putz(b, " ended the recording");
    } else if (t->data == REC_OFF) {
        buf_putz(b, " asks for no data events");
    } else {
        buf_putz(b, ": its record could not be read or has no selectors");
    }
    if (others)
        buf_putz(b, "; another trail recorded some");
}

static int put_data(const struct turns *ts, size_t i, struct err *err)
{
    const unsigned acts = 1u << ACT_SELECT | 1u << ACT_DELETE;
    const struct turn *t = &ts->list[i], *to = next_of(ts, i, acts);
    int64_t end = end_of(ts, t, to);
    enum recorded data = t->act == ACT_DELETE ? REC_OFF : t->data;
    bool others = data != REC_ON && others_on(ts, t, end);
    struct buf b = { 0 };
    int rc = is_first(ts, i, acts) ? put_before(ts, t, err) : 0;
    if (rc)
        return rc;
    put_call(&b, t);
    put_data_basis(&b, t, others);
    put_until(&b, to);
    struct coverage v = { .source = STR("cloudtrail data events"),
                          .account = t->account,
                          .from_s = t->s,
                          .to_s = end,
                          .state = data == REC_ON               ? COVER_PRESENT
                                   : data == REC_OFF && !others ? COVER_ABSENT
                                                                : COVER_UNKNOWN,
                          .event = t->event };
    return coverage_put_buf(ts->r, &v, &b, err);
}

static int put_management(const struct turns *ts, size_t i, struct err *err)
{
    const struct turn *t = &ts->list[i];
    const struct turn *to = next_of(ts, i, 1u << ACT_SELECT);
    struct buf b = { 0 };
    put_call(&b, t);
    buf_putz(&b, " asks for no management events");
    put_until(&b, to);
    struct coverage v = { .source = STR("cloudtrail management events"),
                          .account = t->account,
                          .from_s = t->s,
                          .to_s = end_of(ts, t, to),
                          .state = COVER_ABSENT,
                          .event = t->event };
    return coverage_put_buf(ts->r, &v, &b, err);
}

static int put_turn(const struct turns *ts, size_t i, struct err *err)
{
    const struct turn *t = &ts->list[i];
    int rc = 0;
    if (t->act == ACT_STOP || t->act == ACT_DELETE)
        rc = put_stopped(ts, i, err);
    if (rc == 0 && (t->act == ACT_SELECT || t->act == ACT_DELETE))
        rc = put_data(ts, i, err);
    if (rc == 0 && t->act == ACT_SELECT && t->management == REC_OFF)
        rc = put_management(ts, i, err);
    return rc;
}

static int put_nothing_known(struct coverage_run *r, struct err *err)
{
    struct coverage v = {
        .source = STR("cloudtrail data events"),
        .from_s = r->from_s,
        .to_s = r->to_s,
        .state = COVER_UNKNOWN,
        .basis = STR("PutEventSelectors says which data events are recorded; "
                     "there is no such call that succeeded"),
    };
    return coverage_put(r, &v, err);
}

int coverage_trails(struct coverage_run *r, struct err *err)
{
    struct turns ts = { .r = r };
    bool selected = false;
    int rc = find_span(r, err);
    if (rc == 0)
        rc = collect(&ts, err);
    for (size_t i = 0; i < ts.n && rc == 0; i++) {
        selected |= ts.list[i].act == ACT_SELECT;
        rc = put_turn(&ts, i, err);
    }
    if (rc == 0 && !selected && r->from_s <= r->to_s)
        rc = put_nothing_known(r, err);
    free(ts.list);
    return rc;
}
