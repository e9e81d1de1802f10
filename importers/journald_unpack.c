#include "importers/journald_unpack.h"

#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/varint.h"

enum {
    WINDOW_LOG = 27,         /* of ZSTD; journald's frames stay far below */
    LZMA_MEMORY = 128 << 20, /* journald's preset needs 9 MiB */
    STEP = 64 << 10,
};

struct journald_unpacker {
    ZSTD_DCtx *zstd;
    lzma_stream lzma;
};

struct journald_unpacker *journald_unpacker_open(void)
{
    struct journald_unpacker *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->zstd = ZSTD_createDCtx();
    if (!u->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(
                        u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG))) {
        journald_unpacker_close(u);
        return NULL;
    }
    return u;
}

void journald_unpacker_close(struct journald_unpacker *u)
{
    if (!u)
        return;
    ZSTD_freeDCtx(u->zstd);
    lzma_end(&u->lzma);
    free(u);
}

/* Room for more of at most `most` bytes in all. */
static size_t room(struct buf *out, size_t most)
{
    size_t want = out->n < STEP ? STEP : out->n;
    if (want > most - out->n)
        want = most - out->n;
    return buf_reserve(out, want) ? want : 0;
}

/* One byte more than `most` is asked for: that tells what is too long. */
static enum journald_unpacked ended(struct buf *out, size_t most, bool whole)
{
    if (out->failed)
        return UNPACK_MEMORY;
    if (out->n <= most)
        return whole ? UNPACK_OK : UNPACK_DAMAGE;
    out->n = most;
    return UNPACK_LONG;
}

static enum journald_unpacked xz(struct journald_unpacker *u, struct str packed,
                                 size_t most, struct buf *out)
{
    lzma_ret rc = lzma_stream_decoder(&u->lzma, LZMA_MEMORY, 0);
    u->lzma.next_in = (const uint8_t *)packed.p;
    u->lzma.avail_in = packed.n;
    while (rc == LZMA_OK && out->n <= most) {
        size_t n = room(out, most + 1);
        if (n == 0)
            return UNPACK_MEMORY;
        u->lzma.next_out = (uint8_t *)out->p + out->n;
        u->lzma.avail_out = n;
        rc = lzma_code(&u->lzma, LZMA_FINISH);
        out->n += n - u->lzma.avail_out;
    }
    if (rc == LZMA_MEM_ERROR)
        return UNPACK_MEMORY;
    return ended(out, most, rc == LZMA_STREAM_END);
}

static enum journald_unpacked lz4(struct str packed, size_t most,
                                  struct buf *out)
{
    if (packed.n < 9 || packed.n > LZ4_MAX_INPUT_SIZE)
        return UNPACK_DAMAGE;
    uint64_t stated = u64le(packed.p);
    size_t want = stated > most ? most : (size_t)stated;
    if (!buf_reserve(out, want + 1))
        return UNPACK_MEMORY;
    const char *in = packed.p + 8;
    int n = stated > most
                ? LZ4_decompress_safe_partial(in, out->p, (int)packed.n - 8,
                                              (int)want, (int)want)
                : LZ4_decompress_safe(in, out->p, (int)packed.n - 8, (int)want);
    out->n = n > 0 ? (size_t)n : 0;
    if (stated > most && n == (int)want)
        return UNPACK_LONG;
    return n >= 0 && out->n == stated ? UNPACK_OK : UNPACK_DAMAGE;
}

static enum journald_unpacked zstd(struct journald_unpacker *u,
                                   struct str packed, size_t most,
                                   struct buf *out)
{
    ZSTD_inBuffer in = { packed.p, packed.n, 0 };
    size_t left = 1;
    ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_only);
    while (left && !ZSTD_isError(left) && out->n <= most) {
        size_t n = room(out, most + 1);
        if (n == 0)
            return UNPACK_MEMORY;
        ZSTD_outBuffer to = { out->p + out->n, n, 0 };
        left = ZSTD_decompressStream(u->zstd, &to, &in);
        out->n += to.pos;
        if (in.pos == in.size && to.pos < to.size)
            break;
    }
    return ended(out, most, left == 0);
}

enum journald_unpacked journald_unpack(struct journald_unpacker *u,
                                       unsigned how, struct str packed,
                                       size_t most, struct buf *out)
{
    buf_clear(out);
    return how == JOURNALD_XZ    ? xz(u, packed, most, out)
           : how == JOURNALD_LZ4 ? lz4(packed, most, out)
                                 : zstd(u, packed, most, out);
}
