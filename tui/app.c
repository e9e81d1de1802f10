#include "tui/app.h"

#include "base/text.h"
#include "tui/elist.h"
#include "tui/facts.h"
#include "tui/prompt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- views --------------------------------------------------------------- */

struct view *app_top(const struct app *a)
{
    return a->depth ? a->stack[a->depth - 1] : NULL;
}

unsigned view_can(const struct view *v)
{
    return v->screen->can_now ? v->screen->can_now(v) : v->screen->can;
}

static void view_free(struct view *v)
{
    struct app *a = v->app;
    if (a->input.open && a->input.view == v)
        prompt_close(&a->input);
    if (v->screen->close)
        v->screen->close(v);
    office_forget(a->office, v);
    arena_free(&v->arena);
    free(v->state);
    free(v);
}

static struct view *view_new(struct app *a, const struct screen *s,
                             const struct place *p)
{
    struct view *v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->screen = s;
    v->app = a;
    v->state = calloc(1, s->state_size ? s->state_size : 1);
    if (!v->state) {
        free(v);
        return NULL;
    }
    if (p)
        v->place = *p;
    v->place.text = arena_copy(&v->arena, v->place.text);
    return v;
}

/* The second oldest goes when there are too many: the first is home. */
static void make_room(struct app *a)
{
    if (a->depth < STACK_MAX)
        return;
    view_free(a->stack[1]);
    memmove(&a->stack[1], &a->stack[2], (a->depth - 2) * sizeof(a->stack[0]));
    a->depth--;
}

void app_push(struct app *a, const struct screen *s, const struct place *p)
{
    struct view *v = view_new(a, s, p);
    if (!v) {
        app_say(a, STYLE_ERROR, "out of memory");
        return;
    }
    make_room(a);
    a->stack[a->depth++] = v;
    if (s->open)
        s->open(v);
}

void app_go(struct app *a, const struct screen *s)
{
    for (size_t i = 0; i < a->depth; i++) {
        struct view *v = a->stack[i];
        if (v->screen != s)
            continue;
        memmove(&a->stack[i], &a->stack[i + 1],
                (a->depth - i - 1) * sizeof(a->stack[0]));
        a->stack[a->depth - 1] = v;
        return;
    }
    app_push(a, s, NULL);
}

void app_back(struct app *a)
{
    if (a->depth > 1)
        view_free(a->stack[--a->depth]);
}

void *view_job(struct view *v, size_t size, enum lane lane, unsigned slot,
               int (*run)(struct job *, struct desk *, struct err *),
               void (*answer)(struct job *))
{
    struct job *j = job_new(size);
    if (!j) {
        app_say(v->app, STYLE_ERROR, "out of memory");
        return NULL;
    }
    j->view = v;
    j->lane = lane;
    j->slot = slot;
    j->run = run;
    j->answer = answer;
    return j;
}

/* ---- messages, input ----------------------------------------------------- */

void app_say(struct app *a, enum style style, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(a->message, sizeof(a->message), fmt, args);
    va_end(args);
    a->message_style = style;
}

void app_say_err(struct app *a, const struct err *e)
{
    if (e->code == ERR_STOPPED)
        app_say(a, STYLE_WARN, "stopped");
    else
        app_say(a, STYLE_ERROR, "%s", e->what);
}

void app_ask(struct view *v, enum ask ask, const char *title,
             struct str initial)
{
    prompt_open(&v->app->input, v, ask, title, initial);
}

static void typed(struct app *a)
{
    struct view *v = a->input.view;
    if (v->screen->typed)
        v->screen->typed(v, buf_str(&a->input.text));
}

static void take_note(struct view *v, enum ask ask, struct str text)
{
    struct mark m = {
        .kind = ask == ASK_TAG ? MARK_TAG : MARK_NOTE,
        .event = v->screen->event ? v->screen->event(v) : 0,
        .body = str_trim(text),
    };
    if (m.event && m.body.n)
        app_write_mark(v->app, &m);
}

/* A second zone; UTC itself is always there. */
static bool take_zone(struct app *a, struct str text, struct refusal *no)
{
    int zone = 0;
    text = str_trim(text);
    if (text.n && !time_parse_zone(text, &zone)) {
        snprintf(no->why, sizeof(no->why), "no zone; as +09:00 or -03:30");
        return false;
    }
    a->zone_min = zone;
    if (zone && a->grid.w < ELIST_ZONE_WIDTH)
        app_say(a, STYLE_WARN, "shown from %d columns on", ELIST_ZONE_WIDTH);
    return true;
}

static bool take_input(struct app *a, struct view *v, enum ask ask,
                       struct str text, struct refusal *no)
{
    if (ask == ASK_ZONE)
        return take_zone(a, text, no);
    return !v->screen->said || v->screen->said(v, ask, text, no);
}

static void input_done(struct app *a)
{
    struct prompt *in = &a->input;
    struct view *v = in->view;
    struct buf text = in->text; /* said may open the next input */
    enum ask ask = in->ask;
    struct refusal no = { .column = -1 };
    if (ask == ASK_TAG || ask == ASK_NOTE) {
        take_note(v, ask, buf_str(&text));
        prompt_close(in);
        return;
    }
    in->text = (struct buf){ 0 };
    in->open = false;
    bool taken = take_input(a, v, ask, buf_str(&text), &no);
    if (taken) {
        buf_free(&text);
        if (!in->open)
            prompt_close(in);
        return;
    }
    buf_free(&in->text);
    in->text = text;
    in->open = true;
    in->view = v;
    in->no = no;
    if (no.column >= 0 && (size_t)no.column <= text.n)
        in->at = (size_t)no.column;
}

static bool in_input(struct app *a, uint32_t key)
{
    if (!a->input.open)
        return false;
    struct view *v = a->input.view;
    bool palette = a->input.ask == ASK_COMMAND;
    const struct key_row *row;
    switch (prompt_key(&a->input, key)) {
    case PROMPT_DONE:
        input_done(a);
        return true;
    case PROMPT_LEFT:
        prompt_close(&a->input);
        if (palette)
            app_back(a);
        return true;
    case PROMPT_EDITED:
        typed(a);
        return true;
    case PROMPT_IGNORED:
        break;
    }
    row = keymap_find(key, CAN_MOVE);
    if (palette && row && v->screen->act)
        v->screen->act(v, row->action, key);
    return true;
}

void app_text(struct app *a, struct str text)
{
    if (!a->input.open) {
        app_say(a, STYLE_WARN,
                "paste ignored (%zu bytes): there is no input line here",
                text.n);
        return;
    }
    prompt_text(&a->input, text);
    typed(a);
}

/* ---- actions ------------------------------------------------------------- */

static int64_t current_event(const struct view *v)
{
    return v->screen->event ? v->screen->event(v) : 0;
}

static void bookmark(struct view *v)
{
    struct app *a = v->app;
    struct mark m = { .kind = MARK_BOOKMARK, .event = current_event(v) };
    if (!m.event)
        return;
    const struct mark *old = marks_find(a, m.event, MARK_BOOKMARK);
    if (old)
        m.undoes = old->id;
    app_write_mark(a, &m);
}

static void pivot(struct view *v)
{
    struct place p = { 0 };
    if (!v->screen->value || !v->screen->value(v, &p.kind, &p.entity, &p.text))
        return;
    if (!p.entity) {
        app_say(v->app, STYLE_WARN,
                "this value is not an entity: nothing to pivot on");
        return;
    }
    app_push(v->app, screen_named("entity"), &p);
}

static void copy_view(struct view *v)
{
    struct place p = { 0 };
    if (v->screen->value && v->screen->value(v, &p.kind, &p.entity, &p.text))
        app_push(v->app, screen_named("copy"), &p);
}

static void around(struct view *v)
{
    struct place p = { .event = current_event(v) };
    if (p.event)
        app_push(v->app, screen_named("around"), &p);
}

static void ask_mark(struct view *v, enum ask ask, const char *title)
{
    if (v->app->read_only[0])
        app_say(v->app, STYLE_ERROR, "nothing can be written: %s",
                v->app->read_only);
    else if (current_event(v))
        app_ask(v, ask, title, STR(""));
}

static bool act_on_event(struct view *v, enum action action)
{
    switch (action) {
    case ACTION_BOOKMARK:
        bookmark(v);
        return true;
    case ACTION_TAG:
        ask_mark(v, ASK_TAG, "tag");
        return true;
    case ACTION_NOTE:
        ask_mark(v, ASK_NOTE, "note");
        return true;
    case ACTION_AROUND:
        around(v);
        return true;
    case ACTION_PIVOT:
        pivot(v);
        return true;
    case ACTION_COPY:
        copy_view(v);
        return true;
    default:
        return false;
    }
}

static void back(struct app *a)
{
    struct view *v = app_top(a);
    if (office_stop(a->office, v))
        app_say(a, STYLE_WARN, "stopped");
    else if (a->depth > 1)
        app_back(a);
    else
        app_say(a, STYLE_PLAIN, "this is the first screen; q ends");
}

static void toggle_ascii(struct app *a)
{
    a->ascii_only = !a->ascii_only;
    a->repaint = true;
    app_say(a, STYLE_PLAIN,
            a->ascii_only ? "all that is not ASCII is escaped"
                          : "characters are shown again");
}

bool app_act(struct app *a, enum action action, uint32_t key)
{
    struct view *v = app_top(a);
    if (v->screen->act && v->screen->act(v, action, key))
        return true;
    if (act_on_event(v, action))
        return true;
    switch (action) {
    case ACTION_GO_SCREEN:
        if (screen_of_key((char)key))
            app_go(a, screen_of_key((char)key));
        return true;
    case ACTION_PALETTE:
        app_push(a, screen_named("palette"), NULL);
        return true;
    case ACTION_HELP:
        if (strcmp(v->screen->name, "help") != 0)
            app_push(a, screen_named("help"),
                     &(struct place){ .kind = view_can(v),
                                      .text = str_from(v->screen->name) });
        return true;
    case ACTION_BACK:
    case ACTION_CANCEL:
        back(a);
        return true;
    case ACTION_CLOSE:
        if (a->depth > 1)
            app_back(a);
        else
            a->quit = true;
        return true;
    case ACTION_ASCII:
        toggle_ascii(a);
        return true;
    case ACTION_ZONE:
        app_ask(v, ASK_ZONE, "second zone (+09:00; empty: none)", STR(""));
        return true;
    case ACTION_REPAINT:
        a->repaint = true;
        return true;
    case ACTION_SUSPEND:
        a->suspend = true;
        return true;
    default:
        return false;
    }
}

void app_key(struct app *a, uint32_t key)
{
    a->message[0] = '\0';
    if (in_input(a, key))
        return;
    const struct key_row *row = keymap_find(key, view_can(app_top(a)));
    if (row)
        app_act(a, row->action, key);
}

bool app_deliver(struct app *a)
{
    return office_deliver(a->office) > 0;
}

/* ---- beginning and end --------------------------------------------------- */

/* Whether writing can be thought of; whether another process is at the case is
 * asked at each write. */
static void look_for_read_only(struct app *a)
{
    const char *path = a->o->path, *slash = strrchr(path, '/');
    char *folder =
        slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (a->o->read_only)
        snprintf(a->read_only, sizeof(a->read_only), "opened by --read-only");
    else if (!folder || access(path, W_OK) || access(folder, W_OK))
        snprintf(a->read_only, sizeof(a->read_only), "%.150s: %s",
                 text_line(str_from(path)), strerror(folder ? errno : ENOMEM));
    free(folder);
}

/* Is it a case that can at least be read? */
static int try_case(struct app *a, struct err *err)
{
    struct casedb *c;
    int rc = case_open(a->o->path, CASE_READ, &c, err);
    if (rc == 0)
        case_close(c);
    look_for_read_only(a);
    return rc;
}

int app_open(struct app *a, const struct tui_options *o, int w, int h,
             struct err *err)
{
    *a = (struct app){ .o = o, .cursor_y = -1, .ascii_only = o->ascii };
    if (!grid_resize(&a->grid, w, h))
        return err_set(err, ERR_INTERNAL, "out of memory");
    int rc = try_case(a, err);
    if (rc == 0) {
        struct office_options oo = { .path = o->path,
                                     .read_only = a->read_only[0] != 0,
                                     .examiner = o->examiner,
                                     .evidence = o->evidence,
                                     .show_secrets = o->show_secrets };
        rc = office_open(&oo, &a->office, err);
    }
    if (rc) {
        grid_free(&a->grid);
        return rc;
    }
    app_push(a, screens[0], NULL);
    if (a->depth == 0) {
        app_close(a);
        return err_set(err, ERR_INTERNAL, "out of memory");
    }
    app_reload(a, true);
    if (a->read_only[0])
        app_say(a, STYLE_WARN, "read-only: %s", a->read_only);
    return 0;
}

void app_close(struct app *a)
{
    while (a->depth)
        view_free(a->stack[--a->depth]);
    office_close(a->office);
    facts_free(a);
    buf_free(&a->input.text);
    grid_free(&a->grid);
}

void app_resize(struct app *a, int w, int h)
{
    grid_resize(&a->grid, w, h);
    a->repaint = true;
}
