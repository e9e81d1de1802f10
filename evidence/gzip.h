/*
 * gzip (RFC 1952) for evidence: every member of a file, tolerant of damage.
 * What inflates before the damage is the content; the report names the damage
 * with its place in both streams. gzread() of zlib is not used: it hides
 * garbage after the data and passes other formats through as data.
 */
#pragma once

#include "evidence/source.h"

enum gzip_damage {
    GZIP_OK = 0,
    GZIP_EMPTY,     /* no bytes at all */
    GZIP_NOT_GZIP,  /* the first member's header is not one */
    GZIP_CUT,       /* ends inside a member */
    GZIP_BAD_DATA,  /* deflate data that mean nothing */
    GZIP_CHECKSUM,  /* CRC-32 of a member differs; its output is kept */
    GZIP_LENGTH,    /* length of a member differs; its output is kept */
    GZIP_TRAILING,  /* other bytes after the last member */
    GZIP_TOO_LARGE, /* stopped at the limit of the output */
};

struct gzip_report {
    uint64_t members;        /* that ended with their trailer */
    uint64_t in_used;        /* compressed bytes that belong to members */
    uint64_t out_size;       /* bytes of content */
    uint64_t zeros;          /* padding after the last member */
    enum gzip_damage damage; /* the first found */
    uint64_t in_off;         /* where: offset in the compressed bytes */
    uint64_t out_off;        /* and in the content */
    uint64_t n_damaged; /* members with damage, trailing bytes count as one */
};

/* "gzip-cut": stable code of an issue; "" for GZIP_OK. */
const char *gzip_damage_code(enum gzip_damage d);
/* A sentence of our own words. */
const char *gzip_damage_text(enum gzip_damage d);

/* Whole buffers, fast: libdeflate where it is built in, zlib for the parts
 * that libdeflate refuses. Reuse the inflater and the buffer across calls. */
struct gzip_inflater;
struct gzip_inflater *gzip_inflater_open(void); /* NULL: out of memory */
void gzip_inflater_close(struct gzip_inflater *g);
/* out is replaced by the content of all members; 64 zero bytes follow it (not
 * counted). Damage is reported in r, never a failure; nonzero only when out
 * of memory. At most max_out bytes are kept. */
int gzip_inflate_all(struct gzip_inflater *g, struct str gz, struct buf *out,
                     uint64_t max_out, struct gzip_report *r) CHECKED;

/* As much of the content as the first bytes of a file give; how much. */
size_t gzip_head(struct str gz, void *out, size_t n);
/* Of a source made by source_open_gzip; borrowed. */
const struct gzip_report *gzip_source_report(const struct source *s);

/* Raw deflate (RFC 1951) of a zip member: random access over `below` by the
 * same restart points. The content is out_size bytes as the archive says;
 * what does not inflate is an unreadable gap. crc: expected CRC-32, compared
 * in the report when check_crc. */
struct source *deflate_source_open(struct source *below, uint64_t out_size,
                                   const char *layer, bool check_crc,
                                   uint32_t crc, struct err *err);
