/* known: what hash lists say of the files of disk images. */
#include "analyzer/filter_plan.h"

#include "casedb/known.h"

struct spans {
    struct buf b; /* struct filter_span */
};

static int keep_span(void *ctx, int64_t from, int64_t to)
{
    struct spans *s = ctx;
    const struct filter_span span = { from, to };
    buf_put(&s->b, (struct str){ (const char *)&span, sizeof(span) });
    return s->b.failed ? ERR_INTERNAL : 0;
}

static unsigned classes_of(const struct filter_term *t)
{
    static const unsigned classes[] = { 1u << KNOWN_GOOD, 1u << KNOWN_UNKNOWN,
                                        1u << KNOWN_NOTABLE };
    unsigned all = 0;
    if (t->form == FORM_HAS)
        return 1u << KNOWN_GOOD | 1u << KNOWN_NOTABLE;
    for (size_t i = 0; i < t->n; i++) {
        int w = filter_word_find(t->field->words, t->items[i].text);
        all |= w >= 0 && w < 3 ? classes[w] : 0;
    }
    return all;
}

static int any_list(void *ctx, const struct known_list *l)
{
    bool *any = ctx;
    (void)l;
    *any = true;
    return 1;
}

int filter_known(struct compiler *k, const struct filter_term *t,
                 struct filter_part_plan *out)
{
    struct spans s = { 0 };
    bool any = false;
    int rc = known_lists(k->c, any_list, &any, k->err);
    if (rc >= 0 && !any)
        rc = filter_note_add(k, t->place,
                             "no hash list was compared yet: known does it");
    if (rc >= 0)
        rc = known_spans(k->c, classes_of(t), keep_span, &s, k->err);
    if (rc == ERR_INTERNAL && s.b.failed)
        rc = filter_no_memory(k);
    size_t n = s.b.n / sizeof(struct filter_span);
    struct filter_span *v = arena_array(k->a, n + 1, sizeof(*v));
    if (v && n)
        memcpy(v, s.b.p, n * sizeof(*v));
    buf_free(&s.b);
    if (rc == 0 && !v)
        rc = filter_no_memory(k);
    return rc ? rc : filter_spans_plan(k, v, n, out);
}
