/* A small case for tests of reports: one exhibit, one member, an event per
 * text, a bookmark with a note on every fifth, one search without hits, a gap
 * in custody, coverage of each kind. */
#pragma once

#include "casedb/casedb.h"

/* A fixture: each test has a folder of its own, and paths in it (borrowed
 * from a ring of 64; name "" is the folder). */
void small_case_fresh(void);
const char *small_case_path(const char *name);

/* texts: put in every field of the events, made different by a number. */
void small_case_make(const char *path, const struct str *texts, size_t n);

/* tests/data/naughty.txt; n_max places, all in the arena. Empty ones and those
 * with line breaks are left out. */
size_t small_case_naughty(struct arena *a, struct str *out, size_t n_max);
/* The whole of a file; the caller frees. */
struct buf small_case_read(const char *path);
