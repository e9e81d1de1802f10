/*
 * How records travel from a worker to the pipeline: items in the payload of
 * RECORDS frames (evidence/frame.h), in the order of the source.
 *
 * Values are sent once per worker: a STRING item gives the next local number
 * (from 1) to (kind, bytes), later items name the number. RESET forgets all
 * numbers. The pipeline checks everything: the worker may have been taken
 * over by the evidence. Little-endian.
 *
 * STRING     kind u8, len u32, bytes
 * RESET
 * MEMBER     outer u8, size u64, layers (u16 len), format (u16 len)
 * MEMBER_END
 * EVENT      WIRE_EVENT fixed bytes, then uid, request, refs (u32 value,
 *            u8 role), text
 * FILE       WIRE_FILE fixed bytes, then volume, link target, content type,
 *            sha256, sha1, md5
 * XATTR      of the file before: name (u16 len), value (u32 len)
 * PACKAGE    name u32, manager u8, known u8, installed u64, built u64, then
 *            version, arch, vendor, signer, state (u8 len each)
 * PACKAGE_FILE  package u32, path u32, manager u8, known u8, flags u32, mode
 *            u32, size u64, time u64, owner (u8 len), group (u8 len), digest
 *            (u8 len), link target (u16 len)
 * ISSUE      severity u8, off u64, len u64, code (u8 len), detail (u16 len)
 * REJECT     off u64, len u64, code, detail
 * FACT       name (u8 len), value (u32 len)
 */
#pragma once

#include "base/hash.h"
#include "casedb/intake.h"
#include "importers/importer.h"

enum wire_item {
    WIRE_STRING = 1,
    WIRE_RESET,
    WIRE_MEMBER,
    WIRE_MEMBER_END,
    WIRE_EVENT,
    WIRE_FILE,
    WIRE_ISSUE,
    WIRE_REJECT,
    WIRE_FACT,
    WIRE_XATTR,
    WIRE_PACKAGE,
    WIRE_PACKAGE_FILE,
};

enum {
    WIRE_EVENT_FIXED = 8 + 8 + 4 + 4 + 8 + 4 + 4 + 4 * INTAKE_COLUMNS + 8,
    WIRE_VALUE_MAX = 4096, /* bytes of an entity value; longer ones are cut */
    WIRE_TEXT_MAX = 4096,
    WIRE_TYPE_MAX = 200,           /* of a content type */
    WIRE_DICTIONARY_MAX = 1 << 16, /* small: it stays in the cache */
    WIRE_DICTIONARY_BYTES = 8 << 20,
};

/* The request for a WORKER_LOG or WORKER_IMAGE. */
struct wire_request {
    struct hash_key body_key;
    bool hash_files, hash_weak;
    bool set;          /* one descriptor: the names of a set (fileset.h) */
    struct str as;     /* --as importer name, or empty */
    struct str path;   /* member path */
    uint64_t bytes;    /* of a set: all its files */
    bool has_modified; /* when the one file, or that inside, was last changed: a
                          sealed worker cannot ask */
    struct instant modified;
    /* Of a file within the image: the layers that lead to its content; empty
     * for the image itself. What follows is of it. */
    struct str inside;
    struct str name;      /* its path there */
    uint32_t event_flags; /* enum event_flag, of all its records */
};
void wire_put_request(struct buf *b, const struct wire_request *r);
bool wire_get_request(struct str s, struct wire_request *r);

/* DONE payload: u64 items, u8 verdict. */
enum wire_verdict {
    WIRE_DONE = 0,
    WIRE_NEEDS_IMAGE = 1, /* to be given to a worker for images; no item sent */
};

/* ---- worker side: a sink over worker_emit ---- */
struct sink *sink_open(const struct hash_key *body_key, struct err *err);
int sink_member(struct sink *s, bool outer, struct str layers,
                struct str format, uint64_t size) CHECKED;
int sink_member_end(struct sink *s) CHECKED;
int sink_flush(struct sink *s) CHECKED;
/* A new job: the counts start again, the dictionary stays. */
void sink_job(struct sink *s, struct str source);
uint64_t sink_items(const struct sink *s);
void sink_set_source(struct sink *s, struct str importer);
/* Flags that all records get, until the next job. */
void sink_set_flags(struct sink *s, uint32_t event_flags);
