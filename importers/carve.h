/*
 * Finds identifiers in memory by their shape, in time linear in the bytes:
 * access key ids (also as UTF-16LE), unique ids, ARNs, resource ids of 17 hex
 * digits, IPv4 addresses, URLs; and what names the running system, the kernel
 * banner and the host's name in struct new_utsname.
 *
 * A cheap vector test picks candidates; what they are is decided by
 * importers/identify.h, so that an identifier is the same here and in a log.
 */
#pragma once

#include "importers/identify.h"

enum carve_what { CARVE_IDENTIFIER, CARVE_BANNER, CARVE_HOST };

struct carve_hit {
    enum carve_what what;
    uint8_t kind; /* enum kind */
    uint64_t at;  /* address of the first byte */
    uint32_t len; /* bytes there */
    struct str value;
};

struct carver {
    /* Nonzero stops and is returned. */
    int (*hit)(void *ctx, const struct carve_hit *h);
    void *ctx;
    /* Addresses: nothing more within an ARN, a URL that was found; and a
     * stretch without an end of a token, so that none is walked twice. */
    uint64_t arn_until, url_until, token_from, token_to;
};

enum {
    CARVE_BEFORE = 64,  /* readable before p; zeros at the start of memory */
    CARVE_AFTER = 4096, /* no hit is longer */
    CARVE_PAD = 64,     /* readable zeros after p + n */
};

/* Hits that begin in p[0 .. to); p[0] is at address base. to <= n, and n is
 * the end of contiguous memory or at least to + CARVE_AFTER. */
int carve(struct carver *c, const char *p, size_t to, size_t n, uint64_t base);
