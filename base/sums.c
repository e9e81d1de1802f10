#include "base/sums.h"

#include <stdlib.h>

const char *hash_name(enum hash_algo a)
{
    return a == HASH_MD5 ? "md5" : a == HASH_SHA1 ? "sha1" : "sha256";
}

static bool algo_of_length(size_t hex, enum hash_algo *a)
{
    *a = hex == 32 ? HASH_MD5 : hex == 40 ? HASH_SHA1 : HASH_SHA256;
    return hex == 2 * hash_len(*a);
}

static bool algo_of_name(struct str name, enum hash_algo *a)
{
    static const struct {
        const char *name;
        enum hash_algo algo;
    } names[] = { { "MD5", HASH_MD5 },        { "SHA1", HASH_SHA1 },
                  { "SHA-1", HASH_SHA1 },     { "SHA256", HASH_SHA256 },
                  { "SHA-256", HASH_SHA256 }, { "SHA2-256", HASH_SHA256 } };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_ieq(name, str_from(names[i].name))) {
            *a = names[i].algo;
            return true;
        }
    return false;
}

static bool unescape(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\') {
            buf_putc(out, s.p[i]);
            continue;
        }
        if (++i == s.n || !memchr("nr\\", s.p[i], 3))
            return false;
        buf_putc(out, s.p[i] == 'n' ? '\n' : s.p[i] == 'r' ? '\r' : '\\');
    }
    return true;
}

static bool take_value(struct str hex, struct sums_line *l)
{
    enum hash_algo by_length;
    return algo_of_length(hex.n, &by_length) && by_length == l->algo &&
           hash_from_hex(hex, l->value, hash_len(l->algo));
}

/* "SHA256 (NAME) = HEX": the last " = " counts, names may hold one. */
static bool bsd_form(struct str s, struct sums_line *l)
{
    size_t open = str_find(s, STR("(")), close = s.n;
    if (open == SIZE_MAX ||
        !algo_of_name(str_trim(str_sub(s, 0, open)), &l->algo))
        return false;
    while (close > open && s.p[close - 1] != ')')
        close--;
    if (close <= open + 1)
        return false;
    struct str after = str_trim(str_sub(s, close, s.n));
    l->path = str_sub(s, open + 1, close - open - 2);
    return after.n > 1 && after.p[0] == '=' &&
           take_value(str_trim(str_sub(after, 1, after.n)), l);
}

static bool gnu_form(struct str s, struct sums_line *l)
{
    size_t n = 0;
    while (n < s.n && str_hex(s.p[n]) >= 0)
        n++;
    if (!algo_of_length(n, &l->algo) || s.n < n + 3 || s.p[n] != ' ' ||
        (s.p[n + 1] != ' ' && s.p[n + 1] != '*'))
        return false;
    l->path = str_sub(s, n + 2, s.n);
    return take_value(str_sub(s, 0, n), l);
}

static int parse_line(struct str s, struct arena *a, struct sums_line *l,
                      struct err *err)
{
    bool escaped = s.n && s.p[0] == '\\';
    struct buf path = { 0 };
    if (escaped)
        s = str_sub(s, 1, s.n);
    bool ok = (gnu_form(s, l) || bsd_form(s, l)) && l->path.n &&
              !memchr(l->path.p, 0, l->path.n);
    if (ok && escaped)
        ok = unescape(l->path, &path);
    else if (ok)
        buf_put(&path, l->path);
    l->path = ok ? buf_to_arena(&path, a) : STR_NONE;
    buf_free(&path);
    if (ok && !l->path.p)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (ok)
        return 0;
    err_set(err, ERR_USAGE, "line %u is no digest with a name", l->line);
    err_hint(err, "Lists of sha256sum, sha1sum and md5sum are read, also in "
                  "the BSD form.");
    return err->code;
}

int sums_parse(struct str text, struct arena *a, struct sums_line **out,
               size_t *n, struct err *err)
{
    size_t cap = 0;
    uint32_t number = 0;
    *out = NULL;
    *n = 0;
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_sub(text, 3, text.n);
    while (text.n) {
        size_t len = str_find(text, STR("\n"));
        struct str s = str_sub(text, 0, len);
        text = len < text.n ? str_sub(text, len + 1, text.n) : STR("");
        number++;
        if (s.n && s.p[s.n - 1] == '\r')
            s.n--;
        if (s.n == 0 || s.p[0] == '#' || s.p[0] == ';')
            continue;
        if (*n == cap) {
            cap = cap ? 2 * cap : 64;
            struct sums_line *more = realloc(*out, cap * sizeof(*more));
            if (!more)
                return err_set(err, ERR_INTERNAL, "out of memory");
            *out = more;
        }
        (*out)[*n] = (struct sums_line){ .line = number };
        int rc = parse_line(s, a, &(*out)[*n], err);
        if (rc)
            return rc;
        ++*n;
    }
    return 0;
}
