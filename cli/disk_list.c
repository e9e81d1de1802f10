/* disk ls and deleted: rows of files in lists. */
#include "cli/disk.h"

#include "base/xattr.h"
#include "importers/record.h"

/* ---- ls ------------------------------------------------------------------ */

static const struct table_column file_columns[] = {
    { "mode", "MODE", false, 0 },
    { "uid", "UID", true, 0 },
    { "gid", "GID", true, 0 },
    { "size", "SIZE", true, 0 },
    { "modified", "MODIFIED", false, 0 },
    { "inode", "INODE", true, 0 },
    { "state", "STATE", false, 0 },
    { "volume", "VOLUME", false, 0 },
    { "path", "PATH", false, 0 },
    { "link", "LINK TARGET", false, 0 },
};
static const struct table_column more_columns[] = {
    { "rights", "RIGHTS", false, 0 },
    { "content", "CONTENT", false, 0 },
};
enum {
    FILE_COLUMNS = sizeof(file_columns) / sizeof(*file_columns),
    MORE_COLUMNS = sizeof(more_columns) / sizeof(*more_columns),
};

struct listing {
    struct disk *d;
    struct table *t;
    struct arena a; /* of one row */
    bool deleted, hide_known, privileged;
    struct err *err;
};

/* What the file may do beyond the one who runs it. */
static int put_capability(void *ctx, struct str name, struct str value)
{
    struct buf *b = ctx;
    if (!xattr_is_privilege(name, value))
        return 0;
    if (b->n)
        buf_putz(b, ", ");
    xattr_show(b, name, value);
    return 0;
}

static int rights_of(struct listing *l, const struct file_row *f,
                     struct buf *out)
{
    bool runs = f->type == FILE_REGULAR;
    if (runs && f->mode & 04000)
        buf_printf(out, "setuid %u", f->uid);
    if (runs && f->mode & 02000)
        buf_printf(out, "%ssetgid %u", out->n ? ", " : "", f->gid);
    return case_xattrs(l->d->c, f->id, put_capability, out, l->err);
}

static int put_row(struct listing *l, const struct file_row *f,
                   struct str rights)
{
    char mode[11];
    table_str(l->t, file_mode(f, mode));
    table_u64(l->t, f->uid);
    table_u64(l->t, f->gid);
    table_u64(l->t, f->size);
    table_time(l->t, l->d->cli, !(f->flags & FILE_NO_TIME_M), f->m, 0);
    table_u64(l->t, f->inode);
    table_str(l->t, file_state(f, &l->a));
    table_str(l->t, f->volume);
    table_str(l->t, f->path);
    table_str(l->t, f->link_target);
    if (l->privileged) {
        table_str(l->t, rights);
        table_str(l->t, f->content_type);
    }
    return out_closed();
}

static int put_file(void *ctx, const struct file_row *f)
{
    struct listing *l = ctx;
    struct buf rights = { 0 };
    int rc = 0;
    if ((l->deleted && !file_is_deleted(f)) ||
        (l->hide_known && f->known == KNOWN_GOOD))
        return 0;
    arena_reset(&l->a);
    if (l->privileged)
        rc = rights_of(l, f, &rights);
    if (rc == 0 && (!l->privileged || rights.n))
        rc = put_row(l, f, buf_str(&rights));
    buf_free(&rights);
    return rc;
}

static int list(struct listing *l, const struct table_column *columns, size_t n,
                const struct file_query *q,
                int (*put)(void *, const struct file_row *), struct err *err)
{
    l->err = err;
    l->t = out_table(l->d->cli, columns, n, err);
    int rc = l->t ? case_files(l->d->c, q, put, l, err) : err->code;
    struct err close_err = { 0 };
    int closed = l->t ? table_close(l->t, rc ? &close_err : err) : 0;
    arena_free(&l->a);
    return rc < 0 ? rc : closed;
}

int disk_ls(struct disk *d, struct err *err)
{
    struct cli *cli = d->cli;
    struct listing l = {
        .d = d,
        .deleted = arg_has(cli, "-d") || arg_has(cli, "--deleted"),
        .hide_known = arg_has(cli, "--hide-known"),
        .privileged = arg_has(cli, "--privileged"),
    };
    bool all = arg_has(cli, "-R") || arg_has(cli, "--recursive") || l.deleted ||
               l.privileged;
    const struct file_query q = { .exhibit = d->exhibit,
                                  .volume = d->volume,
                                  .path = d->path,
                                  .scope = all ? FILES_BELOW : FILES_IN,
                                  .views = d->views };
    struct table_column columns[FILE_COLUMNS + MORE_COLUMNS];
    memcpy(columns, file_columns, sizeof(file_columns));
    memcpy(columns + FILE_COLUMNS, more_columns, sizeof(more_columns));
    return list(&l, columns,
                l.privileged ? FILE_COLUMNS + MORE_COLUMNS : FILE_COLUMNS, &q,
                put_file, err);
}

/* ---- deleted ------------------------------------------------------------- */

static const struct table_column deleted_columns[] = {
    { "found", "FOUND", false, 0 },
    { "confidence", "CONFIDENCE", false, 0 },
    { "size", "SIZE", true, 0 },
    { "free", "FREE", true, 0 },
    { "deleted", "DELETED", false, 0 },
    { "modified", "MODIFIED", false, 0 },
    { "inode", "INODE", true, 0 },
    { "state", "STATE", false, 0 },
    { "volume", "VOLUME", false, 0 },
    { "path", "PATH", false, 0 },
};

static int put_deleted(void *ctx, const struct file_row *f)
{
    struct listing *l = ctx;
    if (!file_is_deleted(f))
        return 0;
    arena_reset(&l->a);
    table_str(l->t, file_found(f));
    table_str(l->t, file_confidence(f));
    table_u64(l->t, f->size);
    table_u64(l->t, f->free_bytes);
    table_time(l->t, l->d->cli, !(f->flags & FILE_NO_TIME_D), f->d, 0);
    table_time(l->t, l->d->cli, !(f->flags & FILE_NO_TIME_M), f->m, 0);
    table_u64(l->t, f->inode);
    table_str(l->t, file_state(f, &l->a));
    table_str(l->t, f->volume);
    table_str(l->t, f->path);
    return out_closed();
}

int disk_deleted(struct disk *d, struct err *err)
{
    struct listing l = { .d = d };
    const struct file_query q = { .exhibit = d->exhibit,
                                  .volume = d->volume,
                                  .path = d->path,
                                  .scope = FILES_BELOW,
                                  .views = d->views };
    return list(&l, deleted_columns,
                sizeof(deleted_columns) / sizeof(*deleted_columns), &q,
                put_deleted, err);
}
