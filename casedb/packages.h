/*
 * Packages of hosts as the case knows them: what is installed, which files
 * they claim, and the files of the volumes with their keys, to be joined.
 * Nothing here opens evidence.
 */
#pragma once

#include "casedb/casedb.h"

/* Texts are borrowed for the call. */
struct package_row {
    int64_t exhibit, member;
    struct str name, version, arch, vendor, signer, state;
    uint8_t manager; /* enum package_manager */
    uint8_t known;   /* PACKAGE_INSTALLED, PACKAGE_BUILT */
    int64_t installed_s, built_s;
};
/* In the order of the evidence; exhibit 0: all. Nonzero from fn stops and is
 * returned, here and below. */
int case_packages(struct casedb *c, int64_t exhibit,
                  int (*fn)(void *ctx, const struct package_row *p), void *ctx,
                  struct err *err) CHECKED;

/* A member that holds packages or lists of their files. */
struct package_source {
    int64_t exhibit, member;
    struct str path, layers, format;
};
int case_package_sources(struct casedb *c, int64_t exhibit,
                         int (*fn)(void *ctx, const struct package_source *s),
                         void *ctx, struct err *err) CHECKED;

struct package_claim {
    int64_t id, member;
    uint32_t package, path; /* entity ids */
    uint8_t manager, known; /* PACKAGE_MODE, _SIZE, _TIME */
    uint32_t flags, mode;   /* enum package_file_flag */
    uint64_t size;
    struct str owner, group, digest, link_target;
};
/* All claims of an exhibit; those of one path follow each other. */
int case_package_claims(struct casedb *c, int64_t exhibit,
                        int (*fn)(void *ctx, const struct package_claim *p),
                        void *ctx, struct err *err) CHECKED;

/* A name on a volume that is there in its latest view. */
struct volume_file {
    int64_t id, member;
    struct str volume, link_target, sha256, sha1, md5;
    uint32_t path; /* entity id */
    uint8_t type;
    uint32_t mode, uid, gid, flags;
    uint64_t size;
    bool capability; /* it has security.capability */
};
int case_volume_files(struct casedb *c, int64_t exhibit,
                      int (*fn)(void *ctx, const struct volume_file *f),
                      void *ctx, struct err *err) CHECKED;
