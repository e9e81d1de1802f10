/*
 * Members of zip and tar archives, listed with their places, and the content
 * of one as a source. Own bounded readers: they give byte offsets, never
 * touch a path, and need nothing that a sealed worker lacks.
 *
 * Nothing is believed twice: zip members come from the central directory and
 * are compared with their local headers; members that share bytes, have the
 * same name or a name that would leave the folder are flagged, and listed.
 */
#pragma once

#include "base/time.h"
#include "evidence/source.h"

enum archive_kind { ARCHIVE_NONE, ARCHIVE_ZIP, ARCHIVE_TAR };

enum archive_flag {
    ARCHIVE_ENCRYPTED = 1,
    ARCHIVE_METHOD = 2,    /* a compression that is not read */
    ARCHIVE_OVERLAP = 4,   /* shares bytes with another member: a bomb */
    ARCHIVE_DUPLICATE = 8, /* another member has this name */
    ARCHIVE_UNSAFE = 16,   /* absolute, "..", a drive, or control bytes */
    ARCHIVE_MISMATCH = 32, /* local header and central directory differ */
    ARCHIVE_BEYOND = 64,   /* its bytes end behind the archive */
    ARCHIVE_SPARSE = 128,  /* tar: holes are left out of its bytes */
};

enum archive_type {
    ARCHIVE_FILE,
    ARCHIVE_DIR,
    ARCHIVE_LINK, /* symbolic or hard: never followed */
    ARCHIVE_SPECIAL
};

struct archive_member {
    struct str name; /* bytes, in the archive's arena */
    struct str link;
    uint64_t size;   /* of the content */
    uint64_t packed; /* bytes in the archive */
    uint64_t head;   /* offset of its header */
    uint64_t off;    /* offset of its bytes */
    uint32_t flags;
    uint32_t crc; /* zip */
    uint16_t method;
    uint8_t type;
    bool has_m;
    struct instant m; /* tar; zip times have no zone and are left out */
};

struct archive_issue {
    const char *code, *text;
    uint64_t off;
};

enum { ARCHIVE_ISSUES_MAX = 32, ARCHIVE_MEMBERS_MAX = 1000000 };

struct members {
    enum archive_kind kind;
    struct archive_member *members; /* bytewise by name, then by place */
    size_t n;
    struct archive_issue issues[ARCHIVE_ISSUES_MAX];
    size_t n_issues;
    struct arena arena;
    size_t cap;
};

/* By content; the tail tells zips with something before them. */
enum archive_kind members_recognise(struct str head, struct str tail);
/* Lists all that can be found; damage is in issues. Nonzero: out of memory,
 * or not such an archive at all. */
int members_list(struct source *s, enum archive_kind kind, struct members *a,
                 struct err *err) CHECKED;
void members_free(struct members *a);
/* The content; layer is "zip/NAME" or "tar/NAME" with NAME as in citations.
 * Refused: encrypted, unknown method, overlapping, no file. */
struct source *members_open(struct source *s, enum archive_kind kind,
                            const struct archive_member *m, struct err *err);
/* Of several with one name, the last in the archive, as unpackers do. */
struct source *members_open_name(struct source *s, enum archive_kind kind,
                                 struct str name, struct err *err);

/* ---- inside ------------------------------------------------------------- */

int zip_list(struct source *s, struct members *a, struct err *err);
int tar_list(struct source *s, struct members *a, struct err *err);
bool tar_is(struct str block); /* a header with a right checksum */
struct archive_member *members_add(struct members *a, struct err *err);
void members_issue(struct members *a, const char *code, uint64_t off,
                   const char *text);
