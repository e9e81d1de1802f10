/* setupapi.dev.log: sections of devices that were installed. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("setupapi", "Windows/INF/setupapi.dev.log")
