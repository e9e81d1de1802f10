/*
 * Journal files of systemd (docs/formats/journald.md): header, objects, entries
 * and their fields, by offset. Nothing of the file is trusted: a place that
 * does not hold what it should is told, not followed.
 *
 * Memory is bounded: files that are not in the window as a whole are read
 * through a cache of blocks. So is work: what a well-formed file cannot need
 * (items, hashed and unpacked bytes) is counted down, and left out when it is
 * used up, the same on every machine.
 */
#pragma once

#include "importers/importer.h"
#include "importers/journald_unpack.h"

enum journald_type {
    JOURNALD_DATA = 1,
    JOURNALD_FIELD,
    JOURNALD_ENTRY,
    JOURNALD_DATA_HASHES,
    JOURNALD_FIELD_HASHES,
    JOURNALD_ARRAY,
    JOURNALD_TAG,
    JOURNALD_TYPES,
};

enum journald_incompatible {
    JOURNALD_HAS_XZ = 1,
    JOURNALD_HAS_LZ4 = 2,
    JOURNALD_KEYED = 4,
    JOURNALD_HAS_ZSTD = 8,
    JOURNALD_COMPACT = 16,
    JOURNALD_KNOWN = 31,
};

enum journald_state { JOURNALD_OFFLINE, JOURNALD_ONLINE, JOURNALD_ARCHIVED };

enum {
    JOURNALD_HEADER_MIN = 208,
    JOURNALD_HEADER_MAX = 4096, /* the newest known is 272 */
    JOURNALD_FIELD_MAX = 16 << 20,
    JOURNALD_TEXT = 3500, /* of a message in a record: notes fit behind it */
};

struct journald_file {
    uint64_t size;
    uint32_t compatible, incompatible;
    uint8_t state;
    unsigned char file_id[16], machine_id[16], tail_boot[16], seqnum_id[16];
    uint64_t header_size, arena_size, tail_object, objects, entries;
    uint64_t tail_seqnum, head_seqnum, entry_array;
    uint64_t head_realtime, tail_realtime;
    bool compact, keyed;
    bool header_odd; /* header_size is none: 272 is taken */

    struct err err; /* code set: nothing more can be read */
    /* What is left of the budgets. */
    uint64_t items_left, hash_left, unpack_left;

    /* ours */
    struct source *src;
    const char *all; /* the whole file, or NULL */
    struct journald_block *blocks;
    struct journald_seen *seen;
    unsigned seen_bits; /* log2 of how many; not 0, as no file is so small */
    struct journald_unpacker *unpacker;
    struct buf unpacked;
};

/* Is this the start of a journal file? */
bool journald_is(struct str head);
/* Nonzero: it is none (ERR_EVIDENCE), or memory. Closed in any case. */
int journald_open(struct journald_file *f, const struct input *in,
                  struct err *err) CHECKED;
void journald_close(struct journald_file *f);

/* Reads n bytes of the file; false: they are not all within it. */
bool journald_get(struct journald_file *f, uint64_t off, void *to, size_t n);
/* The same, in place or in the arena. p NULL: not within, or no memory. */
struct str journald_span(struct journald_file *f, uint64_t off, size_t n,
                         struct arena *a);

struct journald_object {
    uint64_t off, size;
    uint8_t type, flags;
};
/* The object at off when it can be one: on an 8-byte boundary, within the file,
 * of a known type and of a size that fits it. strict: also what only chance
 * would fulfil, for places that nothing points to. */
bool journald_object(struct journald_file *f, uint64_t off, bool strict,
                     struct journald_object *o);

struct journald_entry {
    uint64_t off, size;
    uint64_t seqnum, realtime, monotonic, xor_hash;
    unsigned char boot[16];
    uint64_t n_items;
};
bool journald_entry(struct journald_file *f, const struct journald_object *o,
                    struct journald_entry *e);
/* The places of an entry's fields, from the first-th one on, at most most.
 * Returns how many; 0: no more, or the budget is used up. */
size_t journald_items(struct journald_file *f, const struct journald_entry *e,
                      uint64_t first, uint64_t *off, size_t most);

enum journald_damage {
    DATA_OK,
    DATA_LONG,   /* only its front part, not compared with its hash */
    DATA_HASH,   /* it differs from its hash */
    DATA_PACKED, /* its compression is damaged: what came before is there */
    DATA_NAME,   /* no NAME=value */
    DATA_NONE,   /* no DATA object there */
    DATA_BUDGET, /* not read: too much was unpacked in this file already */
    DATA_KINDS,
};
struct journald_data {
    enum journald_damage damage;
    struct str name, value;
    uint64_t jenkins; /* of the whole field; 0: not known */
};
/* A field by the place of its DATA object. Bytes are valid until the arena is
 * reset. want, when given, tells by its name whether the value is needed: else
 * value may be left empty (what is known of a field is kept). */
void journald_data(struct journald_file *f, uint64_t off, struct arena *a,
                   bool (*want)(struct str name), struct journald_data *d);
