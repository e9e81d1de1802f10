/*
 * Logs and settings of other agents of the cloud: CloudWatch agent and the
 * older awslogs, ECS, CodeDeploy, the mount helper of EFS, kubelet. Logs have
 * a time in each entry (importers/stamped.h); settings are one fact.
 */
#include "importers/cloudhost.h"
#include "importers/stamped.h"

enum { TEXT_MOST = 4000, WHOLE_MOST = 16 << 20 };

enum form { FORM_LOG, FORM_REQUESTS, FORM_SETTINGS, FORM_NAMED };

static const struct {
    const char *path, *program;
    enum form form;
} files[] = {
    { "amazon-cloudwatch-agent/logs/*.log*", "amazon-cloudwatch-agent",
      FORM_LOG },
    { "AmazonCloudWatchAgent/Logs/*.log*", "amazon-cloudwatch-agent",
      FORM_LOG },
    { "amazon-cloudwatch-agent/etc/**", "amazon-cloudwatch-agent",
      FORM_SETTINGS },
    { "log/ecs/audit.log*", "ecs-agent", FORM_REQUESTS },
    { "log/ecs/*.log*", "ecs-agent", FORM_LOG },
    { "lib/ecs/data/*.json", "ecs-agent", FORM_SETTINGS },
    { "lib/ecs/data/agent.db", "ecs-agent", FORM_NAMED },
    { "etc/ecs/ecs.config", "ecs-agent", FORM_SETTINGS },
    { "aws/codedeploy-agent/*.log*", "codedeploy-agent", FORM_LOG },
    { "codedeploy-agent-deployments.log*", "codedeploy-agent", FORM_LOG },
    { "deployment-root/*/*/logs/scripts.log", "codedeploy-agent", FORM_LOG },
    { "log/awslogs.log*", "awslogs", FORM_LOG },
    { "awslogs/etc/*.conf", "awslogs", FORM_SETTINGS },
    { "log/amazon/efs/*.log*", "amazon-efs-utils", FORM_LOG },
    { "kubernetes/kubelet/*.json", "kubelet", FORM_SETTINGS },
    { "kubernetes/kubelet/config.json.d/*", "kubelet", FORM_SETTINGS },
    { "lib/kubelet/config.yaml", "kubelet", FORM_SETTINGS },
    { "lib/kubelet/kubeconfig", "kubelet", FORM_SETTINGS },
};
enum { FILES = sizeof(files) / sizeof(files[0]) };

static size_t file_of(struct str path)
{
    size_t i = 0;
    while (i < FILES && !path_like(path, files[i].path))
        i++;
    return i;
}

/* ---- logs ---------------------------------------------------------------- */

static bool has_any(struct str s, const char *const *words)
{
    s = str_sub(s, 0, 300);
    for (; *words; words++)
        if (str_find(s, str_from(*words)) != SIZE_MAX)
            return true;
    return false;
}

static struct str action_of(struct str text)
{
    static const char *const starts[] = { "Starting AmazonCloudWatchAgent",
                                          "Starting Amazon E",
                                          "agent starting",
                                          "Starting agent",
                                          "started with pid",
                                          NULL };
    static const char *const stops[] = { "Shutting down agent",
                                         "Shutting down Amazon",
                                         "Stopping agent", NULL };
    return has_any(text, starts)  ? STR("service started")
           : has_any(text, stops) ? STR("service stopped")
                                  : STR("log line");
}

/* "d-ABCDEFGHI": a deployment of CodeDeploy. */
static void add_deployment(struct cloudhost *h, struct str text)
{
    size_t at = str_find(str_sub(text, 0, TEXT_MOST), STR("d-"));
    size_t n = 2;
    if (at == SIZE_MAX || (at && text.p[at - 1] != '/' &&
                           text.p[at - 1] != '"' && text.p[at - 1] != ' '))
        return;
    struct str id = str_sub(text, at, 11);
    while (n < id.n && ((id.p[n] >= 'A' && id.p[n] <= 'Z') ||
                        (id.p[n] >= '0' && id.p[n] <= '9')))
        n++;
    if (n == 11)
        refs_add(&h->refs, KIND_RESOURCE, ROLE_MENTIONED, id);
}

static int entry(struct cloudhost *h, const struct stamped *s,
                 const struct stamped_entry *e)
{
    struct record r = { .text = e->text };
    size_t n;
    cloudhost_begin(h);
    stamped_record(s, e, &r);
    unsigned level = stamped_level(e->text, &n);
    if (level == 0) { /* "name - INFO - text" */
        size_t at = str_find(str_sub(e->text, 0, 100), STR(" - "));
        if (at != SIZE_MAX)
            level = stamped_level(str_sub(e->text, at + 3, 16), &n);
    }
    r.severity = stamped_severity(level);
    r.action = action_of(e->text);
    if (str_eq(h->service, STR("codedeploy-agent")))
        add_deployment(h, e->text);
    return cloudhost_record(h, &r);
}

static struct str word(struct str *s)
{
    size_t n = 0;
    *s = str_trim(*s);
    bool quoted = s->n && s->p[0] == '"';
    const char *end =
        quoted && s->n > 1 ? memchr(s->p + 1, '"', s->n - 1) : NULL;
    if (end) {
        n = (size_t)(end - s->p) + 1;
        struct str w = str_sub(*s, 1, n - 2);
        *s = str_sub(*s, n, s->n);
        return w;
    }
    while (n < s->n && s->p[n] != ' ')
        n++;
    struct str w = str_sub(*s, 0, n);
    *s = str_sub(*s, n, s->n);
    return w;
}

/* Who asked the agent for a task's credentials: TIME CODE ADDRESS "URL"
 * "AGENT" ARN KIND VERSION CLUSTER INSTANCE. */
static int request(struct cloudhost *h, const struct stamped *s,
                   const struct stamped_entry *e)
{
    struct record r = { .action = STR("http request"), .text = e->text };
    struct str rest = e->text, code = word(&rest), from = word(&rest);
    uint64_t status;
    char tmp[46];
    if (!str_u64(code, &status))
        return entry(h, s, e);
    cloudhost_begin(h);
    stamped_record(s, e, &r);
    if (status >= 400)
        r.outcome = code;
    const char *port = from.n ? memchr(from.p, ':', from.n) : NULL;
    if (port && !memchr(port + 1, ':', (size_t)(from.p + from.n - port) - 1))
        from.n = (size_t)(port - from.p);
    if (!identify_ip(from, tmp, &r.ip))
        r.ip = STR_NONE;
    r.target = word(&rest);
    r.target_kind = KIND_URL;
    r.agent = word(&rest);
    return cloudhost_record(h, &r);
}

static int log_of(struct cloudhost *h, enum form form)
{
    struct stamped s;
    struct stamped_entry e;
    int rc;
    stamped_open(&s, h->job, false);
    while ((rc = stamped_next(&s, &e)) == 0 &&
           (rc = form == FORM_REQUESTS ? request(h, &s, &e)
                                       : entry(h, &s, &e)) == 0)
        ;
    return stamped_end(&s, rc);
}

/* ---- settings ------------------------------------------------------------ */

static int settings(struct cloudhost *h)
{
    struct str all;
    if (!cloudhost_whole(h->job, WHOLE_MOST, &all))
        return ERR_INTERNAL;
    struct record r = { .action = STR("host fact"),
                        .len = (uint32_t)all.n,
                        .text = str_trim(str_sub(all, 0, TEXT_MOST)) };
    cloudhost_begin(h);
    cloudhost_modified(h, &r);
    /* what lies behind the part that is shown is named as well */
    cloudhost_mention(h, str_sub(all, TEXT_MOST, all.n));
    return r.text.n ? cloudhost_record(h, &r) : 0;
}

static int named(struct cloudhost *h)
{
    return sink_issue(h->job->sink, ISSUE_NOTE, 0, 0, "bolt-database",
                      "the agent's state is a database of bbolt, which this "
                      "version does not read");
}

/* ---- descriptor ---------------------------------------------------------- */

static int import(struct import_job *job, struct err *err)
{
    struct cloudhost h;
    size_t i = file_of(job->name);
    enum form form = i < FILES ? files[i].form : FORM_LOG;
    cloudhost_open(&h, job, i < FILES ? str_from(files[i].program) : STR_NONE);
    int rc = form == FORM_SETTINGS ? settings(&h)
             : form == FORM_NAMED  ? named(&h)
                                   : log_of(&h, form);
    cloudhost_close(&h);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static int probe(struct probe *p)
{
    size_t i = file_of(p->path);
    if (p->head.n == 0 || i == FILES)
        return 0;
    p->reason = "where an agent of the cloud keeps its logs or settings";
    if (files[i].form == FORM_LOG || files[i].form == FORM_REQUESTS)
        return stamped_any(window_text(p->head)) ? 87 : 60;
    return 80;
}

static const char *const paths[] = {
    "amazon-cloudwatch-agent/logs/*.log*",
    "AmazonCloudWatchAgent/Logs/*.log*",
    "amazon-cloudwatch-agent/etc/**",
    "log/ecs/*.log*",
    "lib/ecs/data/*.json",
    "lib/ecs/data/agent.db",
    "etc/ecs/ecs.config",
    "aws/codedeploy-agent/*.log*",
    "codedeploy-agent-deployments.log*",
    "deployment-root/*/*/logs/scripts.log",
    "log/awslogs.log*",
    "awslogs/etc/*.conf",
    "log/amazon/efs/*.log*",
    "kubernetes/kubelet/*.json",
    "kubernetes/kubelet/config.json.d/*",
    "lib/kubelet/config.yaml",
    "lib/kubelet/kubeconfig",
    NULL,
};

const struct importer importers_cloud_agents = {
    .name = "cloud-agents",
    .title = "Agents of the cloud",
    .reads = "logs and settings of the CloudWatch, ECS, CodeDeploy and EFS "
             "agents, awslogs, kubelet",
    .paths = paths,
    .probe = probe,
    .import = import,
};
