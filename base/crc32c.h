/* CRC-32C (Castagnoli): the checksum of ext4, jbd2, XFS and others. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Goes on from crc; neither start nor end are inverted: the whole of a
 * standard CRC-32C is ~crc32c(~0u, p, n). */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The same without the instructions of a processor. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n);
