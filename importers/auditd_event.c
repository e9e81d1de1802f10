/* What the records of one event say together: one row of the timeline. */
#include "base/mask.h"
#include "importers/auditd.h"

enum {
    ARGS_TEXT = 8192, /* of a command line: more is not kept in a row */
    NAMES = 16,       /* names of files in the text */
};

struct parts {
    struct audit_event *e;
    struct str v[AUDIT_FIELD_COUNT]; /* first of each; not of PATH, EXECVE */
    char quote[AUDIT_FIELD_COUNT];
    const struct audit_line *leads; /* NULL: parts of a system call only */
    const struct audit_line *call, *execve;
    struct str command; /* the command line, decoded */
    struct str target;  /* the last file that is no parent folder */
    struct audit_address address;
    bool secret, files;
};

static struct str get(const struct parts *p, enum audit_field f)
{
    return audit_decode(p->v[f], p->quote[f], p->e->job->arena);
}

/* As written: numbers and words that are never encoded. */
static struct str plain(const struct parts *p, enum audit_field f)
{
    struct str v = p->v[f];
    return v.n && (v.p[0] == '?' || v.p[0] == '(') ? STR("") : v;
}

/* ---- command lines ------------------------------------------------------- */

/* `a1`, `a1[0]`, but not `argc`, `a1_len`; *same: goes on from the one
 * before. */
static bool is_argument(struct str key, bool *same)
{
    if (key.n < 2 || key.p[0] != 'a')
        return false;
    size_t i = 1;
    while (i < key.n && key.p[i] >= '0' && key.p[i] <= '9')
        i++;
    *same = i < key.n && key.p[i] == '[' &&
            !str_eq(str_sub(key, i, key.n), STR("[0]"));
    return i > 1 && (i == key.n || key.p[i] == '[');
}

static bool wants_quotes(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\n')
            return true;
    return s.n == 0;
}

/* The arguments as one would type them; in quotes where blanks are theirs. */
static void put_arguments(struct parts *p, struct buf *b)
{
    struct buf arg = { 0 };
    bool open = false;
    for (size_t i = 0; i < p->e->n && b->n < ARGS_TEXT; i++) {
        if (!str_eq(p->e->lines[i].type, STR("EXECVE")))
            continue;
        struct str s = p->e->lines[i].body;
        struct audit_token t;
        while (b->n < ARGS_TEXT && audit_token(&s, &t)) {
            bool same;
            if (!is_argument(t.key, &same))
                continue;
            if (open && !same) {
                bool quotes = wants_quotes(buf_str(&arg));
                buf_putz(b, quotes ? "'" : "");
                buf_put(b, buf_str(&arg));
                buf_putz(b, quotes ? "' " : " ");
                buf_clear(&arg);
            }
            open = true;
            buf_put(&arg, audit_decode(t.value, t.quote, p->e->job->arena));
        }
    }
    bool quotes = open && wants_quotes(buf_str(&arg));
    buf_putz(b, quotes ? "'" : "");
    buf_put(b, buf_str(&arg));
    buf_putz(b, quotes ? "'" : "");
    buf_free(&arg);
}

static void find_command(struct parts *p)
{
    struct arena *a = p->e->job->arena;
    struct buf b = { 0 };
    if (p->execve) {
        put_arguments(p, &b);
        p->command = buf_to_arena(&b, a);
        buf_free(&b);
    }
    if (p->command.n || p->v[AUDIT_PROCTITLE].n == 0)
        return;
    struct str title = get(p, AUDIT_PROCTITLE);
    while (title.n && title.p[title.n - 1] == 0)
        title.n--;
    p->command = arena_copy(a, title);
    char *w = (char *)p->command.p;
    for (size_t i = 0; w && i < title.n; i++)
        if (w[i] == 0)
            w[i] = ' ';
}

/* ---- files --------------------------------------------------------------- */

static struct str in_folder(struct parts *p, struct str name)
{
    struct str cwd = get(p, AUDIT_CWD);
    while (str_starts(name, STR("./")))
        name = str_sub(name, 2, name.n);
    if (name.n == 0 || name.p[0] == '/' || cwd.n == 0)
        return name;
    struct buf b = { 0 };
    buf_put(&b, cwd);
    if (cwd.p[cwd.n - 1] != '/')
        buf_putc(&b, '/');
    buf_put(&b, name);
    struct str s = buf_to_arena(&b, p->e->job->arena);
    buf_free(&b);
    return s;
}

/* PATH: item=0 name=.. nametype=NORMAL|PARENT|CREATE|DELETE. */
static void path_record(struct parts *p, const struct audit_line *l)
{
    struct str s = l->body, name = STR(""), type = STR("");
    struct audit_token t;
    while (audit_token(&s, &t)) {
        enum audit_field f = audit_field(t.key);
        if (f == AUDIT_NAME)
            name = audit_decode(t.value, t.quote, p->e->job->arena);
        else if (f == AUDIT_NAMETYPE)
            type = t.value;
    }
    if (name.n == 0)
        return;
    name = in_folder(p, name);
    refs_add(p->e->refs, KIND_FILE, ROLE_MENTIONED, name);
    /* of a rename the last one is the new name */
    if (!str_eq(type, STR("PARENT")) &&
        (p->target.n == 0 || !str_eq(type, STR("NORMAL"))))
        p->target = name;
}

/* ---- reading ------------------------------------------------------------- */

static void take(struct parts *p, const struct audit_line *l)
{
    struct str s = l->body;
    struct audit_token t;
    bool last = str_eq(l->type, STR("LOGIN")); /* "old auid=.. new auid=.." */
    while (audit_token(&s, &t)) {
        enum audit_field f = audit_field(t.key);
        if (f == AUDIT_FIELD_COUNT || (p->v[f].p && !last))
            continue;
        p->v[f] = t.value;
        p->quote[f] = t.quote;
    }
}

static void read_lines(struct parts *p)
{
    const struct audit_event *e = p->e;
    for (size_t i = 0; i < e->n; i++) {
        const struct audit_line *l = &e->lines[i];
        bool path = str_eq(l->type, STR("PATH"));
        p->files |= path;
        if (str_eq(l->type, STR("EXECVE")))
            p->execve = l;
        else if (!path)
            take(p, l);
        if (str_eq(l->type, STR("SYSCALL")) || str_eq(l->type, STR("URINGOP")))
            p->call = l;
        if (!p->leads && l->is->how >= AUDIT_ALONE)
            p->leads = l;
    }
    for (size_t i = 0; p->files && i < e->n; i++)
        if (str_eq(e->lines[i].type, STR("PATH")))
            path_record(p, &e->lines[i]);
    if (p->v[AUDIT_SADDR].n &&
        audit_address(p->v[AUDIT_SADDR], e->job->arena, &p->address))
        refs_add(e->refs, KIND_IP, ROLE_MENTIONED, p->address.ip);
    find_command(p);
}

/* ---- who, how ------------------------------------------------------------ */

static bool is_unset(struct str id)
{
    return id.n == 0 || str_eq(id, STR("4294967295")) ||
           str_eq(id, STR("-1")) || str_eq(id, STR("unset"));
}

/* The name that the enriched part gives for a number, else the number. */
static struct str user(const struct parts *p, enum audit_field name,
                       enum audit_field number)
{
    struct str n = p->v[number], e = p->v[name];
    if (is_unset(n))
        return STR("");
    return is_unset(e) || str_starts(e, STR("unknown(")) ? n : e;
}

static bool changes_user(struct str program)
{
    static const char *const names[] = { "su",   "sudo",   "runuser",
                                         "doas", "pkexec", "su-l" };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_eq(program, str_from(names[i])))
            return true;
    return false;
}

/* Who is logged in as the audit id says, else the process's user. A program
 * of logins speaks of the account that it lets in; su and its like of the one
 * that is changed into. */
static void set_users(const struct parts *p, struct record *r)
{
    struct str auid = user(p, AUDIT_EAUID, AUDIT_AUID);
    struct str uid = user(p, AUDIT_EUID, AUDIT_UID), acct = get(p, AUDIT_ACCT);
    if (acct.n == 0)
        acct = user(p, AUDIT_EID, AUDIT_ID);
    r->actor = auid.n ? auid : uid;
    r->actor_kind = KIND_HOST_USER;
    if (acct.n == 0 || str_eq(acct, r->actor))
        return;
    bool named = !is_unset(p->v[AUDIT_EAUID]) && auid.n;
    if (str_eq(STR("account changed"), r->action) || changes_user(r->service) ||
        (named && !str_eq(auid, acct))) {
        r->target = acct;
        r->target_kind = KIND_HOST_USER;
    } else {
        r->actor = acct;
    }
}

static bool is_one_of(struct str v, const char *const *words)
{
    for (; *words; words++)
        if (str_ieq(v, str_from(*words)))
            return true;
    return false;
}

static bool failed(const struct parts *p)
{
    static const char *const no[] = { "no", "failed",  "fail",
                                      "0",  "failure", NULL };
    struct str res = p->v[AUDIT_RES].n      ? p->v[AUDIT_RES]
                     : p->v[AUDIT_RESULT].n ? p->v[AUDIT_RESULT]
                                            : p->v[AUDIT_SUCCESS];
    return res.n && is_one_of(res, no);
}

/* SELinux also records what its policy says to record. AppArmor says ALLOWED of
 * profiles that only complain. */
static bool granted(const struct parts *p)
{
    return str_find(p->leads->body, STR(" granted ")) != SIZE_MAX ||
           str_eq(p->v[AUDIT_APPARMOR], STR("ALLOWED")) ||
           str_eq(p->v[AUDIT_APPARMOR], STR("STATUS")) ||
           str_eq(p->v[AUDIT_APPARMOR], STR("AUDIT"));
}

static struct str outcome(const struct parts *p)
{
    struct str exit = p->v[AUDIT_EXIT];
    if (p->leads &&
        str_eq(str_from(p->leads->is->action), STR("access denied")) &&
        !granted(p))
        return STR("denied");
    if (!failed(p))
        return STR("");
    bool denied = str_eq(exit, STR("-1")) || str_eq(exit, STR("-13")) ||
                  str_eq(exit, STR("EPERM")) || str_eq(exit, STR("EACCES"));
    return denied ? STR("denied") : STR("failed");
}

static struct str call_name(const struct parts *p)
{
    struct str name = p->v[AUDIT_ESYSCALL];
    if (name.n == 0)
        name = audit_syscall(p->v[AUDIT_ARCH], p->v[AUDIT_SYSCALL]);
    return name.n ? name : p->v[AUDIT_SYSCALL];
}

/* Also where the record of the arguments is missing. */
static bool is_exec(const struct parts *p)
{
    return p->execve ||
           (p->call && p->command.n && str_starts(call_name(p), STR("execve")));
}

static struct str base_of(struct str path)
{
    for (size_t i = path.n; i > 0; i--)
        if (path.p[i - 1] == '/')
            return str_sub(path, i, path.n);
    return path;
}

/* ---- text ---------------------------------------------------------------- */

static void put_one(struct buf *b, const char *name, struct str v)
{
    if (v.n == 0)
        return;
    buf_putz(b, b->n && b->p[b->n - 1] == '[' ? "" : " ");
    buf_putz(b, name);
    buf_putc(b, ' ');
    buf_put(b, v);
}

/* [pid 7 ppid 1 uid root cwd /tmp ..] behind a command line. */
static void put_process(const struct parts *p, struct buf *b, bool kernel)
{
    size_t from = b->n;
    struct str uid = user(p, AUDIT_EUID, AUDIT_UID), cwd = get(p, AUDIT_CWD);
    struct str tty = plain(p, AUDIT_TTY), key = get(p, AUDIT_KEY);
    buf_putz(b, b->n ? " [" : "[");
    put_one(b, "pid", p->v[AUDIT_PID]);
    put_one(b, "ppid", p->v[AUDIT_PPID]);
    put_one(b, "uid", uid);
    put_one(b, "tty", tty.n ? tty : plain(p, AUDIT_TERMINAL));
    put_one(b, "ses", is_unset(p->v[AUDIT_SES]) ? STR("") : p->v[AUDIT_SES]);
    put_one(b, "cwd", cwd);
    if (kernel && failed(p))
        put_one(b, "exit", p->v[AUDIT_EXIT]);
    put_one(b, "key", key);
    if (b->n && b->p[b->n - 1] == '[')
        b->n = from;
    else
        buf_putc(b, ']');
}

/* The message as it is written, without the enriched part. */
static void put_message(const struct audit_line *l, struct buf *b)
{
    struct str s = l->body;
    const char *enriched = s.n ? memchr(s.p, AUDIT_ENRICHED, s.n) : NULL;
    if (enriched)
        s.n = (size_t)(enriched - s.p);
    if (b->n)
        buf_putz(b, "; ");
    buf_put(b, l->type);
    buf_putz(b, s.n ? " " : "");
    buf_put(b, str_trim(s));
}

/* Passwords typed on a command line do not reach the case. */
static void put_command(struct parts *p, struct buf *b, struct str command)
{
    buf_clear(p->e->masked);
    bool secret = mask_secrets(command, p->e->masked);
    buf_put(b, secret ? buf_str(p->e->masked) : command);
    p->secret |= secret;
}

static void put_call(struct parts *p, struct buf *b)
{
    struct str name = call_name(p);
    if (name.n && name.p[0] >= '0' && name.p[0] <= '9')
        buf_putz(b, "call ");
    buf_put(b, name);
    put_one(b, "of", get(p, AUDIT_OCOMM));
    if (p->address.text.n) {
        buf_putc(b, ' ');
        buf_put(b, p->address.text);
    }
    if (p->target.n) {
        buf_putc(b, ' ');
        buf_put(b, p->target);
    }
    if (p->command.n) {
        buf_putz(b, b->n ? ": " : "");
        put_command(p, b, p->command);
    }
}

static void put_text(struct parts *p, struct buf *b)
{
    struct audit_event *e = p->e;
    if (!p->leads && is_exec(p)) {
        put_command(p, b, p->command);
        put_process(p, b, true);
        return;
    }
    if (!p->leads) {
        put_call(p, b);
        put_process(p, b, true);
        return;
    }
    struct str typed = p->v[AUDIT_CMD].n ? get(p, AUDIT_CMD) : STR("");
    if (typed.n == 0 && p->v[AUDIT_DATA].n)
        typed = str_trim(get(p, AUDIT_DATA));
    if (typed.n) {
        put_command(p, b, typed);
        put_process(p, b, false);
        return;
    }
    for (size_t i = 0; i < e->n; i++)
        if (e->lines[i].is->how >= AUDIT_ALONE)
            put_message(&e->lines[i], b);
    if (p->call || p->command.n) {
        buf_putz(b, " (");
        put_call(p, b);
        buf_putc(b, ')');
    }
}

/* ---- columns ------------------------------------------------------------- */

static struct str in_arena(struct parts *p, struct str a, struct str b)
{
    struct buf t = { 0 };
    buf_put(&t, a);
    buf_put(&t, b);
    struct str s = buf_to_arena(&t, p->e->job->arena);
    buf_free(&t);
    return s;
}

/* systemd tells units without their suffix. */
static struct str unit_of(struct parts *p)
{
    struct str unit = get(p, AUDIT_UNIT);
    if (unit.n == 0)
        return str_starts(p->leads->type, STR("DAEMON_"))
                   ? STR("auditd.service")
                   : unit;
    return memchr(unit.p, '.', unit.n) ? unit
                                       : in_arena(p, unit, STR(".service"));
}

static const char *package_action(struct str op)
{
    if (str_eq(op, STR("install")))
        return "package installed";
    if (str_eq(op, STR("update")) || str_eq(op, STR("upgrade")))
        return "package upgraded";
    return str_eq(op, STR("remove")) ? "package removed" : "package";
}

static void target(struct record *r, unsigned kind, struct str v)
{
    if (v.n == 0 || r->target.n)
        return;
    r->target = v;
    r->target_kind = (uint8_t)kind;
}

static void set_action(struct parts *p, struct record *r)
{
    static const char *const of_processes[] = {
        "clone",      "clone3", "fork",  "vfork",  "exit",
        "exit_group", "kill",   "tkill", "tgkill", NULL,
    };
    struct str call = p->call ? call_name(p) : STR("");
    if (p->leads) {
        const struct audit_type *is = p->leads->is;
        r->action = str_from(is->failed && failed(p) ? is->failed : is->action);
        if (str_eq(r->action, STR("access denied")) && granted(p))
            r->action = STR("log line");
        if (str_eq(r->action, STR("sudo")) && p->v[AUDIT_EXE].n &&
            !str_eq(base_of(get(p, AUDIT_EXE)), STR("sudo")))
            r->action = STR("command");
        if (str_eq(p->leads->type, STR("SOFTWARE_UPDATE")))
            r->action = str_from(package_action(p->v[AUDIT_OP]));
    } else if (is_exec(p)) {
        r->action = STR("command");
    } else if (is_one_of(call, of_processes)) {
        r->action = STR("process");
    } else {
        r->action = p->call ? STR("system call") : STR("log line");
    }
}

/* The address of a connection that was taken is where it came from. */
static bool came_from(struct str call)
{
    static const char *const calls[] = { "accept",      "accept4", "recvfrom",
                                         "getpeername", "recvmsg", NULL };
    return is_one_of(call, calls);
}

static void set_ip(struct parts *p, struct record *r, char tmp[46])
{
    struct str addr = p->v[AUDIT_ADDR];
    if (addr.n == 0 || addr.p[0] == '?')
        addr = p->v[AUDIT_HOSTNAME];
    if (addr.n && identify_ip(addr, tmp, &r->ip))
        return;
    if (p->address.ip.n && came_from(call_name(p)))
        r->ip = p->address.ip;
}

static void set_targets(struct parts *p, struct record *r)
{
    struct str exe = get(p, AUDIT_EXE);
    if (p->leads) {
        struct str group = get(p, AUDIT_GRP);
        if (str_eq(p->leads->type, STR("SOFTWARE_UPDATE")))
            target(r, KIND_PACKAGE, get(p, AUDIT_SW));
        if (p->v[AUDIT_UNIT].n || str_starts(p->leads->type, STR("DAEMON_")))
            target(r, KIND_UNIT, unit_of(p));
        if (p->v[AUDIT_FP].n)
            target(r, KIND_FINGERPRINT, p->v[AUDIT_FP]);
        if (str_eq(p->leads->type, STR("KERN_MODULE")))
            target(r, KIND_RESOURCE, get(p, AUDIT_NAME));
        target(r, KIND_RESOURCE, group.n ? group : get(p, AUDIT_NEW_GROUP));
        target(r, KIND_FILE, get(p, AUDIT_PATH));
    }
    if (!p->leads && is_exec(p))
        target(r, KIND_FILE, exe);
    if (!p->leads && p->address.ip.n && !came_from(call_name(p)))
        target(r, KIND_IP, p->address.ip);
    target(r, KIND_FILE, p->target);
    target(r, KIND_FILE, p->call ? exe : STR(""));
    refs_add(p->e->refs, KIND_FILE, ROLE_MENTIONED, exe);
}

static int mention(void *ctx, size_t off, unsigned kind, struct str v)
{
    (void)off;
    if (kind != KIND_NONE)
        identify_add(ctx, ROLE_MENTIONED, v);
    if (kind == KIND_URL)
        refs_add(ctx, KIND_URL, ROLE_MENTIONED, v);
    return 0;
}

int audit_event(struct audit_event *e)
{
    char tmp[46];
    struct parts p = { .e = e };
    arena_reset(e->job->arena);
    buf_clear(e->text);
    e->refs->n = 0;
    e->refs->cut = false;
    refs_add(e->refs, KIND_HOST, ROLE_WHERE, e->node);
    read_lines(&p);
    struct record r = {
        .timed = true,
        .t = e->t,
        .t_zone = ZONE_EXPLICIT,
        .t_res = e->t_res,
        .off = e->off,
        .len = e->end - e->off > UINT32_MAX ? UINT32_MAX
                                            : (uint32_t)(e->end - e->off),
        .outcome = outcome(&p),
        .flags = e->t.s < 631152000 ? EVENT_IMPLAUSIBLE : 0,
    };
    r.service = p.leads && p.leads->is->how != AUDIT_LEADS
                    ? base_of(get(&p, AUDIT_EXE))
                    : STR("kernel");
    set_action(&p, &r);
    set_users(&p, &r);
    set_ip(&p, &r, tmp);
    set_targets(&p, &r);
    put_text(&p, e->text);
    r.text = buf_str(e->text);
    if (p.command.n || p.v[AUDIT_CMD].n || p.v[AUDIT_DATA].n)
        identify_text(r.text, mention, e->refs);
    if (p.secret)
        r.flags |= EVENT_SECRET;
    if (e->refs->cut)
        r.flags |= EVENT_REFS_CUT;
    r.refs = e->refs->v;
    r.n_refs = e->refs->n;
    if (e->text->failed)
        return ERR_INTERNAL;
    return sink_record(e->job->sink, &r);
}
