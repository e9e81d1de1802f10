/* What rules joined: inferences, each with its class and reason. */
#include "reports/chapter.h"

HTML_HEAD(link_head, NONE, W_RULE, W_CLASS, W_LINK_A, W_LINK_B, W_LINK_ENTITY,
          W_LINK_N, W_REASON);

static const enum word classes[] = {
    [LINK_EXACT] = W_CLASS_EXACT,
    [LINK_CANDIDATE] = W_CLASS_CANDIDATE,
    [LINK_INFERRED] = W_CLASS_INFERRED,
};

struct rows {
    struct report *r;
    uint64_t n;
};

static struct str end_name(enum link_end kind, int64_t id)
{
    return kind == LINK_EXHIBIT ? report_exhibit_name(id)
                                : report_event_name(id);
}

static int put_link(void *ctx, const struct link *l)
{
    struct rows *rows = ctx;
    struct report *r = rows->r;
    struct html *h = &r->h;
    if (rows->n++ >= REPORT_ROWS)
        return 0;
    html_row(h, NULL);
    html_raw(h, "<td>");
    html_text(h, l->rule);
    html_raw(h, ".");
    html_u64(h, (uint64_t)l->rule_version);
    html_raw(h, "</td>");
    html_cell_word(h, classes[(unsigned)l->cls % 3]);
    html_cell_short(h, end_name(l->a_kind, l->a));
    html_cell_short(h, end_name(l->b_kind, l->b));
    html_cell(h, case_text(r->c, l->entity));
    html_cell_u64(h, l->n);
    html_cell_wide(h, l->reason);
    html_row_end(h);
    return 0;
}

int report_links(struct report *r)
{
    struct html *h = &r->h;
    struct rows rows = { .r = r };
    html_open(h, "p", NULL);
    html_word(h, "span", "class=\"mark inference\"", W_INFERENCE);
    html_text(h, word_text(h->lang, W_LINKS_NOTE));
    html_close(h);
    if (r->links == 0) {
        html_word(h, "p", "class=\"soft\"", W_NOTHING);
        return 0;
    }
    html_table(h, &link_head);
    int rc = case_links(r->c, 0, put_link, &rows, r->err);
    html_table_end(h);
    html_shown(h, REPORT_ROWS, rows.n);
    return rc;
}
