/*
 * Logs of the Systems Manager agent: amazon-ssm-agent.log, errors.log,
 * hibernate.log, the updater's, and the daily counts in audits/. Formats: the
 * seelog configuration of the agent (seelog_unix.xml, agent/log/logger).
 */
#include "importers/cloudhost.h"
#include "importers/stamped.h"

struct reader {
    struct cloudhost h;
    struct str day; /* audits: of the file's name */
};

/* ---- the agent's lines --------------------------------------------------- */

static bool has(struct str s, const char *text)
{
    return str_find(s, str_from(text)) != SIZE_MAX;
}

static bool has_any(struct str s, const char *const *texts)
{
    for (; *texts; texts++)
        if (has(s, *texts))
            return true;
    return false;
}

/* What a message tells of a command or session: when it came, ran, ended. The
 * rest of the worker's lines only mention its id. */
static bool tells(struct str text)
{
    static const char *const words[] = {
        "Processing AgentMessage",
        "Parsing AgentMessage",
        "Found in-progress document",
        "Found pending document",
        "submission started",
        "submission ended",
        "Running plugin",
        "started with configuration",
        "completion message",
        "complete response",
        "process started",
        "worker started",
        " complete",
        "cancellation started",
        "requested cancel",
        "Setting up datachannel",
        "Exit Status",
        "exit status",
        "was cancelled",
        "was timedout",
        "was not found in",
        NULL,
    };
    return has_any(text, words);
}

static struct str action_of(struct str text, bool command, bool session)
{
    static const char *const starts[] = { "amazon-ssm-agent - v",
                                          "Starting Core Agent", NULL };
    static const char *const stops[] = { "Stopping Core Agent",
                                         "Stopping agent", NULL };
    if (command && tells(text))
        return session ? STR("ssm session") : STR("ssm command");
    if (has_any(text, starts))
        return STR("service started");
    if (has_any(text, stops))
        return STR("service stopped");
    return STR("log line");
}

static int entry(struct reader *r, const struct stamped *s,
                 const struct stamped_entry *e)
{
    struct record rec = { .text = e->text };
    struct str id;
    size_t n;
    bool session = false;
    bool command = cloudhost_command_in(e->text, &id, &session);
    cloudhost_begin(&r->h);
    stamped_record(s, e, &rec);
    unsigned level = stamped_level(e->text, &n);
    rec.severity = stamped_severity(level);
    rec.action = action_of(e->text, command, session);
    if (level >= 3 && str_starts(rec.action, STR("ssm")))
        rec.outcome = STR("failed");
    if (command && !str_eq(rec.action, STR("log line"))) {
        rec.target = id;
        rec.target_kind = KIND_COMMAND;
        rec.actor = STR("root");
        rec.actor_kind = KIND_HOST_USER;
    } else if (command) {
        refs_add(&r->h.refs, KIND_COMMAND, ROLE_MENTIONED, id);
    }
    return cloudhost_record(&r->h, &rec);
}

static int agent_log(struct reader *r)
{
    struct stamped s;
    struct stamped_entry e;
    int rc;
    stamped_open(&s, r->h.job, false);
    while ((rc = stamped_next(&s, &e)) == 0 && (rc = entry(r, &s, &e)) == 0)
        ;
    return stamped_end(&s, rc);
}

/* ---- audits/amazon-ssm-agent-audit-YYYY-MM-DD ---------------------------- */

/* TYPE CONTENT VERSION HH:MM:SS: the time is local, its day in the name. */
static bool audit_time(const struct reader *r, struct str line,
                       struct time_text *t)
{
    char text[24];
    if (r->day.n != 10 || line.n < 9 || line.p[line.n - 9] != ' ')
        return false;
    memcpy(text, r->day.p, 10);
    text[10] = ' ';
    memcpy(text + 11, line.p + line.n - 8, 8);
    return time_parse((struct str){ text, 19 }, t);
}

static int audit_line(struct reader *r, const struct line *l)
{
    struct time_text t;
    struct record rec = { .off = l->off,
                          .len = (uint32_t)l->text.n,
                          .action = STR("log line"),
                          .text = l->text };
    if (audit_time(r, l->text, &t))
        record_time(r->h.job, &t, &rec);
    if (has(str_sub(l->text, 0, 64), ".start"))
        rec.action = STR("service started");
    cloudhost_begin(&r->h);
    return cloudhost_record(&r->h, &rec);
}

static int audit_log(struct reader *r)
{
    struct lines l;
    struct line line;
    int rc;
    r->h.bare = true; /* versions of four numbers are no addresses */
    lines_open(&l, r->h.job);
    while ((rc = lines_next(&l, &line)) == 0)
        if (str_trim(line.text).n && (rc = audit_line(r, &line)))
            break;
    return lines_end(&l, rc);
}

/* ---- descriptor ---------------------------------------------------------- */

static const char *const paths[] = {
    "amazon/ssm/*.log*",        "amazon/ssm/audits/*",
    "amazon/ssm/*-update.txt*", "(?i)Amazon/SSM/Logs/*.log*",
    "amazon-ssm-agent.log*",    NULL,
};

static struct str day_of(struct str path)
{
    struct str base = path_base(path);
    struct str day = str_sub(base, base.n < 10 ? 0 : base.n - 10, 10);
    bool dated = day.n == 10 && day.p[4] == '-' && day.p[7] == '-';
    return dated ? day : STR_NONE;
}

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { .day = day_of(job->name) };
    struct str head;
    if (!cloudhost_whole(job, 64, &head))
        return err_set(err, ERR_INTERNAL, "out of memory");
    cloudhost_open(&r.h, job, STR("amazon-ssm-agent"));
    bool audit = str_starts(head, STR("SchemaVersion="));
    int rc = audit ? audit_log(&r) : agent_log(&r);
    cloudhost_close(&r.h);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static int probe(struct probe *p)
{
    struct time_text t;
    size_t skip, n;
    struct str head = window_text(p->head);
    bool named = path_like_any(p->path, paths);
    if (named && str_starts(head, STR("SchemaVersion="))) {
        p->reason = "an audit file of the Systems Manager agent, by its name";
        return 89;
    }
    p->reason = "where the Systems Manager agent writes its logs";
    if (named)
        return head.n == 0 ? 0 : stamped_any(head) ? 89 : 60;
    if (!stamped_time(head, &t, &skip) ||
        !stamped_level(str_sub(head, skip, 32), &n))
        return 0;
    p->reason = "lines of the Systems Manager agent";
    return has(head, "[amazon-ssm-agent]") || has(head, "[ssm-agent-worker]") ||
                   has(head, "[ssm-document-worker]")
               ? 80
               : 0;
}

const struct importer importers_ssm_agent = {
    .name = "ssm-agent",
    .title = "Systems Manager agent logs",
    .reads = "amazon-ssm-agent.log, errors.log, hibernate.log, audits",
    .paths = paths,
    .probe = probe,
    .import = import,
};
