#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("yum-log", "var/log/yum.log")
