/* Makes what is derived: links between events, coverage of the sources. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/raw.h"

#include "analyzer/analyze.h"

static const struct command_option options[] = {
    { "--progress", "FORM", "auto (default), jsonl or none", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "analyze incident.kan", "After each import." },
    { 0 },
};

static const struct table_column columns[] = {
    { "rule", "RULE", false, 0 },
    { "class", "CLASS", false, 0 },
    { "links", "LINKS", true, 0 },
    { "title", "WHAT", false, 0 },
};

struct analyzing {
    struct cli *cli;
    struct casedb *c;
    struct raw raw;
    struct progress progress;
    uint64_t *counts; /* links of each rule */
};

static int tick(void *ctx, const char *what, uint64_t done, uint64_t all)
{
    struct analyzing *a = ctx;
    struct progress_state s = { .items = done,
                                .unit = "done",
                                .path = str_from(what) };
    (void)all;
    return progress_tell(&a->progress, &s);
}

static int count_link(void *ctx, const struct link *l)
{
    struct analyzing *a = ctx;
    const struct links_rule *rule = links_rule_find(l->rule);
    if (rule)
        a->counts[rule - links_rules]++;
    return 0;
}

static int put_rules(struct analyzing *a, struct err *err)
{
    a->counts = arena_array(&a->cli->arena, links_n_rules, sizeof(*a->counts));
    if (!a->counts)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int rc = case_links(a->c, 0, count_link, a, err);
    struct table *t = rc ? NULL
                         : out_table(a->cli, columns,
                                     sizeof(columns) / sizeof(columns[0]), err);
    if (!t)
        return err->code;
    for (size_t i = 0; i < links_n_rules; i++) {
        table_str(t, str_from(links_rules[i].id));
        table_str(t, str_from(links_class_name(links_rules[i].cls)));
        table_u64(t, a->counts[i]);
        table_str(t, str_from(links_rules[i].title));
    }
    return table_close(t, err);
}

static void put_totals(struct cli *cli, const struct analyze_result *r)
{
    if (cli->format != TABLE_TEXT)
        return;
    out_printf(cli,
               "\n%llu events, %llu links; coverage: %llu periods, of which "
               "%llu are not whole (kanshiki coverage)\n",
               (unsigned long long)r->events,
               (unsigned long long)r->links.links,
               (unsigned long long)r->coverage.rows,
               (unsigned long long)r->coverage.gaps);
    if (r->links.skipped)
        out_printf(cli,
                   "%llu identifiers have more events than the rules join "
                   "one by one\n",
                   (unsigned long long)r->links.skipped);
}

static int analyze(struct analyzing *a, struct err *err)
{
    struct analyzer_ticker ticker = { a, tick };
    struct analyze_result result;
    struct raw_reader reader;
    int rc = raw_begin(&a->raw, a->c, err);
    if (rc)
        return rc;
    raw_for_analyzer(&a->raw, &reader);
    rc = analyze_run(a->c, &reader, &ticker, &result, err);
    progress_end(&a->progress);
    raw_close(&a->raw);
    if (rc == 0)
        rc = put_rules(a, err);
    if (rc == 0)
        put_totals(a->cli, &result);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct analyzing a = { .cli = cli };
    int rc = progress_open(&a.progress, cli, "analyzing", err);
    if (rc == 0)
        rc = cli_open(cli, CASE_WRITE, &a.c, err);
    if (rc)
        return rc;
    rc = analyze(&a, err);
    case_close(a.c);
    return rc;
}

const struct command cmd_analyze = {
    .name = "analyze",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE",
    .summary = "Join events, and say what the sources cover",
    .text =
        "Applies the rules that join events by the identifiers they share (a "
        "key issued and used, a volume and its image, ..) and works out for "
        "which times each source recorded. All of it is made anew each time, "
        "from what was imported; the records and the examiner's notes stay as "
        "they are. A link has a class: exact (the same unique identifier on "
        "both sides), candidate (agrees, but may be another's) or inferred, "
        "and a reason in words.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 1,
    .run = run,
};
