/*
 * A default VFS for tests: it makes the nth open, write, sync, .. of SQLite
 * fail, and it records what was written, so that a power loss at any moment
 * can be replayed. The product's own VFS wraps it like any other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_op {
    FAULT_OPEN,
    FAULT_WRITE,
    FAULT_SYNC,
    FAULT_TRUNCATE,
    FAULT_DELETE,
    FAULT_SHM,
    FAULT_OPS
};

/* Makes it the default. */
void fault_install(void);
/* The nth operation (1 = the next) of this kind from now on fails with rc,
 * and, when sticky, all after it. n = 0: nothing fails. */
void fault_arm(enum fault_op op, unsigned n, int rc, bool sticky);
/* Did it fail since it was armed? */
bool fault_hit(void);

/* ---- power loss ---------------------------------------------------------- */

/* What the disk was told, from start to stop. mark: a moment that matters to
 * the caller (a commit was confirmed). */
void fault_record_start(const char *path);
void fault_record_mark(unsigned value);
void fault_record_stop(void);
size_t fault_recorded(void);
/* The files of `path` as they may be after the first n operations and a power
 * loss, written as `to`: what was synced is there; of what was not, a
 * pseudo-random choice, by sectors of 512 bytes. Returns the last mark. */
unsigned fault_replay(size_t n, uint64_t seed, const char *to);
