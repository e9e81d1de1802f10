/*
 * A source: read-only bytes with a size. Every layer of evidence (file, split
 * file, E01, partition, gzip, file in a file system, physical memory)
 * implements this one interface and knows the layer beneath, so that a byte
 * resolves down to the original file.
 *
 * Reading never fails because of damage: bytes that cannot be had come as
 * zeros and their range is in the source's list, either UNREADABLE (damaged,
 * I/O error) or ABSENT (never recorded: hole of a dump, missing segment).
 * Callers that show or hash bytes ask source_gaps() and say so.
 */
#pragma once

#include "base/err.h"

enum gap_kind { GAP_UNREADABLE, GAP_ABSENT };

struct gap {
    uint64_t off, len;
    enum gap_kind kind;
};

struct source;

struct source_ops {
    /* Fill buf with n bytes at off (off + n <= size is checked before). The
     * implementation zero-fills what it cannot read and reports it by
     * source_add_gap. Nonzero return = nothing more can be read at all. */
    int (*read)(struct source *s, uint64_t off, void *buf, size_t n,
                struct err *err);
    void (*close)(struct source *s);
    /* Optional: source_next_data(), for off < size. Reads nothing; may say
     * "data" of what it cannot tell cheaply. NULL: all is data. */
    uint64_t (*next_data)(struct source *s, uint64_t off, uint64_t *end);
};

struct source {
    const struct source_ops *ops;
    void *state;          /* of the layer */
    uint64_t size;        /* bytes */
    struct source *below; /* borrowed unless owns_below; NULL for a file */
    bool owns_below;
    const char *layer; /* citation layer: "", "ewf", "gz", "p1", "phys" .. */
    struct gap *gaps;  /* merged, ascending */
    size_t n_gaps;
    bool gaps_complete; /* known before reading (holes), not only as met */
};

/* Reads up to n bytes at off; *got is smaller only at the end of the source.
 * Zero bytes for gaps. */
int source_read(struct source *s, uint64_t off, void *buf, size_t n,
                size_t *got, struct err *err) CHECKED;
/* What need not be read, since it is known to be zeros (holes of a sparse
 * file, blocks that a container does not have): [off, result) is zeros, in
 * [result, *end) there may be other bytes, of what follows ask again. Result
 * and *end are the size when nothing but zeros follows. How much is known
 * depends on how the evidence is stored, so only speed may depend on it. */
uint64_t source_next_data(struct source *s, uint64_t off, uint64_t *end);
/* The same for many places, most often ascending: is [off, off+n) known to be
 * zeros? Begin with { .s = .. }; it holds the last answer. */
struct source_holes {
    struct source *s;
    uint64_t asked, data, end;
};
bool source_is_hole(struct source_holes *h, uint64_t off, uint64_t n);
/* First gap that overlaps [off, off+n), or NULL. */
const struct gap *source_gap_in(const struct source *s, uint64_t off,
                                uint64_t n);
void source_add_gap(struct source *s, uint64_t off, uint64_t len,
                    enum gap_kind kind);
void source_close(struct source *s); /* NULL is fine; closes owned layers */

/* For layers: a source over state (closed by ops->close, also when this
 * fails). `layer` is copied. The layer below stays with the caller until
 * owns_below is set. */
struct source *source_make(const struct source_ops *ops, void *state,
                           uint64_t size, struct source *below,
                           const char *layer, struct err *err);
/* For layers that map bytes one to one: read n bytes of s->below at `from`
 * for this source's offset `off`, and take over the gaps met there. */
int source_read_below(struct source *s, uint64_t from, uint64_t off, void *buf,
                      size_t n, struct err *err) CHECKED;
/* next_data of such layers: the same of s->below at `from`. */
uint64_t source_next_below(struct source *s, uint64_t from, uint64_t off,
                           uint64_t *end);
/* Copy the gaps of `from` in [from_off, from_off+len), moved to off. */
void source_take_gaps(struct source *s, const struct source *from,
                      uint64_t from_off, uint64_t off, uint64_t len);
/* The sum of the lengths of all gaps. */
uint64_t source_gap_bytes(const struct source *s);

/* A whole regular file by descriptor (borrowed, not closed). */
struct source *source_open_fd(int fd, struct err *err);
/* Split image: the descriptors in order, borrowed. Raw parts are one after
 * the other; the layer "!ewf" takes each part as a segment file. */
struct source *source_open_split(const int *fds, size_t n, struct err *err);
/* Part i of a split source, borrowed; NULL after the last. Any other source
 * is its own only part. */
struct source *source_part(struct source *s, size_t i);
/* Bytes in memory (borrowed). */
struct source *source_open_memory(struct str bytes, struct err *err);
/* Bytes [off, off+len) of below; layer is copied. */
struct source *source_open_slice(struct source *below, uint64_t off,
                                 uint64_t len, const char *layer,
                                 struct err *err);
/* gzip (all members; tolerant: what inflates before damage is the content,
 * the damage is named in gzip_source_report() of evidence/gzip.h): random
 * access by restart points every 4 MiB of output, farther apart in very long
 * streams. Output limited to max_out. */
struct source *source_open_gzip(struct source *below, uint64_t max_out,
                                struct err *err);

/* Rebuild a layered source from the layers part of a citation
 * ("!ewf!p1!fs/etc/passwd", "!gz", "!zip/a.json.gz!gz"), over file. Used by
 * readers: show, verify, hex, extract. The whole chain is closed by
 * source_close of the result (file stays open). */
struct source *source_open_layers(struct source *file, struct str layers,
                                  struct err *err);
