/*
 * What an importer gives: records, files, issues. Importers know nothing of
 * SQL, workers or pipes; they call a sink with values that are borrowed for
 * the call (spans into the input are fine, nothing needs to be copied).
 */
#pragma once

#include "base/err.h"
#include "base/kinds.h"
#include "base/time.h"

struct sink;

/* An identifier named by a record, beyond its columns. */
struct record_ref {
    uint8_t kind; /* enum kind */
    uint8_t role; /* enum role */
    struct str value;
};

enum { RECORD_REFS_MAX = 256 };

/* One record of the source, one row of the timeline. Columns left empty are
 * NULL in the case. */
struct record {
    bool timed;
    struct instant t;
    uint8_t t_kind;   /* enum time_kind */
    uint8_t t_zone;   /* enum time_zone_state */
    uint8_t t_res;    /* fraction digits known: 0 = whole seconds .. 9 */
    uint8_t severity; /* 0 none .. 4 critical: the source's own statement */
    uint32_t flags;   /* enum event_flag */

    /* The record's bytes in the member's innermost layer. */
    uint64_t off;
    uint32_t len;
    uint16_t sub; /* #n: several events of one record, else 0 */

    struct str action;  /* API call, "modified", log group, .. */
    struct str actor;   /* who: ARN, else user name */
    uint8_t actor_kind; /* KIND_PRINCIPAL, KIND_HOST_USER, .. */
    struct str target;  /* the one thing acted on */
    uint8_t target_kind;
    struct str outcome; /* error code; empty = no error stated */
    struct str ip;      /* canonical text */
    struct str key;     /* access key id */
    struct str agent;   /* user agent */
    struct str region;
    struct str account; /* where it was recorded */
    struct str service; /* event source, host, log group */

    struct str source;  /* importer name when not the member's own format */
    struct str text;    /* summary where the columns do not tell it */
    struct str uid;     /* the source's own event id (raw 16 bytes for UUIDs,
                           else its text, at most 64 bytes) */
    struct str request; /* request id, same form */
    uint32_t body_hash; /* of the record's content, for duplicates with two
                           bodies; 0 = not computed */
    uint8_t detail;     /* how complete: 0 full record, 1 lookup, 2 console
                           CSV; a poorer one never supplies fields */

    const struct record_ref *refs;
    size_t n_refs;
};

/* enum file_type, file_flag, file_view: base/kinds.h */
struct record_xattr {
    struct str name, value; /* "security.selinux"; bytes as stored */
};

/* One name in a file system. The sink stores the row and gives one event per
 * known time. */
struct record_file {
    struct str volume; /* "p1", "" for an image without partitions */
    struct str path;   /* bytes, absolute within the volume */
    uint64_t inode, parent_inode;
    uint8_t type; /* enum file_type */
    uint32_t mode, uid, gid, links;
    uint64_t size;
    uint32_t flags;
    struct instant m, a, c, b, d;
    uint8_t t_res; /* fraction digits */
    struct str link_target;
    struct str sha256, sha1, md5; /* 32, 20, 16 bytes, or empty */
    uint8_t view;                 /* enum file_view */
    uint8_t found, confidence;    /* evidence/fs.h: fs_found, fs_confidence */
    uint64_t free_bytes;          /* deleted: what no other file uses now */
    uint32_t device;              /* major << 20 | minor */
    struct str content_type;      /* UTF-8; empty = not looked at */
    const struct record_xattr *xattrs;
    size_t n_xattrs;
    uint8_t told; /* bits M A C B D: times whose events were given already, in
                     the other view */
    uint64_t off; /* of the inode in the member's innermost layer (the
                     medium); len 0: unknown */
    uint32_t len;
};

/* A package as a host's package manager states it, beside the event of its
 * record. Empty texts and numbers without their bit in known: not stated. */
struct record_package {
    struct str name, version, arch; /* version: [EPOCH:]VERSION[-RELEASE] */
    struct str vendor;
    struct str signer; /* key id, lower-case hexadecimal */
    struct str state;  /* dpkg: "install ok installed"; empty: installed */
    uint8_t manager;   /* enum package_manager */
    uint8_t known;     /* PACKAGE_INSTALLED, PACKAGE_BUILT */
    int64_t installed_s, built_s;
};

/* A file that a package claims: what it was when it was shipped. */
struct record_package_file {
    struct str package, path; /* path: absolute */
    uint8_t manager;
    uint8_t known;  /* PACKAGE_MODE, _SIZE, _TIME */
    uint32_t flags; /* enum package_file_flag */
    uint32_t mode;  /* with its type, as in st_mode */
    uint64_t size;
    int64_t m_s;
    struct str owner, group;
    struct str digest; /* 16 MD5, 20 SHA-1, 28, 32, 48, 64 SHA-2 bytes */
    struct str link_target;
};

enum issue_severity {
    ISSUE_NOTE = 0,    /* worth knowing; nothing missing */
    ISSUE_WARNING = 1, /* something may be missing or differ */
    ISSUE_ERROR = 2,   /* evidence that could not be read */
};

/* Emit. Nonzero = the parent is gone or a budget is spent: stop at once. */
int sink_record(struct sink *s, const struct record *r) CHECKED;
int sink_file(struct sink *s, const struct record_file *f) CHECKED;
int sink_package(struct sink *s, const struct record_package *p) CHECKED;
/* Counts as a record. */
int sink_package_file(struct sink *s,
                      const struct record_package_file *f) CHECKED;
/* A record that was read and could not be stored, with the reason; counts
 * as rejected. code: short stable word "json-syntax". */
int sink_reject(struct sink *s, uint64_t off, uint64_t len, const char *code,
                const char *fmt, ...) CHECKED
    __attribute__((format(printf, 5, 6)));
/* Something to know about the member; counts nothing. Text from evidence
 * must pass text_line(). */
int sink_issue(struct sink *s, enum issue_severity severity, uint64_t off,
               uint64_t len, const char *code, const char *fmt, ...) CHECKED
    __attribute__((format(printf, 6, 7)));
/* What follows lies in another layer of the same evidence ("!p1!journal"): the
 * member ends and one of the same format begins, of size bytes. */
int sink_part(struct sink *s, struct str layers, uint64_t size) CHECKED;
/* A fact about the member or exhibit: "format version", "kernel banner",
 * "stored md5", acquisition metadata. */
int sink_fact(struct sink *s, const char *name, struct str value) CHECKED;
/* Entity that the member as a whole holds at an offset, without a record of
 * its own (carved identifiers): an entity linked to the exhibit. Emitted as
 * an undated event, action "carved". */
int sink_carved(struct sink *s, uint64_t off, uint32_t len, uint8_t kind,
                struct str value) CHECKED;
/* Bytes of the input that are done, for progress. Cheap. */
void sink_progress(struct sink *s, uint64_t done);
