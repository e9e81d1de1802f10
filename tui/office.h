/*
 * Work that takes time is done by threads, each at a desk of its own: a
 * read-only connection to the case, a sealed reader of evidence. The UI
 * thread hands in jobs, goes on, and takes the finished ones when the
 * office's descriptor is readable; it never waits.
 *
 * A view has a few slots. A new job in a slot replaces the one before: a
 * waiting one is dropped, a running one is interrupted, its answer is not
 * given out. Jobs that write have no slot and are never dropped.
 *
 * The case is held for reading while there is something to read and a moment
 * longer, and for writing only for the moment of a write, so that other
 * programs get their turn.
 */
#pragma once

#include <stdatomic.h>

#include "base/err.h"
#include "casedb/casedb.h"

struct compiled;
struct tui_evidence;
struct view;

enum lane {
    LANE_PAGE,  /* rows of a list: short */
    LANE_COUNT, /* totals, histograms: longer */
    LANE_RAW,   /* evidence: records, searches */
    LANE_WRITE, /* the writer: alone with the case while it works */
    LANES
};

/* What a job works with; belongs to the thread. */
struct desk {
    struct casedb *c;
    const struct tui_evidence *evidence;
    void *files;               /* its handle, opened when first needed */
    bool show_secrets;         /* records unmasked */
    struct compiled *compiled; /* of terms.c: the filter compiled last */
    const atomic_bool *stop;   /* of the running job */
};

struct job {
    struct office *office;
    struct view *view; /* NULL: the app's own, or the view was closed */
    unsigned slot;     /* within the view */
    enum lane lane;
    bool dropped; /* its answer is not wanted any more */
    atomic_bool stop;
    atomic_uint_fast64_t done, all; /* progress, when there is any */
    int (*run)(struct job *j, struct desk *d, struct err *err);
    /* In the UI thread, before it is freed; not when dropped. */
    void (*answer)(struct job *j);
    void (*clean)(struct job *j); /* what the arena does not hold; or NULL */
    struct arena arena;           /* the question and the answer */
    int rc;
    struct err err;
    struct job *next;
};

struct office;
struct office_options {
    const char *path;
    bool read_only;      /* jobs that write are refused */
    struct str examiner; /* who acts; empty = the case's */
    const struct tui_evidence *evidence;
    bool show_secrets;
};
int office_open(const struct office_options *o, struct office **out,
                struct err *err) CHECKED;
/* Stops what runs, finishes what writes, ends the threads. */
void office_close(struct office *o);
int office_fd(const struct office *o);

/* A zeroed job of `size` bytes (at least a struct job); NULL: no memory. */
void *job_new(size_t size);
/* Takes the job over. */
void office_submit(struct office *o, struct job *j);
/* The view is about to be closed: its jobs stop and are dropped. */
void office_forget(struct office *o, const struct view *v);
/* Stops the view's jobs, their answers still come (rc ERR_STOPPED). True
 * when any was at work. */
bool office_stop(struct office *o, const struct view *v);
/* Calls answer of every finished job; the number of them. */
unsigned office_deliver(struct office *o);
/* Jobs that are not finished; of one view when v is not NULL. */
unsigned office_busy(struct office *o, const struct view *v);

/* In a job: something of the answer can be shown. */
void job_news(struct job *j);
static inline bool job_stopped(const struct job *j)
{
    return atomic_load_explicit(&j->stop, memory_order_relaxed);
}
/* Guards what a running job shares with the UI thread. */
void office_lock(struct office *o);
void office_unlock(struct office *o);
