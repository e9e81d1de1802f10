/* What yum did: /var/log/yum.log, "Mon DD HH:MM:SS Installed: PACKAGE", in
 * local time and without a year. docs/formats/host.md. */
#include "importers/lines.h"
#include "importers/logtime.h"
#include "importers/packages.h"

enum { PROBE_LINES = 8 };

/* "Installed: PACKAGE"; false: not a line of yum's. */
static bool split(struct str line, struct stamp *s, struct str *verb,
                  struct str *package)
{
    size_t n = logtime_bsd(line, s);
    struct str rest = str_trim(str_sub(line, n, line.n));
    size_t colon = str_find(rest, STR(": "));
    if (n == 0 || colon == SIZE_MAX)
        return false;
    *verb = str_sub(rest, 0, colon);
    *package = str_trim(str_sub(rest, colon + 1, rest.n));
    return package_action(*verb).n != 0 && package->n;
}

static int take_line(struct import_job *job, struct logtime *t,
                     const struct line *l)
{
    struct stamp s;
    struct str verb, package;
    if (l->part || l->rest || !split(l->text, &s, &verb, &package))
        return sink_reject(job->sink, l->off, l->text.n, "yum-line",
                           "not a line of yum's log");
    struct record r;
    struct package_name name;
    package_record(job, STR("yum"), NULL, l->off, l->text.n, &r);
    logtime_put(t, &s, l->off, &r);
    package_nevra(package, &name);
    r.action = package_action(verb);
    r.target = name.name;
    r.target_kind = KIND_PACKAGE;
    r.text = str_sub(l->text, (size_t)(verb.p - l->text.p), l->text.n);
    return sink_record(job->sink, &r);
}

static int import(struct import_job *job, struct err *err)
{
    struct logtime t;
    struct lines l;
    struct line line;
    int rc = logtime_open(&t, job, logtime_bsd);
    (void)err;
    if (rc) {
        logtime_close(&t);
        return rc;
    }
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0) {
        rc = str_trim(line.text).n ? take_line(job, &t, &line) : 0;
        if (rc)
            break;
    }
    logtime_close(&t);
    return lines_end(&l, rc);
}

static const char *const paths[] = { "var/log/yum.log", "var/log/yum.log.*",
                                     "var/log/yum.log-*", NULL };

static int probe(struct probe *p)
{
    struct stamp s;
    struct str verb, package, rest = window_text(p->head);
    for (int i = 0; i < PROBE_LINES && rest.n; i++) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        struct str line = str_sub(rest, 0, lf ? (size_t)(lf - rest.p) : rest.n);
        if (split(line, &s, &verb, &package)) {
            p->reason = "lines of a time without a year and a word of yum's";
            return str_starts(path_base(p->path), STR("yum.log")) ? 95 : 70;
        }
        rest = str_sub(rest, line.n + 1, rest.n);
    }
    return 0;
}

const struct importer importers_yum_log = {
    .name = "yum-log",
    .title = "Log of yum",
    .reads = "/var/log/yum.log",
    .paths = paths,
    .probe = probe,
    .import = import,
};
