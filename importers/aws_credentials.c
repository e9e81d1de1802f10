/*
 * Credentials in files: of AWS tools (~/.aws, boto, s3cmd, rclone, .env),
 * answers of the metadata service and caches of sessions (JSON), terraform
 * state, docker, git, netrc, kubectl. The key id is the target, not the
 * record's key: that would say that the file signed a call. Secrets are
 * masked; a stated expiry is an event of its own.
 */
#include "base/json.h"
#include "importers/cloudhost.h"
#include "importers/hosttime.h"
#include "importers/lines.h"
#include "base/mask.h"

enum {
    TEXT_MOST = 4000,
    SECTION_MOST = 64 << 10, /* bytes of a section that is kept together */
    JSON_MOST = 32 << 20,
    SCAN_STEP = 1 << 20,
};

enum form { FORM_SECTIONS, FORM_JSON, FORM_LINES, FORM_WHOLE, FORM_BYTES };

static const struct {
    const char *path;
    enum form form;
} files[] = {
    { ".aws/credentials*", FORM_SECTIONS },
    { ".aws/config", FORM_SECTIONS },
    { "ssm/credentials", FORM_SECTIONS },
    { ".aws/cli/cache/*.json", FORM_JSON },
    { ".aws/sso/cache/*.json", FORM_JSON },
    { ".aws/cli/history/*", FORM_BYTES },
    { "etc/boto.cfg", FORM_SECTIONS },
    { ".boto", FORM_SECTIONS },
    { ".s3cfg", FORM_SECTIONS },
    { ".passwd-s3fs", FORM_LINES },
    { "etc/passwd-s3fs", FORM_LINES },
    { "rclone.conf", FORM_SECTIONS },
    { ".env", FORM_SECTIONS },
    { ".env.*", FORM_SECTIONS },
    { "*.env", FORM_SECTIONS },
    { "*.tfstate", FORM_JSON },
    { "*.tfstate.backup", FORM_JSON },
    { ".docker/config.json", FORM_JSON },
    { ".git-credentials", FORM_LINES },
    { ".netrc", FORM_LINES },
    { ".kube/config", FORM_WHOLE },
    { ".config/gh/hosts.yml", FORM_WHOLE },
};

static bool form_of(struct str path, enum form *form)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (path_like(path, files[i].path)) {
            *form = files[i].form;
            return true;
        }
    return false;
}

/* ---- events -------------------------------------------------------------- */

struct reader {
    struct cloudhost h;
    struct buf text; /* of the section or record at hand */
    uint64_t off;    /* and its place */
    uint32_t len;
    uint16_t sub;
    uint64_t done;            /* bytes: before it, keys were told */
    struct time_text expires; /* stated near the key */
    bool has_expiry;
};

/* Key ids of a text, left to right, each once. */
struct keys {
    struct str id[64];
    size_t n;
};

static int take_key(void *ctx, size_t off, unsigned kind, struct str value)
{
    struct keys *k = ctx;
    (void)off;
    if (kind != KIND_KEY || k->n == sizeof(k->id) / sizeof(k->id[0]))
        return 0;
    for (size_t i = 0; i < k->n; i++)
        if (str_eq(k->id[i], value))
            return 0;
    k->id[k->n++] = value;
    return 0;
}

static int give(struct reader *r, struct record *rec)
{
    rec->off = r->off;
    rec->len = r->len;
    rec->sub = r->sub++;
    return cloudhost_record(&r->h, rec);
}

static int expiry(struct reader *r, struct str key)
{
    struct record rec = { .action = STR("key found"),
                          .target = key,
                          .target_kind = KIND_KEY,
                          .t_kind = TIME_END,
                          .flags = EVENT_SECRET,
                          .text = STR("the expiry that the file states") };
    record_time(r->h.job, &r->expires, &rec);
    cloudhost_begin(&r->h);
    return give(r, &rec);
}

/* The text's keys, or the text itself when its secret belongs to none. */
static int found(struct reader *r, struct str text)
{
    struct keys keys = { .n = 0 };
    struct record rec = { .action = STR("key found") };
    int rc = 0;
    identify_text(text, take_key, &keys);
    for (size_t i = 0; i < keys.n && rc == 0; i++) {
        rec.target = keys.id[i];
        rec.target_kind = KIND_KEY;
        rec.text = str_trim(str_sub(text, 0, TEXT_MOST));
        rec.flags = EVENT_SECRET;
        rec.refs = NULL;
        cloudhost_begin(&r->h);
        cloudhost_modified(&r->h, &rec);
        rc = give(r, &rec);
        if (rc == 0 && r->has_expiry)
            rc = expiry(r, keys.id[i]);
    }
    return rc;
}

/* Without a key id: a secret of another kind, else a setting. */
static int other(struct reader *r, struct str text)
{
    struct buf masked = { 0 };
    bool secret = mask_secrets(text, &masked);
    struct record rec = { .action =
                              secret ? STR("key found") : STR("host fact"),
                          .text = str_trim(str_sub(text, 0, TEXT_MOST)) };
    buf_free(&masked);
    if (secret)
        rec.flags = EVENT_SECRET;
    cloudhost_begin(&r->h);
    cloudhost_modified(&r->h, &rec);
    return give(r, &rec);
}

static int either(struct reader *r, struct str text)
{
    struct keys keys = { .n = 0 };
    identify_text(text, take_key, &keys);
    return keys.n ? found(r, text) : other(r, text);
}

/* ---- sections and lines of settings -------------------------------------- */

static int section_end(struct reader *r)
{
    struct str text = buf_str(&r->text);
    struct str rest = str_trim(text);
    /* a header alone says nothing */
    if (rest.n == 0 || (rest.p[0] == '[' && !memchr(rest.p, '\n', rest.n)))
        return 0;
    r->sub = 0;
    return either(r, text);
}

/* A setting of an expiry: s3fs, saml2aws and others write one. */
static void look_for_expiry(struct reader *r, struct str line)
{
    const char *eq = line.n ? memchr(line.p, '=', line.n) : NULL;
    if (!eq)
        return;
    struct str name = str_sub(line, 0, (size_t)(eq - line.p));
    struct str value =
        str_trim(str_sub(line, (size_t)(eq - line.p) + 1, line.n));
    if (str_ifind(name, STR("expir")) != SIZE_MAX &&
        time_parse(value, &r->expires))
        r->has_expiry = true;
}

static int sections(struct reader *r)
{
    struct lines l;
    struct line line;
    int rc;
    lines_open(&l, r->h.job);
    while ((rc = lines_next(&l, &line)) == 0) {
        bool header = line.text.n && line.text.p[0] == '[' && !line.rest;
        if (header || r->text.n > SECTION_MOST) {
            rc = section_end(r);
            buf_clear(&r->text);
            r->has_expiry = false;
        }
        if (rc)
            break;
        if (r->text.n == 0)
            r->off = line.off;
        else
            buf_putc(&r->text, '\n');
        buf_put(&r->text, line.text);
        r->len = (uint32_t)(line.off + line.text.n - r->off);
        look_for_expiry(r, line.text);
    }
    if (rc == LINES_END) {
        rc = r->text.failed ? ERR_INTERNAL : section_end(r);
        rc = rc ? rc : LINES_END;
    }
    return lines_end(&l, rc);
}

/* "machine M login L password P", "https://u:p@host", "KEYID:SECRET". */
static int one_line(struct reader *r, const struct line *line)
{
    struct str s = str_sub(line->text, 0, TEXT_MOST);
    r->off = line->off;
    r->len = (uint32_t)line->text.n;
    r->sub = 0;
    buf_clear(&r->text);
    if (!mask_lines(s, &r->text))
        return either(r, s);
    struct record rec = { .action = STR("key found"),
                          .text = buf_str(&r->text),
                          .flags = EVENT_SECRET };
    cloudhost_begin(&r->h);
    cloudhost_modified(&r->h, &rec);
    return r->text.failed ? ERR_INTERNAL : give(r, &rec);
}

static int lines_of(struct reader *r)
{
    struct lines l;
    struct line line;
    int rc;
    lines_open(&l, r->h.job);
    while ((rc = lines_next(&l, &line)) == 0)
        if (str_trim(line.text).n && (rc = one_line(r, &line)))
            break;
    return lines_end(&l, rc);
}

/* ---- JSON ---------------------------------------------------------------- */

static bool key_is(const struct json *j, const char *name)
{
    return j->key.p && json_text_is(j->key, j->key_flags, str_from(name));
}

/* What a document says besides its secrets. */
struct told {
    struct keys keys;
    struct str role, started, account, url;
    bool secret;
};

/* Values in the order of the document; an expiry is that of the last. */
static void tell(struct reader *r, const struct json *j, struct told *t)
{
    static const char *const expiries[] = { "Expiration", "expiresAt",
                                            "expiration" };
    struct str v;
    if (!json_decode(j->text, r->h.job->arena, &v))
        return;
    if (identify_key(v))
        take_key(&t->keys, 0, KIND_KEY, v);
    for (size_t i = 0; i < sizeof(expiries) / sizeof(expiries[0]); i++)
        if (key_is(j, expiries[i]) && time_parse(v, &r->expires))
            r->has_expiry = true;
    if (key_is(j, "Arn") || key_is(j, "RoleArn"))
        t->role = v;
    else if (key_is(j, "accountId") || key_is(j, "AccountId"))
        t->account = v;
    else if (key_is(j, "startUrl"))
        t->url = v;
    else if (key_is(j, "auth") || key_is(j, "identitytoken"))
        t->secret |= v.n > 0;
    else if (j->key.p && mask_name(j->key))
        t->secret |= v.n > 0;
}

static void put_told(struct reader *r, const struct told *t)
{
    const struct {
        const char *name;
        struct str value;
    } all[] = { { "arn ", t->role },
                { "account ", t->account },
                { "sign-in at ", t->url } };
    buf_clear(&r->text);
    buf_putz(&r->text, t->keys.n ? "credentials" : "a secret");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].value.n) {
            buf_putz(&r->text, ", ");
            buf_putz(&r->text, all[i].name);
            buf_put(&r->text, all[i].value);
        }
    if (t->secret || t->keys.n)
        buf_putz(&r->text, "; secrets masked");
}

static int told_key(struct reader *r, const struct told *t, struct str key)
{
    struct record rec = { .action = STR("key found"),
                          .target = key,
                          .target_kind = key.n ? KIND_KEY : KIND_NONE,
                          .flags = EVENT_SECRET,
                          .text = buf_str(&r->text) };
    cloudhost_begin(&r->h);
    cloudhost_modified(&r->h, &rec);
    refs_add(&r->h.refs, KIND_URL, ROLE_MENTIONED, t->url);
    if (identify_account(t->account))
        rec.account = t->account;
    int rc = give(r, &rec);
    return rc == 0 && r->has_expiry ? expiry(r, key) : rc;
}

/* {"auths":{"REGISTRY":{"auth":"base64 of user:password"}}} */
static int registries(struct reader *r, struct str json)
{
    struct str auths, one;
    unsigned flags;
    struct json j;
    enum json_type t;
    int rc = 0;
    if (json_get(json, STR("auths"), &auths, &flags) != JSON_OBJECT)
        return 0;
    json_open(&j, auths);
    json_next(&j);
    while (rc == 0 && (t = json_next(&j)) == JSON_KEY) {
        struct record rec = { .action = STR("key found"),
                              .target_kind = KIND_URL,
                              .flags = EVENT_SECRET,
                              .text = STR("login of docker at a registry; "
                                          "secrets masked") };
        if (!json_decode(j.text, r->h.job->arena, &rec.target))
            return ERR_INTERNAL;
        if (json_take(&j, &one, &flags) <= JSON_END)
            return 0;
        if (one.n <= 2) { /* {}: in a credential store */
            rec.flags = 0;
            rec.text = STR("login of docker at a registry; the secret is in "
                           "a credential store");
        }
        cloudhost_begin(&r->h);
        cloudhost_modified(&r->h, &rec);
        rc = give(r, &rec);
    }
    return rc;
}

static int document(struct reader *r, struct str json)
{
    struct told t = { .secret = false };
    struct json j;
    enum json_type type;
    size_t at;
    const char *why;
    int rc;
    r->off = 0;
    r->len = (uint32_t)json.n;
    if (!r->h.job->in->eof || !json_valid(json, &at, &why))
        return sink_reject(r->h.job->sink, 0, json.n,
                           r->h.job->in->eof && at < json.n ? "json-syntax"
                                                            : "json-cut",
                           "not one whole JSON value");
    json_open(&j, json);
    while ((type = json_member(&j)) > JSON_END)
        if (type == JSON_STRING)
            tell(r, &j, &t);
    if (str_find(json, STR("\"auths\"")) != SIZE_MAX)
        return registries(r, json);
    put_told(r, &t);
    rc = r->text.failed ? ERR_INTERNAL : 0;
    /* the arena is reset with each record: values are kept by copies */
    struct buf ids = { 0 };
    for (size_t i = 0; i < t.keys.n; i++)
        buf_put(&ids, t.keys.id[i]);
    struct str account = t.account;
    char twelve[12];
    if (identify_account(account)) {
        memcpy(twelve, account.p, 12);
        t.account = (struct str){ twelve, 12 };
    } else {
        t.account = STR_NONE;
    }
    t.url = STR_NONE; /* stands in the text */
    for (size_t i = 0; i < t.keys.n && rc == 0; i++)
        rc = told_key(r, &t, str_sub(buf_str(&ids), i * 20, 20));
    if (rc == 0 && t.keys.n == 0 && t.secret)
        rc = told_key(r, &t, STR_NONE);
    buf_free(&ids);
    return ids.failed ? ERR_INTERNAL : rc;
}

/* ---- bytes --------------------------------------------------------------- */

static int key_at(void *ctx, size_t off, unsigned kind, struct str value)
{
    struct reader *r = ctx;
    struct record rec = { .action = STR("key found"),
                          .target = value,
                          .target_kind = KIND_KEY,
                          .text = STR("the key id stands in a database that "
                                      "is not read further") };
    if (kind != KIND_KEY)
        return 0;
    r->off = r->h.job->in->base + off;
    r->len = (uint32_t)value.n;
    r->sub = 0;
    if (r->off + r->len <= r->done)
        return 0;
    cloudhost_begin(&r->h);
    cloudhost_modified(&r->h, &rec);
    return give(r, &rec);
}

/* Windows of a database: what crosses from one to the next is in both. */
static int bytes(struct reader *r)
{
    struct input *in = r->h.job->in;
    enum { OVERLAP = 64 };
    for (;;) {
        if (!in->eof && in->n < SCAN_STEP) {
            if (input_more(in, 0))
                return ERR_INTERNAL;
            continue;
        }
        bool last = in->eof;
        size_t n = last ? in->n : in->n - OVERLAP;
        int rc = identify_text((struct str){ in->p, n }, key_at, r);
        if (rc || last)
            return rc;
        r->done = in->base + n;
        if (input_more(in, n > OVERLAP ? n - OVERLAP : 0))
            return ERR_INTERNAL;
    }
}

/* ---- descriptor ---------------------------------------------------------- */

static int whole(struct reader *r, struct str all)
{
    r->len = (uint32_t)all.n;
    return str_trim(all).n ? either(r, all) : 0;
}

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { .sub = 0 };
    enum form form = FORM_JSON;
    struct str all = STR_NONE;
    int rc = 0;
    form_of(job->name, &form);
    if ((form == FORM_JSON || form == FORM_WHOLE) &&
        !cloudhost_whole(job, JSON_MOST, &all))
        return err_set(err, ERR_INTERNAL, "out of memory");
    cloudhost_open(&r.h, job, STR_NONE);
    switch (form) {
    case FORM_SECTIONS:
        rc = sections(&r);
        break;
    case FORM_LINES:
        rc = lines_of(&r);
        break;
    case FORM_JSON:
        rc = document(&r, all);
        break;
    case FORM_WHOLE:
        rc = whole(&r, all);
        break;
    case FORM_BYTES:
        rc = bytes(&r);
        break;
    }
    cloudhost_close(&r.h);
    buf_free(&r.text);
    return rc ? err_set(err, rc, "stopped") : 0;
}

/* Settings of any program are called .env: is there a key or a secret? */
static bool may_hold(struct str head)
{
    static const char *const words[] = { "AKIA",   "ASIA",     "secret",
                                         "token",  "password", "_key",
                                         "apikey", "passwd",   NULL };
    for (size_t i = 0; words[i]; i++)
        if (str_ifind(head, str_from(words[i])) != SIZE_MAX)
            return true;
    return false;
}

static int probe(struct probe *p)
{
    enum form form;
    struct str head = str_trim(window_text(p->head));
    if (head.n == 0)
        return 0;
    if (form_of(p->path, &form)) {
        p->reason = "where tools keep credentials";
        if (form == FORM_JSON)
            return head.p[0] == '{' ? 85 : 0;
        if (form == FORM_BYTES)
            return 85;
        if (memchr(head.p, 0, head.n))
            return 0; /* no text */
        return path_like(p->path, "*env*") && !may_hold(head) ? 60 : 85;
    }
    p->reason = "an answer of the metadata service with credentials";
    return head.p[0] == '{' && window_has(head, "\"AccessKeyId\"") &&
                   window_has(head, "\"SecretAccessKey\"") &&
                   !window_has(head, "\"eventVersion\"")
               ? 80
               : 0;
}

static const char *const paths[] = {
    ".aws/credentials*",
    ".aws/config",
    "ssm/credentials",
    ".aws/cli/cache/*.json",
    ".aws/sso/cache/*.json",
    ".aws/cli/history/*",
    "etc/boto.cfg",
    ".boto",
    ".s3cfg",
    ".passwd-s3fs",
    "etc/passwd-s3fs",
    "rclone.conf",
    ".env",
    ".env.*",
    "*.env",
    "*.tfstate",
    "*.tfstate.backup",
    ".docker/config.json",
    ".git-credentials",
    ".netrc",
    ".kube/config",
    ".config/gh/hosts.yml",
    NULL,
};

const struct importer importers_aws_credentials = {
    .name = "aws-credentials",
    .title = "Credentials in files",
    .reads = "~/.aws, boto, s3cmd, rclone, .env, metadata answers, tfstate, "
             "docker, git, kubectl",
    .paths = paths,
    .probe = probe,
    .import = import,
};
