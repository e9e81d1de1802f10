/*
 * Exports: the events of a case in the forms that other programs read. One
 * file per form (export_NAME.c) and one line in the table of export.c.
 *
 * An export is complete or absent, has its rows in time order and its times
 * in UTC, needs no more memory for more rows, and is accompanied by
 * FILE.manifest.json that says what was asked, what is in it, what is not.
 */
#pragma once

#include "casedb/query.h"
#include "reports/output.h"

struct export_form {
    const char *name;   /* "csv-safe" */
    const char *title;  /* "CSV for spreadsheets" */
    const char *suffix; /* usual end of its name, ".csv" */
};
/* NULL-ended, in the order of the manual. */
extern const struct export_form *const export_forms[];
const struct export_form *export_form_find(struct str name);

struct export_options {
    const struct export_form *form;
    const struct plan *plan; /* NULL = every event */
    struct str filter;       /* what the plan was made from */
    bool with_raw;           /* jsonl: the records themselves too */
    bool show_secrets;       /* with_raw: unmasked */
    const struct raw_reader *raw;
    struct report_ticker ticker;
    bool force;
    bool audit; /* keep an audit entry (the case is a writer) */
};

struct export_result {
    uint64_t rows;     /* written */
    uint64_t undated;  /* events without a time, that matched */
    uint64_t left_out; /* matched, but the form cannot hold them */
    uint64_t unread;   /* with_raw: records whose bytes were not at hand */
    uint64_t size;
    char sha256[65];
};

/* Writes path and path.manifest.json; path "-" is standard output, which has
 * no manifest. */
int export_write(struct casedb *c, const char *path,
                 const struct export_options *o, struct export_result *out,
                 struct err *err) CHECKED;
