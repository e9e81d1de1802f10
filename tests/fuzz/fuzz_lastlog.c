/* lastlog: records lie within the input, and nothing is read beyond it. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("lastlog", "var/log/lastlog")
