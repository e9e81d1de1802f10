/*
 * Who may do what on a host: passwd(5), shadow(5), group(5), gshadow(5),
 * sudoers(5), and the files of OpenSSH (importers/accounts_ssh.c). States, not
 * events: undated, but for the day on which shadow says that a password was
 * changed. Crypted passwords are never shown. docs/formats/accounts.md
 */
#include "importers/accounts.h"

#include "base/mask.h"
#include "importers/homes.h"

enum { FIELDS = 9, DAY = 86400, JOINED = 1 << 20 };

int accounts_give(struct accounts *a, const struct fact *f)
{
    if (f->why) {
        buf_putz(&a->text, a->text.n ? " [" : "[");
        buf_putz(&a->text, f->why);
        buf_putc(&a->text, ']');
    }
    uint64_t off = f->end ? f->off : a->line.off;
    uint64_t end = f->end ? f->end : a->line.off + a->line.text.n;
    struct record r = {
        .timed = f->timed,
        .t = { .s = f->time },
        .t_zone = ZONE_FORMAT,
        .off = off,
        .len = end - off > UINT32_MAX ? UINT32_MAX : (uint32_t)(end - off),
        .action = str_from(f->action),
        .actor = f->actor,
        .actor_kind = KIND_HOST_USER,
        .target = f->target,
        .target_kind = f->target_kind,
        .service = str_from(f->service ? f->service : ""),
        .text = buf_str(&a->text),
        .flags = (f->timed ? EVENT_PERIOD : 0) |
                 (f->secret ? EVENT_SECRET : 0) |
                 (f->joined ? EVENT_CONTINUED : 0) |
                 (a->refs.cut ? EVENT_REFS_CUT : 0),
        .refs = a->refs.v,
        .n_refs = a->refs.n,
    };
    int rc = a->text.failed ? ERR_INTERNAL : sink_record(a->job->sink, &r);
    a->refs.n = 0;
    a->refs.cut = false;
    return rc;
}

static int reject(struct accounts *a, const char *code, const char *why)
{
    return sink_reject(a->job->sink, a->line.off, a->line.text.n, code, "%s",
                       why);
}

static bool has(struct str s, const char *text)
{
    return str_find(s, str_from(text)) != SIZE_MAX;
}

/* ---- lines of fields ----------------------------------------------------- */

static size_t fields_of(struct str s, struct str f[FIELDS])
{
    size_t n = 0;
    for (;;) {
        const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
        size_t len = colon ? (size_t)(colon - s.p) : s.n;
        if (n == FIELDS)
            return FIELDS + 1;
        f[n++] = str_sub(s, 0, len);
        if (!colon)
            return n;
        s = str_sub(s, len + 1, s.n);
    }
}

/* What a second field says: how it is crypted, or that there is none. */
static const char *password_of(struct str v, bool *secret)
{
    static const struct {
        const char *id, *method;
    } methods[] = {
        { "$1$", "MD5" },
        { "$2", "bcrypt" },
        { "$5$", "SHA-256" },
        { "$6$", "SHA-512" },
        { "$7$", "scrypt" },
        { "$y$", "yescrypt" },
        { "$gy$", "gost-yescrypt" },
        { "_", "BSDi DES" },
    };
    struct str hash = v;
    while (hash.n && hash.p[0] == '!')
        hash = str_sub(hash, 1, hash.n);
    if (v.n == 0)
        return "no password: anyone may log in";
    if (str_eq(v, STR("x")))
        return "password in shadow";
    if (hash.n == 0 || hash.p[0] == '*')
        return v.p[0] == '!' ? "locked" : "no login by password";
    *secret = hash.n >= 13;
    if (!*secret)
        return "no login by password";
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (str_starts(hash, str_from(methods[i].id)))
            return methods[i].method;
    return hash.n == 13 ? "DES" : "an unknown method";
}

static void put(struct accounts *a, const char *name, struct str v)
{
    if (v.n == 0)
        return;
    buf_putz(&a->text, a->text.n ? ", " : "");
    buf_putz(&a->text, name);
    buf_putz(&a->text, name[0] ? " " : "");
    buf_put(&a->text, v);
}

static void put_password(struct accounts *a, struct str v, struct fact *f)
{
    const char *how = password_of(v, &f->secret);
    put(a, f->secret ? "password crypted by" : "", str_from(how));
    if (f->secret && v.p[0] == '!')
        put(a, "", STR("locked"));
}

static int passwd_line(struct accounts *a, struct str f[FIELDS], size_t n)
{
    uint64_t uid, gid;
    if (n != 7 || f[0].n == 0 || !str_u64(f[2], &uid) || !str_u64(f[3], &gid))
        return reject(a, "passwd-syntax",
                      "a line that has not the seven fields of passwd");
    struct fact fact = { .action = "account",
                         .target = f[0],
                         .target_kind = KIND_HOST_USER };
    put(a, "uid", f[2]);
    put(a, "gid", f[3]);
    put(a, "name", f[4]);
    put(a, "home", f[5]);
    put(a, "shell", f[6]);
    put_password(a, f[1], &fact);
    refs_add(&a->refs, KIND_FILE, ROLE_MENTIONED, f[6]);
    if (uid == 0 && !str_eq(f[0], STR("root")))
        fact.why = "has the rights of root";
    else if (fact.secret)
        fact.why = "password where all may read it";
    return accounts_give(a, &fact);
}

/* A day, counted from 1970-01-01, as a date. */
static void put_day(struct accounts *a, const char *name, struct str v)
{
    char text[TIME_TEXT_MAX];
    uint64_t days;
    if (!str_u64(v, &days) || days > 2932896)
        return;
    size_t n =
        time_format(text, (struct instant){ (int64_t)days * DAY, 0 }, 0, 0);
    put(a, name, str_sub((struct str){ text, n }, 0, 10));
}

static int shadow_line(struct accounts *a, struct str f[FIELDS], size_t n)
{
    uint64_t day;
    if (n != 9 || f[0].n == 0)
        return reject(a, "shadow-syntax",
                      "a line that has not the nine fields of shadow");
    struct fact fact = { .action = "account",
                         .service = "shadow",
                         .target = f[0],
                         .target_kind = KIND_HOST_USER };
    bool known = str_u64(f[2], &day) && day <= 2932896;
    fact.timed = known && day != 0;
    fact.time = fact.timed ? (int64_t)day * DAY : 0;
    put_password(a, f[1], &fact);
    put_day(a, "changed on", fact.timed ? f[2] : STR(""));
    if (known && day == 0)
        put(a, "", STR("to be changed at the next login"));
    put(a, "minimum days", f[3]);
    put(a, "maximum days", f[4]);
    put(a, "inactive days", f[6]);
    put_day(a, "expires on", f[7]);
    if (f[1].n == 0)
        fact.why = "empty password";
    return accounts_give(a, &fact);
}

static void put_members(struct accounts *a, struct str list)
{
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        refs_add(&a->refs, KIND_HOST_USER, ROLE_MENTIONED, str_sub(list, 0, n));
        list = str_sub(list, n + 1, list.n);
    }
}

static int group_line(struct accounts *a, struct str f[FIELDS], size_t n)
{
    uint64_t gid;
    bool group = !has(path_base(a->job->name), "gshadow");
    if (n != 4 || f[0].n == 0 || (group && !str_u64(f[2], &gid)))
        return reject(a, "group-syntax",
                      "a line that has not the four fields of group");
    struct fact fact = { .action = "group",
                         .service = group ? NULL : "gshadow",
                         .target = f[0],
                         .target_kind = KIND_RESOURCE };
    put(a, group ? "gid" : "administrators", f[2]);
    put(a, "members", f[3]);
    bool none = f[1].n == 0 || str_eq(f[1], STR("x")) ||
                str_eq(f[1], STR("!")) || str_eq(f[1], STR("*"));
    if (!none)
        put_password(a, f[1], &fact);
    if (!group)
        put_members(a, f[2]);
    put_members(a, f[3]);
    return accounts_give(a, &fact);
}

static int each_line(struct accounts *a,
                     int (*one)(struct accounts *, struct str *, size_t))
{
    struct str f[FIELDS];
    int rc;
    while ((rc = lines_next(&a->l, &a->line)) == 0) {
        struct str s = a->line.text;
        if (str_trim(s).n == 0 || s.p[0] == '#')
            continue;
        buf_clear(&a->text);
        if (s.p[0] == '+' || s.p[0] == '-') { /* NIS */
            struct fact f1 = { .action = "account",
                               .target = (fields_of(s, f), f[0]),
                               .target_kind = KIND_HOST_USER,
                               .why = "accounts from another source" };
            rc = accounts_give(a, &f1);
        } else {
            rc = one(a, f, fields_of(s, f));
        }
        if (rc)
            return rc;
    }
    return rc;
}

static int passwd(struct accounts *a)
{
    return each_line(a, passwd_line);
}

static int shadow(struct accounts *a)
{
    return each_line(a, shadow_line);
}

static int group(struct accounts *a)
{
    return each_line(a, group_line);
}

/* ---- sudoers ------------------------------------------------------------- */

static const char *sudo_oddity(struct str s)
{
    if (has(s, "!authenticate"))
        return "asks for no password";
    if (has(s, "NOPASSWD"))
        return has(s, "ALL=") && str_ends(s, STR("ALL"))
                   ? "all commands without a password"
                   : "without a password";
    if (has(s, "!syslog") || has(s, "!logfile") || has(s, "!log_"))
        return "keeps no log";
    return has(s, "env_keep") && has(s, "LD_") ? "keeps LD_ variables" : NULL;
}

/* A rule's user or alias, its first word. */
static struct str first_word(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t')
        n++;
    return str_sub(s, 0, n);
}

static bool is_sudo_comment(struct str s)
{
    if (s.p[0] != '#')
        return false;
    return !str_starts(s, STR("#include")) &&
           !(s.n > 1 && s.p[1] >= '0' && s.p[1] <= '9'); /* #UID */
}

/* Joins what ends in a backslash into a->text. */
static int sudo_line(struct accounts *a, struct fact *f)
{
    struct str s = str_trim(a->line.text);
    int rc = 0;
    f->off = a->line.off;
    buf_clear(&a->text);
    for (;;) {
        bool on = str_ends(s, STR("\\")) && a->text.n < JOINED;
        buf_put(&a->text, str_sub(s, 0, s.n - on));
        f->end = a->line.off + a->line.text.n;
        if (!on || (rc = lines_next(&a->l, &a->line)))
            return rc == LINES_END ? 0 : rc;
        f->joined = true;
        buf_putc(&a->text, ' ');
        s = str_trim(a->line.text);
    }
}

static int sudoers(struct accounts *a)
{
    int rc;
    while ((rc = lines_next(&a->l, &a->line)) == 0) {
        struct str s = str_trim(a->line.text);
        struct fact f = { .action = "sudo rule", .service = "sudo" };
        if (s.n == 0 || is_sudo_comment(s))
            continue;
        if ((rc = sudo_line(a, &f)))
            return rc;
        s = str_trim(buf_str(&a->text));
        struct str who = first_word(s);
        bool defaults =
            str_starts(s, STR("Defaults")) || has(who, "_Alias") ||
            (who.n && (who.p[0] == '@' || str_starts(s, STR("#inc"))));
        f.why = sudo_oddity(s);
        arena_reset(a->job->arena);
        if (!defaults && who.n) {
            f.target = arena_copy(a->job->arena, who);
            f.target_kind = who.p[0] == '%' || who.p[0] == '+' ? KIND_RESOURCE
                                                               : KIND_HOST_USER;
        }
        if ((rc = accounts_give(a, &f)))
            return rc;
    }
    return rc;
}

/* ---- which --------------------------------------------------------------- */

static const struct {
    const char *pattern;
    int (*read)(struct accounts *a);
} files[] = {
    { "etc/passwd", passwd },
    { "etc/passwd-", passwd },
    { "etc/shadow", shadow },
    { "etc/shadow-", shadow },
    { "etc/group", group },
    { "etc/group-", group },
    { "etc/gshadow", group },
    { "etc/gshadow-", group },
    { "etc/sudoers", sudoers },
    { "etc/sudoers.d/*", sudoers },
    { "authorized_keys", accounts_authorized },
    { "authorized_keys2", accounts_authorized },
    { "known_hosts", accounts_known },
    { "known_hosts.old", accounts_known },
    { "etc/ssh/ssh_known_hosts", accounts_known },
    { "sshd_config", accounts_sshd },
    { "sshd_config.d/*.conf", accounts_sshd },
    { "etc/ssh/ssh_config", accounts_ssh },
    { "ssh_config.d/*.conf", accounts_ssh },
    { ".ssh/config", accounts_ssh },
    { "etc/ssh/*.pub", accounts_public },
    { ".ssh/*.pub", accounts_public },
    { "etc/ssh/*_key", accounts_private },
    { ".ssh/*", accounts_private },
};

enum { FILES = sizeof(files) / sizeof(*files) };

static size_t file_of(struct str path)
{
    for (size_t i = 0; i < FILES; i++)
        if (path_like(path, files[i].pattern))
            return i;
    return FILES;
}

/* A loose copy: passwd, passwd.bak, shadow-1 .. and lines of the fields. */
static int (*loose_of(struct str path, struct str head))(struct accounts *)
{
    static const struct {
        const char *name;
        int (*read)(struct accounts *a);
        size_t fields;
    } names[] = { { "passwd", passwd, 7 },
                  { "gshadow", group, 4 },
                  { "shadow", shadow, 9 },
                  { "group", group, 4 } };
    struct str f[FIELDS], base = path_base(path);
    const char *lf = head.n ? memchr(head.p, '\n', head.n) : NULL;
    struct str first = str_sub(head, 0, lf ? (size_t)(lf - head.p) : head.n);
    if (accounts_is_private(head))
        return accounts_private;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_find(base, str_from(names[i].name)) != SIZE_MAX)
            return fields_of(first, f) == names[i].fields && f[0].n &&
                           str_find(first, STR(" ")) > f[0].n
                       ? names[i].read
                       : NULL;
    if (str_find(base, STR("authorized_keys")) != SIZE_MAX &&
        accounts_is_key_line(first))
        return accounts_authorized;
    return str_find(base, STR("known_hosts")) != SIZE_MAX &&
                   accounts_is_key_line(first)
               ? accounts_known
               : NULL;
}

static int import(struct import_job *job, struct err *err)
{
    struct accounts a = { .job = job, .owner = home_owner(job->name) };
    if (window_fill(job->in, 4096))
        return err_set(err, ERR_INTERNAL, "out of memory");
    struct str head = str_sub((struct str){ job->in->p, job->in->n }, 0, 4096);
    size_t i = file_of(job->name);
    int (*read)(struct accounts *) =
        i < FILES ? files[i].read : loose_of(job->name, head);
    lines_open(&a.l, job);
    int rc = lines_end(&a.l, (read ? read : passwd)(&a));
    buf_free(&a.text);
    buf_free(&a.match);
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static int probe(struct probe *p)
{
    struct str head = window_text(p->head);
    size_t i = file_of(p->path), n = head.n < 4096 ? head.n : 4096;
    if (p->size == 0 || (n && memchr(head.p, 0, n)))
        return 0;
    p->reason = "a file of this place says who may do what";
    if (i < FILES && files[i].read == accounts_private)
        return accounts_is_private(head) ? 86 : 0;
    if (i < FILES)
        return 84;
    p->reason = "its name, and lines that are such a file's";
    return loose_of(p->path, head) ? 80 : 0;
}

static const char *const paths[] = {
    "etc/passwd",
    "etc/passwd-",
    "etc/shadow",
    "etc/shadow-",
    "etc/group",
    "etc/group-",
    "etc/gshadow",
    "etc/gshadow-",
    "etc/sudoers",
    "etc/sudoers.d/*",
    "authorized_keys",
    "authorized_keys2",
    "etc/ssh/*",
    "sshd_config.d/*.conf",
    "ssh_config.d/*.conf",
    ".ssh/*",
    NULL,
};

const struct importer importers_accounts = {
    .name = "accounts",
    .title = "Accounts and access",
    .reads = "passwd, shadow, group, sudoers, authorized_keys, known_hosts, "
             "configuration and keys of SSH",
    .paths = paths,
    .probe = probe,
    .import = import,
};
