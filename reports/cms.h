/* Detached CMS signatures (RFC 5652, CAdES attributes) over a file's bytes,
 * as `openssl cms` makes and checks them. */
#pragma once

#include "base/err.h"

struct signer;

/* PEM files; chain may be NULL. Refuses a key that is encrypted, that is not
 * the certificate's, or of a kind that CMS cannot use (Ed25519). */
int signer_open(const char *key, const char *cert, const char *chain,
                struct signer **out, struct err *err) CHECKED;
void signer_close(struct signer *s);
/* DER into the buffer. */
int signer_sign(const struct signer *s, struct str content, struct buf *der,
                struct err *err) CHECKED;

struct cms_check {
    bool fits;        /* the signature is of this content */
    bool trusted;     /* and its signer leads to one of the ca */
    char signer[256]; /* subject of the signer's certificate, display form */
    char why[256];    /* when not */
};
/* ca: PEM file of trusted certificates, NULL = only whether it fits. Fails
 * only when the ca file cannot be read. */
int cms_check(struct str der, struct str content, const char *ca,
              struct cms_check *out, struct err *err) CHECKED;
