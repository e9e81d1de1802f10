/* What report, export and seal share on the command line. */
#pragma once

#include "cli/progress.h"
#include "reports/output.h"
#include "reports/report.h"

struct deliver {
    struct progress progress;
    const char *unit;
};
int deliver_open(struct deliver *d, const struct cli *cli, const char *doing,
                 const char *unit, struct report_ticker *out,
                 struct err *err) CHECKED;
/* --lang; as it was when not given. */
int deliver_lang(const struct cli *cli, enum report_lang *out,
                 struct err *err) CHECKED;
/* --time: false when not given. */
int deliver_time(const struct cli *cli, bool *timed, struct instant *out,
                 struct err *err) CHECKED;
