/*
 * Access keys: issued and used (C1, C2), found and used (C22).
 *
 * A key may have a million uses from one address. The addresses of a busy key
 * are found by asking for the next use from none of those known so far, so the
 * cost goes by the number of addresses.
 */
#include "analyzer/links_rule.h"

#include <stdlib.h>

#include "analyzer/links_expiry.h"

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

/* ---- one key ------------------------------------------------------------- */

struct issue_of {
    struct links_use use; /* of the issuing events */
    struct event event;   /* the first */
    struct expiry expiry; /* of what it issued, when it was looked for */
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

/* Uses from one address after the expiry; n 0 = none, or they cannot be told
 * from those of other addresses. */
static int late_uses(struct links_run *r, uint32_t key, const struct place *at,
                     const struct expiry *x, struct links_use *out,
                     struct err *err)
{
    struct plan uses = { .op = PLAN_ANY_OF,
                         .ids = &key,
                         .n = 1,
                         .role_mask = ROLE_BIT(ROLE_ACTOR) };
    struct plan here = { .op = PLAN_ANY_OF,
                         .ids = &at->address,
                         .n = 1,
                         .role_mask = ROLE_BIT(ROLE_FROM) };
    struct plan from = { .op = PLAN_AND, .a = &uses, .b = &here };
    struct plan after = { .op = PLAN_TIME,
                          .from = x->t,
                          .to = { INT64_MAX, 0 } };
    struct plan late = { .op = PLAN_AND, .a = &from, .b = &after };
    *out = (struct links_use){ 0 };
    return at->address ? links_tally(r, &late, out, err) : 0;
}

static bool is_late(const struct place *at, const struct expiry *x)
{
    return x->known && at->use.last.timed &&
           instant_cmp(at->use.last.t, x->t) >= 0;
}

static int put_late(struct links_run *r, struct buf *b, uint32_t key,
                    const struct place *at, const struct expiry *x,
                    struct err *err)
{
    const struct hit end = { .timed = true, .t = x->t };
    struct links_use late;
    int rc = late_uses(r, key, at, x, &late, err);
    buf_putz(b, "; expired: ");
    if (late.n) {
        links_put_n(b, late.n, "call");
        buf_putz(b, late.n == 1 ? " is after " : " are after ");
    } else {
        buf_putz(b, "the last is after ");
    }
    buf_putz(b, x->stated ? "the expiry that the answer states, "
                          : "the longest life of such a key (36 hours), ");
    links_put_time(b, &end);
    if (late.n) {
        buf_putz(b, late.n == 1 ? ": " : ", first ");
        links_put_time(b, &late.first);
    }
    return rc;
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
                    const struct issue_of *is, const struct places *p,
                    struct err *err)
{
    struct buf b = { 0 };
    int rc = 0;
    for (size_t i = 0; i < p->n && rc == 0; i++) {
        buf_clear(&b);
        put_use(r, &b, is, p, i);
        if (is_late(&p->list[i], &is->expiry))
            rc = put_late(r, &b, key, &p->list[i], &is->expiry, err);
        if (rc)
            break;
        if (b.failed)
            rc = err_set(err, ERR_INTERNAL, "out of memory");
        else
            rc = links_add(r,
                           &(struct link){ .cls = LINK_EXACT,
                                           .a = is->event.id,
                                           .b = p->list[i].use.first.id,
                                           .entity = key,
                                           .n = p->list[i].use.n,
                                           .reason = buf_str(&b) },
                           err);
    }
    buf_free(&b);
    return rc;
}

/* ---- many keys at once --------------------------------------------------- */

/* Most keys have few uses: those are read row by row, for a group of keys at
 * a time, since a question about one key costs as much as there are batches. */
enum { GROUP = 256, FEW = 2000 };

struct key_uses {
    uint32_t key;
    struct issue_of issue;
    struct places places;
};

static struct key_uses *key_in(struct key_uses *list, size_t n, uint32_t key)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (list[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && list[lo].key == key ? &list[lo] : NULL;
}

static void count_use(struct links_use *u, const struct hit *h)
{
    if (u->n++ == 0)
        u->first = *h;
    u->last = *h;
}

static void count_place(struct key_uses *k, uint32_t address,
                        const struct hit *h)
{
    struct places *p = &k->places;
    size_t i = 0;
    while (i < p->n && p->list[i].address != address)
        i++;
    if (i == p->n && p->n_ids == ADDRESSES && address) {
        count_place(k, 0, h); /* further ones are one */
        return;
    }
    if (i == p->n) {
        p->list[p->n++] = (struct place){ .address = address };
        if (address)
            p->ids[p->n_ids++] = address;
    }
    count_use(&p->list[i].use, h);
}

static void count_event(struct key_uses *list, size_t n,
                        const struct event_ref *refs, size_t n_refs,
                        const struct hit *h)
{
    struct key_uses *used = NULL;
    uint32_t ip = 0, domain = 0;
    for (size_t i = 0; i < n_refs; i++) {
        unsigned kind = refs[i].id >> KIND_SHIFT;
        struct key_uses *k =
            kind == KIND_KEY ? key_in(list, n, refs[i].id) : NULL;
        if (k && refs[i].role == ROLE_ISSUED)
            count_use(&k->issue.use, h);
        else if (k && refs[i].role == ROLE_ACTOR)
            used = k;
        else if (kind == KIND_IP && refs[i].role == ROLE_FROM && !ip)
            ip = refs[i].id;
        else if (kind == KIND_DOMAIN && refs[i].role == ROLE_FROM && !domain)
            domain = refs[i].id;
    }
    if (used)
        count_place(used, ip ? ip : domain, h);
}

/* What has no address comes last, as in find_places. */
static void rest_last(struct places *p)
{
    for (size_t i = 0; i + 1 < p->n; i++)
        if (p->list[i].address == 0) {
            struct place rest = p->list[i];
            memmove(&p->list[i], &p->list[i + 1],
                    (p->n - i - 1) * sizeof(rest));
            p->list[p->n - 1] = rest;
            return;
        }
}

static int count_group(struct links_run *r, struct key_uses *list, size_t n,
                       struct err *err)
{
    uint32_t ids[GROUP];
    struct plan p = { .op = PLAN_ANY_OF,
                      .ids = ids,
                      .n = n,
                      .role_mask =
                          ROLE_BIT(ROLE_ISSUED) | ROLE_BIT(ROLE_ACTOR) };
    struct arena row = { 0 };
    struct scan *s;
    struct hit h;
    for (size_t i = 0; i < n; i++)
        ids[i] = list[i].key;
    int rc = scan_open(r->c, &p, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0) {
        struct event_ref *refs;
        size_t n_refs = 0;
        arena_reset(&row);
        rc = case_event_refs(r->c, h.id, &row, &refs, &n_refs, err);
        if (rc)
            break;
        count_event(list, n, refs, n_refs, &h);
    }
    scan_close(s);
    arena_free(&row);
    return rc;
}

/* Whether a use can be after the expiry at all: nothing expires sooner than
 * a quarter of an hour after it was issued. Keys that CreateAccessKey made do
 * not expire. */
static bool can_expire(const struct links_run *r, const struct key_uses *k)
{
    if (r->rule->run != links_issued || !k->issue.use.first.timed)
        return false;
    for (size_t i = 0; i < k->places.n; i++) {
        const struct hit *last = &k->places.list[i].use.last;
        if (last->timed &&
            last->t.s - EXPIRY_SHORTEST_S >= k->issue.use.first.t.s)
            return true;
    }
    return false;
}

/* The expiries of a group, their records read together. */
static int find_expiries(struct links_run *r, struct key_uses *list, size_t n,
                         struct err *err)
{
    const struct event *events[GROUP];
    struct expiry expiries[GROUP];
    size_t which[GROUP], found = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].issue.use.n && can_expire(r, &list[i])) {
            events[found] = &list[i].issue.event;
            which[found++] = i;
        }
    int rc = found ? expiry_read(r->raw, events, found, expiries, err) : 0;
    for (size_t i = 0; i < found && rc == 0; i++)
        list[which[i]].issue.expiry = expiries[i];
    return rc;
}

static int add_keys(struct links_run *r, struct key_uses *list, size_t n,
                    struct err *err)
{
    struct arena rows = { 0 };
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct issue_of *is = &list[i].issue;
        if (is->use.n)
            rc = case_event(r->c, is->use.first.id, &rows, &is->event, err);
    }
    if (rc == 0)
        rc = find_expiries(r, list, n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (list[i].issue.use.n)
            rc = add_uses(r, list[i].key, &list[i].issue, &list[i].places, err);
    arena_free(&rows);
    return rc;
}

static int add_group(struct links_run *r, struct key_uses *list, size_t n,
                     struct err *err)
{
    int rc = n ? count_group(r, list, n, err) : 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rest_last(&list[i].places);
        r->result->skipped += list[i].places.n > ADDRESSES;
    }
    return rc ? rc : add_keys(r, list, n, err);
}

static int add_busy(struct links_run *r, struct key_uses *k, struct err *err)
{
    int rc = links_use(r, k->key, ROLE_BIT(ROLE_ISSUED), &k->issue.use, err);
    if (rc == 0)
        rc = find_places(r, k->key, &k->places, err);
    return rc ? rc : add_keys(r, k, 1, err);
}

/* ---- C1, C2 -------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The keys that CreateAccessKey made, in order. */
static int made_keys(struct links_run *r, uint32_t **out, size_t *n,
                     struct err *err)
{
    uint32_t id = case_find(r->c, KIND_ACTION, STR("CreateAccessKey"));
    struct plan p = { .op = PLAN_ANY_OF, .ids = &id, .n = id ? 1 : 0 };
    struct buf b = { 0 };
    struct arena row = { 0 };
    struct scan *s;
    struct hit h;
    int rc = scan_open(r->c, &p, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0) {
        struct event_ref *refs;
        size_t n_refs = 0;
        arena_reset(&row);
        rc = case_event_refs(r->c, h.id, &row, &refs, &n_refs, err);
        for (size_t i = 0; rc == 0 && i < n_refs; i++)
            if (refs[i].role == ROLE_ISSUED &&
                refs[i].id >> KIND_SHIFT == KIND_KEY)
                buf_put(&b, (struct str){ (const char *)&refs[i].id,
                                          sizeof(refs[i].id) });
        if (rc)
            break;
    }
    scan_close(s);
    arena_free(&row);
    *n = b.n / sizeof(**out);
    *out = arena_array(&r->arena, *n + 1, sizeof(**out));
    if (rc == 0 && (b.failed || !*out))
        rc = err_set(err, ERR_INTERNAL, "out of memory");
    if (rc == 0 && *n) {
        memcpy(*out, b.p, *n * sizeof(**out));
        qsort(*out, *n, sizeof(**out), by_number);
    }
    buf_free(&b);
    return rc;
}

struct chosen {
    struct entity_count *keys;
    size_t n;
};

/* The keys of this rule, in place. */
static int choose(struct links_run *r, bool made, struct chosen *c,
                  struct err *err)
{
    const uint32_t both = ROLE_BIT(ROLE_ISSUED) | ROLE_BIT(ROLE_ACTOR);
    uint32_t *list;
    size_t n_list, kept = 0;
    int rc = links_entities(r, KIND_KEY, &c->keys, &c->n, err);
    if (rc == 0)
        rc = made_keys(r, &list, &n_list, err);
    for (size_t i = 0; rc == 0 && i < c->n; i++) {
        bool is_made = n_list && bsearch(&c->keys[i].id, list, n_list,
                                         sizeof(*list), by_number);
        if ((c->keys[i].roles & both) == both && is_made == made)
            c->keys[kept++] = c->keys[i];
    }
    c->n = kept;
    return rc;
}

static int issued(struct links_run *r, bool made, struct err *err)
{
    struct chosen c;
    struct key_uses *group = calloc(GROUP, sizeof(*group));
    size_t n = 0;
    if (!group)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int rc = choose(r, made, &c, err);
    for (size_t i = 0; rc == 0 && i < c.n; i++) {
        struct key_uses *k = &group[n];
        if (i % TICK == 0)
            rc = analyzer_tick(r->ticker, r->rule->title, i, c.n, err);
        memset(k, 0, sizeof(*k));
        k->key = c.keys[i].id;
        if (rc == 0 && c.keys[i].n > FEW) {
            rc = add_busy(r, k, err);
        } else if (++n == GROUP) {
            rc = rc ? rc : add_group(r, group, n, err);
            n = 0;
        }
    }
    if (rc == 0)
        rc = add_group(r, group, n, err);
    free(group);
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

static int add_found(struct links_run *r, uint32_t key,
                     const struct links_found *f, const struct links_use *use,
                     bool used, struct err *err)
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
                   const struct entity_count *key, struct links_found *list,
                   struct err *err)
{
    struct links_use use = { 0 };
    size_t n;
    bool used = true;
    int rc = links_elsewhere(r, in, key->id, list, &n, err);
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
    struct links_found *list =
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
