/*
 * The files that hold the headers of installed RPM packages, besides SQLite:
 * NDB (Packages.db) and the hash table of Berkeley DB (Packages). Both as
 * bytes, nothing is opened by name.
 */
#pragma once

#include "evidence/source.h"

struct rpmdb_found {
    uint32_t number; /* of the package in the database */
    struct str blob; /* until the next */
    uint64_t off;    /* of its first bytes in the file */
    uint32_t len;    /* of those that lie there together */
};

/* fn gets each package, damaged each place that could not be read; nonzero
 * from either stops and is returned. */
struct rpmdb_walk {
    struct source *src;
    int (*fn)(void *ctx, const struct rpmdb_found *p);
    int (*damaged)(void *ctx, uint64_t off, uint64_t len, const char *what);
    void *ctx;
    struct buf blob;
    unsigned char *page;
};

bool rpmdb_is_ndb(struct str head);
bool rpmdb_is_bdb(struct str head);
int rpmdb_ndb(struct rpmdb_walk *w) CHECKED;
int rpmdb_bdb(struct rpmdb_walk *w) CHECKED;
