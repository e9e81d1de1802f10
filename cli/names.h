/* Small texts that several commands print. */
#pragma once

#include "cli/cli.h"

/* "X12", "E34": borrowed from a ring of eight per thread. */
struct str name_exhibit(int64_t no);
struct str name_event(int64_t id);
struct str name_severity(int severity); /* of an issue */
struct str name_hex(struct arena *a, struct str bytes);
/* "12.3 MiB" into the arena */
struct str name_bytes(struct arena *a, uint64_t n);
