/* Events that were asked for by a filter and a range of time: timeline,
 * export, report. */
#pragma once

#include "analyzer/filter.h"
#include "analyzer/timeline.h"
#include "cli/raw.h"

/* Lines of an options table. */
#define QUESTION_FROM                                                          \
    {                                                                          \
        "--from", "TIME", "events from this time on; 2026-03-11T02 is enough", \
            0                                                                  \
    }
#define QUESTION_TO                                                            \
    {                                                                          \
        "--to", "TIME", "events up to the end of this time", 0                 \
    }

struct question {
    struct cli *cli;
    const struct plan *plan;
    struct timeline_window window;
    struct str text; /* canonical filter with its range, for logs */
    bool all;        /* neither filter nor range */
    struct raw raw;
    struct raw_reader reader;
    struct analyzer_ticker ticker;
    struct filter_env env; /* used by scans */
    struct progress progress;
    struct filter_plan compiled;
};

/* Words from `first` on are the filter. Notes of the filter become messages.
 * To be closed in any case. */
int question_open(struct question *q, struct cli *cli, struct casedb *c,
                  size_t first, struct err *err) CHECKED;
/* What could not be looked at becomes messages when `done`. */
void question_close(struct question *q, bool done);
/* While a scan runs: nonzero when the user wants to stop. */
struct scan;
int question_tell(struct question *q, const struct scan *scan, uint64_t hits);
/* The entry in the query log, with the case closed. Views of everything are
 * not kept. */
int question_log(struct question *q, int64_t hits, struct err *err) CHECKED;
