/*
 * Logs of the agents that set up Windows instances: EC2Launch v2
 * ("2026-03-09 00:10:05 Info: text"), EC2Launch ("2026/03/09 00:10:05Z: text")
 * and EC2Config ("2026-03-09T00:10:05.123Z: text"). Lines without a time go on
 * from the one before: output of user data.
 */
#include "base/mask.h"
#include "importers/hosttime.h"
#include "importers/identify.h"
#include "importers/lines.h"

enum { TEXT_MAX = 4000, RECORD_MAX = 1 << 20 };

struct launch {
    struct import_job *job;
    struct buf text, masked;
    struct refs refs;
    struct record r;
    bool open; /* a record is being put together */
};

/* Bytes of the time in front of a line, with what ends it; 0: none. */
static size_t stamp(struct str line, struct time_text *t)
{
    char text[40];
    size_t n = 0;
    while (n < line.n && n < sizeof text - 1 &&
           ((line.p[n] >= '0' && line.p[n] <= '9') ||
            (n == 10 && line.p[n] == ' ') ||
            memchr("-/:.TZ,", line.p[n], 7) != NULL)) {
        text[n] = line.p[n] == '/' ? '-' : line.p[n];
        n++;
    }
    size_t whole = n;
    if (n && text[n - 1] == ':')
        n--;
    if (n < 19 || !time_parse((struct str){ text, n }, t))
        return 0;
    while (whole < line.n && line.p[whole] == ' ')
        whole++;
    return whole;
}

static int add_ref(void *ctx, size_t off, unsigned kind, struct str value)
{
    struct launch *x = ctx;
    (void)off;
    refs_add(&x->refs, kind, ROLE_MENTIONED, value);
    return 0;
}

/* "Error: ..": the level's words in front. */
static uint8_t severity_of(struct str s)
{
    return str_starts(s, STR("Error"))     ? 3
           : str_starts(s, STR("Warning")) ? 2
                                           : 0;
}

static int flush(struct launch *x)
{
    struct str text = buf_str(&x->text);
    if (!x->open)
        return 0;
    x->open = false;
    x->refs.n = 0;
    buf_clear(&x->masked);
    if (mask_secrets(text, &x->masked)) {
        text = buf_str(&x->masked);
        x->r.flags |= EVENT_SECRET;
    }
    identify_text(text, add_ref, x);
    x->r.text = str_sub(text, 0, TEXT_MAX);
    x->r.refs = x->refs.v;
    x->r.n_refs = x->refs.n;
    if (x->text.failed || x->masked.failed)
        return ERR_INTERNAL;
    return sink_record(x->job->sink, &x->r);
}

static bool about_user_data(struct str s)
{
    return str_ifind(s, STR("user data")) != SIZE_MAX ||
           str_ifind(s, STR("userdata")) != SIZE_MAX ||
           str_ifind(s, STR("user-data")) != SIZE_MAX;
}

static int one_line(struct launch *x, const struct line *line)
{
    struct time_text t;
    struct str s = str_trim(line->text);
    size_t n = line->rest ? 0 : stamp(line->text, &t);
    if (s.n == 0)
        return 0;
    if (n == 0 && x->open && x->text.n < RECORD_MAX) {
        buf_putc(&x->text, '\n');
        buf_put(&x->text, s);
        x->r.len = (uint32_t)(line->off + line->text.n - x->r.off);
        x->r.flags |= EVENT_CONTINUED;
        return 0;
    }
    int rc = flush(x);
    if (rc)
        return rc;
    s = str_trim(str_sub(line->text, n, line->text.n));
    buf_clear(&x->text);
    buf_put(&x->text, s);
    x->r = (struct record){ .off = line->off,
                            .len = (uint32_t)line->text.n,
                            .service = STR("EC2Launch"),
                            .action = about_user_data(s) ? STR("user data")
                                                         : STR("log line"),
                            .severity = severity_of(s) };
    if (n)
        record_time(x->job, &t, &x->r);
    x->open = true;
    return 0;
}

static int import(struct import_job *job, struct err *err)
{
    struct launch x = { .job = job };
    struct lines l;
    struct line line;
    int rc;
    (void)err;
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0)
        if ((rc = one_line(&x, &line)) != 0)
            break;
    if (rc == LINES_END && (rc = flush(&x)) == 0)
        rc = LINES_END;
    buf_free(&x.text);
    buf_free(&x.masked);
    return lines_end(&l, rc);
}

static const char *const paths[] = {
    "(?i)amazon/ec2launch/log/*.log",
    "(?i)ec2-windows/launch/log/*.log",
    "(?i)amazon/ec2configservice/logs/*.txt",
    NULL,
};

static int probe(struct probe *p)
{
    struct time_text t;
    struct str head = window_text(p->head);
    if (!path_like_any(p->path, paths) || stamp(head, &t) == 0)
        return 0;
    p->reason = "a time in front, and the path of EC2Launch's logs";
    return 85;
}

const struct importer importers_ec2launch = {
    .name = "ec2launch",
    .title = "EC2Launch or EC2Config log",
    .reads = "logs of EC2Launch v1 and v2 and of EC2Config",
    .paths = paths,
    .probe = probe,
    .import = import,
};
