/*
 * Disk images: volumes, folders, one file with its attributes and bytes. One
 * view of three levels; Esc and Left go up. Of a volume that was copied while
 * mounted there are two views, v goes from one to the next.
 */
#include "tui/screen_disk.h"

#include "base/text.h"
#include "base/xattr.h"
#include "tui/bytes.h"
#include "tui/list.h"
#include "tui/rows.h"

#include <stdio.h>
#include <stdlib.h>

enum level { LEVEL_VOLUMES, LEVEL_FOLDER, LEVEL_FILE };
enum { SLOT_LIST = 1, SLOT_BYTES = 2, ENTRIES_MOST = 50000 };

/* Views of a volume: what counts after the journal, as on disk, all. */
static const struct {
    const char *name;
    unsigned mask;
} views[] = {
    { "after the journal", 1u << FILE_VIEW_BOTH | 1u << FILE_VIEW_JOURNAL },
    { "as on disk", 1u << FILE_VIEW_BOTH | 1u << FILE_VIEW_DISK },
    { "both views", 0 },
};
enum { VIEWS = sizeof(views) / sizeof(*views) };

struct disk {
    enum level level;
    struct list list; /* of volumes or names */
    struct arena arena;
    struct disk_volume *volumes;
    struct disk_entry *entries;
    size_t n, left_out; /* left_out: names that are not shown */
    bool loaded, hide_known, journal;
    unsigned view;
    int64_t exhibit; /* of the open volume */
    struct buf volume, folder, find;
    struct buf back_to; /* the name to stand on when the list comes */
    /* the open file */
    struct arena file_arena, bytes_arena;
    struct file_row file;
    struct pane about, hex;
    uint64_t hex_at, size;
    bool has_size, on_hex;
};

static struct disk *state(const struct view *v)
{
    return v->state;
}

/* ---- lists --------------------------------------------------------------- */

static void list_answer(struct job *job)
{
    struct disk_list_job *j = (struct disk_list_job *)job;
    struct disk *s = state(job->view);
    if (job->rc) {
        app_say_err(job->view->app, &job->err);
        return;
    }
    arena_free(&s->arena);
    s->arena = job->arena;
    job->arena = (struct arena){ 0 };
    s->volumes = j->volumes;
    s->entries = j->entries;
    s->n = j->n;
    s->left_out = j->left_out;
    s->loaded = true;
    list_resize(&s->list, (int)s->n);
    for (size_t i = 0; s->level == LEVEL_FOLDER && i < s->n; i++)
        if (s->back_to.n && str_eq(s->entries[i].name, buf_str(&s->back_to)))
            s->list.cursor = (int)i;
    buf_clear(&s->back_to);
}

/* Asks for what the level shows. */
static void load(struct view *v)
{
    struct disk *s = state(v);
    struct disk_list_job *j = view_job(v, sizeof(*j), LANE_PAGE, SLOT_LIST,
                                       disk_list_run, list_answer);
    s->loaded = false;
    s->n = 0;
    s->list = (struct list){ .page = s->list.page };
    if (!j)
        return;
    j->most = ENTRIES_MOST;
    j->volumes_only = s->level == LEVEL_VOLUMES;
    j->hide_known = s->hide_known;
    j->q = (struct file_query){
        .exhibit = s->exhibit,
        .volume = arena_copy(&j->job.arena, buf_str(&s->volume)),
        .path = arena_copy(&j->job.arena, buf_str(&s->folder)),
        .scope = FILES_IN,
        .views = views[s->view].mask,
    };
    office_submit(v->app->office, &j->job);
}

static void open_view(struct view *v)
{
    struct disk *s = state(v);
    s->exhibit = 0;
    load(v);
}

static const struct disk_entry *entry(const struct disk *s)
{
    return s->level == LEVEL_FOLDER && s->loaded && s->list.cursor < (int)s->n
               ? &s->entries[s->list.cursor]
               : NULL;
}

/* ---- one file ------------------------------------------------------------ */

static void bytes_answer(struct job *job)
{
    struct disk_bytes_job *j = (struct disk_bytes_job *)job;
    struct disk *s = state(job->view);
    arena_free(&s->bytes_arena);
    s->bytes_arena = job->arena;
    job->arena = (struct arena){ 0 };
    s->hex = j->hex;
    s->hex_at = j->off;
    s->size = j->size;
    s->has_size = job->rc == 0;
    if (j->at_end)
        list_act(&s->hex.list, ACTION_LAST);
    if (job->rc)
        app_say_err(job->view->app, &job->err);
}

static void ask_bytes(struct view *v, uint64_t off, bool at_end)
{
    struct disk *s = state(v);
    struct disk_bytes_job *j = view_job(v, sizeof(*j), LANE_RAW, SLOT_BYTES,
                                        disk_bytes_run, bytes_answer);
    if (!j)
        return;
    j->file = disk_row_copy(&j->job.arena, &s->file);
    j->off = off;
    j->at_end = at_end;
    office_submit(v->app->office, &j->job);
}

static void about_answer(struct job *job)
{
    struct disk_about_job *j = (struct disk_about_job *)job;
    struct disk *s = state(job->view);
    if (job->rc) {
        app_say_err(job->view->app, &job->err);
        return;
    }
    arena_free(&s->file_arena);
    s->file_arena = job->arena;
    job->arena = (struct arena){ 0 };
    s->file = j->file;
    s->about = j->about;
    ask_bytes(job->view, 0, false);
}

static void open_file(struct view *v, const struct file_row *f)
{
    struct disk *s = state(v);
    struct disk_about_job *j = view_job(v, sizeof(*j), LANE_PAGE, SLOT_LIST,
                                        disk_about_run, about_answer);
    if (!j)
        return;
    j->file = disk_row_copy(&j->job.arena, f);
    s->level = LEVEL_FILE;
    s->on_hex = false;
    s->about = s->hex = (struct pane){ 0 };
    s->has_size = false;
    office_submit(v->app->office, &j->job);
}

/* ---- up and down --------------------------------------------------------- */

static void set(struct buf *b, struct str s)
{
    buf_clear(b);
    buf_put(b, s);
}

static void open_row(struct view *v)
{
    struct disk *s = state(v);
    if (!s->loaded || s->list.cursor >= (int)s->n)
        return;
    if (s->level == LEVEL_VOLUMES) {
        const struct disk_volume *o = &s->volumes[s->list.cursor];
        s->exhibit = o->exhibit;
        s->journal = o->views & 1u << FILE_VIEW_JOURNAL;
        set(&s->volume, o->name);
        set(&s->folder, STR("/"));
        s->level = LEVEL_FOLDER;
        load(v);
    } else if (s->level == LEVEL_FOLDER) {
        const struct disk_entry *e = &s->entries[s->list.cursor];
        if (e->folder && e->row.flags & FILE_REALLOCATED) {
            open_file(v, &e->row);
        } else if (e->folder) {
            struct buf path = { 0 };
            buf_put(&path, e->path);
            set(&s->folder, buf_str(&path));
            buf_free(&path);
            load(v);
        } else {
            open_file(v, &e->row);
        }
    }
}

/* False: at the volumes already. */
static bool go_up(struct view *v)
{
    struct disk *s = state(v);
    size_t n = s->folder.n;
    if (s->level == LEVEL_VOLUMES)
        return false;
    if (s->level == LEVEL_FILE) {
        s->level = LEVEL_FOLDER;
        return true;
    }
    if (n <= 1) {
        s->level = LEVEL_VOLUMES;
        s->exhibit = 0;
        buf_clear(&s->volume);
    } else {
        while (n && s->folder.p[n - 1] != '/')
            n--;
        set(&s->back_to, str_sub(buf_str(&s->folder), n, s->folder.n));
        s->folder.n = n > 1 ? n - 1 : 1;
    }
    load(v);
    return true;
}

/* ---- drawing ------------------------------------------------------------- */

static void draw_volumes(const struct view *v, struct area a)
{
    struct disk *s = state(v);
    if (a.h >= 3) {
        struct area head = area_take(&a, 1);
        struct pen p = pen_at(head, 1, 0, STYLE_HEAD);
        pen_z(&p, "ID          NAMES   DELETED  VIEWS  VOLUME");
        pen_to(&p, head.w);
    }
    list_show(&s->list, a.h);
    for (int y = 0; y < a.h && s->list.top + y < s->list.n; y++) {
        const struct disk_volume *o = &s->volumes[s->list.top + y];
        struct pen p = pen_at(a, 1, y, STYLE_PLAIN);
        pen_f(&p, "X%-3lld %12llu %9llu  %-5s  ", (long long)o->exhibit,
              (unsigned long long)o->n, (unsigned long long)o->deleted,
              o->views & ~1u ? "two" : "one");
        if (o->name.n)
            pen_text(&p, o->name, -1);
        else
            pen_z(&p, "(whole medium)");
        if (s->list.top + y == s->list.cursor)
            area_highlight(a, y);
    }
}

/* x deleted, D as on disk only, J after the journal, k known, N notable. */
static char mark_of(const struct file_row *f)
{
    if (f->known == KNOWN_NOTABLE)
        return 'N';
    if (file_is_deleted(f))
        return 'x';
    if (f->view != FILE_VIEW_BOTH)
        return f->view == FILE_VIEW_DISK ? 'D' : 'J';
    return f->known == KNOWN_GOOD ? 'k' : ' ';
}

static void draw_entry(const struct disk_entry *e, struct area row)
{
    const struct file_row *f = &e->row;
    char mode[11];
    struct pen p = pen_at(row, 0, 0, STYLE_PLAIN);
    p.style = mark_of(f) == ' ' || mark_of(f) == 'k' ? STYLE_PLAIN : STYLE_WARN;
    pen_f(&p, "%c ", mark_of(f));
    p.style = STYLE_PLAIN;
    if (row.w >= 60 && f->id) {
        struct str m = file_mode(f, mode);
        pen_f(&p, "%.*s %12llu  ", STR_ARG(m), (unsigned long long)f->size);
        if (!(f->flags & FILE_NO_TIME_M))
            pen_instant(&p, f->m, 0);
        pen_to(&p, 48);
    } else if (row.w >= 60) {
        pen_z(&p, "(a folder of found files)");
        pen_to(&p, 48);
    }
    pen_text(&p, e->name, -1);
    if (e->folder)
        pen_z(&p, "/");
    if (f->link_target.n) {
        pen_z(&p, " -> ");
        pen_text(&p, f->link_target, -1);
    }
}

static void draw_folder(const struct view *v, struct area a)
{
    struct disk *s = state(v);
    if (a.h >= 3) {
        struct area head = area_take(&a, 1);
        struct pen p = pen_at(head, 0, 0, STYLE_HEAD);
        pen_z(&p, head.w >= 60 ? "  MODE               SIZE  MODIFIED (UTC)"
                                 "        NAME"
                               : "  NAME");
        pen_to(&p, head.w);
    }
    list_show(&s->list, a.h);
    for (int y = 0; y < a.h && s->list.top + y < s->list.n; y++) {
        draw_entry(&s->entries[s->list.top + y], area_sub(a, 0, y, a.w, 1));
        if (s->list.top + y == s->list.cursor)
            area_highlight(a, y);
    }
}

static void draw_file(const struct view *v, struct area a)
{
    struct disk *s = state(v);
    if (a.h >= 3) {
        struct pen p = pen_at(area_take(&a, 1), 1, 0, STYLE_PLAIN);
        p.style = s->on_hex ? STYLE_PLAIN : STYLE_FOCUS;
        pen_z(&p, s->on_hex ? " About  " : "[About] ");
        p.style = s->on_hex ? STYLE_FOCUS : STYLE_PLAIN;
        pen_z(&p, s->on_hex ? "[Hex]" : " Hex ");
        p.style = STYLE_PLAIN;
        if (s->on_hex && s->has_size)
            pen_f(&p, "  bytes %llu and on, of %llu",
                  (unsigned long long)s->hex_at, (unsigned long long)s->size);
    }
    struct pane *pane = s->on_hex ? &s->hex : &s->about;
    if (pane->n == 0) {
        struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
        pen_z(&p, s->has_size ? "no content" : "reading ..");
        return;
    }
    pane_draw(pane, a);
}

static void draw_path(const struct view *v, struct area row)
{
    struct disk *s = state(v);
    struct pen p = pen_at(row, 1, 0, STYLE_TITLE);
    pen_f(&p, "X%lld ", (long long)s->exhibit);
    if (s->volume.n) {
        pen_text(&p, buf_str(&s->volume), 24);
        pen_z(&p, " ");
    }
    pen_text(&p, s->level == LEVEL_FILE ? s->file.path : buf_str(&s->folder),
             row.w > 60 ? row.w - 40 : -1);
    p.style = STYLE_PLAIN;
    if (s->journal) {
        pen_z(&p, "  ");
        pen_styled(&p, STYLE_CHIP, views[s->view].name);
    }
    if (s->hide_known) {
        pen_z(&p, "  ");
        pen_styled(&p, STYLE_CHIP, "known ones hidden");
    }
    if (s->left_out) {
        pen_z(&p, "  ");
        pen_styled(&p, STYLE_WARN, "more names than are shown");
    }
}

static void draw(struct view *v, struct area a)
{
    struct disk *s = state(v);
    if (s->level != LEVEL_VOLUMES && a.h >= 4)
        draw_path(v, area_take(&a, 1));
    if (s->level == LEVEL_FILE) {
        draw_file(v, a);
        return;
    }
    if (s->n == 0) {
        struct pen p = pen_at(a, 1, 0, STYLE_PLAIN);
        pen_z(&p, !s->loaded                  ? "reading .."
                  : s->level == LEVEL_VOLUMES ? "No disk image in the case."
                                              : "nothing in this folder");
        return;
    }
    if (s->level == LEVEL_VOLUMES)
        draw_volumes(v, a);
    else
        draw_folder(v, a);
}

/* ---- acting -------------------------------------------------------------- */

static bool hex_act(struct view *v, enum action action)
{
    struct disk *s = state(v);
    bool down = action == ACTION_DOWN || action == ACTION_PAGE_DOWN;
    bool up = action == ACTION_UP || action == ACTION_PAGE_UP;
    if (down && s->hex.n && s->hex.list.cursor == s->hex.n - 1 &&
        s->size - s->hex_at > DISK_BYTES)
        ask_bytes(v, s->hex_at + DISK_BYTES, false);
    else if (up && s->hex.list.cursor == 0 && s->hex_at >= DISK_BYTES)
        ask_bytes(v, s->hex_at - DISK_BYTES, true);
    else
        return pane_act(&s->hex, action);
    return true;
}

static bool find_name(struct disk *s, bool back)
{
    struct str text = buf_str(&s->find);
    for (int k = 1; k <= s->list.n && text.n; k++) {
        int i = s->list.cursor + (back ? -k : k);
        i = ((i % s->list.n) + s->list.n) % s->list.n;
        struct str name =
            s->level == LEVEL_VOLUMES ? s->volumes[i].name : s->entries[i].name;
        if (str_ifind(name, text) == SIZE_MAX)
            continue;
        s->list.cursor = i;
        return true;
    }
    return false;
}

static void find(struct view *v, bool back)
{
    struct disk *s = state(v);
    bool found = s->level == LEVEL_FILE
                     ? pane_find(s->on_hex ? &s->hex : &s->about,
                                 buf_str(&s->find), back)
                     : s->loaded && find_name(s, back);
    if (!found)
        app_say(v->app, STYLE_WARN, "not found");
}

static void save_answer(struct job *job)
{
    struct disk_save_job *j = (struct disk_save_job *)job;
    if (job->rc)
        app_say_err(job->view->app, &job->err);
    else
        app_say(job->view->app, STYLE_GOOD, "%s", j->told);
    app_reload(job->view->app, true);
}

/* A copy beside the case, under a name of ours; its digest is logged. */
static void save(struct view *v)
{
    struct disk *s = state(v);
    const struct disk_entry *e = entry(s);
    const struct file_row *f = s->level == LEVEL_FILE ? &s->file
                               : e && e->row.id       ? &e->row
                                                      : NULL;
    if (!f || f->type == FILE_DIR) {
        app_say(v->app, STYLE_WARN, "only the content of a file can be copied");
        return;
    }
    if (v->app->read_only[0]) {
        app_say(v->app, STYLE_WARN, "read-only: %s", v->app->read_only);
        return;
    }
    struct disk_save_job *j =
        view_job(v, sizeof(*j), LANE_WRITE, 0, disk_save_run, save_answer);
    if (!j)
        return;
    j->exhibit = s->exhibit;
    j->file = disk_row_copy(&j->job.arena, f);
    office_submit(v->app->office, &j->job);
}

static bool act_file(struct view *v, enum action action)
{
    struct disk *s = state(v);
    switch (action) {
    case ACTION_LEFT:
    case ACTION_RIGHT:
    case ACTION_NEXT_PANE:
    case ACTION_PREV_PANE:
        s->on_hex = !s->on_hex;
        return true;
    case ACTION_OPEN:
        return app_act(v->app, ACTION_COPY, 0);
    default:
        return s->on_hex ? hex_act(v, action) : pane_act(&s->about, action);
    }
}

static bool act(struct view *v, enum action action, uint32_t key)
{
    struct disk *s = state(v);
    (void)key;
    switch (action) {
    case ACTION_BACK:
        return go_up(v);
    case ACTION_FIND:
        app_ask(v, ASK_FIND, "find", buf_str(&s->find));
        return true;
    case ACTION_FIND_NEXT:
    case ACTION_FIND_PREV:
        find(v, action == ACTION_FIND_PREV);
        return true;
    case ACTION_SAVE:
        save(v);
        return true;
    case ACTION_NEXT_VIEW:
        s->view = (s->view + 1) % VIEWS;
        if (s->level == LEVEL_FOLDER)
            load(v);
        return true;
    case ACTION_HIDE_KNOWN:
        s->hide_known = !s->hide_known;
        if (s->level == LEVEL_FOLDER)
            load(v);
        return true;
    default:
        break;
    }
    if (s->level == LEVEL_FILE)
        return act_file(v, action);
    if (action == ACTION_LEFT) {
        go_up(v);
        return true;
    }
    if (action == ACTION_OPEN || action == ACTION_RIGHT) {
        open_row(v);
        return true;
    }
    return list_act(&s->list, action);
}

static bool said(struct view *v, enum ask ask, struct str text,
                 struct refusal *no)
{
    (void)no;
    if (ask == ASK_FIND) {
        set(&state(v)->find, text);
        find(v, false);
    }
    return true;
}

static unsigned can_now(const struct view *v)
{
    const unsigned file = CAN_PANES;
    return v->screen->can & (state(v)->level == LEVEL_FILE ? ~0u : ~file);
}

static bool value(struct view *v, unsigned *kind, uint32_t *id,
                  struct str *text)
{
    const struct disk *s = state(v);
    const struct disk_entry *e = entry(s);
    *kind = 0;
    *id = 0;
    if (s->level == LEVEL_FILE) {
        const struct pane_line *l =
            pane_current(s->on_hex ? &s->hex : &s->about);
        if (!l)
            return false;
        *text = l->value;
        return true;
    }
    if (!e)
        return false;
    *kind = KIND_FILE;
    *text = e->path;
    return true;
}

static void close_view(struct view *v)
{
    struct disk *s = state(v);
    struct buf *bufs[] = { &s->volume, &s->folder, &s->find, &s->back_to };
    arena_free(&s->arena);
    arena_free(&s->file_arena);
    arena_free(&s->bytes_arena);
    for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
        buf_free(bufs[i]);
}

const struct screen screen_disk = {
    .name = "disk",
    .title = "Disk images",
    .about = "volumes, folders and files of images; bytes, copies",
    .key = '7',
    .can = CAN_MOVE | CAN_OPEN | CAN_PANES | CAN_FIND | CAN_VALUE | CAN_FILES,
    .state_size = sizeof(struct disk),
    .open = open_view,
    .can_now = can_now,
    .draw = draw,
    .act = act,
    .said = said,
    .value = value,
    .close = close_view,
};
