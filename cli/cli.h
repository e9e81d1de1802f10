/*
 * What every command works with: the parsed arguments, the way to stdout and
 * stderr, the case. stdout is results, stderr is messages and progress.
 */
#pragma once

#include "base/table.h"
#include "base/time.h"
#include "casedb/casedb.h"
#include "evidence/sandbox.h"

struct command;
struct command_option;

struct option_given {
    const struct command_option *option;
    const char *value; /* NULL for a switch */
};

struct cli {
    const struct command *command;
    const char *const *words; /* arguments that are no options */
    size_t n_words;
    struct option_given *given;
    size_t n_given;
    struct str line; /* the arguments as given, for the record */

    enum table_format format;
    int tz; /* minutes east of UTC */

    struct arena arena; /* lives as long as the command */
    struct fences fences;
    struct buf out; /* not yet on stdout */
    int out_error;  /* errno of the first failed write */
    bool issues;    /* done, with issues in the evidence: exit 2 */
};

/* ---- arguments (args.c) -------------------------------------------------- */

/* Parses argv of a command into cli; its words and options. */
int args_parse(struct cli *cli, int argc, char **argv, struct err *err) CHECKED;
/* Value of an option (the last when given several times), NULL when absent. */
const char *arg_value(const struct cli *cli, const char *name);
struct str arg_str(const struct cli *cli, const char *name);
bool arg_has(const struct cli *cli, const char *name);
/* Number of an option; *out stays as it is when absent. */
int arg_u64(const struct cli *cli, const char *name, uint64_t *out,
            struct err *err) CHECKED;
/* Word i, empty when there are fewer. */
struct str arg_word(const struct cli *cli, size_t i);
/* "X1" or "1" */
int arg_exhibit(struct str word, int64_t *no, struct err *err) CHECKED;
/* One of a list of names ("list", "show", ..; NULL-ended); an unknown one is
 * an error that names the nearest. */
int arg_choice(struct str word, const char *const *names, size_t *out,
               struct err *err) CHECKED;

/* ---- output (out.c) ------------------------------------------------------ */

void out_putz(struct cli *cli, const char *z); /* our own words */
void out_printf(struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void out_text(struct cli *cli, struct str s);  /* evidence: display form */
void out_bytes(struct cli *cli, struct str s); /* evidence as it is: --raw */
/* "  title     value" in the table form. */
void out_field(struct cli *cli, const char *title, struct str value);
int out_flush(struct cli *cli, struct err *err) CHECKED;
/* Has the reader of stdout gone? Long lists ask now and then. */
bool out_closed(void);

/* A list in the form that was asked for; what was put before is flushed. */
struct table *out_table(struct cli *cli, const struct table_column *columns,
                        size_t n, struct err *err);
void table_time(struct table *t, const struct cli *cli, bool timed,
                struct instant at, int digits);
void table_u64(struct table *t, uint64_t v);
/* The time in the zone asked for; borrowed from a ring of four per thread. */
struct str cli_time(const struct cli *cli, struct instant at, int digits);
/* Cells of the terminal, 0 when stdout is none. */
size_t out_width(void);
/* Can this terminal show more than ASCII? Files and pipes always can. */
bool out_unicode(int fd);

/* ---- messages (message.c) ------------------------------------------------ */

/* "kanshiki: what" on stderr, with the hint on a line of its own. */
void message_err(const struct err *err);
void message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Each line of a text in display form. */
void message_lines(const char *before, struct str text);
/* Exit code of a result. */
int message_exit_code(int rc);

/* ---- the case (open.c) --------------------------------------------------- */

/* Before anything is read: from now on this process can write only where the
 * case and the outputs of the command are. */
int cli_confine(struct cli *cli, struct err *err) CHECKED;
/* The case of word 0. Writers act as --examiner. */
int cli_open(struct cli *cli, enum case_mode mode, struct casedb **out,
             struct err *err) CHECKED;
/* Says when analyze never ran or events came since: what it made may lack
 * some. */
int cli_tell_analyzed(struct casedb *c, struct err *err) CHECKED;
/* After a search: an entry of the query log, hits -1 = not counted. The case
 * must be closed; a case that cannot be written is told, not an error. */
int cli_log_query(struct cli *cli, struct str text, int64_t hits,
                  struct err *err) CHECKED;
/* Several at once. */
struct cli_query {
    struct str text;
    int64_t hits;
};
int cli_log_queries(struct cli *cli, const struct cli_query *q, size_t n,
                    struct err *err) CHECKED;
/* Before secrets are shown (--show-secrets): an entry of the audit log. The
 * case must be closed. What cannot be noted is not shown. */
int cli_log_secrets(struct cli *cli, struct str what, struct err *err) CHECKED;
