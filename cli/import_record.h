#pragma once

#include "cli/cli.h"
#include "importers/import.h"

/* A file of the examiner's own beside the evidence, a list or a log: whole, up
 * to 64 MiB, in the arena. */
int import_record_file(struct cli *cli, const char *path, struct str *out,
                       struct err *err) CHECKED;
/* Fills in o->detail: the command, the options in force and what else a run
 * depends on (case.md R10), as canonical JSON for the audit log. */
int import_record(struct cli *cli, struct import_options *o,
                  struct err *err) CHECKED;
