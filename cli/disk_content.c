#include "cli/disk_content.h"

#include "cli/raw.h"
#include "cli/stop.h"

#include "analyzer/cite.h"
#include "base/json.h"
#include "base/text.h"
#include "importers/record.h"
#include "reports/output.h"

#include <unistd.h>

/* ---- which file ---------------------------------------------------------- */

struct finding {
    struct disk *d;
    struct disk_file *out;
    size_t n; /* different inodes */
};

static int take_file(void *ctx, const struct file_row *f)
{
    struct finding *s = ctx;
    struct arena *a = &s->d->cli->arena;
    struct file_row *r = &s->out->row;
    if (!str_eq(f->path, s->d->path) ||
        (s->d->by_inode && f->inode != s->d->inode))
        return 0;
    if (s->n && r->inode == f->inode && r->member == f->member &&
        str_eq(r->volume, f->volume))
        return 0;
    if (s->n++)
        return 0;
    *r = *f;
    r->volume = arena_copy(a, f->volume);
    r->path = arena_copy(a, f->path);
    r->link_target = arena_copy(a, f->link_target);
    r->sha256 = arena_copy(a, f->sha256);
    return 0;
}

int disk_find(struct disk *d, struct disk_file *out, struct err *err)
{
    struct finding s = { d, out, 0 };
    struct arena *a = &d->cli->arena;
    const struct file_query q = { d->exhibit, d->volume, d->path, FILES_AT, 0 };
    int rc = case_files(d->c, &q, take_file, &s, err);
    if (rc)
        return rc;
    if (s.n == 0)
        return err_set(err, ERR_USAGE, "%s: no such file in X%lld",
                       text_line(d->path), (long long)d->exhibit);
    if (s.n > 1) {
        err_set(err, ERR_USAGE, "%s: %zu different files have this path",
                text_line(d->path), s.n);
        err_hint(err, "ls shows them; --volume and --inode tell which.");
        return ERR_USAGE;
    }
    rc = case_member(d->c, out->row.member, a, &out->member, err);
    if (rc)
        return rc;
    struct buf layers = { 0 };
    buf_put(&layers, out->member.layers);
    if (out->row.volume.n) {
        buf_putc(&layers, '!');
        buf_put(&layers, out->row.volume);
    }
    buf_printf(&layers, "!ino/%llu", (unsigned long long)out->row.inode);
    out->member.layers = buf_to_arena(&layers, a);
    return out->member.layers.p ? 0
                                : err_set(err, ERR_INTERNAL, "out of memory");
}

struct str disk_cite(const struct disk_file *f, struct arena *a)
{
    struct buf b = { 0 };
    cite_put_place(&b, &f->member, 0, f->row.size, 0);
    return buf_to_arena(&b, a);
}

/* ---- content ------------------------------------------------------------- */

struct content {
    struct cli *cli;
    struct output *o;
    bool hex;
};

static int take_bytes(void *ctx, uint64_t off, struct str bytes)
{
    struct content *k = ctx;
    if (k->o)
        output_put(k->o, bytes);
    else if (k->hex)
        raw_hex(k->cli, bytes, off);
    else
        out_bytes(k->cli, bytes);
    if (stop_signal())
        return ERR_STOPPED;
    return (k->o ? output_failed(k->o) : out_closed()) ? 1 : 0;
}

/* Links hold their target, devices nothing. */
static int check_type(const struct disk_file *f, struct err *err)
{
    if (f->row.type == FILE_REGULAR || f->row.type == FILE_DIR ||
        f->row.type == FILE_LINK)
        return 0;
    return err_set(err, ERR_USAGE, "%s: has no content",
                   text_line(f->row.path));
}

static int stream(struct disk *d, const struct disk_file *f, struct content *k,
                  struct err *err)
{
    struct raw raw;
    struct reader_got got = { .n_gaps = 0 };
    int rc = raw_open(&raw, d->c, err);
    if (rc == 0)
        rc = exhibit_files_member(&raw.files, &f->member, err);
    if (rc == 0) {
        struct reader_place p = { raw.files.fds, raw.files.n_fds,
                                  f->member.layers, 0, UINT64_MAX };
        rc = reader_stream(raw.reader, &p, take_bytes, k, &d->cli->arena, &got,
                           err);
    }
    raw_close(&raw);
    if (rc == ERR_STOPPED)
        err_set(err, ERR_STOPPED, "disk: interrupted");
    if (rc == 0 && (got.n_gaps || got.more_gaps)) {
        message("%s: parts could not be read and are zeros",
                text_line(f->row.path));
        d->cli->issues = true;
    }
    if (rc == 0 && f->row.flags & (FILE_DELETED | FILE_REALLOCATED)) {
        message("%s: deleted: its blocks may have been given to others",
                text_line(f->row.path));
        d->cli->issues = true;
    }
    return rc < 0 ? rc : 0;
}

static int print(struct disk *d, bool hex, struct err *err)
{
    struct disk_file f;
    struct content k = { .cli = d->cli, .hex = hex };
    int rc = disk_find(d, &f, err);
    if (rc == 0)
        rc = check_type(&f, err);
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

/* ---- extract ------------------------------------------------------------- */

static int audit_copy(struct disk *d, struct str cite, const char *sha256,
                      uint64_t size, struct err *err)
{
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    json_put_open(&o, '{'); /* keys sorted */
    json_put_kstr(&o, "path", d->path);
    json_put_kstr(&o, "sha256", str_from(sha256));
    json_put_ki64(&o, "size", (int64_t)size);
    json_put_close(&o, '}');
    int rc = b.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                      : case_audit(d->c, STR("disk.extract"), cite, buf_str(&b),
                                   err);
    buf_free(&b);
    return rc;
}

int disk_extract(struct disk *d, struct err *err)
{
    struct disk_file f;
    struct content k = { .cli = d->cli };
    char sha256[65];
    const char *path = arg_value(d->cli, "-o");
    int rc = disk_find(d, &f, err);
    if (rc == 0)
        rc = check_type(&f, err);
    if (rc == 0)
        rc = output_open(path, arg_has(d->cli, "--force"), &k.o, err);
    if (rc)
        return rc;
    struct str cite = disk_cite(&f, &d->cli->arena);
    uint64_t size = 0;
    rc = stream(d, &f, &k, err);
    if (rc == 0)
        rc = output_finish(k.o, sha256, err);
    if (rc == 0) {
        size = output_size(k.o);
        rc = audit_copy(d, cite, sha256, size, err);
    }
    if (rc == 0)
        rc = output_commit(k.o, err);
    output_close(k.o);
    if (rc || strcmp(path, "-") == 0)
        return rc;
    out_field(d->cli, "cite", cite);
    out_field(d->cli, "file", str_from(path));
    out_printf(d->cli, "size          %llu\nsha256        %s\n",
               (unsigned long long)size, sha256);
    return 0;
}
