/* Transcripts of PowerShell. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("powershell-transcript", "PowerShell_transcript.txt")
