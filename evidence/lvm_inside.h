/* LVM2 inside: finding and decoding metadata (lvm_read.c) for lvm.c. */
#pragma once

#include "evidence/lvm.h"
#include "evidence/lvm_text.h"

enum {
    /* No real metadata comes near; evidence may state more. */
    LVM_TEXT_MAX = 8 << 20,
    LVM_AREA_MAX = 64 << 20,
};

/* A text that passed its checks. */
struct lvm_found {
    struct str text; /* in the arena */
    uint64_t off;    /* on the medium */
    uint64_t seqno;
    char vg_id[LVM_UUID];
    bool present; /* the area's header points at it; else an older copy */
    bool verified;
    bool useless; /* it cannot be decoded */
};

struct lvm_finds {
    struct lvm_found *items;
    size_t n, cap;
    bool no_memory;
};

__attribute__((format(printf, 5, 6))) void lvm_issue(struct lvm *l,
                                                     const char *code,
                                                     uint64_t off, uint64_t len,
                                                     const char *fmt, ...);
/* The physical volume at a place, if there is one, and the texts of its
 * metadata areas. */
void lvm_read_place(struct lvm *l, const struct lvm_place *place,
                    struct lvm_finds *finds);
/* Does the text describe a group? Its name's node. */
size_t lvm_group_node(const struct lvm_text *t);
/* Only what lvm permits in names, so that they can be shown and cited. */
bool lvm_name_ok(struct str name);
/* The 38 letters of an id with its dashes; false when it is none. */
bool lvm_uuid(char out[LVM_UUID], struct str id);
/* Group and members, logical volumes, of a text. */
bool lvm_decode_group(struct lvm *l, const struct lvm_found *f,
                      struct lvm_vg *vg);
void lvm_decode_copy(struct lvm *l, const struct lvm_found *f,
                     struct lvm_copy *c);
