#include "importers/packages.h"

#include "base/mask.h"
#include "importers/hosttime.h"

struct str package_action(struct str verb)
{
    static const struct {
        const char *verb, *action;
    } words[] = {
        { "install", "package installed" },
        { "installed", "package installed" },
        { "dep-installed", "package installed" },
        { "dep-install", "package installed" },
        { "reinstall", "package installed" },
        { "reinstalled", "package installed" },
        { "true-install", "package installed" },
        { "update", "package upgraded" },
        { "updated", "package upgraded" },
        { "upgrade", "package upgraded" },
        { "upgraded", "package upgraded" },
        { "downgrade", "package upgraded" },
        { "downgraded", "package upgraded" },
        { "obsoleting", "package upgraded" },
        { "erase", "package removed" },
        { "erased", "package removed" },
        { "remove", "package removed" },
        { "removed", "package removed" },
        { "purge", "package removed" },
        { "disappear", "package removed" },
        { "obsoleted", "package removed" },
    };
    if (str_ends(verb, STR(":")))
        verb.n--;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_ieq(verb, str_from(words[i].verb)))
            return str_from(words[i].action);
    return STR_NONE;
}

static size_t last(struct str s, char c)
{
    const char *p = s.n ? memrchr(s.p, c, s.n) : NULL;
    return p ? (size_t)(p - s.p) : SIZE_MAX;
}

/* An epoch in front of the name, as yum.log has it. */
static struct str without_epoch(struct str name)
{
    size_t n = 0;
    while (n < name.n && name.p[n] >= '0' && name.p[n] <= '9')
        n++;
    return n && n < name.n && name.p[n] == ':' ? str_sub(name, n + 1, name.n)
                                               : name;
}

bool package_nevra(struct str s, struct package_name *out)
{
    *out = (struct package_name){ .name = s };
    size_t dot = last(s, '.');
    if (dot == SIZE_MAX || dot == 0)
        return false;
    struct str evr = str_sub(s, 0, dot);
    size_t release = last(evr, '-');
    size_t version =
        release == SIZE_MAX ? SIZE_MAX : last(str_sub(evr, 0, release), '-');
    if (version == SIZE_MAX || version == 0)
        return false;
    out->arch = str_sub(s, dot + 1, s.n);
    out->version = str_sub(evr, version + 1, evr.n);
    out->name = without_epoch(str_sub(evr, 0, version));
    return out->name.n != 0;
}

void package_dpkg(struct str s, struct package_name *out)
{
    size_t colon = last(s, ':');
    *out = (struct package_name){ .name = s };
    if (colon == SIZE_MAX || colon == 0)
        return;
    out->name = str_sub(s, 0, colon);
    out->arch = str_sub(s, colon + 1, s.n);
}

struct str package_masked(struct str s, struct buf *tmp, uint32_t *flags)
{
    buf_clear(tmp);
    if (!mask_secrets(s, tmp))
        return s;
    *flags |= EVENT_SECRET;
    return buf_str(tmp);
}

bool package_time(struct str s, struct time_text *out)
{
    char text[TIME_TEXT_MAX];
    size_t n = 0;
    s = str_trim(s);
    for (size_t i = 0; i < s.n; i++) {
        if (n == sizeof(text))
            return false;
        if (s.p[i] != ' ' || (n && text[n - 1] != ' '))
            text[n++] = s.p[i];
    }
    return time_parse((struct str){ text, n }, out);
}

void package_record(const struct import_job *job, struct str source,
                    const struct time_text *t, uint64_t off, size_t len,
                    struct record *r)
{
    *r = (struct record){ .off = off, .len = (uint32_t)len, .service = source };
    if (t)
        record_time(job, t, r);
}
