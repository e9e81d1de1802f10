#include "cli/keywords.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

enum { LIST_MAX = 4 << 20, SHORTEST = 3, LONGEST = 1024 };

static int load_bytes(const char *path, struct buf *out, struct err *err)
{
    UNINITIALIZED char part[16384];
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, ERR_USAGE, "%s", path);
    while (out->n <= LIST_MAX &&
           ((n = read(fd, part, sizeof part)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0)
            buf_put(out, (struct str){ part, (size_t)n });
    close(fd);
    if (n < 0)
        return err_errno(err, ERR_USAGE, "%s", path);
    if (out->n > LIST_MAX)
        return err_set(err, ERR_USAGE, "%s: over %d MiB", path, LIST_MAX >> 20);
    return out->failed ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

static bool known(const struct keywords *k, struct str text)
{
    for (size_t i = 0; i < k->n; i++)
        if (str_eq(k->v[i].text, text))
            return true;
    return false;
}

static int add(struct keywords *k, struct str text, struct err *err)
{
    if (known(k, text))
        return 0;
    if (k->n == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 64;
        struct keyword *v = realloc(k->v, cap * sizeof *v);
        if (!v)
            return err_set(err, ERR_INTERNAL, "out of memory");
        k->v = v;
        k->cap = cap;
    }
    k->v[k->n] = (struct keyword){ .text = arena_copy(&k->arena, text) };
    return k->v[k->n++].text.p ? 0
                               : err_set(err, ERR_INTERNAL, "out of memory");
}

int keywords_load(struct keywords *k, const char *path, struct err *err)
{
    struct buf b = { 0 };
    int rc = load_bytes(path, &b, err);
    struct str rest = buf_str(&b);
    for (unsigned line = 1; rc == 0 && rest.n; line++) {
        size_t n = str_find(rest, STR("\n"));
        struct str text = str_sub(rest, 0, n);
        rest = str_sub(rest, n == SIZE_MAX ? rest.n : n + 1, rest.n);
        if (text.n && text.p[text.n - 1] == '\r')
            text.n--;
        if (text.n == 0 || str_starts(text, STR("# ")))
            continue;
        if (text.n < SHORTEST || text.n > LONGEST)
            rc = err_set(err, ERR_USAGE,
                         "%s, line %u: keywords have %d to %d bytes", path,
                         line, SHORTEST, LONGEST);
        else
            rc = add(k, text, err);
    }
    buf_free(&b);
    if (rc == 0 && k->n == 0)
        rc = err_set(err, ERR_USAGE, "%s: no keywords in it", path);
    return rc;
}

void keywords_free(struct keywords *k)
{
    free(k->v);
    arena_free(&k->arena);
    *k = (struct keywords){ 0 };
}

struct str keyword_utf16(struct str text, struct arena *a)
{
    struct buf b = { 0 };
    if (!text_utf8_valid(text))
        return STR("");
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        unsigned more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        uint32_t u = more == 0   ? c
                     : more == 1 ? c & 0x1fu
                     : more == 2 ? c & 0xfu
                                 : c & 7u;
        for (i++; more && i < text.n; more--, i++)
            u = u << 6 | ((unsigned char)text.p[i] & 0x3fu);
        uint32_t unit[2] = { u, 0 };
        if (u > 0xffff) {
            unit[0] = 0xd800 + ((u - 0x10000) >> 10);
            unit[1] = 0xdc00 + ((u - 0x10000) & 0x3ff);
        }
        for (int k = 0; k < (u > 0xffff ? 2 : 1); k++) {
            buf_putc(&b, (char)(unit[k] & 0xff));
            buf_putc(&b, (char)(unit[k] >> 8));
        }
    }
    return buf_to_arena(&b, a);
}
