/*
 * Start files of shells, scripts that others run, ld.so(8), pam.conf(5),
 * udev(7), modules-load.d(5). Of a shell's files only lines that do what start
 * files seldom do become rows: the rules are in docs/formats/persistence.md.
 */
#include "importers/persistence.h"

/* ---- rules for lines of shells ------------------------------------------- */

static bool is_name(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           c == '_' || c == '-';
}

/* `word` as a word of its own, also behind a path. */
static bool has_word(struct str s, const char *word)
{
    struct str w = str_from(word);
    for (size_t at = 0; at + w.n <= s.n;) {
        size_t i = str_find(str_sub(s, at, s.n), w);
        if (i == SIZE_MAX)
            return false;
        i += at;
        bool start = i == 0 || !is_name(s.p[i - 1]);
        bool end = i + w.n == s.n || !is_name(s.p[i + w.n]);
        if (start && end && (i == 0 || s.p[i - 1] != '.'))
            return true;
        at = i + 1;
    }
    return false;
}

static bool has(struct str s, const char *text)
{
    return str_find(s, str_from(text)) != SIZE_MAX;
}

/* alias sudo=.., sudo() {, function sudo */
static bool takes_over(struct str s)
{
    static const char *const names[] = { "sudo",   "su",   "ssh", "scp",
                                         "passwd", "doas", "sftp" };
    bool alias = has_word(s, "alias"), function = has_word(s, "function");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct str name = str_from(names[i]);
        size_t at = str_find(s, name);
        bool start = at != SIZE_MAX && (at == 0 || s.p[at - 1] == ' ');
        if (!start)
            continue;
        struct str after = str_sub(s, at + name.n, s.n);
        if ((alias && str_starts(after, STR("="))) ||
            (at == 0 && str_starts(str_trim(after), STR("()"))) ||
            (function && at == 9))
            return true;
    }
    return false;
}

static bool background(struct str s)
{
    return (str_ends(s, STR("&")) && !str_ends(s, STR("&&"))) ||
           has(s, "& disown") || has(s, "&)") || has_word(s, "nohup") ||
           has_word(s, "setsid");
}

static const struct {
    const char *text;
    bool word;
    const char *why;
} rules[] = {
    { "LD_PRELOAD", false, "sets LD_PRELOAD" },
    { "LD_AUDIT", false, "sets LD_AUDIT" },
    { "LD_LIBRARY_PATH", false, "sets LD_LIBRARY_PATH" },
    { "/dev/tcp/", false, "opens a connection" },
    { "/dev/udp/", false, "opens a connection" },
    { "curl", true, "fetches from the network" },
    { "wget", true, "fetches from the network" },
    { "nc", true, "opens a connection" },
    { "ncat", true, "opens a connection" },
    { "socat", true, "opens a connection" },
    { "base64 -d", false, "decodes what it runs" },
    { "base64 --decode", false, "decodes what it runs" },
    { "PROMPT_COMMAND=", false, "runs at each prompt" },
    { "BASH_ENV=", false, "runs in each script" },
    { "HISTFILE=/dev/null", false, "keeps no history" },
    { "unset HISTFILE", false, "keeps no history" },
    { "HISTSIZE=0", false, "keeps no history" },
    { "set +o history", false, "keeps no history" },
    { "/dev/shm/", false, "uses a folder that all may write" },
    { "/var/tmp/", false, "uses a folder that all may write" },
};

const char *persistence_odd(struct str s)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (rules[i].word ? has_word(s, rules[i].text) : has(s, rules[i].text))
            return rules[i].why;
    if (takes_over(s))
        return "stands in for a command that asks for passwords";
    if (str_starts(s, STR("/tmp/")) || has(s, " /tmp/"))
        return "uses a folder that all may write";
    if (has_word(s, "trap") && has_word(s, "DEBUG"))
        return "runs before each command";
    return background(s) ? "runs in the background" : NULL;
}

int persistence_profile(struct persistence *p)
{
    struct str s;
    struct entry e;
    int rc;
    while ((rc = persistence_next(p, "#", &s, &e)) == 0) {
        e.why = persistence_odd(s);
        if (!e.why)
            continue;
        e.text = s;
        e.actor = p->owner;
        e.target = persistence_program(s);
        if ((rc = persistence_give(p, &e)))
            return rc;
    }
    return rc;
}

/* "/etc/cron.daily/x", also of a copy that lies in a folder of its own. */
static struct str host_path(struct persistence *p)
{
    struct str path = p->job->name;
    size_t at = str_find(path, STR("/etc/"));
    if (at != SIZE_MAX)
        return str_sub(path, at, path.n);
    struct buf b = { 0 };
    buf_putc(&b, '/');
    buf_put(&b, path);
    struct str s = buf_to_arena(&b, p->job->arena);
    buf_free(&b);
    return s;
}

/* A file that is run as a whole: itself, and its odd lines. */
int persistence_script(struct persistence *p)
{
    struct str s, path = host_path(p);
    struct entry e, whole = { .off = 0 };
    struct str head = { p->job->in->p, p->job->in->n };
    const char *lf = head.n ? memchr(head.p, '\n', head.n) : NULL;
    whole.text = str_sub(head, 0,
                         lf && lf - head.p < 200 ? (size_t)(lf - head.p)
                         : head.n < 200          ? head.n
                                                 : 200);
    whole.end = whole.text.n;
    if (!str_starts(head, STR("#!")))
        whole.text = STR("not a script with an interpreter");
    whole.target = path;
    int rc = head.n ? persistence_give(p, &whole) : 0;
    while (rc == 0 && (rc = persistence_next(p, "#", &s, &e)) == 0) {
        e.why = persistence_odd(s);
        if (!e.why)
            continue;
        e.text = s;
        e.target = persistence_program(s);
        rc = persistence_give(p, &e);
    }
    return rc;
}

/* rc.local: every command */
int persistence_commands(struct persistence *p)
{
    struct str s;
    struct entry e;
    int rc;
    while ((rc = persistence_next(p, "#", &s, &e)) == 0) {
        if (str_starts(s, STR("exit")))
            continue;
        e.text = s;
        e.target = persistence_program(s);
        e.why = persistence_odd(s);
        if ((rc = persistence_give(p, &e)))
            return rc;
    }
    return rc;
}

/* ---- the loader ---------------------------------------------------------- */

/* Paths, parted by blanks or colons. */
int persistence_preload(struct persistence *p)
{
    struct str s;
    struct entry e;
    int rc;
    while ((rc = persistence_next(p, "#", &s, &e)) == 0) {
        for (size_t at = 0; at < s.n;) {
            size_t from = at;
            while (at < s.n && s.p[at] != ' ' && s.p[at] != '\t' &&
                   s.p[at] != ':')
                at++;
            e.text = e.target = str_sub(s, from, at - from);
            e.service = "ld.so";
            e.why = "loaded into every program";
            if (e.text.n && e.sub < UINT16_MAX)
                e.sub++;
            if (e.text.n && (rc = persistence_give(p, &e)))
                return rc;
            at++;
        }
    }
    return rc;
}

/* The folders that distributions list. */
static bool is_usual_folder(struct str s)
{
    static const char *const roots[] = { "/lib", "/usr/lib", "/usr/local/lib",
                                         "include ", "hwcap " };
    for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
        if (str_starts(s, str_from(roots[i])))
            return !has(s, "/.") && !has(s, "..");
    return false;
}

int persistence_ldconf(struct persistence *p)
{
    struct str s;
    struct entry e;
    int rc;
    while ((rc = persistence_next(p, "#", &s, &e)) == 0) {
        if (is_usual_folder(s))
            continue;
        e.text = e.target = s;
        e.service = "ld.so";
        e.why = "libraries outside the usual folders";
        if ((rc = persistence_give(p, &e)))
            return rc;
    }
    return rc;
}

/* ---- PAM ----------------------------------------------------------------- */

static bool is_pam_type(struct str w)
{
    static const char *const types[] = { "auth", "account", "password",
                                         "session" };
    if (str_starts(w, STR("-")))
        w = str_sub(w, 1, w.n);
    for (size_t i = 0; i < 4; i++)
        if (str_ieq(w, str_from(types[i])))
            return true;
    return false;
}

/* required, or [success=1 default=ignore] */
static void skip_control(struct str *s)
{
    struct str t = str_trim(*s), w;
    const char *end = t.n && t.p[0] == '[' ? memchr(t.p, ']', t.n) : NULL;
    if (end)
        *s = str_sub(t, (size_t)(end - t.p) + 1, t.n);
    else
        persistence_word(s, &w);
}

static const char *pam_oddity(struct str module, struct str arguments)
{
    static const char *const folders[] = { "/lib/", "/lib64/", "/usr/lib/",
                                           "/usr/lib64/" };
    if (has(module, "pam_exec.so"))
        return "runs a command";
    if (has(module, "pam_python") || has(module, "pam_script"))
        return "runs a script";
    if (has(module, "pam_permit.so"))
        return "lets all in";
    if (has(arguments, "nullok"))
        return "lets empty passwords in";
    if (module.n == 0 || module.p[0] != '/')
        return NULL;
    for (size_t i = 0; i < 4; i++)
        if (str_starts(module, str_from(folders[i])) &&
            has(module, "/security/"))
            return NULL;
    return "a module outside the standard folder";
}

/* [SERVICE] TYPE CONTROL MODULE ARGUMENTS; @include FILE */
int persistence_pam(struct persistence *p)
{
    struct str s, service = path_base(p->job->name);
    struct entry e;
    int rc;
    bool conf = str_eq(service, STR("pam.conf"));
    while ((rc = persistence_next(p, "#", &s, &e)) == 0) {
        struct str rest = s, type, module = STR(""), w;
        e.text = s;
        if (conf)
            persistence_word(&rest, &w);
        bool include = !persistence_word(&rest, &type) ||
                       str_starts(type, STR("@include"));
        if (!include && !is_pam_type(type)) {
            rc = sink_reject(p->job->sink, e.off, e.end - e.off, "pam-syntax",
                             "a line without a type of PAM");
        } else {
            if (!include)
                skip_control(&rest);
            persistence_word(&rest, &module);
            e.target = module;
            e.why = include ? NULL : pam_oddity(module, rest);
            while (has(module, "pam_exec.so") && persistence_word(&rest, &w))
                if (w.n && w.p[0] == '/')
                    e.target = w;
            e.service = "PAM";
            rc = persistence_give(p, &e);
        }
        if (rc)
            return rc;
    }
    return rc;
}

/* ---- udev, modules ------------------------------------------------------- */

/* RUN+="..", PROGRAM=="..", IMPORT{program}=".." */
static struct str udev_command(struct str s)
{
    static const char *const keys[] = { "RUN", "PROGRAM", "IMPORT{program}" };
    for (size_t i = 0; i < 3; i++) {
        size_t at = str_find(s, str_from(keys[i]));
        if (at == SIZE_MAX)
            continue;
        struct str rest = str_sub(s, at, s.n);
        const char *open = memchr(rest.p, '"', rest.n);
        if (!open)
            continue;
        size_t from = (size_t)(open - rest.p) + 1;
        if (has(str_sub(rest, 0, from), "builtin"))
            continue;
        const char *end = memchr(rest.p + from, '"', rest.n - from);
        return str_sub(rest, from,
                       end ? (size_t)(end - rest.p) - from : rest.n);
    }
    return STR("");
}

int persistence_udev(struct persistence *p)
{
    struct str s;
    struct entry e;
    int rc;
    while ((rc = persistence_next(p, "#", &s, &e)) == 0) {
        struct str command = udev_command(s);
        if (command.n == 0)
            continue;
        e.text = s;
        e.service = "udev";
        e.target = persistence_program(command);
        e.why = persistence_odd(command);
        if ((rc = persistence_give(p, &e)))
            return rc;
    }
    return rc;
}

int persistence_modules(struct persistence *p)
{
    struct str s;
    struct entry e;
    int rc;
    while ((rc = persistence_next(p, "#;", &s, &e)) == 0) {
        e.text = s;
        e.service = "kernel module";
        persistence_word(&s, &e.target);
        e.target_kind = KIND_RESOURCE;
        if ((rc = persistence_give(p, &e)))
            return rc;
    }
    return rc;
}
