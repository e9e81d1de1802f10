/*
 * The database of installed RPM packages: an event and a package for each
 * header, and every file that it claims. SQLite (rpmdb.sqlite), NDB
 * (Packages.db), Berkeley DB hash (Packages). docs/formats/host.md.
 */
#include "base/hash.h"
#include "base/text.h"
#include "evidence/sqlite_file.h"
#include "importers/importer.h"
#include "importers/rpm_header.h"
#include "importers/rpmdb_files.h"

enum {
    NAMES_MAX = 1 << 16, /* folders of one package */
    DAMAGE_TOLD = 32,    /* issues for places; the rest is counted */
    PATH_LONGEST = 4096,
    HEAD = 128,

    /* of FILEFLAGS, FILEVERIFYFLAGS and FILESTATES */
    RPM_CONFIG = 1,
    RPM_DOC = 2,
    RPM_MISSING_OK = 8,
    RPM_GHOST = 64,
    VERIFY_DIGEST = 1,
    VERIFY_SIZE = 2,
    VERIFY_USER = 8,
    VERIFY_GROUP = 16,
    VERIFY_TIME = 32,
    VERIFY_MODE = 64,
};

struct rpmdb {
    struct import_job *job;
    struct buf path, text, evr;
    struct str *folders;
    uint64_t damaged;
    int blob_column, number_column;
};

/* ---- damage -------------------------------------------------------------- */

static int damaged(void *ctx, uint64_t off, uint64_t len, const char *what)
{
    struct rpmdb *d = ctx;
    if (d->damaged++ >= DAMAGE_TOLD)
        return 0;
    return sink_issue(d->job->sink, ISSUE_ERROR, off, len, "rpmdb-damaged",
                      "%s", what);
}

/* ---- files --------------------------------------------------------------- */

static uint32_t flags_of(const struct rpm_header *h, uint32_t i,
                         uint64_t verify)
{
    uint64_t flags = 0, state = 0;
    uint32_t out = 0;
    rpm_number(h, RPM_FLAGS, i, &flags);
    rpm_number(h, RPM_STATES, i, &state);
    out |= flags & RPM_CONFIG ? PACKAGE_CONFIG : 0u;
    out |= flags & RPM_GHOST ? PACKAGE_GHOST : 0u;
    out |= flags & RPM_DOC ? PACKAGE_DOC : 0u;
    out |= flags & RPM_MISSING_OK ? PACKAGE_MISSING_OK : 0u;
    /* replaced by another's, left out, on a shared folder, of the other word
     * size */
    out |= state ? PACKAGE_NOT_WANTED : 0u;
    out |= verify & VERIFY_DIGEST ? 0u : PACKAGE_NO_DIGEST;
    return out;
}

/* What is not verified by the packager's word is not stated. */
static void numbers_of(const struct rpm_header *h, uint32_t i, uint64_t verify,
                       struct record_package_file *f)
{
    uint64_t v;
    if (rpm_number(h, RPM_MODES, i, &v)) {
        f->mode = (uint32_t)v & 0xffff;
        f->known |= verify & VERIFY_MODE ? PACKAGE_MODE : 0;
    }
    if (rpm_number(h, RPM_LONG_SIZES, i, &v) ||
        rpm_number(h, RPM_SIZES, i, &v)) {
        bool fits = v <= INT64_MAX;
        f->size = fits ? v : 0;
        f->known |= fits && verify & VERIFY_SIZE ? PACKAGE_SIZE : 0;
    }
    if (rpm_number(h, RPM_TIMES, i, &v)) {
        f->m_s = (int64_t)(v & INT64_MAX);
        f->known |= verify & VERIFY_TIME ? PACKAGE_TIME : 0;
    }
}

struct claims { /* arrays with one text a file */
    struct rpm_texts digests, links, users, groups, caps;
};

static int claim(struct rpmdb *d, const struct rpm_header *h, struct str name,
                 struct claims *c, uint32_t i)
{
    unsigned char digest[64];
    uint64_t verify = UINT32_MAX;
    struct str hex = rpm_texts_next(&c->digests);
    struct str user = rpm_texts_next(&c->users);
    struct str group = rpm_texts_next(&c->groups);
    struct str caps = rpm_texts_next(&c->caps);
    rpm_number(h, RPM_VERIFY, i, &verify);
    struct record_package_file f = {
        .package = name,
        .path = buf_str(&d->path),
        .manager = PACKAGE_RPM,
        .flags = flags_of(h, i, verify),
        .owner = verify & VERIFY_USER ? user : STR_NONE,
        .group = verify & VERIFY_GROUP ? group : STR_NONE,
        .link_target = rpm_texts_next(&c->links),
    };
    numbers_of(h, i, verify, &f);
    if (caps.n)
        f.flags |= PACKAGE_CAPABILITY;
    if (hex.n && hex.n / 2 <= sizeof(digest) &&
        hash_from_hex(hex, digest, hex.n / 2))
        f.digest = (struct str){ (char *)digest, hex.n / 2 };
    return sink_package_file(d->job->sink, &f);
}

/* Names are kept as folders and names within, or, in old packages, whole. */
static bool path_of(struct rpmdb *d, const struct rpm_header *h, uint32_t i,
                    size_t n_folders, struct str base, bool whole)
{
    uint64_t folder = 0;
    buf_clear(&d->path);
    if (!whole) {
        if (!rpm_number(h, RPM_DIR_INDEXES, i, &folder) || folder >= n_folders)
            return false;
        buf_put(&d->path, d->folders[folder]);
    }
    buf_put(&d->path, base);
    while (d->path.n > 1 && d->path.p[d->path.n - 1] == '/')
        d->path.n--;
    return d->path.n && d->path.p[0] == '/' && d->path.n <= PATH_LONGEST;
}

static size_t load_folders(struct rpmdb *d, const struct rpm_header *h)
{
    struct rpm_texts t = rpm_texts(h, RPM_DIR_NAMES);
    size_t n = t.left < NAMES_MAX ? t.left : NAMES_MAX;
    d->folders = arena_array(d->job->arena, n + 1, sizeof(*d->folders));
    for (size_t i = 0; d->folders && i < n; i++)
        d->folders[i] = rpm_texts_next(&t);
    return d->folders ? n : 0;
}

static int put_files(struct rpmdb *d, const struct rpm_header *h,
                     struct str name, const struct rpmdb_found *p)
{
    bool whole = h->e[RPM_BASE_NAMES].type == 0;
    struct rpm_texts names =
        rpm_texts(h, whole ? RPM_OLD_NAMES : RPM_BASE_NAMES);
    struct claims c = { rpm_texts(h, RPM_DIGESTS), rpm_texts(h, RPM_LINKS),
                        rpm_texts(h, RPM_USERS), rpm_texts(h, RPM_GROUPS),
                        rpm_texts(h, RPM_CAPS) };
    size_t folders = load_folders(d, h);
    uint64_t odd = 0;
    int rc = 0;
    for (uint32_t i = 0; names.left && names.rest.n && rc == 0; i++) {
        struct str base = rpm_texts_next(&names);
        if (path_of(d, h, i, folders, base, whole))
            rc = claim(d, h, name, &c, i);
        else
            odd++;
    }
    odd += names.left;
    if (rc == 0 && odd)
        rc = sink_issue(d->job->sink, ISSUE_WARNING, p->off, p->len,
                        "rpm-file-names",
                        "%s: %llu files whose names cannot be read",
                        text_line(name), (unsigned long long)odd);
    return rc;
}

/* ---- packages ------------------------------------------------------------ */

static void put_time(struct buf *b, const char *before, int64_t s)
{
    char t[TIME_TEXT_MAX];
    size_t n = time_format(t, (struct instant){ s, 0 }, 0, 0);
    buf_putz(b, before);
    buf_put(b, (struct str){ t, n });
}

static void make_version(struct rpmdb *d, const struct rpm_header *h)
{
    uint64_t epoch;
    buf_clear(&d->evr);
    if (rpm_number(h, RPM_EPOCH, 0, &epoch))
        buf_printf(&d->evr, "%llu:", (unsigned long long)epoch);
    buf_put(&d->evr, rpm_text(h, RPM_VERSION));
    buf_putc(&d->evr, '-');
    buf_put(&d->evr, rpm_text(h, RPM_RELEASE));
}

/* Fields of table package are UTF-8. */
static struct str utf8(struct str s)
{
    return text_utf8_valid(s) ? s : STR_NONE;
}

static int put_event(struct rpmdb *d, const struct rpm_header *h,
                     const struct record_package *k,
                     const struct rpmdb_found *p)
{
    buf_clear(&d->text);
    buf_put(&d->text, k->name);
    buf_putc(&d->text, '-');
    buf_put(&d->text, buf_str(&d->evr));
    if (k->arch.n)
        buf_putc(&d->text, '.');
    buf_put(&d->text, k->arch);
    if (k->vendor.n)
        buf_putz(&d->text, ", vendor ");
    buf_put(&d->text, k->vendor);
    if (k->known & PACKAGE_BUILT)
        put_time(&d->text, ", built ", k->built_s);
    buf_putz(&d->text, k->signer.n     ? ", signed by key "
                       : rpm_signed(h) ? ", signed by an unknown key"
                                       : ", not signed");
    buf_put(&d->text, k->signer);
    struct record r = {
        .timed = k->known & PACKAGE_INSTALLED,
        .t = { k->installed_s, 0 },
        .t_zone = ZONE_FORMAT,
        .off = p->off,
        .len = p->len,
        .action = STR("package"),
        .service = STR("rpm"),
        .target = k->name,
        .target_kind = KIND_PACKAGE,
        .text = buf_str(&d->text),
    };
    return d->text.failed ? ERR_INTERNAL : sink_record(d->job->sink, &r);
}

static int package(void *ctx, const struct rpmdb_found *p)
{
    struct rpmdb *d = ctx;
    struct rpm_header h;
    uint32_t faults;
    char signer[17];
    uint64_t v;
    arena_reset(d->job->arena);
    if (!rpm_header_parse(p->blob, &h, &faults))
        return sink_reject(d->job->sink, p->off, p->len, "rpm-header",
                           "entry %u is not a package's header", p->number);
    make_version(d, &h);
    struct record_package k = {
        .name = rpm_text(&h, RPM_NAME),
        .version = utf8(buf_str(&d->evr)),
        .arch = utf8(rpm_text(&h, RPM_ARCH)),
        .vendor = utf8(rpm_text(&h, RPM_VENDOR)),
        .manager = PACKAGE_RPM,
    };
    if (k.name.n == 0)
        return sink_reject(d->job->sink, p->off, p->len, "rpm-header",
                           "entry %u names no package", p->number);
    if (rpm_signer(&h, signer))
        k.signer = str_from(signer);
    if (rpm_number(&h, RPM_INSTALL_TIME, 0, &v)) {
        k.installed_s = (int64_t)(v & INT64_MAX);
        k.known |= PACKAGE_INSTALLED;
    }
    if (rpm_number(&h, RPM_BUILD_TIME, 0, &v)) {
        k.built_s = (int64_t)(v & INT64_MAX);
        k.known |= PACKAGE_BUILT;
    }
    int rc = put_event(d, &h, &k, p);
    if (rc == 0)
        rc = sink_package(d->job->sink, &k);
    if (rc == 0 && faults)
        rc = sink_issue(d->job->sink, ISSUE_WARNING, p->off, p->len,
                        "rpm-header-entries",
                        "%s: %u entries of its header lie outside it",
                        text_line(k.name), faults);
    return rc ? rc : put_files(d, &h, k.name, p);
}

/* ---- the file forms ------------------------------------------------------ */

static int sqlite_package(void *ctx, const struct sqlite_row *r)
{
    struct rpmdb *d = ctx;
    struct rpmdb_found p = {
        .number = (uint32_t)sqlite_int(r, d->number_column),
        .blob = sqlite_text(r, d->blob_column),
        .off = r->off,
        .len = r->len,
    };
    return package(d, &p);
}

static int sqlite_rows(struct rpmdb *d, struct sqlite_file *f, struct err *err)
{
    struct sqlite_table table;
    int rc = sqlite_file_table(f, "Packages", &table, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return sink_issue(d->job->sink, ISSUE_ERROR, 0, 0, "rpmdb-table",
                          "no table Packages can be read in this database");
    d->number_column = sqlite_column(&table, "hnum");
    d->blob_column = sqlite_column(&table, "blob");
    return sqlite_file_rows(f, &table, sqlite_package, d, err);
}

static int sqlite_import(struct rpmdb *d, struct err *err)
{
    struct sqlite_file *f = sqlite_file_open(d->job->in->src, err);
    if (!f)
        return sink_issue(d->job->sink, ISSUE_ERROR, 0, 0, "rpmdb-damaged",
                          "%s", err->what);
    int rc = sqlite_rows(d, f, err);
    const struct sqlite_damage *bad = sqlite_file_damage(f);
    if (rc == 0 && bad->n)
        rc = sink_issue(d->job->sink, ISSUE_ERROR, bad->off, 0,
                        "sqlite-damaged", "%s (%llu such places)", bad->what,
                        (unsigned long long)bad->n);
    if (rc == 0 && sqlite_file_wal(f))
        rc = sink_issue(d->job->sink, ISSUE_NOTE, 18, 2, "sqlite-wal",
                        "written in WAL mode: what was in a -wal file beside "
                        "it is not part of this");
    sqlite_file_close(f);
    return rc;
}

static int import(struct import_job *job, struct err *err)
{
    struct rpmdb d = { .job = job };
    struct rpmdb_walk w = {
        .src = job->in->src, .fn = package, .damaged = damaged, .ctx = &d
    };
    char first[HEAD];
    struct str head = { first, 0 };
    int rc = source_read(job->in->src, 0, first, HEAD, &head.n, err);
    if (rc)
        return rc;
    if (sqlite_file_is(head))
        rc = sqlite_import(&d, err);
    else if (rpmdb_is_ndb(head))
        rc = rpmdb_ndb(&w);
    else if (rpmdb_is_bdb(head))
        rc = rpmdb_bdb(&w);
    else
        rc = damaged(&d, 0, 0, "not a database of packages");
    if (rc == 0 && d.damaged > DAMAGE_TOLD)
        rc = sink_issue(job->sink, ISSUE_ERROR, 0, 0, "rpmdb-damaged",
                        "%llu more places are damaged",
                        (unsigned long long)d.damaged - DAMAGE_TOLD);
    buf_free(&d.path);
    buf_free(&d.text);
    buf_free(&d.evr);
    return rc && !err->code ? err_set(err, rc, "stopped") : rc;
}

/* ---- probe --------------------------------------------------------------- */

static const char *const paths[] = {
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/Packages",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/Packages",
    "usr/share/rpm/rpmdb.sqlite",
    NULL,
};

static int probe(struct probe *p)
{
    struct str name = path_base(p->path);
    if (rpmdb_is_ndb(p->head)) {
        p->reason = "an NDB database of RPM packages";
        return 95;
    }
    if (sqlite_file_is(p->head) &&
        (str_eq(name, STR("rpmdb.sqlite")) ||
         str_find(p->head, STR("Installtid")) != SIZE_MAX)) {
        p->reason = "an SQLite database of RPM packages";
        return 90;
    }
    if (rpmdb_is_bdb(p->head) && str_eq(name, STR("Packages"))) {
        p->reason = "a Berkeley DB hash table named Packages";
        return 90;
    }
    return 0;
}

const struct importer importers_rpmdb = {
    .name = "rpmdb",
    .title = "Installed RPM packages",
    .reads = "rpmdb.sqlite, Packages.db (NDB), Packages (Berkeley DB hash)",
    .paths = paths,
    .probe = probe,
    .import = import,
};
