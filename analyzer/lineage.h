/*
 * Lineage: which credential made which, down to its uses.
 *
 * From a key, a role, a session or whoever else signs: up to the first key
 * whose issue is known, and from there down through every key that its calls
 * issued. A call that issued a key and a call signed with it share the key id
 * (class exact); nothing is said of who held it. A key whose issue is not in
 * the evidence (handed out by the metadata service of an instance, or issued
 * in a time or region that was not preserved) is the root of its tree, and
 * said to be.
 */
#pragma once

#include "analyzer/links_expiry.h"

enum { LINEAGE_KEYS = 1000, LINEAGE_ADDRESSES = 16 };

struct lineage_address {
    uint32_t id; /* an address, or the domain that stands for one */
    uint64_t n;  /* calls */
};
struct lineage_node {
    unsigned depth;       /* 0 = a root */
    uint32_t key;         /* entity */
    uint32_t parent;      /* key that signed the issuing call; 0 = none */
    int64_t issue;        /* event that issued it; 0 = not in the evidence */
    uint64_t more_issues; /* further events with it in their answers */
    bool issue_timed;
    struct instant issued;
    uint32_t issuer, action, issue_ip; /* of that event */
    uint32_t user; /* who signed the first call with it; 0 = nobody did */
    uint64_t n;    /* calls signed with it */
    bool timed;    /* some of them are dated */
    struct instant first, last;
    int64_t first_event;
    struct lineage_address addresses[LINEAGE_ADDRESSES];
    size_t n_addresses;
    uint64_t elsewhere; /* calls from further addresses or from none */
    struct expiry expiry;
    uint64_t late; /* calls after the expiry */
    bool early;    /* used before it was issued */
    bool again;    /* a cycle: listed above, not followed here */
};
struct lineage {
    struct lineage_node *nodes; /* roots in order of key id, each with all
                                   below it, children by time of issue */
    size_t n;
    bool cut;      /* there are more than LINEAGE_KEYS keys */
    uint64_t gaps; /* periods for which CloudTrail is not whole */
    bool analyzed; /* gaps are known */
};
/* raw: for expiries; NULL and records that are not at hand leave the longest
 * life. In the arena. */
int lineage_make(struct casedb *c, uint32_t entity,
                 const struct raw_reader *raw, const struct analyzer_ticker *t,
                 struct arena *a, struct lineage *out, struct err *err) CHECKED;
/* "expired 2026-..: 3 calls after it; used before it was issued": what an
 * examiner should look at; display form, appended. "" = nothing. */
void lineage_put_remarks(const struct lineage_node *n, struct buf *out);
