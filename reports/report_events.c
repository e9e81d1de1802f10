/*
 * The events listed: the bookmarked ones and those of the filter, in order of
 * time, each with its citation and what the examiner noted about it.
 */
#include "reports/chapter.h"

#include "analyzer/raw.h"
#include "reports/place.h"

#include <stdlib.h>

HTML_HEAD(event_head, NONE, W_TIME, W_EVENT_WHO, W_EVENT_WHAT, W_EVENT_TARGET,
          W_EVENT_FROM, W_EVENT_OUTCOME);
HTML_HEAD(orphan_head, ORPHANS, W_EVENT_CITE, W_MARK_BODY, W_MARK_AUTHOR,
          W_TIME);

static const enum word mark_words[] = {
    [MARK_NOTE] = W_MARK_NOTE,
    [MARK_TAG] = W_MARK_TAG,
    [MARK_BOOKMARK] = W_MARK_BOOKMARK,
    [MARK_VERDICT] = W_MARK_VERDICT,
};

struct ids {
    struct report *r;
    int64_t *v;
    size_t n, cap;
};

static int collect(void *ctx, const struct mark *m)
{
    struct ids *x = ctx;
    if (m->undone || m->undoes || m->event == 0)
        return 0;
    if (x->n == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 64;
        int64_t *more = realloc(x->v, cap * sizeof(*more));
        if (!more)
            return err_set(x->r->err, ERR_INTERNAL, "out of memory");
        x->v = more;
        x->cap = cap;
    }
    x->v[x->n++] = m->event;
    return 0;
}

static int in_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* ---- one event ----------------------------------------------------------- */

static void put_time(struct html *h, const struct event *e)
{
    char text[TIME_TEXT_MAX];
    html_raw(h, "<td class=\"t\">");
    if (e->timed) {
        size_t n = time_format(text, e->t, e->t_res > 9 ? 9 : e->t_res, 0);
        html_text(h, (struct str){ text, n });
        if (e->t_zone == ZONE_ASSUMED)
            html_raw(h, "*");
        if (e->t_kind != TIME_EVENT) {
            html_raw(h, "<br>");
            html_text(h, time_kind_name((enum time_kind)e->t_kind));
        }
    } else {
        html_raw(h, "–");
    }
    html_raw(h, "</td>");
}

static void put_columns(struct report *r, const struct event *e)
{
    struct html *h = &r->h;
    html_row(h, "event");
    put_time(h, e);
    html_cell(h, case_text(r->c, e->actor));
    html_raw(h, "<td>");
    html_value(h, case_text(r->c, e->action));
    if (e->text.n) {
        html_raw(h, " ");
        html_value(h, e->text);
    }
    html_raw(h, "</td>");
    html_cell(h, case_text(r->c, e->target));
    html_raw(h, "<td>");
    html_value(h, case_text(r->c, e->ip));
    if (e->key) {
        html_raw(h, "<br>");
        html_value(h, case_text(r->c, e->key));
    }
    html_raw(h, "</td>");
    html_cell(h, case_text(r->c, e->outcome));
    html_row_end(h);
}

static int put_mark(void *ctx, const struct mark *m)
{
    struct report *r = ctx;
    struct html *h = &r->h;
    char text[TIME_TEXT_MAX];
    if (m->undone || m->undoes)
        return 0;
    size_t n = time_format(text, m->at, 0, 0);
    html_open(h, "div", "class=\"note\"");
    html_word(h, "span", "class=\"mark opinion\"",
              mark_words[(unsigned)m->kind % 4]);
    html_lines(h, m->body);
    html_raw(h, " <span class=\"soft\">— ");
    html_value(h, m->author);
    html_raw(h, ", ");
    html_text(h, (struct str){ text, n });
    html_raw(h, "</span>");
    html_close(h);
    return 0;
}

/* The digest of the record's bytes, read again now. */
static int put_digest(struct report *r, struct arena *a, const struct event *e)
{
    struct html *h = &r->h;
    struct err err = { 0 };
    struct str raw;
    unsigned char sha[SHA256_LEN];
    if (!r->o->raw)
        return 0;
    int rc = r->o->raw->read(r->o->raw->ctx, e, a, &raw, &err);
    if (rc == ERR_STOPPED || rc == ERR_INTERNAL) {
        if (r->err)
            *r->err = err;
        return rc;
    }
    html_raw(h, "<br><span class=\"soft\">");
    html_text(h, word_text(h->lang, W_EVENT_SHA));
    html_raw(h, "</span> ");
    if (rc == 0 && hash_sha256(raw, sha)) {
        html_raw(h, "<code>");
        html_hex(h, (struct str){ (const char *)sha, sizeof(sha) });
        html_raw(h, "</code>");
    } else {
        html_word(h, "span", "class=\"bad\"", W_EVENT_UNREAD);
    }
    return 0;
}

static int put_under(struct report *r, struct arena *a, const struct event *e)
{
    struct html *h = &r->h;
    struct str cite;
    int rc = place_of_event(r->c, e, a, &cite, r->err);
    if (rc)
        return rc;
    html_row(h, "under");
    html_raw(h, "<td></td><td colspan=\"5\">");
    html_word(h, "span", "class=\"mark fact\"", W_FACT);
    html_raw(h, "<code>[");
    html_text(h, cite);
    html_raw(h, " ");
    html_text(h, report_event_name(e->id));
    html_raw(h, "]</code>");
    rc = put_digest(r, a, e);
    if (rc == 0)
        rc = case_marks(r->c, -1, e->id, put_mark, r, r->err);
    html_raw(h, "</td>");
    html_row_end(h);
    return rc;
}

static int put_event(struct report *r, struct arena *a, int64_t id)
{
    struct event e;
    arena_reset(a);
    int rc = case_event(r->c, id, a, &e, r->err);
    if (rc)
        return rc;
    put_columns(r, &e);
    r->listed++;
    return put_under(r, a, &e);
}

/* ---- the list ------------------------------------------------------------ */

static int put_list(struct report *r, const struct plan *p)
{
    struct arena a = { 0 };
    struct scan *scan;
    struct hit hit;
    int rc = scan_open(r->c, p, NULL, false, &scan, r->err);
    if (rc)
        return rc;
    html_table(&r->h, &event_head);
    while ((rc = scan_next(scan, &hit, r->err)) > 0) {
        rc = put_event(r, &a, hit.id);
        if (rc == 0 && r->listed % 1000 == 0)
            rc = report_tick(&r->o->ticker, r->listed, 0, r->err);
        if (rc || output_failed(r->h.to))
            break;
    }
    html_table_end(&r->h);
    scan_close(scan);
    arena_free(&a);
    return rc < 0 ? rc : 0;
}

struct orphans {
    struct report *r;
    uint64_t n;
};

static int put_orphan(void *ctx, const struct mark *m)
{
    struct orphans *x = ctx;
    struct html *h = &x->r->h;
    if (m->undone || m->undoes || m->event)
        return 0;
    if (x->n++ == 0)
        html_table(h, &orphan_head);
    html_row(h, NULL);
    html_cell(h, m->cite);
    html_raw(h, "<td>");
    html_lines(h, m->body);
    html_raw(h, "</td>");
    html_cell(h, m->author);
    html_cell_time(h, true, m->at, 0);
    html_row_end(h);
    return 0;
}

static int put_orphans(struct report *r)
{
    struct orphans x = { .r = r };
    int rc = case_marks(r->c, -1, 0, put_orphan, &x, r->err);
    if (x.n)
        html_table_end(&r->h);
    return rc;
}

int report_events(struct report *r)
{
    struct ids marked = { .r = r };
    int rc = case_marks(r->c, MARK_BOOKMARK, 0, collect, &marked, r->err);
    if (marked.n)
        qsort(marked.v, marked.n, sizeof(*marked.v), in_order);
    struct plan own = { .op = PLAN_EVENTS, .events = marked.v, .n = marked.n };
    struct plan given =
        r->o->plan ? *r->o->plan : (struct plan){ .op = PLAN_NONE };
    struct plan both = { .op = PLAN_OR, .a = &own, .b = &given };
    const struct plan *p = marked.n == 0 ? &given : r->o->plan ? &both : &own;
    if (rc == 0 && (marked.n || r->o->plan)) {
        html_word(&r->h, "p", NULL, W_EVENTS_NOTE);
        rc = put_list(r, p);
        if (rc == 0 && r->listed == 0)
            html_word(&r->h, "p", NULL, W_NOTHING);
    } else if (rc == 0) {
        html_word(&r->h, "p", "class=\"soft\"", W_EVENTS_NONE);
    }
    free(marked.v);
    return rc ? rc : put_orphans(r);
}
