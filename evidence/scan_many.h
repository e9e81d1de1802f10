/* Many literal texts at once, in one pass whose cost does not depend on how
 * many they are (private to the scan). */
#pragma once

#include "base/str.h"

enum { SCAN_MANY_SHORTEST = 3 };

struct scan_many;

/* needles: none shorter than SCAN_MANY_SHORTEST; borrowed until the end.
 * NULL: no memory. */
struct scan_many *scan_many_open(const struct str *needles, size_t n);
void scan_many_close(struct scan_many *m); /* NULL is fine */
/* Calls hit for each occurrence that begins in [from, to) and ends before n,
 * by offset, then by needle. Nonzero from it stops and is returned. */
int scan_many_run(const struct scan_many *m, const char *hay, size_t from,
                  size_t to, size_t n,
                  int (*hit)(void *ctx, size_t at, unsigned needle), void *ctx);
