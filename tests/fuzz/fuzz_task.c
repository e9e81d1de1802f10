/* Scheduled tasks of Windows. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("scheduled-task", "Windows/System32/Tasks/sysupd")
