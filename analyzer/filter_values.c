/* Terms over identifiers: values to the ids of a case. */
#include "analyzer/filter_plan.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum {
    /* Kinds with more values get no suggestion: it would take too long. */
    NEAREST_MAX = 20000,
    NEAREST_DISTANCE = 3,
    /* `has:` by lists up to so many values, then by rows. */
    HAS_MAX = 4096,
};

static bool has_kind(uint64_t kinds, unsigned kind)
{
    return kind_name(kind).n && (kinds == 0 || kinds >> kind & 1);
}

static unsigned next_kind(uint64_t kinds, unsigned kind)
{
    for (kind++; kind <= KIND_MAX; kind++)
        if (has_kind(kinds, kind))
            return kind;
    return 0;
}

static int keep(void *ctx, uint32_t id, struct str value)
{
    (void)value;
    filter_ids_add(ctx, id);
    return 0;
}

static int add_glob(struct compiler *k, uint64_t kinds, struct str pattern,
                    struct filter_ids *ids)
{
    int rc = 0;
    for (unsigned kind = 0; rc == 0 && (kind = next_kind(kinds, kind));)
        rc = case_find_glob(k->c, kind, pattern, keep, ids, k->err);
    return rc;
}

static void add_exact(struct compiler *k, uint64_t kinds, struct str value,
                      struct filter_ids *ids)
{
    for (unsigned kind = 0; (kind = next_kind(kinds, kind));) {
        uint32_t id = case_find(k->c, kind, value);
        if (id)
            filter_ids_add(ids, id);
    }
}

/* ---- addresses ----------------------------------------------------------- */

struct network {
    int family;
    unsigned bits;
    unsigned char bytes[16];
    struct filter_ids *ids;
};

static bool parse_address(struct str s, int *family, unsigned char bytes[16])
{
    char z[64];
    if (s.n >= sizeof(z) || s.n == 0 || memchr(s.p, 0, s.n))
        return false;
    memcpy(z, s.p, s.n);
    z[s.n] = 0;
    *family = memchr(z, ':', s.n) ? AF_INET6 : AF_INET;
    if (inet_pton(*family, z, bytes) != 1)
        return false;
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0,    0,
                                              0, 0, 0, 0, 0xff, 0xff };
    if (*family == AF_INET6 && memcmp(bytes, mapped, 12) == 0) {
        memmove(bytes, bytes + 12, 4);
        *family = AF_INET;
    }
    return true;
}

static int keep_in_network(void *ctx, uint32_t id, struct str value)
{
    struct network *n = ctx;
    unsigned char b[16];
    int family;
    if (!parse_address(value, &family, b) || family != n->family ||
        memcmp(b, n->bytes, n->bits / 8) != 0)
        return 0;
    unsigned rest = n->bits % 8;
    unsigned mask = 0xffu << (8 - rest) & 0xff;
    if (rest && (b[n->bits / 8] & mask) != (n->bytes[n->bits / 8] & mask))
        return 0;
    filter_ids_add(n->ids, id);
    return 0;
}

/* An address in the form that importers keep (RFC 5952), or a network. */
static int add_address(struct compiler *k, const struct filter_item *i,
                       struct filter_ids *ids)
{
    struct network n = { .ids = ids };
    const char *slash = memchr(i->text.p, '/', i->text.n);
    struct str host =
        str_sub(i->text, 0, slash ? (size_t)(slash - i->text.p) : i->text.n);
    uint64_t bits;
    char text[INET6_ADDRSTRLEN];
    bool v6 = memchr(host.p, ':', host.n) != NULL;
    if (!parse_address(host, &n.family, n.bytes))
        return 0; /* filter_parse has refused it */
    if (slash && str_u64(str_sub(i->text, host.n + 1, i->text.n), &bits)) {
        /* ::ffff:10.0.0.0/104 is 10.0.0.0/8 */
        if (v6 && n.family == AF_INET)
            bits = bits > 96 ? bits - 96 : 0;
        n.bits = (unsigned)bits;
        return case_find_glob(k->c, KIND_IP, STR("*"), keep_in_network, &n,
                              k->err);
    }
    if (inet_ntop(n.family, n.bytes, text, sizeof(text)))
        add_exact(k, UINT64_C(1) << KIND_IP, str_from(text), ids);
    return 0;
}

/* ---- outcomes ------------------------------------------------------------ */

static const char *const denials[] = {
    "*AccessDenied*",
    "*Unauthorized*",
    "*NotAuthorized*",
    "*Forbidden*",
    "*denied*",
    "401",
    "403",
    "REJECT",
};

static bool is_denied(struct str s)
{
    for (size_t i = 0; i < sizeof(denials) / sizeof(*denials); i++)
        if (str_glob(str_from(denials[i]), s, true))
            return true;
    return false;
}

/* Sources that state success: a status below 400, a word. CloudTrail states
 * failures only. */
static bool is_success(struct str s)
{
    uint64_t status;
    if (str_u64(s, &status))
        return status < 400;
    return filter_word_find("ok success succeeded accept accepted noerror "
                            "pass none",
                            s) >= 0;
}

struct outcomes {
    int word; /* 0 denied, 1 failed, 2 ok */
    struct filter_ids *ids;
};

static int keep_outcome(void *ctx, uint32_t id, struct str value)
{
    struct outcomes *o = ctx;
    bool wanted = o->word == 0   ? is_denied(value)
                  : o->word == 1 ? !is_success(value)
                                 : is_success(value);
    if (wanted)
        filter_ids_add(o->ids, id);
    return 0;
}

struct kind_sources {
    struct str kind;
    struct filter_ids *ids;
};

static int keep_source(void *ctx, uint32_t id, struct str value)
{
    struct kind_sources *s = ctx;
    if (filter_kind_has(s->kind, value))
        filter_ids_add(s->ids, id);
    return 0;
}

int filter_sources_of_kind(struct compiler *k, struct str word,
                           struct filter_ids *out)
{
    struct kind_sources s = { word, out };
    return case_find_glob(k->c, KIND_SOURCE, STR("*"), keep_source, &s, k->err);
}

/* A call without any outcome went well. */
static int silent_calls(struct compiler *k, struct plan **out)
{
    static const struct filter_field outcome = { .name = "outcome",
                                                 .kinds = UINT64_C(1)
                                                          << KIND_OUTCOME };
    struct filter_ids calls = { 0 };
    struct filter_part_plan part, any;
    int rc = filter_sources_of_kind(k, STR("call"), &calls);
    if (rc) {
        buf_free(&calls.b);
        return rc;
    }
    rc = filter_ids_plan(k, &calls, 0, &part);
    if (rc == 0)
        rc = filter_has_entity(k, &outcome, &any);
    if (rc)
        return rc;
    struct plan *list[] = { part.p, filter_plan_not(k, any.p) };
    *out = list[1] ? filter_plan_join(k, PLAN_AND, list, 2) : NULL;
    return *out ? 0 : filter_no_memory(k);
}

/* ---- one item ------------------------------------------------------------ */

static struct str with_domain(struct compiler *k, struct str s)
{
    struct buf b = { 0 };
    buf_put(&b, s);
    buf_putz(&b, ".amazonaws.com");
    return buf_to_arena(&b, k->a);
}

static int add_pattern(struct compiler *k, const struct filter_field *f,
                       uint64_t kinds, struct str pattern,
                       struct filter_ids *ids)
{
    int rc = add_glob(k, kinds, pattern, ids);
    if (rc == 0 && f->what == WHAT_SERVICE) {
        pattern = with_domain(k, pattern);
        rc = pattern.p ? add_glob(k, kinds, pattern, ids) : filter_no_memory(k);
    }
    return rc;
}

/* KIND:VALUE of the fields for every kind. */
static int add_of_kind(struct compiler *k, const struct filter_term *t,
                       const struct filter_item *i, struct str pattern,
                       struct filter_ids *ids)
{
    const char *colon = memchr(pattern.p, ':', pattern.n);
    if (!colon || t->field->kinds || i->quoted)
        return 0;
    size_t n = (size_t)(colon - pattern.p);
    unsigned kind = kind_from_name(str_sub(pattern, 0, n));
    if (kind == 0)
        return 0;
    return add_glob(k, UINT64_C(1) << kind, str_sub(pattern, n + 1, pattern.n),
                    ids);
}

static int add_item(struct compiler *k, const struct filter_term *t,
                    const struct filter_item *i, struct filter_ids *ids)
{
    const struct filter_field *f = t->field;
    if (i->quoted) {
        add_exact(k, f->kinds, i->text, ids);
        return 0;
    }
    if (f->type == FILTER_IP && !i->glob)
        return add_address(k, i, ids);
    int word =
        f->what == WHAT_OUTCOME ? filter_word_find(f->words, i->text) : -1;
    if (word >= 0) {
        struct outcomes o = { word, ids };
        return case_find_glob(k->c, KIND_OUTCOME, STR("*"), keep_outcome, &o,
                              k->err);
    }
    int rc = add_pattern(k, f, f->kinds, i->text, ids);
    return rc ? rc : add_of_kind(k, t, i, i->text, ids);
}

/* ---- what is not there --------------------------------------------------- */

struct nearest {
    struct str wanted;
    size_t most;
    struct buf best;
};

static int keep_nearest(void *ctx, uint32_t id, struct str value)
{
    struct nearest *n = ctx;
    (void)id;
    size_t d = filter_distance(value, n->wanted, n->most);
    if (d > n->most)
        return 0;
    buf_clear(&n->best);
    buf_put(&n->best, value);
    if (d == 0)
        return 1;
    n->most = d - 1;
    return 0;
}

static int note_absent(struct compiler *k, const struct filter_term *t,
                       const struct filter_item *i)
{
    struct nearest n = { .wanted = i->text, .most = NEAREST_DISTANCE };
    uint64_t counts[KIND_MAX + 1] = { 0 };
    int rc = i->glob ? 0 : case_kind_counts(k->c, counts, k->err);
    for (unsigned kind = 0;
         rc == 0 && !i->glob && (kind = next_kind(t->field->kinds, kind));)
        if (t->field->kinds && counts[kind] <= NEAREST_MAX)
            rc = case_find_glob(k->c, kind, STR("*"), keep_nearest, &n, k->err);
    const char *what = t->field->kinds ? t->field->name : "identifier";
    if (rc >= 0 && n.best.n)
        rc = filter_note_add(k, i->place, "no %s of this case is %s; near: %s",
                             what, text_line(i->text),
                             text_line(buf_str(&n.best)));
    else if (rc >= 0)
        rc = filter_note_add(k, i->place, "no %s of this case %s %s", what,
                             i->glob ? "is like" : "is", text_line(i->text));
    buf_free(&n.best);
    return rc;
}

/* ---- terms --------------------------------------------------------------- */

static bool is_reference(const struct filter_term *t,
                         const struct filter_item *i, char letter, int64_t *n)
{
    uint64_t v;
    if (t->field->kinds || t->field->role_mask || i->quoted || i->text.n < 2 ||
        (i->text.p[0] | 0x20) != letter ||
        !str_u64(str_sub(i->text, 1, i->text.n), &v) || v > INT64_MAX)
        return false;
    *n = (int64_t)v;
    return true;
}

/* entity:E123, entity:X1 */
static int add_reference(struct compiler *k, const struct filter_term *t,
                         const struct filter_item *i, struct plan **out)
{
    struct filter_part_plan part = { 0 };
    struct filter_span span;
    struct exhibit x;
    int64_t no;
    int rc = 0;
    *out = NULL;
    if (is_reference(t, i, 'e', &no)) {
        span = (struct filter_span){ no, no };
    } else if (is_reference(t, i, 'x', &no)) {
        rc = case_exhibit(k->c, no, k->a, &x, k->err);
        if (rc == ERR_USAGE)
            return filter_fail(k->f->text, i->place, k->place, k->err,
                               "no exhibit X%lld in this case", (long long)no);
        span.from = rc ? 0 : (int64_t)x.first_event;
        span.to = rc ? 0 : span.from + (int64_t)x.n_events - 1;
    } else {
        return 0;
    }
    if (rc == 0)
        rc = filter_spans_plan(k, &span, 1, &part);
    *out = part.p;
    return rc;
}

struct pattern_ids {
    struct filter_regex *regex;
    struct filter_ids *ids;
};

static int keep_match(void *ctx, uint32_t id, struct str value)
{
    struct pattern_ids *p = ctx;
    if (filter_regex_match(p->regex, value))
        filter_ids_add(p->ids, id);
    return 0;
}

static int match_values(struct compiler *k, const struct filter_term *t,
                        struct filter_part_plan *out)
{
    struct filter_ids ids = { 0 };
    struct pattern_ids p = { .ids = &ids };
    int rc = filter_regex_new(k, t, &p.regex);
    for (unsigned kind = 0;
         rc == 0 && (kind = next_kind(t->field->kinds, kind));)
        rc = case_find_glob(k->c, kind, STR("*"), keep_match, &p, k->err);
    if (rc == 0 && ids.b.n == 0)
        rc = filter_note_add(k, t->place, "no %s of this case is like this",
                             t->field->kinds ? t->field->name : "identifier");
    if (rc == 0)
        return filter_ids_plan(k, &ids, t->field->role_mask, out);
    buf_free(&ids.b);
    return rc;
}

/* Ids of all items; what is no value becomes a plan of its own. */
static int collect(struct compiler *k, const struct filter_term *t,
                   struct filter_ids *ids, struct plan **more, size_t *n_more)
{
    for (size_t i = 0; i < t->n; i++) {
        size_t before = ids->b.n;
        struct plan *p;
        int rc = add_reference(k, t, &t->items[i], &p);
        if (rc == 0 && p)
            more[(*n_more)++] = p;
        if (rc == 0)
            rc = add_item(k, t, &t->items[i], ids);
        bool ok = t->field->what == WHAT_OUTCOME && !t->items[i].quoted &&
                  str_ieq(t->items[i].text, STR("ok"));
        if (rc == 0 && ok) {
            rc = silent_calls(k, &p);
            more[(*n_more)++] = p;
        }
        if (rc == 0 && !p && !ok && ids->b.n == before)
            rc = note_absent(k, t, &t->items[i]);
        if (rc)
            return rc;
    }
    return 0;
}

int filter_values(struct compiler *k, const struct filter_term *t,
                  struct filter_part_plan *out)
{
    if (t->form == FORM_MATCH)
        return match_values(k, t, out);
    struct filter_ids ids = { 0 };
    struct plan **more = arena_array(k->a, 2 * t->n + 1, sizeof(struct plan *));
    size_t n = 0;
    int rc = more ? collect(k, t, &ids, more, &n) : filter_no_memory(k);
    if (rc) {
        buf_free(&ids.b);
        return rc;
    }
    rc = filter_ids_plan(k, &ids, t->field->role_mask, out);
    if (rc || n == 0)
        return rc;
    more[n++] = out->p;
    out->p = filter_plan_join(k, PLAN_OR, more, n);
    return out->p ? 0 : filter_no_memory(k);
}

/* ---- has: ---------------------------------------------------------------- */

static int test_has(void *ctx, struct casedb *c, const struct event *e)
{
    const struct filter_field *f = ctx;
    struct arena a = { 0 };
    struct event_ref *refs;
    size_t n;
    int rc = case_event_refs(c, e->id, &a, &refs, &n, NULL);
    for (size_t i = 0; i < n && rc == 0; i++)
        if ((f->role_mask == 0 || f->role_mask >> refs[i].role & 1) &&
            has_kind(f->kinds, refs[i].id >> KIND_SHIFT))
            rc = 1;
    arena_free(&a);
    return rc;
}

int filter_has_entity(struct compiler *k, const struct filter_field *f,
                      struct filter_part_plan *out)
{
    uint64_t counts[KIND_MAX + 1], n = 0;
    out->cost = COST_INDEX;
    int rc = case_kind_counts(k->c, counts, k->err);
    if (rc)
        return rc;
    for (unsigned kind = 0; (kind = next_kind(f->kinds, kind));)
        n += counts[kind];
    if (n <= HAS_MAX) {
        struct filter_ids ids = { 0 };
        rc = add_glob(k, f->kinds, STR("*"), &ids);
        if (rc == 0)
            return filter_ids_plan(k, &ids, f->role_mask, out);
        buf_free(&ids.b);
        return rc;
    }
    struct filter_field *copy = arena_alloc(k->a, sizeof(*copy));
    if (copy)
        *copy = *f;
    out->p = filter_plan_test(k, test_has, copy);
    out->cost = COST_ROW;
    return out->p ? 0 : filter_no_memory(k);
}

/* ---- words in values ----------------------------------------------------- */

struct holding {
    struct str text;
    struct filter_ids *ids;
};

static int keep_holding(void *ctx, uint32_t id, struct str value)
{
    struct holding *h = ctx;
    if (str_find(value, h->text) != SIZE_MAX)
        filter_ids_add(h->ids, id);
    return 0;
}

static int keep_holding_folded(void *ctx, uint32_t id, struct str value)
{
    struct holding *h = ctx;
    if (str_ifind(value, h->text) != SIZE_MAX)
        filter_ids_add(h->ids, id);
    return 0;
}

int filter_values_holding(struct compiler *k, struct str text, bool fold,
                          struct filter_part_plan *out)
{
    struct filter_ids ids = { 0 };
    struct holding h = { text, &ids };
    int rc = 0;
    for (unsigned kind = 0; rc == 0 && (kind = next_kind(0, kind));)
        rc = case_find_glob(k->c, kind, STR("*"),
                            fold ? keep_holding_folded : keep_holding, &h,
                            k->err);
    if (rc == 0)
        return filter_ids_plan(k, &ids, 0, out);
    buf_free(&ids.b);
    return rc;
}
