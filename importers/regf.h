/*
 * Registry hives (regf): keys and values by the offsets of their cells. All of
 * it is a view into the hive's bytes; offsets from evidence are checked at
 * every step, and nothing recurses.
 */
#pragma once

#include "base/str.h"

enum {
    REGF_HEAD = 4096,
    REGF_DEPTH = 512, /* keys within keys, as Windows allows */
    REGF_STRING = 1,
    REGF_EXPAND = 2,
    REGF_BINARY = 3,
    REGF_DWORD = 4,
    REGF_MULTI = 7,
    REGF_QWORD = 11,
};
#define REGF_NONE UINT32_MAX /* no cell */

struct regf {
    struct str bytes; /* whole file */
    uint32_t root;
};

/* A cell: its bytes after the length. */
struct regf_cell {
    struct str data;
    uint64_t off; /* of the length, in the file */
    bool free;
};

struct regf_key {
    struct regf_cell cell;
    uint32_t at; /* cell's offset */
    uint16_t flags;
    uint64_t written;
    uint32_t parent, n_subkeys, subkeys, n_values, values;
    struct str name; /* bytes as stored */
    bool narrow;     /* name is Latin-1, else UTF-16 */
};

struct regf_value {
    struct regf_cell cell;
    struct str name;
    bool narrow;
    uint32_t type, size; /* of the data as stated */
    struct str data;     /* what is there of it, in one piece */
    uint32_t big;        /* cell of the list of pieces, else REGF_NONE */
};

/* False: not even a head. */
bool regf_open(struct regf *h, struct str bytes);
bool regf_cell(const struct regf *h, uint32_t at, struct regf_cell *out);
bool regf_key(const struct regf *h, uint32_t at, struct regf_key *out);
/* The i-th value of a key; false: it is not there. */
bool regf_value(const struct regf *h, const struct regf_key *k, uint32_t i,
                struct regf_value *out);
/* Data in pieces (16 KiB and more), joined in the arena, at most `most`. */
struct str regf_big(const struct regf *h, const struct regf_value *v,
                    struct arena *a, size_t most);

/* Goes through the lists of a key's subkeys. */
struct regf_list {
    uint32_t outer, n_outer, i_outer; /* list of lists */
    uint32_t inner, n_inner, i_inner;
    bool damaged;
};
void regf_list_open(const struct regf *h, const struct regf_key *k,
                    struct regf_list *l);
/* The next subkey's offset; false at the end. */
bool regf_list_next(const struct regf *h, struct regf_list *l, uint32_t *at);
