#include "tests/casedb/faultvfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512, FILES = 3 };

static const char suffixes[FILES][9] = { "", "-wal", "-journal" };

struct fault_file {
    sqlite3_file base;
    int which; /* index in suffixes, -1 = not recorded */
};
enum { FILE_SIZE = (sizeof(struct fault_file) + 15) / 16 * 16 };

struct operation {
    enum { DID_WRITE, DID_SYNC, DID_TRUNCATE, DID_DELETE, DID_MARK } kind;
    int which;
    uint64_t at; /* offset, new size, or the mark */
    size_t n;
    unsigned char *p;
};

struct image {
    unsigned char *p;
    size_t n;
    bool there;
};

static sqlite3_vfs vfs, *real;
static struct {
    enum fault_op op;
    unsigned left;
    int rc;
    bool sticky, hit;
} armed;
static struct operation *operations;
static size_t n_operations, cap_operations;
static char recorded[512];
static struct image before[FILES];

/* ---- failing ------------------------------------------------------------- */

void fault_arm(enum fault_op op, unsigned n, int rc, bool sticky)
{
    armed.op = op;
    armed.left = n;
    armed.rc = rc;
    armed.sticky = sticky;
    armed.hit = false;
}

bool fault_hit(void)
{
    return armed.hit;
}

static int fails(enum fault_op op)
{
    if (armed.op != op || (armed.left == 0 && !(armed.hit && armed.sticky)))
        return SQLITE_OK;
    if (armed.left > 0 && --armed.left > 0)
        return SQLITE_OK;
    armed.hit = true;
    return armed.rc;
}

/* ---- recording ----------------------------------------------------------- */

static void record(int kind, int which, uint64_t at, const void *p, size_t n)
{
    if (!recorded[0] || which < 0)
        return;
    if (n_operations == cap_operations) {
        cap_operations = cap_operations ? 2 * cap_operations : 1024;
        operations = realloc(operations, cap_operations * sizeof(*operations));
        if (!operations)
            abort();
    }
    struct operation *o = &operations[n_operations++];
    *o = (struct operation){ .which = which, .at = at, .n = n };
    o->kind = kind;
    o->p = malloc(n + 1);
    if (!o->p)
        abort();
    memcpy(o->p, n ? p : "", n);
}

static int which_of(const char *name)
{
    size_t n = strlen(recorded);
    if (!name || !n || strncmp(name, recorded, n) != 0)
        return -1;
    for (int i = 0; i < FILES; i++)
        if (strcmp(name + n, suffixes[i]) == 0)
            return i;
    return -1;
}

static struct image load(const char *path)
{
    struct image i = { 0 };
    FILE *f = fopen(path, "rb");
    if (!f)
        return i;
    i.there = true;
    unsigned char p[4096];
    size_t n;
    while ((n = fread(p, 1, sizeof(p), f)) > 0) {
        i.p = realloc(i.p, i.n + n);
        if (!i.p)
            abort();
        memcpy(i.p + i.n, p, n);
        i.n += n;
    }
    fclose(f);
    return i;
}

void fault_record_start(const char *path)
{
    char name[600];
    char *full = realpath(path, NULL);
    snprintf(recorded, sizeof(recorded), "%s", full ? full : "");
    free(full);
    for (size_t i = 0; i < n_operations; i++)
        free(operations[i].p);
    n_operations = 0;
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "%s%s", recorded, suffixes[i]);
        free(before[i].p);
        before[i] = load(name);
    }
}

void fault_record_mark(unsigned value)
{
    record(DID_MARK, 0, value, NULL, 0);
}

void fault_record_stop(void)
{
    recorded[0] = 0;
}

size_t fault_recorded(void)
{
    return n_operations;
}

/* ---- replaying ----------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

static void resize(struct image *i, size_t n)
{
    i->p = realloc(i->p, n + 1);
    if (!i->p)
        abort();
    if (n > i->n)
        memset(i->p + i->n, 0, n - i->n);
    i->n = n;
    i->there = true;
}

static void apply(struct image *i, const struct operation *o)
{
    if (o->kind == DID_TRUNCATE) {
        resize(i, (size_t)o->at);
    } else if (o->kind == DID_WRITE) {
        if (o->at + o->n > i->n)
            resize(i, (size_t)o->at + o->n);
        memcpy(i->p + o->at, o->p, o->n);
        i->there = true;
    }
}

/* Each sector of an unsynced write came to the disk or did not. */
static void apply_torn(struct image *i, const struct operation *o,
                       uint64_t *random)
{
    if (next_random(random) % 3 == 0)
        return;
    bool torn = next_random(random) % 2;
    for (size_t at = 0; at < o->n || at == 0;) {
        uint64_t sector_end = ((o->at + at) / SECTOR + 1) * SECTOR;
        size_t n = (size_t)(sector_end - (o->at + at));
        if (n > o->n - at)
            n = o->n - at;
        struct operation part = *o;
        part.at += o->kind == DID_WRITE ? at : 0;
        part.p += at;
        part.n = n;
        if (!torn || next_random(random) % 2)
            apply(i, &part);
        at += n;
        if (n == 0)
            break;
    }
}

static void save(const struct image *i, const char *to, const char *suffix)
{
    char name[600];
    snprintf(name, sizeof(name), "%s%s", to, suffix);
    unlink(name);
    if (!i->there)
        return;
    FILE *f = fopen(name, "wb");
    if (!f || fwrite(i->p, 1, i->n, f) != i->n || fclose(f) != 0)
        abort();
}

unsigned fault_replay(size_t n, uint64_t seed, const char *to)
{
    uint64_t random = seed * 0x9e3779b97f4a7c15u + n + 1;
    struct image now[FILES] = { 0 };
    unsigned mark = 0;
    for (int f = 0; f < FILES; f++) {
        size_t synced = 0;
        if (before[f].there)
            resize(&now[f], before[f].n);
        if (before[f].n)
            memcpy(now[f].p, before[f].p, before[f].n);
        for (size_t i = 0; i < n; i++) {
            const struct operation *o = &operations[i];
            if (o->which == f && o->kind == DID_SYNC)
                synced = i;
            if (o->kind == DID_MARK)
                mark = (unsigned)o->at;
        }
        for (size_t i = 0; i < n; i++) {
            const struct operation *o = &operations[i];
            if (o->which != f)
                continue;
            if (o->kind == DID_DELETE)
                now[f].n = 0, now[f].there = false;
            else if (i < synced)
                apply(&now[f], o);
            else
                apply_torn(&now[f], o, &random);
        }
        save(&now[f], to, suffixes[f]);
        free(now[f].p);
    }
    return mark;
}

/* ---- files --------------------------------------------------------------- */

static sqlite3_file *under(sqlite3_file *f)
{
    return (sqlite3_file *)(void *)((char *)f + FILE_SIZE);
}

static int which_file(sqlite3_file *f)
{
    return ((struct fault_file *)(void *)f)->which;
}

static int file_close(sqlite3_file *f)
{
    return under(f)->pMethods->xClose(under(f));
}

static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 off)
{
    return under(f)->pMethods->xRead(under(f), p, n, off);
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 off)
{
    int rc = fails(FAULT_WRITE);
    if (rc == SQLITE_OK)
        rc = under(f)->pMethods->xWrite(under(f), p, n, off);
    if (rc == SQLITE_OK)
        record(DID_WRITE, which_file(f), (uint64_t)off, p, (size_t)n);
    return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    int rc = fails(FAULT_TRUNCATE);
    if (rc == SQLITE_OK)
        rc = under(f)->pMethods->xTruncate(under(f), n);
    if (rc == SQLITE_OK)
        record(DID_TRUNCATE, which_file(f), (uint64_t)n, NULL, 0);
    return rc;
}

static int file_sync(sqlite3_file *f, int flags)
{
    int rc = fails(FAULT_SYNC);
    if (rc == SQLITE_OK)
        record(DID_SYNC, which_file(f), 0, NULL, 0);
    (void)flags; /* the test does not wait for the disk */
    return rc;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return under(f)->pMethods->xFileSize(under(f), n);
}

static int file_lock(sqlite3_file *f, int level)
{
    return under(f)->pMethods->xLock(under(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return under(f)->pMethods->xUnlock(under(f), level);
}

static int file_reserved(sqlite3_file *f, int *out)
{
    return under(f)->pMethods->xCheckReservedLock(under(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    return under(f)->pMethods->xFileControl(under(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return under(f)->pMethods->xSectorSize(under(f));
}

static int file_characteristics(sqlite3_file *f)
{
    return under(f)->pMethods->xDeviceCharacteristics(under(f));
}

static int shm_map(sqlite3_file *f, int page, int size, int extend,
                   void volatile **out)
{
    int rc = fails(FAULT_SHM);
    if (rc != SQLITE_OK)
        return rc;
    return under(f)->pMethods->xShmMap(under(f), page, size, extend, out);
}

static int shm_lock(sqlite3_file *f, int off, int n, int flags)
{
    return under(f)->pMethods->xShmLock(under(f), off, n, flags);
}

static void shm_barrier(sqlite3_file *f)
{
    under(f)->pMethods->xShmBarrier(under(f));
}

static int shm_unmap(sqlite3_file *f, int delete)
{
    return under(f)->pMethods->xShmUnmap(under(f), delete);
}

static const sqlite3_io_methods methods = {
    2,
    file_close,
    file_read,
    file_write,
    file_truncate,
    file_sync,
    file_size,
    file_lock,
    file_unlock,
    file_reserved,
    file_control,
    file_sector,
    file_characteristics,
    shm_map,
    shm_lock,
    shm_barrier,
    shm_unmap,
    NULL,
    NULL,
};

static int open_file(sqlite3_vfs *v, const char *name, sqlite3_file *f,
                     int flags, int *out)
{
    struct fault_file *o = (struct fault_file *)(void *)f;
    (void)v;
    o->base.pMethods = NULL;
    o->which = which_of(name);
    int rc = fails(FAULT_OPEN);
    if (rc == SQLITE_OK)
        rc = real->xOpen(real, name, under(f), flags, out);
    if (rc == SQLITE_OK)
        o->base.pMethods = &methods;
    return rc;
}

static int delete_file(sqlite3_vfs *v, const char *name, int sync)
{
    (void)v;
    int rc = fails(FAULT_DELETE);
    if (rc == SQLITE_OK)
        rc = real->xDelete(real, name, sync);
    if (rc == SQLITE_OK)
        record(DID_DELETE, which_of(name), 0, NULL, 0);
    return rc;
}

void fault_install(void)
{
    if (real)
        return;
    real = sqlite3_vfs_find("unix");
    if (!real)
        abort();
    vfs = *real;
    vfs.pNext = NULL;
    vfs.zName = "fault";
    vfs.szOsFile = FILE_SIZE + real->szOsFile;
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}
