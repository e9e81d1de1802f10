/*
 * Any bytes as memory: hits are in order of their kind's anchor, inside, and
 * the same whether the bytes are looked at in one window or in two.
 */
#include "importers/carve.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

struct sum {
    uint64_t n, all, base, size;
};

static int take(void *ctx, const struct carve_hit *h)
{
    struct sum *s = ctx;
    if (h->at < s->base || h->at - s->base > s->size ||
        h->len > s->size - (h->at - s->base) || h->len > CARVE_AFTER ||
        h->len == 0 || h->value.n > h->len)
        abort();
    s->n++;
    s->all = s->all * 31 + h->at * 7 + h->len + h->kind;
    for (size_t i = 0; i < h->value.n; i++)
        s->all = s->all * 31 + (unsigned char)h->value.p[i];
    return 0;
}

static struct sum run(const char *p, size_t n, size_t cut)
{
    struct sum s = { .base = 4096, .size = n };
    struct carver c = { .hit = take, .ctx = &s };
    if (carve(&c, p, cut, n, s.base) ||
        carve(&c, p + cut, n - cut, n - cut, s.base + cut))
        abort();
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *room = calloc(1, CARVE_BEFORE + size + CARVE_PAD);
    if (!room)
        return 0;
    char *p = room + CARVE_BEFORE;
    if (size)
        memcpy(p, data, size);
    struct sum whole = run(p, size, size);
    for (size_t cut = size % 7; cut < size; cut += 1 + size / 11) {
        struct sum two = run(p, size, cut);
        if (two.n != whole.n || two.all != whole.all)
            abort();
    }
    free(room);
    return 0;
}
