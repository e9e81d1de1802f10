/*
 * The text layer: turns bytes from evidence into text that is safe to show,
 * visible, reversible and of known width. Nothing else in the program prints
 * evidence.
 *
 * Display form (one for all sinks; tui-and-style A2.2): UTF-8 decoded
 * strictly; each byte of an ill-formed part is \xHH; C0 and DEL are control
 * pictures U+2400..2421 (\x1B in ASCII mode); C1, format characters (bidi,
 * zero width, tags), line and paragraph separators, variation selectors,
 * private use, unassigned, fillers, odd spaces and stray combining marks are
 * \u{HEX}; a backslash stays as it is unless the source goes on with xHH or
 * u{...}, then it is \u{5C}. text_parse() is the exact inverse.
 */
#pragma once

#include "base/str.h"

enum text_flag {
    TEXT_ASCII = 1,   /* every non-ASCII character as \u{HEX} */
    TEXT_NO_RTL = 2,  /* strong right-to-left letters escaped too (rows) */
    TEXT_KEEP_LF = 4, /* LF stays a line break (detail panes, reports) */
    TEXT_TERM = 8,    /* also escaped: what wcwidth() of the current locale
                         measures otherwise than we do (curses screens) */
};

/* Append the display form of s. */
void text_show(struct buf *out, struct str s, unsigned flags);
/* The inverse of text_show (any flags). False, and out is as before, when
 * `shown` is not UTF-8 or has control characters other than LF. */
bool text_parse(struct buf *out, struct str shown);
/* Display form clipped to `cells` terminal cells; a cut ends in "…+N" (N =
 * bytes left out; "~+N" in ASCII mode), of which only the first character
 * stays when even that does not fit. Returns the width used. Looks at no more
 * of s than fits. TEXT_KEEP_LF does not apply. */
size_t text_clip(struct buf *out, struct str s, size_t cells, unsigned flags);
/* Width in cells of text in display form. */
size_t text_width(struct str shown);
/* Short one-line display form for messages, in a static per-thread ring of
 * eight buffers of 160 bytes: printf("%s", text_line(name)). */
const char *text_line(struct str s);

/* One cell group of the display form, for screens: the next character with
 * its combining marks. */
struct text_cell {
    struct str bytes; /* UTF-8, base and up to three marks */
    uint8_t width;    /* 1 or 2; 0 for the LF that TEXT_KEEP_LF keeps */
    bool mark;        /* part of an escape: to be drawn in the mark style */
};
/* Iterates the SOURCE bytes s; false at the end. Escapes come as several
 * cells. Buffer `tmp` holds the bytes until the next call. */
struct text_iter {
    struct str s;
    size_t at; /* source bytes used up */
    unsigned flags;
    char tmp[64];
    uint8_t tmp_at, tmp_n; /* cells of an escape that are still to come */
    uint8_t room;          /* marks that the character before still takes */
};
void text_iter_open(struct text_iter *it, struct str s, unsigned flags);
bool text_iter_next(struct text_iter *it, struct text_cell *cell);

/* Sinks. Each appends. */
void text_html(struct buf *out, struct str s); /* display form, & < > " ' */
/* RFC 4180 field. safe: the display form, and a value that a spreadsheet
 * could take for a formula (it begins, after blanks, with = + - @ or their
 * full-width forms, or with TAB CR LF NUL) gets a ' before it. Else the exact
 * bytes. */
void text_csv(struct buf *out, struct str s, bool safe);
/* One shell word to copy: as it is when harmless, else '...', else $'...'
 * with \xHH (a NUL cannot pass through a shell). A leading '-' is the
 * caller's matter (-- or ./). */
void text_shell(struct buf *out, struct str s);
/* Bytes % @ # + ! / (when `slash`), blanks and all that are not printable
 * ASCII as %HH: names inside citations. text_uncite: false on a % without two
 * hex digits, out is as before. */
void text_cite(struct buf *out, struct str s, bool slash);
bool text_uncite(struct buf *out, struct str s);

bool text_utf8_valid(struct str s);
/* Strict decode of one character: length 1..4, 0 when ill-formed. */
unsigned text_utf8(struct str s, uint32_t *cp);
unsigned text_utf8_put(char out[4], uint32_t cp);
