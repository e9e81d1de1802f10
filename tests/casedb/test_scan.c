/*
 * Index and queries against brute force: cases of random events, random plans,
 * anchors and buckets, all from fixed seeds. What the events were is kept in
 * memory, so nothing of the index takes part in the expectation.
 */
#include "casedb/batch.h"
#include "casedb/cache.h"
#include "casedb/posting.h"
#include "casedb/query.h"
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINKS = 24, PER_KIND = 400, KINDS = 6 };

struct row {
    int64_t id;
    bool timed;
    struct instant t;
    size_t n_links;
    struct event_ref links[LINKS];
    uint32_t uid, request; /* numbers of texts, 0 none */
};

/* A case and what went into it. */
struct model {
    struct casedb *c;
    struct row *rows; /* in order of time */
    size_t n;
    uint32_t ids[KINDS][PER_KIND]; /* 0 = not used */
    uint64_t sightings;
    uint64_t rng;
};

static struct err err;

static const unsigned kinds[KINDS] = {
    KIND_SOURCE, KIND_ACTION, KIND_IP, KIND_PRINCIPAL, KIND_KEY, KIND_OBJECT
};
static const unsigned used_of[KINDS] = { 2, 12, 400, 60, 150, 400 };

static uint32_t below(struct model *m, uint32_t n)
{
    uint64_t z = m->rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % n);
}

static bool chance(struct model *m, unsigned percent)
{
    return below(m, 100) < percent;
}

static void good(int rc)
{
    ck_assert_msg(rc >= 0, "%d %s", rc, err.what);
}

/* ---- making ---------------------------------------------------------------
 */

static struct str text_of(char out[64], const char *what, unsigned kind,
                          unsigned i)
{
    int n = snprintf(out, 64, "%s-%u-%u", what, kind, i);
    return (struct str){ out, (size_t)n };
}

static uint32_t entity(struct model *m, struct intake *in, unsigned k,
                       unsigned i)
{
    char text[64];
    uint32_t id = intake_entity(in, kinds[k], text_of(text, "v", k, i));
    ck_assert_uint_ne(id, 0);
    m->ids[k][i] = id;
    return id;
}

/* Skewed: small numbers are drawn most. */
static unsigned skewed(struct model *m, unsigned n)
{
    return chance(m, 60) ? below(m, n / 20 + 1) : below(m, n);
}

static struct instant random_time(struct model *m)
{
    struct instant t = { 1000 + below(m, 3000), 0 };
    if (chance(m, 30))
        t.s = 1500; /* many equal times */
    if (chance(m, 2))
        t.s = -5000000000ll + below(m, 100);
    if (chance(m, 2))
        t.s = 250000000000ll + below(m, 100);
    if (chance(m, 25))
        t.ns = chance(m, 50) ? 999999999 : below(m, 1000000000);
    return t;
}

static void link_to(struct row *r, uint32_t id, uint8_t role)
{
    r->links[r->n_links++] = (struct event_ref){ id, role };
}

static void set_column(struct model *m, struct intake *in,
                       struct intake_event *e, struct row *r, int column,
                       unsigned k, unsigned percent)
{
    if (!chance(m, percent))
        return;
    e->col[column] = entity(m, in, k, skewed(m, used_of[k]));
    link_to(r, e->col[column], column_role(column));
}

static void random_event(struct model *m, struct intake *in, unsigned spread)
{
    struct row *r = &m->rows[m->n];
    struct intake_event e = { .off = m->n * 10, .len = 10 };
    struct intake_ref refs[8];
    char uid[64], request[64];
    *r = (struct row){ .id = (int64_t)++m->n, .timed = !chance(m, 12) };
    if (r->timed)
        r->t = random_time(m);
    e.timed = r->timed;
    e.t = r->t;
    set_column(m, in, &e, r, COL_SOURCE, 0, 100);
    set_column(m, in, &e, r, COL_ACTION, 1, 100);
    set_column(m, in, &e, r, COL_IP, 2, 80);
    set_column(m, in, &e, r, COL_ACTOR, 3, 90);
    set_column(m, in, &e, r, COL_TARGET, 3, 40);
    set_column(m, in, &e, r, COL_KEY, 4, 50);
    for (unsigned i = below(m, 6); i > 0; i--) {
        unsigned k = 2 + below(m, KINDS - 2);
        refs[e.n_refs] =
            (struct intake_ref){ entity(m, in, k, skewed(m, used_of[k])),
                                 (uint8_t)below(m, 6) };
        link_to(r, refs[e.n_refs].id, refs[e.n_refs].role);
        e.n_refs++;
    }
    e.refs = refs;
    r->uid = chance(m, 80) ? (uint32_t)m->n : 0;
    r->request = chance(m, 60) ? 1 + below(m, spread) : 0;
    if (r->uid)
        e.uid = text_of(uid, "id", 0, r->uid);
    if (r->request) /* sometimes the same text as a uid */
        e.request = text_of(request, "id", 0, r->request);
    good(intake_event(in, &e, &err));
    if (r->uid && chance(m, 5)) {
        e.off += 5;
        good(intake_event(in, &e, &err)); /* delivered again */
        m->sightings++;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->timed != y->timed)
        return x->timed ? 1 : -1;
    int d = x->timed ? instant_cmp(x->t, y->t) : 0;
    return d ? d : x->id < y->id ? -1 : x->id > y->id;
}

static void make(struct model *m, uint64_t seed, size_t n, uint32_t batch)
{
    const struct case_info info = { .title = STR("t"),
                                    .examiner = STR("alice"),
                                    .version = STR("0") };
    char path[500];
    struct intake *in;
    uint64_t done;
    const struct intake_options o = { .path = STR("/evidence"),
                                      .version = STR("0"),
                                      .libraries = STR(""),
                                      .options = STR(""),
                                      .batch = batch };
    *m = (struct model){ .rng = seed };
    m->rows = calloc(n, sizeof(*m->rows));
    ck_assert(m->rows != NULL);
    snprintf(path, sizeof(path), "%s/%llu.kan", tap_dir(),
             (unsigned long long)seed);
    good(case_create(path, &info, &err));
    good(case_open(path, CASE_WRITE, &m->c, &err));
    good(intake_open(m->c, &o, &in, &done, &err));
    good(intake_run(in, &o, STR("none"), 1, &err));
    good(intake_member(in, STR("a.json"), STR(""), STR("test"), 1, &err));
    while (m->n < n)
        random_event(m, in, n > 5000 ? 3 : 500);
    /* a value of no event, in a batch of its own */
    good(intake_flush(in, &err));
    ck_assert_uint_ne(intake_entity(in, KIND_USER, STR("nobody")), 0);
    good(intake_member_end(in, STR(""), &err));
    good(intake_file_done(in, &err));
    good(intake_finish(in, STR("log"), 1, 1, STR(""), &err));
    intake_close(in);
    qsort(m->rows, m->n, sizeof(*m->rows), by_time);
}

static void drop(struct model *m)
{
    case_close(m->c);
    free(m->rows);
}

/* ---- plans ----------------------------------------------------------------
 */

static int test_id(void *ctx, struct casedb *c, const struct event *e)
{
    (void)c;
    return e->id % *(const int64_t *)ctx == 0;
}

static int64_t divisors[] = { 2, 3, 7 };

static void random_ids(struct model *m, struct arena *a, struct plan *p)
{
    unsigned k = below(m, KINDS), n = below(m, 5);
    if (chance(m, 25))
        n = 30 + below(m, 300);
    uint32_t *ids = arena_array(a, n + 1, sizeof(*ids));
    for (p->n = 0; p->n < n;) {
        uint32_t id = chance(m, 90) ? m->ids[k][below(m, used_of[k])]
                                    : (uint32_t)kinds[k] << KIND_SHIFT |
                                          (1 + below(m, 900));
        ids[p->n++] = id ? id : (uint32_t)kinds[k] << KIND_SHIFT | 1000;
    }
    p->ids = ids;
    p->role_mask = chance(m, 50) ? 0 : 1u + below(m, 255);
}

static void random_events(struct model *m, struct arena *a, struct plan *p)
{
    size_t n = below(m, 40);
    int64_t *v = arena_array(a, n + 1, sizeof(*v)), at = 0;
    for (p->n = 0; p->n < n; p->n++)
        v[p->n] = at += 1 + below(m, 1 + (uint32_t)m->n / 30);
    p->events = v;
}

static struct instant near_time(struct model *m)
{
    struct instant t = m->rows[below(m, (uint32_t)m->n)].t;
    if (chance(m, 50))
        t.ns = t.ns < 999999999 ? t.ns + 1 : 0;
    if (chance(m, 30))
        t = (struct instant){ 900 + below(m, 3300), 0 };
    return t;
}

static struct plan *random_plan(struct model *m, struct arena *a, int depth)
{
    struct plan *p = arena_alloc(a, sizeof(*p));
    unsigned r = below(m, depth > 0 ? 20 : 10);
    static const enum plan_op leaves[] = {
        PLAN_ANY_OF, PLAN_ANY_OF,  PLAN_ANY_OF, PLAN_ANY_OF, PLAN_TIME,
        PLAN_TIME,   PLAN_UNDATED, PLAN_EVENTS, PLAN_TEST,   PLAN_ALL
    };
    ck_assert(p != NULL);
    p->op = r < 10   ? leaves[r]
            : r < 14 ? PLAN_AND
            : r < 18 ? PLAN_OR
            : r < 19 ? PLAN_NOT
                     : PLAN_NONE;
    if (p->op == PLAN_AND || p->op == PLAN_OR || p->op == PLAN_NOT)
        p->a = random_plan(m, a, depth - 1);
    if (p->op == PLAN_AND || p->op == PLAN_OR)
        p->b = random_plan(m, a, depth - 1);
    if (p->op == PLAN_ANY_OF)
        random_ids(m, a, p);
    if (p->op == PLAN_EVENTS)
        random_events(m, a, p);
    if (p->op == PLAN_TIME) {
        p->from = near_time(m);
        p->to = near_time(m);
    }
    p->test = test_id;
    p->ctx = &divisors[below(m, 3)];
    return p;
}

static bool any_of(const struct plan *p, const struct row *r)
{
    for (size_t k = 0; k < r->n_links; k++)
        for (size_t i = 0; i < p->n; i++)
            if (p->ids[i] == r->links[k].id &&
                (!p->role_mask || p->role_mask >> r->links[k].role & 1))
                return true;
    return false;
}

static bool matches(const struct plan *p, const struct row *r)
{
    switch (p->op) {
    case PLAN_ALL:
        return true;
    case PLAN_NONE:
        return false;
    case PLAN_ANY_OF:
        return any_of(p, r);
    case PLAN_AND:
        return matches(p->a, r) && matches(p->b, r);
    case PLAN_OR:
        return matches(p->a, r) || matches(p->b, r);
    case PLAN_NOT:
        return !matches(p->a, r);
    case PLAN_TIME:
        return r->timed && instant_cmp(r->t, p->from) >= 0 &&
               instant_cmp(r->t, p->to) < 0;
    case PLAN_UNDATED:
        return !r->timed;
    case PLAN_EVENTS:
        for (size_t i = 0; i < p->n; i++)
            if (p->events[i] == r->id)
                return true;
        return false;
    case PLAN_TEST:
        return r->id % *(const int64_t *)p->ctx == 0;
    }
    return false;
}

/* ---- scans ----------------------------------------------------------------
 */

static void check_scan(struct model *m, const struct plan *p,
                       const bool *expected, const struct hit *anchor,
                       bool reverse, size_t limit)
{
    struct scan *s;
    struct hit h;
    struct row a = { 0 };
    if (anchor)
        a = (struct row){ .id = anchor->id,
                          .timed = anchor->timed,
                          .t = anchor->t };
    good(scan_open(m->c, p, anchor, reverse, &s, &err));
    for (size_t i = 0; i < m->n && limit; i++) {
        size_t at = reverse ? m->n - 1 - i : i;
        const struct row *r = &m->rows[at];
        int d = anchor ? by_time(r, &a) : 1;
        if (!expected[at] || (anchor && (reverse ? d >= 0 : d <= 0)))
            continue;
        int rc = scan_next(s, &h, &err);
        good(rc);
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(h.id, r->id);
        ck_assert_int_eq(h.timed, r->timed);
        if (r->timed)
            ck_assert_int_eq(instant_cmp(h.t, r->t), 0);
        limit--;
    }
    if (limit)
        ck_assert_int_eq(scan_next(s, &h, &err), 0);
    scan_close(s);
}

static struct hit random_anchor(struct model *m)
{
    const struct row *r = &m->rows[below(m, (uint32_t)m->n)];
    struct hit h = { r->timed, r->t, r->id };
    switch (below(m, 6)) {
    case 0:
        h.id += chance(m, 50) ? 1 : -1;
        break;
    case 1:
        h.t = near_time(m);
        break;
    case 2:
        h.timed = false;
        break;
    case 3:
        h.t.s = chance(m, 50) ? INT64_MIN : INT64_MAX;
        h.t.ns = 999999999;
        break;
    default:
        break;
    }
    return h;
}

static void check_count(struct model *m, const struct plan *p,
                        const bool *expected)
{
    uint64_t counts[40] = { 0 }, want[40] = { 0 };
    size_t n = below(m, 40);
    struct instant from = near_time(m), to = near_time(m);
    struct scan_total got, sum = { 0 };
    bool any = false;
    __int128 span = ((__int128)to.s - from.s) * 1000000000 + to.ns - from.ns;
    for (size_t i = 0; i < m->n; i++) {
        const struct row *r = &m->rows[i];
        if (!expected[i])
            continue;
        sum.n++;
        sum.undated += !r->timed;
        if (!r->timed)
            continue;
        sum.first = any ? sum.first : r->t;
        sum.last = r->t;
        any = true;
        if (instant_cmp(r->t, from) < 0)
            sum.before++;
        else if (instant_cmp(r->t, to) >= 0)
            sum.after++;
        else if (n)
            want[(size_t)((((__int128)r->t.s - from.s) * 1000000000 + r->t.ns -
                           from.ns) *
                          (__int128)n / span)]++;
    }
    good(scan_count(m->c, p, from, to, counts, n, &got, &err));
    ck_assert_uint_eq(got.n, sum.n);
    ck_assert_uint_eq(got.undated, sum.undated);
    ck_assert_int_eq(instant_cmp(got.first, sum.first), 0);
    ck_assert_int_eq(instant_cmp(got.last, sum.last), 0);
    if (n) {
        ck_assert_uint_eq(got.before, sum.before);
        ck_assert_uint_eq(got.after, sum.after);
        ck_assert(memcmp(counts, want, sizeof(want)) == 0);
    }
    good(scan_count(m->c, p, from, to, NULL, 0, &got, &err));
    ck_assert_uint_eq(got.n, sum.n);
    ck_assert_int_eq(instant_cmp(got.last, sum.last), 0);
}

static void check_plans(struct model *m, unsigned rounds)
{
    bool *expected = malloc(m->n);
    struct arena a = { 0 };
    for (unsigned i = 0; i < rounds; i++) {
        arena_reset(&a);
        const struct plan *p = random_plan(m, &a, (int)below(m, 5));
        for (size_t k = 0; k < m->n; k++)
            expected[k] = matches(p, &m->rows[k]);
        check_scan(m, p, expected, NULL, false, SIZE_MAX);
        check_scan(m, p, expected, NULL, true, SIZE_MAX);
        for (unsigned k = 0; k < 6; k++) {
            struct hit h = random_anchor(m);
            check_scan(m, p, expected, &h, k & 1, 50);
        }
        check_count(m, p, expected);
    }
    arena_free(&a);
    free(expected);
}

/* ---- entities -------------------------------------------------------------
 */

static struct entity_count brute_entity(const struct model *m, uint32_t id)
{
    struct entity_count e = { .id = id };
    bool any = false;
    for (size_t i = 0; i < m->n; i++) {
        uint32_t roles = 0;
        for (size_t k = 0; k < m->rows[i].n_links; k++)
            if (m->rows[i].links[k].id == id)
                roles |= 1u << m->rows[i].links[k].role;
        e.roles |= roles;
        e.n += roles != 0;
        if (!roles || !m->rows[i].timed)
            continue;
        e.first = any ? e.first : m->rows[i].t;
        e.last = m->rows[i].t;
        any = true;
    }
    return e;
}

static void same_entity(const struct entity_count *got,
                        const struct entity_count *want, bool times)
{
    ck_assert_uint_eq(got->id, want->id);
    ck_assert_uint_eq(got->n, want->n);
    ck_assert_uint_eq(got->roles, want->roles);
    if (times) {
        ck_assert_int_eq(instant_cmp(got->first, want->first), 0);
        ck_assert_int_eq(instant_cmp(got->last, want->last), 0);
    }
}

static void check_top(struct model *m, unsigned k, size_t limit)
{
    struct arena a = { 0 };
    struct entity_count *v;
    size_t n, all = 0;
    for (unsigned i = 0; i < used_of[k]; i++)
        all += m->ids[k][i] != 0;
    good(case_entities_top(m->c, kinds[k], limit, &a, &v, &n, &err));
    ck_assert_uint_eq(n, limit && limit < all ? limit : all);
    for (size_t i = 0; i < n; i++) {
        struct entity_count want = brute_entity(m, v[i].id);
        same_entity(&v[i], &want, limit != 0);
        if (i > 0)
            ck_assert(v[i - 1].n > v[i].n ||
                      (v[i - 1].n == v[i].n && v[i - 1].id < v[i].id));
    }
    arena_free(&a);
}

static int count_ids(void *ctx, uint32_t id, struct str value)
{
    (void)id;
    (void)value;
    ++*(size_t *)ctx;
    return 0;
}

static void check_values(struct model *m)
{
    char text[64];
    for (unsigned k = 0; k < KINDS; k++) {
        size_t globbed = 0, all = 0;
        for (unsigned i = 0; i < used_of[k]; i++) {
            uint32_t id = m->ids[k][i];
            struct str value = text_of(text, "v", k, i);
            ck_assert_uint_eq(case_find(m->c, kinds[k], value), id);
            if (id)
                ck_assert(str_eq(case_text(m->c, id), value));
            all += id != 0;
        }
        ck_assert_uint_eq(case_find(m->c, kinds[k], STR("none")), 0);
        good(case_find_glob(m->c, kinds[k], STR("v-*"), count_ids, &globbed,
                            &err));
        ck_assert_uint_eq(globbed, all);
    }
    ck_assert_uint_ne(case_find(m->c, KIND_USER, STR("nobody")), 0);
}

struct found {
    const struct model *m;
    unsigned char *seen; /* per event id */
    size_t n;
};

static int find_event(void *ctx, int64_t event)
{
    struct found *f = ctx;
    ck_assert_int_gt(event, 0);
    ck_assert_int_le(event, (int64_t)f->m->n);
    ck_assert_msg(!f->seen[event], "E%lld twice", (long long)event);
    f->seen[event] = 1;
    f->n++;
    return 0;
}

static void check_uids(struct model *m, unsigned rounds)
{
    char text[64];
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t uid = i < 3 ? i + 1 : 1 + below(m, (uint32_t)m->n + 20);
        struct found f = { m, calloc(m->n + 1, 1), 0 };
        size_t want = 0;
        good(case_find_uid(m->c, text_of(text, "id", 0, uid), find_event, &f,
                           &err));
        for (size_t k = 0; k < m->n; k++) {
            bool is = m->rows[k].uid == uid || m->rows[k].request == uid;
            ck_assert(f.seen[m->rows[k].id] == is);
            want += is;
        }
        ck_assert_uint_eq(f.n, want);
        free(f.seen);
    }
}

static int add_minute(void *ctx, int64_t minute, uint32_t source, uint64_t n)
{
    (void)minute;
    (void)source;
    *(uint64_t *)ctx += n;
    return 0;
}

static int add_sighting(void *ctx, int64_t member, uint64_t off, uint32_t len)
{
    (void)member;
    (void)len;
    ck_assert_uint_eq(off % 10, 5);
    ++*(uint64_t *)ctx;
    return 0;
}

static void check_rows(struct model *m)
{
    struct arena a = { 0 };
    uint64_t sightings = 0, minutes = 0, undated = 0, in_range = 0;
    struct scan_total span;
    for (size_t i = 0; i < m->n; i++) {
        const struct row *r = &m->rows[i];
        struct event_ref *v;
        size_t n;
        arena_reset(&a);
        good(case_event_refs(m->c, r->id, &a, &v, &n, &err));
        ck_assert_uint_eq(n, r->n_links);
        for (size_t k = 0; k < n; k++) /* in the order of the columns */
            ck_assert(any_of(&(struct plan){ .ids = &v[k].id,
                                             .n = 1,
                                             .role_mask = 1u << v[k].role },
                             r));
        good(case_sightings(m->c, r->id, add_sighting, &sightings, &err));
        undated += !r->timed;
        in_range += r->timed && r->t.s >= 1200 && r->t.s < 1860;
    }
    ck_assert_uint_eq(sightings, m->sightings);
    good(case_minutes(m->c, 1200, 1859, add_minute, &minutes, &err));
    ck_assert_uint_eq(minutes, in_range);
    good(case_span(m->c, &span, &err));
    ck_assert_uint_eq(span.n, m->n);
    ck_assert_uint_eq(span.undated, undated);
    ck_assert_int_eq(span.first.s, m->rows[undated].t.s);
    ck_assert_int_eq(span.last.s, m->rows[m->n - 1].t.s);
    arena_free(&a);
}

static void check_all(struct model *m, unsigned rounds)
{
    check_plans(m, rounds);
    for (unsigned k = 0; k < KINDS; k++) {
        check_top(m, k, 0);
        check_top(m, k, 5);
        for (unsigned i = 0; i < 5; i++) {
            uint32_t id = m->ids[k][below(m, used_of[k])];
            struct entity_count got, want = brute_entity(m, id);
            if (id) {
                good(case_entity(m->c, id, &got, &err));
                same_entity(&got, &want, true);
            }
        }
    }
    check_values(m);
    check_uids(m, 40);
    check_rows(m);
    good(case_verify(m->c, &err));
}

START_TEST(small_batches_answer_as_brute_force)
{
    struct model m;
    for (unsigned seed = 1; seed <= 4; seed++) {
        make(&m, seed, 600 + 400 * seed, 30 + 70 * seed);
        check_all(&m, 60);
        drop(&m);
    }
}
END_TEST

START_TEST(long_lists_answer_as_brute_force)
{
    struct model m;
    make(&m, 100, 14000, 8000);
    check_all(&m, 40);
    drop(&m);
}
END_TEST

START_TEST(a_rebuilt_index_answers_the_same)
{
    struct model m;
    make(&m, 200, 6000, 2500);
    check_all(&m, 10);
    good(case_reindex(m.c, &err));
    check_all(&m, 30);
    drop(&m);
}
END_TEST

/* ---- damage ---------------------------------------------------------------
 */

static void sql(struct casedb *c, const char *text)
{
    ck_assert_msg(sqlite3_exec(c->db, text, NULL, NULL, NULL) == SQLITE_OK,
                  "%s: %s", text, sqlite3_errmsg(c->db));
}

static void damage_row(struct model *m, const char *table)
{
    char text[160];
    sqlite3_stmt *st;
    snprintf(text, sizeof(text),
             "SELECT id, data FROM %s LIMIT 1 OFFSET %u %% (SELECT count(*)"
             " FROM %s)",
             table, below(m, 100000), table);
    ck_assert_int_eq(sqlite3_prepare_v2(m->c->db, text, -1, &st, NULL), 0);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    int64_t id = sqlite3_column_int64(st, 0);
    struct str old = db_col(st, 1);
    struct buf b = { 0 };
    buf_put(&b, old);
    sqlite3_finalize(st);
    for (unsigned i = 1 + below(m, 6); i > 0 && b.n; i--)
        b.p[below(m, chance(m, 50) ? (uint32_t)b.n : 1 + (uint32_t)b.n / 8)] ^=
            (char)(1u << below(m, 8) | (chance(m, 30) ? 0x80 : 0));
    if (chance(m, 20))
        b.n = below(m, (uint32_t)b.n + 1);
    if (chance(m, 10))
        buf_put(&b, STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x7f"));
    snprintf(text, sizeof(text), "UPDATE %s SET data=?1 WHERE id=?2", table);
    ck_assert_int_eq(sqlite3_prepare_v2(m->c->db, text, -1, &st, NULL), 0);
    sqlite3_bind_blob(st, 1, b.n ? b.p : "", (int)b.n, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, id);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    buf_free(&b);
}

static void damage_batch(struct model *m)
{
    static const char *const columns[] = { "id",       "first_event",
                                           "n_events", "n_undated",
                                           "min_s",    "max_s" };
    static const char *const values[] = { "-1",
                                          "0",
                                          "70000",
                                          "131073",
                                          "4294967297",
                                          "9223372036854775807",
                                          "-9223372036854775807" };
    char text[200];
    snprintf(text, sizeof(text),
             "UPDATE OR REPLACE batch SET %s=%s WHERE id=1+%u",
             columns[below(m, 6)], values[below(m, 7)], below(m, 4));
    sql(m->c, text);
}

static int ignore_event(void *ctx, int64_t event)
{
    (void)ctx;
    (void)event;
    return 0;
}

static void fair(int rc)
{
    ck_assert_msg(rc >= 0 || (err.code == rc && err.what[0]), "%d", rc);
}

static void query_damaged(struct model *m)
{
    struct arena a = { 0 };
    struct entity_count *v, one;
    struct scan_total total;
    struct scan *s;
    struct hit h, anchor = random_anchor(m);
    uint64_t counts[10] = { 0 };
    size_t n;
    char text[64];
    for (unsigned i = 0; i < 3; i++) {
        const struct plan *p = random_plan(m, &a, 3);
        size_t hits = 0;
        int rc = scan_open(m->c, p, i ? &anchor : NULL, i == 2, &s, &err);
        fair(rc);
        if (rc == 0) {
            while ((rc = scan_next(s, &h, &err)) == 1)
                ck_assert_uint_lt(hits++, m->n * 200);
            fair(rc);
            scan_close(s);
        }
        fair(scan_count(m->c, p, near_time(m), near_time(m), counts, 10, &total,
                        &err));
    }
    unsigned k = below(m, KINDS), i = below(m, used_of[k]);
    fair(case_entities_top(m->c, kinds[k], 3, &a, &v, &n, &err));
    fair(case_entity(m->c, m->ids[k][i], &one, &err));
    (void)case_find(m->c, kinds[k], text_of(text, "v", k, i));
    fair(case_find_uid(m->c, text_of(text, "id", 0, i), ignore_event, NULL,
                       &err));
    fair(case_verify_index(m->c, &err));
    arena_free(&a);
}

START_TEST(a_damaged_index_ends_in_an_error_or_an_answer)
{
    static const char tables[][12] = { "posting", "posting", "value_index",
                                       "uid_index" };
    struct model m;
    make(&m, 300, 5000, 2400);
    for (unsigned i = 0; i < 300; i++) {
        sql(m.c, "SAVEPOINT damage");
        unsigned which = below(&m, 5);
        if (which == 4)
            damage_batch(&m);
        else
            damage_row(&m, tables[which]);
        case_cache_drop(m.c);
        query_damaged(&m);
        sql(m.c, "ROLLBACK TO damage");
        sql(m.c, "RELEASE damage");
        case_cache_drop(m.c);
    }
    good(case_verify(m.c, &err));
    drop(&m);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("scan");
    tap_case(s, "small", small_batches_answer_as_brute_force);
    tap_case(s, "long", long_lists_answer_as_brute_force);
    tap_case(s, "rebuilt", a_rebuilt_index_answers_the_same);
    tap_case(s, "damaged", a_damaged_index_ends_in_an_error_or_an_answer);
    return s;
}
