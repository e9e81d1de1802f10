/* Is it whole and unaltered: a case, the bytes of a citation, a sealed bag. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"
#include "cli/raw.h"

#include "analyzer/cite.h"
#include "base/hash.h"
#include "base/text.h"
#include "reports/seal.h"

static const struct command_option options[] = {
    { "--ca", "FILE", "certificates by which a bag's signer is trusted, PEM",
      0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "verify incident.kan", "Checks the case file." },
    { "verify incident.kan E123",
      "Checks that the file which holds this record is as it was." },
    { "verify CASE-2026-001_seal-0001 --ca lab-root.pem",
      "Checks a sealed bag and its signature." },
    { 0 },
};

/* ---- the case ------------------------------------------------------------ */

static int verify_case(struct cli *cli, struct casedb *c, struct err *err)
{
    struct audit_head head;
    int rc = case_verify(c, err);
    if (rc == 0)
        rc = case_audit_head(c, &head, err);
    if (rc)
        return rc;
    out_printf(cli,
               "case file     whole: pages, tables, counts, index, audit log\n"
               "audit head    %llu:%s\n",
               (unsigned long long)head.seq, head.hex);
    return 0;
}

/* ---- a citation ---------------------------------------------------------- */

/* The digest of the file as it lies there: no layers. */
static int hash_file(struct raw *raw, const struct member *m,
                     unsigned char sha256[SHA256_LEN], struct arena *a,
                     struct err *err)
{
    struct reader_got got;
    int rc = exhibit_files_member(&raw->files, m, err);
    if (rc)
        return rc;
    struct reader_place p = { raw->files.fds, 1, STR(""), 0, UINT64_MAX };
    return reader_hash(raw->reader, &p, a, sha256, &got, err);
}

struct outer {
    const struct member *m;
    unsigned char sha256[SHA256_LEN];
    bool found;
};

/* Inner members have no digest of their own: that of their file counts. */
static int find_outer(void *ctx, const struct member *m)
{
    struct outer *o = ctx;
    if (m->sha256.n != SHA256_LEN || !str_eq(m->path, o->m->path))
        return 0;
    memcpy(o->sha256, m->sha256.p, SHA256_LEN);
    o->found = true;
    return 1;
}

static int compare(struct cli *cli, struct raw *raw,
                   const struct cite_found *ref, struct err *err)
{
    unsigned char now[SHA256_LEN];
    struct arena *a = &cli->arena;
    struct outer o = { .m = &ref->member };
    int rc =
        case_members(raw->files.c, ref->member.exhibit, find_outer, &o, err);
    if (rc >= 0)
        rc = hash_file(raw, &ref->member, now, a, err);
    if (rc < 0)
        return rc;
    bool same = o.found && memcmp(o.sha256, now, SHA256_LEN) == 0;
    struct str file = { (const char *)now, SHA256_LEN };
    out_field(cli, "file", name_hex(a, file));
    out_putz(cli, same      ? "outcome       match: the file is what it was at "
                              "the import\n"
                  : o.found ? "outcome       differs\n"
                            : "outcome       no digest was taken at the "
                              "import\n");
    if (!same)
        return err_set(err, ERR_VERIFY, "X%lld/%s: not as at the import",
                       (long long)ref->member.exhibit,
                       text_line(ref->member.path));
    return 0;
}

static int verify_bytes(struct cli *cli, struct casedb *c, struct err *err)
{
    struct cite_found ref;
    struct raw raw;
    struct reader_got got;
    unsigned char sha[SHA256_LEN];
    struct arena *a = &cli->arena;
    int rc = cite_find(c, arg_word(cli, 1), a, &ref, err);
    if (rc == 0 && ref.cite.form != CITE_EVENT &&
        (ref.cite.form != CITE_PLACE || !ref.cite.has_range))
        rc = err_set(err, ERR_USAGE, "verify: %s: neither event nor citation",
                     text_line(arg_word(cli, 1)));
    if (rc)
        return rc;
    if (ref.cite.form == CITE_PLACE) /* the layers that were asked for */
        ref.member.layers = ref.cite.layers;
    rc = raw_begin(&raw, c, err);
    if (rc == 0)
        rc = raw_read(&raw, &ref.member, ref.off, ref.len, a, &got, err);
    if (rc == 0) {
        struct buf cite = { 0 };
        cite_put_place(&cite, &ref.member, ref.off, ref.len, ref.cite.sub);
        out_field(cli, "cite", buf_str(&cite));
        buf_free(&cite);
        if (hash_sha256(got.bytes, sha))
            out_field(
                cli, "sha256",
                name_hex(a, (struct str){ (const char *)sha, sizeof(sha) }));
        raw_gaps(cli, &got);
        rc = compare(cli, &raw, &ref, err);
    }
    raw_close(&raw);
    return rc;
}

/* ---- a bag --------------------------------------------------------------- */

static void put_problem(void *ctx, struct str line)
{
    struct cli *cli = ctx;
    out_putz(cli, "problem       ");
    out_bytes(cli, line); /* in display form already */
    out_putz(cli, "\n");
}

static int verify_bag(struct cli *cli, struct err *err)
{
    struct seal_check check = { 0 };
    int rc = seal_verify(cli->words[0], arg_value(cli, "--ca"), put_problem,
                         cli, &check, err);
    if (rc && rc != ERR_VERIFY)
        return rc;
    out_printf(cli, "files         %llu, %llu bytes: %s\n",
               (unsigned long long)check.files,
               (unsigned long long)check.octets,
               rc ? "NOT as they were sealed" : "complete and unaltered");
    out_printf(cli, "signature     %s%s%s\n",
               check.signed_ok       ? "right, of "
               : check.has_signature ? "not examined: --ca FILE names whom to "
                                       "trust"
                                     : "none",
               check.signed_ok ? check.signer : "", "");
    if (check.audit_head[0])
        out_printf(cli, "audit head    %s\n", check.audit_head);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct casedb *c;
    if (seal_is_bag(cli->words[0])) {
        if (cli->n_words > 1)
            return err_set(err, ERR_USAGE, "verify: a bag is verified whole");
        return verify_bag(cli, err);
    }
    if (arg_has(cli, "--ca"))
        return err_set(err, ERR_USAGE, "--ca: only with a sealed bag");
    int rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    rc =
        cli->n_words > 1 ? verify_bytes(cli, c, err) : verify_case(cli, c, err);
    case_close(c);
    return rc;
}

const struct command cmd_verify = {
    .name = "verify",
    .group = GROUP_CASE,
    .flags = COMMAND_CASE,
    .words = "CASE [E1|CITATION] | BAG",
    .summary = "Check that a case, cited bytes or a sealed bag are unaltered",
    .text = "Of a case: every page, the tables against what they have to be, "
            "the counts, the index against the rows, and the audit log. With "
            "an event or citation: the file that holds it is read again and "
            "compared, and the digest of the cited bytes is printed. All "
            "evidence: kanshiki evidence CASE verify.\n\n"
            "Of a sealed bag: all digests, nothing missing, nothing added, "
            "and the signature.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 2,
    .run = run,
};
