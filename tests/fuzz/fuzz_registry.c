/* Registry hives: cells, lists, values. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER_PATHS("registry", "Users/alice/NTUSER.DAT",
                    "Windows/System32/config/SAM",
                    "Windows/System32/config/SYSTEM",
                    "Windows/System32/config/SOFTWARE",
                    "Users/alice/AppData/Local/Microsoft/Windows/UsrClass.dat")
