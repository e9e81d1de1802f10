/* What the case says of itself, and the report of itself. */
#include "reports/chapter.h"

#include "config.h"

#include "base/text.h"

static struct str time_text(struct report *r, struct instant t, int digits)
{
    char text[TIME_TEXT_MAX];
    size_t n = time_format(text, t, digits, 0);
    return arena_copy(&r->a, (struct str){ text, n });
}

static struct str text_of(struct report *r, struct buf *b)
{
    return buf_to_arena(b, &r->a);
}

static void put_about(struct report *r)
{
    const struct case_info *i = &r->info;
    html_open(&r->h, "dl", NULL);
    report_fact(r, W_CASE_TITLE, i->title);
    report_fact(r, W_CASE_NUMBER, i->number);
    report_fact(r, W_CASE_ID, i->uuid);
    report_fact(r, W_CASE_ORGANIZATION, i->organization);
    report_fact(r, W_CASE_EXAMINER, i->examiner);
    report_fact(r, W_CASE_AUTHORITY, i->authority);
    report_fact(r, W_CASE_SCOPE, i->scope);
    report_fact(r, W_CASE_CREATED, time_text(r, i->created, 0));
    report_fact(r, W_CASE_VERSION, i->version);
    html_close(&r->h);
}

static void put_report(struct report *r)
{
    struct html *h = &r->h;
    struct buf b = { 0 };
    html_open(h, "dl", NULL);
    buf_put(&b, time_text(r, r->time, -1));
    buf_putz(&b, " (");
    buf_put(&b, word_text(h->lang, r->o->timed ? W_REPORT_TIME_GIVEN
                                               : W_REPORT_TIME_AUDIT));
    buf_putz(&b, ")");
    report_fact(r, W_REPORT_TIME, text_of(r, &b));
    report_fact(r, W_REPORT_VERSION, STR("kanshiki " PACKAGE_VERSION));
    buf_put_u64(&b, r->head.seq);
    buf_putc(&b, ':');
    buf_putz(&b, r->head.hex);
    report_fact(r, W_AUDIT_HEAD, text_of(r, &b));
    html_word(h, "dt", NULL, W_REPORT_FILTER);
    html_open(h, "dd", NULL);
    html_say(h, r->o->plan ? W_FILTER_AND : W_FILTER_NONE, &r->o->filter, 1);
    html_close(h);
    html_close(h);
    if (r->chain_error[0]) {
        struct str why = str_from(r->chain_error);
        html_open(h, "p", "class=\"bad\"");
        html_say(h, W_LIMIT_CHAIN, &why, 1);
        html_close(h);
    }
}

static void put_figures(struct report *r)
{
    const struct scan_total *s = &r->span;
    bool dated = s->n > s->undated;
    html_word(&r->h, "h3", NULL, W_SUMMARY);
    html_open(&r->h, "dl", NULL);
    report_fact(r, W_N_EXHIBITS, report_number(r->exhibits));
    report_fact(r, W_N_EVENTS, report_number(s->n));
    report_fact(r, W_N_UNDATED, report_number(s->undated));
    if (dated) {
        report_fact(r, W_N_FIRST, time_text(r, s->first, -1));
        report_fact(r, W_N_LAST, time_text(r, s->last, -1));
    }
    report_fact(r, W_N_ISSUES, report_number(r->issues));
    report_fact(r, W_N_LINKS, report_number(r->links));
    report_fact(r, W_N_MARKS, report_number(r->marked));
    html_close(&r->h);
}

int report_case(struct report *r)
{
    struct html *h = &r->h;
    put_about(r);
    put_report(r);
    put_figures(r);
    html_word(h, "p", NULL, W_UTC_NOTE);
    html_word(h, "p", NULL, W_KINDS_NOTE);
    html_open(h, "p", NULL);
    html_word(h, "span", "class=\"mark fact\"", W_FACT);
    html_word(h, "span", "class=\"mark inference\"", W_INFERENCE);
    html_word(h, "span", "class=\"mark opinion\"", W_OPINION);
    html_close(h);
    return 0;
}
