/*
 * The seal: a BagIt 1.0 folder (RFC 8493) with a copy of the case, its audit
 * log, the report and exports, that anybody can check with coreutils and
 * openssl alone (VERIFY-en.txt, VERIFY-ja.txt inside), and a detached CMS
 * signature beside it (BAG.p7s).
 */
#pragma once

#include "reports/report.h"

struct seal_options {
    const char *bag; /* the folder to make; must not exist */
    /* PEM files, both or none; chain: further certificates, may be NULL.
     * RSA or ECDSA; Ed25519 cannot sign CMS in OpenSSL 3.0. */
    const char *key, *cert, *chain;
    bool timed; /* --time, for Bagging-Date and the report */
    struct instant time;
    enum report_lang lang;
    const struct raw_reader *raw;
    struct report_ticker ticker;
};

struct seal_result {
    uint64_t number;        /* of this seal in the case */
    uint64_t files, octets; /* payload */
    struct audit_head head; /* in the bag */
    char tagmanifest[65];   /* SHA-256 of tagmanifest-sha256.txt */
    char signature[65];     /* SHA-256 of BAG.p7s, or empty */
};

/* The case must be a writer: audit entries are made before and after. The
 * evidence should have been verified before (the caller's business). */
int seal_write(struct casedb *c, const struct seal_options *o,
               struct seal_result *out, struct err *err) CHECKED;

/* ---- verification -------------------------------------------------------- */

struct seal_check {
    uint64_t files, octets; /* payload files that are there */
    uint64_t problems;
    bool has_signature; /* BAG.p7s is there */
    bool signed_ok;     /* the signature is right and its signer trusted */
    char signer[256];   /* subject, display form */
    char audit_head[96];
};

/* Each problem is told by one line, display form. ca: PEM file of trusted
 * certificates, NULL = the signer is not examined (signed_ok stays false, but
 * a signature that does not fit is a problem). ERR_VERIFY when there is a
 * problem, ERR_CASE when the folder is no bag at all. */
int seal_verify(const char *bag, const char *ca,
                void (*problem)(void *ctx, struct str line), void *ctx,
                struct seal_check *out, struct err *err) CHECKED;
/* Does the folder look like a sealed bag? (for `verify CASE|BAG|CITATION`) */
bool seal_is_bag(const char *path);
