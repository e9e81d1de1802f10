/* The chapters of the report, and what they share (private to reports/). */
#pragma once

#include "casedb/examiner.h"
#include "reports/html.h"
#include "reports/report.h"

enum { REPORT_ROWS = 500 }; /* rows of a table that may be long */

struct report {
    struct casedb *c;
    const struct report_options *o;
    struct html h;
    struct arena a; /* lives as long as the report */
    struct err *err;
    struct case_info info;
    struct instant time;
    struct audit_head head;
    char chain_error[256]; /* the audit log does not verify */
    struct scan_total span;
    uint64_t exhibits, unfinished, members, unread, rejected, issues, links;
    uint64_t marked; /* bookmarked events */
    uint64_t listed; /* events in the chapter on events */
};

/* One file each: report_NAME.c. Errors other than the output's own are
 * returned with r->err filled. */
typedef int chapter_fn(struct report *r);
chapter_fn report_case, report_exhibits, report_custody, report_accounting,
    report_method, report_coverage, report_activity, report_entities, report_hosts,
    report_links, report_events, report_searches, report_issues, report_limits,
    report_audit, report_verify, report_glossary, report_files;

/* "X12", "E34"; borrowed from a ring of eight per thread. */
struct str report_exhibit_name(int64_t no);
struct str report_event_name(int64_t id);
struct str report_number(uint64_t n);
/* A dt and dd of a list of facts; nothing stated is said so. */
void report_fact(struct report *r, enum word w, struct str value);
