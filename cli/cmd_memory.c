/* Memory images: what the case knows of them, and what was carved. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"

#include "base/text.h"
#include "casedb/query.h"

static const struct command_option options[] = {
    { "--kind", "KIND", "carve: only entities of this kind", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "memory incident.kan info", "Format, ranges, kernel of each image." },
    { "memory incident.kan carve X4 --kind key",
      "Where key ids lie in the image." },
    { 0 },
};

static const struct table_column info_columns[] = {
    { "exhibit", "EXHIBIT", false, 0 },
    { "fact", "FACT", false, 0 },
    { "value", "VALUE", false, 0 },
};

static const struct table_column carve_columns[] = {
    { "event", "EVENT", false, 0 },   { "offset", "OFFSET", true, 0 },
    { "kind", "KIND", false, 0 },     { "value", "VALUE", false, 0 },
    { "member", "MEMBER", false, 0 },
};

struct listing {
    struct cli *cli;
    struct casedb *c;
    struct table *t;
    int64_t only, no;
    unsigned kind;
    struct err *err;
};

static int put_fact(void *ctx, int64_t member, struct str name,
                    struct str value)
{
    struct listing *l = ctx;
    (void)member;
    table_str(l->t, name_exhibit(l->no));
    table_str(l->t, name);
    table_str(l->t, value);
    return 0;
}

static int put_exhibit(void *ctx, const struct exhibit *e)
{
    struct listing *l = ctx;
    bool memory =
        str_eq(e->kind, STR("memory")) || str_eq(e->kind, STR("mixed"));
    if (l->only ? e->no != l->only : !memory)
        return 0;
    l->no = e->no;
    return case_facts(l->c, e->no, put_fact, l, l->err);
}

static int info(struct listing *l, struct err *err)
{
    l->t = out_table(l->cli, info_columns, 3, err);
    return l->t ? case_exhibits(l->c, put_exhibit, l, err) : err->code;
}

/* What was carved is an event of the importer "memory": its target. */
static int put_event(struct listing *l, const struct member *m, int64_t id,
                     struct arena *a, struct err *err)
{
    struct event_ref *refs;
    struct event e;
    size_t n;
    int rc = case_event(l->c, id, a, &e, err);
    if (rc == 0)
        rc = case_event_refs(l->c, id, a, &refs, &n, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++) {
        unsigned kind = refs[i].id >> KIND_SHIFT;
        if (refs[i].role == ROLE_FACET || (l->kind && l->kind != kind))
            continue;
        table_str(l->t, name_event(id));
        table_u64(l->t, e.off);
        table_str(l->t, kind_name(kind));
        table_str(l->t, case_text(l->c, refs[i].id));
        table_str(l->t, m->path);
    }
    return 0;
}

static int put_member(void *ctx, const struct member *m)
{
    struct listing *l = ctx;
    struct arena a = { 0 };
    int rc = 0;
    if (!str_eq(m->format, STR("memory")))
        return 0;
    for (uint64_t i = 0; i < m->n_events && rc == 0; i++) {
        rc = put_event(l, m, (int64_t)(m->first_event + i), &a, l->err);
        arena_reset(&a);
    }
    arena_free(&a);
    return rc;
}

static int carve(struct listing *l, struct err *err)
{
    l->t = out_table(l->cli, carve_columns,
                     sizeof(carve_columns) / sizeof(carve_columns[0]), err);
    return l->t ? case_members(l->c, l->only, put_member, l, err) : err->code;
}

static int run(struct cli *cli, struct err *err)
{
    static const char *const words[] = { "info", "carve", NULL };
    struct listing l = { .cli = cli, .err = err };
    struct str kind = arg_str(cli, "--kind");
    size_t what;
    int rc = arg_choice(arg_word(cli, 1), words, &what, err);
    if (rc == 0 && cli->n_words > 2)
        rc = arg_exhibit(arg_word(cli, 2), &l.only, err);
    if (rc == 0 && kind.p && !(l.kind = kind_from_name(kind)))
        rc = err_set(err, ERR_USAGE, "--kind: %s: no such kind",
                     text_line(kind));
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &l.c, err);
    if (rc)
        return rc;
    rc = what == 0 ? info(&l, err) : carve(&l, err);
    struct err close_err = { 0 };
    int closed = l.t ? table_close(l.t, rc ? &close_err : err) : 0;
    case_close(l.c);
    return rc ? rc : closed;
}

const struct command cmd_memory = {
    .name = "memory",
    .group = GROUP_IMAGES,
    .flags = COMMAND_CASE | COMMAND_LIST,
    .words = "CASE info [X4] | carve [X4]",
    .summary = "Look into memory images: what they are, what was carved",
    .text = "info prints what is known of each image: format, ranges, kernel. "
            "carve lists the identifiers that were found by their shape, with "
            "their offsets in the image; that bytes look like a key id does "
            "not say who used it.",
    .options = options,
    .examples = examples,
    .min = 2,
    .max = 3,
    .run = run,
};
