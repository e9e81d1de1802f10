/*
 * The terminal interface, as the command line starts it: on the terminal, or
 * by a script of keys whose screens go to stdout (tests, documentation).
 */
#pragma once

#include "base/err.h"
#include "base/libraries.h"

struct casedb;
struct file_row;
struct member;
struct reader;
struct raw_reader;

/*
 * How evidence is opened and read, from above: a handle per connection, used
 * by one thread at a time. `fds` are valid until the handle's next use.
 */
struct tui_evidence {
    int (*open)(struct casedb *c, void **handle, struct err *err);
    int (*member)(void *handle, const struct member *m, const int **fds,
                  size_t *n_fds, struct err *err);
    struct reader *(*reader)(void *handle);
    void (*for_analyzer)(void *handle, struct raw_reader *out);
    /* Copies the content of a file beside the case and logs it; told: what
     * to say. c is open for writing. */
    int (*save)(struct casedb *c, int64_t exhibit, const struct file_row *f,
                char *told, size_t n, struct err *err);
    void (*close)(void *handle);
};

enum tui_color { TUI_COLOR_AUTO, TUI_COLOR_NEVER, TUI_COLOR_16, TUI_COLOR_256 };

struct tui_options {
    const char *path;   /* of the case */
    const char *script; /* file with steps, NULL = the terminal */
    int columns, rows;  /* of the script's screens; 0 = 100x30 */
    bool ascii;         /* ASCII only, also for evidence */
    bool read_only;     /* do not even try to write */
    bool show_secrets;  /* records as they are; else secrets are masked */
    enum tui_color color;
    const struct tui_evidence *evidence; /* NULL: records are not shown */
    struct str examiner;                 /* who acts; empty = the case's */
};

/* Returns when the user leaves. ERR_USAGE: stdin or stdout is no terminal, or
 * one that cannot move its cursor. ERR_STOPPED: the terminal went away. */
int tui_run(const struct tui_options *o, struct err *err) CHECKED;
/* ncurses. */
void tui_libraries(library_fn fn, void *ctx);
