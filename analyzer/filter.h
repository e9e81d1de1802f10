/*
 * The filter language (docs/filter.md): text -> tree -> plan over events.
 *
 *     filter := and { "or" and }         term  := "(" filter ")"
 *     and    := not { ["and"] not }            |  field ":" value
 *     not    := ["not"] term                   |  field "~" string
 *     value  := "(" item { "or" item } ")"     |  "has:" field
 *             | item                           |  "near:" ref "/" span
 *     item   := [bound] ".." [bound]           |  word | string
 *             | cidr | pattern | string
 *
 * After `field:` the value runs to a blank or ")". `*` is the only wildcard,
 * `\*` a literal star; quotes mean exactly these bytes, in this case. Words
 * without a field are looked for in the raw records and in the values that
 * were kept of them. An unknown field or a bad value is an error with its
 * column, never zero rows.
 */
#pragma once

#include "analyzer/raw.h"

struct filter;

/* Where an error or a note belongs: bytes [at, at + n) of the filter text. */
struct filter_place {
    size_t at, n;
};

/* The tree, in the arena (the text is copied). Needs no case. An empty text
 * is the filter of all events. ERR_USAGE: err->what begins with "column N: "
 * (counted from 1, in characters), err->hint may name the nearest field;
 * *place (may be NULL) says where in bytes. */
int filter_parse(struct str text, struct arena *a, struct filter **out,
                 struct filter_place *place, struct err *err) CHECKED;
/* The canonical form: aliases replaced, lists and quotes in one form; parsing
 * it gives the same form. For the query log and reports. Safe to print after
 * the text layer, as it holds what the user typed. */
void filter_put(const struct filter *f, struct buf *out);
bool filter_is_all(const struct filter *f);
/* Parts joined by "and" at the top, for chips: their number, place of one. */
size_t filter_parts(const struct filter *f);
struct filter_place filter_part(const struct filter *f, size_t i);

struct filter_env {
    struct casedb *c;
    const struct raw_reader *raw; /* may be NULL */
    const struct analyzer_ticker *ticker;
};

/* Something to know about one term: "no key has the value AKIA..". */
struct filter_note {
    struct filter_place place;
    struct str text; /* in display form: may be printed as it is */
};

/* Counted while scans run: why a row may be missing. */
struct filter_tally {
    uint64_t read;       /* records read for a test */
    uint64_t unread;     /* records that were not at hand: not matched */
    uint64_t no_json;    /* records without fields: not matched */
    uint64_t gave_up;    /* a pattern took too many steps: not matched */
    uint64_t found;      /* records that have a field at `path` */
    struct str path;     /* the first one that is asked of records */
    uint64_t unsearched; /* what a search could not read, as its maker counts */
};

struct filter_plan {
    const struct plan *plan;
    struct filter_note *notes;
    size_t n_notes;
    bool reads_raw;             /* scans read records: show progress */
    struct filter_tally *tally; /* in the arena */
};
/* The plan lives in the arena and is good for this case handle and one thread
 * at a time; what env points to is used by scans. ERR_USAGE as in filter_parse (an event that does not exist, a
 * regular expression that is wrong); ERR_EVIDENCE when a term reads records
 * and env->raw is NULL. */
int filter_compile(const struct filter *f, const struct filter_env *env,
                   struct arena *a, struct filter_plan *out,
                   struct filter_place *place, struct err *err) CHECKED;
/* filter_parse and filter_compile in one. */
int filter_plan_text(struct str text, const struct filter_env *env,
                     struct arena *a, struct filter_plan *out,
                     struct filter_place *place, struct err *err) CHECKED;
/* After a scan: "12 records could not be read ..", one line each, display
 * form; nothing when all was well. */
void filter_tally_put(const struct filter_plan *p, struct buf *out);

/* ---- writing filters ----------------------------------------------------- */

/* Appends the value as one item that means it: as it is when that is harmless
 * (then in either case), else in quotes. */
void filter_put_value(struct buf *out, struct str value);
/* The field by which to ask for an entity of this kind: "ip". */
struct str filter_field_of_kind(unsigned kind);

/* ---- the fields, for help, completion and docs/filter.md ----------------- */

enum filter_type {
    FILTER_ENTITY, /* value of an identifier */
    FILTER_IP,     /* the same, CIDR too */
    FILTER_WORD,   /* one of a closed list */
    FILTER_SCALE,  /* the same, with ranges */
    FILTER_TIME,
    FILTER_TEXT,  /* free text: contains */
    FILTER_UID,   /* id that the source gave */
    FILTER_ID,    /* E123 */
    FILTER_PLACE, /* X1, member paths */
    FILTER_MARK,  /* what the examiner added */
    FILTER_FLAG,  /* needs no value */
    FILTER_RAW,   /* read from the record */
};
struct filter_field {
    const char *name;
    const char *aliases; /* separated by blanks, "" none */
    const char *help;    /* one sentence */
    const char *words;   /* FILTER_WORD: the list, separated by blanks */
    const char *example; /* a filter, or "" */
    enum filter_type type;
    uint8_t what;       /* of filter_tree.h */
    uint64_t kinds;     /* bit per enum kind; 0 = every kind */
    uint32_t role_mask; /* 0 = any role */
    const char *path;   /* FILTER_RAW: of the member in the record */
};
extern const struct filter_field filter_fields[];
extern const size_t filter_n_fields;
/* By name or alias, ASCII case folded; NULL when there is none. */
const struct filter_field *filter_field_find(struct str name);
/* The nearest name when it is near enough, else "". */
const char *filter_field_nearest(struct str name);
/* docs/filter.md */
void filter_doc(struct buf *out);
