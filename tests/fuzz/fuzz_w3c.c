/* Logs in the W3C extended format. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("iis", "inetpub/logs/LogFiles/W3SVC1/u_ex260311.log")
