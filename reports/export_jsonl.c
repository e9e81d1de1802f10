/*
 * JSON lines: every column, every identifier with its role, the citation;
 * with_raw the record's own bytes. Nothing is lost: text that is not UTF-8 is
 * an object with its display form and its bytes in hex.
 */
#include "reports/exporter.h"

#include "base/kinds.h"
#include "base/mask.h"

#include "analyzer/describe.h"
#include "base/text.h"

_Static_assert(EXPORT_TEXTS == 1 << (64 - 51), "the hash of entity_text");

static void put_time(struct json_out *j, const struct event *e)
{
    char text[TIME_TEXT_MAX];
    if (!e->timed) {
        json_put_key(j, STR("time"));
        json_put_null(j);
        return;
    }
    size_t n = time_format(text, e->t, e->t_res > 9 ? 9 : e->t_res, 0);
    json_put_kstr(j, "time", (struct str){ text, n });
    json_put_ki64(j, "time_s", e->t.s);
    json_put_ki64(j, "time_ns", e->t.ns);
    json_put_ki64(j, "time_digits", e->t_res);
    json_put_kstr(j, "time_kind", time_kind_name((enum time_kind)e->t_kind));
    json_put_kstr(j, "time_zone", str_from(export_zone(e->t_zone)));
}

static void put_place(struct json_out *j, const struct export_row *row)
{
    const struct event *e = &row->e;
    json_put_kstr(j, "cite", row->cite);
    json_put_ki64(j, "exhibit", row->m->exhibit);
    json_put_kstr(j, "member", row->m->path);
    json_put_kstr(j, "layers", row->m->layers);
    json_put_key(j, STR("offset"));
    json_put_u64(j, e->off);
    json_put_ki64(j, "length", e->len);
    json_put_ki64(j, "sub", e->sub);
}

static void put_values(struct exporter *x, struct json_out *j,
                       const struct export_row *row)
{
    struct export_column values[EXPORT_VALUES];
    struct buf id = { 0 };
    export_values(&row->e, values);
    for (size_t i = 0; i < EXPORT_VALUES; i++)
        if (values[i].id)
            json_put_kstr(j, values[i].name, case_text(x->c, values[i].id));
    json_put_ki64(j, "severity", row->e.severity);
    json_put_key(j, STR("flags"));
    json_put_open(j, '[');
    for (const struct describe_flag *f = describe_flag_list; f->bit; f++)
        if (row->e.flags & f->bit)
            json_put_str(j, str_from(f->word));
    json_put_close(j, '[');
    describe_id(row->e.uid, &id);
    json_put_kstr(j, "uid", buf_str(&id));
    buf_clear(&id);
    describe_id(row->e.request, &id);
    json_put_kstr(j, "request", buf_str(&id));
    json_put_kstr(j, "text", row->e.text);
    x->b.failed |= id.failed;
    buf_free(&id);
}

/* Few of the entities are of one event alone: their texts are kept. */
static struct str entity_text(struct exporter *x, const struct event_ref *r)
{
    uint64_t key = (uint64_t)r->role << 32 | r->id;
    struct export_text *t = &x->texts[key * UINT64_C(0x9e3779b97f4a7c15) >> 51];
    if (t->key == key)
        return buf_str(&t->text);
    struct json_out j = { .b = &t->text };
    buf_clear(&t->text);
    json_put_open(&j, '{');
    json_put_kstr(&j, "kind", kind_name(r->id >> KIND_SHIFT));
    json_put_kstr(&j, "role", role_name(r->role));
    json_put_kstr(&j, "value", case_text(x->c, r->id));
    json_put_close(&j, '{');
    t->key = t->text.failed ? 0 : key;
    x->b.failed |= t->text.failed;
    return buf_str(&t->text);
}

static void put_entities(struct exporter *x, struct json_out *j,
                         const struct export_row *row)
{
    json_put_key(j, STR("entities"));
    json_put_open(j, '[');
    for (size_t i = 0; i < row->n_refs; i++)
        json_put_raw(j, entity_text(x, &row->refs[i]));
    json_put_close(j, '[');
}

/* The record, its secrets masked unless they were asked for. */
static void put_raw(struct exporter *x, struct json_out *j,
                    const struct export_row *row)
{
    json_put_key(j, STR("raw"));
    if (!row->raw_read) {
        json_put_null(j);
    } else if (row->e.flags & EVENT_SECRET && !x->o->show_secrets) {
        struct buf masked = { 0 };
        mask_record(row->raw, &masked);
        x->b.failed |= masked.failed;
        json_put_str(j, buf_str(&masked));
        json_put_kbool(j, "raw_masked", true);
        buf_free(&masked);
    } else {
        json_put_str(j, row->raw);
    }
}

static enum export_put put(struct exporter *x, const struct export_row *row)
{
    struct json_out j = { .b = &x->b };
    json_put_open(&j, '{');
    json_put_ki64(&j, "event", row->e.id);
    put_time(&j, &row->e);
    put_values(x, &j, row);
    put_entities(x, &j, row);
    put_place(&j, row);
    if (x->o->with_raw)
        put_raw(x, &j, row);
    json_put_close(&j, '}');
    buf_putc(&x->b, '\n');
    return EXPORT_PUT;
}

const struct export_kind export_jsonl = {
    .form = { .name = "jsonl",
              .title = "JSON lines, lossless: all columns, identifiers with "
                       "roles, citations",
              .suffix = ".jsonl" },
    .wants_refs = true,
    .wants_raw = true,
    .put = put,
};
