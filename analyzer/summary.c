#include "analyzer/summary.h"

#include <stdlib.h>

static const struct {
    const char *name, *title;
    unsigned kind;
} lists[SUMMARY_LISTS] = {
    [SUMMARY_PRINCIPALS] = { "principals", "Who acted", KIND_PRINCIPAL },
    [SUMMARY_KEYS] = { "keys", "Access keys", KIND_KEY },
    [SUMMARY_ADDRESSES] = { "addresses", "From where", KIND_IP },
    [SUMMARY_ERRORS] = { "errors", "Errors", KIND_OUTCOME },
    [SUMMARY_ACTIONS] = { "actions", "What was done", KIND_ACTION },
    [SUMMARY_AGENTS] = { "agents", "With which tool", KIND_AGENT },
    [SUMMARY_REGIONS] = { "regions", "Regions", KIND_REGION },
    [SUMMARY_ACCOUNTS] = { "accounts", "Accounts", KIND_ACCOUNT },
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "summary: out of memory");
}

static int fill_list(struct casedb *c, size_t top, struct arena *a,
                     unsigned kind, struct summary_entry **out, size_t *n,
                     struct err *err)
{
    struct entity_count *counts;
    int rc = case_entities_top(c, kind, top, a, &counts, n, err);
    if (rc)
        return rc;
    *out = arena_array(a, *n + 1, sizeof(**out));
    if (!*out)
        return no_memory(err);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i].count = counts[i];
        (*out)[i].value = arena_copy(a, case_text(c, counts[i].id));
        if (!(*out)[i].value.p)
            return no_memory(err);
    }
    return 0;
}

/* ---- sources
 * ------------------------------------------------------------------ */

static int more_first(const void *a, const void *b)
{
    const struct summary_entry *x = a, *y = b;
    if (x->count.n != y->count.n)
        return x->count.n > y->count.n ? -1 : 1;
    return str_cmp(x->value, y->value);
}

/* The most frequent actions within one source. Actions are few; each is
 * counted together with the source. */
static int source_actions(struct casedb *c, struct summary_source *s,
                          size_t top, const struct summary_list *actions,
                          struct arena *a, struct err *err)
{
    s->actions = arena_array(a, actions->n + 1, sizeof(*s->actions));
    if (!s->actions)
        return no_memory(err);
    for (size_t i = 0; i < actions->n; i++) {
        struct plan source = { .op = PLAN_ANY_OF, .ids = &s->id, .n = 1 };
        struct plan action = { .op = PLAN_ANY_OF,
                               .ids = &actions->entries[i].count.id,
                               .n = 1 };
        struct plan both = { .op = PLAN_AND, .a = &source, .b = &action };
        struct scan_total t;
        struct instant none = { 0, 0 };
        int rc = scan_count(c, &both, none, none, NULL, 0, &t, err);
        if (rc)
            return rc;
        if (t.n == 0)
            continue;
        struct summary_entry *e = &s->actions[s->n_actions++];
        *e = actions->entries[i];
        e->count.n = t.n;
        e->count.first = t.first;
        e->count.last = t.last;
    }
    qsort(s->actions, s->n_actions, sizeof(*s->actions), more_first);
    if (s->n_actions > top)
        s->n_actions = top;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    return str_cmp(((const struct summary_source *)a)->name,
                   ((const struct summary_source *)b)->name);
}

static int fill_sources(struct casedb *c, size_t top, struct arena *a,
                        struct summary *out, struct err *err)
{
    struct summary_entry *entries;
    size_t n;
    int rc = fill_list(c, 64, a, KIND_SOURCE, &entries, &n, err);
    if (rc)
        return rc;
    out->sources = arena_array(a, n + 1, sizeof(*out->sources));
    if (!out->sources)
        return no_memory(err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct summary_source *s = &out->sources[out->n_sources++];
        struct plan p = { .op = PLAN_ANY_OF, .ids = &s->id, .n = 1 };
        struct scan_total t;
        struct instant none = { 0, 0 };
        *s = (struct summary_source){ .name = entries[i].value,
                                      .id = entries[i].count.id };
        rc = scan_count(c, &p, none, none, NULL, 0, &t, err);
        s->events = t.n;
        s->timed = t.undated < t.n;
        s->first = t.first;
        s->last = t.last;
        if (rc == 0)
            rc =
                source_actions(c, s, top, &out->lists[SUMMARY_ACTIONS], a, err);
    }
    qsort(out->sources, out->n_sources, sizeof(*out->sources), by_value);
    return rc;
}

/* ---- counts
 * -------------------------------------------------------------------- */

static int add_exhibit(void *ctx, const struct exhibit *e)
{
    struct summary *s = ctx;
    s->exhibits++;
    s->members += e->n_members;
    s->read += e->n_read;
    s->stored += e->n_stored;
    s->dup += e->n_dup;
    s->rejected += e->n_rejected;
    return 0;
}

static int add_issue(void *ctx, const struct issue *i)
{
    (void)i;
    ((struct summary *)ctx)->issues++;
    return 0;
}

static int add_link(void *ctx, const struct link *l)
{
    (void)l;
    ((struct summary *)ctx)->links++;
    return 0;
}

static int add_gap(void *ctx, const struct coverage *v)
{
    ((struct summary *)ctx)->gaps += v->state != COVER_PRESENT;
    return 0;
}

static int fill_counts(struct casedb *c, struct summary *out, struct err *err)
{
    int rc = case_span(c, &out->span, err);
    if (rc == 0)
        rc = case_exhibits(c, add_exhibit, out, err);
    if (rc == 0)
        rc = case_issues(c, 0, add_issue, out, err);
    if (rc == 0)
        rc = case_links(c, 0, add_link, out, err);
    if (rc == 0)
        rc = case_coverage(c, add_gap, out, err);
    out->accounted = out->read == out->stored + out->dup + out->rejected;
    return rc;
}

int summary_make(struct casedb *c, size_t top, struct arena *a,
                 struct summary *out, struct err *err)
{
    uint64_t kinds[KIND_MAX + 1];
    *out = (struct summary){ 0 };
    int rc = fill_counts(c, out, err);
    if (rc == 0)
        rc = case_kind_counts(c, kinds, err);
    for (size_t i = 0; i < SUMMARY_LISTS && rc == 0; i++) {
        struct summary_list *l = &out->lists[i];
        *l = (struct summary_list){ .name = lists[i].name,
                                    .title = lists[i].title,
                                    .kind = lists[i].kind,
                                    .distinct = kinds[lists[i].kind] };
        rc = fill_list(c, top, a, l->kind, &l->entries, &l->n, err);
    }
    return rc ? rc : fill_sources(c, top, a, out, err);
}
