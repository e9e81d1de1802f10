#include "importers/path.h"

enum { PARTS_MAX = 128 }; /* components looked at; deeper paths end here */

/* From the last component on: part[0] is the base name. */
struct parts {
    struct str part[PARTS_MAX];
    size_t n;
    bool rooted; /* all of the path is there */
};

static struct str last_part(struct str *s)
{
    size_t from = s->n;
    while (from && s->p[from - 1] != '/')
        from--;
    struct str part = str_sub(*s, from, s->n);
    *s = str_sub(*s, 0, from ? from - 1 : 0);
    return part;
}

static void split(struct str path, struct parts *out)
{
    out->n = 0;
    while (path.n && out->n < PARTS_MAX) {
        struct str part = last_part(&path);
        if (part.n)
            out->part[out->n++] = part;
    }
    out->rooted = path.n == 0;
}

/* Compared from the end; a `**` remembers where it stood, so that one step
 * back is enough (as with `*` in a name). */
static bool fits(const struct parts *pattern, bool rooted,
                 const struct parts *path, bool fold)
{
    size_t p = 0, s = 0, star_p = SIZE_MAX, star_s = 0;
    for (;;) {
        bool all = p == pattern->n;
        if (all && (!rooted || (s == path->n && path->rooted)))
            return true;
        if (!all && str_eq(pattern->part[p], STR("**"))) {
            star_p = p++;
            star_s = s;
        } else if (!all && s < path->n &&
                   str_glob(pattern->part[p], path->part[s], fold)) {
            p++;
            s++;
        } else if (star_p != SIZE_MAX && star_s < path->n) {
            p = star_p + 1;
            s = ++star_s;
        } else {
            return false;
        }
    }
}

static bool like(const struct parts *path, const char *pattern)
{
    UNINITIALIZED struct parts p;
    struct str s = str_from(pattern);
    bool fold = str_starts(s, STR("(?i)"));
    if (fold)
        s = str_sub(s, 4, s.n);
    split(s, &p);
    return fits(&p, s.n && s.p[0] == '/', path, fold);
}

bool path_like(struct str path, const char *pattern)
{
    const char *const one[] = { pattern, NULL };
    return path_like_any(path, one);
}

bool path_like_any(struct str path, const char *const *patterns)
{
    UNINITIALIZED struct parts parts;
    if (!patterns)
        return false;
    split(path, &parts);
    for (size_t i = 0; patterns[i]; i++)
        if (like(&parts, patterns[i]))
            return true;
    return false;
}

struct str path_base(struct str path)
{
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    return last_part(&path);
}
