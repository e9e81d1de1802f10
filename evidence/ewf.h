/*
 * Expert Witness images (E01 of EnCase 1 to 7, FTK Imager, ewfacquire,
 * guymager). Damaged and missing chunks are zeros and gaps. They are known
 * only for what has been read, so a verdict on damage needs one read of the
 * whole medium.
 */
#pragma once

#include "evidence/source.h"

enum ewf_algo { EWF_MD5 = 1, EWF_SHA1 = 2 };

/* One value of the image's header: "examiner", "Hanako". */
struct ewf_value {
    const char *name;
    struct str text; /* UTF-8 as far as the image has it */
};

enum { EWF_VALUES_MAX = 16 };

struct ewf_info {
    uint32_t segments;     /* given */
    uint32_t missing;      /* number of the first that is not there, 0 = none */
    uint32_t foreign; /* number of the first of another acquisition, 0 = none */
    const char *foreign_why; /* what tells it, our words */
    bool incomplete;         /* segments are missing, cut short or damaged so that
                              chunks cannot be placed */
    bool bad_digest;       /* a stored digest is damaged itself and not used */
    uint32_t bad_sections; /* damaged descriptors and tables met */
    uint32_t chunk_size, bytes_per_sector;
    uint64_t chunks; /* that can be placed */
    unsigned stored; /* enum ewf_algo: digests that the image states */
    unsigned char md5[16], sha1[20];
    uint32_t acquiry_errors; /* ranges the acquisition could not read: gaps */
    const struct ewf_value *values;
    size_t n_values;
};

/* file: the first segment, or a split source with all segments, in any order.
 * Refused: a segment twice, or without the first one. A hole in the numbers or
 * a segment of another acquisition is not refused: from there on all is an
 * ABSENT gap. */
struct source *ewf_source_open(struct source *file, struct err *err);
/* NULL unless s is of ewf_source_open. Borrowed. */
const struct ewf_info *ewf_source_info(const struct source *s);
/* Do these bytes begin an EWF segment file? */
bool ewf_is(struct str head);
/* EWF2 (Ex01), which is recognised and not read. */
bool ewf_is_version2(struct str head);
