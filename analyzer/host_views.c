#include "analyzer/host_views.h"

#include "analyzer/filter.h"

/* ---- the table ----------------------------------------------------------- */

/* One a line. */
/* clang-format off */
static const struct host_column login_columns[] = {
    { HOST_TIME,    "time",    "TIME (UTC)", 19, 19 },
    { HOST_HOST,    "host",    "HOST",        8, 10 },
    { HOST_USER,    "user",    "USER",       10, 12 },
    { HOST_ACTION,  "action",  "ACTION",     14, 14 },
    { HOST_FROM,    "from",    "FROM",       15, 15 },
    { HOST_OUTCOME, "outcome", "OUTCOME",     0, 12 },
    { HOST_SOURCE,  "source",  "SOURCE",      0,  0 },
    { HOST_TEXT,    "text",    "TEXT",        0,  1 },
};
static const struct host_column command_columns[] = {
    { HOST_TIME,    "time",    "TIME (UTC)", 19, 19 },
    { HOST_HOST,    "host",    "HOST",        8, 10 },
    { HOST_USER,    "user",    "USER",        8, 10 },
    { HOST_SOURCE,  "source",  "SOURCE",      8, 13 },
    { HOST_ACTION,  "action",  "ACTION",      0, 11 },
    { HOST_OUTCOME, "outcome", "OUTCOME",     0,  7 },
    { HOST_TEXT,    "text",    "COMMAND",     1,  1 },
};
static const struct host_column persistence_columns[] = {
    { HOST_TIME,    "time",    "TIME (UTC)", 19, 19 },
    { HOST_HOST,    "host",    "HOST",        8, 10 },
    { HOST_ACTION,  "action",  "ACTION",     14, 14 },
    { HOST_USER,    "user",    "USER",        0,  8 },
    { HOST_TARGET,  "target",  "TARGET",     14, 24 },
    { HOST_SOURCE,  "source",  "SOURCE",      0,  0 },
    { HOST_FILE,    "file",    "FILE",        0,  0 },
    { HOST_TEXT,    "text",    "TEXT",        1,  1 },
};
static const struct host_column package_columns[] = {
    { HOST_TIME,    "time",    "TIME (UTC)", 19, 19 },
    { HOST_HOST,    "host",    "HOST",        8, 10 },
    { HOST_USER,    "user",    "USER",        0,  8 },
    { HOST_SOURCE,  "source",  "SOURCE",      0,  0 },
    { HOST_ACTION,  "action",  "ACTION",     17, 17 },
    { HOST_TARGET,  "package", "PACKAGE",    14, 20 },
    { HOST_TEXT,    "text",    "TEXT",        1,  1 },
};
static const struct host_column key_columns[] = {
    { HOST_TIME,    "time",    "TIME (UTC)", 19, 19 },
    { HOST_HOST,    "host",    "HOST",        8, 10 },
    { HOST_USER,    "user",    "USER",        0, 10 },
    { HOST_TARGET,  "key",     "KEY",        20, 22 },
    { HOST_SOURCE,  "source",  "SOURCE",      0,  0 },
    { HOST_FILE,    "file",    "FILE",        1,  1 },
    { HOST_TEXT,    "text",    "TEXT",        0,  0 },
};

static const struct host_source login_sources[] = {
    { "auditd",                "/var/log/audit/audit.log" },
    { "evtx",                  "event logs of Windows, Security.evtx first" },
    { "journald",              "/var/log/journal" },
    { "lastlog",               "/var/log/lastlog" },
    { "powershell-transcript", "transcripts of PowerShell" },
    { "registry",              "SAM of Windows" },
    { "ssm-agent",             "/var/log/amazon/ssm" },
    { "ssm-orchestration",     "/var/lib/amazon/ssm" },
    { "syslog",                "/var/log/auth.log, secure" },
    { "utmp",                  "/var/log/wtmp, btmp" },
    { "web-error",             "error logs of web servers" },
    { NULL, NULL },
};
static const struct host_source command_sources[] = {
    { "apt-history",           "/var/log/apt/history.log" },
    { "auditd",                "/var/log/audit/audit.log" },
    { "dnf-history",           "/var/lib/dnf/history.sqlite" },
    { "dnf-log",               "/var/log/dnf.log" },
    { "ec2launch",             "logs of EC2Launch" },
    { "evtx",                  "event logs of Windows" },
    { "journald",              "/var/log/journal" },
    { "powershell-history",    "ConsoleHost_history.txt" },
    { "powershell-transcript", "transcripts of PowerShell" },
    { "registry",              "hives of Windows" },
    { "shell-history",         "~/.bash_history and the like" },
    { "ssm-agent",             "/var/log/amazon/ssm" },
    { "ssm-orchestration",     "/var/lib/amazon/ssm" },
    { "syslog",                "/var/log/auth.log, cron" },
    { "user-data",             "/var/lib/cloud/instances" },
    { NULL, NULL },
};
static const struct host_source persistence_sources[] = {
    { "accounts",       "authorized_keys, /etc/sudoers" },
    { "evtx",           "event logs of Windows" },
    { "persistence",    "cron, systemd, PAM, udev, start scripts" },
    { "registry",       "hives of Windows" },
    { "scheduled-task", "/Windows/System32/Tasks" },
    { NULL, NULL },
};
static const struct host_source package_sources[] = {
    { "apt-history", "/var/log/apt/history.log" },
    { "auditd",      "/var/log/audit/audit.log" },
    { "dnf-history", "/var/lib/dnf/history.sqlite" },
    { "dnf-log",     "/var/log/dnf.log" },
    { "dpkg-log",    "/var/log/dpkg.log" },
    { "dpkg-status", "/var/lib/dpkg/status" },
    { "rpmdb",       "/var/lib/rpm" },
    { "yum-log",     "/var/log/yum.log" },
    { NULL, NULL },
};
static const struct host_source key_sources[] = {
    { "accounts",        "private keys of SSH" },
    { "aws-credentials", "~/.aws and files of other programs that keep keys" },
    { NULL, NULL },
};

#define COLUMNS(name) name, sizeof(name) / sizeof(name[0])
const struct host_view host_views[HOST_VIEWS] = {
    [HOST_LOGINS] = {
        "logins", "Logins and sessions",
        "action:(login or logout or \"login failed\" or \"session opened\" or "
        "\"session closed\" or \"ssm session\" or \"credentials used\" or "
        "\"credentials checked\" or \"kerberos ticket\") or "
        "(action:authentication has:outcome)",
        COLUMNS(login_columns), login_sources },
    [HOST_COMMANDS] = {
        "commands", "Commands run",
        "action:(command or process or sudo or su or \"ssm command\" or "
        "\"ssm session\" or \"user data\")",
        COLUMNS(command_columns), command_sources },
    [HOST_PERSISTENCE] = {
        "persistence", "Persistence",
        "action:(\"cron entry\" or \"systemd unit\" or \"systemd timer\" or "
        "\"startup entry\" or \"scheduled task\" or \"preload entry\" or "
        "\"PAM rule\" or \"udev rule\" or \"authorized key\" or "
        "\"sudo rule\" or \"service installed\" or \"service changed\" or "
        "\"WMI subscription\" or \"WMI provider\")",
        COLUMNS(persistence_columns), persistence_sources },
    [HOST_PACKAGES] = {
        "packages", "Packages",
        "action:(package or \"package installed\" or \"package upgraded\" or "
        "\"package removed\")",
        COLUMNS(package_columns), package_sources },
    [HOST_KEYS] = {
        "keys", "Keys found",
        "action:\"key found\"",
        COLUMNS(key_columns), key_sources },
};
/* clang-format on */

const struct host_view *host_view_find(struct str name)
{
    for (size_t i = 0; i < HOST_VIEWS; i++)
        if (str_eq(name, str_from(host_views[i].name)))
            return &host_views[i];
    return NULL;
}

/* ---- plans --------------------------------------------------------------- */

int host_view_plan(struct casedb *c, const struct host_view *v, struct arena *a,
                   const struct plan **out, struct err *err)
{
    struct filter_env *env = arena_array(a, 1, sizeof(*env));
    struct filter_plan compiled;
    if (!env)
        return err_set(err, ERR_INTERNAL, "out of memory");
    *env = (struct filter_env){ .c = c };
    int rc =
        filter_plan_text(str_from(v->filter), env, a, &compiled, NULL, err);
    *out = rc ? NULL : compiled.plan;
    return rc;
}

const struct plan *host_view_and(const struct plan *view,
                                 const struct plan *more, struct arena *a)
{
    if (!more)
        return view;
    struct plan *both = arena_array(a, 1, sizeof(*both));
    if (both)
        *both = (struct plan){ .op = PLAN_AND,
                               .a = (struct plan *)(uintptr_t)view,
                               .b = (struct plan *)(uintptr_t)more };
    return both;
}

/* ---- rows ---------------------------------------------------------------- */

/* The host that the record itself names, else its instance, else the exhibit
 * in which it lies. */
static struct str host_of(struct casedb *c, const struct event_ref *refs,
                          size_t n, int64_t exhibit, struct arena *a)
{
    static const unsigned kinds[] = { KIND_HOST, KIND_INSTANCE };
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (size_t i = 0; i < n; i++)
            if (refs[i].role == ROLE_WHERE &&
                refs[i].id >> KIND_SHIFT == kinds[k])
                return arena_copy(a, case_text(c, refs[i].id));
    struct buf b = { 0 };
    buf_printf(&b, "X%lld", (long long)exhibit);
    return buf_to_arena(&b, a);
}

/* The path that the host knew: within the file system of an image. */
static struct str file_of(const struct member *m, struct arena *a)
{
    static const struct str fs = STR("!fs/");
    for (size_t i = m->layers.n; i-- > 0;)
        if (str_starts(str_sub(m->layers, i, m->layers.n), fs))
            return str_sub(m->layers, i + fs.n - 1, m->layers.n);
    struct buf b = { 0 };
    buf_put(&b, m->path);
    buf_put(&b, m->layers);
    return buf_to_arena(&b, a);
}

int host_row_read(struct casedb *c, int64_t event, struct arena *a,
                  struct host_row *out, struct err *err)
{
    struct event_ref *refs;
    struct member m;
    size_t n;
    *out = (struct host_row){ 0 };
    struct event *e = &out->e;
    int rc = case_event_whole(c, event, a, e, &refs, &n, err);
    if (rc == 0)
        rc = case_member(c, e->member, a, &m, err);
    if (rc)
        return rc;
    const struct {
        enum host_field field;
        uint32_t id;
    } ids[] = {
        { HOST_USER, e->actor },      { HOST_FROM, e->ip },
        { HOST_ACTION, e->action },   { HOST_TARGET, e->target },
        { HOST_OUTCOME, e->outcome }, { HOST_SOURCE, e->source },
    };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (!ids[i].id)
            continue;
        struct str *cell = &out->cell[ids[i].field];
        *cell = arena_copy(a, case_text(c, ids[i].id));
        if (!cell->p)
            return err_set(err, ERR_INTERNAL, "out of memory");
    }
    out->cell[HOST_TEXT] = e->text.n ? e->text : out->cell[HOST_TARGET];
    out->cell[HOST_FILE] = file_of(&m, a);
    out->cell[HOST_HOST] = host_of(c, refs, n, m.exhibit, a);
    return 0;
}

/* ---- what a view can know ------------------------------------------------ */

struct counting {
    const struct host_source *sources;
    struct host_presence *p;
};

static int count_member(void *ctx, const struct member *m)
{
    struct counting *x = ctx;
    for (size_t i = 0; x->sources[i].importer; i++)
        x->p[i].members +=
            str_eq(m->format, str_from(x->sources[i].importer)) && m->n_read;
    return 0;
}

int host_view_presence(struct casedb *c, const struct host_view *v,
                       struct arena *a, struct host_presence **out, size_t *n,
                       struct err *err)
{
    for (*n = 0; v->sources[*n].importer;)
        (*n)++;
    struct host_presence *p = arena_array(a, *n + 1, sizeof(*p));
    if (!p)
        return err_set(err, ERR_INTERNAL, "out of memory");
    memset(p, 0, (*n + 1) * sizeof(*p));
    int rc = 0;
    for (size_t i = 0; i < *n && rc == 0; i++) {
        struct entity_count e;
        uint32_t id =
            case_find(c, KIND_SOURCE, str_from(v->sources[i].importer));
        if (!id)
            continue;
        rc = case_entity(c, id, &e, err);
        if (rc)
            break;
        p[i].events = e.n;
        p[i].first = e.first;
        p[i].last = e.last;
        p[i].timed = e.first.s || e.last.s;
    }
    *out = p;
    return rc ? rc
              : case_members(c, 0, count_member,
                             &(struct counting){ v->sources, p }, err);
}

static void put_presence(const struct host_source *s,
                         const struct host_presence *p, struct buf *out)
{
    char text[TIME_TEXT_MAX];
    buf_printf(out, "%s (%s): ", s->importer, s->files);
    if (p->members == 0 && p->events == 0) {
        buf_putz(out, "not in the case\n");
        return;
    }
    buf_printf(out, "%llu %s, %llu events", (unsigned long long)p->members,
               p->members == 1 ? "file" : "files",
               (unsigned long long)p->events);
    if (p->timed) {
        size_t n = time_format(text, p->first, 0, 0);
        buf_putz(out, ", ");
        buf_put(out, (struct str){ text, n });
        n = time_format(text, p->last, 0, 0);
        buf_putz(out, " to ");
        buf_put(out, (struct str){ text, n });
    }
    buf_putz(out, ": none of these\n");
}

int host_view_why(struct casedb *c, const struct host_view *v, struct buf *out,
                  struct err *err)
{
    struct arena a = { 0 };
    struct host_presence *p;
    size_t n;
    int rc = host_view_presence(c, v, &a, &p, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        put_presence(&v->sources[i], &p[i], out);
    arena_free(&a);
    return rc;
}
