/* Times: what is accepted is in range and survives formatting and reading
 * again, in the zone of the text and in UTC. */
#include "base/time.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void need(bool good)
{
    if (!good)
        abort();
}

static void round_trip(struct instant t, int offset)
{
    char text[TIME_TEXT_MAX];
    struct time_text back;
    size_t n = time_format(text, t, -1, offset);
    need(n < TIME_TEXT_MAX && time_parse((struct str){ text, n }, &back));
    need(instant_cmp(back.t, t) == 0 && back.offset_min == offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = { (const char *)data, n };
    struct time_text t;
    struct instant from, to;
    int64_t span;
    int zone;
    if (time_parse(s, &t)) {
        need(t.t.ns < 1000000000 && t.res <= 9);
        round_trip(t.t, 0);
        round_trip(t.t, t.offset_min);
        /* the user's form accepts all of it and means the same */
        need(time_parse_user(s, false, &from));
        need(instant_cmp(from, t.t) == 0);
    }
    if (time_parse_user(s, false, &from) && time_parse_user(s, true, &to))
        need(instant_cmp(from, to) < 0);
    if (time_parse_span(s, &span))
        need(span > 0);
    if (time_parse_zone(s, &zone))
        need(zone > -1440 && zone < 1440);
    return 0;
}
