/* Streams of xz, block by block, so that each block is a place to restart at
 * and what is behind damage in the index does not matter. */
#include "evidence/unpack_coder.h"

#include <lzma.h>
#include <stdlib.h>

enum {
    MEMORY_MAX = 160 << 20, /* xz -9 needs 65 MiB, a window of 128 MiB fits */
    HEADER = LZMA_STREAM_HEADER_SIZE,
};

enum state { AT_HEADER, AT_BLOCK, IN_DATA, IN_INDEX, AT_FOOTER, IN_PADDING };

struct xz {
    enum state state;
    unsigned char head[LZMA_BLOCK_HEADER_SIZE_MAX];
    size_t have;
    bool told;     /* the point here */
    bool from_mid; /* restarted: the index cannot be compared */
    bool dirty;    /* something of a stream was read */
    uint64_t streams, padding;
    lzma_stream_flags flags;
    lzma_block block;
    lzma_filter filters[LZMA_FILTERS_MAX + 1];
    lzma_index_hash *hash;
    lzma_stream code;
};

static void *xz_open(void)
{
    struct xz *x = calloc(1, sizeof *x);
    if (x) {
        x->code = (lzma_stream)LZMA_STREAM_INIT;
        x->hash = lzma_index_hash_init(NULL, NULL);
        if (!x->hash) {
            free(x);
            return NULL;
        }
    }
    return x;
}

static void xz_close(void *c)
{
    struct xz *x = c;
    if (!x)
        return;
    lzma_end(&x->code);
    lzma_index_hash_end(x->hash, NULL);
    free(x);
}

static void begin(struct xz *x, enum state state)
{
    x->state = state;
    x->have = 0;
    x->told = false;
}

static void xz_start(void *c, unsigned token)
{
    struct xz *x = c;
    begin(x, token == POINT_STREAM ? AT_HEADER : AT_BLOCK);
    x->told = true;
    x->from_mid = token != POINT_STREAM;
    if (x->from_mid)
        x->flags = (lzma_stream_flags){ .check = (lzma_check)token };
}

static unsigned xz_token(const void *c)
{
    const struct xz *x = c;
    return x->state == AT_HEADER ? POINT_STREAM : (unsigned)x->flags.check;
}

/* Fills head up to want bytes; false: not all are there yet. */
static bool gather(struct xz *x, struct unpack_io *io, size_t want)
{
    size_t n = want > x->have ? want - x->have : 0;
    if (n > io->in_n)
        n = io->in_n;
    memcpy(x->head + x->have, io->in, n);
    x->have += n;
    io->in += n;
    io->in_n -= n;
    return x->have >= want;
}

static enum unpack_step header(struct xz *x, struct unpack_io *io)
{
    if (!x->told && x->have == 0 && io->in_n) {
        x->told = true;
        return STEP_POINT;
    }
    if (!gather(x, io, HEADER))
        return STEP_ON;
    if (memcmp(x->head,
               "\xfd"
               "7zXZ",
               6) != 0)
        return x->dirty ? STEP_TRAILING : STEP_NONE;
    x->dirty = true;
    if (lzma_stream_header_decode(&x->flags, x->head) != LZMA_OK)
        return STEP_BAD;
    lzma_index_hash *hash = lzma_index_hash_init(x->hash, NULL);
    if (!hash)
        return STEP_MEMORY;
    x->hash = hash;
    x->from_mid = false;
    begin(x, AT_BLOCK);
    return STEP_ON;
}

static enum unpack_step open_block(struct xz *x)
{
    x->block = (lzma_block){ .version = 1,
                             .check = x->flags.check,
                             .header_size = (uint32_t)x->have,
                             .filters = x->filters };
    if (lzma_block_header_decode(&x->block, NULL, x->head) != LZMA_OK)
        return STEP_BAD;
    uint64_t need = lzma_raw_decoder_memusage(x->filters);
    lzma_ret rc = LZMA_MEMLIMIT_ERROR;
    if (need <= MEMORY_MAX)
        rc = lzma_block_decoder(&x->code, &x->block);
    lzma_filters_free(x->filters, NULL);
    x->block.filters = NULL;
    begin(x, IN_DATA);
    return rc == LZMA_OK                                       ? STEP_ON
           : rc == LZMA_MEMLIMIT_ERROR || rc == LZMA_MEM_ERROR ? STEP_MEMORY
                                                               : STEP_BAD;
}

static enum unpack_step block(struct xz *x, struct unpack_io *io)
{
    if (io->in_n == 0)
        return STEP_ON;
    if (x->have == 0 && io->in[0] == 0) {
        begin(x, IN_INDEX);
        return STEP_ON;
    }
    if (!x->told && x->have == 0) {
        x->told = true;
        return STEP_POINT;
    }
    if (!gather(x, io, 1))
        return STEP_ON;
    if (!gather(x, io, lzma_block_header_size_decode(x->head[0])))
        return STEP_ON;
    return open_block(x);
}

static enum unpack_step data(struct xz *x, struct unpack_io *io)
{
    x->code.next_in = io->in;
    x->code.avail_in = io->in_n;
    x->code.next_out = io->out;
    x->code.avail_out = io->out_n;
    lzma_ret rc = lzma_code(&x->code, LZMA_RUN);
    io->in = x->code.next_in;
    io->in_n = x->code.avail_in;
    io->out = x->code.next_out;
    io->out_n = x->code.avail_out;
    if (rc == LZMA_OK || (rc == LZMA_BUF_ERROR && (!io->in_n || !io->out_n)))
        return STEP_ON;
    if (rc != LZMA_STREAM_END)
        return rc == LZMA_MEM_ERROR ? STEP_MEMORY : STEP_BAD;
    if (!x->from_mid &&
        lzma_index_hash_append(x->hash, lzma_block_unpadded_size(&x->block),
                               x->block.uncompressed_size) != LZMA_OK)
        return STEP_BAD;
    begin(x, AT_BLOCK);
    return STEP_ON;
}

static enum unpack_step stream_index(struct xz *x, struct unpack_io *io)
{
    size_t at = 0;
    if (x->from_mid)
        return STEP_LOST;
    if (io->in_n == 0)
        return STEP_ON;
    lzma_ret rc = lzma_index_hash_decode(x->hash, io->in, &at, io->in_n);
    io->in += at;
    io->in_n -= at;
    if (rc == LZMA_STREAM_END)
        begin(x, AT_FOOTER);
    return rc == LZMA_OK || rc == LZMA_STREAM_END ? STEP_ON : STEP_BAD;
}

static enum unpack_step footer(struct xz *x, struct unpack_io *io)
{
    lzma_stream_flags f;
    if (!gather(x, io, HEADER))
        return STEP_ON;
    if (lzma_stream_footer_decode(&f, x->head) != LZMA_OK ||
        lzma_stream_flags_compare(&x->flags, &f) != LZMA_OK ||
        f.backward_size != lzma_index_hash_size(x->hash))
        return STEP_BAD;
    x->streams++;
    x->padding = 0;
    begin(x, IN_PADDING);
    return STEP_ON;
}

static enum unpack_step padding(struct xz *x, struct unpack_io *io)
{
    while (io->in_n && io->in[0] == 0) {
        io->in++;
        io->in_n--;
        x->padding++;
    }
    if (io->in_n == 0)
        return STEP_ON;
    if (x->padding % 4)
        return STEP_TRAILING;
    begin(x, AT_HEADER);
    return STEP_ON;
}

static enum unpack_step xz_step(void *c, struct unpack_io *io)
{
    static enum unpack_step (*const steps[])(struct xz *,
                                             struct unpack_io *) = {
        [AT_HEADER] = header,      [AT_BLOCK] = block,   [IN_DATA] = data,
        [IN_INDEX] = stream_index, [AT_FOOTER] = footer, [IN_PADDING] = padding,
    };
    struct xz *x = c;
    return steps[x->state](x, io);
}

static enum unpack_damage xz_at_end(const void *c)
{
    const struct xz *x = c;
    if (x->state == IN_PADDING)
        return x->padding % 4 ? UNPACK_TRAILING : UNPACK_OK;
    if (x->state != AT_HEADER)
        return UNPACK_CUT;
    return x->streams ? UNPACK_TRAILING : x->have ? UNPACK_CUT : UNPACK_NONE;
}

static uint64_t xz_streams(const void *c)
{
    return ((const struct xz *)c)->streams;
}

const struct unpack_coder unpack_xz = {
    .open = xz_open,
    .close = xz_close,
    .start = xz_start,
    .token = xz_token,
    .step = xz_step,
    .at_end = xz_at_end,
    .streams = xz_streams,
};
