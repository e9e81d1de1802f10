/*
 * Scheduled tasks of Windows: one XML file each below System32/Tasks
 * (MS-TSCH 2.5). Read by a scanner of tags that keeps the path of elements;
 * entities are decoded, nothing else of XML is needed or followed.
 */
#include <stdio.h>

#include "base/mask.h"
#include "importers/hosttime.h"
#include "importers/identify.h"
#include "importers/window.h"
#include "importers/windows.h"

enum { TASK_MAX = 4 << 20, DEPTH = 32, SHOWN = 64 };

struct task {
    struct import_job *job;
    struct str open[DEPTH]; /* names of elements */
    size_t depth;
    struct buf text, masked, value;
    struct str author, user, uri, command, date;
    struct refs refs;
    unsigned shown;
};

/* ---- XML ----------------------------------------------------------------- */

static void decode(struct buf *out, struct str s)
{
    static const struct {
        const char *entity, *text;
    } known[] = { { "&lt;", "<" },
                  { "&gt;", ">" },
                  { "&amp;", "&" },
                  { "&quot;", "\"" },
                  { "&apos;", "'" } };
    for (size_t i = 0; i < s.n; i++) {
        bool done = false;
        for (size_t k = 0; s.p[i] == '&' && k < 5 && !done; k++) {
            struct str e = str_from(known[k].entity);
            done = str_starts(str_sub(s, i, s.n), e);
            if (done) {
                buf_putz(out, known[k].text);
                i += e.n - 1;
            }
        }
        if (!done)
            buf_putc(out, s.p[i]);
    }
}

static struct str name_of(struct str tag)
{
    size_t n = 0;
    while (n < tag.n && tag.p[n] > ' ' && tag.p[n] != '/')
        n++;
    return str_sub(tag, 0, n);
}

/* ---- what a task says ---------------------------------------------------- */

static const char *const shown[] = {
    "Command",       "Arguments",   "WorkingDirectory", "ClassId",
    "StartBoundary", "EndBoundary", "Interval",         "Delay",
    "Subscription",  "UserId",      "GroupId",          "RunLevel",
    "LogonType",     "Hidden",      "Enabled",          "Description",
};

static bool is_shown(struct str name)
{
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (str_eq(name, str_from(shown[i])))
            return true;
    return false;
}

static void put(struct task *t, struct str name, struct str value)
{
    if (t->shown++ >= SHOWN)
        return;
    buf_putz(&t->text, t->text.n ? "; " : "");
    buf_put(&t->text, name);
    buf_putc(&t->text, '=');
    buf_put(&t->text, value);
}

/* Text of an element that has no elements within. */
static void leaf(struct task *t, struct str name, struct str raw)
{
    buf_clear(&t->value);
    decode(&t->value, raw);
    struct str v = arena_copy(t->job->arena, str_trim(buf_str(&t->value)));
    if (!v.p || v.n == 0)
        return;
    if (str_eq(name, STR("Author")))
        t->author = v;
    else if (str_eq(name, STR("URI")))
        t->uri = v;
    else if (str_eq(name, STR("Date")))
        t->date = v;
    else if (str_eq(name, STR("UserId")) && t->user.n == 0)
        t->user = v;
    else if (str_eq(name, STR("Command")) && t->command.n == 0)
        t->command = v;
    if (is_shown(name))
        put(t, name, v);
}

static void opened(struct task *t, struct str name)
{
    struct str up = t->depth ? t->open[t->depth - 1] : STR("");
    if (str_eq(up, STR("Triggers"))) {
        buf_putz(&t->text, t->text.n ? "; " : "");
        buf_put(&t->text, name);
    }
    if (t->depth < DEPTH)
        t->open[t->depth++] = name;
}

/* False: no XML from some place on. */
static bool scan(struct task *t, struct str s)
{
    size_t at = 0, text = 0;
    bool is_leaf = false;
    while (at < s.n) {
        size_t lt = str_find(str_sub(s, at, s.n), STR("<"));
        if (lt == SIZE_MAX)
            return t->depth == 0;
        lt += at;
        size_t gt = str_find(str_sub(s, lt, s.n), STR(">"));
        if (gt == SIZE_MAX)
            return false;
        struct str tag = str_sub(s, lt + 1, gt - 1);
        at = lt + gt + 1;
        if (tag.n == 0 || tag.p[0] == '?' || tag.p[0] == '!')
            continue;
        if (tag.p[0] == '/') {
            struct str name = name_of(str_sub(tag, 1, tag.n));
            if (t->depth == 0 || !str_eq(name, t->open[t->depth - 1]))
                return false;
            if (is_leaf)
                leaf(t, name, str_sub(s, text, lt - text));
            t->depth--;
            is_leaf = false;
            continue;
        }
        if (t->depth == DEPTH)
            return false;
        opened(t, name_of(tag));
        is_leaf = true;
        text = at;
        if (tag.p[tag.n - 1] == '/') {
            t->depth--;
            is_leaf = false;
        }
    }
    return t->depth == 0;
}

/* ---- the record ---------------------------------------------------------- */

static int add_ref(void *ctx, size_t off, unsigned kind, struct str value)
{
    struct task *t = ctx;
    (void)off;
    refs_add(&t->refs, kind, ROLE_MENTIONED, value);
    return 0;
}

static int tell(struct task *t, size_t n)
{
    struct time_text when;
    struct record r = { .len = (uint32_t)n,
                        .action = STR("scheduled task"),
                        .service = STR("Task Scheduler"),
                        .target_kind = KIND_UNIT };
    r.target = t->uri.n ? t->uri : path_base(t->job->name);
    r.actor = windows_base(t->author.n ? t->author : t->user);
    r.actor_kind = r.actor.n ? KIND_HOST_USER : 0;
    if (time_parse(t->date, &when))
        record_time(t->job, &when, &r);
    struct str text = buf_str(&t->text);
    if (mask_secrets(text, &t->masked)) {
        text = buf_str(&t->masked);
        r.flags |= EVENT_SECRET;
    }
    if (t->command.n)
        refs_add(&t->refs, KIND_FILE, ROLE_MENTIONED,
                 windows_program(t->command));
    identify_text(text, add_ref, t);
    r.text = text;
    r.refs = t->refs.v;
    r.n_refs = t->refs.n;
    if (t->text.failed || t->masked.failed || t->value.failed)
        return ERR_INTERNAL;
    return sink_record(t->job->sink, &r);
}

static int import(struct import_job *job, struct err *err)
{
    struct input *in = job->in;
    struct task t = { .job = job };
    while (!in->eof && in->n <= TASK_MAX)
        if (input_more(in, 0))
            return err_set(err, ERR_INTERNAL, "out of memory");
    if (in->n > TASK_MAX || !in->eof)
        return sink_reject(job->sink, 0, in->n, "task-large",
                           "larger than any task");
    struct str s = { in->p, in->n };
    bool whole = scan(&t, s);
    int rc = whole ? tell(&t, s.n)
                   : sink_reject(job->sink, 0, s.n, "task-xml",
                                 "its XML is damaged or cut");
    buf_free(&t.text);
    buf_free(&t.masked);
    buf_free(&t.value);
    return rc;
}

static int probe(struct probe *p)
{
    struct str head = str_sub(window_text(p->head), 0, 1024);
    if (!window_has(head, "<Task ") ||
        !window_has(head, "schemas.microsoft.com/windows/2004/02/mit/task"))
        return 0;
    p->reason = "XML of a scheduled task";
    return 95;
}

static const char *const paths[] = { "(?i)windows/system32/tasks/**",
                                     "(?i)windows/syswow64/tasks/**", NULL };

const struct importer importers_scheduled_task = {
    .name = "scheduled-task",
    .title = "Windows scheduled task",
    .reads = "XML files of System32/Tasks",
    .paths = paths,
    .probe = probe,
    .import = import,
};
