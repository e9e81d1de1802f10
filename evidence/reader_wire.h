/* Between evidence/reader.c and reader_process.c only.
 *
 * Request: op u8 | flags u8 | layers length u16 | off u64 | len u64 | layers,
 * for SCAN then: flags u32 | max_hits u64 | count u32 | count * (length u32,
 * bytes).
 * DONE: size u64 | done u64 | gaps u16 | more gaps u8 | gaps * (off u64,
 * len u64, kind u8), for HASH then 32 bytes.
 * HIT: n * (off u64, len u64, needle u32). */
#pragma once

enum reader_op { READER_READ = 1, READER_HASH = 2, READER_SCAN = 3 };
/* The source of the request before, still open: no descriptors come. */
enum {
    READER_SAME = 1,
    READER_SET = 2, /* one descriptor, the names of a set (fileset.h) */
};
enum { READER_HIT = 20, READER_GAP = 17, READER_HEAD = 20, READER_END = 19 };
