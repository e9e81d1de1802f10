#include "reports/place.h"

#include "base/text.h"

int place_begin(struct arena *a, const struct member *m, struct str *out,
                struct err *err)
{
    struct buf b = { 0 };
    buf_printf(&b, "X%lld/", (long long)m->exhibit);
    text_cite(&b, m->path, false);
    buf_put(&b, m->layers);
    *out = buf_to_arena(&b, a);
    return out->p ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

void place_end(struct buf *b, const struct event *e)
{
    buf_putc(b, '@');
    buf_put_u64(b, e->off);
    buf_putc(b, '+');
    buf_put_u64(b, e->len);
    if (e->sub) {
        buf_putc(b, '#');
        buf_put_u64(b, e->sub);
    }
}

int place_put(struct arena *a, const struct member *m, const struct event *e,
              struct str *out, struct err *err)
{
    struct buf b = { 0 };
    struct str begin;
    int rc = place_begin(a, m, &begin, err);
    if (rc)
        return rc;
    buf_put(&b, begin);
    place_end(&b, e);
    *out = buf_to_arena(&b, a);
    return out->p ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

int place_of_event(struct casedb *c, const struct event *e, struct arena *a,
                   struct str *out, struct err *err)
{
    struct member m;
    int rc = case_member(c, e->member, a, &m, err);
    return rc ? rc : place_put(a, &m, e, out, err);
}
