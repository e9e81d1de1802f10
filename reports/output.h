/*
 * What reports, exports and seals share: where the records' bytes come from,
 * how progress is told, and files that appear whole or not at all.
 */
#pragma once

#include "base/hash.h"
#include "casedb/casedb.h"

/* The bytes of records, handed in from above (analyzer/raw.h): reports never
 * open evidence. That they are not at hand is no error of a report. */
struct raw_reader;

/* Called now and then; nonzero stops with ERR_STOPPED. all = 0: not known. */
struct report_ticker {
    int (*tick)(void *ctx, uint64_t done, uint64_t all);
    void *ctx;
};
int report_tick(const struct report_ticker *t, uint64_t done, uint64_t all,
                struct err *err) CHECKED;

/*
 * A file under a temporary name in its own folder, hashed while it is written,
 * which gets its name when it is whole and on the disk. A kill leaves the
 * temporary name at most. No symbolic link is followed or replaced.
 */
struct output;

/* force: an existing regular file may be replaced. "-": fd 1 is written. */
int output_open(const char *path, bool force, struct output **out,
                struct err *err) CHECKED;
/* To a descriptor of the caller, which stays open. */
struct output *output_fd(int fd, struct err *err);
/* Collects; the first failed write is kept for output_commit. */
void output_put(struct output *o, struct str s);
/* Has a write failed? Then the rest need not be made. */
bool output_failed(const struct output *o);
uint64_t output_size(const struct output *o); /* bytes so far */
/* Flush and fsync, then the digest is known; the name is not there yet. */
int output_finish(struct output *o, char sha256[65], struct err *err) CHECKED;
/* output_finish (unless done), rename, fsync of the folder. A closed pipe is
 * ERR_WRITE with an empty `what`: end quietly. */
int output_commit(struct output *o, struct err *err) CHECKED;
/* Frees; removes the temporary file when it was not committed. */
void output_close(struct output *o);
