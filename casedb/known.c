#include "casedb/known.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "casedb/db.h"

enum { LENGTHS = 3, TICK_ROWS = 4096 };
static const size_t lengths[LENGTHS] = { 16, 20, 32 };

struct item {
    unsigned char hash[32];
    int64_t file;
    bool met;
};

struct known_match {
    struct casedb *c;
    struct item *items[LENGTHS]; /* sorted by hash */
    size_t n[LENGTHS], cap[LENGTHS];
    uint64_t listed;
};

/* ---- the digests of the case --------------------------------------------- */

static int by_hash(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int c = memcmp(x->hash, y->hash, sizeof(x->hash));
    return c ? c : x->file < y->file ? -1 : x->file > y->file;
}

static bool keep(struct known_match *m, size_t i, struct str hash, int64_t file)
{
    if (hash.n != lengths[i])
        return true;
    if (m->n[i] == m->cap[i]) {
        size_t cap = m->cap[i] ? m->cap[i] * 2 : 1024;
        struct item *p = realloc(m->items[i], cap * sizeof(*p));
        if (!p)
            return false;
        m->items[i] = p;
        m->cap[i] = cap;
    }
    struct item *t = &m->items[i][m->n[i]++];
    *t = (struct item){ .file = file };
    memcpy(t->hash, hash.p, hash.n);
    return true;
}

static int load(struct known_match *m, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        m->c, "SELECT id, md5, sha1, sha256 FROM file ORDER BY id", err);
    if (!st)
        return err->code;
    bool ok = true;
    int rc;
    while (ok && (rc = db_step(m->c, st, err)) == 1)
        for (size_t i = 0; i < LENGTHS && ok; i++)
            ok =
                keep(m, i, db_col(st, (int)i + 1), sqlite3_column_int64(st, 0));
    sqlite3_reset(st);
    for (size_t i = 0; i < LENGTHS; i++)
        if (m->n[i])
            qsort(m->items[i], m->n[i], sizeof(struct item), by_hash);
    return ok ? rc : err_set(err, ERR_INTERNAL, "out of memory");
}

int known_open(struct casedb *c, struct known_match **out, struct err *err)
{
    struct known_match *m = calloc(1, sizeof(*m));
    if (!m)
        return err_set(err, ERR_INTERNAL, "out of memory");
    m->c = c;
    int rc = load(m, err);
    if (rc) {
        known_close(m);
        return rc;
    }
    *out = m;
    return 0;
}

void known_close(struct known_match *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < LENGTHS; i++)
        free(m->items[i]);
    free(m);
}

size_t known_digests(const struct known_match *m, size_t n)
{
    for (size_t i = 0; i < LENGTHS; i++)
        if (lengths[i] == n)
            return m->n[i];
    return 0;
}

/* ---- lists --------------------------------------------------------------- */

static void meet(struct known_match *m, size_t i, const unsigned char *hash)
{
    struct item *v = m->items[i];
    size_t lo = 0, hi = m->n[i];
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (memcmp(v[mid].hash, hash, lengths[i]) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < m->n[i] && memcmp(v[lo].hash, hash, lengths[i]) == 0; lo++)
        v[lo].met = true;
}

void known_add(struct known_match *m, const unsigned char *hash, size_t n)
{
    m->listed++;
    for (size_t i = 0; i < LENGTHS; i++)
        if (lengths[i] == n)
            meet(m, i, hash);
}

/* ---- NSRL ---------------------------------------------------------------- */

struct nsrl {
    sqlite3 *db;
    const char *path;
    int (*tick)(void *);
    void *ctx;
};

static int nsrl_failed(struct nsrl *s, struct err *err)
{
    if (sqlite3_errcode(s->db) == SQLITE_INTERRUPT)
        return err_set(err, ERR_STOPPED, "interrupted");
    return err_set(err, ERR_EVIDENCE, "%s: %s", text_line(str_from(s->path)),
                   text_line(str_from(sqlite3_errmsg(s->db))));
}

/* Foreign and large: read-only, no functions of its schema, no memory map. */
static int nsrl_open(struct nsrl *s, struct err *err)
{
    int rc = sqlite3_open_v2(s->path, &s->db,
                             SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW |
                                 SQLITE_OPEN_PRIVATECACHE,
                             NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (rc != SQLITE_OK)
        return err_set(err, ERR_EVIDENCE, "%s: %s",
                       text_line(str_from(s->path)), sqlite3_errstr(rc));
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, 1 << 20);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    if (s->tick)
        sqlite3_progress_handler(s->db, 100000, s->tick, s->ctx);
    return 0;
}

static sqlite3_stmt *nsrl_prepare(struct nsrl *s, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
        return NULL;
    return st;
}

/* All rows: one pass, whatever the database has an index on. */
static int nsrl_scan(struct known_match *m, struct nsrl *s, sqlite3_stmt *st,
                     struct err *err)
{
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        unsigned char hash[32];
        struct str hex = { (const char *)sqlite3_column_text(st, 0),
                           (size_t)sqlite3_column_bytes(st, 0) };
        if (hex.p && hex.n == 64 && hash_from_hex(hex, hash, 32))
            known_add(m, hash, 32);
    }
    return rc == SQLITE_DONE ? 0 : nsrl_failed(s, err);
}

/* With an index on sha256: each digest of the case is asked for. */
static int nsrl_lookup(struct known_match *m, struct nsrl *s, sqlite3_stmt *st,
                       struct err *err)
{
    static const char digits[] = "0123456789ABCDEF";
    struct item *v = m->items[2];
    int rc = SQLITE_DONE;
    bool met = false;
    for (size_t i = 0; i < m->n[2]; i++) {
        char hex[64];
        if (i && memcmp(v[i].hash, v[i - 1].hash, 32) == 0) {
            v[i].met |= met;
            continue;
        }
        for (size_t k = 0; k < 32; k++) {
            hex[2 * k] = digits[v[i].hash[k] >> 4];
            hex[2 * k + 1] = digits[v[i].hash[k] & 15];
        }
        sqlite3_bind_text(st, 1, hex, 64, SQLITE_STATIC);
        rc = sqlite3_step(st);
        sqlite3_reset(st);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            return nsrl_failed(s, err);
        met = rc == SQLITE_ROW;
        v[i].met |= met;
    }
    return 0;
}

static bool has_index(struct nsrl *s, const char *explain)
{
    sqlite3_stmt *st = nsrl_prepare(s, explain);
    bool found = st != NULL;
    while (st && sqlite3_step(st) == SQLITE_ROW) {
        const char *plan = (const char *)sqlite3_column_text(st, 3);
        found &= plan && strncmp(plan, "SCAN", 4) != 0;
    }
    sqlite3_finalize(st);
    return found;
}

static const struct {
    const char *scan, *lookup, *explain, *count;
} nsrl_tables[] = {
    { "SELECT sha256 FROM FILE", "SELECT 1 FROM FILE WHERE sha256=?1 LIMIT 1",
      "EXPLAIN QUERY PLAN SELECT 1 FROM FILE WHERE sha256=?1 LIMIT 1",
      "SELECT count(*) FROM FILE" },
    { "SELECT sha256 FROM METADATA",
      "SELECT 1 FROM METADATA WHERE sha256=?1 LIMIT 1",
      "EXPLAIN QUERY PLAN SELECT 1 FROM METADATA WHERE sha256=?1 LIMIT 1",
      "SELECT count(*) FROM METADATA" },
};

static int nsrl_read(struct known_match *m, struct nsrl *s, struct err *err)
{
    for (size_t i = 0; i < sizeof(nsrl_tables) / sizeof(*nsrl_tables); i++) {
        bool index = has_index(s, nsrl_tables[i].explain);
        sqlite3_stmt *st = nsrl_prepare(s, index ? nsrl_tables[i].lookup
                                                 : nsrl_tables[i].scan);
        if (!st)
            continue;
        int rc = index ? nsrl_lookup(m, s, st, err) : nsrl_scan(m, s, st, err);
        sqlite3_finalize(st);
        st = rc == 0 && index ? nsrl_prepare(s, nsrl_tables[i].count) : NULL;
        if (st && sqlite3_step(st) == SQLITE_ROW)
            m->listed += (uint64_t)sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
        return rc;
    }
    return err_set(err, ERR_EVIDENCE,
                   "%s: no table FILE or METADATA with a column sha256",
                   text_line(str_from(s->path)));
}

int known_add_nsrl(struct known_match *m, const char *path, int (*tick)(void *),
                   void *ctx, struct err *err)
{
    struct nsrl s = { NULL, path, tick, ctx };
    int rc = nsrl_open(&s, err);
    if (rc == 0)
        rc = nsrl_read(m, &s, err);
    sqlite3_close(s.db);
    return rc;
}

/* ---- what came of it ----------------------------------------------------- */

static int insert_list(struct casedb *c, struct known_list *l, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO hash_list(class, name, form, sha256, n, n_files, at_s,"
        " author) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, l->class);
    db_bind_str(st, 2, l->name);
    db_bind_text(st, 3, l->form);
    db_bind_str(st, 4, l->sha256);
    sqlite3_bind_int64(st, 5, (int64_t)l->n);
    sqlite3_bind_int64(st, 6, (int64_t)l->n_files);
    sqlite3_bind_int64(st, 7, l->at.s);
    db_bind_text(st, 8, l->author);
    int rc = db_run(c, st, err);
    if (rc == 0)
        l->id = sqlite3_last_insert_rowid(c->db);
    return rc;
}

static int mark_files(struct known_match *m, const struct known_list *l,
                      struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(m->c,
                   "INSERT INTO known(file, class, list) VALUES(?1,?2,?3)"
                   " ON CONFLICT(file) DO UPDATE SET class=excluded.class,"
                   " list=excluded.list WHERE excluded.class>=class",
                   err);
    int rc = st ? 0 : err->code;
    for (size_t i = 0; i < LENGTHS; i++)
        for (size_t k = 0; k < m->n[i] && rc == 0; k++) {
            if (!m->items[i][k].met)
                continue;
            sqlite3_bind_int64(st, 1, m->items[i][k].file);
            sqlite3_bind_int64(st, 2, l->class);
            sqlite3_bind_int64(st, 3, l->id);
            rc = db_run(m->c, st, err);
        }
    return rc;
}

/* Files met, each once, though several digests of it may be listed. */
static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t count_files(const struct known_match *m)
{
    size_t all = m->n[0] + m->n[1] + m->n[2], n = 0;
    uint64_t files = 0;
    int64_t *v = malloc((all + 1) * sizeof(*v));
    for (size_t i = 0; v && i < LENGTHS; i++)
        for (size_t k = 0; k < m->n[i]; k++)
            if (m->items[i][k].met)
                v[n++] = m->items[i][k].file;
    if (n)
        qsort(v, n, sizeof(*v), by_number);
    for (size_t i = 0; i < n; i++)
        files += i == 0 || v[i] != v[i - 1];
    free(v);
    return files;
}

static int audit_list(struct casedb *c, const struct known_list *l,
                      struct err *err)
{
    struct buf b = { 0 }, hex = { 0 };
    struct json_out o = { .b = &b };
    buf_put_hex(&hex, l->sha256.p, l->sha256.n);
    json_put_open(&o, '{'); /* keys sorted */
    json_put_kstr(&o, "class",
                  l->class == KNOWN_GOOD ? STR("known") : STR("notable"));
    json_put_ki64(&o, "files", (int64_t)l->n_files);
    json_put_ki64(&o, "listed", (int64_t)l->n);
    json_put_kstr(&o, "name", l->name);
    json_put_kstr(&o, "sha256", buf_str(&hex));
    json_put_close(&o, '}');
    int rc =
        b.failed || hex.failed
            ? err_set(err, ERR_INTERNAL, "out of memory")
            : case_audit(c, STR("known"), STR("hash list"), buf_str(&b), err);
    buf_free(&b);
    buf_free(&hex);
    return rc;
}

int known_commit(struct known_match *m, struct known_list *l, struct err *err)
{
    l->n = m->listed;
    l->n_files = count_files(m);
    l->at = time_now();
    l->author = str_from(m->c->actor);
    int rc = db_begin(m->c, err);
    if (rc)
        return rc;
    rc = insert_list(m->c, l, err);
    if (rc == 0)
        rc = mark_files(m, l, err);
    if (rc == 0)
        rc = audit_list(m->c, l, err);
    if (rc == 0)
        return db_commit(m->c, err);
    db_rollback(m->c);
    return rc;
}

int known_clear(struct casedb *c, struct err *err)
{
    int rc = db_begin(c, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = db_prepare(c, "DELETE FROM known", err);
    rc = st ? db_run(c, st, err) : err->code;
    if (rc == 0)
        rc = case_audit(c, STR("known"), STR("forgotten"), STR("{}"), err);
    if (rc == 0)
        return db_commit(c, err);
    db_rollback(c);
    return rc;
}

int known_lists(struct casedb *c, int (*fn)(void *, const struct known_list *),
                void *ctx, struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c,
                   "SELECT id, class, name, form, sha256, n, n_files, at_s,"
                   " author FROM hash_list ORDER BY id",
                   err);
    if (!st)
        return err->code;
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        struct known_list l = {
            .id = sqlite3_column_int64(st, 0),
            .class = (uint8_t)sqlite3_column_int(st, 1),
            .name = db_col(st, 2),
            .form = db_col(st, 3),
            .sha256 = db_col(st, 4),
            .n = (uint64_t)sqlite3_column_int64(st, 5),
            .n_files = (uint64_t)sqlite3_column_int64(st, 6),
            .at = { sqlite3_column_int64(st, 7), 0 },
            .author = db_col(st, 8),
        };
        rc = fn(ctx, &l);
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}

int known_spans(struct casedb *c, unsigned classes,
                int (*fn)(void *, int64_t, int64_t), void *ctx, struct err *err)
{
    /* one event a time; of a row on disk those that the other view told are
     * missing, so they end where the next file's begin */
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT first, least FROM (SELECT file.id AS id, file.first_event AS"
        " first, min(file.first_event+(m_s IS NOT NULL)+(a_s IS NOT NULL)+"
        "(c_s IS NOT NULL)+(b_s IS NOT NULL)+(d_s IS NOT NULL), "
        "ifnull(lead(file.first_event) OVER"
        " (PARTITION BY member ORDER BY file.id), member.first_event+n_events))"
        "-1 AS least FROM file JOIN member ON member.id=file.member) f"
        " LEFT JOIN known ON known.file=f.id"
        " WHERE ?1 >> ifnull(class,0) & 1 AND least>=first ORDER BY first",
        err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, classes);
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        rc = fn(ctx, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1));
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}
