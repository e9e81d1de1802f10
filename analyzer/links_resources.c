/*
 * Calls that are two views of one (C3), resources and what became of them
 * (C7), exhibits that are or name a resource (C8, C9).
 */
#include "analyzer/links_rule.h"

#include <stdlib.h>

#include "base/text.h"

enum {
    EVENTS = 64,       /* of one id that C3 and C7 join */
    ENTITIES = 200000, /* of one kind that C9 looks for elsewhere */
    HITS = 1000000,    /* of one id, likewise */
    TOUCHES = 8000000, /* resources in calls that C7 looks at */
    TICK = 256,
};

#define ROLE_BIT(role) (1u << (role))

static const uint8_t kinds[] = { KIND_INSTANCE, KIND_VOLUME, KIND_SNAPSHOT,
                                 KIND_IMAGE };
enum { KINDS = sizeof(kinds) };

static int add(struct links_run *r, struct link *l, struct buf *b,
               struct err *err)
{
    if (b->failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    l->reason = buf_str(b);
    return links_add(r, l, err);
}

/* The first hits of a plan; *more: there are others. */
static int first_hits(struct links_run *r, const struct plan *p,
                      struct hit *list, size_t most, size_t *n, bool *more,
                      struct err *err)
{
    struct scan *s;
    struct hit h;
    *n = 0;
    *more = false;
    int rc = scan_open(r->c, p, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0 && !*more)
        if (*n < most)
            list[(*n)++] = h;
        else
            *more = true;
    scan_close(s);
    return rc > 0 ? 0 : rc;
}

/* ---- C3 ------------------------------------------------------------------ */

static int join_shared(struct links_run *r, uint32_t id, struct err *err)
{
    struct plan p = { .op = PLAN_ANY_OF, .ids = &id, .n = 1 };
    struct hit hits[EVENTS];
    struct event first = { 0 }, e;
    struct arena row = { 0 };
    struct buf b = { 0 };
    size_t n;
    bool more;
    int rc = first_hits(r, &p, hits, EVENTS, &n, &more, err);
    r->result->skipped += more;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = case_event(r->c, hits[i].id, &row, &e, err);
        if (rc || i == 0) {
            first = e;
            continue;
        }
        if (!e.account || !first.account || e.account == first.account)
            continue; /* two deliveries, not two sides */
        buf_clear(&b);
        buf_printf(&b,
                   "the same shared event id in the records of accounts "
                   "%s and ",
                   text_line(case_text(r->c, first.account)));
        buf_putz(&b, text_line(case_text(r->c, e.account)));
        struct link l = { .cls = LINK_EXACT,
                          .a = first.id,
                          .b = e.id,
                          .entity = id,
                          .n = n - 1 };
        rc = add(r, &l, &b, err);
    }
    buf_free(&b);
    arena_free(&row);
    return rc;
}

int links_shared(struct links_run *r, struct err *err)
{
    struct entity_count *ids;
    size_t n;
    int rc = links_entities(r, KIND_SHARED_EVENT, &ids, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (i % TICK == 0)
            rc = analyzer_tick(r->ticker, r->rule->title, i, n, err);
        if (rc == 0 && ids[i].n > 1)
            rc = join_shared(r, ids[i].id, err);
    }
    return rc;
}

/* ---- C7 ------------------------------------------------------------------ */

/* Calls by which one resource becomes or holds another, or leaves. */
static const char *const acts[] = {
    "AttachVolume",
    "DetachVolume",
    "CreateVolume",
    "CreateSnapshot",
    "CreateSnapshots",
    "CopySnapshot",
    "ModifySnapshotAttribute",
    "CreateImage",
    "CopyImage",
    "RegisterImage",
    "ModifyImageAttribute",
    "RunInstances",
    "CreateFleet",
    "CreateReplaceRootVolumeTask",
    "CreateRestoreImageTask",
    "CreateStoreImageTask",
    "ImportImage",
    "ImportSnapshot",
    "ImportVolume",
    "ExportImage",
    "TerminateInstances",
    "DeleteVolume",
    "DeleteSnapshot",
    "DeregisterImage",
};
enum { ACTS = sizeof(acts) / sizeof(acts[0]) };

/* One resource in one such call. They are gone through once, all together:
 * asking for each resource costs as much as there are batches. */
struct touch {
    uint32_t entity, action;
    int64_t event;
    uint64_t order; /* in time */
    struct hit at;
    bool made; /* by this call: named in its answer only */
};

struct touches {
    struct touch *list;
    size_t n, cap;
};

static int add_touch(struct touches *ts, const struct event *e,
                     const struct touch *t, uint8_t role, struct err *err)
{
    for (size_t i = ts->n; i-- > 0 && ts->list[i].event == e->id;)
        if (ts->list[i].entity == t->entity) {
            ts->list[i].made = false; /* named by the request as well */
            return 0;
        }
    if (ts->n == ts->cap) {
        size_t cap = ts->cap ? 2 * ts->cap : 1024;
        struct touch *more = realloc(ts->list, cap * sizeof(*more));
        if (!more)
            return err_set(err, ERR_INTERNAL, "links: out of memory");
        ts->list = more;
        ts->cap = cap;
    }
    struct touch *k = &ts->list[ts->n];
    *k = *t;
    k->order = ts->n++;
    k->made = role == ROLE_ISSUED;
    return 0;
}

static bool is_resource(uint32_t entity)
{
    for (size_t i = 0; i < KINDS; i++)
        if (entity >> KIND_SHIFT == kinds[i])
            return true;
    return false;
}

static int touch_event(struct links_run *r, struct touches *ts,
                       const struct hit *h, struct arena *row, struct err *err)
{
    struct event_ref *refs;
    struct event e;
    size_t n = 0;
    arena_reset(row);
    int rc = case_event(r->c, h->id, row, &e, err);
    if (rc || e.outcome)
        return rc;
    rc = case_event_refs(r->c, h->id, row, &refs, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct touch t = {
            .entity = refs[i].id, .action = e.action, .event = e.id, .at = *h
        };
        if (is_resource(refs[i].id))
            rc = add_touch(ts, &e, &t, refs[i].role, err);
    }
    return rc;
}

static int collect_touches(struct links_run *r, struct touches *ts,
                           struct err *err)
{
    uint32_t ids[ACTS];
    struct plan p = { .op = PLAN_ANY_OF, .ids = ids };
    struct arena row = { 0 };
    uint64_t seen = 0;
    struct scan *s;
    struct hit h;
    for (size_t i = 0; i < ACTS; i++) {
        ids[p.n] = case_find(r->c, KIND_ACTION, str_from(acts[i]));
        p.n += ids[p.n] != 0;
    }
    int rc = scan_open(r->c, &p, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0) {
        if (ts->n >= TOUCHES) {
            r->result->skipped++;
            rc = 0;
            break;
        }
        rc = touch_event(r, ts, &h, &row, err);
        if (rc == 0 && seen++ % (16 * TICK) == 0)
            rc = analyzer_tick(r->ticker, r->rule->title, seen, 0, err);
        if (rc)
            break;
    }
    scan_close(s);
    arena_free(&row);
    return rc;
}

static int by_entity(const void *a, const void *b)
{
    const struct touch *x = a, *y = b;
    if (x->entity != y->entity)
        return x->entity < y->entity ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void put_made(struct links_run *r, struct buf *b,
                     const struct touch *maker, const struct touch *t)
{
    buf_printf(b, "%s made it ", text_line(case_text(r->c, maker->action)));
    links_put_time(b, &maker->at);
    buf_printf(b, "; %s names the same id ",
               text_line(case_text(r->c, t->action)));
    links_put_time(b, &t->at);
    if (maker->at.timed && t->at.timed && instant_cmp(t->at.t, maker->at.t) < 0)
        buf_putz(b, "; time-conflict: before it was made");
}

/* The calls of one resource, in order of time. */
static int join_made(struct links_run *r, const struct touch *list, size_t n,
                     struct err *err)
{
    const struct touch *maker = NULL;
    struct buf b = { 0 };
    size_t joined = 0;
    int rc = 0;
    for (size_t i = 0; i < n && !maker; i++)
        maker = list[i].made ? &list[i] : NULL;
    for (size_t i = 0; maker && i < n && rc == 0; i++) {
        if (&list[i] == maker)
            continue;
        if (joined++ == EVENTS) {
            r->result->skipped++;
            break;
        }
        buf_clear(&b);
        put_made(r, &b, maker, &list[i]);
        struct link l = { .cls = LINK_EXACT,
                          .a = maker->event,
                          .b = list[i].event,
                          .entity = maker->entity,
                          .n = 1 };
        rc = add(r, &l, &b, err);
    }
    buf_free(&b);
    return rc;
}

int links_made(struct links_run *r, struct err *err)
{
    struct touches ts = { 0 };
    int rc = collect_touches(r, &ts, err);
    if (ts.n)
        qsort(ts.list, ts.n, sizeof(*ts.list), by_entity);
    for (size_t i = 0, end; i < ts.n && rc == 0; i = end) {
        for (end = i + 1;
             end < ts.n && ts.list[end].entity == ts.list[i].entity;)
            end++;
        rc = join_made(r, &ts.list[i], end - i, err);
    }
    free(ts.list);
    return rc;
}

/* ---- C8, C9 -------------------------------------------------------------- */

/* What CloudTrail has of an id: how often, and the event that made it or is
 * the first to name it. */
static int trail_of(struct links_run *r, const struct links_inventory *in,
                    uint32_t id, struct links_use *use, struct hit *best,
                    struct err *err)
{
    struct plan here = { .op = PLAN_ANY_OF, .ids = &id, .n = 1 };
    struct plan trail = { .op = PLAN_ANY_OF,
                          .ids = in->cloudtrail,
                          .n = in->n_cloudtrail };
    struct plan both = { .op = PLAN_AND, .a = &here, .b = &trail };
    struct links_use made = { 0 };
    int rc = links_tally(r, &both, use, err);
    if (rc == 0)
        rc = links_use(r, id, ROLE_BIT(ROLE_ISSUED), &made, err);
    *best = made.n ? made.first : use->first;
    return rc;
}

static void put_trail(struct links_run *r, struct buf *b,
                      const struct links_use *use, uint32_t id)
{
    buf_printf(b, "; CloudTrail names %s in ", text_line(case_text(r->c, id)));
    links_put_n(b, use->n, "event");
}

static int join_mention(struct links_run *r, const struct links_inventory *in,
                        const struct links_mention *m, struct err *err)
{
    struct links_use use;
    struct hit best;
    struct buf b = { 0 };
    int rc = trail_of(r, in, m->entity, &use, &best, err);
    if (rc || use.n == 0)
        return rc;
    buf_printf(
        &b, m->stated ? "%s of X%lld states the id" : "%s (X%lld) holds the id",
        m->where, (long long)m->exhibit);
    if (m->name.n) {
        buf_putz(&b, ", under \"");
        buf_putz(&b, text_line(m->name));
        buf_putc(&b, '"');
    }
    put_trail(r, &b, &use, m->entity);
    struct link l = { .cls = m->stated ? LINK_EXACT : LINK_CANDIDATE,
                      .a = best.id,
                      .b_kind = LINK_EXHIBIT,
                      .b = m->exhibit,
                      .entity = m->entity,
                      .n = use.n };
    rc = add(r, &l, &b, err);
    buf_free(&b);
    return rc;
}

static int join_mentions(struct links_run *r, bool stated, struct err *err)
{
    struct links_inventory *in;
    int rc = links_inventory(r, &in, err);
    for (size_t i = 0; rc == 0 && i < in->n_mentions; i++) {
        const struct links_mention *m = &in->mentions[i], *before = m - 1;
        bool again = i > 0 && before->exhibit == m->exhibit &&
                     before->entity == m->entity && before->stated == m->stated;
        if (m->stated == stated && !again)
            rc = join_mention(r, in, m, err);
    }
    return rc;
}

int links_exhibit(struct links_run *r, struct err *err)
{
    return join_mentions(r, true, err);
}

struct inside {
    const struct links_exhibit_row *exhibit;
    uint64_t n;
};

/* Events of other sources that name the id, by exhibit. */
static int count_inside(struct links_run *r, const struct links_inventory *in,
                        uint32_t id, struct inside *list, size_t *n,
                        struct err *err)
{
    struct plan here = { .op = PLAN_ANY_OF, .ids = &id, .n = 1 };
    struct plan trail = { .op = PLAN_ANY_OF,
                          .ids = in->cloudtrail,
                          .n = in->n_cloudtrail };
    struct plan other = { .op = PLAN_NOT, .a = &trail };
    struct plan both = { .op = PLAN_AND, .a = &here, .b = &other };
    struct scan *s;
    struct hit h;
    uint64_t seen = 0;
    *n = 0;
    int rc = scan_open(r->c, &both, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0 && seen < HITS) {
        const struct links_exhibit_row *x = links_exhibit_of(in, h.id);
        size_t i = 0;
        seen++;
        while (i < *n && list[i].exhibit != x)
            i++;
        if (i == *n && x)
            list[(*n)++] = (struct inside){ x, 0 };
        if (x)
            list[i].n++;
    }
    r->result->skipped += rc > 0;
    scan_close(s);
    return rc > 0 ? 0 : rc;
}

static int join_inside(struct links_run *r, const struct links_inventory *in,
                       uint32_t id, struct inside *list, struct err *err)
{
    struct links_use use;
    struct hit best;
    struct buf b = { 0 };
    size_t n;
    int rc = count_inside(r, in, id, list, &n, err);
    if (rc || n == 0)
        return rc;
    rc = trail_of(r, in, id, &use, &best, err);
    for (size_t i = 0; i < n && rc == 0 && use.n; i++) {
        buf_clear(&b);
        links_put_n(&b, list[i].n, "event");
        buf_printf(&b, " of X%lld (%.*s) hold%s the id",
                   (long long)list[i].exhibit->no,
                   STR_ARG(list[i].exhibit->kind), list[i].n == 1 ? "s" : "");
        put_trail(r, &b, &use, id);
        struct link l = { .cls = LINK_CANDIDATE,
                          .a = best.id,
                          .b_kind = LINK_EXHIBIT,
                          .b = list[i].exhibit->no,
                          .entity = id,
                          .n = list[i].n };
        rc = add(r, &l, &b, err);
    }
    buf_free(&b);
    return rc;
}

int links_inside(struct links_run *r, struct err *err)
{
    struct links_inventory *in;
    int rc = join_mentions(r, false, err);
    if (rc == 0)
        rc = links_inventory(r, &in, err);
    if (rc == 0 && in->others)
        rc = links_disk_of(r, err);
    if (rc || !in->others)
        return rc;
    struct inside *list =
        arena_array(&r->arena, in->n_exhibits + 1, sizeof(*list));
    if (!list)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t k = 0; k < KINDS && rc == 0; k++) {
        struct entity_count *v;
        size_t n;
        rc = links_entities(r, kinds[k], &v, &n, err);
        if (rc == 0 && n > ENTITIES)
            r->result->skipped += n - ENTITIES;
        for (size_t i = 0; i < n && i < ENTITIES && rc == 0; i++) {
            if (i % TICK == 0)
                rc = analyzer_tick(r->ticker, r->rule->title, i, n, err);
            if (rc == 0 && v[i].n > 1)
                rc = join_inside(r, in, v[i].id, list, err);
        }
    }
    return rc;
}
