/*
 * What cloud-init notes of the machine and of its own runs: instance ids of
 * this boot and the one before, host names, meta data, the times at which
 * stages and modules ran. obj.pkl is named and not read: to unpickle is to
 * run what is written there.
 */
#include <stdio.h>

#include "base/json.h"
#include "importers/cloudhost.h"
#include "importers/stamped.h"

enum { JSON_MOST = 16 << 20 };

struct reader {
    struct cloudhost h;
    struct str all;
    uint16_t sub;
};

static int give(struct reader *r, struct record *rec)
{
    rec->len = (uint32_t)r->all.n;
    rec->sub = r->sub++;
    return cloudhost_record(&r->h, rec);
}

static int fact(struct reader *r, unsigned kind, struct str value,
                const char *what)
{
    struct record rec = { .action = STR("host fact"),
                          .target = value,
                          .target_kind = (uint8_t)kind,
                          .text = str_from(what) };
    cloudhost_begin(&r->h);
    cloudhost_modified(&r->h, &rec);
    return give(r, &rec);
}

/* ---- single values ------------------------------------------------------- */

static int instance_id(struct reader *r)
{
    bool before = path_like(r->h.job->name, "previous-instance-id");
    struct str id = str_trim(r->all);
    const char *what = before ? "instance id of an earlier boot"
                              : "instance id of the last boot";
    if (cloudhost_is_instance(id))
        return fact(r, id.p[0] == 'm' ? KIND_RESOURCE : KIND_INSTANCE, id,
                    what);
    if (str_eq(id, STR("NO_PREVIOUS_INSTANCE_ID")))
        return fact(r, KIND_NONE, STR_NONE,
                    "cloud-init ran on no other instance before");
    return fact(r, KIND_RESOURCE, str_sub(id, 0, 200), what);
}

static int host_name(struct reader *r)
{
    return fact(r, KIND_HOST, str_trim(str_sub(r->all, 0, 256)),
                "host name that cloud-init set last");
}

static int datasource(struct reader *r)
{
    struct record rec = { .action = STR("host fact"),
                          .text = str_trim(str_sub(r->all, 0, 400)) };
    cloudhost_begin(&r->h);
    cloudhost_modified(&r->h, &rec);
    return give(r, &rec);
}

/* "57.80 - Thu, 01 May 2024 01:02:03 +0000 - v. 23.1" */
static int boot_finished(struct reader *r)
{
    struct time_text t;
    struct record rec = { .action = STR("cloud-init"),
                          .text = str_trim(str_sub(r->all, 0, 400)) };
    size_t at = str_find(rec.text, STR(" - "));
    if (at != SIZE_MAX &&
        stamped_rfc2822(str_sub(rec.text, at + 3, rec.text.n), &t))
        record_time(r->h.job, &t, &rec);
    rec.target = STR("boot-finished");
    rec.target_kind = KIND_UNIT;
    cloudhost_begin(&r->h);
    return give(r, &rec);
}

/* "PID: SECONDS" of the module that the file is named after. */
static int semaphore(struct reader *r)
{
    struct time_text t;
    struct record rec = { .action = STR("cloud-init"),
                          .target = path_base(r->h.job->name),
                          .target_kind = KIND_UNIT,
                          .text = str_trim(str_sub(r->all, 0, 200)) };
    size_t at = str_find(rec.text, STR(": "));
    if (at != SIZE_MAX &&
        stamped_epoch(str_sub(rec.text, at + 2, rec.text.n), &t))
        record_time(r->h.job, &t, &rec);
    cloudhost_begin(&r->h);
    return give(r, &rec);
}

static int pickle(struct reader *r)
{
    return sink_issue(r->h.job->sink, ISSUE_NOTE, 0, r->all.n, "pickle",
                      "the state of cloud-init as a Python pickle: not read, "
                      "since to read it is to run it");
}

/* ---- JSON ---------------------------------------------------------------- */

static bool string_of(struct reader *r, struct str json, const char *path,
                      struct str *out)
{
    unsigned flags;
    *out = STR_NONE;
    return json_path(json, str_from(path), out, &flags) == JSON_STRING &&
           json_decode(*out, r->h.job->arena, out) && out->n;
}

/* status.json: when each stage began and ended (seconds since 1970). */
static int stage(struct reader *r, const char *name, const char *word,
                 const char *field)
{
    char path[64];
    struct str v, errors;
    unsigned flags;
    struct time_text t;
    struct record rec = { .action = STR("cloud-init"),
                          .target = str_from(name),
                          .target_kind = KIND_UNIT,
                          .text = str_from(word) };
    snprintf(path, sizeof(path), "v1.%s.%s", name, field);
    if (json_path(r->all, str_from(path), &v, &flags) != JSON_NUMBER ||
        !stamped_epoch(v, &t))
        return 0;
    record_time(r->h.job, &t, &rec);
    snprintf(path, sizeof(path), "v1.%s.errors.0", name);
    if (json_path(r->all, str_from(path), &errors, &flags) == JSON_STRING) {
        rec.outcome = STR("failed");
        if (!json_decode(errors, r->h.job->arena, &rec.text))
            return ERR_INTERNAL;
    }
    cloudhost_begin(&r->h);
    return give(r, &rec);
}

static int status(struct reader *r)
{
    static const char *const names[] = { "init-local", "init", "modules-config",
                                         "modules-final" };
    int rc = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && rc == 0; i++) {
        rc = stage(r, names[i], "stage started", "start");
        if (rc == 0)
            rc = stage(r, names[i], "stage finished", "finished");
    }
    return rc;
}

/* Meta data: paths below the instance data, and what each is. */
static const struct {
    const char *path;
    uint8_t kind;
    const char *what;
} metadata[] = {
    { "v1.instance_id", KIND_INSTANCE, "instance id in the instance data" },
    { "v1.local_hostname", KIND_HOST, "host name in the instance data" },
    { "v1.region", KIND_REGION, "region in the instance data" },
    { "v1.availability_zone", KIND_RESOURCE,
      "availability zone in the instance data" },
    { "ds.meta_data.ami-id", KIND_IMAGE, "image in the instance data" },
    { "ds.meta_data.local-ipv4", KIND_IP, "private address" },
    { "ds.meta_data.public-ipv4", KIND_IP, "public address" },
    { "ds.meta_data.reservation-id", KIND_RESOURCE, "reservation" },
    { "ds.meta_data.mac", KIND_RESOURCE, "hardware address" },
    { "ds.dynamic.instance-identity.document.accountId", KIND_ACCOUNT,
      "account in the identity document" },
    { "ds.dynamic.instance-identity.document.imageId", KIND_IMAGE,
      "image in the identity document" },
    { "ds.dynamic.instance-identity.document.privateIp", KIND_IP,
      "private address in the identity document" },
};

static int launch(struct reader *r)
{
    struct str v;
    struct time_text t;
    struct record rec = { .action = STR("host fact"),
                          .text = STR("launch of the instance in the identity "
                                      "document") };
    if (!string_of(r, r->all,
                   "ds.dynamic.instance-identity.document"
                   ".pendingTime",
                   &v) ||
        !time_parse(v, &t))
        return 0;
    record_time(r->h.job, &t, &rec);
    if (string_of(r, r->all, "v1.instance_id", &v)) {
        rec.target = v;
        rec.target_kind = KIND_INSTANCE;
    }
    cloudhost_begin(&r->h);
    return give(r, &rec);
}

/* Identifiers anywhere else in the meta data: roles, interfaces, groups. */
static int mentions(struct reader *r)
{
    struct json j;
    enum json_type t;
    struct record rec = { .action = STR("host fact"),
                          .text = STR("identifiers in the instance data") };
    struct str v;
    cloudhost_begin(&r->h);
    json_open(&j, r->all);
    while ((t = json_next(&j)) > JSON_END)
        if (t == JSON_STRING && json_decode(j.text, r->h.job->arena, &v))
            identify_add(&r->h.refs, ROLE_MENTIONED, v);
    cloudhost_modified(&r->h, &rec);
    return r->h.refs.n > (r->h.instance.n != 0) ? give(r, &rec) : 0;
}

static int instance_data(struct reader *r)
{
    int rc = 0;
    struct str v;
    for (size_t i = 0; i < sizeof(metadata) / sizeof(metadata[0]) && rc == 0;
         i++)
        if (string_of(r, r->all, metadata[i].path, &v))
            rc = fact(r, metadata[i].kind, v, metadata[i].what);
    if (rc == 0)
        rc = launch(r);
    return rc ? rc : mentions(r);
}

static int result(struct reader *r)
{
    struct str v;
    struct record rec = { .action = STR("host fact") };
    if (!string_of(r, r->all, "v1.datasource", &v))
        return 0;
    rec.text = v;
    cloudhost_begin(&r->h);
    cloudhost_modified(&r->h, &rec);
    return give(r, &rec);
}

static int set_hostname(struct reader *r)
{
    struct str v;
    int rc = 0;
    if (string_of(r, r->all, "hostname", &v))
        rc = fact(r, KIND_HOST, v, "host name that cloud-init set");
    if (rc == 0 && string_of(r, r->all, "fqdn", &v))
        rc = fact(r, KIND_HOST, v, "domain name that cloud-init set");
    return rc;
}

static int json_file(struct reader *r, int (*read)(struct reader *))
{
    size_t at;
    const char *why;
    if (r->h.job->in->eof && json_valid(r->all, &at, &why))
        return read(r);
    return sink_reject(r->h.job->sink, 0, r->all.n,
                       r->h.job->in->eof && at < r->all.n ? "json-syntax"
                                                          : "json-cut",
                       "not one whole JSON value");
}

/* ---- descriptor ---------------------------------------------------------- */

static const struct {
    const char *path;
    int (*read)(struct reader *);
    bool json;
} kinds[] = {
    { "cloud/data/instance-id", instance_id, false },
    { "cloud/data/previous-instance-id", instance_id, false },
    { "cloud-init/.instance-id", instance_id, false },
    { "cloud/data/previous-hostname", host_name, false },
    { "cloud/data/set-hostname", set_hostname, true },
    { "cloud/data/previous-datasource", datasource, false },
    { "cloud/instances/*/datasource", datasource, false },
    { "cloud/instances/*/boot-finished", boot_finished, false },
    { "cloud/instances/*/sem/*", semaphore, false },
    { "cloud/sem/*", semaphore, false },
    { "cloud/data/status.json", status, true },
    { "cloud/data/result.json", result, true },
    { "cloud-init/status.json", status, true },
    { "cloud-init/result.json", result, true },
    { "cloud-init/instance-data*.json", instance_data, true },
    { "cloud/instances/*/obj.pkl", pickle, false },
};

static const char *const paths[] = {
    "cloud/data/instance-id",
    "cloud/data/previous-instance-id",
    "cloud/data/previous-hostname",
    "cloud/data/set-hostname",
    "cloud/data/previous-datasource",
    "cloud/data/status.json",
    "cloud/data/result.json",
    "cloud/instances/*/datasource",
    "cloud/instances/*/boot-finished",
    "cloud/instances/*/sem/*",
    "cloud/instances/*/obj.pkl",
    "cloud/sem/*",
    "cloud-init/.instance-id",
    "cloud-init/status.json",
    "cloud-init/result.json",
    "cloud-init/instance-data*.json",
    NULL,
};

static size_t kind_of(struct str path)
{
    size_t i = 0;
    while (i < sizeof(kinds) / sizeof(kinds[0]) &&
           !path_like(path, kinds[i].path))
        i++;
    return i;
}

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { .sub = 0 };
    size_t i = kind_of(job->name);
    int rc = 0;
    if (!cloudhost_whole(job, JSON_MOST, &r.all))
        return err_set(err, ERR_INTERNAL, "out of memory");
    cloudhost_open(&r.h, job, STR("cloud-init"));
    if (i == sizeof(kinds) / sizeof(kinds[0]))
        rc = datasource(&r); /* by --as: its text as a fact */
    else if (str_trim(str_sub(r.all, 0, 4096)).n)
        rc = kinds[i].json ? json_file(&r, kinds[i].read) : kinds[i].read(&r);
    cloudhost_close(&r.h);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static int probe(struct probe *p)
{
    size_t i = kind_of(p->path);
    struct str head = str_trim(p->head);
    if (head.n == 0 || i == sizeof(kinds) / sizeof(kinds[0]) ||
        (kinds[i].json && head.p[0] != '{'))
        return 0;
    p->reason = "where cloud-init keeps what it knows of the machine";
    return 85;
}

const struct importer importers_cloud_data = {
    .name = "cloud-data",
    .title = "cloud-init's notes of the machine",
    .reads = "instance ids, host names, meta data, times of stages and modules",
    .paths = paths,
    .probe = probe,
    .import = import,
};
