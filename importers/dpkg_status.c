/*
 * What dpkg knows of installed packages: /var/lib/dpkg/status, one paragraph a
 * package, with its configuration files and their MD5; and the lists of files
 * in /var/lib/dpkg/info: NAME.list (paths), NAME.md5sums (paths with MD5). No
 * time is stated. docs/formats/host.md.
 */
#include "base/hash.h"
#include "base/text.h"
#include "importers/lines.h"
#include "importers/packages.h"

enum { MD5 = 16 };

struct status {
    struct import_job *job;
    uint64_t off, end;
    bool open, conffiles;
    bool former; /* an older state: status-old, a backup */
    struct buf name, version, arch, state, text, path;
};

static bool field(struct str line, const char *name, struct str *value)
{
    struct str n = str_from(name);
    if (!str_starts(line, n) || line.n == n.n || line.p[n.n] != ':')
        return false;
    *value = str_trim(str_sub(line, n.n + 1, line.n));
    return true;
}

static void keep(struct buf *b, struct str s)
{
    buf_clear(b);
    buf_put(b, str_sub(s, 0, 4096));
}

static struct str utf8(const struct buf *b)
{
    struct str s = buf_str(b);
    return text_utf8_valid(s) ? s : STR_NONE;
}

/* ---- status -------------------------------------------------------------- */

static int tell(struct status *s)
{
    if (!s->open)
        return 0;
    s->open = s->conffiles = false;
    if (s->name.n == 0)
        return sink_reject(s->job->sink, s->off, s->end - s->off, "dpkg-status",
                           "a paragraph without a package");
    struct record_package p = {
        .name = buf_str(&s->name),
        .version = utf8(&s->version),
        .arch = utf8(&s->arch),
        .state = utf8(&s->state),
        .manager = PACKAGE_DPKG,
    };
    buf_clear(&s->text);
    buf_put(&s->text, p.name);
    buf_putc(&s->text, ' ');
    buf_put(&s->text, buf_str(&s->version));
    buf_putc(&s->text, ' ');
    buf_put(&s->text, buf_str(&s->arch));
    buf_putz(&s->text, ": ");
    buf_put(&s->text, buf_str(&s->state));
    struct record r = {
        .off = s->off,
        .len = (uint32_t)(s->end - s->off),
        .action = STR("package"),
        .service = STR("dpkg"),
        .target = p.name,
        .target_kind = KIND_PACKAGE,
        .text = buf_str(&s->text),
    };
    int rc = sink_record(s->job->sink, &r);
    return rc || s->former ? rc : sink_package(s->job->sink, &p);
}

/* " /etc/name MD5 [obsolete] [remove-on-upgrade]"; names hold no blanks. */
static int take_conffile(struct status *s, struct str line)
{
    unsigned char md5[MD5];
    struct str rest = str_trim(line);
    const char *blank = rest.n ? memchr(rest.p, ' ', rest.n) : NULL;
    struct str path =
        str_sub(rest, 0, blank ? (size_t)(blank - rest.p) : rest.n);
    rest = str_trim(str_sub(rest, path.n, rest.n));
    if (path.n == 0 || path.p[0] != '/' || s->name.n == 0 || s->former)
        return 0;
    bool gone = str_find(rest, STR("obsolete")) != SIZE_MAX ||
                str_find(rest, STR("remove-on-upgrade")) != SIZE_MAX;
    struct record_package_file f = {
        .package = buf_str(&s->name),
        .path = path,
        .manager = PACKAGE_DPKG,
        .flags = PACKAGE_CONFIG | (gone ? PACKAGE_MISSING_OK : 0u),
    };
    if (rest.n >= 2 * MD5 &&
        hash_from_hex(str_sub(rest, 0, (size_t)2 * MD5), md5, MD5))
        f.digest = (struct str){ (char *)md5, MD5 };
    return sink_package_file(s->job->sink, &f);
}

static int status_line(struct status *s, const struct line *l)
{
    struct str v, line = l->text;
    if (str_trim(line).n == 0 && !l->rest)
        return tell(s);
    if (!s->open) {
        s->open = true;
        s->off = l->off;
        buf_clear(&s->name);
        buf_clear(&s->version);
        buf_clear(&s->arch);
        buf_clear(&s->state);
    }
    s->end = l->off + line.n;
    if (l->rest)
        return 0;
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return s->conffiles ? take_conffile(s, line) : 0;
    s->conffiles = field(line, "Conffiles", &v);
    if (field(line, "Package", &v))
        keep(&s->name, v);
    else if (field(line, "Version", &v))
        keep(&s->version, v);
    else if (field(line, "Architecture", &v))
        keep(&s->arch, v);
    else if (field(line, "Status", &v))
        keep(&s->state, v);
    return 0;
}

static void free_status(struct status *s)
{
    struct buf *all[] = { &s->name,  &s->version, &s->arch,
                          &s->state, &s->text,    &s->path };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        buf_free(all[i]);
}

static int status_import(struct import_job *job, struct err *err)
{
    struct str name = path_base(job->name);
    struct status s = { .job = job,
                        .former = str_starts(name, STR("status-old")) ||
                                  str_starts(name, STR("dpkg.status.")) };
    struct lines l;
    struct line line;
    int rc;
    (void)err;
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0)
        if ((rc = status_line(&s, &line)))
            break;
    if (rc == LINES_END) {
        int stop = tell(&s);
        rc = stop ? stop : rc;
    }
    free_status(&s);
    return lines_end(&l, rc);
}

static const char *const status_paths[] = { "var/lib/dpkg/status",
                                            "var/lib/dpkg/status-old",
                                            "var/lib/dpkg/status.d/*",
                                            "var/backups/dpkg.status.*", NULL };

static int status_probe(struct probe *p)
{
    struct str head = str_trim(window_text(p->head));
    if (!str_starts(head, STR("Package:")) ||
        str_find(head, STR("\nStatus:")) == SIZE_MAX ||
        str_find(head, STR("\nVersion:")) == SIZE_MAX)
        return 0;
    p->reason = "paragraphs of packages with their status";
    return 92;
}

const struct importer importers_dpkg_status = {
    .name = "dpkg-status",
    .title = "Installed packages of dpkg",
    .reads = "/var/lib/dpkg/status",
    .paths = status_paths,
    .probe = status_probe,
    .import = status_import,
};

/* ---- lists of files ------------------------------------------------------ */

/* "NAME[:ARCH].list": the package; *md5: which of the two. */
static struct str package_of(struct str path, bool *md5)
{
    struct package_name name;
    struct str base = path_base(path);
    *md5 = str_ends(base, STR(".md5sums"));
    if (!*md5 && !str_ends(base, STR(".list")))
        return STR_NONE;
    base.n -= *md5 ? 8 : 5;
    package_dpkg(base, &name);
    return name.name;
}

/* "MD5  usr/bin/name" */
static bool take_sum(struct str line, unsigned char md5[MD5], struct str *path)
{
    size_t n = 2 * MD5;
    if (line.n < n + 2 || !hash_from_hex(str_sub(line, 0, n), md5, MD5) ||
        line.p[n] != ' ')
        return false;
    *path = str_sub(line, n + 1, line.n);
    if (path->p[0] == ' ' || path->p[0] == '*')
        *path = str_sub(*path, 1, path->n);
    return path->n != 0;
}

static int list_line(struct status *s, const struct line *l, struct str package,
                     bool md5)
{
    unsigned char sum[MD5];
    struct str path = l->text;
    struct record_package_file f = { .package = package,
                                     .manager = PACKAGE_DPKG };
    if (path.n == 0 || str_eq(path, STR("/.")))
        return 0; /* the root */
    if (l->part || l->rest || (md5 && !take_sum(l->text, sum, &path)) ||
        (!md5 && path.p[0] != '/'))
        return sink_reject(s->job->sink, l->off, l->text.n, "dpkg-list",
                           md5 ? "not a digest and a path" : "not a path");
    buf_clear(&s->path);
    if (path.p[0] != '/')
        buf_putc(&s->path, '/');
    buf_put(&s->path, path);
    f.path = buf_str(&s->path);
    if (md5)
        f.digest = (struct str){ (char *)sum, MD5 };
    return s->path.failed ? ERR_INTERNAL : sink_package_file(s->job->sink, &f);
}

static int list_import(struct import_job *job, struct err *err)
{
    struct status s = { .job = job };
    bool md5;
    struct str package = package_of(job->name, &md5);
    struct lines l;
    struct line line;
    int rc;
    (void)err;
    if (package.n == 0)
        return sink_issue(job->sink, ISSUE_ERROR, 0, 0, "dpkg-list",
                          "the name of the file says no package: it must be "
                          "NAME.list or NAME.md5sums");
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0)
        if ((rc = list_line(&s, &line, package, md5)))
            break;
    free_status(&s);
    return lines_end(&l, rc);
}

static const char *const list_paths[] = { "var/lib/dpkg/info/*.list",
                                          "var/lib/dpkg/info/*.md5sums",
                                          "var/lib/dpkg/status.d/*.md5sums",
                                          NULL };

static int list_probe(struct probe *p)
{
    unsigned char sum[MD5];
    bool md5;
    struct str path, line = p->head;
    const char *lf = line.n ? memchr(line.p, '\n', line.n) : NULL;
    if (lf)
        line.n = (size_t)(lf - line.p);
    if (package_of(p->path, &md5).n == 0)
        return 0;
    bool fits =
        md5 ? take_sum(line, sum, &path) : line.n > 1 && line.p[0] == '/';
    bool here = path_like_any(p->path, list_paths);
    p->reason = md5 ? "MD5 digests and paths of a package"
                    : "paths of the files of a package";
    return fits ? here ? 95 : md5 ? 60 : 0 : 0;
}

const struct importer importers_dpkg_files = {
    .name = "dpkg-files",
    .title = "Files of the packages of dpkg",
    .reads = "/var/lib/dpkg/info/*.list, *.md5sums",
    .paths = list_paths,
    .probe = list_probe,
    .import = list_import,
};
