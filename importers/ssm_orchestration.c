/*
 * What Systems Manager leaves of each command and session on the instance
 * (/var/lib/amazon/ssm/INSTANCE): the script as it was run, which CloudTrail
 * hides, its output, the state of the document, the recording of a session.
 * Layout: agent/appconfig and agent/contracts/document.go of the agent.
 */
#include "base/hash.h"
#include "base/json.h"
#include "importers/cloudhost.h"
#include "importers/lines.h"
#include "importers/hosttime.h"

enum {
    TEXT_MOST = 4000,      /* bytes of a script that an event shows */
    WHOLE_MOST = 16 << 20, /* of a script or state document */
};

enum what { WHAT_SCRIPT, WHAT_STATE, WHAT_OUTPUT, WHAT_SESSION, WHAT_IDENTITY };

static const char *const script_paths[] = {
    "orchestration/**/_script.sh",
    "(?i)orchestration/**/_script.ps1",
    NULL,
};
static const char *const state_paths[] = {
    "document/state/*/*",
    NULL,
};
static const char *const session_paths[] = {
    "session/orchestration/*/**/*.log",
    "session/orchestration/*/*.log",
    NULL,
};
static const char *const output_paths[] = {
    "orchestration/*/**/stdout",
    "orchestration/*/**/stderr",
    "orchestration/*/**/*.log",
    NULL,
};
static const char *const identity_paths[] = {
    "ssm/runtimeconfig/identity_config.json",
    NULL,
};

static bool what_is(struct str path, enum what *what)
{
    static const struct {
        const char *const *paths;
        enum what what;
    } all[] = { { script_paths, WHAT_SCRIPT },
                { state_paths, WHAT_STATE },
                { session_paths, WHAT_SESSION },
                { output_paths, WHAT_OUTPUT },
                { identity_paths, WHAT_IDENTITY } };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (path_like_any(path, all[i].paths)) {
            *what = all[i].what;
            return true;
        }
    return false;
}

/* ---- scripts ------------------------------------------------------------- */

static void about_command(struct cloudhost *h, struct record *r)
{
    r->action = h->session ? STR("ssm session") : STR("ssm command");
    r->target = h->command;
    r->target_kind = KIND_COMMAND;
}

static int script(struct cloudhost *h, struct str all)
{
    unsigned char digest[SHA256_LEN];
    struct buf hex = { 0 };
    struct record r = { .len = (uint32_t)all.n,
                        .actor = STR("root"),
                        .actor_kind = KIND_HOST_USER };
    cloudhost_begin(h);
    about_command(h, &r);
    cloudhost_modified(h, &r);
    r.text = str_trim(str_sub(all, 0, TEXT_MOST));
    if (h->job->in->eof && hash_sha256(all, digest)) {
        buf_put_hex(&hex, digest, sizeof(digest));
        refs_add(&h->refs, KIND_HASH, ROLE_TARGET, buf_str(&hex));
    }
    int rc = cloudhost_record(h, &r);
    buf_free(&hex);
    return rc;
}

/* ---- state documents ----------------------------------------------------- */

static struct str value_of(struct cloudhost *h, struct str json,
                           const char *path)
{
    struct str v;
    unsigned flags;
    if (json_path(json, str_from(path), &v, &flags) != JSON_STRING ||
        !json_decode(v, h->job->arena, &v))
        return STR_NONE;
    return v;
}

static bool is_command_list(const struct json *j)
{
    return j->key.p && (json_text_is(j->key, j->key_flags, STR("runCommand")) ||
                        json_text_is(j->key, j->key_flags, STR("commands")));
}

static void put_line(struct cloudhost *h, const struct json *j, struct buf *out)
{
    struct str line;
    if (out->n < TEXT_MOST && json_decode(j->text, h->job->arena, &line)) {
        buf_putc(out, '\n');
        buf_put(out, str_sub(line, 0, TEXT_MOST));
    }
}

/* The commands of all plugins, one a line. */
static void put_commands(struct cloudhost *h, struct str json, struct buf *out)
{
    struct json j;
    enum json_type t;
    unsigned list = 0; /* depth of the list that we are in */
    json_open(&j, json);
    while ((t = json_member(&j)) > JSON_END) {
        if (t == JSON_ARRAY && !list && is_command_list(&j))
            list = j.depth;
        else if (t == JSON_ARRAY_END && list && j.depth < list)
            list = 0;
        else if (t == JSON_STRING && (list || is_command_list(&j)))
            put_line(h, &j, out);
    }
}

static void add_places(struct cloudhost *h, struct str json)
{
    struct str instance = value_of(h, json, "DocumentInformation.InstanceID");
    struct str bucket = value_of(h, json, "IOConfig.OutputS3BucketName");
    struct str group =
        value_of(h, json, "IOConfig.CloudWatchConfig.LogGroupName");
    if (cloudhost_is_instance(instance) && instance.p[0] == 'i')
        refs_add(&h->refs, KIND_INSTANCE, ROLE_WHERE, instance);
    refs_add(&h->refs, KIND_BUCKET, ROLE_MENTIONED, bucket);
    refs_add(&h->refs, KIND_LOG_GROUP, ROLE_MENTIONED, group);
}

static int state_of(struct cloudhost *h, struct str json, struct buf *text)
{
    struct record r = { .len = (uint32_t)json.n };
    struct time_text t;
    struct str id = value_of(h, json, "DocumentInformation.CommandID");
    struct str status = value_of(h, json, "DocumentInformation.DocumentStatus");
    struct str who = value_of(h, json, "DocumentInformation.RunAsUser");
    struct str owner = value_of(h, json, "DocumentInformation.SessionOwner");
    struct str doc = value_of(h, json, "DocumentInformation.DocumentID");
    cloudhost_begin(h);
    about_command(h, &r);
    h->session |= cloudhost_is_session(doc);
    if (h->session)
        r.action = STR("ssm session");
    r.target = id.n ? id : doc.n ? doc : h->command;
    if (time_parse(value_of(h, json, "DocumentInformation.CreatedDate"), &t))
        record_time(h->job, &t, &r);
    r.actor = who.n ? who : STR("root");
    r.actor_kind = KIND_HOST_USER;
    if (!str_eq(status, STR("Success")))
        r.outcome = str_eq(status, STR("Failed")) ? STR("failed") : status;
    identify_add(&h->refs, ROLE_MENTIONED, owner);
    add_places(h, json);
    buf_put(text, value_of(h, json, "DocumentInformation.DocumentName"));
    put_commands(h, json, text);
    r.text = buf_str(text);
    return text->failed ? ERR_INTERNAL : cloudhost_record(h, &r);
}

static int state(struct cloudhost *h, struct str json)
{
    struct buf text = { 0 };
    size_t at;
    const char *why;
    if (str_trim(json).n == 0)
        return 0;
    if (!h->job->in->eof)
        return sink_reject(h->job->sink, 0, json.n, "ssm-state",
                           "larger than a state document can be");
    if (!json_valid(json, &at, &why))
        return sink_reject(h->job->sink, 0, json.n,
                           at >= json.n ? "json-cut" : "json-syntax",
                           "%s at byte %zu", why, at);
    int rc = state_of(h, json, &text);
    buf_free(&text);
    return rc;
}

static int identity(struct cloudhost *h, struct str json)
{
    struct record r = { .len = (uint32_t)json.n,
                        .action = STR("host fact"),
                        .target_kind = KIND_INSTANCE };
    size_t at;
    const char *why;
    if (!h->job->in->eof || !json_valid(json, &at, &why))
        return sink_reject(h->job->sink, 0, json.n, "json-syntax",
                           "the identity of the agent is not JSON");
    r.target = value_of(h, json, "InstanceId");
    if (r.target.n == 0)
        r.target = value_of(h, json, "instanceId");
    if (r.target.n && r.target.p[0] == 'm')
        r.target_kind = KIND_RESOURCE;
    r.text = STR("instance id of the Systems Manager agent");
    cloudhost_begin(h);
    cloudhost_modified(h, &r);
    return cloudhost_record(h, &r);
}

/* ---- outputs, recordings ------------------------------------------------- */

static int output(struct cloudhost *h, bool session)
{
    struct lines l;
    struct line line;
    int rc;
    lines_open(&l, h->job);
    while ((rc = lines_next(&l, &line)) == 0) {
        struct record r = { .off = line.off,
                            .len = (uint32_t)line.text.n,
                            .text = str_sub(line.text, 0, TEXT_MOST) };
        if (str_trim(line.text).n == 0)
            continue;
        cloudhost_begin(h);
        about_command(h, &r);
        r.action = session ? STR("ssm session") : STR("log line");
        if ((rc = cloudhost_record(h, &r)))
            break;
    }
    return lines_end(&l, rc);
}

/* ---- descriptor ---------------------------------------------------------- */

static int import(struct import_job *job, struct err *err)
{
    struct cloudhost h;
    enum what what = WHAT_OUTPUT;
    int rc = 0;
    what_is(job->name, &what);
    struct str all = STR_NONE;
    cloudhost_open(&h, job, STR("amazon-ssm-agent"));
    if (what != WHAT_OUTPUT && what != WHAT_SESSION &&
        !cloudhost_whole(job, WHOLE_MOST, &all))
        return err_set(err, ERR_INTERNAL, "out of memory");
    switch (what) {
    case WHAT_SCRIPT:
        rc = script(&h, all);
        break;
    case WHAT_STATE:
        rc = state(&h, all);
        break;
    case WHAT_IDENTITY:
        rc = identity(&h, all);
        break;
    case WHAT_OUTPUT:
    case WHAT_SESSION:
        rc = output(&h, what == WHAT_SESSION);
        break;
    }
    cloudhost_close(&h);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static int probe(struct probe *p)
{
    enum what what;
    if (p->head.n == 0 || !what_is(p->path, &what))
        return 0;
    p->reason = "where the Systems Manager agent keeps what it ran";
    if (what == WHAT_STATE || what == WHAT_IDENTITY) {
        struct str head = str_trim(p->head);
        return head.n && head.p[0] == '{' ? 85 : 0;
    }
    return str_find(p->path, STR("/ssm/")) != SIZE_MAX ||
                   str_find(p->path, STR("/SSM/")) != SIZE_MAX
               ? 85
               : 70;
}

static const char *const paths[] = {
    "(?i)ssm/*/document/orchestration/**/_script.sh",
    "(?i)ssm/*/document/orchestration/**/_script.ps1",
    "(?i)ssm/*/document/orchestration/**/stdout",
    "(?i)ssm/*/document/orchestration/**/stderr",
    "(?i)ssm/*/document/orchestration/**/*.log",
    "(?i)ssm/*/session/orchestration/**/*.log",
    "(?i)ssm/*/document/state/*/*",
    "(?i)ssm/runtimeconfig/identity_config.json",
    NULL,
};

const struct importer importers_ssm_orchestration = {
    .name = "ssm-orchestration",
    .title = "Systems Manager commands on the instance",
    .reads = "scripts, outputs and states of commands, recordings of sessions",
    .paths = paths,
    .probe = probe,
    .import = import,
};
