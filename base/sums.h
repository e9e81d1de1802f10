/*
 * Lists of digests as sha256sum, sha1sum and md5sum write them, in both forms:
 *
 *   HEX  NAME      HEX *NAME      (a leading '\': NAME has \n, \r, \\ in it)
 *   SHA256 (NAME) = HEX           (BSD, --tag; also as openssl dgst writes it)
 *
 * Which digest it is follows from its length, in the BSD form also from its
 * name. Empty lines and lines that begin with '#' or ';' are left out.
 */
#pragma once

#include "base/err.h"
#include "base/hash.h"

struct sums_line {
    struct str path; /* as written, escapes undone; in the arena */
    enum hash_algo algo;
    unsigned char value[32]; /* hash_len(algo) bytes */
    uint32_t line;           /* from 1 */
};

/* 16, 20 or 32 bytes. */
static inline size_t hash_len(enum hash_algo a)
{
    return a == HASH_MD5 ? 16 : a == HASH_SHA1 ? 20 : 32;
}
/* "md5", "sha1", "sha256" */
const char *hash_name(enum hash_algo a);

/* ERR_USAGE names the first line that is of neither form. *out is malloced. */
int sums_parse(struct str text, struct arena *a, struct sums_line **out,
               size_t *n, struct err *err) CHECKED;
