/* RFC 4180 records over a window: quotes, doubled quotes, line breaks in
 * quoted fields, LF or CRLF ends. */
#pragma once

#include "importers/importer.h"

enum { CSV_FIELDS = 256 };

struct csv_row {
    struct str field[CSV_FIELDS]; /* spans, or in the arena when unquoted */
    size_t n;
    size_t len; /* bytes of the record with its line end */
};

enum csv_result { CSV_ROW, CSV_END, CSV_MORE, CSV_BAD };

/* The record at the start of s. CSV_MORE: it may go on after s (s is not the
 * end of the file). CSV_BAD: an open quote at the end of the file, or too
 * many fields; len = bytes to skip. */
enum csv_result csv_next(struct str s, bool eof, struct arena *a,
                         struct csv_row *row);
/* Index of the field whose header is one of the '|'-separated names, ASCII
 * case folded; -1 when absent. */
int csv_column(const struct csv_row *header, const char *names);
struct str csv_field(const struct csv_row *row, int column);
