/* The case at a glance: accounting, what was recorded, what is marked. */
#include "base/text.h"
#include "tui/app.h"
#include "tui/list.h"
#include "tui/rows.h"

#include <stdio.h>

enum line_kind { LINE_EXHIBIT, LINE_SOURCE, LINE_KIND, LINE_MARKS };

struct line {
    enum line_kind kind;
    size_t i;
};

enum { LINES_MAX = 160 };

struct overview {
    struct list list;
    struct line lines[LINES_MAX];
};

static struct overview *state(const struct view *v)
{
    return v->state;
}

static void add(struct overview *o, int *n, enum line_kind kind, size_t i)
{
    if (*n < LINES_MAX)
        o->lines[(*n)++] = (struct line){ kind, i };
}

/* Kinds that an investigator asks for first. */
static const uint8_t kinds[] = { KIND_PRINCIPAL, KIND_KEY,      KIND_IP,
                                 KIND_ROLE,      KIND_INSTANCE, KIND_BUCKET,
                                 KIND_HOST,      KIND_PROCESS,  KIND_FILE };

static void news(struct view *v)
{
    struct overview *o = state(v);
    const struct facts *f = v->app->facts;
    int n = 0;
    if (!f)
        return;
    for (size_t i = 0; i < f->n_exhibits; i++)
        add(o, &n, LINE_EXHIBIT, i);
    for (size_t i = 0; i < f->n_sources; i++)
        add(o, &n, LINE_SOURCE, i);
    for (size_t i = 0; i < sizeof(kinds); i++)
        if (f->kinds[kinds[i]])
            add(o, &n, LINE_KIND, i);
    add(o, &n, LINE_MARKS, 0);
    list_resize(&o->list, n);
}

static void open(struct view *v)
{
    news(v);
}

/* ---- drawing ------------------------------------------------------------- */

static void pen_size(struct pen *p, uint64_t n)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    unsigned u = 0;
    uint64_t tenths = n < UINT64_MAX / 10 ? n * 10 : n;
    while (tenths >= 10240 && u < 4) {
        tenths /= 1024;
        u++;
    }
    if (u)
        pen_f(p, "%llu.%llu %s", (unsigned long long)tenths / 10,
              (unsigned long long)tenths % 10, units[u]);
    else
        pen_f(p, "%llu B", (unsigned long long)n);
}

static void draw_accounting(const struct facts *f, struct area a)
{
    uint64_t read = 0, stored = 0, dup = 0, rejected = 0, size = 0, issues = 0,
             open_ones = 0;
    for (size_t i = 0; i < f->n_exhibits; i++) {
        const struct exhibit *e = &f->exhibits[i];
        read += e->n_read;
        stored += e->n_stored;
        dup += e->n_dup;
        rejected += e->n_rejected;
        size += e->size;
        issues += e->n_issues;
        open_ones += e->state != EXHIBIT_CLOSED;
    }
    struct pen p = pen_at(a, 1, 0, STYLE_LABEL);
    pen_z(&p, "EVIDENCE  ");
    p.style = STYLE_PLAIN;
    pen_f(&p, "%zu exhibit%s, ", f->n_exhibits, f->n_exhibits == 1 ? "" : "s");
    pen_size(&p, size);
    if (open_ones)
        pen_styled(&p, STYLE_WARN, ", import unfinished");
    if (issues) {
        p.style = STYLE_WARN;
        pen_z(&p, ", ");
        pen_count(&p, issues);
        pen_f(&p, " issue%s", issues == 1 ? "" : "s");
    }
    p = pen_at(a, 1, 1, STYLE_LABEL);
    pen_z(&p, "RECORDS   ");
    p.style = STYLE_PLAIN;
    pen_count(&p, read);
    pen_z(&p, " read = ");
    pen_count(&p, stored);
    pen_z(&p, " stored + ");
    pen_count(&p, dup);
    pen_z(&p, " duplicate + ");
    pen_count(&p, rejected);
    pen_z(&p, " rejected  ");
    bool agrees = read == stored + dup + rejected;
    pen_styled(&p, agrees ? STYLE_GOOD : STYLE_ERROR,
               agrees ? "agrees" : "DOES NOT AGREE");
    p = pen_at(a, 1, 2, STYLE_LABEL);
    pen_z(&p, "EVENTS    ");
    p.style = STYLE_PLAIN;
    pen_count(&p, f->span.n);
    if (f->span.n > f->span.undated) {
        pen_z(&p, "  ");
        pen_instant(&p, f->span.first, 0);
        pen_z(&p, " .. ");
        pen_instant(&p, f->span.last, 0);
    }
    if (f->span.undated) {
        pen_z(&p, "  without a time: ");
        pen_count(&p, f->span.undated);
    }
}

static void draw_exhibit(const struct facts *f, struct area row, size_t i)
{
    const struct exhibit *e = &f->exhibits[i];
    struct pen p = pen_at(row, 2, 0, STYLE_TITLE);
    pen_f(&p, "X%lld ", (long long)e->no);
    p.style = STYLE_PLAIN;
    pen_text(&p, e->kind, 8);
    pen_to(&p, 14);
    pen_size(&p, e->size);
    pen_to(&p, 26);
    pen_count(&p, e->n_events);
    pen_z(&p, " events  ");
    if (e->state != EXHIBIT_CLOSED)
        pen_styled(&p, STYLE_WARN, "unfinished  ");
    if (e->n_issues) {
        p.style = STYLE_WARN;
        pen_count(&p, e->n_issues);
        pen_z(&p, e->n_issues == 1 ? " issue  " : " issues  ");
        p.style = STYLE_PLAIN;
    }
    pen_text(&p, e->path, -1);
}

/* Which part of [from, to) of a source's time was recorded. */
static const struct coverage *worst(const struct facts *f, struct str source,
                                    int64_t from, int64_t to)
{
    const struct coverage *best = NULL;
    for (size_t i = 0; i < f->n_coverage; i++) {
        const struct coverage *v = &f->coverage[i];
        if (!str_eq(v->source, source) || v->to_s <= from || v->from_s >= to)
            continue;
        if (!best || v->state == COVER_ABSENT ||
            (v->state == COVER_DAMAGED && best->state != COVER_ABSENT))
            best = v;
    }
    return best;
}

static void draw_source(const struct facts *f, struct area row, size_t i)
{
    struct str name = f->source_names[i];
    const struct entity_count *e = &f->sources[i];
    struct pen p = pen_at(row, 2, 0, lane_style(name));
    pen_f(&p, "%c ", lane_letter(name));
    pen_text(&p, name, 14);
    pen_to(&p, 19);
    int cells = row.w > 90 ? 44 : row.w > 60 ? 24 : 0;
    int64_t width = seconds_between(f->span.first, f->span.last) + 1;
    const struct coverage *missing = NULL;
    for (int k = 0; k < cells; k++) {
        int64_t from = f->span.first.s + (int64_t)((__int128)width * k / cells);
        int64_t to =
            f->span.first.s + (int64_t)((__int128)width * (k + 1) / cells);
        const struct coverage *v = worst(f, name, from, to);
        if (v && (v->state == COVER_ABSENT || v->state == COVER_DAMAGED)) {
            p.style = STYLE_WARN;
            missing = missing ? missing : v;
            pen_glyph(&p, GLYPH_NO_DATA);
            p.style = (uint8_t)lane_style(name);
        } else if (v && v->state == COVER_PRESENT) {
            pen_glyph(&p, GLYPH_FULL);
        } else {
            /* not analyzed: where there are events, it recorded */
            bool any = e->first.s < to && e->last.s >= from;
            pen_glyph(&p, any && !f->n_coverage ? GLYPH_RULE : GLYPH_UNKNOWN);
        }
    }
    p.style = STYLE_PLAIN;
    pen_z(&p, "  ");
    pen_count(&p, e->n);
    if (missing) {
        pen_styled(&p, STYLE_WARN, "  not recorded from ");
        pen_instant(&p, (struct instant){ missing->from_s, 0 }, 0);
        pen_z(&p, "  ");
        pen_text(&p, missing->basis, -1);
    } else {
        pen_z(&p, "  ");
        pen_instant(&p, e->first, 0);
        pen_z(&p, " .. ");
        pen_instant(&p, e->last, 0);
    }
}

static void draw_kind(const struct facts *f, struct area row, size_t i)
{
    struct pen p = pen_at(row, 2, 0, STYLE_PLAIN);
    pen_text(&p, kind_name(kinds[i]), 16);
    pen_to(&p, 19);
    pen_count(&p, f->kinds[kinds[i]]);
}

static void draw_marks(const struct app *a, struct area row)
{
    unsigned n[4] = { 0 };
    for (size_t i = 0; a->marks && i < a->marks->n; i++) {
        const struct mark *m = &a->marks->rows[i];
        if (!m->undone && !m->undoes)
            n[m->kind & 3]++;
    }
    struct pen p = pen_at(row, 2, 0, STYLE_PLAIN);
    pen_f(&p, "%u bookmarks, %u tags, %u notes, %u verdicts", n[MARK_BOOKMARK],
          n[MARK_TAG], n[MARK_NOTE], n[MARK_VERDICT]);
}

static void draw_title(const struct view *v, struct area row,
                       enum line_kind kind)
{
    const struct facts *f = v->app->facts;
    struct pen p = pen_at(row, 1, 0, STYLE_LABEL);
    switch (kind) {
    case LINE_EXHIBIT:
        pen_z(&p, "EXHIBITS");
        break;
    case LINE_SOURCE:
        pen_z(&p, "SOURCES AND WHAT THEY COVER");
        p.style = STYLE_PLAIN;
        if (f->analyzed == 0)
            pen_z(&p, "   coverage is not known yet: kanshiki analyze");
        else if (f->analyzed != f->span.n)
            pen_z(&p, "   evidence came since: analyze again");
        break;
    case LINE_KIND:
        pen_z(&p, "WHO AND WHAT OCCURS");
        break;
    case LINE_MARKS:
        pen_z(&p, "YOUR NOTES");
        break;
    }
}

static void draw_line(const struct view *v, struct area row,
                      const struct line *l)
{
    const struct facts *f = v->app->facts;
    switch (l->kind) {
    case LINE_EXHIBIT:
        draw_exhibit(f, row, l->i);
        break;
    case LINE_SOURCE:
        draw_source(f, row, l->i);
        break;
    case LINE_KIND:
        draw_kind(f, row, l->i);
        break;
    case LINE_MARKS:
        draw_marks(v->app, row);
        break;
    }
}

static void draw_case(const struct view *v, struct area row)
{
    const struct facts *f = v->app->facts;
    struct pen p = pen_at(row, 1, 0, STYLE_LABEL);
    pen_z(&p, "CASE      ");
    p.style = STYLE_TITLE;
    pen_text(&p, f->info.title, row.w / 2);
    p.style = STYLE_PLAIN;
    if (f->info.examiner.n) {
        pen_z(&p, "  examiner ");
        pen_text(&p, f->info.examiner, 20);
    }
    if (!v->app->by_script) {
        pen_f(&p, "  audit %llu:%.12s", (unsigned long long)f->audit.seq,
              f->audit.hex);
    }
}

static void draw(struct view *v, struct area a)
{
    struct overview *o = state(v);
    const struct facts *f = v->app->facts;
    if (!f) {
        struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
        pen_z(&p, "reading the case ..");
        return;
    }
    if (a.h >= 6)
        draw_case(v, area_take(&a, 1));
    if (a.h >= 5)
        draw_accounting(f, area_take(&a, 3));
    bool titles = a.h >= 12;
    /* the titles are rows too, so that scrolling is by what is seen */
    int extra = 0;
    for (int i = 0; titles && i < o->list.n; i++)
        extra += i == 0 || o->lines[i].kind != o->lines[i - 1].kind;
    list_show(&o->list, a.h > extra ? a.h - extra : 1);
    int y = 0;
    for (int i = o->list.top; i < o->list.n && y < a.h; i++) {
        const struct line *l = &o->lines[i];
        bool first = i == o->list.top || l->kind != o->lines[i - 1].kind;
        if (titles && first && y < a.h)
            draw_title(v, area_sub(a, 0, y++, a.w, 1), l->kind);
        if (y >= a.h)
            break;
        draw_line(v, area_sub(a, 0, y, a.w, 1), l);
        if (i == o->list.cursor)
            area_highlight(a, y);
        y++;
    }
}

/* ---- acting -------------------------------------------------------------- */

static void open_source(struct view *v, size_t i)
{
    struct buf b = { 0 };
    buf_putz(&b, "source:");
    buf_put(&b, v->app->facts->source_names[i]);
    app_push(v->app, screen_named("timeline"),
             &(struct place){ .text = buf_str(&b) });
    buf_free(&b);
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct overview *o = state(v);
    (void)key;
    if (list_act(&o->list, action))
        return true;
    if (action != ACTION_OPEN || !v->app->facts || o->list.n == 0)
        return false;
    const struct line *l = &o->lines[o->list.cursor];
    switch (l->kind) {
    case LINE_EXHIBIT:
        app_push(v->app, screen_named("evidence"),
                 &(struct place){ .event = v->app->facts->exhibits[l->i].no });
        break;
    case LINE_SOURCE:
        open_source(v, l->i);
        break;
    case LINE_KIND:
        app_push(v->app, screen_named("entities"),
                 &(struct place){ .kind = kinds[l->i] });
        break;
    case LINE_MARKS:
        app_go(v->app, screen_named("notes"));
        break;
    }
    return true;
}

const struct screen screen_overview = {
    .name = "overview",
    .title = "Overview",
    .about = "accounting, exhibits, coverage, entities, notes",
    .key = '1',
    .can = CAN_MOVE | CAN_OPEN,
    .state_size = sizeof(struct overview),
    .open = open,
    .draw = draw,
    .act = act,
    .news = news,
};
