/*
 * Who is who during an import (private to casedb/): entity values to ids, and
 * the sources' own event ids to events, in memory, by keyed hashes.
 */
#pragma once

#include "casedb/keys.h"

struct intern_slot {
    uint64_t hash;
    uint32_t hash2, id; /* id 0 = free */
};

struct identity {
    struct case_keys keys;
    struct intern_slot *slots;
    size_t n, cap;
    uint32_t next_index[KIND_MAX + 1];
    uint64_t *uids; /* tag << 40 | event id; 0 = free */
    size_t n_uids, cap_uids;
};

/* Every entity value of the case. */
int identity_load(struct identity *d, struct casedb *c,
                  struct err *err) CHECKED;
void identity_free(struct identity *d);

enum identity_found { IDENTITY_OLD, IDENTITY_NEW, IDENTITY_FULL };
/* Id of a value; a new one is given the next number of its kind. 96 hash bits
 * under the case's random key stand for the value. */
enum identity_found identity_value(struct identity *d, unsigned kind,
                                   struct str value, uint32_t *id,
                                   uint64_t *hash);

/* Source ids. An empty table for at least n, filled from the case. */
int identity_uids_load(struct identity *d, struct casedb *c, uint64_t n,
                       struct err *err) CHECKED;
void identity_uid_put(struct identity *d, uint64_t hash, int64_t event);
bool identity_uids_full(const struct identity *d);
/* Candidates for a hash, one after the other: *at starts as SIZE_MAX; 0 = no
 * further one. Each is to be checked against its row. */
int64_t identity_uid_next(const struct identity *d, uint64_t hash, size_t *at);
