/*
 * The closed lists that every floor shares: kinds of entities and facets,
 * roles of an entity in an event, flags of an event. Their numbers are part
 * of the case file (docs/case-format.md): append, never renumber.
 */
#pragma once

#include "base/str.h"

/* Entity ids are kind << KIND_SHIFT | n, so ids fit 31 bits and the values
 * of one kind are one range of ids. */
enum { KIND_SHIFT = 25, KIND_INDEX_MAX = (1 << KIND_SHIFT) - 1 };

#define KIND_LIST(X)                                                           \
    X(ACCOUNT, 1, "account")                                                   \
    X(PRINCIPAL, 2, "principal") /* ARN of a user, role session, root, .. */   \
    X(ROLE, 3, "role")           /* role ARN */                                \
    X(SESSION, 4, "session")     /* AROA..:name */                             \
    X(KEY, 5, "key")             /* access key id */                           \
    X(IP, 6, "ip")                                                             \
    X(AGENT, 7, "agent")                                                       \
    X(SERVICE, 8, "service")                                                   \
    X(REGION, 9, "region")                                                     \
    X(INSTANCE, 10, "instance")                                                \
    X(VOLUME, 11, "volume")                                                    \
    X(SNAPSHOT, 12, "snapshot")                                                \
    X(IMAGE, 13, "image")                                                      \
    X(INTERFACE, 14, "interface")                                              \
    X(VPC, 15, "vpc")                                                          \
    X(SUBNET, 16, "subnet")                                                    \
    X(SECURITY_GROUP, 17, "security-group")                                    \
    X(BUCKET, 18, "bucket")                                                    \
    X(KMS_KEY, 20, "kms-key")                                                  \
    X(FUNCTION, 21, "function")                                                \
    X(TRAIL, 22, "trail")                                                      \
    X(REQUEST, 23, "request") /* named in text; columns hold their own */      \
    X(SHARED_EVENT, 24, "shared-event")                                        \
    X(HOST, 25, "host")                                                        \
    X(HOST_USER, 26, "host-user")                                              \
    X(PROCESS, 27, "process")                                                  \
    X(FILE, 28, "file")                                                        \
    X(HASH, 29, "hash")                                                        \
    X(FINGERPRINT, 30, "fingerprint")                                          \
    X(DOMAIN, 31, "domain")                                                    \
    X(URL, 32, "url")                                                          \
    X(CONTAINER, 33, "container")                                              \
    X(UNIQUE_ID, 34, "unique-id") /* AROA, AIDA, .. */                         \
    X(USER, 35, "user")           /* IAM or other user name */                 \
    X(RESOURCE, 36, "resource")   /* any other ARN or resource name */         \
    X(LOG_GROUP, 37, "log-group")                                              \
    X(LOG_STREAM, 38, "log-stream")                                            \
    X(COMMAND, 39, "command") /* SSM command or session id */                  \
    X(FS_UUID, 40, "fs-uuid") /* of file system, partition, LVM, .. */         \
    X(VOLUME_LABEL, 41, "volume-label") /* its label or name */                \
    X(PACKAGE, 42, "package")           /* name, of any package manager */     \
    X(UNIT, 43, "unit")       /* of systemd, a Windows service, a task */      \
    X(BOOT, 44, "boot")       /* boot id: 32 hex digits */                     \
    X(MACHINE, 45, "machine") /* machine id: 32 hex digits; SID of Windows */  \
    X(ACTION, 56, "action")   /* facets: words that classify, not things */    \
    X(OUTCOME, 57, "outcome")                                                  \
    X(SOURCE, 58, "source") /* importer: cloudtrail, cloudwatch, disk, .. */   \
    /* most numerous: the last range, so that new ones append to the table */  \
    X(OBJECT, 62, "object") /* bucket/key */

enum kind {
    KIND_NONE = 0,
#define X(name, n, text) KIND_##name = n,
    KIND_LIST(X)
#undef X
        KIND_MAX = 63
};

#define ROLE_LIST(X)                                                           \
    X(MENTIONED, 0, "mentioned") /* occurs in the record */                    \
    X(ACTOR, 1, "actor")                                                       \
    X(TARGET, 2, "target")                                                     \
    X(FROM, 3, "from")     /* address, agent, network the call came from */    \
    X(ISSUED, 4, "issued") /* credential or resource made by the event */      \
    X(ISSUER, 5, "issuer") /* role or user behind a session */                 \
    X(WHERE, 6, "where")   /* account, region, host that recorded it */        \
    X(FACET, 7, "facet")   /* action, outcome, source, service */

enum role {
#define X(name, n, text) ROLE_##name = n,
    ROLE_LIST(X)
#undef X
        ROLE_COUNT
};

/* event.flags */
enum event_flag {
    EVENT_READ_ONLY = 1,     /* the source says: changes nothing */
    EVENT_DATA = 2,          /* data-plane event */
    EVENT_DUPLICATE_KEY = 4, /* the record has a JSON key twice */
    EVENT_BAD_TEXT = 8,      /* invalid UTF-8 or lone surrogates */
    EVENT_BAD_FIELD = 16,    /* a field of another type than documented */
    EVENT_PERIOD = 32,       /* t is the start of a period */
    EVENT_REFS_CUT = 64,     /* more identifiers than are kept per event */
    EVENT_MFA = 128,
    EVENT_IMPLAUSIBLE = 256,     /* time before 1990 or after the import */
    EVENT_DELETED = 512,         /* of a deleted file or name */
    EVENT_CONTINUED = 1024,      /* several lines joined into one record */
    EVENT_LEAP = 2048,           /* :60 in the source */
    EVENT_CARVED = 4096,         /* found by pattern, not by structure */
    EVENT_ON_DISK = 8192,        /* as on disk; the journal says otherwise */
    EVENT_YEAR_INFERRED = 16384, /* the source states no year */
    EVENT_RECOVERED = 32768,     /* from damaged or freed structures */
    EVENT_SECRET = 65536,        /* the record holds a secret: shown masked */
    EVENT_HOUR_TWICE = 131072,   /* local time of a repeated hour: its earlier
                                    reading, the other is an hour later */
    EVENT_HOUR_SKIPPED = 262144, /* local time that the host's zone skips */
};

struct str kind_name(unsigned kind);      /* "" for unknown */
unsigned kind_from_name(struct str name); /* 0 when unknown */
struct str role_name(unsigned role);

/* ---- files of disk images ------------------------------------------------ */

enum file_type {
    FILE_REGULAR = 1,
    FILE_DIR = 2,
    FILE_CHAR = 3,
    FILE_BLOCK = 4,
    FILE_FIFO = 5,
    FILE_SOCKET = 6,
    FILE_LINK = 7,
    FILE_OTHER = 8,
};
enum file_flag {
    FILE_DELETED = 1,     /* name or inode not allocated */
    FILE_REALLOCATED = 2, /* the name's inode belongs to another file now */
    FILE_UNRELIABLE = 4,  /* read by a library known to be wrong here */
    FILE_PARTIAL = 8,     /* content touches an unreadable range */
    FILE_NO_TIME_M = 16,
    FILE_NO_TIME_A = 32,
    FILE_NO_TIME_C = 64,
    FILE_NO_TIME_B = 128,
    FILE_NO_TIME_D = 256,
    FILE_RECORDS = 512, /* looked into: its records are a member of their own */
};

/* ---- packages of hosts --------------------------------------------------- */

enum package_manager { PACKAGE_RPM = 1, PACKAGE_DPKG = 2, PACKAGE_MANAGERS };
/* Which of a package's or its file's numbers are known. */
enum package_known {
    PACKAGE_INSTALLED = 1, /* a package: installed_s */
    PACKAGE_BUILT = 2,     /* built_s */
    PACKAGE_MODE = 1,      /* its file: mode */
    PACKAGE_SIZE = 2,
    PACKAGE_TIME = 4,
};
enum package_file_flag {
    PACKAGE_CONFIG = 1,      /* may differ lawfully */
    PACKAGE_GHOST = 2,       /* not shipped: made later, or not */
    PACKAGE_DOC = 4,
    PACKAGE_MISSING_OK = 8,  /* need not be there */
    PACKAGE_NOT_WANTED = 16, /* left out when it was installed */
    PACKAGE_NO_DIGEST = 32,  /* the package leaves its content open */
    PACKAGE_CAPABILITY = 64, /* with file capabilities */
    PACKAGE_FILE_FLAGS = 127,
};

/* A volume that was copied while mounted is seen twice: as it lies on the
 * disk, and as it is once its journal is played back. */
enum file_view {
    FILE_VIEW_BOTH,    /* the same in both, or there is one view only */
    FILE_VIEW_DISK,    /* as on disk; the journal changes or removes it */
    FILE_VIEW_JOURNAL, /* after the journal: new or changed by it */
    FILE_VIEWS
};
enum { FILE_FOUND_KINDS = 5, FILE_CONFIDENCES = 3, FILE_XATTR_MAX = 64 << 10 };
