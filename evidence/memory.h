/*
 * A machine's memory dump as its physical address space: the offset is the
 * physical address. Read: raw files (offset = address), LiME version 1, AVML
 * version 2 (snappy), ELF core files. Facts of the formats: docs/formats/
 * memory.md.
 *
 * What the dump does not hold is an ABSENT gap, known before reading; a
 * compressed chunk that is damaged is an UNREADABLE one, known when it was
 * read. An index of chunks is the only thing that grows with the file.
 */
#pragma once

#include "evidence/source.h"

enum memory_format {
    MEMORY_NONE,
    MEMORY_RAW,
    MEMORY_LIME,
    MEMORY_AVML,
    MEMORY_ELF,
};

/* By the first bytes; raw files have no mark, so never MEMORY_RAW. */
enum memory_format memory_recognise(struct str head);
const char *memory_format_name(enum memory_format f);
/* Name of a format that is recognised and not read (kdump, crash dumps,
 * VMware, hibernation), or NULL. */
const char *memory_unread(struct str head);

struct memory_range {
    uint64_t start, len;
};

/* Something odd in the container; our own words. */
struct memory_issue {
    const char *code;
    bool lost; /* memory is missing by it */
    uint64_t address;
    char text[168];
};
enum { MEMORY_ISSUES_MAX = 100 };

struct memory_info {
    enum memory_format format;
    uint64_t stated;                   /* ranges, as the file lists them */
    const struct memory_range *ranges; /* present bytes: ascending, joined */
    size_t n_ranges;
    uint64_t present; /* sum of their lengths */
    const struct memory_issue *issues;
    size_t n_issues;
    uint64_t more_issues; /* than are listed */
};

/* Layer "phys". Anything that is not recognised is taken as raw. The file
 * stays with the caller. */
struct source *memory_open(struct source *file, struct err *err);
/* NULL unless s is of memory_open. Borrowed. */
const struct memory_info *memory_source_info(const struct source *s);

/* ---- inside: how a container's reader describes the layout -------------- */

/* Addresses have at most 52 bits (x86-64, arm64). */
#define MEMORY_ADDRESS_END (UINT64_C(1) << 52)
enum {
    MEMORY_RANGES_MAX = 1 << 20, /* headers of one file */
    MEMORY_CHUNK = 1 << 16,      /* bytes of a chunk, unpacked */
    MEMORY_STORED = 1 << 30,     /* in packed: not compressed */
    MEMORY_LOST = 1 << 29,       /* in packed: damaged, known now */
    MEMORY_PACKED = (1 << 24) - 1,
};

/* Bytes at address start. packed 0: they lie in the file as they are. Else a
 * chunk: masked CRC-32C and packed bytes at `file`, of whose content `skip`
 * bytes come before start. */
struct memory_piece {
    uint64_t start, len, file;
    uint32_t packed, skip;
};

struct memory_layout {
    struct source *file;
    struct memory_piece *pieces;
    size_t n, cap;
    uint64_t stated, laid; /* ranges; bytes taken as they are */
    struct memory_issue issues[MEMORY_ISSUES_MAX];
    size_t n_issues;
    uint64_t more_issues;
    unsigned char *window; /* of the file */
    uint64_t window_at;
    size_t window_n;
};

/* n (small) bytes of the file, valid until the next call; NULL when they are
 * not there. */
const unsigned char *memory_peek(struct memory_layout *l, uint64_t off,
                                 size_t n);
/* False: the index is full, stop. */
bool memory_add(struct memory_layout *l, struct memory_piece p);
void memory_issue(struct memory_layout *l, const char *code, bool lost,
                  uint64_t address, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* LiME and AVML: ranges one after the other. */
int memory_walk_ranges(struct memory_layout *l, struct err *err);
int memory_walk_elf(struct memory_layout *l, struct err *err);

/* Unpacks chunk p into out (MEMORY_CHUNK bytes); its length, 0 when it is
 * damaged. packed: MEMORY_CHUNK_PACKED bytes to work in. */
enum { MEMORY_CHUNK_PACKED = 4 + 32 + MEMORY_CHUNK + MEMORY_CHUNK / 6 };
size_t memory_unpack(struct source *file, const struct memory_piece *p,
                     unsigned char *packed, unsigned char *out);
