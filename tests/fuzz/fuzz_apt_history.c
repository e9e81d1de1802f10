#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("apt-history", "var/log/apt/history.log")
