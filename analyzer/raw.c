#include "analyzer/raw.h"

int analyzer_tick(const struct analyzer_ticker *t, const char *what,
                  uint64_t done, uint64_t all, struct err *err)
{
    if (!t || !t->tick || t->tick(t->ctx, what, done, all) == 0)
        return 0;
    return err_set(err, ERR_STOPPED, "%s: interrupted", what);
}
