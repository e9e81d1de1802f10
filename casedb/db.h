/*
 * Private to casedb/: the handle, cached statements, transactions. The only
 * place that sees sqlite3.h besides the folder's own .c files.
 */
#pragma once

#include "casedb/casedb.h"
#include "base/hash.h"

#include <sqlite3.h>

struct db_statement {
    const char *sql; /* key: the literal's address */
    sqlite3_stmt *st;
};

struct case_cache; /* query.c: entity values, batches */
struct case_vfs;   /* vfs.h */

struct casedb {
    sqlite3 *db;
    struct case_vfs *vfs;
    char *path; /* as given, for messages */
    enum case_mode mode;
    int lock_fd;      /* of PATH.lock; -1 when this handle holds no lock */
    bool own_reader;  /* beside the writer of this same process */
    bool made_wal;    /* SQLite made -wal, -shm during this open: they go */
    bool made_shm;    /* again when the case is refused or only read */
    bool verified;    /* header and schema are ours */
    bool sync_failed; /* no more writing by this handle, see db_begin */
    char uuid[37];
    char actor[128];
    int depth;     /* of db_begin */
    bool doomed;   /* an inner step rolled back, so the whole will */
    int log_pages; /* in the log since the last commit told */
    struct db_statement *statements;
    size_t n_statements, cap_statements;
    struct case_cache *cache;
};

/* A prepared, reset, unbound statement for a constant SQL text; owned by the
 * handle. A text whose statement is being stepped by a caller further up gets
 * a second statement, so callbacks may ask the same again; loops that end
 * before DONE must sqlite3_reset. NULL and err filled on failure. */
sqlite3_stmt *db_prepare(struct casedb *c, const char *sql, struct err *err);
/* err from SQLite's state: SQLITE_FULL, IOERR -> ERR_WRITE; CORRUPT, NOTADB,
 * BUSY, READONLY -> ERR_CASE; INTERRUPT -> ERR_STOPPED; else ERR_INTERNAL. To
 * be called before the next SQLite call. */
int db_error(struct casedb *c, struct err *err, const char *doing);

/* Bound bytes are not copied: they stay valid until the statement has been
 * stepped. */
void db_bind_str(sqlite3_stmt *st, int i, struct str s);  /* BLOB */
void db_bind_text(sqlite3_stmt *st, int i, struct str s); /* TEXT */
/* TEXT when valid UTF-8 without NUL, else BLOB */
void db_bind_any(sqlite3_stmt *st, int i, struct str s);
struct str db_col(sqlite3_stmt *st, int i); /* borrowed until step/reset */

/* Steps once: SQLITE_ROW -> 1, SQLITE_DONE -> 0, else <0 with err. Resets on
 * anything but a row. */
int db_step(struct casedb *c, sqlite3_stmt *st, struct err *err);
/* The next row for a loop whose body puts into *r what its callback returned:
 *     int r = 0;
 *     while (db_next(c, st, &r, err))
 *         r = fn(ctx, sqlite3_column_int64(st, 0));
 *     return r;
 * Ends, with the statement reset, after the last row, an error, or a nonzero
 * *r. A statement of NULL, whose err is filled, ends it at once. */
bool db_next(struct casedb *c, sqlite3_stmt *st, int *r, struct err *err);
/* Step that must be DONE. */
int db_run(struct casedb *c, sqlite3_stmt *st, struct err *err) CHECKED;
/* One integer of one row; `none` when there is no row or it is NULL. */
int db_integer(struct casedb *c, sqlite3_stmt *st, int64_t none, int64_t *out,
               struct err *err) CHECKED;

/*
 * Nested calls join the outer transaction. BEGIN IMMEDIATE on the writer; on
 * a reader a plain BEGIN, which is one unchanging view of the case.
 *
 * After any failed commit the handle is rolled back and stays usable. Only a
 * failed fsync ends writing: the kernel may have dropped the pages, a second
 * fsync would then report success for data that is gone (reliability 4.3), so
 * the case has to be closed and opened again. db_rollback is harmless when
 * nothing is open. An inner rollback dooms the whole; the outer commit fails.
 */
int db_begin(struct casedb *c, struct err *err) CHECKED;
int db_commit(struct casedb *c, struct err *err) CHECKED;
void db_rollback(struct casedb *c);

/* Bulk import: synchronous=NORMAL, which may lose the last batches (never
 * their order, never half of one) on power loss. Off: FULL again, and what
 * the bulk wrote is made durable. Foreign keys are not looked up meanwhile: the
 * intake gives the numbers that its rows refer to; `verify` looks them all up.
 * Not within a transaction. */
int case_bulk(struct casedb *c, bool on, struct err *err) CHECKED;
/* Moves the log into the case. Besides the calls of this there are only those
 * of db_commit, when the log has grown long; wal_autocheckpoint is 0, so no
 * reader ever does it, and no failure goes unseen (reliability 4.3).
 * Readers that still need the log are no error: the rest is done next time.
 * truncate waits for them a moment and empties the log. */
int db_checkpoint(struct casedb *c, bool truncate, struct err *err) CHECKED;

/* SHA-256("kanshiki-audit-v1" LF uuid): what the first audit row follows. */
void audit_genesis(const char *uuid, unsigned char out[SHA256_LEN]);

/* SQLite's integrity check: every page, index, reference to a page. */
int case_check_pages(struct casedb *c, struct err *err) CHECKED;

void case_cache_drop(struct casedb *c); /* query.c */

/* The owner of the index tables: index tables against the rows; part of
 * case_verify. */
int case_verify_index(struct casedb *c, struct err *err) CHECKED;
