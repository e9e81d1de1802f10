/* Any bytes as logs of cloud-init. */
#include "tests/fuzz/importer.h"

/* clang-format off: one a line */
FUZZ_IMPORTER_PATHS("cloud-init",
    "var/log/cloud-init-output.log",
    "var/log/cloud-init.log")
