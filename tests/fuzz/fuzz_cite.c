/* Citations: what is read is written in one way, which reads as the same; and
 * any path and layers make a citation that gives them back. */
#include "analyzer/cite.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

static void need(bool good)
{
    if (!good)
        abort();
}

static void same(const struct cite *a, const struct cite *b)
{
    need(a->form == b->form && a->event == b->event &&
         a->exhibit == b->exhibit && a->has_range == b->has_range &&
         a->off == b->off && a->len == b->len && a->sub == b->sub &&
         a->kind == b->kind && str_eq(a->path, b->path) &&
         str_eq(a->layers, b->layers) && str_eq(a->value, b->value));
}

static void read_and_write(struct str text, struct arena *a)
{
    struct cite c, again;
    struct buf b = { 0 };
    int rc = cite_parse(text, a, &c, NULL);
    need(rc == 0 || rc == ERR_USAGE);
    if (rc)
        return;
    cite_put(&b, &c);
    need(cite_parse(buf_str(&b), a, &again, NULL) == 0);
    same(&c, &again);
    buf_free(&b);
}

static void write_and_read(struct str path, struct arena *a)
{
    struct member m = { .exhibit = 7, .path = path, .layers = STR("!gz") };
    struct cite c;
    struct buf b = { 0 };
    cite_put_place(&b, &m, 4711, path.n, path.n & 3);
    need(cite_parse(buf_str(&b), a, &c, NULL) == 0);
    need(c.form == CITE_PLACE && c.exhibit == 7 && c.has_range &&
         c.off == 4711 && c.len == path.n && c.sub == (path.n & 3) &&
         str_eq(c.path, path) && str_eq(c.layers, m.layers));
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct str text = { (const char *)data, size };
    read_and_write(text, &a);
    write_and_read(text, &a);
    arena_free(&a);
    return 0;
}
