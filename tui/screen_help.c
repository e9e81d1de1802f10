/* Help, the palette of actions, and the view to copy from. */
#include "base/text.h"
#include "tui/app.h"
#include "tui/list.h"
#include "tui/pane.h"

#include <stdio.h>

/* ---- help ---------------------------------------------------------------- */

struct help {
    struct pane pane;
    struct buf find;
};

static void help_rows(struct view *v, struct pane *p, bool here)
{
    for (const struct key_row *r = keymap; r->keys; r++) {
        bool own = r->needs && (r->needs & v->place.kind);
        if (here ? !own : r->needs != 0)
            continue;
        struct pane_line *l =
            pane_add(p, &v->arena, r->keys, str_from(r->help));
        if (!l)
            return;
    }
}

static void help_open(struct view *v)
{
    struct help *h = v->state;
    const struct screen *s = NULL;
    for (size_t i = 0; screens[i]; i++)
        if (str_eq(v->place.text, str_from(screens[i]->name)))
            s = screens[i];
    if (s) {
        struct buf b = { 0 };
        buf_printf(&b, "%s: %s", s->title, s->about);
        struct pane_line *l =
            pane_add(&h->pane, &v->arena, NULL, buf_to_arena(&b, &v->arena));
        if (l) {
            l->text = true;
            l->style = STYLE_TITLE;
        }
        help_rows(v, &h->pane, true);
    }
    pane_title(&h->pane, &v->arena, "Everywhere");
    help_rows(v, &h->pane, false);
    pane_title(&h->pane, &v->arena, "Screens");
    for (size_t i = 0; screens[i]; i++)
        if (screens[i]->key)
            pane_addf(&h->pane, &v->arena, screens[i]->title, "%c   %s",
                      screens[i]->key, screens[i]->about);
    pane_title(&h->pane, &v->arena, "Signs");
    pane_add(&h->pane, &v->arena, "! * t n v",
             STR("severe; bookmark, tag, note, verdict of yours"));
    pane_add(&h->pane, &v->arena, "escapes",
             STR("what would be invisible or act on the terminal is shown as a "
                 "mark: a control picture, \\xHH, \\u{HEX}"));
}

static void help_draw(struct view *v, struct area a)
{
    struct help *h = v->state;
    pane_draw(&h->pane, a);
}

static void help_find(struct view *v, bool back)
{
    struct help *h = v->state;
    if (!pane_find(&h->pane, buf_str(&h->find), back))
        app_say(v->app, STYLE_WARN, "not found");
}

static bool help_act(struct view *v, enum action action, uint32_t key)
{
    struct help *h = v->state;
    (void)key;
    switch (action) {
    case ACTION_FIND:
        app_ask(v, ASK_FIND, "find", buf_str(&h->find));
        return true;
    case ACTION_FIND_NEXT:
    case ACTION_FIND_PREV:
        help_find(v, action == ACTION_FIND_PREV);
        return true;
    case ACTION_HELP:
        return true;
    default:
        return pane_act(&h->pane, action);
    }
}

static bool help_said(struct view *v, enum ask ask, struct str text,
                      struct refusal *no)
{
    struct help *h = v->state;
    (void)no;
    if (ask == ASK_FIND) {
        buf_clear(&h->find);
        buf_put(&h->find, text);
        help_find(v, false);
    }
    return true;
}

static void help_close(struct view *v)
{
    buf_free(&((struct help *)v->state)->find);
}

const struct screen screen_help = {
    .name = "help",
    .title = "Help",
    .about = "keys",
    .can = CAN_MOVE | CAN_FIND,
    .state_size = sizeof(struct help),
    .open = help_open,
    .draw = help_draw,
    .act = help_act,
    .said = help_said,
    .close = help_close,
};

/* ---- the palette --------------------------------------------------------- */

enum { ITEMS_MOST = 96 };

/* A screen, or an action of the screen below. */
struct item {
    const struct screen *screen;
    const struct key_row *row;
};

struct palette {
    struct item items[ITEMS_MOST];
    struct list list;
};

/* All letters of what was typed occur in this order. */
static bool fuzzy(const char *text, struct str typed)
{
    size_t i = 0;
    for (; *text && i < typed.n; text++) {
        char a = *text, b = typed.p[i];
        if (a >= 'A' && a <= 'Z')
            a = (char)(a + 32);
        if (b >= 'A' && b <= 'Z')
            b = (char)(b + 32);
        i += a == b;
    }
    return i == typed.n;
}

/* Those that have the text as it is come first. */
static void palette_add(struct palette *p, int *n, struct item item,
                        const char *text, struct str typed, bool exact)
{
    bool has = str_ifind(str_from(text), typed) != SIZE_MAX;
    if (has == exact && fuzzy(text, typed) && *n < ITEMS_MOST)
        p->items[(*n)++] = item;
}

static void palette_typed(struct view *v, struct str typed)
{
    struct palette *p = v->state;
    struct app *a = v->app;
    unsigned can = a->depth > 1 ? view_can(a->stack[a->depth - 2]) : 0;
    int n = 0;
    for (int exact = 1; exact >= 0; exact--) {
        for (size_t i = 0; screens[i]; i++)
            if (screens[i]->key)
                palette_add(p, &n, (struct item){ screens[i], NULL },
                            screens[i]->name, typed, exact);
        for (const struct key_row *r = keymap; r->keys; r++)
            if (keymap_row_applies(r, can) && r->action != ACTION_GO_SCREEN &&
                r->action != ACTION_PALETTE)
                palette_add(p, &n, (struct item){ NULL, r }, r->help, typed,
                            exact);
    }
    p->list.cursor = p->list.top = 0;
    list_resize(&p->list, n);
}

static void palette_open(struct view *v)
{
    palette_typed(v, STR(""));
    app_ask(v, ASK_COMMAND, "do", STR(""));
}

static void palette_draw(struct view *v, struct area a)
{
    struct palette *p = v->state;
    list_show(&p->list, a.h);
    for (int y = 0; y < a.h && p->list.top + y < p->list.n; y++) {
        const struct item *i = &p->items[p->list.top + y];
        struct pen q = pen_at(a, 1, y, STYLE_KEY);
        if (i->screen) {
            pen_f(&q, "%c", i->screen->key);
            q.style = STYLE_PLAIN;
            pen_to(&q, 12);
            pen_f(&q, "%s: %s", i->screen->name, i->screen->about);
        } else {
            pen_z(&q, i->row->keys);
            q.style = STYLE_PLAIN;
            pen_to(&q, q.x < 12 ? 12 : q.x + 1);
            pen_z(&q, i->row->help);
        }
        if (p->list.top + y == p->list.cursor)
            area_highlight(a, y);
    }
}

static bool palette_act(struct view *v, enum action action, uint32_t key)
{
    struct palette *p = v->state;
    (void)key;
    return list_act(&p->list, action);
}

static bool palette_said(struct view *v, enum ask ask, struct str text,
                         struct refusal *no)
{
    struct palette *p = v->state;
    struct app *a = v->app;
    (void)ask;
    (void)text;
    if (p->list.n == 0) {
        snprintf(no->why, sizeof(no->why), "there is no such action here");
        return false;
    }
    struct item i = p->items[p->list.cursor];
    app_back(a); /* the palette itself: v is gone */
    if (i.screen)
        app_go(a, i.screen);
    else
        app_act(a, i.row->action, 0);
    return true;
}

const struct screen screen_palette = {
    .name = "palette",
    .title = "Palette",
    .about = "every action and screen by name",
    .can = CAN_MOVE,
    .state_size = sizeof(struct palette),
    .open = palette_open,
    .draw = palette_draw,
    .act = palette_act,
    .said = palette_said,
    .typed = palette_typed,
};

/* ---- copy view ----------------------------------------------------------- */

struct copy {
    struct pane pane;
};

static void copy_open(struct view *v)
{
    struct copy *c = v->state;
    struct pane_line *l = pane_add(&c->pane, &v->arena, NULL, v->place.text);
    if (l)
        l->text = true;
}

/* Without a frame, from the left edge, so that the terminal's own selection
 * takes the value and nothing else. */
static void copy_draw(struct view *v, struct area a)
{
    size_t at = 0;
    struct str s = v->place.text;
    for (int y = 0; y < a.h && (at < s.n || y == 0); y++) {
        struct pen p = pen_at(a, 0, y, STYLE_PLAIN);
        size_t next = pen_wrap(&p, s, at);
        if (next <= at)
            break;
        at = next;
    }
}

const struct screen screen_copy = {
    .name = "copy",
    .title = "Copy",
    .about = "one value alone, for the terminal's own selection",
    .state_size = sizeof(struct copy),
    .open = copy_open,
    .draw = copy_draw,
};
