/* Time zones: what a local time is said to mean shows that local time, and
 * without a flag no other instant near shows it. */
#include "base/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look(const struct zone *z, int64_t local)
{
    struct zone_local l = zone_utc(z, local);
    if (!(l.flags & LOCAL_SKIPPED) &&
        (l.utc + l.offset != local || zone_offset(z, l.utc) != l.offset))
        abort();
    if (l.from < l.to && local >= l.from && local < l.to &&
        (zone_utc(z, l.from).offset != l.offset ||
         zone_utc(z, l.to - 1).offset != l.offset))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = { (const char *)data, n };
    struct err err;
    bool file = n >= 4 && memcmp(data, "TZif", 4) == 0;
    struct zone *z = file ? zone_open(s, &err) : zone_open_rule(s, &err);
    if (!z)
        return 0;
    for (int64_t t = -4000000000; t < 8000000000; t += 86400 * 97 + 1234)
        look(z, t);
    zone_close(z);
    return 0;
}
