/* docs/filter.md, made from the table of fields. */
#include "analyzer/filter_tree.h"

static const char head[] =
    "# Filters\n"
    "\n"
    "Made from the table of fields in `analyzer/filter_fields.c`; a test "
    "compares.\n"
    "\n"
    "A filter says which events are wanted. It is the same in `timeline`, "
    "`export`,\n"
    "`report` and on the screens.\n"
    "\n"
    "    key:AKIASVCBACKUPEXAMPLE action:(Create* or Put*)\n"
    "    ip:198.51.100.0/24 not outcome:denied\n"
    "    time:2026-03-11T02:00Z..03:30Z source:cloudwatch\n"
    "    near:E48017/5m\n"
    "    path~\"/tmp/.*\\.sh$\"\n"
    "    requestParameters.bucketName:corp-reports-*\n"
    "    \"169.254.169.254\"\n"
    "\n"
    "## Grammar\n"
    "\n"
    "    filter := and { \"or\" and }\n"
    "    and    := not { [\"and\"] not }\n"
    "    not    := [\"not\"] term\n"
    "    term   := \"(\" filter \")\" | field \":\" value | field \"~\" "
    "string\n"
    "            | \"has:\" field | \"near:\" ref \"/\" span | word | string\n"
    "    value  := \"(\" item { \"or\" item } \")\" | item\n"
    "    item   := [bound] \"..\" [bound] | network | pattern | string\n"
    "\n"
    "- A blank is `and`, which binds tighter than `or`. `and`, `or`, `not` are "
    "taken\n"
    "  in either case.\n"
    "- After `field:` the value runs to a blank or `)`: ARNs, times and IPv6 "
    "need no\n"
    "  quotes.\n"
    "- A value matches the whole of what is recorded, ASCII letters in either "
    "case.\n"
    "  `*` is the only wildcard, `\\*` a literal star. Free text (`text`, "
    "`note`) matches\n"
    "  when it contains the value.\n"
    "- In quotes the value is exactly these bytes, in this case, without "
    "wildcards.\n"
    "  `\\\"` is a quote, `\\\\` a backslash, `\\xHH` a byte, `\\u{HEX}` a "
    "character.\n"
    "- `field~\"..\"` is a regular expression (PCRE2); only `\\\"` is ours "
    "there. "
    "A value\n"
    "  that takes it too many steps does not match, and is counted.\n"
    "- Ranges `a..b` include both ends, either may be left out. A time that is "
    "cut\n"
    "  (`2026-03-11T02`) means all of it; the second bound may be a time of "
    "day "
    "only. A\n"
    "  time without a zone is UTC.\n"
    "- `has:field` matches events that have any value there.\n"
    "- `near:E123/5m` matches events within five minutes of one; a time or a "
    "citation\n"
    "  may stand for the event. Spans: `30s` `5m` `2h` `1d` `1w` `250ms`.\n"
    "- A word or string without a field is looked for in the raw records and "
    "in the\n"
    "  values that were kept of them; words in either case, strings exactly. "
    "This reads\n"
    "  the evidence, only the records that the other terms leave when these "
    "are few.\n"
    "- A path with a dot (`userIdentity.type`, `raw.NAME` for a single name) "
    "is "
    "read\n"
    "  from the raw record, elements of arrays included, for the rows that the "
    "other\n"
    "  terms leave.\n"
    "- An unknown field or a bad value is an error with its column, never an "
    "empty\n"
    "  list. When nothing matches, the answer says which value is not in the "
    "case and\n"
    "  which sources cover the time.\n"
    "\n"
    "## Fields\n"
    "\n"
    "| field | also | what | values |\n"
    "|---|---|---|---|\n";

static const char *values_of(const struct filter_field *f)
{
    switch (f->type) {
    case FILTER_ENTITY:
        return "value, `*`, pattern";
    case FILTER_IP:
        return "address, network, `*`, pattern";
    case FILTER_TIME:
        return "time, range";
    case FILTER_TEXT:
        return "part of it, `*`, pattern";
    case FILTER_UID:
        return "whole id";
    case FILTER_ID:
        return "`E123`, range";
    case FILTER_PLACE:
        return f->what == WHAT_EXHIBIT ? "`X1`" : "path, `*`, pattern";
    case FILTER_MARK:
        return f->what == WHAT_LINK ? "rule, `*`" : "value, `*`";
    case FILTER_FLAG:
        return "nothing, `yes`, `no`";
    case FILTER_RAW:
        return "value, `*`, pattern; read from the record";
    case FILTER_WORD:
    case FILTER_SCALE:
        break;
    }
    return "";
}

static void put_words(struct buf *out, const char *list)
{
    struct str w;
    for (size_t i = 0; (w = filter_word(list, i)).n; i++)
        buf_printf(out, "%s`%.*s`", i ? " " : "", STR_ARG(w));
}

/* A bar would end the cell. */
static void put_cell(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_putc(out, '\\');
        buf_putc(out, *text);
    }
}

static void put_field(struct buf *out, const struct filter_field *f)
{
    buf_printf(out, "| `%s` | ", f->name);
    put_words(out, f->aliases);
    buf_putz(out, f->aliases[0] ? " | " : "| ");
    put_cell(out, f->help);
    buf_putz(out, " | ");
    if (f->type == FILTER_WORD || f->type == FILTER_SCALE) {
        put_words(out, f->words);
        buf_putz(out, f->type == FILTER_SCALE ? ", range" : "");
    } else {
        buf_putz(out, values_of(f));
    }
    if (f->example[0]) {
        buf_putz(out, "; `");
        put_cell(out, f->example);
        buf_putc(out, '`');
    }
    buf_putz(out, " |\n");
}

void filter_doc(struct buf *out)
{
    buf_putz(out, head);
    for (size_t i = 0; i < filter_n_fields; i++)
        put_field(out, &filter_fields[i]);
}
