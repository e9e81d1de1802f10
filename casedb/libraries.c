#include "casedb/libraries.h"

#include <stdio.h>

#include "casedb/db.h"

/* The source id tells patched builds of one version apart: its date is
 * enough. */
void casedb_libraries(library_fn fn, void *ctx)
{
    char version[64];
    snprintf(version, sizeof(version), "%s (%.10s)", sqlite3_libversion(),
             sqlite3_sourceid());
    fn(ctx, "SQLite", version);
}
