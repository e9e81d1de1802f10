#include "cli/search_hits.h"

#include <stdlib.h>

#include "analyzer/cite.h"
#include "cli/command.h"
#include "cli/names.h"

int search_hits_keep(struct search_hits *s, const struct raw_hit *h)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 64;
        struct raw_hit *more = realloc(s->v, cap * sizeof *more);
        if (!more)
            return ERR_INTERNAL;
        s->v = more;
        s->cap = cap;
    }
    s->v[s->n++] = *h;
    return 0;
}

/* What a mask of a part would hide depends on where it begins: nothing of a
 * record with a secret is shown. */
static void put_context(struct search_hits *s, const struct event *e,
                        struct str bytes)
{
    if (e->flags & EVENT_SECRET && !arg_has(s->cli, "--show-secrets"))
        table_str(s->t, STR("[masked: the record holds a secret]"));
    else
        table_str(s->t, bytes);
}

static int show(struct search_hits *s, const struct raw_hit *h, struct err *err)
{
    struct arena a = { 0 };
    struct reader_got got = { .bytes = STR("") };
    struct event e = { .timed = false };
    int64_t event = 0;
    uint64_t from = h->off > s->context ? h->off - s->context : 0;
    int rc = h->records ? cite_event_at(s->c, h->records, h->off, 0, false,
                                        &event, err)
                        : 0;
    if (rc == 0 && event)
        rc = case_event(s->c, event, &a, &e, err);
    if (rc == 0) /* a place without its bytes is a hit all the same */
        rc = raw_read(s->raw, &h->place, from,
                      h->off - from + h->len + s->context, &a, &got, err);
    if (rc == ERR_EVIDENCE)
        rc = 0;
    if (rc == 0) {
        if (s->before)
            s->before(s->ctx, h);
        if (event)
            table_str(s->t, name_event(event));
        else
            table_null(s->t);
        table_time(s->t, s->cli, e.timed, e.t, -1);
        if (s->behind)
            s->behind(s->ctx, h);
        buf_clear(&s->cite);
        cite_put_place(&s->cite, &h->place, h->off, h->len, 0);
        table_str(s->t, buf_str(&s->cite));
        put_context(s, &e, got.bytes);
    }
    arena_free(&a);
    return rc;
}

int search_hits_show(struct search_hits *s, uint64_t *shown, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < s->n && rc == 0; i++) {
        rc = show(s, &s->v[i], err);
        *shown += rc == 0;
    }
    s->n = 0;
    return rc;
}

void search_hits_free(struct search_hits *s)
{
    free(s->v);
    buf_free(&s->cite);
}
