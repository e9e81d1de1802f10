/*
 * Lists of digests as text, one a line: "HASH", "HASH  NAME" and "HASH *NAME"
 * (md5sum, sha256sum), "HASH,NAME", "\"HASH\",..". The first word alone counts,
 * of 32, 40 or 64 hexadecimal digits (MD5, SHA-1, SHA-256). Empty lines and
 * those that begin with # say nothing.
 */
#pragma once

#include "base/str.h"

struct hash_list {
    void *ctx;
    void (*hash)(void *ctx, const unsigned char *hash, size_t n); /* bytes */
    uint64_t lines, bad, first_bad; /* bad: neither a digest nor nothing */
    uint64_t seen[33];              /* digests by their length in bytes */
    struct buf line;
};

/* The list in pieces of any size; hash_list_end takes what is left without a
 * line feed. A line's first 4096 bytes are looked at. */
void hash_list_add(struct hash_list *l, struct str bytes);
void hash_list_end(struct hash_list *l);
void hash_list_free(struct hash_list *l);
