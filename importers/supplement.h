/* Files that came later into a folder whose exhibit is closed already
 * (private to the pipeline). */
#pragma once

#include "casedb/casedb.h"
#include "importers/discover.h"

/* Leaves in f the files that no closed exhibit of this path holds; *of is the
 * first such exhibit, 0 when there is none. ERR_USAGE "already in the case as
 * X1" when no file is left. */
int supplement_find(struct casedb *c, struct str path, struct found *f,
                    int64_t *of, struct err *err) CHECKED;
