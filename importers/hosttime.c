#include "importers/hosttime.h"

#include "base/zone.h"

void record_local(const struct import_job *job, int64_t local, uint32_t ns,
                  struct record *r)
{
    r->timed = true;
    r->t = (struct instant){ local, ns };
    r->t_zone = ZONE_ASSUMED;
    if (!job->zone)
        return;
    struct zone_local l = zone_utc(job->zone, local);
    r->t.s = l.utc;
    r->t_zone = ZONE_HOST;
    r->flags |= (l.flags & LOCAL_TWICE ? EVENT_HOUR_TWICE : 0) |
                (l.flags & LOCAL_SKIPPED ? EVENT_HOUR_SKIPPED : 0);
}

void record_time(const struct import_job *job, const struct time_text *t,
                 struct record *r)
{
    r->timed = true;
    r->t = t->t;
    r->t_zone = (uint8_t)t->zone;
    r->t_res = t->res;
    if (t->leap)
        r->flags |= EVENT_LEAP;
    if (t->zone == ZONE_ASSUMED)
        record_local(job, t->t.s, t->t.ns, r);
}
