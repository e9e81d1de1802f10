/* Exhibits: their accounting, members, issues, custody. */
#include "base/text.h"
#include "tui/app.h"
#include "tui/list.h"
#include "tui/pane.h"
#include "tui/bytes.h"
#include "tui/rows.h"

#include <stdio.h>

enum tab { TAB_ABOUT, TAB_MEMBERS, TAB_ISSUES, TAB_CUSTODY, TABS };
enum { SLOT_PARTS = 1, LINES_MOST = 20000 };

static const char *const tab_names[TABS] = { "About", "Files", "Issues",
                                             "Custody" };

struct evidence {
    struct list exhibits;
    struct arena arena;
    struct pane panes[TABS];
    enum tab tab;
    int64_t shown; /* exhibit whose parts are there */
    bool below;    /* the cursor is in the parts */
    struct buf find;
};

struct parts_job {
    struct job job;
    int64_t no;
    struct pane panes[TABS];
};

static struct evidence *state(const struct view *v)
{
    return v->state;
}

/* ---- the job ------------------------------------------------------------- */

static void put_hex(struct pane *p, struct arena *a, const char *label,
                    struct str bytes)
{
    struct buf b = { 0 };
    if (bytes.n == 0)
        return;
    buf_put_hex(&b, bytes.p, bytes.n);
    pane_add(p, a, label, buf_to_arena(&b, a));
}

static int add_member(void *ctx, const struct member *m)
{
    struct parts_job *j = ctx;
    struct arena *a = &j->job.arena;
    struct pane *p = &j->panes[TAB_MEMBERS];
    if (p->n >= LINES_MOST)
        return job_stopped(&j->job);
    struct buf b = { 0 };
    buf_put(&b, m->path);
    buf_put(&b, m->layers);
    struct pane_line *l = pane_add(p, a, NULL, buf_to_arena(&b, a));
    if (!l)
        return ERR_INTERNAL;
    buf_printf(&b, "%llu = %llu + %llu + %llu  ", (unsigned long long)m->n_read,
               (unsigned long long)m->n_stored, (unsigned long long)m->n_dup,
               (unsigned long long)m->n_rejected);
    buf_put(&b, m->format.n ? m->format : STR("NOT READ"));
    l->name = buf_to_arena(&b, a);
    if (m->n_rejected || m->format.n == 0)
        l->style = STYLE_WARN;
    return job_stopped(&j->job);
}

static int add_issue(void *ctx, const struct issue *i)
{
    static const char *const names[] = { "note", "low", "medium", "high",
                                         "critical" };
    struct parts_job *j = ctx;
    struct arena *a = &j->job.arena;
    struct pane *p = &j->panes[TAB_ISSUES];
    if (p->n >= LINES_MOST)
        return 0;
    struct buf b = { 0 };
    buf_put(&b, i->code);
    buf_putz(&b, ": ");
    buf_put(&b, i->detail);
    if (i->len)
        buf_printf(&b, "  (bytes %llu+%llu)", (unsigned long long)i->off,
                   (unsigned long long)i->len);
    int s = i->severity < 0 ? 0 : i->severity > 4 ? 4 : i->severity;
    struct pane_line *l = pane_add(p, a, names[s], buf_to_arena(&b, a));
    if (l && s > 1)
        l->style = STYLE_WARN;
    return job_stopped(&j->job);
}

static int add_custody(void *ctx, const struct custody *c)
{
    struct parts_job *j = ctx;
    struct arena *a = &j->job.arena;
    struct buf b = { 0 };
    const struct {
        const char *title;
        struct str value;
    } parts[] = {
        { "", c->action },       { " from ", c->from },
        { " to ", c->to },       { " at ", c->place },
        { " for ", c->purpose }, { ", entered by ", c->entered_by },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i].value.n) {
            buf_putz(&b, parts[i].title);
            buf_put(&b, parts[i].value);
        }
    struct pane_line *l =
        pane_add(&j->panes[TAB_CUSTODY], a, NULL, buf_to_arena(&b, a));
    if (!l)
        return ERR_INTERNAL;
    if (c->at_text.n) {
        l->name = arena_copy(a, c->at_text);
    } else {
        char text[TIME_TEXT_MAX];
        l->name =
            arena_copy(a, (struct str){ text, time_format(text, c->at, 0, 0) });
    }
    return 0;
}

static void add_about(struct parts_job *j, const struct exhibit *e)
{
    struct arena *a = &j->job.arena;
    struct pane *p = &j->panes[TAB_ABOUT];
    pane_addf(p, a, "exhibit", "X%lld", (long long)e->no);
    if (e->supplement_of)
        pane_addf(p, a, "supplement of", "X%lld", (long long)e->supplement_of);
    pane_add(p, a, "imported from", e->path);
    pane_add(p, a, "kind", e->kind);
    if (e->note.n)
        pane_add(p, a, "note", e->note);
    pane_addf(p, a, "state", "%s",
              e->state == EXHIBIT_CLOSED
                  ? "whole"
                  : "UNFINISHED: give the import command again");
    pane_addf(p, a, "size", "%llu bytes in %llu files, %llu members",
              (unsigned long long)e->size, (unsigned long long)e->n_files,
              (unsigned long long)e->n_members);
    put_hex(p, a, "sha256", e->sha256);
    struct pane_line *l = pane_addf(
        p, a, "records",
        "%llu read = %llu stored + %llu duplicate + %llu rejected: %s",
        (unsigned long long)e->n_read, (unsigned long long)e->n_stored,
        (unsigned long long)e->n_dup, (unsigned long long)e->n_rejected,
        e->n_read == e->n_stored + e->n_dup + e->n_rejected ? "agrees"
                                                            : "DOES NOT AGREE");
    if (l && e->n_read != e->n_stored + e->n_dup + e->n_rejected)
        l->style = STYLE_ERROR;
    pane_addf(p, a, "events", "%llu, E%llu and on",
              (unsigned long long)e->n_events,
              (unsigned long long)e->first_event);
    pane_addf(p, a, "issues", "%llu", (unsigned long long)e->n_issues);
}

static int add_fact(void *ctx, int64_t member, struct str name,
                    struct str value)
{
    struct parts_job *j = ctx;
    struct arena *a = &j->job.arena;
    struct pane *p = &j->panes[TAB_ABOUT];
    if (member || p->n > 400)
        return 0;
    struct pane_line *l = pane_add(p, a, NULL, arena_copy(a, value));
    if (l)
        l->name = arena_copy(a, name);
    return 0;
}

static int parts_run(struct job *job, struct desk *d, struct err *err)
{
    struct parts_job *j = (struct parts_job *)job;
    struct exhibit e;
    int rc = case_exhibit(d->c, j->no, &job->arena, &e, err);
    if (rc)
        return rc;
    add_about(j, &e);
    rc = case_facts(d->c, j->no, add_fact, j, err);
    if (rc == 0)
        rc = case_members(d->c, j->no, add_member, j, err);
    if (rc == 0)
        rc = case_issues(d->c, j->no, add_issue, j, err);
    if (rc == 0)
        rc = case_custody(d->c, j->no, add_custody, j, err);
    return rc > 0 ? ERR_STOPPED : rc;
}

static void parts_answer(struct job *job)
{
    struct parts_job *j = (struct parts_job *)job;
    struct evidence *s = state(job->view);
    if (job->rc) {
        app_say_err(job->view->app, &job->err);
        return;
    }
    arena_free(&s->arena);
    s->arena = job->arena;
    job->arena = (struct arena){ 0 };
    memcpy(s->panes, j->panes, sizeof(s->panes));
    s->shown = j->no;
}

static void ask_parts(struct view *v)
{
    struct evidence *s = state(v);
    const struct facts *f = v->app->facts;
    if (!f || s->exhibits.n == 0)
        return;
    int64_t no = f->exhibits[s->exhibits.cursor].no;
    if (no == s->shown)
        return;
    struct parts_job *j =
        view_job(v, sizeof(*j), LANE_PAGE, SLOT_PARTS, parts_run, parts_answer);
    if (!j)
        return;
    j->no = no;
    office_submit(v->app->office, &j->job);
}

static void news(struct view *v)
{
    struct evidence *s = state(v);
    const struct facts *f = v->app->facts;
    if (!f)
        return;
    for (size_t i = 0; i < f->n_exhibits; i++)
        if (f->exhibits[i].no == v->place.event)
            s->exhibits.cursor = (int)i;
    v->place.event = 0;
    list_resize(&s->exhibits, (int)f->n_exhibits);
    ask_parts(v);
}

/* ---- drawing ------------------------------------------------------------- */

static void draw_exhibits(const struct view *v, struct area a)
{
    struct evidence *s = state(v);
    const struct facts *f = v->app->facts;
    if (a.h >= 3) {
        struct area head = area_take(&a, 1);
        struct pen p = pen_at(head, 1, 0, STYLE_HEAD);
        pen_z(&p, "ID   KIND           EVENTS  ISSUES  PATH");
        pen_to(&p, head.w);
    }
    list_show(&s->exhibits, a.h);
    for (int y = 0; y < a.h && s->exhibits.top + y < s->exhibits.n; y++) {
        int i = s->exhibits.top + y;
        const struct exhibit *e = &f->exhibits[i];
        struct pen p = pen_at(a, 1, y, STYLE_PLAIN);
        pen_f(&p, "X%-3lld ", (long long)e->no);
        pen_text(&p, e->kind, 8);
        pen_to(&p, 15);
        pen_f(&p, "%12llu  %6llu  ", (unsigned long long)e->n_events,
              (unsigned long long)e->n_issues);
        if (e->state != EXHIBIT_CLOSED)
            pen_styled(&p, STYLE_WARN, "unfinished  ");
        pen_text(&p, e->path, -1);
        if (i == s->exhibits.cursor && !s->below)
            area_highlight(a, y);
    }
}

static void draw_tabs(const struct evidence *s, struct area row)
{
    struct pen p = pen_at(row, 1, 0, STYLE_PLAIN);
    for (unsigned i = 0; i < TABS; i++) {
        p.style = i == s->tab ? STYLE_FOCUS : STYLE_PLAIN;
        pen_f(&p, i == s->tab ? "[%s]" : " %s ", tab_names[i]);
        p.style = STYLE_PLAIN;
        pen_z(&p, " ");
    }
    if (s->tab == TAB_MEMBERS)
        pen_z(&p, "  read = stored + duplicate + rejected");
}

static void draw(struct view *v, struct area a)
{
    struct evidence *s = state(v);
    struct pane *pane = &s->panes[s->tab];
    if (!v->app->facts || s->exhibits.n == 0) {
        struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
        pen_z(&p, v->app->facts ? "No exhibit yet: kanshiki import CASE PATH"
                                : "reading ..");
        return;
    }
    if (a.h < 6) {
        if (s->below)
            pane_draw(pane, a);
        else
            draw_exhibits(v, a);
        return;
    }
    int most = a.h / 3 > 3 ? a.h / 3 : 3;
    draw_exhibits(
        v, area_take(&a, s->exhibits.n + 1 < most ? s->exhibits.n + 1 : most));
    draw_tabs(s, area_take(&a, 1));
    if (pane->n == 0) {
        struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
        pen_z(&p, s->shown ? "none" : "reading ..");
        return;
    }
    int cursor = pane->list.cursor;
    pane_draw(pane, a);
    if (!s->below) /* the cursor is above */
        for (int y = 0; y < a.h; y++)
            for (int x = 0; x < a.w; x++)
                a.g->cells[(size_t)(a.y + y) * (size_t)a.g->w +
                           (size_t)(a.x + x)]
                    .style &= (uint8_t)~STYLE_CURSOR;
    pane->list.cursor = cursor;
}

/* ---- acting -------------------------------------------------------------- */

static void find(struct view *v, bool back)
{
    struct evidence *s = state(v);
    s->below = true;
    if (!pane_find(&s->panes[s->tab], buf_str(&s->find), back))
        app_say(v->app, STYLE_WARN, "not found");
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct evidence *s = state(v);
    (void)key;
    switch (action) {
    case ACTION_NEXT_PANE:
    case ACTION_PREV_PANE:
        s->below = !s->below;
        return true;
    case ACTION_RIGHT:
        s->tab = (s->tab + 1) % TABS;
        return true;
    case ACTION_LEFT:
        s->tab = (s->tab + TABS - 1) % TABS;
        return true;
    case ACTION_OPEN:
        if (s->below)
            return app_act(v->app, ACTION_COPY, 0);
        s->below = true;
        return true;
    case ACTION_FIND:
        app_ask(v, ASK_FIND, "find", buf_str(&s->find));
        return true;
    case ACTION_FIND_NEXT:
    case ACTION_FIND_PREV:
        find(v, action == ACTION_FIND_PREV);
        return true;
    case ACTION_BACK:
        if (!s->below)
            return false;
        s->below = false;
        return true;
    default:
        break;
    }
    if (s->below)
        return pane_act(&s->panes[s->tab], action);
    if (!list_act(&s->exhibits, action))
        return false;
    ask_parts(v);
    return true;
}

static bool said(struct view *v, enum ask ask, struct str text,
                 struct refusal *no)
{
    (void)no;
    if (ask == ASK_FIND) {
        buf_clear(&state(v)->find);
        buf_put(&state(v)->find, text);
        find(v, false);
    }
    return true;
}

static bool value(struct view *v, unsigned *kind, uint32_t *id,
                  struct str *text)
{
    const struct evidence *s = state(v);
    const struct pane_line *l = pane_current(&s->panes[s->tab]);
    if (!s->below || !l)
        return false;
    *kind = 0;
    *id = 0;
    *text = l->value;
    return true;
}

static void close_view(struct view *v)
{
    arena_free(&state(v)->arena);
    buf_free(&state(v)->find);
}

const struct screen screen_evidence = {
    .name = "evidence",
    .title = "Evidence",
    .about = "exhibits: accounting, files, issues, custody",
    .key = '6',
    .can = CAN_MOVE | CAN_OPEN | CAN_PANES | CAN_FIND | CAN_VALUE,
    .state_size = sizeof(struct evidence),
    .open = news,
    .draw = draw,
    .act = act,
    .said = said,
    .news = news,
    .value = value,
    .close = close_view,
};
