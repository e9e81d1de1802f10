#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("dpkg-log", "var/log/dpkg.log")
