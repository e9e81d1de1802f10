/* One claim of a package against one file (private to analyzer/packages*.c). */
#pragma once

#include "analyzer/packages.h"

/* A file of a volume, short enough to keep all of them. */
struct package_file {
    int64_t id;
    uint32_t path;
    uint32_t volume; /* index of packages.c */
    uint32_t mode, uid, gid, flags;
    uint64_t size;
    struct str link_target, sha256, sha1, md5;
    uint8_t type;
    bool capability, claimed;
};

struct package_verdict {
    enum package_state state;
    unsigned differs;
    bool names_owner; /* an owner that only the host's own list would tell */
};

struct package_verdict package_judge(const struct package_claim *p,
                                     const struct package_file *f);
/* Setuid, setgid or with capabilities, and a regular file. */
bool package_privileged(const struct package_file *f);
/* Where programs lie and what starts by itself; path within the root. */
bool package_place(struct str path, const struct package_file *f);
enum package_rank package_rank(const struct package_claim *p,
                               const struct package_file *f,
                               const struct package_verdict *v);
