#include "base/kinds.h"

static const struct {
    unsigned n;
    struct str name;
} kinds[] = {
#define X(name, n, text) { n, { text, sizeof(text) - 1 } },
    KIND_LIST(X)
#undef X
};

static const struct str roles[ROLE_COUNT] = {
#define X(name, n, text) [n] = { text, sizeof(text) - 1 },
    ROLE_LIST(X)
#undef X
};

struct str kind_name(unsigned kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (kinds[i].n == kind)
            return kinds[i].name;
    return STR("");
}

unsigned kind_from_name(struct str name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (str_ieq(kinds[i].name, name))
            return kinds[i].n;
    return 0;
}

struct str role_name(unsigned role)
{
    return role < ROLE_COUNT ? roles[role] : STR("");
}
