#include "tui/keymap.h"

#include "base/text.h"

/* clang-format off: one key a line */
const struct key_row keymap[] = {
    { "Up k", CAN_MOVE, ACTION_UP, NULL, "one row up" },
    { "Down j", CAN_MOVE, ACTION_DOWN, NULL, "one row down" },
    { "Left h", CAN_MOVE, ACTION_LEFT, NULL,
      "field to the left, tab to the left" },
    { "Right l", CAN_MOVE, ACTION_RIGHT, NULL,
      "field to the right, tab to the right" },
    { "PgUp ^B", CAN_MOVE, ACTION_PAGE_UP, NULL, "one page up" },
    { "PgDn ^F Space", CAN_MOVE, ACTION_PAGE_DOWN, NULL, "one page down" },
    { "g Home", CAN_MOVE, ACTION_FIRST, NULL, "to the first row" },
    { "G End", CAN_MOVE, ACTION_LAST, NULL, "to the last row" },
    { "Enter", CAN_OPEN, ACTION_OPEN, "open", "open the row under the cursor" },
    { "Tab", CAN_PANES, ACTION_NEXT_PANE, "next part",
      "to the next part of the screen" },
    { "BackTab", CAN_PANES, ACTION_PREV_PANE, NULL, "to the part before" },

    { "T", CAN_ENTITY, ACTION_TIMELINE, "timeline",
      "all events of this entity; Enter: those with the row's value too" },
    { "f", CAN_FILTER, ACTION_FILTER, "filter",
      "edit the filter; an error is shown under its column" },
    { "F", CAN_FILTER, ACTION_ONLY, "only",
      "only rows with the value under the cursor" },
    { "x", CAN_FILTER, ACTION_WITHOUT, "without",
      "no rows with the value under the cursor" },
    { "X", CAN_FILTER, ACTION_UNCHIP, NULL,
      "take away a part of the filter, by its number" },
    { "/", CAN_FIND, ACTION_FIND, "find",
      "find a text in this list, from the cursor on" },
    { "> ^N", CAN_FIND, ACTION_FIND_NEXT, NULL,
      "the next row that has the text" },
    { "< ^P", CAN_FIND, ACTION_FIND_PREV, NULL,
      "the row before that has the text" },
    { "/ s", CAN_TEXT, ACTION_SEARCH, "search",
      "search the raw records for a text" },

    { "@", CAN_TIME, ACTION_GO_TIME, "time",
      "go to a time: 2026-03-11T02:20, or +5m -2h from here" },
    { "w", CAN_EVENT, ACTION_AROUND, "around",
      "what else happened around this event, without the filter" },
    { "[", CAN_CONTEXT, ACTION_NARROWER, "narrower", "a narrower time window" },
    { "]", CAN_CONTEXT, ACTION_WIDER, "wider", "a wider time window" },
    { "=", CAN_TIME, ACTION_ANCHOR, NULL,
      "count the time column from this event; again: from row to row" },
    { "+", CAN_TIME, ACTION_ZOOM_IN, NULL,
      "histogram: half the time, around the cursor" },
    { "-", CAN_TIME, ACTION_ZOOM_OUT, NULL, "histogram: twice the time" },
    { ",", CAN_TIME, ACTION_EARLIER, NULL, "histogram: half a width earlier" },
    { ".", CAN_TIME, ACTION_LATER, NULL, "histogram: half a width later" },
    { "z", CAN_TIME, ACTION_ZONE, NULL,
      "times of a second zone beside UTC: +09:00; empty: none" },
    { "}", CAN_TIME, ACTION_NEXT_GAP, NULL,
      "to the next gap between the rows" },
    { "{", CAN_TIME, ACTION_PREV_GAP, NULL, "to the gap before" },

    { "e", CAN_EVENT | CAN_VALUE, ACTION_PIVOT, "entity",
      "all about the value under the cursor" },
    { "m", CAN_EVENT, ACTION_BOOKMARK, "mark",
      "bookmark the event; again: take it back" },
    { "t", CAN_EVENT, ACTION_TAG, "tag", "tag the event" },
    { "n", CAN_EVENT, ACTION_NOTE, "note", "add a note to the event" },
    { "r", CAN_TAKE_BACK, ACTION_TAKE_BACK, "take back",
      "take the entry back: a new entry says so, the old one stays" },
    { "v", CAN_FILES, ACTION_NEXT_VIEW, "view",
      "the volume after its journal, as on disk, both" },
    { "K", CAN_FILES, ACTION_HIDE_KNOWN, NULL,
      "hide files that a hash list knows; again: show them" },
    { "W", CAN_FILES, ACTION_SAVE, "copy out",
      "copy the content into a file beside the case, with its digest" },
    { "y", CAN_VALUE | CAN_EVENT, ACTION_COPY, "copy view",
      "the value alone, unframed, for the terminal's own selection" },

    { "1 2 3 4 5 6 7 8", 0, ACTION_GO_SCREEN, NULL,
      "overview, timeline, entities, search, notes, evidence, disk, host" },
    { ":", 0, ACTION_PALETTE, "palette", "every action and screen by name" },
    { "? F1", 0, ACTION_HELP, "help", "the keys of this screen" },
    { "Esc Backspace", 0, ACTION_BACK, "back",
      "leave the input, stop the query, go back; never ends the program" },
    { "^C", 0, ACTION_CANCEL, NULL, "as Esc" },
    { "q", 0, ACTION_CLOSE, "close",
      "close the screen; on the first one: end" },
    { "u", 0, ACTION_ASCII, NULL,
      "show all that is not ASCII as \\u{..}; again: as it is" },
    { "^L", 0, ACTION_REPAINT, NULL, "paint everything again" },
    { "^Z", 0, ACTION_SUSPEND, NULL, "suspend" },
    { NULL, 0, ACTION_NONE, NULL, NULL },
};
/* clang-format on */

static const struct {
    const char *name;
    uint32_t key;
} names[] = {
    { "Up", KEY_ARROW_UP },
    { "Down", KEY_ARROW_DOWN },
    { "Left", KEY_ARROW_LEFT },
    { "Right", KEY_ARROW_RIGHT },
    { "PgUp", KEY_PAGE_UP },
    { "PgDn", KEY_PAGE_DOWN },
    { "Home", KEY_TO_HOME },
    { "End", KEY_TO_END },
    { "Insert", KEY_INSERT },
    { "Delete", KEY_DELETE },
    { "Enter", '\r' },
    { "Esc", KEY_ESC },
    { "Tab", '\t' },
    { "BackTab", KEY_BACK_TAB },
    { "Backspace", 0x7f },
    { "Space", ' ' },
};

uint32_t keymap_parse(struct str name)
{
    uint32_t cp;
    uint64_t n;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq(name, str_from(names[i].name)))
            return names[i].key;
    if (name.n == 2 && name.p[0] == '^' && name.p[1] >= '@' && name.p[1] <= '_')
        return (uint32_t)(name.p[1] - '@');
    if (name.n > 1 && name.p[0] == 'F' &&
        str_u64(str_sub(name, 1, name.n), &n) && n >= 1 && n <= 12)
        return KEY_F1 + (uint32_t)n - 1;
    if (name.n && text_utf8(name, &cp) == name.n && cp >= 0x20)
        return cp;
    return KEY_NONE;
}

bool keymap_next(struct str keys, size_t *at, struct str *name)
{
    while (*at < keys.n && keys.p[*at] == ' ')
        (*at)++;
    size_t from = *at;
    while (*at < keys.n && keys.p[*at] != ' ')
        (*at)++;
    *name = str_sub(keys, from, *at - from);
    return name->n > 0;
}

static bool has_key(const struct key_row *r, uint32_t key)
{
    struct str name, all = str_from(r->keys);
    for (size_t at = 0; keymap_next(all, &at, &name);)
        if (keymap_parse(name) == key)
            return true;
    return false;
}

const struct key_row *keymap_find(uint32_t key, unsigned can)
{
    if (key == '\n')
        key = '\r';
    if (key == '\b')
        key = 0x7f;
    for (const struct key_row *r = keymap; r->keys; r++)
        if (keymap_row_applies(r, can) && has_key(r, key))
            return r;
    return NULL;
}

static const struct {
    unsigned can;
    const char *text;
} places[] = {
    { CAN_MOVE, "lists and texts" },
    { CAN_OPEN, "lists" },
    { CAN_PANES, "screens of several parts" },
    { CAN_FILTER, "timeline" },
    { CAN_FIND, "lists" },
    { CAN_TEXT, "search" },
    { CAN_TIME, "timeline" },
    { CAN_EVENT, "events" },
    { CAN_CONTEXT, "around an event" },
    { CAN_VALUE, "values" },
    { CAN_TAKE_BACK, "notes" },
    { CAN_ENTITY, "entity" },
    { CAN_FILES, "disk images" },
};

void keymap_markdown(struct buf *out)
{
    buf_putz(out, "| key | where | what |\n|---|---|---|\n");
    for (const struct key_row *r = keymap; r->keys; r++) {
        struct str name, all = str_from(r->keys);
        buf_putz(out, "|");
        for (size_t at = 0; keymap_next(all, &at, &name);) {
            buf_putz(out, " `");
            buf_put(out, name);
            buf_putz(out, "`");
        }
        buf_putz(out, " | ");
        bool any = false;
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
            if (r->needs & places[i].can) {
                buf_putz(out, any ? ", " : "");
                buf_putz(out, places[i].text);
                any = true;
            }
        buf_putz(out, any ? " | " : "everywhere | ");
        buf_putz(out, r->help);
        buf_putz(out, " |\n");
    }
}
