#pragma once

#include "base/libraries.h"

/* What unpacks fields of records. */
void importers_libraries(library_fn fn, void *ctx);
