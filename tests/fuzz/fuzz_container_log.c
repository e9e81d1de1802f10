/* Logs of containers: tests/fuzz/importer.h says what holds. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER_PATHS(
    "container-log",
    "var/lib/docker/containers/"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-json.log",
    "var/log/pods/default_web-0_1-2/nginx/0.log",
    "var/log/containers/web-0_default_nginx-"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.log")
