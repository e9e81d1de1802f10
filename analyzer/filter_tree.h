/* The parsed filter, between filter_parse.c and filter_compile.c. */
#pragma once

#include "analyzer/filter.h"

enum {
    FILTER_TEXT_MAX = 64 << 10, /* bytes */
    FILTER_DEPTH_MAX = 16,      /* brackets within brackets */
    FILTER_TERMS_MAX = 1000,
    FILTER_PATH_MAX = 16, /* parts of a path in a record */
};

/* What a field of the table is made of beyond its type. */
enum filter_what {
    WHAT_PLAIN,
    WHAT_SERVICE, /* s3 is s3.amazonaws.com */
    WHAT_OUTCOME, /* denied, failed, ok */
    WHAT_KIND,
    WHAT_TIME_KIND,
    WHAT_SEVERITY,
    WHAT_FLAG,
    WHAT_READ_ONLY,
    WHAT_MFA,
    WHAT_UNDATED,
    WHAT_EXHIBIT,
    WHAT_MEMBER,
    WHAT_TAG,
    WHAT_NOTE,
    WHAT_VERDICT,
    WHAT_BOOKMARK,
    WHAT_MARK,
    WHAT_CLASS,
    WHAT_KNOWN,
    WHAT_LINK,
    WHAT_FINDING, /* known, nothing is recorded yet */
    WHAT_NEW,
    WHAT_STORY,
    WHAT_REQUEST,
};

struct filter_item {
    struct str text; /* quoted: the bytes meant; else as typed */
    struct filter_place place;
    bool quoted;
    bool glob;  /* an unescaped `*` */
    bool range; /* lo .. hi, either may be empty */
    struct str lo, hi;
    /* FILTER_TIME: [from, to); FILTER_ID, FILTER_SCALE: [lo_n, hi_n] */
    struct instant from, to;
    int64_t lo_n, hi_n;
};

enum filter_form {
    FORM_VALUES, /* field:.. */
    FORM_MATCH,  /* field~".." */
    FORM_HAS,    /* has:field */
    FORM_NEAR,   /* near:ref/span */
    FORM_WORD,   /* word or string */
};

struct filter_term {
    enum filter_form form;
    struct filter_place place;
    const struct filter_field *field; /* VALUES, MATCH, HAS */
    struct str path;                  /* FILTER_RAW: of the member */
    struct filter_item *items;        /* VALUES */
    size_t n;
    struct str text; /* MATCH: the pattern; WORD: the bytes; NEAR: the ref */
    bool quoted;     /* WORD */
    struct str span; /* NEAR */
    int64_t span_ns;
};

enum filter_op { OP_AND, OP_OR, OP_NOT, OP_TERM };

struct filter_node {
    enum filter_op op;
    struct filter_node **kids; /* AND, OR: two or more; NOT: one */
    size_t n;
    struct filter_term *term;
    struct filter_place place;
};

struct filter {
    struct str text;
    struct filter_node *root; /* NULL: all events */
};

/* The column (1.., in characters) of byte `at`. */
size_t filter_column(struct str text, size_t at);
/* ERR_USAGE "column N: ..", and the place. */
int filter_fail(struct str text, struct filter_place at,
                struct filter_place *place, struct err *err, const char *fmt,
                ...) __attribute__((format(printf, 5, 6)));

/* ---- words --------------------------------------------------------------- */

/* Damerau's distance, ASCII case folded; at most `most` + 1 is told. */
size_t filter_distance(struct str a, struct str b, size_t most);
/* The n-th word of a list separated by blanks; empty at the end. */
struct str filter_word(const char *list, size_t i);
/* Index of a word in the list, folded, or -1. */
int filter_word_find(const char *list, struct str word);
/* The nearest word of the list, or an empty string. */
struct str filter_word_nearest(const char *list, struct str word);
/* The field that reads any member of the record, `raw.PATH`. */
extern const struct filter_field filter_raw_field;
/* Text without its `\*`: what an unquoted item without a wildcard means. */
struct str filter_literal(struct str typed, struct arena *a);
/* A pattern that means exactly the bytes. */
struct str filter_escape(struct str bytes, struct arena *a);

/* ---- kinds of timeline entries ------------------------------------------- */

/* Does a source (importer) belong to this word of `kind:`? */
bool filter_kind_has(struct str kind, struct str source);
