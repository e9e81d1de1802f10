/*
 * What will run by itself on a Linux host: cron, at, systemd, start files of
 * shells, the loader, PAM, udev, modules. Files are known by where they lie;
 * a crontab or unit that lies elsewhere by its name and what it says. The
 * entries have no time of their own (jobs of at have): when a file was changed
 * is told by the file's own times. docs/formats/persistence.md
 */
#include "importers/persistence.h"

#include "base/mask.h"
#include "importers/homes.h"

static const struct {
    const char *pattern;
    const char *action;
    int (*read)(struct persistence *p);
} files[] = {
    { "etc/crontab", "cron entry", persistence_cron_system },
    { "etc/cron.d/*", "cron entry", persistence_cron_system },
    { "var/spool/cron/crontabs/*", "cron entry", persistence_cron_user },
    { "var/spool/cron/atjobs/*", "cron entry", persistence_at },
    { "var/spool/at/*", "cron entry", persistence_at },
    { "var/spool/cron/*", "cron entry", persistence_cron_user },
    { "etc/crontabs/*", "cron entry", persistence_cron_user },
    { "etc/anacrontab", "cron entry", persistence_anacron },
    { "etc/cron.hourly/*", "cron entry", persistence_script },
    { "etc/cron.daily/*", "cron entry", persistence_script },
    { "etc/cron.weekly/*", "cron entry", persistence_script },
    { "etc/cron.monthly/*", "cron entry", persistence_script },
    { "etc/rc.local", "startup entry", persistence_commands },
    { "etc/rc.d/rc.local", "startup entry", persistence_commands },
    { "etc/init.d/*", "startup entry", persistence_script },
    { "etc/rc.d/init.d/*", "startup entry", persistence_script },
    { "etc/update-motd.d/*", "startup entry", persistence_script },
    { "etc/profile", "startup entry", persistence_profile },
    { "etc/profile.d/*", "startup entry", persistence_profile },
    { "etc/environment", "startup entry", persistence_profile },
    { "etc/bash.bashrc", "startup entry", persistence_profile },
    { "etc/bashrc", "startup entry", persistence_profile },
    { "etc/zsh/*", "startup entry", persistence_profile },
    { ".bashrc", "startup entry", persistence_profile },
    { ".bash_profile", "startup entry", persistence_profile },
    { ".bash_login", "startup entry", persistence_profile },
    { ".bash_logout", "startup entry", persistence_profile },
    { ".profile", "startup entry", persistence_profile },
    { ".zshrc", "startup entry", persistence_profile },
    { ".zprofile", "startup entry", persistence_profile },
    { ".zshenv", "startup entry", persistence_profile },
    { ".zlogin", "startup entry", persistence_profile },
    { "ld.so.preload", "preload entry", persistence_preload },
    { "etc/ld.so.conf", "preload entry", persistence_ldconf },
    { "etc/ld.so.conf.d/*", "preload entry", persistence_ldconf },
    { "etc/pam.d/*", "PAM rule", persistence_pam },
    { "etc/pam.conf", "PAM rule", persistence_pam },
    { "udev/rules.d/*.rules", "udev rule", persistence_udev },
    { "etc/modules", "startup entry", persistence_modules },
    { "modules-load.d/*.conf", "startup entry", persistence_modules },
    { "etc/xdg/autostart/*.desktop", "startup entry", persistence_desktop },
    { ".config/autostart/*.desktop", "startup entry", persistence_desktop },
};

enum { FILES = sizeof(files) / sizeof(*files) };

/* ---- what they share ----------------------------------------------------- */

static int mention(void *ctx, size_t off, unsigned kind, struct str v)
{
    (void)off;
    if (kind == KIND_URL)
        refs_add(ctx, KIND_URL, ROLE_MENTIONED, v);
    else if (kind != KIND_NONE)
        identify_add(ctx, ROLE_MENTIONED, v);
    return 0;
}

int persistence_give(struct persistence *p, const struct entry *e)
{
    buf_clear(&p->masked);
    bool secret = mask_secrets(e->text, &p->masked);
    if (!secret)
        buf_put(&p->masked, e->text);
    if (e->why) {
        buf_putz(&p->masked, " [");
        buf_putz(&p->masked, e->why);
        buf_putc(&p->masked, ']');
    }
    uint64_t len = e->end - e->off;
    struct record r = {
        .timed = e->timed,
        .t = { .s = e->time },
        .t_zone = ZONE_EXPLICIT,
        .t_kind = e->timed ? TIME_START : TIME_EVENT,
        .sub = e->sub,
        .off = e->off,
        .len = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len,
        .action = str_from(e->action ? e->action : p->action),
        .actor = e->actor,
        .actor_kind = KIND_HOST_USER,
        .target = e->target,
        .target_kind = e->target_kind ? e->target_kind : KIND_FILE,
        .service = str_from(e->service ? e->service : ""),
        .text = buf_str(&p->masked),
        .flags =
            (secret ? EVENT_SECRET : 0) | (e->joined ? EVENT_CONTINUED : 0),
    };
    identify_text(r.text, mention, &p->refs);
    r.refs = p->refs.v;
    r.n_refs = p->refs.n;
    if (p->refs.cut)
        r.flags |= EVENT_REFS_CUT;
    int rc = p->masked.failed ? ERR_INTERNAL : sink_record(p->job->sink, &r);
    p->refs.n = 0;
    p->refs.cut = false;
    return rc;
}

static bool ends_in_backslash(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[s.n - 1 - n] == '\\')
        n++;
    return n % 2 != 0;
}

/* Adds the lines that go on to p->joined. */
static int join(struct persistence *p, struct str *s, struct entry *e)
{
    enum { MOST = 1 << 20 };
    int rc = 0;
    buf_clear(&p->joined);
    buf_put(&p->joined, str_sub(*s, 0, s->n - 1));
    e->joined = true;
    for (bool on = true; on && p->joined.n < MOST;) {
        if ((rc = lines_next(&p->l, &p->line)))
            break;
        struct str t = str_trim(p->line.text);
        on = ends_in_backslash(t);
        buf_putc(&p->joined, ' ');
        buf_put(&p->joined, str_sub(t, 0, t.n - on));
        e->end = p->line.off + p->line.text.n;
    }
    *s = str_trim(buf_str(&p->joined));
    return p->joined.failed ? ERR_INTERNAL : rc == LINES_END ? 0 : rc;
}

int persistence_next(struct persistence *p, const char *comments, struct str *s,
                     struct entry *e)
{
    int rc;
    while ((rc = lines_next(&p->l, &p->line)) == 0) {
        *s = str_trim(p->line.text);
        if (s->n == 0 || (s->p[0] && strchr(comments, s->p[0])))
            continue;
        *e = (struct entry){ .off = p->line.off,
                             .end = p->line.off + p->line.text.n };
        if (ends_in_backslash(*s) && (rc = join(p, s, e)))
            return rc;
        if (s->n)
            return 0;
    }
    return rc;
}

/* A word ends at a blank or a separator that is not in quotes; quotes around
 * the whole of it are taken off. */
bool persistence_word(struct str *s, struct str *word)
{
    size_t at = 0;
    while (at < s->n && s->p[at] && strchr(" \t;&|(\n", s->p[at]))
        at++;
    if (at == s->n)
        return false;
    size_t from = at;
    char quote = 0;
    for (; at < s->n; at++) {
        char c = s->p[at];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c && strchr(" \t;&|()\n", c))
            break;
    }
    *word = str_sub(*s, from, at - from);
    if (at == from)
        at++;
    *s = str_sub(*s, at, s->n);
    char first = word->n ? word->p[0] : 0;
    if (first == '"' || first == '\'') {
        size_t ends = word->n > 1 && word->p[word->n - 1] == first;
        *word = str_sub(*word, 1, word->n - 1 - ends);
    }
    return true;
}

/* NAME=.. before a command */
static bool is_assignment(struct str w)
{
    size_t i = 0;
    while (i < w.n && (w.p[i] == '_' || (w.p[i] >= '0' && w.p[i] <= '9') ||
                       ((w.p[i] | 0x20) >= 'a' && (w.p[i] | 0x20) <= 'z')))
        i++;
    return i && i < w.n && w.p[i] == '=';
}

static bool is_one_of(struct str w, const char *const *words)
{
    for (; *words; words++)
        if (str_eq(w, str_from(*words)))
            return true;
    return false;
}

static bool is_shell(struct str w)
{
    struct str base = path_base(w);
    return str_eq(base, STR("sh")) || str_eq(base, STR("bash")) ||
           str_eq(base, STR("dash")) || str_eq(base, STR("zsh"));
}

/* What stands in front of a command: words, options, numbers. */
static bool is_before(struct str w)
{
    static const char *const words[] = {
        "exec", "nohup", "env",    "nice", "ionice", "sudo", "setsid",
        "time", "then",  "export", "!",    "{",      "if",   NULL,
    };
    uint64_t number;
    return w.n == 0 || w.p[0] == '-' || is_assignment(w) ||
           is_one_of(w, words) || str_u64(w, &number);
}

/* What is no program: of `cd X && y` it is y. */
static bool is_built_in(struct str w)
{
    static const char *const words[] = { "cd",    "test",     "[",      "[[",
                                         "umask", ".",        "source", "sleep",
                                         "echo",  "trap",     "unset",  "set",
                                         "alias", "function", "true",   NULL };
    return is_one_of(w, words);
}

static void skip_command(struct str *s)
{
    size_t at = 0;
    while (at < s->n && s->p[at] && !strchr(";&|\n", s->p[at]))
        at++;
    *s = str_sub(*s, at, s->n);
}

struct str persistence_program(struct str command)
{
    struct str w, shell = STR("");
    for (int words = 0; words < 64 && persistence_word(&command, &w); words++) {
        if (is_before(w))
            continue;
        if (w.p[0] == '>' || w.p[0] == '<' || w.p[0] == '$' || w.p[0] == '#')
            break;
        if (is_built_in(w)) {
            skip_command(&command);
        } else if (shell.n) { /* a script, or a command line of its own */
            struct str inner = w;
            return persistence_word(&inner, &w) ? w : shell;
        } else if (is_shell(w)) {
            shell = w;
        } else {
            return w;
        }
    }
    return shell;
}

/* ---- which --------------------------------------------------------------- */

static size_t file_of(struct str path)
{
    for (size_t i = 0; i < FILES; i++)
        if (path_like(path, files[i].pattern))
            return i;
    return FILES;
}

static bool has_unit_suffix(struct str base)
{
    static const char *const ends[] = { ".service", ".timer", ".socket",
                                        ".path" };
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (str_ends(base, str_from(ends[i])))
            return true;
    return false;
}

/* "sysupd.service"; of a drop-in x.service.d/y.conf the unit that it changes.
 * Empty: not a unit's file. */
static struct str unit_of(struct str path)
{
    struct str base = path_base(path);
    if (has_unit_suffix(base))
        return base;
    if (!str_ends(base, STR(".conf")) || path.n <= base.n)
        return STR("");
    struct str folder = path_base(str_sub(path, 0, path.n - base.n - 1));
    if (!str_ends(folder, STR(".d")))
        return STR("");
    folder.n -= 2;
    return has_unit_suffix(folder) ? folder : STR("");
}

static bool is_text(struct str s)
{
    size_t n = s.n < 4096 ? s.n : 4096;
    return n == 0 || !memchr(s.p, 0, n);
}

/* Who a spool file belongs to. */
static struct str owner_of(struct str path)
{
    if (path_like(path, "var/spool/cron/crontabs/*") ||
        path_like(path, "var/spool/cron/*") ||
        path_like(path, "etc/crontabs/*"))
        return path_base(path);
    return home_owner(path);
}

static int read_any(struct persistence *p)
{
    size_t i = file_of(p->job->name);
    p->unit = unit_of(p->job->name);
    p->action = i < FILES ? files[i].action : "cron entry";
    if (i < FILES)
        return files[i].read(p);
    if (p->unit.n)
        return persistence_unit(p);
    /* a loose crontab: the sixth column of a system's is a user */
    struct str head =
        str_sub((struct str){ p->job->in->p, p->job->in->n }, 0, 4096);
    return window_has(head, " root ") || window_has(head, "\troot\t")
               ? persistence_cron_system(p)
               : persistence_cron_user(p);
}

static int import(struct import_job *job, struct err *err)
{
    struct persistence p = { .job = job, .owner = owner_of(job->name) };
    if (window_fill(job->in, 4096))
        return err_set(err, ERR_INTERNAL, "out of memory");
    lines_open(&p.l, job);
    int rc = lines_end(&p.l, read_any(&p));
    buf_free(&p.text);
    buf_free(&p.masked);
    buf_free(&p.joined);
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static int probe(struct probe *p)
{
    struct str head = window_text(p->head), base = path_base(p->path);
    size_t i = file_of(p->path);
    bool script = i < FILES && files[i].read == persistence_script;
    if (p->size == 0 || (!is_text(head) && !script))
        return 0;
    p->reason = "a file of this place says what runs by itself";
    if (i < FILES)
        return 84;
    p->reason = "sections of a systemd unit";
    if (unit_of(p->path).n)
        return persistence_is_unit(head) ? 88 : 0;
    p->reason = "a name with crontab, and lines that are a schedule with a "
                "command";
    return str_find(base, STR("crontab")) != SIZE_MAX &&
                   persistence_is_cron(head)
               ? 75
               : 0;
}

static const char *const paths[] = {
    "etc/crontab",
    "etc/cron.d/*",
    "var/spool/cron/**",
    "var/spool/at/*",
    "etc/crontabs/*",
    "etc/anacrontab",
    "etc/cron.hourly/*",
    "etc/cron.daily/*",
    "etc/cron.weekly/*",
    "etc/cron.monthly/*",
    "etc/rc.local",
    "etc/rc.d/rc.local",
    "etc/init.d/*",
    "etc/rc.d/init.d/*",
    "etc/update-motd.d/*",
    "etc/profile",
    "etc/profile.d/*",
    "etc/environment",
    "etc/bash.bashrc",
    "etc/bashrc",
    "etc/zsh/*",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".zshrc",
    ".zprofile",
    ".zshenv",
    ".zlogin",
    "etc/ld.so.preload",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d/*",
    "etc/pam.d/*",
    "etc/pam.conf",
    "udev/rules.d/*.rules",
    "etc/modules",
    "modules-load.d/*.conf",
    "etc/xdg/autostart/*.desktop",
    ".config/autostart/*.desktop",
    "systemd/system/**",
    "systemd/user/**",
    NULL,
};

const struct importer importers_persistence = {
    .name = "persistence",
    .title = "What runs by itself",
    .reads = "cron, at, systemd units, start files of shells, ld.so, PAM, "
             "udev, modules, autostart",
    .paths = paths,
    .probe = probe,
    .import = import,
};
