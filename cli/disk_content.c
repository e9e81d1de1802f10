#include "cli/disk_content.h"

#include "cli/stop.h"

#include "analyzer/cite.h"
#include "base/text.h"
#include "importers/record.h"

#include <unistd.h>

/* ---- which file ---------------------------------------------------------- */

struct finding {
    struct disk *d;
    struct file_row found; /* texts in the arena */
    size_t n;              /* different inodes */
};

static void copy_row(struct arena *a, struct file_row *r)
{
    struct str *texts[] = { &r->volume, &r->path, &r->link_target, &r->sha256,
                            &r->sha1,   &r->md5,  &r->content_type };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        *texts[i] = arena_copy(a, *texts[i]);
}

/* Of one file's two views the later one is meant, unless asked otherwise. */
static int take_file(void *ctx, const struct file_row *f)
{
    struct finding *s = ctx;
    struct file_row *r = &s->found;
    if (s->d->by_inode && f->inode != s->d->inode)
        return 0;
    if (s->n && r->inode == f->inode && str_eq(r->volume, f->volume) &&
        (r->member == f->member || f->view != r->view)) {
        if (f->view > r->view) {
            *r = *f;
            copy_row(&s->d->cli->arena, r);
        }
        return 0;
    }
    if (s->n++)
        return 0;
    *r = *f;
    copy_row(&s->d->cli->arena, r);
    return 0;
}

int disk_file_of(struct casedb *c, struct arena *a, const struct file_row *row,
                 struct disk_file *out, struct err *err)
{
    out->row = *row;
    copy_row(a, &out->row);
    return case_file_content(c, row, a, &out->member, err);
}

static int not_found(struct disk *d, size_t n, struct err *err)
{
    if (n) {
        err_set(err, ERR_USAGE, "%s: %zu different files have this path",
                text_line(d->path), n);
        err_hint(err, "ls shows them; --volume and --inode tell which.");
        return ERR_USAGE;
    }
    err_set(err, ERR_USAGE, "%s: no such file in X%lld", text_line(d->path),
            (long long)d->exhibit);
    if (d->views)
        err_hint(err, "--view all looks into both views of the volume.");
    return ERR_USAGE;
}

int disk_find(struct disk *d, struct disk_file *out, struct err *err)
{
    struct finding s = { .d = d };
    const struct file_query q = { .exhibit = d->exhibit,
                                  .volume = d->volume,
                                  .path = d->path,
                                  .scope = FILES_AT,
                                  .views = d->views };
    int rc = case_files(d->c, &q, take_file, &s, err);
    if (rc)
        return rc;
    if (s.n != 1)
        return not_found(d, s.n, err);
    return disk_file_of(d->c, &d->cli->arena, &s.found, out, err);
}

struct str disk_cite(const struct disk_file *f, struct arena *a)
{
    struct buf b = { 0 };
    cite_put_place(&b, &f->member, 0, f->row.size, 0);
    return buf_to_arena(&b, a);
}

/* ---- content ------------------------------------------------------------- */

bool disk_has_content(const struct disk_file *f)
{
    return f->row.type == FILE_REGULAR || f->row.type == FILE_DIR ||
           f->row.type == FILE_LINK;
}

int disk_stream(struct raw *raw, const struct disk_file *f, struct arena *a,
                int (*take)(void *, uint64_t, struct str), void *ctx,
                bool *gaps, struct err *err)
{
    struct reader_got got = { .n_gaps = 0 };
    int rc = exhibit_files_member(&raw->files, &f->member, err);
    if (rc == 0) {
        struct reader_place p = { raw->files.fds, raw->files.n_fds,
                                  f->member.layers, 0, UINT64_MAX };
        rc = reader_stream(raw->reader, &p, take, ctx, a, &got, err);
    }
    *gaps = got.n_gaps || got.more_gaps;
    return rc;
}

struct content {
    struct cli *cli;
    bool hex;
};

static int take_bytes(void *ctx, uint64_t off, struct str bytes)
{
    struct content *k = ctx;
    if (k->hex)
        raw_hex(k->cli, bytes, off);
    else
        out_bytes(k->cli, bytes);
    if (stop_signal())
        return ERR_STOPPED;
    return out_closed() ? 1 : 0;
}

static int stream(struct disk *d, const struct disk_file *f, struct content *k,
                  struct err *err)
{
    struct raw raw;
    bool gaps = false;
    int rc = raw_begin(&raw, d->c, err);
    if (rc == 0)
        rc = disk_stream(&raw, f, &d->cli->arena, take_bytes, k, &gaps, err);
    raw_close(&raw);
    if (rc == ERR_STOPPED)
        err_set(err, ERR_STOPPED, "disk: interrupted");
    if (rc == 0 && gaps) {
        message("%s: parts could not be read and are zeros",
                text_line(f->row.path));
        d->cli->issues = true;
    }
    if (rc == 0 && file_is_deleted(&f->row)) {
        message("%s: deleted: its blocks may have been given to others",
                text_line(f->row.path));
        d->cli->issues = true;
    }
    return rc < 0 ? rc : 0;
}

static int print(struct disk *d, bool hex, struct err *err)
{
    struct disk_file f;
    struct content k = { d->cli, hex };
    int rc = disk_find(d, &f, err);
    if (rc == 0 && !disk_has_content(&f))
        rc = err_set(err, ERR_USAGE, "%s: has no content",
                     text_line(f.row.path));
    return rc ? rc : stream(d, &f, &k, err);
}

int disk_hexdump(struct disk *d, struct err *err)
{
    return print(d, true, err);
}

int disk_cat(struct disk *d, struct err *err)
{
    if (isatty(1)) {
        err_set(err, ERR_USAGE,
                "disk cat: not to a terminal: bytes from "
                "evidence could control it");
        err_hint(err, "Send it to a file or a program, or take hexdump.");
        return ERR_USAGE;
    }
    return print(d, false, err);
}
