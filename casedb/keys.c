#include "casedb/keys.h"

#include "base/varint.h"
#include "casedb/batch.h"

void case_keys(const struct casedb *c, struct case_keys *out)
{
    unsigned char d[SHA256_LEN];
    hash_sha256(str_from(c->uuid), d);
    out->value = (struct hash_key){ { u64le(d), u64le(d + 8) } };
    out->value2 = (struct hash_key){ { u64le(d + 16), u64le(d + 24) } };
    hash_sha256((struct str){ (char *)d, sizeof(d) }, d);
    out->body = (struct hash_key){ { u64le(d), u64le(d + 8) } };
}

uint64_t case_value_hash(const struct case_keys *k, unsigned kind,
                         struct str value, uint32_t *more)
{
    uint64_t h =
        hash_bytes(&k->value, value.p, value.n) + kind * 0x9e3779b97f4a7c15u;
    *more = (uint32_t)(hash_bytes(&k->value2, value.p, value.n) >> 32) ^ kind;
    h ^= h >> 32;
    return h ? h : 1;
}

uint64_t case_uid_hash(const struct case_keys *k, struct str uid)
{
    return hash_bytes(&k->value, uid.p, uid.n) >> (64 - UID_HASH_BITS);
}
