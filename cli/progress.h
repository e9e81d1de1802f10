/* Progress on stderr: one line that is rewritten on a terminal, one JSON
 * object a line for programs, or none. */
#pragma once

#include "cli/cli.h"

enum progress_form { PROGRESS_NONE, PROGRESS_LINE, PROGRESS_JSONL };

struct progress {
    enum progress_form form;
    const char *doing;   /* "importing" */
    int64_t began, last; /* monotonic ns */
    size_t width;        /* cells of the line on the terminal now */
};

struct progress_state {
    uint64_t done, all; /* bytes */
    uint64_t items;     /* records, hits .. */
    const char *unit;   /* "records" */
    struct str path;    /* at work; evidence */
};

/* Form from --progress auto|jsonl|none. */
int progress_open(struct progress *p, const struct cli *cli, const char *doing,
                  struct err *err) CHECKED;
/* Nonzero when the user asked to stop. Cheap: prints a few times a second. */
int progress_tell(struct progress *p, const struct progress_state *s);
void progress_end(struct progress *p); /* clears the line */
