/*
 * PATH.lock: one process at a time works on a case (reliability.md 4.3).
 *
 * The lock is an open file description lock on the file: exclusive for a
 * writer, shared for readers, gone with the process that held it, however it
 * ended. The text names the holder for the message to the second: pid, host,
 * start. A clean end removes the file; one that was left is taken over.
 */
#pragma once

#include "base/err.h"

enum lock_result {
    LOCK_TAKEN,
    LOCK_OWN,  /* this process holds it as writer: read beside it */
    LOCK_NONE, /* reading in a place where no lock file can be made */
};

/* path: of the lock file, resolved. shown: the case, for messages. ERR_CASE
 * names the holder. *fd is -1 unless LOCK_TAKEN. */
int lock_take(const char *path, const char *shown, bool exclusive, int *fd,
              enum lock_result *out, struct err *err) CHECKED;
/* Is this now the only holder? Then it is exclusive from here on. */
bool lock_alone(int fd);
void lock_release(const char *path, int fd);
