/*
 * The audit log of Linux (auditd.conf(5), RAW and ENRICHED): lines
 *
 *     [node=NAME ]type=TYPE msg=audit(SECONDS.MILLISECONDS:SERIAL): FIELDS
 *
 * Lines of one node, time and serial number are one event, also with those of
 * others between; an event ends with its PROCTITLE or EOE, or when lines are
 * two seconds ahead of it (as ausearch has it), or when OPEN newer events wait.
 * Events are given in the order of their first line. Nothing but the file
 * decides, so that the same bytes give the same events.
 */
#include "importers/auditd.h"
#include "importers/lines.h"

#include <stdlib.h>

enum {
    OPEN = 64,          /* events that are not whole yet */
    LINES = 2048,       /* of one event; an execve has up to ARG_MAX of text */
    KEPT = 8 << 20,     /* bytes of one event */
    STALE = 2,          /* seconds */
    KEPT_LONG = 1 << 16 /* given back after the event */
};

struct group {
    struct buf text;  /* its lines, one after the other */
    struct buf lines; /* struct audit_line, spans into text as offsets */
    struct buf starts;
    size_t key_n, node_n; /* of the first line, for comparison */
    char key[48];
    struct instant t;
    uint64_t off, end;
    size_t n;
    bool whole;
};

struct reader {
    struct import_job *job;
    struct group group[OPEN];
    unsigned first, open; /* a ring */
    struct buf text, masked;
    struct refs refs;
};

/* ---- lines --------------------------------------------------------------- */

static size_t digits(struct str s, size_t at, uint64_t *v)
{
    size_t n = 0;
    *v = 0;
    while (at + n < s.n && n < 18 && s.p[at + n] >= '0' && s.p[at + n] <= '9')
        *v = *v * 10 + (uint64_t)(s.p[at + n++] - '0');
    return n;
}

/* `audit(1700000000.123:456):` at s: its length, 0 when it is none. */
static size_t stamp(struct str s, struct audit_line *l)
{
    uint64_t sec, part, serial;
    size_t at = strlen("audit("), n;
    if (!str_starts(s, STR("audit(")) || (n = digits(s, at, &sec)) == 0)
        return 0;
    size_t key = at;
    at += n;
    if (at >= s.n || s.p[at] != '.' || (n = digits(s, at + 1, &part)) == 0 ||
        n > 3)
        return 0;
    at += n + 1;
    if (at >= s.n || s.p[at] != ':' || (n = digits(s, at + 1, &serial)) == 0)
        return 0;
    at += n + 1;
    l->key = str_sub(s, key, at - key);
    l->t.s = (int64_t)sec;
    l->t.ns = (uint32_t)part * 1000000u; /* printed as %03u */
    l->t_res = 3;
    if (at + 1 >= s.n || s.p[at] != ')' || s.p[at + 1] != ':')
        return 0;
    return at + 2;
}

bool audit_line(struct str s, struct audit_line *l)
{
    l->node = STR("");
    if (str_starts(s, STR("node="))) {
        const char *blank = memchr(s.p, ' ', s.n);
        if (!blank)
            return false;
        l->node = str_sub(s, 5, (size_t)(blank - s.p) - 5);
        s = str_sub(s, l->node.n + 6, s.n);
    }
    if (!str_starts(s, STR("type=")))
        return false;
    const char *blank = memchr(s.p, ' ', s.n < 80 ? s.n : 80);
    if (!blank || blank == s.p + 5)
        return false;
    l->type = str_sub(s, 5, (size_t)(blank - s.p) - 5);
    s = str_sub(s, l->type.n + 6, s.n);
    if (!str_starts(s, STR("msg=")))
        return false;
    size_t n = stamp(str_sub(s, 4, s.n), l);
    if (n == 0)
        return false;
    l->body = str_sub(s, 4 + n, s.n);
    l->is = audit_type(l->type);
    return true;
}

/* ---- groups -------------------------------------------------------------- */

static struct group *at(struct reader *r, unsigned i)
{
    return &r->group[(r->first + i) % OPEN];
}

static int give_first(struct reader *r)
{
    struct group *g = at(r, 0);
    struct audit_line *lines = (struct audit_line *)(void *)g->lines.p;
    const size_t *starts = (const size_t *)(const void *)g->starts.p;
    for (size_t i = 0; i < g->n; i++) {
        size_t end = i + 1 < g->n ? starts[i + 1] : g->text.n;
        /* the text may have moved while it grew */
        if (!audit_line(str_sub(buf_str(&g->text), starts[i], end - starts[i]),
                        &lines[i]))
            return ERR_INTERNAL;
    }
    struct audit_event e = {
        .job = r->job,
        .node = lines[0].node,
        .t = lines[0].t,
        .t_res = lines[0].t_res,
        .off = g->off,
        .end = g->end,
        .lines = lines,
        .n = g->n,
        .text = &r->text,
        .masked = &r->masked,
        .refs = &r->refs,
    };
    r->first = (r->first + 1) % OPEN;
    r->open--;
    int rc = audit_event(&e);
    if (g->text.cap > KEPT_LONG)
        buf_free(&g->text);
    return rc;
}

static int give_ready(struct reader *r, struct instant now)
{
    int rc = 0;
    while (rc == 0 && r->open &&
           (at(r, 0)->whole || at(r, 0)->t.s + STALE <= now.s))
        rc = give_first(r);
    return rc;
}

static bool same_event(const struct group *g, const struct audit_line *l)
{
    return g->key_n == l->key.n && memcmp(g->key, l->key.p, l->key.n) == 0 &&
           g->node_n == l->node.n &&
           (l->node.n == 0 || memcmp(g->text.p + 5, l->node.p, l->node.n) == 0);
}

static struct group *find(struct reader *r, const struct audit_line *l)
{
    for (unsigned i = r->open; i > 0; i--) {
        struct group *g = at(r, i - 1);
        if (same_event(g, l))
            return g->whole || g->n == LINES || g->text.n > KEPT ? NULL : g;
    }
    return NULL;
}

static struct group *begin(struct reader *r, const struct audit_line *l,
                           uint64_t off)
{
    struct group *g = at(r, r->open++);
    buf_clear(&g->text);
    buf_clear(&g->lines);
    buf_clear(&g->starts);
    g->node_n = l->node.n;
    g->key_n = l->key.n;
    memcpy(g->key, l->key.p, l->key.n);
    g->t = l->t;
    g->off = off;
    g->n = 0;
    g->whole = false;
    return g;
}

static int add(struct group *g, const struct audit_line *l, struct str s,
               uint64_t off)
{
    size_t start = g->text.n;
    buf_put(&g->text, s);
    buf_put(&g->starts, (struct str){ (const char *)&start, sizeof(start) });
    if (buf_reserve(&g->lines, sizeof(*l)))
        g->lines.n += sizeof(*l);
    g->n++;
    g->end = off + s.n;
    g->whole |= l->is->how == AUDIT_END || l->is->how == AUDIT_ALONE;
    return g->text.failed || g->starts.failed || g->lines.failed ? ERR_INTERNAL
                                                                 : 0;
}

static int one_line(struct reader *r, const struct line *line)
{
    struct audit_line l;
    if (line->part || line->rest || !audit_line(line->text, &l))
        return sink_reject(r->job->sink, line->off, line->text.n,
                           line->cut ? "audit-cut" : "audit-syntax",
                           "a line without type=.. msg=audit(TIME:SERIAL):");
    int rc = give_ready(r, l.t);
    struct group *g = rc ? NULL : find(r, &l);
    if (rc == 0 && !g && r->open == OPEN)
        rc = give_first(r);
    if (rc)
        return rc;
    if (!g && str_eq(l.type, STR("EOE")))
        return 0; /* of an event that was whole before */
    if (!g)
        g = begin(r, &l, line->off);
    rc = add(g, &l, line->text, line->off);
    return rc ? rc : give_ready(r, g->t);
}

/* ---- descriptor ---------------------------------------------------------- */

static int read_all(struct reader *r)
{
    struct lines l;
    struct line line;
    int rc;
    lines_open(&l, r->job);
    while ((rc = lines_next(&l, &line)) == 0) {
        if (line.text.n)
            rc = one_line(r, &line);
        if (rc)
            break;
    }
    while (rc == LINES_END && r->open) {
        int gave = give_first(r);
        rc = gave ? gave : rc;
    }
    return lines_end(&l, rc);
}

static int import(struct import_job *job, struct err *err)
{
    struct reader *r = calloc(1, sizeof(*r));
    if (!r)
        return err_set(err, ERR_INTERNAL, "out of memory");
    r->job = job;
    int rc = read_all(r);
    for (unsigned i = 0; i < OPEN; i++) {
        buf_free(&r->group[i].text);
        buf_free(&r->group[i].lines);
        buf_free(&r->group[i].starts);
    }
    buf_free(&r->text);
    buf_free(&r->masked);
    free(r);
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static int probe(struct probe *p)
{
    struct str s = window_text(p->head);
    for (unsigned i = 0; i < 100 && s.n; i++) {
        const char *lf = memchr(s.p, '\n', s.n);
        struct str line = str_sub(s, 0, lf ? (size_t)(lf - s.p) : s.n);
        struct audit_line l;
        p->reason = "lines of type=.. msg=audit(TIME:SERIAL):";
        if (audit_line(line, &l))
            return i == 0 ? 97 : 85;
        s = str_sub(s, line.n + 1, s.n);
    }
    return 0;
}

static const char *const paths[] = { "var/log/audit/*", "audit.log*", NULL };

const struct importer importers_auditd = {
    .name = "auditd",
    .title = "Linux audit log",
    .reads = "audit.log, raw and enriched: commands, logins, file accesses",
    .paths = paths,
    .probe = probe,
    .import = import,
};
