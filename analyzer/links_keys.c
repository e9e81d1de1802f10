/*
 * Access keys: issued and used (C1, C2), found and used (C22).
 *
 * A key may have a million uses from one address. Its addresses are found by
 * asking for the next use from none of those known so far, so the cost goes
 * by the number of addresses.
 */
#include "analyzer/links_rule.h"

#include "base/text.h"

enum {
    ADDRESSES = 32, /* of one key; the rest is one link */
    TICK = 256,
};

#define ROLE_BIT(role) (1u << (role))

struct place {
    uint32_t address; /* 0 = the rest */
    struct links_use use;
};

struct places {
    struct place list[ADDRESSES + 1];
    uint32_t ids[ADDRESSES];
    size_t n, n_ids;
};

static int has_address(void *ctx, struct casedb *c, const struct event *e)
{
    (void)ctx;
    (void)c;
    return e->ip != 0;
}

/* The address of an event, or the domain that stands for it. */
static int address_of(struct links_run *r, int64_t event, uint32_t *out,
                      struct err *err)
{
    struct event_ref *refs;
    struct event e;
    size_t n = 0;
    int rc = case_event(r->c, event, &r->arena, &e, err);
    *out = rc ? 0 : e.ip;
    if (rc || e.ip)
        return rc;
    rc = case_event_refs(r->c, event, &r->arena, &refs, &n, err);
    for (size_t i = 0; rc == 0 && i < n && *out == 0; i++)
        if (refs[i].role == ROLE_FROM &&
            refs[i].id >> KIND_SHIFT == KIND_DOMAIN)
            *out = refs[i].id;
    return rc;
}

static int first_of(struct links_run *r, const struct plan *p, struct hit *h,
                    bool *found, struct err *err)
{
    struct scan *s;
    int rc = scan_open(r->c, p, NULL, false, &s, err);
    if (rc)
        return rc;
    rc = scan_next(s, h, err);
    *found = rc > 0;
    scan_close(s);
    return rc > 0 ? 0 : rc;
}

static int add_place(struct links_run *r, struct places *p, uint32_t address,
                     struct plan *uses, struct err *err)
{
    struct place *k = &p->list[p->n++];
    k->address = address;
    if (address)
        p->ids[p->n_ids++] = address;
    struct plan here = { .op = PLAN_ANY_OF,
                         .ids = &k->address,
                         .n = 1,
                         .role_mask = ROLE_BIT(ROLE_FROM) };
    struct plan both = { .op = PLAN_AND, .a = uses, .b = &here };
    return links_tally(r, &both, &k->use, err);
}

/* All uses of a key by address, in order of first use. */
static int find_places(struct links_run *r, uint32_t key, struct places *p,
                       struct err *err)
{
    struct plan uses = { .op = PLAN_ANY_OF,
                         .ids = &key,
                         .n = 1,
                         .role_mask = ROLE_BIT(ROLE_ACTOR) };
    struct plan known = { .op = PLAN_ANY_OF,
                          .ids = p->ids,
                          .role_mask = ROLE_BIT(ROLE_FROM) };
    struct plan other = { .op = PLAN_NOT, .a = &known };
    struct plan rest = { .op = PLAN_AND, .a = &uses, .b = &other };
    struct plan test = { .op = PLAN_TEST, .test = has_address };
    struct plan addressed = { .op = PLAN_AND, .a = &rest, .b = &test };
    const struct plan *next = &rest;
    bool found = true;
    p->n = p->n_ids = 0;
    while (p->n_ids < ADDRESSES) {
        struct hit h;
        uint32_t address;
        known.n = p->n_ids;
        int rc = first_of(r, next, &h, &found, err);
        if (rc)
            return rc;
        if (!found && next == &rest)
            return 0;
        if (!found)
            break;
        rc = address_of(r, h.id, &address, err);
        if (rc)
            return rc;
        if (address == 0)
            next = &addressed; /* look past those that have none */
        else if ((rc = add_place(r, p, address, &uses, err)) != 0)
            return rc;
    }
    known.n = p->n_ids;
    int rc = links_tally(r, &rest, &p->list[p->n].use, err);
    p->list[p->n].address = 0;
    r->result->skipped +=
        rc == 0 && p->n_ids == ADDRESSES && p->list[p->n].use.n;
    p->n += rc == 0 && p->list[p->n].use.n;
    return rc;
}

/* ---- C1, C2 -------------------------------------------------------------- */

struct issue_of {
    struct links_use use; /* of the issuing events */
    struct event event;   /* the first */
};

static void put_address(struct links_run *r, struct buf *b,
                        const struct places *p, size_t i)
{
    uint32_t address = p->list[i].address;
    if (address) {
        buf_putz(b, " from ");
        buf_putz(b, text_line(case_text(r->c, address)));
    } else {
        buf_putz(b, p->n_ids == ADDRESSES ? " from further addresses"
                                          : " without an address");
    }
}

static void put_use(struct links_run *r, struct buf *b,
                    const struct issue_of *is, const struct places *p, size_t i)
{
    const struct links_use *u = &p->list[i].use;
    buf_printf(b, "%s issued the key id ", links_action(r, &is->event));
    links_put_time(b, &is->use.first);
    buf_putz(b, "; the same id signed ");
    links_put_n(b, u->n, "call");
    put_address(r, b, p, i);
    buf_putz(b, u->n == 1 ? ", " : ", first ");
    links_put_time(b, &u->first);
    if (u->n > 1) {
        buf_putz(b, ", last ");
        links_put_time(b, &u->last);
    }
    if (i > 0) {
        buf_putz(b, "; its first use was");
        put_address(r, b, p, 0);
    }
    if (is->use.n > 1) {
        buf_putz(b, "; the id is in the answers of ");
        links_put_n(b, is->use.n, "event");
        buf_putz(b, ", the first is taken");
    }
    if (u->first.timed && is->use.first.timed &&
        instant_cmp(u->first.t, is->use.first.t) < 0)
        buf_putz(b, "; time-conflict: used before it was issued");
}

static int add_uses(struct links_run *r, uint32_t key,
                    const struct issue_of *is, struct err *err)
{
    struct places p;
    struct buf b = { 0 };
    int rc = find_places(r, key, &p, err);
    for (size_t i = 0; i < p.n && rc == 0; i++) {
        buf_clear(&b);
        put_use(r, &b, is, &p, i);
        if (b.failed)
            rc = err_set(err, ERR_INTERNAL, "out of memory");
        else
            rc = links_add(r,
                           &(struct link){ .cls = LINK_EXACT,
                                           .a = is->event.id,
                                           .b = p.list[i].use.first.id,
                                           .entity = key,
                                           .n = p.list[i].use.n,
                                           .reason = buf_str(&b) },
                           err);
    }
    buf_free(&b);
    return rc;
}

static int issued(struct links_run *r, bool made, struct err *err)
{
    const uint32_t both = ROLE_BIT(ROLE_ISSUED) | ROLE_BIT(ROLE_ACTOR);
    struct entity_count *keys;
    size_t n;
    int rc = links_entities(r, KIND_KEY, &keys, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct arena row = { 0 };
        struct issue_of is;
        if (i % TICK == 0)
            rc = analyzer_tick(r->ticker, r->rule->title, i, n, err);
        if (rc || (keys[i].roles & both) != both)
            continue;
        rc = links_use(r, keys[i].id, ROLE_BIT(ROLE_ISSUED), &is.use, err);
        if (rc == 0 && is.use.n)
            rc = case_event(r->c, is.use.first.id, &row, &is.event, err);
        bool is_made =
            rc == 0 && is.use.n &&
            str_eq(case_text(r->c, is.event.action), STR("CreateAccessKey"));
        if (rc == 0 && is.use.n && is_made == made)
            rc = add_uses(r, keys[i].id, &is, err);
        arena_free(&row);
    }
    return rc;
}

int links_issued(struct links_run *r, struct err *err)
{
    return issued(r, false, err);
}

int links_key_made(struct links_run *r, struct err *err)
{
    return issued(r, true, err);
}

/* ---- C22 ----------------------------------------------------------------- */

struct found {
    const struct links_exhibit_row *exhibit;
    struct hit first;
    uint64_t n;
};

/* Where the id stands outside CloudTrail, by exhibit. */
static int find_exhibits(struct links_run *r, const struct links_inventory *in,
                         uint32_t key, struct found *list, size_t *n,
                         struct err *err)
{
    struct plan here = { .op = PLAN_ANY_OF, .ids = &key, .n = 1 };
    struct plan trail = { .op = PLAN_ANY_OF,
                          .ids = in->cloudtrail,
                          .n = in->n_cloudtrail };
    struct plan not_trail = { .op = PLAN_NOT, .a = &trail };
    struct plan both = { .op = PLAN_AND, .a = &here, .b = &not_trail };
    struct scan *s;
    struct hit h;
    *n = 0;
    int rc = scan_open(r->c, &both, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0) {
        const struct links_exhibit_row *x = links_exhibit_of(in, h.id);
        size_t i = 0;
        while (i < *n && list[i].exhibit != x)
            i++;
        if (i == *n && x)
            list[(*n)++] = (struct found){ x, h, 0 };
        if (x)
            list[i].n++;
    }
    scan_close(s);
    return rc;
}

static int add_found(struct links_run *r, uint32_t key, const struct found *f,
                     const struct links_use *use, bool used, struct err *err)
{
    struct buf b = { 0 };
    buf_printf(&b, "the key id stands in X%lld (%.*s), ",
               (long long)f->exhibit->no, STR_ARG(f->exhibit->kind));
    links_put_n(&b, f->n, "event");
    buf_putz(&b, used ? "; CloudTrail has "
                      : "; CloudTrail has no call "
                        "signed with it, but ");
    links_put_n(&b, use->n, used ? "call" : "answer");
    buf_putz(&b, used ? " signed with it, first " : " that issued it, ");
    links_put_time(&b, &use->first);
    buf_putz(&b, "; presence is not use from there");
    int rc = b.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                      : links_add(r,
                                  &(struct link){ .cls = LINK_EXACT,
                                                  .a = f->first.id,
                                                  .b = use->first.id,
                                                  .entity = key,
                                                  .n = use->n,
                                                  .reason = buf_str(&b) },
                                  err);
    buf_free(&b);
    return rc;
}

/* The uses in CloudTrail, else the issuing events. */
static int trail_use(struct links_run *r, const struct links_inventory *in,
                     uint32_t key, uint32_t role, struct links_use *out,
                     struct err *err)
{
    struct plan acts = {
        .op = PLAN_ANY_OF, .ids = &key, .n = 1, .role_mask = ROLE_BIT(role)
    };
    struct plan trail = { .op = PLAN_ANY_OF,
                          .ids = in->cloudtrail,
                          .n = in->n_cloudtrail };
    struct plan both = { .op = PLAN_AND, .a = &acts, .b = &trail };
    return links_tally(r, &both, out, err);
}

static int one_key(struct links_run *r, const struct links_inventory *in,
                   const struct entity_count *key, struct found *list,
                   struct err *err)
{
    struct links_use use = { 0 };
    size_t n;
    bool used = true;
    int rc = find_exhibits(r, in, key->id, list, &n, err);
    if (rc || n == 0)
        return rc;
    if (key->roles & ROLE_BIT(ROLE_ACTOR))
        rc = trail_use(r, in, key->id, ROLE_ACTOR, &use, err);
    if (rc == 0 && use.n == 0) {
        used = false;
        rc = trail_use(r, in, key->id, ROLE_ISSUED, &use, err);
    }
    for (size_t i = 0; i < n && rc == 0 && use.n; i++)
        rc = add_found(r, key->id, &list[i], &use, used, err);
    return rc;
}

int links_key_found(struct links_run *r, struct err *err)
{
    /* CloudTrail itself gives keys these two roles, and few others. */
    const uint32_t trail = ROLE_BIT(ROLE_ACTOR) | ROLE_BIT(ROLE_ISSUED);
    struct links_inventory *in;
    struct entity_count *keys;
    size_t n;
    int rc = links_inventory(r, &in, err);
    if (rc || !in->others)
        return rc;
    struct found *list =
        arena_array(&r->arena, in->n_exhibits + 1, sizeof(*list));
    if (!list)
        return err_set(err, ERR_INTERNAL, "out of memory");
    rc = links_entities(r, KIND_KEY, &keys, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (i % TICK == 0)
            rc = analyzer_tick(r->ticker, r->rule->title, i, n, err);
        if (rc == 0 && keys[i].roles & ~trail && keys[i].roles & trail)
            rc = one_key(r, in, &keys[i], list, err);
    }
    return rc;
}
