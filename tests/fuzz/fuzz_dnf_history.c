#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("dnf-history", "var/lib/dnf/history.sqlite")
