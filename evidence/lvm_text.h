/*
 * The text in which LVM2 keeps its metadata: `key = value` and `name { .. }`,
 * values are strings, integers and lists of them, `#` starts a comment
 * (lvm2: libdm/libdm-config.c, man lvm.conf).
 */
#pragma once

#include "base/str.h"

enum lvm_node_kind { LVM_SECTION, LVM_LIST, LVM_STRING, LVM_NUMBER };
enum { LVM_NODES_MAX = 1 << 18, LVM_DEPTH_MAX = 8 };

struct lvm_node {
    enum lvm_node_kind kind;
    struct str key;  /* empty in lists */
    struct str text; /* of strings; backslashes stay */
    uint64_t number; /* negative ones and fractions: 0 */
    size_t end;      /* index after the last node below */
};

/* Nodes in the order of the text: what is below a node follows it. Views into
 * text. */
struct lvm_text {
    struct lvm_node *nodes;
    size_t n, cap;
    const char *wrong; /* what was not understood; NULL: all was */
    size_t wrong_at;   /* offset in the text */
};

/* False when text is not of this form, beyond LVM_NODES_MAX, or memory ran
 * out. */
bool lvm_text_parse(struct lvm_text *t, struct str text);
void lvm_text_free(struct lvm_text *t);

/* Children of a section or list, one after the other: start with
 * lvm_first(node), SIZE_MAX ends. `top` = SIZE_MAX is the text itself. */
size_t lvm_first(const struct lvm_text *t, size_t top);
size_t lvm_next(const struct lvm_text *t, size_t top, size_t node);
/* The child with this key and kind; SIZE_MAX when there is none. */
size_t lvm_child(const struct lvm_text *t, size_t top, const char *key,
                 enum lvm_node_kind kind);
struct str lvm_string(const struct lvm_text *t, size_t top, const char *key);
/* `none` when there is no such number. */
uint64_t lvm_number(const struct lvm_text *t, size_t top, const char *key,
                    uint64_t none);
/* Is word one of the strings of the list `key`? */
bool lvm_has_word(const struct lvm_text *t, size_t top, const char *key,
                  const char *word);
