/*
 * What dnf wrote: /var/log/dnf.log, dnf.rpm.log, dnf.librepo.log, hawkey.log:
 * TIME LEVEL message, with an offset in the time; further lines of a message
 * have neither. docs/formats/host.md.
 */
#include "importers/lines.h"
#include "importers/packages.h"

enum { PROBE_LINES = 32 };

struct dnf {
    struct import_job *job;
    bool open;
    uint64_t off, end, more;
    struct time_text t;
    struct buf message, mask;
};

static struct str word(struct str *s)
{
    *s = str_trim(*s);
    const char *end = s->n ? memchr(s->p, ' ', s->n) : NULL;
    struct str w = str_sub(*s, 0, end ? (size_t)(end - s->p) : s->n);
    *s = str_sub(*s, w.n, s->n);
    return w;
}

static bool is_level(struct str w)
{
    static const char *const levels[] = { "CRITICAL", "ERROR",  "WARNING",
                                          "WARN",     "INFO",   "DEBUG",
                                          "TRACE",    "DDEBUG", "SUBDEBUG" };
    if (str_ends(w, STR(":")))
        w.n--;
    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
        if (str_eq(w, str_from(levels[i])))
            return true;
    return false;
}

/* TIME [PID] LEVEL message; the time is one word or two. */
static bool split(struct str line, struct time_text *t, struct str *message)
{
    struct str s = line, w = word(&s);
    if (!time_parse(w, t)) {
        struct str clock = word(&s);
        struct str both =
            str_sub(line, (size_t)(w.p - line.p), w.n + 1 + clock.n);
        if (clock.n == 0 || !time_parse(both, t))
            return false;
    }
    w = word(&s);
    if (w.n > 2 && w.p[0] == '[')
        w = word(&s);
    if (!is_level(w))
        return false;
    *message = str_trim(s);
    return true;
}

/* "Installed: NEVRA", "Command: dnf install x" */
static void say_what(struct dnf *d, struct record *r, struct str m)
{
    struct str rest = m, verb = word(&rest);
    struct package_name name;
    rest = str_trim(rest);
    r->action = STR("log line");
    if (str_eq(verb, STR("Command:"))) {
        r->action = STR("command");
        m = rest;
    } else if (str_ends(verb, STR(":")) && rest.n &&
               !memchr(rest.p, ' ', rest.n) && package_action(verb).n &&
               package_nevra(rest, &name)) {
        r->action = package_action(verb);
        r->target = name.name;
        r->target_kind = KIND_PACKAGE;
    }
    r->text = package_masked(m, &d->mask, &r->flags);
}

static int tell(struct dnf *d)
{
    struct record r;
    if (!d->open)
        return 0;
    d->open = false;
    package_record(d->job, STR("dnf"), &d->t, d->off, d->end - d->off, &r);
    say_what(d, &r, buf_str(&d->message));
    if (d->more)
        r.flags |= EVENT_CONTINUED;
    return sink_record(d->job->sink, &r);
}

static int take_line(struct dnf *d, const struct line *l)
{
    struct time_text t;
    struct str message;
    if (!l->rest && split(l->text, &t, &message)) {
        int rc = tell(d);
        if (rc)
            return rc;
        d->open = true;
        d->more = 0;
        d->off = l->off;
        d->t = t;
        buf_clear(&d->message);
        buf_put(&d->message, str_sub(message, 0, 4096));
    } else if (!d->open) {
        return str_trim(l->text).n == 0
                   ? 0
                   : sink_reject(d->job->sink, l->off, l->text.n, "dnf-line",
                                 "not a time, a level and a message");
    } else if (l->off + l->text.n - d->off > UINT32_MAX) {
        return sink_reject(d->job->sink, l->off, l->text.n, "dnf-line",
                           "a message of more than 4 GiB");
    } else if (str_trim(l->text).n) {
        d->more++;
        if (d->message.n < 2048) {
            buf_putc(&d->message, '\n');
            buf_put(&d->message, str_sub(str_trim(l->text), 0, 1024));
        }
    }
    d->end = l->off + l->text.n;
    return 0;
}

static int import(struct import_job *job, struct err *err)
{
    struct dnf d = { .job = job };
    struct lines l;
    struct line line;
    int rc;
    (void)err;
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0)
        if ((rc = take_line(&d, &line)))
            break;
    if (rc == LINES_END) {
        int stop = tell(&d);
        rc = stop ? stop : rc;
    }
    buf_free(&d.message);
    buf_free(&d.mask);
    return lines_end(&l, rc);
}

static const char *const paths[] = { "var/log/dnf.log",
                                     "var/log/dnf.log.*",
                                     "var/log/dnf.log-*",
                                     "var/log/dnf.rpm.log",
                                     "var/log/dnf.rpm.log.*",
                                     "var/log/dnf.rpm.log-*",
                                     "var/log/dnf.librepo.log",
                                     "var/log/dnf.librepo.log.*",
                                     "var/log/dnf.librepo.log-*",
                                     "var/log/hawkey.log",
                                     "var/log/hawkey.log.*",
                                     "var/log/hawkey.log-*",
                                     "var/log/dnf5.log",
                                     "var/log/dnf5.log.*",
                                     NULL };

/* A file that was rotated may begin within a message. */
static bool begins(struct str head)
{
    struct time_text t;
    struct str message, rest = window_text(head);
    for (int i = 0; i < PROBE_LINES && rest.n; i++) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        struct str line = str_sub(rest, 0, lf ? (size_t)(lf - rest.p) : rest.n);
        if (split(line, &t, &message))
            return true;
        rest = str_sub(rest, line.n + 1, rest.n);
    }
    return false;
}

static int probe(struct probe *p)
{
    struct str name = path_base(p->path);
    bool named =
        str_starts(name, STR("dnf")) || str_starts(name, STR("hawkey"));
    if (!named || !begins(p->head))
        return 0;
    p->reason = "lines of a time, a level of dnf's and a message";
    return path_like_any(p->path, paths) ? 92 : 75;
}

const struct importer importers_dnf_log = {
    .name = "dnf-log",
    .title = "Logs of dnf",
    .reads = "/var/log/dnf.log, dnf.rpm.log, dnf.librepo.log, hawkey.log",
    .paths = paths,
    .probe = probe,
    .import = import,
};
