/*
 * PowerShell on disk: what was typed (ConsoleHost_history.txt, without times)
 * and transcripts of sessions. Heads of transcripts are in the language of the
 * host, so that their lines are known by their order.
 */
#include "base/mask.h"
#include "importers/hosttime.h"
#include "importers/identify.h"
#include "importers/lines.h"
#include "importers/windows.h"

#define STARS "**********************"

struct shell {
    struct import_job *job;
    struct buf text, masked, user, host;
    struct refs refs;
    bool has_time;
    struct time_text time; /* of the command at hand */
};

static void shell_free(struct shell *x)
{
    buf_free(&x->text);
    buf_free(&x->masked);
    buf_free(&x->user);
    buf_free(&x->host);
}

static int add_ref(void *ctx, size_t off, unsigned kind, struct str value)
{
    struct shell *x = ctx;
    (void)off;
    refs_add(&x->refs, kind, ROLE_MENTIONED, value);
    return 0;
}

static int emit(struct shell *x, struct record *r)
{
    struct str text = buf_str(&x->text);
    x->refs.n = 0;
    x->refs.cut = false;
    buf_clear(&x->masked);
    if (mask_secrets(text, &x->masked)) {
        text = buf_str(&x->masked);
        r->flags |= EVENT_SECRET;
    }
    if (x->host.n)
        refs_add(&x->refs, KIND_HOST, ROLE_WHERE, buf_str(&x->host));
    identify_text(text, add_ref, x);
    r->service = STR("PowerShell");
    r->actor = buf_str(&x->user);
    r->actor_kind = r->actor.n ? KIND_HOST_USER : 0;
    r->text = text;
    r->refs = x->refs.v;
    r->n_refs = x->refs.n;
    if (x->refs.cut)
        r->flags |= EVENT_REFS_CUT;
    if (x->text.failed || x->masked.failed || x->user.failed || x->host.failed)
        return ERR_INTERNAL;
    return sink_record(x->job->sink, r);
}

/* ---- history ------------------------------------------------------------- */

enum { COMMAND_MAX = 256 << 10 };

/* A command of several lines has a ` at the end of each but the last. */
static int import_history(struct import_job *job, struct err *err)
{
    struct shell x = { .job = job };
    struct lines l;
    struct line line;
    struct record r = { 0 };
    bool goes_on = false;
    int rc;
    (void)err;
    struct str user = windows_user(job->name);
    buf_put(&x.user, user);
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0) {
        if (!goes_on) {
            r = (struct record){ .off = line.off, .action = STR("command") };
            buf_clear(&x.text);
        }
        bool more = line.text.n && line.text.p[line.text.n - 1] == '`' &&
                    x.text.n < COMMAND_MAX;
        if (goes_on)
            r.flags |= EVENT_CONTINUED;
        buf_put(&x.text, str_sub(line.text, 0, line.text.n - more));
        if (more)
            buf_putc(&x.text, '\n');
        goes_on = more;
        r.len = (uint32_t)(line.off + line.text.n - r.off);
        if (!more && x.text.n && (rc = emit(&x, &r)) != 0)
            break;
    }
    if (rc == LINES_END && goes_on && (rc = emit(&x, &r)) == 0)
        rc = LINES_END;
    shell_free(&x);
    return lines_end(&l, rc);
}

static int probe_history(struct probe *p)
{
    struct str base = path_base(p->path);
    if (!str_ieq(base, STR("ConsoleHost_history.txt")) &&
        !(str_ends(base, STR("_history.txt")) &&
          str_ifind(p->path, STR("PSReadLine")) != SIZE_MAX))
        return 0;
    p->reason = "has the name of PowerShell's history";
    return 80;
}

/* ---- transcripts --------------------------------------------------------- */

/* "..: 20220721023749", local time. */
static bool stamp(struct str line, struct time_text *t)
{
    char text[16];
    struct str s = str_trim(line);
    if (s.n < 15 || s.p[s.n - 15] != ' ')
        return false;
    s = str_sub(s, s.n - 14, 14);
    for (size_t i = 0; i < 14; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    memcpy(text, s.p, 8);
    text[8] = 'T';
    memcpy(text + 9, s.p + 8, 6);
    text[15] = 'Z';
    if (!time_parse((struct str){ text, 16 }, t))
        return false;
    t->zone = ZONE_ASSUMED;
    return true;
}

static struct str after_colon(struct str line)
{
    size_t at = str_find(line, STR(": "));
    return at == SIZE_MAX ? STR("") : str_trim(str_sub(line, at + 2, line.n));
}

static bool is_stars(struct str line)
{
    return str_starts(line, STR(STARS));
}

/* Line n of the head, from 1. */
static void head_line(struct shell *x, unsigned n, struct str line)
{
    struct str v = after_colon(line);
    size_t blank = str_find(v, STR(" "));
    if (n == 2)
        x->has_time = stamp(line, &x->time);
    else if (n == 3)
        buf_put(&x->user, windows_base(v));
    else if (n >= 5 && x->host.n == 0 && str_find(v, STR("(")) != SIZE_MAX)
        buf_put(&x->host, str_sub(v, 0, blank));
    if (n >= 3 && v.n) {
        buf_putz(&x->text, x->text.n ? "; " : "");
        buf_put(&x->text, str_trim(line));
    }
}

static int transcript_event(struct shell *x, struct record *r,
                            const char *action)
{
    r->action = str_from(action);
    if (x->has_time)
        record_time(x->job, &x->time, r);
    return emit(x, r);
}

/* The command behind a prompt "PS C:\>"; empty: none. */
static struct str prompt(struct str line)
{
    size_t at = str_find(line, STR(">"));
    if (!str_starts(line, STR("PS ")) || at == SIZE_MAX)
        return STR("");
    return str_trim(str_sub(line, at + 1, line.n));
}

enum state { BEFORE, HEAD, BODY, ASIDE };

struct transcript {
    struct shell x;
    enum state state;
    unsigned n; /* lines of the head or block at hand */
    struct record r;
};

static int transcript_line(struct transcript *t, const struct line *line)
{
    struct shell *x = &t->x;
    struct str s = line->text;
    struct record r = { .off = line->off, .len = (uint32_t)s.n };
    int rc = 0;
    if (is_stars(s)) {
        if (t->state == HEAD) {
            t->r.len = (uint32_t)(line->off + s.n - t->r.off);
            rc = transcript_event(x, &t->r, "session opened");
        }
        x->has_time &= t->state == ASIDE;
        t->state = t->state == BEFORE ? HEAD : t->state == BODY ? ASIDE : BODY;
        t->n = 0;
        if (t->state == HEAD)
            t->r = r;
        return rc;
    }
    t->n++;
    if (t->state == HEAD)
        head_line(x, t->n, s);
    if (t->state == ASIDE) /* "Command start time", or the end */
        x->has_time = stamp(s, &x->time);
    if (t->state == ASIDE && t->n == 2) {
        buf_clear(&x->text);
        buf_putz(&x->text, "end of the transcript");
        rc = transcript_event(x, &r, "session closed");
    }
    if (t->state != BODY || prompt(s).n == 0)
        return rc;
    buf_clear(&x->text);
    buf_put(&x->text, prompt(s));
    rc = transcript_event(x, &r, "command");
    x->has_time = false; /* it was this command's */
    return rc;
}

static int import_transcript(struct import_job *job, struct err *err)
{
    struct transcript t = { .x = { .job = job } };
    struct lines l;
    struct line line;
    int rc;
    (void)err;
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0) {
        if (l.n == 1 && !line.rest) { /* a byte order mark may be there */
            struct str s = window_text(line.text);
            line.off += line.text.n - s.n;
            line.text = s;
        }
        if ((rc = transcript_line(&t, &line)) != 0)
            break;
    }
    shell_free(&t.x);
    return lines_end(&l, rc);
}

static int probe_transcript(struct probe *p)
{
    struct str head = str_sub(window_text(p->head), 0, 512);
    if (!is_stars(head) || !window_has(head, "PowerShell"))
        return 0;
    p->reason = "begins as a transcript of PowerShell";
    return 92;
}

static const char *const paths_history[] = { "(?i)psreadline/*_history.txt",
                                             NULL };
static const char *const paths_transcript[] = {
    "(?i)powershell_transcript.*.txt", NULL
};

const struct importer importers_powershell_history = {
    .name = "powershell-history",
    .title = "PowerShell history",
    .reads = "ConsoleHost_history.txt",
    .paths = paths_history,
    .probe = probe_history,
    .import = import_history,
};

const struct importer importers_powershell_transcript = {
    .name = "powershell-transcript",
    .title = "PowerShell transcript",
    .reads = "PowerShell_transcript.*.txt",
    .paths = paths_transcript,
    .probe = probe_transcript,
    .import = import_transcript,
};
