/*
 * Opening and closing a case. The order of the checks is that of
 * reliability.md 4.1: what the folder shows, the lock, the header on SQLite's
 * own descriptor, the switches, the schema byte for byte; only then triggers
 * work and rows are read. Nothing is written to a case that is refused.
 *
 * How a case is opened:
 *   writer                    read-write, WAL; PATH.lock exclusive
 *   reader beside the writer  read-only, WAL; the writer's lock covers it
 *     of this same process
 *   reader, empty log         immutable (no -shm, no byte written); PATH.lock
 *                             shared, where one can be made
 *   reader, log with frames   read-only, WAL: a writer was killed; its log is
 *                             read but not moved into the case
 */
#include "casedb/connection.h"

#include "base/text.h"
#include "casedb/lock.h"
#include "casedb/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READER_HEAP ((sqlite3_int64)1 << 30)

/* ---- what the folder shows ----------------------------------------------- */

static const char *kind_of_file(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a folder, not a case file";
    if (S_ISLNK(mode))
        return "a symbolic link; name the file itself";
    return "not a regular file";
}

/* A link count above one: two names of one WAL case destroy it (SQLite: how
 * to corrupt). Another owner could change it under us. */
static int check_file(const struct casedb *c, const char *suffix,
                      const struct stat *st, struct err *err)
{
    if (!S_ISREG(st->st_mode))
        return connection_refuse(c, err, suffix, kind_of_file(st->st_mode));
    if (st->st_nlink != 1)
        return connection_refuse(c, err, suffix,
                                 "has more than one name (hard link)");
    if (c->mode == CASE_WRITE && st->st_uid != geteuid())
        return connection_refuse(c, err, suffix, "belongs to another user");
    return 0;
}

static int check_case_file(const struct casedb *c, struct stat *st,
                           struct err *err)
{
    if (lstat(c->vfs->names[VFS_DB], st) != 0) {
        err_errno(err, ERR_CASE, "%s", text_line(str_from(c->path)));
        if (errno == ENOENT)
            err_hint(err, "kanshiki new makes a case.");
        return ERR_CASE;
    }
    return check_file(c, "", st, err);
}

static int check_log_header(const struct casedb *c, struct err *err)
{
    unsigned char p[WAL_HEADER_SIZE];
    int fd = open(c->vfs->names[VFS_WAL],
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_errno(err, ERR_CASE, "%s-wal", text_line(str_from(c->path)));
    ssize_t n = pread(fd, p, sizeof(p), 0);
    close(fd);
    const char *why = n < 0 ? "cannot be read" : header_check_wal(p, (size_t)n);
    return why ? connection_refuse(c, err, "-wal", why) : 0;
}

/* Sets *log when there is a log with something in it. */
static int check_side_files(struct casedb *c, bool *log, struct err *err)
{
    struct stat st;
    *log = false;
    if (lstat(c->vfs->names[VFS_JOURNAL], &st) == 0) {
        connection_refuse(c, err, "-journal",
                          "a rollback journal that no case of ours "
                          "has; it could act on other files");
        err_hint(err, "Find out where it comes from; the case opens when it "
                      "is moved away.");
        return ERR_CASE;
    }
    c->made_shm = lstat(c->vfs->names[VFS_SHM], &st) != 0;
    if (!c->made_shm && check_file(c, "-shm", &st, err))
        return ERR_CASE;
    c->made_wal = lstat(c->vfs->names[VFS_WAL], &st) != 0;
    if (c->made_wal)
        return 0;
    if (check_file(c, "-wal", &st, err))
        return ERR_CASE;
    *log = st.st_size > 0;
    /* A reader beside the writer may see its log being reset. */
    return *log && !c->own_reader ? check_log_header(c, err) : 0;
}

int connection_lock(struct casedb *c, struct err *err)
{
    enum lock_result lock;
    int r = lock_take(c->vfs->names[VFS_LOCK], c->path, c->mode == CASE_WRITE,
                      &c->lock_fd, &lock, err);
    if (r == 0)
        c->own_reader = lock == LOCK_OWN;
    return r;
}

/* The name still leads to the file that was looked at. */
static int check_same(struct casedb *c, const struct stat *before,
                      struct err *err)
{
    struct stat now;
    int moved = 0;
    sqlite3_file_control(c->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved || lstat(c->vfs->names[VFS_DB], &now) != 0 ||
        now.st_dev != before->st_dev || now.st_ino != before->st_ino)
        return connection_refuse(c, err, "",
                                 "was exchanged while it was opened");
    return 0;
}

/* ---- what the handle knows ----------------------------------------------- */

void case_set_actor(struct casedb *c, struct str actor)
{
    size_t n = actor.n < sizeof(c->actor) ? actor.n : sizeof(c->actor) - 1;
    /* Cut at a character, never within one. */
    while (n < actor.n && n > 0 && ((unsigned char)actor.p[n] & 0xc0) == 0x80)
        n--;
    memcpy(c->actor, actor.n ? actor.p : "", n);
    c->actor[n] = 0;
}

static int get_meta(struct casedb *c, const char *name, struct arena *a,
                    struct str *out, struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c, "SELECT value FROM meta WHERE name=?1", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    db_bind_text(st, 1, str_from(name));
    int r = db_step(c, st, err);
    *out = r > 0 ? arena_copy(a, db_col(st, 0)) : STR_NONE;
    if (r > 0 && !out->p)
        r = err_set(err, ERR_INTERNAL, "out of memory");
    sqlite3_reset(st);
    return r < 0 ? r : 0;
}

void connection_actor(struct casedb *c, struct str examiner)
{
    const char *login = getenv("LOGNAME");
    if (!login || !*login)
        login = getenv("USER");
    char uid[32];
    snprintf(uid, sizeof(uid), "uid %lu", (unsigned long)getuid());
    if (examiner.n > 0)
        case_set_actor(c, examiner);
    else
        case_set_actor(c, str_from(login && *login ? login : uid));
}

static int learn(struct casedb *c, struct err *err)
{
    struct arena a = { 0 };
    struct str uuid, examiner;
    int r = get_meta(c, "uuid", &a, &uuid, err);
    if (r == 0)
        r = get_meta(c, "examiner", &a, &examiner, err);
    if (r == 0 && uuid.n != sizeof(c->uuid) - 1)
        r = connection_refuse(c, err, "", "has no number of its own (uuid)");
    if (r == 0) {
        memcpy(c->uuid, uuid.p, sizeof(c->uuid) - 1);
        connection_actor(c, examiner);
    }
    arena_free(&a);
    return r;
}

/* ---- opening ------------------------------------------------------------- */

static int open_flags(struct casedb *c, bool log)
{
    if (c->mode == CASE_WRITE) {
        sqlite3_hard_heap_limit64(INT64_MAX);
        /* The import's own thread writes while its caller looks up. */
        return SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    }
    if (!c->own_reader) {
        /* The limit is one for the process: where a writer ever was, it has
         * set its own, and an import needs more than a reader. */
        if (sqlite3_hard_heap_limit64(-1) == 0)
            sqlite3_hard_heap_limit64(READER_HEAP);
        c->vfs->immutable = !log;
    }
    return SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
}

static int open_checked(struct casedb *c, struct err *err)
{
    struct stat st;
    bool log;
    int r = check_case_file(c, &st, err);
    if (r == 0 && c->mode == CASE_WRITE)
        r = connection_place(c, c->vfs->names[VFS_DB], err);
    if (r == 0)
        r = connection_lock(c, err);
    if (r == 0)
        r = check_side_files(c, &log, err);
    if (r == 0 && log)
        r = connection_place(c, c->vfs->names[VFS_DB], err);
    if (r == 0)
        r = connection_open(c, open_flags(c, log), err);
    if (r == 0)
        r = check_same(c, &st, err);
    if (r == 0)
        r = connection_check(c, err);
    if (r == 0)
        r = learn(c, err);
    return r == 0 ? connection_trust(c, err) : r;
}

struct casedb *connection_handle(const char *path, const char *shown,
                                 enum case_mode mode, struct err *err)
{
    struct casedb *c = calloc(1, sizeof(*c));
    if (!c) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    c->lock_fd = -1;
    c->mode = mode;
    c->path = strdup(shown);
    if (!c->path)
        err_set(err, ERR_INTERNAL, "out of memory");
    if (!c->path || vfs_open(path, &c->vfs, err)) {
        case_close(c);
        return NULL;
    }
    return c;
}

int case_open(const char *path, enum case_mode mode, struct casedb **out,
              struct err *err)
{
    struct err own = { 0 };
    if (!err)
        err = &own;
    struct casedb *c = connection_handle(path, path, mode, err);
    if (!c)
        return err->code;
    int r = open_checked(c, err);
    if (r)
        case_close(c);
    else
        *out = c;
    return r;
}

/* Side files that this handle alone brought about are removed: of a case that
 * was refused, and after reading. A writer's were removed by SQLite. */
static void remove_side_files(struct casedb *c)
{
    struct stat st;
    if (!lock_alone(c->lock_fd))
        return;
    if (c->made_shm && (!c->verified || c->mode == CASE_READ))
        unlink(c->vfs->names[VFS_SHM]);
    if (c->made_wal && lstat(c->vfs->names[VFS_WAL], &st) == 0 &&
        st.st_size == 0)
        unlink(c->vfs->names[VFS_WAL]);
}

void case_close(struct casedb *c)
{
    if (!c)
        return;
    if (c->db && c->depth > 0) {
        c->depth = 1;
        db_rollback(c);
    }
    if (c->cache)
        case_cache_drop(c);
    for (size_t i = 0; i < c->n_statements; i++)
        sqlite3_finalize(c->statements[i].st);
    free(c->statements);
    /* A statement left over would keep the connection, and with it the file
     * layer that is freed below. */
    for (sqlite3_stmt *st; c->db && (st = sqlite3_next_stmt(c->db, NULL));)
        sqlite3_finalize(st);
    sqlite3_close(c->db);
    if (c->vfs) {
        if (c->db)
            remove_side_files(c);
        lock_release(c->vfs->names[VFS_LOCK], c->lock_fd);
    }
    vfs_close(c->vfs);
    free(c->path);
    free(c);
}

const char *case_path(const struct casedb *c)
{
    return c->path;
}

void case_interrupt(struct casedb *c)
{
    sqlite3_interrupt(c->db);
}

int case_get_info(struct casedb *c, struct arena *a, struct case_info *out,
                  struct err *err)
{
    struct str created = STR_NONE;
    const struct {
        const char *name;
        struct str *to;
    } fields[] = {
        { "uuid", &out->uuid },         { "title", &out->title },
        { "number", &out->number },     { "organization", &out->organization },
        { "examiner", &out->examiner }, { "authority", &out->authority },
        { "scope", &out->scope },       { "version", &out->version },
        { "created", &created },
    };
    *out = (struct case_info){ 0 };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        int r = get_meta(c, fields[i].name, a, fields[i].to, err);
        if (r)
            return r;
    }
    struct time_text t;
    if (time_parse(created, &t))
        out->created = t.t;
    return 0;
}
