/* What unpack.c asks of a format. */
#pragma once

#include "evidence/unpack.h"

struct unpack_io {
    const unsigned char *in; /* never NULL */
    unsigned char *out;
    size_t in_n, out_n; /* what is left of both */
};

enum unpack_step {
    STEP_ON,    /* call again; without progress: more input is needed */
    STEP_POINT, /* here one can restart; nothing was consumed */
    STEP_LOST,  /* go on at the next restart point that begins a stream */
    STEP_NONE,  /* the rest are damage and end it */
    STEP_BAD,
    STEP_MEMORY,
    STEP_TRAILING,
};

enum { POINT_STREAM = 0x100 }; /* token: a stream begins here */

struct unpack_coder {
    void *(*open)(void); /* NULL: no memory */
    void (*close)(void *c);
    void (*start)(void *c, unsigned token); /* at a restart point */
    unsigned (*token)(const void *c);       /* of the point just told */
    enum unpack_step (*step)(void *c, struct unpack_io *io);
    enum unpack_damage (*at_end)(const void *c); /* no input is left */
    uint64_t (*streams)(const void *c);
};

extern const struct unpack_coder unpack_xz, unpack_bz2;
