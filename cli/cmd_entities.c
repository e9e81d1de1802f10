#include "cli/command.h"
#include "cli/commands.h"

#include "base/kinds.h"
#include "base/text.h"
#include "casedb/query.h"

static const struct command_option options[] = {
    { "--top", "N", "the N with most events; default 50, 0 = all", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "entities incident.kan", "How many values of which kind there are." },
    { "entities incident.kan ip --top 10", "The ten busiest addresses." },
    { 0 },
};

static const struct table_column kind_columns[] = {
    { "kind", "KIND", false, 0 },
    { "values", "VALUES", true, 0 },
};

static const struct table_column value_columns[] = {
    { "kind", "KIND", false, 0 },    { "value", "VALUE", false, 0 },
    { "events", "EVENTS", true, 0 }, { "first", "FIRST", false, 0 },
    { "last", "LAST", false, 0 },    { "roles", "ROLES", false, 0 },
};

static int end_table(struct table *t, int rc, struct err *err)
{
    struct err close_err = { 0 };
    int closed = t ? table_close(t, rc ? &close_err : err) : 0;
    return rc ? rc : closed;
}

static int list_kinds(struct cli *cli, struct casedb *c, struct err *err)
{
    uint64_t counts[KIND_MAX + 1] = { 0 };
    int rc = case_kind_counts(c, counts, err);
    if (rc)
        return rc;
    struct table *t = out_table(cli, kind_columns, 2, err);
    if (!t)
        return err->code;
    for (unsigned kind = 0; kind <= KIND_MAX; kind++) {
        if (counts[kind] == 0 || kind_name(kind).n == 0)
            continue;
        table_str(t, kind_name(kind));
        table_u64(t, counts[kind]);
    }
    return end_table(t, 0, err);
}

static void put_roles(struct table *t, uint32_t roles)
{
    struct buf b = { 0 };
    for (unsigned r = 0; r < ROLE_COUNT; r++)
        if (roles & 1u << r) {
            buf_putz(&b, b.n ? " " : "");
            buf_put(&b, role_name(r));
        }
    table_str(t, buf_str(&b));
    buf_free(&b);
}

static int list_values(struct cli *cli, struct casedb *c, unsigned kind,
                       uint64_t top, struct err *err)
{
    struct entity_count *list;
    size_t n;
    int rc =
        case_entities_top(c, kind, (size_t)top, &cli->arena, &list, &n, err);
    if (rc)
        return rc;
    struct table *t =
        out_table(cli, value_columns,
                  sizeof(value_columns) / sizeof(value_columns[0]), err);
    if (!t)
        return err->code;
    for (size_t i = 0; i < n; i++) {
        /* the top list has no times: they cost a look at each value */
        struct entity_count e = list[i];
        rc = case_entity(c, e.id, &e, err);
        if (rc)
            break;
        bool timed = e.first.s != 0 || e.first.ns != 0 || e.last.s != 0;
        table_str(t, kind_name(kind));
        table_str(t, case_text(c, e.id));
        table_u64(t, e.n);
        table_time(t, cli, timed, e.first, -1);
        table_time(t, cli, timed, e.last, -1);
        put_roles(t, e.roles);
    }
    return end_table(t, rc, err);
}

static int unknown_kind(struct str word, struct err *err)
{
    const char *names[KIND_MAX + 2];
    size_t n = 0, which;
    for (unsigned k = 0; k <= KIND_MAX; k++)
        if (kind_name(k).n)
            names[n++] = kind_name(k).p;
    names[n] = NULL;
    return arg_choice(word, names, &which, err);
}

static int run(struct cli *cli, struct err *err)
{
    struct casedb *c;
    uint64_t top = 50;
    unsigned kind = 0;
    int rc = arg_u64(cli, "--top", &top, err);
    if (rc == 0 && cli->n_words > 1) {
        kind = kind_from_name(arg_word(cli, 1));
        if (kind == 0)
            rc = unknown_kind(arg_word(cli, 1), err);
    }
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    rc = kind ? list_values(cli, c, kind, top, err) : list_kinds(cli, c, err);
    case_close(c);
    return rc;
}

const struct command cmd_entities = {
    .name = "entities",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST,
    .words = "CASE [KIND]",
    .summary = "List who and what occurs in the events",
    .text = "Entities are what events are joined by: accounts, principals, "
            "keys, addresses, instances, buckets, files and more. Without a "
            "kind the kinds are counted.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 2,
    .run = run,
};
