/* The audit log: tests/fuzz/importer.h says what holds. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("auditd", "var/log/audit/audit.log")
