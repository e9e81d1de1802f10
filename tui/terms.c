#include "tui/terms.h"

#include "analyzer/filter.h"
#include "tui/bytes.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- parts --------------------------------------------------------------- */

/* Words at the top level: outside quotes and brackets. */
static size_t word_end(struct str s, size_t at)
{
    int depth = 0;
    bool quoted = false;
    for (; at < s.n; at++) {
        char c = s.p[at];
        if (quoted && c == '\\')
            at++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '(')
            depth++;
        else if (!quoted && c == ')')
            depth--;
        else if (!quoted && depth <= 0 && c == ' ')
            break;
    }
    return at < s.n ? at : s.n;
}

size_t terms_split(struct str text, struct part *out, size_t most)
{
    size_t n = 0, at = 0;
    bool not = false, any_or = false;
    size_t from = 0;
    while (at < text.n) {
        while (at < text.n && text.p[at] == ' ')
            at++;
        size_t end = word_end(text, at);
        struct str word = str_sub(text, at, end - at);
        if (word.n == 0)
            break;
        any_or |= str_ieq(word, STR("or"));
        if (!not )
            from = at;
        not = str_ieq(word, STR("not"));
        if (!not &&!str_ieq(word, STR("and")) && n < most)
            out[n++] = (struct part){ from, end };
        at = end;
    }
    /* "or" binds all: it cannot be taken apart */
    if (any_or && n && most) {
        out[0] = (struct part){ 0, text.n };
        n = 1;
    }
    return n;
}

void terms_add(struct buf *filter, bool not, const char *field,
               struct str value)
{
    struct part parts[2];
    struct str old = buf_str(filter);
    size_t n = terms_split(old, parts, 2);
    if (n == 1 && parts[0].from == 0 && parts[0].to == old.n &&
        (str_ifind(old, STR(" or ")) != SIZE_MAX) && old.p[0] != '(') {
        struct buf b = { 0 };
        buf_putc(&b, '(');
        buf_put(&b, old);
        buf_putc(&b, ')');
        buf_free(filter);
        *filter = b;
    }
    if (filter->n)
        buf_putc(filter, ' ');
    buf_printf(filter, "%s%s:", not ? "not " : "", field);
    filter_put_value(filter, value);
}

void terms_remove(struct buf *filter, size_t i)
{
    struct part parts[32];
    size_t n = terms_split(buf_str(filter), parts, 32);
    struct buf b = { 0 };
    if (i >= n)
        return;
    for (size_t k = 0; k < n; k++) {
        if (k == i)
            continue;
        if (b.n)
            buf_putc(&b, ' ');
        buf_put(&b, str_sub(buf_str(filter), parts[k].from,
                            parts[k].to - parts[k].from));
    }
    buf_free(filter);
    *filter = b;
}

/* ---- at the desk --------------------------------------------------------- */

static int still_wanted(void *ctx, const char *what, uint64_t done,
                        uint64_t all)
{
    const struct desk *d = ctx;
    (void)what;
    (void)done;
    (void)all;
    return d->stop && atomic_load(d->stop) ? ERR_STOPPED : 0;
}

/* A filter at a desk, and what it was compiled from. */
struct compiled {
    struct arena arena;
    struct str text;
    struct raw_reader raw;
    struct analyzer_ticker ticker;
    struct filter_env env;
    struct filter_plan plan;
};

void terms_forget(struct desk *d)
{
    if (d->compiled)
        arena_free(&d->compiled->arena);
    free(d->compiled);
    d->compiled = NULL;
}

/* "column 8: no such field" without the place, which is shown. */
static void refuse(struct refusal *no, const struct filter_place *place,
                   const struct err *err)
{
    const char *why = err->what;
    if (strncmp(why, "column ", 7) == 0 && strchr(why, ':')) {
        why = strchr(why, ':') + 1;
        why += *why == ' ';
    }
    no->column = place->at <= INT_MAX ? (int)place->at : -1;
    snprintf(no->why, sizeof(no->why), "%.120s%s%.70s", why,
             err->hint[0] ? "  " : "", err->hint);
}

bool terms_check(struct str text, struct refusal *no)
{
    struct arena a = { 0 };
    struct filter *f;
    struct filter_place place = { 0 };
    struct err err = { 0 };
    int rc = filter_parse(text, &a, &f, &place, &err);
    if (rc)
        refuse(no, &place, &err);
    arena_free(&a);
    return rc == 0;
}

static int compile(struct desk *d, struct str text, struct refusal *no,
                   struct err *err)
{
    struct filter_place place = { 0 };
    struct compiled *k = calloc(1, sizeof(*k));
    if (!k)
        return err_set(err, ERR_INTERNAL, "out of memory");
    d->compiled = k;
    k->text = arena_copy(&k->arena, text);
    k->ticker = (struct analyzer_ticker){ d, still_wanted };
    k->env = (struct filter_env){ .c = d->c, .ticker = &k->ticker };
    struct err why = { 0 };
    if (bytes_for_analyzer(d, &k->raw, &why) == 0)
        k->env.raw = &k->raw;
    int rc =
        filter_plan_text(k->text, &k->env, &k->arena, &k->plan, &place, err);
    if (rc == ERR_USAGE)
        refuse(no, &place, err);
    if (rc)
        terms_forget(d);
    return rc;
}

int terms_plan(struct desk *d, struct str text, struct terms *out,
               struct refusal *no, struct err *err)
{
    static const struct plan all = { .op = PLAN_ALL };
    *out = (struct terms){ .plan = &all };
    if (str_trim(text).n == 0)
        return 0;
    if (d->compiled && !str_eq(d->compiled->text, text))
        terms_forget(d);
    int rc = d->compiled ? 0 : compile(d, text, no, err);
    if (rc)
        return rc;
    const struct filter_plan *p = &d->compiled->plan;
    out->plan = p->plan;
    out->reads_raw = p->reads_raw;
    out->note = p->n_notes ? p->notes[0].text : STR_NONE;
    return 0;
}
