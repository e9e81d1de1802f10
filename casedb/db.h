/*
 * Private to casedb/: the handle, cached statements, transactions. The only
 * place that sees sqlite3.h besides the folder's own .c files.
 */
#pragma once

#include "casedb/casedb.h"
#include "base/hash.h"

#include <sqlite3.h>

enum { DB_STATEMENTS = 128 };

struct db_statement {
    const char *sql; /* key: the literal's address, then its text */
    sqlite3_stmt *st;
};

struct case_cache; /* query.c: entity values, batches */

struct casedb {
    sqlite3 *db;
    char *path;
    enum case_mode mode;
    int lock_fd; /* -1 when reading */
    char uuid[37];
    char actor[128];
    int depth; /* of db_begin */
    struct db_statement statements[DB_STATEMENTS];
    size_t n_statements;
    struct case_cache *cache;
};

/* A prepared, reset, unbound statement for a constant SQL text; owned by the
 * handle. NULL and err filled on failure. */
sqlite3_stmt *db_prepare(struct casedb *c, const char *sql, struct err *err);
/* err from SQLite's state: SQLITE_FULL, IOERR -> ERR_WRITE; CORRUPT, NOTADB,
 * BUSY -> ERR_CASE; INTERRUPT -> ERR_STOPPED; else ERR_INTERNAL. */
int db_error(struct casedb *c, struct err *err, const char *doing);

void db_bind_str(sqlite3_stmt *st, int i, struct str s);  /* BLOB */
void db_bind_text(sqlite3_stmt *st, int i, struct str s); /* TEXT */
/* TEXT when valid UTF-8 without NUL, else BLOB */
void db_bind_any(sqlite3_stmt *st, int i, struct str s);
struct str db_col(sqlite3_stmt *st, int i); /* borrowed until step/reset */

/* Steps once: SQLITE_ROW -> 1, SQLITE_DONE -> 0, else <0 with err. Resets on
 * anything but a row. */
int db_step(struct casedb *c, sqlite3_stmt *st, struct err *err);
/* Step that must be DONE. */
int db_run(struct casedb *c, sqlite3_stmt *st, struct err *err) CHECKED;

/* Nested calls join the outer transaction. BEGIN IMMEDIATE. */
int db_begin(struct casedb *c, struct err *err) CHECKED;
int db_commit(struct casedb *c, struct err *err) CHECKED;
void db_rollback(struct casedb *c);

void case_cache_drop(struct casedb *c); /* query.c */
