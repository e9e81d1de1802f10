/*
 * The parts of a MIME message (RFC 2045, 2046), as cloud-init takes user data
 * in: multipart entities within each other, base64 and quoted-printable. Only
 * places are given; bodies are decoded on request. No recursion.
 */
#pragma once

#include "base/str.h"

enum { MIME_DEPTH = 8, MIME_PARTS = 1000 };

enum mime_encoding { MIME_PLAIN, MIME_BASE64, MIME_QUOTED };

struct mime_part {
    struct str
        type; /* "text/x-shellscript", without parameters; may be empty */
    struct str name; /* filename of the disposition or name of the type */
    enum mime_encoding encoding;
    struct str body; /* as it lies in the message */
    bool cut;        /* the message ends without its boundary */
};

struct mime {
    struct str s;
    size_t at; /* of the next line */
    struct str boundary[MIME_DEPTH];
    unsigned depth;
    unsigned parts;
    bool started;
    bool deep; /* a multipart entity deeper than MIME_DEPTH came as one part */
    bool more; /* parts after MIME_PARTS are not given */
};

/* Does s begin with header lines, one of which says that it is a message? */
bool mime_is(struct str s);
void mime_open(struct mime *m, struct str s);
/* The next part that is no multipart itself; false at the end. */
bool mime_next(struct mime *m, struct mime_part *out);
/* The decoded body, appended; false: bytes that do not belong there were
 * skipped. */
bool mime_decode(const struct mime_part *p, struct buf *out);
