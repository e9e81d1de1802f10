/*
 * Terms that posting lists cannot answer: tests of rows, and tests of raw
 * records, read through the caller's reader.
 *
 * Everything of a test lives in the filter's arena; what one call needs is
 * freed before it returns, so a plan needs no closing.
 */
#include "analyzer/filter_plan.h"

#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ---- patterns ------------------------------------------------------------ */

enum {
    MATCH_STEPS = 1000000, /* a hostile record must not stop the search */
    MATCH_HEAP_KIB = 4096,
    TICK_EVERY = 64,
};

struct filter_regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *limits;
    struct filter_tally *tally;
};

static void *regex_alloc(PCRE2_SIZE n, void *arena)
{
    return arena_alloc(arena, n);
}

static void regex_free(void *p, void *arena)
{
    (void)p; /* with the arena */
    (void)arena;
}

int filter_regex_new(struct compiler *k, const struct filter_term *t,
                     struct filter_regex **out)
{
    struct filter_regex *r = *out = arena_alloc(k->a, sizeof(*r));
    pcre2_general_context *own =
        pcre2_general_context_create(regex_alloc, regex_free, k->a);
    pcre2_compile_context *how = own ? pcre2_compile_context_create(own) : NULL;
    int code = 0;
    size_t at = 0;
    uint32_t options = PCRE2_NEVER_BACKSLASH_C;
    bool ascii = true;
    if (!r || !how)
        return filter_no_memory(k);
    for (size_t i = 0; i < t->text.n; i++)
        ascii &= (unsigned char)t->text.p[i] < 0x80;
    /* characters beyond ASCII are one each; evidence may be no UTF-8 */
    if (!ascii && text_utf8_valid(t->text))
        options |= PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
    r->tally = k->out->tally;
    r->code = pcre2_compile((PCRE2_SPTR)t->text.p, t->text.n, options, &code,
                            &at, how);
    if (!r->code)
        return filter_fail(k->f->text, t->place, k->place, k->err,
                           "the pattern is wrong (PCRE2 %d at %zu)", code, at);
    r->data = pcre2_match_data_create_from_pattern(r->code, own);
    r->limits = pcre2_match_context_create(own);
    if (!r->data || !r->limits)
        return filter_no_memory(k);
    pcre2_set_match_limit(r->limits, MATCH_STEPS);
    pcre2_set_heap_limit(r->limits, MATCH_HEAP_KIB);
    return 0;
}

bool filter_regex_match(struct filter_regex *r, struct str s)
{
    int rc = pcre2_match(r->code, (PCRE2_SPTR)(s.p ? s.p : ""), s.n, 0, 0,
                         r->data, r->limits);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        r->tally->gave_up++;
    return rc >= 0;
}

/* ---- items --------------------------------------------------------------- */

static struct str star_both(struct compiler *k, struct str s)
{
    struct buf b = { 0 };
    buf_putc(&b, '*');
    buf_put(&b, s);
    buf_putc(&b, '*');
    return buf_to_arena(&b, k->a);
}

int filter_matcher_new(struct compiler *k, const struct filter_term *t,
                       bool contains, struct filter_matcher *out)
{
    *out = (struct filter_matcher){ .t = t };
    if (t->form == FORM_MATCH)
        return filter_regex_new(k, t, &out->regex);
    out->patterns = arena_array(k->a, t->n + 1, sizeof(*out->patterns));
    if (!out->patterns)
        return filter_no_memory(k);
    for (size_t i = 0; i < t->n; i++) {
        out->patterns[i] = t->items[i].text;
        if (contains && !t->items[i].quoted)
            out->patterns[i] = star_both(k, t->items[i].text);
        if (!out->patterns[i].p)
            return filter_no_memory(k);
    }
    return 0;
}

bool filter_matches(const struct filter_matcher *m, struct str s, bool contains)
{
    if (m->regex)
        return filter_regex_match(m->regex, s);
    for (size_t i = 0; i < m->t->n; i++) {
        const struct filter_item *item = &m->t->items[i];
        bool hit = !item->quoted ? str_glob(m->patterns[i], s, true)
                   : contains    ? str_find(s, item->text) != SIZE_MAX
                                 : str_eq(s, item->text);
        if (hit)
            return true;
    }
    return false;
}

/* ---- rows ---------------------------------------------------------------- */

struct row_test {
    uint32_t flags;
    int64_t lo, hi;
    uint64_t words; /* bit per word */
    bool request, any;
    struct filter_matcher m;
};

static int test_flags(void *ctx, struct casedb *c, const struct event *e)
{
    const struct row_test *r = ctx;
    (void)c;
    return (e->flags & r->flags) != 0;
}

static int test_time_kind(void *ctx, struct casedb *c, const struct event *e)
{
    const struct row_test *r = ctx;
    (void)c;
    return e->timed && e->t_kind < 64 && r->words >> e->t_kind & 1;
}

static int test_severity(void *ctx, struct casedb *c, const struct event *e)
{
    const struct row_test *r = ctx;
    (void)c;
    return e->severity < 64 && r->words >> e->severity & 1;
}

static int test_text(void *ctx, struct casedb *c, const struct event *e)
{
    const struct row_test *r = ctx;
    (void)c;
    return r->any ? e->text.n > 0 : filter_matches(&r->m, e->text, true);
}

static int test_uid(void *ctx, struct casedb *c, const struct event *e)
{
    const struct row_test *r = ctx;
    (void)c;
    return r->request ? e->request.n > 0 : e->uid.n > 0;
}

/* Words as bits; a scale's ranges too. */
static uint64_t word_bits(const struct filter_term *t)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct filter_item *item = &t->items[i];
        int w = filter_word_find(t->field->words, item->text);
        if (!item->range && w >= 0)
            bits |= UINT64_C(1) << w;
        for (int64_t n = item->lo_n; item->range && n <= item->hi_n && n < 64;
             n++)
            bits |= UINT64_C(1) << n;
    }
    return bits;
}

/* ---- ids of the source --------------------------------------------------- */

struct uid_search {
    struct compiler *k;
    struct filter_events events;
    struct str uid;
    bool request;
};

static int keep_uid(void *ctx, int64_t event)
{
    struct uid_search *s = ctx;
    struct arena a = { 0 };
    struct event e;
    int rc = case_event(s->k->c, event, &a, &e, s->k->err);
    if (rc == 0 && str_eq(s->request ? e.request : e.uid, s->uid))
        filter_events_add(&s->events, event);
    arena_free(&a);
    return rc;
}

/* 36 characters of a UUID to the 16 bytes that are kept. */
static struct str uid_bytes(struct str s, unsigned char out[16])
{
    size_t n = 0;
    if (s.n != 36)
        return s;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (s.p[i] == '-'))
            return s;
        if (dash)
            continue;
        int hi = str_hex(s.p[i]), lo = i + 1 < 36 ? str_hex(s.p[i + 1]) : -1;
        if (hi < 0 || lo < 0)
            return s;
        out[n++] = (unsigned char)(hi << 4 | lo);
        i++;
    }
    return (struct str){ (const char *)out, 16 };
}

static int uids(struct compiler *k, const struct filter_term *t,
                struct filter_part_plan *out)
{
    struct uid_search s = { .k = k, .request = t->field->what == WHAT_REQUEST };
    int rc = 0;
    for (size_t i = 0; i < t->n && rc == 0; i++) {
        unsigned char bytes[16];
        size_t before = s.events.b.n;
        s.uid = uid_bytes(t->items[i].text, bytes);
        rc = case_find_uid(k->c, s.uid, keep_uid, &s, k->err);
        if (rc == 0 && s.events.b.n == before)
            rc = filter_note_add(k, t->items[i].place,
                                 "no event of this case has this id");
    }
    if (rc == 0)
        return filter_events_plan(k, &s.events, out);
    buf_free(&s.events.b);
    return rc;
}

static int row_plan(struct compiler *k,
                    int (*test)(void *, struct casedb *, const struct event *),
                    const struct row_test *r, struct filter_part_plan *out)
{
    struct row_test *copy = arena_alloc(k->a, sizeof(*copy));
    if (copy)
        *copy = *r;
    out->p = filter_plan_test(k, test, copy);
    out->cost = COST_ROW;
    return out->p ? 0 : filter_no_memory(k);
}

int filter_rows(struct compiler *k, const struct filter_term *t,
                struct filter_part_plan *out)
{
    struct row_test r = { .any = t->form == FORM_HAS,
                          .request = t->field->what == WHAT_REQUEST };
    int rc = 0;
    if (t->field->type == FILTER_UID)
        return r.any ? row_plan(k, test_uid, &r, out) : uids(k, t, out);
    if (t->field->type == FILTER_TEXT) {
        if (!r.any)
            rc = filter_matcher_new(k, t, true, &r.m);
        return rc ? rc : row_plan(k, test_text, &r, out);
    }
    r.words = word_bits(t);
    switch (t->field->what) {
    case WHAT_TIME_KIND:
        return row_plan(k, test_time_kind, &r, out);
    case WHAT_SEVERITY:
        if (r.any)
            r.words = ~UINT64_C(1); /* above "none" */
        return row_plan(k, test_severity, &r, out);
    case WHAT_READ_ONLY:
        r.flags = EVENT_READ_ONLY;
        break;
    case WHAT_MFA:
        r.flags = EVENT_MFA;
        break;
    default: /* the words of `flag` are in the order of enum event_flag */
        r.flags = r.any ? UINT32_MAX : (uint32_t)r.words;
    }
    return row_plan(k, test_flags, &r, out);
}

/* ---- records ------------------------------------------------------------- */

struct record_test {
    const struct filter_env *env;
    struct filter_tally *tally;
    struct filter_matcher m;
    struct str path;
    struct str word; /* instead of a path */
    bool fold, any;
};

/* 1: *raw is the record; 0: it is not at hand. */
static int read_record(const struct record_test *r, const struct event *e,
                       struct arena *a, struct str *raw)
{
    struct err err = { 0 };
    uint64_t n = r->tally->read++;
    if (n % TICK_EVERY == 0 &&
        analyzer_tick(r->env->ticker, "reading records", n, 0, &err))
        return err.code;
    int rc = r->env->raw->read(r->env->raw->ctx, e, a, raw, &err);
    if (rc == 0)
        return 1;
    if (rc != ERR_EVIDENCE)
        return rc;
    r->tally->unread++;
    return 0;
}

static int test_word(void *ctx, struct casedb *c, const struct event *e)
{
    const struct record_test *r = ctx;
    struct arena a = { 0 };
    struct str raw = STR("");
    (void)c;
    int rc = read_record(r, e, &a, &raw);
    if (rc == 1)
        rc = (r->fold ? str_ifind(raw, r->word) : str_find(raw, r->word)) !=
             SIZE_MAX;
    arena_free(&a);
    return rc;
}

/* What is to be looked at: a value and how much of the path is left. */
struct walk {
    const struct record_test *r;
    struct arena *a;
    bool found, matched;
};

static struct str first_part(struct str path, struct str *rest)
{
    const char *dot = memchr(path.p, '.', path.n);
    size_t n = dot ? (size_t)(dot - path.p) : path.n;
    *rest = str_sub(path, dot ? n + 1 : n, path.n);
    return str_sub(path, 0, n);
}

static void look(struct walk *w, enum json_type type, struct str value,
                 unsigned flags)
{
    if (type == JSON_NULL || w->matched)
        return;
    w->found = true;
    if (type == JSON_STRING && flags & JSON_ESCAPED &&
        !json_decode(value, w->a, &value))
        return;
    if (type == JSON_TRUE)
        value = STR("true");
    if (type == JSON_FALSE)
        value = STR("false");
    w->matched = w->r->any || filter_matches(&w->r->m, value, false);
}

static void descend(struct walk *w, enum json_type type, struct str value,
                    unsigned flags, struct str path, unsigned depth);

/* The elements of an array share the path: resources.ARN is that of any. */
static void elements(struct walk *w, struct str array, struct str path,
                     unsigned depth)
{
    struct json j;
    struct str v;
    unsigned flags;
    json_open(&j, array);
    if (json_next(&j) != JSON_ARRAY)
        return;
    for (;;) {
        enum json_type t = json_take(&j, &v, &flags);
        if (t == JSON_ERROR || t == JSON_END || t == JSON_ARRAY_END)
            return;
        descend(w, t, v, flags, path, depth + 1);
    }
}

static void descend(struct walk *w, enum json_type type, struct str value,
                    unsigned flags, struct str path, unsigned depth)
{
    struct str rest;
    if (depth > 2 * FILTER_PATH_MAX || w->matched)
        return;
    if (type == JSON_ARRAY) {
        elements(w, value, path, depth);
        return;
    }
    if (path.n == 0) {
        look(w, type, value, flags);
        return;
    }
    if (type != JSON_OBJECT)
        return;
    struct str key = first_part(path, &rest);
    type = json_get(value, key, &value, &flags);
    if (type != JSON_END && type != JSON_ERROR)
        descend(w, type, value, flags, rest, depth + 1);
}

/* A record may be a line with JSON at its end, or carry the event inside:
 * lookups in a string, other carriers in an object (cloud.md 1.1). */
static const char *const carriers[] = { "CloudTrailEvent", "detail",
                                        "eventData", "Message", "message" };

static void walk_record(struct walk *w, struct str object)
{
    descend(w, JSON_OBJECT, object, 0, w->r->path, 0);
    for (size_t i = 0; i < sizeof(carriers) / sizeof(*carriers) && !w->found;
         i++) {
        struct str v;
        unsigned flags;
        enum json_type t = json_get(object, str_from(carriers[i]), &v, &flags);
        if (t == JSON_STRING && json_decode(v, w->a, &v) && v.n &&
            v.p[0] == '{')
            t = JSON_OBJECT;
        if (t == JSON_OBJECT)
            descend(w, t, v, 0, w->r->path, 0);
    }
}

static int test_record(void *ctx, struct casedb *c, const struct event *e)
{
    struct record_test *r = ctx;
    struct arena a = { 0 };
    struct str raw = STR("");
    struct walk w = { .r = r, .a = &a };
    (void)c;
    int rc = read_record(r, e, &a, &raw);
    if (rc == 1) {
        const char *brace = memchr(raw.p ? raw.p : "", '{', raw.n);
        if (brace) {
            walk_record(&w, str_sub(raw, (size_t)(brace - raw.p), raw.n));
            r->tally->found += w.found;
        } else {
            r->tally->no_json++;
        }
        rc = w.matched;
    }
    arena_free(&a);
    return rc;
}

static int no_evidence(struct compiler *k, const struct filter_term *t)
{
    filter_fail(k->f->text, t->place, k->place, k->err,
                "this reads records of the evidence, which is not at hand");
    k->err->code = ERR_EVIDENCE;
    return ERR_EVIDENCE;
}

static int
record_plan(struct compiler *k,
            int (*test)(void *, struct casedb *, const struct event *),
            const struct record_test *r, struct filter_part_plan *out)
{
    struct record_test *copy = arena_alloc(k->a, sizeof(*copy));
    if (copy)
        *copy = *r;
    out->p = filter_plan_test(k, test, copy);
    out->cost = COST_RAW;
    return out->p ? 0 : filter_no_memory(k);
}

int filter_record(struct compiler *k, const struct filter_term *t,
                  struct filter_part_plan *out)
{
    struct record_test r = { .env = k->env,
                             .tally = k->out->tally,
                             .path = t->path,
                             .any = t->form == FORM_HAS };
    if (!k->env->raw)
        return no_evidence(k, t);
    if (r.tally->path.n == 0)
        r.tally->path = t->path;
    int rc = r.any ? 0 : filter_matcher_new(k, t, false, &r.m);
    return rc ? rc : record_plan(k, test_record, &r, out);
}

int filter_word_test(struct compiler *k, const struct filter_term *t,
                     struct filter_part_plan *out)
{
    struct record_test r = { .env = k->env,
                             .tally = k->out->tally,
                             .word = t->text,
                             .fold = !t->quoted };
    return record_plan(k, test_word, &r, out);
}
