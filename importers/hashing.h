/* Hashes the files of an exhibit in a thread of its own, ahead of the
 * committer, over the same pages that the workers read. It only reads and
 * hashes: no evidence is parsed here. */
#pragma once

#include "base/err.h"

struct hashing;

struct hashing_result {
    unsigned char sha256[32];
    unsigned char md5[16], sha1[20]; /* when asked for */
    uint64_t bytes;
    bool changed; /* size or mtime differ after the read */
    bool failed;
    int error; /* errno */
};

/* algos: bits 1u << hash_algo, SHA-256 among them. */
struct hashing *hashing_open(unsigned algos, struct err *err);
/* Queues a descriptor (borrowed until hashing_wait returned its ticket). */
int hashing_add(struct hashing *h, int fd, uint64_t *ticket,
                struct err *err) CHECKED;
/* Blocks until the ticket is done; tickets are done in order. */
void hashing_wait(struct hashing *h, uint64_t ticket,
                  struct hashing_result *out);
/* Many files under one ticket: each is opened when its turn comes. All is the
 * caller's until hashing_wait, or hashing_cancel, which ends it early. */
struct hashing_many {
    size_t n;
    int (*open)(void *ctx, size_t i); /* in the hashing thread; -1: errno */
    void *ctx;
    struct hashing_result *results;
    bool cancelled; /* hashing's own */
};
int hashing_add_many(struct hashing *h, struct hashing_many *m,
                     uint64_t *ticket, struct err *err) CHECKED;
void hashing_cancel(struct hashing *h, struct hashing_many *m, uint64_t ticket);
bool hashing_ready(struct hashing *h, uint64_t ticket);

struct hashing_prefix {
    uint64_t bytes; /* hashed so far, a step of 64 MiB or the whole */
    bool whole;
    unsigned char sha256[32]; /* of these bytes */
};
/* What is known of a ticket now; bytes 0 when nothing is. */
void hashing_so_far(struct hashing *h, uint64_t ticket,
                    struct hashing_prefix *out);
void hashing_close(struct hashing *h); /* stops at the next block */
