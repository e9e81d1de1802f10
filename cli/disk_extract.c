/*
 * disk extract: content copied out of an image. One file gets the name that
 * the examiner gives. Several, or a folder, go into a folder of the examiner's:
 * under names that we make ("X3-000001.bin"), flat, so that nothing of the
 * evidence names a file here; what each of them was stands in a manifest. No
 * existing file is ever replaced there.
 */
#include "cli/disk_content.h"

#include "base/json.h"
#include "base/text.h"
#include "cli/names.h"
#include "cli/stop.h"
#include "importers/record.h"
#include "reports/output.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { EXTRACT_PATH_MAX = 4096 };

struct extraction {
    struct disk *d;
    struct raw raw;
    const char *folder;
    struct output *manifest;
    struct arena row; /* reset for each file */
    uint64_t n, bytes, skipped;
    struct err *err;
};

struct copy {
    struct output *o;
};

static int take_bytes(void *ctx, uint64_t off, struct str bytes)
{
    struct copy *k = ctx;
    (void)off;
    output_put(k->o, bytes);
    if (stop_signal())
        return ERR_STOPPED;
    return output_failed(k->o) ? 1 : 0;
}

/* Content into an open output; its digest is known afterwards. */
static int copy_content(struct raw *raw, struct arena *a,
                        const struct disk_file *f, struct output *o,
                        char sha256[65], bool *gaps, struct err *err)
{
    struct copy k = { o };
    int rc = disk_stream(raw, f, a, take_bytes, &k, gaps, err);
    if (rc == ERR_STOPPED)
        return err_set(err, ERR_STOPPED, "disk: interrupted");
    return rc < 0 ? rc : output_finish(o, sha256, err);
}

static int audit(struct casedb *c, struct str object, struct buf *b,
                 struct err *err)
{
    int rc = b->failed
                 ? err_set(err, ERR_INTERNAL, "out of memory")
                 : case_audit(c, STR("disk.extract"), object, buf_str(b), err);
    buf_free(b);
    return rc;
}

/* ---- one file ------------------------------------------------------------ */

static void warn(struct disk *d, const struct disk_file *f, bool gaps)
{
    if (gaps)
        message("%s: parts could not be read and are zeros",
                text_line(f->row.path));
    if (file_is_deleted(&f->row))
        message("%s: deleted: its blocks may have been given to others",
                text_line(f->row.path));
    d->cli->issues |= gaps || file_is_deleted(&f->row);
}

static int audit_file(struct casedb *c, struct str path, struct str cite,
                      const char *sha256, uint64_t size, struct err *err)
{
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    json_put_open(&o, '{'); /* keys sorted */
    json_put_kstr(&o, "path", path);
    json_put_kstr(&o, "sha256", str_from(sha256));
    json_put_ki64(&o, "size", (int64_t)size);
    json_put_close(&o, '}');
    return audit(c, cite, &b, err);
}

static int extract_file(struct extraction *x, const struct disk_file *f,
                        const char *path, struct err *err)
{
    struct disk *d = x->d;
    struct output *o = NULL;
    char sha256[65];
    bool gaps = false;
    struct str cite = disk_cite(f, &d->cli->arena);
    int rc = output_open(path, arg_has(d->cli, "--force"), &o, err);
    if (rc == 0)
        rc = copy_content(&x->raw, &x->row, f, o, sha256, &gaps, err);
    uint64_t size = rc ? 0 : output_size(o);
    if (rc == 0)
        rc = audit_file(d->c, d->path, cite, sha256, size, err);
    if (rc == 0)
        rc = output_commit(o, err);
    output_close(o);
    if (rc)
        return rc;
    warn(d, f, gaps);
    if (strcmp(path, "-") == 0)
        return 0;
    out_field(d->cli, "cite", cite);
    out_field(d->cli, "file", str_from(path));
    out_printf(d->cli, "size          %llu\nsha256        %s\n",
               (unsigned long long)size, sha256);
    return 0;
}

/* ---- several ------------------------------------------------------------- */

static void put_time(struct json_out *o, const char *key, bool known,
                     struct instant t, unsigned digits)
{
    char text[TIME_TEXT_MAX];
    size_t n = known ? time_format(text, t, (int)digits, 0) : 0;
    json_put_key(o, str_from(key));
    if (known)
        json_put_str(o, (struct str){ text, n });
    else
        json_put_null(o);
}

/* One line of the manifest. name NULL: not copied, why says so. */
static int put_line(struct extraction *x, const struct disk_file *f,
                    const char *name, const char *sha256, uint64_t size,
                    const char *why)
{
    const struct file_row *r = &f->row;
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    char mode[11];
    json_put_open(&o, '{');
    if (name) {
        json_put_kstr(&o, "file", str_from(name));
        json_put_kstr(&o, "sha256", str_from(sha256));
        json_put_ki64(&o, "size", (int64_t)size);
    }
    if (why)
        json_put_kstr(&o, name ? "note" : "not_copied", str_from(why));
    json_put_kstr(&o, "path", r->path);
    json_put_kstr(&o, "volume", r->volume);
    json_put_kstr(&o, "cite", disk_cite(f, &x->row));
    json_put_kstr(&o, "state", file_state(r, &x->row));
    json_put_kstr(&o, "mode", file_mode(r, mode));
    json_put_ki64(&o, "uid", r->uid);
    json_put_ki64(&o, "gid", r->gid);
    json_put_ki64(&o, "size_stated", (int64_t)r->size);
    if (r->sha256.n)
        json_put_kstr(&o, "sha256_at_import", name_hex(&x->row, r->sha256));
    const unsigned digits = r->t_res;
    put_time(&o, "modified", !(r->flags & FILE_NO_TIME_M), r->m, digits);
    put_time(&o, "accessed", !(r->flags & FILE_NO_TIME_A), r->a, digits);
    put_time(&o, "changed", !(r->flags & FILE_NO_TIME_C), r->c, digits);
    put_time(&o, "born", !(r->flags & FILE_NO_TIME_B), r->b, digits);
    put_time(&o, "deleted", !(r->flags & FILE_NO_TIME_D), r->d, digits);
    json_put_close(&o, '}');
    buf_putc(&b, '\n');
    output_put(x->manifest, buf_str(&b));
    bool failed = b.failed;
    buf_free(&b);
    return failed ? err_set(x->err, ERR_INTERNAL, "out of memory") : 0;
}

static int copy_one(struct extraction *x, const struct disk_file *f)
{
    char name[48], path[EXTRACT_PATH_MAX + sizeof(name) + 2], sha256[65];
    struct output *o = NULL;
    struct err why = { 0 };
    bool gaps = false;
    snprintf(name, sizeof(name), "X%lld-%06llu.bin", (long long)x->d->exhibit,
             (unsigned long long)x->n + 1);
    snprintf(path, sizeof(path), "%s/%s", x->folder, name);
    int rc = output_open(path, false, &o, x->err);
    if (rc == 0)
        rc = copy_content(&x->raw, &x->row, f, o, sha256, &gaps, &why);
    if (rc == ERR_EVIDENCE) { /* the others may be read all the same */
        output_close(o);
        x->skipped++;
        return put_line(x, f, NULL, NULL, 0, why.what);
    }
    if (rc && why.code)
        *x->err = why;
    uint64_t size = rc ? 0 : output_size(o);
    if (rc == 0)
        rc = output_commit(o, x->err);
    output_close(o);
    if (rc)
        return rc;
    x->n++;
    x->bytes += size;
    x->d->cli->issues |= gaps;
    return put_line(x, f, name, sha256, size,
                    gaps ? "parts could not be read and are zeros" : NULL);
}

/* Folders are not copied, their files are; devices have no content. */
static int extract_row(void *ctx, const struct file_row *r)
{
    struct extraction *x = ctx;
    struct disk_file f;
    arena_reset(&x->row);
    if (r->type == FILE_DIR)
        return 0;
    int rc = disk_file_of(x->d->c, &x->row, r, &f, x->err);
    if (rc)
        return rc;
    if (disk_has_content(&f) && !(r->flags & FILE_REALLOCATED))
        return copy_one(x, &f);
    x->skipped++;
    return put_line(x, &f, NULL, NULL, 0,
                    disk_has_content(&f) ? "its inode is another file's now"
                                         : "no content: a device or the like");
}

static int make_folder(const char *dir, struct err *err)
{
    struct stat st;
    if (strlen(dir) > EXTRACT_PATH_MAX)
        return err_set(err, ERR_USAGE, "-o: too long");
    if (mkdir(dir, 0700) == 0)
        return 0;
    if (errno == EEXIST && stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return err_errno(err, ERR_WRITE, "%s", text_line(str_from(dir)));
}

static int audit_many(struct extraction *x, const char *sha256, struct err *err)
{
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    json_put_open(&o, '{');
    json_put_ki64(&o, "bytes", (int64_t)x->bytes);
    json_put_ki64(&o, "files", (int64_t)x->n);
    json_put_kstr(&o, "manifest_sha256", str_from(sha256));
    json_put_ki64(&o, "not_copied", (int64_t)x->skipped);
    json_put_close(&o, '}');
    return audit(x->d->c, name_exhibit(x->d->exhibit), &b, err);
}

static int copy_paths(struct extraction *x, struct err *err)
{
    struct disk *d = x->d;
    int rc = 0;
    for (size_t i = 0; i < d->n_paths && rc == 0; i++) {
        struct buf path = { 0 };
        if (!text_parse(&path, arg_word(d->cli, d->first_path + i)))
            rc = err_set(err, ERR_USAGE, "%s: not a path as ls prints it",
                         text_line(arg_word(d->cli, d->first_path + i)));
        const struct file_query q = { .exhibit = d->exhibit,
                                      .volume = d->volume,
                                      .path = buf_str(&path),
                                      .scope = FILES_BELOW,
                                      .views = d->views };
        uint64_t before = x->n + x->skipped;
        if (rc == 0)
            rc = case_files(d->c, &q, extract_row, x, err);
        if (rc == 0 && x->n + x->skipped == before)
            rc = err_set(err, ERR_USAGE, "%s: no file of this path in X%lld",
                         text_line(buf_str(&path)), (long long)d->exhibit);
        buf_free(&path);
    }
    return rc;
}

static int extract_many(struct extraction *x, struct err *err)
{
    char path[EXTRACT_PATH_MAX + 32], sha256[65];
    int rc = make_folder(x->folder, err);
    if (rc == 0) {
        snprintf(path, sizeof(path), "%s/manifest.jsonl", x->folder);
        rc = output_open(path, false, &x->manifest, err);
        if (rc == ERR_USAGE)
            err_hint(err, "Nothing there is replaced: choose another folder.");
    }
    if (rc == 0)
        rc = copy_paths(x, err);
    if (rc == 0)
        rc = output_finish(x->manifest, sha256, err);
    if (rc == 0)
        rc = audit_many(x, sha256, err);
    if (rc == 0)
        rc = output_commit(x->manifest, err);
    output_close(x->manifest);
    if (rc)
        return rc;
    struct cli *cli = x->d->cli;
    out_field(cli, "folder", str_from(x->folder));
    out_printf(cli, "files         %llu\nsize          %llu\n",
               (unsigned long long)x->n, (unsigned long long)x->bytes);
    if (x->skipped)
        out_printf(cli, "not copied    %llu (the manifest says why)\n",
                   (unsigned long long)x->skipped);
    out_printf(cli, "manifest      manifest.jsonl, sha256 %s\n", sha256);
    cli->issues |= x->skipped > 0;
    return 0;
}

int disk_extract(struct disk *d, struct err *err)
{
    struct disk_file f;
    struct stat st;
    const char *path = arg_value(d->cli, "-o");
    struct extraction x = { .d = d, .folder = path, .err = err };
    bool folder =
        d->n_paths > 1 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
    int rc = folder ? 0 : disk_find(d, &f, err);
    if (rc == 0 && !folder && f.row.type == FILE_DIR)
        folder = true;
    if (rc == 0 && !folder && !disk_has_content(&f))
        rc = err_set(err, ERR_USAGE, "%s: has no content",
                     text_line(f.row.path));
    if (rc == 0 && folder && strcmp(path, "-") == 0)
        rc = err_set(err, ERR_USAGE, "-o -: for one file only");
    if (rc == 0)
        rc = raw_begin(&x.raw, d->c, err);
    if (rc)
        return rc;
    rc = folder ? extract_many(&x, err) : extract_file(&x, &f, path, err);
    raw_close(&x.raw);
    arena_free(&x.row);
    return rc;
}

/* ---- from a screen ------------------------------------------------------- */

/* The first free name of ours in the folder of the case. */
static int open_beside(struct casedb *c, int64_t exhibit, uint64_t inode,
                       char *name, size_t size, struct output **o,
                       struct err *err)
{
    char path[EXTRACT_PATH_MAX + 96];
    struct str at = str_from(case_path(c));
    while (at.n && at.p[at.n - 1] != '/')
        at.n--;
    if (at.n > EXTRACT_PATH_MAX)
        return err_set(err, ERR_USAGE, "the path of the case is too long");
    int rc = ERR_USAGE;
    for (unsigned i = 1; i < 1000 && rc == ERR_USAGE; i++) {
        struct err why = { 0 };
        snprintf(name, size, "X%lld-ino%llu-%u.bin", (long long)exhibit,
                 (unsigned long long)inode, i);
        snprintf(path, sizeof(path), "%.*s%s", STR_ARG(at), name);
        rc = output_open(path, false, o, &why);
        if (rc)
            *err = why;
    }
    return rc;
}

int disk_save(struct casedb *c, int64_t exhibit, const struct file_row *row,
              char *told, size_t n, struct err *err)
{
    struct arena a = { 0 };
    struct disk_file f;
    struct output *o = NULL;
    struct raw raw;
    char name[80], sha256[65];
    bool gaps = false;
    int rc = disk_file_of(c, &a, row, &f, err);
    if (rc == 0 && !disk_has_content(&f))
        rc = err_set(err, ERR_USAGE, "it has no content");
    if (rc == 0)
        rc = raw_begin(&raw, c, err);
    if (rc == 0) {
        rc = open_beside(c, exhibit, row->inode, name, sizeof(name), &o, err);
        if (rc == 0)
            rc = copy_content(&raw, &a, &f, o, sha256, &gaps, err);
        if (rc == 0)
            rc = audit_file(c, f.row.path, disk_cite(&f, &a), sha256,
                            output_size(o), err);
        if (rc == 0)
            rc = output_commit(o, err);
        output_close(o);
        raw_close(&raw);
    }
    if (rc == 0)
        snprintf(told, n, "%s  sha256 %s%s", name, sha256,
                 gaps ? "  parts are zeros: they could not be read" : "");
    arena_free(&a);
    return rc;
}
