/*
 * Calls that are two views of one (C3), resources and what became of them
 * (C7), exhibits that are or name a resource (C8, C9).
 */
#include "analyzer/links_rule.h"

#include "base/text.h"

enum {
    EVENTS = 64,       /* of one id that C3 and C7 join */
    ENTITIES = 200000, /* of one kind that C9 looks for elsewhere */
    HITS = 1000000,    /* of one id, likewise */
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
    "CreateReplaceRootVolumeTask",
    "ImportSnapshot",
    "CreateRestoreImageTask",
    "CreateStoreImageTask",
    "TerminateInstances",
    "DeleteVolume",
    "DeleteSnapshot",
    "DeregisterImage",
    "ExportImage",
};
enum { ACTS = sizeof(acts) / sizeof(acts[0]) };

struct acts_of {
    uint32_t ids[ACTS];
    size_t n;
};

static int join_made(struct links_run *r, const struct acts_of *a, uint32_t id,
                     const struct event *maker, struct err *err)
{
    struct plan here = { .op = PLAN_ANY_OF, .ids = &id, .n = 1 };
    struct plan does = { .op = PLAN_ANY_OF, .ids = a->ids, .n = a->n };
    struct plan both = { .op = PLAN_AND, .a = &here, .b = &does };
    struct hit hits[EVENTS];
    struct arena row = { 0 };
    struct buf b = { 0 };
    size_t n;
    bool more;
    int rc = first_hits(r, &both, hits, EVENTS, &n, &more, err);
    r->result->skipped += more;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct event e;
        rc = case_event(r->c, hits[i].id, &row, &e, err);
        if (rc || e.id == maker->id || e.outcome)
            continue;
        buf_clear(&b);
        buf_printf(&b, "%s made it ", links_action(r, maker));
        links_put_time(&b, &(struct hit){ maker->timed, maker->t, 0 });
        buf_printf(&b, "; %s names the same id ", links_action(r, &e));
        links_put_time(&b, &hits[i]);
        if (maker->timed && e.timed && instant_cmp(e.t, maker->t) < 0)
            buf_putz(&b, "; time-conflict: before it was made");
        struct link l = {
            .cls = LINK_EXACT, .a = maker->id, .b = e.id, .entity = id, .n = 1
        };
        rc = add(r, &l, &b, err);
    }
    buf_free(&b);
    arena_free(&row);
    return rc;
}

static int made_one(struct links_run *r, const struct acts_of *a,
                    const struct entity_count *k, struct err *err)
{
    uint32_t id = k->id;
    struct plan made = { .op = PLAN_ANY_OF,
                         .ids = &id,
                         .n = 1,
                         .role_mask = ROLE_BIT(ROLE_ISSUED) };
    struct arena row = { 0 };
    struct event maker;
    struct hit h;
    size_t n;
    bool more;
    int rc = first_hits(r, &made, &h, 1, &n, &more, err);
    if (rc == 0 && n)
        rc = case_event(r->c, h.id, &row, &maker, err);
    if (rc == 0 && n)
        rc = join_made(r, a, id, &maker, err);
    arena_free(&row);
    return rc;
}

int links_made(struct links_run *r, struct err *err)
{
    struct acts_of a = { .n = 0 };
    int rc = 0;
    for (size_t i = 0; i < ACTS; i++) {
        uint32_t id = case_find(r->c, KIND_ACTION, str_from(acts[i]));
        if (id)
            a.ids[a.n++] = id;
    }
    for (size_t k = 0; k < KINDS && rc == 0 && a.n; k++) {
        struct entity_count *v;
        size_t n;
        rc = links_entities(r, kinds[k], &v, &n, err);
        for (size_t i = 0; i < n && rc == 0; i++) {
            if (i % TICK == 0)
                rc = analyzer_tick(r->ticker, r->rule->title, i, n, err);
            /* one event alone is the maker itself */
            if (rc == 0 && v[i].roles & ROLE_BIT(ROLE_ISSUED) && v[i].n > 1)
                rc = made_one(r, &a, &v[i], err);
        }
    }
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
