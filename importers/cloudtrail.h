/* Decoding one CloudTrail event; shared by the importers that find events in
 * wrappings (EventBridge, CloudWatch Logs, lookups). */
#pragma once

#include "base/hash.h"
#include "base/json.h"
#include "importers/identify.h"

struct cloudtrail_event {
    struct record r;
    struct refs refs;
    bool looks_right; /* has what every event has */
    char ip[46];
    unsigned char uid[16], request[16];
    struct buf scratch;                 /* joined values (bucket/key) */
    struct cloudtrail_decoder *decoder; /* made at first use */
};

/* Reads the object that j stands before (its next token is JSON_OBJECT) and
 * fills everything but the raw pointer. Values are spans into the input or
 * live in the arena. False: syntax error (j->error, j->at). */
bool cloudtrail_decode(struct json *j, const struct hash_key *body_key,
                       struct arena *a, struct cloudtrail_event *e);
void cloudtrail_event_free(struct cloudtrail_event *e);
