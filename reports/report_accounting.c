/* read = stored + duplicate + rejected, for every exhibit and format. */
#include "reports/chapter.h"

#include <stdlib.h>

HTML_HEAD(exhibit_head, BY_EXHIBIT, W_EXHIBIT, W_EXHIBIT_FILES, W_READ,
          W_STORED, W_DUPLICATE, W_REJECTED, W_AGREES);
HTML_HEAD(format_head, BY_FORMAT, W_FORMAT, W_EXHIBIT_FILES, W_READ, W_STORED,
          W_DUPLICATE, W_REJECTED, W_AGREES);

struct sum {
    struct str name;
    uint64_t files, read, stored, dup, rejected;
    bool wrong; /* in one of its parts */
};

struct sums {
    struct report *r;
    struct sum *v, total;
    size_t n, cap;
};

static void put_sum(struct html *h, const struct sum *s)
{
    bool agrees = s->read == s->stored + s->dup + s->rejected && !s->wrong;
    html_cell_u64(h, s->files);
    html_cell_u64(h, s->read);
    html_cell_u64(h, s->stored);
    html_cell_u64(h, s->dup);
    html_cell_u64(h, s->rejected);
    html_raw(h, agrees ? "<td>" : "<td class=\"bad\">");
    html_text(h, word_text(h->lang, agrees ? W_AGREES_YES : W_AGREES_NO));
    html_raw(h, "</td>");
    html_row_end(h);
}

static void add(struct sum *to, const struct sum *s)
{
    to->files += s->files;
    to->read += s->read;
    to->stored += s->stored;
    to->dup += s->dup;
    to->rejected += s->rejected;
    to->wrong |= s->wrong || s->read != s->stored + s->dup + s->rejected;
}

static void put_total(struct sums *x)
{
    struct html *h = &x->r->h;
    html_row(h, NULL);
    html_cell_word(h, W_TOTAL);
    put_sum(h, &x->total);
}

static int put_exhibit(void *ctx, const struct exhibit *e)
{
    struct sums *x = ctx;
    struct sum s = { .files = e->n_files,
                     .read = e->n_read,
                     .stored = e->n_stored,
                     .dup = e->n_dup,
                     .rejected = e->n_rejected };
    html_row(&x->r->h, NULL);
    html_cell(&x->r->h, report_exhibit_name(e->no));
    put_sum(&x->r->h, &s);
    add(&x->total, &s);
    return 0;
}

static struct sum *sum_of(struct sums *x, struct str name)
{
    for (size_t i = 0; i < x->n; i++)
        if (str_eq(x->v[i].name, name))
            return &x->v[i];
    if (x->n == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 16;
        struct sum *more = realloc(x->v, cap * sizeof(*more));
        if (!more)
            return NULL;
        x->v = more;
        x->cap = cap;
    }
    x->v[x->n] = (struct sum){ .name = arena_copy(&x->r->a, name) };
    return &x->v[x->n++];
}

static int add_member(void *ctx, const struct member *m)
{
    struct sums *x = ctx;
    struct sum *to = sum_of(x, m->format);
    if (!to)
        return err_set(x->r->err, ERR_INTERNAL, "out of memory");
    struct sum s = { .files = 1,
                     .read = m->n_read,
                     .stored = m->n_stored,
                     .dup = m->n_dup,
                     .rejected = m->n_rejected };
    add(to, &s);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct sum *)a)->name,
                   ((const struct sum *)b)->name);
}

static void put_formats(struct sums *x)
{
    struct html *h = &x->r->h;
    if (x->n)
        qsort(x->v, x->n, sizeof(*x->v), by_name);
    html_table(h, &format_head);
    for (size_t i = 0; i < x->n; i++) {
        html_row(h, NULL);
        if (x->v[i].name.n)
            html_cell_short(h, x->v[i].name);
        else
            html_cell_word(h, W_NOT_READ);
        put_sum(h, &x->v[i]);
        add(&x->total, &x->v[i]);
    }
    put_total(x);
    html_table_end(h);
}

int report_accounting(struct report *r)
{
    struct sums x = { .r = r };
    html_word(&r->h, "p", NULL, W_ACCOUNTING_NOTE);
    html_table(&r->h, &exhibit_head);
    int rc = case_exhibits(r->c, put_exhibit, &x, r->err);
    put_total(&x);
    html_table_end(&r->h);
    x.total = (struct sum){ 0 };
    if (rc == 0)
        rc = case_members(r->c, 0, add_member, &x, r->err);
    if (rc == 0)
        put_formats(&x);
    free(x.v);
    return rc;
}
