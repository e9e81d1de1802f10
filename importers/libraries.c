#include "importers/libraries.h"

#include <lz4.h>
#include <lzma.h>

void importers_libraries(library_fn fn, void *ctx)
{
    fn(ctx, "liblzma", lzma_version_string());
    fn(ctx, "lz4", LZ4_versionString());
}
