/* Which credential made which, and what was done with each. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"
#include "cli/progress.h"
#include "cli/raw.h"

#include "analyzer/cite.h"
#include "analyzer/describe.h"
#include "analyzer/lineage.h"
#include "base/json.h"
#include "base/text.h"

static const struct command_option options[] = {
    { "--progress", "FORM", "auto (default), jsonl or none", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "lineage incident.kan key:ASIAAPPSTOLENEXAMPLE",
      "From where a key comes, and what was made with it." },
    { "lineage incident.kan app-server-role",
      "All keys of a role with their uses." },
    { 0 },
};

static const struct table_column columns[] = {
    { "key", "KEY", false, 0 },         { "depth", "DEPTH", true, 0 },
    { "class", "CLASS", false, 0 },     { "issue", "ISSUE", false, 0 },
    { "issued", "ISSUED", false, 0 },   { "action", "BY", false, 0 },
    { "issuer", "ISSUER", false, 0 },   { "issued_from", "FROM", false, 0 },
    { "parent", "PARENT", false, 0 },   { "expires", "EXPIRES", false, 0 },
    { "user", "USED BY", false, 0 },    { "uses", "USES", true, 0 },
    { "first", "FIRST", false, 0 },     { "last", "LAST", false, 0 },
    { "first_use", "EVENT", false, 0 }, { "addresses", "ADDRESSES", false, 0 },
    { "remarks", "REMARKS", false, 0 },
};

struct listing {
    struct cli *cli;
    struct casedb *c;
    struct table *t;
    struct buf b;
};

static int tick(void *ctx, const char *what, uint64_t done, uint64_t all)
{
    struct progress *p = ctx;
    (void)all;
    return progress_tell(p, &(struct progress_state){ .items = done,
                                                      .unit = "keys",
                                                      .path = str_from(what) });
}

static void put_entity(struct listing *l, uint32_t id)
{
    if (id)
        table_str(l->t, case_text(l->c, id));
    else
        table_null(l->t);
}

/* In a table for people the tree is seen by indentation. */
static void put_key(struct listing *l, const struct lineage_node *n)
{
    buf_clear(&l->b);
    for (unsigned i = 0; l->cli->format == TABLE_TEXT && i < n->depth; i++)
        buf_putz(&l->b, i + 1 < n->depth ? "  " : "+ ");
    buf_put(&l->b, case_text(l->c, n->key));
    table_str(l->t, buf_str(&l->b));
    table_u64(l->t, n->depth);
}

static void put_addresses(struct listing *l, const struct lineage_node *n)
{
    struct json_out j = { .b = &l->b };
    buf_clear(&l->b);
    if (l->cli->format == TABLE_JSONL) {
        json_put_open(&j, '{');
        for (size_t i = 0; i < n->n_addresses; i++) {
            json_put_key(&j, case_text(l->c, n->addresses[i].id));
            json_put_u64(&j, n->addresses[i].n);
        }
        if (n->elsewhere) {
            json_put_key(&j, STR(""));
            json_put_u64(&j, n->elsewhere);
        }
        json_put_close(&j, '}');
        table_json(l->t, buf_str(&l->b));
        return;
    }
    for (size_t i = 0; i < n->n_addresses; i++) {
        buf_putz(&l->b, i ? ", " : "");
        buf_put(&l->b, case_text(l->c, n->addresses[i].id));
        buf_printf(&l->b, " (%llu)", (unsigned long long)n->addresses[i].n);
    }
    if (n->elsewhere)
        buf_printf(&l->b, "%sno or further addresses (%llu)",
                   l->b.n ? ", " : "", (unsigned long long)n->elsewhere);
    table_str(l->t, buf_str(&l->b));
}

static void put_event(struct listing *l, int64_t id)
{
    if (id)
        table_str(l->t, name_event(id));
    else
        table_null(l->t);
}

static void put_node(struct listing *l, const struct lineage_node *n)
{
    put_key(l, n);
    if (n->issue)
        table_str(l->t, STR("exact"));
    else
        table_null(l->t);
    put_event(l, n->issue);
    table_time(l->t, l->cli, n->issue && n->issue_timed, n->issued, 0);
    put_entity(l, n->action);
    put_entity(l, n->issuer);
    put_entity(l, n->issue_ip);
    put_entity(l, n->parent);
    table_time(l->t, l->cli, n->expiry.stated, n->expiry.t, 0);
    put_entity(l, n->user);
    table_u64(l->t, n->n);
    table_time(l->t, l->cli, n->timed, n->first, 0);
    table_time(l->t, l->cli, n->timed, n->last, 0);
    put_event(l, n->first_event);
    put_addresses(l, n);
    buf_clear(&l->b);
    lineage_put_remarks(n, &l->b);
    table_str(l->t, buf_str(&l->b));
}

static int put_tree(struct listing *l, const struct lineage *tree,
                    struct err *err)
{
    l->t =
        out_table(l->cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    if (!l->t)
        return err->code;
    for (size_t i = 0; i < tree->n; i++)
        put_node(l, &tree->nodes[i]);
    return table_close(l->t, err);
}

static void tell(const struct lineage *tree)
{
    if (tree->cut)
        message("only %d keys are listed, there are more", LINEAGE_KEYS);
    if (!tree->analyzed)
        message("what CloudTrail did not record is not known yet: kanshiki "
                "analyze");
    else if (tree->gaps)
        message("CloudTrail is not whole for %llu periods (kanshiki coverage "
                "CASE --gaps): keys may have been issued and used there",
                (unsigned long long)tree->gaps);
}

struct named {
    struct str glob;
    uint32_t id;
    size_t n;
};

static int take_named(void *ctx, uint32_t id, struct str value)
{
    struct named *f = ctx;
    (void)value;
    f->id = id;
    f->n++;
    return 0;
}

/* A bare name is that of a role or user where just one ends in it: events
 * name them so, too. */
static int by_name(struct cli *cli, struct casedb *c, uint32_t *entity,
                   struct err *err)
{
    static const struct {
        unsigned kind;
        const char *before;
    } kinds[] = { { KIND_ROLE, "*:role/" }, { KIND_PRINCIPAL, "*:user/" } };
    struct str word = arg_word(cli, 1);
    struct named f = { .n = 0 };
    if (str_find(word, STR(":")) != SIZE_MAX || word.n == 0)
        return 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct buf b = { 0 };
        buf_putz(&b, kinds[i].before);
        buf_put(&b, word);
        f.glob = buf_to_arena(&b, &cli->arena);
        int rc = case_find_glob(c, kinds[i].kind, f.glob, take_named, &f, err);
        if (rc)
            return rc;
    }
    if (f.n == 1)
        *entity = f.id;
    return 0;
}

static int find_entity(struct cli *cli, struct casedb *c, uint32_t *out,
                       struct err *err)
{
    struct cite_found ref;
    struct err own = { 0 };
    *out = 0;
    int rc = by_name(cli, c, out, err);
    if (rc || *out)
        return rc;
    rc = cite_find(c, arg_word(cli, 1), &cli->arena, &ref, &own);
    if (rc == 0 && ref.cite.form != CITE_ENTITY)
        return err_set(err, ERR_USAGE,
                       "lineage: %s: not an entity (KIND:VALUE)",
                       text_line(arg_word(cli, 1)));
    if (rc)
        *err = own;
    else
        *out = ref.entity;
    return rc;
}

static int make(struct cli *cli, struct casedb *c, struct progress *progress,
                uint64_t *hits, struct err *err)
{
    struct analyzer_ticker ticker = { progress, tick };
    struct listing l = { .cli = cli, .c = c };
    struct raw raw = { .files = { .root = -1 } };
    struct raw_reader reader;
    struct lineage tree;
    uint32_t entity;
    int rc = find_entity(cli, c, &entity, err);
    if (rc == 0)
        rc = raw_begin(&raw, c, err);
    if (rc)
        return rc;
    raw_for_analyzer(&raw, &reader);
    rc = lineage_make(c, entity, &reader, &ticker, &cli->arena, &tree, err);
    raw_close(&raw);
    progress_end(progress);
    if (rc)
        return rc;
    *hits = tree.n;
    rc = put_tree(&l, &tree, err);
    buf_free(&l.b);
    tell(&tree);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct progress progress;
    struct casedb *c;
    uint64_t hits = 0;
    int rc = progress_open(&progress, cli, "following keys", err);
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    rc = make(cli, c, &progress, &hits, err);
    case_close(c);
    /* a value that is not in the case was searched for, too */
    if (rc == 0 || rc == ERR_USAGE) {
        struct err log_err = { 0 };
        int logged = cli_log_query(cli, arg_word(cli, 1), (int64_t)hits,
                                   rc ? &log_err : err);
        rc = rc ? rc : logged;
    }
    return rc;
}

const struct command cmd_lineage = {
    .name = "lineage",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ASKS,
    .words = "CASE KEY|ROLE|SESSION",
    .summary = "Follow credentials: who issued them, what came of them",
    .text = "A tree of access keys: above, the key that signed the call that "
            "issued the one asked for, up to one whose issue is not in the "
            "evidence; below, what its calls issued. Issue and use share the "
            "key id (class exact); that says nothing of who held it. Calls "
            "after the expiry that the issuing record states, and before the "
            "issue, are remarked. Of a role, session or user: the keys that "
            "signed as it or were issued for it.",
    .options = options,
    .examples = examples,
    .min = 2,
    .max = 2,
    .run = run,
};
