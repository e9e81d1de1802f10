/*
 * zstd (RFC 8878) for evidence: all frames of a file. What comes before
 * damage is the content; the report names the damage with its place in both
 * streams.
 *
 * Frames are restart points. The state inside a frame cannot be kept, so the
 * first pass keeps the content itself, packed again, up to a bound of memory;
 * zeros cost nothing. What is beyond the bound is decompressed again from the
 * start of its frame: in a file of one large frame reading backwards is slow.
 */
#pragma once

#include "evidence/source.h"

enum zstd_damage {
    ZSTD_OK = 0,
    ZSTD_NO_FRAME, /* the first frame's header is none */
    ZSTD_CUT,
    ZSTD_BAD_DATA,  /* or a checksum of the content that differs */
    ZSTD_WINDOW,    /* needs more memory than is given */
    ZSTD_TOO_LARGE, /* more content than asked for; the rest is left out */
};
struct zstd_report {
    uint64_t frames, out_size;
    enum zstd_damage damage;
    uint64_t in_off, out_off; /* where */
    uint64_t again;           /* bytes of content that were not kept */
};
const char *zstd_damage_code(enum zstd_damage d); /* "zstd-cut" */
const char *zstd_damage_text(enum zstd_damage d);

bool zstd_is(struct str head);
/* As much of the content as the first bytes give; returns how much. */
size_t zstd_head(struct str packed, void *out, size_t n);
struct source *source_open_zstd(struct source *below, uint64_t max_out,
                                struct err *err);
/* The same with another bound of what is kept, in packed bytes. */
struct source *zstd_open_kept(struct source *below, uint64_t max_out,
                              uint64_t kept_max, struct err *err);
/* NULL unless s is of source_open_zstd; borrowed. */
const struct zstd_report *zstd_source_report(const struct source *s);
