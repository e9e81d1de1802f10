/* Access logs of web servers, proxies and load balancers: a request a line.
 * The forms are in web_line.c and web_json.c. */
#include "importers/lines.h"
#include "importers/web.h"

enum { TRIED = 40 }; /* lines that a probe looks at */

struct reader {
    struct cloudhost h;
    struct web_text text;
    bool json;
};

/* What HAProxy says of itself and of its servers. */
static int own_line(struct reader *r, struct record *rec, struct str text)
{
    cloudhost_begin(&r->h);
    rec->action = STR("log line");
    rec->service = STR("haproxy");
    rec->text = text;
    return cloudhost_record(&r->h, rec);
}

static int take_line(struct reader *r, const struct line *l)
{
    struct import_job *job = r->h.job;
    struct web_request w;
    struct record rec = { .off = l->off, .len = (uint32_t)l->text.n };
    if (l->rest)
        return 0; /* its front has been read */
    bool json = l->text.p[0] == '{';
    bool known = json ? web_json(l->text, job->arena, &w)
                      : web_line(l->text, job->arena, &w);
    if (!known &&
        str_find(str_sub(l->text, 0, 200), STR(" haproxy[")) != SIZE_MAX)
        return own_line(r, &rec, l->text);
    if (!known) {
        arena_reset(job->arena);
        return sink_reject(job->sink, l->off, l->text.n,
                           l->cut ? "access-cut" : "access-line",
                           "not a line of an access log");
    }
    cloudhost_begin(&r->h);
    w.cut |= l->part;
    if (!web_record(&r->h, &w, &r->text, &rec))
        return ERR_INTERNAL;
    int rc = cloudhost_record(&r->h, &rec);
    if (rc == 0 && l->part)
        rc =
            sink_issue(job->sink, ISSUE_WARNING, l->off, l->text.n, "line-long",
                       "a line of more than %u bytes: what is behind them was "
                       "not read",
                       (unsigned)LINES_PART);
    return rc;
}

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { 0 };
    struct lines l;
    struct line line;
    int rc;
    cloudhost_open(&r.h, job, web_service(job->name));
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0)
        if (str_trim(line.text).n && (rc = take_line(&r, &line)))
            break;
    rc = lines_end(&l, rc);
    cloudhost_close(&r.h);
    web_text_free(&r.text);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static const char *const paths[] = {
    "nginx/*access*",
    "httpd/*access*",
    "httpd/ssl_request_log*",
    "apache2/*access*",
    "haproxy/*.log*",
    "var/log/haproxy.log*",
    "caddy/*access*",
    "traefik/*access*",
    "tomcat*/**/localhost_access_log*",
    NULL,
};

static bool reads(struct str line)
{
    struct web_request w;
    return str_starts(line, STR("{")) ? web_json(line, NULL, &w)
                                      : web_line(line, NULL, &w);
}

/* A log server put its own time in front: an S3 export of CloudWatch Logs. The
 * line is theirs, whatever follows. */
static bool stamped(struct str s)
{
    struct time_text t;
    const char *lf = s.n ? memchr(s.p, '\n', s.n) : NULL;
    struct str line = str_sub(s, 0, lf ? (size_t)(lf - s.p) : s.n);
    size_t blank = str_find(line, STR(" "));
    return blank != SIZE_MAX && time_parse(str_sub(line, 0, blank), &t) &&
           reads(str_trim(str_sub(line, blank, line.n)));
}

static int probe(struct probe *p)
{
    struct str s = window_text(p->head);
    bool named = path_like_any(p->path, paths);
    if (!named && stamped(s))
        return 0;
    p->reason = "requests as web servers log them";
    for (unsigned i = 0; i < TRIED && s.n; i++) {
        const char *lf = memchr(s.p, '\n', s.n);
        struct str line = str_sub(s, 0, lf ? (size_t)(lf - s.p) : s.n);
        if (reads(str_trim(line)))
            return i > 2 && !named           ? 60
                   : named                   ? 93
                   : str_starts(s, STR("{")) ? 75
                                             : 88;
        s = str_sub(s, line.n + 1, s.n);
    }
    return 0;
}

const struct importer importers_web_access = {
    .name = "web-access",
    .title = "Access log of a web server",
    .reads = "access logs of nginx, httpd, HAProxy, load balancers, also JSON",
    .paths = paths,
    .probe = probe,
    .import = import,
};
