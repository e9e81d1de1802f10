#include "cli/command.h"
#include "cli/commands.h"
#include "cli/deliver.h"
#include "cli/evidence_verify.h"
#include "cli/raw.h"

#include "base/text.h"
#include "reports/seal.h"

static const struct command_option options[] = {
    { "-o", "BAG", "folder to make; it must not exist", OPTION_OUTPUT },
    { "--key", "FILE", "private key that signs, PEM; RSA or ECDSA", 0 },
    { "--cert", "FILE", "its certificate, PEM", 0 },
    { "--chain", "FILE", "further certificates, PEM", 0 },
    { "--lang", "LANG", "of the report in it: en (default) or ja", 0 },
    { "--time", "TIME", "time of the report and the bag", 0 },
    { "--skip-verify", NULL, "do not read the evidence again before", 0 },
    { "--progress", "FORM", "auto (default), jsonl or none", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "seal incident.kan -o CASE-2026-001_seal-0001 --key ex.key --cert ex.pem",
      "Verifies the evidence and makes a signed bag." },
    { 0 },
};

static int take_options(const struct cli *cli, struct seal_options *o,
                        struct err *err)
{
    o->bag = arg_value(cli, "-o");
    o->key = arg_value(cli, "--key");
    o->cert = arg_value(cli, "--cert");
    o->chain = arg_value(cli, "--chain");
    if (!o->bag)
        return err_set(err, ERR_USAGE, "seal: -o BAG is missing");
    if (!o->key != !o->cert)
        return err_set(err, ERR_USAGE, "seal: --key and --cert go together");
    int rc = deliver_lang(cli, &o->lang, err);
    return rc ? rc : deliver_time(cli, &o->timed, &o->time, err);
}

static int seal(struct cli *cli, struct casedb *c, struct seal_options *o,
                struct seal_result *r, struct err *err)
{
    struct raw raw;
    struct raw_reader reader;
    struct deliver d;
    int rc = deliver_open(&d, cli, "sealing", "files", &o->ticker, err);
    if (rc)
        return rc;
    rc = raw_begin(&raw, c, err);
    raw_for_analyzer(&raw, &reader);
    o->raw = &reader;
    if (rc == 0)
        rc = seal_write(c, o, r, err);
    progress_end(&d.progress);
    raw_close(&raw);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct seal_options o = { .lang = REPORT_EN };
    struct seal_result r = { 0 };
    struct casedb *c;
    int rc = take_options(cli, &o, err);
    if (rc == 0 && !arg_has(cli, "--skip-verify")) {
        rc = evidence_verify(cli, 0, err);
        if (rc == ERR_VERIFY)
            err_hint(err, "--skip-verify seals the case nevertheless; the "
                          "outcome of the verification is in it.");
    }
    if (rc == 0)
        rc = cli_open(cli, CASE_WRITE, &c, err);
    if (rc)
        return rc;
    rc = seal(cli, c, &o, &r, err);
    case_close(c);
    if (rc)
        return rc;
    out_field(cli, "bag", str_from(o.bag));
    out_printf(cli, "seal          %llu\nfiles         %llu, %llu bytes\n",
               (unsigned long long)r.number, (unsigned long long)r.files,
               (unsigned long long)r.octets);
    out_printf(cli, "tag manifest  %s\n", r.tagmanifest);
    if (r.signature[0])
        out_printf(cli, "signature     %s\n", r.signature);
    out_printf(cli, "audit head    %llu:%s\n", (unsigned long long)r.head.seq,
               r.head.hex);
    return 0;
}

const struct command cmd_seal = {
    .name = "seal",
    .group = GROUP_EXAMINER,
    .flags = COMMAND_CASE | COMMAND_ACTS,
    .words = "CASE -o BAG",
    .summary = "Close what was done into a signed bag",
    .text = "A BagIt folder with a copy of the case, its audit log and the "
            "report, that anybody can check with coreutils and openssl; "
            "VERIFY-en.txt inside says how. With a key the signature lies "
            "beside it. Before, all evidence is read again and compared.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 1,
    .run = run,
};
