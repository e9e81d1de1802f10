/*
 * The table of messages, checked against the sources of the programs: OpenSSH
 * 10 (auth.c auth_log, packet.c sshpkt_vfatal, session.c), sudo 1.9
 * (lib/eventlog/eventlog.c new_logline), Linux-PAM (pam_unix), shadow and
 * util-linux (su, login, useradd ..), cronie and vixie cron, systemd, chrony.
 *
 * Whoever knocks at sshd chooses the user name, the name of the method, the
 * comment of a certificate and the farewell; whoever may use sudo chooses the
 * directory and the arguments. Rows are made so that such text cannot pass
 * for what the program says: see importers/form.h. Where a line can be read
 * in two ways (certificates in failed logins, two USER= of sudo) the columns
 * stay empty, and the text says what was written.
 */
#include "importers/meaning.h"

#include "importers/form.h"
#include "importers/identify.h"

/* Fields of forms: u actor, t user acted on, o group or other thing acted on,
 * i address it came from, h address or name it came from, x text, g unit,
 * k "TYPE FINGERPRINT ..", f fingerprint, a address of this host, m method of
 * sshd, s service of PAM, p principal, q request id; n w e ignored. */
struct row {
    const char *form;
    const char *action; /* NULL: "log line" */
    const char *outcome;
};

static const struct row sshd[] = {
    { "Accepted %m for %u from %i port %n ssh2", "login", NULL },
    { "Accepted %m for %u from %i port %n ssh2: %K", "login", NULL },
    { "Accepted %m for %U from %i port %n ssh2", "login", NULL },
    { "Accepted %m for %X", "login", NULL },
    { "Failed %m for invalid user %U from %i port %n ssh2", "login failed",
      "invalid user" },
    { "Failed %m for %u from %i port %n ssh2", "login failed", "failed" },
    { "Failed %W from %i port %n ssh2", "login failed", "failed" },
    /* the rest may be a certificate's, which anyone can make */
    { "Failed %m for invalid user %u from %i port %n ssh2: %K", "login failed",
      "invalid user" },
    { "Failed %m for %u from %i port %n ssh2: %K", "login failed", "failed" },
    { "Failed %m for %X", "login failed", "failed" },
    { "Postponed %m for invalid user %U from %i port %n ssh2", NULL, NULL },
    { "Postponed %m for %u from %i port %n ssh2", NULL, NULL },
    { "Partial %m for %u from %i port %n ssh2", NULL, NULL },
    { "Invalid user %U from %i port %n", "login failed", "invalid user" },
    { "Invalid user %U from %i", "login failed", "invalid user" },
    { "Illegal user %U from %i", "login failed", "invalid user" },
    { "maximum authentication attempts exceeded for invalid user %U from %i "
      "port %n ssh2",
      "login failed", "invalid user" },
    { "maximum authentication attempts exceeded for %u from %i port %n ssh2",
      "login failed", "too many attempts" },
    { "User %u from %h not allowed because %X", "login failed", "denied" },
    { "User %u not allowed because %X", "login failed", "denied" },
    { "ROOT LOGIN REFUSED FROM %i port %n", "login failed", "denied" },
    { "Access denied for user %u by PAM account configuration", "login failed",
      "denied" },
    { "Authentication refused: %X", NULL, "denied" },
    { "Starting session: shell on %w for %u from %i port %n id %n",
      "session opened", NULL },
    { "Starting session: %W for %u from %i port %n id %n", "session opened",
      NULL },
    { "Close session: user %u from %i port %n id %n", "session closed", NULL },
    { "Connection from %i port %n on %w port %n", NULL, NULL },
    { "Connection from %i port %n on %w port %n rdomain \"%e\"", NULL, NULL },
    { "Connection from %i port %n", NULL, NULL },
    { "Connection closed by invalid user %U %i port %n", NULL, NULL },
    { "Connection closed by authenticating user %U %i port %n", NULL, NULL },
    { "Connection closed by user %U %i port %n", NULL, NULL },
    { "Connection closed by %i port %n", NULL, NULL },
    { "Connection closed by %i", NULL, NULL },
    { "Connection reset by invalid user %U %i port %n", NULL, NULL },
    { "Connection reset by authenticating user %U %i port %n", NULL, NULL },
    { "Connection reset by user %U %i port %n", NULL, NULL },
    { "Connection reset by %i port %n", NULL, NULL },
    { "Connection reset by %i", NULL, NULL },
    { "Disconnected from invalid user %U %i port %n", NULL, NULL },
    { "Disconnected from authenticating user %U %i port %n", NULL, NULL },
    { "Disconnected from user %U %i port %n", "logout", NULL },
    { "Disconnected from %i port %n", NULL, NULL },
    { "Disconnected from %i", NULL, NULL },
    { "Received disconnect from %i port %n:%X", NULL, NULL },
    { "Received disconnect from %i: %X", NULL, NULL },
    { "Did not receive identification string from %i port %n", NULL, NULL },
    { "Did not receive identification string from %i", NULL, NULL },
    { "Bad protocol version identification '%W' from %i port %n", NULL, NULL },
    { "Bad protocol version identification '%W' from %i", NULL, NULL },
    { "Unable to negotiate with %i port %n: %X", NULL, NULL },
    { "banner exchange: Connection from %i port %n: %X", NULL, NULL },
    { "kex_exchange_identification: %X", NULL, NULL },
    { "PAM: Authentication failure for illegal user %U from %h", "login failed",
      "invalid user" },
    { "PAM: User not known to the underlying authentication module for illegal "
      "user %U from %h",
      "login failed", "invalid user" },
    { "PAM: Authentication failure for %u from %h", "login failed", "failed" },
    { "Accepted key %w %f found at %X", NULL, NULL },
    { "Accepted certificate ID %X", NULL, NULL },
    { "AuthorizedKeysCommand %w %u %f failed, status %n", NULL, NULL },
    { 0 },
};

static const struct row instance_connect[] = {
    { "Querying EC2 Instance Connect keys for matching fingerprint: %f", NULL,
      NULL },
    { "Providing ssh key from EC2 Instance Connect with fingerprint: %f, "
      "request-id: %q, for IAM principal: %p",
      NULL, NULL },
    { "Providing ssh key from EC2 Instance Connect with fingerprint: %f, "
      "request-id: %q",
      NULL, NULL },
    { "Providing ssh key from EC2 Instance Connect with fingerprint: %f", NULL,
      NULL },
    { 0 },
};

/* after "pam_unix(SERVICE:TYPE): " */
static const struct row pam[] = {
    { "session opened for user %t(uid=%n) by %b(uid=%n)", "session opened",
      NULL },
    { "session opened for user %t by %b(uid=%n)", "session opened", NULL },
    { "session closed for user %t", "session closed", NULL },
    { "authentication failure; logname=%e uid=%n euid=%n tty=%e ruser=%b "
      "rhost=%r  user=%T",
      "login failed", "failed" },
    { "authentication failure; logname=%e uid=%n euid=%n tty=%e ruser=%b "
      "rhost=%r user=%T",
      "login failed", "failed" },
    { "authentication failure; logname=%e uid=%n euid=%n tty=%e ruser=%b "
      "rhost=%r ",
      "login failed", "failed" },
    { "authentication failure; logname=%e uid=%n euid=%n tty=%e ruser=%b "
      "rhost=%r",
      "login failed", "failed" },
    { "%n more authentication failures; logname=%e uid=%n euid=%n tty=%e "
      "ruser=%b rhost=%r  user=%T",
      "login failed", "failed" },
    { "%n more authentication failure; logname=%e uid=%n euid=%n tty=%e "
      "ruser=%b rhost=%r  user=%T",
      "login failed", "failed" },
    { "password changed for %t", "account changed", NULL },
    { 0 },
};

static const struct row su[] = {
    { "FAILED SU (to %T) %u on %e", "su", "failed" },
    { "(to %t) %u on %e", "su", NULL },
    { "Successful su for %t by %u", "su", NULL },
    { "FAILED su for %T by %u", "su", "failed" },
    { "+ %w %u:%t", "su", NULL },
    { "- %w %u:%T", "su", "failed" },
    { 0 },
};

static const struct row login[] = {
    { "LOGIN ON %w BY %u", "login", NULL },
    { "LOGIN ON %w BY %u FROM %h", "login", NULL },
    { "ROOT LOGIN ON %w", "login", NULL },
    { "ROOT LOGIN ON %w FROM %h", "login", NULL },
    { "ROOT LOGIN  on '%w'", "login", NULL },
    { "ROOT LOGIN  on '%w' from '%h'", "login", NULL },
    { "FAILED LOGIN (%n) on '%w' FOR '%U', %X", "login failed", "failed" },
    { "FAILED LOGIN (%n) on '%w' FOR '%U', Authentication failure",
      "login failed", "failed" },
    { "FAILED LOGIN (%n) on '%w' FOR '%U', User not known to the underlying "
      "authentication module",
      "login failed", "invalid user" },
    { "FAILED LOGIN %n FROM %h FOR %U, Authentication failure", "login failed",
      "failed" },
    { "FAILED LOGIN %W", "login failed", "failed" },
    { 0 },
};

static const struct row cron[] = {
    { "(%u) CMD (%X)", "command", NULL },
    { "(%u) REPLACE (%t)", "cron entry", NULL },
    { "(%u) DELETE (%t)", "cron entry", NULL },
    { 0 },
};

static const struct row accounts[] = {
    { "new user: name=%t, UID=%n, GID=%n, home=%X", "account changed", NULL },
    { "new group: name=%o, GID=%n", "account changed", NULL },
    { "group added to %w: name=%o, GID=%n", "account changed", NULL },
    { "group added to %w: name=%o", "account changed", NULL },
    { "add '%t' to group '%w'", "account changed", NULL },
    { "add '%t' to shadow group '%w'", "account changed", NULL },
    { "delete '%t' from group '%w'", "account changed", NULL },
    { "delete '%t' from shadow group '%w'", "account changed", NULL },
    { "delete user '%t'", "account changed", NULL },
    { "removed group '%o' owned by '%w'", "account changed", NULL },
    { "removed shadow group '%o' owned by '%w'", "account changed", NULL },
    { "group '%o' removed", "account changed", NULL },
    { "change user '%t' %X", "account changed", NULL },
    { "lock user '%t' password", "account changed", NULL },
    { "unlock user '%t' password", "account changed", NULL },
    { "changed password expiry for %t", "account changed", NULL },
    { "changed user '%t' information", "account changed", NULL },
    { "changed user '%t' shell to '%w'", "account changed", NULL },
    { "password for '%t' changed by '%u'", "account changed", NULL },
    { "user %t added by %u to group %w", "account changed", NULL },
    { "user %t removed by %u from group %w", "account changed", NULL },
    { "members of group %o set by %u to %X", "account changed", NULL },
    { "failed adding user '%t', %X", "account changed", "failed" },
    { 0 },
};

static const struct row systemd[] = {
    { "Started target %X", NULL, NULL },
    { "Stopped target %X", NULL, NULL },
    { "Started Session %w of %w %u.", NULL, NULL },
    { "Started %g - Session %w of %w %u.", NULL, NULL },
    { "Started %g - %X", "service started", NULL },
    { "Stopped %g - %X", "service stopped", NULL },
    { "Started %X", "service started", NULL },
    { "Stopped %X", "service stopped", NULL },
    { "Failed to start %g - %X", "service failed", "failed" },
    { "Failed to start %X", "service failed", "failed" },
    { "%g: Failed with result '%w'.", "service failed", "failed" },
    { "%g: Succeeded.", "service stopped", NULL },
    { "%g: Deactivated successfully.", "service stopped", NULL },
    { "Shutting down.", "shutdown", NULL },
    { "System time before build time, advancing clock.", "clock step", NULL },
    { "Time has been changed", "clock step", NULL },
    { "%g: %X", NULL, NULL },
    { "Starting %g - %X", NULL, NULL },
    { "Stopping %g - %X", NULL, NULL },
    { "Finished %g - %X", NULL, NULL },
    { 0 },
};

static const struct row logind[] = {
    { "New session %w of user %u.", "session opened", NULL },
    { "New session '%w' of user '%u' with class '%w' and type '%w'.",
      "session opened", NULL },
    { "Session %w logged out. Waiting for processes to exit.", "session closed",
      NULL },
    { "Session '%w' logged out. Waiting for processes to exit.",
      "session closed", NULL },
    { "System is powering down%X", "shutdown", NULL },
    { "System is rebooting%X", "shutdown", NULL },
    { "System is halting%X", "shutdown", NULL },
    { "The system will power off now!", "shutdown", NULL },
    { "The system will reboot now!", "shutdown", NULL },
    { 0 },
};

static const struct row kernel[] = {
    { "Linux version %X", "boot", NULL },
    { "reboot: %X", "shutdown", NULL },
    { 0 },
};

static const struct row clocks[] = {
    { "System clock was stepped by %w seconds", "clock step", NULL },
    { "System clock was stepped by %w seconds %X", "clock step", NULL },
    { "System's initial clock set from RTC %X", "clock step", NULL },
    { "Forward time jump detected!", "clock step", NULL },
    { "Backward time jump detected!", "clock step", NULL },
    { "time reset %w s", "clock step", NULL },
    { "time reset (%X", "clock step", NULL },
    { "time set %w s", "clock step", NULL },
    { "step time server %w offset %w sec", "clock step", NULL },
    { "0.0.0.0 %w %w clock_step %w s", "clock step", NULL },
    { "System clock time unset or jumped backwards, %X", "clock step", NULL },
    { 0 },
};

static const struct row network[] = {
    { "bound to %a -- renewal in %n seconds.", "host fact", NULL },
    { "DHCPACK of %a from %w", "host fact", NULL },
    { "<info>  [%w] dhcp4 (%w): state changed new lease, address=%a",
      "host fact", NULL },
    { "<info>  [%w] dhcp4 (%w): state changed new lease, address=%a, %X",
      "host fact", NULL },
    { "<info>  [%w] dhcp4 (%w):   address %a", "host fact", NULL },
    { "%w: DHCPv4 address %a/%n via %w", "host fact", NULL },
    { "%w: DHCPv4 address %a/%n, gateway %w acquired from %w", "host fact",
      NULL },
    { "%w: DHCPv4 address %a/%n acquired from %w", "host fact", NULL },
    { 0 },
};

static const struct program {
    const char *name; /* in small letters */
    const struct row *rows;
} programs[] = {
    { "sshd", sshd },
    { "sshd-session", sshd },
    { "sshd-auth", sshd },
    { "ec2-instance-connect", instance_connect },
    { "su", su },
    { "su-l", su },
    { "runuser", su },
    { "login", login },
    { "cron", cron },
    { "crond", cron },
    { "crontab", cron },
    { "anacron", cron },
    { "fcron", cron },
    { "useradd", accounts },
    { "usermod", accounts },
    { "userdel", accounts },
    { "groupadd", accounts },
    { "groupmod", accounts },
    { "groupdel", accounts },
    { "gpasswd", accounts },
    { "passwd", accounts },
    { "chpasswd", accounts },
    { "chage", accounts },
    { "chsh", accounts },
    { "chfn", accounts },
    { "adduser", accounts },
    { "newusers", accounts },
    { "systemd", systemd },
    { "init", systemd },
    { "systemd-logind", logind },
    { "kernel", kernel },
    { "chronyd", clocks },
    { "ntpd", clocks },
    { "ntpdate", clocks },
    { "systemd-timesyncd", clocks },
    { "sntp", clocks },
    { "dhclient", network },
    { "dhcpcd", network },
    { "networkmanager", network },
    { "systemd-networkd", network },
};

/* ---- from fields to columns ---------------------------------------------- */

static void refer(struct meaning *m, unsigned kind, unsigned role, struct str v)
{
    if (v.n && m->n_refs < MEANING_REFS)
        m->refs[m->n_refs++] = (struct record_ref){ .kind = (uint8_t)kind,
                                                    .role = (uint8_t)role,
                                                    .value = v };
}

/* Canonical address; false: none. */
static bool address(struct str v, struct arena *arena, struct str *out)
{
    char tmp[46];
    const char *scope = v.n ? memchr(v.p, '%', v.n) : NULL;
    if (scope)
        v.n = (size_t)(scope - v.p);
    if (!identify_ip(v, tmp, out))
        return false;
    if (out->p >= tmp && out->p < tmp + sizeof tmp)
        *out = arena_copy(arena, *out);
    return out->n && out->p;
}

static void came_from(struct meaning *m, struct str v, struct arena *arena)
{
    if (address(v, arena, &m->ip))
        return;
    m->ip = STR("");
    if (v.n && memchr(v.p, '.', v.n))
        refer(m, KIND_DOMAIN, ROLE_FROM, v);
}

/* SHA256:base64, or the older aa:bb:.. which is MD5. */
static void fingerprint(struct meaning *m, struct str v, unsigned role,
                        struct arena *arena)
{
    struct buf b = { 0 };
    if (v.n && v.p[v.n - 1] == ',')
        v.n--;
    if (str_starts(v, STR("SHA256:")) && v.n > 40) {
        refer(m, KIND_FINGERPRINT, role, v);
        return;
    }
    if (str_starts(v, STR("MD5:")))
        v = str_sub(v, 4, v.n);
    if (v.n != 47)
        return;
    for (size_t i = 0; i < v.n; i++)
        if (i % 3 == 2 ? v.p[i] != ':' : str_hex(v.p[i]) < 0)
            return;
    buf_putz(&b, "MD5:");
    buf_put(&b, v);
    refer(m, KIND_FINGERPRINT, role, buf_to_arena(&b, arena));
}

static struct str word(struct str *s)
{
    const char *blank = s->n ? memchr(s->p, ' ', s->n) : NULL;
    struct str w = str_sub(*s, 0, blank ? (size_t)(blank - s->p) : s->n);
    *s = str_sub(*s, w.n + 1, s->n);
    return w;
}

/* The method's name is the client's; these are the ones there are. */
static bool is_method(struct str m)
{
    static const char *const known[] = {
        "password",  "publickey",       "none",         "keyboard-interactive",
        "hostbased", "gssapi-with-mic", "gssapi-keyex", "challenge-response",
    };
    const char *slash = m.n ? memchr(m.p, '/', m.n) : NULL;
    if (slash)
        m.n = (size_t)(slash - m.p);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(m, str_from(known[i])))
            return true;
    return false;
}

static bool is_unit(struct str s)
{
    static const char *const endings[] = { ".service",   ".socket", ".timer",
                                           ".target",    ".mount",  ".scope",
                                           ".slice",     ".path",   ".swap",
                                           ".automount", ".device" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (s.n > strlen(endings[i]) && str_ends(s, str_from(endings[i])))
            return true;
    return false;
}

static bool fits(const struct row *row, struct str message, struct form *f)
{
    if (!form_fits(row->form, message, f))
        return false;
    /* a certificate's text that looks like sshd's own: which is which? */
    if (row->outcome && str_find(form_get(f, 'k'), STR(" ssh2")) != SIZE_MAX)
        return false;
    for (unsigned i = 0; i < f->n; i++)
        if ((f->v[i].letter == 'm' && !is_method(f->v[i].value)) ||
            (f->v[i].letter == 'g' && !is_unit(f->v[i].value)))
            return false;
    return true;
}

static void act_on(struct meaning *m, unsigned kind, struct str v)
{
    m->target = v;
    m->target_kind = (uint8_t)kind;
}

static void act_by(struct meaning *m, unsigned kind, struct str v)
{
    m->actor = v;
    m->actor_kind = (uint8_t)kind;
}

static void one_field(struct meaning *m, char letter, struct str v,
                      struct arena *arena)
{
    struct str a;
    switch (letter) {
    case 'u':
        act_by(m, KIND_HOST_USER, v);
        break;
    case 't':
        act_on(m, KIND_HOST_USER, v);
        break;
    case 'o':
        act_on(m, KIND_RESOURCE, v);
        break;
    case 'g':
        act_on(m, KIND_UNIT, v);
        break;
    case 'i':
    case 'h':
    case 'r':
        came_from(m, v, arena);
        break;
    case 'f':
        fingerprint(m, v, ROLE_MENTIONED, arena);
        break;
    case 'k':
        word(&v); /* type of the key */
        fingerprint(m, word(&v),
                    str_eq(m->action, STR("login")) ? ROLE_ACTOR
                                                    : ROLE_MENTIONED,
                    arena);
        break;
    case 'p':
        act_by(m, KIND_PRINCIPAL, v);
        break;
    case 'q':
        refer(m, KIND_REQUEST, ROLE_MENTIONED, v);
        break;
    case 'a':
        if (address(v, arena, &a))
            act_on(m, KIND_IP, a);
        break;
    default:
        break;
    }
}

static bool by_rows(const struct row *row, struct str message,
                    struct arena *arena, struct meaning *m)
{
    struct form f;
    while (row->form && !fits(row, message, &f))
        row++;
    if (!row->form)
        return false;
    if (row->action)
        m->action = str_from(row->action);
    m->outcome = str_from(row->outcome);
    for (unsigned i = 0; i < f.n; i++)
        one_field(m, f.v[i].letter, f.v[i].value, arena);
    if (str_eq(m->action, STR("command")))
        m->text = str_trim(form_get(&f, 'x'));
    return true;
}

/* ---- programs with a way of their own ------------------------------------ */

/* pam_unix(sshd:session): .. */
static bool by_pam(struct str message, struct arena *arena, struct meaning *m)
{
    struct form f;
    if (!form_fits("pam_%w(%s:%w): %X", message, &f) ||
        !by_rows(pam, form_get(&f, 'x'), arena, m))
        return false;
    struct str service = form_get(&f, 's'), user = m->target;
    struct str rest = form_get(&f, 'x');
    bool failed = str_eq(m->action, STR("login failed"));
    struct str by = STR("");
    const char *forms[] = {
        "session opened for user %w(uid=%n) by %b(uid=%n)",
        "session opened for user %w by %b(uid=%n)",
    };
    for (size_t i = 0; i < 2 && by.n == 0; i++)
        if (form_fits(forms[i], rest, &f))
            by = form_get(&f, 'b');
    size_t at = failed ? str_find(rest, STR(" ruser=")) : SIZE_MAX;
    if (at != SIZE_MAX) {
        rest = str_sub(rest, at + 7, rest.n);
        by = word(&rest);
    }
    if (failed && (str_starts(service, STR("su")) /* su, su-l, sudo, sudo-i */))
        m->action = str_starts(service, STR("sudo")) ? STR("sudo") : STR("su");
    if (str_eq(m->action, STR("account changed")))
        return true;
    act_by(m, KIND_HOST_USER, by.n ? by : user);
    if (by.n == 0 || str_eq(by, user))
        m->target = STR("");
    return true;
}

static size_t times(struct str s, struct str needle, size_t *first)
{
    size_t n = 0, at, from = 0;
    while (n < 2 &&
           (at = str_find(str_sub(s, from, s.n), needle)) != SIZE_MAX) {
        if (n++ == 0)
            *first = from + at;
        from += at + needle.n;
    }
    return n;
}

/* alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ;
 * COMMAND=/bin/sh. The directory stands before USER, the command after it,
 * and both may hold any text. */
static bool by_sudo(struct str message, struct meaning *m)
{
    static const char *const marks[] = { "HOST=",   "TTY=", "PWD=",
                                         "CHROOT=", "CWD=", "USER=" };
    size_t colon = str_find(message, STR(" : ")), at = 0;
    if (colon == SIZE_MAX || colon == 0)
        return false;
    struct str user = str_trim(str_sub(message, 0, colon));
    struct str rest = str_sub(message, colon + 3, message.n);
    if (user.n == 0 || str_find(user, STR(" ")) != SIZE_MAX)
        return false;
    act_by(m, KIND_HOST_USER, user);
    if (str_starts(rest, STR("(command continued)")))
        return true;
    m->action = STR("sudo");
    bool plain = false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        plain |= str_starts(rest, str_from(marks[i]));
    if (!plain)
        m->outcome = str_find(rest, STR("incorrect password")) < 4 ||
                             str_find(rest, STR("a password is required")) == 0
                         ? STR("failed")
                         : STR("denied");
    if (times(rest, STR(" ; COMMAND="), &at) != 1)
        return true;
    struct str command = str_sub(rest, at + 11, rest.n);
    if (times(rest, STR("USER="), &at) != 1)
        return true;
    m->text = command;
    struct str target = str_sub(rest, at + 5, rest.n);
    act_on(m, KIND_HOST_USER, word(&target));
    return true;
}

/* Before authentication sshd's child says so at the end; errors begin with
 * the word. */
static struct str sshd_message(struct str s)
{
    if (str_starts(s, STR("error: ")) || str_starts(s, STR("fatal: ")))
        s = str_sub(s, 7, s.n);
    if (str_ends(s, STR(" [preauth]")))
        s.n -= 10;
    return s;
}

/* "[    0.000000] Linux version .." */
static struct str kernel_message(struct str s)
{
    const char *end = s.n && s.p[0] == '[' ? memchr(s.p, ']', s.n) : NULL;
    size_t n = end ? (size_t)(end - s.p) + 1 : 0;
    return n && n < 24 && n < s.n && s.p[n] == ' ' ? str_sub(s, n + 1, s.n) : s;
}

static const struct row *rows_of(struct str program)
{
    char first = program.n ? (char)(program.p[0] | 0x20) : 0;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (programs[i].name[0] == first &&
            str_ieq(program, str_from(programs[i].name)))
            return programs[i].rows;
    return NULL;
}

void meaning_of(struct str program, struct str message, struct arena *arena,
                struct meaning *out)
{
    out->action = STR("log line");
    out->actor = out->target = out->outcome = out->ip = out->text = STR("");
    out->actor_kind = out->target_kind = out->n_refs = 0;
    for (size_t i = program.n; i > 0; i--)
        if (program.p[i - 1] == '/') {
            program = str_sub(program, i, program.n);
            break;
        }
    if (str_starts(message, STR("pam_")) && by_pam(message, arena, out))
        return;
    if (str_eq(program, STR("sudo"))) {
        by_sudo(message, out);
        return;
    }
    const struct row *rows = rows_of(program);
    if (!rows)
        return;
    message = rows == sshd     ? sshd_message(message)
              : rows == kernel ? kernel_message(message)
                               : message;
    if (by_rows(rows, message, arena, out) && rows == login &&
        out->actor.n == 0 && str_starts(message, STR("ROOT LOGIN")))
        act_by(out, KIND_HOST_USER, STR("root"));
}

void meaning_into(const struct meaning *m, struct record *r)
{
    r->action = m->action;
    r->actor = m->actor;
    r->actor_kind = m->actor_kind;
    r->target = m->target;
    r->target_kind = m->target_kind;
    r->outcome = m->outcome;
    r->ip = m->ip;
    if (m->text.n)
        r->text = m->text;
    r->refs = m->refs;
    r->n_refs = m->n_refs;
}
