/*
 * LVM2: physical volumes on a medium (in partitions, or the whole of it), the
 * volume groups that their metadata describes, and linear and striped logical
 * volumes as sources over the medium. Other kinds (RAID, thin, cache, ..) are
 * named and refused.
 *
 * Source of the layouts: lvm2, lib/format_text (layout.h, format-text.c) and
 * lib/label/label.c. Label: one of the first four sectors holds "LABELONE",
 * its sector number (u64), a checksum (u32) of bytes 20..511, the offset of
 * the physical volume's header (u32), "LVM2 001". That header: uuid (32
 * letters), size (u64), then areas of data and of metadata, pairs of u64
 * offset and size, each list ended by zeros. A metadata area starts with a
 * checksum (u32) of bytes 4..511, a magic, version, its offset and size, and
 * where in it the present text is (offset, size, checksum, flags). Behind its
 * first sector the area is a ring of texts; older ones stay until they are
 * overwritten. The checksum is CRC-32 with the start 0xf597a6cf and without
 * the final inversion.
 */
#pragma once

#include "base/time.h"
#include "evidence/source.h"

enum {
    LVM_UUID = 39, /* "H4SSC0-L4FX-y0a3-k6v2-2v0o-csij-E8VRii" and NUL */
    LVM_NAME = 128,
    LVM_ISSUES_MAX = 64,
    LVM_PVS_MAX = 256,
    LVM_COPIES_MAX = 256,
};

/* Where a physical volume may lie. */
struct lvm_place {
    uint64_t off, len; /* on the medium */
    char name[24];     /* "p2", "" for the whole medium */
};

/* As found on the medium. */
struct lvm_pv {
    char uuid[LVM_UUID];
    struct lvm_place place;
    uint64_t size;  /* bytes as its header says */
    const char *vg; /* name of its group; NULL: no group knows it */
};

/* As a volume group describes its members. */
struct lvm_member {
    char uuid[LVM_UUID];
    struct str device; /* where it was when last written; evidence */
    uint64_t start, extents, size; /* bytes of the first, count, bytes */
    const struct lvm_pv *pv;       /* NULL: not on this medium */
};

struct lvm_stripe {
    uint32_t member; /* UINT32_MAX: not in the list of members */
    uint64_t extent;
};

struct lvm_segment {
    uint64_t start, count; /* extents */
    uint64_t stripe_size;  /* bytes */
    size_t n;              /* stripes */
    struct lvm_stripe *stripes;
};

struct lvm_lv {
    struct str name; /* letters that lvm permits only */
    char uuid[LVM_UUID];
    uint64_t size;       /* bytes */
    bool visible;        /* not a part of another volume */
    const char *refused; /* why it is not read; NULL: it is */
    bool incomplete;     /* a member is not on this medium */
    bool has_made;
    struct instant made;
    struct str host; /* that made it; evidence */
    struct lvm_segment *segments;
    size_t n;
};

struct lvm_vg {
    struct str name;
    char uuid[LVM_UUID];
    uint64_t seqno, extent; /* bytes */
    bool has_written;
    struct instant written; /* the text that is used */
    struct str host, description;
    uint64_t off; /* of the text on the medium */
    uint32_t len;
    struct lvm_member *members;
    size_t n_members;
    struct lvm_lv *lvs;
    size_t n_lvs;
};

/* An older text that is still in a ring: a former layout. */
struct lvm_copy {
    struct str vg, host, description;
    char vg_uuid[LVM_UUID];
    uint64_t seqno, off; /* on the medium */
    uint32_t len;
    bool has_written;
    struct instant written;
    struct str layout; /* "root 4 extents, data 10 extents" */
};

struct lvm_issue {
    const char *code;
    uint64_t off, len; /* on the medium */
    char text[220];    /* our words, names that lvm permits, numbers */
};

struct lvm {
    struct source *media; /* borrowed */
    struct lvm_pv *pvs;
    size_t n_pvs;
    struct lvm_vg *vgs;
    size_t n_vgs;
    struct lvm_copy *copies; /* by group and seqno, each once */
    size_t n_copies;
    struct lvm_issue issues[LVM_ISSUES_MAX];
    size_t n_issues;
    struct arena arena; /* owns all of the above */
};

/* Look for physical volumes at these places. NULL only when out of memory;
 * damage is in the issues. Free it after the sources opened from it. */
struct lvm *lvm_open(struct source *media, const struct lvm_place *places,
                     size_t n, struct err *err);
void lvm_close(struct lvm *l);
/* The name that volumes of a group are cited by: the group's own, or its id
 * where another one has the same name. */
struct str lvm_group_name(const struct lvm *l, const struct lvm_vg *vg);
/* The layer in a citation, "lv/GROUP/NAME", escaped as there. */
void lvm_layer(struct buf *out, const struct lvm *l, const struct lvm_vg *vg,
               const struct lvm_lv *lv);
/* The logical volume as a source over the medium, layer "lv/GROUP/NAME".
 * Ranges on members that are not here are absent. It needs l no more. */
struct source *lvm_volume(struct lvm *l, const struct lvm_vg *vg,
                          const struct lvm_lv *lv, struct err *err);
/* Where bytes of such a source lie on the medium; false when not in one
 * piece, or absent. */
bool lvm_place_of(const struct source *lv, uint64_t off, uint64_t len,
                  uint64_t *at);
/* The same by the name in a citation, "GROUP/NAME", the physical volumes
 * being in the medium's partitions, or it. Owns all it needs. */
struct source *lvm_volume_open(struct source *media, struct str name,
                               struct err *err);
/* Places of a medium where lvm_open should look: its partitions, else the
 * whole; at most `max`. */
size_t lvm_places(struct source *media, struct lvm_place *places, size_t max);
