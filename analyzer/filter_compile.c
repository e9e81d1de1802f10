/*
 * Tree to plan. What posting lists can answer comes first, tests of rows
 * after it, tests of records last, so that as few records as possible are
 * read.
 */
#include "analyzer/filter_plan.h"

#include "analyzer/cite.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* Above it a set of identifiers is cheaper by the rows. */
    IDS_MAX = 1 << 16,
    /* Records read one by one before the whole evidence is searched. */
    WORD_ROWS_MAX = 2000,
};

int filter_no_memory(struct compiler *k)
{
    return err_set(k->err, ERR_INTERNAL, "the filter: out of memory");
}

int filter_note_add(struct compiler *k, struct filter_place at, const char *fmt,
                    ...)
{
    struct filter_plan *out = k->out;
    if (out->n_notes == k->cap_notes) {
        size_t cap = k->cap_notes ? 2 * k->cap_notes : 4;
        struct filter_note *more = arena_array(k->a, cap, sizeof(*more));
        if (!more)
            return filter_no_memory(k);
        if (out->n_notes)
            memcpy(more, out->notes, out->n_notes * sizeof(*more));
        out->notes = more;
        k->cap_notes = cap;
    }
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    size_t len = n < 0                      ? 0
                 : (size_t)n < sizeof(text) ? (size_t)n
                                            : sizeof(text) - 1;
    struct str copy = arena_copy(k->a, (struct str){ text, len });
    if (!copy.p)
        return filter_no_memory(k);
    out->notes[out->n_notes++] = (struct filter_note){ at, copy };
    return 0;
}

/* ---- plans --------------------------------------------------------------- */

struct plan *filter_plan_new(struct compiler *k, enum plan_op op)
{
    struct plan *p = arena_alloc(k->a, sizeof(*p));
    if (p)
        p->op = op;
    return p;
}

struct plan *filter_plan_not(struct compiler *k, struct plan *p)
{
    if (p && p->op == PLAN_ALL)
        return filter_plan_new(k, PLAN_NONE);
    if (p && p->op == PLAN_NONE)
        return filter_plan_new(k, PLAN_ALL);
    struct plan *n = p ? filter_plan_new(k, PLAN_NOT) : NULL;
    if (n)
        n->a = p;
    return n;
}

static struct plan *join_range(struct compiler *k, enum plan_op op,
                               struct plan **list, size_t n)
{
    if (n == 1)
        return list[0];
    struct plan *p = filter_plan_new(k, op);
    if (!p)
        return NULL;
    p->a = join_range(k, op, list, n / 2);
    p->b = join_range(k, op, list + n / 2, n - n / 2);
    return p->a && p->b ? p : NULL;
}

struct plan *filter_plan_join(struct compiler *k, enum plan_op op,
                              struct plan **list, size_t n)
{
    /* what decides all, what changes nothing */
    enum plan_op all = op == PLAN_AND ? PLAN_NONE : PLAN_ALL;
    enum plan_op nothing = op == PLAN_AND ? PLAN_ALL : PLAN_NONE;
    struct plan **v = arena_array(k->a, n ? n : 1, sizeof(struct plan *));
    size_t m = 0;
    if (!v)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (list[i]->op == all)
            return list[i];
        if (list[i]->op != nothing)
            v[m++] = list[i];
    }
    return m ? join_range(k, op, v, m) : filter_plan_new(k, nothing);
}

struct plan *filter_plan_test(struct compiler *k,
                              int (*test)(void *, struct casedb *,
                                          const struct event *),
                              void *ctx)
{
    struct plan *p = ctx ? filter_plan_new(k, PLAN_TEST) : NULL;
    if (p) {
        p->test = test;
        p->ctx = ctx;
    }
    return p;
}

/* ---- sets ---------------------------------------------------------------- */

void filter_ids_add(struct filter_ids *v, uint32_t id)
{
    buf_put(&v->b, (struct str){ (const char *)&id, sizeof(id) });
}

void filter_events_add(struct filter_events *v, int64_t event)
{
    buf_put(&v->b, (struct str){ (const char *)&event, sizeof(event) });
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int by_event(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

struct set_test {
    const uint32_t *ids;
    size_t n;
    uint32_t roles;
};

static bool in_set(const struct set_test *s, uint32_t id)
{
    return bsearch(&id, s->ids, s->n, sizeof(id), by_id) != NULL;
}

static int test_set(void *ctx, struct casedb *c, const struct event *e)
{
    const struct set_test *s = ctx;
    struct arena a = { 0 };
    struct event_ref *refs;
    size_t n;
    int rc = case_event_refs(c, e->id, &a, &refs, &n, NULL);
    for (size_t i = 0; i < n && rc == 0; i++)
        if ((s->roles == 0 || s->roles >> refs[i].role & 1) &&
            in_set(s, refs[i].id))
            rc = 1;
    arena_free(&a);
    return rc;
}

int filter_ids_plan(struct compiler *k, struct filter_ids *v, uint32_t roles,
                    struct filter_part_plan *out)
{
    struct buf *b = &v->b;
    size_t n = filter_ids_n(v), m = 0;
    uint32_t *ids = (uint32_t *)(void *)b->p;
    out->cost = COST_INDEX;
    if (n) {
        qsort(ids, n, sizeof(*ids), by_id);
        for (size_t i = 0; i < n; i++)
            if (m == 0 || ids[m - 1] != ids[i])
                ids[m++] = ids[i];
        b->n = m * sizeof(*ids);
    }
    bool failed = b->failed;
    struct str set = m ? buf_to_arena(b, k->a) : STR("");
    buf_free(b);
    if (failed || !set.p)
        return filter_no_memory(k);
    const uint32_t *sorted = (const uint32_t *)(const void *)set.p;
    out->p = filter_plan_new(k, m ? PLAN_ANY_OF : PLAN_NONE);
    if (!out->p)
        return filter_no_memory(k);
    if (m <= IDS_MAX) {
        out->p->ids = sorted;
        out->p->n = m;
        out->p->role_mask = roles;
        return 0;
    }
    struct set_test *s = arena_alloc(k->a, sizeof(*s));
    if (s)
        *s = (struct set_test){ sorted, m, roles };
    out->p = filter_plan_test(k, test_set, s);
    out->cost = COST_ROW;
    return out->p ? 0 : filter_no_memory(k);
}

int filter_events_plan(struct compiler *k, struct filter_events *v,
                       struct filter_part_plan *out)
{
    struct buf *b = &v->b;
    size_t n = b->n / sizeof(int64_t), m = 0;
    int64_t *ids = (int64_t *)(void *)b->p;
    out->cost = COST_INDEX;
    if (n) {
        qsort(ids, n, sizeof(*ids), by_event);
        for (size_t i = 0; i < n; i++)
            if (m == 0 || ids[m - 1] != ids[i])
                ids[m++] = ids[i];
        b->n = m * sizeof(*ids);
    }
    bool failed = b->failed;
    struct str set = m ? buf_to_arena(b, k->a) : STR("");
    buf_free(b);
    out->p = filter_plan_new(k, m ? PLAN_EVENTS : PLAN_NONE);
    if (failed || !set.p || !out->p)
        return filter_no_memory(k);
    out->p->events = (const int64_t *)(const void *)set.p;
    out->p->n = m;
    return 0;
}

/* ---- time ---------------------------------------------------------------- */

static struct plan *time_plan(struct compiler *k, struct instant from,
                              struct instant to)
{
    struct plan *p = filter_plan_new(k, PLAN_TIME);
    if (p) {
        p->from = from;
        p->to = to;
    }
    return p;
}

static int times(struct compiler *k, const struct filter_term *t,
                 struct filter_part_plan *out)
{
    struct plan **v = arena_array(k->a, t->n, sizeof(struct plan *));
    if (!v)
        return filter_no_memory(k);
    for (size_t i = 0; i < t->n; i++) {
        v[i] = time_plan(k, t->items[i].from, t->items[i].to);
        if (!v[i])
            return filter_no_memory(k);
    }
    out->p = filter_plan_join(k, PLAN_OR, v, t->n);
    return out->p ? 0 : filter_no_memory(k);
}

static struct instant shifted(struct instant t, int64_t ns)
{
    int64_t s = ns / 1000000000, rest = ns % 1000000000 + t.ns;
    if (rest < 0) {
        rest += 1000000000;
        s--;
    } else if (rest >= 1000000000) {
        rest -= 1000000000;
        s++;
    }
    if (__builtin_add_overflow(t.s, s, &t.s))
        t.s = s < 0 ? INT64_MIN : INT64_MAX;
    t.ns = (uint32_t)rest;
    return t;
}

/* The time that a reference stands for. */
static int time_of_ref(struct compiler *k, const struct filter_term *t,
                       struct instant *out)
{
    struct cite_found found;
    struct event e = { .timed = false };
    if (time_parse_user(t->text, false, out))
        return 0;
    int rc = cite_find(k->c, t->text, k->a, &found, k->err);
    if (rc == ERR_USAGE || (rc == 0 && found.event == 0))
        return filter_fail(k->f->text, t->place, k->place, k->err,
                           "near: %s: no event of this case and no time",
                           text_line(t->text));
    if (rc == 0)
        rc = case_event(k->c, found.event, k->a, &e, k->err);
    if (rc)
        return rc;
    if (!e.timed)
        return filter_fail(k->f->text, t->place, k->place, k->err,
                           "near: E%lld has no time", (long long)e.id);
    *out = e.t;
    return 0;
}

static int near(struct compiler *k, const struct filter_term *t,
                struct filter_part_plan *out)
{
    struct instant at, to;
    int rc = time_of_ref(k, t, &at);
    if (rc)
        return rc;
    /* the last instant belongs to it */
    to = shifted(shifted(at, t->span_ns), 1);
    out->p = time_plan(k, shifted(at, -t->span_ns), to);
    return out->p ? 0 : filter_no_memory(k);
}

/* ---- words --------------------------------------------------------------- */

static int found_event(void *ctx, int64_t event)
{
    filter_events_add(ctx, event);
    return 0;
}

static int search(struct compiler *k, const struct filter_term *t,
                  struct filter_part_plan *out)
{
    const struct raw_reader *raw = k->env->raw;
    struct filter_events v = { 0 };
    uint64_t unread = 0;
    int rc = raw->search(raw->ctx, t->text, !t->quoted, found_event, &v,
                         &unread, k->err);
    k->out->tally->unsearched += unread;
    if (rc) {
        buf_free(&v.b);
        return rc;
    }
    return filter_events_plan(k, &v, out);
}

/* Whether so few rows are left that their records are read one by one. */
static int few_left(struct compiler *k, const struct filter_part_plan *others,
                    bool *few)
{
    struct scan_total total;
    struct instant none = { 0, 0 };
    *few = false;
    if (!others || others->cost != COST_INDEX)
        return 0;
    int rc = scan_count(k->c, others->p, none, none, NULL, 0, &total, k->err);
    *few = rc == 0 && total.n <= WORD_ROWS_MAX;
    return rc;
}

/* Rows with the text in their record, or in a value that was kept of it:
 * names of files are in no record as they are shown. */
static int word(struct compiler *k, const struct filter_term *t,
                const struct filter_part_plan *others,
                struct filter_part_plan *out)
{
    struct filter_part_plan values, records;
    bool few = false;
    if (!k->env->raw) {
        filter_fail(k->f->text, t->place, k->place, k->err,
                    "looking for words reads the evidence, which is not at "
                    "hand");
        return k->err ? k->err->code = ERR_EVIDENCE : ERR_EVIDENCE;
    }
    int rc = filter_values_holding(k, t->text, !t->quoted, &values);
    if (rc == 0 && k->env->raw->search)
        rc = few_left(k, others, &few);
    if (rc)
        return rc;
    if (few || !k->env->raw->search)
        rc = filter_word_test(k, t, &records);
    else
        rc = search(k, t, &records);
    if (rc)
        return rc;
    out->p = filter_plan_join(k, PLAN_OR,
                              (struct plan *[]){ values.p, records.p }, 2);
    out->cost = values.cost > records.cost ? values.cost : records.cost;
    return out->p ? 0 : filter_no_memory(k);
}

/* ---- terms --------------------------------------------------------------- */

static int nothing_yet(struct compiler *k, const struct filter_term *t,
                       struct filter_part_plan *out)
{
    bool no = t->field->type == FILTER_FLAG && t->n == 1 &&
              filter_word_find("no false", t->items[0].text) >= 0;
    out->p = filter_plan_new(k, no ? PLAN_ALL : PLAN_NONE);
    if (!out->p)
        return filter_no_memory(k);
    return filter_note_add(k, t->place, "%s: nothing is recorded yet",
                           t->field->name);
}

static int bookmarks_or_rows(struct compiler *k, const struct filter_term *t,
                             struct filter_part_plan *out)
{
    if (t->field->what == WHAT_BOOKMARK)
        return filter_marks(k, t, out);
    if (t->field->what != WHAT_UNDATED)
        return filter_rows(k, t, out);
    out->p = filter_plan_new(k, PLAN_UNDATED);
    return out->p ? 0 : filter_no_memory(k);
}

/* field: (flag or no flag): yes, no, or both */
static int flag(struct compiler *k, const struct filter_term *t,
                struct filter_part_plan *out)
{
    bool yes = false, no = false;
    for (size_t i = 0; i < t->n; i++)
        if (filter_word_find("yes true", t->items[i].text) >= 0)
            yes = true;
        else
            no = true;
    int rc = bookmarks_or_rows(k, t, out);
    if (rc == 0 && yes && no)
        out->p = filter_plan_new(k, PLAN_ALL);
    else if (rc == 0 && no)
        out->p = filter_plan_not(k, out->p);
    return rc ? rc : out->p ? 0 : filter_no_memory(k);
}

static int has(struct compiler *k, const struct filter_term *t,
               struct filter_part_plan *out)
{
    const struct filter_field *f = t->field;
    switch (f->type) {
    case FILTER_ENTITY:
    case FILTER_IP:
        return filter_has_entity(k, f, out);
    case FILTER_TIME:
        out->p = filter_plan_new(k, PLAN_UNDATED);
        out->p = filter_plan_not(k, out->p);
        return out->p ? 0 : filter_no_memory(k);
    case FILTER_RAW:
        return filter_record(k, t, out);
    case FILTER_MARK:
        return f->what == WHAT_LINK ? filter_links(k, t, out)
                                    : filter_marks(k, t, out);
    case FILTER_FLAG:
        return bookmarks_or_rows(k, t, out);
    case FILTER_WORD:
        if (f->what == WHAT_MARK)
            return filter_marks(k, t, out);
        if (f->what == WHAT_KNOWN)
            return filter_known(k, t, out);
        if (f->what == WHAT_CLASS)
            return filter_links(k, t, out);
        if (f->what == WHAT_FLAG)
            return filter_rows(k, t, out);
        break;
    case FILTER_SCALE:
    case FILTER_TEXT:
    case FILTER_UID:
        return filter_rows(k, t, out);
    case FILTER_ID:
    case FILTER_PLACE:
        break;
    }
    out->p = filter_plan_new(k, PLAN_ALL); /* every event has one */
    return out->p ? 0 : filter_no_memory(k);
}

static int words_of(struct compiler *k, const struct filter_term *t,
                    struct filter_part_plan *out)
{
    struct filter_ids ids = { 0 };
    int rc = 0;
    switch (t->field->what) {
    case WHAT_KIND:
        for (size_t i = 0; i < t->n && rc == 0; i++)
            rc = filter_sources_of_kind(k, t->items[i].text, &ids);
        if (rc == 0 && ids.b.n == 0)
            rc = filter_note_add(k, t->place,
                                 "no source of this kind is in the case");
        if (rc == 0)
            return filter_ids_plan(k, &ids, 0, out);
        buf_free(&ids.b);
        return rc;
    case WHAT_MARK:
        return filter_marks(k, t, out);
    case WHAT_CLASS:
        return filter_links(k, t, out);
    case WHAT_KNOWN:
        return filter_known(k, t, out);
    default:
        return filter_rows(k, t, out);
    }
}

static int ids_of(struct compiler *k, const struct filter_term *t,
                  struct filter_part_plan *out)
{
    struct filter_span *v = arena_array(k->a, t->n, sizeof(*v));
    if (!v)
        return filter_no_memory(k);
    for (size_t i = 0; i < t->n; i++)
        v[i] = (struct filter_span){ t->items[i].lo_n, t->items[i].hi_n };
    return filter_spans_plan(k, v, t->n, out);
}

static int term(struct compiler *k, const struct filter_term *t,
                struct filter_part_plan *out)
{
    *out = (struct filter_part_plan){ .cost = COST_INDEX };
    if (t->field &&
        (t->field->what == WHAT_FINDING || t->field->what == WHAT_NEW ||
         t->field->what == WHAT_STORY))
        return nothing_yet(k, t, out);
    if (t->form == FORM_NEAR)
        return near(k, t, out);
    if (t->form == FORM_HAS)
        return has(k, t, out);
    switch (t->field->type) {
    case FILTER_ENTITY:
    case FILTER_IP:
        return filter_values(k, t, out);
    case FILTER_TIME:
        return times(k, t, out);
    case FILTER_WORD:
        return words_of(k, t, out);
    case FILTER_ID:
        return ids_of(k, t, out);
    case FILTER_PLACE:
        return filter_places(k, t, out);
    case FILTER_MARK:
        return t->field->what == WHAT_LINK ? filter_links(k, t, out)
                                           : filter_marks(k, t, out);
    case FILTER_FLAG:
        return flag(k, t, out);
    case FILTER_RAW:
        return filter_record(k, t, out);
    case FILTER_SCALE:
    case FILTER_TEXT:
    case FILTER_UID:
        break;
    }
    return filter_rows(k, t, out);
}

/* ---- the tree ------------------------------------------------------------ */

static int node(struct compiler *k, const struct filter_node *n,
                struct filter_part_plan *out);

static bool is_word(const struct filter_node *n)
{
    return n->op == OP_TERM && n->term->form == FORM_WORD;
}

/* The list by cost, equal costs in the order they were written. */
static struct plan *join_by_cost(struct compiler *k, enum plan_op op,
                                 const struct filter_part_plan *v, size_t n,
                                 enum filter_cost *cost)
{
    struct plan **list = arena_array(k->a, n, sizeof(struct plan *));
    size_t m = 0;
    *cost = COST_INDEX;
    for (int c = COST_INDEX; list && c <= COST_RAW; c++)
        for (size_t i = 0; i < n; i++)
            if (v[i].cost == (enum filter_cost)c) {
                list[m++] = v[i].p;
                *cost = v[i].cost;
            }
    return list ? filter_plan_join(k, op, list, m) : NULL;
}

/* Words last: the others say how many records there are to read. */
static int list_node(struct compiler *k, const struct filter_node *n,
                     struct filter_part_plan *out)
{
    enum plan_op op = n->op == OP_AND ? PLAN_AND : PLAN_OR;
    struct filter_part_plan *v = arena_array(k->a, n->n, sizeof(*v));
    struct filter_part_plan others = { 0 };
    size_t m = 0;
    int rc = v ? 0 : filter_no_memory(k);
    for (size_t i = 0; i < n->n && rc == 0; i++)
        if (!is_word(n->kids[i]))
            rc = node(k, n->kids[i], &v[m++]);
    bool any = m > 0 && op == PLAN_AND;
    if (rc == 0 && any) {
        others.p = join_by_cost(k, op, v, m, &others.cost);
        rc = others.p ? 0 : filter_no_memory(k);
    }
    for (size_t i = 0; i < n->n && rc == 0; i++)
        if (is_word(n->kids[i]))
            rc = word(k, n->kids[i]->term, any ? &others : NULL, &v[m++]);
    if (rc)
        return rc;
    out->p = join_by_cost(k, op, v, m, &out->cost);
    return out->p ? 0 : filter_no_memory(k);
}

/* Depth is bounded by the brackets that filter_parse lets through. */
static int node(struct compiler *k, const struct filter_node *n,
                struct filter_part_plan *out)
{
    int rc;
    switch (n->op) {
    case OP_TERM:
        return is_word(n) ? word(k, n->term, NULL, out) : term(k, n->term, out);
    case OP_NOT:
        rc = node(k, n->kids[0], out);
        if (rc == 0)
            out->p = filter_plan_not(k, out->p);
        return rc ? rc : out->p ? 0 : filter_no_memory(k);
    case OP_AND:
    case OP_OR:
        break;
    }
    return list_node(k, n, out);
}

int filter_compile(const struct filter *f, const struct filter_env *env,
                   struct arena *a, struct filter_plan *out,
                   struct filter_place *place, struct err *err)
{
    struct err own = { 0 };
    struct filter_env *kept = arena_alloc(a, sizeof(*kept));
    struct compiler k = { .f = f,
                          .env = kept,
                          .c = env->c,
                          .a = a,
                          .out = out,
                          .place = place,
                          .err = err ? err : &own };
    struct filter_part_plan part = { .cost = COST_INDEX };
    *out = (struct filter_plan){ 0 };
    out->tally = arena_alloc(a, sizeof(*out->tally));
    if (!out->tally || !kept)
        return filter_no_memory(&k);
    *kept = *env;
    int rc = 0;
    if (f->root)
        rc = node(&k, f->root, &part);
    else
        part.p = filter_plan_new(&k, PLAN_ALL);
    if (rc == 0 && !part.p)
        rc = filter_no_memory(&k);
    out->plan = part.p;
    out->reads_raw = part.cost == COST_RAW;
    return rc;
}

int filter_plan_text(struct str text, const struct filter_env *env,
                     struct arena *a, struct filter_plan *out,
                     struct filter_place *place, struct err *err)
{
    struct filter *f;
    int rc = filter_parse(text, a, &f, place, err);
    return rc ? rc : filter_compile(f, env, a, out, place, err);
}

/* ---- what scans counted -------------------------------------------------- */

static void put_count(struct buf *out, uint64_t n, const char *one,
                      const char *many)
{
    if (n)
        buf_printf(out, "%llu %s\n", (unsigned long long)n,
                   n == 1 ? one : many);
}

void filter_tally_put(const struct filter_plan *p, struct buf *out)
{
    const struct filter_tally *t = p->tally;
    if (!t)
        return;
    if (t->path.n && t->read > t->unread && t->found == 0)
        buf_printf(out, "no record that was read has a field %s\n",
                   text_line(t->path));
    put_count(out, t->unread,
              "record was not at hand and is taken as not matching",
              "records were not at hand and are taken as not matching");
    put_count(out, t->no_json,
              "record has no fields and is taken as not matching",
              "records have no fields and are taken as not matching");
    put_count(out, t->gave_up,
              "value took the pattern too many steps: taken as not matching",
              "values took the pattern too many steps: taken as not matching");
    put_count(out, t->unsearched, "file could not be searched",
              "files could not be searched");
}
