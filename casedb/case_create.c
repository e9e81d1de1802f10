/*
 * A new case. It is made under a temporary name and renamed when it is whole
 * and durable, so that neither a half case nor a rollback journal of ours is
 * ever seen beside a case.
 */
#include "casedb/connection.h"

#include "base/json.h"
#include "base/text.h"
#include "casedb/publish.h"
#include "casedb/schema.h"
#include "casedb/vfs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

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
    r = connection_run(c, case_schema, err);
    if (r == 0)
        r = put_info(c, info, err);
    connection_actor(c, info->examiner);
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
    _Static_assert(CASE_PAGE_SIZE == 8192, "the statement below says it too");
    _Static_assert(CASE_APPLICATION_ID == 1262571091 && CASE_USER_VERSION == 3,
                   "the statements below say them too");
    static const char *const start[] = {
        "PRAGMA page_size=8192",
        "PRAGMA application_id=1262571091",
        "PRAGMA user_version=3",
        NULL,
    };
    int r = connection_open(c, SQLITE_OPEN_READWRITE, err);
    if (r)
        return r;
    c->verified = true;
    r = connection_run(c, start, err);
    if (r == 0)
        r = connection_to_wal(c, err);
    if (r == 0) {
        c->vfs->header.wal = true;
        r = connection_trust(c, err);
    }
    return r ? r : fill(c, info, err);
}

/* With its side files; keep: only those. They are empty when the case is
 * whole, but SQLite does not report that it could not delete them. */
static void remove_all(const char *path, bool keep)
{
    static const char suffixes[][9] = { "-wal", "-shm", "-journal", "" };
    char name[PATH_MAX];
    for (int i = 0; i < (keep ? 3 : 4); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
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
    if (!temporary)
        return err_set(err, ERR_INTERNAL, "out of memory");
    struct casedb *t = connection_handle(temporary, c->path, CASE_WRITE, err);
    int r = t ? 0 : err->code;
    if (t) {
        t->vfs->creating = true;
        remove_all(temporary, false);
        r = make_empty(temporary, c->path, err);
        if (r == 0)
            r = make_database(t, info, err);
        case_close(t);
    }
    if (r == 0)
        r = publish(temporary, c->vfs->names[VFS_DB], c->path, err);
    remove_all(temporary, r == 0);
    sqlite3_free(temporary);
    return r;
}

int case_create(const char *path, const struct case_info *info, struct err *err)
{
    struct err own = { 0 };
    if (!err)
        err = &own;
    struct casedb *c = connection_handle(path, path, CASE_WRITE, err);
    if (!c)
        return err->code;
    char *folder = folder_of(c->vfs->names[VFS_DB]);
    int r = folder ? connection_place(c, folder, err)
                   : err_set(err, ERR_INTERNAL, "out of memory");
    if (r == 0)
        r = check_free(c, err);
    if (r == 0)
        r = connection_lock(c, err);
    if (r == 0)
        r = check_free(c, err);
    if (r == 0)
        r = create_locked(c, info, err);
    free(folder);
    case_close(c);
    return r;
}
