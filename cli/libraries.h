#pragma once

#include "base/str.h"

/* "OpenSSL 3.0.17; PCRE2 10.42; ..", bytewise by name: what the program runs
 * with, for the record of a run. */
struct str cli_libraries(struct arena *a);
