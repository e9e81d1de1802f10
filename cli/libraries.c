#include "cli/libraries.h"

#include <stdlib.h>

#include "casedb/libraries.h"
#include "evidence/libraries.h"
#include "importers/libraries.h"
#include "tui/tui.h"

enum { LIBRARIES = 64, WORDS = 120 };

struct list {
    char words[LIBRARIES][WORDS];
    size_t n;
};

static void add(void *ctx, const char *name, const char *version)
{
    struct list *l = ctx;
    struct buf b = { 0 };
    buf_printf(&b, "%s %s", name, version);
    if (l->n < LIBRARIES && b.n < WORDS && !b.failed) {
        memcpy(l->words[l->n], b.p, b.n);
        l->words[l->n++][b.n] = 0;
    }
    buf_free(&b);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct str cli_libraries(struct arena *a)
{
    UNINITIALIZED struct list l;
    struct buf b = { 0 };
    l.n = 0;
    base_libraries(add, &l);
    casedb_libraries(add, &l);
    evidence_libraries(add, &l);
    importers_libraries(add, &l);
    tui_libraries(add, &l);
    qsort(l.words, l.n, sizeof(l.words[0]), by_bytes);
    for (size_t i = 0; i < l.n; i++)
        buf_printf(&b, "%s%s", i ? "; " : "", l.words[i]);
    return buf_to_arena(&b, a);
}
