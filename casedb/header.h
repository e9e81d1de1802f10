/*
 * The first bytes of a case file and of its write-ahead log, looked at before
 * SQLite interprets anything (reliability.md 4.1). Offsets: SQLite file
 * format, sections 1.3 and 4.1. Pure functions over bytes.
 */
#pragma once

#include "base/str.h"

enum {
    CASE_PAGE_SIZE = 8192,
    HEADER_SIZE = 100,
    WAL_HEADER_SIZE = 32,
};

struct case_header {
    bool wal; /* format 2; else 1, as a sealed copy has it */
    uint32_t user_version;
};

/* NULL when the bytes (the first n of the file) are those of a case that this
 * program can read; else why not. *out is filled in any case. */
const char *header_check(const unsigned char *p, size_t n,
                         struct case_header *out);
/* Same for a log. A log whose header was never written (zeros, shorter than a
 * header) is what a power loss leaves: SQLite ignores it, and so it is good. */
const char *header_check_wal(const unsigned char *p, size_t n);
