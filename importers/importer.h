/*
 * An importer: one file per format, one line in importers/table.c. Its code
 * runs only in sandboxed workers.
 */
#pragma once

#include "evidence/source.h"
#include "base/hash.h"
#include "importers/path.h"
#include "importers/record.h"

/* What a probe may look at; it must not allocate or fail. Compression and
 * archives around the content are unwrapped before. */
struct probe {
    struct str head; /* first bytes, up to 64 KiB */
    struct str tail; /* last bytes, up to 4 KiB */
    /* What the content is called where it lay: its path in the file system
     * or archive, else the member's path. Breaks ties, and tells formats that
     * are nothing but text (importers/path.h). */
    struct str path;
    uint64_t size;
    const char *reason; /* out: why, our words */
};

/* A member's content as a window into memory. Small members (<= 64 MiB) are
 * one window; larger ones are read on. `p[n]` and the 64 bytes after are
 * readable zeros. */
struct input {
    const char *p;
    size_t n;
    uint64_t base;      /* offset of p[0] in the member's innermost layer */
    bool eof;           /* nothing follows the window */
    struct source *src; /* the same bytes for random access (images, dumps) */
};
/* Drop the bytes before window offset `from`, read on. Afterwards the byte
 * that was p[from] is p[0] and in->base has moved. Nonzero: no memory. */
int input_more(struct input *in, size_t from) CHECKED;

struct file_types;
struct zone;
struct import_job {
    struct input *in;
    struct str path;   /* exhibit member path */
    struct str name;   /* as probe.path */
    bool has_modified; /* when the content was last changed, by the file
                          system or archive it lay in */
    struct instant modified;
    const struct zone *zone; /* base/zone.h: the host's own; NULL: unknown */
    struct str layers; /* "!gz" */
    struct sink *sink;
    struct arena *arena;      /* reset by the importer per record */
    bool hash_files;          /* --hash-files */
    bool hash_weak;           /* MD5 and SHA-1 of them, too */
    struct file_types *types; /* evidence/file_type.h; NULL: none */
    struct hash_key body_key; /* for record.body_hash: the case's own */
};

enum importer_flag {
    IMPORTER_IMAGE = 1, /* wants in.src, a fresh worker and container
                           libraries; the window is only the head */
};

struct importer {
    const char *name;  /* "cloudtrail": source facet, --as */
    const char *title; /* "CloudTrail log file" */
    const char *reads; /* "JSON Records files, JSON lines, lookup-events .." */
    unsigned flags;
    /* Files of disk images that it is asked about, NULL-ended patterns
     * (importers/path.h); NULL: none. */
    const char *const *paths;
    const char *layer; /* "!phys": the layer of its own that its records lie
                          in; NULL: the member itself */
    /* 0..100: how surely this is the format (>= 50 needed; two at >= 90 on
     * one content is a bug). */
    int (*probe)(struct probe *p);
    /* NULL, or: when no probe gave IMPORTER_LOOK, how surely after a look at all of it
     * (0..89, sets p->reason). Costs reading; never asked of a stream. */
    int (*look)(struct probe *p, struct source *src);
    /* Reads all; damage goes to the sink, err is for what stops. */
    int (*import)(struct import_job *job, struct err *err);
};

extern const struct importer *const importers[]; /* table.c, NULL-ended */
const struct importer *importer_by_name(struct str name);
/* The surest importer for p; *confidence 0..100; NULL when none >= 50. */
const struct importer *importer_recognise(struct probe *p, int *confidence);
/* The same by look(), where a probe was not sure (confidence below
 * IMPORTER_LOOK); NULL when none is surer. */
enum { IMPORTER_LOOK = 60 };
const struct importer *importer_look(struct probe *p, struct source *src,
                                     int confidence);
