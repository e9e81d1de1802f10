/* Which machines the evidence is of (private to the chapter on hosts). */
#pragma once

#include "reports/chapter.h"

int report_machines(struct report *r) CHECKED;
/* "[CITATION E12]" */
void report_machines_cite(struct html *h, struct str cite, int64_t event);
