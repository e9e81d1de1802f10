/*
 * SQLite databases as bytes: tables of a file that is evidence, row by row,
 * each with its place. SQLite itself opens files by name, changes them, and
 * does not say where a row lies; this reads the documented file format and
 * nothing else. Damage costs the page it is on.
 */
#pragma once

#include "evidence/source.h"

enum {
    SQLITE_COLUMNS_MAX = 64, /* more are not given */
    SQLITE_NAME_MAX = 64,
};

enum sqlite_type {
    SQLITE_IS_NULL,
    SQLITE_IS_INTEGER,
    SQLITE_IS_REAL, /* its eight bytes, big endian */
    SQLITE_IS_TEXT,
    SQLITE_IS_BLOB,
};

struct sqlite_value {
    enum sqlite_type type;
    int64_t i;
    struct str s; /* until the next row */
};

struct sqlite_row {
    int64_t rowid;
    struct sqlite_value v[SQLITE_COLUMNS_MAX];
    size_t n;
    uint64_t off; /* of its cell; what does not fit lies in other pages */
    uint32_t len;
};

struct sqlite_table {
    uint32_t root;
    char columns[SQLITE_COLUMNS_MAX][SQLITE_NAME_MAX];
    size_t n;
    int rowid; /* the column that is the rowid, -1: none */
};

/* What could not be read. */
struct sqlite_damage {
    uint64_t n;   /* pages and rows */
    uint64_t off; /* of the first */
    const char *what;
};

struct sqlite_file;

bool sqlite_file_is(struct str head);
/* NULL: not a database, or one that is not read (err says why). src is
 * borrowed. */
struct sqlite_file *sqlite_file_open(struct source *src, struct err *err);
void sqlite_file_close(struct sqlite_file *f); /* NULL is fine */
/* Was it written in WAL mode? Then changes may lie in a file beside it. */
bool sqlite_file_wal(const struct sqlite_file *f);
/* 1 found, 0 no such table, negative: no memory. */
int sqlite_file_table(struct sqlite_file *f, const char *name,
                      struct sqlite_table *out, struct err *err) CHECKED;
/* Index of a column by its name, -1: none. */
int sqlite_column(const struct sqlite_table *t, const char *name);
/* All rows in the order of rowids. Nonzero from fn stops and is returned. */
int sqlite_file_rows(struct sqlite_file *f, const struct sqlite_table *t,
                     int (*fn)(void *ctx, const struct sqlite_row *r),
                     void *ctx, struct err *err) CHECKED;
const struct sqlite_damage *sqlite_file_damage(const struct sqlite_file *f);

/* Values of a row by column index; -1 or too many: nothing. */
int64_t sqlite_int(const struct sqlite_row *r, int column);
struct str sqlite_text(const struct sqlite_row *r, int column);
bool sqlite_null(const struct sqlite_row *r, int column);
