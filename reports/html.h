/*
 * Writing HTML: markup comes from our own literals, every text goes through
 * the text layer, elements are closed by name of the open one. So the tree of
 * elements depends on the numbers of things alone, never on their content.
 */
#pragma once

#include "reports/output.h"
#include "reports/words.h"

enum { HTML_DEPTH = 24 };

struct html {
    struct buf b; /* not yet in the output */
    struct output *to;
    enum report_lang lang;
    const char *open[HTML_DEPTH];
    unsigned depth;
    bool failed; /* memory */
};

/* <tag attributes>; both our literals, attributes may be NULL. */
void html_open(struct html *h, const char *tag, const char *attributes);
void html_close(struct html *h);
/* An element with one of our words in it. */
void html_word(struct html *h, const char *tag, const char *attributes,
               enum word w);
/* Our markup as it is; no evidence may get here. */
void html_raw(struct html *h, const char *markup);
/* Bytes from evidence, the examiner or us: display form, escaped. */
void html_text(struct html *h, struct str s);
/* The same, set apart from its surroundings (<bdi>), for evidence. */
void html_value(struct html *h, struct str s);
/* Line breaks stay (notes). */
void html_lines(struct html *h, struct str s);
void html_u64(struct html *h, uint64_t v);
void html_hex(struct html *h, struct str bytes);
/* A word in which {} stands for the next of the values; set apart. */
void html_say(struct html *h, enum word w, const struct str *values, size_t n);
void html_flush(struct html *h); /* to the output, when there is much */

/* ---- tables -------------------------------------------------------------- */

/* Head cells from words; W_NONE is an empty cell. */
struct html_head {
    enum word caption;
    const enum word *columns;
    size_t n;
};
#define HTML_HEAD(name, caption_, ...)                                         \
    static const enum word name##_columns[] = { __VA_ARGS__ };                 \
    static const struct html_head name = {                                     \
        .caption = W_##caption_,                                               \
        .columns = name##_columns,                                             \
        .n = sizeof(name##_columns) / sizeof(name##_columns[0]),               \
    }
void html_table(struct html *h, const struct html_head *head);
void html_table_end(struct html *h);
void html_row(struct html *h, const char *class_); /* class or NULL */
void html_row_end(struct html *h);
void html_cell(struct html *h, struct str s);       /* evidence or a name */
void html_cell_short(struct html *h, struct str s); /* never broken */
void html_cell_wide(struct html *h, struct str s);  /* prose: not narrow */
void html_cell_word(struct html *h, enum word w);
void html_cell_u64(struct html *h, uint64_t v);
void html_cell_hex(struct html *h, struct str bytes);
/* UTC with `digits` fraction digits (time_format); "–" when not timed. */
void html_cell_time(struct html *h, bool timed, struct instant t, int digits);
/* A paragraph: "n of m are shown" when not all are. */
void html_shown(struct html *h, uint64_t shown, uint64_t all);
/* The same of a list that was meant to be short. */
void html_top(struct html *h, uint64_t shown, uint64_t all);

/* ---- the document -------------------------------------------------------- */

/* Head with policy and style, up to <main>; html_end closes it all. */
void html_begin(struct html *h, struct str title);
void html_end(struct html *h);
