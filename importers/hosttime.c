#include "importers/hosttime.h"

void record_time(const struct import_job *job, const struct time_text *t,
                 struct record *r)
{
    (void)job;
    r->timed = true;
    r->t = t->t;
    r->t_zone = (uint8_t)t->zone;
    r->t_res = t->res;
    if (t->leap)
        r->flags |= EVENT_LEAP;
}
