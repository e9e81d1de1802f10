/*
 * Fences of the main process and all that it starts: no network socket, and
 * no writing except where the case and the output are. Evidence is then
 * read-only by order of the kernel, whatever mistake the program makes.
 */
#pragma once

#include "evidence/sandbox.h"

/* First thing in main, before any thread and any file: descriptors 0 to 2 are
 * open, files are private (umask 077), no core dump, no ptrace, SIGPIPE is
 * ignored, no network. Nonzero: refuse to run (set-uid). */
int fences_start(struct fences *f, struct err *err) CHECKED;
/* Once the arguments are known, before any thread: from here on writing,
 * creating and removing work only beneath the given folders (or in the given
 * files), and in /dev/null and /dev/tty. A path that does not exist is an
 * error. */
int fences_write_only(const char *const *paths, size_t n, struct fences *f,
                      struct err *err) CHECKED;
