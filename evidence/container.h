/*
 * Containers of disk images that map ranges of the medium to ranges of files:
 * qcow2, VHD, VHDX, VMDK. Each has one reader that says where a range lies;
 * reading, unpacking and naming what is lost is done here, once.
 *
 * A container is never read as a raw image. One that is an overlay over
 * another file (backing file, differencing disk) is refused: what it does not
 * hold is not zeros.
 */
#pragma once

#include "evidence/source.h"

enum container_kind {
    CONTAINER_NONE,
    CONTAINER_EWF,
    CONTAINER_QCOW,
    CONTAINER_VHD,
    CONTAINER_VHDX,
    CONTAINER_VMDK,
    CONTAINER_EBS,   /* a set of files, see evidence/ebs.h */
    CONTAINER_OTHER, /* recognised and not read: Ex01, QED, .. */
};

enum { CONTAINER_HEAD = 512, CONTAINER_FOOTER = 512 };

/* By the first bytes (512 or more, when there are as many) and the last ones
 * (512: a fixed VHD has its mark there only). */
enum container_kind container_recognise(struct str head, struct str tail);
enum container_kind container_of(struct source *s);
/* "qcow2 container"; what it is, for a file that container_recognise took for
 * CONTAINER_OTHER too. */
const char *container_name(enum container_kind kind, struct str head);
/* "qcow", "vhd", ..; NULL for NONE and OTHER. */
const char *container_layer(enum container_kind kind);

/* What a container says of itself and what is wrong with it. */
struct container_value {
    const char *name;
    char text[160]; /* our words, or bytes of evidence */
};
struct container_issue {
    const char *code; /* "qcow-corrupt" */
    bool error;
    char text[200]; /* our own words and numbers */
};
enum { CONTAINER_VALUES = 8, CONTAINER_ISSUES = 8 };
struct container_info {
    struct container_value values[CONTAINER_VALUES];
    size_t n_values;
    struct container_issue issues[CONTAINER_ISSUES];
    size_t n_issues;
};
void container_value(struct container_info *in, const char *name,
                     const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void container_issue(struct container_info *in, bool error, const char *code,
                     const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Opens any of these kinds over s (of VMDK also a descriptor with its extents
 * as a split source). ERR_EVIDENCE says why it is not read. */
struct source *container_open(enum container_kind kind, struct source *s,
                              struct err *err);
/* Of a source of container_open; NULL for any other and for EWF. */
const struct container_info *container_info(const struct source *s);

/* ---- for the readers ---------------------------------------------------- */

enum run_kind {
    RUN_LOST,   /* cannot be told where it lies: unreadable */
    RUN_ABSENT, /* was never recorded here */
    RUN_ZERO,
    RUN_DATA,
    RUN_PACKED, /* in one unit of struct container.unit bytes */
};
struct run {
    enum run_kind kind;
    uint64_t len;        /* bytes of the medium, from the offset asked for */
    struct source *file; /* DATA, PACKED: where; NULL = the source below */
    uint64_t from;       /* offset there; of PACKED the unit's */
    size_t packed;       /* PACKED: bytes at most */
    uint64_t in;         /* PACKED: the offset asked for, inside its unit */
};

struct container_map {
    const char *layer;
    /* Where does off (< size) lie? r->len > 0; it is clipped to the medium. */
    void (*find)(struct source *s, uint64_t off, struct run *r);
    /* n packed bytes to exactly `size` bytes of content. */
    bool (*unpack)(struct source *s, const unsigned char *packed, size_t n,
                   unsigned char *out, size_t size);
    void (*free)(void *state); /* what the state owns, not itself */
};

/* The first member of each reader's state, which is allocated by calloc. */
struct container {
    const struct container_map *map;
    struct container_info info;
    uint64_t unit; /* bytes of the medium that are packed together */
    unsigned char *unit_bytes, *packed;
    size_t packed_size;
    uint64_t unit_at; /* what unit_bytes holds, UINT64_MAX = nothing */
    bool unit_good;
    struct inflater *inflater; /* zlib, libdeflate, zstd; made when needed */
};

/* Takes state over, also when it fails. */
struct source *container_make(struct container *state, uint64_t size,
                              struct source *below, struct err *err);
void container_free(struct container *state); /* NULL is fine */
/* n bytes of metadata; false when they are not all there or damaged. */
bool container_meta(struct source *s, uint64_t off, void *buf, size_t n);

enum packing { PACK_DEFLATE, PACK_ZLIB, PACK_ZSTD };
/* Exactly `size` bytes out of at most n; bytes after the stream are padding. */
bool container_unpack(struct container *c, enum packing how,
                      const unsigned char *p, size_t n, unsigned char *out,
                      size_t size);
