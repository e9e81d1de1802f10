/*
 * One connection to a case: the switches of reliability.md 4.1 and 4.2, and
 * the comparison of the schema before anything else is read.
 */
#include "casedb/connection.h"

#include "base/text.h"
#include "casedb/schema.h"
#include "casedb/vfs.h"

#include <stdlib.h>
#include <sys/vfs.h>

enum { BUSY_MS = 5000 };

int connection_refuse(const struct casedb *c, struct err *err,
                      const char *suffix, const char *why)
{
    return err_set(err, ERR_CASE, "%s%s: %s", text_line(str_from(c->path)),
                   suffix, why);
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

int connection_place(const struct casedb *c, const char *at, struct err *err)
{
    const char *allow = getenv("KANSHIKI_ALLOW_NETWORK_FS");
    if (!is_network(at) || (allow && strcmp(allow, "1") == 0))
        return 0;
    connection_refuse(c, err, "",
                      "is on a network or FUSE file system, which does not "
                      "keep the promises a case needs");
    err_hint(err, "Use a local disk. KANSHIKI_ALLOW_NETWORK_FS=1 goes on all "
                  "the same.");
    return ERR_CASE;
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
     * case is known to be ours; see connection_trust(). */
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
    if (c->vfs->refused)
        connection_refuse(c, err, "", c->vfs->refused);
    else if (db_error(c, err, "opening") == ERR_INTERNAL && err)
        err->code = ERR_CASE;
    if (c->mode == CASE_READ && !c->own_reader && !c->vfs->immutable)
        err_hint(err, "Its last program was ended before it closed the case. "
                      "On a read-only medium: copy the case and its -wal "
                      "file to a folder that can be written.");
    if (c->vfs->header.user_version > CASE_USER_VERSION)
        err_hint(err, "The case has format %u, this program reads up to %d.",
                 c->vfs->header.user_version, CASE_USER_VERSION);
    if (c->vfs->header.user_version &&
        c->vfs->header.user_version < CASE_USER_VERSION)
        err_hint(err,
                 "The case has format %u, this program reads %d only: "
                 "import the evidence again, or use the older program.",
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
        r = c->verified ? db_error(c, err, "preparing it") : open_error(c, err);
    sqlite3_finalize(st);
    return r;
}

/* The answer says what became of it: a failure is no error to SQLite. */
int connection_to_wal(struct casedb *c, struct err *err)
{
    sqlite3_stmt *st = db_prepare(c, "PRAGMA journal_mode=WAL", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    int r = db_step(c, st, err);
    bool wal = r > 0 && str_eq(db_col(st, 0), STR("wal"));
    sqlite3_reset(st);
    if (r < 0)
        return r;
    return wal ? 0
               : connection_refuse(c, err, "",
                                   "SQLite does not take the log form");
}

int connection_run(struct casedb *c, const char *const *sql, struct err *err)
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
    return connection_run(c, pragmas, err);
}

int connection_open(struct casedb *c, int flags, struct err *err)
{
    int rc =
        sqlite3_open_v2(c->vfs->names[VFS_DB], &c->db,
                        flags | SQLITE_OPEN_NOFOLLOW |
                            SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                        c->vfs->name);
    if (!c->db)
        return err_set(err, ERR_INTERNAL, "out of memory");
    return rc == SQLITE_OK ? harden(c, err) : open_error(c, err);
}

/* ---- the schema ---------------------------------------------------------- */

/* What SQLite's schema table says of one of our statements. No table of ours
 * has an automatic index, which would be a row without a statement. */
struct object {
    struct str type, name, table, sql;
};

static struct str word(struct str *s)
{
    size_t n = 0;
    while (n < s->n && s->p[n] != ' ' && s->p[n] != '(')
        n++;
    struct str w = str_sub(*s, 0, n);
    *s = str_sub(*s, n + 1, s->n);
    return w;
}

static struct object object_of(const char *sql)
{
    struct object o = { .sql = str_from(sql) };
    struct str rest = o.sql;
    word(&rest); /* CREATE */
    o.type = word(&rest);
    o.name = word(&rest);
    o.table = o.name;
    if (!str_eq(o.type, STR("TABLE"))) {
        rest = str_sub(rest, str_find(rest, STR("ON ")) + 3, rest.n);
        o.table = word(&rest);
    }
    return o;
}

static int by_sql(const void *a, const void *b)
{
    const struct object *x = a, *y = b;
    return str_cmp(x->sql, y->sql);
}

static bool is_object(const struct object *o, sqlite3_stmt *st)
{
    return str_ieq(o->type, db_col(st, 0)) && str_eq(o->name, db_col(st, 1)) &&
           str_eq(o->table, db_col(st, 2)) && str_eq(o->sql, db_col(st, 3));
}

static int other_schema(struct casedb *c, struct err *err, struct str type,
                        struct str name)
{
    return err_set(err, ERR_CASE,
                   "%s: its tables are not those of a case: "
                   "%s %s",
                   text_line(str_from(c->path)), text_line(type),
                   text_line(name));
}

static int compare_schema(struct casedb *c, const struct object *ours, size_t n,
                          struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY sql",
        err);
    if (!st)
        return open_error(c, err);
    size_t i = 0;
    int r;
    while ((r = db_step(c, st, err)) > 0) {
        if (i == n || !is_object(&ours[i], st)) {
            r = other_schema(c, err, db_col(st, 0), db_col(st, 1));
            break;
        }
        i++;
    }
    sqlite3_reset(st);
    if (r == 0 && i < n)
        r = other_schema(c, err, ours[i].type, ours[i].name);
    return r;
}

static int check_schema(struct casedb *c, struct err *err)
{
    size_t n = 0;
    while (case_schema[n])
        n++;
    struct object *ours = calloc(n, sizeof(*ours));
    if (!ours)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < n; i++)
        ours[i] = object_of(case_schema[i]);
    qsort(ours, n, sizeof(*ours), by_sql);
    int r = compare_schema(c, ours, n, err);
    free(ours);
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
            return connection_refuse(c, err, "", "not a case of this version");
    }
    return 0;
}

int connection_check(struct casedb *c, struct err *err)
{
    int r = check_schema(c, err);
    return r ? r : check_numbers(c, err);
}

/* From here on no statement of ours changes the schema or reaches for another
 * file; one that would is a mistake, or not ours. Temporary tables and the
 * copy for sealing are allowed. */
static int authorize(void *ctx, int action, const char *one, const char *two,
                     const char *database, const char *trigger)
{
    const struct casedb *c = ctx;
    (void)one;
    (void)two;
    (void)trigger;
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
        return c->vfs->names[VFS_COPY] ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_ALTER_TABLE:
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_VTABLE:
        if (database && strcmp(database, "main") != 0)
            return SQLITE_OK;
        return c->vfs->creating ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_OK;
    }
}

static int note_log(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct casedb *c = ctx;
    (void)db;
    (void)name;
    c->log_pages = pages;
    return SQLITE_OK;
}

int connection_trust(struct casedb *c, struct err *err)
{
    c->verified = true;
    sqlite3_set_authorizer(c->db, authorize, c);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, (int *)NULL);
    if (c->mode != CASE_WRITE)
        return 0;
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
    sqlite3_wal_hook(c->db, note_log, c);
    if (c->vfs->header.wal)
        return 0;
    /* A sealed copy is worked on again. The change is in the first sector of
     * the first page alone, so a journal in memory is enough, and no -journal
     * ever lies beside a case. */
    int r = exec(c, "PRAGMA journal_mode=MEMORY", err);
    return r ? r : connection_to_wal(c, err);
}
