#include "analyzer/raw.h"

int analyzer_tick(const struct analyzer_ticker *t, const char *what,
                  uint64_t done, uint64_t all, struct err *err)
{
    if (!t || !t->tick || t->tick(t->ctx, what, done, all) == 0)
        return 0;
    return err_set(err, ERR_STOPPED, "%s: interrupted", what);
}

int raw_read_many(const struct raw_reader *r, const struct event *const *e,
                  size_t n, struct arena *a, struct str *raw, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        raw[i] = STR_NONE;
    if (!r || (!r->read_many && !r->read))
        return 0;
    if (r->read_many)
        return r->read_many(r->ctx, e, n, a, raw, err);
    for (size_t i = 0; i < n; i++) {
        struct err own = { 0 };
        int rc = r->read(r->ctx, e[i], a, &raw[i], &own);
        if (rc == ERR_EVIDENCE) {
            raw[i] = STR_NONE;
        } else if (rc) {
            *err = own;
            return rc;
        }
    }
    return 0;
}
