#include "cli/names.h"

#include "importers/record.h"

#include <stdio.h>

static struct str numbered(char letter, int64_t n)
{
    static _Thread_local char ring[8][24];
    static _Thread_local unsigned next;
    char *p = ring[next++ % 8];
    int used = snprintf(p, sizeof(ring[0]), "%c%lld", letter, (long long)n);
    return (struct str){ p, (size_t)used };
}

struct str name_exhibit(int64_t no)
{
    return numbered('X', no);
}

struct str name_event(int64_t id)
{
    return numbered('E', id);
}

struct str name_severity(int severity)
{
    switch (severity) {
    case ISSUE_NOTE:
        return STR("note");
    case ISSUE_WARNING:
        return STR("warning");
    default:
        return STR("error");
    }
}

struct str name_hex(struct arena *a, struct str bytes)
{
    struct buf b = { 0 };
    buf_put_hex(&b, bytes.p, bytes.n);
    return buf_to_arena(&b, a);
}

struct str name_bytes(struct arena *a, uint64_t n)
{
    static const char units[] = "BKMGTPE";
    struct buf b = { 0 };
    unsigned u = 0;
    uint64_t tenths = n > UINT64_MAX / 10 ? UINT64_MAX : n * 10;
    for (; tenths >= 10240 && units[u + 1]; u++)
        tenths /= 1024;
    if (u == 0)
        buf_printf(&b, "%llu B", (unsigned long long)n);
    else
        buf_printf(&b, "%llu.%llu %ciB", (unsigned long long)(tenths / 10),
                   (unsigned long long)(tenths % 10), units[u]);
    return buf_to_arena(&b, a);
}
