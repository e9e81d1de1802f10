/*
 * OpenSSH: authorized_keys and known_hosts (sshd(8)), sshd_config(5),
 * ssh_config(5), public and private keys (PROTOCOL.key). A key's fingerprint is
 * the SHA-256 of its blob in base64 without padding, as ssh-keygen -l gives it.
 * Nothing of a private key is kept but its kind and its public half's print.
 */
#include "base/mask.h"
#include "importers/accounts.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/varint.h"

enum { PRINT = 50, BLOB_MAX = 16 << 10 };

/* ---- base64 -------------------------------------------------------------- */

static bool decode(struct str s, struct arena *a, struct str *out)
{
    struct buf b = { 0 };
    bool good = s.n <= 4 * BLOB_MAX && base64_decode(s, BASE64_BREAKS, &b);
    *out = buf_to_arena(&b, a);
    return good && out->p && out->n;
}

static struct str fingerprint(struct str blob, char out[PRINT])
{
    unsigned char hash[SHA256_LEN];
    struct buf b = { 0 };
    if (!hash_sha256(blob, hash))
        return STR("");
    buf_putz(&b, "SHA256:");
    base64_encode(&b, (struct str){ (char *)hash, sizeof hash }, false);
    size_t n = b.failed || b.n > PRINT ? 0 : b.n;
    if (n)
        memcpy(out, b.p, n);
    buf_free(&b);
    return (struct str){ out, n };
}

/* ---- lines with a key ---------------------------------------------------- */

struct key_line {
    struct str before, type, comment; /* before: options, or hosts */
    struct str blob;
};

static bool is_type(struct str w)
{
    static const char *const starts[] = { "ssh-", "ecdsa-sha2-", "sk-ssh-",
                                          "sk-ecdsa-" };
    for (size_t i = 0; i < 4; i++)
        if (str_starts(w, str_from(starts[i])))
            return true;
    return false;
}

/* A word; quotes may hold blanks, as in options. */
static struct str word(struct str *s)
{
    size_t from = 0;
    while (from < s->n && (s->p[from] == ' ' || s->p[from] == '\t'))
        from++;
    size_t to = from;
    bool quoted = false;
    for (; to < s->n; to++) {
        if (s->p[to] == '\\' && quoted)
            to++;
        else if (s->p[to] == '"')
            quoted = !quoted;
        else if (!quoted && (s->p[to] == ' ' || s->p[to] == '\t'))
            break;
    }
    struct str w = str_sub(*s, from, to - from);
    *s = str_sub(*s, from + w.n, s->n);
    return w;
}

/* [OPTIONS] TYPE BASE64 [COMMENT]; the blob tells its type, too. */
static bool parse(struct str s, struct arena *a, struct key_line *k)
{
    struct str rest = str_trim(s), w = word(&rest);
    *k = (struct key_line){ .type = w };
    size_t end = 0;
    while (w.n && !is_type(w)) {
        end = (size_t)(w.p + w.n - str_trim(s).p);
        w = word(&rest);
    }
    k->before = str_sub(str_trim(s), 0, end);
    k->type = w;
    struct str base64 = word(&rest);
    k->comment = str_trim(rest);
    if (w.n == 0 || base64.n == 0 || !decode(base64, a, &k->blob))
        return false;
    struct cursor c = cursor_of(k->blob.p, k->blob.n);
    const unsigned char *n = cursor_take(&c, 4);
    struct str type = n ? cursor_str(&c, u32be(n)) : STR("");
    if (c.failed || !str_eq(type, w))
        return false;
    /* a certificate has numbers, too; all else is strings to the end */
    bool strings = str_find(w, STR("-cert-")) == SIZE_MAX;
    while (strings && !c.failed && cursor_left(&c)) {
        n = cursor_take(&c, 4);
        if (n)
            cursor_str(&c, u32be(n));
    }
    return !c.failed && k->blob.n > w.n + 8;
}

bool accounts_is_key_line(struct str line)
{
    struct str s = str_trim(line), w;
    for (int i = 0; i < 4 && s.n; i++) {
        w = word(&s);
        if (is_type(w)) {
            struct str next = word(&s);
            return str_starts(next, STR("AAAA"));
        }
    }
    return false;
}

static const char *option_oddity(struct str options)
{
    if (str_ifind(options, STR("command=")) != SIZE_MAX)
        return "runs one command";
    if (str_ifind(options, STR("cert-authority")) != SIZE_MAX)
        return "all keys signed by it";
    return str_ifind(options, STR("environment=")) != SIZE_MAX
               ? "sets the environment"
               : NULL;
}

/* True: there was a secret among the options. */
static bool put_parts(struct accounts *a, const struct key_line *k)
{
    buf_clear(&a->text);
    bool secret = mask_secrets(k->before, &a->text);
    if (!secret)
        buf_put(&a->text, k->before);
    buf_putz(&a->text, k->before.n ? " " : "");
    buf_put(&a->text, k->type);
    if (k->comment.n) {
        buf_putc(&a->text, ' ');
        buf_put(&a->text, k->comment);
    }
    return secret;
}

/* known_hosts: names and addresses, parted by commas; [host]:port; |1|.. is
 * hashed. */
static void mention_hosts(struct accounts *a, struct str hosts)
{
    while (hosts.n) {
        const char *comma = memchr(hosts.p, ',', hosts.n);
        size_t n = comma ? (size_t)(comma - hosts.p) : hosts.n;
        struct str h = str_sub(hosts, 0, n), ip;
        hosts = str_sub(hosts, n + 1, hosts.n);
        if (h.n == 0 || h.p[0] == '|' || h.p[0] == '@' || h.p[0] == '!')
            continue;
        const char *close = h.p[0] == '[' ? memchr(h.p, ']', h.n) : NULL;
        if (close)
            h = str_sub(h, 1, (size_t)(close - h.p) - 1);
        char *tmp = arena_alloc(a->job->arena, 46);
        if (tmp && identify_ip(h, tmp, &ip))
            refs_add(&a->refs, KIND_IP, ROLE_MENTIONED, ip);
        else if (!memchr(h.p, '*', h.n))
            refs_add(&a->refs, KIND_HOST, ROLE_MENTIONED, h);
    }
}

static int key_lines(struct accounts *a, const char *action, bool hosts)
{
    int rc;
    while ((rc = lines_next(&a->l, &a->line)) == 0) {
        struct str s = str_trim(a->line.text);
        struct key_line k;
        char print[PRINT];
        if (s.n == 0 || s.p[0] == '#')
            continue;
        arena_reset(a->job->arena);
        bool whole = parse(s, a->job->arena, &k);
        if (!whole && !accounts_is_key_line(s)) {
            rc = sink_reject(a->job->sink, a->line.off, a->line.text.n,
                             "ssh-key", "a line without a key");
        } else {
            struct fact f = { .action = action,
                              .service = "ssh",
                              .actor = a->owner,
                              .target =
                                  whole ? fingerprint(k.blob, print) : STR(""),
                              .target_kind = KIND_FINGERPRINT };
            f.secret = put_parts(a, &k);
            f.why = !whole  ? "the key is not whole, SSH takes it for none"
                    : hosts ? NULL
                            : option_oddity(k.before);
            struct str names = k.before, marker = names;
            if (whole && hosts && names.n && names.p[0] == '@') {
                marker = word(&names);
                f.why = str_eq(marker, STR("@revoked")) ? "not trusted"
                                                        : "all keys signed by "
                                                          "it";
            }
            if (hosts)
                mention_hosts(a, str_trim(names));
            rc = accounts_give(a, &f);
        }
        if (rc)
            return rc;
    }
    return rc;
}

int accounts_authorized(struct accounts *a)
{
    return key_lines(a, "authorized key", false);
}

int accounts_known(struct accounts *a)
{
    return key_lines(a, "known host", true);
}

int accounts_public(struct accounts *a)
{
    return key_lines(a, "host fact", false);
}

/* ---- settings ------------------------------------------------------------ */

static const char *const of_server[] = {
    "PermitRootLogin",
    "PasswordAuthentication",
    "PubkeyAuthentication",
    "AuthorizedKeysFile",
    "AuthorizedKeysCommand",
    "PermitEmptyPasswords",
    "AuthorizedKeysCommandUser",
    "TrustedUserCAKeys",
    "Port",
    "ListenAddress",
    "AllowUsers",
    "AllowGroups",
    "DenyUsers",
    "DenyGroups",
    "ForceCommand",
    "PermitTunnel",
    "GatewayPorts",
    "AllowTcpForwarding",
    "PermitUserEnvironment",
    "AuthenticationMethods",
    "UsePAM",
    "LogLevel",
    "SyslogFacility",
    "ChrootDirectory",
    "Subsystem",
    "Include",
    "Match",
    "AuthorizedPrincipalsCommand",
    "KbdInteractiveAuthentication",
    "ChallengeResponseAuthentication",
    "StrictModes",
    "AcceptEnv",
    "AuthorizedPrincipalsFile",
    "HostKey",
    "ExposeAuthInfo",
    NULL,
};

static const char *const of_client[] = {
    "ProxyCommand",
    "ProxyJump",
    "LocalCommand",
    "PermitLocalCommand",
    "IdentityFile",
    "RemoteCommand",
    "ForwardAgent",
    "StrictHostKeyChecking",
    "UserKnownHostsFile",
    "LocalForward",
    "RemoteForward",
    "DynamicForward",
    "HostName",
    "User",
    "Port",
    "Include",
    "KnownHostsCommand",
    "ControlPath",
    "Match",
    NULL,
};

static const struct {
    const char *key, *value, *why; /* value NULL: any */
} settings[] = {
    { "PermitRootLogin", "yes", "root may log in by password" },
    { "PasswordAuthentication", "yes", "passwords are taken" },
    { "PermitEmptyPasswords", "yes", "empty passwords are taken" },
    { "PermitUserEnvironment", "yes", "users set their environment" },
    { "AuthorizedKeysCommand", NULL, "runs a command" },
    { "AuthorizedPrincipalsCommand", NULL, "runs a command" },
    { "ForceCommand", NULL, "runs a command" },
    { "ProxyCommand", NULL, "runs a command" },
    { "LocalCommand", NULL, "runs a command" },
    { "KnownHostsCommand", NULL, "runs a command" },
    { "StrictHostKeyChecking", "no", "takes any host's key" },
    { "StrictModes", "no", "reads keys that others may write" },
    { "LogLevel", "QUIET", "keeps no log" },
};

static bool is_listed(struct str key, const char *const *list)
{
    for (; *list; list++)
        if (str_ieq(key, str_from(*list)))
            return true;
    return false;
}

/* KEY VALUE, KEY=VALUE */
static struct str key_of(struct str s, struct str *value)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != '=')
        n++;
    size_t v = n;
    while (v < s.n && (s.p[v] == ' ' || s.p[v] == '\t' || s.p[v] == '='))
        v++;
    *value = str_sub(s, v, s.n);
    return str_sub(s, 0, n);
}

static const char *setting_oddity(struct str key, struct str value)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
        if (str_ieq(key, str_from(settings[i].key)) &&
            !str_ieq(value, STR("none")) &&
            (!settings[i].value || str_ieq(value, str_from(settings[i].value))))
            return settings[i].why;
    return NULL;
}

static int one_setting(struct accounts *a, const char *service, struct str s,
                       struct str key, struct str value)
{
    struct fact f = { .action = "host fact",
                      .service = service,
                      .actor = a->owner,
                      .target = key,
                      .target_kind = KIND_RESOURCE,
                      .why = setting_oddity(key, value) };
    buf_clear(&a->text);
    f.secret = mask_secrets(s, &a->text);
    if (!f.secret)
        buf_put(&a->text, s);
    if (a->match.n) {
        buf_putz(&a->text, " (");
        buf_put(&a->text, buf_str(&a->match));
        buf_putc(&a->text, ')');
    }
    if (str_ifind(key, STR("Command")) != SIZE_MAX && value.n && f.why) {
        struct str rest = value;
        f.target = word(&rest);
        if (f.target.n > 1 && f.target.p[0] == '"')
            f.target = str_sub(f.target, 1, f.target.n - 2);
        f.target_kind = KIND_FILE;
    }
    return accounts_give(a, &f);
}

/* Match and Host begin a block; what follows holds for it only. */
static int read_settings(struct accounts *a, const char *service,
                         const char *const *list)
{
    int rc;
    while ((rc = lines_next(&a->l, &a->line)) == 0) {
        struct str s = str_trim(a->line.text), value, key;
        if (s.n == 0 || s.p[0] == '#')
            continue;
        key = key_of(s, &value);
        if (str_ieq(key, STR("Match")) || str_ieq(key, STR("Host"))) {
            buf_clear(&a->match);
            if (!str_ieq(value, STR("all")))
                buf_put(&a->match, s);
        } else if (is_listed(key, list) &&
                   (rc = one_setting(a, service, s, key, value))) {
            return rc;
        }
    }
    return rc;
}

int accounts_sshd(struct accounts *a)
{
    return read_settings(a, "sshd", of_server);
}

int accounts_ssh(struct accounts *a)
{
    return read_settings(a, "ssh", of_client);
}

/* ---- private keys -------------------------------------------------------- */

bool accounts_is_private(struct str head)
{
    struct str s = str_sub(head, 0, 64);
    return str_starts(s, STR("-----BEGIN ")) &&
           str_find(s, STR("PRIVATE KEY-----")) != SIZE_MAX;
}

static struct str length_string(struct cursor *c)
{
    const unsigned char *n = cursor_take(c, 4);
    return n ? cursor_str(c, u32be(n)) : STR("");
}

/* "openssh-key-v1\0", cipher, kdf, options, 1, public blob, private part. */
static bool openssh_key(struct accounts *a, struct str body, struct fact *f,
                        char print[PRINT])
{
    struct str raw;
    if (!decode(body, a->job->arena, &raw) ||
        !str_starts(raw, (struct str){ "openssh-key-v1", 15 }))
        return false;
    struct cursor c = cursor_of(raw.p + 15, raw.n - 15);
    struct str cipher = length_string(&c);
    length_string(&c);
    length_string(&c);
    cursor_take(&c, 4);
    struct str blob = length_string(&c);
    struct cursor b = cursor_of(blob.p ? blob.p : "", blob.n);
    struct str type = length_string(&b);
    if (c.failed || b.failed)
        return false;
    buf_putz(&a->text, ", ");
    buf_put(&a->text, type);
    bool open = str_eq(cipher, STR("none"));
    buf_putz(&a->text, open ? "" : ", encrypted by ");
    buf_put(&a->text, open ? STR("") : cipher);
    f->why = open ? "not encrypted" : NULL;
    f->target = fingerprint(blob, print);
    f->target_kind = KIND_FINGERPRINT;
    return true;
}

int accounts_private(struct accounts *a)
{
    int rc;
    while ((rc = lines_next(&a->l, &a->line)) == 0) {
        struct str s = str_trim(a->line.text);
        char print[PRINT];
        if (!accounts_is_private(s))
            continue;
        struct fact f = { .action = "key found",
                          .service = "ssh",
                          .actor = a->owner,
                          .secret = true,
                          .off = a->line.off };
        struct str kind = str_sub(s, 11, s.n - 16);
        kind = str_sub(kind, 0, str_find(kind, STR("-----")));
        bool encrypted = str_starts(kind, STR("ENCRYPTED")), cut = true;
        buf_clear(&a->match);
        buf_clear(&a->text);
        arena_reset(a->job->arena);
        buf_put(&a->text, kind);
        f.end = a->line.off + a->line.text.n;
        while ((rc = lines_next(&a->l, &a->line)) == 0) {
            s = str_trim(a->line.text);
            f.end = a->line.off + a->line.text.n;
            if (str_starts(s, STR("-----END"))) {
                cut = false;
                break;
            }
            encrypted |= str_find(s, STR("ENCRYPTED")) != SIZE_MAX;
            if (a->match.n < BLOB_MAX)
                buf_put(&a->match, s);
        }
        bool known = str_starts(kind, STR("OPENSSH")) &&
                     openssh_key(a, buf_str(&a->match), &f, print);
        if (!known && encrypted)
            buf_putz(&a->text, ", encrypted");
        else if (!known && !str_starts(kind, STR("OPENSSH")))
            f.why = "not encrypted";
        buf_putz(&a->text, cut ? ", its end is missing" : "");
        if (rc && rc != LINES_END)
            return rc;
        int gave = accounts_give(a, &f);
        if (gave || rc)
            return gave ? gave : rc;
    }
    return rc;
}
