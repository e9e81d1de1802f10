/* The audit log, how to verify what the report says, the words it uses. */
#include "reports/chapter.h"
#include "reports/head.h"

enum { AUDIT_ROWS = 200 };

HTML_HEAD(audit_head, NONE, W_AUDIT_SEQ, W_TIME, W_AUDIT_ACTOR, W_AUDIT_ACTION,
          W_AUDIT_OBJECT, W_DETAIL);

struct rows {
    struct report *r;
    uint64_t all, n; /* entries that count; seen so far */
};

static int count(void *ctx, struct str line)
{
    struct rows *x = ctx;
    x->all += !head_is_disclosure(head_field(line, 4));
    return 0;
}

static int put_entry(void *ctx, struct str line)
{
    struct rows *x = ctx;
    struct html *h = &x->r->h;
    if (head_is_disclosure(head_field(line, 4)))
        return 0;
    if (++x->n + AUDIT_ROWS <= x->all)
        return 0;
    html_row(h, NULL);
    static const unsigned fields[] = { 0, 2, 3, 4, 5, 6 };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        html_cell(h, head_field(line, fields[i]));
    html_row_end(h);
    return 0;
}

int report_audit(struct report *r)
{
    struct html *h = &r->h;
    struct rows x = { .r = r };
    html_word(h, "p", NULL, W_AUDIT_NOTE);
    html_open(h, "dl", NULL);
    struct buf b = { 0 };
    buf_put_u64(&b, r->head.seq);
    buf_putc(&b, ':');
    buf_putz(&b, r->head.hex);
    report_fact(r, W_AUDIT_HEAD, buf_str(&b));
    buf_free(&b);
    html_close(h);
    int rc = case_audit_verify(r->c, NULL, count, &x, r->err);
    if (rc == ERR_VERIFY)
        return 0; /* said at the beginning and among the limits */
    html_table(h, &audit_head);
    if (rc == 0)
        rc = case_audit_verify(r->c, NULL, put_entry, &x, r->err);
    html_table_end(h);
    html_shown(h, AUDIT_ROWS, x.all);
    return rc;
}

int report_verify(struct report *r)
{
    struct html *h = &r->h;
    html_word(h, "p", NULL, W_VERIFY_CITE);
    html_raw(h, "<pre>sha256sum b.json.gz\n"
                "gunzip -c b.json.gz | tail -c +4712 | head -c 1312</pre>");
    html_word(h, "p", NULL, W_VERIFY_SAME);
    html_raw(h, "<pre>kanshiki verify CASE.kan\n"
                "kanshiki evidence CASE.kan verify\n"
                "kanshiki show CASE.kan 'X1/a/b.json.gz!gz@4711+1312' "
                "--raw</pre>");
    html_word(h, "p", NULL, W_VERIFY_CHAIN);
    html_raw(h, "<pre>while IFS= read -r line; do\n"
                "  test \"$(printf %s \"${line#* }\" | sha256sum | "
                "cut -c-64)\" = \"${line%% *}\" ||\n"
                "    echo \"altered: $line\"\n"
                "done &lt;audit.log</pre>");
    return 0;
}

int report_glossary(struct report *r)
{
    static const enum word words[] = { W_G_EXHIBIT, W_G_EVENT, W_G_DUPLICATE,
                                       W_G_MARKS };
    html_open(&r->h, "ul", NULL);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        html_word(&r->h, "li", NULL, words[i]);
    html_close(&r->h);
    return 0;
}
