/* A list of keywords, each as the bytes it may have in evidence. */
#pragma once

#include "base/err.h"

enum { KEYWORD_WHERES = 8 };

struct keyword {
    struct str text; /* UTF-8 as in the list */
    uint64_t hits;
    uint64_t where[KEYWORD_WHERES]; /* by enum raw_where */
};

struct keywords {
    struct keyword *v;
    size_t n, cap;
    struct arena arena;
};

/* One text a line; blank lines and lines that begin with "# " are left out, a
 * second one that is equal, too. Each has three bytes at least. */
int keywords_load(struct keywords *k, const char *path, struct err *err) CHECKED;
void keywords_free(struct keywords *k);
/* UTF-16, little-endian; empty when it is not UTF-8. */
struct str keyword_utf16(struct str text, struct arena *a);
