/*
 * What is asked of every host: who logged in, what was run, what runs by
 * itself, which packages came and went, which credentials lie there. Each
 * question is a filter over the words that all importers of host files use
 * (docs/formats/host.md) and the columns that answer it; the screens, the
 * command line and the report take them from this one table.
 */
#pragma once

#include "casedb/query.h"

enum host_field {
    HOST_TIME,
    HOST_HOST, /* that recorded it: its name, instance, or exhibit */
    HOST_USER,
    HOST_FROM,
    HOST_ACTION,
    HOST_TARGET,
    HOST_TEXT, /* the target where there is no text */
    HOST_OUTCOME,
    HOST_SOURCE,
    HOST_FILE, /* path of the member */
    HOST_FIELDS
};

struct host_column {
    enum host_field field;
    const char *name; /* for jsonl and csv */
    const char *head; /* for people */
    uint8_t narrow;   /* cells in a terminal of less than 110; 0 = not there */
    uint8_t wide;     /* in a wider one; the last column takes what is left */
};

/* An importer that gives such events, and the files that it reads. */
struct host_source {
    const char *importer;
    const char *files;
};

enum host_view_id {
    HOST_LOGINS,
    HOST_COMMANDS,
    HOST_PERSISTENCE,
    HOST_PACKAGES,
    HOST_KEYS,
    HOST_VIEWS
};
struct host_view {
    const char *name;   /* "logins" */
    const char *title;  /* "Logins and sessions" */
    const char *filter; /* in the filter language */
    const struct host_column *columns;
    size_t n_columns;
    const struct host_source *sources; /* ended by importer NULL */
};
extern const struct host_view host_views[HOST_VIEWS];
/* NULL when there is none. */
const struct host_view *host_view_find(struct str name);

/* Its filter as a plan for this case handle, in the arena. */
int host_view_plan(struct casedb *c, const struct host_view *v, struct arena *a,
                   const struct plan **out, struct err *err) CHECKED;
/* `more` (may be NULL) must match as well. NULL: out of memory. */
const struct plan *host_view_and(const struct plan *view,
                                 const struct plan *more, struct arena *a);

struct host_row {
    struct event e;
    struct str cell[HOST_FIELDS]; /* in the arena; HOST_TIME is empty */
};
int host_row_read(struct casedb *c, int64_t event, struct arena *a,
                  struct host_row *out, struct err *err) CHECKED;

/* What of a view's sources is in the case. */
struct host_presence {
    uint64_t members, events;
    bool timed;
    struct instant first, last;
};
/* One for each of view->sources, in their order. */
int host_view_presence(struct casedb *c, const struct host_view *v,
                       struct arena *a, struct host_presence **out, size_t *n,
                       struct err *err) CHECKED;
/* The same in words, a line a source, in display form: why a view may have no
 * rows. Appended. */
int host_view_why(struct casedb *c, const struct host_view *v, struct buf *out,
                  struct err *err) CHECKED;
