/*
 * Any bytes from a worker: the decoder gives the same frames and breaks the
 * same rule whether they come at once or in pieces, keeps its bounds, and
 * never gives more than the jobs' budgets.
 *
 * Input: two_step and number of jobs u8 | size of pieces u8 | the stream.
 */
#include "evidence/frame.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

enum { BUDGET = 4096, FRAMES = 512, FIRST_JOB = 7 };

struct outcome {
    uint64_t bytes, sum;
    unsigned n, rule, open;
};

static void demand(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void take_all(struct frames *f, struct outcome *o)
{
    struct frame r;
    while (frames_next(f, &r)) {
        const unsigned char *p = (const unsigned char *)r.payload.p;
        demand(r.payload.n <= frame_cap(r.type));
        demand(p >= f->buf + FRAME_HEADER &&
               p + r.payload.n <= f->buf + f->end);
        demand(r.sequence == o->n);
        if (r.type != FRAME_PROGRESS && r.type != FRAME_HELLO)
            o->bytes += r.payload.n;
        o->sum = o->sum * 31 + r.type * 7 + r.flags + r.job + r.payload.n;
        for (size_t i = 0; i < r.payload.n; i++)
            o->sum = o->sum * 31 + p[i];
        o->n++;
    }
}

static struct outcome run(const uint8_t *data, size_t size, uint8_t how,
                          size_t piece)
{
    /* One buffer for all runs: to poison and free megabytes for each would
     * be most of the time. */
    static struct frames f;
    struct outcome o = { .n = 0 };
    unsigned jobs = how >> 1 & 7;
    if (!f.buf && frames_open(&f, false, NULL))
        return o;
    f = (struct frames){ .buf = f.buf, .cap = f.cap, .two_step = how & 1 };
    for (unsigned i = 0; i < jobs; i++)
        demand(frames_expect(&f, FIRST_JOB + i, BUDGET));
    while (size) {
        size_t room, n = piece < size ? piece : size;
        void *p = frames_space(&f, &room);
        demand(room >= FRAME_HEADER + FRAME_MAX || f.rule);
        if (n > room)
            n = room;
        if (n == 0)
            break;
        memcpy(p, data, n);
        frames_fed(&f, n);
        data += n;
        size -= n;
        take_all(&f, &o);
    }
    o.rule = f.rule;
    o.open = f.open;
    demand(o.bytes <= (uint64_t)BUDGET * jobs);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t piece = data[1] ? data[1] : 1;
    struct outcome a = run(data + 2, size - 2, data[0], SIZE_MAX);
    struct outcome b = run(data + 2, size - 2, data[0], piece);
    demand(a.n == b.n && a.sum == b.sum && a.rule == b.rule &&
           a.open == b.open);
    return 0;
}
