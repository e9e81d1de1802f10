/* A batch between the intake and the database (private to casedb/). */
#pragma once

#include "base/varint.h"
#include "casedb/db.h"
#include "casedb/intake.h"

struct batch_row {
    int64_t t_s;
    uint64_t off, uid_hash, request_hash;
    uint64_t heap; /* offset of uid, request, refs, text in the heap */
    uint32_t t_ns, flags, len, member, body, text_n;
    uint32_t col[INTAKE_COLUMNS];
    uint16_t sub, refs_n; /* refs_n: bytes */
    uint8_t uid_n, request_n, t_kind, t_zone, t_res, severity;
    bool timed;
};

struct batch_entity {
    uint32_t id;
    struct str value; /* in the batch's arena */
    uint64_t hash;
};

struct batch_member {
    int64_t id;
    struct str path, layers, format, sha256;
    uint64_t size, n_read, n_stored, n_dup, n_rejected, first_event, n_events;
};

struct batch_issue {
    int64_t member;
    int severity;
    uint64_t off, len;
    struct str code, detail;
};

struct batch_sighting {
    int64_t event, member;
    uint64_t off;
    uint32_t len;
};

struct batch_blob { /* facts, embedded bytes */
    int64_t member;
    struct str name, value;
};

struct batch_file {
    int64_t id, member, first_event;
    struct intake_file f; /* texts in the batch's arena */
};

struct batch_xattr {
    int64_t file;
    struct str name, value;
};

struct batch_package {
    int64_t member;
    struct intake_package p; /* texts in the batch's arena */
};

struct batch_package_file {
    int64_t member;
    struct intake_package_file f; /* texts in the batch's arena */
};

#define BATCH_LIST(type, name)                                                 \
    type *name;                                                                \
    size_t n_##name, cap_##name

struct batch {
    uint32_t id;
    int64_t exhibit;
    int64_t first_event;
    size_t n, cap; /* events */
    struct batch_row *rows;
    struct buf heap;
    struct arena arena;
    BATCH_LIST(struct batch_entity, entities);
    BATCH_LIST(struct batch_member, members);
    BATCH_LIST(struct batch_issue, issues);
    BATCH_LIST(struct batch_sighting, sightings);
    BATCH_LIST(struct batch_blob, facts);
    BATCH_LIST(struct batch_blob, embedded);
    BATCH_LIST(struct batch_file, files);
    BATCH_LIST(struct batch_xattr, xattrs);
    BATCH_LIST(struct batch_package, packages);
    BATCH_LIST(struct batch_package_file, package_files);
    struct str checkpoint;
};

/* Writes everything in one transaction. Called from the writer thread. */
int batch_write(struct casedb *c, struct batch *b, struct err *err) CHECKED;
/* Its packages and their files (rows_packages.c). */
int batch_write_packages(struct casedb *c, const struct batch *b,
                         struct err *err) CHECKED;
/* Its entities, events, files and attributes (rows.c). */
int rows_write(struct casedb *c, const struct batch *b,
               struct err *err) CHECKED;
/* The index rows alone (case_reindex). */
int batch_write_index(struct casedb *c, const struct batch *b,
                      struct err *err) CHECKED;
enum { BATCH_LINKS_MAX = INTAKE_COLUMNS + 1024 };
/* Entities and roles of a row, in a fixed order; BATCH_LINKS_MAX places. */
size_t batch_links(const struct batch *b, const struct batch_row *r,
                   uint32_t *id, uint8_t *role);
/* Columns whose values are all of one kind keep the number within the kind
 * (entity id = kind << KIND_SHIFT | number); actor and target whole ids. */
uint32_t column_stored(int column, uint32_t id);
uint32_t column_entity(int column, uint32_t stored);
uint8_t column_role(int column);
/* event.refs: varints of number << 9 | kind << 3 | role. */
unsigned char *ref_put(unsigned char *p, uint32_t id, uint8_t role);
bool ref_get(struct cursor *k, uint32_t *id, uint8_t *role);
/* Ascending; stable radix sort by 11 bits, tmp as large as v. */
void sort_u64(uint64_t *v, uint64_t *tmp, size_t n, unsigned skip);
void batch_reset(struct batch *b);
void batch_free(struct batch *b);
void *batch_grow(void *list, size_t *cap, size_t n, size_t size);
/* A new row of a list, NULL: out of memory. */
#define BATCH_PUSH(b, name)                                                    \
    ({                                                                         \
        void *p_ = batch_grow((b)->name, &(b)->cap_##name, (b)->n_##name,      \
                              sizeof(*(b)->name));                             \
        if (p_)                                                                \
            (b)->name = p_;                                                    \
        p_ ? &(b)->name[(b)->n_##name++] : NULL;                               \
    })
/* False: out of memory. */
bool batch_add_package(struct batch *b, int64_t member,
                       const struct intake_package *p);
bool batch_add_package_file(struct batch *b, int64_t member,
                            const struct intake_package_file *f);

/*
 * value_index and uid_index rows: entries ascending, a u64 and then varint
 * deltas. Entry = hash << shift | payload; row id = batch << bits | hash of
 * the first entry. Hash bits are few on purpose: a hit is checked against the
 * row anyway, and each bit costs.
 */
enum {
    INDEX_ROW = 1280,
    VALUE_HASH_BITS = 26, /* payload: entity id, 31 bits */
    VALUE_SHIFT = 31,
    UID_HASH_BITS = 39, /* payload: 1 = request id, event in the batch */
    UID_SHIFT = 18,
};
struct index_reader {
    struct cursor k;
    uint64_t v;
    bool begun;
};
struct index_reader index_open(struct str row);
bool index_next(struct index_reader *r); /* false: end or damage */
