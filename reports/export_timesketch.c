/*
 * Timesketch (its importer of July 2026): message, datetime, timestamp_desc
 * are required; its CSV reader makes timestamp from datetime, its JSON reader
 * keeps both unchecked, so both come from one integer; rows without a time,
 * or before 1700, it drops without a word, so they are left out here and
 * counted. Microseconds; the full time is in time_exact.
 */
#include "reports/exporter.h"

#include "base/text.h"

#include <string.h>

static const char *const descriptions[] = {
    [TIME_EVENT] = "Event Time",
    [TIME_MODIFIED] = "Content Modification Time",
    [TIME_ACCESSED] = "Last Access Time",
    [TIME_CHANGED] = "Metadata Modification Time",
    [TIME_BORN] = "Creation Time",
    [TIME_DELETED] = "Deletion Time",
    [TIME_START] = "Start Time",
    [TIME_END] = "End Time",
    [TIME_INGESTED] = "Ingestion Time",
    [TIME_ACQUIRED] = "Acquisition Time",
};

struct sketch {
    char datetime[TIME_TEXT_MAX], exact[TIME_TEXT_MAX];
    size_t datetime_n, exact_n;
    int64_t micros;
    struct str desc;
};

static bool sketch_of(const struct event *e, struct sketch *s)
{
    if (!export_micros(e, &s->micros))
        return false;
    struct instant cut = { e->t.s, e->t.ns / 1000 * 1000 };
    s->datetime_n = time_format(s->datetime, cut, 6, 0);
    /* "Z" -> "+00:00" */
    memcpy(s->datetime + s->datetime_n - 1, "+00:00", 6);
    s->datetime_n += 5;
    s->exact_n = time_format(s->exact, e->t, 9, 0);
    s->desc =
        str_from(e->t_kind < sizeof(descriptions) / sizeof(descriptions[0])
                     ? descriptions[e->t_kind]
                     : "Event Time");
    return true;
}

/* ---- JSON lines ---------------------------------------------------------- */

static enum export_put put_json(struct exporter *x,
                                const struct export_row *row)
{
    struct export_column values[EXPORT_VALUES];
    struct json_out j = { .b = &x->b };
    struct buf message = { 0 }, shown = { 0 };
    struct sketch s;
    if (!sketch_of(&row->e, &s))
        return EXPORT_LEFT_OUT;
    export_message(x, row, &message);
    text_show(&shown, buf_str(&message), 0);
    json_put_open(&j, '{');
    json_put_kstr(&j, "message", buf_str(&shown));
    json_put_kstr(&j, "datetime", (struct str){ s.datetime, s.datetime_n });
    json_put_ki64(&j, "timestamp", s.micros);
    json_put_kstr(&j, "timestamp_desc", s.desc);
    json_put_kstr(&j, "time_exact", (struct str){ s.exact, s.exact_n });
    json_put_ki64(&j, "event", row->e.id);
    json_put_kstr(&j, "cite", row->cite);
    export_values(&row->e, values);
    for (size_t i = 0; i < EXPORT_VALUES; i++) {
        buf_clear(&shown);
        text_show(&shown, case_text(x->c, values[i].id), 0);
        if (values[i].id)
            json_put_kstr(&j, values[i].name, buf_str(&shown));
    }
    json_put_close(&j, '}');
    buf_putc(&x->b, '\n');
    x->b.failed |= message.failed || shown.failed;
    buf_free(&message);
    buf_free(&shown);
    return EXPORT_PUT;
}

/* ---- CSV ----------------------------------------------------------------- */

static void begin_csv(struct exporter *x)
{
    struct export_column values[EXPORT_VALUES];
    export_values(&(struct event){ 0 }, values);
    buf_putz(&x->b, "message,datetime,timestamp,timestamp_desc,time_exact,"
                    "event,cite");
    for (size_t i = 0; i < EXPORT_VALUES; i++) {
        buf_putc(&x->b, ',');
        buf_putz(&x->b, values[i].name);
    }
    buf_putz(&x->b, "\r\n");
}

static void put_shown(struct exporter *x, struct str s)
{
    struct buf shown = { 0 };
    text_show(&shown, s, 0);
    text_csv(&x->b, buf_str(&shown), false);
    x->b.failed |= shown.failed;
    buf_free(&shown);
}

static enum export_put put_csv(struct exporter *x, const struct export_row *row)
{
    struct export_column values[EXPORT_VALUES];
    struct buf message = { 0 };
    struct sketch s;
    if (!sketch_of(&row->e, &s))
        return EXPORT_LEFT_OUT;
    export_message(x, row, &message);
    put_shown(x, buf_str(&message));
    x->b.failed |= message.failed;
    buf_free(&message);
    buf_putc(&x->b, ',');
    buf_put(&x->b, (struct str){ s.datetime, s.datetime_n });
    buf_putc(&x->b, ',');
    buf_put_i64(&x->b, s.micros);
    buf_putc(&x->b, ',');
    buf_put(&x->b, s.desc);
    buf_putc(&x->b, ',');
    buf_put(&x->b, (struct str){ s.exact, s.exact_n });
    buf_putc(&x->b, ',');
    buf_put_i64(&x->b, row->e.id);
    buf_putc(&x->b, ',');
    put_shown(x, row->cite);
    export_values(&row->e, values);
    for (size_t i = 0; i < EXPORT_VALUES; i++) {
        buf_putc(&x->b, ',');
        put_shown(x, case_text(x->c, values[i].id));
    }
    buf_putz(&x->b, "\r\n");
    return EXPORT_PUT;
}

static const char why[] = "no time, or a year that Timesketch drops (before "
                          "1700, after 9999)";

const struct export_kind export_timesketch = {
    .form = { .name = "timesketch",
              .title = "Timesketch, JSON lines",
              .suffix = ".jsonl" },
    .leaves_out = why,
    .put = put_json,
};

const struct export_kind export_timesketch_csv = {
    .form = { .name = "timesketch-csv",
              .title = "Timesketch, CSV",
              .suffix = ".csv" },
    .leaves_out = why,
    .begin = begin_csv,
    .put = put_csv,
};
