/*
 * Logs in the W3C extended format (W3C working draft WD-logfile): web requests
 * of IIS, in UTC; the Windows firewall's log, in local time unless its head
 * says otherwise. A #Fields line names the columns of the lines after it.
 */
#include <stdio.h>

#include "importers/hosttime.h"
#include "importers/identify.h"
#include "importers/lines.h"

enum { FIELDS = 64 };

struct w3c {
    struct import_job *job;
    bool web, utc;
    char names[4096]; /* of #Fields, copied */
    struct str name[FIELDS], value[FIELDS];
    size_t n_names, n;
    char date[16]; /* of #Date, for lines without one */
    size_t n_date;
    char text_ip[46];
    struct buf text, target, agent;
    bool named; /* a #Fields line has come */
};

/* ---- fields -------------------------------------------------------------- */

static size_t split(struct str s, struct str field[FIELDS])
{
    size_t n = 0, at = 0;
    while (at < s.n && n < FIELDS) {
        while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
            at++;
        size_t from = at;
        while (at < s.n && s.p[at] != ' ' && s.p[at] != '\t')
            at++;
        if (at > from)
            field[n++] = str_sub(s, from, at - from);
    }
    return n;
}

/* Empty when there is none, or it is "-". */
static struct str field(const struct w3c *x, const char *name)
{
    for (size_t i = 0; i < x->n_names && i < x->n; i++)
        if (str_ieq(x->name[i], str_from(name)))
            return str_eq(x->value[i], STR("-")) ? STR("") : x->value[i];
    return STR("");
}

static void directive(struct w3c *x, struct str line)
{
    if (str_starts(line, STR("#Fields:"))) {
        struct str s = str_sub(line, 8, sizeof x->names);
        if (s.n)
            memcpy(x->names, s.p, s.n);
        x->n_names = split((struct str){ x->names, s.n }, x->name);
        x->named = true;
    } else if (str_starts(line, STR("#Date:"))) {
        struct str s = str_sub(str_trim(str_sub(line, 6, line.n)), 0, 10);
        if (s.n)
            memcpy(x->date, s.p, s.n);
        x->n_date = s.n;
    } else if (str_starts(line, STR("#Time Format:"))) {
        x->utc = str_ieq(str_trim(str_sub(line, 13, line.n)), STR("UTC"));
    }
}

/* ---- records ------------------------------------------------------------- */

static bool when(struct w3c *x, struct record *r)
{
    char text[48];
    struct str date = field(x, "date"), time = field(x, "time");
    struct time_text t;
    if (date.n == 0)
        date = (struct str){ x->date, x->n_date };
    if (date.n == 0 || date.n > 15 || time.n == 0 || time.n > 15)
        return false;
    int n = snprintf(text, sizeof text, "%.*sT%.*s", (int)date.n, date.p,
                     (int)time.n, time.p);
    if (n < 0 || !time_parse((struct str){ text, (size_t)n }, &t))
        return false;
    if (x->utc)
        t.zone = ZONE_FORMAT;
    record_time(x->job, &t, r);
    return true;
}

static void append(struct buf *b, const char *before, struct str s)
{
    if (s.n == 0)
        return;
    buf_putz(b, before);
    buf_put(b, s);
}

/* Blanks are written as +. */
static void unplus(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_putc(out, s.p[i] == '+' ? ' ' : s.p[i]);
}

static void request(struct w3c *x, struct record *r)
{
    struct str status = field(x, "sc-status"), user = field(x, "cs-username");
    uint64_t code = 0;
    r->action = STR("http request");
    r->service = STR("IIS");
    buf_put(&x->target, field(x, "cs-uri-stem"));
    append(&x->target, "?", field(x, "cs-uri-query"));
    r->target = buf_str(&x->target);
    r->target_kind = KIND_URL;
    r->actor = user;
    r->actor_kind = user.n ? KIND_HOST_USER : 0;
    if (str_u64(status, &code) && code >= 400)
        r->outcome = status;
    if (!identify_ip(field(x, "c-ip"), x->text_ip, &r->ip))
        r->ip = STR_NONE;
    unplus(&x->agent, field(x, "cs(User-Agent)"));
    r->agent = buf_str(&x->agent);
    buf_put(&x->text, field(x, "cs-method"));
    append(&x->text, " ", r->target);
    append(&x->text, " ", status);
    append(&x->text, "; host: ", field(x, "cs-host"));
    append(&x->text, "; referer: ", field(x, "cs(Referer)"));
    append(&x->text, "; server: ", field(x, "s-ip"));
    append(&x->text, ":", field(x, "s-port"));
    append(&x->text, "; bytes: ", field(x, "sc-bytes"));
    append(&x->text, "; ms: ", field(x, "time-taken"));
}

static void connection(struct w3c *x, struct record *r)
{
    struct str action = field(x, "action"), path = field(x, "path");
    bool in = str_eq(path, STR("RECEIVE"));
    r->action = STR("network connection");
    r->service = STR("Windows Firewall");
    if (str_starts(action, STR("DROP")))
        r->outcome = STR("denied");
    if (!identify_ip(field(x, in ? "src-ip" : "dst-ip"), x->text_ip, &r->ip))
        r->ip = STR_NONE;
    buf_put(&x->text, action);
    append(&x->text, " ", field(x, "protocol"));
    append(&x->text, " ", field(x, "src-ip"));
    append(&x->text, ":", field(x, "src-port"));
    append(&x->text, " -> ", field(x, "dst-ip"));
    append(&x->text, ":", field(x, "dst-port"));
    append(&x->text, " ", path);
    append(&x->text, "; pid: ", field(x, "pid"));
    append(&x->text, "; lost: ",
           str_eq(action, STR("INFO-EVENTS-LOST")) ? field(x, "info")
                                                   : STR(""));
}

static int record(struct w3c *x, const struct line *line)
{
    struct record r = { .off = line->off, .len = (uint32_t)line->text.n };
    x->n = split(line->text, x->value);
    if (!x->named)
        return sink_reject(x->job->sink, line->off, line->text.n, "w3c-fields",
                           "no #Fields line says what this is");
    if (line->part || line->rest || x->n != x->n_names || !when(x, &r))
        return sink_reject(x->job->sink, line->off, line->text.n, "w3c-line",
                           "not the fields that #Fields names");
    buf_clear(&x->text);
    buf_clear(&x->target);
    buf_clear(&x->agent);
    if (x->web)
        request(x, &r);
    else
        connection(x, &r);
    r.text = buf_str(&x->text);
    return x->text.failed || x->target.failed || x->agent.failed
               ? ERR_INTERNAL
               : sink_record(x->job->sink, &r);
}

static int import(struct import_job *job, bool web)
{
    struct w3c x = { .job = job, .web = web, .utc = web };
    struct lines l;
    struct line line;
    int rc;
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0) {
        if (line.text.n && line.text.p[0] == '#' && !line.rest)
            directive(&x, line.text);
        else if (str_trim(line.text).n)
            rc = record(&x, &line);
        if (rc)
            break;
    }
    buf_free(&x.text);
    buf_free(&x.target);
    buf_free(&x.agent);
    return lines_end(&l, rc);
}

static int import_iis(struct import_job *job, struct err *err)
{
    (void)err;
    return import(job, true);
}

static int import_firewall(struct import_job *job, struct err *err)
{
    (void)err;
    return import(job, false);
}

static int probe_iis(struct probe *p)
{
    struct str head = str_sub(window_text(p->head), 0, 1024);
    if (!str_starts(head, STR("#")) ||
        !window_has(head, "#Software: Microsoft Internet Information Services"))
        return 0;
    p->reason = "begins as a log of Internet Information Services";
    return 95;
}

static int probe_firewall(struct probe *p)
{
    struct str head = str_sub(window_text(p->head), 0, 512);
    if (!str_starts(head, STR("#Version:")) ||
        !window_has(head, "#Software: Microsoft Windows Firewall"))
        return 0;
    p->reason = "begins as a log of the Windows firewall";
    return 95;
}

static const char *const paths_iis[] = { "(?i)logfiles/w3svc*/*.log", NULL };
static const char *const paths_firewall[] = { "(?i)logfiles/firewall/*.log*",
                                              "(?i)pfirewall.log*", NULL };

const struct importer importers_iis = {
    .name = "iis",
    .title = "IIS web server log",
    .reads = "W3C extended logs of Internet Information Services (u_ex*.log)",
    .paths = paths_iis,
    .probe = probe_iis,
    .import = import_iis,
};

const struct importer importers_windows_firewall = {
    .name = "windows-firewall",
    .title = "Windows firewall log",
    .reads = "pfirewall.log",
    .paths = paths_firewall,
    .probe = probe_firewall,
    .import = import_firewall,
};
