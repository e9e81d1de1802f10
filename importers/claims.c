#include "importers/claims.h"

#include <stdlib.h>

static int by_path(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int by_claim(const void *a, const void *b)
{
    const struct claimed *x = a, *y = b;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    return x->claim < y->claim ? -1 : x->claim > y->claim;
}

/* Names sort as paths do (discover); SIZE_MAX: none. */
static size_t find(const struct found *f, struct str path)
{
    const struct str *s =
        f->n_names ? bsearch(&path, f->names, f->n_names, sizeof(path), by_path)
                   : NULL;
    return s ? (size_t)(s - f->names) : SIZE_MAX;
}

static size_t match(const struct found *f, struct str path)
{
    if (path.n == 0)
        return f->single && f->n_names == 1 ? 0 : SIZE_MAX;
    while (str_starts(path, STR("./")))
        path = str_sub(path, 2, path.n);
    for (;;) {
        size_t at = find(f, path);
        const char *slash = path.n ? memchr(path.p, '/', path.n) : NULL;
        if (at != SIZE_MAX || !slash)
            return at;
        path = str_sub(path, (size_t)(slash - path.p) + 1, path.n);
    }
}

int claims_open(struct claims *c, const struct import_options *o,
                const struct found *f, struct err *err)
{
    *c = (struct claims){ .algos = 1u << HASH_SHA256 | o->algos };
    c->v = o->n_claims ? calloc(o->n_claims, sizeof(*c->v)) : NULL;
    if (o->n_claims && !c->v)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    for (size_t i = 0; i < o->n_claims; i++) {
        size_t name = match(f, o->claims[i].path);
        if (name == SIZE_MAX) {
            if (c->unused++ == 0)
                c->unused1 = o->claims[i].path;
            continue;
        }
        c->v[c->n++] = (struct claimed){ name, &o->claims[i] };
        c->algos |= 1u << o->claims[i].algo;
    }
    if (c->n)
        qsort(c->v, c->n, sizeof(*c->v), by_claim);
    return 0;
}

void claims_close(struct claims *c)
{
    free(c->v);
    *c = (struct claims){ 0 };
}

const struct claimed *claims_of(const struct claims *c, size_t name, size_t *n)
{
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->v[mid].name < name)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (*n = 0; lo + *n < c->n && c->v[lo + *n].name == name; ++*n)
        ;
    return *n ? &c->v[lo] : NULL;
}
