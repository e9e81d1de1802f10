/* Search in a source: literal bytes or a pattern, streaming, with memory that
 * does not depend on the source. Runs in the reader's worker. */
#pragma once

#include "evidence/reader.h"
#include "evidence/source.h"

struct scan_sink {
    /* Ascending offsets; nonzero stops the scan, which returns it. */
    int (*hit)(void *ctx, const struct reader_hit *h);
    /* After every piece; nonzero stops too. */
    int (*progress)(void *ctx, uint64_t done);
    void *ctx;
};

/* Reads [off, off + len) of src; needles.max_hits is respected. */
int scan_source(struct source *src, uint64_t off, uint64_t len,
                const struct reader_needles *needles,
                const struct scan_sink *sink, struct err *err) CHECKED;
/* Whether the pattern or needles are usable; also for the parent. */
int scan_check(const struct reader_needles *needles, struct err *err) CHECKED;
