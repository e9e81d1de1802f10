/* Error logs of web servers: tests/fuzz/importer.h says what holds. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER_PATHS("web-error", "var/log/httpd/error_log", "error.txt")
