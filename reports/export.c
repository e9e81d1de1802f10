/* The table of exports, the walk over the events, the file and what stands
 * beside it. */
#include "reports/export.h"

#include "reports/exporter.h"
#include "reports/head.h"
#include "reports/place.h"

#include "config.h"

#include "analyzer/raw.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHUNK = 256 << 10 };

const struct export_form *const export_forms[] = {
    &export_jsonl.form,
    &export_csv.form,
    &export_csv_safe.form,
    &export_timesketch.form,
    &export_timesketch_csv.form,
    &export_bodyfile.form,
    NULL,
};

const struct export_form *export_form_find(struct str name)
{
    for (size_t i = 0; export_forms[i]; i++)
        if (str_eq(str_from(export_forms[i]->name), name))
            return export_forms[i];
    return NULL;
}

/* ---- what forms share ---------------------------------------------------- */

void export_values(const struct event *e, struct export_column *out)
{
    const struct export_column values[EXPORT_VALUES] = {
        { "source", e->source },   { "action", e->action },
        { "actor", e->actor },     { "target", e->target },
        { "outcome", e->outcome }, { "ip", e->ip },
        { "key", e->key },         { "agent", e->agent },
        { "region", e->region },   { "account", e->account },
        { "service", e->service },
    };
    memcpy(out, values, sizeof(values));
}

void export_message(struct exporter *x, const struct export_row *row,
                    struct buf *out)
{
    const struct event *e = &row->e;
    const uint32_t parts[] = { e->actor, e->action, e->target };
    for (size_t i = 0; i < 3; i++) {
        if (parts[i] == 0)
            continue;
        if (out->n)
            buf_putc(out, ' ');
        buf_put(out, case_text(x->c, parts[i]));
    }
    if (e->outcome) {
        buf_putz(out, ", ");
        buf_put(out, case_text(x->c, e->outcome));
    }
    if (e->text.n) {
        if (out->n)
            buf_putz(out, ": ");
        buf_put(out, e->text);
    }
}

bool export_micros(const struct event *e, int64_t *out)
{
    /* 1700-01-01 to 9999-12-31: others are dropped there without a word */
    enum { MICRO = 1000000 };
    const int64_t first = -8520336000, end = 253402300800;
    if (!e->timed || e->t.s < first || e->t.s >= end)
        return false;
    *out = e->t.s * MICRO + e->t.ns / 1000;
    return true;
}

const char *export_zone(unsigned t_zone)
{
    return t_zone == ZONE_EXPLICIT ? "explicit"
           : t_zone == ZONE_FORMAT ? "format"
           : t_zone == ZONE_HOST   ? "host"
                                   : "assumed";
}

/* ---- the walk ------------------------------------------------------------ */

/* Rows that are read together: records lie in files in another order than that
 * of time, so that more at once open each file less often. */
enum {
    CHUNK_ROWS = 16384,
    CHUNK_RAW = 48 << 20, /* bytes of records */
    MEMBERS = 256,        /* remembered */
};

struct known_member {
    struct member m;
    struct str place; /* how citations in it begin */
    struct arena arena;
};

struct walk {
    struct exporter x;
    const struct export_kind *kind;
    struct export_result *out;
    struct output *to;
    struct known_member *members;
    struct arena arena; /* of the chunk */
    struct export_row *rows;
    const struct event **events;
    struct str *raw;
    size_t n, cap;
    uint64_t raw_bytes;
    struct err *err;
};

static int get_member(struct walk *w, int64_t id, struct known_member **out)
{
    struct known_member *k = &w->members[(uint64_t)id % MEMBERS];
    *out = k;
    if (k->m.id == id && id)
        return 0;
    arena_reset(&k->arena);
    k->m.id = 0;
    int rc = case_member(w->x.c, id, &k->arena, &k->m, w->err);
    return rc ? rc : place_begin(&k->arena, &k->m, &k->place, w->err);
}

static int get_row(struct walk *w, int64_t id, struct export_row *row)
{
    struct event_ref *refs;
    *row = (struct export_row){ 0 };
    if (!w->kind->wants_refs)
        return case_event(w->x.c, id, &w->arena, &row->e, w->err);
    int rc = case_event_whole(w->x.c, id, &w->arena, &row->e, &refs,
                              &row->n_refs, w->err);
    row->refs = refs;
    return rc;
}

static void flush(struct walk *w)
{
    output_put(w->to, buf_str(&w->x.b));
    w->x.b.n = 0; /* failed stays */
}

static int put_row(struct walk *w, struct export_row *row, struct buf *cite)
{
    struct known_member *k;
    int rc = get_member(w, row->e.member, &k);
    if (rc)
        return rc;
    row->m = &k->m;
    buf_clear(cite);
    buf_put(cite, k->place);
    place_end(cite, &row->e);
    row->cite = buf_str(cite);
    w->x.b.failed |= cite->failed;
    w->out->undated += !row->e.timed;
    if (w->kind->put(&w->x, row) == EXPORT_LEFT_OUT)
        w->out->left_out++;
    else
        w->out->rows++;
    if (w->x.b.n >= CHUNK)
        flush(w);
    if ((w->out->rows + w->out->left_out) % 4096 == 0)
        rc = report_tick(&w->x.o->ticker, w->out->rows + w->out->left_out, 0,
                         w->err);
    return rc;
}

static int read_raw(struct walk *w)
{
    for (size_t i = 0; i < w->n; i++)
        w->events[i] = &w->rows[i].e;
    int rc =
        raw_read_many(w->x.o->raw, w->events, w->n, &w->arena, w->raw, w->err);
    for (size_t i = 0; i < w->n && rc == 0; i++) {
        w->rows[i].raw = w->raw[i];
        w->rows[i].raw_read = w->raw[i].p != NULL;
        w->out->unread += w->raw[i].p == NULL;
    }
    return rc;
}

static int put_chunk(struct walk *w)
{
    struct buf cite = { 0 };
    int rc = 0;
    if (w->raw)
        rc = read_raw(w);
    for (size_t i = 0; i < w->n && rc == 0 && !output_failed(w->to); i++)
        rc = put_row(w, &w->rows[i], &cite);
    buf_free(&cite);
    arena_reset(&w->arena);
    w->n = 0;
    w->raw_bytes = 0;
    return rc;
}

static int add_row(struct walk *w, int64_t id)
{
    int rc = get_row(w, id, &w->rows[w->n]);
    if (rc)
        return rc;
    w->raw_bytes += w->rows[w->n++].e.len;
    return w->n == w->cap || (w->raw && w->raw_bytes >= CHUNK_RAW)
               ? put_chunk(w)
               : 0;
}

static int walk_open(struct walk *w)
{
    bool raw = w->x.o->with_raw && w->kind->wants_raw;
    w->cap = raw ? CHUNK_ROWS : CHUNK_ROWS / 64;
    w->rows = calloc(w->cap, sizeof(*w->rows));
    w->members = calloc(MEMBERS, sizeof(*w->members));
    w->x.texts = calloc(EXPORT_TEXTS, sizeof(*w->x.texts));
    if (raw) {
        w->events = calloc(w->cap, sizeof(*w->events));
        w->raw = calloc(w->cap, sizeof(*w->raw));
    }
    if (w->rows && w->members && w->x.texts && (!raw || (w->events && w->raw)))
        return 0;
    return err_set(w->err, ERR_INTERNAL, "out of memory");
}

static void walk_close(struct walk *w)
{
    for (size_t i = 0; w->members && i < MEMBERS; i++)
        arena_free(&w->members[i].arena);
    for (size_t i = 0; w->x.texts && i < EXPORT_TEXTS; i++)
        buf_free(&w->x.texts[i].text);
    free(w->x.texts);
    free(w->members);
    free(w->rows);
    free(w->events);
    free(w->raw);
    buf_free(&w->x.b);
    arena_free(&w->arena);
}

static int walk_rows(struct walk *w)
{
    static const struct plan all = { .op = PLAN_ALL };
    struct scan *scan;
    struct hit hit;
    int rc = scan_open(w->x.c, w->x.o->plan ? w->x.o->plan : &all, NULL, false,
                       &scan, w->err);
    if (rc)
        return rc;
    if (w->kind->begin)
        w->kind->begin(&w->x);
    while ((rc = scan_next(scan, &hit, w->err)) > 0)
        if ((rc = add_row(w, hit.id)) || output_failed(w->to))
            break;
    scan_close(scan);
    if (rc >= 0 && !output_failed(w->to))
        rc = put_chunk(w);
    flush(w);
    if (rc >= 0 && w->x.b.failed)
        rc = err_set(w->err, ERR_INTERNAL, "out of memory");
    return rc < 0 ? rc : 0;
}

/* One view of the case for all rows, and no locks for each. */
static int walk(struct walk *w)
{
    int rc = walk_open(w);
    if (rc == 0)
        rc = case_begin(w->x.c, w->err);
    if (rc)
        return rc;
    rc = walk_rows(w);
    if (rc == 0)
        return case_commit(w->x.c, w->err);
    case_rollback(w->x.c);
    return rc;
}

/* ---- what stands beside it ----------------------------------------------- */

static void put_manifest(struct walk *w, const struct case_info *info,
                         const struct head *head, struct str name,
                         struct buf *b)
{
    const struct export_result *r = w->out;
    struct json_out j = { .b = b };
    struct buf at = { 0 };
    buf_printf(&at, "%llu:%s", (unsigned long long)head->audit.seq,
               head->audit.hex);
    json_put_open(&j, '{');
    json_put_kstr(&j, "file", name);
    json_put_kstr(&j, "format", str_from(w->kind->form.name));
    json_put_kstr(&j, "sha256", str_from(r->sha256));
    json_put_ki64(&j, "size", (int64_t)r->size);
    json_put_kstr(&j, "case", info->uuid);
    json_put_kstr(&j, "audit_head", buf_str(&at));
    json_put_kstr(&j, "filter", w->x.o->filter);
    json_put_kstr(&j, "zone", STR("UTC"));
    json_put_kstr(&j, "order", STR("time, then event number"));
    json_put_ki64(&j, "rows", (int64_t)r->rows);
    json_put_ki64(&j, "undated", (int64_t)r->undated);
    json_put_ki64(&j, "left_out", (int64_t)r->left_out);
    if (r->left_out)
        json_put_kstr(&j, "left_out_because", str_from(w->kind->leaves_out));
    if (w->x.o->with_raw)
        json_put_ki64(&j, "unread", (int64_t)r->unread);
    if (w->x.o->show_secrets)
        json_put_kbool(&j, "secrets", true);
    json_put_kbool(&j, "complete", r->left_out == 0 && r->unread == 0);
    json_put_kstr(&j, "program", STR("kanshiki " PACKAGE_VERSION));
    json_put_close(&j, '}');
    buf_putc(b, '\n');
    buf_free(&at);
}

static int write_manifest(struct walk *w, const char *path, struct buf *b)
{
    struct output *to;
    char *beside;
    if (asprintf(&beside, "%s.manifest.json", path) < 0)
        return err_set(w->err, ERR_INTERNAL, "out of memory");
    int rc = output_open(beside, w->x.o->force, &to, w->err);
    free(beside);
    if (rc)
        return rc;
    output_put(to, buf_str(b));
    rc = output_commit(to, w->err);
    output_close(to);
    return rc;
}

static int keep_audit(struct walk *w, const char *path, struct buf *manifest)
{
    struct json_out j = { 0 };
    struct buf b = { 0 };
    j.b = &b;
    json_put_open(&j, '{');
    json_put_kstr(&j, "filter", w->x.o->filter);
    json_put_kstr(&j, "format", str_from(w->kind->form.name));
    json_put_ki64(&j, "left_out", (int64_t)w->out->left_out);
    json_put_ki64(&j, "rows", (int64_t)w->out->rows);
    if (w->x.o->show_secrets)
        json_put_kbool(&j, "secrets", true);
    json_put_kstr(&j, "sha256", str_from(w->out->sha256));
    json_put_close(&j, '}');
    int rc = b.failed || manifest->failed
                 ? err_set(w->err, ERR_INTERNAL, "out of memory")
                 : case_audit(w->x.c, STR("export.write"), str_from(path),
                              buf_str(&b), w->err);
    buf_free(&b);
    return rc;
}

/* Audit entry, side file and name, as one as near as can be. */
static int settle(struct walk *w, const char *path)
{
    struct case_info info;
    struct head head;
    struct buf manifest = { 0 };
    const char *slash = strrchr(path, '/');
    int rc = output_finish(w->to, w->out->sha256, w->err);
    w->out->size = output_size(w->to);
    if (rc)
        return rc;
    arena_reset(&w->arena);
    rc = case_get_info(w->x.c, &w->arena, &info, w->err);
    if (rc == 0)
        rc = head_find(w->x.c, &head, w->err);
    if (rc)
        return rc;
    bool audit = w->x.o->audit;
    rc = audit ? case_begin(w->x.c, w->err) : 0;
    if (rc)
        return rc;
    put_manifest(w, &info, &head, str_from(slash ? slash + 1 : path),
                 &manifest);
    if (audit)
        rc = keep_audit(w, path, &manifest);
    if (rc == 0 && strcmp(path, "-") != 0)
        rc = write_manifest(w, path, &manifest);
    if (rc == 0)
        rc = output_commit(w->to, w->err);
    buf_free(&manifest);
    if (!audit)
        return rc;
    if (rc)
        case_rollback(w->x.c);
    return rc ? rc : case_commit(w->x.c, w->err);
}

int export_write(struct casedb *c, const char *path,
                 const struct export_options *o, struct export_result *out,
                 struct err *err)
{
    struct err own = { 0 };
    memset(out, 0, sizeof(*out));
    struct walk w = { .x = { .c = c, .o = o },
                      /* a form is the beginning of its kind */
                      .kind = (const struct export_kind *)o->form,
                      .out = out,
                      .err = err ? err : &own };
    int rc = output_open(path, o->force, &w.to, w.err);
    if (rc)
        return rc;
    rc = walk(&w);
    if (rc == 0)
        rc = settle(&w, path);
    output_close(w.to);
    walk_close(&w);
    return rc;
}
