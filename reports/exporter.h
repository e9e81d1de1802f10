/* What the forms of export share (private to reports/). */
#pragma once

#include "base/json.h"
#include "reports/export.h"

/* One event with all that a form needs; valid until the next. */
struct export_row {
    struct event e;
    const struct member *m;
    struct str cite;
    const struct event_ref *refs; /* when the form wants them */
    size_t n_refs;
    struct str raw; /* with_raw */
    bool raw_read;
};

struct exporter {
    struct casedb *c;
    const struct export_options *o;
    struct buf b;              /* what is written next */
    struct export_text *texts; /* what a form remembers, EXPORT_TEXTS */
};

/* A piece of output that comes again and again; `key` 0: none. */
enum { EXPORT_TEXTS = 8192 };
struct export_text {
    uint64_t key;
    struct buf text;
};

enum export_put { EXPORT_PUT, EXPORT_LEFT_OUT };

/* A form: one file, export_NAME.c, that appends rows to x->b. */
struct export_kind {
    struct export_form form;
    bool wants_refs, wants_raw;
    const char *leaves_out; /* why rows may be left out; NULL = holds all */
    void (*begin)(struct exporter *x); /* may be NULL */
    enum export_put (*put)(struct exporter *x, const struct export_row *row);
};

extern const struct export_kind export_jsonl, export_csv, export_csv_safe,
    export_timesketch, export_timesketch_csv, export_bodyfile;

/* "who action target, error" or the text, as bytes. */
void export_message(struct exporter *x, const struct export_row *row,
                    struct buf *out);
/* Microseconds since 1970 for years 1700 to 9999; false for others. */
bool export_micros(const struct event *e, int64_t *out);
const char *export_zone(unsigned t_zone);
/* One of the columns that hold values. */
struct export_column {
    const char *name;
    uint32_t id;
};
enum { EXPORT_VALUES = 11 };
void export_values(const struct event *e, struct export_column *out);
