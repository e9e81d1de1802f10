/*
 * What a container is, as docker and podman note it: config.v2.json and
 * hostconfig.json (docker), containers.json (podman's store), config.json of a
 * runtime bundle (OCI runtime specification, config.md). Environment is given
 * with its secrets masked.
 */
#include "importers/container.h"

#include "base/json.h"
#include "importers/cloudhost.h"
#include "importers/hosttime.h"
#include "importers/window.h"

enum {
    JSON_MOST = 16 << 20,
    ITEMS = 200,         /* of one list, named in the text */
    TEXT_MOST = 48 << 10 /* of one record */
};

struct reader {
    struct cloudhost h;
    struct container_path of;
    struct str all, id;
    uint16_t sub;
    struct buf text;
};

/* ---- values -------------------------------------------------------------- */

static struct str string(struct reader *r, struct str json, const char *path)
{
    unsigned flags;
    struct str v, out;
    if (json_path(json, str_from(path), &v, &flags) != JSON_STRING ||
        !json_decode(v, r->h.job->arena, &out))
        return STR_NONE;
    return out;
}

static struct str raw(struct str json, const char *path, enum json_type want)
{
    unsigned flags;
    struct str v;
    return json_path(json, str_from(path), &v, &flags) == want ? v : STR_NONE;
}

static bool is_true(struct str json, const char *path)
{
    unsigned flags;
    struct str v;
    return json_path(json, str_from(path), &v, &flags) == JSON_TRUE;
}

static void part(struct reader *r, const char *label)
{
    if (r->text.n)
        buf_putz(&r->text, "; ");
    buf_putz(&r->text, label);
}

static void put(struct reader *r, const char *label, struct str v)
{
    if (v.n == 0 || r->text.n > TEXT_MOST)
        return;
    part(r, label);
    buf_put(&r->text, str_sub(v, 0, 4096));
}

/* The strings of a list, one after the other. */
static void put_list(struct reader *r, const char *label, struct str json,
                     const char *path)
{
    struct json j;
    enum json_type t;
    struct str list = raw(json, path, JSON_ARRAY), v;
    unsigned n = 0;
    json_open(&j, list);
    while (list.n && (t = json_next(&j)) > JSON_END && r->text.n < TEXT_MOST &&
           n < ITEMS)
        if (t == JSON_STRING && json_decode(j.text, r->h.job->arena, &v)) {
            if (n++ == 0)
                part(r, label);
            else
                buf_putc(&r->text, ' ');
            buf_put(&r->text, str_sub(v, 0, 4096));
        }
}

/* The members of an object whose values are objects, or whose values are
 * lists of them: each is called with its key. */
static void each(struct str object,
                 void (*fn)(struct reader *, struct str, struct str),
                 struct reader *r)
{
    struct json j;
    enum json_type t;
    json_open(&j, object);
    if (object.n == 0 || (t = json_next(&j)) != JSON_OBJECT)
        return;
    for (unsigned n = 0; n < ITEMS && json_next(&j) == JSON_KEY; n++) {
        struct str key = j.text, v;
        unsigned flags;
        t = json_take(&j, &v, &flags);
        if (t == JSON_ERROR || t == JSON_END)
            return;
        fn(r, key, v);
    }
}

/* ---- records ------------------------------------------------------------- */

static int give(struct reader *r, struct str time, bool modified)
{
    struct time_text t;
    struct record rec = { .len = (uint32_t)r->all.n,
                          .sub = r->sub++,
                          .action = STR("container"),
                          .target = r->id,
                          .target_kind = KIND_CONTAINER,
                          .text = buf_str(&r->text) };
    if (time.n && !str_starts(time, STR("0001-")) && time_parse(time, &t))
        record_time(r->h.job, &t, &rec);
    else if (modified)
        cloudhost_modified(&r->h, &rec);
    int rc = r->text.failed ? ERR_INTERNAL : cloudhost_record(&r->h, &rec);
    buf_clear(&r->text);
    return rc;
}

static void begin(struct reader *r, const char *words)
{
    cloudhost_begin(&r->h);
    buf_clear(&r->text);
    buf_putz(&r->text, words);
}

static void add_hash(struct reader *r, struct str image)
{
    if (str_starts(image, STR("sha256:")) &&
        container_is_id(str_sub(image, 7, image.n)))
        refs_add(&r->h.refs, KIND_HASH, ROLE_MENTIONED,
                 str_sub(image, 7, image.n));
}

/* ---- docker: config.v2.json ---------------------------------------------- */

static void mount_point(struct reader *r, struct str key, struct str v)
{
    struct str source = string(r, v, "Source"),
               to = string(r, v, "Destination");
    (void)key;
    if (source.n == 0 && to.n == 0)
        return;
    put(r, "mount ", source.n ? source : string(r, v, "Name"));
    put(r, is_true(v, "RW") ? "at " : "read-only at ", to);
    if (source.n)
        refs_add(&r->h.refs, KIND_FILE, ROLE_MENTIONED, source);
}

static void docker_network(struct reader *r, struct str key, struct str v)
{
    put(r, "network ", key);
    struct str ip = string(r, v, "IPAddress");
    put(r, "address ", ip);
}

static int docker_states(struct reader *r)
{
    struct str started = string(r, r->all, "State.StartedAt");
    struct str finished = string(r, r->all, "State.FinishedAt");
    int rc = 0;
    if (started.n && !str_starts(started, STR("0001-"))) {
        begin(r, is_true(r->all, "State.Running") ? "started, still running"
                                                  : "started");
        rc = give(r, started, false);
        finished = string(r, r->all, "State.FinishedAt"); /* arena was reset */
    }
    if (rc || finished.n == 0 || str_starts(finished, STR("0001-")))
        return rc;
    begin(r, "finished");
    put(r, "exit ", raw(r->all, "State.ExitCode", JSON_NUMBER));
    put(r, "", string(r, r->all, "State.Error"));
    if (is_true(r->all, "State.OOMKilled"))
        part(r, "out of memory");
    return give(r, string(r, r->all, "State.FinishedAt"), false);
}

static int docker_config(struct reader *r)
{
    struct str name = string(r, r->all, "Name"), id = string(r, r->all, "ID");
    struct str all = r->all;
    if (id.n)
        r->id = str_sub(raw(all, "ID", JSON_STRING), 0, 200);
    begin(r, "created");
    put(r, "name ",
        str_starts(name, STR("/")) ? str_sub(name, 1, name.n) : name);
    put(r, "image ", string(r, all, "Config.Image"));
    put(r, "image id ", string(r, all, "Image"));
    add_hash(r, string(r, all, "Image"));
    put_list(r, "entry point ", all, "Config.Entrypoint");
    put_list(r, "command ", all, "Config.Cmd");
    put(r, "user ", string(r, all, "Config.User"));
    put(r, "host name ", string(r, all, "Config.Hostname"));
    put(r, "folder ", string(r, all, "Config.WorkingDir"));
    each(raw(all, "MountPoints", JSON_OBJECT), mount_point, r);
    each(raw(all, "NetworkSettings.Networks", JSON_OBJECT), docker_network, r);
    put(r, "restarts ", raw(all, "RestartCount", JSON_NUMBER));
    put_list(r, "environment ", all, "Config.Env");
    int rc = give(r, string(r, all, "Created"), true);
    return rc ? rc : docker_states(r);
}

/* ---- docker: hostconfig.json --------------------------------------------- */

static void port(struct reader *r, struct str key, struct str v)
{
    put(r, "port ", key);
    put(r, "on ", string(r, v, "0.HostIp"));
    put(r, "host port ", string(r, v, "0.HostPort"));
}

static int docker_host(struct reader *r)
{
    begin(r, "settings");
    if (is_true(r->all, "Privileged"))
        part(r, "privileged");
    put_list(r, "capabilities added ", r->all, "CapAdd");
    put_list(r, "capabilities dropped ", r->all, "CapDrop");
    put_list(r, "mounts ", r->all, "Binds");
    put(r, "network ", string(r, r->all, "NetworkMode"));
    put(r, "process ids of ", string(r, r->all, "PidMode"));
    put(r, "user ids of ", string(r, r->all, "UsernsMode"));
    put(r, "IPC of ", string(r, r->all, "IpcMode"));
    put_list(r, "security ", r->all, "SecurityOpt");
    put(r, "restart ", string(r, r->all, "RestartPolicy.Name"));
    each(raw(r->all, "PortBindings", JSON_OBJECT), port, r);
    return give(r, STR_NONE, true);
}

/* ---- OCI: config.json ---------------------------------------------------- */

static void oci_mounts(struct reader *r)
{
    for (unsigned i = 0; i < ITEMS && r->text.n < TEXT_MOST; i++) {
        char path[24] = "mounts.";
        size_t n = 7;
        if (i >= 100)
            path[n++] = (char)('0' + i / 100);
        if (i >= 10)
            path[n++] = (char)('0' + i / 10 % 10);
        path[n++] = (char)('0' + i % 10);
        path[n] = 0;
        struct str m = raw(r->all, path, JSON_OBJECT);
        if (m.n == 0)
            return;
        struct str source = string(r, m, "source");
        if (!str_eq(string(r, m, "type"), STR("bind")))
            continue;
        put(r, "mount ", source);
        put(r, "at ", string(r, m, "destination"));
        if (source.n)
            refs_add(&r->h.refs, KIND_FILE, ROLE_MENTIONED, source);
    }
}

static int oci(struct reader *r)
{
    begin(r, "runtime settings");
    put_list(r, "command ", r->all, "process.args");
    put(r, "user ", raw(r->all, "process.user.uid", JSON_NUMBER));
    put(r, "host name ", string(r, r->all, "hostname"));
    put(r, "root ", string(r, r->all, "root.path"));
    put_list(r, "capabilities ", r->all, "process.capabilities.bounding");
    oci_mounts(r);
    put_list(r, "environment ", r->all, "process.env");
    return give(r, STR_NONE, true);
}

/* ---- podman: containers.json --------------------------------------------- */

static int podman_one(struct reader *r, struct str one)
{
    struct str metadata = string(r, one, "metadata");
    struct str id = raw(one, "id", JSON_STRING);
    r->id = str_sub(id, 0, 200);
    begin(r, "created");
    put_list(r, "name ", one, "names");
    put(r, "image ", string(r, metadata, "image-name"));
    put(r, "image id ", string(r, one, "image"));
    put(r, "layer ", string(r, one, "layer"));
    return give(r, string(r, one, "created"), true);
}

static int podman(struct reader *r)
{
    struct json j;
    struct str v;
    unsigned flags;
    int rc = 0;
    json_open(&j, r->all);
    if (json_next(&j) != JSON_ARRAY)
        return sink_reject(r->h.job->sink, 0, r->all.n, "container-json",
                           "not a list of containers");
    while (rc == 0 && r->sub < UINT16_MAX) {
        enum json_type t = json_take(&j, &v, &flags);
        if (t == JSON_ARRAY_END || t == JSON_END || t == JSON_ERROR)
            return 0;
        if (t == JSON_OBJECT)
            rc = podman_one(r, v);
    }
    return rc;
}

/* ---- descriptor ---------------------------------------------------------- */

static const struct {
    const char *path;
    int (*read)(struct reader *);
    const char *has; /* in the content, for one of these */
} kinds[] = {
    { "docker/containers/*/config.v2.json", docker_config, "\"State\"" },
    { "docker/containers/*/hostconfig.json", docker_host, "\"NetworkMode\"" },
    { "overlay-containers/containers.json", podman, "\"layer\"" },
    { "overlay-containers/*/userdata/config.json", oci, "\"ociVersion\"" },
};

static const char *const paths[] = {
    "docker/containers/*/config.v2.json",
    "docker/containers/*/hostconfig.json",
    "overlay-containers/containers.json",
    "overlay-containers/*/userdata/config.json",
    NULL,
};

/* By the path, else by the content (a copy). */
static size_t kind_of(struct str path, struct str head)
{
    size_t n = sizeof(kinds) / sizeof(kinds[0]), i = 0;
    while (i < n && !path_like(path, kinds[i].path))
        i++;
    for (size_t k = 0; i == n && k < n; k++)
        if (str_find(head, str_from(kinds[k].has)) != SIZE_MAX)
            return k;
    return i;
}

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { .sub = 0 };
    size_t at;
    const char *why;
    int rc = 0;
    if (!cloudhost_whole(job, JSON_MOST, &r.all))
        return err_set(err, ERR_INTERNAL, "out of memory");
    size_t i = kind_of(job->name, r.all);
    cloudhost_open(&r.h, job, STR("container"));
    container_of_path(job->name, &r.of);
    r.id = r.of.id;
    if (i == sizeof(kinds) / sizeof(kinds[0]) || !job->in->eof ||
        !json_valid(r.all, &at, &why))
        rc = str_trim(str_sub(r.all, 0, 4096)).n == 0
                 ? 0
                 : sink_reject(job->sink, 0, r.all.n, "container-json",
                               "not one whole JSON value of a container");
    else
        rc = kinds[i].read(&r);
    cloudhost_close(&r.h);
    buf_free(&r.text);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static int probe(struct probe *p)
{
    struct str head = str_trim(window_text(p->head));
    if (head.n == 0 || (head.p[0] != '{' && head.p[0] != '[') ||
        !path_like_any(p->path, paths))
        return 0;
    p->reason = "where docker and podman note what a container is";
    return 92;
}

const struct importer importers_container = {
    .name = "container",
    .title = "Settings of a container",
    .reads = "config.v2.json, hostconfig.json of docker, podman's, OCI's",
    .paths = paths,
    .probe = probe,
    .import = import,
};
