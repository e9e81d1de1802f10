/* Between evidence/worker.c and worker_process.c only: how a request reaches
 * the worker. One message of a SOCK_SEQPACKET socket:
 *   magic u32 | flags u32 | job u64 | payload
 * with up to REQUEST_FDS descriptors. Descriptors that do not fit come before
 * in messages of their own, flagged REQUEST_MORE. */
#pragma once

#include <stdint.h>

enum {
    REQUEST_MAGIC = 0x5145524b, /* "KREQ" */
    REQUEST_HEADER = 16,
    REQUEST_MORE = 1,
    REQUEST_FILE = 2, /* the file that the job asked for by FRAME_WANT; job is
                         its number. Without a descriptor: not to be had */
    REQUEST_FDS = 240, /* the kernel takes 253 a message */
    REQUEST_FDS_ALL = 16384,
};

/* Fixed descriptors of a worker. */
enum { WORKER_IN = 3, WORKER_OUT = 4, WORKER_FIRST_FREE = 5 };

/* How a worker ends when it cannot even begin. */
enum {
    WORKER_EXIT_DONE = 0,
    WORKER_EXIT_ORPHAN = 80,   /* its parent is gone */
    WORKER_EXIT_UNSEALED = 81, /* fences asked for are missing */
    WORKER_EXIT_REQUEST = 82,  /* a request it cannot read */
    WORKER_EXIT_PIPE = 83,     /* cannot answer */
};
