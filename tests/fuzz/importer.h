/*
 * A fuzz target for one importer:
 *
 *     #include "tests/fuzz/importer.h"
 *     FUZZ_IMPORTER("utmp", "var/log/wtmp")
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

#define FUZZ_IMPORTER(importer, path)                                          \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)               \
    {                                                                          \
        struct collected c = { 0 };                                            \
        collect(&c, (struct str){ (const char *)data, size }, STR(path),       \
                STR(importer), COLLECT_COUNT);                                 \
        if (c.failed)                                                          \
            abort();                                                           \
        collect_free(&c);                                                      \
        return 0;                                                              \
    }
