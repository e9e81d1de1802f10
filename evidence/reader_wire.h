/* Between evidence/reader.c and reader_process.c only.
 *
 * Request: op u8 | flags u8 | layers length u16 | off u64 | len u64 | layers,
 * for SCAN then: flags u32 | max_hits u64 | count u32 | count * (length u32,
 * bytes).
 * DONE: size u64 | done u64 | gaps u16 | more gaps u8 | gaps * (off u64,
 * len u64, kind u8), for HASH then 32 bytes.
 * HIT: n * (off u64, len u64, needle u32).
 * KEYWORDS: as SCAN, then count u32 * (length u32, bytes) of volumes; HIT:
 * n * (off u64, len u64, needle u32, owner kind u8, seam u8, volume u16,
 * inode u64, offset in the file u64, path length u16, path), in the order in
 * which they are found: the medium's, then those of seams. */
#pragma once

enum reader_op { READER_READ = 1, READER_HASH = 2, READER_SCAN = 3,
                 READER_KEYWORDS = 4 };
/* The source of the request before, still open: no descriptors come. */
enum {
    READER_SAME = 1,
    READER_SET = 2, /* one descriptor, the names of a set (fileset.h) */
};
enum { READER_VOLUMES_MAX = 256 };
enum { READER_HIT = 20, READER_GAP = 17, READER_HEAD = 20, READER_END = 19 };
