/*
 * /var/log/lastlog: the last login of each user, at the place of the user's
 * number: time u32, line[32], host[256] = 292 bytes, or 296 with a time of 64
 * bits. The file is as long as the highest number, hundreds of GiB where that
 * comes from a directory service, and nearly all of it a hole: zeros are passed
 * over block by block.
 */
#include <stdlib.h>

#include "base/varint.h"
#include "importers/identify.h"
#include "importers/window.h"

enum { SMALL = 292, LARGE = 296, STEP = 1 << 20 };

/* Bytes that are looked at, also where they are zero. */
static const uint64_t read_max = (uint64_t)64 << 30;

static bool is_zero(const char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Text up to its first NUL, and nothing after it. */
static bool padded(const char *p, size_t n, struct str *out)
{
    const char *nul = memchr(p, 0, n);
    *out = (struct str){ p, nul ? (size_t)(nul - p) : n };
    for (size_t i = 0; i < out->n; i++)
        if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
            return false;
    return is_zero(p + out->n, n - out->n);
}

struct entry {
    int64_t s;
    struct str line, host;
};

static bool decode(const char *p, size_t size, struct entry *e)
{
    size_t at = size - 288;
    e->s = at == 8 ? (int64_t)u64le(p) : (int64_t)u32le(p);
    bool line = padded(p + at, 32, &e->line);
    bool host = padded(p + at + 32, 256, &e->host);
    return line && host && e->s > 631152000 && e->s < INT64_C(4294967296);
}

struct fit {
    size_t told, good;
};

static struct fit fit_of(struct str s, size_t size)
{
    struct fit f = { 0 };
    struct entry e;
    for (size_t at = 0; at + size <= s.n; at += size)
        if (!is_zero(s.p + at, size)) {
            f.told++;
            f.good += decode(s.p + at, size, &e);
        }
    return f;
}

static size_t choose(struct str s, struct fit *f)
{
    struct fit small = fit_of(s, SMALL), large = fit_of(s, LARGE);
    bool is_large =
        large.good * (small.told + 1) > small.good * (large.told + 1);
    *f = is_large ? large : small;
    return is_large ? LARGE : SMALL;
}

static int one_login(struct import_job *job, const char *p, size_t size,
                     uint64_t off)
{
    struct entry e;
    struct record_ref ref;
    char tmp[46];
    struct buf b = { 0 };
    uint64_t uid = off / size;
    if (!decode(p, size, &e))
        return sink_reject(job->sink, off, size, "lastlog-record",
                           "user %llu: not a record of lastlog",
                           (unsigned long long)uid);
    struct record r = {
        .timed = true,
        .t = { e.s, 0 },
        .t_zone = ZONE_EXPLICIT,
        .off = off,
        .len = (uint32_t)size,
        .action = STR("login"),
    };
    arena_reset(job->arena);
    buf_printf(&b, "last login of user number %llu, on ",
               (unsigned long long)uid);
    buf_put(&b, e.line);
    if (e.host.n)
        buf_putz(&b, ", from ");
    buf_put(&b, e.host);
    r.text = buf_to_arena(&b, job->arena);
    if (identify_ip(e.host, tmp, &r.ip)) {
        r.ip = arena_copy(job->arena, r.ip);
    } else {
        r.ip = STR("");
        ref = (struct record_ref){ KIND_DOMAIN, ROLE_FROM, e.host };
        r.refs = &ref;
        r.n_refs = e.host.n && memchr(e.host.p, '.', e.host.n) ? 1 : 0;
    }
    return sink_record(job->sink, &r);
}

/* Records of a block at `base` of the member; *at: where the next begins. */
static int block(struct import_job *job, struct str s, size_t size,
                 uint64_t base, uint64_t *at)
{
    int rc = 0;
    while (rc == 0 && *at + size <= base + s.n) {
        const char *p = s.p + (*at - base);
        if (!is_zero(p, size))
            rc = one_login(job, p, size, *at);
        *at += size;
    }
    return rc;
}

/* Blocks of zeros are passed over as a whole; a record may lie over the edge
 * of two, so what is left of one stays. */
static int from_source(struct import_job *job, size_t size)
{
    struct source *src = job->in->src;
    char *p = malloc(STEP + LARGE);
    uint64_t at = 0, end = src->size < read_max ? src->size : read_max;
    struct err ignored;
    int rc = p ? 0 : ERR_INTERNAL;
    while (rc == 0 && at + size <= end) {
        size_t got = 0;
        if (source_read(src, at, p, STEP, &got, &ignored) || got < size)
            break;
        if (is_zero(p, got))
            at += got / size * size;
        else
            rc = block(job, (struct str){ p, got }, size, at, &at);
        sink_progress(job->sink, at);
    }
    free(p);
    if (rc == 0 && src->size > end)
        rc = sink_issue(job->sink, ISSUE_WARNING, end, src->size - end,
                        "lastlog-long",
                        "longer than is looked at: users from number %llu on "
                        "were not read",
                        (unsigned long long)(end / size));
    return rc;
}

static int import(struct import_job *job, struct err *err)
{
    struct input *in = job->in;
    struct fit fit;
    uint64_t at = 0;
    bool whole = in->base == 0 && in->eof;
    size_t size = choose((struct str){ in->p, in->n }, &fit);
    uint64_t total = whole ? in->n : in->src->size;
    if (fit.told == 0 && total % SMALL && total % LARGE == 0)
        size = LARGE; /* its users are farther on */
    int rc = whole ? block(job, (struct str){ in->p, in->n }, size, 0, &at)
                   : from_source(job, size);
    if (rc == 0 && total % size)
        rc = sink_reject(job->sink, total - total % size, total % size,
                         "lastlog-cut", "the last record is cut");
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static const char *const paths[] = { "var/log/lastlog", NULL };

static int probe(struct probe *p)
{
    struct fit fit;
    bool named = str_eq(path_base(p->path), STR("lastlog"));
    size_t size = choose(p->head, &fit);
    if (p->size < SMALL || (!named && (p->size % size || fit.told == 0)))
        return 0;
    p->reason = "records of lastlog";
    if (named)
        return fit.good * 2 >= fit.told ? 91 : 0;
    return fit.good == fit.told ? 70 : 0;
}

const struct importer importers_lastlog = {
    .name = "lastlog",
    .title = "lastlog",
    .reads = "the last login of each user",
    .paths = paths,
    .probe = probe,
    .import = import,
};
