/* Both ways to inflate give the same content and the same report. */
#include "evidence/gzip.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

enum { OUT_MAX = 1 << 17 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void same_bytes(struct source *s, const struct buf *all)
{
    char part[700];
    size_t got;
    must(s->size == all->n);
    /* Backwards, so that every read starts anew. */
    for (uint64_t off = all->n; off > 0;) {
        uint64_t n = off < sizeof part ? off : sizeof part;
        off -= n;
        must(!source_read(s, off, part, (size_t)n, &got, NULL) && got == n);
        must(memcmp(part, all->p + off, got) == 0);
    }
    for (size_t i = 0; i < 64; i++)
        must(all->p[all->n + i] == 0);
}

/* What is shown of it first is how it begins. */
static void same_head(struct str gz, const struct buf *all)
{
    char head[700];
    size_t n = gzip_head(gz, head, sizeof head);
    must(n <= sizeof head);
    n = n < all->n ? n : all->n;
    must(n == 0 || memcmp(head, all->p, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str gz = { (const char *)data, size };
    struct gzip_inflater *g = gzip_inflater_open();
    struct gzip_report r;
    struct buf all = { 0 };
    must(g && gzip_inflate_all(g, gz, &all, OUT_MAX, &r) == 0);
    struct source *file = source_open_memory(gz, NULL);
    struct source *s = source_open_gzip(file, OUT_MAX, NULL);
    must(s != NULL);
    const struct gzip_report *q = gzip_source_report(s);
    must(r.out_size == all.n && r.in_used <= size);
    must(r.members == q->members && r.damage == q->damage);
    must(r.n_damaged == q->n_damaged && r.out_off == q->out_off);
    if (r.damage == GZIP_OK) /* everything is accounted for */
        must(r.in_used + r.zeros == size && q->in_used == r.in_used);
    must(gzip_damage_code(r.damage) && gzip_damage_text(r.damage));
    same_head(gz, &all);
    same_bytes(s, &all);
    source_close(s);
    source_close(file);
    buf_free(&all);
    gzip_inflater_close(g);
    return 0;
}
