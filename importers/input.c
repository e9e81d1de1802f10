/* Windows over a member's content. */
#include "importers/input.h"

#include <stdlib.h>

/* Tests read in little steps. */
#ifndef INPUT_STEP
#define INPUT_STEP  (8 << 20)
#define INPUT_WHOLE (64 << 20)
#endif
enum { STEP = INPUT_STEP, WHOLE = INPUT_WHOLE, PAD = 64 };

int input_open(struct input_buffer *b, struct source *src, struct err *err)
{
    *b = (struct input_buffer){ .in.src = src };
    uint64_t want = src->size <= WHOLE ? src->size : STEP;
    b->cap = (size_t)want + PAD;
    b->p = calloc(1, b->cap);
    if (!b->p)
        return err_set(err, ERR_INTERNAL, "worker: out of memory");
    size_t got = 0;
    int rc = source_read(src, 0, b->p, (size_t)want, &got, err);
    b->in.p = b->p;
    b->in.n = got;
    b->in.eof = got == src->size || rc != 0;
    return rc;
}

void input_memory(struct input_buffer *b, struct str bytes)
{
    *b = (struct input_buffer){ .in = {
                                    .p = bytes.p, .n = bytes.n, .eof = true } };
}

void input_close(struct input_buffer *b)
{
    free(b->p);
    *b = (struct input_buffer){ 0 };
}

int input_more(struct input *in, size_t from)
{
    struct input_buffer *b = (struct input_buffer *)in;
    if (in->eof || !b->p)
        return 0;
    size_t keep = in->n - from;
    if (from == 0 && b->cap - PAD - keep < STEP) {
        size_t cap = b->cap * 2;
        char *p = cap > b->cap ? realloc(b->p, cap) : NULL;
        if (!p)
            return ERR_INTERNAL;
        b->p = p;
        b->cap = cap;
    }
    memmove(b->p, b->p + from, keep);
    in->base += from;
    size_t room = b->cap - PAD - keep, got = 0;
    struct err err;
    int rc =
        source_read(in->src, in->base + keep, b->p + keep, room, &got, &err);
    memset(b->p + keep + got, 0, PAD);
    in->p = b->p;
    in->n = keep + got;
    in->eof = rc != 0 || in->base + in->n >= in->src->size;
    return 0;
}
