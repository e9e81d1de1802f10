/*
 * Output of lists in the three formats of the command line: table (for
 * people, columns padded by width, clipped to the terminal), csv (RFC 4180,
 * safe for spreadsheets unless raw) and jsonl (lossless, one object a line).
 * Every value passes the text layer. Rows are streamed except for `table`,
 * which looks at the first 200 rows to choose widths.
 */
#pragma once

#include "base/err.h"

enum table_format { TABLE_TEXT, TABLE_CSV, TABLE_CSV_RAW, TABLE_JSONL };

struct table_column {
    const char *name;  /* jsonl key, csv header */
    const char *title; /* table header */
    bool right;        /* numbers: aligned right; a text that is a JSON
                          number has no quotes in jsonl */
    uint8_t max;       /* widest in the table form, 0 = takes what is left */
};

struct table;
/* fd is written directly and not closed; width is that of the terminal, 0 =
 * not limited: then no cell is cut, `max` only limits the padding. `columns`
 * is borrowed until table_close. NULL when out of memory. TABLE_CSV begins
 * with a byte order mark, as spreadsheets want. */
struct table *table_open(int fd, enum table_format f,
                         const struct table_column *columns, size_t n,
                         size_t width);
/* The text form without any non-ASCII character. */
void table_ascii(struct table *t);
/* One cell after the other; a row is complete after the last column. */
void table_str(struct table *t, struct str s);
void table_i64(struct table *t, int64_t v);
void table_null(struct table *t);
/* jsonl: v is JSON already; text forms print it as a string. */
void table_json(struct table *t, struct str json);
uint64_t table_rows(const struct table *t);
/* Flushes; ERR_WRITE when any write failed (EPIPE: code ERR_WRITE too, with
 * an empty `what`: end quietly). */
int table_close(struct table *t, struct err *err) CHECKED;
