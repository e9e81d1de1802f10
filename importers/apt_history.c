/*
 * What apt did: /var/log/apt/history.log, one paragraph a transaction. Its
 * front is an event (the command line, who asked for it), and each package of
 * its lists is one with the place of its own words. term.log: the output of
 * the programs that ran, one event a run. Local time. docs/formats/host.md.
 */
#include "importers/lines.h"
#include "importers/packages.h"

struct history {
    struct import_job *job;
    bool open, told; /* in a paragraph; its front is an event */
    bool timed;
    struct time_text t;
    uint64_t off, end; /* of the front */
    struct buf command, user, text, mask;
    /* term.log */
    uint64_t lines;
};

/* ---- history.log --------------------------------------------------------- */

static bool field(struct str line, const char *name, struct str *value)
{
    struct str n = str_from(name);
    if (!str_starts(line, n) || line.n == n.n || line.p[n.n] != ':')
        return false;
    *value = str_trim(str_sub(line, n.n + 1, line.n));
    return true;
}

static void keep(struct buf *b, struct str s)
{
    buf_clear(b);
    buf_put(b, s);
}

/* "alice (1000)" */
static struct str user_of(const struct history *h)
{
    struct str s = buf_str(&h->user);
    size_t at = str_find(s, STR(" ("));
    return at == SIZE_MAX ? s : str_sub(s, 0, at);
}

static void record_of(const struct history *h, uint64_t off, size_t len,
                      struct record *r)
{
    package_record(h->job, STR("apt"), h->timed ? &h->t : NULL, off, len, r);
    r->actor = user_of(h);
    r->actor_kind = KIND_HOST_USER;
}

/* The front of the paragraph, once. */
static int tell_front(struct history *h)
{
    struct record r;
    if (!h->open || h->told)
        return 0;
    h->told = true;
    record_of(h, h->off, h->end - h->off, &r);
    r.action = STR("command");
    r.text = package_masked(buf_str(&h->command), &h->mask, &r.flags);
    if (r.text.n == 0)
        r.text = STR("no command line is stated");
    return sink_record(h->job->sink, &r);
}

/* One package of a list: "NAME:ARCH (VERSION, automatic)" or "(OLD, NEW)". */
static int tell_package(struct history *h, struct str action, struct str item,
                        uint64_t off)
{
    struct record r;
    struct package_name name;
    size_t open = str_find(item, STR(" ("));
    record_of(h, off, item.n, &r);
    package_dpkg(open == SIZE_MAX ? item : str_sub(item, 0, open), &name);
    r.action = action;
    r.target = name.name;
    r.target_kind = KIND_PACKAGE;
    r.text = item;
    return sink_record(h->job->sink, &r);
}

static int tell_list(struct history *h, struct str action, struct str list,
                     uint64_t off)
{
    int rc = tell_front(h);
    unsigned depth = 0;
    size_t from = 0;
    for (size_t i = 0; i <= list.n && rc == 0; i++) {
        char c = i < list.n ? list.p[i] : ',';
        depth += c == '(';
        depth -= c == ')' && depth;
        if (i < list.n && (c != ',' || depth))
            continue;
        while (from < i && list.p[from] == ' ')
            from++;
        if (i > from)
            rc = tell_package(h, action, str_sub(list, from, i - from),
                              off + from);
        from = i + 1;
    }
    return rc;
}

static int tell_error(struct history *h, const struct line *l, struct str what)
{
    struct record r;
    int rc = tell_front(h);
    record_of(h, l->off, l->text.n, &r);
    r.action = STR("log line");
    r.outcome = STR("failed");
    r.text = what;
    return rc ? rc : sink_record(h->job->sink, &r);
}

static int begin(struct history *h, const struct line *l, struct str value)
{
    int rc = tell_front(h);
    h->open = true;
    h->told = false;
    h->off = l->off;
    h->timed = package_time(value, &h->t);
    buf_clear(&h->command);
    buf_clear(&h->user);
    return rc;
}

static int take_field(struct history *h, const struct line *l)
{
    static const char *const lists[] = { "Install",   "Reinstall", "Upgrade",
                                         "Downgrade", "Remove",    "Purge" };
    struct str v, line = l->text;
    if (field(line, "Commandline", &v))
        keep(&h->command, v);
    else if (field(line, "Requested-By", &v))
        keep(&h->user, v);
    else if (field(line, "Error", &v))
        return tell_error(h, l, v);
    else if (field(line, "End-Date", &v))
        return tell_front(h);
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        if (field(line, lists[i], &v))
            return tell_list(h, package_action(str_from(lists[i])), v,
                             l->off + (uint64_t)(v.p - line.p));
    return 0;
}

static bool known_field(struct str line)
{
    size_t colon = 0;
    while (colon < line.n && line.p[colon] != ':')
        colon++;
    bool name = colon && colon < line.n && line.p[0] >= 'A' && line.p[0] <= 'Z';
    for (size_t i = 0; i < colon && name; i++)
        name = line.p[i] == '-' || (line.p[i] >= 'A' && line.p[i] <= 'z');
    return name;
}

static int history_line(struct history *h, const struct line *l)
{
    struct str v;
    if (str_trim(l->text).n == 0) {
        int rc = tell_front(h);
        h->open = false;
        return rc;
    }
    if (!l->part && !l->rest && field(l->text, "Start-Date", &v)) {
        int rc = begin(h, l, v);
        h->end = l->off + l->text.n;
        return rc;
    }
    if (l->part || l->rest || !h->open || !known_field(l->text))
        return sink_reject(h->job->sink, l->off, l->text.n, "apt-line",
                           h->open ? "not a field of a transaction"
                                   : "outside a transaction");
    if (!h->told && (str_starts(l->text, STR("Commandline:")) ||
                     str_starts(l->text, STR("Requested-By:"))))
        h->end = l->off + l->text.n;
    return take_field(h, l);
}

/* ---- term.log ------------------------------------------------------------ */

static int tell_run(struct history *h, struct str ended)
{
    struct record r;
    if (!h->open)
        return 0;
    h->open = false;
    package_record(h->job, STR("apt"), h->timed ? &h->t : NULL, h->off,
                   h->end - h->off, &r);
    buf_clear(&h->text);
    buf_printf(&h->text, "output of a run, %llu lines, ",
               (unsigned long long)h->lines);
    buf_putz(&h->text, ended.n ? "ended " : "its end is not there");
    buf_put(&h->text, ended);
    if (h->command.n) {
        buf_putz(&h->text, ": ");
        buf_put(&h->text, buf_str(&h->command));
    }
    r.action = STR("log line");
    r.text = package_masked(buf_str(&h->text), &h->mask, &r.flags);
    return sink_record(h->job->sink, &r);
}

static int term_line(struct history *h, const struct line *l)
{
    struct str v;
    uint64_t end = l->off + l->text.n;
    if (field(l->text, "Log started", &v)) {
        int rc = tell_run(h, STR_NONE);
        begin(h, l, v); /* tells nothing: no paragraph is open */
        h->told = true;
        h->lines = 0;
        h->end = end;
        return rc;
    }
    if (!h->open)
        return str_trim(l->text).n == 0
                   ? 0
                   : sink_reject(h->job->sink, l->off, l->text.n, "apt-line",
                                 "output outside a run");
    h->end = end;
    if (field(l->text, "Log ended", &v))
        return tell_run(h, v);
    h->lines += !l->rest;
    if (h->command.n == 0 && str_trim(l->text).n)
        keep(&h->command, str_sub(str_trim(l->text), 0, 256));
    return 0;
}

/* ---- both ---------------------------------------------------------------- */

static bool is_term(struct str head)
{
    return str_starts(str_trim(window_text(head)), STR("Log started:"));
}

static int import(struct import_job *job, struct err *err)
{
    struct history h = { .job = job };
    bool term = false, first = true;
    struct lines l;
    struct line line;
    int rc;
    (void)err;
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0) {
        if (first && str_trim(line.text).n) {
            first = false;
            term = is_term(line.text);
        }
        rc = term ? term_line(&h, &line) : history_line(&h, &line);
        if (rc)
            break;
    }
    if (rc == LINES_END) {
        int stop = term ? tell_run(&h, STR_NONE) : tell_front(&h);
        rc = stop ? stop : rc;
    }
    buf_free(&h.command);
    buf_free(&h.user);
    buf_free(&h.text);
    buf_free(&h.mask);
    return lines_end(&l, rc);
}

static const char *const paths[] = { "var/log/apt/history.log",
                                     "var/log/apt/history.log.*",
                                     "var/log/apt/term.log",
                                     "var/log/apt/term.log.*", NULL };

static int probe(struct probe *p)
{
    struct str head = str_trim(window_text(p->head)), v;
    bool history = field(head, "Start-Date", &v), term = is_term(head);
    const char *lf = head.n ? memchr(head.p, '\n', head.n) : NULL;
    struct time_text t;
    size_t name =
        history ? sizeof("Start-Date:") - 1 : sizeof("Log started:") - 1;
    if (!history && !term)
        return 0;
    if (lf)
        head.n = (size_t)(lf - head.p);
    if (!package_time(str_sub(head, name, head.n), &t))
        return 0;
    p->reason = history ? "a transaction of apt with its start"
                        : "the start of a run of apt";
    return 92;
}

const struct importer importers_apt_history = {
    .name = "apt-history",
    .title = "Transactions of apt",
    .reads = "/var/log/apt/history.log, term.log",
    .paths = paths,
    .probe = probe,
    .import = import,
};
