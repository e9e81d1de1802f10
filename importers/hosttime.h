/*
 * Times that a host's logs write in its local time, put into a record.
 */
#pragma once

#include "base/time.h"
#include "importers/importer.h"

/* t as time_parse gives it. A time without a zone is local time of the host:
 * by job->zone when that is known, else UTC is assumed and said. */
void record_time(const struct import_job *job, const struct time_text *t,
                 struct record *r);
/* The same for seconds since 1970 in local time. */
void record_local(const struct import_job *job, int64_t local, uint32_t ns,
                  struct record *r);
