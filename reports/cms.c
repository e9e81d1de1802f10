#include "reports/cms.h"

#include "base/text.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct signer {
    EVP_PKEY *key;
    X509 *cert;
    STACK_OF(X509) * chain; /* may be NULL */
};

enum { SIGN_FLAGS = CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP };

/* OpenSSL's own words for its last error. */
static const char *why(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "OpenSSL does not say why";
}

static int refuse(struct err *err, const char *file, const char *what)
{
    int rc = err_set(err, ERR_USAGE, "%s: %s (%s)", text_line(str_from(file)),
                     what, why());
    ERR_clear_error();
    return rc;
}

/* Never asks on the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static STACK_OF(X509) * read_certificates(const char *file)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    BIO *in = BIO_new_file(file, "r");
    X509 *x;
    while (in && all && (x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)))
        if (!sk_X509_push(all, x)) {
            X509_free(x);
            break;
        }
    bool none = !in || !all || sk_X509_num(all) == 0;
    BIO_free(in);
    if (!none) {
        ERR_clear_error(); /* "no start line" at the end */
        return all;
    }
    sk_X509_pop_free(all, X509_free);
    return NULL;
}

static int read_key(struct signer *s, const char *file, struct err *err)
{
    BIO *in = BIO_new_file(file, "r");
    if (in)
        s->key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
    BIO_free(in);
    if (!s->key) {
        refuse(err, file, "no private key can be read");
        err_hint(err, "An encrypted key: openssl pkey -in KEY -out PLAIN "
                      "first.");
        return err ? err->code : ERR_USAGE;
    }
    int kind = EVP_PKEY_get_base_id(s->key);
    if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
        return err_set(err, ERR_USAGE,
                       "%s: CMS signatures need an RSA or EC key",
                       text_line(str_from(file)));
    return 0;
}

int signer_open(const char *key, const char *cert, const char *chain,
                struct signer **out, struct err *err)
{
    *out = NULL;
    struct signer *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int rc = read_key(s, key, err);
    STACK_OF(X509) *own = rc ? NULL : read_certificates(cert);
    if (own) {
        s->cert = sk_X509_shift(own);
        s->chain = own;
    }
    if (rc == 0 && !s->cert)
        rc = refuse(err, cert, "no certificate can be read");
    if (rc == 0 && !X509_check_private_key(s->cert, s->key))
        rc = refuse(err, cert, "is not the certificate of the key");
    STACK_OF(X509) *more = rc || !chain ? NULL : read_certificates(chain);
    if (rc == 0 && chain && !more)
        rc = refuse(err, chain, "no certificate can be read");
    while (more && sk_X509_num(more))
        sk_X509_push(s->chain, sk_X509_shift(more));
    sk_X509_free(more);
    if (rc)
        signer_close(s);
    else
        *out = s;
    return rc;
}

void signer_close(struct signer *s)
{
    if (!s)
        return;
    EVP_PKEY_free(s->key);
    X509_free(s->cert);
    sk_X509_pop_free(s->chain, X509_free);
    free(s);
}

int signer_sign(const struct signer *s, struct str content, struct buf *der,
                struct err *err)
{
    unsigned char *bytes = NULL;
    int n = -1;
    BIO *in =
        content.n < INT_MAX ? BIO_new_mem_buf(content.p, (int)content.n) : NULL;
    CMS_ContentInfo *cms =
        in ? CMS_sign(NULL, NULL, s->chain, NULL, SIGN_FLAGS | CMS_PARTIAL)
           : NULL;
    if (cms &&
        CMS_add1_signer(cms, s->cert, s->key, EVP_sha256(),
                        SIGN_FLAGS | CMS_CADES) &&
        CMS_final(cms, in, NULL, SIGN_FLAGS))
        n = i2d_CMS_ContentInfo(cms, &bytes);
    int rc = 0;
    if (n > 0)
        buf_put(der, (struct str){ (const char *)bytes, (size_t)n });
    else
        rc = err_set(err, ERR_INTERNAL, "cannot sign: %s", why());
    ERR_clear_error();
    OPENSSL_free(bytes);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    return rc;
}

/* ---- checking ------------------------------------------------------------ */

static void put_signer(CMS_ContentInfo *cms, struct cms_check *out)
{
    STACK_OF(X509) *signers = CMS_get0_signers(cms);
    BIO *text = BIO_new(BIO_s_mem());
    char *p;
    if (signers && sk_X509_num(signers) && text &&
        X509_NAME_print_ex(text,
                           X509_get_subject_name(sk_X509_value(signers, 0)), 0,
                           XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        long n = BIO_get_mem_data(text, &p);
        struct buf shown = { 0 };
        text_show(&shown, (struct str){ p, n > 0 ? (size_t)n : 0 }, 0);
        snprintf(out->signer, sizeof(out->signer), "%.*s", (int)shown.n,
                 shown.p);
        buf_free(&shown);
    }
    BIO_free(text);
    sk_X509_free(signers);
}

static bool verify(CMS_ContentInfo *cms, struct str content, X509_STORE *store,
                   unsigned flags)
{
    BIO *in = BIO_new_mem_buf(content.p, (int)content.n);
    bool good =
        in && CMS_verify(cms, NULL, store, in, NULL, CMS_BINARY | flags) == 1;
    BIO_free(in);
    return good;
}

int cms_check(struct str der, struct str content, const char *ca,
              struct cms_check *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    X509_STORE *store = X509_STORE_new();
    int rc = 0;
    if (!store)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (ca && !X509_STORE_load_file(store, ca))
        rc = refuse(err, ca, "no certificate can be read");
    const unsigned char *p = (const unsigned char *)der.p;
    CMS_ContentInfo *cms = rc == 0 && der.n < INT_MAX && content.n < INT_MAX
                               ? d2i_CMS_ContentInfo(NULL, &p, (long)der.n)
                               : NULL;
    if (cms && p != (const unsigned char *)der.p + der.n) {
        CMS_ContentInfo_free(cms); /* bytes after its end */
        cms = NULL;
    }
    if (cms) {
        out->fits = verify(cms, content, store, CMS_NO_SIGNER_CERT_VERIFY);
        if (out->fits)
            put_signer(cms, out);
        out->trusted = out->fits && ca && verify(cms, content, store, 0);
    }
    if (rc == 0 && (!out->fits || (ca && !out->trusted)))
        snprintf(out->why, sizeof(out->why), "%s",
                 cms ? why() : "it is no CMS signature");
    ERR_clear_error();
    CMS_ContentInfo_free(cms);
    X509_STORE_free(store);
    return rc;
}
