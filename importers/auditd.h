/*
 * The audit log's records: their fields and values, and what the records of
 * one event say together (private to importers/auditd*.c).
 */
#pragma once

#include "importers/identify.h"
#include "importers/importer.h"

enum { AUDIT_ENRICHED = 0x1d }; /* begins the part with names for numbers */

/* Fields that are looked at. The names in capitals are of the enriched part. */
#define AUDIT_FIELDS(X)                                                        \
    X(OP, "op")                                                                \
    X(ID, "id")                                                                \
    X(FP, "fp")                                                                \
    X(SW, "sw")                                                                \
    X(EID, "ID")                                                               \
    X(CWD, "cwd")                                                              \
    X(PID, "pid")                                                              \
    X(UID, "uid")                                                              \
    X(SES, "ses")                                                              \
    X(TTY, "tty")                                                              \
    X(EXE, "exe")                                                              \
    X(KEY, "key")                                                              \
    X(CMD, "cmd")                                                              \
    X(RES, "res")                                                              \
    X(GRP, "grp")                                                              \
    X(EUID, "UID")                                                             \
    X(PPID, "ppid")                                                            \
    X(AUID, "auid")                                                            \
    X(COMM, "comm")                                                            \
    X(ARCH, "arch")                                                            \
    X(EXIT, "exit")                                                            \
    X(ARGC, "argc")                                                            \
    X(NAME, "name")                                                            \
    X(PATH, "path")                                                            \
    X(ACCT, "acct")                                                            \
    X(ADDR, "addr")                                                            \
    X(UNIT, "unit")                                                            \
    X(DATA, "data")                                                            \
    X(EAUID, "AUID")                                                           \
    X(SADDR, "saddr")                                                          \
    X(OCOMM, "ocomm")                                                          \
    X(RESULT, "result")                                                        \
    X(SYSCALL, "syscall")                                                      \
    X(SUCCESS, "success")                                                      \
    X(ESYSCALL, "SYSCALL")                                                     \
    X(HOSTNAME, "hostname")                                                    \
    X(NAMETYPE, "nametype")                                                    \
    X(TERMINAL, "terminal")                                                    \
    X(APPARMOR, "apparmor")                                                    \
    X(NEW_GROUP, "new_group")                                                  \
    X(PROCTITLE, "proctitle")

enum audit_field {
#define X(name, text) AUDIT_##name,
    AUDIT_FIELDS(X)
#undef X
        AUDIT_FIELD_COUNT
};

/* One `key=value` of a record, as it is written. */
struct audit_token {
    struct str key, value; /* value without quotes */
    char quote;            /* 0, or what it was quoted by */
};
/* The next one of *s, which moves on. Descends into msg='..'. */
bool audit_token(struct str *s, struct audit_token *t);
/* Of a token's key; AUDIT_FIELD_COUNT: none of ours. */
enum audit_field audit_field(struct str key);
/* A value that audit writes encoded when it is not plain text: what it means.
 * In arena a where it had to be decoded. "(null)", "?" and "(none)" are
 * empty. */
struct str audit_decode(struct str value, char quote, struct arena *a);
/* A socket address in hex: its text and, for the internet families, its
 * address (canonical) and port. False: not one. */
struct audit_address {
    struct str text, ip;
    unsigned port;
    char tmp[46];
};
bool audit_address(struct str hex, struct arena *a, struct audit_address *out);
/* By arch= (c000003e, c00000b7) and number; empty: not known. */
struct str audit_syscall(struct str arch, struct str number);

/* ---- types and events ---------------------------------------------------- */

enum audit_how {
    AUDIT_PART,   /* tells of the event of other records */
    AUDIT_END,    /* the last part */
    AUDIT_ALONE,  /* of a program: an event of its own */
    AUDIT_LEADS,  /* of the kernel: says what the event is; parts may follow */
    AUDIT_OTHERS, /* not known here */
};

struct audit_type {
    const char *name;
    uint8_t how; /* enum audit_how */
    const char *action, *failed;
};
const struct audit_type *audit_type(struct str name);

/* One line of the log. */
struct audit_line {
    struct str node, type;
    struct str key;  /* "1700000000.123:456" */
    struct str body; /* what follows */
    struct instant t;
    uint8_t t_res;
    const struct audit_type *is;
};
bool audit_line(struct str line, struct audit_line *out);

struct audit_event {
    struct import_job *job;
    struct str node;
    struct instant t;
    uint8_t t_res;
    uint64_t off, end;
    const struct audit_line *lines;
    size_t n;
    /* scratch, kept by the caller for the next event */
    struct buf *text, *masked;
    struct refs *refs;
};
/* Emits it as one record. */
int audit_event(struct audit_event *e);
