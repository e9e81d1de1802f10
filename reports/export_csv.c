/*
 * CSV twice: `csv` is RFC 4180 with the exact bytes (CRLF, no byte order
 * mark); `csv-safe` is for spreadsheets: byte order mark, every field in
 * quotes, display form, no formulas, long cells cut with a mark, and a last
 * column that tells which fields are not as the evidence has them.
 */
#include "reports/exporter.h"

#include "analyzer/describe.h"
#include "base/text.h"

enum { CELL_LONGEST = 32000 }; /* spreadsheets end at 32,767 units */

struct fields {
    struct exporter *x;
    bool safe, any;
    struct buf changed; /* names of changed fields */
    struct buf field;
};

static void comma(struct fields *f)
{
    if (f->any)
        buf_putc(&f->x->b, ',');
    f->any = true;
}

/* A field as text_csv makes it, always in quotes. */
static void put_quoted(struct fields *f)
{
    struct str s = buf_str(&f->field);
    bool quoted = s.n > 1 && s.p[0] == '"';
    if (!quoted)
        buf_putc(&f->x->b, '"');
    buf_put(&f->x->b, s);
    if (!quoted)
        buf_putc(&f->x->b, '"');
}

static void put_cell(struct fields *f, const char *name, struct str s)
{
    struct buf cut = { 0 };
    comma(f);
    if (!f->safe) {
        text_csv(&f->x->b, s, false);
        return;
    }
    if (s.n > CELL_LONGEST) {
        size_t n = CELL_LONGEST;
        while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--;
        buf_put(&cut, str_sub(s, 0, n));
        buf_printf(&cut, "…+%zu", s.n - n);
    }
    buf_clear(&f->field);
    text_csv(&f->field, cut.n ? buf_str(&cut) : s, true);
    put_quoted(f);
    /* as it is, once without the changes that every CSV makes? */
    struct buf exact = { 0 };
    text_csv(&exact, s, false);
    if (cut.n || !str_eq(buf_str(&exact), buf_str(&f->field))) {
        if (f->changed.n)
            buf_putc(&f->changed, ' ');
        buf_putz(&f->changed, name);
    }
    f->x->b.failed |= exact.failed || cut.failed || f->field.failed;
    buf_free(&exact);
    buf_free(&cut);
}

static void put_number(struct fields *f, uint64_t v)
{
    comma(f);
    buf_put_u64(&f->x->b, v);
}

static const char *const columns[] = {
    "event",   "time",    "time_kind", "time_zone", "source", "action",
    "actor",   "target",  "outcome",   "ip",        "key",    "agent",
    "region",  "account", "service",   "severity",  "flags",  "uid",
    "request", "text",    "cite",
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static void begin(struct exporter *x, bool safe)
{
    if (safe)
        buf_putz(&x->b, "\xef\xbb\xbf");
    for (size_t i = 0; i < COLUMNS; i++) {
        if (i)
            buf_putc(&x->b, ',');
        buf_putz(&x->b, columns[i]);
    }
    buf_putz(&x->b, safe ? ",_changed\r\n" : "\r\n");
}

static void put_ids(struct fields *f, const struct export_row *row)
{
    const struct {
        const char *name;
        struct str bytes;
    } ids[] = { { "uid", row->e.uid }, { "request", row->e.request } };
    struct buf id = { 0 };
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&id);
        describe_id(ids[i].bytes, &id);
        put_cell(f, ids[i].name, buf_str(&id));
    }
    buf_free(&id);
}

static enum export_put put(struct exporter *x, const struct export_row *row,
                           bool safe)
{
    const struct event *e = &row->e;
    struct fields f = { .x = x, .safe = safe };
    struct export_column values[EXPORT_VALUES];
    char text[TIME_TEXT_MAX];
    size_t n =
        e->timed ? time_format(text, e->t, e->t_res > 9 ? 9 : e->t_res, 0) : 0;
    put_number(&f, (uint64_t)e->id);
    put_cell(&f, "time", (struct str){ text, n });
    put_cell(&f, "time_kind",
             e->timed ? time_kind_name((enum time_kind)e->t_kind) : STR(""));
    put_cell(&f, "time_zone", str_from(e->timed ? export_zone(e->t_zone) : ""));
    export_values(e, values);
    for (size_t i = 0; i < EXPORT_VALUES; i++)
        put_cell(&f, values[i].name, case_text(x->c, values[i].id));
    put_number(&f, e->severity);
    put_number(&f, e->flags);
    put_ids(&f, row);
    put_cell(&f, "text", e->text);
    put_cell(&f, "cite", row->cite);
    if (safe) {
        buf_clear(&f.field);
        text_csv(&f.field, buf_str(&f.changed), true);
        comma(&f);
        put_quoted(&f);
    }
    buf_putz(&x->b, "\r\n");
    buf_free(&f.changed);
    buf_free(&f.field);
    return EXPORT_PUT;
}

static void begin_exact(struct exporter *x)
{
    begin(x, false);
}

static enum export_put put_exact(struct exporter *x,
                                 const struct export_row *row)
{
    return put(x, row, false);
}

static void begin_safe(struct exporter *x)
{
    begin(x, true);
}

static enum export_put put_safe(struct exporter *x,
                                const struct export_row *row)
{
    return put(x, row, true);
}

const struct export_kind export_csv = {
    .form = { .name = "csv",
              .title = "CSV, RFC 4180, the exact bytes",
              .suffix = ".csv" },
    .begin = begin_exact,
    .put = put_exact,
};

const struct export_kind export_csv_safe = {
    .form = { .name = "csv-safe",
              .title = "CSV for spreadsheets: no formulas, changed fields are "
                       "named",
              .suffix = ".sheet.csv" },
    .begin = begin_safe,
    .put = put_safe,
};
