/* The posting lists of one batch, from its rows (private to casedb/). */
#pragma once

#include "casedb/batch.h"
#include "casedb/posting.h"

int lists_write(struct casedb *c, const struct batch *b,
                const struct posting_time *axis, struct err *err) CHECKED;
