/* Packages of hosts: what is installed, and which files are not as packaged. */
#include "analyzer/packages.h"
#include "base/text.h"
#include "casedb/query.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/names.h"

static const struct command_option options[] = {
    { "--verify", NULL, "files that are not as their packages say", 0 },
    { "--all", NULL,
      "with --verify: also files not hashed or of no package anywhere", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "packages incident.kan", "What is installed." },
    { "packages incident.kan X1 --verify",
      "Which files of the disk are not as packaged." },
    { 0 },
};

/* ---- what is installed --------------------------------------------------- */

static const struct table_column package_columns[] = {
    { "exhibit", "EXHIBIT", false, 0 }, { "manager", "BY", false, 0 },
    { "package", "PACKAGE", false, 0 }, { "version", "VERSION", false, 0 },
    { "arch", "ARCH", false, 0 },       { "installed", "INSTALLED", false, 0 },
    { "built", "BUILT", false, 0 },     { "signer", "SIGNED BY", false, 0 },
    { "vendor", "VENDOR", false, 0 },   { "state", "STATE", false, 0 },
};

struct listing {
    struct cli *cli;
    struct table *t;
    uint64_t n;
};

static struct str manager_name(uint8_t manager)
{
    return manager == PACKAGE_RPM ? STR("rpm") : STR("dpkg");
}

static int put_package(void *ctx, const struct package_row *p)
{
    struct listing *l = ctx;
    l->n++;
    table_str(l->t, name_exhibit(p->exhibit));
    table_str(l->t, manager_name(p->manager));
    table_str(l->t, p->name);
    table_str(l->t, p->version);
    table_str(l->t, p->arch);
    table_time(l->t, l->cli, p->known & PACKAGE_INSTALLED,
               (struct instant){ p->installed_s, 0 }, 0);
    table_time(l->t, l->cli, p->known & PACKAGE_BUILT,
               (struct instant){ p->built_s, 0 }, 0);
    table_str(l->t, p->signer);
    table_str(l->t, p->vendor);
    table_str(l->t, p->state);
    return out_closed();
}

static int list(struct cli *cli, struct casedb *c, int64_t exhibit,
                struct err *err)
{
    struct listing l = { .cli = cli };
    l.t = out_table(cli, package_columns,
                    sizeof(package_columns) / sizeof(*package_columns), err);
    int rc = l.t ? case_packages(c, exhibit, put_package, &l, err) : err->code;
    struct err close_err = { 0 };
    int closed = l.t ? table_close(l.t, rc ? &close_err : err) : 0;
    if (rc == 0 && l.n == 0)
        message("no database of packages (rpm, dpkg) is among the evidence");
    return rc < 0 ? rc : closed;
}

/* ---- what is not as packaged --------------------------------------------- */

static const struct table_column finding_columns[] = {
    { "state", "STATE", false, 0 },
    { "what", "WHAT", false, 0 },
    { "package", "PACKAGE", false, 0 },
    { "mode", "MODE", false, 0 },
    { "packaged_mode", "PACKAGED", false, 0 },
    { "size", "SIZE", true, 0 },
    { "packaged_size", "PACKAGED", true, 0 },
    { "volume", "VOLUME", false, 0 },
    { "path", "PATH", false, 0 },
};

static struct str octal(struct cli *cli, bool known, uint32_t mode)
{
    struct buf b = { 0 };
    if (known)
        buf_printf(&b, "%04o", mode & 07777);
    return buf_to_arena(&b, &cli->arena);
}

static void put_size(struct table *t, bool known, uint64_t size)
{
    if (known)
        table_u64(t, size);
    else
        table_str(t, STR_NONE);
}

static int put_finding(struct cli *cli, struct casedb *c, struct table *t,
                       const struct packages_report *r,
                       const struct package_finding *f)
{
    struct buf what = { 0 };
    packages_differences(&what, f);
    table_str(t, str_from(package_state_names[f->state]));
    table_str(t, buf_to_arena(&what, &cli->arena));
    table_str(t, case_text(c, f->package));
    table_str(t, octal(cli, f->file != 0, f->mode));
    table_str(t, octal(cli, f->has_mode, f->packaged_mode));
    put_size(t, f->file != 0, f->size);
    put_size(t, f->has_size, f->packaged_size);
    table_str(t, r->roots[f->where].volume);
    table_str(t, f->path);
    return out_closed();
}

static int put_findings(struct cli *cli, struct casedb *c,
                        const struct packages_report *r, struct err *err)
{
    struct table *t =
        out_table(cli, finding_columns,
                  sizeof(finding_columns) / sizeof(*finding_columns), err);
    int rc = 0;
    for (size_t i = 0; t && i < r->n_findings && rc == 0; i++)
        rc = put_finding(cli, c, t, r, &r->findings[i]);
    return t ? table_close(t, err) : err->code;
}

/* ---- how far it could be told -------------------------------------------- */

static uint64_t claimed(const struct package_root *r)
{
    uint64_t n = 0;
    for (int i = 0; i < PACKAGE_NO_OWNER; i++)
        n += r->n[i];
    return n;
}

/* Why files are not hashed, and what to do. */
static void say_digests(struct cli *cli, const struct package_root *r)
{
    bool lacks_md5 = r->wants[16] && !r->md5;
    bool lacks_sha = r->wants[32] && !r->sha256;
    if (r->n[PACKAGE_NOT_HASHED] == 0)
        return;
    cli->issues = true;
    if (lacks_md5 && r->sha256)
        message("  the packages state MD5, and only SHA-256 was computed: "
                "import with --hash-files --hash-weak");
    else if (lacks_md5)
        message("  the packages state MD5: import with --hash-files "
                "--hash-weak");
    else if (lacks_sha)
        message("  files have no SHA-256: import with --hash-files");
    else
        message("  their digests were not computed, or are of another kind "
                "than the packages state");
}

static void say_root(struct cli *cli, const struct package_root *r)
{
    if (!r->on_volume) {
        message("packages that lie on no disk image: nothing to compare with");
        cli->issues = true;
        return;
    }
    message("%s%s%s: %llu paths claimed by packages", text_line(r->image),
            r->volume.n ? ", volume " : "", text_line(r->volume),
            (unsigned long long)claimed(r));
    if (r->folder.n > 1)
        message("  in the folder %s", text_line(r->folder));
    for (int i = 0; i < PACKAGE_STATES; i++)
        if (r->n[i])
            message("  %llu %s%s", (unsigned long long)r->n[i],
                    package_state_names[i],
                    i == PACKAGE_NO_OWNER
                        ? ", listed where programs lie or start by themselves, "
                          "or with privileges (--all: all)"
                        : "");
    if (r->owners)
        message("  %llu have an owner or group that only the host's own list "
                "of users would tell: not compared unless root has them",
                (unsigned long long)r->owners);
    say_digests(cli, r);
}

static int verify(struct cli *cli, struct casedb *c, int64_t exhibit,
                  struct err *err)
{
    struct packages_report r;
    int rc = packages_verify(c, exhibit, arg_has(cli, "--all"), &r, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < r.n_roots; i++)
        say_root(cli, &r.roots[i]);
    if (r.n_roots == 0)
        message("no database of packages (rpm, dpkg) is in this exhibit");
    if (r.files_elsewhere)
        message("%llu files lie on volumes without a database of packages",
                (unsigned long long)r.files_elsewhere);
    rc = put_findings(cli, c, &r, err);
    packages_free(&r);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    struct casedb *c;
    int64_t exhibit = 0;
    bool verifies = arg_has(cli, "--verify");
    if (arg_has(cli, "--all") && !verifies)
        return err_set(err, ERR_USAGE, "--all goes with --verify");
    if (verifies && cli->n_words < 2)
        return err_set(err, ERR_USAGE, "--verify takes an exhibit: X1");
    int rc =
        cli->n_words > 1 ? arg_exhibit(arg_word(cli, 1), &exhibit, err) : 0;
    if (rc)
        return rc;
    rc = cli_open(cli, CASE_READ, &c, err);
    if (rc)
        return rc;
    rc = verifies ? verify(cli, c, exhibit, err) : list(cli, c, exhibit, err);
    case_close(c);
    return rc;
}

const struct command cmd_packages = {
    .name = "packages",
    .group = GROUP_IMAGES,
    .flags = COMMAND_CASE | COMMAND_LIST,
    .words = "CASE [EXHIBIT]",
    .summary = "List packages of hosts, verify files against them",
    .text =
        "Lists what the databases of rpm and dpkg among the evidence say is "
        "installed. With --verify the files of a disk image are compared with "
        "what the packages of the same volume state of them: type, digest, "
        "size, permissions, owner and group (where root has them) and the "
        "target of links. rpm states SHA-256, dpkg MD5: import with "
        "--hash-files and, for dpkg, --hash-weak. How many files were "
        "compared, and why others were not, is told before the list.\n\n"
        "What weighs most comes first: setuid programs that no package owns or "
        "that were changed, changed programs, files of no package where "
        "programs lie or start by themselves, missing programs, other changes, "
        "and last changed configuration files, which is lawful. A package "
        "database can itself have been changed; its signatures are not "
        "verified here.",
    .options = options,
    .examples = examples,
    .min = 1,
    .max = 2,
    .run = run,
};
