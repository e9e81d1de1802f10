/* Images of which only the sectors that are not zero are kept: "SECTORS1",
 * their count in all (u32, little-endian), then runs of a first sector, a
 * number of sectors and their bytes. */
#pragma once

#include "base/str.h"

enum { SECTOR = 512 };

/* The image, of at most max bytes, in memory of its own (free); what does not
 * fit is left out. NULL: not one, or out of memory. */
char *sectors_unpack(struct str packed, size_t max, size_t *n);
