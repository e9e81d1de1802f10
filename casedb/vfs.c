#include "casedb/vfs.h"

#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Ours, followed in the same allocation by the real one. */
struct vfs_file {
    sqlite3_file base;
    struct case_vfs *vfs;
    enum vfs_name which;
};

enum { FILE_SIZE = (sizeof(struct vfs_file) + 15) / 16 * 16 };

static sqlite3_file *real_file(sqlite3_file *f)
{
    return (sqlite3_file *)(void *)((char *)f + FILE_SIZE);
}

static struct case_vfs *vfs_of(sqlite3_vfs *v)
{
    return (struct case_vfs *)(void *)v;
}

static struct vfs_file *file_of(sqlite3_file *f)
{
    return (struct vfs_file *)(void *)f;
}

/* ---- files --------------------------------------------------------------- */

static int file_close(sqlite3_file *f)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods ? r->pMethods->xClose(r) : SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 off)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xRead(r, p, n, off);
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 off)
{
    sqlite3_file *r = real_file(f);
    int rc = r->pMethods->xWrite(r, p, n, off);
    if (rc != SQLITE_OK) {
        struct vfs_file *o = file_of(f);
        o->vfs->need = (uint64_t)n;
        o->vfs->need_of = o->vfs->names[o->which];
    }
    return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xTruncate(r, n);
}

static int file_sync(sqlite3_file *f, int flags)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xSync(r, flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *n)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xFileSize(r, n);
}

static int file_lock(sqlite3_file *f, int level)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xLock(r, level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xUnlock(r, level);
}

static int file_check_reserved(sqlite3_file *f, int *out)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xCheckReservedLock(r, out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xFileControl(r, op, arg);
}

static int file_sector_size(sqlite3_file *f)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xSectorSize(r);
}

static int file_characteristics(sqlite3_file *f)
{
    sqlite3_file *r = real_file(f);
    struct vfs_file *o = file_of(f);
    int flags = r->pMethods->xDeviceCharacteristics(r);
    if (o->vfs->immutable && o->which == VFS_DB)
        flags |= SQLITE_IOCAP_IMMUTABLE;
    return flags;
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend,
                        void volatile **out)
{
    sqlite3_file *r = real_file(f);
    int rc = r->pMethods->xShmMap(r, page, size, extend, out);
    if (rc != SQLITE_OK) {
        struct vfs_file *o = file_of(f);
        o->vfs->need = (uint64_t)size;
        o->vfs->need_of = o->vfs->names[VFS_SHM];
    }
    return rc;
}

static int file_shm_lock(sqlite3_file *f, int off, int n, int flags)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xShmLock(r, off, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
    sqlite3_file *r = real_file(f);
    r->pMethods->xShmBarrier(r);
}

static int file_shm_unmap(sqlite3_file *f, int delete)
{
    sqlite3_file *r = real_file(f);
    return r->pMethods->xShmUnmap(r, delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* no xFetch: cases are never mapped */
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- names --------------------------------------------------------------- */

/* VFS_NAMES when it is none that SQLite may touch. */
static enum vfs_name which_name(const struct case_vfs *v, const char *name)
{
    for (int i = 0; name && i < VFS_LOCK; i++)
        if (v->names[i] && strcmp(v->names[i], name) == 0)
            return (enum vfs_name)i;
    return VFS_NAMES;
}

/* -journal: only of a case being made, or of a copy. */
static bool may_write(const struct case_vfs *v, enum vfs_name which)
{
    return which != VFS_NAMES && (which != VFS_JOURNAL || v->creating);
}

/* Looks at the header on SQLite's descriptor. */
static int check_header(struct case_vfs *v, sqlite3_file *real)
{
    unsigned char p[HEADER_SIZE] = { 0 };
    sqlite3_int64 size = 0;
    int rc = real->pMethods->xFileSize(real, &size);
    if (rc != SQLITE_OK)
        return rc;
    size_t n = size < HEADER_SIZE ? (size_t)size : HEADER_SIZE;
    if (n > 0)
        rc = real->pMethods->xRead(real, p, (int)n, 0);
    if (rc != SQLITE_OK)
        return rc;
    v->refused = header_check(p, n, &v->header);
    return v->refused ? SQLITE_NOTADB : SQLITE_OK;
}

static int vfs_open_file(sqlite3_vfs *base, const char *name, sqlite3_file *f,
                         int flags, int *out_flags)
{
    struct case_vfs *v = vfs_of(base);
    enum vfs_name which = which_name(v, name);
    struct vfs_file *o = file_of(f);
    sqlite3_file *real = real_file(f);
    o->base.pMethods = NULL;
    if (!may_write(v, which))
        return SQLITE_CANTOPEN;
    o->vfs = v;
    o->which = which;
    real->pMethods = NULL;
    int rc = v->real->xOpen(v->real, name, real, flags, out_flags);
    if (rc == SQLITE_OK && which == VFS_DB && !v->creating)
        rc = check_header(v, real);
    if (rc != SQLITE_OK) {
        if (real->pMethods)
            real->pMethods->xClose(real);
        return rc;
    }
    o->base.pMethods = &methods;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int sync)
{
    struct case_vfs *v = vfs_of(base);
    enum vfs_name which = which_name(v, name);
    if (!may_write(v, which) || which == VFS_DB || which == VFS_COPY)
        return SQLITE_IOERR_DELETE;
    return v->real->xDelete(v->real, name, sync);
}

/* To SQLite, other files do not exist. */
static int vfs_access(sqlite3_vfs *base, const char *name, int flags, int *out)
{
    struct case_vfs *v = vfs_of(base);
    *out = 0;
    if (which_name(v, name) == VFS_NAMES)
        return SQLITE_OK;
    return v->real->xAccess(v->real, name, flags, out);
}

static int vfs_full_path(sqlite3_vfs *base, const char *name, int n, char *out)
{
    struct case_vfs *v = vfs_of(base);
    return v->real->xFullPathname(v->real, name, n, out);
}

static int vfs_randomness(sqlite3_vfs *base, int n, char *out)
{
    struct case_vfs *v = vfs_of(base);
    return v->real->xRandomness(v->real, n, out);
}

static int vfs_sleep(sqlite3_vfs *base, int us)
{
    struct case_vfs *v = vfs_of(base);
    return v->real->xSleep(v->real, us);
}

static int vfs_time(sqlite3_vfs *base, double *out)
{
    struct case_vfs *v = vfs_of(base);
    return v->real->xCurrentTime(v->real, out);
}

static int vfs_last_error(sqlite3_vfs *base, int n, char *out)
{
    struct case_vfs *v = vfs_of(base);
    return v->real->xGetLastError(v->real, n, out);
}

/* ---- opening -------------------------------------------------------------
 */

static char *join(const char *a, const char *b)
{
    size_t n = strlen(a) + strlen(b) + 1;
    char *p = malloc(n);
    if (p)
        snprintf(p, n, "%s%s", a, b);
    return p;
}

char *vfs_resolve(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char folder[PATH_MAX] = ".", real[PATH_MAX], whole[2 * PATH_MAX];
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof(folder) || !*name || !strcmp(name, ".") ||
        !strcmp(name, "..")) {
        err_set(err, ERR_CASE, "%s: not the name of a file",
                text_line(str_from(path)));
        return NULL;
    }
    if (slash)
        snprintf(folder, sizeof(folder), "%.*s", n ? (int)n : 1, path);
    if (!realpath(folder, real)) {
        err_errno(err, ERR_CASE, "%s: its folder", text_line(str_from(path)));
        return NULL;
    }
    snprintf(whole, sizeof(whole), "%s/%s", strcmp(real, "/") ? real : "",
             name);
    char *copy = join(whole, "");
    if (!copy)
        err_set(err, ERR_INTERNAL, "out of memory");
    return copy;
}

static int set_names(struct case_vfs *v, struct err *err)
{
    static const char suffix[VFS_NAMES][9] = {
        [VFS_WAL] = "-wal",
        [VFS_SHM] = "-shm",
        [VFS_JOURNAL] = "-journal",
        [VFS_LOCK] = ".lock",
    };
    for (int i = 0; i < VFS_NAMES; i++) {
        if (i == VFS_DB || !suffix[i][0])
            continue;
        v->names[i] = join(v->names[VFS_DB], suffix[i]);
        if (!v->names[i])
            return err_set(err, ERR_INTERNAL, "out of memory");
    }
    size_t max = (size_t)v->real->mxPathname;
    if (strlen(v->names[VFS_JOURNAL]) >= max)
        return err_set(err, ERR_CASE,
                       "the case's full path is longer than SQLite takes "
                       "(%zu bytes)",
                       max - sizeof("-journal"));
    return 0;
}

static int settle(struct case_vfs *v, const char *path, struct err *err)
{
    v->real = sqlite3_vfs_find(NULL);
    if (!v->real)
        return err_set(err, ERR_INTERNAL, "SQLite has no VFS");
    v->names[VFS_DB] = vfs_resolve(path, err);
    if (!v->names[VFS_DB])
        return err ? err->code : ERR_CASE;
    int r = set_names(v, err);
    if (r)
        return r;
    /* One per handle, told apart by name: SQLite has no other way to give a
     * file layer its context. */
    snprintf(v->name, sizeof(v->name), "kanshiki-%p", (void *)v);
    v->base = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = FILE_SIZE + v->real->szOsFile,
        .mxPathname = v->real->mxPathname,
        .zName = v->name,
        .xOpen = vfs_open_file,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    if (sqlite3_vfs_register(&v->base, 0) != SQLITE_OK)
        return err_set(err, ERR_INTERNAL, "SQLite refused the file layer");
    return 0;
}

int vfs_open(const char *path, struct case_vfs **out, struct err *err)
{
    struct case_vfs *v = calloc(1, sizeof(*v));
    if (!v)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int r = settle(v, path, err);
    if (r)
        vfs_close(v);
    else
        *out = v;
    return r;
}

void vfs_close(struct case_vfs *v)
{
    if (!v)
        return;
    if (v->base.zName)
        sqlite3_vfs_unregister(&v->base);
    for (int i = 0; i < VFS_NAMES; i++)
        free(v->names[i]);
    free(v);
}

int vfs_allow_copy(struct case_vfs *v, const char *path, struct err *err)
{
    free(v->names[VFS_COPY]);
    free(v->names[VFS_COPY_JOURNAL]);
    v->names[VFS_COPY] = path ? join(path, "") : NULL;
    v->names[VFS_COPY_JOURNAL] = path ? join(path, "-journal") : NULL;
    if (path && (!v->names[VFS_COPY] || !v->names[VFS_COPY_JOURNAL]))
        return err_set(err, ERR_INTERNAL, "out of memory");
    return 0;
}
