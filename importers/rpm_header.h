/*
 * The header of an RPM package as databases keep it: an index of tags and the
 * data they point into. docs/formats/host.md.
 */
#pragma once

#include "base/str.h"

/* Tags that are read; the order is that of the table in rpm_header.c. */
enum rpm_field {
    RPM_NAME,
    RPM_VERSION,
    RPM_RELEASE,
    RPM_EPOCH,
    RPM_ARCH,
    RPM_VENDOR,
    RPM_INSTALL_TIME,
    RPM_BUILD_TIME,
    RPM_DIR_NAMES,
    RPM_BASE_NAMES,
    RPM_DIR_INDEXES,
    RPM_OLD_NAMES,
    RPM_DIGESTS,
    RPM_MODES,
    RPM_SIZES,
    RPM_LONG_SIZES,
    RPM_TIMES,
    RPM_FLAGS,
    RPM_VERIFY,
    RPM_STATES,
    RPM_CAPS,
    RPM_LINKS,
    RPM_USERS,
    RPM_GROUPS,
    RPM_SIG_RSA,
    RPM_SIG_DSA,
    RPM_SIG_PGP,
    RPM_SIG_GPG,
    RPM_FIELDS
};

struct rpm_entry {
    uint32_t type, count; /* type 0: the tag is not there */
    struct str data;      /* from its first byte to the end of the data */
};

struct rpm_header {
    struct rpm_entry e[RPM_FIELDS];
};

/* False: not a header. Entries that do not fit are left out and counted. */
bool rpm_header_parse(struct str blob, struct rpm_header *out,
                      uint32_t *damaged);
/* The first text of a field, "" when absent. */
struct str rpm_text(const struct rpm_header *h, enum rpm_field f);
/* Number i of a field; false: there is none. */
bool rpm_number(const struct rpm_header *h, enum rpm_field f, uint32_t i,
                uint64_t *out);
/* The texts of an array, one after the other. */
struct rpm_texts {
    struct str rest;
    uint32_t left;
};
struct rpm_texts rpm_texts(const struct rpm_header *h, enum rpm_field f);
struct str rpm_texts_next(struct rpm_texts *t); /* "" at the end */
/* Key id of the header's signature, 16 hexadecimal digits; false: it has none
 * that can be read. */
bool rpm_signer(const struct rpm_header *h, char out[17]);
/* Is there any signature? */
bool rpm_signed(const struct rpm_header *h);
