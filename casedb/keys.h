/* Keyed hashes of the case (private to casedb/): the keys derive from the
 * case's random uuid, so evidence cannot be made to collide, and the same
 * case hashes alike on every machine. */
#pragma once

#include "casedb/db.h"

struct case_keys {
    struct hash_key value, value2, body;
};
void case_keys(const struct casedb *c, struct case_keys *out);
/* 64 bits for tables and value_index, and 32 further ones. */
uint64_t case_value_hash(const struct case_keys *k, unsigned kind,
                         struct str value, uint32_t *more);
/* UID_HASH_BITS bits of a source's event or request id. */
uint64_t case_uid_hash(const struct case_keys *k, struct str uid);
