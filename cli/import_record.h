#pragma once

#include "cli/cli.h"
#include "importers/import.h"

/* Fills in o->detail: the command, the options in force and what else a run
 * depends on (case.md R10), as canonical JSON for the audit log. */
int import_record(struct cli *cli, struct import_options *o,
                  struct err *err) CHECKED;
