/* What the rules joined: all of it, by rule, or around one event or entity. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"

#include "analyzer/cite.h"
#include "analyzer/links.h"
#include "base/text.h"

static const struct command_example examples[] = {
    { "links incident.kan C1",
      "Keys, who issued them and where they were used." },
    { "links incident.kan key:ASIAAPPSTOLENEXAMPLE",
      "All links through a key." },
    { "links incident.kan E123", "All links of an event." },
    { 0 },
};

static const struct table_column columns[] = {
    { "rule", "RULE", false, 0 },     { "class", "CLASS", false, 0 },
    { "from", "FROM", false, 0 },     { "to", "TO", false, 0 },
    { "kind", "KIND", false, 0 },     { "value", "THROUGH", false, 0 },
    { "events", "EVENTS", true, 0 },  { "version", "VERSION", true, 0 },
    { "reason", "REASON", false, 0 },
};

struct listing {
    struct casedb *c;
    struct table *t;
    const struct links_rule *rule; /* NULL = all */
    int64_t exhibit;               /* 0 = all */
};

static struct str end_name(enum link_end kind, int64_t id)
{
    return kind == LINK_EXHIBIT ? name_exhibit(id) : name_event(id);
}

static bool wanted(const struct listing *l, const struct link *link)
{
    if (l->rule && !str_eq(link->rule, str_from(l->rule->id)))
        return false;
    return l->exhibit == 0 ||
           (link->a_kind == LINK_EXHIBIT && link->a == l->exhibit) ||
           (link->b_kind == LINK_EXHIBIT && link->b == l->exhibit);
}

static int put_link(void *ctx, const struct link *link)
{
    struct listing *l = ctx;
    if (!wanted(l, link))
        return 0;
    table_str(l->t, link->rule);
    table_str(l->t, str_from(links_class_name(link->cls)));
    table_str(l->t, end_name(link->a_kind, link->a));
    table_str(l->t, end_name(link->b_kind, link->b));
    if (link->entity) {
        table_str(l->t, kind_name(link->entity >> KIND_SHIFT));
        table_str(l->t, case_text(l->c, link->entity));
    } else {
        table_null(l->t);
        table_null(l->t);
    }
    table_u64(l->t, link->n);
    table_i64(l->t, link->rule_version);
    table_str(l->t, link->reason);
    return 0;
}

static int put_links(struct cli *cli, struct listing *l,
                     const struct cite_found *of, struct err *err)
{
    l->t = out_table(cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    if (!l->t)
        return err->code;
    int rc;
    if (of && of->cite.form == CITE_ENTITY)
        rc = case_links_of_entity(l->c, of->entity, put_link, l, err);
    else
        rc = case_links(l->c, of ? of->event : 0, put_link, l, err);
    struct err close_err = { 0 };
    int closed = table_close(l->t, rc ? &close_err : err);
    return rc ? rc : closed;
}

/* What the second word names, when it is no rule. */
static int find_of(struct cli *cli, struct listing *l, struct cite_found *of,
                   struct err *err)
{
    struct str word = arg_word(cli, 1);
    int rc = cite_find(l->c, word, &cli->arena, of, err);
    if (rc == ERR_USAGE)
        err_hint(err, "Rules are listed by: kanshiki analyze CASE");
    if (rc == 0 && of->cite.form == CITE_EXHIBIT)
        l->exhibit = of->cite.exhibit;
    if (rc == 0 && of->cite.form == CITE_PLACE && of->event == 0)
        rc = err_set(err, ERR_USAGE, "%s: no event begins there",
                     text_line(word));
    return rc;
}

static int list(struct cli *cli, struct casedb *c, struct err *err)
{
    struct listing l = { .c = c };
    struct cite_found of;
    bool by_of = false;
    int rc = cli_tell_analyzed(c, err);
    if (rc == 0 && cli->n_words > 1) {
        l.rule = links_rule_find(arg_word(cli, 1));
        by_of = l.rule == NULL;
        rc = by_of ? find_of(cli, &l, &of, err) : 0;
    }
    if (rc)
        return rc;
    return put_links(cli, &l, by_of && l.exhibit == 0 ? &of : NULL, err);
}

static int run(struct cli *cli, struct err *err)
{
    struct casedb *c;
    int rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    rc = list(cli, c, err);
    case_close(c);
    return rc;
}

const struct command cmd_links = {
    .name = "links",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST,
    .words = "CASE [RULE|ENTITY|E123|X1]",
    .summary = "List what the rules joined, with class and reason",
    .text = "One line a link: from one event or exhibit to another, through "
            "the identifier that both have. exact: the same unique identifier "
            "on both sides; candidate: it agrees, but may be another's; "
            "inferred. EVENTS counts those on the far side with the "
            "identifier. Made by analyze.",
    .examples = examples,
    .min = 1,
    .max = 2,
    .run = run,
};
