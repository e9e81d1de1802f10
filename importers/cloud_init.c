/*
 * Logs of cloud-init: cloud-init.log (cloudinit/log/loggers.py) and what the
 * stages and the scripts wrote to the console, cloud-init-output.log, most of
 * which has no time.
 */
#include "importers/cloudhost.h"
#include "importers/stamped.h"

struct reader {
    struct cloudhost h;
    struct stamped s;
    bool output;
};

/* "util.py[WARNING]: text" */
static unsigned level_of(struct str text)
{
    struct str head = str_sub(text, 0, 80);
    const char *open = head.n ? memchr(head.p, '[', head.n) : NULL;
    size_t n;
    if (!open)
        return 0;
    return stamped_level(str_sub(head, (size_t)(open - head.p), 16), &n);
}

/* The id behind "previous iid found to be ". */
static struct str previous_id(struct str text)
{
    static const struct str before = { "previous iid found to be ", 25 };
    size_t at = str_find(str_sub(text, 0, 200), before);
    if (at == SIZE_MAX)
        return STR_NONE;
    struct str id = str_trim(str_sub(text, at + before.n, 40));
    return cloudhost_is_instance(id) ? id : STR_NONE;
}

/* The time that a stage writes into its own message, in UTC. */
static void stage_time(struct reader *r, struct str text, struct record *rec)
{
    struct time_text t;
    struct str head = str_sub(text, 0, 300);
    size_t at = str_find(head, STR(" at "));
    if (rec->timed || at == SIZE_MAX ||
        !stamped_rfc2822(str_sub(head, at + 4, head.n), &t))
        return;
    record_time(r->h.job, &t, rec);
}

static bool is_stage(struct str text)
{
    static const char *const words[] = {
        "Cloud-init v. ",  "Loaded datasource", "]: start: ", "]: finish: ",
        "Running module ", "Running command ",  NULL,
    };
    struct str head = str_sub(text, 0, 200);
    for (size_t i = 0; words[i]; i++)
        if (str_find(head, str_from(words[i])) != SIZE_MAX)
            return true;
    return false;
}

static int entry(struct reader *r, const struct stamped_entry *e)
{
    struct record rec = { .text = e->text, .action = STR("log line") };
    cloudhost_begin(&r->h);
    stamped_record(&r->s, e, &rec);
    rec.severity = stamped_severity(level_of(e->text));
    struct str id = previous_id(e->text);
    if (id.n) {
        rec.action = STR("host fact");
        rec.target = id;
        rec.target_kind = KIND_INSTANCE;
    } else if (is_stage(e->text)) {
        rec.action = STR("cloud-init");
        stage_time(r, e->text, &rec);
        if (rec.severity || str_find(e->text, STR(": FAIL: ")) != SIZE_MAX)
            rec.outcome = STR("failed");
    }
    return cloudhost_record(&r->h, &rec);
}

/* ---- descriptor ---------------------------------------------------------- */

static const char *const paths[] = {
    "cloud-init.log*",
    "cloud-init-output.log*",
    NULL,
};

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { .output =
                            path_like(job->name, "cloud-init-output.log*") };
    struct stamped_entry e;
    int rc;
    cloudhost_open(&r.h, job, STR("cloud-init"));
    stamped_open(&r.s, job, r.output);
    while ((rc = stamped_next(&r.s, &e)) == 0 && (rc = entry(&r, &e)) == 0)
        ;
    rc = stamped_end(&r.s, rc);
    cloudhost_close(&r.h);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static int probe(struct probe *p)
{
    struct time_text t;
    size_t skip;
    struct str head = window_text(p->head);
    if (head.n == 0)
        return 0;
    bool named = path_like_any(p->path, paths);
    bool ours = window_has(head, "Cloud-init v. ");
    p->reason = "a log of cloud-init, by its name";
    if (named && (ours || stamped_time(head, &t, &skip)))
        return 89;
    if (named)
        return 75;
    p->reason = "lines of cloud-init";
    return ours && window_has(head, ".py[DEBUG]: ") &&
                   stamped_time(head, &t, &skip)
               ? 80
               : 0;
}

const struct importer importers_cloud_init = {
    .name = "cloud-init",
    .title = "cloud-init logs",
    .reads = "cloud-init.log, cloud-init-output.log",
    .paths = paths,
    .probe = probe,
    .import = import,
};
