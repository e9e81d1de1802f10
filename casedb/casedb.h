/*
 * The case file: one SQLite database (.kan). Opening, closing, the audit
 * chain, exhibits and accounting. docs/case-format.md describes the tables.
 */
#pragma once

#include "base/err.h"
#include "base/kinds.h"
#include "base/time.h"

struct casedb;

enum case_mode {
    CASE_READ,  /* queries only, no byte of the case is written; several
                   processes may read at a time, none while one writes. Beside
                   the writer of this same process: as many as one likes, each
                   handle used by one thread at a time. */
    CASE_WRITE, /* the one writer: ERR_CASE names who has the case open */
};

struct case_info {
    struct str uuid, title, number, organization, examiner, authority, scope;
    struct instant created;
    struct str version; /* program that made it */
};

/* A new case: refuses an existing path. Mode 0600. */
int case_create(const char *path, const struct case_info *info,
                struct err *err) CHECKED;
/* Hardened open (reliability.md 4.1): header, side files, schema pin. */
int case_open(const char *path, enum case_mode mode, struct casedb **out,
              struct err *err) CHECKED;
void case_close(struct casedb *c);
const char *case_path(const struct casedb *c);
int case_get_info(struct casedb *c, struct arena *a, struct case_info *out,
                  struct err *err) CHECKED;

/* Several writes as one: all of them or none. May be nested. After any error
 * within, case_rollback. On a reader: one unchanging view meanwhile. */
int case_begin(struct casedb *c, struct err *err) CHECKED;
int case_commit(struct casedb *c, struct err *err) CHECKED;
void case_rollback(struct casedb *c);

/* ---- audit chain (case.md 2.4) ------------------------------------------ */

struct audit_head {
    uint64_t seq;
    char hex[65];
};
/* Appends within the open transaction, or in its own when there is none.
 * detail: one-line JSON object, keys sorted. */
int case_audit(struct casedb *c, struct str action, struct str object,
               struct str detail, struct err *err) CHECKED;
int case_audit_head(struct casedb *c, struct audit_head *out,
                    struct err *err) CHECKED;
/* Walks the chain; ERR_VERIFY names the first bad row. line(ctx, "hex body")
 * may be NULL. */
int case_audit_verify(struct casedb *c, struct audit_head *out,
                      int (*line)(void *ctx, struct str line), void *ctx,
                      struct err *err) CHECKED;
/* Who acts: --examiner, else the case's examiner, else login name. */
void case_set_actor(struct casedb *c, struct str actor);

/* ---- exhibits, members, issues, facts ----------------------------------- */

enum exhibit_state {
    EXHIBIT_OPEN = 0, /* import not finished (interrupted): resume */
    EXHIBIT_CLOSED = 1,
};

struct exhibit {
    int64_t no;      /* X1.. */
    struct str path; /* absolute path at import, bytes */
    struct str kind; /* "log", "disk", "memory", "mixed" */
    struct str note;
    struct instant imported;
    int64_t supplement_of; /* 0 = none */
    uint64_t n_files, size;
    struct str sha256; /* 32 bytes: of the file, or of the sorted list
                          "hex  path\n" for folders (tree hash) */
    int state;
    uint64_t n_read, n_stored, n_dup, n_rejected, n_issues, n_members;
    uint64_t first_event, n_events;
};

struct member {
    int64_t id, exhibit;
    struct str path;   /* bytes, relative to the exhibit */
    struct str layers; /* "", "!gz", "!ewf!p1" */
    struct str format; /* importer name, or "" with an issue saying why */
    uint64_t size;     /* of the file */
    struct str sha256; /* of the file; empty for inner members */
    uint64_t n_read, n_stored, n_dup, n_rejected;
    uint64_t first_event, n_events; /* contiguous ids */
};

struct issue {
    int64_t id, exhibit, member; /* member 0: of the exhibit */
    int severity;
    uint64_t off, len;
    struct str code, detail;
};

typedef int (*exhibit_fn)(void *ctx, const struct exhibit *e);
typedef int (*member_fn)(void *ctx, const struct member *m);
typedef int (*issue_fn)(void *ctx, const struct issue *i);
typedef int (*fact_fn)(void *ctx, int64_t member, struct str name,
                       struct str value);
/* Callbacks return nonzero to stop (returned as is). Rows are borrowed. */
int case_exhibits(struct casedb *c, exhibit_fn fn, void *ctx,
                  struct err *err) CHECKED;
/* exhibit 0 = all */
int case_members(struct casedb *c, int64_t exhibit, member_fn fn, void *ctx,
                 struct err *err) CHECKED;
int case_member(struct casedb *c, int64_t id, struct arena *a,
                struct member *out, struct err *err) CHECKED;
int case_exhibit(struct casedb *c, int64_t no, struct arena *a,
                 struct exhibit *out, struct err *err) CHECKED;
int case_issues(struct casedb *c, int64_t exhibit, issue_fn fn, void *ctx,
                struct err *err) CHECKED;
int case_facts(struct casedb *c, int64_t exhibit, fact_fn fn, void *ctx,
               struct err *err) CHECKED;
/* Where the exhibit's files are now (evidence attach), or its path. */
int case_exhibit_path(struct casedb *c, int64_t no, struct arena *a,
                      struct str *out, struct err *err) CHECKED;
/* The exhibit's files are at another absolute path from now on; with its
 * audit row ("evidence.attach"). Whether they are the same is for verify. */
int case_attach(struct casedb *c, int64_t no, struct str path,
                struct err *err) CHECKED;

/* A digest that somebody stated or that was computed again later; the files'
 * own are in member and exhibit. */
struct digest {
    int64_t exhibit;
    struct str path;    /* member path, empty = of the exhibit */
    struct str scope;   /* "file", "media", "claimed", "stored" */
    struct str algo;    /* "md5", "sha1", "sha256" */
    struct str value;   /* bytes */
    struct str outcome; /* "match", "differs", "missing", "unreadable", .. */
    struct instant at;  /* 0 = now */
    struct str note;
};
/* The caller writes the audit row, one for the whole of its act. */
int case_digest_add(struct casedb *c, const struct digest *d,
                    struct err *err) CHECKED;
/* exhibit 0 = all; in order of entry. */
int case_digests(struct casedb *c, int64_t exhibit,
                 int (*fn)(void *ctx, const struct digest *d), void *ctx,
                 struct err *err) CHECKED;
/* Embedded bytes of a file (--embed), through the same reader. */
int case_embedded(struct casedb *c, int64_t member, struct arena *a,
                  struct str *out, bool *found, struct err *err) CHECKED;

/* Ordered dump of intake and examiner tables, hashed ("equal content"). */
int case_content_hash(struct casedb *c, unsigned char out[32],
                      struct err *err) CHECKED;
/* integrity_check, schema, counts, audit chain, posting lists against rows. */
int case_verify(struct casedb *c, struct err *err) CHECKED;
/* A compact copy for sealing (VACUUM INTO, rollback journal). */
int case_copy(struct casedb *c, const char *path, struct err *err) CHECKED;
/* Rebuild index tables (posting lists, counts, text index) from intake. */
int case_reindex(struct casedb *c, struct err *err) CHECKED;
/* Ask a running query of this handle to stop (from another thread). */
void case_interrupt(struct casedb *c);
