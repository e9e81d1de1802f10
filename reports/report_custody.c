/*
 * Custody and its gaps. The holder after an entry is whom it went to, else
 * the holder before; an entry that says from whom it came must agree. Entries
 * that a later one corrects are shown and do not count.
 */
#include "reports/chapter.h"

#include <stdlib.h>

HTML_HEAD(custody_head, NONE, W_CUSTODY_NO, W_CUSTODY_AT, W_CUSTODY_ACTION,
          W_CUSTODY_FROM, W_CUSTODY_TO, W_CUSTODY_PLACE, W_CUSTODY_PURPOSE,
          W_CUSTODY_BY);

struct entries {
    struct report *r;
    struct custody *e;
    size_t n, cap;
};

static int collect(void *ctx, const struct custody *e)
{
    struct entries *x = ctx;
    struct arena *a = &x->r->a;
    if (x->n == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 16;
        struct custody *more = realloc(x->e, cap * sizeof(*more));
        if (!more)
            return err_set(x->r->err, ERR_INTERNAL, "out of memory");
        x->e = more;
        x->cap = cap;
    }
    struct custody *to = &x->e[x->n++];
    *to = *e;
    struct str *texts[] = { &to->action,    &to->from,    &to->to,
                            &to->place,     &to->purpose, &to->at_text,
                            &to->entered_by };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = arena_copy(a, *texts[i]);
    return 0;
}

static bool corrected(const struct entries *x, const struct custody *e)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->e[i].corrects == e->id)
            return true;
    return false;
}

static int in_time(const void *a, const void *b)
{
    const struct custody *x = a, *y = b;
    int cmp = instant_cmp(x->at, y->at);
    return cmp ? cmp : x->id < y->id ? -1 : x->id > y->id;
}

static void put_entry(struct report *r, const struct custody *e, bool old)
{
    struct html *h = &r->h;
    struct str no = report_number((uint64_t)e->id);
    html_row(h, old ? "old" : NULL);
    html_raw(h, "<td>");
    html_text(h, no);
    if (e->corrects) {
        struct str of = report_number((uint64_t)e->corrects);
        html_raw(h, ", ");
        html_say(h, W_CUSTODY_CORRECTS, &of, 1);
    }
    if (old) {
        html_raw(h, ", ");
        html_text(h, word_text(h->lang, W_CUSTODY_CORRECTED));
    }
    html_raw(h, "</td>");
    if (e->at_text.n)
        html_cell(h, e->at_text);
    else
        html_cell_time(h, true, e->at, 0);
    html_cell_short(h, e->action);
    html_cell(h, e->from);
    html_cell(h, e->to);
    html_cell(h, e->place);
    html_cell(h, e->purpose);
    html_cell(h, e->entered_by);
    html_row_end(h);
}

static void put_gaps(struct entries *x, struct str exhibit)
{
    struct html *h = &x->r->h;
    const struct custody *holder = NULL; /* entry that named the holder */
    struct str now = STR_NONE;
    bool gap = false;
    for (size_t i = 0; i < x->n; i++) {
        const struct custody *e = &x->e[i];
        if (corrected(x, e))
            continue;
        if (holder && e->from.n && !str_eq(now, e->from)) {
            const struct str values[] = { exhibit,
                                          report_number((uint64_t)holder->id),
                                          now, report_number((uint64_t)e->id),
                                          e->from };
            html_open(h, "p", "class=\"bad\"");
            html_say(h, W_CUSTODY_GAP, values, 5);
            html_close(h);
            gap = true;
        }
        if (e->to.n || e->from.n) {
            now = e->to.n ? e->to : e->from;
            holder = e;
        }
    }
    if (!gap)
        html_word(h, "p", NULL, W_CUSTODY_NO_GAP);
}

static int put_exhibit(void *ctx, const struct exhibit *exhibit)
{
    struct report *r = ctx;
    struct html *h = &r->h;
    struct str name = report_exhibit_name(exhibit->no);
    struct entries x = { .r = r };
    int rc = case_custody(r->c, exhibit->no, collect, &x, r->err);
    html_open(h, "h3", NULL);
    html_value(h, name);
    html_close(h);
    if (x.n == 0) {
        html_open(h, "p", "class=\"bad\"");
        html_say(h, W_CUSTODY_MISSING, &name, 1);
        html_close(h);
    } else if (rc == 0) {
        qsort(x.e, x.n, sizeof(*x.e), in_time);
        html_table(h, &custody_head);
        for (size_t i = 0; i < x.n; i++)
            put_entry(r, &x.e[i], corrected(&x, &x.e[i]));
        html_table_end(h);
        put_gaps(&x, name);
    }
    free(x.e);
    return rc;
}

int report_custody(struct report *r)
{
    return case_exhibits(r->c, put_exhibit, r, r->err);
}
