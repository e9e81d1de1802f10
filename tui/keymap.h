/*
 * The one table of keys: each row says which keys do what, on screens that
 * can what. Dispatch, the hint row, the help screen, docs/tui.md and the
 * manual page are made from it, so they cannot differ.
 */
#pragma once

#include "base/str.h"

/* Keys beyond characters. Control keys are 1..31 and 127, as typed. */
enum key {
    KEY_NONE = 0,
    KEY_ESC = 0x1b,
    KEY_SPECIAL = 0x200000, /* above all code points */
    KEY_ARROW_UP,
    KEY_ARROW_DOWN,
    KEY_ARROW_LEFT,
    KEY_ARROW_RIGHT,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_TO_HOME,
    KEY_TO_END,
    KEY_INSERT,
    KEY_DELETE,
    KEY_BACK_TAB,
    KEY_F1,
    KEY_F12 = KEY_F1 + 11,
};

/* What a screen can do decides which keys mean something on it. */
enum can {
    CAN_MOVE = 1,        /* a list or a text to move in */
    CAN_OPEN = 2,        /* Enter opens the row */
    CAN_EVENT = 4,       /* there is a current event */
    CAN_FILTER = 8,      /* the list has a filter */
    CAN_FIND = 16,       /* / finds in the list */
    CAN_TIME = 32,       /* the list is in time order, with a histogram */
    CAN_PANES = 64,      /* Tab goes from part to part */
    CAN_CONTEXT = 128,   /* a time window that can be widened */
    CAN_TAKE_BACK = 256, /* the row is an entry of the examiner */
    CAN_VALUE = 512,     /* a value under the cursor */
    CAN_TEXT = 1024,     /* Enter or / asks for a text to search */
    CAN_ENTITY = 2048,   /* it is about one entity */
    CAN_FILES = 4096,    /* files of disk images */
};

#define ACTION_LIST(X)                                                         \
    X(NONE)                                                                    \
    X(UP)                                                                      \
    X(DOWN)                                                                    \
    X(LEFT)                                                                    \
    X(RIGHT)                                                                   \
    X(PAGE_UP)                                                                 \
    X(PAGE_DOWN)                                                               \
    X(FIRST)                                                                   \
    X(LAST)                                                                    \
    X(OPEN)                                                                    \
    X(BACK)                                                                    \
    X(CLOSE)                                                                   \
    X(CANCEL)                                                                  \
    X(PALETTE)                                                                 \
    X(HELP)                                                                    \
    X(GO_SCREEN)                                                               \
    X(NEXT_PANE)                                                               \
    X(PREV_PANE)                                                               \
    X(FILTER)                                                                  \
    X(TIMELINE)                                                                \
    X(ONLY)                                                                    \
    X(WITHOUT)                                                                 \
    X(UNCHIP)                                                                  \
    X(PIVOT)                                                                   \
    X(AROUND)                                                                  \
    X(NARROWER)                                                                \
    X(WIDER)                                                                   \
    X(GO_TIME)                                                                 \
    X(ZOOM_IN)                                                                 \
    X(ZOOM_OUT)                                                                \
    X(EARLIER)                                                                 \
    X(LATER)                                                                   \
    X(ANCHOR)                                                                  \
    X(ZONE)                                                                    \
    X(NEXT_GAP)                                                                \
    X(PREV_GAP)                                                                \
    X(FIND)                                                                    \
    X(FIND_NEXT)                                                               \
    X(FIND_PREV)                                                               \
    X(SEARCH)                                                                  \
    X(BOOKMARK)                                                                \
    X(TAG)                                                                     \
    X(NOTE)                                                                    \
    X(TAKE_BACK)                                                               \
    X(NEXT_VIEW)                                                               \
    X(HIDE_KNOWN)                                                              \
    X(SAVE)                                                                    \
    X(COPY)                                                                    \
    X(ASCII)                                                                   \
    X(REPAINT)                                                                 \
    X(SUSPEND)

enum action {
#define X(name) ACTION_##name,
    ACTION_LIST(X)
#undef X
        ACTION_COUNT
};

struct key_row {
    const char *keys; /* names, separated by blanks; the first is shown */
    unsigned needs;   /* screens that can one of these; 0 = all */
    enum action action;
    const char *hint; /* for the hint row, NULL = not there */
    const char *help;
};
/* Ended by keys NULL; in the order of the help screen. */
extern const struct key_row keymap[];

/* What the key does on a screen that can `can`; NULL = nothing. */
const struct key_row *keymap_find(uint32_t key, unsigned can);
static inline bool keymap_row_applies(const struct key_row *r, unsigned can)
{
    return r->needs == 0 || (r->needs & can);
}
/* "Enter", "^L", "F1", "Space", "x" -> key; KEY_NONE when it is no name. */
uint32_t keymap_parse(struct str name);
/* The next name of a row's `keys` at *at; false at the end. */
bool keymap_next(struct str keys, size_t *at, struct str *name);
/* The table as Markdown, for docs/tui.md, which a test compares. */
void keymap_markdown(struct buf *out);
