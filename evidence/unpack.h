/*
 * xz (tukaani.org/xz/xz-file-format.txt, 1.2.0) and bzip2 for evidence: all
 * streams of a file. What comes before damage is the content; the report names
 * the damage with its place in both streams.
 *
 * The first pass keeps content up to a bound of memory, so that a log is
 * unpacked once. What is beyond it is unpacked again from the last restart
 * point: of xz the blocks as they lie in the file (the index at its end is
 * compared, but not needed), of bzip2 the streams.
 */
#pragma once

#include "evidence/source.h"

enum unpack_kind { UNPACK_NOT = 0, UNPACK_XZ, UNPACK_BZ2 };

enum unpack_damage {
    UNPACK_OK = 0,
    UNPACK_NONE, /* the first stream's header is none */
    UNPACK_CUT,
    UNPACK_BAD_DATA, /* or a checksum of the content that differs */
    UNPACK_MEMORY,   /* needs more memory than is given */
    UNPACK_TRAILING, /* other bytes after the last stream */
    UNPACK_TOO_LARGE /* more content than asked for; the rest is left out */
};

struct unpack_report {
    enum unpack_kind kind;
    uint64_t streams; /* whole ones */
    uint64_t out_size;
    enum unpack_damage damage;
    uint64_t in_off, out_off; /* where */
    uint64_t points;          /* places to restart at */
    uint64_t again;           /* bytes of content that were not kept */
};

const char *unpack_layer(enum unpack_kind k); /* "xz", "bz2" */
/* "xz-cut": stable code of an issue; "" for UNPACK_OK. */
const char *unpack_damage_code(enum unpack_kind k, enum unpack_damage d);
const char *unpack_damage_text(enum unpack_damage d);

enum unpack_kind unpack_recognise(struct str head);
/* As much of the content as the first bytes give; returns how much. */
size_t unpack_head(struct str packed, void *out, size_t n);
struct source *unpack_open(enum unpack_kind k, struct source *below,
                           uint64_t max_out, struct err *err);
/* The same with another bound of what is kept. */
struct source *unpack_open_kept(enum unpack_kind k, struct source *below,
                                uint64_t max_out, uint64_t kept_max,
                                struct err *err);
/* NULL unless s is of unpack_open; borrowed. */
const struct unpack_report *unpack_source_report(const struct source *s);
