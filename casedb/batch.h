/* A batch between the intake and the database (private to casedb/). */
#pragma once

#include "casedb/db.h"
#include "casedb/intake.h"

struct batch_row {
    int64_t t_s;
    uint64_t off, uid_hash, request_hash;
    uint64_t heap; /* offset of uid, request, refs, text in the heap */
    uint32_t t_ns, flags, len, member, body, text_n;
    uint32_t col[INTAKE_COLUMNS];
    uint16_t sub, n_refs;
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
    BATCH_LIST(struct intake_file, files);
    BATCH_LIST(int64_t, file_members);
    struct str checkpoint;
};

/* Writes everything in one transaction. Called from the writer thread. */
int batch_write(struct casedb *c, struct batch *b, struct err *err) CHECKED;
/* The index rows alone (case_reindex). */
int batch_write_index(struct casedb *c, const struct batch *b,
                      struct err *err) CHECKED;
/* Entities and roles of a row, in a fixed order; at most max. */
size_t batch_links(const struct batch *b, const struct batch_row *r,
                   uint32_t *id, uint8_t *role, size_t max);
void batch_reset(struct batch *b);
void batch_free(struct batch *b);

/* value_index and uid_index rows: 64-bit entries, ascending. */
enum { INDEX_ROW = 500, VALUE_HASH_BITS = 33, UID_HASH_BITS = 46 };
