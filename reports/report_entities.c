/* The most frequent principals, keys, addresses, agents, actions, errors. */
#include "reports/chapter.h"

enum { TOP = 20 };

HTML_HEAD(entity_head, NONE, W_VALUE, W_EVENTS, W_FIRST, W_LAST);

static const struct {
    enum word title;
    unsigned kind;
} lists[] = {
    { W_TOP_PRINCIPALS, KIND_PRINCIPAL },
    { W_TOP_KEYS, KIND_KEY },
    { W_TOP_IPS, KIND_IP },
    { W_TOP_OUTCOMES, KIND_OUTCOME },
    { W_TOP_ACTIONS, KIND_ACTION },
    { W_TOP_AGENTS, KIND_AGENT },
};

static void put_entity(struct report *r, const struct entity_count *e)
{
    struct html *h = &r->h;
    bool dated = e->first.s || e->first.ns || e->last.s || e->last.ns;
    html_row(h, NULL);
    html_cell(h, case_text(r->c, e->id));
    html_cell_u64(h, e->n);
    html_cell_time(h, dated, e->first, -1);
    html_cell_time(h, dated, e->last, -1);
    html_row_end(h);
}

int report_entities(struct report *r)
{
    struct html *h = &r->h;
    uint64_t counts[KIND_MAX + 1];
    int rc = case_kind_counts(r->c, counts, r->err);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && rc == 0; i++) {
        struct entity_count *top;
        size_t n;
        rc = case_entities_top(r->c, lists[i].kind, TOP, &r->a, &top, &n,
                               r->err);
        html_word(h, "h3", NULL, lists[i].title);
        if (rc == 0 && n == 0)
            html_word(h, "p", "class=\"soft\"", W_NOTHING);
        if (rc || n == 0)
            continue;
        html_table(h, &entity_head);
        for (size_t k = 0; k < n; k++)
            put_entity(r, &top[k]);
        html_table_end(h);
        html_top(h, n, counts[lists[i].kind]);
    }
    return rc;
}
