/* Access logs of web servers: tests/fuzz/importer.h says what holds. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER_PATHS("web-access", "var/log/nginx/access.log", "access.txt")
