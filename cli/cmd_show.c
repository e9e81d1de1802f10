#include "cli/command.h"
#include "cli/commands.h"
#include "cli/raw.h"
#include "cli/show_entity.h"
#include "cli/show_event.h"

#include "analyzer/cite.h"
#include "base/kinds.h"
#include "base/mask.h"
#include "base/text.h"

#include <unistd.h>

static const struct command_option options[] = {
    { "--raw", NULL, "the exact bytes of the record, nothing else", 0 },
    { "--hex", NULL, "the bytes of the record with their offsets", 0 },
    { "--show-secrets", NULL,
      "secrets of the record, too; noted in the audit log", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "show incident.kan E123", "An event: fields, entities, record." },
    { "show incident.kan E123 --raw | jq .", "Its record, for another tool." },
    { "show incident.kan 'X1/a.json.gz!gz@4711+1312' --hex",
      "The bytes of a citation." },
    { 0 },
};

/* The bytes of an event's record that holds a secret, without it. */
static int put_masked(struct cli *cli, struct str bytes, struct err *err)
{
    struct buf masked = { 0 };
    mask_record(bytes, &masked);
    int rc = masked.failed ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
    message("secrets of the record are masked%s: --show-secrets gives the "
            "exact bytes",
            arg_has(cli, "--raw") ? ""
                                  : ", offsets are those of what is shown");
    if (rc == 0 && arg_has(cli, "--raw"))
        out_bytes(cli, buf_str(&masked));
    else if (rc == 0)
        raw_hex(cli, buf_str(&masked), 0);
    buf_free(&masked);
    return rc;
}

static int put_bytes(struct cli *cli, const struct reader_got *got,
                     uint64_t off, bool secret, struct err *err)
{
    if (!arg_has(cli, "--raw")) {
        raw_gaps(cli, got);
        if (secret)
            return put_masked(cli, got->bytes, err);
        raw_hex(cli, got->bytes, off);
        return 0;
    }
    if (isatty(1)) {
        err_set(err, ERR_USAGE,
                "--raw: not to a terminal: bytes from evidence "
                "could control it");
        err_hint(err, "Send it to a file or a program, or take --hex.");
        return ERR_USAGE;
    }
    if (secret)
        return put_masked(cli, got->bytes, err);
    out_bytes(cli, got->bytes);
    if (got->n_gaps || got->more_gaps) {
        message("parts could not be read and are zeros: --hex names them");
        cli->issues = true;
    }
    return 0;
}

/* Is it the record of an event with a secret, that was not asked for? */
static int is_secret(struct cli *cli, struct casedb *c,
                     const struct cite_found *ref, bool *secret,
                     struct err *err)
{
    struct event e;
    *secret = false;
    if (!ref->event || arg_has(cli, "--show-secrets"))
        return 0;
    int rc = case_event(c, ref->event, &cli->arena, &e, err);
    *secret = rc == 0 && e.flags & EVENT_SECRET;
    return rc;
}

static int show_bytes(struct cli *cli, struct casedb *c,
                      const struct cite_found *ref, struct err *err)
{
    struct raw raw;
    struct reader_got got;
    struct member m = ref->member;
    bool place = ref->cite.form == CITE_PLACE;
    bool whole = place && !ref->cite.has_range, secret;
    if (place) /* may go deeper than the member does */
        m.layers = ref->cite.layers;
    int rc = raw_begin(&raw, c, err);
    if (rc == 0)
        rc = raw_read(&raw, &m, ref->off, whole ? UINT64_MAX : ref->len,
                      &cli->arena, &got, err);
    raw_close(&raw);
    if (rc == 0)
        rc = is_secret(cli, c, ref, &secret, err);
    if (rc)
        return rc;
    rc = put_bytes(cli, &got, ref->off, secret, err);
    if (rc == 0 && whole && got.bytes.n < got.size)
        message("only the first %zu of %llu bytes are shown", got.bytes.n,
                (unsigned long long)got.size);
    if (rc == 0 && !whole && got.bytes.n < ref->len)
        rc = err_set(err, ERR_EVIDENCE, "only %zu of %llu bytes are there",
                     got.bytes.n, (unsigned long long)ref->len);
    return rc;
}

static int show(struct cli *cli, struct casedb *c, struct err *err)
{
    struct cite_found ref;
    struct str word = arg_word(cli, 1);
    bool bytes = arg_has(cli, "--raw") || arg_has(cli, "--hex");
    int rc = cite_find(c, word, &cli->arena, &ref, err);
    if (rc)
        return rc;
    if (ref.cite.form == CITE_EXHIBIT) {
        err_set(err, ERR_USAGE, "%s: an exhibit", text_line(word));
        err_hint(err, "kanshiki evidence CASE show X%lld",
                 (long long)ref.cite.exhibit);
        return ERR_USAGE;
    }
    if (ref.cite.form == CITE_ENTITY)
        return bytes ? err_set(err, ERR_USAGE, "%s: an entity has no bytes",
                               text_line(word))
                     : show_entity(cli, c, ref.entity, err);
    if (bytes)
        return show_bytes(cli, c, &ref, err);
    if (ref.event)
        return show_event(cli, c, ref.event, err);
    if (ref.cite.has_range && cli->format == TABLE_TEXT) {
        bool fewer = ref.member.layers.n > ref.cite.layers.n;
        message("%s: no event begins there: its bytes%s%s", text_line(word),
                fewer ? "; records are below " : "",
                fewer ? text_line(ref.member.layers) : "");
        return show_bytes(cli, c, &ref, err);
    }
    err_set(err, ERR_USAGE, "%s: no event begins there", text_line(word));
    err_hint(err, "--hex or --raw show the bytes.");
    return ERR_USAGE;
}

static int run(struct cli *cli, struct err *err)
{
    struct casedb *c;
    if (cli->format == TABLE_CSV || cli->format == TABLE_CSV_RAW)
        return err_set(err, ERR_USAGE,
                       "show: not a list: --format table or jsonl");
    int rc = arg_has(cli, "--show-secrets")
                 ? cli_log_secrets(cli, arg_word(cli, 1), err)
                 : 0;
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    rc = show(cli, c, err);
    case_close(c);
    return rc;
}

const struct command cmd_show = {
    .name = "show",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST,
    .words = "CASE E1|CITATION|ENTITY",
    .summary = "Show an event, the bytes of a citation, or an entity",
    .text =
        "An event comes with its time and how that is known, its fields, the "
        "entities and their roles, other places where the same event was "
        "found, links, notes, and its record, read again from the evidence by "
        "a confined process. Secrets of a record (flag secret) are masked "
        "wherever its bytes are shown; digests are of the exact bytes.",
    .options = options,
    .examples = examples,
    .min = 2,
    .max = 2,
    .run = run,
};
