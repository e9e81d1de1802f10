/*
 * When a temporary credential ends. What issued it says so
 * (responseElements.credentials.expiration, AWS STS API reference, type
 * Credentials); the time stands in the record alone, so it is read again.
 */
#pragma once

#include "analyzer/raw.h"

/* Longest life of credentials that STS gives: 36 hours (GetSessionToken,
 * GetFederationToken; role sessions at most 12); shortest: 15 minutes. */
enum { EXPIRY_LONGEST_S = 36 * 3600, EXPIRY_SHORTEST_S = 900 };

struct expiry {
    struct instant t;
    bool known;  /* t is filled */
    bool stated; /* by the record; else no credential lives longer */
};

/* "Mar 11, 2026 8:14:00 AM", "Mar 11, 2026, 8:14:00 PM" (a blank of any width
 * before AM and PM), as CloudTrail writes Java's dates, or ISO 8601. The zone
 * is not written: UTC. */
bool expiry_parse(struct str s, struct instant *out);
/* Of the record of an issuing event. */
bool expiry_of_record(struct str record, struct instant *out);
/* Of n issuing events; what is not at hand or not stated gets the longest
 * life from its time on. */
int expiry_read(const struct raw_reader *raw, const struct event *const *e,
                size_t n, struct expiry *out, struct err *err) CHECKED;
