#pragma once

#include "base/libraries.h"

/* SQLite. */
void casedb_libraries(library_fn fn, void *ctx);
