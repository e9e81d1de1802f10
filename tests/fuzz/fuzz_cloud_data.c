/* Any bytes as cloud-init's notes of the machine. */
#include "tests/fuzz/importer.h"

/* clang-format off: one a line */
FUZZ_IMPORTER_PATHS("cloud-data",
    "run/cloud-init/.instance-id",
    "run/cloud-init/instance-data.json",
    "var/lib/cloud/data/instance-id",
    "var/lib/cloud/data/previous-datasource",
    "var/lib/cloud/data/previous-hostname",
    "var/lib/cloud/data/previous-instance-id",
    "var/lib/cloud/data/result.json",
    "var/lib/cloud/data/set-hostname",
    "var/lib/cloud/data/status.json",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/boot-finished",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/datasource",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/obj.pkl",
    "var/lib/cloud/instances/i-0f3a9c1d2b4e5f607/sem/config_scripts_user",
    "var/lib/cloud/sem/init_switch.once")
