/* What was typed into PowerShell, commands of several lines among it. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER_PATHS("powershell-history",
                    "Users/alice/AppData/Roaming/Microsoft/Windows/PowerShell/"
                    "PSReadLine/ConsoleHost_history.txt",
                    "Users/alice/AppData/Roaming/Microsoft/Windows/PowerShell/"
                    "PSReadLine/Visual Studio Code Host_history.txt")
