/* Terms over what is kept beside the events: the examiner's marks, links, and
 * the places of events in the case. */
#include "analyzer/filter_plan.h"

#include "analyzer/cite.h"
#include "base/text.h"
#include "casedb/examiner.h"

#include <stdlib.h>

/* ---- marks --------------------------------------------------------------- */

struct marked {
    const struct filter_term *t;
    struct filter_matcher m;
    unsigned kinds; /* bit per enum mark_kind */
    bool any;       /* whatever it says */
    struct filter_events events;
    uint64_t entities; /* marks of identifiers, which are no events */
};

static int keep_mark(void *ctx, const struct mark *m)
{
    struct marked *s = ctx;
    bool note = m->kind == MARK_NOTE;
    if (m->undone || m->undoes || !(s->kinds >> m->kind & 1))
        return 0;
    if (!s->any && !filter_matches(&s->m, m->body, note))
        return 0;
    if (m->event)
        filter_events_add(&s->events, m->event);
    else
        s->entities++;
    return 0;
}

static unsigned kinds_of_words(const struct filter_term *t)
{
    static const unsigned kinds[] = {
        1u << MARK_NOTE,
        1u << MARK_TAG,
        1u << MARK_BOOKMARK,
        1u << MARK_VERDICT,
        1u << MARK_NOTE | 1u << MARK_TAG | 1u << MARK_BOOKMARK |
            1u << MARK_VERDICT,
    };
    unsigned all = t->form == FORM_HAS ? kinds[4] : 0;
    for (size_t i = 0; i < t->n; i++) {
        int w = filter_word_find(t->field->words, t->items[i].text);
        all |= w >= 0 && w < 5 ? kinds[w] : 0;
    }
    return all;
}

int filter_marks(struct compiler *k, const struct filter_term *t,
                 struct filter_part_plan *out)
{
    struct marked s = { .t = t, .any = t->form == FORM_HAS };
    bool contains = t->field->what == WHAT_NOTE;
    switch (t->field->what) {
    case WHAT_TAG:
        s.kinds = 1u << MARK_TAG;
        break;
    case WHAT_NOTE:
        s.kinds = 1u << MARK_NOTE;
        break;
    case WHAT_VERDICT:
        s.kinds = 1u << MARK_VERDICT;
        break;
    case WHAT_BOOKMARK:
        s.kinds = 1u << MARK_BOOKMARK;
        s.any = true;
        break;
    default:
        s.kinds = kinds_of_words(t);
        s.any = true;
    }
    int rc = s.any ? 0 : filter_matcher_new(k, t, contains, &s.m);
    if (rc == 0)
        rc = case_marks(k->c, -1, 0, keep_mark, &s, k->err);
    if (rc == 0 && s.entities)
        rc = filter_note_add(k, t->place,
                             "%llu more on identifiers or bytes, not on "
                             "events",
                             (unsigned long long)s.entities);
    else if (rc == 0 && s.events.b.n == 0)
        rc = filter_note_add(k, t->place, "no event has such a %s",
                             t->field->what == WHAT_MARK ? "mark"
                                                         : t->field->name);
    if (rc == 0)
        return filter_events_plan(k, &s.events, out);
    buf_free(&s.events.b);
    return rc;
}

/* ---- links --------------------------------------------------------------- */

struct linked {
    struct filter_matcher m;
    bool any, by_class;
    unsigned classes;
    struct filter_events events;
};

static int keep_link(void *ctx, const struct link *l)
{
    struct linked *s = ctx;
    if (s->by_class ? !(s->classes >> l->cls & 1)
                    : !s->any && !filter_matches(&s->m, l->rule, false))
        return 0;
    if (l->a_kind == LINK_EVENT)
        filter_events_add(&s->events, l->a);
    if (l->b_kind == LINK_EVENT)
        filter_events_add(&s->events, l->b);
    return 0;
}

int filter_links(struct compiler *k, const struct filter_term *t,
                 struct filter_part_plan *out)
{
    struct linked s = { .any = t->form == FORM_HAS };
    uint64_t analyzed = 0;
    int rc = 0;
    if (t->field->what == WHAT_CLASS && !s.any) {
        s.by_class = true;
        for (size_t i = 0; i < t->n; i++)
            s.classes |= 1u
                         << filter_word_find(t->field->words, t->items[i].text);
    } else if (!s.any) {
        rc = filter_matcher_new(k, t, false, &s.m);
    }
    if (rc == 0)
        rc = case_links(k->c, 0, keep_link, &s, k->err);
    if (rc == 0)
        rc = case_analyzed(k->c, &analyzed, k->err);
    if (rc == 0 && s.events.b.n == 0)
        rc = filter_note_add(k, t->place,
                             analyzed ? "no event is in such a link"
                                      : "no links yet: analyze makes them");
    if (rc == 0)
        return filter_events_plan(k, &s.events, out);
    buf_free(&s.events.b);
    return rc;
}

/* ---- places -------------------------------------------------------------- */

/* Ids to list; beyond, rows are tested. */
enum { SPAN_EVENTS_MAX = 4 << 20 };

static int by_from(const void *a, const void *b)
{
    const struct filter_span *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

struct span_test {
    const struct filter_span *v;
    size_t n;
};

static int test_span(void *ctx, struct casedb *c, const struct event *e)
{
    const struct span_test *s = ctx;
    size_t lo = 0, hi = s->n;
    (void)c;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->v[mid].to < e->id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n && s->v[lo].from <= e->id;
}

/* Sorted, clipped to the events of the case, overlaps joined. */
static size_t tidy(struct filter_span *v, size_t n, int64_t last,
                   uint64_t *events)
{
    size_t m = 0;
    *events = 0;
    qsort(v, n, sizeof(*v), by_from);
    for (size_t i = 0; i < n; i++) {
        struct filter_span s = v[i];
        s.from = s.from < 1 ? 1 : s.from;
        s.to = s.to > last ? last : s.to;
        if (s.from > s.to)
            continue;
        if (m && s.from <= v[m - 1].to + 1)
            v[m - 1].to = s.to > v[m - 1].to ? s.to : v[m - 1].to;
        else
            v[m++] = s;
    }
    for (size_t i = 0; i < m; i++)
        *events += (uint64_t)(v[i].to - v[i].from) + 1;
    return m;
}

int filter_spans_plan(struct compiler *k, struct filter_span *v, size_t n,
                      struct filter_part_plan *out)
{
    struct scan_total total;
    uint64_t events;
    int rc = case_span(k->c, &total, k->err);
    if (rc)
        return rc;
    out->cost = COST_INDEX;
    n = n ? tidy(v, n, (int64_t)total.n, &events) : 0;
    if (n == 0 || events == total.n) {
        out->p = filter_plan_new(k, n ? PLAN_ALL : PLAN_NONE);
        return out->p ? 0 : filter_no_memory(k);
    }
    if (events <= SPAN_EVENTS_MAX) {
        int64_t *ids = arena_array(k->a, (size_t)events, sizeof(*ids));
        size_t m = 0;
        out->p = filter_plan_new(k, PLAN_EVENTS);
        if (!ids || !out->p)
            return filter_no_memory(k);
        for (size_t i = 0; i < n; i++)
            for (int64_t id = v[i].from; id <= v[i].to; id++)
                ids[m++] = id;
        out->p->events = ids;
        out->p->n = m;
        return 0;
    }
    struct span_test *s = arena_alloc(k->a, sizeof(*s));
    if (s)
        *s = (struct span_test){ v, n };
    out->p = filter_plan_test(k, test_span, s);
    out->cost = COST_ROW;
    return out->p ? 0 : filter_no_memory(k);
}

struct members {
    struct compiler *k;
    const struct filter_term *t;
    struct filter_matcher m;
    struct buf spans; /* struct filter_span */
    uint64_t n;
};

static struct str base_name(struct str path)
{
    const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;
    return slash ? str_sub(path, (size_t)(slash - path.p) + 1, path.n) : path;
}

static int keep_member(void *ctx, const struct member *m)
{
    struct members *s = ctx;
    struct buf cite = { 0 };
    buf_printf(&cite, "X%lld/", (long long)m->exhibit);
    buf_put(&cite, m->path);
    bool hit = filter_matches(&s->m, m->path, false) ||
               filter_matches(&s->m, base_name(m->path), false) ||
               filter_matches(&s->m, buf_str(&cite), false);
    bool failed = cite.failed;
    buf_free(&cite);
    if (failed)
        return filter_no_memory(s->k);
    if (!hit)
        return 0;
    struct filter_span span = { (int64_t)m->first_event,
                                (int64_t)m->first_event + (int64_t)m->n_events -
                                    1 };
    s->n++;
    buf_put(&s->spans, (struct str){ (const char *)&span, sizeof(span) });
    return 0;
}

static int members(struct compiler *k, const struct filter_term *t,
                   struct filter_part_plan *out)
{
    struct members s = { .k = k, .t = t };
    int rc = filter_matcher_new(k, t, false, &s.m);
    if (rc == 0)
        rc = case_members(k->c, 0, keep_member, &s, k->err);
    if (rc == 0 && s.n == 0)
        rc = filter_note_add(k, t->place,
                             "no file of this case has such a "
                             "path");
    if (rc == 0 && s.spans.failed)
        rc = filter_no_memory(k);
    size_t n = s.spans.n / sizeof(struct filter_span);
    struct str v = n ? buf_to_arena(&s.spans, k->a) : STR("");
    buf_free(&s.spans);
    if (rc == 0 && !v.p)
        rc = filter_no_memory(k);
    if (rc)
        return rc;
    /* the arena's own copy, which is ours to sort */
    return filter_spans_plan(k, (struct filter_span *)(uintptr_t)v.p, n, out);
}

int filter_places(struct compiler *k, const struct filter_term *t,
                  struct filter_part_plan *out)
{
    if (t->field->what == WHAT_MEMBER)
        return members(k, t, out);
    struct filter_span *v = arena_array(k->a, t->n, sizeof(*v));
    if (!v)
        return filter_no_memory(k);
    for (size_t i = 0; i < t->n; i++) {
        struct exhibit x;
        uint64_t no = 0;
        str_u64(str_sub(t->items[i].text, 1, t->items[i].text.n), &no);
        int rc = case_exhibit(k->c, (int64_t)no, k->a, &x, k->err);
        if (rc == ERR_USAGE)
            return filter_fail(k->f->text, t->items[i].place, k->place, k->err,
                               "no exhibit X%llu in this case",
                               (unsigned long long)no);
        if (rc)
            return rc;
        v[i].from = (int64_t)x.first_event;
        v[i].to = v[i].from + (int64_t)x.n_events - 1;
    }
    return filter_spans_plan(k, v, t->n, out);
}
