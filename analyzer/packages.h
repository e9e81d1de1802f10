/*
 * Files of a volume against the packages that claim them (rule C18): by path,
 * then by digest, size, mode, owner and link target. A database of packages
 * speaks for the volume and folder that it lies in.
 */
#pragma once

#include "casedb/packages.h"

enum package_state {
    PACKAGE_AS_PACKAGED,
    PACKAGE_CHANGED,
    PACKAGE_CONFIG_CHANGED, /* lawful */
    PACKAGE_IS_MISSING,
    PACKAGE_NOT_HASHED, /* no digest of the kind that the package states */
    PACKAGE_NOT_STATED, /* the package states no digest */
    PACKAGE_OPEN,       /* it may be anything, or absent */
    PACKAGE_NO_OWNER,   /* no package claims it */
    PACKAGE_STATES
};
extern const char *const package_state_names[PACKAGE_STATES];

/* What differs. */
enum package_difference {
    DIFFERS_DIGEST = 1,
    DIFFERS_SIZE = 2,
    DIFFERS_TYPE = 4,
    DIFFERS_MODE = 8,
    DIFFERS_OWNER = 16,
    DIFFERS_GROUP = 32,
    DIFFERS_LINK = 64,
    DIFFERS_PRIVILEGE = 128, /* setuid or setgid that the package has not */
};

/* How serious, most first. */
enum package_rank {
    RANK_PRIVILEGED, /* setuid, setgid or capabilities, and not as packaged */
    RANK_PROGRAM,    /* a program that is changed */
    RANK_STRANGER,   /* in a place of programs or of what starts by itself */
    RANK_GONE,       /* a program that is missing */
    RANK_CHANGED,
    RANK_MISSING,
    RANK_CONFIG,
    RANK_OTHER, /* only when all is asked for */
};

struct package_finding {
    enum package_state state;
    enum package_rank rank;
    unsigned differs;
    bool privileged;
    uint32_t package; /* entity; 0: none */
    struct str path;
    uint32_t mode, packaged_mode;
    uint64_t size, packaged_size;
    bool has_mode, has_size; /* packaged_ are stated */
    int64_t file;            /* row of table file, 0: not there */
    size_t where;            /* of packages_report.roots */
};

/* A database of packages that speaks for a folder of a volume. */
struct package_root {
    struct str image, volume, folder; /* folder "/": all of the volume */
    bool on_volume; /* else it was given loose: nothing can be compared */
    uint64_t n[PACKAGE_STATES];
    uint64_t owners;        /* files whose owner is stated by a name but root */
    uint64_t files;         /* regular files of the volume in this folder */
    bool md5, sha1, sha256; /* which digests its files have */
    bool wants[65];         /* lengths of digests that are stated */
};

struct packages_report {
    struct package_root *roots;
    size_t n_roots;
    struct package_finding *findings; /* most serious first, then by path */
    size_t n_findings;
    uint64_t files_elsewhere; /* on volumes that no package database is on */
    struct arena arena;
};

/* all: also what is not hashed or not stated, and every file of no package. */
int packages_verify(struct casedb *c, int64_t exhibit, bool all,
                    struct packages_report *out, struct err *err) CHECKED;
void packages_free(struct packages_report *r);
/* "digest, mode" */
void packages_differences(struct buf *out, const struct package_finding *f);
