/*
 * Requests that make a server ask for something itself (server-side request
 * forgery): addresses of metadata services, of the server and of its network
 * in what a client asked for, in any of the spellings that libraries take for
 * an address. The tables are in docs/formats/host.md, "Requests for internal
 * addresses".
 */
#pragma once

#include "importers/record.h"

enum {
    SSRF_MOST = 4,            /* findings of one request */
    SSRF_LOOKED_AT = 64 << 10 /* bytes of one request */
};

struct ssrf_found {
    struct str value;   /* what it means: canonical address, name, or URL */
    uint8_t kind;       /* KIND_IP, KIND_DOMAIN, KIND_URL */
    uint8_t severity;   /* as of a record: 1 low .. 3 high */
    const char *what;   /* our words */
    struct str spelled; /* as it was written, percent-encoding removed */
};

struct ssrf {
    struct ssrf_found v[SSRF_MOST];
    size_t n;
};

/* Looks at the target of a request. Values live in the arena. False: no
 * memory. */
bool ssrf_look(struct str target, struct arena *arena, struct ssrf *out);
