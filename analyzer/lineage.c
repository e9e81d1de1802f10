#include "analyzer/lineage.h"

#include <stdlib.h>

#include "casedb/examiner.h"

#define ROLE_BIT(role) (1u << (role))

/* Calls whose answers hold new credentials (AWS STS and IAM API references;
 * the last two are of Identity Center and Cognito). */
static const char *const issuing[] = {
    "AssumeRole*",
    "AssumeRoot",
    "GetSessionToken",
    "GetFederationToken",
    "CreateAccessKey",
    "GetRoleCredentials",
    "GetCredentialsForIdentity",
};

struct making {
    struct casedb *c;
    const struct raw_reader *raw;
    const struct analyzer_ticker *ticker;
    struct arena *a;
    struct lineage *out;
    struct buf actions; /* uint32_t ids, ascending */
    struct buf todo;    /* struct step: keys to list, the last first */
    struct buf path;    /* uint32_t keys above the one being listed */
    struct buf known;   /* uint32_t keys that are roots or below one */
    struct err *err;
};

struct step {
    uint32_t key, parent;
    unsigned depth;
};

static int no_memory(struct making *m)
{
    return err_set(m->err, ERR_INTERNAL, "out of memory");
}

static uint32_t *ids_of(const struct buf *b, size_t *n)
{
    *n = b->n / sizeof(uint32_t);
    return (uint32_t *)(void *)b->p;
}

static bool has_id(const struct buf *b, uint32_t id)
{
    size_t n;
    const uint32_t *v = ids_of(b, &n);
    for (size_t i = 0; i < n; i++)
        if (v[i] == id)
            return true;
    return false;
}

static int put_id(struct making *m, struct buf *b, uint32_t id)
{
    buf_put(b, (struct str){ (const char *)&id, sizeof(id) });
    return b->failed ? no_memory(m) : 0;
}

static int add_action(void *ctx, uint32_t id, struct str value)
{
    struct making *m = ctx;
    (void)value;
    return has_id(&m->actions, id) ? 0 : put_id(m, &m->actions, id);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int find_actions(struct making *m)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof(issuing) / sizeof(*issuing) && rc == 0; i++)
        rc = case_find_glob(m->c, KIND_ACTION, str_from(issuing[i]), add_action,
                            m, m->err);
    size_t n;
    uint32_t *v = ids_of(&m->actions, &n);
    if (n)
        qsort(v, n, sizeof(*v), by_number);
    return rc;
}

static struct plan any_of(const uint32_t *ids, size_t n, uint32_t roles)
{
    return (struct plan){
        .op = PLAN_ANY_OF, .ids = ids, .n = n, .role_mask = roles
    };
}

static struct plan both(const struct plan *a, const struct plan *b)
{
    return (struct plan){ .op = PLAN_AND,
                          .a = (struct plan *)(uintptr_t)a,
                          .b = (struct plan *)(uintptr_t)b };
}

/* The first event of a plan; id 0 = there is none. */
static int first_of(struct making *m, const struct plan *p, struct hit *h)
{
    struct scan *s;
    int rc = scan_open(m->c, p, NULL, false, &s, m->err);
    h->id = 0;
    if (rc)
        return rc;
    rc = scan_next(s, h, m->err);
    if (rc <= 0)
        h->id = 0;
    scan_close(s);
    return rc < 0 ? rc : 0;
}

static int count_of(struct making *m, const struct plan *p,
                    struct scan_total *out)
{
    struct instant none = { 0, 0 };
    return scan_count(m->c, p, none, none, NULL, 0, out, m->err);
}

/* ---- one key ------------------------------------------------------------- */

static int find_issue(struct making *m, struct lineage_node *n)
{
    struct plan p = any_of(&n->key, 1, ROLE_BIT(ROLE_ISSUED));
    struct scan_total total;
    struct event e;
    struct hit h;
    int rc = first_of(m, &p, &h);
    if (rc || h.id == 0)
        return rc;
    rc = count_of(m, &p, &total);
    if (rc == 0)
        rc = case_event(m->c, h.id, m->a, &e, m->err);
    if (rc)
        return rc;
    const struct event *one = &e;
    n->issue = h.id;
    n->more_issues = total.n - 1;
    n->issue_timed = e.timed;
    n->issued = e.t;
    n->issuer = e.actor;
    n->action = e.action;
    n->issue_ip = e.ip;
    n->parent = e.key;
    if (!str_starts(case_text(m->c, n->key), STR("ASIA")))
        return 0; /* AWS IAM User Guide: only these are temporary */
    return expiry_read(m->raw, &one, 1, &n->expiry, m->err);
}

static int has_address(void *ctx, struct casedb *c, const struct event *e)
{
    (void)ctx;
    (void)c;
    return e->ip != 0;
}

/* By asking for the next use from none of those known so far: the cost goes
 * by the number of addresses, not of uses. */
static int find_addresses(struct making *m, struct lineage_node *n,
                          const struct plan *uses)
{
    uint32_t ids[LINEAGE_ADDRESSES];
    struct plan known = any_of(ids, 0, ROLE_BIT(ROLE_FROM));
    struct plan other = { .op = PLAN_NOT, .a = &known };
    struct plan test = { .op = PLAN_TEST, .test = has_address };
    struct plan rest = both(uses, &other), next = both(&rest, &test);
    uint64_t sum = 0;
    int rc = 0;
    while (n->n_addresses < LINEAGE_ADDRESSES && sum < n->n) {
        struct lineage_address *to = &n->addresses[n->n_addresses];
        struct scan_total total;
        struct event e;
        struct hit h;
        rc = first_of(m, &next, &h);
        if (rc || h.id == 0)
            break;
        rc = case_event(m->c, h.id, m->a, &e, m->err);
        if (rc)
            break;
        ids[known.n++] = to->id = e.ip;
        n->n_addresses++;
        struct plan here = any_of(&to->id, 1, ROLE_BIT(ROLE_FROM));
        struct plan from = both(uses, &here);
        rc = count_of(m, &from, &total);
        if (rc)
            break;
        to->n = total.n;
        sum += total.n;
    }
    n->elsewhere = n->n > sum ? n->n - sum : 0;
    return rc;
}

static int find_late(struct making *m, struct lineage_node *n,
                     const struct plan *uses)
{
    struct plan after = { .op = PLAN_TIME,
                          .from = n->expiry.t,
                          .to = { INT64_MAX, 0 } };
    struct plan late = both(uses, &after);
    struct scan_total total;
    if (!n->expiry.known || !n->timed || instant_cmp(n->last, n->expiry.t) < 0)
        return 0;
    int rc = count_of(m, &late, &total);
    n->late = rc ? 0 : total.n;
    return rc;
}

static int find_uses(struct making *m, struct lineage_node *n)
{
    struct plan uses = any_of(&n->key, 1, ROLE_BIT(ROLE_ACTOR));
    struct scan_total total;
    struct event e;
    struct hit h;
    int rc = count_of(m, &uses, &total);
    if (rc || total.n == 0)
        return rc;
    n->n = total.n;
    n->timed = total.n > total.undated;
    n->first = total.first;
    n->last = total.last;
    n->early =
        n->timed && n->issue_timed && instant_cmp(n->first, n->issued) < 0;
    rc = first_of(m, &uses, &h);
    if (rc == 0)
        rc = case_event(m->c, h.id, m->a, &e, m->err);
    if (rc)
        return rc;
    n->first_event = h.id;
    n->user = e.actor;
    rc = find_addresses(m, n, &uses);
    return rc ? rc : find_late(m, n, &uses);
}

/* ---- up and down --------------------------------------------------------- */

/* The key at the top of the chain that ends in `key`; of a cycle, where it
 * closes. */
static int find_root(struct making *m, uint32_t key, uint32_t *root)
{
    struct buf seen = { 0 };
    int rc = put_id(m, &seen, key);
    *root = key;
    while (rc == 0) {
        struct plan p = any_of(root, 1, ROLE_BIT(ROLE_ISSUED));
        struct event e = { 0 };
        struct hit h;
        rc = first_of(m, &p, &h);
        if (rc == 0 && h.id)
            rc = case_event(m->c, h.id, m->a, &e, m->err);
        if (rc || e.key == 0 || has_id(&seen, e.key))
            break;
        *root = e.key;
        rc = put_id(m, &seen, e.key);
    }
    buf_free(&seen);
    return rc;
}

static int push(struct making *m, struct step s)
{
    buf_put(&m->todo, (struct str){ (const char *)&s, sizeof(s) });
    return m->todo.failed ? no_memory(m) : 0;
}

/* Keys that calls signed with this one issued, so that the first is on top. */
static int push_children(struct making *m, const struct step *s)
{
    size_t n;
    const uint32_t *actions = ids_of(&m->actions, &n);
    struct plan signed_by = any_of(&s->key, 1, ROLE_BIT(ROLE_ACTOR));
    struct plan issues = any_of(actions, n, 0);
    struct plan p = both(&signed_by, &issues);
    struct arena row = { 0 };
    struct buf found = { 0 };
    struct scan *scan;
    struct hit h;
    int rc = scan_open(m->c, &p, NULL, false, &scan, m->err);
    if (rc)
        return rc;
    while ((rc = scan_next(scan, &h, m->err)) > 0) {
        struct event_ref *refs;
        size_t n_refs = 0;
        arena_reset(&row);
        rc = case_event_refs(m->c, h.id, &row, &refs, &n_refs, m->err);
        for (size_t i = 0; i < n_refs && rc == 0; i++)
            if (refs[i].role == ROLE_ISSUED &&
                refs[i].id >> KIND_SHIFT == KIND_KEY &&
                !has_id(&found, refs[i].id))
                rc = put_id(m, &found, refs[i].id);
        if (rc || found.n > LINEAGE_KEYS * sizeof(uint32_t))
            break;
    }
    scan_close(scan);
    const uint32_t *children = ids_of(&found, &n);
    rc = rc < 0 ? rc : 0;
    while (n > 0 && rc == 0)
        rc = push(m, (struct step){ children[--n], s->key, s->depth + 1 });
    buf_free(&found);
    arena_free(&row);
    return rc;
}

static int list_key(struct making *m, const struct step *s)
{
    struct lineage_node *n = &m->out->nodes[m->out->n++];
    *n = (struct lineage_node){ .depth = s->depth, .key = s->key };
    m->path.n = s->depth * sizeof(uint32_t);
    n->again = has_id(&m->path, s->key);
    int rc = find_issue(m, n);
    if (s->parent)
        n->parent = s->parent;
    if (rc == 0)
        rc = find_uses(m, n);
    if (rc == 0)
        rc = put_id(m, &m->path, s->key);
    if (rc == 0 && !has_id(&m->known, s->key))
        rc = put_id(m, &m->known, s->key);
    if (rc || n->again || n->n == 0)
        return rc;
    return push_children(m, s);
}

static int list_below(struct making *m, uint32_t root)
{
    int rc = push(m, (struct step){ root, 0, 0 });
    while (rc == 0 && m->todo.n) {
        struct step s;
        m->todo.n -= sizeof(s);
        memcpy(&s, m->todo.p + m->todo.n, sizeof(s));
        if (m->out->n == LINEAGE_KEYS) {
            m->out->cut = true;
            m->todo.n = 0;
            break;
        }
        rc = analyzer_tick(m->ticker, "following keys", m->out->n, 0, m->err);
        if (rc == 0)
            rc = list_key(m, &s);
    }
    return rc;
}

/* ---- where to begin ------------------------------------------------------ */

static int has_key(void *ctx, struct casedb *c, const struct event *e)
{
    (void)ctx;
    (void)c;
    return e->key != 0;
}

/* Keys that signed calls in which the entity acts: as find_addresses does. */
static int keys_used(struct making *m, uint32_t entity, struct buf *keys)
{
    struct plan acts =
        any_of(&entity, 1, ROLE_BIT(ROLE_ACTOR) | ROLE_BIT(ROLE_ISSUER));
    struct plan known = any_of(NULL, 0, ROLE_BIT(ROLE_ACTOR));
    struct plan other = { .op = PLAN_NOT, .a = &known };
    struct plan test = { .op = PLAN_TEST, .test = has_key };
    struct plan rest = both(&acts, &other), next = both(&rest, &test);
    int rc = 0;
    while (rc == 0) {
        struct event e;
        struct hit h;
        known.ids = ids_of(keys, &known.n);
        if (known.n == LINEAGE_KEYS) {
            m->out->cut = true;
            break;
        }
        rc = first_of(m, &next, &h);
        if (rc || h.id == 0)
            break;
        rc = case_event(m->c, h.id, m->a, &e, m->err);
        if (rc == 0)
            rc = put_id(m, keys, e.key);
    }
    return rc;
}

/* Keys that calls about the entity issued (the role that was assumed). */
static int keys_issued(struct making *m, uint32_t entity, struct buf *keys)
{
    size_t n;
    const uint32_t *actions = ids_of(&m->actions, &n);
    struct plan of = any_of(&entity, 1, 0), issues = any_of(actions, n, 0);
    struct plan p = both(&of, &issues);
    struct arena row = { 0 };
    struct scan *scan;
    struct hit h;
    int rc = scan_open(m->c, &p, NULL, false, &scan, m->err);
    if (rc)
        return rc;
    while ((rc = scan_next(scan, &h, m->err)) > 0) {
        struct event_ref *refs;
        size_t n_refs = 0;
        arena_reset(&row);
        rc = case_event_refs(m->c, h.id, &row, &refs, &n_refs, m->err);
        bool target = false;
        for (size_t i = 0; i < n_refs && rc == 0; i++)
            target |= refs[i].id == entity && refs[i].role != ROLE_ACTOR &&
                      refs[i].role != ROLE_ISSUER;
        for (size_t i = 0; i < n_refs && rc == 0 && target; i++)
            if (refs[i].role == ROLE_ISSUED &&
                refs[i].id >> KIND_SHIFT == KIND_KEY &&
                !has_id(keys, refs[i].id))
                rc = put_id(m, keys, refs[i].id);
        if (rc)
            break;
        if (keys->n >= LINEAGE_KEYS * sizeof(uint32_t)) {
            m->out->cut = true;
            break;
        }
    }
    scan_close(scan);
    arena_free(&row);
    return rc < 0 ? rc : 0;
}

static int list_entity(struct making *m, uint32_t entity)
{
    struct buf keys = { 0 }, roots = { 0 };
    size_t n;
    int rc = entity >> KIND_SHIFT == KIND_KEY ? put_id(m, &keys, entity) : 0;
    if (entity >> KIND_SHIFT != KIND_KEY) {
        rc = keys_used(m, entity, &keys);
        if (rc == 0)
            rc = keys_issued(m, entity, &keys);
    }
    uint32_t *v = ids_of(&keys, &n);
    for (size_t i = 0; i < n && rc == 0; i++) {
        uint32_t root;
        rc = find_root(m, v[i], &root);
        if (rc == 0 && !has_id(&roots, root))
            rc = put_id(m, &roots, root);
    }
    v = ids_of(&roots, &n);
    if (n)
        qsort(v, n, sizeof(*v), by_number);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (!has_id(&m->known, v[i]))
            rc = list_below(m, v[i]);
    buf_free(&keys);
    buf_free(&roots);
    return rc;
}

/* ---- what is not known --------------------------------------------------- */

static int count_gap(void *ctx, const struct coverage *v)
{
    struct lineage *l = ctx;
    l->gaps +=
        str_starts(v->source, STR("cloudtrail")) && v->state != COVER_PRESENT;
    return 0;
}

int lineage_make(struct casedb *c, uint32_t entity,
                 const struct raw_reader *raw, const struct analyzer_ticker *t,
                 struct arena *a, struct lineage *out, struct err *err)
{
    struct making m = {
        .c = c, .raw = raw, .ticker = t, .a = a, .out = out, .err = err
    };
    uint64_t seen = 0;
    *out = (struct lineage){ 0 };
    out->nodes = arena_array(a, LINEAGE_KEYS, sizeof(*out->nodes));
    int rc = out->nodes ? find_actions(&m) : no_memory(&m);
    if (rc == 0)
        rc = list_entity(&m, entity);
    if (rc == 0)
        rc = case_analyzed(c, &seen, err);
    out->analyzed = seen > 0;
    if (rc == 0)
        rc = case_coverage(c, count_gap, out, err);
    buf_free(&m.actions);
    buf_free(&m.todo);
    buf_free(&m.path);
    buf_free(&m.known);
    return rc;
}

static void begin_remark(struct buf *out, size_t start)
{
    if (out->n > start)
        buf_putz(out, "; ");
}

void lineage_put_remarks(const struct lineage_node *n, struct buf *out)
{
    char text[TIME_TEXT_MAX];
    size_t start = out->n;
    if (n->again)
        buf_putz(out, "a cycle: listed above");
    if (!n->issue) {
        begin_remark(out, start);
        buf_putz(out, "its issue is not in the evidence");
    }
    if (n->n == 0) {
        begin_remark(out, start);
        buf_putz(out, "no call signed with it is in the evidence");
    }
    if (n->early) {
        begin_remark(out, start);
        buf_putz(out, "used before it was issued");
    }
    if (n->late) {
        begin_remark(out, start);
        size_t len = time_format(text, n->expiry.t, 0, 0);
        buf_printf(out, "%llu call%s after %s, ", (unsigned long long)n->late,
                   n->late == 1 ? "" : "s",
                   n->expiry.stated ? "its expiry"
                                    : "the longest life of such a key");
        buf_put(out, (struct str){ text, len });
    }
    if (n->more_issues) {
        begin_remark(out, start);
        buf_printf(out, "also in %llu other answers",
                   (unsigned long long)n->more_issues);
    }
}
