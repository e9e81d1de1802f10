#include "analyzer/dated.h"

#include <stdlib.h>

struct dated {
    struct casedb *c;
    struct plan undated, timed, half[2]; /* half: timed, undated events */
    struct scan *scan;
    unsigned now; /* the half that is scanned */
    bool back, last;
};

static int open_half(struct dated *d, const struct hit *anchor, struct err *err)
{
    return scan_open(d->c, &d->half[d->now], anchor, d->back, &d->scan, err);
}

int dated_open(struct casedb *c, const struct plan *p, const struct hit *anchor,
               bool back, struct dated **out, struct err *err)
{
    struct dated *d = calloc(1, sizeof(*d));
    if (!d)
        return err_set(err, ERR_INTERNAL, "out of memory");
    struct plan *all = (struct plan *)(uintptr_t)p;
    d->c = c;
    d->back = back;
    d->undated.op = PLAN_UNDATED;
    d->timed = (struct plan){ .op = PLAN_NOT, .a = &d->undated };
    d->half[0] = (struct plan){ .op = PLAN_AND, .a = &d->timed, .b = all };
    d->half[1] = (struct plan){ .op = PLAN_AND, .a = &d->undated, .b = all };
    d->now = anchor ? !anchor->timed : back;
    d->last = d->now == !back;
    int rc = open_half(d, anchor, err);
    if (rc) {
        free(d);
        return rc;
    }
    *out = d;
    return 0;
}

int dated_next(struct dated *d, struct hit *out, struct err *err)
{
    int rc = scan_next(d->scan, out, err);
    if (rc || d->last)
        return rc;
    scan_close(d->scan);
    d->scan = NULL;
    d->now = !d->now;
    d->last = true;
    rc = open_half(d, NULL, err);
    return rc ? rc : scan_next(d->scan, out, err);
}

const struct scan *dated_scan(const struct dated *d)
{
    return d->scan;
}

void dated_close(struct dated *d)
{
    if (d && d->scan)
        scan_close(d->scan);
    free(d);
}
