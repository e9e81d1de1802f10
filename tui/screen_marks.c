/* What the examiner added: notes, tags, bookmarks, verdicts, by time of
 * writing. Nothing is ever erased: taking back is an entry too. */
#include "base/text.h"
#include "tui/app.h"
#include "tui/facts.h"
#include "tui/list.h"
#include "tui/rows.h"

struct notes {
    struct list list;
    struct buf find;
};

static struct notes *state(const struct view *v)
{
    return v->state;
}

static void news(struct view *v)
{
    const struct marks *m = v->app->marks;
    struct notes *s = state(v);
    bool at_end = s->list.cursor == s->list.n - 1;
    list_resize(&s->list, m ? (int)m->n : 0);
    if (at_end)
        list_act(&s->list, ACTION_LAST);
}

static const struct mark *current(const struct view *v)
{
    const struct marks *m = v->app->marks;
    const struct list *l = &state(v)->list;
    return m && l->cursor < (int)m->n ? &m->rows[l->cursor] : NULL;
}

static void draw_mark(const struct view *v, const struct mark *m,
                      struct area row)
{
    static const char *const kinds[] = { "note", "tag", "bookmark", "verdict" };
    struct pen p = pen_at(row, 1, 0, STYLE_PLAIN);
    if (m->undoes)
        pen_f(&p, "%-9s", "back");
    else
        pen_f(&p, "%-9s", kinds[m->kind & 3]);
    if (row.w >= 60) {
        if (v->app->by_script)
            pen_z(&p, "(time of writing)     ");
        else
            pen_instant(&p, m->at, 0);
        pen_to(&p, 33);
        pen_text(&p, m->author, 12);
        pen_to(&p, 46);
    }
    if (m->event)
        pen_f(&p, "E%lld ", (long long)m->event);
    else
        pen_styled(&p, STYLE_WARN, "(no event now) ");
    if (m->undoes)
        pen_f(&p, "takes back entry %lld ", (long long)m->undoes);
    if (m->undone)
        pen_styled(&p, STYLE_WARN, "(taken back) ");
    p.style = m->undone ? STYLE_RULE : STYLE_PLAIN;
    pen_text(&p, m->body.n ? m->body : m->event ? STR_NONE : m->cite, -1);
}

static void draw(struct view *v, struct area a)
{
    struct notes *s = state(v);
    const struct marks *m = v->app->marks;
    struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
    if (!m || m->n == 0) {
        pen_z(&p, m ? "Nothing yet. On an event: m bookmarks, t tags, n adds a "
                      "note."
                    : "reading ..");
        return;
    }
    if (a.h >= 4) {
        struct area head = area_take(&a, 1);
        p = pen_at(head, 1, 0, STYLE_HEAD);
        pen_z(&p, head.w >= 60 ? "WHAT     WRITTEN (UTC)          BY           "
                                 "EVENT, TEXT"
                               : "WHAT     EVENT, TEXT");
        pen_to(&p, head.w);
    }
    struct area foot = { 0 };
    if (a.h >= 6)
        foot = area_take_bottom(&a, 2);
    list_show(&s->list, a.h);
    for (int y = 0; y < a.h && s->list.top + y < s->list.n; y++) {
        draw_mark(v, &m->rows[s->list.top + y], area_sub(a, 0, y, a.w, 1));
        if (s->list.top + y == s->list.cursor)
            area_highlight(a, y);
    }
    if (foot.h && current(v)) {
        p = pen_at(foot, 0, 0, STYLE_RULE);
        pen_rule(&p, foot.w);
        p = pen_at(foot, 1, 1, STYLE_LABEL);
        pen_z(&p, "cites ");
        p.style = STYLE_PLAIN;
        pen_text(&p, current(v)->cite, -1);
    }
}

static void take_back(struct view *v)
{
    const struct mark *m = current(v);
    if (!m)
        return;
    if (m->undone || m->undoes) {
        app_say(v->app, STYLE_WARN,
                m->undone ? "it is taken back already"
                          : "this entry takes another one back; "
                            "make the mark again instead");
        return;
    }
    struct mark back = { .kind = m->kind, .event = m->event, .undoes = m->id };
    app_write_mark(v->app, &back);
}

static void find(struct view *v, bool back)
{
    struct notes *s = state(v);
    struct str text = buf_str(&s->find);
    for (int k = 1; k <= s->list.n && text.n; k++) {
        int i = s->list.cursor + (back ? -k : k);
        i = ((i % s->list.n) + s->list.n) % s->list.n;
        if (str_ifind(v->app->marks->rows[i].body, text) == SIZE_MAX)
            continue;
        s->list.cursor = i;
        return;
    }
    app_say(v->app, STYLE_WARN, "not found");
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    const struct mark *m = current(v);
    (void)key;
    if (list_act(&state(v)->list, action))
        return true;
    switch (action) {
    case ACTION_OPEN:
        if (m && m->event)
            app_push(v->app, screen_named("event"),
                     &(struct place){ .event = m->event });
        return true;
    case ACTION_TAKE_BACK:
        take_back(v);
        return true;
    case ACTION_FIND:
        app_ask(v, ASK_FIND, "find", buf_str(&state(v)->find));
        return true;
    case ACTION_FIND_NEXT:
    case ACTION_FIND_PREV:
        find(v, action == ACTION_FIND_PREV);
        return true;
    default:
        return false;
    }
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

static int64_t event(const struct view *v)
{
    const struct mark *m = current(v);
    return m ? m->event : 0;
}

static bool value(struct view *v, unsigned *kind, uint32_t *id,
                  struct str *text)
{
    const struct mark *m = current(v);
    if (!m)
        return false;
    *kind = 0;
    *id = 0;
    *text = m->body.n ? m->body : m->cite;
    return true;
}

static void close_view(struct view *v)
{
    buf_free(&state(v)->find);
}

const struct screen screen_marks = {
    .name = "notes",
    .title = "Notes",
    .about = "bookmarks, tags, notes; each can be taken back",
    .key = '5',
    .can =
        CAN_MOVE | CAN_OPEN | CAN_EVENT | CAN_TAKE_BACK | CAN_FIND | CAN_VALUE,
    .state_size = sizeof(struct notes),
    .open = news,
    .draw = draw,
    .act = act,
    .said = said,
    .news = news,
    .event = event,
    .value = value,
    .close = close_view,
};
