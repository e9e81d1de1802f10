#include "cli/command.h"
#include "cli/commands.h"

#include "base/text.h"

static const struct command_option options[] = {
    { "--anchor", "SEQ:HASH",
      "a head that was noted earlier: is it still part of the log?", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "audit incident.kan check --anchor 812:3fd0...",
      "Checks the log, and that entry 812 is the one that was noted." },
    { "audit incident.kan list", "Prints the log, one entry a line." },
    { 0 },
};

static const struct table_column columns[] = {
    { "seq", "SEQ", true, 0 },        { "at", "AT", false, 0 },
    { "actor", "ACTOR", false, 20 },  { "action", "ACTION", false, 0 },
    { "object", "OBJECT", false, 0 }, { "detail", "DETAIL", false, 0 },
    { "hash", "HASH", false, 0 },
};

enum { BODY_FIELDS = 7, HEX = 64 };

struct audit {
    struct cli *cli;
    struct table *t;   /* list */
    bool exact;        /* list: the lines as they are hashed */
    uint64_t anchor;   /* seq, 0 = none */
    struct str digest; /* of the anchor */
    bool found, same;
};

/* "hex body"; body: fields separated by TABs */
static size_t split(struct str line, struct str *hash,
                    struct str field[BODY_FIELDS])
{
    size_t n = 0;
    *hash = str_sub(line, 0, HEX);
    struct str rest = str_sub(line, HEX + 1, line.n);
    while (n < BODY_FIELDS) {
        const char *tab =
            n + 1 < BODY_FIELDS ? memchr(rest.p, '\t', rest.n) : NULL;
        field[n] = tab ? str_sub(rest, 0, (size_t)(tab - rest.p)) : rest;
        n++;
        if (!tab)
            break;
        rest = str_sub(rest, field[n - 1].n + 1, rest.n);
    }
    return n;
}

static int take_line(void *ctx, struct str line)
{
    struct audit *a = ctx;
    struct str hash, f[BODY_FIELDS];
    uint64_t seq = 0;
    if (split(line, &hash, f) != BODY_FIELDS || !str_u64(f[0], &seq))
        return 0;
    if (seq == a->anchor) {
        a->found = true;
        a->same = str_ieq(hash, a->digest);
    }
    if (a->exact) {
        out_bytes(a->cli, line);
        out_putz(a->cli, "\n");
    }
    if (!a->t)
        return 0;
    table_u64(a->t, seq);
    for (size_t i = 2; i < BODY_FIELDS; i++)
        table_str(a->t, f[i]);
    table_str(a->t, hash);
    return 0;
}

static int check_anchor(struct audit *a, const struct audit_head *head,
                        struct err *err)
{
    if (!a->anchor) {
        out_putz(a->cli, "anchor        none given: that the end was cut off "
                         "cannot be ruled out\n");
        return 0;
    }
    if (head->seq < a->anchor)
        return err_set(err, ERR_VERIFY,
                       "truncated: the anchor is entry %llu, the log ends at "
                       "%llu",
                       (unsigned long long)a->anchor,
                       (unsigned long long)head->seq);
    if (!a->found || !a->same)
        return err_set(err, ERR_VERIFY,
                       "entry %llu is not the one of the anchor: the log was "
                       "made anew",
                       (unsigned long long)a->anchor);
    out_printf(a->cli,
               "anchor        entry %llu is the same: intact up to it%s\n",
               (unsigned long long)a->anchor,
               a->anchor < head->seq ? ", and continued since" : "");
    return 0;
}

static int take_anchor(struct audit *a, struct err *err)
{
    struct str v = arg_str(a->cli, "--anchor");
    const char *colon = v.n ? memchr(v.p, ':', v.n) : NULL;
    if (!v.p)
        return 0;
    a->digest = colon ? str_sub(v, (size_t)(colon - v.p) + 1, v.n) : STR_NONE;
    if (!colon || a->digest.n != HEX ||
        !str_u64(str_sub(v, 0, (size_t)(colon - v.p)), &a->anchor) ||
        a->anchor == 0)
        return err_set(err, ERR_USAGE,
                       "--anchor: %s: not NUMBER:DIGEST, as status prints it",
                       text_line(v));
    return 0;
}

static int run(struct cli *cli, struct err *err)
{
    static const char *const words[] = { "check", "list", NULL };
    struct audit a = { .cli = cli };
    struct audit_head head;
    struct casedb *c;
    size_t what = 0;
    int rc = take_anchor(&a, err);
    if (rc == 0 && cli->n_words > 1)
        rc = arg_choice(arg_word(cli, 1), words, &what, err);
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    a.exact = what == 1 && cli->format == TABLE_TEXT;
    if (what == 1 && !a.exact)
        a.t =
            out_table(cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    if (what == 1 && !a.exact && !a.t)
        rc = err->code;
    if (rc == 0)
        rc = case_audit_verify(c, &head, take_line, &a, err);
    case_close(c);
    struct err close_err = { 0 };
    if (a.t && table_close(a.t, &close_err) && rc == 0) {
        *err = close_err;
        rc = close_err.code;
    }
    if (rc || what == 1)
        return rc;
    out_printf(cli, "audit log     %llu entries, unbroken\n",
               (unsigned long long)head.seq);
    out_printf(cli, "audit head    %llu:%s\n", (unsigned long long)head.seq,
               head.hex);
    return check_anchor(&a, &head, err);
}

const struct command cmd_audit = {
    .name = "audit",
    .group = GROUP_CASE,
    .flags = COMMAND_CASE | COMMAND_LIST,
    .words = "CASE [check|list]",
    .summary = "Check or print the log of what was done with the case",
    .text =
        "Each entry holds the SHA-256 digest of the one before it. The chain "
        "proves that nothing before a known entry was changed; that the end "
        "was cut off shows only against an anchor, a head noted elsewhere.\n\n"
        "list prints each entry as its digest, a blank, and the text that the "
        "digest is of, so that it can be checked with coreutils alone.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 2,
    .run = run,
};
