/* With what program each exhibit was read, and under which protection. */
#include "reports/chapter.h"

#include "casedb/runs.h"

HTML_HEAD(run_head, NONE, W_EXHIBIT, W_RUN_STARTED, W_RUN_VERSION,
          W_RUN_LIBRARIES, W_RUN_FENCES, W_RUN_OPTIONS);

static void put_recorded(struct html *h, struct str s)
{
    if (s.n)
        html_cell(h, s);
    else
        html_cell_word(h, W_NOT_RECORDED);
}

static int put_run(void *ctx, const struct run *run)
{
    struct report *r = ctx;
    struct html *h = &r->h;
    html_row(h, NULL);
    html_cell_short(h, report_exhibit_name(run->exhibit));
    html_cell_time(h, true, run->started, 0);
    html_cell_short(h, run->version);
    put_recorded(h, run->libraries);
    put_recorded(h, run->fences);
    put_recorded(h, run->options);
    html_row_end(h);
    return 0;
}

int report_method(struct report *r)
{
    html_word(&r->h, "p", NULL, W_METHOD_NOTE);
    html_table(&r->h, &run_head);
    int rc = case_runs(r->c, 0, put_run, r, r->err);
    html_table_end(&r->h);
    return rc;
}
