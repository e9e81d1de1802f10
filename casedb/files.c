#include "casedb/files.h"

#include <stdio.h>

#include "base/kinds.h"
#include "casedb/db.h"
#include "casedb/query.h"

#define COLUMNS                                                                \
    "file.id, file.member, volume, entity.value, inode, parent_inode, type,"   \
    " mode, uid, gid, links, file.size, flags, t_res, m_s, m_ns, a_s, a_ns,"   \
    " c_s, c_ns, b_s, b_ns, d_s, d_ns, link_target, file.sha256, sha1, md5,"   \
    " view, found, confidence, free_bytes, device, file.first_event,"          \
    " content_type, ifnull(known.class, 0)"
#define FROM                                                                   \
    " FROM file JOIN entity ON entity.id = file.path"                          \
    " JOIN member ON member.id = file.member"                                  \
    " LEFT JOIN known ON known.file = file.id"
#define WHERE                                                                  \
    " WHERE (?1=0 OR member.exhibit=?1) AND (?2='' OR volume=?2)"              \
    " AND (?3=0 OR ?3 >> view & 1)"                                            \
    " AND (?5=0 OR file.flags & ?5)"
#define ORDER " ORDER BY file.id"

static const char *const queries[] = {
    [FILES_BELOW] = "SELECT " COLUMNS FROM WHERE ORDER,
    [FILES_IN] = "SELECT " COLUMNS FROM WHERE " AND file.folder=?4" ORDER,
    [FILES_AT] = "SELECT " COLUMNS FROM WHERE " AND file.path=?4" ORDER,
};

static bool read_time(sqlite3_stmt *st, int i, struct instant *t)
{
    t->s = sqlite3_column_int64(st, i);
    t->ns = (uint32_t)sqlite3_column_int64(st, i + 1);
    return sqlite3_column_type(st, i) != SQLITE_NULL;
}

static void read_file(sqlite3_stmt *st, struct file_row *f)
{
    struct instant *t[] = { &f->m, &f->a, &f->c, &f->b, &f->d };
    *f = (struct file_row){
        .id = sqlite3_column_int64(st, 0),
        .member = sqlite3_column_int64(st, 1),
        .volume = db_col(st, 2),
        .path = db_col(st, 3),
        .inode = (uint64_t)sqlite3_column_int64(st, 4),
        .parent_inode = (uint64_t)sqlite3_column_int64(st, 5),
        .type = (uint8_t)sqlite3_column_int(st, 6),
        .mode = (uint32_t)sqlite3_column_int64(st, 7),
        .uid = (uint32_t)sqlite3_column_int64(st, 8),
        .gid = (uint32_t)sqlite3_column_int64(st, 9),
        .links = (uint32_t)sqlite3_column_int64(st, 10),
        .size = (uint64_t)sqlite3_column_int64(st, 11),
        .flags = (uint32_t)sqlite3_column_int64(st, 12),
        .t_res = (uint8_t)sqlite3_column_int(st, 13),
        .link_target = db_col(st, 24),
        .sha256 = db_col(st, 25),
        .sha1 = db_col(st, 26),
        .md5 = db_col(st, 27),
        .view = (uint8_t)sqlite3_column_int(st, 28),
        .found = (uint8_t)sqlite3_column_int(st, 29),
        .confidence = (uint8_t)sqlite3_column_int(st, 30),
        .free_bytes = (uint64_t)sqlite3_column_int64(st, 31),
        .device = (uint32_t)sqlite3_column_int64(st, 32),
        .first_event = sqlite3_column_int64(st, 33),
        .content_type = db_col(st, 34),
        .known = (uint8_t)sqlite3_column_int(st, 35),
    };
    for (int i = 0; i < 5; i++)
        if (!read_time(st, 14 + 2 * i, t[i]))
            f->flags |= 16u << i; /* FILE_NO_TIME_M .. _D */
}

static bool is_below(struct str path, struct str folder)
{
    return folder.n == 0 || str_eq(path, folder) ||
           (str_starts(path, folder) && path.p[folder.n] == '/');
}

/* "/a/" and "/a" are one folder; "/" is all. */
static struct str without_slash(struct str path)
{
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

int case_files(struct casedb *c, const struct file_query *q,
               int (*fn)(void *, const struct file_row *), void *ctx,
               struct err *err)
{
    struct str path = without_slash(q->path);
    uint32_t id = 0;
    if (q->scope != FILES_BELOW) {
        id = case_find(c, KIND_FILE, path.n ? path : STR("/"));
        if (!id)
            return 0;
    }
    sqlite3_stmt *st = db_prepare(c, queries[q->scope], err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, q->exhibit);
    db_bind_text(st, 2, q->volume);
    sqlite3_bind_int64(st, 3, q->views);
    sqlite3_bind_int64(st, 5, q->flags);
    if (q->scope != FILES_BELOW)
        sqlite3_bind_int64(st, 4, id);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        struct file_row f;
        if (q->scope == FILES_BELOW && !is_below(db_col(st, 3), path))
            continue;
        read_file(st, &f);
        rc = fn(ctx, &f);
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

int case_file_content(struct casedb *c, const struct file_row *f,
                      struct arena *a, struct member *out, struct err *err)
{
    struct buf layers = { 0 };
    int rc = case_member(c, f->member, a, out, err);
    if (rc)
        return rc;
    buf_put(&layers, out->layers);
    /* the member of the other view ends in !VOLUME!journal already */
    if (f->volume.n && f->view != FILE_VIEW_JOURNAL) {
        buf_putc(&layers, '!');
        buf_put(&layers, f->volume);
    }
    buf_printf(&layers, "!ino/%llu", (unsigned long long)f->inode);
    out->layers = buf_to_arena(&layers, a);
    return out->layers.p ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

int case_xattrs(struct casedb *c, int64_t file,
                int (*fn)(void *, struct str, struct str), void *ctx,
                struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "SELECT name, value FROM xattr WHERE file=?1 ORDER BY id", err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, file);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        rc = fn(ctx, db_col(st, 0), db_col(st, 1));
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

int case_file_volumes(struct casedb *c, int64_t exhibit,
                      int (*fn)(void *, const struct file_volume *), void *ctx,
                      struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT exhibit, volume, count(*), sum(flags & 1), max(view=0),"
        " max(view=1), max(view=2) FROM file JOIN member ON"
        " member.id = file.member WHERE ?1=0 OR exhibit=?1"
        " GROUP BY exhibit, volume ORDER BY exhibit, min(file.id)",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, exhibit);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        struct file_volume v = {
            .exhibit = sqlite3_column_int64(st, 0),
            .name = db_col(st, 1),
            .n = (uint64_t)sqlite3_column_int64(st, 2),
            .deleted = (uint64_t)sqlite3_column_int64(st, 3),
        };
        for (int i = 0; i < 3; i++)
            v.views |= (unsigned)sqlite3_column_int(st, 4 + i) << i;
        rc = fn(ctx, &v);
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

int case_file_folders(struct casedb *c, int64_t exhibit, struct str volume,
                      int (*fn)(void *, struct str), void *ctx, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT DISTINCT value FROM file JOIN member ON member.id=file.member"
        " JOIN entity ON entity.id=folder WHERE (?1=0 OR exhibit=?1)"
        " AND (?2='' OR volume=?2) AND folder NOT IN (SELECT path FROM file)"
        " ORDER BY value",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, exhibit);
    db_bind_text(st, 2, volume);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        rc = fn(ctx, db_col(st, 0));
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}
