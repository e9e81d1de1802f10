/* What the case knows of an entity (show, pivot). */
#pragma once

#include "casedb/query.h"
#include "cli/cli.h"

int show_entity(struct cli *cli, struct casedb *c, uint32_t id,
                struct err *err) CHECKED;
/* "actor from", in the arena */
struct str role_names(uint32_t roles, struct arena *a);
