#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("dpkg-status", "var/lib/dpkg/status")
