/* What dpkg did: /var/log/dpkg.log, one line an action or a change of state,
 * in local time (dpkg(1), --log). docs/formats/host.md. */
#include "importers/lines.h"
#include "importers/packages.h"

enum { STAMP = 19 };

static struct str word(struct str *s)
{
    *s = str_trim(*s);
    const char *end = s->n ? memchr(s->p, ' ', s->n) : NULL;
    struct str w = str_sub(*s, 0, end ? (size_t)(end - s->p) : s->n);
    *s = str_sub(*s, w.n, s->n);
    return w;
}

static bool is_verb(struct str w)
{
    static const char *const verbs[] = { "startup",   "status",    "install",
                                         "upgrade",   "configure", "trigproc",
                                         "disappear", "remove",    "purge",
                                         "conffile",  "unpack" };
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
        if (str_eq(w, str_from(verbs[i])))
            return true;
    return false;
}

static bool split(struct str line, struct time_text *t, struct str *verb,
                  struct str *rest)
{
    struct str s = str_sub(line, STAMP, line.n);
    if (!time_parse(str_sub(line, 0, STAMP), t))
        return false;
    *verb = word(&s);
    *rest = str_trim(s);
    return is_verb(*verb);
}

static int take_line(struct import_job *job, const struct line *l)
{
    struct time_text t;
    struct str verb, rest;
    if (l->part || l->rest || !split(l->text, &t, &verb, &rest))
        return sink_reject(job->sink, l->off, l->text.n, "dpkg-line",
                           "not a line of dpkg's log");
    struct record r;
    struct package_name name = { 0 };
    package_record(job, STR("dpkg"), &t, l->off, l->text.n, &r);
    r.action = package_action(verb);
    r.text = str_trim(str_sub(l->text, STAMP, l->text.n));
    if (str_eq(verb, STR("conffile"))) {
        r.target = word(&rest);
        r.target_kind = KIND_FILE;
    } else if (!str_eq(verb, STR("startup"))) {
        if (str_eq(verb, STR("status")))
            word(&rest); /* the state */
        package_dpkg(word(&rest), &name);
        r.target = name.name;
        r.target_kind = KIND_PACKAGE;
    }
    if (r.action.n == 0)
        r.action = STR("log line");
    return sink_record(job->sink, &r);
}

static int import(struct import_job *job, struct err *err)
{
    struct lines l;
    struct line line;
    int rc;
    (void)err;
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0) {
        rc = str_trim(line.text).n ? take_line(job, &line) : 0;
        if (rc)
            break;
    }
    return lines_end(&l, rc);
}

static const char *const paths[] = { "var/log/dpkg.log", "var/log/dpkg.log.*",
                                     "var/log/dpkg.log-*", NULL };

static int probe(struct probe *p)
{
    struct time_text t;
    struct str verb, rest, line = str_trim(window_text(p->head));
    const char *lf = line.n ? memchr(line.p, '\n', line.n) : NULL;
    if (lf)
        line.n = (size_t)(lf - line.p);
    if (!split(line, &t, &verb, &rest))
        return 0;
    p->reason = "lines of a time and a word of dpkg's";
    return str_starts(path_base(p->path), STR("dpkg.log")) ? 95 : 75;
}

const struct importer importers_dpkg_log = {
    .name = "dpkg-log",
    .title = "Log of dpkg",
    .reads = "/var/log/dpkg.log",
    .paths = paths,
    .probe = probe,
    .import = import,
};
