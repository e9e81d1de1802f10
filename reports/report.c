/* The report as a whole: what comes before the chapters, the chapters in
 * order, the file. */
#include "reports/report.h"

#include "reports/chapter.h"
#include "reports/head.h"

#include "config.h"

#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct chapter {
    const char *id;
    enum word title;
    chapter_fn *write;
} chapters[] = {
    { "case", W_CH_CASE, report_case },
    { "exhibits", W_CH_EXHIBITS, report_exhibits },
    { "custody", W_CH_CUSTODY, report_custody },
    { "method", W_CH_METHOD, report_method },
    { "accounting", W_CH_ACCOUNTING, report_accounting },
    { "coverage", W_CH_COVERAGE, report_coverage },
    { "limits", W_CH_LIMITS, report_limits },
    { "activity", W_CH_ACTIVITY, report_activity },
    { "entities", W_CH_ENTITIES, report_entities },
    { "hosts", W_CH_HOSTS, report_hosts },
    { "events", W_CH_EVENTS, report_events },
    { "links", W_CH_LINKS, report_links },
    { "searches", W_CH_SEARCHES, report_searches },
    { "issues", W_CH_ISSUES, report_issues },
    { "audit", W_CH_AUDIT, report_audit },
    { "verify", W_CH_VERIFY, report_verify },
    { "glossary", W_CH_GLOSSARY, report_glossary },
    { "files", W_FILES, report_files },
};
enum { CHAPTERS = sizeof(chapters) / sizeof(chapters[0]) };

#define CHAPTER(i) (1u << (i))
const struct report_template report_templates[] = {
    { "full", "every chapter", CHAPTER(CHAPTERS) - 1 },
    { "evidence", "exhibits, custody, accounting, coverage, issues",
      CHAPTER(0) | CHAPTER(1) | CHAPTER(2) | CHAPTER(3) | CHAPTER(4) |
          CHAPTER(5) | CHAPTER(6) | CHAPTER(13) | CHAPTER(14) | CHAPTER(15) |
          CHAPTER(17) },
    { "events", "the events listed, hosts, links and searches",
      CHAPTER(0) | CHAPTER(5) | CHAPTER(6) | CHAPTER(7) | CHAPTER(8) |
          CHAPTER(9) | CHAPTER(10) | CHAPTER(11) | CHAPTER(12) | CHAPTER(15) |
          CHAPTER(16) },
    { 0 },
};

const struct report_template *report_template_find(struct str name)
{
    for (const struct report_template *t = report_templates; t->name; t++)
        if (str_eq(str_from(t->name), name))
            return t;
    return NULL;
}

bool report_lang_from_name(struct str name, enum report_lang *out)
{
    for (unsigned i = 0; i < REPORT_LANGS; i++)
        if (str_eq(word_lang((enum report_lang)i), name)) {
            *out = (enum report_lang)i;
            return true;
        }
    return false;
}

/* ---- small things -------------------------------------------------------- */

static struct str numbered(const char *prefix, unsigned long long n)
{
    static _Thread_local char ring[8][24];
    static _Thread_local unsigned next;
    char *p = ring[next++ % 8];
    int used = snprintf(p, sizeof(ring[0]), "%s%llu", prefix, n);
    return (struct str){ p, (size_t)used };
}

struct str report_exhibit_name(int64_t no)
{
    return numbered("X", (unsigned long long)no);
}

struct str report_event_name(int64_t id)
{
    return numbered("E", (unsigned long long)id);
}

struct str report_number(uint64_t n)
{
    return numbered("", n);
}

void report_fact(struct report *r, enum word w, struct str value)
{
    html_word(&r->h, "dt", NULL, w);
    html_open(&r->h, "dd", NULL);
    if (value.n)
        html_value(&r->h, value);
    else
        html_word(&r->h, "span", "class=\"soft\"", W_NOT_STATED);
    html_close(&r->h);
}

/* ---- the time and the head of the report --------------------------------- */

static int find_head(struct report *r)
{
    struct head head;
    int rc = head_find(r->c, &head, r->err);
    if (rc)
        return rc;
    memcpy(r->chain_error, head.broken, sizeof(r->chain_error));
    r->head = head.audit;
    r->time = r->o->timed ? r->o->time : head.at;
    return 0;
}

/* ---- counting ------------------------------------------------------------ */

static int count_exhibit(void *ctx, const struct exhibit *e)
{
    struct report *r = ctx;
    r->exhibits++;
    r->unfinished += e->state != EXHIBIT_CLOSED;
    r->rejected += e->n_rejected;
    r->issues += e->n_issues;
    return 0;
}

static int count_member(void *ctx, const struct member *m)
{
    struct report *r = ctx;
    r->members++;
    r->unread += m->format.n == 0;
    return 0;
}

static int count_link(void *ctx, const struct link *l)
{
    struct report *r = ctx;
    (void)l;
    r->links++;
    return 0;
}

static int count_mark(void *ctx, const struct mark *m)
{
    struct report *r = ctx;
    r->marked += !m->undone && m->undoes == 0;
    return 0;
}

static int gather(struct report *r)
{
    int rc = case_get_info(r->c, &r->a, &r->info, r->err);
    if (rc == 0)
        rc = find_head(r);
    if (rc == 0)
        rc = case_span(r->c, &r->span, r->err);
    if (rc == 0)
        rc = case_exhibits(r->c, count_exhibit, r, r->err);
    if (rc == 0)
        rc = case_members(r->c, 0, count_member, r, r->err);
    if (rc == 0)
        rc = case_links(r->c, 0, count_link, r, r->err);
    if (rc == 0)
        rc = case_marks(r->c, MARK_BOOKMARK, 0, count_mark, r, r->err);
    return rc;
}

/* ---- the document -------------------------------------------------------- */

static void put_title(struct report *r)
{
    struct html *h = &r->h;
    html_open(h, "header", NULL);
    html_word(h, "p", "class=\"soft\"", W_REPORT);
    html_open(h, "h1", NULL);
    html_value(h, r->info.title.n    ? r->info.title
                  : r->info.number.n ? r->info.number
                                     : r->info.uuid);
    html_close(h);
    html_close(h);
}

static void put_contents(struct report *r, unsigned which)
{
    struct html *h = &r->h;
    html_open(h, "nav", NULL);
    html_word(h, "h2", NULL, W_CONTENTS);
    html_open(h, "ol", NULL);
    for (unsigned i = 0; i < CHAPTERS; i++) {
        if (!(which & CHAPTER(i)))
            continue;
        char href[40];
        snprintf(href, sizeof(href), "href=\"#%s\"", chapters[i].id);
        html_open(h, "li", NULL);
        html_word(h, "a", href, chapters[i].title);
        html_close(h);
    }
    html_close(h);
    html_close(h);
}

static int put_chapters(struct report *r, unsigned which)
{
    int rc = 0;
    unsigned number = 0;
    for (unsigned i = 0; i < CHAPTERS && rc == 0; i++) {
        if (!(which & CHAPTER(i)))
            continue;
        char id[40];
        snprintf(id, sizeof(id), "id=\"%s\"", chapters[i].id);
        html_open(&r->h, "section", id);
        html_open(&r->h, "h2", NULL);
        html_u64(&r->h, ++number);
        html_raw(&r->h, " ");
        html_text(&r->h, word_text(r->h.lang, chapters[i].title));
        html_close(&r->h);
        rc = report_tick(&r->o->ticker, i, CHAPTERS, r->err);
        if (rc == 0)
            rc = chapters[i].write(r);
        html_close(&r->h);
    }
    return rc;
}

static int put_document(struct report *r)
{
    const struct report_template *t =
        r->o->template ? r->o->template : report_templates;
    int rc = gather(r);
    if (rc)
        return rc;
    struct buf title = { 0 };
    buf_put(&title, word_text(r->h.lang, W_REPORT));
    buf_putz(&title, " – ");
    buf_put(&title, r->info.title.n ? r->info.title : r->info.uuid);
    html_begin(&r->h, buf_str(&title));
    buf_free(&title);
    put_title(r);
    put_contents(r, t->chapters);
    rc = put_chapters(r, t->chapters);
    if (rc)
        return rc;
    html_end(&r->h);
    return r->h.failed ? err_set(r->err, ERR_INTERNAL, "out of memory") : 0;
}

/* ---- the file ------------------------------------------------------------ */

static int make_dir(const char *dir, struct err *err)
{
    struct stat st;
    if (mkdir(dir, 0777) == 0)
        return 0;
    if (errno != EEXIST)
        return err_errno(err, ERR_WRITE, "%s", text_line(str_from(dir)));
    if (lstat(dir, &st) || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: is not a folder",
                       text_line(str_from(dir)));
    return 0;
}

static int keep_audit(struct report *r, const struct report_result *out)
{
    struct buf b = { 0 };
    struct json_out j = { .b = &b };
    json_put_open(&j, '{');
    json_put_kstr(&j, "head", str_from(r->head.hex));
    json_put_kstr(&j, "lang", word_lang(r->o->lang));
    json_put_kstr(&j, "sha256", str_from(out->sha256));
    json_put_ki64(&j, "size", (int64_t)out->size);
    json_put_kstr(&j, "template",
                  str_from(r->o->template ? r->o->template->name
                                          : report_templates->name));
    json_put_close(&j, '}');
    int rc = b.failed ? err_set(r->err, ERR_INTERNAL, "out of memory")
                      : case_audit(r->c, STR("report.write"),
                                   str_from(out->path), buf_str(&b), r->err);
    buf_free(&b);
    return rc;
}

/* The entry and the name appear together, as near as can be. */
static int settle(struct report *r, struct output *to,
                  struct report_result *out)
{
    int rc = output_finish(to, out->sha256, r->err);
    out->size = output_size(to);
    out->events = r->listed;
    out->head = r->head;
    if (rc || !r->o->audit)
        return rc ? rc : output_commit(to, r->err);
    rc = case_begin(r->c, r->err);
    if (rc)
        return rc;
    rc = keep_audit(r, out);
    if (rc == 0)
        rc = output_commit(to, r->err);
    if (rc)
        case_rollback(r->c);
    return rc ? rc : case_commit(r->c, r->err);
}

int report_write(struct casedb *c, const struct report_options *o,
                 struct report_result *out, struct err *err)
{
    struct err own = { 0 };
    struct output *to;
    memset(out, 0, sizeof(*out));
    struct report r = { .c = c, .o = o, .err = err ? err : &own };
    int n = snprintf(out->path, sizeof(out->path), "%s/report.html", o->dir);
    if (n < 0 || (size_t)n >= sizeof(out->path))
        return err_set(r.err, ERR_USAGE, "the folder's name is too long");
    int rc = make_dir(o->dir, r.err);
    if (rc == 0)
        rc = output_open(out->path, o->force, &to, r.err);
    if (rc)
        return rc;
    r.h.to = to;
    r.h.lang = o->lang;
    rc = put_document(&r);
    if (rc == 0)
        rc = settle(&r, to, out);
    output_close(to);
    buf_free(&r.h.b);
    arena_free(&r.a);
    return rc;
}
