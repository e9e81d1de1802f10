/*
 * Identifiers of AWS in text: what a string is by its shape (cloud.md 5).
 * Shared by every importer; pure functions over bytes.
 */
#pragma once

#include "importers/record.h"

/* Refs being collected for one record. Values are borrowed. */
struct refs {
    struct record_ref v[RECORD_REFS_MAX];
    size_t n;
    bool cut; /* more than fit */
};
void refs_add(struct refs *r, unsigned kind, unsigned role, struct str value);

/* False: certainly no identifier, told by its first two bytes. Most strings
 * of a record are none, so this is worth its ugliness. */
static inline bool identify_may(struct str s)
{
    if (s.n < 7)
        return false;
    char b = s.p[1];
    switch (s.p[0]) {
    case 'A': /* AKIA, ASIA, AROA, .. */
        return s.n >= 16 && b >= 'A' && b <= 'Z';
    case 'a': /* arn, ami, acl */
        return b == 'r' || b == 'm' || b == 'c';
    case 'e': /* eni, eipalloc */
    case 'i': /* i-, igw */
        return b == 'n' || b == 'i' || b == '-' || b == 'g';
    case 's': /* snap, subnet, sg */
        return b == 'n' || b == 'u' || b == 'g';
    case 'v': /* vol, vpc, vpce */
        return b == 'o' || b == 'p';
    case 'm': /* mrk */
        return b == 'r';
    case 'n': /* nat */
        return b == 'a';
    case 'r': /* rtb */
    case 'l': /* lt */
        return b == 't';
    case 't': /* tgw */
        return b == 'g';
    case 'f': /* fl */
        return b == 'l';
    default: /* accounts, addresses */
        return s.p[0] >= '0' && s.p[0] <= '9' && s.n <= 45;
    }
}

/* Kind of a whole string by its shape; KIND_NONE when it has none. ARNs give
 * the kind of what they name (identify_arn adds what they hold). */
unsigned identify(struct str s);
/* Adds refs for a string that is an identifier as a whole: itself and, for an
 * ARN, its account and the bucket, instance, .. it names. */
void identify_add(struct refs *r, unsigned role, struct str s);
/* Identifiers within running text (log lines, messages, memory): calls for
 * each, left to right, not overlapping. off is within s. Nonzero stops. */
int identify_text(struct str s,
                  int (*fn)(void *ctx, size_t off, unsigned kind,
                            struct str value),
                  void *ctx);

/* Is this one? */
bool identify_key(struct str s);     /* AKIA/ASIA + 16 */
bool identify_account(struct str s); /* 12 digits */
/* Canonical text of an IPv4/IPv6 address (RFC 5952); false: not one. tmp
 * holds at least 46 bytes; *out may point into it or to s. */
bool identify_ip(struct str s, char tmp[46], struct str *out);

/* Are the four numbers at `at` (n bytes) of running text an address rather
 * than a version? By what stands beside them (identify_address.c). */
bool identify_address_in(struct str text, size_t at, size_t n);

/* arn:partition:service:region:account:rest */
struct arn {
    struct str partition, service, region, account, rest;
};
bool arn_parse(struct str s, struct arn *out);
unsigned arn_kind(const struct arn *a);
/* 36-character UUID text to 16 bytes; any case. */
bool identify_uuid(struct str s, unsigned char out[16]);
