/* What was wrong with the evidence, and what the report cannot say. */
#include "reports/chapter.h"

#include <stdlib.h>

enum { SEVERE = 2, SEVERITIES };

HTML_HEAD(code_head, BY_CODE, W_SEVERITY, W_ISSUE, W_COUNT);
HTML_HEAD(issue_head, EACH_ISSUE, W_SEVERITY, W_ISSUE, W_PLACE, W_DETAIL);

static const enum word severities[SEVERITIES] = {
    W_SEVERITY_NOTE,
    W_SEVERITY_WARNING,
    W_SEVERITY_ERROR,
};

static unsigned severity_of(int severity)
{
    return severity < 0        ? 0
           : severity > SEVERE ? (unsigned)SEVERE
                               : (unsigned)severity;
}

struct code {
    struct str name;
    unsigned severity;
    uint64_t n;
};

struct rows {
    struct report *r;
    struct code *v;
    size_t n, cap;
    uint64_t seen;
};

static int count(void *ctx, const struct issue *i)
{
    struct rows *x = ctx;
    unsigned severity = severity_of(i->severity);
    for (size_t k = 0; k < x->n; k++)
        if (x->v[k].severity == severity && str_eq(x->v[k].name, i->code)) {
            x->v[k].n++;
            return 0;
        }
    if (x->n == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 16;
        struct code *more = realloc(x->v, cap * sizeof(*more));
        if (!more)
            return err_set(x->r->err, ERR_INTERNAL, "out of memory");
        x->v = more;
        x->cap = cap;
    }
    x->v[x->n++] = (struct code){ arena_copy(&x->r->a, i->code), severity, 1 };
    return 0;
}

static int worst_first(const void *a, const void *b)
{
    const struct code *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    return str_cmp(x->name, y->name);
}

static void put_codes(struct rows *x)
{
    struct html *h = &x->r->h;
    qsort(x->v, x->n, sizeof(*x->v), worst_first);
    html_table(h, &code_head);
    for (size_t k = 0; k < x->n; k++) {
        html_row(h, x->v[k].severity == SEVERE ? "bad" : NULL);
        html_cell_word(h, severities[x->v[k].severity]);
        html_cell_short(h, x->v[k].name);
        html_cell_u64(h, x->v[k].n);
        html_row_end(h);
    }
    html_table_end(h);
}

static int put_issue(void *ctx, const struct issue *i)
{
    struct rows *x = ctx;
    struct report *r = x->r;
    struct html *h = &r->h;
    struct member m = { 0 };
    if (x->seen++ >= REPORT_ROWS)
        return 0;
    int rc = i->member ? case_member(r->c, i->member, &r->a, &m, r->err) : 0;
    if (rc)
        return rc;
    html_row(h, severity_of(i->severity) == SEVERE ? "bad" : NULL);
    html_cell_word(h, severities[severity_of(i->severity)]);
    html_cell_short(h, i->code);
    html_raw(h, "<td>");
    html_text(h, report_exhibit_name(i->exhibit));
    if (m.path.n) {
        html_raw(h, "/");
        html_value(h, m.path);
        html_text(h, m.layers);
    }
    if (i->off || i->len) {
        html_raw(h, "@");
        html_u64(h, i->off);
        html_raw(h, "+");
        html_u64(h, i->len);
    }
    html_raw(h, "</td>");
    html_cell_wide(h, i->detail);
    html_row_end(h);
    return 0;
}

int report_issues(struct report *r)
{
    struct html *h = &r->h;
    struct rows x = { .r = r };
    int rc = case_issues(r->c, 0, count, &x, r->err);
    if (rc == 0 && x.n == 0)
        html_word(h, "p", "class=\"soft\"", W_NOTHING);
    if (rc == 0 && x.n) {
        put_codes(&x);
        html_table(h, &issue_head);
        rc = case_issues(r->c, 0, put_issue, &x, r->err);
        html_table_end(h);
        html_shown(h, REPORT_ROWS, x.seen);
    }
    free(x.v);
    return rc;
}

/* ---- limits -------------------------------------------------------------- */

static void limit(struct report *r, enum word w, uint64_t n)
{
    struct str value = report_number(n);
    if (n == 0)
        return;
    html_open(&r->h, "li", NULL);
    html_say(&r->h, w, &value, 1);
    html_close(&r->h);
}

int report_limits(struct report *r)
{
    struct html *h = &r->h;
    html_open(h, "ul", NULL);
    limit(r, W_LIMIT_UNFINISHED, r->unfinished);
    limit(r, W_LIMIT_UNREAD, r->unread);
    limit(r, W_LIMIT_REJECTED, r->rejected);
    limit(r, W_LIMIT_UNDATED, r->span.undated);
    if (r->chain_error[0]) {
        struct str why = str_from(r->chain_error);
        html_open(h, "li", "class=\"bad\"");
        html_say(h, W_LIMIT_CHAIN, &why, 1);
        html_close(h);
    }
    html_word(h, "li", NULL, W_LIMIT_PROVIDER);
    html_word(h, "li", NULL, W_LIMIT_CLOCK);
    html_word(h, "li", NULL, W_LIMIT_KEY);
    html_close(h);
    return 0;
}
