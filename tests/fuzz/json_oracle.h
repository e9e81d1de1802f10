/* Another reader's verdict on a JSON text, for comparison in tests. */
#pragma once

#include <stddef.h>

enum oracle_says {
    ORACLE_NOTHING, /* not installed, or out of its range */
    ORACLE_GOOD,
    ORACLE_BAD, /* also for strings that are not UTF-8 or lone surrogates */
};

enum oracle_says json_oracle(const char *p, size_t n);
