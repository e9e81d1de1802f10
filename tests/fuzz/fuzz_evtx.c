/* Windows event logs: chunks, records, binary XML. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("evtx", "Windows/System32/winevt/Logs/Security.evtx")
