/* Bytes of evidence at a desk: opened by what the command line handed in,
 * read by the desk's sealed reader. */
#pragma once

#include "casedb/query.h"
#include "evidence/reader.h"
#include "tui/office.h"

/* Up to len bytes of a member's innermost layer from off, in the arena. */
int bytes_read(struct desk *d, const struct member *m, uint64_t off,
               uint64_t len, struct arena *a, struct reader_got *got,
               struct err *err) CHECKED;
/* The files beneath a member, for reader_scan. */
int bytes_place(struct desk *d, const struct member *m,
                struct reader_place *out, struct err *err) CHECKED;
/* The desk's sealed reader; after bytes_place. */
struct reader *bytes_reader(struct desk *d);
/* Records for filters. */
struct raw_reader;
int bytes_for_analyzer(struct desk *d, struct raw_reader *out,
                       struct err *err) CHECKED;
/* "X1/path!gz@4711+1312#2"; empty p: out of memory. */
struct str bytes_cite(const struct member *m, uint64_t off, uint64_t len,
                      unsigned sub, struct arena *a);
