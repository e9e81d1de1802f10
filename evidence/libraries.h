#pragma once

#include "base/libraries.h"

/* What parses, decompresses, searches and confines. */
void evidence_libraries(library_fn fn, void *ctx);
