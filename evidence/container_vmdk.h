/* One hosted sparse extent of a VMDK, private to its reader: a directory of
 * tables of grains, or a stream of grains that name their own place. */
#pragma once

#include "evidence/container.h"

enum {
    VMDK_MARKER = 12, /* place u64, packed bytes u32, before each grain */
    VMDK_TABLES = 64, /* tables kept */
    VMDK_ENTRIES_MAX = 1 << 16, /* of one table */
};

struct vmdk_table {
    uint64_t at; /* sector, 0 = none */
    bool good;
    unsigned char *entries;
};

struct vmdk_sparse {
    struct source *file; /* borrowed */
    uint64_t capacity;   /* sectors */
    uint64_t grain;      /* bytes */
    uint32_t per_table;  /* entries */
    bool packed, zero_entries;
    uint64_t descriptor, descriptor_n;   /* sectors; 0 = none inside */
    uint64_t directory, spare;           /* sectors; 0 = none */
    unsigned char *tables_at, *spare_at; /* u32 sectors, from the directories */
    uint64_t n_tables, n_spare;
    struct vmdk_table cache[VMDK_TABLES];
    /* Of a stream without its end: sector of each grain, 0 = none. */
    uint32_t *found;
    uint64_t n_found, last; /* grains before `last` were seen */
};

/* Opens the extent at the start of file; what is odd goes to c's info, and
 * c->unit becomes its grain. */
struct vmdk_sparse *vmdk_sparse_open(struct source *file, struct container *c,
                                     struct err *err);
void vmdk_sparse_free(struct vmdk_sparse *sp); /* NULL is fine */
/* off: bytes from the extent's start; beyond its capacity: RUN_ABSENT. */
void vmdk_sparse_find(struct vmdk_sparse *sp, uint64_t off, struct run *r);
