/* Any bytes as user data, messages of parts included. */
#include "tests/fuzz/importer.h"

/* clang-format off: one a line */
FUZZ_IMPORTER_PATHS("user-data",
    "var/lib/cloud/instances/i-0aaaabbbbccccdddd/vendor-data.txt.i",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/cloud-config.txt",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/scripts/part-001",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/user-data.txt",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/user-data.txt.i",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/vendor-data.txt.i",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/vendor-data2.txt",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/vendor-data2.txt.i")
