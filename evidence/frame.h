/*
 * Frames: how a worker's results reach the parent, over a pipe. A worker that
 * evidence has taken over may write anything, so the decoder checks before it
 * believes and never allocates by a length it was told. There is no checksum:
 * a pipe does not damage bytes, and a lying worker would compute a right one.
 *
 * Header, 32 bytes, little-endian, written field by field:
 *   0 magic u32 | 4 version u8 | 5 type u8 | 6 flags u16 | 8 length u32 |
 *   12 zero u32 | 16 job u64 | 24 sequence u64
 * followed by `length` bytes of payload. What a payload means is between the
 * handler in the worker and the consumer in the parent, who reads it with a
 * cursor (base/varint.h) and trusts nothing in it.
 */
#pragma once

#include "base/err.h"

enum {
    FRAME_HEADER = 32,
    FRAME_MAX = 1 << 20, /* largest payload of any type */
    FRAME_QUEUE = 64,    /* requests a worker may have open */
};

enum frame_type {
    FRAME_HELLO = 1,  /* sealed; the fences obtained */
    FRAME_SEALED = 2, /* step 2: no opening from here on */
    FRAME_MEMBER = 3, /* a member begins */
    FRAME_RECORDS = 4,
    FRAME_FILES = 5,
    FRAME_ISSUE = 6,
    FRAME_FACT = 7,
    FRAME_PROGRESS = 8, /* u64 bytes of input done */
    FRAME_DATA = 9,     /* bytes read for the parent */
    FRAME_HIT = 10,     /* search hits */
    FRAME_DONE = 11,    /* the job's end; counts */
    FRAME_ERROR = 12,   /* the job's end; i32 code, then text */
    FRAME_WANT = 13,    /* u64: which file of the set is to be sent */
    FRAME_TYPES
};
const char *frame_type_name(unsigned type); /* "records" */
size_t frame_cap(unsigned type);            /* largest payload; 0 = none */

struct frame {
    uint8_t type; /* enum frame_type */
    uint16_t flags;
    uint64_t job;
    uint64_t sequence;
    struct str payload; /* in the decoder's buffer */
};

void frame_header(unsigned char out[FRAME_HEADER], const struct frame *f);

/*
 * The incremental decoder, one per worker. Rules, in this order; the first
 * broken one ends the worker and is named in `broken`:
 *   1 magic, version, reserved bits  2 type allowed in this state
 *   3 length within the type's cap   4 job is the oldest open one
 *   5 sequence is the previous + 1   6 the job's bytes within its budget
 *   (PROGRESS and WANT are free)
 */
struct frames {
    unsigned char *buf;
    size_t cap, at, end; /* unread bytes are buf[at..end) */
    uint64_t sequence;   /* expected next */
    bool greeted;        /* HELLO has come */
    bool two_step;       /* content only after SEALED */
    bool sealed;
    struct {
        uint64_t job, left; /* budget left, payload bytes */
    } queue[FRAME_QUEUE];
    unsigned first, open; /* ring of open jobs */
    unsigned rule;        /* broken rule, 0 = none */
    char broken[120];
};

int frames_open(struct frames *f, bool two_step, struct err *err) CHECKED;
void frames_close(struct frames *f);
/* A job was sent; at most max_bytes of payload may answer it. False: the
 * queue is full. */
bool frames_expect(struct frames *f, uint64_t job, uint64_t max_bytes);
/* Where to read into: at least one whole largest frame fits. Moves the unread
 * bytes, so frames returned before are gone. Then say how much came. */
void *frames_space(struct frames *f, size_t *n);
void frames_fed(struct frames *f, size_t n);
/* The next complete frame; false: more bytes are needed, or f->rule is set.
 * The payload is valid until the next frames_space. */
bool frames_next(struct frames *f, struct frame *out);
