#include "casedb/packages.h"

#include "base/kinds.h"
#include "casedb/db.h"

int case_packages(struct casedb *c, int64_t exhibit,
                  int (*fn)(void *, const struct package_row *), void *ctx,
                  struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT exhibit, package.member, entity.value, version, arch, vendor,"
        " signer, state, manager, installed_s, built_s FROM package"
        " JOIN member ON member.id=package.member"
        " JOIN entity ON entity.id=package.name"
        " WHERE ?1=0 OR exhibit=?1 ORDER BY package.id",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, exhibit);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        struct package_row p = {
            .exhibit = sqlite3_column_int64(st, 0),
            .member = sqlite3_column_int64(st, 1),
            .name = db_col(st, 2),
            .version = db_col(st, 3),
            .arch = db_col(st, 4),
            .vendor = db_col(st, 5),
            .signer = db_col(st, 6),
            .state = db_col(st, 7),
            .manager = (uint8_t)sqlite3_column_int(st, 8),
            .installed_s = sqlite3_column_int64(st, 9),
            .built_s = sqlite3_column_int64(st, 10),
        };
        if (sqlite3_column_type(st, 9) != SQLITE_NULL)
            p.known |= PACKAGE_INSTALLED;
        if (sqlite3_column_type(st, 10) != SQLITE_NULL)
            p.known |= PACKAGE_BUILT;
        rc = fn(ctx, &p);
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

int case_package_sources(struct casedb *c, int64_t exhibit,
                         int (*fn)(void *, const struct package_source *),
                         void *ctx, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT exhibit, id, path, layers, format FROM member WHERE format IN"
        " ('rpmdb','dpkg-status','dpkg-files') AND (?1=0 OR exhibit=?1)"
        " ORDER BY id",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, exhibit);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        struct package_source s = { sqlite3_column_int64(st, 0),
                                    sqlite3_column_int64(st, 1), db_col(st, 2),
                                    db_col(st, 3), db_col(st, 4) };
        rc = fn(ctx, &s);
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

static void read_claim(sqlite3_stmt *st, struct package_claim *p)
{
    static const uint8_t known[] = { PACKAGE_MODE, PACKAGE_SIZE };
    *p = (struct package_claim){
        .id = sqlite3_column_int64(st, 0),
        .member = sqlite3_column_int64(st, 1),
        .package = (uint32_t)sqlite3_column_int64(st, 2),
        .path = (uint32_t)sqlite3_column_int64(st, 3),
        .manager = (uint8_t)sqlite3_column_int(st, 4),
        .flags = (uint32_t)sqlite3_column_int64(st, 5),
        .mode = (uint32_t)sqlite3_column_int64(st, 6),
        .size = (uint64_t)sqlite3_column_int64(st, 7),
        .owner = db_col(st, 8),
        .group = db_col(st, 9),
        .digest = db_col(st, 10),
        .link_target = db_col(st, 11),
    };
    for (int i = 0; i < 2; i++)
        if (sqlite3_column_type(st, 6 + i) != SQLITE_NULL)
            p->known |= known[i];
}

int case_package_claims(struct casedb *c, int64_t exhibit,
                        int (*fn)(void *, const struct package_claim *),
                        void *ctx, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT p.id, p.member, package, p.path, manager, flags, mode, p.size,"
        " owner, grp, digest, link_target FROM package_file p"
        " JOIN member ON member.id=p.member WHERE exhibit=?1"
        " ORDER BY p.path, p.id",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, exhibit);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        struct package_claim p;
        read_claim(st, &p);
        rc = fn(ctx, &p);
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

int case_volume_files(struct casedb *c, int64_t exhibit,
                      int (*fn)(void *, const struct volume_file *), void *ctx,
                      struct err *err)
{
    /* flags & 1: deleted; view 1: what the journal changes or removes */
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT f.id, f.member, volume, link_target, f.sha256, sha1, md5,"
        " f.path, type, mode, uid, gid, flags, f.size, EXISTS (SELECT 1 FROM"
        " xattr x WHERE x.file=f.id AND x.name='security.capability')"
        " FROM file f JOIN member ON member.id=f.member"
        " WHERE exhibit=?1 AND flags & 1=0 AND view<>1 ORDER BY f.path, f.id",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, exhibit);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        struct volume_file f = {
            .id = sqlite3_column_int64(st, 0),
            .member = sqlite3_column_int64(st, 1),
            .volume = db_col(st, 2),
            .link_target = db_col(st, 3),
            .sha256 = db_col(st, 4),
            .sha1 = db_col(st, 5),
            .md5 = db_col(st, 6),
            .path = (uint32_t)sqlite3_column_int64(st, 7),
            .type = (uint8_t)sqlite3_column_int(st, 8),
            .mode = (uint32_t)sqlite3_column_int64(st, 9),
            .uid = (uint32_t)sqlite3_column_int64(st, 10),
            .gid = (uint32_t)sqlite3_column_int64(st, 11),
            .flags = (uint32_t)sqlite3_column_int64(st, 12),
            .size = (uint64_t)sqlite3_column_int64(st, 13),
            .capability = sqlite3_column_int(st, 14) != 0,
        };
        rc = fn(ctx, &f);
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}
