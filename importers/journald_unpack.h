/*
 * The compressions of DATA objects: XZ, LZ4 and ZSTD, one at a time, told by a
 * bit of the object's flags.
 */
#pragma once

#include "base/str.h"

enum journald_packed {
    JOURNALD_XZ = 1,   /* a stream of .xz */
    JOURNALD_LZ4 = 2,  /* length as 64 bits, then one block */
    JOURNALD_ZSTD = 4, /* a frame (RFC 8878) */
    JOURNALD_PACKED = 7,
};

enum journald_unpacked {
    UNPACK_OK,
    UNPACK_LONG,   /* longer than most: the front part is there */
    UNPACK_DAMAGE, /* what came out before it is there */
    UNPACK_MEMORY, /* of ours */
};

struct journald_unpacker; /* keeps what the libraries need between objects */
struct journald_unpacker *journald_unpacker_open(void);
void journald_unpacker_close(struct journald_unpacker *u); /* NULL is fine */

/* Replaces what is in out. `how` is one bit of enum journald_packed. */
enum journald_unpacked journald_unpack(struct journald_unpacker *u,
                                       unsigned how, struct str packed,
                                       size_t most, struct buf *out);
