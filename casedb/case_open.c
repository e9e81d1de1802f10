/*
 * Making, opening and closing a case. The order of the checks is that of
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
#include "casedb/db.h"

#include "base/json.h"
#include "base/text.h"
#include "casedb/lock.h"
#include "casedb/schema.h"
#include "casedb/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { BUSY_MS = 5000 };
#define READER_HEAP ((sqlite3_int64)1 << 30)

/* ---- what the folder shows ----------------------------------------------- */

static int refuse(const struct casedb *c, struct err *err, const char *suffix,
                  const char *why)
{
    return err_set(err, ERR_CASE, "%s%s: %s", text_line(str_from(c->path)),
                   suffix, why);
}

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
        return refuse(c, err, suffix, kind_of_file(st->st_mode));
    if (st->st_nlink != 1)
        return refuse(c, err, suffix, "has more than one name (hard link)");
    if (c->mode == CASE_WRITE && st->st_uid != geteuid())
        return refuse(c, err, suffix, "belongs to another user");
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

/* NFS and its like break the locks and shared memory of WAL. */
static bool is_network(const char *folder_of)
{
    static const unsigned long types[] = {
        0x6969,     0x517b,     0xfe534d42, 0xff534d42, 0x65735546, 0x01021997,
        0x00c36400, 0x5346414f, 0x0bd00bd0, 0x7461636f, 0x564c,     0x73757245,
    };
    struct statfs fs;
    if (statfs(folder_of, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (((unsigned long)fs.f_type & 0xffffffffUL) == types[i])
            return true;
    return false;
}

static int check_place(const struct casedb *c, const char *at, struct err *err)
{
    const char *allow = getenv("KANSHIKI_ALLOW_NETWORK_FS");
    if (!is_network(at) || (allow && strcmp(allow, "1") == 0))
        return 0;
    refuse(c, err, "",
           "is on a network or FUSE file system, which does not "
           "keep the promises a case needs");
    err_hint(err, "Use a local disk. KANSHIKI_ALLOW_NETWORK_FS=1 goes on all "
                  "the same.");
    return ERR_CASE;
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
    return why ? refuse(c, err, "-wal", why) : 0;
}

/* Sets *log when there is a log with something in it. */
static int check_side_files(struct casedb *c, bool *log, struct err *err)
{
    struct stat st;
    *log = false;
    if (lstat(c->vfs->names[VFS_JOURNAL], &st) == 0) {
        refuse(c, err, "-journal",
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

static int take_lock(struct casedb *c, struct err *err)
{
    enum lock_result lock;
    int r = lock_take(c->vfs->names[VFS_LOCK], c->path, c->mode == CASE_WRITE,
                      &c->lock_fd, &lock, err);
    if (r == 0)
        c->own_reader = lock == LOCK_OWN;
    return r;
}

/* ---- the connection ------------------------------------------------------ */

struct setting {
    int id, value;
};

static const struct setting configs[] = {
    { SQLITE_DBCONFIG_DEFENSIVE, 1 },
    { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
    { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
    { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
    { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
    { SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0 },
    { SQLITE_DBCONFIG_DQS_DML, 0 },
    { SQLITE_DBCONFIG_DQS_DDL, 0 },
    { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
    /* The writer's close moves the log into the case, but not before the
     * case is known to be ours; see trust(). */
    { SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
};

/* LENGTH stays large: embedded files are single values. */
static const struct setting limits[] = {
    { SQLITE_LIMIT_SQL_LENGTH, 100000 },
    { SQLITE_LIMIT_COLUMN, 100 },
    { SQLITE_LIMIT_EXPR_DEPTH, 100 },
    { SQLITE_LIMIT_COMPOUND_SELECT, 10 },
    { SQLITE_LIMIT_VDBE_OP, 25000 },
    { SQLITE_LIMIT_FUNCTION_ARG, 16 },
    { SQLITE_LIMIT_ATTACHED, 0 },
    { SQLITE_LIMIT_TRIGGER_DEPTH, 4 },
    { SQLITE_LIMIT_VARIABLE_NUMBER, 4000 },
    { SQLITE_LIMIT_WORKER_THREADS, 0 },
    { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 500 },
};

/* What could not be opened is refused; what could not be written stays an
 * error of writing. */
static int open_error(struct casedb *c, struct err *err)
{
    if (c->vfs && c->vfs->refused)
        refuse(c, err, "", c->vfs->refused);
    else if (db_error(c, err, "opening") == ERR_INTERNAL && err)
        err->code = ERR_CASE;
    if (c->vfs && c->vfs->header.user_version > CASE_USER_VERSION)
        err_hint(err, "The case has format %u, this program reads up to %d.",
                 c->vfs->header.user_version, CASE_USER_VERSION);
    return err ? err->code : ERR_CASE;
}

static int exec(struct casedb *c, const char *sql, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL), r = 0;
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
        rc = SQLITE_OK;
    if (rc != SQLITE_DONE)
        r = c->verified ? db_error(c, err, "opening") : open_error(c, err);
    sqlite3_finalize(st);
    return r;
}

/* The answer says what became of it: a failure is no error to SQLite. */
static int to_wal(struct casedb *c, struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, "PRAGMA journal_mode=WAL", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    int r = db_step(c, st, err);
    bool wal = r > 0 && str_eq(db_col(st, 0), STR("wal"));
    sqlite3_reset(st);
    if (r < 0)
        return r;
    return wal ? 0 : refuse(c, err, "", "SQLite does not take the log form");
}

static int exec_all(struct casedb *c, const char *const *sql, struct err *err)
{
    int r = 0;
    for (; *sql && r == 0; sql++)
        r = exec(c, *sql, err);
    return r;
}

static int harden(struct casedb *c, struct err *err)
{
    static const char *const pragmas[] = {
        "PRAGMA cell_size_check=ON",
        "PRAGMA mmap_size=0",
        "PRAGMA temp_store=MEMORY",
        "PRAGMA recursive_triggers=ON",
        "PRAGMA synchronous=FULL",
        "PRAGMA wal_autocheckpoint=0",
        "PRAGMA cache_size=-32768", /* KiB */
        NULL,
    };
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++)
        if (sqlite3_db_config(c->db, configs[i].id, configs[i].value,
                              (int *)NULL) != SQLITE_OK)
            return err_set(err, ERR_INTERNAL,
                           "this SQLite lacks a protection (option %d)",
                           configs[i].id);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        sqlite3_limit(c->db, limits[i].id, limits[i].value);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    return exec_all(c, pragmas, err);
}

static int open_database(struct casedb *c, int flags, struct err *err)
{
    int rc = sqlite3_open_v2(c->vfs->names[VFS_DB], &c->db,
                             flags | SQLITE_OPEN_NOFOLLOW |
                                 SQLITE_OPEN_PRIVATECACHE |
                                 SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             c->vfs->name);
    if (!c->db)
        return err_set(err, ERR_INTERNAL, "out of memory");
    return rc == SQLITE_OK ? harden(c, err) : open_error(c, err);
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
        return refuse(c, err, "", "was exchanged while it was opened");
    return 0;
}

/* ---- the schema ---------------------------------------------------------- */

static const char schema_query[] =
    "SELECT type, name, tbl_name, sql FROM sqlite_schema"
    " ORDER BY type, name, tbl_name, sql";

/* NULL-safe. */
static bool same_text(sqlite3_stmt *a, sqlite3_stmt *b, int i)
{
    return sqlite3_column_type(a, i) == sqlite3_column_type(b, i) &&
           str_eq(db_col(a, i), db_col(b, i));
}

/* ra, rb: what stepping gave. 1 = equal row, 0 = both at the end. */
static int same_row(struct casedb *c, sqlite3_stmt *ours, int ra,
                    sqlite3_stmt *theirs, int rb, struct err *err)
{
    if (ra == SQLITE_DONE && rb == SQLITE_DONE)
        return 0;
    bool same = ra == SQLITE_ROW && rb == SQLITE_ROW;
    for (int i = 0; i < 4 && same; i++)
        same = same_text(ours, theirs, i);
    if (same)
        return 1;
    sqlite3_stmt *shown = rb == SQLITE_ROW ? theirs : ours;
    if (rb != SQLITE_ROW && rb != SQLITE_DONE)
        return open_error(c, err);
    err_set(err, ERR_CASE, "%s: its tables are not those of a case: %s %s",
            text_line(str_from(c->path)), text_line(db_col(shown, 0)),
            text_line(db_col(shown, 1)));
    return ERR_CASE;
}

static int compare_schema(struct casedb *c, sqlite3 *model, struct err *err)
{
    sqlite3_stmt *ours = NULL, *theirs = NULL;
    int r = 1;
    if (sqlite3_prepare_v2(model, schema_query, -1, &ours, NULL) != SQLITE_OK)
        r = err_set(err, ERR_INTERNAL, "the schema could not be built");
    else if (sqlite3_prepare_v2(c->db, schema_query, -1, &theirs, NULL) !=
             SQLITE_OK)
        r = open_error(c, err);
    while (r == 1) {
        int ra = sqlite3_step(ours), rb = sqlite3_step(theirs);
        r = same_row(c, ours, ra, theirs, rb, err);
    }
    sqlite3_finalize(ours);
    sqlite3_finalize(theirs);
    return r;
}

/* Against the text that this same SQLite keeps for our own statements, with
 * its automatic indexes. */
static int check_schema(struct casedb *c, struct err *err)
{
    struct casedb model = { .path = c->path, .lock_fd = -1 };
    int r = 0;
    if (sqlite3_open(":memory:", &model.db) != SQLITE_OK)
        r = err_set(err, ERR_INTERNAL, "the schema could not be built");
    if (r == 0)
        r = exec_all(&model, case_schema, err);
    if (r == 0)
        r = compare_schema(c, model.db, err);
    sqlite3_close(model.db);
    return r;
}

/* Again by SQL: a log may have replaced the page with the header. */
static int check_numbers(struct casedb *c, struct err *err)
{
    static const struct {
        const char *sql;
        int64_t want;
    } numbers[] = {
        { "PRAGMA application_id", CASE_APPLICATION_ID },
        { "PRAGMA user_version", CASE_USER_VERSION },
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int64_t v;
        sqlite3_stmt *st = db_prepare(c, numbers[i].sql, err);
        if (!st || db_integer(c, st, 0, &v, err))
            return open_error(c, err);
        if (v != numbers[i].want)
            return refuse(c, err, "", "not a case of this version");
    }
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

static void default_actor(struct casedb *c, struct str examiner)
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
        r = refuse(c, err, "", "has no number of its own (uuid)");
    if (r == 0) {
        memcpy(c->uuid, uuid.p, sizeof(c->uuid) - 1);
        default_actor(c, examiner);
    }
    arena_free(&a);
    return r;
}

/* ---- opening ------------------------------------------------------------- */

/* After the schema: triggers on, and the writer may move the log. */
static int trust(struct casedb *c, struct err *err)
{
    c->verified = true;
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, (int *)NULL);
    if (c->mode != CASE_WRITE)
        return 0;
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
    if (c->vfs->header.wal)
        return 0;
    /* A sealed copy is worked on again. The change is in the first sector of
     * the first page alone, so a journal in memory is enough, and no -journal
     * ever lies beside a case. */
    int r = exec(c, "PRAGMA journal_mode=MEMORY", err);
    return r ? r : to_wal(c, err);
}

static int open_flags(struct casedb *c, bool log)
{
    if (c->mode == CASE_WRITE) {
        sqlite3_hard_heap_limit64(0);
        return SQLITE_OPEN_READWRITE;
    }
    if (!c->own_reader) {
        /* The limit is one for the process: an import beside needs more. */
        sqlite3_hard_heap_limit64(READER_HEAP);
        c->vfs->immutable = !log;
    }
    return SQLITE_OPEN_READONLY;
}

static int open_checked(struct casedb *c, struct err *err)
{
    struct stat st;
    bool log;
    int r = check_case_file(c, &st, err);
    if (r == 0 && c->mode == CASE_WRITE)
        r = check_place(c, c->vfs->names[VFS_DB], err);
    if (r == 0)
        r = take_lock(c, err);
    if (r == 0)
        r = check_side_files(c, &log, err);
    if (r == 0 && log)
        r = check_place(c, c->vfs->names[VFS_DB], err);
    if (r == 0)
        r = open_database(c, open_flags(c, log), err);
    if (r == 0)
        r = check_same(c, &st, err);
    if (r == 0)
        r = check_schema(c, err);
    if (r == 0)
        r = check_numbers(c, err);
    if (r == 0)
        r = learn(c, err);
    return r == 0 ? trust(c, err) : r;
}

static struct casedb *new_handle(const char *path, const char *shown,
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
    struct casedb *c = new_handle(path, path, mode, err);
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
    sqlite3_close_v2(c->db);
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

/* ---- a new case ---------------------------------------------------------- */

static int random_uuid(char out[37], struct err *err)
{
    unsigned char b[16];
    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
        return err_errno(err, ERR_INTERNAL, "random numbers");
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    size_t at = 0;
    for (size_t i = 0; i < sizeof(b); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        at += (size_t)snprintf(out + at, 37 - at, "%02x", b[i]);
    }
    return 0;
}

static int put_meta(struct casedb *c, const char *name, struct str value,
                    struct err *err)
{
    if (!text_utf8_valid(value))
        return err_set(err, ERR_USAGE, "the case's %s is not valid UTF-8",
                       name);
    sqlite3_stmt *st = db_prepare(c, "INSERT INTO meta VALUES(?1, ?2)", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    db_bind_text(st, 1, str_from(name));
    db_bind_text(st, 2, value);
    return db_run(c, st, err);
}

static int put_info(struct casedb *c, const struct case_info *info,
                    struct err *err)
{
    char created[TIME_TEXT_MAX];
    struct instant now = info->created;
    if (now.s == 0 && now.ns == 0)
        now = time_now();
    size_t n = time_format(created, now, 6, 0);
    const struct {
        const char *name;
        struct str value;
    } rows[] = {
        { "uuid", { c->uuid, strlen(c->uuid) } },
        { "title", info->title },
        { "number", info->number },
        { "organization", info->organization },
        { "examiner", info->examiner },
        { "authority", info->authority },
        { "scope", info->scope },
        { "version", info->version },
        { "created", { created, n } },
    };
    int r = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && r == 0; i++)
        r = put_meta(c, rows[i].name, rows[i].value, err);
    return r;
}

/* Keys sorted, as the audit log wants them. */
static int audit_new(struct casedb *c, const struct case_info *info,
                     struct err *err)
{
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    json_put_open(&o, '{');
    json_put_kstr(&o, "authority", info->authority);
    json_put_kstr(&o, "examiner", info->examiner);
    json_put_ki64(&o, "format", CASE_USER_VERSION);
    json_put_kstr(&o, "number", info->number);
    json_put_kstr(&o, "organization", info->organization);
    json_put_kstr(&o, "scope", info->scope);
    json_put_kstr(&o, "title", info->title);
    json_put_kstr(&o, "version", info->version);
    json_put_close(&o, '}');
    int r = b.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                     : case_audit(c, STR("case.new"), str_from(c->uuid),
                                  buf_str(&b), err);
    buf_free(&b);
    return r;
}

static int fill(struct casedb *c, const struct case_info *info, struct err *err)
{
    int r = random_uuid(c->uuid, err);
    if (r == 0)
        r = db_begin(c, err);
    if (r)
        return r;
    r = exec_all(c, case_schema, err);
    if (r == 0)
        r = put_info(c, info, err);
    default_actor(c, info->examiner);
    if (r == 0)
        r = audit_new(c, info, err);
    if (r)
        db_rollback(c);
    else
        r = db_commit(c, err);
    return r ? r : db_checkpoint(c, true, err);
}

/* Page size and numbers before WAL: they are then in the file itself. */
static int make_database(struct casedb *c, const struct case_info *info,
                         struct err *err)
{
    _Static_assert(CASE_PAGE_SIZE == 4096, "the statement below says it too");
    _Static_assert(CASE_APPLICATION_ID == 1262571091 && CASE_USER_VERSION == 1,
                   "the statements below say them too");
    static const char *const start[] = {
        "PRAGMA page_size=4096",
        "PRAGMA application_id=1262571091",
        "PRAGMA user_version=1",
        NULL,
    };
    int r = open_database(c, SQLITE_OPEN_READWRITE, err);
    if (r)
        return r;
    c->verified = true;
    r = exec_all(c, start, err);
    if (r == 0)
        r = to_wal(c, err);
    if (r == 0) {
        c->vfs->header.wal = true;
        r = trust(c, err);
    }
    return r ? r : fill(c, info, err);
}

static void remove_all(const struct case_vfs *v)
{
    for (int i = VFS_DB; i <= VFS_JOURNAL; i++)
        unlink(v->names[i]);
}

static int sync_path(const char *path, int flags, struct err *err)
{
    int fd = open(path, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = 0;
    if (fd < 0 || fsync(fd) != 0)
        r = err_errno(err, ERR_WRITE, "%s: making it durable",
                      text_line(str_from(path)));
    if (fd >= 0)
        close(fd);
    return r;
}

static char *folder_of(const char *path)
{
    char *p = strdup(path);
    char *slash = p ? strrchr(p, '/') : NULL;
    if (slash)
        slash[slash == p ? 1 : 0] = 0;
    return p;
}

static int sync_folder(const char *path, struct err *err)
{
    char *folder = folder_of(path);
    if (!folder)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int r = sync_path(folder, O_DIRECTORY, err);
    free(folder);
    return r;
}

/* Durable under its final name, never over another file. */
static int publish(const char *from, const char *to, const char *shown,
                   struct err *err)
{
    int r = sync_path(from, 0, err);
    if (r)
        return r;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0 &&
        (errno != EINVAL || link(from, to) != 0 || unlink(from) != 0))
        return err_errno(err, errno == EEXIST ? ERR_USAGE : ERR_WRITE, "%s",
                         text_line(str_from(shown)));
    return sync_folder(to, err);
}

/* An empty file of ours, mode 0600 whatever the umask. */
static int make_empty(const char *path, const char *shown, struct err *err)
{
    int fd =
        open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600) != 0) {
        int r = err_errno(err, ERR_WRITE, "%s: making it",
                          text_line(str_from(shown)));
        if (fd >= 0)
            close(fd);
        return r;
    }
    close(fd);
    return 0;
}

/* None of the names of a new case may exist, as whatever: an old log beside a
 * new case would become part of it. */
static int check_free(const struct casedb *c, struct err *err)
{
    struct stat st;
    for (int i = VFS_DB; i <= VFS_JOURNAL; i++) {
        const char *name = c->vfs->names[i];
        if (lstat(name, &st) == 0)
            return err_set(err, ERR_USAGE, "%s%s: exists already",
                           text_line(str_from(c->path)),
                           name + strlen(c->vfs->names[VFS_DB]));
    }
    return 0;
}

/* Made as PATH.new and renamed when whole, so that neither a half case nor a
 * journal of ours is ever seen. The lock on PATH makes a left-over of that
 * name, from a killed run, nobody's. */
static int create_locked(struct casedb *c, const struct case_info *info,
                         struct err *err)
{
    char *temporary = sqlite3_mprintf("%s.new", c->vfs->names[VFS_DB]);
    struct casedb *t =
        temporary ? new_handle(temporary, c->path, CASE_WRITE, err) : NULL;
    int r = t ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    if (t) {
        t->vfs->creating = true;
        remove_all(t->vfs);
        r = make_empty(temporary, c->path, err);
        if (r == 0)
            r = make_database(t, info, err);
        if (r)
            remove_all(t->vfs);
        case_close(t);
    }
    if (r == 0)
        r = publish(temporary, c->vfs->names[VFS_DB], c->path, err);
    if (r && temporary)
        unlink(temporary);
    sqlite3_free(temporary);
    return r;
}

int case_create(const char *path, const struct case_info *info, struct err *err)
{
    struct err own = { 0 };
    if (!err)
        err = &own;
    struct casedb *c = new_handle(path, path, CASE_WRITE, err);
    if (!c)
        return err->code;
    char *folder = folder_of(c->vfs->names[VFS_DB]);
    int r = folder ? check_place(c, folder, err)
                   : err_set(err, ERR_INTERNAL, "out of memory");
    if (r == 0)
        r = check_free(c, err);
    if (r == 0)
        r = take_lock(c, err);
    if (r == 0)
        r = check_free(c, err);
    if (r == 0)
        r = create_locked(c, info, err);
    free(folder);
    case_close(c);
    return r;
}
