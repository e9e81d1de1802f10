/* Registry hives: cells, lists, values. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("registry", "Users/alice/NTUSER.DAT")
