/* CloudWatch Logs: the web server's and the application's log as an export
 * task writes them to S3, and the host's messages as filter-log-events
 * prints them. */
#include "samples/gen.h"

#include <stdlib.h>

#define TASK     "a17f4a5e-6c0b-4d0f-8b5e-2f9f1d6c3b70"
#define EXPORTED "cloudwatch/exportedlogs/"
#define IMDS     "http://169.254.169.254/latest/meta-data/"
#define BROWSER                                                                \
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "    \
    "like Gecko) Chrome/122.0.0.0 Safari/537.36"
#define PHONE                                                                  \
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) "                  \
    "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Mobile/15E148 "     \
    "Safari/604.1"
#define SCAN_TOOL "vuln-scanner/2.1"
#define SCRIPT    "curl/8.5.0"

struct line {
    int64_t ms; /* since 1970 */
    size_t order;
    const char *text;
};

struct log {
    struct line *lines;
    size_t n, cap;
};

static void add(struct log *l, int64_t t, int ms, const char *line)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 512;
        l->lines = realloc(l->lines, l->cap * sizeof *l->lines);
        if (!l->lines)
            die("out of memory");
    }
    l->lines[l->n] = (struct line){ t * 1000 + ms, l->n, line };
    l->n++;
}

static int by_time(const void *pa, const void *pb)
{
    const struct line *a = pa, *b = pb;
    if (a->ms != b->ms)
        return a->ms < b->ms ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static void sort(struct log *l)
{
    qsort(l->lines, l->n, sizeof *l->lines, by_time);
}

/* ---- the web server --------------------------------------------------------
 */

struct request {
    const char *ip, *path, *agent, *from;
    int status;
    unsigned bytes;
};

/* nginx's "combined" form. */
static void hit(struct gen *g, struct log *l, int64_t t, int ms,
                const struct request *r)
{
    add(l, t, ms,
        text(g,
             "%s - - [%02d/Mar/2026:%02d:%02d:%02d +0000] \"GET %s "
             "HTTP/1.1\" %d %u \"%s\" \"%s\"",
             r->ip, day_of(t), minute_of(t) / 60, minute_of(t) % 60,
             second_of(t), r->path, r->status, r->bytes,
             r->from ? r->from : "-", r->agent));
}

static void visitors(struct gen *g, struct log *l, int64_t from, int64_t to)
{
    static const char *const pages[] = {
        "/",
        "/login",
        "/reports",
        "/reports/2026/03",
        "/static/app.css",
        "/static/app.js",
        "/api/v1/branches",
        "/api/v1/customers?page=2",
        "/fetch?url=https://news.corp.example/feed.xml",
        "/search?q=%E6%9D%B1%E4%BA%AC",
        "/favicon.ico",
        "/logout",
    };
    g->rng = chance_of("visitors", 0);
    for (int64_t t = from; t < to;) {
        bool office = minute_of(t) < 9 * 60;
        t += 20 + (int64_t)chance_below(&g->rng, office ? 200 : 900);
        const char *ip =
            chance_below(&g->rng, 9) == 0
                ? text(g, "2001:db8:91:%x::%x", chance_below(&g->rng, 9),
                       1 + chance_below(&g->rng, 60))
                : text(g, "203.0.113.%u", 40 + chance_below(&g->rng, 90));
        unsigned page = chance_below(&g->rng, 12);
        struct request r = {
            .ip = ip,
            .path = pages[page],
            .agent = chance_below(&g->rng, 3) ? BROWSER : PHONE,
            .from = page ? "https://app.corp.example/" : NULL,
            .status = page == 10 ? 304 : 200,
            .bytes = page == 10 ? 0 : 400 + chance_below(&g->rng, 20000)
        };
        hit(g, l, t, (int)chance_below(&g->rng, 1000), &r);
    }
}

static void health_checks(struct gen *g, struct log *l, int64_t from,
                          int64_t to)
{
    g->rng = chance_of("health", 0);
    for (int64_t t = from; t < to; t += 600)
        hit(g, l, t + 7, (int)chance_below(&g->rng, 1000),
            &(struct request){ .ip = "10.0.1.5",
                               .path = "/healthz",
                               .agent = "ELB-HealthChecker/2.0",
                               .status = 200,
                               .bytes = 2 });
}

/* A decoy: the company's own scanner, at its usual hour each day. */
static void scanner(struct gen *g, struct log *l, int day)
{
    static const char *const probes[] = {
        "/wp-login.php",
        "/.git/config",
        "/admin/",
        "/.env",
        "/phpmyadmin/",
        "/actuator/env",
        "/server-status",
        "/backup.zip",
        "/cgi-bin/test.cgi",
        "/../../etc/passwd",
        "/api/v1/debug",
        "/console",
        "/.aws/credentials",
        "/solr/admin/cores",
        "/?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/vendor/phpunit/phpunit.xml",
    };
    g->rng = chance_of("scanner", (uint64_t)day);
    int64_t t = at(day, 1, 41, 7);
    for (unsigned i = 0; i < 64; i++) {
        if (i > 3) /* it begins with four at once */
            t += 5 + (int64_t)chance_below(&g->rng, 15);
        hit(g, l, t, (int)chance_below(&g->rng, 1000),
            &(struct request){ .ip = SCANNER,
                               .path = probes[i % 16],
                               .agent = SCAN_TOOL,
                               .status = i % 16 == 9 ? 400 : 404,
                               .bytes = 0 });
    }
}

static size_t attack(struct gen *g, struct log *l)
{
    static const struct {
        int minute, second, ms; /* after 01:00 */
        const char *path;
        int status;
        unsigned bytes;
    } steps[] = {
        { 58, 12, 403, "/", 200, 5120 },
        { 58, 40, 88, "/robots.txt", 200, 68 },
        { 59, 3, 910, "/.env", 404, 146 },
        { 59, 4, 311, "/.git/HEAD", 404, 146 },
        { 59, 31, 500, "/login", 200, 2301 },
        { 62, 17, 45, "/fetch?url=http://example.com/", 200, 1256 },
        { 63, 52, 620, "/fetch?url=file:///etc/passwd", 400, 31 },
        { 65, 8, 274, "/fetch?url=http://127.0.0.1:22/", 502, 58 },
        { 65, 44, 719, "/fetch?url=http://127.0.0.1:8080/", 502, 58 },
        { 73, 2, 117, "/fetch?url=" IMDS, 200, 281 },
        { 73, 20, 305, "/fetch?url=" IMDS "instance-id", 200, 19 },
        { 73, 20, 940, "/fetch?url=" IMDS "iam/security-credentials/", 200,
          15 },
        { 74, 3, 236, "/fetch?url=" IMDS "iam/security-credentials/" APP_ROLE,
          200, 693 },
        { 74, 3, 802,
          "/fetch?url=http://169.254.169.254/latest/dynamic/instance-identity/"
          "document",
          200, 275 },
    };
    size_t n = sizeof steps / sizeof *steps;
    for (size_t i = 0; i < n; i++)
        hit(g, l, at(11, 1, steps[i].minute, steps[i].second), steps[i].ms,
            &(struct request){ .ip = ATTACKER,
                               .path = steps[i].path,
                               .agent = SCRIPT,
                               .status = steps[i].status,
                               .bytes = steps[i].bytes });
    return n;
}

/* ---- the application: some messages have several lines
 * ----------------------- */

static const char *clock_of(struct gen *g, int64_t t, int ms)
{
    return text(g, "2026-03-%02d %02d:%02d:%02d,%03d", day_of(t),
                minute_of(t) / 60, minute_of(t) % 60, second_of(t), ms);
}

static const char *refused(struct gen *g, int64_t t, int ms, int port)
{
    return text(g,
                "%s ERROR web.fetch fetch failed url=http://127.0.0.1:%d/\n"
                "Traceback (most recent call last):\n"
                "  File \"/data/www/app.py\", line 17, in fetch\n"
                "    body = urlopen(url, timeout=5).read()\n"
                "  File \"/usr/lib64/python3.9/urllib/request.py\", line 214, "
                "in urlopen\n"
                "    return opener.open(url, data, timeout)\n"
                "urllib.error.URLError: <urlopen error [Errno 111] Connection "
                "refused>",
                clock_of(g, t, ms), port);
}

static void application(struct gen *g, struct log *l, int64_t from, int64_t to)
{
    g->rng = chance_of("application", 0);
    for (int64_t t = from; t < to;
         t += 1800 + (int64_t)chance_below(&g->rng, 1800)) {
        int ms = (int)chance_below(&g->rng, 1000);
        add(l, t, ms,
            text(g, "%s INFO web.report built customers report rows=%u",
                 clock_of(g, t, ms), 900 + chance_below(&g->rng, 400)));
    }
    static const struct {
        int minute, second, ms;
        const char *url;
        unsigned bytes;
    } fetched[] = {
        { 62, 17, 31, "http://example.com/", 1256 },
        { 73, 2, 101, IMDS, 281 },
        { 73, 20, 922, IMDS "iam/security-credentials/", 15 },
        { 74, 3, 219, IMDS "iam/security-credentials/" APP_ROLE, 693 },
    };
    for (size_t i = 0; i < sizeof fetched / sizeof *fetched; i++) {
        int64_t t = at(11, 1, fetched[i].minute, fetched[i].second);
        add(l, t, fetched[i].ms,
            text(g, "%s INFO web.fetch fetched url=%s bytes=%u client=%s",
                 clock_of(g, t, fetched[i].ms), fetched[i].url,
                 fetched[i].bytes, ATTACKER));
    }
    add(l, at(11, 2, 5, 8), 260, refused(g, at(11, 2, 5, 8), 260, 22));
    add(l, at(11, 2, 5, 44), 702, refused(g, at(11, 2, 5, 44), 702, 8080));
    add(l, at(10, 6, 31, 9), 15,
        text(g,
             "%s WARNING web.db slow query\n  select * from customers\n"
             "  where branch = '\xE6\x9D\xB1\xE4\xBA\xAC'",
             clock_of(g, at(10, 6, 31, 9), 15)));
}

/* ---- as files
 * ----------------------------------------------------------------- */

static size_t newlines(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += *s == '\n';
    return n;
}

static void export_stream(struct gen *g, const char *root, const char *stream,
                          struct log *l)
{
    struct buf b = { 0 };
    size_t more = 0;
    sort(l);
    for (size_t i = 0; i < l->n; i++) {
        buf_printf(
            &b, "%s %s\n",
            stamp(g, l->lines[i].ms / 1000, (int)(l->lines[i].ms % 1000)),
            l->lines[i].text);
        more += newlines(l->lines[i].text);
    }
    const char *path = text(g, EXPORTED TASK "/%s/000000.gz", stream);
    file_write(root, path, gz(g, buf_str(&b)));
    buf_printf(&g->members, "%s\t%zu\t0\n", path, l->n);
    fact_n(g, text(g, "cloudwatch.%s.events", stream), l->n);
    fact_n(g, text(g, "cloudwatch.%s.continuation_lines", stream), more);
    buf_free(&b);
    free(l->lines);
}

#define LOG_FROM at(9, 0, 58, 0)
#define LOG_TO   at(11, 4, 11, 9)

static size_t web_log(struct gen *g, struct log *web)
{
    visitors(g, web, LOG_FROM, LOG_TO);
    health_checks(g, web, LOG_FROM, LOG_TO);
    for (int day = 9; day <= 11; day++)
        scanner(g, web, day);
    return attack(g, web);
}

/* The same lines as they lie on the server's disk. */
static struct str plain_lines(struct gen *g, struct log *l, int64_t from)
{
    struct buf b = { 0 };
    sort(l);
    for (size_t i = 0; i < l->n; i++)
        if (l->lines[i].ms >= from * 1000)
            buf_printf(&b, "%s\n", l->lines[i].text);
    free(l->lines);
    struct str s = arena_copy(&g->arena, buf_str(&b));
    buf_free(&b);
    return s;
}

struct str web_lines(struct gen *g, int64_t from)
{
    struct log l = { 0 };
    struct chance keep = g->rng;
    web_log(g, &l);
    g->rng = keep;
    return plain_lines(g, &l, from);
}

struct str app_lines(struct gen *g, int64_t from)
{
    struct log l = { 0 };
    struct chance keep = g->rng;
    application(g, &l, LOG_FROM, LOG_TO);
    g->rng = keep;
    return plain_lines(g, &l, from);
}

void weblog(struct gen *g, const char *root)
{
    struct log web = { 0 }, app = { 0 };
    size_t n = web_log(g, &web);
    fact_n(g, "story.attacker_web_requests", n);
    fact_n(g, "story.scanner_web_requests", 3 * 64);
    application(g, &app, LOG_FROM, LOG_TO);
    export_stream(g, root, APP1_ID "-app", &app);
    export_stream(g, root, APP1_ID "-nginx-access", &web);
    file_write(root, EXPORTED "aws-logs-write-test",
               str_from("Permission Check Successful"));
    file_write(
        root, "cloudwatch/describe-export-tasks.json",
        str_from(js(g, "{\n  'exportTasks': [\n    {\n      'taskId': '" TASK
                       "',\n      'taskName': 'incident-app-web',\n      "
                       "'logGroupName': '/app/web',\n      'from': "
                       "1773014400000,\n      'to': 1773273600000,\n      "
                       "'destination': 'corp-evidence-" ACCOUNT
                       "',\n      'destinationPrefix': 'exportedlogs',\n      "
                       "'status': {\n        'code': 'COMPLETED',\n        "
                       "'message': 'Completed successfully'\n      },\n      "
                       "'executionInfo': {\n        'creationTime': "
                       "1773204933412,\n        'completionTime': "
                       "1773204951097\n      }\n    }\n  ]\n}\n")));
}

/* ---- the host's messages
 * -------------------------------------------------------- */

static void host(struct gen *g, struct log *l, int64_t t, int ms,
                 const char *what)
{
    add(l, t, ms,
        text(g, "Mar %d %02d:%02d:%02d app-01 %s", day_of(t), minute_of(t) / 60,
             minute_of(t) % 60, second_of(t), what));
}

static void quiet_host(struct gen *g, struct log *l)
{
    for (int minute = 1; minute < 4 * 60 + 40; minute += 60) {
        int64_t t = at(11, 0, minute, 1);
        host(g, l, t, 12, "crond[82]: (root) CMD (run-parts /etc/cron.hourly)");
        host(g, l, t + 1400, 301,
             "systemd[1]: Starting logrotate.service - Rotate log files...");
        host(g, l, t + 1401, 77,
             "systemd[1]: logrotate.service: Deactivated successfully.");
    }
}

static void dropped_on_host(struct gen *g, struct log *l)
{
    static const struct {
        int minute, second, ms; /* after 03:00 */
        const char *what;
    } rows[] = {
        { 20, 14, 611,
          "amazon-ssm-agent[84]: INFO [ssm-document-worker] [" SEND_DROP
          "] document execution started" },
        { 20, 17, 340,
          "amazon-ssm-agent[84]: INFO [ssm-document-worker] [" SEND_DROP
          "] document execution finished, status Success" },
        { 21, 1, 20, "crond[82]: (*system*) RELOAD (/etc/cron.d/sysupd)" },
        { 30, 1, 55, "crond[82]: (root) CMD (/usr/local/bin/.sysupd)" },
        { 30, 1, 71,
          "crond[82]: (root) CMDOUT (/bin/sh: line 1: "
          "/usr/local/bin/.sysupd: No such file or directory)" },
        { 33, 18, 204, "systemd[1]: Reloading." },
        { 33, 18, 890,
          "systemd[1]: Started sysupd.timer - System update check." },
        { 40, 1, 61, "crond[82]: (root) CMD (/usr/local/bin/.sysupd)" },
        { 40, 1, 80,
          "crond[82]: (root) CMDOUT (/bin/sh: line 1: "
          "/usr/local/bin/.sysupd: No such file or directory)" },
        { 91, 8, 930,
          "amazon-ssm-agent[84]: INFO [ssm-document-worker] [" SEND_DUMP
          "] document execution started" },
        { 97, 52, 410,
          "amazon-ssm-agent[84]: INFO [ssm-document-worker] [" SEND_DUMP
          "] document execution finished, status Success" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        host(g, l, at(11, 3, rows[i].minute, rows[i].second), rows[i].ms,
             rows[i].what);
}

void hostlog(struct gen *g, const char *root)
{
    struct log l = { 0 };
    struct buf b = { 0 };
    quiet_host(g, &l);
    dropped_on_host(g, &l);
    sort(&l);
    g->rng = chance_of("host ids", 0);
    buf_putz(&b, "{\n  \"events\": [\n");
    for (size_t i = 0; i < l.n; i++)
        buf_putz(&b, js(g,
                        "    {\n      'logStreamName': '" APP1_ID
                        "',\n      'timestamp': %lld,\n      'message': '%s',\n"
                        "      'ingestionTime': %lld,\n      'eventId': "
                        "'3883%s'\n    }%s\n",
                        (long long)l.lines[i].ms, l.lines[i].text,
                        (long long)l.lines[i].ms + 4200 +
                            (long long)chance_below(&g->rng, 900),
                        letters(g, "0123456789", 52), i + 1 < l.n ? "," : ""));
    buf_putz(&b, "  ],\n  \"searchedLogStreams\": []\n}\n");
    const char *path = "cloudwatch/filter-log-events.json";
    file_write(root, path, buf_str(&b));
    buf_printf(&g->members, "%s\t%zu\t0\n", path, l.n);
    fact_n(g, "cloudwatch.filter-log-events.events", l.n);
    buf_free(&b);
    free(l.lines);
}
