/*
 * Files of syslog: messages, secure, auth.log, kern.log, cron and what else
 * rsyslog, syslog-ng and their forerunners write. Each line is an event; what
 * its message means says importers/meaning.h. Lines without a stamp belong to
 * the one before: messages with line ends in them.
 */
#include <stdlib.h>

#include "base/mask.h"
#include "importers/identify.h"
#include "importers/lines.h"
#include "importers/meaning.h"
#include "importers/syslog_line.h"

enum {
    PEEK = 64,            /* bytes that tell whether a line has a header */
    JOINED_MAX = 64 << 10 /* bytes of lines joined into one event */
};

struct reader {
    struct import_job *job;
    struct lines l;
    struct logtime time;
    struct syslog_day day, ahead; /* of this line; of the one after */
    struct refs refs;
    struct buf joined, masked;
    struct record rec;
    struct meaning meaning;
};

static int mention(void *ctx, size_t off, unsigned kind, struct str v)
{
    struct reader *r = ctx;
    struct arn a;
    (void)off;
    if (kind == KIND_NONE || str_eq(v, r->rec.ip) || str_eq(v, r->rec.target) ||
        str_eq(v, r->rec.actor))
        return 0; /* is in a column */
    if (arn_parse(v, &a))
        identify_add(&r->refs, ROLE_MENTIONED, v);
    else
        refs_add(&r->refs, kind, ROLE_MENTIONED, v);
    return 0;
}

static void set_time(struct reader *r, const struct syslog_line *s,
                     uint64_t off)
{
    struct record *rec = &r->rec;
    if (s->bsd) {
        logtime_put(&r->time, &s->stamp, off, rec);
    } else if (s->timed) {
        rec->timed = true;
        rec->t = s->time.t;
        rec->t_zone = ZONE_EXPLICIT;
        rec->t_res = s->time.res;
        rec->flags |= s->time.leap ? EVENT_LEAP : 0;
    }
    if (rec->timed && rec->t.s < 631152000)
        rec->flags |= EVENT_IMPLAUSIBLE;
}

static int give(struct reader *r, struct str text)
{
    struct record *rec = &r->rec;
    buf_clear(&r->masked);
    if (mask_secrets(text, &r->masked)) {
        text = buf_str(&r->masked);
        rec->flags |= EVENT_SECRET;
    }
    if (r->masked.failed)
        return ERR_INTERNAL;
    rec->text = text;
    identify_text(text, mention, r);
    rec->refs = r->refs.v;
    rec->n_refs = r->refs.n;
    if (r->refs.cut)
        rec->flags |= EVENT_REFS_CUT;
    return sink_record(r->job->sink, rec);
}

/* whole: the line that s is of, and those that go on with it. */
static int one_event(struct reader *r, const struct syslog_line *s,
                     struct str whole, uint64_t off, size_t len, bool joined)
{
    struct meaning *m = &r->meaning;
    r->rec = (struct record){ .off = off,
                              .len = (uint32_t)len,
                              .service = s->program,
                              .severity = s->severity,
                              .flags = joined ? EVENT_CONTINUED : 0 };
    set_time(r, s, off);
    arena_reset(r->job->arena);
    meaning_of(s->program, s->message, r->job->arena, m);
    meaning_into(m, &r->rec);
    r->refs.n = 0;
    r->refs.cut = false;
    refs_add(&r->refs, KIND_HOST, ROLE_WHERE, s->host);
    for (size_t i = 0; i < m->n_refs; i++)
        refs_add(&r->refs, m->refs[i].kind, m->refs[i].role, m->refs[i].value);
    struct str text = m->text;
    if (text.n == 0) /* from the message to the end of all lines */
        text = str_sub(whole, (size_t)(s->message.p - whole.p), whole.n);
    return give(r, text);
}

/* A line that no stamp stands before: the log began in the middle. Or a part
 * of one that is too long. */
static int undated(struct reader *r, struct line line)
{
    r->rec = (struct record){ .off = line.off,
                              .len = (uint32_t)line.text.n,
                              .action = STR("log line"),
                              .flags = line.rest ? EVENT_CONTINUED : 0 };
    r->refs.n = 0;
    r->refs.cut = false;
    return give(r, line.text);
}

/* Does the next line go on with this one? *sure is false when the window ends
 * too early to say. */
static bool goes_on(struct reader *r, bool *sure)
{
    struct str next = window_rest(&r->l.w);
    struct syslog_line s;
    *sure = next.n >= PEEK || r->l.w.in->eof;
    if (next.n == 0 || next.p[0] == '\n' || next.p[0] == '\r' || next.p[0] == 0)
        return false;
    const char *lf = memchr(next.p, '\n', next.n < PEEK ? next.n : PEEK);
    return !syslog_parse(str_sub(next, 0, lf ? (size_t)(lf - next.p) : PEEK),
                         &r->ahead, &s);
}

/* Joins the lines that go on with `line`, and gives them. */
static int join(struct reader *r, struct line line)
{
    struct syslog_line s;
    const uint64_t off = line.off;
    const size_t first = line.text.n;
    size_t end = first;
    bool sure, joined = false;
    buf_clear(&r->joined);
    buf_put(&r->joined, line.text);
    while (!line.part && r->joined.n < JOINED_MAX) {
        lines_peek(&r->l); /* reads on, so that goes_on() is sure */
        if (!goes_on(r, &sure) || lines_next(&r->l, &line))
            break;
        buf_putc(&r->joined, '\n');
        buf_put(&r->joined, line.text);
        end = (size_t)(line.off - off) + line.text.n;
        joined = true;
    }
    if (r->joined.failed)
        return ERR_INTERNAL;
    struct str whole = buf_str(&r->joined);
    if (!syslog_parse(str_sub(whole, 0, first), &r->day, &s))
        return ERR_INTERNAL;
    return one_event(r, &s, whole, off, end, joined);
}

static int read_lines(struct reader *r)
{
    struct line line;
    struct syslog_line s;
    bool sure;
    int rc;
    while ((rc = lines_next(&r->l, &line)) == 0) {
        if (line.text.n == 0)
            continue;
        if (line.rest || !syslog_parse(line.text, &r->day, &s))
            rc = undated(r, line);
        else if (!line.part && (goes_on(r, &sure) || !sure))
            rc = join(r, line);
        else
            rc = one_event(r, &s, line.text, line.off, line.text.n, false);
        if (rc)
            return rc;
    }
    return rc;
}

static int import(struct import_job *job, struct err *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(err, ERR_INTERNAL, "out of memory");
    r->job = job;
    int rc = logtime_open(&r->time, job, syslog_stamp);
    lines_open(&r->l, job);
    if (rc == 0)
        rc = lines_end(&r->l, read_lines(r));
    logtime_close(&r->time);
    buf_free(&r->joined);
    buf_free(&r->masked);
    free(r);
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

/* ---- recognition --------------------------------------------------------- */

static const char *const paths[] = { "var/log/auth.log*",
                                     "var/log/cron",
                                     "var/log/cron-*",
                                     "var/log/cron.*",
                                     "var/log/daemon.log*",
                                     "var/log/debug*",
                                     "var/log/kern.log*",
                                     "var/log/mail.*",
                                     "var/log/maillog*",
                                     "var/log/messages*",
                                     "var/log/secure*",
                                     "var/log/syslog*",
                                     "var/log/ufw.log*",
                                     "var/log/user.log*",
                                     "var/log/haproxy.log*",
                                     "var/log/sudo.log*",
                                     NULL };

/* How sure one line makes: a host and a program with its colon are rarely by
 * chance; a stamp alone is no more than that. */
static int line_says(struct str line)
{
    struct syslog_line s;
    struct syslog_day day = { .known = false };
    if (!syslog_parse(line, &day, &s))
        return 0;
    bool host = s.host.n && s.host.p[s.host.n - 1] != ':';
    bool sentence = s.host.n && s.message.n; /* "HOST text", as daemons log */
    if (s.program.n && (host || s.priority >= 0 || s.severity))
        return s.bsd || s.time.offset_min || s.time.res != 3 ? 85 : 70;
    return s.plain || (s.bsd && host && sentence) ? 40 : 0;
}

static int probe(struct probe *p)
{
    struct str head = p->head;
    int best = 0;
    bool named = path_like_any(p->path, paths);
    for (int i = 0; i < 16 && head.n; i++) {
        const char *lf = memchr(head.p, '\n', head.n);
        size_t n = lf ? (size_t)(lf - head.p) : head.n;
        int says = line_says(str_sub(head, 0, n));
        best = says > best ? says : best;
        if (i == 0 && says == 0 && !named && head.p[0] != '-')
            return 0; /* "-- Journal begins at" is let pass */
        head = str_sub(head, n + 1, head.n);
    }
    if (best == 0)
        return 0;
    p->reason = "lines of syslog";
    return named && best >= 40 ? 88 : best;
}

const struct importer importers_syslog = {
    .name = "syslog",
    .title = "syslog",
    .reads = "messages, secure, auth.log, kern.log, cron: RFC 3164, RFC 5424, "
             "rsyslog",
    .paths = paths,
    .probe = probe,
    .import = import,
};
