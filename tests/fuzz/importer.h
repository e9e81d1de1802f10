/*
 * A fuzz target for one importer:
 *
 *     #include "tests/fuzz/importer.h"
 *     FUZZ_IMPORTER("utmp", "var/log/wtmp")
 *     FUZZ_IMPORTER_PATHS("x", "etc/a", "etc/b")  the first byte chooses
 *
 * The input is read as a file of that path by that importer. collect.c aborts
 * when a record lies outside the input or a member stays open. In
 * tests/local.am: fuzz_targets += tests/fuzz/fuzz_utmp, and
 *
 *     tests_fuzz_fuzz_utmp_SOURCES = tests/fuzz/fuzz_utmp.c $(fuzz_importer)
 *     tests_fuzz_fuzz_utmp_LDADD = $(importer_libs)
 */
#pragma once

#include <stdlib.h>

#include "tests/fuzz/replay.h"
#include "tests/importers/collect.h"

/* Recognition of the same bytes, which --as leaves out. */
static inline void fuzz_probe(struct str importer, struct str s,
                              struct str path)
{
    struct probe p = { s, str_sub(s, s.n > 4096 ? s.n - 4096 : 0, 4096), path,
                       s.n, "" };
    int sure = importer_by_name(importer)->probe(&p);
    if (sure < 0 || sure > 100 || !p.reason)
        abort();
}

#define FUZZ_IMPORTER(importer, path)                                          \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)               \
    {                                                                          \
        struct collected c = { 0 };                                            \
        struct str s = { (const char *)data, size };                           \
        fuzz_probe(STR(importer), s, STR(path));                               \
        fuzz_probe(STR(importer), s, STR("elsewhere"));                        \
        collect(&c, s, STR(path), STR(importer), COLLECT_COUNT);               \
        if (c.failed)                                                          \
            abort();                                                           \
        collect_free(&c);                                                      \
        return 0;                                                              \
    }

#define FUZZ_IMPORTER_PATHS(importer, ...)                                     \
    static const char *const fuzz_paths[] = { __VA_ARGS__ };                   \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)               \
    {                                                                          \
        enum { N = sizeof(fuzz_paths) / sizeof(fuzz_paths[0]) };               \
        struct collected c = { 0 };                                            \
        if (size == 0)                                                         \
            return 0;                                                          \
        struct str s = { (const char *)data + 1, size - 1 };                   \
        struct str path = str_from(fuzz_paths[data[0] % N]);                   \
        fuzz_probe(STR(importer), s, path);                                    \
        fuzz_probe(STR(importer), s, STR("elsewhere"));                        \
        collect(&c, s, path, STR(importer), COLLECT_COUNT);                    \
        if (c.failed)                                                          \
            abort();                                                           \
        collect_free(&c);                                                      \
        return 0;                                                              \
    }
