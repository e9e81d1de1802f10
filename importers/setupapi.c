/*
 * setupapi.dev.log and its kin: what Windows installed for which device. A
 * section is one event, in local time:
 *
 *   >>>  [Device Install (..) - USB\VID_0781&PID_5581\4C53]
 *   >>>  Section start 2026/03/11 11:30:00.123
 *   <<<  Section end 2026/03/11 11:30:02.456
 *   <<<  [Exit status: SUCCESS]
 */
#include "importers/hosttime.h"
#include "importers/lines.h"

struct setup {
    struct import_job *job;
    struct buf title;
    struct buf status;
    struct record r;
    bool open, started;
};

/* "2026/03/11 11:30:00.123" at the end of a line, perhaps before a bracket. */
static bool stamp(struct str s, struct time_text *t)
{
    char text[24];
    if (s.n && s.p[s.n - 1] == ']')
        s.n--;
    if (s.n < 23)
        return false;
    s = str_sub(s, s.n - 23, 23);
    for (size_t i = 0; i < 23; i++)
        text[i] = s.p[i] == '/' ? '-' : s.p[i];
    return time_parse((struct str){ text, 23 }, t);
}

static struct str within(struct str s, const char *before)
{
    size_t n = str_from(before).n;
    s = str_trim(str_sub(s, n, s.n));
    return s.n && s.p[s.n - 1] == ']' ? str_sub(s, 0, s.n - 1) : s;
}

static int flush(struct setup *x)
{
    size_t at = str_find(buf_str(&x->title), STR(" - "));
    struct str status = buf_str(&x->status);
    if (!x->open)
        return 0;
    x->open = false;
    if (!x->started)
        return sink_reject(x->job->sink, x->r.off, x->r.len, "setup-section",
                           "a section without its start");
    x->r.action = STR("device installed");
    x->r.service = STR("SetupAPI");
    if (at != SIZE_MAX) {
        x->r.target = str_sub(buf_str(&x->title), at + 3, x->title.n);
        x->r.target_kind = KIND_RESOURCE;
    }
    if (str_starts(status, STR("FAILURE")))
        x->r.outcome = STR("failed");
    x->r.text = buf_str(&x->title);
    if (x->title.failed || x->status.failed)
        return ERR_INTERNAL;
    return sink_record(x->job->sink, &x->r);
}

static int boot(struct setup *x, const struct line *line)
{
    struct time_text t;
    struct record r = { .off = line->off,
                        .len = (uint32_t)line->text.n,
                        .action = STR("boot"),
                        .service = STR("SetupAPI"),
                        .text = line->text };
    if (!stamp(line->text, &t))
        return 0;
    record_time(x->job, &t, &r);
    return sink_record(x->job->sink, &r);
}

static int one_line(struct setup *x, const struct line *line)
{
    struct str s = line->text;
    struct time_text t;
    int rc = 0;
    if (str_starts(s, STR(">>>  ["))) {
        rc = flush(x);
        x->r = (struct record){ .off = line->off };
        buf_clear(&x->title);
        buf_clear(&x->status);
        buf_put(&x->title, str_sub(within(s, ">>>  ["), 0, 1000));
        x->open = true;
        x->started = false;
    } else if (str_starts(s, STR(">>>  Section start ")) && x->open &&
               !x->started && stamp(s, &t)) {
        record_time(x->job, &t, &x->r);
        x->started = true;
    } else if (str_starts(s, STR("[Boot Session: "))) {
        rc = boot(x, line);
    }
    if (x->open)
        x->r.len = (uint32_t)(line->off + s.n - x->r.off);
    if (!rc && str_starts(s, STR("<<<  [Exit status: "))) {
        buf_put(&x->status, within(s, "<<<  [Exit status: "));
        rc = flush(x);
    }
    return rc;
}

static int import(struct import_job *job, struct err *err)
{
    struct setup x = { .job = job };
    struct lines l;
    struct line line;
    int rc;
    (void)err;
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0)
        if (!line.rest && (rc = one_line(&x, &line)) != 0)
            break;
    if (rc == LINES_END && (rc = flush(&x)) == 0)
        rc = LINES_END;
    buf_free(&x.title);
    buf_free(&x.status);
    return lines_end(&l, rc);
}

static int probe(struct probe *p)
{
    if (!str_starts(window_text(p->head), STR("[Device Install Log]")) &&
        !str_starts(window_text(p->head), STR("[SetupAPI Log]")))
        return 0;
    p->reason = "begins as a log of SetupAPI";
    return 95;
}

static const char *const paths[] = { "(?i)setupapi*.log", NULL };

const struct importer importers_setupapi = {
    .name = "setupapi",
    .title = "Windows device installation log",
    .reads = "setupapi.dev.log of Windows Vista and later",
    .paths = paths,
    .probe = probe,
    .import = import,
};
