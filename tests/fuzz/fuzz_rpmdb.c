#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("rpmdb", "var/lib/rpm/Packages")
