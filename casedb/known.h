/*
 * Hash lists: which files of the case have a content that a list names, as
 * known (of a distribution, say) or as notable. What comes of it is derived
 * (table known) and can be made anew; that a list was compared is an entry of
 * the examiner (table hash_list), with the list's own digest.
 *
 * A list is a stream of digests (MD5, SHA-1, SHA-256), or an NSRL RDS version
 * 3 database (SQLite: table or view FILE, else METADATA, with a column
 * sha256 in hexadecimal).
 */
#pragma once

#include "casedb/files.h"

struct known_list {
    int64_t id;
    uint8_t class; /* KNOWN_GOOD, KNOWN_NOTABLE */
    struct str name, form, author;
    struct str sha256; /* of the list */
    uint64_t n, n_files;
    struct instant at;
};

struct known_match;
/* Reads the digests of all files; the case stays the caller's. */
int known_open(struct casedb *c, struct known_match **out,
               struct err *err) CHECKED;
void known_close(struct known_match *m); /* NULL is fine */
/* Files that have a digest of this length; 0: such a list can match none. */
size_t known_digests(const struct known_match *m, size_t n);
/* One digest of 16, 20 or 32 bytes. */
void known_add(struct known_match *m, const unsigned char *hash, size_t n);
/* All of an NSRL database. tick is called now and then; nonzero stops. */
int known_add_nsrl(struct known_match *m, const char *path, int (*tick)(void *),
                   void *ctx, struct err *err) CHECKED;
/* Marks the files met and writes the entry, with an audit row; l->n, n_files,
 * at and author are filled in. Notable stays notable. */
int known_commit(struct known_match *m, struct known_list *l,
                 struct err *err) CHECKED;
/* Forgets what all lists said; the entries stay. */
int known_clear(struct casedb *c, struct err *err) CHECKED;
int known_lists(struct casedb *c,
                int (*fn)(void *ctx, const struct known_list *l), void *ctx,
                struct err *err) CHECKED;
/* Events of files, by what lists say of them: bits 1 << enum known_class.
 * Ranges of ids, both ends included, ascending. */
int known_spans(struct casedb *c, unsigned classes,
                int (*fn)(void *ctx, int64_t from, int64_t to), void *ctx,
                struct err *err) CHECKED;
