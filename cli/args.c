/* Arguments: words and options of one command. */
#include "cli/command.h"

#include "base/text.h"

static const struct command_option list_options[] = {
    { "--format", "FORMAT", "table (default), csv or jsonl", 0 },
    { "--csv-raw", NULL, "csv with the exact bytes, not safe for spreadsheets",
      0 },
    { "--tz", "ZONE", "show times in this zone, such as +09:00; default UTC",
      0 },
    { 0 },
};
static const struct command_option acts_options[] = {
    { "--examiner", "NAME", "who acts; default: the examiner of the case", 0 },
    { 0 },
};
static const struct command_option asks_options[] = {
    { "--read-only", NULL, "write nothing, not even the query log", 0 },
    { 0 },
};
static const struct command_option all_options[] = {
    { "--color", "WHEN", "ignored: the output has no colours", 0 },
    { "--help", NULL, "show what the command takes", 0 },
    { 0 },
};

/* A command may give a common option a meaning of its own. */
static bool has_own(const struct command *c, const char *name)
{
    for (const struct command_option *o = c->options; o && o->name; o++)
        if (strcmp(o->name, name) == 0)
            return true;
    return false;
}

const struct command_option *command_option(const struct command *c, size_t i)
{
    const struct command_option *const lists[] = {
        c->options,
        c->flags & COMMAND_LIST ? list_options : NULL,
        c->flags & COMMAND_ACTS ? acts_options : NULL,
        c->flags & COMMAND_ASKS ? asks_options : NULL,
        all_options,
    };
    for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++)
        for (const struct command_option *o = lists[k]; o && o->name; o++)
            if ((k == 0 || !has_own(c, o->name)) && i-- == 0)
                return o;
    return NULL;
}

/* ---- parsing ------------------------------------------------------------- */

static int unknown_option(const struct command *c, struct str name,
                          struct err *err)
{
    const struct command_option *o;
    const char *best = NULL;
    size_t least = 4;
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        size_t d = command_distance(name, str_from(o->name));
        if (d < least) {
            least = d;
            best = o->name;
        }
    }
    err_set(err, ERR_USAGE, "%s: unknown option %s", c->name, text_line(name));
    if (best)
        err_hint(err, "Did you mean %s?", best);
    else
        err_hint(err, "kanshiki help %s lists the options.", c->name);
    return ERR_USAGE;
}

static const struct command_option *find_option(const struct command *c,
                                                struct str name)
{
    const struct command_option *o;
    for (size_t i = 0; (o = command_option(c, i)); i++)
        if (str_eq(str_from(o->name), name))
            return o;
    return NULL;
}

/* One option at argv[*i], its value perhaps in the next. */
static int take_option(struct cli *cli, int argc, char **argv, int *i,
                       struct err *err)
{
    struct str name = str_from(argv[*i]);
    const char *value = memchr(name.p, '=', name.n);
    if (value)
        name.n = (size_t)(value++ - name.p);
    const struct command_option *o = find_option(cli->command, name);
    if (!o)
        return unknown_option(cli->command, name, err);
    if (!o->value && value)
        return err_set(err, ERR_USAGE, "%s: takes no value", o->name);
    if (o->value && !value) {
        if (*i + 1 >= argc)
            return err_set(err, ERR_USAGE, "%s: needs a value (%s)", o->name,
                           o->value);
        value = argv[++*i];
    }
    if (!(o->flags & OPTION_MANY) && arg_has(cli, o->name))
        return err_set(err, ERR_USAGE, "%s: given twice", o->name);
    cli->given[cli->n_given++] = (struct option_given){ o, value };
    return 0;
}

static int take_format(struct cli *cli, struct err *err)
{
    static const char *const names[] = { "table", "csv", "jsonl", NULL };
    static const enum table_format formats[] = { TABLE_TEXT, TABLE_CSV,
                                                 TABLE_JSONL };
    struct str format = arg_str(cli, "--format"), tz = arg_str(cli, "--tz");
    size_t which = arg_has(cli, "--csv-raw") ? 1 : 0;
    if (format.p && arg_choice(format, names, &which, err))
        return err_wrap(err, "--format");
    cli->format = formats[which];
    if (arg_has(cli, "--csv-raw")) {
        if (which != 1)
            return err_set(err, ERR_USAGE, "--csv-raw: only with csv");
        cli->format = TABLE_CSV_RAW;
    }
    if (tz.p && !time_parse_zone(tz, &cli->tz))
        return err_set(err, ERR_USAGE,
                       "--tz: %s: not a zone (UTC, +09:00, -0330)",
                       text_line(tz));
    return 0;
}

static int check_count(const struct cli *cli, struct err *err)
{
    const struct command *c = cli->command;
    bool few = cli->n_words < c->min,
         many = c->max != WORDS_ANY && cli->n_words > c->max;
    if (!few && !many)
        return 0;
    if (few)
        err_set(err, ERR_USAGE, "%s: something is missing: kanshiki %s %s",
                c->name, c->name, c->words);
    else
        err_set(err, ERR_USAGE, "%s: one word too many: %s", c->name,
                text_line(str_from(cli->words[c->max])));
    err_hint(err, "kanshiki help %s says what it takes.", c->name);
    return ERR_USAGE;
}

int args_parse(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct buf line = { 0 };
    const char **words =
        arena_array(&cli->arena, (size_t)argc + 1, sizeof(*words));
    cli->given =
        arena_array(&cli->arena, (size_t)argc + 1, sizeof(*cli->given));
    if (!words || !cli->given)
        return err_set(err, ERR_INTERNAL, "out of memory");
    cli->words = words;
    bool only_words = (cli->command->flags & COMMAND_RAW) != 0;
    for (int i = 0; i < argc; i++) {
        const char *a = argv[i];
        if (only_words || a[0] != '-' || a[1] == 0) {
            words[cli->n_words++] = a;
        } else if (strcmp(a, "--") == 0) {
            only_words = true;
        } else {
            int rc = take_option(cli, argc, argv, &i, err);
            if (rc)
                return rc;
        }
    }
    for (int i = 0; i < argc; i++) {
        buf_putz(&line, i ? " " : "");
        text_shell(&line, str_from(argv[i]));
    }
    cli->line = buf_to_arena(&line, &cli->arena);
    if (arg_has(cli, "--help"))
        return 0;
    int rc = take_format(cli, err);
    return rc ? rc : check_count(cli, err);
}

/* ---- asking -------------------------------------------------------------- */

const char *arg_value(const struct cli *cli, const char *name)
{
    for (size_t i = cli->n_given; i > 0; i--)
        if (strcmp(cli->given[i - 1].option->name, name) == 0)
            return cli->given[i - 1].value;
    return NULL;
}

struct str arg_str(const struct cli *cli, const char *name)
{
    return str_from(arg_value(cli, name));
}

bool arg_has(const struct cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->n_given; i++)
        if (strcmp(cli->given[i].option->name, name) == 0)
            return true;
    return false;
}

int arg_u64(const struct cli *cli, const char *name, uint64_t *out,
            struct err *err)
{
    struct str v = arg_str(cli, name);
    if (v.p && !str_u64(v, out))
        return err_set(err, ERR_USAGE, "%s: %s: not a number", name,
                       text_line(v));
    return 0;
}

struct str arg_word(const struct cli *cli, size_t i)
{
    return i < cli->n_words ? str_from(cli->words[i]) : STR_NONE;
}

int arg_exhibit(struct str word, int64_t *no, struct err *err)
{
    uint64_t n;
    struct str digits = word;
    if (word.n && (word.p[0] == 'X' || word.p[0] == 'x'))
        digits = str_sub(word, 1, word.n);
    if (!str_u64(digits, &n) || n == 0 || n > INT64_MAX)
        return err_set(err, ERR_USAGE, "%s: not an exhibit (X1, X2, ..)",
                       text_line(word));
    *no = (int64_t)n;
    return 0;
}

int arg_choice(struct str word, const char *const *names, size_t *out,
               struct err *err)
{
    const char *best = NULL;
    size_t least = 4;
    struct buf all = { 0 };
    for (size_t i = 0; names[i]; i++) {
        if (str_eq(word, str_from(names[i]))) {
            *out = i;
            buf_free(&all);
            return 0;
        }
        size_t d = command_distance(word, str_from(names[i]));
        if (d < least) {
            least = d;
            best = names[i];
        }
        buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    buf_putc(&all, 0);
    err_set(err, ERR_USAGE, "%s: not one of %s", text_line(word),
            all.failed ? "the names it can have" : all.p);
    if (best)
        err_hint(err, "Did you mean %s?", best);
    buf_free(&all);
    return ERR_USAGE;
}
