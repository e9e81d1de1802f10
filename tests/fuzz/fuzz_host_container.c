/* Settings of containers: tests/fuzz/importer.h says what holds. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER_PATHS(
    "container",
    "docker/containers/"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/"
    "config.v2.json",
    "docker/containers/x/hostconfig.json", "overlay-containers/containers.json",
    "overlay-containers/x/userdata/config.json")
