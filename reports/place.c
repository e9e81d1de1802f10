#include "reports/place.h"

#include "base/text.h"

int place_put(struct arena *a, const struct member *m, const struct event *e,
              struct str *out, struct err *err)
{
    struct buf b = { 0 };
    buf_printf(&b, "X%lld/", (long long)m->exhibit);
    text_cite(&b, m->path, false);
    buf_put(&b, m->layers);
    buf_printf(&b, "@%llu+%lu", (unsigned long long)e->off,
               (unsigned long)e->len);
    if (e->sub)
        buf_printf(&b, "#%u", (unsigned)e->sub);
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
