/* Exhibits, their files, digests stated by others, what they say of
 * themselves. */
#include "reports/chapter.h"

#include "base/text.h"

HTML_HEAD(exhibit_head, NONE, W_EXHIBIT, W_EXHIBIT_KIND, W_EXHIBIT_STATE,
          W_EXHIBIT_FILES, W_EXHIBIT_BYTES, W_EXHIBIT_IMPORTED, W_EXHIBIT_SHA,
          W_EXHIBIT_PATH, W_EXHIBIT_NOTE);
HTML_HEAD(digest_head, DIGESTS, W_EXHIBIT, W_FILE, W_DIGEST_SCOPE,
          W_DIGEST_ALGO, W_DIGEST_VALUE, W_DIGEST_OUTCOME, W_DIGEST_AT,
          W_EXHIBIT_NOTE);
HTML_HEAD(file_head, NONE, W_EXHIBIT, W_FILE, W_FORMAT, W_EXHIBIT_BYTES,
          W_EXHIBIT_SHA);
HTML_HEAD(fact_head, FACTS, W_EXHIBIT, W_FACT_NAME, W_FACT_VALUE);

enum { FILE_ROWS = 5000 };

struct rows {
    struct report *r;
    int64_t exhibit;
    uint64_t n; /* rows seen */
};

static int put_exhibit(void *ctx, const struct exhibit *e)
{
    struct rows *rows = ctx;
    struct html *h = &rows->r->h;
    html_row(h, e->state == EXHIBIT_CLOSED ? NULL : "bad");
    html_cell_short(h, report_exhibit_name(e->no));
    html_cell_short(h, e->kind);
    html_cell_word(h, e->state == EXHIBIT_CLOSED ? W_EXHIBIT_WHOLE
                                                 : W_EXHIBIT_OPEN);
    html_cell_u64(h, e->n_files);
    html_cell_u64(h, e->size);
    html_cell_time(h, true, e->imported, 0);
    html_cell_hex(h, e->sha256);
    html_cell_wide(h, e->path);
    html_raw(h, "<td>");
    if (e->supplement_of) {
        struct str of = report_exhibit_name(e->supplement_of);
        html_say(h, W_EXHIBIT_SUPPLEMENT, &of, 1);
        html_raw(h, " ");
    }
    html_lines(h, e->note);
    html_raw(h, "</td>");
    html_row_end(h);
    return 0;
}

static int put_digest(void *ctx, const struct digest *d)
{
    struct rows *rows = ctx;
    struct html *h = &rows->r->h;
    if (rows->n++ == 0)
        html_table(h, &digest_head);
    html_row(h, str_eq(d->outcome, STR("differs")) ? "bad" : NULL);
    html_cell_short(h, report_exhibit_name(d->exhibit));
    html_cell(h, d->path);
    html_cell_short(h, d->scope);
    html_cell_short(h, d->algo);
    html_cell_hex(h, d->value);
    html_cell(h, d->outcome);
    html_cell_time(h, true, d->at, 0);
    html_cell(h, d->note);
    html_row_end(h);
    return 0;
}

static int put_fact(void *ctx, int64_t member, struct str name,
                    struct str value)
{
    struct rows *rows = ctx;
    struct html *h = &rows->r->h;
    (void)member;
    if (rows->n++ >= REPORT_ROWS)
        return 0;
    if (rows->n == 1)
        html_table(h, &fact_head);
    html_row(h, NULL);
    html_cell_short(h, report_exhibit_name(rows->exhibit));
    html_cell(h, name);
    html_cell(h, value);
    html_row_end(h);
    return 0;
}

static int put_file(void *ctx, const struct member *m)
{
    struct rows *rows = ctx;
    struct html *h = &rows->r->h;
    if (rows->n++ >= FILE_ROWS)
        return 0;
    if (rows->n == 1)
        html_table(h, &file_head);
    html_row(h, m->format.n ? NULL : "bad");
    html_cell_short(h, report_exhibit_name(m->exhibit));
    html_raw(h, "<td>");
    html_value(h, m->path);
    html_text(h, m->layers);
    html_raw(h, "</td>");
    if (m->format.n)
        html_cell_short(h, m->format);
    else
        html_cell_word(h, W_NOT_READ);
    html_cell_u64(h, m->size);
    html_cell_hex(h, m->sha256);
    html_row_end(h);
    return 0;
}

static void end_rows(struct rows *rows, uint64_t most)
{
    if (rows->n)
        html_table_end(&rows->r->h);
    if (rows->n > most)
        html_shown(&rows->r->h, most, rows->n);
    rows->n = 0;
}

struct facts_of {
    struct rows rows;
    int rc;
};

static int put_facts(void *ctx, const struct exhibit *e)
{
    struct facts_of *f = ctx;
    struct report *r = f->rows.r;
    f->rows.exhibit = e->no;
    f->rc = case_facts(r->c, e->no, put_fact, &f->rows, r->err);
    end_rows(&f->rows, REPORT_ROWS);
    return f->rc;
}

int report_exhibits(struct report *r)
{
    struct rows rows = { .r = r };
    html_table(&r->h, &exhibit_head);
    int rc = case_exhibits(r->c, put_exhibit, &rows, r->err);
    html_table_end(&r->h);
    html_word(&r->h, "p", "class=\"soft\"", W_SHA_NOTE);
    if (rc == 0)
        rc = case_digests(r->c, 0, put_digest, &rows, r->err);
    if (rows.n)
        html_table_end(&r->h);
    rows.n = 0;
    struct facts_of facts = { .rows = { .r = r } };
    if (rc == 0)
        rc = case_exhibits(r->c, put_facts, &facts, r->err);
    return rc;
}

int report_files(struct report *r)
{
    struct rows rows = { .r = r };
    int rc = case_members(r->c, 0, put_file, &rows, r->err);
    if (rows.n == 0)
        html_word(&r->h, "p", "class=\"soft\"", W_NOTHING);
    end_rows(&rows, FILE_ROWS);
    return rc;
}
