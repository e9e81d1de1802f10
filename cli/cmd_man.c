/*
 * The manual pages, made from the command table by the build (docs/local.am):
 * kanshiki(1) and one page for each group of commands. mdoc(7).
 */
#include "cli/command.h"
#include "cli/commands.h"

#include "analyzer/filter.h"
#include "base/text.h"

/* Of the text, not of the build: the same source gives the same pages. */
#define MANUAL_DATE "March 16, 2026"

enum { LINE = 76 };

static const struct {
    const char *code, *text;
} exits[] = {
    { "0", "Done." },
    { "1", "Usage: something was asked for that is not possible." },
    { "2", "Done, with issues in the evidence, which are listed." },
    { "3", "A verification failed." },
    { "4", "The case file is refused: not a case, newer, damaged, or in use." },
    { "5", "Could not write: disk full, closed pipe, I/O error." },
    { "6", "Evidence could not be read." },
    { "7", "Internal error." },
    { "130, 143", "Interrupted by SIGINT, SIGTERM; the state is kept and the "
                  "same command resumes." },
};

/* ---- mdoc ---------------------------------------------------------------- */

static void put_escaped(struct buf *b, struct str word)
{
    if (word.n && (word.p[0] == '.' || word.p[0] == '\''))
        buf_putz(b, "\\&");
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '\\')
            buf_putz(b, "\\e");
        else if (word.p[i] == '-' && str_sub(word, i, 2).n == 2 &&
                 word.p[i + 1] == '-')
            buf_putz(b, "\\-");
        else
            buf_putc(b, word.p[i]);
    }
}

/* Our own words in running text: wrapped, and every sentence begins on a line
 * of its own. */
static void put_words(struct buf *b, struct str s)
{
    size_t column = 0;
    while (s.n) {
        const char *blank = memchr(s.p, ' ', s.n);
        struct str word = str_sub(s, 0, blank ? (size_t)(blank - s.p) : s.n);
        if (column && column + 1 + word.n > LINE) {
            buf_putc(b, '\n');
            column = 0;
        }
        if (column++)
            buf_putc(b, ' ');
        put_escaped(b, word);
        column += word.n;
        s = str_sub(s, word.n + 1, s.n);
        bool ends = word.n > 1 && word.p[word.n - 1] == '.' &&
                    word.p[word.n - 2] != '.';
        if (ends && s.n) {
            buf_putc(b, '\n');
            column = 0;
        }
    }
    buf_putc(b, '\n');
}

static void put_paragraphs(struct buf *b, const char *text)
{
    struct str rest = str_from(text);
    for (bool first = true; rest.n; first = false) {
        size_t n = str_find(rest, STR("\n\n"));
        struct str p = str_sub(rest, 0, n);
        if (!first)
            buf_putz(b, ".Pp\n");
        put_words(b, p);
        rest = str_sub(rest, p.n + 2, rest.n);
    }
}

/* A word among the arguments of a macro. */
static void put_argument(struct buf *b, struct str word)
{
    bool quote = word.n == 0 || memchr(word.p, ' ', word.n);
    buf_putz(b, quote ? " \"" : " \\&");
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '\\')
            buf_putz(b, "\\e");
        else if (word.p[i] == '"')
            buf_putz(b, "\\(dq");
        else
            buf_putc(b, word.p[i]);
    }
    buf_putz(b, quote ? "\"" : "");
}

static void put_option(struct buf *b, const char *macro,
                       const struct command_option *o)
{
    buf_printf(b, ".%s Fl", macro);
    put_argument(b, str_from(o->name + 1));
    if (o->value) {
        buf_putz(b, " Ar");
        put_argument(b, str_from(o->value));
    }
    buf_putc(b, '\n');
}

/* "CASE [list | show X1]" */
static void put_synopsis_words(struct buf *b, const char *words)
{
    buf_putz(b, ".Ar");
    put_argument(b, str_from(words));
    buf_putc(b, '\n');
}

/* ---- pages --------------------------------------------------------------- */

static void put_head(struct buf *b, const char *name, const char *summary)
{
    buf_printf(b, ".Dd %s\n.Dt ", MANUAL_DATE);
    for (const char *p = name; *p; p++)
        buf_putc(b, *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p);
    buf_printf(b, " 1\n.Os kanshiki\n.Sh NAME\n.Nm %s\n.Nd %s\n", name,
               summary);
}

static void put_common_options(struct buf *b, const struct command *c, bool own)
{
    const struct command_option *o;
    bool any = false;
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        bool is_own = false;
        for (const struct command_option *k = c->options; k && k->name; k++)
            is_own |= k == o;
        if (is_own != own)
            continue;
        if (!any)
            buf_putz(b, ".Bl -tag -width Ds\n");
        any = true;
        put_option(b, "It", o);
        put_words(b, str_from(o->help));
    }
    if (any)
        buf_putz(b, ".El\n");
}

static void put_examples(struct buf *b, const struct command *c)
{
    for (const struct command_example *e = c->examples; e && e->line; e++) {
        buf_putz(b, ".Pp\n");
        put_words(b, str_from(e->text));
        buf_putz(b, ".Bd -literal -offset indent\nkanshiki ");
        put_escaped(b, str_from(e->line));
        buf_putz(b, "\n.Ed\n");
    }
}

static void put_command(struct buf *b, const struct command *c)
{
    buf_printf(b, ".Ss %s\n.Nm kanshiki\n.Cm %s\n", c->name, c->name);
    if (c->words[0])
        put_synopsis_words(b, c->words);
    if (command_option(c, 0))
        buf_putz(b, ".Op Ar options\n");
    buf_putz(b, ".Pp\n");
    put_words(b, str_from(c->summary));
    b->n--; /* the summary is a sentence here */
    buf_putz(b, ".\n");
    if (c->text) {
        buf_putz(b, ".Pp\n");
        put_paragraphs(b, c->text);
    }
    put_common_options(b, c, true);
    put_examples(b, c);
}

static bool in_group(const struct command *c, enum command_group g)
{
    return c->group == g && !(c->flags & COMMAND_HIDDEN);
}

/* Options that several commands of the group share, each once. */
static void put_shared(struct buf *b, enum command_group g)
{
    const struct command all = {
        .flags = COMMAND_LIST | COMMAND_ACTS | COMMAND_ASKS,
    };
    const struct command_option *o;
    buf_putz(b, ".Sh COMMON OPTIONS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; (o = command_option(&all, i)); i++) {
        bool used = false;
        for (size_t k = 0; commands[k] && !used; k++) {
            const struct command_option *other;
            if (!in_group(commands[k], g))
                continue;
            for (size_t j = 0; (other = command_option(commands[k], j)); j++)
                used |= other == o;
        }
        if (!used)
            continue;
        put_option(b, "It", o);
        put_words(b, str_from(o->help));
    }
    buf_putz(b, ".El\n");
}

static void put_filters(struct buf *b)
{
    struct buf one = { 0 };
    for (const char *p = filter_text; *p; p++)
        buf_putc(&one, *p == '\n' ? ' ' : *p);
    buf_putz(b, ".Sh FILTER LANGUAGE\n");
    put_words(b, buf_str(&one));
    buf_putz(b, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < filter_n_fields; i++) {
        const struct filter_field *f = &filter_fields[i];
        buf_putz(b, ".It Cm");
        put_argument(b, str_from(f->name));
        buf_putc(b, '\n');
        put_words(b, str_from(f->help));
        buf_clear(&one);
        if (f->aliases[0])
            buf_printf(&one, "Also: %s. ", f->aliases);
        if (f->words && f->words[0])
            buf_printf(&one, "One of: %s. ", f->words);
        if (f->example && f->example[0])
            buf_printf(&one, "Example: %s", f->example);
        if (one.n)
            put_words(b, str_trim(buf_str(&one)));
    }
    buf_putz(b, ".El\n");
    buf_free(&one);
}

static void put_tail(struct buf *b)
{
    buf_putz(b, ".Sh EXIT STATUS\n.Bl -tag -width \"130, 143\"\n");
    for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
        buf_printf(b, ".It %s\n", exits[i].code);
        put_words(b, str_from(exits[i].text));
    }
    buf_putz(b, ".El\n");
}

/* The groups by name, as pages are listed. */
static void put_see_also(struct buf *b, int own)
{
    bool first = own < 0, put[GROUP_COUNT] = { false };
    buf_printf(b, ".Sh SEE ALSO\n%s", first ? "" : ".Xr kanshiki 1");
    for (;;) {
        int next = -1;
        for (size_t i = 0; commands[i]; i++) {
            int g = (int)commands[i]->group;
            if (!put[g] && !(commands[i]->flags & COMMAND_HIDDEN) &&
                (next < 0 ||
                 strcmp(command_groups[g].name, command_groups[next].name) < 0))
                next = g;
        }
        if (next < 0)
            break;
        put[next] = true;
        if (next == own)
            continue;
        buf_printf(b, "%s.Xr kanshiki-%s 1", first ? "" : " ,\n",
                   command_groups[next].name);
        first = false;
    }
    buf_putc(b, '\n');
}

static void put_group(struct buf *b, enum command_group g)
{
    char name[40], lower[80];
    struct buf n = { name, 0, sizeof(name), false };
    struct buf l = { lower, 0, sizeof(lower), false };
    buf_printf(&n, "kanshiki-%s%c", command_groups[g].name, 0);
    buf_printf(&l, "%s%c", command_groups[g].title, 0);
    lower[0] = (char)(lower[0] | 0x20);
    put_head(b, name, lower);
    buf_putz(b, ".Sh SYNOPSIS\n");
    for (size_t i = 0; commands[i]; i++)
        if (in_group(commands[i], g)) {
            buf_printf(b, ".Nm kanshiki\n.Cm %s\n", commands[i]->name);
            if (commands[i]->words[0])
                put_synopsis_words(b, commands[i]->words);
        }
    buf_putz(b, ".Sh DESCRIPTION\n");
    for (size_t i = 0; commands[i]; i++)
        if (in_group(commands[i], g))
            put_command(b, commands[i]);
    put_shared(b, g);
    if (g == GROUP_ANALYSIS)
        put_filters(b);
    put_tail(b);
    put_see_also(b, (int)g);
}

static void put_all_commands(struct buf *b)
{
    for (int g = 0; g < GROUP_COUNT; g++) {
        bool any = false;
        for (size_t i = 0; commands[i]; i++) {
            if (!in_group(commands[i], (enum command_group)g))
                continue;
            if (!any)
                buf_printf(b, ".Ss %s\n.Bl -tag -width evidence -compact\n",
                           command_groups[g].title);
            any = true;
            buf_printf(b, ".It Cm %s\n", commands[i]->name);
            put_words(b, str_from(commands[i]->summary));
        }
        if (any)
            buf_printf(b, ".El\n.Pp\nSee\n.Xr kanshiki-%s 1 .\n",
                       command_groups[g].name);
    }
}

static const char description[] =
    "kanshiki imports what was preserved of an incident in AWS (CloudTrail and "
    "other logs, disk images, memory images) into one case file, and answers "
    "from it what happened, when, by whom, and by which evidence.\n\n"
    "Evidence is opened for reading only and parsed in confined processes. "
    "The program has no network access. For every file, records read = stored "
    "+ duplicates + rejected, and every row leads back to its bytes.\n\n"
    "Results go to standard output, messages and progress to standard error. "
    "Options may stand anywhere after the command; -- ends them.";

static const char citations[] =
    "E12 is an event, X1 an exhibit. A citation such as X1/path/a.json.gz!gz"
    "@4711+1312 names bytes: exhibit, member, layers of decoding, offset and "
    "length. It is what notes and reports refer to, and stays the same when "
    "the evidence is imported anew.";

static void put_main(struct buf *b)
{
    put_head(b, "kanshiki", "offline forensic analysis of AWS incidents");
    buf_putz(b, ".Sh SYNOPSIS\n.Nm\n.Ar COMMAND\n.Op Ar CASE\n.Op Ar words\n"
                ".Op Ar options\n.Sh DESCRIPTION\n");
    put_paragraphs(b, description);
    put_all_commands(b);
    buf_putz(b, ".Ss Names\n");
    put_paragraphs(b, citations);
    buf_putz(b, ".Sh FILES\n.Bl -tag -width Ds\n"
                ".It Pa CASE.kan\nThe case, an SQLite file.\n"
                ".It Pa CASE.kan.lock\nNames the process that works on it.\n"
                ".El\n");
    put_tail(b);
    put_see_also(b, -1);
}

static int run(struct cli *cli, struct err *err)
{
    struct str name = arg_word(cli, 0);
    if (str_eq(name, STR("kanshiki"))) {
        put_main(&cli->out);
        return 0;
    }
    for (int g = 0; g < GROUP_COUNT; g++)
        if (str_starts(name, STR("kanshiki-")) &&
            str_eq(str_sub(name, 9, name.n),
                   str_from(command_groups[g].name))) {
            put_group(&cli->out, (enum command_group)g);
            return 0;
        }
    return err_set(err, ERR_USAGE, "no page %s", text_line(name));
}

const struct command cmd_man = {
    .name = "__man",
    .group = GROUP_PROGRAM,
    .flags = COMMAND_HIDDEN,
    .words = "PAGE",
    .summary = "Print a manual page, for the build",
    .min = 1,
    .max = 1,
    .run = run,
};
