/* Notes, tags, verdicts, bookmarks: what the examiner adds to events,
 * citations and entities. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"

#include "analyzer/cite.h"
#include "base/text.h"
#include "casedb/examiner.h"

static const struct command_option options[] = {
    { "--undo", "N", "take back entry N (it stays on record)", 0 },
    { "--all", NULL, "list also what was taken back", 0 },
    { 0 },
};

static const struct table_column columns[] = {
    { "id", "NO", true, 0 },          { "ref", "REF", false, 0 },
    { "body", "TEXT", false, 0 },     { "author", "BY", false, 0 },
    { "at", "AT", false, 0 },         { "state", "STATE", false, 0 },
    { "cite", "CITATION", false, 0 },
};

struct listing {
    struct cli *cli;
    struct table *t;
    struct str cite; /* only of this one, or empty */
};

static int put_mark(void *ctx, const struct mark *m)
{
    struct listing *l = ctx;
    bool gone = m->undone || m->undoes;
    if ((gone && !arg_has(l->cli, "--all")) ||
        (l->cite.n && !str_eq(l->cite, m->cite)))
        return 0;
    table_i64(l->t, m->id);
    table_str(l->t, m->event ? name_event(m->event) : STR(""));
    table_str(l->t, m->body);
    table_str(l->t, m->author);
    table_time(l->t, l->cli, true, m->at, 0);
    table_str(l->t, m->undone   ? STR("taken back")
                    : m->undoes ? STR("takes back another")
                                : STR(""));
    table_str(l->t, m->cite);
    return 0;
}

static int list(struct cli *cli, struct casedb *c, enum mark_kind kind,
                struct str cite, struct err *err)
{
    struct listing l = { .cli = cli, .cite = cite };
    l.t = out_table(cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    int rc = l.t ? case_marks(c, (int)kind, 0, put_mark, &l, err) : err->code;
    struct err close_err = { 0 };
    int closed = l.t ? table_close(l.t, rc ? &close_err : err) : 0;
    return rc ? rc : closed;
}

/* What a mark refers to outlives any numbering: the citation. */
static int cite_word(struct cli *cli, struct casedb *c, struct mark *m,
                     struct err *err)
{
    struct cite_found ref;
    struct event e;
    struct arena *a = &cli->arena;
    struct str word = arg_word(cli, 1);
    int rc = cite_find(c, word, a, &ref, err);
    if (rc)
        return rc;
    m->event = ref.event;
    switch (ref.cite.form) {
    case CITE_ENTITY:
        rc = cite_entity(c, ref.entity, a, &m->cite, err);
        break;
    case CITE_EXHIBIT:
        m->cite = arena_copy(a, name_exhibit(ref.cite.exhibit));
        break;
    default:
        if (ref.event == 0) {
            m->cite = arena_copy(a, word);
            break;
        }
        rc = case_event(c, ref.event, a, &e, err);
        if (rc == 0)
            rc = cite_event(c, &e, a, &m->cite, err);
    }
    if (rc == 0 && !m->cite.p)
        rc = err_set(err, ERR_INTERNAL, "out of memory");
    return rc;
}

static struct str words_from(struct cli *cli, size_t from)
{
    struct buf b = { 0 };
    for (size_t i = from; i < cli->n_words; i++) {
        buf_putz(&b, i > from ? " " : "");
        buf_putz(&b, cli->words[i]);
    }
    return buf_to_arena(&b, &cli->arena);
}

static int undo(struct cli *cli, struct casedb *c, enum mark_kind kind,
                struct err *err)
{
    struct mark m = { .kind = kind };
    uint64_t no = 0;
    int64_t id;
    int rc = arg_u64(cli, "--undo", &no, err);
    m.undoes = (int64_t)no;
    return rc ? rc : case_mark_add(c, &m, &id, err);
}

static int add(struct cli *cli, struct casedb *c, struct mark *m,
               struct err *err)
{
    int64_t id;
    int rc = case_mark_add(c, m, &id, err);
    if (rc == 0)
        message("%s %lld added", cli->command->name, (long long)id);
    return rc;
}

static int run_mark(struct cli *cli, enum mark_kind kind, struct err *err)
{
    struct mark m = { .kind = kind, .body = words_from(cli, 2) };
    struct casedb *c;
    bool taking_back = arg_has(cli, "--undo");
    bool adding = !taking_back &&
                  (kind == MARK_BOOKMARK ? cli->n_words > 1 : cli->n_words > 2);
    if (taking_back && cli->n_words > 1)
        return err_set(err, ERR_USAGE, "--undo: takes only the case");
    int rc =
        cli_open(cli, adding || taking_back ? CASE_WRITE : CASE_READ, &c, err);
    if (rc)
        return rc;
    if (cli->n_words > 1)
        rc = cite_word(cli, c, &m, err);
    if (rc == 0) {
        if (taking_back)
            rc = undo(cli, c, kind, err);
        else if (adding)
            rc = add(cli, c, &m, err);
        else
            rc = list(cli, c, kind, m.cite, err);
    }
    case_close(c);
    return rc;
}

/* ---- the commands -------------------------------------------------------- */

static int run_note(struct cli *cli, struct err *err)
{
    return run_mark(cli, MARK_NOTE, err);
}

static int run_tag(struct cli *cli, struct err *err)
{
    if (cli->n_words > 3)
        return err_set(err, ERR_USAGE, "tag: one word: %s",
                       text_line(arg_word(cli, 3)));
    return run_mark(cli, MARK_TAG, err);
}

static int run_bookmark(struct cli *cli, struct err *err)
{
    return run_mark(cli, MARK_BOOKMARK, err);
}

static int run_verdict(struct cli *cli, struct err *err)
{
    static const char *const verdicts[] = { "malicious", "suspicious", "benign",
                                            "irrelevant", NULL };
    size_t which;
    if (cli->n_words > 2) {
        int rc = arg_choice(arg_word(cli, 2), verdicts, &which, err);
        if (rc)
            return rc;
    }
    return run_mark(cli, MARK_VERDICT, err);
}

static const struct command_example note_examples[] = {
    { "note incident.kan E123 \"first use from outside\"", "Notes an event." },
    { "note incident.kan --undo 3", "Takes note 3 back." },
    { 0 },
};

const struct command cmd_note = {
    .name = "note",
    .group = GROUP_EXAMINER,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE [REF [TEXT...]]",
    .summary = "Note something on an event, citation or entity",
    .text = "Without a text, the notes are listed. Nothing is ever removed: "
            "what was taken back stays on record.",
    .options = options,
    .examples = note_examples,
    .min = 1,
    .max = WORDS_ANY,
    .run = run_note,
};

const struct command cmd_tag = {
    .name = "tag",
    .group = GROUP_EXAMINER,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE [REF [TAG]]",
    .summary = "Tag an event, citation or entity",
    .options = options,
    .min = 1,
    .max = WORDS_ANY,
    .run = run_tag,
};

const struct command cmd_verdict = {
    .name = "verdict",
    .group = GROUP_EXAMINER,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE [REF [malicious|suspicious|benign|irrelevant [WHY...]]]",
    .summary = "Decide what an event, citation or entity is",
    .options = options,
    .min = 1,
    .max = WORDS_ANY,
    .run = run_verdict,
};

const struct command cmd_bookmark = {
    .name = "bookmark",
    .group = GROUP_EXAMINER,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ACTS,
    .words = "CASE [REF [TEXT...]]",
    .summary = "Bookmark an event, citation or entity for the report",
    .options = options,
    .min = 1,
    .max = WORDS_ANY,
    .run = run_bookmark,
};
