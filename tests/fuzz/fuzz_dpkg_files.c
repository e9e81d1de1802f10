#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("dpkg-files", "var/lib/dpkg/info/openssl.md5sums")
