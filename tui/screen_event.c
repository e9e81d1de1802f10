/* One event in five views: fields, raw record, bytes, links, provenance. */
#include "analyzer/describe.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mask.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/pane.h"
#include "tui/bytes.h"
#include "tui/rows.h"

#include <stdio.h>

enum tab { TAB_FIELDS, TAB_RAW, TAB_HEX, TAB_LINKS, TAB_PROVENANCE, TABS };
enum { SLOT_EVENT = 1, SLOT_RAW };
enum { SHOWN_MOST = 1 << 20, FIELDS_MOST = 20000 };

static const char *const tab_names[TABS] = { "Fields", "Raw", "Hex", "Links",
                                             "Provenance" };

struct detail {
    struct arena arena; /* of what the jobs brought */
    enum tab tab;
    struct pane panes[TABS];
    struct row row;
    bool loaded, raw_loaded;
    struct err failed;
    struct buf find;
};

static struct detail *state(const struct view *v)
{
    return v->state;
}

/* ---- the job on the case ------------------------------------------------- */

struct place_of {
    int64_t member;
    uint64_t off;
    uint32_t len;
};

struct links_of {
    struct link links[200];
    size_t n, all;
    struct place_of places[50];
    size_t n_places, all_places;
    struct arena *a;
};

struct event_job {
    struct job job;
    int64_t id;
    struct pane fields, links, provenance;
    struct row row;
};

static const char *const zones[] = { "stated by the record", "by the format",
                                     "ASSUMED UTC" };

static void add_time(struct event_job *j, const struct event *e)
{
    struct arena *a = &j->job.arena;
    if (!e->timed) {
        pane_add(&j->fields, a, "time", STR("not known"));
        return;
    }
    char text[TIME_TEXT_MAX];
    time_format(text, e->t, e->t_res ? -1 : 0, 0);
    struct str kind = time_kind_name((enum time_kind)e->t_kind);
    pane_addf(&j->fields, a, "time", "%s  (%.*s; zone %s; %u digits)", text,
              STR_ARG(kind), zones[e->t_zone < 3 ? e->t_zone : 2], e->t_res);
}

static struct str source_id(struct str id, struct arena *a)
{
    struct buf b = { 0 };
    describe_id(id, &b);
    return buf_to_arena(&b, a);
}

static void add_value(struct pane *p, struct arena *a, const char *label,
                      struct str value, uint32_t id)
{
    if (value.n == 0)
        return;
    struct pane_line *l = pane_add(p, a, label, value);
    if (l)
        l->entity = id;
}

static void add_columns(struct event_job *j)
{
    static const uint8_t order[] = {
        FIELD_SOURCE, FIELD_SERVICE, FIELD_ACTION,  FIELD_OUTCOME,
        FIELD_ACTOR,  FIELD_KEY,     FIELD_IP,      FIELD_AGENT,
        FIELD_TARGET, FIELD_REGION,  FIELD_ACCOUNT,
    };
    struct arena *a = &j->job.arena;
    const struct event *e = &j->row.e;
    for (size_t i = 0; i < sizeof(order); i++)
        add_value(&j->fields, a, field_names[order[i]], j->row.value[order[i]],
                  row_id(&j->row, order[i]));
    add_value(&j->fields, a, "text", e->text, 0);
    add_value(&j->fields, a, "event id", source_id(e->uid, a), 0);
    add_value(&j->fields, a, "request id", source_id(e->request, a), 0);
    struct buf b = { 0 };
    describe_flags(e->flags, &b);
    add_value(&j->fields, a, "flags", buf_to_arena(&b, a), 0);
}

static int add_refs(struct event_job *j, struct casedb *c, struct err *err)
{
    struct arena *a = &j->job.arena;
    struct event_ref *refs;
    size_t n;
    int rc = case_event_refs(c, j->id, a, &refs, &n, err);
    if (rc || n == 0)
        return rc;
    pane_title(&j->fields, a,
               "Entities (e: all about the one under the cursor)");
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct entity_count k;
        struct str kind = kind_name(kind_of_id(refs[i].id));
        struct str role = role_name(refs[i].role);
        if (refs[i].role == ROLE_FACET)
            continue; /* stands above */
        rc = case_entity(c, refs[i].id, &k, err);
        if (rc)
            break;
        struct buf b = { 0 };
        buf_put(&b, arena_copy(a, case_text(c, refs[i].id)));
        struct pane_line *l =
            pane_add(&j->fields, a, NULL, buf_to_arena(&b, a));
        if (!l)
            break;
        buf_printf(&b, "%.*s, %.*s, %llu ev.", STR_ARG(role), STR_ARG(kind),
                   (unsigned long long)k.n);
        l->name = buf_to_arena(&b, a);
        l->entity = refs[i].id;
    }
    return rc;
}

static int keep_link(void *ctx, const struct link *l)
{
    struct links_of *k = ctx;
    k->all++;
    if (k->n == sizeof(k->links) / sizeof(k->links[0]))
        return 0;
    struct link *x = &k->links[k->n++];
    *x = *l;
    x->rule = arena_copy(k->a, l->rule);
    x->reason = arena_copy(k->a, l->reason);
    return 0;
}

static int keep_place(void *ctx, int64_t member, uint64_t off, uint32_t len)
{
    struct links_of *k = ctx;
    k->all_places++;
    if (k->n_places < sizeof(k->places) / sizeof(k->places[0]))
        k->places[k->n_places++] = (struct place_of){ member, off, len };
    return 0;
}

static int add_link(struct event_job *j, struct casedb *c, const struct link *l,
                    struct err *err)
{
    static const char *const classes[] = { "exact", "candidate", "inferred" };
    struct arena *a = &j->job.arena;
    bool from_here = l->a_kind == LINK_EVENT && l->a == j->id;
    enum link_end kind = from_here ? l->b_kind : l->a_kind;
    int64_t other = from_here ? l->b : l->a;
    struct buf b = { 0 };
    struct row r = { 0 };
    int rc = 0;
    if (kind == LINK_EVENT)
        rc = row_read(c, other, a, &r, err);
    if (rc)
        return rc;
    buf_printf(&b, "%c%lld  ", kind == LINK_EVENT ? 'E' : 'X',
               (long long)other);
    if (r.e.timed) {
        char text[TIME_TEXT_MAX];
        time_format(text, r.e.t, -1, 0);
        buf_printf(&b, "%s  ", text);
    }
    buf_put(&b, r.value[FIELD_ACTION]);
    if (r.value[FIELD_TARGET].n)
        buf_putz(&b, "  ");
    buf_put(&b, r.value[FIELD_TARGET]);
    buf_putz(&b, "\n");
    buf_put(&b, l->reason);
    struct pane_line *line = pane_add(&j->links, a, NULL, buf_to_arena(&b, a));
    if (!line)
        return 0;
    buf_printf(&b, "%.*s, %s", STR_ARG(l->rule),
               classes[l->cls < 3 ? l->cls : 2]);
    line->name = buf_to_arena(&b, a);
    line->event = kind == LINK_EVENT ? other : 0;
    line->entity = l->entity;
    return 0;
}

static int add_links(struct event_job *j, struct casedb *c,
                     const struct links_of *k, struct err *err)
{
    struct arena *a = &j->job.arena;
    uint64_t analyzed;
    int rc = case_analyzed(c, &analyzed, err);
    for (size_t i = 0; i < k->n && rc == 0; i++)
        rc = add_link(j, c, &k->links[i], err);
    if (k->all > k->n)
        pane_addf(&j->links, a, "", "and %zu more", k->all - k->n);
    if (rc == 0 && k->all == 0)
        pane_add(&j->links, a, "none",
                 analyzed ? STR("no rule joins this event to another one")
                          : STR("not analyzed yet: kanshiki analyze"));
    return rc;
}

static void add_digest(struct pane *p, struct arena *a, const char *label,
                       struct str bytes)
{
    struct buf b = { 0 };
    if (bytes.n == 0)
        return;
    buf_put_hex(&b, bytes.p, bytes.n);
    pane_add(p, a, label, buf_to_arena(&b, a));
}

static int add_provenance(struct event_job *j, struct casedb *c,
                          const struct links_of *k, struct err *err)
{
    struct arena *a = &j->job.arena;
    struct pane *p = &j->provenance;
    const struct event *e = &j->row.e;
    struct member m;
    struct exhibit x;
    int rc = case_member(c, e->member, a, &m, err);
    if (rc == 0)
        rc = case_exhibit(c, m.exhibit, a, &x, err);
    if (rc)
        return rc;
    pane_add(p, a, "citation", bytes_cite(&m, e->off, e->len, e->sub, a));
    pane_addf(p, a, "exhibit", "X%lld", (long long)x.no);
    pane_add(p, a, "imported from", x.path);
    pane_add(p, a, "file", m.path);
    pane_add(p, a, "layers",
             m.layers.n ? m.layers : STR("none: the file itself"));
    pane_addf(p, a, "bytes", "%llu .. %llu (%u bytes)",
              (unsigned long long)e->off, (unsigned long long)e->off + e->len,
              e->len);
    if (e->sub)
        pane_addf(p, a, "part", "%u of the record", e->sub);
    pane_add(p, a, "read as", m.format);
    add_digest(p, a, "file sha256", m.sha256);
    add_digest(p, a, "exhibit sha256", x.sha256);
    for (size_t i = 0; i < k->n_places && rc == 0; i++) {
        struct member o;
        rc = case_member(c, k->places[i].member, a, &o, err);
        if (rc == 0)
            pane_add(p, a, "also at",
                     bytes_cite(&o, k->places[i].off, k->places[i].len, 0, a));
    }
    if (k->all_places > k->n_places)
        pane_addf(p, a, "", "and %zu more", k->all_places - k->n_places);
    return rc;
}

static int event_run(struct job *job, struct desk *d, struct err *err)
{
    struct event_job *j = (struct event_job *)job;
    struct links_of *k = arena_alloc(&job->arena, sizeof(*k));
    if (!k)
        return err_set(err, ERR_INTERNAL, "out of memory");
    k->a = &job->arena;
    int rc = row_read(d->c, j->id, &job->arena, &j->row, err);
    if (rc)
        return rc;
    add_time(j, &j->row.e);
    add_columns(j);
    rc = add_refs(j, d->c, err);
    if (rc == 0)
        rc = case_links(d->c, j->id, keep_link, k, err);
    if (rc == 0)
        rc = case_sightings(d->c, j->id, keep_place, k, err);
    if (rc == 0)
        rc = add_links(j, d->c, k, err);
    return rc ? rc : add_provenance(j, d->c, k, err);
}

/* ---- the job on the evidence --------------------------------------------- */

struct raw_job {
    struct job job;
    int64_t id;
    struct pane fields, raw, hex, provenance;
};

/* One field of the record: its path and its value, decoded. */
static void add_leaf(struct raw_job *j, struct str path, struct str text,
                     bool escaped)
{
    struct arena *a = &j->job.arena;
    struct str value = text;
    if (escaped && !json_decode(text, a, &value))
        return;
    struct pane_line *l = pane_add(&j->fields, a, NULL, value);
    if (l)
        l->name = arena_copy(a, path);
}

struct walk {
    struct buf path;
    size_t ends[JSON_DEPTH + 1]; /* of the path at each depth */
    uint32_t index[JSON_DEPTH + 1];
    bool array[JSON_DEPTH + 1];
};

/* The path of the value that begins now at this depth. */
static void name_item(struct walk *w, unsigned depth)
{
    if (depth == 0 || !w->array[depth])
        return;
    w->path.n = w->ends[depth];
    buf_printf(&w->path, "[%u]", w->index[depth]++);
}

static void add_json(struct raw_job *j, struct str text)
{
    struct walk w = { .index = { 0 } };
    struct json json;
    enum json_type t;
    int n = 0;
    json_open(&json, text);
    while (n < FIELDS_MOST && (t = json_next(&json)) > JSON_END) {
        unsigned depth = json.depth;
        switch (t) {
        case JSON_OBJECT:
        case JSON_ARRAY:
            name_item(&w, depth - 1);
            w.ends[depth] = w.path.n;
            w.index[depth] = 0;
            w.array[depth] = t == JSON_ARRAY;
            break;
        case JSON_OBJECT_END:
        case JSON_ARRAY_END:
            break;
        case JSON_KEY:
            w.path.n = w.ends[depth];
            if (w.path.n)
                buf_putc(&w.path, '.');
            buf_put(&w.path, json.text);
            break;
        default:
            name_item(&w, depth);
            add_leaf(j, buf_str(&w.path), json.text,
                     t == JSON_STRING && (json.flags & JSON_ESCAPED));
            n++;
            break;
        }
    }
    buf_free(&w.path);
}

/* JSON one field a line; anything else as it is. */
static void add_text(struct raw_job *j, struct str text)
{
    struct arena *a = &j->job.arena;
    size_t error_at;
    const char *error;
    if (!json_valid(text, &error_at, &error)) {
        struct pane_line *l = pane_add(&j->raw, a, NULL, text);
        if (l)
            l->text = true;
        return;
    }
    pane_title(&j->fields, a, "The record as it is");
    add_json(j, text);
    /* a line break where a value begins; strings are left alone */
    struct buf b = { 0 };
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted) {
            buf_putc(&b, c);
            if (c == '\\' && i + 1 < text.n)
                buf_putc(&b, text.p[++i]);
            else if (c == '"')
                quoted = false;
            continue;
        }
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        bool close = c == '}' || c == ']', open = c == '{' || c == '[';
        if (close && depth)
            depth--;
        if (close && b.n && b.p[b.n - 1] != '{' && b.p[b.n - 1] != '[') {
            buf_putc(&b, '\n');
            for (unsigned k = 0; k < depth && k < 20; k++)
                buf_putz(&b, "  ");
        }
        buf_putc(&b, c);
        quoted = c == '"';
        depth += open;
        bool empty = open && i + 1 < text.n &&
                     (text.p[i + 1] == '}' || text.p[i + 1] == ']');
        if ((open && !empty) || c == ',') {
            buf_putc(&b, '\n');
            for (unsigned k = 0; k < depth && k < 20; k++)
                buf_putz(&b, "  ");
        } else if (c == ':') {
            buf_putc(&b, ' ');
        }
    }
    struct str pretty = buf_to_arena(&b, a);
    for (size_t at = 0; at < pretty.n;) {
        size_t end = str_find(str_sub(pretty, at, pretty.n), STR("\n"));
        size_t n = end == SIZE_MAX ? pretty.n - at : end;
        struct pane_line *l =
            pane_add(&j->raw, a, NULL, str_sub(pretty, at, n));
        if (l)
            l->text = true;
        at += n + 1;
    }
}

static void add_hex(struct raw_job *j, struct str bytes, uint64_t off)
{
    struct arena *a = &j->job.arena;
    for (size_t at = 0; at < bytes.n; at += 16) {
        struct str row = str_sub(bytes, at, 16);
        char line[100], shown[17];
        int n = snprintf(line, sizeof(line), "%08llx ",
                         (unsigned long long)(off + at));
        for (size_t i = 0; i < 16; i++) {
            if (i < row.n)
                n += snprintf(line + n, sizeof(line) - (size_t)n, "%s%02x",
                              i == 8 ? "  " : " ", (unsigned char)row.p[i]);
            else
                n += snprintf(line + n, sizeof(line) - (size_t)n, "%s",
                              i == 8 ? "    " : "   ");
        }
        for (size_t i = 0; i < row.n; i++)
            shown[i] = row.p[i] >= 0x20 && row.p[i] < 0x7f ? row.p[i] : '.';
        shown[row.n] = '\0';
        struct pane_line *l =
            pane_addf(&j->hex, a, NULL, "%s  |%s|", line, shown);
        if (l)
            l->text = true;
    }
}

static void add_gaps(struct raw_job *j, const struct reader_got *got)
{
    struct arena *a = &j->job.arena;
    for (size_t i = 0; i < got->n_gaps; i++) {
        struct pane_line *l = pane_addf(
            &j->provenance, a, "gap", "%llu bytes at %llu %s, shown as zeros",
            (unsigned long long)got->gaps[i].len,
            (unsigned long long)got->gaps[i].off,
            got->gaps[i].kind == GAP_ABSENT ? "were never recorded"
                                            : "could not be read");
        if (l)
            l->style = STYLE_WARN;
    }
}

/* The record without its secrets, and that it is so. */
static struct str mask_shown(struct raw_job *j, struct str record)
{
    struct pane *panes[] = { &j->raw, &j->hex };
    struct buf b = { 0 };
    mask_record(record, &b);
    for (size_t i = 0; i < sizeof(panes) / sizeof(panes[0]); i++) {
        struct pane_line *l =
            pane_add(panes[i], &j->job.arena, "masked",
                     i ? STR("secrets; offsets are those of what is shown")
                       : STR("secrets; start with --show-secrets to see all"));
        if (l)
            l->style = STYLE_WARN;
    }
    return buf_to_arena(&b, &j->job.arena);
}

static int raw_run(struct job *job, struct desk *d, struct err *err)
{
    struct raw_job *j = (struct raw_job *)job;
    struct arena *a = &job->arena;
    struct event e;
    struct member m;
    struct reader_got got = { .n_gaps = 0 };
    unsigned char sha[SHA256_LEN];
    int rc = case_event(d->c, j->id, a, &e, err);
    if (rc == 0)
        rc = case_member(d->c, e.member, a, &m, err);
    if (rc == 0)
        rc = bytes_read(d, &m, e.off, e.len, a, &got, err);
    if (rc)
        return rc;
    struct str shown = str_sub(got.bytes, 0, SHOWN_MOST);
    bool masked = e.flags & EVENT_SECRET && !d->show_secrets;
    if (masked)
        shown = mask_shown(j, shown);
    add_text(j, shown);
    add_hex(j, shown, masked ? 0 : e.off);
    if (!masked && shown.n < got.bytes.n)
        pane_addf(&j->hex, a, "", "+%zu bytes are not shown",
                  got.bytes.n - shown.n);
    if (hash_sha256(got.bytes, sha))
        add_digest(&j->provenance, a, "record sha256",
                   (struct str){ (char *)sha, sizeof(sha) });
    if (got.bytes.n < e.len)
        pane_addf(&j->provenance, a, "missing", "%llu bytes of the record",
                  (unsigned long long)(e.len - got.bytes.n));
    add_gaps(j, &got);
    return 0;
}

/* ---- answers ------------------------------------------------------------- */

/* Lines of a job's pane, with copies of what they borrow. */
static void take(struct pane *to, struct arena *a, const struct pane *from)
{
    for (int i = 0; i < from->n; i++) {
        const struct pane_line *l = &from->lines[i];
        struct pane_line *k =
            pane_add(to, a, l->label, arena_copy(a, l->value));
        if (!k)
            return;
        struct str value = k->value;
        *k = *l;
        k->value = value;
        k->name = arena_copy(a, l->name);
    }
}

static void event_answer(struct job *job)
{
    struct event_job *j = (struct event_job *)job;
    struct detail *d = state(job->view);
    d->loaded = true;
    d->failed = job->rc ? job->err : (struct err){ 0 };
    if (job->rc)
        return;
    d->row = j->row;
    d->row.e.text = d->row.e.uid = d->row.e.request = STR_NONE;
    for (unsigned f = 0; f < FIELDS; f++)
        d->row.value[f] = arena_copy(&d->arena, j->row.value[f]);
    take(&d->panes[TAB_FIELDS], &d->arena, &j->fields);
    take(&d->panes[TAB_LINKS], &d->arena, &j->links);
    take(&d->panes[TAB_PROVENANCE], &d->arena, &j->provenance);
}

static void raw_answer(struct job *job)
{
    struct raw_job *j = (struct raw_job *)job;
    struct detail *d = state(job->view);
    d->raw_loaded = true;
    if (job->rc) {
        for (int i = 0; i < 2; i++) {
            struct pane *p = &d->panes[i ? TAB_HEX : TAB_RAW];
            struct pane_line *l =
                pane_add(p, &d->arena, "not shown",
                         arena_copy(&d->arena, str_from(job->err.what)));
            if (l)
                l->style = STYLE_WARN;
            if (job->err.hint[0])
                pane_add(p, &d->arena, "hint",
                         arena_copy(&d->arena, str_from(job->err.hint)));
        }
        return;
    }
    take(&d->panes[TAB_FIELDS], &d->arena, &j->fields);
    take(&d->panes[TAB_RAW], &d->arena, &j->raw);
    take(&d->panes[TAB_HEX], &d->arena, &j->hex);
    take(&d->panes[TAB_PROVENANCE], &d->arena, &j->provenance);
}

static void open(struct view *v)
{
    struct buf b = { 0 };
    buf_printf(&b, "E%lld", (long long)v->place.event);
    v->subject = buf_to_arena(&b, &v->arena);
    struct event_job *j =
        view_job(v, sizeof(*j), LANE_PAGE, SLOT_EVENT, event_run, event_answer);
    if (j) {
        j->id = v->place.event;
        office_submit(v->app->office, &j->job);
    }
    struct raw_job *r =
        view_job(v, sizeof(*r), LANE_RAW, SLOT_RAW, raw_run, raw_answer);
    if (r) {
        r->id = v->place.event;
        office_submit(v->app->office, &r->job);
    }
}

static void close_view(struct view *v)
{
    arena_free(&state(v)->arena);
    buf_free(&state(v)->find);
}

/* ---- drawing, acting ----------------------------------------------------- */

static void draw_head(const struct view *v, struct area row)
{
    const struct detail *d = state(v);
    struct pen p = pen_at(row, 1, 0, STYLE_TITLE);
    pen_f(&p, "E%lld  ", (long long)v->place.event);
    pen_text(&p, d->row.value[FIELD_ACTION], 30);
    p.style = STYLE_PLAIN;
    pen_z(&p, "  ");
    if (d->loaded && !d->failed.code) {
        pen_time(&p, &d->row.e, true, true);
        pen_z(&p, d->row.e.timed ? "Z  " : "  ");
    }
    unsigned marks = app_marked(v->app, v->place.event);
    static const char *const names[] = { "note", "tag", "bookmark", "verdict" };
    for (unsigned k = 0; k < 4; k++)
        if (marks & 1u << k) {
            pen_styled(&p, STYLE_WARN, names[k]);
            pen_z(&p, " ");
        }
}

static void draw_tabs(const struct detail *d, struct area row)
{
    struct pen p = pen_at(row, 1, 0, STYLE_PLAIN);
    for (unsigned i = 0; i < TABS; i++) {
        bool here = i == d->tab;
        p.style = here ? STYLE_FOCUS : STYLE_PLAIN;
        pen_f(&p, here ? "[%s]" : " %s ", tab_names[i]);
        p.style = STYLE_PLAIN;
        pen_z(&p, " ");
    }
}

static void draw(struct view *v, struct area a)
{
    struct detail *d = state(v);
    struct pane *pane = &d->panes[d->tab];
    if (a.h >= 5)
        draw_head(v, area_take(&a, 1));
    if (a.h >= 4)
        draw_tabs(d, area_take(&a, 1));
    struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
    if (d->failed.code) {
        p.style = STYLE_ERROR;
        pen_text(&p, str_from(d->failed.what), -1);
    } else if (pane->n == 0) {
        pen_z(&p, d->loaded && d->raw_loaded ? "nothing" : "reading ..");
    } else {
        pane_draw(pane, a);
    }
}

static void follow(struct view *v)
{
    const struct pane_line *l = pane_current(&state(v)->panes[state(v)->tab]);
    if (!l)
        return;
    if (l->event)
        app_push(v->app, screen_named("event"),
                 &(struct place){ .event = l->event });
    else if (l->entity)
        app_act(v->app, ACTION_PIVOT, 0);
    else
        app_act(v->app, ACTION_COPY, 0);
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct detail *d = state(v);
    (void)key;
    switch (action) {
    case ACTION_RIGHT:
    case ACTION_NEXT_PANE:
        d->tab = (d->tab + 1) % TABS;
        return true;
    case ACTION_LEFT:
    case ACTION_PREV_PANE:
        d->tab = (d->tab + TABS - 1) % TABS;
        return true;
    case ACTION_OPEN:
        follow(v);
        return true;
    case ACTION_FIND:
        app_ask(v, ASK_FIND, "find", buf_str(&d->find));
        return true;
    case ACTION_FIND_NEXT:
    case ACTION_FIND_PREV:
        if (!pane_find(&d->panes[d->tab], buf_str(&d->find),
                       action == ACTION_FIND_PREV))
            app_say(v->app, STYLE_WARN, "not found");
        return true;
    default:
        return pane_act(&d->panes[d->tab], action);
    }
}

static bool said(struct view *v, enum ask ask, struct str text,
                 struct refusal *no)
{
    struct detail *d = state(v);
    (void)no;
    if (ask != ASK_FIND)
        return true;
    buf_clear(&d->find);
    buf_put(&d->find, text);
    if (!pane_find(&d->panes[d->tab], text, false))
        app_say(v->app, STYLE_WARN, "not found");
    return true;
}

static int64_t event(const struct view *v)
{
    return v->place.event;
}

static bool value(struct view *v, unsigned *kind, uint32_t *id,
                  struct str *text)
{
    const struct pane_line *l = pane_current(&state(v)->panes[state(v)->tab]);
    if (!l)
        return false;
    *id = l->entity;
    *kind = kind_of_id(l->entity);
    *text = l->value;
    return true;
}

const struct screen screen_event = {
    .name = "event",
    .title = "Event",
    .about = "one event: fields, raw record, bytes, links, provenance",
    .can = CAN_MOVE | CAN_OPEN | CAN_EVENT | CAN_FIND | CAN_PANES | CAN_VALUE,
    .state_size = sizeof(struct detail),
    .open = open,
    .draw = draw,
    .act = act,
    .said = said,
    .event = event,
    .value = value,
    .close = close_view,
};
