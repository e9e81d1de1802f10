/*
 * systemd.unit(5): sections of NAME=VALUE; a drop-in (NAME.d/X.conf) changes
 * the unit of its folder. A file is one entry, since its lines belong together.
 * Desktop entries (XDG autostart) are written alike.
 */
#include "importers/persistence.h"

static bool is_one_of(struct str v, const char *const *words)
{
    for (; *words; words++)
        if (str_eq(v, str_from(*words)))
            return true;
    return false;
}

/* What says when, as whom and what it runs. */
static bool matters(struct str key)
{
    static const char *const keys[] = {
        "User",
        "Group",
        "WorkingDirectory",
        "RootDirectory",
        "Environment",
        "EnvironmentFile",
        "PassEnvironment",
        "WantedBy",
        "RequiredBy",
        "UpheldBy",
        "Alias",
        "Also",
        "Unit",
        "Persistent",
        "Restart",
        "RestartSec",
        "Type",
        "PathExists",
        "PathExistsGlob",
        "PathChanged",
        "PathModified",
        "DirectoryNotEmpty",
        "What",
        "Where",
        "BusName",
        "Accept",
        "Requires",
        "Wants",
        "OnFailure",
        "OnSuccess",
        "NoDisplay",
        "Hidden",
        "X-GNOME-Autostart-enabled",
        "TryExec",
        "OnlyShowIn",
        "LoadCredential",
        NULL,
    };
    return str_starts(key, STR("Exec")) || str_starts(key, STR("On")) ||
           str_starts(key, STR("Listen")) || is_one_of(key, keys);
}

/* ExecStart=-@+!:/usr/bin/x y */
static struct str executed(struct str v)
{
    while (v.n && strchr("-@+!:|", v.p[0]) && v.p[0])
        v = str_sub(v, 1, v.n);
    return v;
}

static struct str section_less(struct str s, struct str *key)
{
    const char *eq = memchr(s.p, '=', s.n);
    if (!eq)
        return STR_NONE;
    *key = str_trim(str_sub(s, 0, (size_t)(eq - s.p)));
    return str_trim(str_sub(s, (size_t)(eq - s.p) + 1, s.n));
}

struct file {
    struct entry e;
    struct str program, started; /* copies in the arena */
    bool odd_lines;
};

static void one_setting(struct persistence *p, struct file *f, struct str key,
                        struct str value)
{
    if (!matters(key) || value.n == 0)
        return;
    buf_putz(&p->text, "; ");
    buf_put(&p->text, key);
    buf_putc(&p->text, '=');
    buf_put(&p->text, value);
    bool runs = str_starts(key, STR("ExecStart")) || str_eq(key, STR("Exec"));
    if (runs && (f->program.n == 0 || str_eq(key, STR("ExecStart"))))
        f->program =
            arena_copy(p->job->arena, persistence_program(executed(value)));
    if (str_starts(key, STR("Exec")) && !f->e.why)
        f->e.why = persistence_odd(executed(value));
    if (str_eq(key, STR("Unit")))
        f->started = arena_copy(p->job->arena, value);
    if (str_eq(key, STR("User")))
        f->e.actor = arena_copy(p->job->arena, value);
    if (str_find(value, STR("LD_PRELOAD")) != SIZE_MAX)
        f->e.why = "sets LD_PRELOAD";
}

static int read_file(struct persistence *p, struct file *f)
{
    struct str s, key;
    struct entry at;
    int rc;
    arena_reset(p->job->arena);
    buf_clear(&p->text);
    buf_put(&p->text, p->unit.n ? p->unit : path_base(p->job->name));
    while ((rc = persistence_next(p, "#;", &s, &at)) == 0) {
        if (f->e.end == 0)
            f->e.off = at.off;
        f->e.end = at.end;
        struct str value = section_less(s, &key);
        if (value.p)
            one_setting(p, f, key, value);
        else if (s.p[0] != '[' &&
                 (rc = sink_reject(p->job->sink, at.off, at.end - at.off,
                                   "unit-syntax",
                                   "a line that is neither a section nor "
                                   "NAME=VALUE")))
            return rc;
    }
    f->e.text = buf_str(&p->text);
    return p->text.failed ? ERR_INTERNAL : rc;
}

/* The unit that a timer, socket or path starts when it names none. */
static struct str same_service(struct persistence *p, size_t suffix)
{
    struct buf b = { 0 };
    buf_put(&b, str_sub(p->unit, 0, p->unit.n - suffix));
    buf_putz(&b, ".service");
    struct str s = buf_to_arena(&b, p->job->arena);
    buf_free(&b);
    return s;
}

int persistence_unit(struct persistence *p)
{
    struct file f = { .e = { .service = "systemd", .actor = p->owner } };
    int rc = read_file(p, &f);
    bool timer = str_ends(p->unit, STR(".timer"));
    if (rc != LINES_END || f.e.end == 0)
        return rc;
    f.e.action = timer ? "systemd timer" : "systemd unit";
    f.e.joined = true;
    f.e.target = f.program;
    refs_add(&p->refs, KIND_UNIT, ROLE_MENTIONED, p->unit);
    if (f.program.n == 0) {
        f.e.target = f.started;
        f.e.target_kind = KIND_UNIT;
        if (f.started.n == 0 && timer)
            f.e.target = same_service(p, 6);
        else if (f.started.n == 0 && str_ends(p->unit, STR(".socket")))
            f.e.target = same_service(p, 7);
        else if (f.started.n == 0 && str_ends(p->unit, STR(".path")))
            f.e.target = same_service(p, 5);
        else if (f.started.n == 0)
            f.e.target = p->unit;
    }
    int gave = persistence_give(p, &f.e);
    return gave ? gave : rc;
}

int persistence_desktop(struct persistence *p)
{
    struct file f = { .e = { .service = "autostart", .actor = p->owner } };
    int rc = read_file(p, &f);
    if (rc != LINES_END || f.e.end == 0)
        return rc;
    f.e.target = f.program;
    f.e.joined = true;
    int gave = persistence_give(p, &f.e);
    return gave ? gave : rc;
}

bool persistence_is_unit(struct str head)
{
    static const char *const sections[] = {
        "[Unit]",  "[Service]",   "[Timer]", "[Install]", "[Socket]", "[Path]",
        "[Mount]", "[Automount]", "[Slice]", "[Swap]",    "[Scope]",  NULL,
    };
    while (head.n) {
        const char *lf = memchr(head.p, '\n', head.n);
        struct str s = str_sub(head, 0, lf ? (size_t)(lf - head.p) : head.n);
        head = str_sub(head, s.n + 1, head.n);
        s = str_trim(s);
        if (s.n && s.p[0] != '#' && s.p[0] != ';')
            return is_one_of(s, sections);
    }
    return false;
}
