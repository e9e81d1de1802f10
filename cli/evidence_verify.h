/* Evidence against the digests taken at its import. */
#pragma once

#include "cli/cli.h"

/* exhibit 0 = all. Prints, and keeps the outcome in the case. */
int evidence_verify(struct cli *cli, int64_t exhibit, struct err *err) CHECKED;
