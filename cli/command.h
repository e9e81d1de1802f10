/*
 * The command table: each command is one const struct in a file of its own,
 * cli/cmd_NAME.c, and one line in cli/commands.c. Parsing, help, manual pages
 * and completions are made from it.
 */
#pragma once

#include "cli/cli.h"

enum option_flag {
    OPTION_OUTPUT = 1, /* names a file or folder that is written */
    OPTION_MANY = 2,   /* may be given several times */
};

struct command_option {
    const char *name;  /* "--limit", or "-o" */
    const char *value; /* name of its value, NULL = a switch */
    const char *help;
    unsigned flags;
};

struct command_example {
    const char *line; /* without "kanshiki " */
    const char *text;
};

enum command_flag {
    COMMAND_CASE = 1,    /* the first word is the case */
    COMMAND_LIST = 2,    /* prints lists: --format, --csv-raw, --tz */
    COMMAND_ACTS = 4,    /* changes the case: --examiner */
    COMMAND_ASKS = 8,    /* searches: kept in the query log, --read-only */
    COMMAND_HIDDEN = 16, /* for the build, not for people */
    COMMAND_RAW = 32,    /* words beginning with '-' are words */
};

/* The groups of `help`, one manual page each. */
enum command_group {
    GROUP_CASE,     /* make, fill and check a case */
    GROUP_ANALYSIS, /* look, search, follow */
    GROUP_IMAGES,   /* disks and memory */
    GROUP_EXAMINER, /* notes, report, seal */
    GROUP_PROGRAM,  /* the program itself */
    GROUP_COUNT
};
struct command_group_text {
    const char *name;  /* "case": the page is kanshiki-case(1) */
    const char *title; /* "Make, fill and check a case" */
};
extern const struct command_group_text command_groups[GROUP_COUNT];

enum { WORDS_ANY = 255 };

struct command {
    const char *name;
    enum command_group group;
    unsigned flags;
    const char *words;   /* "CASE PATH..." of the synopsis */
    const char *summary; /* one line, no full stop */
    const char *text;    /* paragraphs for the manual, separated by \n\n */
    const struct command_option *options;   /* ended by name NULL; or NULL */
    const struct command_example *examples; /* ended by line NULL; or NULL */
    uint8_t min, max;                       /* words */
    int (*run)(struct cli *cli, struct err *err);
};

extern const struct command *const commands[]; /* NULL-ended */
const struct command *command_find(struct str name);
/* A name like this one, or NULL. */
const char *command_nearest(struct str name);
/* Number of single-character edits between two short names. */
size_t command_distance(struct str a, struct str b);

/* The i-th option of a command, its own first, then the common ones that its
 * flags bring; NULL after the last. */
const struct command_option *command_option(const struct command *c, size_t i);

/* "kanshiki import CASE PATH... [--as FORMAT] ..", wrapped for the terminal. */
void command_usage(struct buf *out, const struct command *c);
/* What a filter is, in paragraphs; wrapped. */
extern const char filter_text[];
