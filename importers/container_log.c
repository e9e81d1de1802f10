/*
 * What containers wrote to their standard output and error, as the runtime
 * keeps it:
 *
 *     docker, json-file   {"log":"TEXT\n","stream":"stdout","time":"RFC 3339"}
 *     CRI                 RFC3339 stdout F TEXT
 *
 * Long lines come in parts: docker's have no line feed at their end, CRI's
 * have the tag P. They are joined, each stream for itself. Which container it
 * was stands in the path alone. A text that is a line of an access log is a
 * request.
 */
#include "base/json.h"
#include "importers/container.h"
#include "importers/hosttime.h"
#include "importers/lines.h"
#include "importers/web.h"

enum {
    JOINED_MOST = 256 << 10, /* a text of more parts begins a new record */
    STREAMS = 2
};

struct piece {
    struct time_text t;
    unsigned stream; /* 0 stdout, 1 stderr */
    bool whole;      /* the text ends here */
    struct str text;
};

struct joined {
    struct buf text;
    struct time_text t;
    uint64_t off, end;
    unsigned parts;
};

struct reader {
    struct cloudhost h;
    struct container_path of;
    struct joined open[STREAMS];
    struct web_text web;
};

/* ---- lines --------------------------------------------------------------- */

static bool stream_of(struct str s, unsigned *out)
{
    *out = str_eq(s, STR("stderr"));
    return *out || str_eq(s, STR("stdout"));
}

/* arena NULL: a probe, which needs no text. */
static bool docker(struct str line, struct arena *arena, struct piece *out)
{
    unsigned flags;
    struct str v;
    if (json_get(line, STR("stream"), &v, &flags) != JSON_STRING ||
        !stream_of(v, &out->stream) ||
        json_get(line, STR("time"), &v, &flags) != JSON_STRING ||
        !time_parse(v, &out->t) ||
        json_get(line, STR("log"), &v, &flags) != JSON_STRING)
        return false;
    out->text = STR_NONE;
    if (arena && !json_decode(v, arena, &out->text))
        return false;
    out->whole = str_ends(out->text, STR("\n"));
    out->text.n -= out->whole;
    if (str_ends(out->text, STR("\r")))
        out->text.n--;
    return true;
}

static struct str word(struct str *s)
{
    const char *blank = s->n ? memchr(s->p, ' ', s->n) : NULL;
    struct str w = str_sub(*s, 0, blank ? (size_t)(blank - s->p) : s->n);
    *s = str_sub(*s, w.n + 1, s->n);
    return w;
}

/* Tags are parted by colons, the first is P or F. */
static bool cri(struct str line, struct piece *out)
{
    struct str time = word(&line), stream = word(&line), tags = word(&line);
    bool partial = str_eq(str_sub(tags, 0, 1), STR("P"));
    if (!time_parse(time, &out->t) || !stream_of(stream, &out->stream) ||
        !(partial || str_eq(str_sub(tags, 0, 1), STR("F"))) ||
        (tags.n > 1 && tags.p[1] != ':'))
        return false;
    out->whole = !partial;
    out->text = line;
    return true;
}

static bool piece(struct str line, struct arena *arena, struct piece *out)
{
    return line.n && line.p[0] == '{' ? docker(line, arena, out)
                                      : cri(line, out);
}

/* ---- records ------------------------------------------------------------- */

static int give(struct reader *r, unsigned stream, const struct joined *j,
                struct str text)
{
    struct web_request w;
    struct record rec = { .off = j->off,
                          .len = (uint32_t)(j->end - j->off),
                          .action = STR("container log"),
                          .text = text,
                          .flags = j->parts > 1 ? EVENT_CONTINUED : 0 };
    struct time_text t = j->t;
    struct str line = str_trim(text);
    bool json = str_starts(line, STR("{"));
    cloudhost_begin(&r->h);
    if (json ? web_json(line, r->h.job->arena, &w)
             : web_line(line, r->h.job->arena, &w)) {
        if (!w.timed || w.t.zone == ZONE_ASSUMED)
            w.timed = false; /* the runtime's is better */
        if (!web_record(&r->h, &w, &r->web, &rec))
            return ERR_INTERNAL;
    } else {
        rec.target = r->of.id;
        rec.target_kind = KIND_CONTAINER;
        rec.outcome = STR_NONE;
    }
    if (!rec.timed)
        record_time(r->h.job, &t, &rec);
    container_refs(&r->h.refs, &r->of, rec.target_kind != KIND_CONTAINER);
    if (rec.service.n == 0)
        rec.service = r->of.name.n ? r->of.name : STR("container");
    (void)stream;
    return cloudhost_record(&r->h, &rec);
}

static int flush(struct reader *r, unsigned stream)
{
    struct joined *j = &r->open[stream];
    int rc = j->parts ? give(r, stream, j, buf_str(&j->text)) : 0;
    j->parts = 0;
    buf_clear(&j->text);
    return rc;
}

/* Parts may have those of the other stream between them: the place is from
 * the first to the last. */
static int take(struct reader *r, const struct piece *p, const struct line *l)
{
    struct joined *j = &r->open[p->stream];
    if (j->parts == 0 && p->whole) {
        struct joined one = {
            .t = p->t, .off = l->off, .end = l->off + l->text.n, .parts = 1
        };
        return give(r, p->stream, &one, p->text);
    }
    if (j->parts == 0) {
        j->t = p->t;
        j->off = l->off;
    }
    j->parts++;
    j->end = l->off + l->text.n;
    buf_put(&j->text, p->text);
    arena_reset(r->h.job->arena);
    if (j->text.failed)
        return ERR_INTERNAL;
    return p->whole || j->text.n > JOINED_MOST ? flush(r, p->stream) : 0;
}

static int one_line(struct reader *r, const struct line *l)
{
    struct piece p;
    if (!l->part && !l->rest && piece(l->text, r->h.job->arena, &p))
        return take(r, &p, l);
    arena_reset(r->h.job->arena);
    return sink_reject(r->h.job->sink, l->off, l->text.n,
                       l->cut ? "container-cut" : "container-line",
                       "not a line of a container's log");
}

static int read_all(struct reader *r)
{
    struct lines l;
    struct line line;
    int rc;
    lines_open(&l, r->h.job);
    while ((rc = lines_next(&l, &line)) == 0)
        if (line.text.n && (rc = one_line(r, &line)))
            break;
    for (unsigned i = 0; i < STREAMS && rc == LINES_END; i++) {
        int gave = flush(r, i);
        rc = gave ? gave : rc;
    }
    return lines_end(&l, rc);
}

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { 0 };
    cloudhost_open(&r.h, job, STR_NONE);
    container_of_path(job->name, &r.of);
    int rc = read_all(&r);
    cloudhost_close(&r.h);
    web_text_free(&r.web);
    for (unsigned i = 0; i < STREAMS; i++)
        buf_free(&r.open[i].text);
    return rc ? err_set(err, rc, "stopped") : 0;
}

/* ---- descriptor ---------------------------------------------------------- */

static const char *const paths[] = {
    "docker/containers/*/*-json.log*",
    "log/pods/*/*/*.log*",
    "log/containers/*.log*",
    "overlay-containers/*/userdata/ctr.log*",
    NULL,
};

static int probe(struct probe *p)
{
    struct str s = window_text(p->head);
    const char *lf = s.n ? memchr(s.p, '\n', s.n) : NULL;
    struct piece out;
    struct str line = str_sub(s, 0, lf ? (size_t)(lf - s.p) : s.n);
    bool known = piece(line, NULL, &out);
    p->reason = "lines of a time, a stream and a text, as container runtimes "
                "write them";
    if (path_like_any(p->path, paths))
        return known ? 95 : line.n > 4096 && line.p[0] == '{' ? 70 : 0;
    return known ? 80 : 0;
}

const struct importer importers_container_log = {
    .name = "container-log",
    .title = "Log of a container",
    .reads = "logs of docker (json-file), Kubernetes and podman (CRI)",
    .paths = paths,
    .probe = probe,
    .import = import,
};
