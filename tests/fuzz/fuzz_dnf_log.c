#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("dnf-log", "var/log/dnf.log")
