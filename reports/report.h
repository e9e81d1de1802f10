/*
 * The report: one self-contained HTML file about a case, DIR/report.html.
 *
 * It is a function of the case and the options alone: no clock, no locale, no
 * path of this machine. Its time is the one given, else that of the last audit
 * entry; entries that only tell of reports and exports are not counted, so
 * that a second report of the same case has the same bytes.
 */
#pragma once

#include "casedb/query.h"
#include "reports/output.h"
#include "reports/words.h"

/* "en", "ja"; false for others. */
bool report_lang_from_name(struct str name, enum report_lang *out);

/* Which chapters: a line of the table in report.c. */
struct report_template {
    const char *name;  /* "full" */
    const char *title; /* for the manual */
    unsigned chapters; /* bit per chapter */
};
/* Ended by name NULL; the first is the default. */
extern const struct report_template report_templates[];
const struct report_template *report_template_find(struct str name);

struct report_options {
    const char *dir;                        /* made when missing */
    const struct report_template *template; /* NULL = the first */
    enum report_lang lang;
    bool timed; /* --time was given */
    struct instant time;
    /* Events to list besides the bookmarked ones; NULL = none. `filter` is
     * the text that the plan was made from. */
    const struct plan *plan;
    struct str filter;
    const struct raw_reader *raw; /* NULL = records are not hashed again */
    struct report_ticker ticker;
    bool force; /* replace an existing report.html */
    bool audit; /* keep an audit entry (the case is a writer) */
};

struct report_result {
    char path[4096]; /* DIR/report.html */
    char sha256[65];
    uint64_t size;
    uint64_t events;        /* listed */
    struct audit_head head; /* printed in the report */
};

/* ERR_USAGE: it exists; ERR_WRITE: it could not be written, and what was
 * there before is unchanged. */
int report_write(struct casedb *c, const struct report_options *o,
                 struct report_result *out, struct err *err) CHECKED;
