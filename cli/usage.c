/* The usage of one command, wrapped to 80 columns. */
#include "cli/command.h"

const char filter_text[] =
    "A filter selects events: FIELD:VALUE terms joined by and (which may be\n"
    "left out), or, not and brackets. Values may hold * as a wildcard, be a\n"
    "range A..B, a network 198.51.100.0/24, or a list (A or B). "
    "FIELD~\"regex\"\n"
    "is a regular expression, has:FIELD asks that there is a value,\n"
    "near:E12/5m for the time around an event. Text in quotes means exactly\n"
    "that; words without a field are searched for in the raw records. Fields\n"
    "that are not kept in the case are read from the records. A filter that "
    "is\n"
    "not understood is an error that points at the place, never an empty view.";

enum { LINE = 78, HELP_AT = 26 };

/* Appends a word to a line that began with `indent` cells. */
static void put_word(struct buf *out, size_t *column, size_t indent,
                     struct str word)
{
    if (*column + 1 + word.n > LINE && *column > indent) {
        buf_printf(out, "\n%*s", (int)indent, "");
        *column = indent;
    } else if (*column > indent) {
        buf_putc(out, ' ');
        ++*column;
    }
    buf_put(out, word);
    *column += word.n;
}

static void put_text(struct buf *out, size_t column, size_t indent,
                     const char *text)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        put_word(out, &column, indent, (struct str){ text, n });
        text += n + strspn(text + n, " ");
    }
    buf_putc(out, '\n');
}

static void put_option(struct buf *out, const struct command_option *o)
{
    size_t from = out->n;
    buf_printf(out, "  %s", o->name);
    if (o->value)
        buf_printf(out, " %s", o->value);
    size_t used = out->n - from;
    buf_printf(out, "%*s", used < HELP_AT ? (int)(HELP_AT - used) : 1, "");
    put_text(out, HELP_AT, HELP_AT, o->help);
}

void command_usage(struct buf *out, const struct command *c)
{
    const struct command_option *o;
    struct buf part = { 0 };
    size_t indent = strlen(c->name) + 17, column = indent;
    buf_printf(out, "usage: kanshiki %s ", c->name);
    if (c->words[0])
        put_word(out, &column, indent, str_from(c->words));
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        buf_clear(&part);
        buf_printf(&part, "[%s%s%s]", o->name, o->value ? " " : "",
                   o->value ? o->value : "");
        put_word(out, &column, indent, buf_str(&part));
    }
    buf_free(&part);
    buf_printf(out, "\n\n%s.\n\n", c->summary);
    for (size_t i = 0; (o = command_option(c, i)); i++)
        put_option(out, o);
    for (const struct command_example *e = c->examples; e && e->line; e++) {
        buf_printf(out, "%s\n  kanshiki %s\n",
                   e == c->examples ? "\nExamples:" : "", e->line);
        buf_printf(out, "      ");
        put_text(out, 6, 6, e->text);
    }
}
