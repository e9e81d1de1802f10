/* Writes the packages of a batch and the files that they claim. */
#include "casedb/batch.h"

static void bind_known(sqlite3_stmt *st, int i, bool known, int64_t v)
{
    if (known)
        sqlite3_bind_int64(st, i, v);
    else
        sqlite3_bind_null(st, i);
}

static int write_packages(struct casedb *c, const struct batch *b,
                          struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO package(member, name, manager, version, arch, vendor,"
        " signer, state, installed_s, built_s)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
        err);
    int rc = st ? 0 : err->code;
    for (size_t i = 0; i < b->n_packages && rc == 0; i++) {
        const struct intake_package *p = &b->packages[i].p;
        sqlite3_bind_int64(st, 1, b->packages[i].member);
        sqlite3_bind_int64(st, 2, p->name);
        sqlite3_bind_int64(st, 3, p->manager);
        db_bind_text(st, 4, p->version);
        db_bind_text(st, 5, p->arch);
        db_bind_text(st, 6, p->vendor);
        db_bind_text(st, 7, p->signer);
        db_bind_text(st, 8, p->state);
        bind_known(st, 9, p->known & PACKAGE_INSTALLED, p->installed_s);
        bind_known(st, 10, p->known & PACKAGE_BUILT, p->built_s);
        rc = db_run(c, st, err);
    }
    return rc;
}

static void bind_or_null(sqlite3_stmt *st, int i, struct str s)
{
    if (s.n)
        db_bind_str(st, i, s);
    else
        sqlite3_bind_null(st, i);
}

static void bind_any_or_null(sqlite3_stmt *st, int i, struct str s)
{
    if (s.n)
        db_bind_any(st, i, s);
    else
        sqlite3_bind_null(st, i);
}

static int write_package_files(struct casedb *c, const struct batch *b,
                               struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO package_file(member, package, path, manager, flags, mode,"
        " size, m_s, owner, grp, digest, link_target)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
        err);
    int rc = st ? 0 : err->code;
    for (size_t i = 0; i < b->n_package_files && rc == 0; i++) {
        const struct intake_package_file *f = &b->package_files[i].f;
        sqlite3_bind_int64(st, 1, b->package_files[i].member);
        sqlite3_bind_int64(st, 2, f->package);
        sqlite3_bind_int64(st, 3, f->path);
        sqlite3_bind_int64(st, 4, f->manager);
        sqlite3_bind_int64(st, 5, f->flags);
        bind_known(st, 6, f->known & PACKAGE_MODE, f->mode);
        bind_known(st, 7, f->known & PACKAGE_SIZE, (int64_t)f->size);
        bind_known(st, 8, f->known & PACKAGE_TIME, f->m_s);
        bind_any_or_null(st, 9, f->owner);
        bind_any_or_null(st, 10, f->group);
        bind_or_null(st, 11, f->digest);
        bind_or_null(st, 12, f->link_target);
        rc = db_run(c, st, err);
    }
    return rc;
}

int batch_write_packages(struct casedb *c, const struct batch *b,
                         struct err *err)
{
    int rc = write_packages(c, b, err);
    return rc ? rc : write_package_files(c, b, err);
}
