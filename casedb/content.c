/*
 * What a case holds, as one number: the content hash, by which two cases are
 * said to be equal (tests: other machine, other number of workers, after
 * kills). And a compact copy for sealing.
 *
 * The hash is SHA-256 over this byte stream:
 *
 *   stream = "kanshiki-content-2" LF table...
 *   table  = 'T' len name row... 'E' count      in the order of tables[]
 *   row    = 'R' value...                       in the order of its query
 *   value  = 'N'                                NULL
 *          | 'I' 8 bytes                        integer, two's complement
 *          | 'S' len bytes | 'B' len bytes      TEXT (UTF-8) | BLOB
 *   len, count = 8 bytes; all numbers most significant byte first
 *
 * Not in it: the audit log, absolute paths (exhibit.path, attachment), when
 * intake ran (exhibit.imported_s, digest.at_s, table run), the case's own
 * number and description (meta), event.body (a hash under the case's own
 * key), index and derived tables. Embedded files
 * come in by their SHA-256. Examiner rows come with their times.
 */
#include "casedb/db.h"

#include "base/text.h"
#include "casedb/publish.h"
#include "casedb/vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DUMP_BUFFER = 1 << 16 };

static const struct {
    const char *name, *query;
    int digest_of; /* column whose bytes come in by their SHA-256, or -1 */
} tables[] = {
    { "exhibit",
      "SELECT no, note, supplement_of, embed FROM exhibit ORDER BY no", -1 },
    { "exhibit_end", "SELECT * FROM exhibit_end ORDER BY exhibit", -1 },
    { "digest",
      "SELECT exhibit, path, scope, algo, value, outcome, note FROM digest"
      " ORDER BY rowid",
      -1 },
    { "member", "SELECT * FROM member ORDER BY id", -1 },
    { "entity", "SELECT * FROM entity ORDER BY id", -1 },
    { "event",
      "SELECT id, t_s, t_ns, t_kind, t_zone, t_res, member, off, len, sub,"
      " severity, flags, source, action, actor, target, outcome, ip, key,"
      " agent, region, account, service, uid, request, text, refs FROM event"
      " ORDER BY id",
      -1 },
    { "sighting", "SELECT * FROM sighting ORDER BY event, member, off", -1 },
    { "file", "SELECT * FROM file ORDER BY id", -1 },
    { "xattr", "SELECT * FROM xattr ORDER BY id", -1 },
    { "package", "SELECT * FROM package ORDER BY id", -1 },
    { "package_file", "SELECT * FROM package_file ORDER BY id", -1 },
    { "issue", "SELECT * FROM issue ORDER BY id", -1 },
    { "fact", "SELECT * FROM fact ORDER BY id", -1 },
    { "embedded", "SELECT * FROM embedded ORDER BY member", 1 },
    { "custody", "SELECT * FROM custody ORDER BY id", -1 },
    { "mark", "SELECT * FROM mark ORDER BY id", -1 },
    { "query_log", "SELECT * FROM query_log ORDER BY id", -1 },
    { "hash_list", "SELECT * FROM hash_list ORDER BY id", -1 },
};

struct dump {
    struct hasher *h;
    size_t n;
    unsigned char p[DUMP_BUFFER];
};

static void put(struct dump *d, const void *p, size_t n)
{
    if (n > DUMP_BUFFER - d->n) {
        hasher_add(d->h, d->p, d->n);
        d->n = 0;
    }
    if (n > DUMP_BUFFER) {
        hasher_add(d->h, p, n);
        return;
    }
    memcpy(d->p + d->n, p, n);
    d->n += n;
}

static void put_tagged(struct dump *d, char tag, uint64_t v)
{
    unsigned char p[9] = { (unsigned char)tag };
    uint64_t be = __builtin_bswap64(v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    be = v;
#endif
    memcpy(p + 1, &be, 8);
    put(d, p, sizeof(p));
}

static void put_bytes(struct dump *d, char tag, struct str s)
{
    put_tagged(d, tag, s.n);
    put(d, s.n ? s.p : "", s.n);
}

static void put_value(struct dump *d, sqlite3_stmt *st, int i)
{
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        put_tagged(d, 'I', (uint64_t)sqlite3_column_int64(st, i));
        break;
    case SQLITE_TEXT:
        put_bytes(d, 'S', db_col(st, i));
        break;
    case SQLITE_NULL:
        put(d, "N", 1);
        break;
    default: /* no column of a case takes a floating point number */
        put_bytes(d, 'B', db_col(st, i));
        break;
    }
}

static void put_row(struct dump *d, sqlite3_stmt *st, int n, int digest_of)
{
    put(d, "R", 1);
    for (int i = 0; i < n; i++) {
        unsigned char hash[SHA256_LEN];
        if (i != digest_of) {
            put_value(d, st, i);
            continue;
        }
        hash_sha256(db_col(st, i), hash);
        put_bytes(d, 'B', (struct str){ (char *)hash, sizeof(hash) });
    }
}

static int put_table(struct casedb *c, struct dump *d, size_t t,
                     struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, tables[t].query, err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    int n = sqlite3_column_count(st), r;
    uint64_t rows = 0;
    put_bytes(d, 'T', str_from(tables[t].name));
    while ((r = db_step(c, st, err)) > 0) {
        put_row(d, st, n, tables[t].digest_of);
        rows++;
    }
    put_tagged(d, 'E', rows);
    return r;
}

static int dump_all(struct casedb *c, struct dump *d, struct err *err)
{
    int r = db_begin(c, err); /* one view of all tables */
    if (r)
        return r;
    put(d, "kanshiki-content-2\n", 19);
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]) && r == 0; t++)
        r = put_table(c, d, t, err);
    db_rollback(c); /* nothing was written */
    return r;
}

int case_content_hash(struct casedb *c, unsigned char out[32], struct err *err)
{
    struct dump *d = malloc(sizeof(*d));
    if (!d)
        return err_set(err, ERR_INTERNAL, "out of memory");
    d->n = 0;
    d->h = hasher_open(1u << HASH_SHA256);
    int r = d->h ? dump_all(c, d, err)
                 : err_set(err, ERR_INTERNAL, "out of memory");
    if (r == 0) {
        hasher_add(d->h, d->p, d->n);
        hasher_end(d->h, HASH_SHA256, out);
    }
    hasher_close(d->h);
    free(d);
    return r;
}

/* ---- copy ---------------------------------------------------------------- */

/* VACUUM INTO writes a file without free pages and in rollback form, which
 * opens on read-only media and has one hash however often it is made. */
static int vacuum_into(struct casedb *c, const char *to, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int r = vfs_allow_copy(c->vfs, to, err);
    if (r)
        return r;
    sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 1);
    if (sqlite3_prepare_v2(c->db, "VACUUM INTO ?1", -1, &st, NULL) == SQLITE_OK)
        sqlite3_bind_text(st, 1, to, -1, SQLITE_STATIC);
    if (!st || sqlite3_step(st) != SQLITE_DONE)
        r = db_error(c, err, "copying the case");
    sqlite3_finalize(st);
    sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
    (void)!vfs_allow_copy(c->vfs, NULL, NULL);
    return r;
}

/* The copy is opened as any case is: the schema and every page are read. */
static int check_copy(const char *path, struct err *err)
{
    struct casedb *copy;
    int r = case_open(path, CASE_READ, &copy, err);
    if (r)
        return r;
    r = case_check_pages(copy, err);
    case_close(copy);
    return r;
}

int case_copy(struct casedb *c, const char *path, struct err *err)
{
    struct err own = { 0 };
    if (!err)
        err = &own;
    if (c->depth > 0)
        return err_set(err, ERR_INTERNAL, "copy within a transaction");
    char *to = vfs_resolve(path, err);
    if (!to)
        return err->code;
    char *temporary = sqlite3_mprintf("%s.new", to);
    int r = temporary ? make_empty(temporary, path, err)
                      : err_set(err, ERR_INTERNAL, "out of memory");
    if (r == 0) {
        r = vacuum_into(c, temporary, err);
        if (r == 0)
            r = check_copy(temporary, err);
        if (r == 0)
            r = publish(temporary, to, path, err);
        if (r)
            unlink(temporary);
    }
    sqlite3_free(temporary);
    free(to);
    return r;
}
