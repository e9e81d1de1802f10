#include "importers/windows.h"

#include <stdio.h>

#include "base/varint.h"

/* ---- text ---------------------------------------------------------------- */

static char *put_utf8(char *p, unsigned c)
{
    if (c < 0x80) {
        *p++ = (char)c;
        return p;
    }
    if (c >= 0x10000) {
        *p++ = (char)(0xf0 | c >> 18);
        *p++ = (char)(0x80 | (c >> 12 & 63));
    } else if (c >= 0x800) {
        *p++ = (char)(0xe0 | c >> 12);
    }
    *p++ = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 63) : 0xc0 | c >> 6);
    *p++ = (char)(0x80 | (c & 63));
    return p;
}

/* At most three bytes a unit. */
static char *decode(char *p, struct str s)
{
    for (size_t i = 0; i + 2 <= s.n; i += 2) {
        unsigned u = u16le(s.p + i);
        if (u >= 0xd800 && u < 0xdc00 && i + 4 <= s.n) {
            unsigned v = u16le(s.p + i + 2);
            if (v >= 0xdc00 && v < 0xe000) {
                u = 0x10000 + ((u - 0xd800) << 10) + (v - 0xdc00);
                i += 2;
            }
        }
        p = put_utf8(p, u);
    }
    return p;
}

void windows_utf16(struct buf *out, struct str s)
{
    if (s.n / 2 && buf_reserve(out, s.n / 2 * 3))
        out->n = (size_t)(decode(out->p + out->n, s) - out->p);
}

struct str windows_text(struct arena *a, struct str s)
{
    size_t n = 0;
    while (n + 2 <= s.n && (s.p[n] || s.p[n + 1]))
        n += 2;
    if (n == 0)
        return STR("");
    char *p = arena_alloc(a, n / 2 * 3);
    if (!p)
        return STR_NONE;
    return (struct str){ p, (size_t)(decode(p, str_sub(s, 0, n)) - p) };
}

struct str windows_base(struct str path)
{
    size_t at = path.n;
    while (at && path.p[at - 1] != '\\' && path.p[at - 1] != '/')
        at--;
    return str_sub(path, at, path.n);
}

/* ---- times, identifiers -------------------------------------------------- */

struct instant windows_filetime(uint64_t v)
{
    return (struct instant){ (int64_t)(v / 10000000) - INT64_C(11644473600),
                             (uint32_t)(v % 10000000) * 100 };
}

size_t windows_sid(char out[WINDOWS_SID_TEXT], struct str s, size_t *used)
{
    enum { SUBS_MAX = 15 };
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n < 8 || p[0] != 1 || p[1] > SUBS_MAX || s.n < 8 + 4u * p[1])
        return 0;
    uint64_t authority = 0;
    for (int i = 2; i < 8; i++)
        authority = authority << 8 | p[i];
    int n = snprintf(out, WINDOWS_SID_TEXT, "S-1-%llu",
                     (unsigned long long)authority);
    for (unsigned i = 0; i < p[1]; i++)
        n += snprintf(out + n, WINDOWS_SID_TEXT - (size_t)n, "-%lu",
                      (unsigned long)u32le(p + 8 + 4 * (size_t)i));
    *used = 8 + 4u * p[1];
    return (size_t)n;
}

void windows_guid(char out[WINDOWS_GUID_TEXT], const void *p16)
{
    const unsigned char *p = p16;
    snprintf(out, WINDOWS_GUID_TEXT,
             "%08lx-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             (unsigned long)u32le(p), u16le(p + 4), u16le(p + 6), p[8], p[9],
             p[10], p[11], p[12], p[13], p[14], p[15]);
}

struct str windows_sid_name(struct str sid)
{
    static const char *const known[][2] = {
        { "S-1-5-7", "ANONYMOUS LOGON" },
        { "S-1-5-18", "SYSTEM" },
        { "S-1-5-19", "LOCAL SERVICE" },
        { "S-1-5-20", "NETWORK SERVICE" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(sid, str_from(known[i][0])))
            return str_from(known[i][1]);
    return sid;
}

struct str windows_program(struct str command)
{
    static const char *const ends[] = { ".exe", ".dll", ".sys", ".com",
                                        ".bat", ".cmd", ".ps1", ".vbs" };
    command = str_trim(command);
    if (command.n && command.p[0] == '"') {
        command = str_sub(command, 1, command.n);
        return str_sub(command, 0, str_find(command, STR("\"")));
    }
    size_t best = command.n;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t at = str_ifind(command, str_from(ends[i]));
        if (at != SIZE_MAX && at + 4 < best &&
            (command.p[at + 4] == ' ' || command.p[at + 4] == ','))
            best = at + 4;
    }
    return str_sub(command, 0, best);
}

struct str windows_user(struct str path)
{
    size_t at = str_ifind(path, STR("Users/"));
    size_t skip = 6;
    if (at == SIZE_MAX) {
        at = str_ifind(path, STR("Documents and Settings/"));
        skip = 23;
    }
    if (at == SIZE_MAX)
        return STR_NONE;
    struct str rest = str_sub(path, at + skip, path.n);
    size_t end = str_find(rest, STR("/"));
    return end == SIZE_MAX ? STR_NONE : str_sub(rest, 0, end);
}
