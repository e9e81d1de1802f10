#include "base/hash_list.h"

#include "base/hash.h"

enum { LINE_LONGEST = 4096 };

static bool ends_word(char c)
{
    return memchr(" \t,;\"*", c, 6) != NULL;
}

static void take_line(struct hash_list *l, struct str line)
{
    unsigned char hash[32];
    size_t n = 0;
    line = str_trim(line);
    if (line.n && line.p[0] == '"')
        line = str_sub(line, 1, line.n);
    l->lines++;
    if (line.n == 0 || line.p[0] == '#')
        return;
    while (n < line.n && str_hex(line.p[n]) >= 0)
        n++;
    bool ends = n == line.n || ends_word(line.p[n]);
    bool length = n == 32 || n == 40 || n == 64;
    if (ends && length && hash_from_hex(str_sub(line, 0, n), hash, n / 2)) {
        l->seen[n / 2]++;
        l->hash(l->ctx, hash, n / 2);
    } else if (l->bad++ == 0) {
        l->first_bad = l->lines;
    }
}

void hash_list_add(struct hash_list *l, struct str s)
{
    for (size_t at = 0; at < s.n;) {
        const char *lf = memchr(s.p + at, '\n', s.n - at);
        size_t n = lf ? (size_t)(lf - s.p) - at : s.n - at;
        struct str part = str_sub(s, at, n);
        at += n + (lf ? 1 : 0);
        /* only the first word counts */
        if (l->line.n + part.n > LINE_LONGEST)
            part.n = LINE_LONGEST - l->line.n;
        buf_put(&l->line, part);
        if (!lf)
            continue;
        take_line(l, buf_str(&l->line));
        buf_clear(&l->line);
    }
}

void hash_list_end(struct hash_list *l)
{
    if (l->line.n)
        take_line(l, buf_str(&l->line));
    buf_clear(&l->line);
}

void hash_list_free(struct hash_list *l)
{
    buf_free(&l->line);
}
