/* Years of logs that do not tell them: found alike from one window and in
 * steps. The first byte says what bounds the years: the zone, the name of the
 * file and its time. */
#include "importers/logtime.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/zone.h"
#include "evidence/source.h"
#include "tests/fuzz/replay.h"

enum { ZONED = 1, ROTATED = 2, TIMED = 4, UNSET = 8 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* What is told is counted in the sink. */
struct told {
    unsigned issues, facts;
};

int sink_issue(struct sink *s, enum issue_severity severity, uint64_t off,
               uint64_t len, const char *code, const char *fmt, ...)
{
    struct told *told = (void *)s;
    (void)severity, (void)off, (void)len;
    must(code[0] && fmt[0]);
    told->issues++;
    return 0;
}

int sink_fact(struct sink *s, const char *name, struct str value)
{
    struct told *told = (void *)s;
    must(name[0] && value.n > 0);
    told->facts++;
    return 0;
}

/* Each line's time, as it is put into a record. */
static void times(struct logtime *t, struct str log, struct buf *out)
{
    for (size_t at = 0; at < log.n;) {
        struct str rest = str_sub(log, at, log.n);
        const char *lf = memchr(rest.p, '\n', rest.n);
        size_t n = lf ? (size_t)(lf - rest.p) : rest.n;
        struct record r = { 0 };
        struct stamp s;
        if (logtime_bsd(str_sub(rest, 0, n), &s)) {
            logtime_put(t, &s, at, &r);
            buf_printf(out, "%d %lld.%u %u\n", r.timed, (long long)r.t.s,
                       (unsigned)r.t.ns, (unsigned)r.flags);
        }
        at += n + 1;
    }
    /* Earlier lines may be asked for once more. */
    struct stamp first;
    struct record r = { 0 };
    if (logtime_bsd(log, &first))
        logtime_put(t, &first, 0, &r);
}

static struct told run(const struct import_job *job, struct str log,
                       struct buf *out)
{
    struct told told = { 0 };
    struct import_job mine = *job;
    struct logtime t;
    mine.sink = (void *)&told;
    must(logtime_open(&t, &mine, logtime_bsd) == 0);
    times(&t, log, out);
    logtime_close(&t);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, steps = { 0 };
    if (size == 0)
        return 0;
    uint8_t form = data[0];
    struct str log = { (const char *)data + 1, size - 1 };
    struct zone *z = form & ZONED
                         ? zone_open_rule(STR("EST5EDT,M3.2.0,M11.1.0"), NULL)
                         : NULL;
    struct source *src = source_open_memory(log, NULL);
    struct input in = { .p = log.p, .n = log.n, .eof = true, .src = src };
    struct import_job job = {
        .in = &in,
        .name = form & ROTATED ? STR("messages-20240106.gz") : STR("messages"),
        .has_modified = form & TIMED,
        .modified = { form & UNSET ? 20 : 1773360000, 0 },
        .zone = z,
    };
    must(src && (z || !(form & ZONED)));
    struct told a = run(&job, log, &whole);
    in.eof = false;
    in.n = log.n < 5 ? log.n : 5;
    struct told b = run(&job, log, &steps);
    must(a.issues == b.issues && a.facts == b.facts);
    must(str_eq(buf_str(&whole), buf_str(&steps)));
    buf_free(&whole);
    buf_free(&steps);
    source_close(src);
    zone_close(z);
    return 0;
}
