/* Streams of bzip2; there is no specification but the library's source. */
#include "evidence/unpack_coder.h"

#include <bzlib.h>
#include <limits.h>
#include <stdlib.h>

enum { MAGIC = 4 }; /* BZh and the size of blocks */

struct bz2 {
    bool open, told, magic_given;
    unsigned char magic[MAGIC];
    size_t have;
    uint64_t streams;
    bz_stream code;
};

static void *bz2_open(void)
{
    return calloc(1, sizeof(struct bz2));
}

static void shut(struct bz2 *b)
{
    if (b->open)
        BZ2_bzDecompressEnd(&b->code);
    b->open = b->told = b->magic_given = false;
    b->have = 0;
}

static void bz2_close(void *c)
{
    if (c)
        shut(c);
    free(c);
}

static void bz2_start(void *c, unsigned token)
{
    struct bz2 *b = c;
    (void)token;
    shut(b);
    b->told = true;
}

static unsigned bz2_token(const void *c)
{
    (void)c;
    return POINT_STREAM;
}

static bool is_magic(const unsigned char *p)
{
    return memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9';
}

static enum unpack_step begin(struct bz2 *b, struct unpack_io *io)
{
    if (!b->told && b->have == 0 && io->in_n) {
        b->told = true;
        return STEP_POINT;
    }
    while (b->have < MAGIC && io->in_n) {
        b->magic[b->have++] = *io->in++;
        io->in_n--;
    }
    if (b->have < MAGIC)
        return STEP_ON;
    if (!is_magic(b->magic))
        return b->streams ? STEP_TRAILING : STEP_NONE;
    b->code = (bz_stream){ .next_in = NULL };
    if (BZ2_bzDecompressInit(&b->code, 0, 0) != BZ_OK)
        return STEP_MEMORY;
    b->open = true;
    return STEP_ON;
}

static unsigned fit(size_t n)
{
    return n > INT_MAX ? INT_MAX : (unsigned)n;
}

/* The library takes its input as not const, and does not write to it. */
static int run(struct bz2 *b, const void *in, unsigned in_n,
               struct unpack_io *io)
{
    union {
        const void *from;
        char *to;
    } p = { .from = in };
    b->code.next_in = p.to;
    b->code.avail_in = in_n;
    b->code.next_out = (char *)io->out;
    b->code.avail_out = fit(io->out_n);
    unsigned room = b->code.avail_out;
    int rc = BZ2_bzDecompress(&b->code);
    io->out += room - b->code.avail_out;
    io->out_n -= room - b->code.avail_out;
    return rc;
}

static enum unpack_step bz2_step(void *c, struct unpack_io *io)
{
    struct bz2 *b = c;
    int rc;
    if (!b->open)
        return begin(b, io);
    if (!b->magic_given) { /* four bytes give no content yet */
        rc = run(b, b->magic, MAGIC, io);
        b->magic_given = true;
    } else {
        unsigned n = fit(io->in_n);
        rc = run(b, io->in, n, io);
        io->in += n - b->code.avail_in;
        io->in_n -= n - b->code.avail_in;
    }
    if (rc == BZ_OK)
        return STEP_ON;
    if (rc != BZ_STREAM_END)
        return rc == BZ_MEM_ERROR ? STEP_MEMORY : STEP_BAD;
    shut(b);
    b->streams++;
    return STEP_ON;
}

static enum unpack_damage bz2_at_end(const void *c)
{
    const struct bz2 *b = c;
    if (b->open)
        return UNPACK_CUT;
    if (b->have)
        return b->streams ? UNPACK_TRAILING : UNPACK_CUT;
    return b->streams ? UNPACK_OK : UNPACK_NONE;
}

static uint64_t bz2_streams(const void *c)
{
    return ((const struct bz2 *)c)->streams;
}

const struct unpack_coder unpack_bz2 = {
    .open = bz2_open,
    .close = bz2_close,
    .start = bz2_start,
    .token = bz2_token,
    .step = bz2_step,
    .at_end = bz2_at_end,
    .streams = bz2_streams,
};
