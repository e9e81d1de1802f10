/* One event with all that is known of it. */
#pragma once

#include "cli/cli.h"
#include "casedb/query.h"

int show_event(struct cli *cli, struct casedb *c, int64_t id,
               struct err *err) CHECKED;
