#include "importers/homes.h"

/* The component that begins at *at, which moves behind it. */
static struct str component(struct str path, size_t *at)
{
    size_t from = *at;
    while (from < path.n && path.p[from] == '/')
        from++;
    size_t to = from;
    while (to < path.n && path.p[to] != '/')
        to++;
    *at = to;
    return str_sub(path, from, to - from);
}

/* /home may lie on a volume of its own or below a folder of copies: the last
 * "home" or "root" before the file counts. */
struct str home_owner(struct str path)
{
    struct str owner = STR(""), c;
    size_t at = 0;
    while ((c = component(path, &at)).n && at < path.n) {
        size_t next = at;
        struct str after = component(path, &next);
        if (str_eq(c, STR("root")))
            owner = c;
        else if ((str_eq(c, STR("home")) || str_eq(c, STR("Users"))) &&
                 next < path.n)
            owner = after;
    }
    return owner;
}
