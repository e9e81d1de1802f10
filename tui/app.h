/*
 * The application: the stack of views, the input line, what all screens
 * share of the case. Driven by loop.c (terminal) or script.c.
 */
#pragma once

#include "casedb/examiner.h"
#include "tui/screen.h"
#include "tui/tui.h"

/* Few enough that Esc is soon at the first screen. */
enum { STACK_MAX = 8, MESSAGE_MAX = 240 };

/* The case as a whole, read by a job at the start and after changes. */
struct facts {
    struct arena arena;
    struct case_info info;
    struct scan_total span;
    bool focused; /* what the records of the sources are about: */
    int64_t focus_from, focus_to; /* seconds; timeline_span */
    struct exhibit *exhibits;
    size_t n_exhibits;
    struct coverage *coverage;
    size_t n_coverage;
    struct entity_count *sources; /* by value; events of each */
    struct str *source_names;
    size_t n_sources;
    uint64_t kinds[KIND_MAX + 1];
    uint64_t analyzed; /* events that analyze saw */
    struct audit_head audit;
};

/* Entries of the examiner, in order of id. */
struct marks {
    struct arena arena;
    struct mark *rows;
    size_t n;
};

struct prompt {
    bool open;
    enum ask ask;
    struct view *view;
    const char *title;
    struct buf text;
    size_t at; /* byte of the cursor */
    struct refusal no;
};

struct app {
    const struct tui_options *o;
    struct office *office;
    struct grid grid;
    struct view *stack[STACK_MAX];
    size_t depth;
    struct prompt input;
    struct facts *facts; /* NULL until they are read */
    struct marks *marks;
    char read_only[200]; /* why nothing can be written; empty: it can */
    char message[MESSAGE_MAX];
    enum style message_style;
    int cursor_x, cursor_y; /* of the input line; y -1: none */
    bool ascii_only;
    int zone_min; /* of times shown beside UTC, minutes east; 0 = none */
    bool quit, repaint, suspend;
    bool by_script; /* times of the examiner's entries are not shown */
};

int app_open(struct app *a, const struct tui_options *o, int w, int h,
             struct err *err) CHECKED;
void app_close(struct app *a);
void app_key(struct app *a, uint32_t key);
/* Pasted or scripted text: into an input line, nowhere else. */
void app_text(struct app *a, struct str text);
/* Takes what the office has finished; true when something was. */
bool app_deliver(struct app *a);
void app_resize(struct app *a, int w, int h);
/* Draws everything into a->grid. */
void app_draw(struct app *a);

/* ---- for screens --------------------------------------------------------- */

struct view *app_top(const struct app *a);
/* Opens a screen above the others; place is copied. */
void app_push(struct app *a, const struct screen *s, const struct place *p);
/* The first view of a screen below, brought to the top, or a new one. */
void app_go(struct app *a, const struct screen *s);
void app_back(struct app *a);
void app_ask(struct view *v, enum ask ask, const char *title,
             struct str initial);
/* One line at the foot, until the next key. Our words; evidence through
 * text_line. */
void app_say(struct app *a, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void app_say_err(struct app *a, const struct err *e);
bool app_act(struct app *a, enum action action, uint32_t key);
unsigned view_can(const struct view *v);

/* A job of this view, NULL (and said so) when memory is short; it is to be
 * filled in and given to office_submit(app->office, ..). */
void *view_job(struct view *v, size_t size, enum lane lane, unsigned slot,
               int (*run)(struct job *, struct desk *, struct err *),
               void (*answer)(struct job *));

/* Marks of an event that are not taken back: bit 1 << enum mark_kind. */
unsigned app_marked(const struct app *a, int64_t event);
/* Reads the entries of the examiner again, and the facts. */
void app_reload(struct app *a, bool facts);
