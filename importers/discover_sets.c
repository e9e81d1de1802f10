#include "importers/discover_sets.h"

#include <stdlib.h>

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "discovery: out of memory");
}

/* ---- segments: X.E01, X.E02; X.001, X.002 ------------------------------- */

enum { RAW = 100000 };

/* Number of the segment that a name says: X.E01..E99, EAA..; X.001.. ; 0 =
 * no segment name. stem: the bytes before. */
static unsigned segment_of(struct str path, struct str *stem)
{
    if (path.n < 5 || path.p[path.n - 4] != '.')
        return 0;
    const char *x = path.p + path.n - 3;
    *stem = str_sub(path, 0, path.n - 3);
    bool d1 = x[1] >= '0' && x[1] <= '9', d2 = x[2] >= '0' && x[2] <= '9';
    if ((x[0] == 'E' || x[0] == 'e') && d1 && d2)
        return (unsigned)(x[1] - '0') * 10 + (unsigned)(x[2] - '0');
    char a = (char)(x[1] & ~0x20), b = (char)(x[2] & ~0x20), z = x[0];
    if (((z >= 'E' && z <= 'Z') || (z >= 'e' && z <= 'z')) && a >= 'A' &&
        a <= 'Z' && b >= 'A' && b <= 'Z')
        return 100 + (unsigned)((z & ~0x20) - 'E') * 676 +
               (unsigned)(a - 'A') * 26 + (unsigned)(b - 'A');
    if (x[0] >= '0' && x[0] <= '9' && d1 && d2)
        return RAW + (unsigned)(x[0] - '0') * 100 +
               (unsigned)(x[1] - '0') * 10 + (unsigned)(x[2] - '0');
    return 0;
}

static bool first_segment(unsigned n)
{
    return n == 1 || n == RAW || n == RAW + 1;
}

static bool segment_follows(struct str first, struct str other)
{
    struct str stem = STR_NONE, stem2 = STR_NONE;
    unsigned n = segment_of(first, &stem), k = segment_of(other, &stem2);
    return first_segment(n) && k && str_eq(stem, stem2) &&
           (n >= RAW) == (k >= RAW);
}

/* ---- extents: X.vmdk, X-flat.vmdk, X-s001.vmdk, X-f001.vmdk -------------- */

static bool vmdk_extent(struct str first, struct str other)
{
    const struct str end = STR(".vmdk");
    if (!str_ends(first, end) || !str_ends(other, end))
        return false;
    struct str stem = str_sub(first, 0, first.n - end.n);
    if (!str_starts(other, stem) || other.n <= first.n)
        return false;
    struct str part = str_sub(other, stem.n, other.n - stem.n - end.n);
    if (str_eq(part, STR("-flat")))
        return true;
    bool digits = part.n == 5 && part.p[0] == '-' &&
                  (part.p[1] == 's' || part.p[1] == 'f');
    for (size_t i = 2; digits && i < part.n; i++)
        digits = part.p[i] >= '0' && part.p[i] <= '9';
    return digits;
}

bool discover_sibling(struct str first, struct str other)
{
    return segment_follows(first, other) || vmdk_extent(first, other);
}

/* ---- joining ------------------------------------------------------------ */

static size_t lower_bound(const struct found *f, struct str name)
{
    size_t lo = 0, hi = f->n_names;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (str_cmp(f->names[mid], name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* One file of the exhibit out of the names in `list`, which becomes its. */
static void set_make(struct found *f, bool *taken, size_t first,
                     const uint32_t *list, size_t n)
{
    struct found_file *file = &f->files[first];
    file->list = list;
    file->n_segments = (uint32_t)n;
    for (size_t k = 1; k < n; k++) {
        file->size += f->files[list[k]].size;
        taken[list[k]] = true;
    }
}

/* Gaps in the numbers stay: the reader of the image names what is missing.
 * Names of one set lie near each other, since they begin alike. */
static int join_from(struct found *f, bool *taken, size_t i, struct err *err)
{
    struct str name = f->names[i];
    struct str stem = str_sub(name, 0, name.n > 5 ? name.n - 5 : 0);
    size_t from = lower_bound(f, stem), n = 1;
    for (size_t k = from; k < f->n_names && str_starts(f->names[k], stem); k++)
        n += k != i && !taken[k] && discover_sibling(name, f->names[k]);
    if (n == 1)
        return 0;
    uint32_t *list = arena_array(&f->arena, n, sizeof(*list));
    if (!list)
        return no_memory(err);
    list[0] = (uint32_t)i;
    size_t at = 1;
    for (size_t k = from; k < f->n_names && str_starts(f->names[k], stem); k++)
        if (k != i && !taken[k] && discover_sibling(name, f->names[k]))
            list[at++] = (uint32_t)k;
    set_make(f, taken, i, list, n);
    return 0;
}

/* Could a set begin with this name at all? */
static bool may_begin(struct str name)
{
    struct str stem;
    return first_segment(segment_of(name, &stem)) ||
           str_ends(name, STR(".vmdk"));
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct found_file *)a)->path,
                   ((const struct found_file *)b)->path);
}

int discover_join(struct found *f, struct err *err)
{
    bool *taken = calloc(f->n_files + 1, sizeof(*taken));
    int rc = taken ? 0 : no_memory(err);
    for (size_t i = 0; i < f->n_files; i++)
        f->files[i].first = (uint32_t)i;
    if (rc == 0 && !f->single)
        rc = discover_blocks(f, taken, err);
    for (size_t i = 0; i < f->n_files && rc == 0; i++) {
        if (!taken[i] && !f->files[i].set && may_begin(f->names[i]))
            rc = join_from(f, taken, i, err);
    }
    size_t out = 0;
    for (size_t i = 0; i < f->n_files && rc == 0; i++)
        if (!taken[i])
            f->files[out++] = f->files[i];
    if (rc == 0)
        f->n_files = out;
    if (rc == 0 && out)
        qsort(f->files, out, sizeof(*f->files), by_path);
    free(taken);
    return rc;
}
