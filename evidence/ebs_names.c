/* Names of block files: words between '-', '_' and '.'. */
#include "evidence/ebs.h"

#include "base/hash.h"

enum { DIGITS_MAX = 12, NUMBERS = 3, HEX = 64 };

static bool all(struct str s, bool hex)
{
    for (size_t i = 0; i < s.n; i++)
        if (hex ? str_hex(s.p[i]) < 0 : s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static struct str next_word(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '-' && rest->p[n] != '_' &&
           rest->p[n] != '.')
        n++;
    struct str w = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n + 1, rest->n);
    return w;
}

static bool filler(struct str w)
{
    static const char *const words[] = { "block", "blk",  "chunk", "bin",
                                         "dat",   "data", "raw",   "img" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_ieq(w, str_from(words[i])))
            return true;
    return false;
}

struct words {
    uint64_t numbers[NUMBERS];
    size_t n, fillers, other;
};

/* "snap-0cc33dd44ee55ff66": two words, shown as they stand. */
static bool take_snapshot(struct str w, struct str *rest, struct ebs_name *out)
{
    struct str before = *rest, id;
    if (!str_eq(w, STR("snap")))
        return false;
    id = next_word(rest);
    if (id.n < 8 || id.n > 17 || !all(id, true)) {
        *rest = before;
        return false;
    }
    out->snapshot = (struct str){ w.p, w.n + 1 + id.n };
    return true;
}

static void take_word(struct str w, struct words *k, struct ebs_name *out)
{
    uint64_t v;
    if (w.n <= DIGITS_MAX && all(w, false) && str_u64(w, &v) && k->n < NUMBERS)
        k->numbers[k->n++] = v;
    else if (w.n == HEX && hash_from_hex(w, out->sha256, 32))
        out->has_sha256 = true;
    else if (filler(w))
        k->fillers++;
    else
        k->other += w.n > 0;
}

/* Last directory of a path that names a snapshot. */
static struct str folder_snapshot(struct str path)
{
    struct ebs_name n = { .block = false };
    size_t slash = path.n;
    while (slash && path.p[slash - 1] != '/')
        slash--;
    struct str rest = str_sub(path, 0, slash ? slash - 1 : 0);
    while (rest.n) {
        size_t end = 0;
        while (end < rest.n && rest.p[end] != '/')
            end++;
        struct str part = str_sub(rest, 0, end);
        rest = str_sub(rest, end + 1, rest.n);
        while (part.n) {
            struct str w = next_word(&part);
            take_snapshot(w, &part, &n);
        }
    }
    return n.snapshot;
}

bool ebs_name_parse(struct str path, struct ebs_name *out)
{
    const struct str json = STR(".json");
    struct words k = { .n = 0 };
    size_t slash = path.n;
    while (slash && path.p[slash - 1] != '/')
        slash--;
    struct str base = str_sub(path, slash, path.n);
    *out = (struct ebs_name){ .block = !str_ends(base, json) };
    if (!out->block)
        base = str_sub(base, 0, base.n - json.n);
    while (base.n) {
        struct str w = next_word(&base);
        if (!take_snapshot(w, &base, out))
            take_word(w, &k, out);
    }
    bool full = k.n == NUMBERS && out->has_sha256 && out->snapshot.n;
    if (full) {
        out->gib = k.numbers[1];
        out->block_size = (uint32_t)k.numbers[2];
    }
    out->indexed = k.other == 0 && (full || (k.n == 1 && !out->has_sha256));
    out->index = k.numbers[0];
    out->bare = k.fillers == 0 && out->snapshot.n == 0;
    if (out->snapshot.n == 0)
        out->snapshot = folder_snapshot(path);
    return !out->block || out->indexed;
}

bool ebs_names_fit(const struct str *names, size_t n)
{
    size_t blocks = 0, listings = 0, others = 0, bare = 0;
    struct ebs_name e;
    for (size_t i = 0; i < n; i++) {
        if (!ebs_name_parse(names[i], &e)) {
            others++;
            continue;
        }
        blocks += e.block;
        bare += e.block && e.bare;
        listings += !e.block;
    }
    return blocks > 0 && blocks > others && (bare == 0 || listings > 0);
}
