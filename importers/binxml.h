/*
 * Binary XML as Windows event logs hold it (MS-EVEN6 2.2.12, with names and
 * templates kept once for each chunk): one record becomes a flat list of
 * parts. Nothing recurses; how much one record and one chunk may cost is
 * bounded by counts, because templates may lie within templates.
 */
#pragma once

#include "base/str.h"

enum binxml_kind {
    BINXML_OPEN, /* name */
    BINXML_ATTR, /* name, value: of the element opened last */
    BINXML_TEXT, /* value */
    BINXML_CLOSE,
};

/* Types of values, as far as anyone asks. */
enum {
    BINXML_STRING = 0x01,
    BINXML_FILETIME = 0x11,
    BINXML_SID = 0x13,
};

struct binxml_part {
    uint8_t kind;
    uint8_t type; /* of the value */
    struct str name, value;
    uint64_t number; /* FILETIME: as it is */
};

struct binxml {
    struct arena *arena; /* names and values of one record */
    struct binxml_part *v;
    size_t n, cap;
    const char *why; /* it is damaged */
    /* what may still be spent on the chunk */
    uint32_t steps, text;
};

/* For each chunk: what its records may cost together. */
void binxml_chunk(struct binxml *x);

enum { BINXML_DAMAGED = 1, BINXML_NO_MEMORY = -1 };
/* The fragment at [at, end) of a chunk of 64 KiB or less. Damaged: what came
 * before the damage is in v, elements left open. */
int binxml_read(struct binxml *x, struct str chunk, size_t at, size_t end);
void binxml_free(struct binxml *x);
