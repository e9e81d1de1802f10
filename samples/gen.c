#include "samples/gen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

#define MARCH_2026 INT64_C(1772323200)

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("generate: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

/* ---- chance ---------------------------------------------------------------
 */

uint64_t chance_next(struct chance *c)
{
    /* splitmix64: every seed is a good one */
    uint64_t z = c->s += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

struct chance chance_of(const char *name, uint64_t n)
{
    struct chance c = { UINT64_C(0xCBF29CE484222325) ^ n };
    for (const char *p = name; *p; p++) {
        c.s ^= (unsigned char)*p;
        c.s *= UINT64_C(0x100000001B3);
    }
    chance_next(&c);
    return c;
}

unsigned chance_below(struct chance *c, unsigned n)
{
    return (unsigned)(chance_next(c) >> 33) % n;
}

/* ---- text -----------------------------------------------------------------
 */

static const char *format(struct gen *g, const char *fmt, va_list ap, bool json)
{
    char line[8192];
    int n = vsnprintf(line, sizeof line, fmt, ap);
    if (n < 0 || (size_t)n >= sizeof line)
        die("text too long: %.60s", line);
    buf_clear(&g->scratch);
    for (const char *p = line; *p; p++) {
        if (json && *p == '`')
            buf_putz(&g->scratch, "\\\"");
        else
            buf_putc(&g->scratch, json && *p == '\'' ? '"' : *p);
    }
    struct str s = arena_copy(&g->arena, buf_str(&g->scratch));
    if (!s.p)
        die("out of memory");
    return s.p;
}

const char *text(struct gen *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *s = format(g, fmt, ap, false);
    va_end(ap);
    return s;
}

const char *js(struct gen *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *s = format(g, fmt, ap, true);
    va_end(ap);
    return s;
}

const char *letters(struct gen *g, const char *alphabet, unsigned n)
{
    unsigned size = (unsigned)strlen(alphabet);
    char *p = arena_alloc(&g->arena, n + 1);
    if (!p)
        die("out of memory");
    for (unsigned i = 0; i < n; i++)
        p[i] = alphabet[chance_below(&g->rng, size)];
    return p;
}

const char *uuid(struct gen *g)
{
    uint64_t a = chance_next(&g->rng), b = chance_next(&g->rng);
    return text(g, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                (unsigned)(a >> 16) & 0xFFFF, (unsigned)a & 0xFFF,
                0x8000u | ((unsigned)(b >> 48) & 0x3FFF),
                (unsigned long long)(b & UINT64_C(0xFFFFFFFFFFFF)));
}

int64_t at(int day, int hour, int minute, int second)
{
    return MARCH_2026 + (day - 1) * INT64_C(86400) + hour * 3600 + minute * 60 +
           second;
}

int day_of(int64_t t)
{
    return (int)((t - MARCH_2026) / 86400) + 1;
}

int minute_of(int64_t t)
{
    return (int)((t - MARCH_2026) % 86400) / 60;
}

int second_of(int64_t t)
{
    return (int)(t % 60);
}

const char *iso(struct gen *g, int64_t t)
{
    return text(g, "2026-03-%02dT%02d:%02d:%02dZ", day_of(t), minute_of(t) / 60,
                minute_of(t) % 60, second_of(t));
}

const char *stamp(struct gen *g, int64_t t, int ms)
{
    return text(g, "2026-03-%02dT%02d:%02d:%02d.%03dZ", day_of(t),
                minute_of(t) / 60, minute_of(t) % 60, second_of(t), ms);
}

void fact(struct gen *g, const char *name, const char *value)
{
    buf_printf(&g->expected, "%s\t%s\n", name, value);
}

void fact_n(struct gen *g, const char *name, size_t value)
{
    buf_printf(&g->expected, "%s\t%zu\n", name, value);
}

/* ---- files ----------------------------------------------------------------
 */

static void make_folders(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            die("%s: %s", path, strerror(errno));
        *p = '/';
    }
}

void file_write(const char *root, const char *path, struct str bytes)
{
    char full[4096];
    int n = snprintf(full, sizeof full, "%s/%s", root, path);
    if (n < 0 || (size_t)n >= sizeof full)
        die("%s: name too long", path);
    make_folders(full);
    FILE *f = fopen(full, "wb");
    if (!f)
        die("%s: %s", full, strerror(errno));
    bool ok = bytes.n == 0 || fwrite(bytes.p, 1, bytes.n, f) == bytes.n;
    if (fclose(f) != 0 || !ok)
        die("%s: %s", full, strerror(errno));
}

struct str gz(struct gen *g, struct str bytes)
{
    z_stream z = { 0 };
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        die("zlib: no memory");
    size_t cap = deflateBound(&z, (uLong)bytes.n);
    char *out = arena_alloc(&g->arena, cap);
    if (!out)
        die("out of memory");
    z.next_in = (Bytef *)(uintptr_t)bytes.p;
    z.avail_in = (uInt)bytes.n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)cap;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        die("zlib: deflate failed");
    struct str s = { out, z.total_out };
    deflateEnd(&z);
    return s;
}

struct str gunzip_cut(struct gen *g, struct str bytes)
{
    enum { LIMIT = 1 << 20 };
    z_stream z = { 0 };
    char *out = arena_alloc(&g->arena, LIMIT);
    if (!out || inflateInit2(&z, 15 + 16) != Z_OK)
        die("out of memory");
    z.next_in = (Bytef *)(uintptr_t)bytes.p;
    z.avail_in = (uInt)bytes.n;
    z.next_out = (Bytef *)out;
    z.avail_out = LIMIT;
    inflate(&z, Z_SYNC_FLUSH);
    struct str s = { out, z.total_out };
    inflateEnd(&z);
    return s;
}
