/* Lists of digests: what is taken does not depend on how the bytes come in,
 * each line is counted once, and what a line of ours holds is found. */
#include "base/hash_list.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void keep(void *ctx, const unsigned char *hash, size_t n)
{
    struct buf *out = ctx;
    must(n == 16 || n == 20 || n == 32);
    buf_put_hex(out, hash, n);
    buf_putc(out, '\n');
}

/* All of it in pieces of `step` bytes. */
static void run(struct str all, size_t step, struct hash_list *l,
                struct buf *out)
{
    *l = (struct hash_list){ .ctx = out, .hash = keep };
    for (size_t at = 0; at < all.n; at += step)
        hash_list_add(l, str_sub(all, at, step));
    hash_list_end(l);
}

static uint64_t lines(struct str all)
{
    uint64_t n = 0;
    for (size_t i = 0; i < all.n; i++)
        n += all.p[i] == '\n';
    return n + (all.n && all.p[all.n - 1] != '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = { (const char *)data, size };
    struct hash_list a, b, c;
    struct buf one = { 0 }, two = { 0 }, three = { 0 };
    run(all, size ? size : 1, &a, &one);
    run(all, 1 + size % 7, &b, &two);
    must(a.lines == b.lines && a.bad == b.bad && a.first_bad == b.first_bad);
    must(memcmp(a.seen, b.seen, sizeof a.seen) == 0);
    must(str_eq(buf_str(&one), buf_str(&two)));
    must(a.lines == lines(all) && a.bad <= a.lines);
    must((a.bad == 0) == (a.first_bad == 0) && a.first_bad <= a.lines);
    must(a.seen[16] + a.seen[20] + a.seen[32] + a.bad <= a.lines);
    /* What was taken, written as a list, is the same list. */
    run(buf_str(&one), 4096, &c, &three);
    must(c.bad == 0 && str_eq(buf_str(&one), buf_str(&three)));
    hash_list_free(&a);
    hash_list_free(&b);
    hash_list_free(&c);
    buf_free(&one);
    buf_free(&two);
    buf_free(&three);
    return 0;
}
