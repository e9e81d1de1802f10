/* Everything that was searched for, what was not found included. */
#include "reports/chapter.h"

HTML_HEAD(search_head, NONE, W_TIME, W_CUSTODY_BY, W_SEARCH_COMMAND,
          W_SEARCH_TEXT, W_SEARCH_HITS);

struct rows {
    struct report *r;
    uint64_t n;
};

static int put_search(void *ctx, const struct query_entry *q)
{
    struct rows *rows = ctx;
    struct html *h = &rows->r->h;
    if (rows->n++ == 0)
        html_table(h, &search_head);
    html_row(h, q->hits == 0 ? "bad" : NULL);
    html_cell_time(h, true, q->at, 0);
    html_cell(h, q->author);
    html_cell_short(h, q->command);
    html_cell(h, q->text);
    if (q->hits > 0)
        html_cell_u64(h, (uint64_t)q->hits);
    else
        html_cell_word(h, q->hits ? W_SEARCH_NOT_COUNTED : W_SEARCH_NO_HITS);
    html_row_end(h);
    return 0;
}

int report_searches(struct report *r)
{
    struct rows rows = { .r = r };
    html_word(&r->h, "p", NULL, W_SEARCHES_NOTE);
    int rc = case_queries(r->c, put_search, &rows, r->err);
    if (rows.n)
        html_table_end(&r->h);
    else
        html_word(&r->h, "p", "class=\"soft\"", W_NOTHING);
    return rc;
}
