/* What the case holds, whether the sums agree, what is known to be missing. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "casedb/examiner.h"
#include "casedb/query.h"

#include <stdlib.h>

static const struct command_option options[] = {
    { "--issues", NULL, "list every issue of the evidence, nothing else", 0 },
    { "--content-hash", NULL,
      "also the digest by which two cases have equal content", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "status incident.kan", "What was imported and what is missing." },
    { "status incident.kan --format jsonl",
      "The same for scripts: objects told apart by \"type\"." },
    { 0 },
};

/* Issues of one code, counted. */
struct group {
    int severity;
    struct str code, first;
    uint64_t n;
};

struct status {
    struct cli *cli;
    struct casedb *c;
    struct table *t; /* of the list at work */
    struct exhibit total;
    uint64_t exhibits, open, wrong; /* wrong: sums that do not agree */
    struct group *groups;
    size_t n_groups, cap_groups;
    uint64_t cover[4];
    struct json_out json;
};

static bool jsonl(const struct status *s)
{
    return s->cli->format == TABLE_JSONL;
}

static void json_begin(struct status *s, const char *type)
{
    s->json = (struct json_out){ .b = &s->cli->out };
    json_put_open(&s->json, '{');
    json_put_kstr(&s->json, "type", str_from(type));
}

static void json_end(struct status *s)
{
    json_put_close(&s->json, '}');
    out_putz(s->cli, "\n");
}

/* ---- the case ------------------------------------------------------------ */

static int put_case(struct status *s, struct err *err)
{
    struct case_info info;
    int rc = case_get_info(s->c, &s->cli->arena, &info, err);
    if (rc)
        return rc;
    const struct {
        const char *name;
        struct str value;
    } fields[] = {
        { "id", info.uuid },
        { "title", info.title },
        { "number", info.number },
        { "examiner", info.examiner },
        { "organization", info.organization },
        { "authority", info.authority },
        { "scope", info.scope },
        { "created", cli_time(s->cli, info.created, 0) },
        { "made by", info.version },
    };
    if (jsonl(s))
        json_begin(s, "case");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (jsonl(s))
            json_put_kstr(&s->json,
                          strcmp(fields[i].name, "made by") == 0
                              ? "version"
                              : fields[i].name,
                          fields[i].value);
        else if (fields[i].value.n)
            out_field(s->cli, fields[i].name, fields[i].value);
    if (jsonl(s))
        json_end(s);
    else
        out_putz(s->cli, "\n");
    return 0;
}

/* ---- accounting ---------------------------------------------------------- */

static const struct table_column exhibit_columns[] = {
    { "exhibit", "EXHIBIT", false, 0 },
    { "kind", "KIND", false, 0 },
    { "state", "STATE", false, 0 },
    { "files", "FILES", true, 0 },
    { "members", "MEMBERS", true, 0 },
    { "bytes", "BYTES", true, 0 },
    { "read", "READ", true, 0 },
    { "stored", "STORED", true, 0 },
    { "duplicates", "DUPLICATES", true, 0 },
    { "rejected", "REJECTED", true, 0 },
    { "events", "EVENTS", true, 0 },
    { "issues", "ISSUES", true, 0 },
    { "path", "PATH", false, 0 },
};

static void put_counts(struct status *s, const struct exhibit *e,
                       struct str name, struct str state)
{
    const uint64_t counts[] = { e->n_files,    e->n_members, e->size,
                                e->n_read,     e->n_stored,  e->n_dup,
                                e->n_rejected, e->n_events,  e->n_issues };
    if (jsonl(s)) {
        json_begin(s, e->no ? "exhibit" : "total");
        if (e->no) {
            json_put_kstr(&s->json, "exhibit", name);
            json_put_kstr(&s->json, "kind", e->kind);
            json_put_kstr(&s->json, "state", state);
        }
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
            json_put_ki64(&s->json, exhibit_columns[i + 3].name,
                          (int64_t)counts[i]);
        if (e->no) {
            json_put_kstr(&s->json, "sha256",
                          name_hex(&s->cli->arena, e->sha256));
            json_put_kstr(&s->json, "path", e->path);
        }
        json_end(s);
        return;
    }
    table_str(s->t, name);
    table_str(s->t, e->kind);
    table_str(s->t, state);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        table_u64(s->t, counts[i]);
    table_str(s->t, e->path);
}

static bool agrees(const struct exhibit *e)
{
    return e->n_read == e->n_stored + e->n_dup + e->n_rejected;
}

static int put_exhibit(void *ctx, const struct exhibit *e)
{
    struct status *s = ctx;
    struct exhibit *t = &s->total;
    put_counts(s, e, name_exhibit(e->no),
               e->state == EXHIBIT_CLOSED ? STR("whole") : STR("unfinished"));
    s->exhibits++;
    s->open += e->state != EXHIBIT_CLOSED;
    s->wrong += !agrees(e);
    t->n_files += e->n_files;
    t->n_members += e->n_members;
    t->size += e->size;
    t->n_read += e->n_read;
    t->n_stored += e->n_stored;
    t->n_dup += e->n_dup;
    t->n_rejected += e->n_rejected;
    t->n_events += e->n_events;
    t->n_issues += e->n_issues;
    return 0;
}

static int check_member(void *ctx, const struct member *m)
{
    struct status *s = ctx;
    if (m->n_read != m->n_stored + m->n_dup + m->n_rejected)
        s->wrong++;
    return 0;
}

static int put_exhibits(struct status *s, struct err *err)
{
    int rc = 0;
    if (!jsonl(s)) {
        s->t = out_table(s->cli, exhibit_columns,
                         sizeof(exhibit_columns) / sizeof(exhibit_columns[0]),
                         err);
        if (!s->t)
            return err->code;
    }
    rc = case_exhibits(s->c, put_exhibit, s, err);
    if (rc == 0 && s->exhibits != 1)
        put_counts(s, &s->total, STR("all"), STR(""));
    if (s->t) {
        struct err close_err = { 0 };
        int closed = table_close(s->t, rc ? &close_err : err);
        s->t = NULL;
        rc = rc ? rc : closed;
    }
    return rc ? rc : case_members(s->c, 0, check_member, s, err);
}

static int put_sums(struct status *s, struct err *err)
{
    struct scan_total span;
    int rc = case_span(s->c, &span, err);
    if (rc)
        return rc;
    if (jsonl(s)) {
        json_begin(s, "events");
        json_put_ki64(&s->json, "events", (int64_t)span.n);
        json_put_ki64(&s->json, "undated", (int64_t)span.undated);
        if (span.n > span.undated) {
            json_put_kstr(&s->json, "first", cli_time(s->cli, span.first, -1));
            json_put_kstr(&s->json, "last", cli_time(s->cli, span.last, -1));
        }
        json_put_kbool(&s->json, "sums_agree", s->wrong == 0);
        json_end(s);
        return 0;
    }
    const struct exhibit *t = &s->total;
    out_printf(s->cli,
               "\nsums          %llu read = %llu stored + %llu duplicates + "
               "%llu rejected: %s\n",
               (unsigned long long)t->n_read, (unsigned long long)t->n_stored,
               (unsigned long long)t->n_dup, (unsigned long long)t->n_rejected,
               s->wrong ? "DOES NOT AGREE" : "agrees, in every file");
    out_printf(s->cli, "events        %llu, of which %llu have no time\n",
               (unsigned long long)span.n, (unsigned long long)span.undated);
    if (span.n > span.undated) {
        out_field(s->cli, "first", cli_time(s->cli, span.first, -1));
        out_field(s->cli, "last", cli_time(s->cli, span.last, -1));
    }
    return 0;
}

/* ---- issues -------------------------------------------------------------- */

static struct group *find_group(struct status *s, const struct issue *i)
{
    for (size_t k = 0; k < s->n_groups; k++)
        if (s->groups[k].severity == i->severity &&
            str_eq(s->groups[k].code, i->code))
            return &s->groups[k];
    if (s->n_groups == s->cap_groups) {
        size_t cap = s->cap_groups ? 2 * s->cap_groups : 16;
        struct group *more = realloc(s->groups, cap * sizeof(*more));
        if (!more)
            return NULL;
        s->groups = more;
        s->cap_groups = cap;
    }
    struct group *g = &s->groups[s->n_groups++];
    *g = (struct group){ .severity = i->severity,
                         .code = arena_copy(&s->cli->arena, i->code),
                         .first = arena_copy(&s->cli->arena, i->detail) };
    return g;
}

static int count_issue(void *ctx, const struct issue *i)
{
    struct status *s = ctx;
    struct group *g = find_group(s, i);
    if (!g)
        return ERR_INTERNAL;
    g->n++;
    s->cli->issues |= i->severity > 0;
    return 0;
}

static int worst_first(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    return str_cmp(x->code, y->code);
}

static const struct table_column group_columns[] = {
    { "severity", "SEVERITY", false, 0 },
    { "code", "ISSUE", false, 0 },
    { "count", "COUNT", true, 0 },
    { "first", "FIRST", false, 0 },
};

static int count_issues(struct status *s, struct err *err)
{
    int rc = case_issues(s->c, 0, count_issue, s, err);
    return rc == ERR_INTERNAL ? err_set(err, rc, "out of memory") : rc;
}

static int put_issues(struct status *s, struct err *err)
{
    int rc = count_issues(s, err);
    if (rc)
        return rc;
    if (s->n_groups)
        qsort(s->groups, s->n_groups, sizeof(*s->groups), worst_first);
    else if (!jsonl(s))
        out_putz(s->cli, "issues        none\n");
    if (s->n_groups && !jsonl(s)) {
        out_putz(s->cli, "\n");
        s->t = out_table(s->cli, group_columns, 4, err);
        if (!s->t)
            return err->code;
    }
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group *g = &s->groups[i];
        if (jsonl(s)) {
            json_begin(s, "issues");
            json_put_kstr(&s->json, "severity", name_severity(g->severity));
            json_put_kstr(&s->json, "code", g->code);
            json_put_ki64(&s->json, "count", (int64_t)g->n);
            json_put_kstr(&s->json, "first", g->first);
            json_end(s);
            continue;
        }
        table_str(s->t, name_severity(g->severity));
        table_str(s->t, g->code);
        table_u64(s->t, g->n);
        table_str(s->t, g->first);
    }
    if (!s->t)
        return 0;
    rc = table_close(s->t, err);
    s->t = NULL;
    out_putz(s->cli, "\n");
    return rc;
}

static const struct table_column issue_columns[] = {
    { "exhibit", "EXHIBIT", false, 0 }, { "member", "MEMBER", false, 40 },
    { "layers", "LAYERS", false, 40 },  { "severity", "SEVERITY", false, 0 },
    { "code", "ISSUE", false, 0 },      { "offset", "OFFSET", true, 0 },
    { "length", "LENGTH", true, 0 },    { "detail", "DETAIL", false, 0 },
};

static int list_issue(void *ctx, const struct issue *i)
{
    struct status *s = ctx;
    struct arena a = { 0 };
    struct member m = { 0 };
    int rc = i->member ? case_member(s->c, i->member, &a, &m, NULL) : 0;
    table_str(s->t, name_exhibit(i->exhibit));
    table_str(s->t, m.path);
    table_str(s->t, m.layers);
    table_str(s->t, name_severity(i->severity));
    table_str(s->t, i->code);
    table_u64(s->t, i->off);
    table_u64(s->t, i->len);
    table_str(s->t, i->detail);
    s->cli->issues |= i->severity > 0;
    arena_free(&a);
    return rc;
}

static int list_issues(struct status *s, struct err *err)
{
    s->t = out_table(s->cli, issue_columns,
                     sizeof(issue_columns) / sizeof(issue_columns[0]), err);
    if (!s->t)
        return err->code;
    int rc = case_issues(s->c, 0, list_issue, s, err);
    struct err close_err = { 0 };
    int closed = table_close(s->t, rc ? &close_err : err);
    return rc ? rc : closed;
}

/* ---- coverage, audit ----------------------------------------------------- */

static int count_cover(void *ctx, const struct coverage *v)
{
    struct status *s = ctx;
    s->cover[v->state & 3]++;
    return 0;
}

static int put_coverage(struct status *s, struct err *err)
{
    uint64_t seen;
    int rc = case_analyzed(s->c, &seen, err);
    if (rc == 0)
        rc = case_coverage(s->c, count_cover, s, err);
    if (rc)
        return rc;
    if (jsonl(s)) {
        json_begin(s, "coverage");
        json_put_ki64(&s->json, "analyzed_events", (int64_t)seen);
        json_put_ki64(&s->json, "present", (int64_t)s->cover[COVER_PRESENT]);
        json_put_ki64(&s->json, "absent", (int64_t)s->cover[COVER_ABSENT]);
        json_put_ki64(&s->json, "unknown", (int64_t)s->cover[COVER_UNKNOWN]);
        json_put_ki64(&s->json, "damaged", (int64_t)s->cover[COVER_DAMAGED]);
        json_end(s);
    } else if (seen == 0) {
        out_putz(s->cli, "coverage      not known yet: kanshiki analyze\n");
    } else {
        out_printf(s->cli,
                   "coverage      %llu periods recorded, %llu not recorded, "
                   "%llu damaged, %llu not known%s\n",
                   (unsigned long long)s->cover[COVER_PRESENT],
                   (unsigned long long)s->cover[COVER_ABSENT],
                   (unsigned long long)s->cover[COVER_DAMAGED],
                   (unsigned long long)s->cover[COVER_UNKNOWN],
                   seen == s->total.n_events
                       ? ""
                       : " (evidence came since: analyze again)");
    }
    return 0;
}

static int put_digests(struct status *s, struct err *err)
{
    struct audit_head head;
    unsigned char sha[SHA256_LEN];
    int rc = case_audit_head(s->c, &head, err);
    if (rc)
        return rc;
    if (jsonl(s)) {
        json_begin(s, "audit");
        json_put_ki64(&s->json, "entries", (int64_t)head.seq);
        json_put_kstr(&s->json, "head", str_from(head.hex));
        json_end(s);
    } else {
        out_printf(s->cli, "audit head    %llu:%s\n",
                   (unsigned long long)head.seq, head.hex);
    }
    if (!arg_has(s->cli, "--content-hash"))
        return 0;
    rc = case_content_hash(s->c, sha, err);
    if (rc)
        return rc;
    struct str hex = name_hex(&s->cli->arena,
                              (struct str){ (const char *)sha, sizeof(sha) });
    if (jsonl(s)) {
        json_begin(s, "content");
        json_put_kstr(&s->json, "sha256", hex);
        json_end(s);
    } else {
        out_field(s->cli, "content hash", hex);
    }
    return 0;
}

/* ---- all of it ----------------------------------------------------------- */

static int put_all(struct status *s, struct err *err)
{
    bool csv = s->cli->format == TABLE_CSV || s->cli->format == TABLE_CSV_RAW;
    if (arg_has(s->cli, "--issues"))
        return list_issues(s, err);
    if (csv) { /* one table: the exhibits */
        int rc = put_exhibits(s, err);
        return rc ? rc : count_issues(s, err);
    }
    int (*const parts[])(struct status *, struct err *) = {
        put_case, put_exhibits, put_sums, put_issues, put_coverage, put_digests,
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == 0; i++)
        rc = parts[i](s, err);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct status s = { .cli = cli };
    int rc = cli_open(cli, CASE_READ, &s.c, err);
    if (rc)
        return rc;
    rc = put_all(&s, err);
    case_close(s.c);
    free(s.groups);
    if (rc == 0 && s.open)
        message("an import is unfinished: give its command again");
    if (rc == 0 && s.wrong)
        rc = err_set(
            err, ERR_VERIFY, "%s: the sums do not agree at %llu places",
            text_line(str_from(cli->words[0])), (unsigned long long)s.wrong);
    return rc;
}

const struct command cmd_status = {
    .name = "status",
    .group = GROUP_CASE,
    .flags = COMMAND_CASE | COMMAND_LIST,
    .words = "CASE",
    .summary = "Show what the case holds and what is missing",
    .text =
        "For each exhibit and in all: records read = stored + duplicates + "
        "rejected, checked for every file. Then the issues of the evidence, "
        "grouped, what the sources cover, and the head of the audit log, which "
        "is worth writing down: with it anyone can see later that nothing "
        "before it was changed.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 1,
    .run = run,
};
